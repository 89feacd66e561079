"""What the real market shows and would have done to us.

Enters: depth and trades of the outside market, as ticks and lots. Leaves: what a taker may still
take, where a resting order stands in a mirrored level, and how much of a market event reaches it.
May import the shared vocabulary of ``core`` only.
"""
