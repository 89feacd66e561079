"""Public calls: hashkey-rest.md 2, real shapes 2 and 3."""

from typing import Any

import pytest

from simulator.core.commands import SetTrading
from simulator.core.orders import Side
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

SPOT_ROW = (
    "symbol s, symbolName s, status s, baseAsset s, baseAssetName s, baseAssetPrecision s, quoteAsset s, "
    "quoteAssetName s, quotePrecision s, retailAllowed b, piAllowed b, corporateAllowed b, omnibusAllowed b, "
    "icebergAllowed b, isAggregate b, allowMargin b, "
)
FILTERS = {
    "PRICE_FILTER": "minPrice s, maxPrice s, tickSize s",
    "LOT_SIZE": "minQty s, maxQty s, stepSize s, marketOrderMinQty s, marketOrderMaxQty s",
    "MIN_NOTIONAL": "minNotional s",
    "TRADE_AMOUNT": "minAmount s, maxAmount s, minBuyPrice s, marketOrderMinAmount s, marketOrderMaxAmount s",
    "LIMIT_TRADING": "maxSellPrice s, buyPriceUpRate s, sellPriceDownRate s",
    "MARKET_TRADING": "buyPriceUpRate s, sellPriceDownRate s",
    "OPEN_QUOTE": (
        "noAllowMarketStartTime s, noAllowMarketEndTime s, limitOrderStartTime s, limitOrderEndTime s, "
        "limitMinPrice s, limitMaxPrice s"
    ),
}
COIN = (
    "orgId s, coinId s, coinName s, coinFullName s, allowWithdraw b, allowDeposit b, tokenType s, "
    "chainTypes [{chainType s, withdrawFee s, minWithdrawQuantity s, maxWithdrawQuantity s, minDepositQuantity s, "
    "allowDeposit b, allowWithdraw b}]"
)
INFO = "/api/v1/exchangeInfo"
PERPETUALS = ["BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"]


def test_ping_and_time(site: Site, alice: Client) -> None:
    assert alice.get("/api/v1/ping").body == b"{}"
    assert alice.get("/api/v1/time").body == b'{"serverTime":%d}' % START_MS
    site.wait(3)
    assert alice.get("/api/v1/time").json == {"serverTime": START_MS + 3}


def test_exchange_info_is_the_recorded_envelope(alice: Client) -> None:
    reply = alice.get(INFO).json
    assert list(reply) == [
        "timezone",
        "serverTime",
        "brokerFilters",
        "symbols",
        "options",
        "contracts",
        "coins",
        "site",
    ]
    assert (reply["serverTime"], reply["site"], reply["timezone"]) == (str(START_MS), "BMU", "UTC")
    assert [row["symbol"] for row in reply["symbols"]] == ["BTCUSDT", "ETHUSDT"]
    assert [row["symbol"] for row in reply["contracts"]] == PERPETUALS
    assert {shape(coin) for coin in reply["coins"]} == {COIN}
    assert [coin["coinId"] for coin in reply["coins"]] == ["BTC", "ETH", "USDT", "USDC", "LTC", "DOGE"]


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ETHUSDT"])
def test_a_spot_row_has_the_recorded_members_and_filters(alice: Client, symbol: str) -> None:
    row = alice.get(INFO, symbol=symbol).json
    assert row in alice.get(INFO).json["symbols"]
    filters = row.pop("filters")
    assert shape(row) == f"{SPOT_ROW}tradeStatus s"
    assert [(one["filterType"], shape(one)) for one in filters] == [
        (name, f"{members}, filterType s") for name, members in FILTERS.items()
    ]


def test_hummingbot_finds_tick_and_step_where_it_looks(alice: Client) -> None:
    for row in alice.get(INFO).json["symbols"]:
        filters = {one["filterType"]: one for one in row["filters"]}
        assert filters["PRICE_FILTER"]["minPrice"] == filters["PRICE_FILTER"]["tickSize"]
        assert row["baseAssetPrecision"] == filters["LOT_SIZE"]["stepSize"] == filters["LOT_SIZE"]["minQty"]
        assert filters["TRADE_AMOUNT"]["minAmount"]


def test_a_halted_symbol_says_so(site: Site, alice: Client) -> None:
    site.runner.do(SetTrading("ETHUSDT", trading=False))
    row = alice.get(INFO, symbol="ETHUSDT").json
    assert (row["status"], row["tradeStatus"]) == ("HALT", "UNTRADABLE")


def test_coin_info_is_one_coin(alice: Client) -> None:
    reply = alice.get("/api/v1/coinInfo", coinId="USDT").json
    assert shape(reply) == f"timezone s, serverTime s, coins [{{{COIN}}}]"
    assert [coin["coinId"] for coin in reply["coins"]] == ["USDT"]
    assert alice.get("/api/v1/coinInfo", coinId="NO").code == "-2041"
    assert alice.get("/api/v1/coinInfo").code == "0001"


# -- books -----------------------------------------------------------------------------------------------------


def test_depth_is_both_sides_best_first_with_the_time_of_the_last_change(site: Site, alice: Client) -> None:
    site.wait(700)
    reply = alice.get("/quote/v1/depth", symbol="ETHUSDT")
    assert reply.body == (
        b'{"t":%d,"b":[["2770.63","10"],["2770","50"]],"a":[["2770.64","10"],["2771","50"]]}' % START_MS
    )
    assert alice.get("/quote/v1/depth", symbol="ETHUSDT").body == reply.body


def test_own_orders_are_in_the_book_and_what_was_taken_is_not(alice: Client) -> None:
    wanted = {"symbol": "ETHUSDT", "type": "LIMIT"}
    alice.signed("POST", "/api/v1/spot/order", side="BUY", quantity="3", price="2770.63", **wanted)
    alice.signed("POST", "/api/v1/spot/order", side="BUY", quantity="1.5", price="2770.64", **wanted)
    reply = alice.get("/quote/v1/depth", symbol="ETHUSDT", limit=1).json
    assert (reply["b"], reply["a"]) == ([["2770.63", "13"]], [["2770.64", "8.5"]])


@pytest.mark.parametrize(("limit", "expected"), [(None, 100), (1, 1), (150, 150), (200, 200), (1000, 200)])
def test_depth_is_a_hundred_levels_and_at_most_two_hundred(
    site: Site, alice: Client, limit: int | None, expected: int
) -> None:
    bids = " ".join(f"{2700 - level}x1" for level in range(300))
    site.depth("ETHUSDT", bids, "2800x1")
    asked = {} if limit is None else {"limit": limit}
    assert len(alice.get("/quote/v1/depth", symbol="ETHUSDT", **asked).json["b"]) == expected


def test_an_empty_book_is_33_bytes(site: Site, alice: Client) -> None:
    site.depth("ETHUSDT", "", "")
    body = alice.get("/quote/v1/depth", symbol="ETHUSDT").body
    assert body == b'{"t":%d,"b":[],"a":[]}' % START_MS
    assert len(body) == 33


@pytest.mark.parametrize(
    ("scale", "bids", "asks"),
    [
        (2, [["2770.63", "10"], ["2770", "50"]], [["2770.64", "10"], ["2771", "50"]]),
        (1, [["2770.6", "10"], ["2770", "50"]], [["2770.7", "10"], ["2771", "50"]]),
        (0, [["2770", "60"]], [["2771", "60"]]),
        (-2, [["2700", "60"]], [["2800", "60"]]),
        (-5, [], [["100000", "60"]]),
        (8, [["2770.63", "10"], ["2770", "50"]], [["2770.64", "10"], ["2771", "50"]]),
    ],
)
def test_merged_depth_sums_levels_away_from_the_spread(
    alice: Client, scale: int, bids: list[list[str]], asks: list[list[str]]
) -> None:
    reply = alice.get("/quote/v1/depth/merged", symbol="ETHUSDT", scale=scale).json
    assert reply == {"t": START_MS, "b": bids, "a": asks}


def test_merged_depth_without_a_scale_is_depth(alice: Client) -> None:
    plain, merged = (alice.get(path, symbol="ETHUSDT").body for path in ("/quote/v1/depth", "/quote/v1/depth/merged"))
    assert plain == merged


# -- trades and figures ----------------------------------------------------------------------------------------


def test_trades_are_oldest_first_and_tell_who_was_the_maker(site: Site, alice: Client) -> None:
    site.trade("ETHUSDT", "2770.5", "0.362", Side.SELL)
    site.wait(10)
    site.trade("ETHUSDT", "2771", "1", Side.BUY)
    reply = alice.get("/quote/v1/trades", symbol="ETHUSDT")
    assert reply.body == (
        b'[{"t":%d,"p":"2770.5","q":"0.362","ibm":true},{"t":%d,"p":"2771","q":"1","ibm":false}]'
        % (START_MS, START_MS + 10)
    )
    assert [row["p"] for row in alice.get("/quote/v1/trades", symbol="ETHUSDT", limit=1).json] == ["2771"]


def test_at_most_a_hundred_trades_are_told(site: Site, alice: Client) -> None:
    for _ in range(120):
        site.trade("ETHUSDT", "2770.5", "1")
    assert len(alice.get("/quote/v1/trades", symbol="ETHUSDT").json) == 100
    assert len(alice.get("/quote/v1/trades", symbol="ETHUSDT", limit=1000).json) == 100


def test_a_candle_is_eleven_elements_with_the_recorded_types(site: Site, alice: Client) -> None:
    site.trade("ETHUSDT", "2770.5", "2", Side.SELL)
    site.trade("ETHUSDT", "2780", "1", Side.BUY)
    rows = alice.get("/quote/v1/klines", symbol="ETHUSDT", interval="1m", limit=1).json
    start = START_MS // 60_000 * 60_000
    assert rows == [[start, "2770.5", "2780", "2770.5", "2780", "3", 0, "8321", 2, "1", "2780"]]


@pytest.mark.parametrize(
    "interval", ["1m", "3m", "5m", "15m", "30m", "1h", "2h", "4h", "6h", "8h", "12h", "1d", "1w", "1M"]
)
def test_every_documented_interval_is_served_ascending(site: Site, alice: Client, interval: str) -> None:
    site.trade("ETHUSDT", "2770.5", "2")
    site.wait(40 * 86_400_000)
    site.trade("ETHUSDT", "2780", "1")
    starts = [row[0] for row in alice.get("/quote/v1/klines", symbol="ETHUSDT", interval=interval, limit=5).json]
    assert starts == sorted(set(starts))
    assert starts[-1] <= START_MS + 40 * 86_400_000


def test_a_day_ticker_is_an_array_also_for_one_symbol(site: Site, alice: Client) -> None:
    site.trade("ETHUSDT", "2771", "2", Side.BUY)
    site.depth("ETHUSDT", "2770x1", "2772x1")
    (row,) = alice.get("/quote/v1/ticker/24hr", symbol="ETHUSDT").json
    assert shape(row) == "t n, s s, c s, h s, l s, o s, b s, a s, v s, qv s, it s"
    assert row == {
        "t": START_MS,
        "s": "ETHUSDT",
        "c": "2771",
        "h": "2771",
        "l": "2771",
        "o": "2771",
        "b": "2770",
        "a": "2772",
        "v": "2",
        "qv": "5542",
        "it": "SPOT",
    }


@pytest.mark.parametrize(("kind", "count"), [({}, 2), ({"instType": "SPOT"}, 2), ({"instType": "ANY"}, 4)])
def test_day_tickers_of_all_symbols(alice: Client, kind: dict[str, str], count: int) -> None:
    assert len(alice.get("/quote/v1/ticker/24hr", **kind).json) == count


def test_there_are_day_tickers_of_futures_and_of_no_other_kind(alice: Client) -> None:
    rows = alice.get("/quote/v1/ticker/24hr", instType="FUTURES").json
    assert [(row["s"], row["it"]) for row in rows] == [(name, "FUTURES") for name in PERPETUALS]
    assert alice.get("/quote/v1/ticker/24hr", instType="x").refusal == (400, -1130, "Illegal parameter instType")


def test_ticker_prices_are_an_array_and_zero_before_the_first_trade(site: Site, alice: Client) -> None:
    site.trade("ETHUSDT", "2770.5", "2")
    assert alice.get("/quote/v1/ticker/price", symbol="ETHUSDT").body == b'[{"s":"ETHUSDT","p":"2770.5"}]'
    assert alice.get("/quote/v1/ticker/price").json[0] == {"s": "BTCUSDT", "p": "0"}


def test_book_ticker_is_the_best_of_both_sides(site: Site, alice: Client) -> None:
    reply = alice.get("/quote/v1/ticker/bookTicker", symbol="ETHUSDT")
    assert reply.body == b'[{"s":"ETHUSDT","b":"2770.63","bq":"10","a":"2770.64","aq":"10","t":%d}]' % START_MS
    site.depth("ETHUSDT", "", "")
    assert alice.get("/quote/v1/ticker/bookTicker", symbol="ETHUSDT").json[0]["bq"] == "0"


# -- refusals of the quote family ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("depth", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("depth", {"symbol": ""}, (400, -100012, "Parameter symbol [String] missing!")),
        ("depth/merged", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("trades", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("klines", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("ticker/bookTicker", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("markPrice", {}, (400, -100012, "Parameter symbol [String] missing!")),
        ("depth", {"symbol": "NO"}, (400, -100011, "Not supported symbols")),
        ("depth", {"symbol": "btcusdt"}, (400, -100011, "Not supported symbols")),
        ("ticker/24hr", {"symbol": "NO"}, (400, -100011, "Not supported symbols")),
        ("ticker/price", {"symbol": "NO"}, (400, -100011, "Not supported symbols")),
        ("klines", {"symbol": "ETHUSDT"}, (400, -100012, "Parameter interval [String] missing!")),
        ("klines", {"symbol": "ETHUSDT", "interval": "7m"}, (400, -10009, "Invalid interval!")),
        ("depth", {"symbol": "ETHUSDT", "limit": "abc"}, (400, -100002, "Param limit should be int.")),
        ("depth", {"symbol": "ETHUSDT", "limit": "1.5"}, (400, -100002, "Param limit should be int.")),
        ("depth", {"symbol": "ETHUSDT", "limit": "0"}, (400, -1130, "Illegal parameter limit")),
        ("trades", {"symbol": "ETHUSDT", "limit": "-3"}, (400, -1130, "Illegal parameter limit")),
        ("depth/merged", {"symbol": "ETHUSDT", "scale": "²"}, (400, -100002, "Param scale should be int.")),
        ("depth/merged", {"symbol": "ETHUSDT", "scale": "31"}, (400, -1130, "Illegal parameter scale")),
        (
            "klines",
            {"symbol": "ETHUSDT", "interval": "1m", "startTime": "now"},
            (400, -100002, "Param startTime should be int."),
        ),
    ],
)
def test_the_quote_family_refuses_with_numbers(
    alice: Client, path: str, params: dict[str, Any], expected: tuple[int, int, str]
) -> None:
    assert alice.get(f"/quote/v1/{path}", **params).refusal == expected


def test_exchange_info_of_an_unknown_symbol_is_refused_with_a_text(alice: Client) -> None:
    assert alice.get(INFO, symbol="NO").body == b'{"code":"-1130","msg":"Illegal parameter symbol"}'
