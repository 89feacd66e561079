"""``/_sim/...``: the simulator's own doors. A table of rows says what may be asked and what is answered.

Enters: a method, a name, a query and a body. Leaves: a status and JSON. What changes the exchange goes
through the runner like everything else. May import everything below ``app``; knows no sockets.
"""
