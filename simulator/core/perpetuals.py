"""One perpetual beyond what spot has too: its mark, its funding, who waits for a price, the insurance fund."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from simulator.core.accounts.ledger import Ledger
from simulator.core.accounts.liquidation import Fund
from simulator.core.accounts.margin import Wallet
from simulator.core.accounts.perpetual import OutsidePosition, PerpetualSeat
from simulator.core.accounts.positions import Perpetual, Position
from simulator.core.commands import PlaceOrder
from simulator.core.instruments import Contract, Instrument
from simulator.core.market import Market, Seat
from simulator.core.marks import Basis
from simulator.core.matching.match import NO_LIMIT, foresee
from simulator.core.matching.triggers import Waiting
from simulator.core.orders import Order
from simulator.core.units import Lots, Nanos, Price, Ticks


class PerpetualMarket:
    """A market with what makes it a perpetual's.

    ``moved`` is the exchange's list of perpetuals to look at before a command is over, ``risky`` that of
    wallets. ``mark_due``: when a move of the market that came too soon for a new mark is reckoned with.
    ``reckons``: mark or index are not told, so moves matter to them.
    """

    __slots__ = (
        "_moved",
        "_new_seat",
        "_wallet_of",
        "basis",
        "contract",
        "exits",
        "fund",
        "mark_due",
        "market",
        "outside",
        "perpetual",
        "reckons",
        "symbol",
        "waiting",
    )

    def __init__(
        self,
        instrument: Instrument,
        contract: Contract,
        ledger: Ledger,
        wallet_of: Callable[[str, str], Wallet],
        moved: dict[PerpetualMarket, None],
        risky: dict[Wallet, None],
    ) -> None:
        self.symbol = instrument.symbol
        self.contract = contract
        self.perpetual = perpetual = Perpetual(instrument)
        self.outside = OutsidePosition(instrument.quote_atoms)
        self.fund = Fund(ledger, perpetual, contract.margin_asset)
        self.waiting = Waiting(instrument.tick_price)
        self.exits: dict[Position, None] = {}
        self.basis = Basis()
        self.mark_due: Nanos | None = None
        self.reckons = True
        self._moved = moved
        self._new_seat = partial(PerpetualSeat, ledger, perpetual=perpetual, risky=risky, foresee=self._would_trade)
        self._wallet_of = wallet_of
        self.market = Market(instrument, self.outside, self.new_seat, perpetual)
        self.market.watchers = (self.book_moved,)

    def new_seat(self, account: str) -> Seat:
        """One for an account that has never traded here."""
        return self._new_seat(self._wallet_of(account, self.contract.margin_asset))

    def wake(self) -> None:
        """Something moved: look at it before the command is over."""
        self._moved[self] = None

    def book_moved(self) -> None:
        """Its own market moved, which somebody may be waiting for: most orders wake nobody."""
        reckons = self.mark_due is None and self.reckons
        if reckons or self.exits or self.waiting.count or self.fund.long.lots or self.fund.short.lots:
            self._moved[self] = None

    def index_moved(self) -> None:
        """The spot market that the index follows moved: time for a new mark, unless one is due anyway."""
        if self.mark_due is None and self.reckons:
            self._moved[self] = None

    def _would_trade(self, command: PlaceOrder, price: Ticks) -> list[tuple[Ticks, Lots]]:
        """What an order would trade now, at which prices."""
        side, market = command.side, self.market
        order = Order.of(command, 0, "", 0)
        makers, outside = market.book.side(side.opposite), market.outside(side.opposite)
        outcome, _ = foresee(order, makers, outside, price * side.sign, NO_LIMIT)
        return [(at, qty) for _, at, qty in outcome.matches]

    @property
    def seats(self) -> Iterator[PerpetualSeat]:
        """Everybody who has ever traded here."""
        for seat in self.market.seats.values():
            assert isinstance(seat, PerpetualSeat)
            yield seat

    def seat(self, account: str) -> PerpetualSeat:
        """One account's."""
        seat = self.market.seat(account)
        assert isinstance(seat, PerpetualSeat)
        return seat

    @property
    def last(self) -> Price | None:
        """The last traded price, as fine as a mark."""
        last = self.market.last
        return None if last is None else last * self.perpetual.tick

    def check(self) -> None:
        """Assert every invariant; for tests."""
        lots = self.outside.lots
        for seat in self.seats:
            seat.check()
        for position in self.positions():
            lots += position.sign * position.lots
            assert (position in self.exits) == (position.take_profit is not None or position.stop_loss is not None)
        assert not lots, "positions do not sum to zero"

    def positions(self) -> Iterator[Position]:
        """All positions but the outside market's: customers', then the insurance fund's."""
        for seat in self.seats:
            yield from seat.positions
        yield from self.fund.positions
