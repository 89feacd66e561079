"""HashKey's account numbers for our account names, and the other way round.

Real shapes 1.3: the accounts of one user were made in the same millisecond and have consecutive ids
(…112 spot, …115 custody, …116 fiat), the futures account has a later one of its own. We number users
in the order in which their accounts were opened, so the same exchange always has the same ids.
"""

from __future__ import annotations

from typing import Final

from simulator.core.state import State

FIRST_USER_ID: Final = 1_732_885_739_572_845_312
_MS: Final = 1 << 23
_BETWEEN_USERS: Final = 1000 * _MS
# Not a whole number of seconds, or one user's futures account would be another's spot account.
_FUTURES_LATER: Final = 325_501 * _MS

SPOT, FUTURES, CUSTODY, FIAT = 1, 3, 5, 6
"""``accountType`` (HashKey REST 5.3)."""
LABELS: Final = {
    SPOT: "Main Trading Account",
    FUTURES: "Main Future Account",
    CUSTODY: "Custody Account",
    FIAT: "Fiat Account",
}
_OFFSET: Final = {SPOT: 112, CUSTODY: 115, FIAT: 116, FUTURES: _FUTURES_LATER + 112}

FUTURES_SUFFIX: Final = "/futures"


def user_of(account: str) -> str:
    """The user an account belongs to: ``bob/futures`` is one of bob's."""
    return account.partition("/")[0]


def futures_of(account: str) -> str:
    """The name of a user's futures account."""
    return user_of(account) + FUTURES_SUFFIX


class AccountIds:
    """Numbers for names; reads the exchange's accounts in their order."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._users: dict[str, int] = {}
        self._account_ids: dict[str, str] = {}

    def _number(self, user: str) -> int:
        number = self._users.get(user)
        if number is None:
            users = dict.fromkeys(user_of(name) for name in self._state.customers)
            self._users = {name: place for place, name in enumerate(users)}
            number = self._users[user]
        return number

    def user_id(self, account: str) -> str:
        """The id of the user behind an account."""
        return str(FIRST_USER_ID + self._number(user_of(account)) * _BETWEEN_USERS)

    def typed_id(self, account: str, kind: int) -> str:
        """The id of one of a user's accounts, by ``accountType``."""
        return str(int(self.user_id(account)) + _OFFSET[kind])

    def account_id(self, account: str) -> str:
        """The id of an account by its own name."""
        known = self._account_ids.get(account)
        if known is None:
            known = self.typed_id(account, FUTURES if account.endswith(FUTURES_SUFFIX) else SPOT)
            self._account_ids[account] = known
        return known

    def name(self, account: str, account_id: str) -> str | None:
        """The name behind an id, if it is a tradable account of the same user."""
        if account_id == self.typed_id(account, SPOT):
            return user_of(account)
        if account_id == self.typed_id(account, FUTURES):
            return futures_of(account)
        return None
