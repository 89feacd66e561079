"""Who owns what: balances, holds, fees, and postings that always sum to zero.

May import the shared vocabulary of ``core`` only.
"""
