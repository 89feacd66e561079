"""Listen keys: tickets to the private socket, 64 letters that live for an hour.

HashKey REST 7. Whether a second POST gives the first key again is unknown; here it gives a new one and
all of an account's keys stay valid, because Hummingbot's spot and perpetual connectors each make one
with the same API key. Keys are hashes of a seed and of what makes each one different, so the same
requests at the same times give the same keys.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha512
from string import ascii_letters
from typing import Final

from simulator.core.units import NANOS_PER_SECOND, Nanos

LIFETIME: Final[Nanos] = 60 * 60 * NANOS_PER_SECOND
GRACE: Final[Nanos] = 60 * NANOS_PER_SECOND
"""How much longer a key really lives: ccxt renews it exactly at 60 minutes (real shapes 12.5)."""


class ListenKeys:
    """All keys that have not run out, the next to expire first."""

    __slots__ = ("_expiry", "_made", "_seed")

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._made = 0
        # Time never goes back and all keys live equally long, so the order of (re)insertion is that of expiry.
        self._expiry: dict[str, tuple[str, Nanos, str]] = {}

    def create(self, account: str, now: Nanos, api_key: str = "") -> str:
        """A new key of an account, made with an API key."""
        self._forget_expired(now)
        self._made += 1
        # The account and the time are in it so that a restarted exchange never hands one account another's old key.
        hashed = sha512(f"{self._seed} {self._made} {account} {now}".encode()).digest()
        key = "".join(ascii_letters[byte % len(ascii_letters)] for byte in hashed)
        self._expiry[key] = account, now + LIFETIME + GRACE, api_key
        return key

    def renew(self, key: str, now: Nanos) -> bool:
        """Whether there is such a key; it then lives another hour."""
        if self.account_of(key, now) is None:
            return False
        account, _, api_key = self._expiry.pop(key)
        self._expiry[key] = account, now + LIFETIME + GRACE, api_key
        return True

    def delete(self, key: str, now: Nanos) -> bool:
        """Whether there was such a key; it is gone."""
        alive = self.account_of(key, now) is not None
        self._expiry.pop(key, None)
        return alive

    def account_of(self, key: str, now: Nanos) -> str | None:
        """Whose key it is; None when it is unknown or has run out."""
        account, expiry, _ = self._expiry.get(key, (None, 0, ""))
        return account if now < expiry else None

    def forget(self, api_key: str) -> None:
        """Every key that an API key made is gone."""
        for key in [key for key, (_, _, maker) in self._expiry.items() if maker == api_key]:
            del self._expiry[key]

    def expire(self, chosen: Callable[[str], bool], most: int | None = None) -> int:
        """End the keys of some accounts before their time, at most so many; returns how many."""
        keys = [key for key, (account, _, _) in self._expiry.items() if chosen(account)][:most]
        for key in keys:
            del self._expiry[key]
        return len(keys)

    def __len__(self) -> int:
        return len(self._expiry)

    def _forget_expired(self, now: Nanos) -> None:
        while self._expiry:
            oldest = next(iter(self._expiry))
            if now < self._expiry[oldest][1]:
                break
            del self._expiry[oldest]
