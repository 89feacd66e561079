"""Accounts while the exchange runs: who there is, what they have, and one more."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.accounts import Balance
from simulator.control.doing import Number, digits, do
from simulator.control.table import Ask, BadAsk, NotThere, Row
from simulator.core.commands import Deposit, OpenAccount
from simulator.core.units import Money, NotANumber, OffGrid, money, money_text
from simulator.ready import Access
from simulator.venues.hashkey.accounts import futures_of, user_of
from simulator.venues.hashkey.signing import ApiKey

LONGEST_NAME: Final = 64


class NewAccount(Ask, frozen=True):
    """An account and what it has to begin with, by asset."""

    name: str
    balances: dict[str, Number] = msgspec.field(default_factory=dict)
    futures_balances: dict[str, Number] = msgspec.field(default_factory=dict)


def open_account(parts: Parts, ask: NewAccount) -> Access:
    """A new account with both wallets, its money, and a key that may trade."""
    state, fees = parts.desk.state, parts.desk.fees
    plain = ask.name.replace("-", "").replace("_", "")
    if not (plain.isascii() and plain.isalnum() and len(ask.name) <= LONGEST_NAME):
        raise BadAsk(f"a name has letters, digits, - and _, and at most {LONGEST_NAME} of them; not {ask.name!r}")
    if ask.name in state.customers:
        raise BadAsk(f"there is an account {ask.name} already; POST keys makes it another key")
    spot, futures = _amounts(ask.balances), _amounts(ask.futures_balances)
    do(parts, OpenAccount(ask.name, *fees.spot(ask.name)))
    do(parts, OpenAccount(futures_of(ask.name), *fees.futures(ask.name)))
    for wallet, amounts in ((ask.name, spot), (futures_of(ask.name), futures)):
        for asset, amount in amounts.items():
            do(parts, Deposit(wallet, asset, amount))
    key = ApiKey(secrets.token_hex(16), secrets.token_hex(16), ask.name)
    parts.desk.keys.add(key)
    return Access(ask.name, key.key, key.secret)


def _amounts(told: Mapping[str, Number]) -> dict[str, Money]:
    """Money by asset, or BadAsk; nothing happens before all of it makes sense."""
    amounts = {}
    for asset, number in told.items():
        if not (asset.isascii() and asset.isalnum()):
            raise BadAsk(f"{asset!r} is not the name of an asset")
        try:
            amounts[asset] = money(digits(number))
        except (NotANumber, OffGrid):
            amounts[asset] = -1
        if amounts[asset] < 0:
            raise BadAsk(f"{number} is not an amount of {asset}")
    return {asset: amount for asset, amount in amounts.items() if amount}


class Holdings(msgspec.Struct, frozen=True):
    """What an account has in its two wallets, by asset."""

    name: str
    spot: dict[str, Balance]
    futures: dict[str, Balance]


class Whose(Ask, frozen=True):
    """One account, or all of them."""

    account: str = ""


def holdings(parts: Parts, ask: Whose) -> list[Holdings]:
    """In the order in which they were opened."""
    users = list(dict.fromkeys(user_of(name) for name in parts.desk.state.customers))
    if ask.account and ask.account not in users:
        raise NotThere(f"there is no account {ask.account}; there are {', '.join(users)}")
    wanted = [ask.account] if ask.account else users
    return [Holdings(name, _wallet(parts, name), _wallet(parts, futures_of(name))) for name in wanted]


def _wallet(parts: Parts, name: str) -> dict[str, Balance]:
    return {
        asset: Balance(money_text(one.free), money_text(one.held))
        for asset, one in parts.desk.state.ledger.of(name).items()
    }


ROWS = (
    Row("GET", "accounts", holdings, Whose, list[Holdings], "the accounts and what they have"),
    Row("POST", "accounts", open_account, NewAccount, Access, "a new account with an API key pair"),
)
