"""Accounts, money in and out, and the list of markets."""

from __future__ import annotations

from functools import partial

from simulator.core.accounts.customers import Customer
from simulator.core.accounts.ledger import HOUSE, MARKET, OUTSIDE
from simulator.core.accounts.spot import SpotSeat
from simulator.core.commands import Deposit, ListInstrument, OpenAccount, SetFees, SetTrading, Transfer, Withdraw
from simulator.core.events import (
    AccountOpened,
    Deposited,
    Event,
    FeesSet,
    InstrumentListed,
    TradingSet,
    Transferred,
    Withdrawn,
)
from simulator.core.instruments import Instrument
from simulator.core.market import Market
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import Nanos


def check_list(state: State, command: ListInstrument) -> RejectReason | None:
    """A symbol is listed once."""
    return RejectReason.DUPLICATE_SYMBOL if command.instrument.symbol in state.markets else None


def list_instrument(state: State, now: Nanos, command: ListInstrument) -> list[Event]:
    """Open a market."""
    instrument = command.instrument
    market = _spot(state, instrument) if instrument.contract is None else _perpetual(state, instrument)
    state.markets[instrument.symbol] = market
    market.changed(now)
    return [InstrumentListed(instrument)]


def _spot(state: State, instrument: Instrument) -> Market:
    """A spot market; perpetuals whose index it is watch it."""
    new_seat = partial(SpotSeat, state.ledger, instrument=instrument)
    market = Market(instrument, new_seat(MARKET), new_seat)
    for listed in state.perpetuals.values():
        if listed.contract.index == instrument.symbol:
            market.watchers += (listed.index_moved,)
    return market


def _perpetual(state: State, instrument: Instrument) -> Market:
    """A perpetual's market, which watches the spot market of its index."""
    contract = instrument.contract
    assert contract is not None
    listed = PerpetualMarket(instrument, contract, state.ledger, state.wallet, state.moved, state.risky)
    state.perpetuals[instrument.symbol] = listed
    index = state.markets.get(contract.index)
    if index is not None:
        index.watchers += (listed.index_moved,)
    return listed.market


def check_trading(state: State, command: SetTrading) -> RejectReason | None:
    """The market must exist."""
    return None if command.symbol in state.markets else RejectReason.UNKNOWN_SYMBOL


def set_trading(state: State, now: Nanos, command: SetTrading) -> list[Event]:
    """Halt or resume."""
    market = state.markets[command.symbol]
    market.trading = command.trading
    market.wake()
    return [TradingSet(command.symbol, command.trading)]


def check_open(state: State, command: OpenAccount) -> RejectReason | None:
    """A name is used once, and never one of the house's."""
    taken = command.account in state.customers or command.account in HOUSE or not command.account
    return RejectReason.DUPLICATE_ACCOUNT if taken else None


def open_account(state: State, now: Nanos, command: OpenAccount) -> list[Event]:
    """An account without money."""
    state.ledger.open(command.account)
    state.customers[command.account] = Customer(command.account, command.maker_rate, command.taker_rate)
    return [AccountOpened(command.account)]


def check_fees(state: State, command: SetFees) -> RejectReason | None:
    """The account must exist."""
    return None if command.account in state.customers else RejectReason.UNKNOWN_ACCOUNT


def set_fees(state: State, now: Nanos, command: SetFees) -> list[Event]:
    """Other rates from the next fill on."""
    customer = state.customers[command.account]
    customer.maker_rate, customer.taker_rate = command.maker_rate, command.taker_rate
    # The fee of closing is part of the maintenance margin.
    state.risky.update((wallet, None) for wallet in state.wallets.values() if wallet.account == command.account)
    return [FeesSet(command.account, command.maker_rate, command.taker_rate)]


def check_deposit(state: State, command: Deposit) -> RejectReason | None:
    """Something positive, to an account that exists."""
    if command.account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    return None if command.amount > 0 else RejectReason.AMOUNT_NOT_POSITIVE


def deposit(state: State, now: Nanos, command: Deposit) -> list[Event]:
    """Money from outside."""
    moved = state.ledger.transfer(OUTSIDE, command.account, command.asset, command.amount)
    _look_at(state, command.account, command.asset)
    return [Deposited(command.account, command.asset, command.amount, command.reference), moved[1].changed()]


def check_withdraw(state: State, command: Withdraw) -> RejectReason | None:
    """Only free money leaves."""
    return _check_debit(state, command.account, command.asset, command.amount)


def withdraw(state: State, now: Nanos, command: Withdraw) -> list[Event]:
    """Money to the outside."""
    moved = state.ledger.transfer(command.account, OUTSIDE, command.asset, command.amount)
    _look_at(state, command.account, command.asset)
    return [Withdrawn(command.account, command.asset, command.amount, command.reference), moved[0].changed()]


def check_transfer(state: State, command: Transfer) -> RejectReason | None:
    """Only free money moves, and only to somebody else."""
    if command.target not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    if command.source == command.target:
        return RejectReason.SAME_ACCOUNT
    return _check_debit(state, command.source, command.asset, command.amount)


def transfer(state: State, now: Nanos, command: Transfer) -> list[Event]:
    """From one account to another."""
    moved = state.ledger.transfer(command.source, command.target, command.asset, command.amount)
    _look_at(state, command.source, command.asset)
    _look_at(state, command.target, command.asset)
    done = Transferred(command.source, command.target, command.asset, command.amount, command.reference)
    return [done, moved[0].changed(), moved[1].changed()]


def _check_debit(state: State, account: str, asset: str, amount: int) -> RejectReason | None:
    if account not in state.customers:
        return RejectReason.UNKNOWN_ACCOUNT
    if amount <= 0:
        return RejectReason.AMOUNT_NOT_POSITIVE
    balance, wallet = state.ledger.of(account).get(asset), state.wallets.get((account, asset))
    free = 0 if balance is None else balance.free if wallet is None else wallet.withdrawable
    return RejectReason.INSUFFICIENT_BALANCE if amount > free else None


def _look_at(state: State, account: str, asset: str) -> None:
    """Money came to a wallet with positions, or left it."""
    wallet = state.wallets.get((account, asset))
    if wallet is not None:
        state.risky[wallet] = None
