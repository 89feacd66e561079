"""Thirteen ways in which simulators lie to their users, each told as a story that does not happen here.

They were gathered from the issue trackers of other paper-trading engines. What concerns the market alone is told
through the core; what a client sees, through the gate and the private socket, as clients meet them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

import pytest

from simulator.core.commands import (
    CancelOrder,
    Command,
    Deposit,
    ListInstrument,
    OpenAccount,
    PlaceOrder,
    PrintTrade,
    ReplaceDepth,
    SetFees,
    Transfer,
    Withdraw,
)
from simulator.core.digest import digest
from simulator.core.events import Event, OrderCanceled, OrderFilled
from simulator.core.exchange import Exchange
from simulator.core.orders import Order, OrderStatus
from simulator.core.rejections import RejectReason
from simulator.core.units import NANOS_PER_MILLI, NANOS_PER_SECOND, ONE, Nanos, money, rate
from simulator.runtime.clock import ManualClock
from simulator.runtime.runner import Runner
from simulator.venues.hashkey.sockets import Frame
from tests.builders import (
    BUY,
    LIMIT,
    LONG,
    SELL,
    SYMBOL,
    Play,
    book,
    fills,
    futures,
    instrument,
    levels,
    rejection,
)
from tests.sockets import Hall, Talk
from tests.wire import START_MS, Answer, Client, Site

SPOT, CONTRACT = "/api/v1/spot/order", "/api/v1/futures/order"
BTC, ETH_PERPETUAL = "BTCUSDT", "ETHUSDT-PERPETUAL"
NOTHING: Final = Decimal()
ROW: Final = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "quantity": "0.01"}

Reach: TypeAlias = Callable[[Play], list[Event]]
"""Something that the market or somebody in it does."""


def parts(events: Sequence[Event], of: Order) -> list[OrderFilled]:
    """The fills of one order."""
    return [event for event in events if isinstance(event, OrderFilled) and event.order_id == of.id]


def total(rows: Sequence[dict[str, Any]], name: str) -> Decimal:
    """What one member of many rows adds up to, exactly."""
    return sum((Decimal(row[name]) for row in rows), NOTHING)


def balances(client: Client) -> dict[str, tuple[Decimal, Decimal]]:
    """Total and locked money of the spot account."""
    rows = client.signed("GET", "/api/v1/account").json["balances"]
    return {row["asset"]: (Decimal(row["total"]), Decimal(row["locked"])) for row in rows}


def reports(talk: Talk, kind: str = "executionReport") -> list[dict[str, Any]]:
    """What a private connection heard of one kind since the last time."""
    return [one for frame in talk.heard() if isinstance(frame, list) for one in frame if one["e"] == kind]


# -- 1. One displayed lot, sold to everybody -------------------------------------------------------------------


@pytest.mark.parametrize("by", ["another account", "the same account"])
def test_two_own_orders_at_one_price_never_fill_from_one_displayed_size(by: str) -> None:
    """Whether the size is a book that comes to them, a trade at their price, or one through it."""
    reaches: tuple[Reach, ...] = (
        lambda market: market.depth(bids="95x9", asks="100x7"),
        lambda market: market.trade(SELL, 7, 100),
        lambda market: market.trade(SELL, 7, 99),
    )
    for reach in reaches:
        market = book(bids="95x9", asks="105x9")
        first = market.rest(BUY, 5, 100, by="alice")
        second = market.rest(BUY, 5, 100, by="bob" if by == "another account" else "alice")
        reach(market)
        assert (first.filled, second.filled) == (5, 2)


def test_a_displayed_size_that_is_repeated_is_not_sold_again() -> None:
    market = book(bids="95x9", asks="100x7")
    assert fills(market.buy(7, 100, by="alice")) == "100x7"
    waiting = market.rest(BUY, 5, 100, by="bob")
    for _ in range(20):
        assert fills(market.depth(bids="95x9", asks="100x7")) == ""
    assert waiting.filled == 0
    assert fills(market.depth(bids="95x9", asks="100x9")) == "100x2"


# -- 2. Partial fills that do not add up -----------------------------------------------------------------------


def test_a_resting_orders_partial_fills_sum_exactly_everywhere() -> None:
    """Order query, fills list, balances and private events tell the same sums, to the last decimal."""
    hall = Hall()
    site, alice, listener = hall.site, hall.site.alice, hall.private()
    site.depth(BTC, "59990x2", "60010.37x1")
    before = balances(alice)
    order = alice.order(quantity="0.07777", price="60001.37").json
    for size in ("0.00333", "0.01001", "0.00007", "0.0123"):
        site.trade(BTC, "60001.37", size)
    site.bob.order("SELL", quantity="0.02", price="60001.37")
    site.depth(BTC, "59990x2", "60000.01x0.01206")
    # At most 0.02 is left: the last trade is larger than the order.
    site.trade(BTC, "60000", "5")
    row = alice.signed("GET", SPOT, orderId=order["orderId"]).json
    trades = alice.signed("GET", "/api/v1/account/trades").json
    frames = listener.heard()
    heard = [one for frame in frames for one in frame if one["e"] == "executionReport"]
    after = balances(alice)

    filled = [one for one in heard if one["X"] in ("PARTIALLY_FILLED", "FILLED")]
    assert len(trades) == len(filled) == 7
    assert [one["X"] for one in heard] == ["NEW"] + ["PARTIALLY_FILLED"] * 6 + ["FILLED"]
    assert row["status"] == "FILLED"
    qty, fee = Decimal("0.07777"), Decimal("0.07777") * Decimal("0.0012")
    cost = qty * Decimal("60001.37")
    assert total(trades, "qty") == total(filled, "l") == Decimal(row["executedQty"]) == Decimal(filled[-1]["z"]) == qty
    assert sum(Decimal(one["qty"]) * Decimal(one["price"]) for one in trades) == cost
    assert Decimal(row["cummulativeQuoteQty"]) == Decimal(row["cumulativeQuoteQty"]) == Decimal(filled[-1]["Z"]) == cost
    assert total(trades, "commission") == total(filled, "n") == fee
    assert [one["d"] for one in filled] == [one["ticketId"] for one in reversed(trades)]
    running = NOTHING
    for one in filled:
        running += Decimal(one["l"])
        assert (Decimal(one["z"]), Decimal(one["r"])) == (running, qty - running)
    assert after["BTC"] == (before["BTC"][0] + qty - fee, NOTHING)
    assert after["USDT"] == (before["USDT"][0] - cost, NOTHING)
    told = {one["B"][0]["a"]: one["B"][0] for frame in frames for one in frame if one["e"] == "outboundAccountInfo"}
    assert {asset: Decimal(one["f"]) for asset, one in told.items()} == {
        asset: after[asset][0] for asset in ("BTC", "USDT")
    }


def test_a_resting_contract_orders_partial_fills_sum_to_its_position() -> None:
    site = Site()
    alice = site.alice
    site.mark(ETH_PERPETUAL, "2770", "2770")
    site.depth(ETH_PERPETUAL, "2760x10000", "2780x10000")
    order = alice.contract_order(quantity="1000", price="2770.63").json
    for size in ("333", "1", "167"):
        site.trade(ETH_PERPETUAL, "2770.63", size)
    site.depth(ETH_PERPETUAL, "2760x10000", "2770.5x99")
    site.trade(ETH_PERPETUAL, "2770", "100000")
    row = alice.signed("GET", CONTRACT, orderId=order["orderId"]).json
    trades = alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH_PERPETUAL).json
    (position,) = alice.signed("GET", "/api/v1/futures/positions", symbol=ETH_PERPETUAL).json
    assert (len(trades), row["status"]) == (5, "FILLED")
    assert total(trades, "quantity") == Decimal(row["executedQty"]) == Decimal(position["position"]) == 1000
    assert {one["price"] for one in trades} == {row["avgPrice"], position["avgPrice"]} == {"2770.63"}


# -- 3. The queue that one cancel empties ----------------------------------------------------------------------


def test_one_cancel_ahead_of_me_does_not_put_me_first() -> None:
    market = book(bids="98x100", asks="105x1")
    order = market.rest(BUY, 2, 98)
    market.depth(bids="98x99", asks="105x1")
    assert order.ahead == 99
    assert fills(market.trade(SELL, 98, 98)) == "", "one lot still stands before me"
    assert fills(market.trade(SELL, 3, 98)) == "98x2"


# -- 4. Open orders that a restart forgets ---------------------------------------------------------------------


def test_restart_with_open_orders_keeps_them_their_holds_and_their_place() -> None:
    """What went through the door, handled again by a new exchange, is the same exchange and has the same future."""
    written: list[tuple[Nanos, Command]] = []
    first, second = Exchange(), Exchange()
    clock = ManualClock(NANOS_PER_SECOND)
    runner = Runner(first, clock, lambda now, command: written.append((now, command)))
    morning: tuple[Command, ...] = (
        ListInstrument(instrument()),
        OpenAccount("alice", rate("0.001"), rate("0.002")),
        Deposit("alice", "Y", 1000 * ONE),
        ReplaceDepth(SYMBOL, 0, levels("98x10"), levels("101x10")),
        PlaceOrder("alice", SYMBOL, BUY, LIMIT, 5, 98, "resting"),
        PrintTrade(SYMBOL, 7 * NANOS_PER_SECOND, 98, 12, SELL),
        PlaceOrder("alice", SYMBOL, BUY, LIMIT, 1, 98, "later"),
    )
    for command in morning:
        clock.advance(NANOS_PER_SECOND)
        runner.do(command)
    for now, command in written:
        second.handle(now, command)
    assert digest(second.state) == digest(first.state)
    resting, later = second.state.customers["alice"].open_orders.values()
    assert (resting.filled, resting.leaves, later.leaves) == (2, 3, 1)
    held = second.state.ledger.balance("alice", "Y").held
    assert held == 4 * 98 * ONE
    for command in (
        PrintTrade(SYMBOL, clock.now() + 1, 98, 3, SELL),
        PrintTrade(SYMBOL, clock.now() + 1, 98, 11, SELL),
        CancelOrder("alice", None, "later"),
    ):
        clock.advance(NANOS_PER_SECOND)
        assert second.handle(clock.now(), command) == first.handle(clock.now(), command)
    assert digest(second.state) == digest(first.state)


# -- 5. Marketable limit orders that fill at their own price, as makers ----------------------------------------


def test_marketable_limit_fills_at_book_prices_as_taker() -> None:
    site = Site()
    alice = site.alice
    site.runner.do(SetFees("alice", rate("0.0001"), rate("0.001")))
    site.depth(BTC, "59990x1", "60000x0.1 60010x0.2 62000x5")
    before = balances(alice)
    order = alice.order("BUY", quantity="0.35", price="60020").json
    fills = alice.signed("GET", "/api/v1/account/trades").json[::-1]
    assert [(one["price"], one["qty"], one["isMaker"]) for one in fills] == [
        ("60000", "0.1", False),
        ("60010", "0.2", False),
    ]
    assert [one["commission"] for one in fills] == ["0.0001", "0.0002"]
    assert (order["status"], order["executedQty"]) == ("PARTIALLY_FILLED", "0.3")
    # What is left rests at the limit and fills there, as maker.
    site.depth(BTC, "59990x1", "60030x1")
    assert balances(alice)["USDT"] == (before["USDT"][0] - 6000 - 12002, Decimal(3001))
    site.trade(BTC, "60019", "9")
    last = alice.signed("GET", "/api/v1/account/trades").json[0]
    assert (last["price"], last["isMaker"], last["commission"]) == ("60020", True, "0.000005")


# -- 6. A ladder that fills only once its deepest order is reached ---------------------------------------------


@pytest.mark.parametrize(
    ("reach", "ladder"),
    [
        (lambda market: market.trade(SELL, 2, 100), "100x2"),
        (lambda market: market.trade(SELL, 9, 100), "100x3"),
        (lambda market: market.trade(SELL, 4, 99), "100x3 99x1"),
        (lambda market: market.depth(bids="90x1", asks="100x9"), "100x3"),
        (lambda market: market.depth(bids="90x1", asks="99x9"), "100x3 99x3"),
        (lambda market: market.sell(4, 90, by="bob"), "100x3 99x1"),
    ],
    ids=["trade", "large trade", "trade deeper", "book", "book deeper", "own order"],
)
def test_nearest_order_fills_without_the_deepest_being_reached(reach: Reach, ladder: str) -> None:
    market = book(bids="90x1", asks="105x9")
    for price in (98, 100, 99):
        market.rest(BUY, 3, price)
    assert fills(reach(market), "alice") == ladder


# -- 7. Orders below the minimum that are taken, or refused in words of the simulator's own -------------------


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"quantity": "0"}, ("-1136", "Order quantity lower than the minimum")),
        ({"quantity": "0.00001", "price": "59999"}, ("-1140", "Order amount lower than the minimum")),
        ({"quantity": "0.00001", "price": "60000"}, ("-1140", "Order amount lower than the minimum")),
        ({"type": "MARKET", "quantity": "0.99", "price": None}, ("-1140", "Order amount lower than the minimum")),
        (
            {"type": "MARKET", "side": "SELL", "quantity": "0.00001", "price": None},
            ("-1140", "Order amount lower than the minimum"),
        ),
    ],
    ids=["no quantity", "resting, worth too little", "taking, worth too little", "cash", "market sell"],
)
def test_below_minimum_is_refused_with_the_venues_code(params: dict[str, Any], refusal: tuple[str, str]) -> None:
    """Errors and limits 2.2. Nothing is left of it: no order, no hold, no event."""
    hall = Hall()
    listener, before = hall.private(), hall.site.digest()
    assert hall.site.alice.order(**params).refusal == (400, *refusal)
    assert hall.site.digest() == before
    assert listener.heard() == []
    assert hall.site.alice.signed("GET", "/api/v1/spot/openOrders").json == []


def test_a_contract_order_below_the_minimum_is_refused_with_the_venues_code() -> None:
    site = Site()
    before = site.digest()
    assert site.alice.contract_order(quantity="0").code == "-1136"
    assert site.digest() == before


def test_the_smallest_order_that_is_allowed_is_taken() -> None:
    assert Site().alice.order(quantity="0.00002", price="55000").json["status"] == "NEW"


# -- 8. Accepted orders that fail later, for money that is not there any more ----------------------------------


def test_an_accepted_order_never_later_fails_for_lack_of_balance() -> None:
    """Money is held when the order comes in, the fee comes out of what it brings, and nothing else can spend it."""
    market = book(bids="98x1", asks="101x100", fees=rate("0.01"), funds=1000)
    orders = [market.rest(BUY, 5, price) for price in (100, 99)]
    assert market.money("alice", "Y") == (5 * ONE, 995 * ONE)
    spenders: tuple[Command, ...] = (
        Withdraw("alice", "Y", 6 * ONE),
        Transfer("alice", "bob", "Y", 6 * ONE),
    )
    for spender in spenders:
        assert rejection(market.do(spender)) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.buy(1, 97)) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.buy(1)) is RejectReason.INSUFFICIENT_BALANCE
    assert rejection(market.buy(amount=6)) is RejectReason.INSUFFICIENT_BALANCE
    market.do(SetFees("alice", rate("0.05"), rate("0.05")))
    events = [*market.trade(SELL, 3, 100), *market.sell(4, 99, by="bob"), *market.trade(SELL, 99, 98)]
    assert not any(isinstance(event, OrderCanceled) for event in events)
    assert [order.status for order in orders] == [OrderStatus.FILLED] * 2
    assert market.money("alice", "Y") == (5 * ONE, 0)
    assert market.money("alice", "X") == (1000 * ONE + 10 * ONE - 10 * ONE // 20, 0)


def test_an_accepted_contract_order_fills_with_the_last_of_the_margin() -> None:
    market = futures(bids="90x1", asks="110x1", funds=90, fees=rate("0.001"))
    market.leverage(10)
    orders = []
    for qty, price in ((5, 98), (4, 97)):
        market.open(LONG, qty, price)
        orders.append(market.placed())
    refused = market.open(LONG, 1, 96)
    assert rejection(refused) is RejectReason.INSUFFICIENT_MARGIN
    assert rejection(market.do(Withdraw("alice", "Y", 20 * ONE))) is RejectReason.INSUFFICIENT_BALANCE
    events = market.trade(SELL, 9, 97)
    assert fills(events) == "98x5 97x4"
    assert not any(isinstance(event, OrderCanceled) for event in events)
    assert [order.status for order in orders] == [OrderStatus.FILLED] * 2


# -- 9. Prices that the book never showed ----------------------------------------------------------------------


@pytest.mark.parametrize("last", [50, 100, 200], ids=["last far below", "last between", "last far above"])
def test_price_is_never_outside_the_books_range(last: int) -> None:
    """Neither the last price nor the middle nor a level beyond the last one shown is ever traded at."""
    for side, shown, got in ((BUY, "103x2 107x3", "103x2 107x3"), (SELL, "97x2 90x1", "97x2 90x1")):
        market = book(bids="97x2 90x1", asks="103x2 107x3")
        market.trade(side, 1, last)
        events = market.order(side, 50)
        assert fills(events, market.placed()) == got == shown
        assert market.placed().status is OrderStatus.PARTIALLY_CANCELED, "what the book does not show is not sold"
        events = market.order(side, 50)
        assert fills(events) == "", "and an empty side sells nothing"


def test_a_resting_order_fills_at_its_own_price_however_far_the_market_jumps() -> None:
    jumps: tuple[Reach, ...] = (
        lambda market: market.trade(SELL, 99, 60),
        lambda market: market.depth(bids="50x9", asks="60x99"),
        lambda market: market.sell(9, 60, by="bob"),
    )
    for jump in jumps:
        market = book(bids="90x1", asks="110x1")
        market.rest(BUY, 4, 100)
        assert fills(jump(market), "alice") == "100x4"


# -- 10. Orders that the query endpoint does not know yet ------------------------------------------------------


class Impatient:
    """A private connection of somebody who asks about an order in the very moment in which he hears of it."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.found: list[tuple[str, str, bool]] = []

    def send(self, frame: Frame) -> None:
        for event in json.loads(frame.payload):
            if event["e"] in ("executionReport", "contractExecutionReport"):
                self._ask(event)

    def _ask(self, event: dict[str, Any]) -> None:
        """By both ids, and in the list of open orders."""
        contract = event["e"] == "contractExecutionReport"
        path = CONTRACT if contract else SPOT
        by_id = self.client.signed("GET", path, orderId=event["i"]).json
        own = {"clientOrderId" if contract else "origClientOrderId": event["c"]}
        assert self.client.signed("GET", path, **own).json == by_id
        more = {"symbol": event["s"], "type": "LIMIT"} if contract else {}
        listed = self.client.signed("GET", f"/api/v1/{'futures' if contract else 'spot'}/openOrders", **more).json
        self.found.append((event["X"], by_id["status"], any(row["orderId"] == event["i"] for row in listed)))


def impatient(hall: Hall) -> Impatient:
    """Alice, listening."""
    ear, now = Impatient(hall.site.alice), hall.site.runner.now()
    assert hall.streams.open(hall.site.desk.listen_keys.create("alice", now), ear, now, 0.0) is not None
    return ear


def test_new_is_always_seen_by_the_query_endpoint() -> None:
    """When the event NEW arrives, earlier than any reply, the order is there."""
    hall = Hall()
    hall.site.mark(ETH_PERPETUAL, "2770", "2770")
    alice, ear = hall.site.alice, impatient(hall)
    places: tuple[Callable[[], Answer], ...] = (
        alice.order,
        alice.contract_order,
        lambda: alice.order("SELL", price="60100", newClientOrderId="mine"),
    )
    for place in places:
        reply = place().json
        assert reply["status"] == "NEW"
        assert ear.found == [("NEW", "NEW", True)]
        ear.found.clear()
    alice.batch("/api/v1/spot/batchOrders", [ROW | {"price": price} for price in ("50001", "50002")])
    assert ear.found == [("NEW", "NEW", True)] * 2


def test_an_order_that_fills_at_once_is_seen_too_and_was_new_before() -> None:
    hall = Hall()
    alice, ear = hall.site.alice, impatient(hall)
    reply = alice.order(price="60000").json
    assert [said for said, _, _ in ear.found] == ["NEW", "FILLED"]
    assert {answered for _, answered, _ in ear.found} == {reply["status"]} == {"FILLED"}
    ear.found.clear()
    reply = alice.order(quantity="1.5", price="60000", timeInForce="IOC").json
    assert [said for said, _, _ in ear.found] == ["NEW", "PARTIALLY_FILLED", "PARTIALLY_CANCELED"]
    assert alice.signed("GET", SPOT, orderId=reply["orderId"]).json["status"] == "PARTIALLY_CANCELED"


# -- 11. Orders that fill past their size when ticks come fast -------------------------------------------------


def test_never_filled_past_its_size_under_fast_ticks() -> None:
    """A hundred trades and books of one instant, at and through the price, told late and twice."""
    market = book(bids="98x3", asks="105x9", funds=10_000)
    orders = [market.rest(BUY, 37, 100, by="alice"), market.rest(BUY, 41, 98, by="bob")]
    told: list[Event] = []
    now = market.now + 1_000 * NANOS_PER_MILLI
    market.now = now
    for number in range(100):
        told += market.trade(SELL, 1 + number % 7, 100 - number % 4, ts=now)
        told += market.depth(bids="95x3", asks=f"{97 + number % 5}x{1 + number % 3}", ts=now)
        told += market.sell(1, 90, by="carol")
    for order in orders:
        found = parts(told, order)
        assert sum(part.qty for part in found) == order.filled == order.qty
        assert [part.leaves for part in found] == sorted({part.leaves for part in found}, reverse=True)
        assert [part.status for part in found].count(OrderStatus.FILLED) == 1
        assert found[-1].leaves == 0 and found[-1].status is OrderStatus.FILLED


# -- 12. Cancels that are acknowledged and fill afterwards -----------------------------------------------------


def test_cancel_acknowledged_means_gone() -> None:
    hall = Hall()
    site, alice, listener = hall.site, hall.site.alice, hall.private()
    site.depth(BTC, "59990x1", "60010x1")
    before = balances(alice)
    order = alice.order(quantity="0.5", price="60000").json
    site.trade(BTC, "60000", "0.2")
    assert alice.signed("DELETE", SPOT, orderId=order["orderId"]).json["status"] == "CANCELED"
    listener.heard()
    after = balances(alice)
    assert after["USDT"] == (before["USDT"][0] - Decimal("0.2") * 60000, NOTHING)
    assert alice.signed("GET", "/api/v1/spot/openOrders").json == []
    bids = alice.get("/quote/v1/depth", symbol=BTC).json["b"]
    assert [price for price, _ in bids] == ["59990"]
    site.trade(BTC, "59000", "9")
    site.depth(BTC, "58000x1", "59000x9")
    site.bob.signed("POST", SPOT, symbol=BTC, side="SELL", type="MARKET", quantity="0.1")
    row = alice.signed("GET", SPOT, orderId=order["orderId"]).json
    assert (row["status"], row["executedQty"]) == ("PARTIALLY_CANCELED", "0.2")
    assert len(alice.signed("GET", "/api/v1/account/trades").json) == 1
    assert listener.heard() == []
    assert balances(alice) == after
    assert alice.signed("DELETE", SPOT, orderId=order["orderId"]).code == "-1142"


class Script:
    """An outside market that says what it was given, each at its time."""

    def __init__(self, *lines: tuple[Nanos, Command]) -> None:
        self.lines = list(lines)

    def due(self) -> Nanos | None:
        return self.lines[0][0] if self.lines else None

    def take(self) -> Sequence[Command]:
        return [self.lines.pop(0)[1]]


@pytest.mark.parametrize("late_ms", [-1, 0, 1], ids=["trade before", "trade in the same instant", "trade after"])
def test_an_order_is_filled_or_gone_when_a_cancel_meets_a_trade_and_never_both(late_ms: int) -> None:
    hall = Hall()
    site, alice, listener = hall.site, hall.site.alice, hall.private()
    site.depth(BTC, "59990x1", "60010x1")
    order = alice.order(quantity="0.5", price="60000").json
    traded = (START_MS + 50 + late_ms) * NANOS_PER_MILLI
    grids = site.exchange.state.markets[BTC].instrument
    price, qty = grids.price_grid.parse("60000"), grids.qty_grid.parse("2")
    site.runner.source = Script((traded, PrintTrade(BTC, traded, price, qty, SELL)))
    site.wait(50)
    answer = alice.signed("DELETE", SPOT, orderId=order["orderId"])
    hall.wait(50)
    row = alice.signed("GET", SPOT, orderId=order["orderId"]).json
    ends = [one["X"] for one in reports(listener) if one["X"] != "NEW"]
    if late_ms <= 0:
        assert answer.code == "-1139", "it was too late, and says so"
        assert (row["status"], row["executedQty"], ends) == ("FILLED", "0.5", ["FILLED"])
    else:
        assert answer.json["status"] == "CANCELED"
        assert (row["status"], row["executedQty"], ends) == ("CANCELED", "0", ["CANCELED"])


# -- 13. Money from nowhere ------------------------------------------------------------------------------------


def test_balances_after_equal_balances_before_plus_postings() -> None:
    """As a client adds up: every balance is the one before plus what balanceFlow lists, and fills say the same."""
    site = Site()
    alice = site.alice
    before = balances(alice)
    site.wait(1)
    alice.order("BUY", quantity="1.70003", price="60010")
    alice.order("SELL", quantity="0.31", price="59999.99")
    alice.order("BUY", quantity="0.00777", price="59995.01")
    site.trade(BTC, "59995.01", "0.00331")
    alice.signed("POST", SPOT, symbol="ETHUSDT", side="BUY", type="MARKET", quantity="333.33")
    alice.form("POST", "/api/v1/account/assetTransfer", **_to_futures(alice, "123.456"))
    site.runner.do(Withdraw("alice", "ETH", money("0.5")))
    after = balances(alice)
    span = {"startTime": START_MS + 1, "endTime": site.now_ms() + 1}
    flows = alice.signed("GET", "/api/v1/account/balanceFlow", accountType=1, **span).json
    assert {row["flowType"] for row in flows} == {"TRADE", "FEE", "USER_ACCOUNT_TRANSFER", "WITHDRAW"}
    for asset, (was, _) in before.items():
        changes = [row for row in flows if row["coin"] == asset]
        assert was + total(changes, "change") == after[asset][0]
        running = was
        for row in reversed(changes):
            running += Decimal(row["change"])
            assert Decimal(row["total"]) == running
    trades = alice.signed("GET", "/api/v1/account/trades").json
    gone = {"USDT": Decimal("-123.456"), "ETH": Decimal("-0.5"), "BTC": NOTHING}
    for one in trades:
        base, qty, cost = (
            one["symbol"].removesuffix("USDT"),
            Decimal(one["qty"]),
            Decimal(one["qty"]) * Decimal(one["price"]),
        )
        sign = 1 if one["isBuyer"] else -1
        gone[base] += sign * qty
        gone["USDT"] -= sign * cost
        gone[one["commissionAsset"]] -= Decimal(one["commission"])
    assert {asset: after[asset][0] - before[asset][0] for asset in before} == gone


def _to_futures(client: Client, amount: str) -> dict[str, Any]:
    own = {row["accountType"]: row["accountId"] for row in client.signed("GET", "/api/v1/account/type").json}
    return {"fromAccountId": own[1], "toAccountId": own[3], "coin": "USDT", "quantity": amount}
