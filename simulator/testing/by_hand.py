"""Words for what a test does to an exchange, and asks of it: each is one call of the control API.

``sim_server`` says them over HTTP, ``sim_exchange`` to the same rows in its own process. What is set by hand counts at
once: when ``trade`` returns, its fills have happened. Numbers may be texts, whole numbers, Decimals or floats, of which
the shortest decimal text counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, Literal, Protocol, TypeAlias

Number: TypeAlias = str | int | float | Decimal
Levels: TypeAlias = Iterable[tuple[Number, Number]]
Side: TypeAlias = Literal["BUY", "SELL"]
Wallet: TypeAlias = Literal["spot", "futures"]

SNAPSHOT: Final = "snapshot"
"""The name of a snapshot where a test needs only one."""


class ByHand(Protocol):
    """What can be done by hand. ``ask`` is the one way to do it; Refused says what cannot be done, in words."""

    account_name: str

    def ask(self, method: str, name: str, /, **asked: Any) -> Any:
        """What ``/_sim/NAME`` answers."""
        ...

    def set_book(self, symbol: str, bids: Levels = (), asks: Levels = ()) -> None:
        """The outside market's whole book: (price, quantity), best first or not."""
        self.ask("POST", "market/book", symbol=symbol, bids=_levels(bids), asks=_levels(asks))

    def trade(self, symbol: str, price: Number, qty: Number, side: Side) -> None:
        """The outside market trades; ``side`` is its taker's, so SELL fills resting bids."""
        self.ask("POST", "market/trade", symbol=symbol, price=str(price), qty=str(qty), side=side)

    def mark(self, symbol: str, mark: Number | None = None, index: Number | None = None) -> None:
        """A perpetual's mark and index; neither of them: both follow from the books again."""
        self.ask("POST", "market/mark", symbol=symbol, mark=_optional(mark), index=_optional(index))

    def funding(self, symbol: str, rate: Number) -> None:
        """The rate of a perpetual's next settlement: 0.0001 is 0.01 %, and longs pay it to shorts."""
        self.ask("POST", "market/funding", symbol=symbol, rate=str(rate))

    def halt(self, symbol: str) -> None:
        """No new orders for a symbol; cancels work."""
        self.ask("POST", "market/trading", symbol=symbol, trading=False)

    def resume(self, symbol: str) -> None:
        """A symbol trades again."""
        self.ask("POST", "market/trading", symbol=symbol, trading=True)

    def deposit(self, asset: str, amount: Number, account: str = "", wallet: Wallet = "spot") -> None:
        """Money from outside, for the first account unless told which."""
        who = account or self.account_name
        self.ask("POST", "deposit", account=who, asset=asset, amount=str(amount), wallet=wallet)

    def withdraw(self, asset: str, amount: Number, account: str = "", wallet: Wallet = "spot") -> None:
        """Free money to the outside."""
        who = account or self.account_name
        self.ask("POST", "withdraw", account=who, asset=asset, amount=str(amount), wallet=wallet)

    def balances(self, account: str = "", wallet: Wallet = "spot") -> dict[str, dict[str, Decimal]]:
        """What an account has, by asset: free and held."""
        (holdings,) = self.ask("GET", "accounts", account=account or self.account_name)
        return {
            asset: {name: Decimal(amount) for name, amount in balance.items()}
            for asset, balance in holdings[wallet].items()
        }

    def explain(self, order_id: str | int = "", client_order_id: str = "", account: str = "") -> dict[str, Any]:
        """Why each fill of an order happened, and why the rest of it did not."""
        told: dict[str, Any] = self.ask(
            "GET", "explain", orderId=str(order_id), clientOrderId=client_order_id, account=account
        )
        return told

    def digest(self) -> str:
        """One hash of the whole state: equal for equal exchanges."""
        return str(self.ask("GET", "digest")["digest"])

    def snapshot(self, name: str = SNAPSHOT) -> None:
        """Keep the whole exchange as it is now, under a name."""
        self.ask("POST", "snapshot", name=name)

    def restore(self, name: str = SNAPSHOT) -> None:
        """Back to a snapshot."""
        self.ask("POST", "restore", name=name)

    def reset(self) -> None:
        """Back to the start."""
        self.ask("POST", "reset")

    @property
    def clock(self) -> SimClock:
        """Its time."""
        return SimClock(self)


class SimClock:
    """An exchange's time. It runs, or stands and is moved; everything that time brings happens in its order."""

    def __init__(self, exchange: ByHand) -> None:
        self._exchange = exchange

    @property
    def now_ms(self) -> int:
        """The exchange's time in milliseconds since 1970."""
        return int(self._exchange.ask("GET", "clock")["time"])

    @property
    def now(self) -> datetime:
        """The same as a date."""
        return datetime.fromtimestamp(self.now_ms / 1000, UTC)

    def pause(self) -> None:
        """Time stands."""
        self._exchange.ask("POST", "clock", pause=True)

    def resume(self) -> None:
        """Time goes on from where it stood."""
        self._exchange.ask("POST", "clock", resume=True)

    def advance(self, *, ms: float = 0, seconds: float = 0, minutes: float = 0, hours: float = 0) -> None:
        """Let so much time go by at once; when this returns, all has happened that it brought."""
        by = timedelta(milliseconds=ms, seconds=seconds, minutes=minutes, hours=hours)
        self._exchange.ask("POST", "clock", advance_ms=by / timedelta(milliseconds=1))

    def step(self, messages: int = 1) -> None:
        """Play the recorded market's next messages, while time stands."""
        self._exchange.ask("POST", "clock", step=messages)

    def seek(self, ms: int) -> None:
        """Go to a recorded time, in milliseconds since 1970."""
        self._exchange.ask("POST", "clock", seek_ms=ms)

    def speed(self, speed: float | Literal["max"]) -> None:
        """Another pace of the recording from now on."""
        self._exchange.ask("POST", "clock", speed=speed)


def _levels(levels: Levels) -> list[list[str]]:
    return [[str(price), str(qty)] for price, qty in levels]


def _optional(number: Number | None) -> str | None:
    return None if number is None else str(number)
