"""How fast it is, as ratios to others measured in the same run: ``python -m benchmarks``.

Absolute numbers of one machine on one day say little; how we compare with a well-known engine, a bare
server or a naive implementation on the same machine in the same minute says much. Every goal is such a
ratio: the contestants run in turns (A B C A B C), the ratio is taken within each round, and the median
of the rounds counts. Nothing of ``simulator`` imports this package.
"""
