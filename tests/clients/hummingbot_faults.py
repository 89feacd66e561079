"""Hummingbot's own spot connector under faults. Runs in Hummingbot's Python 3.10.

Standard input: the ready line of ``serve --json --empty`` with a book in it. Standard output: one JSON document: for
each fault the events of its order, and what REST says of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
from hummingbot.connector.exchange.hashkey.hashkey_exchange import HashkeyExchange
from hummingbot.core.clock import Clock
from hummingbot.core.clock_mode import ClockMode
from hummingbot.core.data_type.common import OrderType

from simulator.testing.clients import Addresses, patch_hummingbot
from tests.clients.hummingbot_session import Complaints, MarketEvents, Rest, came_about, quiet_settings, until, write

BTC = "BTC-USDT"
ORDER = "/api/v1/spot/order"
WITHIN_S = 5
LOW, ACROSS, AMOUNT = Decimal(90), Decimal(102), Decimal(1)


class Bot:
    """The connector, its events, REST, and the control API."""

    def __init__(self, connector: Any, rest: Rest, session: aiohttp.ClientSession, control: str) -> None:
        self._complaints = Complaints()
        self.connector = connector
        self.rest = rest
        self.events = MarketEvents(connector)
        self._session = session
        self._control = control

    async def fault(self, kind: str, **told: Any) -> None:
        """Something goes wrong from now on."""
        async with self._session.post(f"{self._control}/faults", json={"kind": kind, **told}) as reply:
            assert reply.status == 200, await reply.text()

    async def mend(self) -> Any:
        """Nothing does any more; how often each fault struck."""
        async with self._session.delete(f"{self._control}/faults") as reply:
            return {one["fault"]["kind"]: one["struck"] for one in (await reply.json())["faults"]}

    def buy(self, price: Decimal) -> str:
        """An order; its id."""
        order_id: str = self.connector.buy(BTC, AMOUNT, OrderType.LIMIT, price)
        return order_id

    def saw(self, order_id: str, name: str) -> Callable[[], bool]:
        """Whether an event has come."""
        return lambda: any(name in one for one in self.events.names(order_id))

    def closings(self) -> list[str]:
        """The ends of its private socket, as it logged them."""
        return [line for line in self._complaints.lines if "connection was closed" in line]

    async def told(self, order_id: str) -> Any:
        """An order's events and REST's word for it."""
        reply = await self.rest.signed(ORDER, origClientOrderId=order_id)
        fills = [one for one in self.events.of("OrderFilled") if one.order_id == order_id]
        return {
            "events": self.events.names(order_id),
            "filled": sum((one.amount for one in fills), Decimal(0)),
            "in_flight": order_id in self.connector.in_flight_orders,
            "rest": reply.get("status"),
            "struck": await self.mend(),
        }


async def doubled(bot: Bot) -> Any:
    """Every private event comes three times."""
    await bot.fault("duplicate_events", stream="private", copies=2)
    order_id = bot.buy(ACROSS)
    await until("the fill", bot.saw(order_id, "Completed"), WITHIN_S)
    await bot.rest.get("/api/v1/ping")
    return await bot.told(order_id)


async def events_first(bot: Bot) -> Any:
    """The answer comes long after the fill."""
    await bot.fault("late_answer", ms=500, path=ORDER, times=1)
    order_id = bot.buy(ACROSS)
    await until("the fill", bot.saw(order_id, "Completed"), WITHIN_S)
    return await bot.told(order_id)


async def answer_lost(bot: Bot) -> Any:
    """The order is placed, and the connection ends."""
    await bot.fault("lose_answer", how="close", method="POST", path=ORDER, times=1)
    order_id = bot.buy(LOW)
    await came_about(bot.saw(order_id, "Failure"), WITHIN_S)
    return await bot.told(order_id)


async def overloaded(bot: Bot) -> Any:
    """A 503 of the gateway: the connector takes the order's fate for unknown."""
    await bot.fault("error", status=503, method="POST", path=ORDER, times=1)
    order_id = bot.buy(LOW)
    await came_about(bot.saw(order_id, "Failure"), WITHIN_S)
    return await bot.told(order_id)


async def key_expired(bot: Bot) -> Any:
    """The listen key ends, so the socket is closed."""
    return await _filled_unheard(bot, "expire_listen_key")


async def socket_closed(bot: Bot) -> Any:
    """The private socket is closed with a code."""
    return await _filled_unheard(bot, "close_socket", code=1011, stream="private", duration_ms=60_000)


async def _filled_unheard(bot: Bot, kind: str, **told: Any) -> Any:
    """What no socket tells is found by the connector's own poll, which need not be waited for."""
    closings = len(bot.closings())
    await bot.fault(kind, **told)
    await until("the end of the connection", lambda: len(bot.closings()) > closings, WITHIN_S)
    order_id = bot.buy(ACROSS)
    await until("the answer", bot.saw(order_id, "Created"), WITHIN_S)
    before = bot.events.names(order_id)
    await bot.connector._update_order_status()
    await until("the fill", bot.saw(order_id, "Completed"), WITHIN_S)
    return {**await bot.told(order_id), "before": before}


STEPS: tuple[Callable[[Bot], Awaitable[Any]], ...] = (
    doubled,
    events_first,
    answer_lost,
    overloaded,
    key_expired,
    socket_closed,
)


async def main(ready: dict[str, Any]) -> None:
    """One connector, all faults."""
    patch_hummingbot(Addresses.of(ready))
    account = ready["accounts"][0]
    key, secret = account["api_key"], account["api_secret"]
    connector = HashkeyExchange(quiet_settings(), key, secret, trading_pairs=[BTC])
    async with aiohttp.ClientSession() as session:
        with Clock(ClockMode.REALTIME) as clock:
            clock.add_iterator(connector)
            bot = Bot(connector, Rest(session, ready["rest"], key, secret), session, ready["control"])
            ticking = asyncio.ensure_future(clock.run())
            await until("ready", lambda: bool(connector.ready), 15)
            document = {step.__name__: await step(bot) for step in STEPS}
            ticking.cancel()
            await asyncio.wait([ticking])
    write(document)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.stdin.readline())))
