"""Hummingbot's own HashKey perpetual connector, unchanged, trading on a running simulator. Runs in Hummingbot's Python.

Standard input: the ready line of ``serve --json``. Arguments: the connector's domain, and ``as-installed`` for a run
under ``hashkey-sim exec`` in which not even the URLs are set. Standard output: one JSON document of what happened,
from the connector's side and from REST's. Exit status: 0 if every step came to its end.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
from hummingbot.connector.derivative.hashkey_perpetual.hashkey_perpetual_derivative import HashkeyPerpetualDerivative
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode
from hummingbot.core.data_type.common import OrderType, PositionAction, TradeType
from hummingbot.core.event.events import MarketEvent

from simulator.testing.clients import Addresses, patch_hummingbot
from tests.clients.hummingbot_session import (
    BookWatch,
    Complaints,
    Late,
    MarketEvents,
    Rest,
    came_about,
    plain,
    quiet_settings,
    say,
    until,
    write,
)

BTC, ETH = "BTC-USDT", "ETH-USDT"
BUY, SELL = TradeType.BUY, TradeType.SELL
OPEN, CLOSE = PositionAction.OPEN, PositionAction.CLOSE
LIMIT, LIMIT_MAKER, MARKET = OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET
AMOUNT = Decimal("0.2")
NO_PRICE = Decimal("nan")
FAR_BELOW, ACROSS_UP, ACROSS_DOWN = Decimal("0.97"), Decimal("1.01"), Decimal("0.99")
LEVERAGE = 5
READY_WITHIN_S, ANSWER_WITHIN_S, MARKET_MOVES_WITHIN_S, MOVES_ENOUGH = 15, 5, 20, 5
ENDINGS = {
    "BuyOrderCompleted": "FILLED",
    "SellOrderCompleted": "FILLED",
    "OrderCancelled": "CANCELED",
    "OrderFailure": "FAILED",
}
EXPECTED_COMPLAINTS = {
    "Unclosed client session|Unclosed connector": "never closes the sessions of its time requests (Hummingbot 9.14)",
    "Error submitting buy LIMIT_MAKER order": "an order that was to be refused",
    "Error submitting sell LIMIT order": "an order that was to be refused",
}


class Bot:
    """The connector under a clock, and what this script knows of its orders."""

    def __init__(self, connector: Any, rest: Rest) -> None:
        self.connector = connector
        self.rest = rest
        self.events = MarketEvents(connector)
        self.watch = BookWatch(connector, (BTC, ETH))
        self.watching: asyncio.Future[None] | None = None
        self.orders: dict[str, Any] = {}

    async def place(
        self, name: str, side: TradeType, kind: OrderType, price: Decimal, action: PositionAction, pair: str = ETH
    ) -> Any:
        """Send an order; the connector tracks it before the request leaves (Hummingbot 8)."""
        send = self.connector.buy if side is BUY else self.connector.sell
        order_id = send(pair, AMOUNT, kind, price, position_action=action)
        await asyncio.sleep(0)
        self.orders[name] = self.connector.in_flight_orders[order_id]
        return self.orders[name]

    def best(self, side: TradeType, pair: str = ETH) -> Decimal:
        """The price at which that side would take."""
        price: Decimal = self.connector.get_price(pair, side is BUY)
        return price

    async def over(self, order: Any) -> None:
        """Wait until the connector has done with it."""
        number = order.client_order_id
        await until(f"end of {number}", lambda: number not in self.connector.in_flight_orders, ANSWER_WITHIN_S)

    async def rests(self, order: Any) -> None:
        """Wait until it is announced."""
        number = order.client_order_id
        await until(f"creation of {number}", lambda: bool(self.events.names(number)), ANSWER_WITHIN_S)

    def positions(self) -> dict[str, dict[str, str]]:
        """As the connector has them."""
        return {
            key: {
                "amount": plain(one.amount),
                "entry_price": plain(one.entry_price),
                "leverage": plain(one.leverage),
            }
            for key, one in self.connector.account_positions.items()
        }

    async def rest_positions(self) -> list[dict[str, str]]:
        """As REST has them."""
        rows: list[dict[str, str]] = await self.rest.signed("/api/v1/futures/positions")
        return rows

    def balances(self) -> dict[str, str]:
        """What the connector takes for the whole balance, by asset."""
        return {asset: plain(total) for asset, total in self.connector.get_all_balances().items()}

    async def rest_balances(self) -> dict[str, str]:
        """What REST calls so."""
        rows = await self.rest.signed("/api/v1/futures/balance")
        return {row["asset"]: plain(Decimal(row["balance"])) for row in rows}


async def becomes_ready(bot: Bot) -> Any:
    await until("ready", lambda: bool(bot.connector.ready), READY_WITHIN_S)
    return dict(bot.connector.status_dict)


async def sees_the_books_move(bot: Bot) -> Any:
    bot.watching = asyncio.ensure_future(bot.watch.run())
    await until(
        "moving books",
        lambda: all(counts["moves"] >= MOVES_ENOUGH for counts in bot.watch.seen.values()),
        MARKET_MOVES_WITHIN_S,
    )


async def reads_the_rules(bot: Bot) -> Any:
    rules = {
        pair.replace("-", "") + "-PERPETUAL": {
            "min_qty": plain(rule.min_order_size),
            "tick": plain(rule.min_price_increment),
            "step": plain(rule.min_base_amount_increment),
            "min_notional": plain(rule.min_notional_size),
        }
        for pair, rule in bot.connector.trading_rules.items()
    }
    return {"connector": rules, "exchange_info": (await bot.rest.get("/api/v1/exchangeInfo"))["contracts"]}


async def knows_the_funding(bot: Bot) -> Any:
    info = bot.connector.get_funding_info(ETH)
    now = (await bot.rest.get("/api/v1/time"))["serverTime"]
    return {
        "rate": plain(info.rate),
        "next": info.next_funding_utc_timestamp,
        "mark": plain(info.mark_price),
        "index": plain(info.index_price),
        "rest": await bot.rest.get("/api/v1/futures/fundingRate", timestamp=str(now)),
    }


async def sets_leverage(bot: Bot) -> Any:
    bot.connector.set_leverage(ETH, LEVERAGE)
    await until("the leverage", lambda: bot.connector.get_leverage(ETH) == LEVERAGE, ANSWER_WITHIN_S)
    return await bot.rest.signed("/api/v1/futures/leverage", symbol="ETHUSDT-PERPETUAL")


async def _opens_and_closes(bot: Bot, key: str, opening: tuple[Any, ...], closing: tuple[Any, ...]) -> Any:
    await bot.over(await bot.place(*opening))
    await until("the position", lambda: key in bot.positions(), ANSWER_WITHIN_S)
    held = {"connector": bot.positions(), "rest": await bot.rest_positions()}
    await bot.over(await bot.place(*closing))
    await until("its end", lambda: key not in bot.positions(), ANSWER_WITHIN_S)
    return held | {"after": await bot.rest_positions()}


async def goes_long_by_market(bot: Bot) -> Any:
    return await _opens_and_closes(
        bot,
        "ETH-USDTLONG",
        ("market_opens_long", BUY, MARKET, NO_PRICE, OPEN),
        ("market_closes_long", SELL, MARKET, NO_PRICE, CLOSE),
    )


async def goes_short_by_limit(bot: Bot) -> Any:
    return await _opens_and_closes(
        bot,
        "ETH-USDTSHORT",
        ("limit_opens_short", SELL, LIMIT, bot.best(SELL) * ACROSS_DOWN, OPEN),
        ("limit_closes_short", BUY, LIMIT, bot.best(BUY) * ACROSS_UP, CLOSE),
    )


async def rests_as_a_maker_until_cancelled(bot: Bot) -> Any:
    before = bot.balances()
    order = await bot.place("limit_maker_rests", BUY, LIMIT_MAKER, bot.best(SELL) * FAR_BELOW, OPEN)
    await bot.rests(order)
    free = bot.connector.get_available_balance("USDT")
    bot.connector.cancel(ETH, order.client_order_id)
    await bot.over(order)
    return {"before": before, "after": bot.balances(), "free_while_it_rested": plain(free)}


async def is_refused(bot: Bot) -> Any:
    crossing = bot.best(BUY) * ACROSS_UP
    await bot.over(await bot.place("limit_maker_would_take", BUY, LIMIT_MAKER, crossing, OPEN))
    await bot.over(await bot.place("closes_nothing", SELL, LIMIT, bot.best(BUY), CLOSE))


async def ends_with_equal_books(bot: Bot) -> Any:
    """Then the connector's own poll by REST, which must find nothing new (Hummingbot 8, de-duplication)."""
    await until("nothing in flight", lambda: not bot.connector.in_flight_orders, ANSWER_WITHIN_S)
    rest = await bot.rest_balances()
    await came_about(lambda: bot.balances() == rest, ANSWER_WITHIN_S)
    by_socket = bot.balances()
    await bot.connector._update_order_fills_from_trades()
    await bot.connector._update_order_status()
    await bot.connector._update_balances()
    await bot.connector._update_positions()
    return {
        "connector": by_socket,
        "rest": rest,
        "connector_after_poll": bot.balances(),
        "positions": bot.positions(),
    }


STEPS: tuple[Callable[[Bot], Awaitable[Any]], ...] = (
    becomes_ready,
    reads_the_rules,
    knows_the_funding,
    sees_the_books_move,
    sets_leverage,
    goes_long_by_market,
    goes_short_by_limit,
    rests_as_a_maker_until_cancelled,
    is_refused,
    ends_with_equal_books,
)


async def order_facts(bot: Bot, order: Any) -> dict[str, Any]:
    """An order as the connector announced it, and REST's answer for it."""
    events = bot.events.names(order.client_order_id)
    reply = await bot.rest.signed("/api/v1/futures/order", clientOrderId=order.client_order_id)
    return {
        "order_id": order.exchange_order_id,
        "amount": plain(order.amount),
        "executed_base": plain(order.executed_amount_base),
        "endings": [ENDINGS[name] for name in events if name in ENDINGS],
        "events": events,
        "rest": reply,
    }


def fill_facts(fill: Any) -> dict[str, Any]:
    """A fill event."""
    (fee,) = fill.trade_fee.flat_fees
    return {
        "trade_id": fill.exchange_trade_id,
        "order_id": fill.exchange_order_id,
        "side": f"{fill.trade_type.name}_{fill.position}",
        "price": plain(fill.price),
        "amount": plain(fill.amount),
        "fee": plain(fee.amount),
        "fee_asset": fee.token,
    }


async def trade(bot: Bot) -> dict[str, Any]:
    """Every step in turn, up to the first that does not come to its end; then what both sides know."""
    document: dict[str, Any] = {"steps": {}, "failed": {}}
    for step in STEPS:
        say(["step", step.__name__])
        started = time.monotonic()
        try:
            facts = await step(bot)
        except Late as late:
            document["failed"][step.__name__] = str(late)
            break
        document["steps"][step.__name__] = {"seconds": round(time.monotonic() - started, 3), "facts": facts}
    document["books"] = bot.watch.facts()
    document["orders"] = {name: await order_facts(bot, order) for name, order in bot.orders.items()}
    document["fills"] = [fill_facts(fill) for fill in bot.events.of(MarketEvent.OrderFilled.name)]
    document["trades"] = await bot.rest.signed("/api/v1/futures/userTrades", symbol="ETHUSDT-PERPETUAL", limit="1000")
    return document


async def main(ready: dict[str, Any], domain: str, *how: str) -> int:
    """One connector, all steps."""
    if "as-installed" not in how:
        patch_hummingbot(Addresses.of(ready))  # only URL constants: they are read at each use (Hummingbot 2)
    complaints = Complaints()
    account = ready["accounts"][0]
    key, secret = account["api_key"], account["api_secret"]
    connector = HashkeyPerpetualDerivative(quiet_settings(), key, secret, trading_pairs=[BTC, ETH], domain=domain)
    async with aiohttp.ClientSession() as session:
        with Clock(ClockMode.REALTIME) as clock:
            clock.add_iterator(connector)
            ticking = asyncio.ensure_future(clock.run())
            document = await trade(Bot(connector, Rest(session, ready["rest"], key, secret)))
            ticking.cancel()
            await asyncio.wait([ticking])
    document["complaints"] = complaints.sorted_by(EXPECTED_COMPLAINTS)
    write(document)
    return 1 if document["failed"] else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(json.loads(sys.stdin.readline()), *sys.argv[1:])))
