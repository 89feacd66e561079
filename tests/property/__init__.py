"""Machines, invariants and the slow, obvious exchange they are compared with."""
