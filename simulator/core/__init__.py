"""What an exchange is. Pure: no I/O, no clock, no randomness, no logging.

Enters: commands with the time at which they happen. Leaves: events. May import the standard library's
data tools, sortedcontainers and msgspec; knows nothing of sockets, files, HashKey or who asks.
"""
