"""Recordings: a market on a disk, and the way back.

``format.py`` describes the file, writes and reads it. ``recorder.py`` takes a feed's raw messages. ``player.py``
makes of a recording what a live feed would yield, so the pump cannot tell them apart. ``inspect.py`` tells what
a recording holds, ``gaps.py`` where it has holes. The import of other venues' data is a journey of its own:
``neutral.py`` reads it, ``books.py`` moves it to HashKey's steps, ``publishing.py`` tells it as HashKey would,
``importer.py`` writes it down.

Enters: raw frames, or neutral files. Leaves: frames at their times. May import ``core``, ``venues`` and
``runtime``; nothing here knows a socket, an exchange or a clock.
"""
