"""Market data in: frames become messages, messages become commands.

Enters: raw frames, live or recorded. Leaves: market-data commands in ticks and lots. The live socket
client lives here too. May import ``core``, ``venues`` and ``runtime``.
"""
