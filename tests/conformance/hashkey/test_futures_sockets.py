"""Perpetuals on the sockets: hashkey-websocket.md 1.9, 1.10, 2 and 4.6 to 4.11, real shapes 8 and 9."""

from decimal import Decimal
from typing import Any

import pytest

from simulator.core.commands import SetFunding
from simulator.core.orders import Side
from simulator.core.units import NANOS_PER_MILLI, funding_rate
from tests.conformance.hashkey.shapes import shape
from tests.sockets import Hall, Talk
from tests.wire import START_MS, Client

ETH, BTC = "ETHUSDT-PERPETUAL", "BTCUSDT-PERPETUAL"
REPORT = (
    "e s, E s, s s, c s, S s, o s, f s, q s, p s, X s, i s, l s, z s, L s, n s, N s, u b, w b, m b, O s, Z s, C b, "
    "v s, reqAmt s, d s, r s, V s, P s, lo b, lt s"
)
TICKET = "e s, E s, s s, q s, t s, p s, T s, o s, c s, a s, m b, S s"
POSITION = "e s, E s, A s, s s, S s, p s, P s, a s, f s, m s, r s, up s, pr s, pv s, v s, mt s, mm s"
BALANCE = "e s, E s, T b, W b, D b, B [{a s, f s, l s, r s}]"
MARKET: dict[str, Any] = {"priceType": "MARKET", "price": None}


@pytest.fixture
def hall() -> Hall:
    hall = Hall()
    hall.site.mark(ETH, "2770", "2771.0145")
    hall.site.mark(BTC, "60000")
    return hall


@pytest.fixture
def alice(hall: Hall) -> Client:
    hall.site.alice.signed("POST", "/api/v1/futures/leverage", symbol=ETH, leverage=5)
    return hall.site.alice


@pytest.fixture
def ear(hall: Hall, alice: Client) -> Talk:
    return hall.private()


def heard(ear: Talk) -> list[dict[str, Any]]:
    frames = ear.heard()
    assert all(len(frame) == 1 for frame in frames), "one event a frame (WebSocket 4.2)"
    return [frame[0] for frame in frames]


class TestPrivate:
    def test_a_resting_order_is_reported_and_then_what_it_holds(self, alice: Client, ear: Talk) -> None:
        placed = alice.contract_order("SELL_OPEN", "2", "2800").json
        report, balance = heard(ear)
        assert shape(report) == REPORT
        assert report == {
            "e": "contractExecutionReport",
            "E": str(START_MS),
            "s": ETH,
            "c": placed["clientOrderId"],
            "S": "SELL_OPEN",
            "o": "LIMIT",
            "f": "GTC",
            "q": "2",
            "p": "2800",
            "X": "NEW",
            "i": placed["orderId"],
            "l": "0",
            "z": "0",
            "L": "",
            "n": "0",
            "N": "",
            "u": True,
            "w": True,
            "m": False,
            "O": str(START_MS),
            "Z": "0",
            "C": False,
            "v": "5",
            "reqAmt": "0",
            "d": "",
            "r": "2",
            "V": "0",
            "P": "0",
            "lo": False,
            "lt": "",
        }
        assert shape(balance) == BALANCE
        assert balance["e"] == "outboundContractAccountInfo"
        assert balance["B"] == [{"a": "USDT", "f": "99998.88", "l": "1.12", "r": ""}]

    def test_a_market_order_is_told_in_the_recorded_order(self, alice: Client, ear: Talk) -> None:
        placed = alice.contract_order(**MARKET).json
        new, ticket, filled, position, balance = heard(ear)
        assert [shape(event) for event in (new, ticket, filled, position, balance)] == [
            REPORT,
            TICKET,
            REPORT,
            POSITION,
            BALANCE,
        ]
        assert (new["X"], new["o"], new["f"], new["p"]) == ("NEW", "LIMIT", "IOC", "2908.5")
        assert (filled["X"], filled["l"], filled["z"], filled["r"], filled["L"], filled["V"]) == (
            "FILLED",
            "10",
            "10",
            "0",
            "2770.64",
            "2770.64",
        )
        # Price x contracts, without the multiplier; the commission with all its decimals (WebSocket 4.8).
        assert (filled["Z"], filled["n"], filled["N"], filled["m"]) == ("27706.4", "0.01662384", "USDT", False)
        assert (ticket["q"], ticket["p"], ticket["S"], ticket["o"]) == ("10.00", "2770.64", "BUY", placed["orderId"])
        (fill,) = alice.signed("GET", "/api/v1/futures/userTrades", symbol=ETH).json
        assert (filled["d"], ticket["T"]) == (fill["tradeId"], fill["ticketId"])
        accounts = {row["accountType"]: row["accountId"] for row in alice.signed("GET", "/api/v1/account/type").json}
        assert ticket["a"] == position["A"] == accounts[3]
        (row,) = alice.signed("GET", "/api/v1/futures/positions").json
        assert position == {
            "e": "outboundContractPositionInfo",
            "E": str(START_MS),
            "A": accounts[3],
            "s": ETH,
            "S": "LONG",
            "p": row["avgPrice"],
            "P": row["position"],
            "a": row["available"],
            "f": row["liquidationPrice"],
            "m": row["margin"],
            "r": row["realizedPnL"],
            "up": row["unrealizedPnL"],
            "pr": "-0.0012",  # -0.0064 / (27.7064 / 5), rounded, where REST divides by the margin
            "pv": row["positionValue"],
            "v": "5.00",  # REST says "5"
            "mt": "CROSS",
            "mm": row["minMargin"],
        }
        (money,) = alice.signed("GET", "/api/v1/futures/balance").json
        (told,) = balance["B"]
        assert Decimal(told["f"]) + Decimal(told["l"]) == Decimal(money["balance"])

    def test_free_and_held_add_up_to_rests_balance_whatever_their_decimals(self, alice: Client, ear: Talk) -> None:
        alice.signed("POST", "/api/v1/futures/leverage", symbol=ETH, leverage=3)
        alice.contract_order(quantity="7", price="2699.99")
        (told,) = heard(ear)[-1]["B"]
        assert told["l"] == "6.299976666666666666"
        (money,) = alice.signed("GET", "/api/v1/futures/balance").json
        assert Decimal(told["f"]) + Decimal(told["l"]) == Decimal(money["balance"]) == 100_000

    def test_a_maker_is_told_part_by_part(self, hall: Hall, alice: Client, ear: Talk) -> None:
        hall.site.depth(ETH, "2770x10", "2780x10")
        alice.contract_order("SELL_OPEN", "10", "2775")
        hall.site.trade(ETH, "2775", "4", Side.BUY)
        hall.site.trade(ETH, "2776", "100", Side.BUY)
        reports = [event for event in heard(ear) if event["e"] == "contractExecutionReport"]
        assert [(one["X"], one["l"], one["z"], one["r"], one["m"]) for one in reports] == [
            ("NEW", "0", "0", "10", False),
            ("PARTIALLY_FILLED", "4", "4", "6", True),
            ("FILLED", "6", "10", "0", True),
        ]

    def test_a_closed_position_is_told_once_with_size_0(self, alice: Client, ear: Talk) -> None:
        alice.contract_order(**MARKET)
        heard(ear)
        alice.contract_order("SELL_CLOSE", **MARKET)
        new, _, filled, position, _ = heard(ear)
        assert (new["C"], filled["C"], filled["S"]) == (True, True, "SELL_CLOSE")
        assert (position["P"], position["a"], position["p"], position["f"], position["up"]) == ("0", "0", "0", "0", "0")
        alice.contract_order()
        assert [event["e"] for event in heard(ear)] == ["contractExecutionReport", "outboundContractAccountInfo"]

    def test_a_closing_order_changes_what_may_be_closed_and_no_money(self, alice: Client, ear: Talk) -> None:
        alice.contract_order(**MARKET)
        heard(ear)
        placed = alice.contract_order("SELL_CLOSE", "4", "2800").json
        report, position = heard(ear)
        assert (report["X"], report["C"], position["P"], position["a"]) == ("NEW", True, "10", "6")
        alice.signed("DELETE", "/api/v1/futures/order", type="LIMIT", orderId=placed["orderId"])
        report, position = heard(ear)
        assert (report["X"], report["r"], position["a"]) == ("CANCELED", "4", "10")

    def test_a_refused_order_makes_no_event(self, alice: Client, ear: Talk) -> None:
        assert alice.contract_order("SELL_CLOSE").status == 400
        assert heard(ear) == []

    def test_of_a_stop_nothing_is_told_but_the_order_that_it_sends_out(
        self, hall: Hall, alice: Client, ear: Talk
    ) -> None:
        alice.contract_order(type="STOP", stopPrice="2800", **MARKET)
        assert heard(ear) == []
        hall.site.mark(ETH, "2800")
        new, _, filled, *_ = heard(ear)
        assert (new["o"], new["X"], filled["X"]) == ("LIMIT", "NEW", "FILLED")

    def test_funding_is_told_as_position_and_balance(self, hall: Hall, alice: Client, ear: Talk) -> None:
        alice.contract_order("SELL_OPEN", **MARKET)
        heard(ear)
        when = (START_MS + 1000) * NANOS_PER_MILLI
        hall.site.runner.do(SetFunding(ETH, funding_rate("0.001"), when))
        hall.wait(999)
        assert heard(ear) == []
        hall.wait(1)
        position, balance = heard(ear)
        # Received 2770 x 0.01 x 0.001 = 0.0277; the fee of opening was 2770.63 x 0.01 x 0.0006.
        assert (position["P"], position["r"], position["E"]) == ("10", "0.011", str(START_MS + 1000))
        assert Decimal(balance["B"][0]["f"]) + Decimal(balance["B"][0]["l"]) == Decimal("100000.01107622")

    def test_moves_of_the_mark_alone_tell_nothing(self, hall: Hall, alice: Client, ear: Talk) -> None:
        alice.contract_order(**MARKET)
        heard(ear)
        hall.site.mark(ETH, "2750")
        assert heard(ear) == []


class TestPublicV1:
    def test_the_first_mark_has_the_usual_envelope_and_later_ones_no_symbol_and_no_list(self, hall: Hall) -> None:
        client = hall.v1()
        (first,) = client.sub("markPrice", ETH, params={"binary": False})
        mark = {"exchangeId": 301, "symbolId": ETH, "price": "2770", "time": START_MS // 1000 * 1000}
        assert list(first) == ["symbol", "symbolName", "topic", "params", "data", "f", "sendTime", "shared"]
        assert (first["symbol"], first["f"], first["data"]) == (ETH, True, [mark])
        hall.until(1000)
        (later,) = client.heard()
        assert later == {
            "topic": "markPrice",
            "params": {"realtimeInterval": "24h", "binary": "false"},
            "data": mark | {"time": START_MS // 1000 * 1000 + 1000},
            "f": False,
            "sendTime": START_MS // 1000 * 1000 + 1000,
            "shared": False,
        }

    def test_marks_come_each_whole_second_until_they_are_cancelled(self, hall: Hall) -> None:
        client = hall.v1()
        client.sub("markPrice", ETH)
        times = []
        for _ in range(30):
            hall.wait(100)
            times += [frame["data"]["time"] for frame in client.heard()]
        first = START_MS // 1000 * 1000 + 1000
        assert times == [first, first + 1000, first + 2000]
        client.say(symbol=ETH, topic="markPrice", event="cancel")
        hall.wait(1000)
        assert client.heard() == []

    def test_an_index_goes_by_its_name_and_has_its_mean(self, hall: Hall) -> None:
        client = hall.v1()
        (frame,) = client.sub("index", "ETHUSDT")
        assert list(frame) == [
            "symbol",
            "symbolName",
            "topic",
            "params",
            "data",
            "f",
            "sendTime",
            "channelId",
            "shared",
        ]
        (row,) = frame["data"]
        assert shape(row) == "symbol s, index s, edp s, formula s, time n"
        assert (frame["symbol"], row["symbol"], row["index"]) == ("ETHUSDT", "ETHUSDT", "2771.0145")
        hall.wait(1000)
        (frame,) = client.heard()
        assert (frame["f"], frame["data"][0]["edp"]) == (False, "2771.0145")
        client.say(symbol="ETHUSDT", topic="index", event="cancel")
        hall.wait(1000)
        assert client.heard() == []

    def test_marks_of_several_perpetuals_are_one_subscription(self, hall: Hall) -> None:
        client = hall.v1()
        frames = client.sub("markPrice", f"{ETH},{BTC},NOPE")
        assert [frame.get("symbol") for frame in frames] == [ETH, BTC, None]
        assert frames[2] == {"code": "-100010", "desc": "Invalid Symbols!"}

    def test_books_and_trades_are_in_whole_contracts(self, hall: Hall) -> None:
        client = hall.v1()
        (frame,) = client.sub("depth", ETH)
        assert (frame["data"][0]["b"][0], frame["data"][0]["v"][-3:]) == (["2770.63", "10000"], "_18")
        client.sub("trade", ETH)
        hall.site.trade(ETH, "2771", "40", Side.BUY)
        hall.wait(300)
        trades = [one for frame in client.heard() if frame["topic"] == "trade" for one in frame["data"]]
        assert [(one["q"], one["m"]) for one in trades] == [("40", False)]
        (ticker,) = client.sub("realtimes", ETH)
        assert (ticker["data"][0]["v"], ticker["data"][0]["qv"]) == ("40", "110.84")


class TestPublicV2:
    def test_marks_are_acknowledged_and_have_a_shape_of_their_own(self, hall: Hall) -> None:
        client = hall.v2()
        (answer,) = client.ask("markPrice", symbol=ETH)
        assert (answer["code"], answer["msg"]) == ("0", "Success")
        hall.until(1000)
        (frame,) = client.heard()
        assert frame == {
            "topic": "markPrice",
            "params": {"symbol": ETH},
            "data": {"s": ETH, "p": "2770", "t": START_MS // 1000 * 1000 + 1000},
        }

    def test_marks_are_of_perpetuals_and_there_is_no_index_here(self, hall: Hall) -> None:
        client = hall.v2()
        assert client.ask("markPrice", symbol="ETHUSDT")[0]["code"] == "-100011"
        assert client.ask("index", symbol="ETHUSDT") == [{"code": "-10004", "desc": "Invalid topic!"}]

    def test_a_books_version_tells_the_decimals_of_the_price(self, hall: Hall) -> None:
        client = hall.v2()
        for symbol, suffix in ((BTC, "_1"), (ETH, "_2")):
            client.ask("depth", symbol=symbol)
            hall.site.depth(symbol, "2700x10", "2771x20")
            hall.until(100)
            (frame,) = client.heard()
            assert frame["data"]["v"].endswith(suffix)
            assert frame["data"]["a"] == [["2771", "20"]]
            client.ask("depth", "cancel", symbol=symbol)
