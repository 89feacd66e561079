"""The one door, and the weather outside it: clocks, the runner, rate limits.

Enters: commands, from requests and from a market source. Leaves: events, to every subscriber, in the
order in which they happened. May import ``core``; knows nothing of sockets, files or HashKey.
"""
