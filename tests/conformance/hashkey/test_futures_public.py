"""Public data of perpetuals: hashkey-rest.md 2.3 to 2.14, real shapes 2.2 and 3."""

import pytest

from simulator.core.commands import SetFunding, SetTrading
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, funding_rate
from tests.conformance.hashkey.shapes import shape
from tests.wire import START_MS, Client, Site

ETH, BTC = "ETHUSDT-PERPETUAL", "BTCUSDT-PERPETUAL"
HOURS_8 = 8 * 3_600_000
NEXT_MS = START_MS - START_MS % HOURS_8 + HOURS_8
ROW = (
    "exchangeId s, symbol s, symbolName s, status s, baseAsset s, baseAssetPrecision s, quoteAsset s, "
    "quoteAssetPrecision s, icebergAllowed b, inverse b, index s, marginToken s, marginPrecision s, "
    "contractMultiplier s, underlying s, riskLimits [{riskLimitId s, quantity s, initialMargin s, maintMargin s, "
    "isWhite b}], tradeStatus s"
)
RATES = "/api/v1/futures/fundingRate"


@pytest.mark.parametrize("symbol", [BTC, ETH])
def test_a_contract_row_has_the_recorded_members_filters_first(alice: Client, symbol: str) -> None:
    row = alice.get("/api/v1/exchangeInfo", symbol=symbol).json
    assert row in alice.get("/api/v1/exchangeInfo").json["contracts"]
    assert next(iter(row)) == "filters"
    filters = row.pop("filters")
    assert shape(row) == ROW
    assert [one["filterType"] for one in filters] == [
        "PRICE_FILTER",
        "LOT_SIZE",
        "MIN_NOTIONAL",
        "LIMIT_TRADING",
        "MARKET_TRADING",
        "OPEN_QUOTE",
    ]
    assert shape(filters[3]) == (
        "maxSellPrice s, buyPriceUpRate s, sellPriceDownRate s, maxEntrustNum n, maxConditionNum n, filterType s"
    )
    # Hummingbot takes the one for the other (Hummingbot 7.1).
    assert row["baseAssetPrecision"] == row["contractMultiplier"]
    assert filters[0]["minPrice"] == filters[0]["tickSize"]


def test_a_halted_contract_says_so(site: Site, alice: Client) -> None:
    site.runner.do(SetTrading(ETH, False))
    row = alice.get("/api/v1/exchangeInfo", symbol=ETH).json
    assert (row["status"], row["tradeStatus"]) == ("HALT", "UNTRADABLE")
    assert alice.contract_order().refusal == (400, "-1151", "The trading pair is not open yet")


def test_books_trades_and_candles_are_in_whole_contracts(site: Site, alice: Client) -> None:
    site.trade(ETH, "2771", "40", Side.BUY)
    book = alice.get("/quote/v1/depth", symbol=ETH, limit=1).json
    assert (book["b"], book["a"]) == ([["2770.63", "10000"]], [["2770.64", "10000"]])
    (trade,) = alice.get("/quote/v1/trades", symbol=ETH).json
    assert (trade["p"], trade["q"], trade["ibm"]) == ("2771", "40", False)
    row = alice.get("/quote/v1/klines", symbol=ETH, interval="1m").json[-1]
    # Volume in contracts, quote volume after the multiplier (real shapes 3.4).
    assert (row[5], row[7], row[8]) == ("40", "110.84", 1)
    (day,) = alice.get("/quote/v1/ticker/24hr", symbol=ETH).json
    assert (day["v"], day["qv"], day["it"], day["b"]) == ("40", "110.84", "FUTURES", "2770.63")
    assert alice.get("/quote/v1/ticker/price", symbol=ETH).json == [{"s": ETH, "p": "2771"}]
    (best,) = alice.get("/quote/v1/ticker/bookTicker", symbol=ETH).json
    assert (best["bq"], best["aq"]) == ("10000", "10000")


def test_a_mark_is_of_a_whole_second_and_unknown_ones_are_an_empty_body(site: Site, alice: Client) -> None:
    site.mark(ETH, "2770.12345678")
    reply = alice.get("/quote/v1/markPrice", symbol=ETH)
    second = START_MS // 1000 * 1000
    assert reply.body == (
        b'{"exchangeId":301,"symbolId":"ETHUSDT-PERPETUAL","price":"2770.12345678","time":%d}' % second
    )
    for symbol in ("ETHUSDT", "NOSUCH"):
        assert alice.get("/quote/v1/markPrice", symbol=symbol) == (200, b"")
    assert alice.get("/quote/v1/markPrice").code == -100012


def test_a_mark_that_nobody_told_follows_from_the_books(alice: Client) -> None:
    """The spot book's middle is the index; the perpetual's own lies as near."""
    assert alice.get("/quote/v1/markPrice", symbol=BTC).json["price"] == "59999.95"
    assert alice.get("/quote/v1/index", symbol="BTCUSDT").json["index"] == {"BTCUSDT": "59999.995"}


def test_indexes_go_by_their_own_names_and_have_a_ten_minute_mean(site: Site, alice: Client) -> None:
    site.mark(ETH, None, "2000")
    site.wait(60_000)
    site.mark(ETH, None, "3000")
    site.wait(30_000)
    reply = alice.get("/quote/v1/index", symbol="ETHUSDT").json
    assert list(reply) == ["index", "edp"]
    # A minute of 2000 and half a minute of 3000; before that, for no time at all, what the books said.
    assert reply == {"index": {"ETHUSDT": "3000"}, "edp": {"ETHUSDT": "2333.33333333"}}
    site.wait(600_000)
    assert alice.get("/quote/v1/index", symbol="ETHUSDT").json["edp"] == {"ETHUSDT": "3000"}
    assert list(alice.get("/quote/v1/index").json["index"]) == ["BTCUSDT", "ETHUSDT"]
    for name in (ETH, "NOSUCH"):
        assert alice.get("/quote/v1/index", symbol=name).body == b'{"index":{},"edp":{}}'


def test_funding_rates_are_told_signed_and_unsigned_of_one_or_all(site: Site, alice: Client) -> None:
    when = (START_MS + 60_000) * NANOS_PER_MILLI
    site.runner.do(SetFunding(ETH, funding_rate("-0.000083127745610022"), when))
    usual = {"symbol": BTC, "rate": "0.0001", "nextSettleTime": str(NEXT_MS)}
    told = {"symbol": ETH, "rate": "-0.000083127745610022", "nextSettleTime": str(START_MS + 60_000)}
    assert alice.get(RATES, timestamp=START_MS).json == [usual, told]
    assert alice.get(RATES, timestamp=START_MS, symbol=ETH).json == [told]
    assert alice.signed("GET", RATES, symbol=ETH).json == [told]
    assert alice.get(RATES).refusal == (400, "0001", "Required field timestamp missing or invalid")
    assert alice.get(RATES, timestamp=START_MS, symbol="ETHUSDT").code == "-1130"


def test_the_funding_history_has_what_was_settled_newest_first(site: Site, alice: Client) -> None:
    path = "/api/v1/futures/historyFundingRate"
    assert alice.get(path, symbol=ETH).json == []
    site.wait(NEXT_MS - START_MS)
    (first,) = alice.get(path, symbol=ETH).json
    assert shape(first) == "id s, symbol s, settleTime s, settleRate s"
    assert (first["settleTime"], first["settleRate"]) == (str(NEXT_MS), "0.0001")
    site.wait(HOURS_8)
    second, again = alice.get(path, symbol=ETH).json
    assert again == first
    assert int(second["settleTime"]) == NEXT_MS + HOURS_8
    ids = [int(row["id"]) for symbol in (BTC, ETH) for row in alice.get(path, symbol=symbol).json]
    assert len(set(ids)) == 4
    assert alice.get(path, symbol=ETH, limit=1).json == [second]
    assert alice.get(path, symbol=ETH, endId=second["id"]).json == [first]
    assert alice.get(path, symbol=ETH, fromId=first["id"]).json == [second]
    assert alice.get(path).refusal == (400, "0001", "Required field symbol missing or invalid")
    assert alice.get(path, symbol="ETHUSDT").code == "-1130"
