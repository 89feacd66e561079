"""What follows from a command, worked off before it is over, until nothing is left.

Whoever moves a perpetual's market or a wallet puts it on the state's lists; the rest happens here, in a fixed order:
first perpetuals (a new mark, then stops that it reaches, then what the insurance fund has to sell), then wallets
(margin). Each may put others on the lists; each also uses something up (a waiting stop, a position, liquidity),
so it ends.

What falls due by time alone, funding and a mark that waits for its second, is done before the first command at or after
that time; a runner that brings AdvanceTime at ``Exchange.next_timer()`` does it on time.
"""

from __future__ import annotations

from simulator.core import liquidating, marking, paying, stopping
from simulator.core.events import Event
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.state import NEVER, State


def work_off(state: State, events: list[Event]) -> None:
    """Look at everything that moved, and at what moves by that."""
    moved, risky = state.moved, state.risky
    while moved or risky:
        if moved:
            listed = next(iter(moved))
            del moved[listed]
            _look_at(state, listed, events)
        else:
            wallet = next(iter(risky))
            del risky[wallet]
            if not wallet.is_sound():
                liquidating.look_at(state, wallet, events)


def _look_at(state: State, listed: PerpetualMarket, events: list[Event]) -> None:
    marking.refresh(state, listed, events)
    stopping.forget_closed(listed, events)
    if listed.market.trading:
        stopping.go_off(state, listed, events)
        liquidating.get_rid(state, listed, events)
    _set_timer(state)


def _set_timer(state: State) -> None:
    state.timer = min(map(_timer, state.perpetuals.values()))


def _timer(listed: PerpetualMarket) -> int:
    funding = listed.perpetual.funding
    settles = NEVER if funding is None else funding.settle_time
    return settles if listed.mark_due is None else min(settles, listed.mark_due)


def on_time(state: State) -> list[Event]:
    """What the passing of time brings."""
    events: list[Event] = []
    for listed in state.perpetuals.values():
        if listed.mark_due is not None and listed.mark_due <= state.now:
            listed.wake()
    work_off(state, events)
    for listed in state.perpetuals.values():
        paying.settle(state, listed, events)
    work_off(state, events)
    _set_timer(state)
    return events
