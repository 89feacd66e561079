"""Mark and index prices: told by the venue or by hand, or reckoned by the rule of ``marks.py``."""

from __future__ import annotations

from simulator.core.commands import ComputeMarkPrice, SetMarkPrice
from simulator.core.events import Event, MarkChanged
from simulator.core.marks import SECOND, fair, median, mid
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos, Price


def unknown_perpetual(state: State, symbol: str) -> RejectReason | None:
    """Why there is no such perpetual, or None."""
    if symbol in state.perpetuals:
        return None
    return RejectReason.NOT_A_PERPETUAL if symbol in state.markets else RejectReason.UNKNOWN_SYMBOL


def check_mark(state: State, command: SetMarkPrice) -> RejectReason | None:
    """Prices are positive."""
    refusal = unknown_perpetual(state, command.symbol)
    if refusal is not None:
        return refusal
    positive = all(price is None or price > 0 for price in (command.mark, command.index))
    return None if positive else RejectReason.PRICE_NOT_POSITIVE


def set_mark(state: State, now: Nanos, command: SetMarkPrice) -> list[Event]:
    """What was told counts at once and is not computed any more."""
    listed = state.perpetuals[command.symbol]
    perpetual = listed.perpetual
    perpetual.told_mark = perpetual.told_mark or command.mark is not None
    perpetual.told_index = perpetual.told_index or command.index is not None
    listed.reckons = not (perpetual.told_mark and perpetual.told_index)
    mark = perpetual.mark if command.mark is None else command.mark
    index = perpetual.index if command.index is None else command.index
    events: list[Event] = []
    _become(state, listed, command.ts, mark, index, events)
    listed.wake()
    return events


def check_compute(state: State, command: ComputeMarkPrice) -> RejectReason | None:
    """It must be a perpetual."""
    return unknown_perpetual(state, command.symbol)


def compute_mark(state: State, now: Nanos, command: ComputeMarkPrice) -> list[Event]:
    """Back to the rule, as if nothing had been told."""
    listed = state.perpetuals[command.symbol]
    listed.perpetual.told_mark = listed.perpetual.told_index = False
    listed.reckons = True
    listed.basis.clear()
    listed.wake()
    return []


def refresh(state: State, listed: PerpetualMarket, events: list[Event]) -> None:
    """Reckon mark and index anew, once a second (HashKey REST 2.11); what comes sooner is made up for later."""
    perpetual, basis = listed.perpetual, listed.basis
    listed.mark_due = None
    if not listed.reckons:
        return
    second = state.now // SECOND
    if perpetual.mark is not None and basis.second == second:
        listed.mark_due = (second + 1) * SECOND
        return
    middle = mid(listed.market)
    if middle is None:
        return
    basis.second = second
    spot = state.markets.get(listed.contract.index)
    followed = None if spot is None else mid(spot)
    index = perpetual.index if perpetual.told_index else middle if followed is None else followed
    assert index is not None
    mark = perpetual.mark
    average = index + basis.average(state.now, middle - index)
    if not perpetual.told_mark:
        last = average if listed.last is None else listed.last
        mark = max(1, median(fair(index, perpetual.funding, state.now), average, last))
    _become(state, listed, state.now, mark, index, events)


def _become(
    state: State, listed: PerpetualMarket, ts: Nanos, mark: Price | None, index: Price | None, events: list[Event]
) -> None:
    """Everybody who holds it is worth something else from now on."""
    perpetual = listed.perpetual
    if (mark, index) == (perpetual.mark, perpetual.index):
        return
    moved = mark != perpetual.mark
    perpetual.become(mark, index)
    if mark is None:
        return
    events.append(MarkChanged(listed.symbol, ts, mark, index))
    if moved:
        for seat in listed.seats:
            if seat.long.lots or seat.short.lots:
                seat.wallet.outdated = True
                state.risky[seat.wallet] = None
