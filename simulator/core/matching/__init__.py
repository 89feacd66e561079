"""Who trades with whom: price-time priority, time in force, self-trade prevention.

Enters: an order and the liquidity it may meet. Leaves: matches (maker, price, quantity). Knows no
money and no clock. May import the shared vocabulary of ``core`` only.
"""
