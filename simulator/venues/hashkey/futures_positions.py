"""Positions and the money behind them (hashkey-rest.md 4.10, 4.14 to 4.16).

Of positions REST and the private socket show nearly the same; both are made from ``Holding`` here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from simulator.core.accounts.ledger import Balance
from simulator.core.accounts.liquidation_price import liquidation_price
from simulator.core.accounts.margin import Wallet
from simulator.core.accounts.perpetual import PerpetualSeat
from simulator.core.accounts.positions import Position
from simulator.core.commands import AdjustMargin, Exit, SetPositionStops
from simulator.core.events import MarginAdjusted, PositionChanged
from simulator.core.orders import PositionSide, TriggerBy
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.units import MONEY_DECIMALS, RATE_ONE, Lots, Money, plain
from simulator.venues.hashkey import params as read
from simulator.venues.hashkey.desk import Ask, Call, Desk, Outcomes, encode
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.futures import account_of, refuse
from simulator.venues.hashkey.futures_orders import SHOWN_DECIMALS, cut
from simulator.venues.hashkey.orders import millis

AVERAGE_DECIMALS: Final = 2
"""How many more than the tick an average price has."""
BALANCE_DECIMALS: Final = 18
"""As long as the longest recorded balance (WebSocket 4.6)."""


class Holding(NamedTuple):
    """A position at one moment."""

    lots: Lots
    cost: Money
    margin: Money
    realised: Money
    closing: Lots

    @classmethod
    def of(cls, position: Position | PositionChanged) -> Holding:
        """As it is, or as an event tells it."""
        return cls(position.lots, position.cost, position.margin, position.realised, position.closing)


class PositionTexts:
    """The texts of a position that REST and the socket share. While there is no mark, it is worth what it cost."""

    def __init__(self, listed: PerpetualMarket, seat: PerpetualSeat, position: Position, held: Holding) -> None:
        grids, perpetual = listed.market.instrument, listed.perpetual
        value = held.cost if perpetual.mark is None else perpetual.mark * held.lots * perpetual.mark_atoms
        self.unrealised: Money = (value - held.cost) * position.sign
        self.entry = entry_price(listed, held.lots, held.cost)
        self.size = grids.qty_grid.text(held.lots)
        self.available = grids.qty_grid.text(held.lots - held.closing)
        self.liquidation = _liquidation_text(listed, seat, position) if held.lots else "0"
        self.margin = cut(held.margin)
        self.pnl = cut(self.unrealised)
        self.realised = cut(held.realised)
        self.cost = cut(held.cost)
        tiers, fee = perpetual.tiers, max(0, seat.wallet.customer.taker_rate)
        self.maintenance = cut(value * (tiers.maintenance[tiers.at(value)] + fee) // RATE_ONE)


def entry_price(listed: PerpetualMarket, lots: Lots, cost: Money) -> str:
    """Cost per unit, cut to two more decimals than the tick has where it does not come out even."""
    if not lots:
        return "0"
    grids = listed.market.instrument
    decimals = grids.price_grid.decimals + AVERAGE_DECIMALS
    ticks_by_unit = 10 ** (decimals - grids.price_grid.decimals) * grids.price_grid.step
    return plain(cost * ticks_by_unit // (lots * grids.quote_atoms), decimals)


def _liquidation_text(listed: PerpetualMarket, seat: PerpetualSeat, position: Position) -> str:
    """Cut to the tick; "0": no mark ends it. In 2024 those were negative, later ones were "0" (HashKey REST 4.10)."""
    price = liquidation_price(seat.wallet, position)
    return "0" if price is None else listed.market.instrument.price_grid.text(price // listed.perpetual.tick)


def positions(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/positions: open ones, of all symbols or one, of both sides or one (HashKey REST 4.10)."""
    symbol = call.params.get("symbol")
    chosen = [desk.contract(symbol)] if symbol else list(desk.state.perpetuals.values())
    side = read.position_side(call.params) if call.params.get("side") else None
    return encode([_row(desk, *one) for one in _open(chosen, account_of(call), side)])


def _open(
    chosen: list[PerpetualMarket], account: str, side: PositionSide | None
) -> Iterator[tuple[PerpetualMarket, PerpetualSeat, Position]]:
    for listed in chosen:
        seat = listed.seat(account)
        for position in seat.positions:
            if position.lots and side in (None, position.side):
                yield listed, seat, position


def _row(desk: Desk, listed: PerpetualMarket, seat: PerpetualSeat, position: Position) -> dict[str, Any]:
    """15 members and the two newer ones (real shapes 5.7)."""
    texts = PositionTexts(listed, seat, position, Holding.of(position))
    market = listed.market
    return {
        "symbol": listed.symbol,
        "side": position.side.name,
        "avgPrice": texts.entry,
        "position": texts.size,
        "available": texts.available,
        "leverage": str(seat.leverage),
        "lastPrice": "0" if market.last is None else market.instrument.price_grid.text(market.last),
        "positionValue": texts.cost,
        "liquidationPrice": texts.liquidation,
        "margin": texts.margin,
        "marginRate": "",
        "unrealizedPnL": texts.pnl,
        "profitRate": share(texts.unrealised, position.margin),
        "realizedPnL": texts.realised,
        "minMargin": texts.maintenance,
        "updateTime": millis(desk.perpetuals.changed(position)),
        "marginType": seat.mode.name,
    }


def share(profit: Money, of: Money) -> str:
    """A profit as a share, cut towards zero (real shapes 5.7).

    >>> share(-288, 69012), share(1, 0)
    ('-0.0041', '0')
    """
    if of <= 0:
        return "0"
    whole = abs(profit) * 10**SHOWN_DECIMALS // of
    return plain(-whole if profit < 0 else whole, SHOWN_DECIMALS)


# -- money ----------------------------------------------------------------------------------------------


def free_and_held(free: Money, held: Money) -> tuple[str, str, str]:
    """What is free, what is held, and both, as texts that add up (WebSocket 4.6)."""
    unit = 10 ** (MONEY_DECIMALS - BALANCE_DECIMALS)
    total, locked = (free + held) // unit, held // unit
    return (
        plain(total - locked, BALANCE_DECIMALS),
        plain(locked, BALANCE_DECIMALS),
        plain(total, BALANCE_DECIMALS),
    )


def balance(desk: Desk, call: Call) -> bytes:
    """GET /api/v1/futures/balance: margin assets first, also when there is none of them (real shapes 5.8, 12.1)."""
    account = account_of(call)
    held = desk.state.ledger.of(account)
    margins = dict.fromkeys(listed.contract.margin_asset for listed in desk.state.perpetuals.values())
    others = [asset for asset, one in held.items() if one.total and asset not in margins]
    return encode([_balance_row(desk, account, asset) for asset in (*margins, *others)])


def _balance_row(desk: Desk, account: str, asset: str) -> dict[str, str]:
    one = desk.state.ledger.of(account).get(asset) or Balance(account, asset)
    wallet: Wallet | None = desk.state.wallets.get((account, asset))
    return {
        "balance": free_and_held(one.free, one.held)[2],
        "availableBalance": cut(one.free if wallet is None else wallet.available, BALANCE_DECIMALS),
        "positionMargin": "0" if wallet is None else cut(wallet.position_margin),
        "orderMargin": "0" if wallet is None else cut(wallet.order_margin),
        "asset": asset,
        "crossUnRealizedPnl": "0" if wallet is None else cut(wallet.cross_unrealised),
    }


def change_margin(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/positionMargin: a negative amount takes margin back (HashKey REST 4.14)."""
    symbol = desk.contract(read.required(call.params, "symbol")).symbol
    side, amount = read.position_side(call.params), read.amount(call.params, "amount")

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        done = outcomes[0][0]
        assert isinstance(done, MarginAdjusted)
        return encode({"code": "0000", "symbol": symbol, "margin": cut(done.margin), "timestamp": str(call.now_ms)})

    return Ask((AdjustMargin(account_of(call), symbol, side, amount),), render)


# -- take-profit and stop-loss --------------------------------------------------------------------------

TRIGGERS: Final = {"CONTRACT_PRICE": TriggerBy.LAST, "MARK_PRICE": TriggerBy.MARK}
TRIGGER_WORDS: Final = {by: word for word, by in TRIGGERS.items()}


def trading_stop(desk: Desk, call: Call) -> Ask:
    """POST /api/v1/futures/position/trading-stop in the sibling's shape (HashKey REST 4.15).

    What is not named stays as it is; a price of 0 removes it (the sibling's rule).
    """
    params = call.params
    listed = desk.contract(read.required(params, "symbol"))
    side = read.position_side(params)
    if not (params.get("takeProfit") or params.get("stopLoss")):
        raise VenueError(Refusal.FIELD_MISSING, "takeProfit")
    position = listed.seat(account_of(call)).position(side)
    command = SetPositionStops(
        account_of(call),
        listed.symbol,
        side,
        _exit(listed, params, ("takeProfit", "tpTriggerBy", "tpSize"), position.take_profit),
        _exit(listed, params, ("stopLoss", "slTriggerBy", "slSize"), position.stop_loss),
    )

    def render(outcomes: Outcomes) -> bytes:
        refuse(desk, outcomes[0])
        take_profit, stop_loss = command.take_profit, command.stop_loss
        return encode(
            {
                "symbol": listed.symbol,
                "side": side.name,
                "takeProfit": _trigger_text(listed, take_profit),
                "stopLoss": _trigger_text(listed, stop_loss),
                "tpTriggerBy": TRIGGER_WORDS[take_profit.by if take_profit else TriggerBy.LAST],
                "slTriggerBy": TRIGGER_WORDS[stop_loss.by if stop_loss else TriggerBy.LAST],
                "tpSize": _size_text(take_profit, position),
                "slSize": _size_text(stop_loss, position),
            }
        )

    return Ask((command,), render)


def _exit(listed: PerpetualMarket, params: read.Params, names: tuple[str, str, str], now: Exit | None) -> Exit | None:
    price, trigger_by, size = names
    if not params.get(price):
        return now
    trigger = read.steps(params, price, listed.market.instrument.price_grid, Refusal.PRICE_OFF_TICK)
    if not trigger:
        return None
    by = read.choice(params, trigger_by, TRIGGERS, Refusal.PARAMETER_ILLEGAL, TriggerBy.LAST)
    return Exit(trigger, by, read.contracts(params, size) if params.get(size) else None)


def _trigger_text(listed: PerpetualMarket, one: Exit | None) -> str:
    return "0" if one is None else listed.market.instrument.price_grid.text(one.trigger)


def _size_text(one: Exit | None, position: Position) -> str:
    if one is None:
        return "0"
    return str(position.lots if one.qty is None else one.qty)
