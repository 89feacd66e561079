"""Every fill and every rest has its reason."""

from __future__ import annotations

import pytest

from simulator.core.events import OrderFilled
from simulator.core.explaining import Explanation, explain
from simulator.core.orders import CancelReason
from tests.builders import BUY, IOC, SELL, Play, book


def explained(market: Play) -> Explanation:
    order = next(reversed(market.exchange.state.orders.values()))
    return explain(market.market, order, [event for event in market.events if isinstance(event, OrderFilled)])


def test_a_taker_hears_whom_it_met() -> None:
    market = book(asks="100x3")
    market.rest(SELL, 2, 99, by="bob")
    market.buy(4, 100)
    told = explained(market)
    assert [(one.price, one.qty, one.source) for one in told.fills if one.source != ""][-1] == (
        "100",
        "2",
        "outside market",
    )
    assert told.status == "FILLED" and told.rest == "nothing is left"


def test_a_resting_order_hears_where_it_stands() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 98)
    told = explained(market)
    assert told.rest == "it rests with 4 of the market's queue ahead of it" and told.queue_ahead_now == "4"
    market.trade(SELL, 4, 98)
    assert explained(market).rest == "it rests first in its queue"
    market.invalidate()
    assert "stale" in explained(market).rest


def test_beyond_the_view_the_place_is_not_known() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 90)
    told = explained(market)
    assert "not known" in told.rest and told.queue_ahead_now is None


def test_a_fill_of_a_resting_order_says_what_stood_before_it_and_when_it_came() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 98)
    ts = market.now + 5_000_000
    market.trade(SELL, 5, 98, ts=ts)
    (fill,) = explained(market).fills
    assert (fill.queue_ahead_at_entry, fill.trigger) == ("4", ts)
    assert fill.cause == "the market traded at its price and the queue ahead was used up"


@pytest.mark.parametrize("reason", CancelReason)
def test_every_end_has_words(reason: CancelReason) -> None:
    market = book(asks="100x3")
    market.buy(1, 99, tif=IOC)
    market.placed().cancel_reason = reason
    assert explained(market).rest
