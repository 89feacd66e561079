"""Why an order filled and why the rest of it did not: read from what is remembered, when somebody asks.

What an order met while it was placed stands in its fills; what the market did while it rested is noted
with the order (``Waited``); who was the other side of a fill, and by which models the market filled then,
is found in the history. So an order costs next to nothing more for being explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from simulator.core.events import OrderFilled
from simulator.core.history import Fill, History
from simulator.core.market import Market
from simulator.core.orders import LIMIT_MAKER, CancelReason, Order, Waited
from simulator.core.reasons import APART, ENDS, FROM_OUTSIDE, PAUSED, STALE, WAS_STALE, said_reason, why_filled
from simulator.core.refusals import Refused
from simulator.core.state import State
from simulator.core.units import Lots, Nanos, Ticks


class FillReason(msgspec.Struct, frozen=True):
    """One fill: ``source`` is whom it traded with, ``trigger`` the market's time of what caused it (ns).

    ``reason`` says it in a sentence, ``message`` is the market's own id of what caused it (or of the book that
    it took from), ``other_account`` and ``other_order_id`` are the other side where it is of this exchange.
    ``model`` and ``residual`` are those by which the market filled then.
    """

    price: str
    qty: str
    cause: str
    source: str
    queue_ahead_at_entry: str | None
    trigger: Nanos | None
    time: Nanos
    maker: bool
    queue_ahead_before: str | None
    message: str
    other_account: str | None
    other_order_id: str | None
    model: str
    residual: str
    reason: str


class Walked(msgspec.Struct, frozen=True):
    """What a taker met at one price from one source, in the order in which it did."""

    price: str
    qty: str
    source: str
    account: str | None


class Waiting(msgspec.Struct, frozen=True):
    """An order that rests or rested: where it stands and what the market did meanwhile, at its price or through it.

    ``away`` is how far the best price of the other side is from its own. ``went_to_...`` are parts of what the
    market traded; ``moved_forward_by_books`` is what left the queue before it without a trade.
    """

    price: str
    queue_ahead_at_entry: str | None
    queue_ahead_now: str | None
    orders_ahead_now: str
    best_opposite: str | None
    away: str | None
    traded_at_its_price: str
    traded_through_its_price: str
    went_to_the_queue_ahead: str
    went_to_orders_before_it: str
    moved_forward_by_books: str
    traded_while_stale: str
    mirror_stale: bool
    symbol_halted: bool
    beyond_the_shown_book: bool


class Refusal(msgspec.Struct, frozen=True):
    """An order that never came to be; ``rest`` says why in words, ``time`` is in ns."""

    client_order_id: str
    account: str
    symbol: str
    status: str
    reason: str
    rest: str
    time: Nanos


class Explanation(msgspec.Struct, frozen=True):
    """An order's fills with their reasons, and ``rest``: why what is left has not filled, in one sentence.

    ``reasons`` are all sentences about that, ``walked`` and ``stopped_by`` what it met when it was placed,
    ``refusals`` later attempts with the same client order id.
    """

    order_id: str
    client_order_id: str
    status: str
    model: str
    fills: list[FillReason]
    rest: str
    queue_ahead_now: str | None
    account: str
    symbol: str
    placed: Nanos
    residual: str
    seed: int
    reasons: list[str]
    walked: list[Walked]
    stopped_by: str
    waiting: Waiting | None
    refusals: list[Refusal]


class Explainer:
    """Reads an exchange and its history; ``seed`` is the run's."""

    def __init__(self, state: State, history: History, seed: int = 0) -> None:
        self._state = state
        self._history = history
        self._seed = seed

    def order(self, order: Order, refused: Iterable[Refused] = ()) -> Explanation:
        """Everything known about one order."""
        market = self._state.markets[order.symbol]
        fills = self._history.fills_of(order)
        waiting = _waiting(market, order) if order.is_open or order.waited is not None else None
        reasons = list(_reasons(market, order))
        return Explanation(
            order_id=str(order.id),
            client_order_id=order.client_order_id,
            status=order.status.name,
            model=market.model.name,
            fills=[self.fill(one.ts, one.event) for one in fills],
            rest=reasons[0],
            queue_ahead_now=_lots(market, order.ahead) if order.is_open else None,
            account=order.account,
            symbol=order.symbol,
            placed=order.created,
            residual=market.mirror.residual.name,
            seed=self._seed,
            reasons=reasons,
            walked=self._walked(market, fills),
            stopped_by=_stopped_by(market, order, fills),
            waiting=waiting,
            refusals=[explain_refusal(one) for one in refused],
        )

    def fill(self, now: Nanos, fill: OrderFilled) -> FillReason:
        """Why one fill happened."""
        market = self._state.markets[fill.symbol]
        outside = fill.cause in FROM_OUTSIDE
        other = None if outside else self._history.other_part(fill)
        models = self._history.models_at(fill.symbol, fill.fill_id)
        return FillReason(
            price=_price(market, fill.price),
            qty=_size(market, fill.qty),
            cause=fill.cause.value,
            source="outside market" if outside else "an order of this exchange",
            queue_ahead_at_entry=_lots(market, fill.ahead),
            trigger=fill.trigger,
            time=now,
            maker=fill.maker,
            queue_ahead_before=_lots(market, fill.ahead_then),
            message=fill.message,
            other_account=None if other is None else other.account,
            other_order_id=None if other is None else str(other.order_id),
            model=models.queue,
            residual=models.residual,
            reason=why_filled(market.instrument, fill, other),
        )

    def _walked(self, market: Market, fills: list[Fill]) -> list[Walked]:
        """Levels: what was taken at one price from one source is one of them."""

        def met(fill: OrderFilled) -> tuple[Ticks, str | None]:
            other = None if fill.cause in FROM_OUTSIDE else self._history.other_part(fill)
            return fill.price, None if other is None else other.account

        taken = [fill.event for fill in fills if not fill.event.maker]
        return [
            Walked(
                _price(market, price),
                _size(market, sum(fill.qty for fill in some)),
                "outside market" if account is None else "an order of this exchange",
                account,
            )
            for (price, account), some in groupby(taken, met)
        ]


def explain_refusal(refused: Refused) -> Refusal:
    """Why an order never came to be."""
    order = refused.order
    return Refusal(
        order.client_order_id,
        order.account,
        order.symbol,
        "REFUSED",
        refused.reason.name,
        f"it was refused: {said_reason(refused.reason)}",
        refused.ts,
    )


def _price(market: Market, price: Ticks) -> str:
    return market.instrument.price_grid.text(price)


def _size(market: Market, lots: Lots) -> str:
    return market.instrument.qty_grid.text(lots)


def _lots(market: Market, lots: Lots | None) -> str | None:
    return None if lots is None else _size(market, lots)


def _reasons(market: Market, order: Order) -> Iterator[str]:
    """Why what is left has not filled; the first sentence is the shortest true answer."""
    if order.cancel_reason is not None:
        yield from _why_ended(market, order, order.cancel_reason)
    elif not order.is_open:
        yield "nothing is left"
    else:
        yield from _why_it_rests(market, order)


def _why_ended(market: Market, order: Order, reason: CancelReason) -> Iterator[str]:
    stopped = order.stopped
    stale = stopped is not None and stopped.stale
    yield WAS_STALE if stale and reason is CancelReason.NO_LIQUIDITY else ENDS[reason]
    if stopped is None:
        return
    if stale and reason is not CancelReason.NO_LIQUIDITY:
        yield WAS_STALE
    yield "nothing more was offered" if stopped.offer is None else f"the next offer was {_price(market, stopped.offer)}"


def _why_it_rests(market: Market, order: Order) -> Iterator[str]:
    if order.command.apart:
        yield APART
        return
    if not market.matching:
        yield PAUSED
    if market.mirror.stale:
        yield STALE
    if order.ahead is None:
        yield "it rests beyond the part of the market's book that is shown; its place in the queue is not known"
    elif order.ahead:
        yield f"it rests with {_size(market, order.ahead)} of the market's queue ahead of it"
    else:
        yield "it rests first in its queue"
    if not market.trading:
        yield "trading of the symbol is halted: no new order can come to it"
    opposite, away = _distance(market, order)
    yield (
        "nobody is on the other side of the book"
        if opposite is None
        else f"the best price of the other side, {opposite}, is {away} away from its own"
    )
    yield from _why_trades_passed(market, order)


def _why_trades_passed(market: Market, order: Order) -> Iterator[str]:
    waited = order.waited or Waited()
    came = waited.at + waited.through
    if not came:
        yield "the market has not traded at its price or through it since it came"
    else:
        yield (
            f"since it came the market traded {_size(market, waited.at)} at its price and "
            f"{_size(market, waited.through)} through it: {_size(market, waited.to_queue)} went to the queue before "
            f"it, {_size(market, waited.to_orders)} to orders of this exchange before it"
        )
    if waited.while_stale:
        yield f"{_size(market, waited.while_stale)} traded there while the mirror was stale"


def _distance(market: Market, order: Order) -> tuple[str | None, str | None]:
    opposite = market.best(order.side.opposite)
    if opposite is None or order.price is None:
        return None, None
    return _price(market, opposite), _price(market, (opposite - order.price) * order.side.sign)


def _stopped_by(market: Market, order: Order, fills: list[Fill]) -> str:
    """What ended its walk through the book when it was placed."""
    if order.type is LIMIT_MAKER:
        return "it takes nothing: it is post-only"
    if order.stopped is not None and order.cancel_reason in _ENDS_OF_TAKERS:
        return next(_reasons(market, order))
    if order.price is None or sum(one.event.qty for one in fills if not one.event.maker) == order.qty:
        return "it got all that it asked for"
    return f"its limit of {_price(market, order.price)}"


_ENDS_OF_TAKERS = frozenset(CancelReason) - {CancelReason.USER, CancelReason.LIQUIDATION}


def _waiting(market: Market, order: Order) -> Waiting:
    assert order.price is not None
    waited = order.waited or Waited()
    opposite, away = _distance(market, order)
    return Waiting(
        price=_price(market, order.price),
        queue_ahead_at_entry=_lots(market, order.joined_behind),
        queue_ahead_now=_lots(market, order.ahead) if order.is_open else None,
        orders_ahead_now=_size(market, _orders_before(order)),
        best_opposite=opposite,
        away=away,
        traded_at_its_price=_size(market, waited.at),
        traded_through_its_price=_size(market, waited.through),
        went_to_the_queue_ahead=_size(market, waited.to_queue),
        went_to_orders_before_it=_size(market, waited.to_orders),
        moved_forward_by_books=_size(market, waited.by_books),
        traded_while_stale=_size(market, waited.while_stale),
        mirror_stale=market.mirror.stale,
        symbol_halted=not market.trading,
        beyond_the_shown_book=order.is_open and order.ahead is None,
    )


def _orders_before(order: Order) -> Lots:
    """Lots of older orders of this exchange at its price."""
    lots, older = 0, order.prev
    while older is not None:
        lots += older.leaves
        older = older.prev
    return lots
