"""Every fill and every rest has its reason."""

from __future__ import annotations

import pytest

from simulator.core.events import PositionLiquidated, StopPlaced
from simulator.core.explaining_perpetuals import explain_liquidation, explain_stop
from simulator.core.orders import CancelReason, PositionEffect, PositionSide
from tests.builders import BUY, IOC, SELL, book, futures


def test_a_taker_hears_whom_it_met() -> None:
    market = book(asks="100x3")
    market.rest(SELL, 2, 99, by="bob")
    market.buy(4, 100)
    told = market.explained()
    assert [(one.price, one.qty, one.source) for one in told.fills if one.source != ""][-1] == (
        "100",
        "2",
        "outside market",
    )
    assert told.status == "FILLED" and told.rest == "nothing is left"


def test_a_resting_order_hears_where_it_stands() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 98)
    told = market.explained()
    assert told.rest == "it rests with 4 of the market's queue ahead of it" and told.queue_ahead_now == "4"
    market.trade(SELL, 4, 98)
    assert market.explained().rest == "it rests first in its queue"
    market.invalidate()
    assert "stale" in market.explained().rest


def test_beyond_the_view_the_place_is_not_known() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 90)
    told = market.explained()
    assert "not known" in told.rest and told.queue_ahead_now is None


def test_a_fill_of_a_resting_order_says_what_stood_before_it_and_when_it_came() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 1, 98)
    ts = market.now + 5_000_000
    market.trade(SELL, 5, 98, ts=ts)
    (fill,) = market.explained().fills
    assert (fill.queue_ahead_at_entry, fill.trigger) == ("4", ts)
    assert fill.cause == "the market traded at its price and the queue ahead was used up"


@pytest.mark.parametrize("reason", CancelReason)
def test_every_end_has_words(reason: CancelReason) -> None:
    market = book(asks="100x3")
    market.buy(1, 99, tif=IOC)
    market.placed().cancel_reason = reason
    assert market.explained().rest


def test_a_stop_says_what_it_waits_for_and_what_became_of_it() -> None:
    play = futures("99x50", "101x50")
    (placed,) = play.stop(BUY, PositionEffect.OPEN, 1, 104, 105)
    assert isinstance(placed, StopPlaced)
    stop, market = play.exchange.state.stops[placed.stop_id], play.market
    told = explain_stop(market, stop)
    assert (told.status, told.rest, told.order_id) == ("WAITING", "it waits for the mark price to rise to 104", None)
    play.mark(104)
    told = explain_stop(market, stop)
    assert told.rest == "the mark price came to 104 and its order went in"
    assert told.order_id == str(stop.order_id)


def test_a_stop_whose_order_was_refused_says_why() -> None:
    play = futures("99x50", "101x50")
    (placed,) = play.stop(SELL, PositionEffect.CLOSE, 1, 96)
    assert isinstance(placed, StopPlaced)
    play.mark(96)
    told = explain_stop(play.market, play.exchange.state.stops[placed.stop_id])
    assert told.rest == "the mark price came to 96 and its order was refused: position not enough"


def test_a_take_over_says_at_which_mark_and_why() -> None:
    play = futures("99x50", "101x50", funds=60)
    play.open(PositionSide.LONG, 5, 101)
    play.mark(89)
    event = next(event for event in play.events if isinstance(event, PositionLiquidated))
    told = explain_liquidation(play.exchange.state.perpetuals[play.symbol], event)
    assert (told.order_id, told.side, told.qty, told.mark_price) == (str(event.order_id), "LONG", "5", "89")
    assert told.rest.startswith("at a mark of 89 the equity behind the wallet's cross positions was not more")
