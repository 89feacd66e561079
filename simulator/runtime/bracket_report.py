"""What a bracket says: profit and fills as intervals, and which orders depend on the assumption.

**Profit** is what trading changed: what an account has, less what was paid in and out, open positions at the mark, all
worlds at the same present prices, those of the main one. An asset that something here is quoted or margined in is
money; others are worth the middle of the book of the first spot market that trades them (its last trade where a side
is empty). Amounts are exact; a value at a middle price is cut to 10^-30.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

import msgspec

from simulator.core.market import Market
from simulator.core.orders import BUY, SELL
from simulator.core.state import State
from simulator.core.units import NANOS_PER_MILLI, Millis, Money, money_text
from simulator.runtime.bracket import MAIN, Bracket, Difference, Name, World


class Interval(msgspec.Struct, frozen=True):
    """The least and the most of all worlds, and each."""

    min: str
    max: str
    of: dict[str, str]


class AccountResult(msgspec.Struct, frozen=True):
    """Profit by money; ``unpriced``: assets that were traded and that no market here gives a price."""

    account: str
    profit: dict[str, Interval]
    fills: Interval
    unpriced: list[str]


class OrderResult(msgspec.Struct, frozen=True):
    """One order in all worlds; ``filled`` None: it does not exist there. ``order_id`` is the main world's."""

    order_id: str | None
    client_order_id: str
    account: str
    symbol: str
    side: str
    filled: dict[str, str | None]
    depends: bool


class Refused(msgspec.Struct, frozen=True):
    """A command whose fate in a world was not that in the main one: the reasons for no, None: it was carried out."""

    time: Millis
    command: str
    account: str
    world: str
    here: str | None
    in_main: str | None


class BracketResult(msgspec.Struct, frozen=True):
    """All of it. ``queue_models`` by symbol of the main world, and of each shadow. ``orders`` are counts."""

    queue_models: dict[str, str]
    main_models: dict[str, str]
    accounts: list[AccountResult]
    orders: int
    depend: int
    listed: list[OrderResult]
    refused: dict[str, dict[str, int]]
    differences: list[Refused]

    def to_json(self) -> str:
        """For scripts."""
        return msgspec.json.encode(self).decode()

    def to_text(self) -> str:
        """For people."""
        lines = ["The same commands by other queue models: " + _pairs(self.queue_models)]
        for one in self.accounts:
            for asset, profit in one.profit.items():
                lines.append(f"  {one.account}: profit {_short(profit.min)} to {_short(profit.max)} {asset}")
            lines.append(f"  {one.account}: {one.fills.min} to {one.fills.max} fills ({_pairs(one.fills.of)})")
        lines.append(f"  {self.depend} of {self.orders} orders depend on the assumption")
        lines += [
            f"    {one.side} {one.symbol} {one.client_order_id}: filled {_pairs(one.filled)}" for one in self.listed
        ]
        for world, counts in self.refused.items():
            lines.append(f"  refused in one of {MAIN} and {world}, not in the other: {_pairs(counts)}")
        return "\n".join(lines)


def _short(amount: str) -> str:
    return f"{Decimal(amount):.8f}"


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {'-' if value is None else value}" for name, value in values.items())


def result(bracket: Bracket, *, every_order: bool = False, most: int = 1000) -> BracketResult:
    """What there is to say now; of the orders, the newest ``most`` that depend on the assumption, or of all."""
    prices = Prices(bracket.main.state)
    orders = list(_orders(bracket))
    wanted = [one for one in orders if every_order or one.depends]
    return BracketResult(
        queue_models={one.name: one.queue for one in bracket.shadows},
        main_models={symbol: market.model.name for symbol, market in bracket.main.state.markets.items()},
        accounts=[found for name in bracket.main.state.customers if (found := _account(bracket, prices, name))],
        orders=len(orders),
        depend=sum(one.depends for one in orders),
        listed=wanted[::-1][:most],
        refused={one.name: dict(one.refused) for one in bracket.shadows if one.refused},
        differences=[_refused(one) for one in bracket.differences],
    )


def _refused(one: Difference) -> Refused:
    account = getattr(one.command, "account", "") or getattr(getattr(one.command, "order", None), "account", "")
    return Refused(
        one.now // NANOS_PER_MILLI,
        type(one.command).__name__,
        account,
        one.world,
        None if one.here is None else one.here.name,
        None if one.in_main is None else one.in_main.name,
    )


def _orders(bracket: Bracket) -> Iterator[OrderResult]:
    names: dict[Name, None] = {}
    for world in bracket.worlds:
        names |= dict.fromkeys(world.orders)
    for name in names:
        known = {one.name: one.state.orders[one.orders[name]] for one in bracket.worlds if name in one.orders}
        order = next(iter(known.values()))
        grid = bracket.main.state.markets[order.symbol].instrument.qty_grid
        filled = {one.name: known[one.name].filled if one.name in known else None for one in bracket.worlds}
        yield OrderResult(
            order_id=str(order.id) if MAIN in known else None,
            client_order_id=order.client_order_id,
            account=order.account,
            symbol=order.symbol,
            side=order.side.name,
            filled={world: None if lots is None else grid.text(lots) for world, lots in filled.items()},
            depends=len(set(filled.values())) > 1,
        )


def _account(bracket: Bracket, prices: Prices, account: str) -> AccountResult | None:
    """None for an account that has not traded in any world."""
    fills = {one.name: one.fills[account] for one in bracket.worlds}
    if not any(fills.values()):
        return None
    unpriced: dict[str, None] = {}
    profits = {one.name: prices.profit(one, account, unpriced) for one in bracket.worlds}
    assets = dict.fromkeys(asset for one in profits.values() for asset in one)
    return AccountResult(
        account=account,
        profit={
            asset: _interval({name: one.get(asset, 0) for name, one in profits.items()}, money_text) for asset in assets
        },
        fills=_interval(fills, str),
        unpriced=list(unpriced),
    )


def _interval(values: Mapping[str, int], text: Callable[[int], str]) -> Interval:
    return Interval(
        text(min(values.values())), text(max(values.values())), {name: text(one) for name, one in values.items()}
    )


class Prices:
    """The present prices of one world, for all of them."""

    def __init__(self, state: State) -> None:
        instruments = [market.instrument for market in state.markets.values()]
        self._state = state
        self._money = {one.quote for one in instruments}
        self._money |= {one.contract.margin_asset for one in instruments if one.contract is not None}
        self._markets: dict[str, Market] = {}
        for market in state.markets.values():
            if market.instrument.contract is None:
                self._markets.setdefault(market.instrument.base, market)

    def profit(self, world: World, account: str, unpriced: dict[str, None]) -> dict[str, Money]:
        """What trading changed in a world, by money; assets without a price are noted."""
        profit: dict[str, Money] = {}

        def add(asset: str, amount: Money) -> None:
            profit[asset] = profit.get(asset, 0) + amount

        for asset, balance in sorted(world.state.ledger.of(account).items()):
            change = balance.total - world.paid_in[account, asset]
            if asset in self._money:
                add(asset, change)
            elif change:
                market = self._markets.get(asset)
                value = None if market is None else _worth(market, change)
                if market is None or value is None:
                    unpriced[asset] = None
                else:
                    add(market.instrument.quote, value)
        for (owner, asset), wallet in world.state.wallets.items():
            if owner == account:
                for position in wallet.positions:
                    lot_value = self._state.perpetuals[position.perpetual.symbol].perpetual.lot_value
                    value = position.cost if lot_value is None else lot_value * position.lots
                    add(asset, (value - position.cost) * position.sign)
        return profit


def _worth(market: Market, amount: Money) -> Money | None:
    """So much of a market's base in its quote, at the middle of its book."""
    bid, ask = market.best(BUY), market.best(SELL)
    if bid is not None and ask is not None:
        twice = bid + ask
    elif market.last is not None:
        twice = 2 * market.last
    else:
        return None
    instrument = market.instrument
    return amount * twice * instrument.quote_atoms // (2 * instrument.base_atoms)
