"""What a spot order holds and what a fill moves; figures from HashKey's own answers."""

from __future__ import annotations

import pytest

from simulator.core.accounts.ledger import FEES, MARKET, OUTSIDE, Balance, Ledger
from simulator.core.accounts.spot import SpotSeat
from simulator.core.commands import PlaceOrder
from simulator.core.instruments import Instrument
from simulator.core.orders import Order, OrderType, Side
from simulator.core.units import money, money_text, rate

ETHUSDT = Instrument("ETHUSDT", "ETH", "USDT", "0.01", "0.0001", "0.001", "100")


def an_order(side: Side, price: int, qty: int) -> Order:
    return Order.of(PlaceOrder("alice", "ETHUSDT", side, OrderType.LIMIT, qty, price, ""), 1, "", 0)


class Desk:
    """One customer with 10 ETH and 10000 USDT."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.open("alice")
        self.ledger.transfer(OUTSIDE, "alice", "ETH", money("10"))
        self.ledger.transfer(OUTSIDE, "alice", "USDT", money("10000"))
        self.seat = SpotSeat(self.ledger, "alice", ETHUSDT)
        self.outside = SpotSeat(self.ledger, MARKET, ETHUSDT)

    def fill(self, side: Side, price: str, qty: str, fee_rate: str, *, held: bool = False) -> str:
        ticks, lots = ETHUSDT.price_grid.parse(price), ETHUSDT.qty_grid.parse(qty)
        order = an_order(side, ticks, lots)
        if held:
            self.seat.hold(order, ticks)
        touched: dict[Balance, None] = {}
        fee, pnl = self.seat.settle(order, ticks, lots, rate(fee_rate), held=held, touched=touched)
        assert pnl == 0 and set(touched) == {self.seat.base, self.seat.quote}
        self.outside.trade(side.opposite, ticks, lots)
        self.ledger.check()
        return money_text(fee)

    def has(self, asset: str) -> str:
        return money_text(self.ledger.balance("alice", asset).total)


def test_a_buyer_pays_the_fee_in_base_with_all_decimals() -> None:
    # HashKey, real shapes 4.7: 0.001 ETH bought at a rate of 0.0012 costs 0.0000012 ETH
    desk = Desk()
    assert desk.fill(Side.BUY, "2500.01", "0.001", "0.0012") == "0.0000012"
    assert desk.has("ETH") == "10.0009988"
    assert desk.has("USDT") == "9997.49999"


def test_a_seller_pays_the_fee_in_quote_with_all_decimals() -> None:
    desk = Desk()
    assert desk.fill(Side.SELL, "2543.21", "0.1234", "0.0012") == "0.3765985368"  # 2543.21 x 0.1234 x 0.0012
    assert desk.has("ETH") == "9.8766"
    assert desk.has("USDT") == "10313.4555154632"


@pytest.mark.parametrize(("side", "asset"), [(Side.BUY, "ETH"), (Side.SELL, "USDT")])
def test_a_negative_rate_is_paid_by_the_house(side: Side, asset: str) -> None:
    desk = Desk()
    assert desk.fill(side, "2500", "1", "-0.0001").startswith("-")
    assert desk.ledger.balance(FEES, asset).total < 0


def test_a_fee_of_the_smallest_rate_is_exact() -> None:
    assert Desk().fill(Side.SELL, "0.01", "0.0001", "0.00000001") == "0.00000000000001"


@pytest.mark.parametrize("side", Side)
def test_a_resting_order_pays_from_its_hold(side: Side) -> None:
    desk = Desk()
    free = desk.seat.pays(side).free
    desk.fill(side, "2500", "2", "0", held=True)
    paying = desk.seat.pays(side)
    assert paying.held == 0
    assert free - paying.free == (money("5000") if side is Side.BUY else money("2"))


@pytest.mark.parametrize("side", Side)
def test_a_taker_pays_from_free_money(side: Side) -> None:
    desk = Desk()
    desk.fill(side, "2500", "2", "0.0012")
    assert desk.seat.base.held == desk.seat.quote.held == 0


def test_a_buy_holds_price_times_quantity_and_a_sell_its_quantity() -> None:
    desk = Desk()
    assert desk.seat.needs(Side.BUY, 250_001, 10) == money("2.50001")
    assert desk.seat.needs(Side.SELL, 250_001, 10) == money("0.001")


@pytest.mark.parametrize("side", Side)
def test_a_hold_that_is_released_leaves_nothing(side: Side) -> None:
    desk = Desk()
    free = desk.seat.pays(side).free
    order = an_order(side, 250_001, 10)
    held = desk.seat.hold(order, 250_001)
    assert (held.free, held.held) == (free - desk.seat.needs(side, 250_001, 10), desk.seat.needs(side, 250_001, 10))
    assert desk.seat.release(order, 250_001).free == free


@pytest.mark.parametrize(("side", "most"), [(Side.BUY, 40_000), (Side.SELL, 100_000)])
def test_no_more_than_is_there_can_be_paid(side: Side, most: int) -> None:
    desk = Desk()  # 10 ETH are 100,000 lots; 10000 USDT pay for 40,000 lots at 2500
    assert desk.seat.can_pay(side, 250_000, most)
    assert not desk.seat.can_pay(side, 250_000, most + 1)


def test_the_outside_market_is_an_account_like_any_other() -> None:
    desk = Desk()
    desk.fill(Side.BUY, "2500", "1", "0")
    assert money_text(desk.ledger.balance(MARKET, "ETH").total) == "-1"
    assert money_text(desk.ledger.balance(MARKET, "USDT").total) == "2500"
