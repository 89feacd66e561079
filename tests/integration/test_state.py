"""``--state``: a session over real sockets, ended in whatever way, is there again and can be proved."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from simulator.app import running
from simulator.assembly.parts import CannotServe, Parts, exchange_of
from simulator.assembly.resuming import check_listed
from simulator.cli import main
from simulator.config import Accounts, Market, Run, Server, Settings
from simulator.core.commands import ListInstrument
from simulator.core.digest import digest
from simulator.core.exchange import Exchange
from simulator.core.orders import BUY, SELL
from simulator.core.units import Nanos
from simulator.demo import Api, Failed
from simulator.ready import Access
from simulator.storage.folder import JOURNAL, BadState
from simulator.storage.verifying import verify
from tests.builders import instrument
from tests.serving import Ready, serving

ROOT = Path(__file__).parents[2]
SMALL = ROOT / "replay_data" / "small.hkrec"
TWO = ("--account", "alice:USDT=10000,BTC=1", "--account", "bob:USDT=1000,BTC=10")
ORDER, FUTURES_ORDER = "/api/v1/spot/order", "/api/v1/futures/order"
SECRET = "a-secret-that-nobody-shall-read"
FOREVER: Nanos = 2**63 - 1


def api(ready: Ready, account: int = 0) -> Api:
    told = ready.accounts[account]
    return Api(ready.rest, Access(told.name, told.api_key, told.api_secret))


def control(ready: Ready, name: str, **body: object) -> Any:
    data = json.dumps(body).encode() if body else None
    with urllib.request.urlopen(urllib.request.Request(f"{ready.control}/{name}", data=data)) as reply:
        return json.load(reply)


async def buy(trader: Api, price: str, quantity: str = "1", **more: object) -> dict[str, Any]:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": price, "quantity": quantity}
    told: dict[str, Any] = await trader.signed("POST", ORDER, **(order | more))
    return told


def verified(folder: Path, hash_seed: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "simulator", "verify", str(folder), "--json"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


async def test_what_was_served_does_the_same_in_other_processes_that_hash_otherwise(tmp_path: Path) -> None:
    with serving("--replay", str(SMALL), "--state", str(tmp_path), "--speed", "3") as ready:
        trader = api(ready)
        row = await trader.get("/quote/v1/ticker/bookTicker", symbol="BTCUSDT")
        resting = await buy(trader, str(round(Decimal(row[0]["b"]) * Decimal("0.9"), 2)), "0.01")
        for side in ("BUY", "SELL"):
            await trader.signed(
                "POST", "/api/v1.1/spot/order", symbol="BTCUSDT", side=side, type="MARKET", quantity="0.02"
            )
        contract = {"symbol": "BTCUSDT-PERPETUAL", "type": "LIMIT", "priceType": "MARKET", "quantity": 3}
        await trader.signed("POST", FUTURES_ORDER, side="BUY_OPEN", clientOrderId="long", **contract)
        await trader.signed("DELETE", ORDER, orderId=resting["orderId"])
        trades = await trader.signed("GET", "/api/v1/account/trades", symbol="BTCUSDT")
        assert len(trades) >= 2
    one, other = verified(tmp_path, "1"), verified(tmp_path, "2")
    assert one == other and one["ok"] and one["checkpoints"] == 1 and one["entries"] > 30


async def test_a_killed_exchange_comes_back_with_all_that_it_acknowledged(tmp_path: Path) -> None:
    state = ("--empty", "--state", str(tmp_path))
    with serving(*state, *TWO, killed=True) as ready:
        alice, bob = api(ready), api(ready, 1)
        placed = [await buy(alice, f"{100 + number}", clientOrderId=f"order-{number}") for number in range(20)]
        await bob.signed("POST", ORDER, symbol="BTCUSDT", side="SELL", type="LIMIT", price="118", quantity="1.5")
        made = control(ready, "keys", account="bob", note="a bot", permissions=["read"])
        before = control(ready, "digest")["digest"]
        open_before = await alice.signed("GET", "/api/v1/spot/openOrders")
        last = await buy(alice, "50", clientOrderId="the last")
    with serving(*state) as ready:
        assert [one.name for one in ready.accounts] == ["alice", "bob"]
        alice, bob = api(ready), Api(ready.rest, Access("bob", made["api_key"], made["api_secret"]))
        assert [one["orderId"] for one in await alice.signed("GET", "/api/v1/spot/openOrders")] == [
            last["orderId"],
            *(one["orderId"] for one in open_before),
        ]
        await alice.signed("DELETE", ORDER, orderId=last["orderId"])
        for order in placed:
            told = await alice.signed("GET", ORDER, orderId=order["orderId"])
            assert told["clientOrderId"] == order["clientOrderId"]
        trades = await bob.signed("GET", "/api/v1/account/trades", symbol="BTCUSDT")
        assert [(one["price"], one["qty"]) for one in trades] == [("118", "0.5"), ("119", "1")]
        explained = control(ready, f"explain?orderId={placed[19]['orderId']}")
        assert explained["fills"][0]["cause"]
        with pytest.raises(Failed, match="ermission"):
            await buy(bob, "100")
    with serving(*state) as ready:
        assert control(ready, "digest")["digest"] != before  # one order more, and its end
    assert verify(tmp_path).ok


async def test_a_restart_changes_nothing_of_an_empty_market(tmp_path: Path) -> None:
    state = ("--empty", "--state", str(tmp_path), *TWO)
    with serving(*state, killed=True) as ready:
        control(ready, "market/book", symbol="BTCUSDT", bids=[["90", "1"]], asks=[["110", "1"]])
        await buy(api(ready), "90")
        told = control(ready, "digest")
        secrets = [one.api_secret for one in ready.accounts]
    for _ in range(2):
        with serving(*state) as ready:
            assert control(ready, "digest") == told
            assert [one.api_secret for one in ready.accounts] == secrets


def test_a_folder_that_is_served_is_refused_to_a_second_process(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("--empty", "--state", str(tmp_path)) as ready:
        assert main(["serve", "--empty", "--port", "0", "--state", str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert said.startswith("hashkey-sim: another process serves the state folder") and said.count("\n") == 1
        assert main(["inspect", str(tmp_path)]) == main(["verify", str(tmp_path)]) == 0
        assert control(ready, "health")["ok"]


def test_a_damaged_journal_is_not_served(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving("--empty", "--state", str(tmp_path)):
        pass
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as db, db:
        db.execute("UPDATE packs SET data = substr(data, 1, length(data) - 1)")
    for _ in range(2):
        assert main(["serve", "--empty", "--port", "0", "--for", "0.01", "--state", str(tmp_path)]) == 1
        said = capsys.readouterr().err
        assert "is damaged: entries 1 to 0 are whole" in said and said.count("\n") == 1


def test_inspect_tells_what_a_state_folder_holds_and_no_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("--empty", "--state", str(tmp_path), "--api-secret", SECRET, "--control-token", SECRET):
        pass
    assert main(["inspect", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["commands"]["OpenAccount"], told["checkpoints"], told["api_keys"]) == (2, 1, 1)
    assert told["runs"][0]["settings"]["market"]["empty"] is True
    assert told["digest"] == verify(tmp_path).digest
    assert main(["inspect", str(tmp_path)]) == 0
    text = capsys.readouterr().out
    assert "OpenAccount: 2" in text and f"digest {told['digest']}" in text
    holders = [one.name for one in tmp_path.iterdir() if SECRET.encode() in one.read_bytes()]
    assert holders == ["keys.json"]


def recorded(folder: Path | None = None, seed: int = 1) -> Settings:
    market = Market(replay=str(SMALL), clock="recorded", speed="max", loop=False, seed=seed)
    return Settings(market=market, run=Run(state=str(folder or "")), accounts=Accounts(api_secret="s"))


def ended(parts: Parts) -> str:
    """Its digest; its folder is left in order."""
    said = digest(parts.desk.state)
    if parts.kept is not None:
        parts.kept.journal.end(parts.desk.state)
        parts.kept.journal.close()
    return said


def test_a_recording_at_full_speed_ends_in_the_same_state_every_time_and_with_every_seed(tmp_path: Path) -> None:
    """Without orders the seeds have nothing to decide but keys, which are no part of the exchange."""
    said = set()
    for number, seed in enumerate((1, 1, 2, 3)):
        parts = exchange_of(recorded(tmp_path / str(number), seed))
        parts.runner.play(FOREVER, 1500)
        said.add(ended(parts))
    assert len(said) == 1
    assert {verify(tmp_path / str(number)).digest for number in range(4)} == said


def test_in_the_recordings_own_time_a_restart_goes_on_from_the_same_moment(tmp_path: Path) -> None:
    straight = exchange_of(recorded())
    state, replay = straight.desk.state, straight.steering.market
    assert replay is not None
    end = replay.first + (replay.last - replay.first) // 4
    straight.runner.play(end)
    begun = exchange_of(recorded(tmp_path))
    for part in (1, 2):
        begun.runner.play(replay.first + (end - replay.first) * part // 3)
        at = begun.desk.state.now
        ended(begun)
        begun = exchange_of(recorded(tmp_path))
        assert begun.runner.now() == at
        assert not any(market.mirror.stale for market in begun.desk.state.markets.values())
        assert begun.runner.source is not None and (due := begun.runner.source.due()) is not None and due >= at
    begun.runner.play(end)
    resumed = begun.desk.state
    ended(begun)
    assert resumed.now == state.now
    for symbol, market in state.markets.items():
        again = resumed.markets[symbol]
        assert again.last == market.last
        for side in (BUY, SELL):
            assert list(again.levels(side)) == list(market.levels(side))
        trades, once_more = (one.desk.tapes.of(symbol).recent(1000) for one in (straight, begun))
        assert [(one.ts, one.price, one.qty) for one in trades] == [(one.ts, one.price, one.qty) for one in once_more]
    assert verify(tmp_path).ok


def test_beside_the_wall_nothing_fills_from_a_market_that_was_not_seen(tmp_path: Path) -> None:
    settings = Settings(market=Market(replay=str(SMALL)), run=Run(state=str(tmp_path)))
    first = exchange_of(settings)
    first.runner.play(FOREVER, 200)
    ended(first)
    again = exchange_of(settings)
    assert all(market.mirror.stale for market in again.desk.state.markets.values())
    again.runner.play(FOREVER, 200)
    assert not any(market.mirror.stale for market in again.desk.state.markets.values())
    times = [entry.now for _, entry in again.kept.journal.entries()] if again.kept else []
    assert all(one <= later for one, later in pairwise(times))
    ended(again)


@pytest.mark.parametrize("then", [Market(empty=True, symbols=("BTCUSDT",)), Market(replay=str(SMALL))])
def test_another_market_may_be_behind_the_same_accounts(tmp_path: Path, then: Market) -> None:
    first = exchange_of(recorded(tmp_path))
    first.runner.play(FOREVER, 100)
    ended(first)
    again = exchange_of(Settings(market=then, run=Run(state=str(tmp_path))))
    assert all(market.mirror.stale for market in again.desk.state.markets.values())
    ended(again)
    assert verify(tmp_path).ok


def test_a_market_that_counts_otherwise_is_refused() -> None:
    exchange = Exchange()
    exchange.handle(1, ListInstrument(instrument(tick="5")))
    check_listed([instrument(tick="5")], ["XY"], exchange.state)
    with pytest.raises(BadState, match="XY is counted in other steps"):
        check_listed([instrument()], ["XY"], exchange.state)
    with pytest.raises(BadState, match="the state folder trades XY, which this market does not have"):
        check_listed([], ["OTHER"], exchange.state)


def test_an_exchange_that_is_ahead_of_the_clock_is_refused(tmp_path: Path) -> None:
    run = Run(state=str(tmp_path))
    first = exchange_of(Settings(market=Market(empty=True), run=run))
    first.steering.clock.advance(3600 * 10**9)
    first.runner.catch_up()
    first.runner.do(next(iter(entry.command for _, entry in first.kept.journal.entries())))  # type: ignore[union-attr]
    ended(first)
    with pytest.raises(CannotServe, match="ahead of this clock"):
        exchange_of(Settings(market=Market(empty=True), run=run))
    # The folder is free again.
    with pytest.raises(CannotServe, match="ahead of this clock"):
        exchange_of(Settings(market=Market(empty=True), run=run))


async def test_what_cannot_be_written_down_is_not_acknowledged_and_ends_the_run(tmp_path: Path) -> None:
    settings = Settings(market=Market(empty=True), server=Server(port=0), run=Run(state=str(tmp_path)))

    async def served() -> None:
        async with running(settings) as sim:
            journal = sim.parts.kept.journal  # type: ignore[union-attr]
            journal._db.execute("PRAGMA query_only = on")
            body = b'{"account": "default", "asset": "USDT", "amount": "1"}'
            async with ClientSession() as http, http.post(f"{sim.ready.control}/deposit", data=body) as reply:
                assert reply.status == 500
            with pytest.raises(BadState):
                await sim.playing

    with pytest.raises(CannotServe, match=r"the journal in .* cannot be used"):
        await served()
