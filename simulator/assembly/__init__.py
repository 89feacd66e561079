"""How one exchange is put together from the settings: its market, its people, its past, and what reads it.

Enters: settings. Leaves: ``Parts``, an exchange at its first moment with a runner and a market ready to play, and what
can be done with the whole of it (snapshots, forks, faults). May import everything below; knows no sockets of ours.
"""
