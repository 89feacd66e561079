"""Hummingbot's own HashKey spot connector, unchanged, trading on a running simulator. Runs in Hummingbot's Python 3.10.

Standard input: the ready line of ``serve --json``. The only argument, if any: ``as-installed``, for a run under
``hashkey-sim exec`` in which not even the URLs are set. Standard output: one JSON document of what happened, from
the connector's side and from REST's. Exit status: 0 if every step came to its end, else 1.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from functools import partial
from typing import Any

import aiohttp
from hummingbot.connector.exchange.hashkey import hashkey_constants
from hummingbot.connector.exchange.hashkey.hashkey_exchange import HashkeyExchange
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode
from hummingbot.core.data_type.common import OrderType, TradeType

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
LIMIT, LIMIT_MAKER, MARKET = OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.MARKET
SIZE_USDT, RESERVE_USDT = Decimal(500), Decimal(10_000)
FAR_BELOW, FAR_ABOVE = Decimal("0.95"), Decimal("1.05")
ACROSS_UP, ACROSS_DOWN = Decimal("1.01"), Decimal("0.99")
NO_PRICE = Decimal("nan")
ENDINGS = {
    "BuyOrderCompleted": "FILLED",
    "SellOrderCompleted": "FILLED",
    "OrderCancelled": "CANCELED",
    "OrderFailure": "FAILED",
}

READY_WITHIN_S = 15
ANSWER_WITHIN_S = 5
MARKET_MOVES_WITHIN_S, MOVES_ENOUGH = 20, 5
PART_ROUNDS, PART_ROUND_S = 6, 0.5
QUOTE_ROUNDS, QUOTE_ROUND_S = 5, 2.5

EXPECTED_COMPLAINTS = {
    "Unexpected error while fetching last trade price": "wants the ticker price as an object (Hummingbot 9.1)",
    "Unclosed client session|Unclosed connector": "never closes the sessions of its time requests (Hummingbot 9.14)",
    "Error submitting buy LIMIT_MAKER order": "an order that was to be refused",
    "Error submitting buy LIMIT order": "an order that was to be refused",
    "Failed to cancel order": "a cancel that came after the fill",
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
        self, name: str, side: TradeType, pair: str, kind: OrderType, price: Decimal, usdt: Decimal = SIZE_USDT
    ) -> Any:
        """Send an order; the connector tracks it before the request leaves (Hummingbot 8)."""
        send = self.connector.buy if side is BUY else self.connector.sell
        worth = self.best(pair, side) if kind is MARKET else price
        order_id = send(pair, usdt / worth, kind, price)
        await asyncio.sleep(0)
        self.orders[name] = self.connector.in_flight_orders[order_id]
        return self.orders[name]

    def best(self, pair: str, side: TradeType) -> Decimal:
        """The price at which that side would take."""
        price: Decimal = self.connector.get_price(pair, side is BUY)
        return price

    def names(self, order: Any) -> list[str]:
        """The events of an order so far."""
        return self.events.names(order.client_order_id)

    async def created(self, order: Any) -> None:
        """The order rests or has traded."""
        await until(
            f"creation of {order.client_order_id}",
            lambda: any(name.endswith("Created") for name in self.names(order)),
            ANSWER_WITHIN_S,
        )

    def is_over(self, order: Any) -> bool:
        """Whether the connector has done with it."""
        return order.client_order_id not in self.connector.in_flight_orders

    async def over(self, order: Any) -> None:
        """Wait for that."""
        await until(f"end of {order.client_order_id}", lambda: self.is_over(order), ANSWER_WITHIN_S)

    async def cancel(self, order: Any) -> None:
        """Cancel it, unless it is filled before."""
        self.connector.cancel(order.trading_pair, order.client_order_id)
        await self.over(order)

    def balances(self) -> dict[str, dict[str, str]]:
        """As the connector has them."""
        free = self.connector.available_balances
        return {
            asset: {"free": plain(free[asset]), "total": plain(total)}
            for asset, total in self.connector.get_all_balances().items()
        }

    async def rest_balances(self) -> dict[str, dict[str, str]]:
        """As REST has them."""
        return {
            row["asset"]: {"free": plain(Decimal(row["free"])), "total": plain(Decimal(row["total"]))}
            for row in (await self.rest.signed("/api/v1/account"))["balances"]
        }


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
        pair.replace("-", ""): {
            "min_qty": plain(rule.min_order_size),
            "tick": plain(rule.min_price_increment),
            "step": plain(rule.min_base_amount_increment),
            "min_notional": plain(rule.min_notional_size),
        }
        for pair, rule in bot.connector.trading_rules.items()
    }
    return {"connector": rules, "exchange_info": (await bot.rest.get("/api/v1/exchangeInfo"))["symbols"]}


async def rests_until_cancelled(
    bot: Bot, name: str, side: TradeType, pair: str, kind: OrderType, price: Decimal
) -> Any:
    before = bot.balances()
    order = await bot.place(name, side, pair, kind, price)
    await bot.created(order)
    await until("the hold", lambda: bot.balances() != before, ANSWER_WITHIN_S)
    held = {"connector": bot.balances(), "rest": await bot.rest_balances()}
    await bot.cancel(order)
    await until("the release", lambda: bot.balances() == before, ANSWER_WITHIN_S)
    return {"before": before, "held": held}


async def limit_rests(bot: Bot) -> Any:
    return await rests_until_cancelled(bot, "limit_rests", BUY, BTC, LIMIT, bot.best(BTC, SELL) * FAR_BELOW)


async def limit_maker_rests(bot: Bot) -> Any:
    price = bot.best(BTC, BUY) * FAR_ABOVE
    return await rests_until_cancelled(bot, "limit_maker_rests", SELL, BTC, LIMIT_MAKER, price)


async def takes(bot: Bot) -> Any:
    """One after the other, so that each takes from a book it has seen."""
    for name, side, pair, kind, factor in (
        ("limit_takes", BUY, BTC, LIMIT, ACROSS_UP),
        ("limit_takes_back", SELL, BTC, LIMIT, ACROSS_DOWN),
        ("market_buys", BUY, ETH, MARKET, NO_PRICE),
        ("market_sells", SELL, ETH, MARKET, NO_PRICE),
    ):
        price = NO_PRICE if kind is MARKET else bot.best(pair, side) * factor
        await bot.over(await bot.place(name, side, pair, kind, price))


async def is_refused(bot: Bot) -> Any:
    free = bot.connector.available_balances["USDT"]
    crossing, beyond_means = bot.best(BTC, BUY) * ACROSS_UP, bot.best(BTC, SELL) * FAR_BELOW
    await bot.over(await bot.place("limit_maker_would_take", BUY, BTC, LIMIT_MAKER, crossing))
    await bot.over(await bot.place("limit_beyond_means", BUY, BTC, LIMIT, beyond_means, usdt=free * 2))


async def cannot_cancel_what_is_filled(bot: Bot) -> Any:
    """The connector's public ``cancel`` only asks for orders in flight; its lost-order loop asks like this."""
    await bot.connector._execute_order_cancel(bot.orders["limit_takes"])


async def cancels_all(bot: Bot) -> Any:
    for name, pair in (("one_of_all", BTC), ("other_of_all", ETH)):
        await bot.created(await bot.place(name, BUY, pair, LIMIT, bot.best(pair, SELL) * FAR_BELOW))
    results = await bot.connector.cancel_all(ANSWER_WITHIN_S)
    return {result.order_id: result.success for result in results}


def more_than_best_ask(bot: Bot) -> tuple[str, Decimal]:
    """The pair whose best ask is the smaller, and twice its worth and more."""
    worth = {}
    for pair in (BTC, ETH):
        best = next(bot.connector.order_books[pair].ask_entries())
        worth[pair] = Decimal(str(best.amount)) * Decimal(str(best.price))
    pair = min(worth, key=lambda pair: worth[pair])
    return pair, worth[pair] * 2 + SIZE_USDT


def affords_more_than_best_ask(bot: Bot) -> bool:
    """With enough left for the steps that follow."""
    return bool(more_than_best_ask(bot)[1] < bot.connector.available_balances["USDT"] - RESERVE_USDT)


def has_traded(order: Any) -> bool:
    return bool(order.executed_amount_base > 0)


async def fills_in_part(bot: Bot) -> Any:
    """Twice what stands at the best ask and more, cancelled after its first fill; again while that leaves no rest."""
    for number in range(PART_ROUNDS):
        if not await came_about(partial(affords_more_than_best_ask, bot), PART_ROUND_S):
            continue
        pair, usdt = more_than_best_ask(bot)
        order = await bot.place(f"part_{number}", BUY, pair, LIMIT, bot.best(pair, BUY), usdt=usdt)
        await bot.created(order)
        await came_about(partial(has_traded, order), PART_ROUND_S)
        await bot.cancel(order)
        if 0 < order.executed_amount_base < order.amount:
            return {"order": f"part_{number}"}
    return {"order": None}


def any_over(bot: Bot, orders: list[Any]) -> bool:
    return any(map(bot.is_over, orders))


async def quotes_at_the_touch(bot: Bot) -> Any:
    """Both sides at the best prices, renewed until the moving market has filled one of them."""
    for number in range(QUOTE_ROUNDS):
        quotes = []
        for side, opposite in ((BUY, SELL), (SELL, BUY)):
            for pair in (BTC, ETH):
                name = f"quote_{number}_{side.name}_{pair}".lower()
                quotes.append(await bot.place(name, side, pair, LIMIT, bot.best(pair, opposite)))
        filled = await came_about(partial(any_over, bot, quotes), QUOTE_ROUND_S)
        for order in quotes:
            await bot.cancel(order)
        if filled:
            return {"rounds": number + 1}
    return {"rounds": QUOTE_ROUNDS}


async def ends_with_equal_books(bot: Bot) -> Any:
    """Then the connector's own poll by REST, which must find nothing new (Hummingbot 8, de-duplication)."""
    await until("nothing in flight", lambda: not bot.connector.in_flight_orders, ANSWER_WITHIN_S)
    rest = await bot.rest_balances()
    await came_about(lambda: bot.balances() == rest, ANSWER_WITHIN_S)
    by_socket = bot.balances()
    await bot.connector._update_order_status()
    await bot.connector._update_balances()
    return {"connector": by_socket, "rest": rest, "connector_after_poll": bot.balances()}


STEPS: tuple[Callable[[Bot], Awaitable[Any]], ...] = (
    becomes_ready,
    reads_the_rules,
    sees_the_books_move,
    limit_rests,
    limit_maker_rests,
    takes,
    is_refused,
    cannot_cancel_what_is_filled,
    cancels_all,
    fills_in_part,
    quotes_at_the_touch,
    ends_with_equal_books,
)


async def order_facts(bot: Bot, order: Any) -> dict[str, Any]:
    """An order as the connector announced it, and REST's answer for it.

    Not its ``current_state``: the connector takes the reply to a placement for OPEN whenever it comes, be it
    after FILLED on the socket. It applies that even to a finished order (Hummingbot 8), and announces nothing.
    """
    events = bot.names(order)
    reply = await bot.rest.signed("/api/v1/spot/order", origClientOrderId=order.client_order_id)
    state = hashkey_constants.ORDER_STATE.get(reply.get("status"))
    return {
        "client_order_id": order.client_order_id,
        "order_id": order.exchange_order_id,
        "side": order.trade_type.name,
        "amount": order.amount,
        "price": order.price,
        "endings": [ENDINGS[name] for name in events if name in ENDINGS],
        "executed_base": plain(order.executed_amount_base),
        "executed_quote": plain(order.executed_amount_quote),
        "events": events,
        "rest": reply,
        "rest_state": state and state.name,
    }


def fill_facts(fill: Any) -> dict[str, Any]:
    """A fill event; only fills that came by REST carry a percent token."""
    (fee,) = fill.trade_fee.flat_fees
    return {
        "trade_id": fill.exchange_trade_id,
        "order_id": fill.exchange_order_id,
        "symbol": fill.trading_pair.replace("-", ""),
        "side": fill.trade_type.name,
        "price": plain(fill.price),
        "qty": plain(fill.amount),
        "fee": plain(fee.amount),
        "fee_asset": fee.token,
        "by_socket": fill.trade_fee.percent_token is None,
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
    document["fills"] = [fill_facts(fill) for fill in bot.events.of("OrderFilled")]
    document["trades"] = await bot.rest.signed("/api/v1/account/trades", limit="1000")
    document["open_orders"] = await bot.rest.signed("/api/v1/spot/openOrders")
    return document


async def main(ready: dict[str, Any], *how: str) -> int:
    """One connector, all steps."""
    if "as-installed" not in how:
        patch_hummingbot(Addresses.of(ready))  # only URL constants: they are read at each use (Hummingbot 2)
    complaints = Complaints()
    account = ready["accounts"][0]
    key, secret = account["api_key"], account["api_secret"]
    connector = HashkeyExchange(quiet_settings(), key, secret, trading_pairs=[BTC, ETH])
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
