"""Funding settles: see ``accounts/funding.py`` for what is paid, here is when and between whom.

Every open position pays or receives by its own size, the insurance fund's too. The outside market holds the
other side of all of them together, so it is the house account ``MARKET`` that receives what they paid: a
settlement sums to zero. The mark is the one of that moment.
"""

from __future__ import annotations

from simulator.core.accounts.funding import Funding
from simulator.core.accounts.ledger import MARKET
from simulator.core.commands import SetFunding
from simulator.core.events import Event, FundingPaid, FundingSet, FundingSettled, InsuranceChanged
from simulator.core.filling import Touched, report
from simulator.core.marking import unknown_perpetual
from simulator.core.orders import PositionSide
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Lots, Money, Nanos, Price


def check_funding(state: State, command: SetFunding) -> RejectReason | None:
    """A settlement is in the future."""
    refusal = unknown_perpetual(state, command.symbol)
    if refusal is not None:
        return refusal
    return None if command.settle_time > state.now else RejectReason.FUNDING_TIME_PASSED


def set_funding(state: State, now: Nanos, command: SetFunding) -> list[Event]:
    """The rate of the next settlement, and its time."""
    listed = state.perpetuals[command.symbol]
    listed.perpetual.funding = Funding(command.rate, command.settle_time)
    listed.wake()
    return [FundingSet(command.symbol, command.rate, command.settle_time)]


def settle(state: State, listed: PerpetualMarket, events: list[Event]) -> None:
    """Every settlement whose time has come."""
    funding = listed.perpetual.funding
    while funding is not None and funding.settle_time <= state.now:
        mark = listed.perpetual.mark
        if mark is not None:
            _settle(state, listed, funding, mark, events)
        funding.passed()


def _settle(state: State, listed: PerpetualMarket, funding: Funding, mark: Price, events: list[Event]) -> None:
    touched: Touched = {}
    paid = 0
    for seat in listed.seats:
        for position in seat.positions:
            if position.lots:
                amount = funding.received(position.value, position.sign)
                seat.receive(position, amount)
                paid -= amount
                touched[seat.wallet.balance] = touched[position] = None
                events.append(_paid(listed, position.account, position.side, position.lots, mark, funding, amount))
    fund = listed.fund
    for position in fund.positions:
        if position.lots:
            amount = funding.received(position.value, position.sign)
            fund.balance.free += amount
            position.realised += amount
            paid -= amount
            events += [
                _paid(listed, position.account, position.side, position.lots, mark, funding, amount),
                InsuranceChanged(fund.balance.asset, fund.balance.free),
            ]
    state.ledger.balance(MARKET, fund.balance.asset).free += paid
    events.append(FundingSettled(listed.symbol, funding.settle_time, funding.rate, mark, paid))
    report(touched, events)


def _paid(
    listed: PerpetualMarket,
    account: str,
    side: PositionSide,
    lots: Lots,
    mark: Price,
    funding: Funding,
    amount: Money,
) -> FundingPaid:
    asset = listed.fund.balance.asset
    return FundingPaid(account, listed.symbol, side, funding.settle_time, lots, mark, funding.rate, asset, amount)
