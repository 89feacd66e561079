"""Perpetuals from end to end: a liquidation over real sockets, and a funding settlement that was recorded."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from websockets.asyncio.client import ClientConnection

from simulator.assembly.parts import Parts, exchange_of
from simulator.config import Accounts, Market, Settings
from simulator.control.explain import WhichOrder, why
from simulator.control.table import Nothing, NotThere
from simulator.control.views import summary
from simulator.core.accounts.ledger import INSURANCE
from simulator.core.commands import SetMarkPrice
from simulator.core.digest import digest
from simulator.core.events import Event, FundingPaid, MarginWarning, MarkChanged, MirrorChanged
from simulator.core.explaining import Explanation
from simulator.core.explaining_perpetuals import StopReason
from simulator.core.units import NANOS_PER_MILLI, PRICE_ONE, funding_rate_text, money, price_text
from simulator.venues.hashkey.gate import Gate
from tests.integration.test_sockets import Server, serving
from tests.wire import Client

ETH = "ETHUSDT-PERPETUAL"
ORDER = "/api/v1/futures/order"
RECORDINGS = Path(__file__).parents[2] / "replay_data"
FUNDING, SMALL = RECORDINGS / "funding.hkrec", RECORDINGS / "small.hkrec"
MIDNIGHT_MS = 1_680_652_800_000


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with serving() as made:
        yield made


class Trader:
    """Alice over HTTP; signs as tests/wire.py does, sends as a real client."""

    def __init__(self, server: Server, http: ClientSession) -> None:
        self._server = server
        self._http = http

    async def call(self, method: str, path: str, **params: Any) -> Any:
        """A signed call that succeeds."""
        client = self._server.site.alice
        sent: list[str] = []

        def catch(verb: str, where: str, query: str, **_: Any) -> Any:
            sent.append(f"{where}?{query}")

        signer = Client(client.gate, client.key, client.secret, client.now)
        signer.send = catch  # type: ignore[method-assign,assignment]
        signer.signed(method, path, **params)
        url = f"http://127.0.0.1:{self._server.port}{sent[0]}"
        async with self._http.request(method, url, headers={"X-HK-APIKEY": client.key}) as reply:
            assert reply.status == 200, await reply.text()
            return await reply.json()


async def heard(client: ClientConnection, last: str) -> list[dict[str, Any]]:
    """Events up to the first of a kind."""
    events: list[dict[str, Any]] = []
    while not events or events[-1]["e"] != last:
        (event,) = json.loads(await client.recv())
        events.append(event)
    return events


async def test_a_leveraged_long_is_warned_cancelled_and_taken_over_when_the_mark_falls(server: Server) -> None:
    warnings: list[Event] = []

    def listen(now: int, events: Sequence[Event]) -> None:
        warnings.extend(event for event in events if isinstance(event, MarginWarning))

    site = server.site
    site.runner.subscribers.append(listen)
    site.mark(ETH, "2770", "2770")
    async with ClientSession() as http:
        alice = Trader(server, http)
        accounts = {row["accountType"]: row["accountId"] for row in await alice.call("GET", "/api/v1/account/type")}
        await alice.call(
            "POST",
            "/api/v1/account/assetTransfer",
            fromAccountId=accounts[3],
            toAccountId=accounts[1],
            coin="USDT",
            quantity="97000",
        )
        order = {"symbol": ETH, "type": "LIMIT"}
        await alice.call("POST", "/api/v1/futures/leverage", symbol=ETH, leverage=10)
        market = order | {"side": "BUY_OPEN", "priceType": "MARKET", "quantity": 9000, "clientOrderId": "long"}
        assert (await alice.call("POST", "/api/v1/futures/order", **market))["status"] == "FILLED"
        resting = order | {"side": "BUY_OPEN", "price": "2700", "quantity": 100, "clientOrderId": "resting"}
        assert (await alice.call("POST", "/api/v1/futures/order", **resting))["status"] == "NEW"
        (position,) = await alice.call("GET", "/api/v1/futures/positions")
        assert (position["position"], position["leverage"]) == ("9000", "10")
        end = Decimal(position["liquidationPrice"])
        socket = await server.private()

        site.mark(ETH, str(end + 5))
        assert [(one.account, one.symbol) for one in warnings if isinstance(one, MarginWarning)] == [
            ("alice/futures", None)
        ]
        assert len(await alice.call("GET", "/api/v1/futures/positions")) == 1
        site.mark(ETH, str(end - 1))

        canceled, *money_free = await heard(socket, "outboundContractAccountInfo")
        assert (canceled["e"], canceled["c"], canceled["X"]) == ("contractExecutionReport", "resting", "CANCELED")
        assert [event["e"] for event in money_free] == ["outboundContractAccountInfo"]
        ticket, report, closed, balance = await heard(socket, "outboundContractAccountInfo")
        assert (ticket["e"], ticket["q"], ticket["S"]) == ("ticketInfo", "9000.00", "SELL")
        assert (report["S"], report["X"], report["lo"], report["lt"]) == (
            "SELL_CLOSE",
            "FILLED",
            True,
            "LIQUIDATION_TAKER",
        )
        assert (closed["e"], closed["S"], closed["P"], closed["a"]) == (
            "outboundContractPositionInfo",
            "LONG",
            "0",
            "0",
        )
        (held,) = balance["B"]
        (row,) = await alice.call("GET", "/api/v1/futures/balance")
        assert Decimal(held["f"]) + Decimal(held["l"]) == Decimal(row["balance"]) == 0

        assert await alice.call("GET", "/api/v1/futures/positions") == []
        taken, *_ = await alice.call("GET", "/api/v1/futures/historyOrders", symbol=ETH, type="LIMIT")
        assert (taken["isLiquidationOrder"], taken["liquidationType"]) == (True, "LIQUIDATION_TAKER")
        assert taken["orderId"] == report["i"]
        fill, opened = await alice.call("GET", "/api/v1/futures/userTrades", symbol=ETH)
        assert (fill["tradeId"], fill["side"], fill["quantity"]) == (report["d"], "SELL_CLOSE", "9000")
        span = {"startTime": site.now_ms() - 1000, "endTime": site.now_ms()}
        (flow,) = await alice.call("GET", "/api/v1/account/balanceFlow", flowType=700, **span)
        assert (flow["flowTypeValue"], flow["total"], flow["accountId"]) == (700, "0", accounts[3])
        # All that was there is gone: 3000 less the fee of opening went with the position.
        assert Decimal(flow["change"]) == Decimal(opened["commission"]) - 3000 == Decimal(fill["realizedPnl"])
    fund = site.exchange.state.ledger.balance(INSURANCE, "USDT")
    assert fund.free > 0, "it sold above the bankruptcy price, into a book that had not fallen"


def played(settings: Settings) -> tuple[Parts, list[Event], Client]:
    """An exchange on a recording, what happens on it, and its first account."""
    parts = exchange_of(settings)
    events: list[Event] = []
    parts.runner.subscribers.append(lambda now, told: events.extend(told))
    gate = Gate(parts.desk, None, parts.runner.catch_up, parts.runner.act)
    access = parts.access[0]
    client = Client(gate, access.api_key, access.api_secret, lambda: parts.runner.now() // NANOS_PER_MILLI)
    return parts, events, client


def test_what_was_paid_at_the_recorded_settlement_is_size_times_mark_times_rate_to_the_last_digit() -> None:
    market = Market(replay=str(FUNDING), clock="recorded", speed="max", loop=False)
    parts, events, client = played(Settings(market=market))
    parts.runner.play(2**63, 100)
    opened = client.contract_order(
        "SELL_OPEN", "123", price="", priceType="MARKET", symbol="BTCUSDT-PERPETUAL", clientOrderId="short"
    ).json
    assert opened["status"] == "FILLED"
    parts.runner.play(2**63)

    (paid,) = (event for event in events if isinstance(event, FundingPaid))
    before = events[: events.index(paid)]
    mark = next(event.mark for event in reversed(before) if isinstance(event, MarkChanged))
    exact = Decimal("0.123") * Decimal(price_text(mark)) * Decimal(funding_rate_text(paid.rate))
    assert (price_text(mark), funding_rate_text(paid.rate)) == ("28157.1", "0.00002754")
    assert paid.amount == money(str(exact)), "a short receives while the rate is positive"
    assert paid.settle_time == MIDNIGHT_MS * NANOS_PER_MILLI
    (row,) = client.get("/api/v1/futures/historyFundingRate", symbol="BTCUSDT-PERPETUAL").json
    assert (row["settleTime"], row["settleRate"]) == (str(MIDNIGHT_MS), "0.00002754")
    now = parts.runner.now() // NANOS_PER_MILLI
    span = {"startTime": now - 60_000, "endTime": now}
    (flow,) = client.signed("GET", "/api/v1/account/balanceFlow", flowType=32, **span).json
    assert (Decimal(flow["change"]), flow["created"]) == (exact, str(MIDNIGHT_MS))
    (rate,) = client.get("/api/v1/futures/fundingRate", timestamp=now).json
    assert (rate["rate"], rate["nextSettleTime"]) == ("0.0000276", str(MIDNIGHT_MS + 8 * 3_600_000))


def test_on_the_walls_clock_the_recorded_settlement_moves_with_the_recording() -> None:
    parts, _, client = played(Settings(market=Market(replay=str(FUNDING))))
    start = parts.runner.now() // NANOS_PER_MILLI
    parts.runner.play(2**63, 100)
    (row,) = client.get("/api/v1/futures/fundingRate", timestamp=start).json
    assert row["rate"] == "0.00002754"
    # The recording begins ten seconds before the settlement.
    assert 9_000 < int(row["nextSettleTime"]) - start <= 10_000


def test_a_replay_with_perpetuals_repeats_itself() -> None:
    """Marks that wait for their second, funding, stops and fills: same recording, same commands, same everything."""

    def run() -> tuple[str, list[str]]:
        market = Market(replay=str(SMALL), clock="recorded", speed="max", loop=False)
        accounts = Accounts(api_key="key", api_secret="secret")
        parts, events, client = played(Settings(market=market, accounts=accounts))
        parts.runner.play(2**63, 1000)
        client.contract_order(priceType="MARKET", price="")
        best = client.get("/quote/v1/depth", symbol=ETH, limit=1).json
        client.contract_order("SELL_CLOSE", "5", best["a"][0][0])
        client.contract_order("SELL_CLOSE", "5", type="STOP", stopPrice=best["b"][0][0], priceType="MARKET", price="")
        parts.runner.play(2**63)
        kept = [repr(event) for event in events if not isinstance(event, MirrorChanged)]
        return digest(parts.desk.state), kept

    first, second = run(), run()
    assert first == second
    told = " ".join(first[1])
    assert "MarkChanged" in told and "StopTriggered" in told and "PositionChanged" in told


def test_the_summary_counts_positions_and_tells_what_the_insurance_fund_has() -> None:
    parts, _, client = played(Settings(market=Market(replay=str(SMALL), clock="recorded", speed="max")))
    before = summary(parts, Nothing())
    assert (before.positions, before.insurance) == (0, {"USDT": "0"})
    parts.runner.play(2**63, 100)
    client.contract_order(priceType="MARKET", price="")
    assert summary(parts, Nothing()).positions == 1


def test_stops_and_take_overs_explain_themselves_by_their_ids() -> None:
    parts, _, client = played(Settings(market=Market(empty=True)))
    client.contract_order("SELL_OPEN", "9000", "100", clientOrderId="maker")
    parts.runner.do(SetMarkPrice(ETH, parts.runner.now(), 100 * PRICE_ONE, 100 * PRICE_ONE))
    stop = client.contract_order("BUY_OPEN", "1", "100", type="STOP", stopPrice="110", clientOrderId="stop").json
    told = why(parts, WhichOrder(client_order_id="stop"))
    assert told == why(parts, WhichOrder(stop["orderId"]))
    assert isinstance(told, StopReason) and told.rest == "it waits for the mark price to rise to 110"
    maker = why(parts, WhichOrder(client.signed("GET", ORDER, clientOrderId="maker").json["orderId"]))
    assert isinstance(maker, Explanation) and maker.status == "NEW"
    with pytest.raises(NotThere):
        why(parts, WhichOrder("1"))
