"""exchangeInfo: the venue's own rows, and the instruments they describe.

Rows come from the venue as they are (real shapes 2; a recording carries them) and go out again as they
came, so a client sees what it would see at the venue. Instruments read only the filters that are
enforced there: prices on ``tickSize`` (minPrice and maxPrice are out of use), quantities, amounts,
price bands and the open-order cap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from importlib.resources import files
from typing import Any

import msgspec

from simulator.core.instruments import Contract, Instrument, Tier

DEFAULT_MAX_OPEN_ORDERS = 300
"""HashKey errors and limits 6: seen on spot; spot rows do not carry ``maxEntrustNum``."""
DEFAULT_MAX_OPEN_CONTRACT_ORDERS = 200
"""HashKey errors and limits 6: what contract rows say, of open orders as of stop orders."""


class Catalogue:
    """What may be listed: rows by symbol, of spot and of contracts, and the coins."""

    def __init__(self, info: Mapping[str, Any]) -> None:
        self._info = info
        self._spot: dict[str, Mapping[str, Any]] = {row["symbol"]: row for row in info["symbols"]}
        self._contracts: dict[str, Mapping[str, Any]] = {row["symbol"]: row for row in info.get("contracts", ())}
        self.rows: dict[str, Mapping[str, Any]] = self._spot | self._contracts
        self.coins: list[Mapping[str, Any]] = list(info["coins"])

    @classmethod
    def bundled(cls) -> Catalogue:
        """The rows that come with the package."""
        return cls(msgspec.json.decode(files(__package__).joinpath("exchange_info.json").read_bytes()))

    def coin(self, name: str) -> Mapping[str, Any] | None:
        """One coin."""
        return next((coin for coin in self.coins if coin["coinId"] == name), None)

    def instruments(self, symbols: Iterable[str]) -> list[Instrument]:
        """Instruments of the known symbols among those asked for; spot first, which the indexes of contracts follow."""
        asked = dict.fromkeys(symbols)
        spot = [instrument(self._spot[symbol]) for symbol in asked if symbol in self._spot]
        return spot + [contract_instrument(self._contracts[symbol]) for symbol in asked if symbol in self._contracts]

    def row(self, symbol: str, *, trading: bool) -> dict[str, Any]:
        """One row with its present status."""
        row = dict(self.rows[symbol])
        row["status"] = "TRADING" if trading else "HALT"
        row["tradeStatus"] = row.pop("tradeStatus", "TRADABLE") if trading else "UNTRADABLE"
        return row

    def envelope(self, now_ms: int, rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
        """The whole reply; ``serverTime`` is a string here (real shapes 1.1)."""
        listed = {row["symbol"]: row for row in rows}
        return {
            "timezone": "UTC",
            "serverTime": str(now_ms),
            "brokerFilters": [],
            "symbols": [row for symbol, row in listed.items() if symbol in self._spot],
            "options": [],
            "contracts": [row for symbol, row in listed.items() if symbol in self._contracts],
            "coins": self.coins,
            "site": self._info.get("site", "BMU"),
        }


def of_symbols(info: Mapping[str, Any], symbols: Collection[str]) -> dict[str, Any]:
    """The part of an exchangeInfo reply that is about these symbols: their rows and their coins."""
    spot = [row for row in info.get("symbols", ()) if row["symbol"] in symbols]
    contracts = [row for row in info.get("contracts", ()) if row["symbol"] in symbols]
    assets = {row[key] for row in spot + contracts for key in ("baseAsset", "quoteAsset", "marginToken") if key in row}
    coins = [coin for coin in info.get("coins", ()) if coin["coinId"] in assets]
    return {"symbols": spot, "contracts": contracts, "coins": coins}


def instrument(row: Mapping[str, Any]) -> Instrument:
    """A spot instrument from its exchangeInfo row."""
    filters = {one["filterType"]: one for one in row["filters"]}
    lot, amounts = filters["LOT_SIZE"], filters.get("TRADE_AMOUNT", {})
    limit_band, market_band = filters.get("LIMIT_TRADING", {}), filters.get("MARKET_TRADING", {})
    least = max(
        (filters.get("MIN_NOTIONAL", {}).get("minNotional", "0"), amounts.get("minAmount", "0")),
        key=Decimal,
    )
    return Instrument(
        symbol=row["symbol"],
        base=row["baseAsset"],
        quote=row["quoteAsset"],
        tick=filters["PRICE_FILTER"]["tickSize"],
        lot=lot["stepSize"],
        min_qty=lot["minQty"],
        max_qty=lot["maxQty"],
        market_min_qty=_some(lot.get("marketOrderMinQty")),
        market_max_qty=_some(lot.get("marketOrderMaxQty")),
        min_notional=_some(least),
        max_notional=_some(amounts.get("maxAmount")),
        market_min_notional=_some(amounts.get("marketOrderMinAmount")),
        market_max_notional=_some(amounts.get("marketOrderMaxAmount")),
        price_band_up=_some(limit_band.get("buyPriceUpRate")),
        price_band_down=_some(limit_band.get("sellPriceDownRate")),
        market_band_up=_some(market_band.get("buyPriceUpRate")),
        market_band_down=_some(market_band.get("sellPriceDownRate")),
        max_open_orders=limit_band.get("maxEntrustNum", DEFAULT_MAX_OPEN_ORDERS),
        trading=row["status"] == "TRADING",
    )


def contract_instrument(row: Mapping[str, Any]) -> Instrument:
    """A perpetual from its exchangeInfo row (real shapes 2.2).

    LOT_SIZE of contracts is in base units; one lot of the instrument is one contract, as on the wire.
    """
    filters = {one["filterType"]: one for one in row["filters"]}
    lot, multiplier = filters["LOT_SIZE"], row["contractMultiplier"]
    limit_band, market_band = filters.get("LIMIT_TRADING", {}), filters.get("MARKET_TRADING", {})

    def contracts(text: str | None) -> str | None:
        some = _some(text)
        return None if some is None else f"{(Decimal(some) / Decimal(multiplier)).normalize():f}"

    return Instrument(
        symbol=row["symbol"],
        base=row["baseAsset"],
        quote=row["quoteAsset"],
        tick=filters["PRICE_FILTER"]["tickSize"],
        lot=contracts(lot["stepSize"]) or "1",
        min_qty=contracts(lot["minQty"]) or "0",
        max_qty=contracts(lot["maxQty"]) or "0",
        market_min_qty=contracts(lot.get("marketOrderMinQty")),
        market_max_qty=contracts(lot.get("marketOrderMaxQty")),
        min_notional=_some(filters.get("MIN_NOTIONAL", {}).get("minNotional")),
        price_band_up=_some(limit_band.get("buyPriceUpRate")),
        price_band_down=_some(limit_band.get("sellPriceDownRate")),
        market_band_up=_some(market_band.get("buyPriceUpRate")),
        market_band_down=_some(market_band.get("sellPriceDownRate")),
        max_open_orders=limit_band.get("maxEntrustNum", DEFAULT_MAX_OPEN_CONTRACT_ORDERS),
        trading=row["status"] == "TRADING",
        contract=Contract(
            multiplier=multiplier,
            margin_asset=row["marginToken"],
            index=row["underlying"] + row["index"],
            tiers=tuple(
                Tier(one["quantity"], one["initialMargin"], one["maintMargin"])
                for one in sorted(row["riskLimits"], key=lambda one: Decimal(one["quantity"]))
            ),
            max_stops=limit_band.get("maxConditionNum", DEFAULT_MAX_OPEN_CONTRACT_ORDERS),
        ),
    )


def _some(text: str | None) -> str | None:
    """A limit, or None where the venue says 0 for none (errors and limits 6)."""
    return None if text is None or not text.strip("0.") else text
