"""What an endpoint is given and what it answers; the words that routes, endpoints and server share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import msgspec

from simulator.core.cancelling import find
from simulator.core.candles import Tapes
from simulator.core.checking import check_place
from simulator.core.commands import CancelOrder, Command, PlaceOrder
from simulator.core.events import Event, Rejected
from simulator.core.history import History
from simulator.core.market import Market
from simulator.core.orders import Order
from simulator.core.perpetual_history import PerpetualHistory
from simulator.core.perpetuals import PerpetualMarket
from simulator.core.rejections import RejectReason
from simulator.core.state import State
from simulator.core.units import NANOS_PER_MILLI, Millis, Nanos
from simulator.venues.hashkey.accounts import AccountIds
from simulator.venues.hashkey.errors import Refusal, VenueError
from simulator.venues.hashkey.exchange_info import Catalogue
from simulator.venues.hashkey.fees import Fees
from simulator.venues.hashkey.listen_keys import ListenKeys
from simulator.venues.hashkey.signing import ApiKey, KeyRing


@dataclass(frozen=True)
class Switches:
    """Where the venue's behaviour is uncertain or differs from its documentation."""

    # Real shapes 11: recorded as NEW, needed as CANCELED by Hummingbot's perpetual connector.
    cancel_status: str = "CANCELED"
    # HashKey REST 3.5: one recorded cancel of a filled order answered with the order; refused by default.
    answer_finished_cancel: bool = False
    # REST 5.4: transfers at most once a second; counted only with the other rate limits.
    transfer_interval_ms: int = 0
    # Errors and limits 4: -1021 outside of recvWindow. Where time is moved by hand no client's stamp can be right.
    timestamps: bool = True


@dataclass
class Desk:
    """One exchange as the venue's endpoints see it."""

    state: State
    tapes: Tapes
    history: History
    perpetuals: PerpetualHistory
    keys: KeyRing
    listen_keys: ListenKeys
    catalogue: Catalogue
    switches: Switches = field(default_factory=Switches)
    fees: Fees = field(default_factory=Fees)
    last_transfer: dict[str, Millis] = field(default_factory=dict)
    breaks: set[str] = field(default_factory=set)
    """Symbols halted for a maintenance."""
    depth_replies: dict[tuple[str, int], tuple[int, bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ids = AccountIds(self.state)

    def __getstate__(self) -> dict[str, object]:
        """For snapshots: what it remembers by itself; the rest are roots of their own."""
        return {"last_transfer": self.last_transfer, "depth_replies": {}}

    def find(self, command: CancelOrder) -> Order | None:
        """The order that ids name, if it is the account's."""
        return find(self.state, command)

    def check(self, command: PlaceOrder) -> RejectReason | None:
        """Why an order would be rejected now."""
        return check_place(self.state, command)

    def market(self, symbol: str) -> Market:
        """A market of the ``/api/v1`` family, or its refusal."""
        market = self.state.markets.get(symbol)
        if market is None:
            raise VenueError(Refusal.PARAMETER_ILLEGAL, "symbol")
        return market

    def spot(self, symbol: str) -> Market:
        """A market that spot orders can trade in, or its refusal."""
        market = self.market(symbol)
        if market.perpetual is not None:
            raise VenueError(Refusal.PARAMETER_ILLEGAL, "symbol")
        return market

    def contract(self, symbol: str) -> PerpetualMarket:
        """A perpetual, or its refusal."""
        listed = self.state.perpetuals.get(symbol)
        if listed is None:
            raise VenueError(Refusal.PARAMETER_ILLEGAL, "symbol")
        return listed

    def quoted_market(self, params: Mapping[str, str]) -> Market:
        """The market a ``/quote/v1`` request names, or that family's refusal."""
        symbol = params.get("symbol")
        if not symbol:
            raise VenueError(Refusal.QUOTE_PARAMETER_MISSING, "symbol")
        market = self.state.markets.get(symbol)
        if market is None:
            raise VenueError(Refusal.QUOTE_SYMBOL_UNKNOWN)
        return market


class Call(NamedTuple):
    """One request, read and allowed."""

    now: Nanos
    params: Mapping[str, str]
    body: bytes
    key: ApiKey | None
    broker: str
    skew: Millis = 0

    @property
    def account(self) -> str:
        """Whose key signed it."""
        assert self.key is not None
        return self.key.account

    @property
    def now_ms(self) -> Millis:
        """The venue's milliseconds."""
        return self.now // NANOS_PER_MILLI


Outcomes: TypeAlias = Sequence[Sequence[Event]]


class Ask(NamedTuple):
    """Commands to be carried out in order, and how to answer when they have been."""

    commands: Sequence[Command]
    render: Callable[[Outcomes], bytes]


Endpoint: TypeAlias = Callable[[Desk, Call], "bytes | Ask"]


def encode(body: Any) -> bytes:
    """Compact JSON (real shapes 1.2: no blanks)."""
    return msgspec.json.encode(body)


def refuse(events: Sequence[Event], words: Mapping[RejectReason, Refusal] = {}) -> None:
    """Raise the venue's words for a rejection; ``words`` where a call has its own for a reason."""
    first = events[0] if events else None
    if isinstance(first, Rejected):
        raise VenueError(words.get(first.reason, first.reason))


def own_account(desk: Desk, call: Call, name: str = "accountId") -> str:
    """``accountId`` may name the caller's own account; anybody else's is not permitted."""
    account_id = call.params.get(name)
    if account_id and desk.ids.name(call.account, account_id) != call.account:
        raise VenueError(Refusal.ACCOUNT_NOT_PERMITTED)
    return call.account


def sub_account(desk: Desk, call: Call) -> str:
    """The account that ``subAccountId`` names. There are no sub-accounts here: only one's own passes."""
    if not call.params.get("subAccountId"):
        raise VenueError(Refusal.FIELD_MISSING, "subAccountId")
    return own_account(desk, call, "subAccountId")
