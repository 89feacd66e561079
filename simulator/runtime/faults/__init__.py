"""What goes wrong, when, how often, from which seed: told, kept, counted and ended here; done where things are sent.

A fault changes what is *sent*, never what *happened*; the few that say otherwise (``maintenance``, ``pause_matching``)
go through the exchange's door as commands, like everything that happens. Entered by ``Faults.begin``, asked at the
ways out (``server/faulty.py``). Nothing told: nobody asks.
"""
