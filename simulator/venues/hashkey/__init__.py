"""HashKey Global: its REST and WebSocket language ↔ our commands and events.

Enters: requests (``gate.py``), socket messages and the real venue's market data. Leaves: commands to the
exchange, and the bytes that HashKey would answer. Each table has its module: ``routes.py`` the REST
calls, ``errors.py`` the refusals, ``exchange_info.json`` the listed symbols.
"""
