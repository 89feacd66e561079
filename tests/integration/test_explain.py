"""``GET /_sim/explain`` over a real socket: a fill, a taker's walk, an order that never was."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import ClientSession

from simulator.app import Running, running
from simulator.config import Settings, build, gather
from simulator.core.commands import PlaceOrder, PrintTrade, ReplaceDepth
from simulator.core.events import OrderAccepted
from simulator.core.orders import BUY, GTC, IOC, LIMIT, MARKET, SELL, Side

SYMBOL = "BTCUSDT"
ALICE, BOB, CAROL = "alice", "bob", "carol"
FLAGS = {
    "empty": True,
    "port": 0,
    "seed": "7",
    "queue": "front,BTCUSDT=power:3",
    "residual": "BTCUSDT=sticky",
    "account": ["alice:USDT=1000000,BTC=100", "bob:USDT=1000000,BTC=100", "carol:USDT=60000"],
}


def settings() -> Settings:
    return build(gather(None, {}, FLAGS))


class Told:
    """One exchange whose market is told by hand."""

    def __init__(self, sim: Running, session: ClientSession) -> None:
        self.sim = sim
        self.session = session
        runner = sim.parts.runner
        instrument = sim.parts.desk.state.markets[SYMBOL].instrument
        self.price, self.qty = instrument.price_grid.parse, instrument.qty_grid.parse
        self.do, self.now = runner.do, runner.now

    def book(self, asks: str, message: str) -> None:
        levels = tuple((self.price(p), self.qty(q)) for p, q in (one.split("x") for one in asks.split()))
        self.do(ReplaceDepth(SYMBOL, self.now(), (), levels, message))

    def order(self, side: Side, qty: str, price: str | None, id: str, by: str = ALICE) -> str:
        kind, tif = (MARKET, IOC) if price is None else (LIMIT, GTC)
        at = None if price is None else self.price(price)
        first = self.do(PlaceOrder(by, SYMBOL, side, kind, self.qty(qty), at, id, tif))[0]
        return str(first.order_id) if isinstance(first, OrderAccepted) else ""

    async def explain(self, query: str) -> Any:
        async with self.session.get(f"{self.sim.ready.control}/explain?{query}") as reply:
            return await reply.json()


@asynccontextmanager
async def told() -> AsyncIterator[Told]:
    async with running(settings()) as sim, ClientSession() as session:
        yield Told(sim, session)


async def test_a_resting_order_names_queue_message_models_and_seed() -> None:
    async with told() as market:
        market.book("50000x1", "41_2")
        number = market.order(SELL, "0.5", "50000", "rests")
        ts = market.now() + 1
        market.do(PrintTrade(SYMBOL, ts, market.price("50000"), market.qty("1.2"), BUY, "99"))
        answer = await market.explain(f"orderId={number}")
    (fill,) = answer["fills"]
    assert (fill["trigger"], fill["message"], fill["source"]) == (ts, "99", "outside market")
    assert (fill["queue_ahead_at_entry"], fill["queue_ahead_before"], answer["queue_ahead_now"]) == ("1", "1", "0")
    assert (answer["model"], answer["residual"], answer["seed"]) == ("power:3", "sticky", 7)
    assert (fill["model"], fill["residual"], fill["qty"]) == ("power:3", "sticky", "0.2")
    assert answer["waiting"]["went_to_the_queue_ahead"] == "1"


async def test_a_taker_names_its_levels_and_their_sources() -> None:
    async with told() as market:
        market.book("50000x1 50001x1", "41_2")
        market.order(SELL, "0.5", "50000", "resting", BOB)
        market.order(BUY, "2", None, "takes")
        answer = await market.explain("clientOrderId=takes")
    assert answer["walked"] == [
        {"price": "50000", "qty": "1", "source": "outside market", "account": None},
        {"price": "50000", "qty": "0.5", "source": "an order of this exchange", "account": BOB},
        {"price": "50001", "qty": "0.5", "source": "outside market", "account": None},
    ]
    assert [one["message"] for one in answer["fills"]] == ["41_2", "", "41_2"]
    assert answer["stopped_by"] == "it got all that it asked for"


async def test_an_order_that_never_was_says_why() -> None:
    async with told() as market:
        market.order(BUY, "2", "50000", "dear", CAROL)
        answer = await market.explain("clientOrderId=dear")
        assert (answer["status"], answer["reason"], answer["account"]) == ("REFUSED", "INSUFFICIENT_BALANCE", CAROL)
        assert answer["rest"] == "it was refused: insufficient balance"
        assert "error" in await market.explain("clientOrderId=dear&account=bob")
        market.order(BUY, "1", "50000", "dear", CAROL)
        market.order(BUY, "1", "50000", "dear", CAROL)
        answer = await market.explain("clientOrderId=dear")
        assert answer["status"] == "NEW"
        assert [one["reason"] for one in answer["refusals"]] == ["DUPLICATE_CLIENT_ORDER_ID", "INSUFFICIENT_BALANCE"]


async def test_one_client_order_id_of_two_accounts_is_told_apart() -> None:
    async with told() as market:
        mine = market.order(BUY, "1", "40000", "same")
        other = market.order(BUY, "1", "40000", "same", BOB)
        assert (await market.explain("clientOrderId=same"))["order_id"] == other
        assert (await market.explain("clientOrderId=same&account=alice"))["order_id"] == mine
        assert "error" in await market.explain(f"orderId={mine}&account=bob")
        assert "error" in await market.explain("orderId=1e5")


async def test_other_symbols_have_the_choice_for_all() -> None:
    async with told() as market:
        markets = market.sim.parts.desk.state.markets
        assert {(one.model.name, one.mirror.residual.name) for name, one in markets.items() if name != SYMBOL} == {
            ("front", "difference")
        }
