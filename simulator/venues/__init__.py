"""Venues: one venue's wire language ↔ our commands and events. Still no sockets.

May import ``core`` only.
"""
