"""Every fill and every rest has its reason."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.core.commands import ChooseModels, PrintTrade, ReplaceDepth, SetTrading
from simulator.core.events import PositionLiquidated, StopPlaced
from simulator.core.explaining_perpetuals import explain_liquidation, explain_stop
from simulator.core.orders import CancelReason, PositionEffect, PositionSide
from tests.builders import BUY, FOK, IOC, LIMIT_MAKER, SELL, SYMBOL, book, futures, levels


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


def test_a_fill_names_the_message_that_caused_it_and_the_queue_before_it() -> None:
    market = book(bids="98x4")
    market.rest(BUY, 3, 98)
    market.do(PrintTrade(SYMBOL, market.now + 2_000_000, 98, 3, SELL, "t1"))
    market.do(PrintTrade(SYMBOL, market.now + 2_000_000, 98, 2, SELL, "t2"))
    market.do(PrintTrade(SYMBOL, market.now + 2_000_000, 97, 9, SELL, "t3"))
    first, second = market.explained().fills
    assert (first.message, first.queue_ahead_at_entry, first.queue_ahead_before, first.time) == (
        "t2",
        "4",
        "1",
        market.now - 1_000_000,
    )
    assert first.reason == (
        "the market traded at its price (t2): of the 4 that stood before it when it came 1 were left, 1 came to it"
    )
    assert (second.message, second.queue_ahead_before) == ("t3", "0")
    assert second.reason == "the market traded through its price (t3): 2 came to it"


def test_a_book_that_crosses_an_order_is_named() -> None:
    market = book(bids="98x4", asks="101x2")
    market.rest(BUY, 3, 99)
    market.do(ReplaceDepth(SYMBOL, market.now, levels("97x1"), levels("99x2"), "v9"))
    (fill,) = market.explained().fills
    assert (fill.message, fill.reason) == ("v9", "the market's book came to or through its price (v9) with 2 for it")


def test_both_sides_of_a_trade_hear_of_the_other() -> None:
    market = book()
    resting = market.rest(SELL, 2, 100, by="bob")
    market.buy(1, 100)
    (taken,) = market.explained().fills
    (given,) = market.explained(resting).fills
    assert (taken.other_account, taken.other_order_id, taken.maker) == ("bob", str(resting.id), False)
    assert taken.reason == f"it took 1 from order {resting.id} of bob"
    assert (given.other_account, given.maker) == ("alice", True)
    assert given.reason == f"order {market.placed().id} of alice traded 1 against it"


def test_a_taker_hears_of_the_levels_it_walked_and_what_stopped_it() -> None:
    market = book()
    market.do(ReplaceDepth(SYMBOL, market.now, (), levels("100x3 101x1 105x9"), "v1"))
    for qty in (1, 1):
        market.rest(SELL, qty, 100, by="bob")
    market.buy(7, 101)
    told = market.explained()
    assert [(one.price, one.qty, one.source, one.account) for one in told.walked] == [
        ("100", "3", "outside market", None),
        ("100", "2", "an order of this exchange", "bob"),
        ("101", "1", "outside market", None),
    ]
    assert told.stopped_by == "its limit of 101"
    assert told.fills[0].reason == "it took 3 from the market's book (v1)"
    assert told.waiting is not None and (told.waiting.best_opposite, told.waiting.away) == ("105", "4")


@pytest.mark.parametrize(
    ("order", "rest", "more"),
    [
        ({"qty": 9, "at": 101, "tif": IOC}, "immediate-or-cancel", "the next offer was 105"),
        ({"qty": 99, "at": 105, "tif": FOK}, "fill-or-kill", "the next offer was 100"),
        ({"qty": 99}, "the other side of the book was empty", "nothing more was offered"),
    ],
)
def test_a_taker_that_ended_hears_what_would_have_come_next(order: dict[str, Any], rest: str, more: str) -> None:
    market = book(asks="100x3 101x1 105x9")
    market.buy(**order)
    told = market.explained()
    assert told.rest.startswith(rest) and told.stopped_by == told.rest
    assert told.reasons == [told.rest, more] and told.waiting is None


def test_who_got_all_hears_so() -> None:
    market = book(asks="100x3")
    market.buy(3, 101)
    told = market.explained()
    assert (told.stopped_by, told.reasons) == ("it got all that it asked for", ["nothing is left"])
    market.buy(1, 99, type=LIMIT_MAKER)
    assert market.explained().stopped_by == "it takes nothing: it is post-only"


def test_a_market_order_on_a_stale_mirror_hears_that_it_was_stale() -> None:
    market = book(asks="100x3")
    market.invalidate()
    market.buy(1)
    assert market.explained().rest == "the mirror of the market was stale when it came; nothing of it could be taken"
    market.buy(1, 100, tif=IOC)
    assert "stale when it came" in market.explained().reasons[1]


def test_a_resting_order_hears_what_the_market_did_meanwhile() -> None:
    market = book(bids="98x9", asks="101x2")
    older = market.rest(BUY, 2, 98, by="bob")
    order = market.rest(BUY, 2, 98)
    market.change(bids="98x7")
    market.trade(SELL, 8, 98)
    market.invalidate()
    market.trade(SELL, 5, 97)
    market.do(SetTrading(SYMBOL, trading=False))
    told = market.explained(order)
    waiting = told.waiting
    assert waiting is not None
    assert (waiting.queue_ahead_at_entry, waiting.queue_ahead_now, waiting.orders_ahead_now) == ("9", "0", "1")
    assert (waiting.traded_at_its_price, waiting.went_to_the_queue_ahead, waiting.went_to_orders_before_it) == (
        "8",
        "7",
        "1",
    )
    assert (waiting.moved_forward_by_books, waiting.traded_while_stale) == ("2", "5")
    assert (waiting.mirror_stale, waiting.symbol_halted, waiting.beyond_the_shown_book) == (True, True, False)
    assert told.reasons == [
        "the mirror of the market is stale; nothing fills from it",
        "it rests first in its queue",
        "trading of the symbol is halted: no new order can come to it",
        "the best price of the other side, 101, is 3 away from its own",
        (
            "since it came the market traded 8 at its price and 0 through it: 7 went to the queue before it, "
            "1 to orders of this exchange before it"
        ),
        "5 traded there while the mirror was stale",
    ]
    assert older.leaves == 1


def test_an_order_that_nothing_reached_hears_that() -> None:
    market = book(bids="98x9")
    market.rest(BUY, 1, 98)
    market.trade(SELL, 5, 99)
    assert market.explained().reasons == [
        "it rests with 9 of the market's queue ahead of it",
        "nobody is on the other side of the book",
        "the market has not traded at its price or through it since it came",
    ]


def test_a_cancelled_order_still_tells_what_it_waited_for() -> None:
    market = book(bids="98x9")
    order = market.rest(BUY, 1, 98)
    market.trade(SELL, 5, 98)
    market.cancel(order)
    told = market.explained(order)
    assert told.rest == "cancelled by its owner"
    assert told.waiting is not None and told.waiting.went_to_the_queue_ahead == "5"
    assert told.queue_ahead_now is None


def test_a_fill_names_the_models_of_its_own_time() -> None:
    market = book(asks="100x3")
    market.buy(1, 100)
    market.do(ChooseModels(SYMBOL, "", "sticky"))
    market.buy(1, 100)
    first, second = (market.explained(order) for order in market.exchange.state.orders.values())
    assert (first.fills[0].model, first.fills[0].residual) == ("pessimistic", "difference")
    assert (second.fills[0].residual, second.residual) == ("sticky", "sticky")


def test_a_crossed_stale_book_can_be_explained() -> None:
    """Before the first whole book after a gap, what is told may stand on the wrong side of our orders."""
    market = book(bids="98x4", asks="101x2")
    order = market.rest(BUY, 1, 100)
    market.invalidate()
    market.change(asks="99x2")
    told = market.explained(order).waiting
    assert told is not None and told.away == "-1"
