"""Money in and out by hand."""

from __future__ import annotations

from typing import Literal

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.doing import Number, digits, do
from simulator.control.table import Ask, BadAsk, NotThere, Row
from simulator.core.commands import Deposit, Withdraw
from simulator.core.units import Money, NotANumber, OffGrid, money, money_text
from simulator.venues.hashkey.accounts import futures_of


class Amount(Ask, frozen=True):
    """So much of an asset, for one wallet of an account."""

    account: str
    asset: str
    amount: Number
    wallet: Literal["spot", "futures"] = "spot"


class Balance(msgspec.Struct, frozen=True):
    """What a wallet has of an asset now."""

    free: str
    held: str


def deposit(parts: Parts, ask: Amount) -> Balance:
    """Money from outside."""
    do(parts, Deposit(_wallet(parts, ask), ask.asset, _money(ask)))
    return _balance(parts, ask)


def withdraw(parts: Parts, ask: Amount) -> Balance:
    """Free money to the outside."""
    do(parts, Withdraw(_wallet(parts, ask), ask.asset, _money(ask)))
    return _balance(parts, ask)


def _wallet(parts: Parts, ask: Amount) -> str:
    name = ask.account if ask.wallet == "spot" else futures_of(ask.account)
    if name not in parts.desk.state.customers:
        raise NotThere(f"there is no account {ask.account}; there are {', '.join(parts.desk.state.customers)}")
    if not (ask.asset.isascii() and ask.asset.isalnum()):
        raise BadAsk(f"{ask.asset!r} is not the name of an asset")
    return name


def _money(ask: Amount) -> Money:
    try:
        return money(digits(ask.amount))
    except (NotANumber, OffGrid):
        raise BadAsk(f"{ask.amount} is not an amount") from None


def _balance(parts: Parts, ask: Amount) -> Balance:
    balance = parts.desk.state.ledger.balance(_wallet(parts, ask), ask.asset)
    return Balance(money_text(balance.free), money_text(balance.held))


ROWS = (
    Row("POST", "deposit", deposit, Amount, Balance, "money into a wallet"),
    Row("POST", "withdraw", withdraw, Amount, Balance, "free money out of a wallet"),
)
