"""The way round: programs that run unchanged are led to the simulator where they mean HashKey.

``hashkey-sim exec`` opens a door for HashKey's names on an address of this machine that only it uses
(``front``), starts the program with surroundings (``environment``) in which those names lead to that door,
and goes when the program goes (``running``). How a name gets there depends on the program:

* Python reads ``python/sitecustomize.py`` and Node ``node/detour.cjs`` before its own first line. Both change
  name resolution, connecting and trust inside the interpreter.
* Programs that mind proxy variables (curl, Go, Rust's reqwest, ...) get a proxy of ours (``proxy``).
* Where Linux allows it, the program has a hosts file of its own (``hosts_file``), which the C library's and
  everybody else's resolution obeys: it is what stands between HashKey and a program that takes none of the above.

Each of these refuses what it cannot lead: a name under HashKey's domains goes to the simulator or nowhere.
Other names are not touched. Of the simulator this may import everything but the command line.
"""
