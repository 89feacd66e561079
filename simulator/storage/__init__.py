"""What outlives the process: the journal of commands and the API keys, in one folder (``--state``).

Enters: commands and events from the runner, keys from who makes them. Leaves: the same commands, in order, with
a proof of what they did. May import ``core``, ``venues`` and ``runtime``; ``sqlite3`` lives here.
"""
