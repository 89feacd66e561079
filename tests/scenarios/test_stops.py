"""Orders that wait for a price, and exits of positions."""

from __future__ import annotations

import pytest

from simulator.core.commands import CancelStop, CancelStops, Exit, PlaceOrder, PlaceStop, SetTrading
from simulator.core.events import (
    Event,
    OrderAccepted,
    PositionLiquidated,
    PositionStopsSet,
    StopCanceled,
    StopFailed,
    StopPlaced,
    StopTriggered,
)
from simulator.core.orders import (
    CancelReason,
    OrderType,
    PositionEffect,
    Side,
    StopStatus,
    TimeInForce,
    TriggerBy,
)
from simulator.core.rejections import RejectReason
from simulator.core.stops import Stop
from tests.builders import (
    BUY,
    CLOSE,
    GTC,
    IOC,
    LIMIT,
    LIMIT_MAKER,
    LONG,
    MARKET,
    OPEN,
    PERPETUAL,
    SELL,
    SHORT,
    Futures,
    fills,
    futures,
    perpetual,
    rejection,
)

LAST = TriggerBy.LAST


def stop_of(market: Futures) -> Stop:
    """The stop that the last command placed."""
    placed = next(event for event in market.events if isinstance(event, StopPlaced))
    return market.exchange.state.stops[placed.stop_id]


def kinds(events: list[Event]) -> list[str]:
    names = [type(event).__name__ for event in events]
    return [name for name in names if name.startswith(("Stop", "Order", "PositionS", "PositionL"))]


def long_position(funds: int = 1_000) -> Futures:
    market = futures("99x9", "100x9", funds=funds)
    market.open(LONG, 5, 100)
    return market


# -- stop orders -------------------------------------------------------------------------------------


def test_a_stop_waits_for_its_price_and_then_its_order_goes_in() -> None:
    market = long_position()
    market.stop(SELL, CLOSE, 5, 95, id="mine")
    stop = stop_of(market)
    assert market.wallet().order_margin == 0 and market.position(LONG).available == 5
    assert kinds(market.mark(96)) == []
    events = market.mark(95)
    assert kinds(events) == ["StopTriggered", "OrderAccepted", "OrderFilled"]
    triggered = next(event for event in events if isinstance(event, StopTriggered))
    assert stop.status is StopStatus.TRIGGERED and stop.order_id == triggered.order_id != stop.id
    assert market.exchange.state.orders[triggered.order_id].client_order_id == "mine"
    assert market.position(LONG).lots == 0
    assert kinds(market.mark(94)) == []


def test_a_stop_can_wait_for_a_rise() -> None:
    market = futures("99x9", "100x9")
    market.stop(BUY, OPEN, 2, 105, 106)
    assert stop_of(market).rising
    market.depth("104x9", "105x1")
    assert fills(market.mark(105)) == "105x1"
    assert market.bids == "106x1 104x9"


@pytest.mark.parametrize(("side", "rising"), [(BUY, True), (SELL, False)])
def test_before_there_is_a_price_the_side_says_what_it_waits_for(side: Side, rising: bool) -> None:
    market = futures(mark=None)
    market.stop(side, OPEN, 1, 100)
    assert stop_of(market).rising is rising


def test_a_stop_at_the_present_price_goes_off_at_once() -> None:
    market = futures("99x9", "100x9")
    assert kinds(market.stop(BUY, OPEN, 2, 100)) == ["StopPlaced", "StopTriggered", "OrderAccepted", "OrderFilled"]


def test_a_stop_can_watch_the_last_price() -> None:
    market = futures("99x9", "100x9")
    market.trade(BUY, 1, 100)
    market.stop(SELL, OPEN, 1, 95, watch=LAST)
    assert kinds(market.mark(90)) == []
    assert kinds(market.trade(SELL, 1, 95))[0] == "StopTriggered"


def test_stops_go_off_in_the_order_in_which_the_price_reaches_them() -> None:
    market = futures("99x9", "100x9")
    for trigger in (102, 101, 101):
        market.stop(BUY, OPEN, 1, trigger)
    events = market.mark(105)
    went = [event.stop_id for event in events if isinstance(event, StopTriggered)]
    stops = market.exchange.state.stops
    assert [stops[one].trigger for one in went] == [101, 101, 102] and went[0] < went[1]


def test_one_stop_sets_off_another() -> None:
    market = futures("98x1 97x1 96x9", "100x9")
    market.trade(BUY, 1, 100)
    market.stop(SELL, OPEN, 2, 99, watch=LAST)
    market.stop(SELL, OPEN, 1, 97, watch=LAST)
    events = market.trade(SELL, 1, 99)
    assert fills(events) == "98x1 97x1 96x1"


def test_an_order_that_is_refused_when_its_time_comes_makes_the_stop_fail() -> None:
    market = futures("99x9", "100x9")
    market.stop(SELL, CLOSE, 5, 95)
    stop = stop_of(market)
    events = market.mark(95)
    failed = next(event for event in events if isinstance(event, StopFailed))
    assert failed.reason is stop.refusal is RejectReason.POSITION_NOT_ENOUGH
    assert stop.status is StopStatus.FAILED


def test_what_the_same_move_of_the_mark_lost_is_not_there_for_the_stops_order() -> None:
    market = futures("99x9", "100x9", funds=100)
    market.open(LONG, 9, 100)
    market.stop(SELL, OPEN, 1, 98)  # it needs 8.8 or so of the 10 that were free before the mark fell
    events = market.mark(98)
    failed = next(event for event in events if isinstance(event, StopFailed))
    assert failed.reason is RejectReason.INSUFFICIENT_MARGIN


def test_a_client_order_id_used_in_between_is_replaced() -> None:
    market = futures("99x9", "100x9")
    market.stop(BUY, OPEN, 1, 105, id="mine")
    market.open(LONG, 1, 50, id="mine")
    accepted = next(event for event in market.mark(105) if isinstance(event, OrderAccepted))
    assert accepted.client_order_id != "mine"


def test_nothing_goes_off_while_trading_is_halted() -> None:
    market = futures("99x9", "100x9")
    market.stop(BUY, OPEN, 1, 105)
    market.do(SetTrading(PERPETUAL, False))
    assert kinds(market.mark(106)) == []
    assert rejection(market.stop(BUY, OPEN, 1, 110)) is RejectReason.SYMBOL_NOT_TRADING
    assert kinds(market.do(SetTrading(PERPETUAL, True)))[0] == "StopTriggered"


def test_a_stop_loss_goes_off_before_the_position_is_taken_over() -> None:
    market = long_position(funds=50)
    market.stop(SELL, CLOSE, 5, 95)
    market.depth("94x9", "")
    events = market.mark(93)
    assert kinds(events)[0] == "StopTriggered"
    assert not any(isinstance(event, PositionLiquidated) for event in events)


def test_stops_are_cancelled_by_either_id_and_only_by_their_owner() -> None:
    market = futures("99x9", "100x9")
    market.stop(BUY, OPEN, 1, 105, id="mine")
    stop = stop_of(market)
    assert rejection(market.do(CancelStop("bob", stop.id))) is RejectReason.UNKNOWN_ORDER
    assert rejection(market.do(CancelStop("nobody", None, "mine"))) is RejectReason.UNKNOWN_ORDER
    assert market.do(CancelStop("alice", None, "mine")) == [
        StopCanceled(stop.id, "alice", PERPETUAL, CancelReason.USER)
    ]
    assert rejection(market.do(CancelStop("alice", stop.id))) is RejectReason.ORDER_ALREADY_CANCELED
    assert kinds(market.mark(106)) == []
    market.stop(BUY, OPEN, 1, 106)
    assert rejection(market.do(CancelStop("alice", stop_of(market).id))) is RejectReason.ORDER_ALREADY_FILLED


def test_many_stops_are_cancelled_newest_first() -> None:
    market = futures("99x9", "100x9")
    market.stop(BUY, OPEN, 1, 105)
    market.stop(SELL, OPEN, 1, 95)
    market.stop(BUY, OPEN, 1, 106)
    events = market.do(CancelStops("alice", PERPETUAL, BUY))
    stops = market.exchange.state.stops
    assert [stops[event.stop_id].trigger for event in events if isinstance(event, StopCanceled)] == [106, 105]
    assert len(market.do(CancelStops("alice"))) == 1
    assert rejection(market.do(CancelStops("nobody"))) is RejectReason.UNKNOWN_ACCOUNT
    assert rejection(market.do(CancelStops("alice", "?"))) is RejectReason.UNKNOWN_SYMBOL


def test_no_more_stops_than_the_contract_allows() -> None:
    market = futures("99x9", "100x9")
    for trigger in (105, 106, 107):
        market.stop(BUY, OPEN, 1, trigger)
    assert rejection(market.stop(BUY, OPEN, 1, 108)) is RejectReason.TOO_MANY_STOPS
    assert rejection(market.stop(BUY, OPEN, 1, 108, by="bob")) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"symbol": "?"}, RejectReason.UNKNOWN_SYMBOL),
        ({"account": "nobody"}, RejectReason.UNKNOWN_ACCOUNT),
        ({"effect": None}, RejectReason.EFFECT_MISPLACED),
        ({"qty": None}, RejectReason.SIZE_AMBIGUOUS),
        ({"qty": 0}, RejectReason.QTY_TOO_SMALL),
        ({"qty": 1_000_001}, RejectReason.QTY_TOO_LARGE),
        ({"trigger": 0}, RejectReason.PRICE_NOT_POSITIVE),
        ({"price": 0}, RejectReason.PRICE_NOT_POSITIVE),
        ({"price": None}, RejectReason.PRICE_MISSING),
        ({"type": MARKET}, RejectReason.UNSUPPORTED_COMBINATION),
        ({"type": MARKET, "price": None}, RejectReason.UNSUPPORTED_COMBINATION),
        ({"type": LIMIT_MAKER, "tif": IOC}, RejectReason.UNSUPPORTED_COMBINATION),
        ({"client": "used"}, RejectReason.DUPLICATE_CLIENT_ORDER_ID),
        ({"client": "waiting"}, RejectReason.DUPLICATE_CLIENT_ORDER_ID),
        ({"price": 116}, RejectReason.STOP_BUY_PRICE_TOO_HIGH),
        ({"price": 104, "side": SELL}, RejectReason.STOP_SELL_PRICE_TOO_LOW),
    ],
)
def test_stops_of_the_wrong_form(changes: dict[str, object], reason: RejectReason) -> None:
    market = futures("99x9", "100x9", of=perpetual(price_band_up="0.05", price_band_down="0.05"))
    market.open(LONG, 1, 90, id="used")
    market.stop(BUY, OPEN, 1, 105, id="waiting")
    account: str = changes.get("account", "alice")  # type: ignore[assignment]
    symbol: str = changes.get("symbol", PERPETUAL)  # type: ignore[assignment]
    side: Side = changes.get("side", BUY)  # type: ignore[assignment]
    kind: OrderType = changes.get("type", LIMIT)  # type: ignore[assignment]
    qty: int | None = changes.get("qty", 1)  # type: ignore[assignment]
    price: int | None = changes.get("price", 110)  # type: ignore[assignment]
    client: str = changes.get("client", "new")  # type: ignore[assignment]
    tif: TimeInForce = changes.get("tif", GTC)  # type: ignore[assignment]
    effect: PositionEffect | None = changes.get("effect", OPEN)  # type: ignore[assignment]
    trigger: int = changes.get("trigger", 110)  # type: ignore[assignment]
    order = PlaceOrder(account, symbol, side, kind, qty, price, client, tif, effect=effect)
    assert rejection(market.do(PlaceStop(order, trigger))) is reason


# -- take-profit and stop-loss of a position ------------------------------------------------------------


def test_a_take_profit_closes_the_position() -> None:
    market = long_position()
    set_ = market.exits(LONG, Exit(110), Exit(95))
    assert set_ == [PositionStopsSet("alice", PERPETUAL, LONG, Exit(110), Exit(95))]
    market.depth("110x9", "111x9")
    events = market.mark(110)
    assert fills(events) == "110x5"
    changes = [event for event in events if isinstance(event, PositionStopsSet)]
    assert [(one.take_profit, one.stop_loss) for one in changes] == [(None, Exit(95)), (None, None)]
    assert not market.exchange.state.perpetuals[PERPETUAL].exits


def test_a_stop_loss_closes_part_of_a_short_position_and_the_other_exit_stays() -> None:
    market = futures("100x9", "101x9")
    market.open(SHORT, 5, 100)
    market.exits(SHORT, Exit(90), Exit(104, TriggerBy.LAST, 2))
    market.depth("103x9", "104x9")
    assert fills(market.trade(BUY, 1, 104)) == "104x2"
    position = market.position(SHORT)
    assert (position.lots, position.take_profit, position.stop_loss) == (3, Exit(90), None)


def test_an_exit_closes_what_no_closing_order_speaks_for() -> None:
    market = long_position()
    market.exits(LONG, None, Exit(95))
    market.close(LONG, 3, 120)
    assert fills(market.mark(95)) == "99x2"
    market.exits(LONG, None, Exit(90))
    events = market.mark(90)
    failed = next(event for event in events if isinstance(event, StopFailed))
    assert failed.reason is RejectReason.POSITION_NOT_ENOUGH


def test_equal_exits_of_both_kinds_are_kept_apart() -> None:
    market = long_position()
    market.exits(LONG, Exit(101), Exit(99))
    market.mark(101)
    assert market.position(LONG).lots == 0


def test_exits_are_replaced_and_taken_away() -> None:
    market = long_position()
    market.exits(LONG, Exit(110), Exit(95))
    market.exits(LONG, Exit(120))
    assert kinds(market.mark(90)) == []
    market.exits(LONG)
    assert kinds(market.mark(130)) == []


def test_exits_go_with_the_position_also_when_it_is_taken_over() -> None:
    market = long_position(funds=60)
    market.exits(LONG, Exit(110))
    market.do(SetTrading(PERPETUAL, False))
    events = market.mark(90)
    assert kinds(events) == ["PositionLiquidated", "PositionStopsSet"]


@pytest.mark.parametrize(
    ("side", "take_profit", "stop_loss", "reason"),
    [
        (LONG, Exit(100), None, RejectReason.BAD_LONG_TAKE_PROFIT),
        (LONG, Exit(0), None, RejectReason.BAD_LONG_TAKE_PROFIT),
        (LONG, None, Exit(100), RejectReason.BAD_LONG_STOP_LOSS),
        (SHORT, Exit(100), None, RejectReason.BAD_SHORT_TAKE_PROFIT),
        (SHORT, None, Exit(100), RejectReason.BAD_SHORT_STOP_LOSS),
        (LONG, Exit(101, qty=6), None, RejectReason.POSITION_STOPS_REJECTED),
        (LONG, Exit(101, qty=0), None, RejectReason.POSITION_STOPS_REJECTED),
    ],
)
def test_exits_on_the_wrong_side_of_the_price(
    side: object, take_profit: Exit | None, stop_loss: Exit | None, reason: RejectReason
) -> None:
    market = long_position()
    market.open(SHORT, 5, 99)
    assert rejection(market.exits(side, take_profit, stop_loss)) is reason  # type: ignore[arg-type]


def test_exits_need_a_position() -> None:
    market = futures()
    assert rejection(market.exits(LONG, Exit(110))) is RejectReason.POSITION_STOPS_REJECTED
    assert rejection(market.exits(LONG, Exit(110), by="nobody")) is RejectReason.UNKNOWN_ACCOUNT
    market.symbol = "?"
    assert rejection(market.exits(LONG, Exit(110))) is RejectReason.UNKNOWN_SYMBOL
