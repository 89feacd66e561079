"""Marks, indexes and funding of a recording as commands."""

from __future__ import annotations

import pytest

from simulator.core.commands import SetFunding, SetMarkPrice
from simulator.feeds.sync import Quotes
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.feed import BadFrame, DepthMessage, FundingMessage, IndexMessage, MarkMessage, Message

LISTED = ["BTCUSDT", "BTCUSDT-PERPETUAL", "ETHUSDT-PERPETUAL"]
BTC = "BTCUSDT-PERPETUAL"


@pytest.fixture
def quotes() -> Quotes:
    return Quotes({one.symbol: one for one in Catalogue.bundled().instruments(LISTED)})


def later(ms: int) -> int:
    return ms * 1_000_000 + 7


@pytest.mark.parametrize(
    ("message", "command"),
    [
        (MarkMessage(BTC, 5, "86651.838"), SetMarkPrice(BTC, 5_000_007, 8_665_183_800_000)),
        (IndexMessage("BTCUSDT", 5, "86665.21"), SetMarkPrice(BTC, 5_000_007, None, 8_666_521_000_000)),
        # Up to 18 decimals are told (real shapes 3.8); what is finer than a price is cut.
        (IndexMessage("BTCUSDT", 5, "1.123456789999999999"), SetMarkPrice(BTC, 5_000_007, None, 112_345_678)),
        (FundingMessage(BTC, "-0.000083127745610022", 5), SetFunding(BTC, -83_127_745_610_022, 5_000_007)),
    ],
)
def test_a_message_about_a_listed_perpetual_is_a_command(
    quotes: Quotes, message: Message, command: SetMarkPrice | SetFunding
) -> None:
    assert quotes.commands(message, later) == [command]


@pytest.mark.parametrize(
    "message",
    [
        MarkMessage("BTCUSDT", 5, "1"),
        MarkMessage("SOLUSDT-PERPETUAL", 5, "1"),
        IndexMessage("BTCUSDT-PERPETUAL", 5, "1"),
        IndexMessage("SOLUSDT", 5, "1"),
        FundingMessage("BTCUSDT", "0.0001", 5),
        DepthMessage(BTC, 5, [], []),
    ],
)
def test_what_is_about_others_is_nothing(quotes: Quotes, message: Message) -> None:
    assert quotes.commands(message, later) == []


@pytest.mark.parametrize(
    "message",
    [
        MarkMessage(BTC, 5, "x"),
        IndexMessage("BTCUSDT", 5, "1.1234567899999999991"),
        FundingMessage(BTC, "1e-4", 5),
    ],
)
def test_what_is_no_number_is_a_bad_frame(quotes: Quotes, message: Message) -> None:
    with pytest.raises(BadFrame):
        quotes.commands(message, later)
