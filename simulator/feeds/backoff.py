"""How long to wait before the next try: twice as long each time, up to a bound, never exactly that long.

The part that is left to chance keeps many clients of one venue from coming back in step; it is drawn from a
seed, so a run can be repeated.
"""

from __future__ import annotations

from random import Random
from typing import Final

FIRST_S: Final = 0.25
MOST_S: Final = 10.0


class Backoff:
    """The waits of one thing that is tried again and again, in seconds."""

    def __init__(self, seed: int | str, first_s: float = FIRST_S, most_s: float = MOST_S) -> None:
        self._chance = Random(seed)  # noqa: S311 - jitter, not a secret
        self._first_s = first_s
        self._most_s = most_s
        self._next_s = first_s

    def wait_s(self) -> float:
        """The next wait: between half of what it has grown to and all of it."""
        grown, self._next_s = self._next_s, min(self._most_s, 2 * self._next_s)
        return grown * self._chance.uniform(0.5, 1.0)

    def worked(self) -> None:
        """The last try was a good one: the next failure is the first again."""
        self._next_s = self._first_s
