"""The unchanged ccxt client, its requests put straight into the gate (real shapes 12; HashKey REST 1.5)."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import ccxt
import pytest

from simulator.core.orders import Side
from simulator.venues.hashkey.gate import Request
from tests.wire import START_MS, Client, Site


class Ccxt(ccxt.hashkey):  # type: ignore[misc]
    """ccxt with the network cut out: ``fetch`` is the last step before it."""

    client: Client
    late_ms = 0

    def fetch(self, url: str, method: str = "GET", headers: Any = None, body: str | None = None) -> Any:
        parts, headers = urlsplit(url), headers or {}
        status, reply = self.client.gate.answer(
            Request(
                method,
                parts.path,
                parts.query,
                (body or "").encode(),
                headers.get("Content-Type", ""),
                headers.get("X-HK-APIKEY"),
                headers.get("INPUT-SOURCE", ""),
                "127.0.0.1",
            )
        )
        text = reply.decode()
        parsed = self.parse_json(text) if text else None
        self.handle_errors(status, "", url, method, {}, text, parsed, headers, body)
        self.handle_http_status_code(status, "", url, method, text)
        return parsed

    def milliseconds(self) -> int:
        return self.client.now() - self.late_ms


def connect(client: Client) -> Ccxt:
    exchange = Ccxt({"apiKey": client.key, "secret": client.secret, "enableRateLimit": False})
    exchange.client = client
    exchange.load_markets()
    return exchange


@pytest.fixture
def exchange(alice: Client) -> Iterator[Ccxt]:
    with_markets = connect(alice)
    yield with_markets
    with_markets.close()


def test_markets_and_currencies_are_understood(exchange: Ccxt) -> None:
    market = exchange.market("BTC/USDT")
    assert (market["active"], market["spot"]) == (True, True)
    assert (market["precision"]["price"], market["precision"]["amount"]) == (0.01, 0.00001)
    assert (market["limits"]["amount"]["min"], market["limits"]["amount"]["max"]) == (0.00001, 8)
    assert exchange.currencies["USDT"]["networks"]["TRC20"]["limits"]["withdraw"]["min"] == 1
    assert list(exchange.markets) == ["BTC/USDT", "ETH/USDT", "BTC/USDT:USDT", "ETH/USDT:USDT"]


def test_public_data_is_understood(site: Site, exchange: Ccxt) -> None:
    site.trade("ETHUSDT", "2771", "0.5", Side.BUY)
    assert exchange.fetch_time() == START_MS
    book = exchange.fetch_order_book("ETH/USDT")
    assert (book["bids"][0], book["timestamp"]) == ([2770.63, 10.0], START_MS)
    (trade,) = exchange.fetch_trades("ETH/USDT")
    assert (trade["price"], trade["amount"], trade["side"]) == (2771.0, 0.5, "buy")
    assert exchange.fetch_ohlcv("ETH/USDT", "1m", limit=1)[0][4:] == [2771.0, 0.5]
    assert exchange.fetch_ticker("ETH/USDT")["last"] == 2771.0
    assert exchange.fetch_last_prices(["ETH/USDT"])["ETH/USDT"]["price"] == 2771.0
    assert set(exchange.fetch_tickers()) == {"BTC/USDT", "ETH/USDT"}


def test_the_life_of_a_limit_order(exchange: Ccxt) -> None:
    made = exchange.create_order("ETH/USDT", "limit", "buy", 0.5, 2700, {"clientOrderId": "mine"})
    assert (made["status"], made["clientOrderId"], made["amount"], made["filled"]) == ("open", "mine", 0.5, 0.0)
    assert exchange.fetch_order(made["id"])["price"] == 2700.0
    assert exchange.fetch_order(None, params={"clientOrderId": "mine"})["id"] == made["id"]
    assert [order["id"] for order in exchange.fetch_open_orders("ETH/USDT")] == [made["id"]]
    assert exchange.fetch_balance()["USDT"] == {"free": 98650.0, "used": 1350.0, "total": 100000.0}
    assert exchange.cancel_order(made["id"])["status"] == "canceled"
    assert [order["status"] for order in exchange.fetch_canceled_and_closed_orders("ETH/USDT")] == ["canceled"]


def test_market_orders_by_amount_and_by_cost(exchange: Ccxt) -> None:
    by_amount = exchange.create_order("ETH/USDT", "market", "buy", 0.006)
    by_cost = exchange.create_market_buy_order_with_cost("ETH/USDT", 20)
    sold = exchange.create_order("ETH/USDT", "market", "sell", 0.006)
    assert [order["status"] for order in (by_amount, by_cost, sold)] == ["closed"] * 3
    assert [order["filled"] for order in (by_amount, by_cost, sold)] == [0.006, 0.0072, 0.006]
    fills = exchange.fetch_my_trades("ETH/USDT", limit=2)
    assert [(fill["side"], fill["fee"]["currency"], fill["takerOrMaker"]) for fill in fills] == [
        ("buy", "ETH", "taker"),
        ("sell", "USDT", "taker"),
    ]


def test_orders_in_batches_and_cancels_of_many(exchange: Ccxt) -> None:
    wanted = {"symbol": "ETH/USDT", "type": "limit", "side": "buy", "amount": 0.5, "price": 2700}
    made = exchange.create_orders([wanted, wanted | {"price": 2600}])
    assert [order["price"] for order in made] == [2700.0, 2600.0]
    exchange.cancel_orders([made[0]["id"]], "ETH/USDT")
    exchange.cancel_all_orders("ETH/USDT")
    assert exchange.fetch_open_orders() == []


def test_accounts_transfers_ledger_and_fees(exchange: Ccxt) -> None:
    accounts = {one["type"]: one["id"] for one in exchange.fetch_accounts()}
    moved = exchange.transfer("USDT", 40, accounts["main spot account"], accounts["main swap account"])
    assert moved["status"] == "ok"
    ledger = exchange.fetch_ledger("USDT", START_MS - 1000, None, {"until": START_MS, "flowType": "transfer"})
    assert {(entry["direction"], entry["amount"], entry["type"]) for entry in ledger} == {
        ("out", -40.0, "transfer"),
        ("in", 40.0, "transfer"),
    }
    assert exchange.fetch_trading_fee("ETH/USDT")["taker"] == 0.0012


def test_deposits_and_withdrawals(exchange: Ccxt) -> None:
    assert exchange.fetch_deposit_address("USDT", {"network": "TRC20"})["address"].startswith("T0SIMULATED0")
    assert {one["currency"]: one["amount"] for one in exchange.fetch_deposits()} == {
        "USDT": 1e5,
        "BTC": 2.0,
        "ETH": 20.0,
    }
    exchange.withdraw("USDT", 2, "TYaddress", {"network": "TRC20"})
    (gone,) = exchange.fetch_withdrawals("USDT")
    assert (gone["amount"], gone["status"], gone["address"]) == (2.0, "ok", "TYaddress")


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"amount": 40}, ccxt.InsufficientFunds),
        ({"amount": 0.0001, "price": 2700}, ccxt.InvalidOrder),
        ({"price": 4000}, ccxt.BadRequest),
        ({"params": {"clientOrderId": "used"}}, ccxt.DuplicateOrderId),
        ({"params": {"timeInForce": "GTX"}}, ccxt.InvalidOrder),
        ({"price": 2800, "params": {"postOnly": True}}, ccxt.OperationFailed),
    ],
)
def test_refusals_are_the_exceptions_that_a_bot_expects(
    exchange: Ccxt, change: dict[str, Any], error: type[Exception]
) -> None:
    wanted: dict[str, Any] = {"symbol": "ETH/USDT", "type": "limit", "side": "buy", "amount": 0.5, "price": 2700}
    exchange.create_order(**wanted, params={"clientOrderId": "used"})
    with pytest.raises(error):
        exchange.create_order(**(wanted | change))


def test_who_is_not_who_he_says_is_told_so(alice: Client, exchange: Ccxt) -> None:
    with pytest.raises(ccxt.OrderNotFound):
        exchange.cancel_order("17")
    exchange.secret = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
    exchange.apiKey = "wrong"
    with pytest.raises(ccxt.AuthenticationError):
        exchange.fetch_balance()
    exchange.apiKey, exchange.secret = alice.key, alice.secret
    exchange.late_ms = 6000
    with pytest.raises(ccxt.InvalidNonce):
        exchange.fetch_balance()
