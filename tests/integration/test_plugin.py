"""The pytest plugin as a test suite meets it: what its fixtures do, what they cost to load, what a failure tells."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path
from urllib.parse import urlsplit

import ccxt
import pytest
import requests

from simulator.config import BadSetting
from simulator.remote import Refused
from simulator.testing import SimClock, SimExchange, SimServer
from simulator.testing.by_hand import Number
from simulator.testing.wishes import settings_of

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
BTC, PERPETUAL = "BTCUSDT", "BTCUSDT-PERPETUAL"


def connector(server: SimServer, account: str = "") -> ccxt.hashkey:
    exchange = ccxt.hashkey({"enableRateLimit": False})
    server.configure_ccxt(exchange, account)
    return exchange


def ask_often(exchange: ccxt.hashkey) -> None:
    for _ in range(50):
        exchange.fetch_balance()


class TestServer:
    def test_it_tells_where_it_is_and_who_trades(self, sim_server: SimServer) -> None:
        assert requests.get(f"{sim_server.rest_url}/api/v1/ping", timeout=5).status_code == 200
        assert sim_server.ws_private_url.endswith("/{listenKey}")
        assert sim_server.symbols[0] == BTC
        assert sim_server.balances()["USDT"] == {"free": 100_000, "held": 0}
        assert connector(sim_server).fetch_balance()["BTC"]["total"] == 2

    def test_what_is_set_by_hand_counts_at_once(self, sim_server: SimServer) -> None:
        sim_server.set_book(BTC, bids=[("100.00", "1")], asks=[(101, Decimal("2.5"))])
        exchange = connector(sim_server)
        order = exchange.create_order("BTC/USDT", "limit", "buy", 0.5, 99, {"clientOrderId": "abc"})
        sim_server.trade(BTC, price="98.50", qty="1", side="SELL")
        assert exchange.fetch_order(order["id"], "BTC/USDT")["filled"] == 0.5
        assert sim_server.explain(client_order_id="abc")["status"] == "FILLED"
        assert sim_server.explain(order_id=order["id"])["client_order_id"] == "abc"

    def test_money_marks_funding_and_halts(self, sim_server: SimServer) -> None:
        before = sim_server.digest()
        sim_server.deposit("USDT", "1000.5")
        sim_server.withdraw("USDT", 1000, wallet="futures")
        assert sim_server.balances()["USDT"]["free"] == Decimal("101000.5")
        assert sim_server.balances(wallet="futures")["USDT"]["free"] == 99_000
        assert sim_server.digest() != before
        sim_server.mark(PERPETUAL, mark="100", index="100.5")
        sim_server.funding(PERPETUAL, "-0.0003")
        sim_server.halt(BTC)
        with pytest.raises(ccxt.ExchangeError):
            connector(sim_server).create_order("BTC/USDT", "limit", "buy", 0.5, 99)
        sim_server.resume(BTC)
        connector(sim_server).create_order("BTC/USDT", "limit", "buy", 0.5, 99)

    def test_more_accounts_have_keys_and_money_of_their_own(self, sim_server: SimServer) -> None:
        bob = sim_server.account("bob", {"USDT": 10}, {"USDT": "0.5"})
        assert bob == sim_server.account("bob")
        assert connector(sim_server, "bob").fetch_balance()["total"] == {"USDT": 10}
        assert sim_server.balances("bob", "futures") == {"USDT": {"free": Decimal("0.5"), "held": 0}}

    def test_what_cannot_be_done_is_said_in_words(self, sim_server: SimServer) -> None:
        with pytest.raises(Refused, match="there is no symbol XXX"):
            sim_server.set_book("XXX")
        with pytest.raises(Refused, match="insufficient balance"):
            sim_server.withdraw("USDT", 10**9)
        for name in ("", "a/futures", "ä", "x" * 65, "a\n"):
            with pytest.raises(Refused, match="a name has letters"):
                sim_server.ask("POST", "accounts", name=name)
        digest = sim_server.digest()
        wrong: list[dict[str, Number]] = [{"USDT": "-1"}, {"US DT": 1}, {"USDT": 1, "BTC": "1e-40"}]
        for funds in wrong:
            with pytest.raises(Refused):
                sim_server.account("carol", funds)
        with pytest.raises(Refused, match="there is an account default already"):
            sim_server.ask("POST", "accounts", name="default")
        assert sim_server.digest() == digest

    async def test_it_answers_while_the_tests_own_loop_waits(self, sim_server: SimServer) -> None:
        asking = asyncio.create_task(asyncio.to_thread(sim_server.requests.wait_for, path="/api/v1/time"))
        await asyncio.to_thread(requests.get, f"{sim_server.rest_url}/api/v1/time", timeout=5)
        assert (await asking).status == 200


class TestRequests:
    def test_a_request_is_told_without_secrets(self, sim_server: SimServer) -> None:
        exchange = connector(sim_server)
        exchange.create_order("BTC/USDT", "limit", "buy", 0.5, 99)
        one = sim_server.requests.one(path="/api/v1/spot/order", side="BUY", price=99)
        assert (one.method, one.status, one.code, one.account) == ("POST", 200, "", "default")
        assert one.params["symbol"] == BTC and one.duration_ms is not None and one.duration_ms >= 0
        assert abs(one.time - one.wall) < 1000
        key = exchange.privatePostApiV1UserDataStream()["listenKey"]
        exchange.privatePutApiV1UserDataStream({"listenKey": key})
        told = requests.get(f"{sim_server.control_url}/requests", timeout=5).text
        assert "userDataStream" in told
        for secret in (key, "signature", sim_server.api_key, sim_server.api_secret):
            assert secret not in told

    def test_a_refusal_is_told_with_its_code(self, sim_server: SimServer) -> None:
        with pytest.raises(ccxt.InsufficientFunds):
            connector(sim_server).create_order("BTC/USDT", "limit", "buy", 2, 60_000)
        requests.get(f"{sim_server.rest_url}/quote/v1/depth?symbol=X", timeout=5)
        requests.get(f"{sim_server.rest_url}/nowhere", timeout=5)
        found = [(one.status, one.code) for one in sim_server.requests if one.status != 200]
        assert found == [(400, "0401"), (400, "-100011"), (404, "")]
        assert sim_server.requests.count(status=400) == 2
        assert len(sim_server.requests.all(code="0401")) == 1
        sim_server.requests.clear()
        sim_server.requests.none()

    @pytest.mark.parametrize(
        ("query", "many"),
        [
            ("", 6),
            ("limit=2", 2),
            ("path=/api/v1/ping", 3),
            ("method=get&status=404", 1),
            ("params=a%3D1", 2),
            ("params=a%3D1%26b%3D2", 1),
            ("account=bob", 0),
            ("since=99999999999999", 0),
        ],
    )
    def test_it_is_filtered(self, sim_server: SimServer, query: str, many: int) -> None:
        for target in ("api/v1/ping", "api/v1/ping?a=1", "api/v1/ping?a=1&b=2", "api/v1/time", "x", "api/v1/time"):
            requests.get(f"{sim_server.rest_url}/{target}", timeout=5)
        assert len(requests.get(f"{sim_server.control_url}/requests?{query}", timeout=5).json()) == many

    def test_bytes_that_are_no_text_are_told_all_the_same(self, sim_server: SimServer) -> None:
        body = b"a=\xff&\xfe=%ff&\xc3\xa4=1"
        headers: dict[str, str | bytes] = {
            "X-HK-APIKEY": b"\xff\xfe\xfd",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        requests.post(f"{sim_server.rest_url}/api/v1/spot/order?%ff=%fe", data=body, headers=headers, timeout=5)
        assert sim_server.requests.one().params["ä"] == "1"

    def test_who_knocks_at_a_socket_is_told_without_its_listen_key(self, sim_server: SimServer) -> None:
        key = connector(sim_server).privatePostApiV1UserDataStream()["listenKey"]
        for secret, status in ((key, 101), ("x" * 64, 401)):
            url = sim_server.ws_private_url.replace("ws:", "http:").replace("{listenKey}", secret)
            requests.get(url, headers=UPGRADE, timeout=5, stream=True).close()
            one = sim_server.requests.wait_for(method="WS", status=status)
            assert (one.path, one.account) == ("/api/v1/ws/{listenKey}", "default" if status == 101 else "")
        assert key not in requests.get(f"{sim_server.control_url}/requests", timeout=5).text

    @pytest.mark.sim(latency="response=60000")
    def test_what_waits_for_its_answer_is_told_already(self, sim_server: SimServer, sim_clock: SimClock) -> None:
        with ThreadPoolExecutor() as pool:
            asking = pool.submit(requests.get, f"{sim_server.rest_url}/api/v1/time", timeout=20)
            one = sim_server.requests.wait_for(path="/api/v1/time")
            assert (one.status, one.duration_ms) == (None, None)
            sim_clock.advance(minutes=1)
            assert asking.result().status_code == 200
        assert sim_server.requests.one().status == 200

    def test_a_failed_assertion_says_what_came_instead(self, sim_server: SimServer) -> None:
        with pytest.raises(AssertionError, match="no request came at all"):
            sim_server.requests.one(path="/api/v1/ping")
        requests.get(f"{sim_server.rest_url}/api/v1/ping?side=SELL", timeout=5)
        with pytest.raises(AssertionError) as failed:
            sim_server.requests.one(path="/api/v1/ping", side="BUY")
        words = str(failed.value)
        assert "no requests, not one, with path='/api/v1/ping', side='BUY'" in words
        assert "but its side was SELL" in words
        assert "GET /api/v1/ping side=SELL -> 200" in words
        requests.get(f"{sim_server.rest_url}/api/v1/ping", timeout=5)
        with pytest.raises(AssertionError, match="2 requests, not one"):
            sim_server.requests.one(path="/api/v1/ping")
        with pytest.raises(AssertionError, match="2 requests, not none"):
            sim_server.requests.none()
        with pytest.raises(AssertionError, match=r"within 0\.01 s no request with path='/x'"):
            sim_server.requests.wait_for(path="/x", timeout=0.01)


class TestClock:
    def test_time_stands_and_goes_where_it_is_moved(self, sim_server: SimServer, sim_clock: SimClock) -> None:
        start = sim_clock.now_ms
        sim_clock.advance(hours=8, ms=1)
        assert sim_clock.now_ms - start == 8 * 3_600_000 + 1
        assert requests.get(f"{sim_server.rest_url}/api/v1/time", timeout=5).json()["serverTime"] == sim_clock.now_ms
        assert sim_clock.now.timestamp() == pytest.approx(sim_clock.now_ms / 1000)
        # No client's own clock is right then, so its stamps are not looked at.
        assert connector(sim_server).fetch_balance()["BTC"]["total"] == 2

    @pytest.mark.sim(timestamps=True)
    def test_stamps_are_looked_at_where_that_is_wished(self, sim_server: SimServer, sim_clock: SimClock) -> None:
        sim_clock.advance(minutes=1)
        with pytest.raises(ccxt.InvalidNonce):
            connector(sim_server).fetch_balance()

    def test_without_it_time_runs_and_stamps_are_looked_at(self, sim_server: SimServer) -> None:
        connector(sim_server).fetch_balance()
        sim_server.clock.advance(minutes=1)
        with pytest.raises(ccxt.InvalidNonce):
            connector(sim_server).fetch_balance()


class TestTimeMachine:
    def test_it_goes_back_to_a_snapshot_and_to_the_start(self, sim_server: SimServer, sim_clock: SimClock) -> None:
        start = sim_server.digest()
        sim_server.deposit("USDT", 1)
        sim_server.snapshot("richer")
        sim_server.deposit("USDT", 1)
        sim_server.restore("richer")
        assert sim_server.balances()["USDT"]["free"] == 100_001
        sim_server.reset()
        assert sim_server.digest() == start
        with pytest.raises(Refused, match="there is no snapshot"):
            sim_server.restore()

    def test_a_fork_runs_on_beside_it_until_its_block_ends(self, sim_server: SimServer, sim_clock: SimClock) -> None:
        sim_server.set_book(BTC, bids=[("100", "1")])
        connector(sim_server).create_order("BTC/USDT", "limit", "buy", 0.5, 100, {"clientOrderId": "mine"})
        with sim_server.fork(queue="front") as other:
            for one in (sim_server, other):
                one.set_book(BTC, bids=[("100", "0.5")])
                one.trade(BTC, price="100", qty="0.5", side="SELL")
            assert [one.explain(client_order_id="mine")["model"] for one in (sim_server, other)] == [
                "pessimistic",
                "front",
            ]
            other.deposit("USDT", 1)
            assert other.digest() != sim_server.digest()
        with pytest.raises(Refused):
            other.digest()


class TestExchange:
    def test_orders_fill_in_process(self, sim_exchange: SimExchange) -> None:
        sim_exchange.set_book(BTC, bids=[("100", "1")], asks=[("101", "2")])
        taken = sim_exchange.buy(BTC, "0.5")
        assert (taken.status, taken.fills) == ("FILLED", [(Decimal(101), Decimal("0.5"))])
        assert sim_exchange.book(BTC) == {"bids": [(100, 1)], "asks": [(101, Decimal("1.5"))]}
        resting = sim_exchange.sell(BTC, 1, "101", client_order_id="mine")
        sim_exchange.trade(BTC, price="101.5", qty="0.25", side="BUY")
        assert (resting.status, resting.filled, resting.leaves) == (
            "PARTIALLY_FILLED",
            Decimal("0.25"),
            Decimal("0.75"),
        )
        assert sim_exchange.explain(client_order_id="mine")["status"] == "PARTIALLY_FILLED"
        resting.cancel()
        assert resting.status == "PARTIALLY_CANCELED"
        with pytest.raises(Refused, match="ORDER_ALREADY_CANCELED"):
            resting.cancel()
        with pytest.raises(Refused, match="WOULD_TAKE"):
            sim_exchange.buy(BTC, 1, 101, post_only=True)

    def test_perpetuals_and_time(self, sim_exchange: SimExchange) -> None:
        sim_exchange.set_book(PERPETUAL, bids=[("100", "2000")], asks=[("101", "2000")])
        sim_exchange.mark(PERPETUAL, 100, 100)
        sim_exchange.funding(PERPETUAL, "0.001")
        sim_exchange.buy(PERPETUAL, 1000, 101)
        before = sim_exchange.balances(wallet="futures")["USDT"]["free"]
        sim_exchange.clock.advance(hours=8)
        assert before - sim_exchange.balances(wallet="futures")["USDT"]["free"] == Decimal("0.1")
        assert sim_exchange.sell(PERPETUAL, 1000, 100, close=True).status == "FILLED"

    def test_two_of_them_know_nothing_of_each_other(self, sim_exchange: SimExchange, sim_server: SimServer) -> None:
        before = sim_server.balances()
        sim_exchange.deposit("USDT", 1)
        assert sim_server.balances() == before


class TestMarker:
    @pytest.mark.sim(accounts={"alice": {"USDT": "7.5"}, "bob": {}}, symbols=["ETHUSDT"], vip="3")
    def test_it_sets_who_trades_and_what(self, sim_server: SimServer) -> None:
        assert sim_server.account_name == "alice"
        assert (sim_server.symbols, sim_server.balances()["USDT"]["free"]) == (["ETHUSDT"], Decimal("7.5"))
        assert sim_server.balances("bob") == {}

    @pytest.mark.sim(replay=True)
    def test_a_recording_plays(self, sim_server: SimServer, sim_clock: SimClock, sim_recording: Path) -> None:
        assert sim_recording.exists()
        sim_clock.step(400)
        assert requests.get(f"{sim_server.rest_url}/quote/v1/depth?symbol={BTC}", timeout=5).json()["a"]
        sim_clock.speed(2)

    @pytest.mark.sim(rate_limits=True)
    class TestOnAClass:
        @pytest.mark.sim(symbols=[BTC])
        def test_the_closest_one_adds_to_it(self, sim_server: SimServer) -> None:
            exchange = connector(sim_server)
            exchange.load_markets()
            with pytest.raises(ccxt.RateLimitExceeded):
                ask_often(exchange)

    def test_a_wrong_wish_is_named(self) -> None:
        with pytest.raises(BadSetting, match="no setting symbol; did you mean symbols"):
            settings_of({"symbol": BTC})
        with pytest.raises(BadSetting, match="speed needs a number"):
            settings_of({"speed": "fast"})

    def test_the_environment_is_not_asked(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HASHKEY_SIM_SEED", "77")
        assert settings_of({}).market.seed == 1


def test_a_server_is_gone_when_its_test_is_over_and_its_thread_lives_on(request: pytest.FixtureRequest) -> None:
    from simulator.testing.server import serving

    thread = request.getfixturevalue("_sim_thread")
    with serving(thread, settings_of({"latency": "response=60000"}, by_hand=True)) as server:
        url = server.rest_url
        # A client that nobody closes, as in many a suite.
        session = requests.Session()
        session.get(f"{server.control_url}/health", timeout=5)
        silent = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port or 0))
        headers = "".join(f"{name}: {value}\r\n" for name, value in UPGRADE.items())
        silent.sendall(f"GET /quote/ws/v1 HTTP/1.1\r\n{headers}\r\n".encode())
        server.requests.wait_for(method="WS", status=101)
        waiting = socket.create_connection((urlsplit(url).hostname, urlsplit(url).port or 0))
        waiting.sendall(b"GET /api/v1/ping HTTP/1.1\r\nHost: x\r\n\r\n")
        server.requests.wait_for(path="/api/v1/ping")
        over = time.monotonic()
    assert time.monotonic() - over < 0.5, "it waited for a reply that is not due before time is moved"
    silent.close()
    waiting.close()
    with pytest.raises(requests.ConnectionError):
        session.get(f"{url}/api/v1/ping", timeout=5)
    session.close()
    assert [one.name for one in threading.enumerate()].count("hashkey-simulator") == 1


UPGRADE = {
    "Host": "x",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
SUITE = """
import pytest, sys

def test_nothing_heavy_was_loaded_before_somebody_asks():
    # Only ours: other plugins may have brought in what they like.
    mine = {one for one in sys.modules if one.startswith("simulator.")}
    assert mine == {"simulator.testing", "simulator.testing.plugin"}

def test_fails(sim_server):
    sim_server.deposit("USDT", "12.5")
    sim_server.requests.one(path="/api/v1/ping")

def test_fails_in_process(sim_exchange):
    sim_exchange.buy("BTCUSDT", 1, 100)
    assert False

@pytest.mark.sim("BTCUSDT")
def test_misused(sim_server): pass

@pytest.mark.sim(symbls=[])
def test_misspelt(sim_server): pass

@pytest.mark.parametrize("n", range(6))
def test_everybody_has_a_fresh_one(sim_server, n):
    assert sim_server.balances()["USDT"]["free"] == 100_000
    sim_server.deposit("USDT", 1)
"""


def test_a_suite_of_its_own(tmp_path: Path) -> None:
    """In a process of its own: what is loaded, what fails, what a failure tells, and the README's example."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    section = README.partition("## Testing your connector")[2]
    (tmp_path / "test_the_readmes.py").write_text(section.partition("```python\n")[2].partition("```")[0])
    command = [
        sys.executable,
        "-W",
        "error",
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "--strict-markers",
    ]
    options = ["-o", "asyncio_default_fixture_loop_scope=function", str(tmp_path)]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, check=False)
    told = done.stdout
    assert "2 failed, 10 passed, 2 errors" in told, told + done.stderr
    assert "hashkey-simulator: last events" in told
    assert "Deposited account=default asset=USDT amount=12.5" in told
    assert "OrderAccepted" in told and "symbol=BTCUSDT side=BUY price=100 qty=1" in told
    assert "there were no requests" in told
    assert "sim takes settings by name" in told
    assert "there is no setting symbls; did you mean symbols?" in told


class TestFaults:
    def test_a_lost_answer_is_an_order_all_the_same_and_over_with_its_block(self, sim_server: SimServer) -> None:
        exchange = connector(sim_server)
        with sim_server.fault("lose_answer", path="/api/v1/spot/order", how="close", times=1) as lost:
            with pytest.raises(ccxt.NetworkError):
                exchange.create_order("BTC/USDT", "limit", "buy", 0.5, 99, {"clientOrderId": "lost"})
            assert lost.struck == 1
            assert exchange.fetch_order("", "BTC/USDT", {"clientOrderId": "lost"})["status"] == "open"
        # What the exchange said, though nobody heard it.
        assert sim_server.requests.one(method="POST", newClientOrderId="lost").status == 200
        assert sim_server.ask("GET", "faults")["faults"] == []

    def test_a_wrong_fault_is_named(self, sim_server: SimServer) -> None:
        with pytest.raises(Refused, match="there is no fault 'loose_answer'"), sim_server.fault("loose_answer"):
            pass
