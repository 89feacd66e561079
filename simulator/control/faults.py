"""What goes wrong: begun, listed with how often it struck, and ended."""

from __future__ import annotations

import msgspec

from simulator.assembly.parts import Parts
from simulator.control.doing import market_of
from simulator.control.table import Ask, BadAsk, Nothing, NotThere, Row
from simulator.core.units import NANOS_PER_MILLI, Millis
from simulator.runtime.faults.fault import BadFault, Fault, Told


class BeginFaults(Told, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One fault, or several as ``faults``, all of them or none."""

    kind: str = ""
    faults: tuple[Told, ...] = ()


class KnownFault(msgspec.Struct, frozen=True, omit_defaults=True):
    """A fault and what became of it: it is waiting, active or ended, and ``struck`` so many of ``matched``."""

    id: int
    state: str
    matched: int
    struck: int
    begins: Millis
    fault: Told
    ends: Millis | None = None


class ListedFaults(msgspec.Struct, frozen=True):
    """Faults; ``id`` is the first one's, 0: there is none."""

    id: int
    faults: list[KnownFault]


def _known(fault: Fault) -> KnownFault:
    state = "active" if fault.active else "ended" if fault.ended else "waiting"
    ends = None if fault.ends is None else fault.ends // NANOS_PER_MILLI
    return KnownFault(fault.id, state, fault.matched, fault.struck, fault.begins // NANOS_PER_MILLI, fault.told, ends)


def _listed(faults: list[Fault]) -> ListedFaults:
    return ListedFaults(faults[0].id if faults else 0, [_known(one) for one in faults])


def begin(parts: Parts, ask: BeginFaults) -> ListedFaults:
    """From now on, or from its ``start_ms`` on."""
    if bool(ask.kind) == bool(ask.faults):
        raise BadAsk("say the kind of one fault, or faults, a list of them")
    fields = {name: getattr(ask, name) for name in Told.__struct_fields__}
    told = list(ask.faults) or [Told(**fields)]
    for one in told:
        _check_names(parts, one)
    try:
        return _listed(parts.faults.begin(told))
    except BadFault as error:
        raise BadAsk(str(error)) from None


def _check_names(parts: Parts, told: Told) -> None:
    """A name that nobody has would never be struck."""
    if told.symbol is not None:
        market_of(parts, told.symbol)
    if told.account is not None and told.account not in parts.desk.state.customers:
        raise NotThere(f"there is no account {told.account}")


def tell(parts: Parts, ask: Nothing) -> ListedFaults:
    """All that were not ended by somebody."""
    return _listed(list(parts.faults))


class WhichFault(Ask, frozen=True):
    """One fault, or none named: all."""

    id: int | None = None


def end(parts: Parts, ask: WhichFault) -> ListedFaults:
    """Ended and forgotten; told as they were at their end."""
    try:
        return _listed(parts.faults.forget(ask.id))
    except LookupError:
        raise NotThere(f"there is no fault {ask.id}") from None


ROWS = (
    Row("POST", "faults", begin, BeginFaults, ListedFaults, "let something go wrong; see Faults"),
    Row("GET", "faults", tell, Nothing, ListedFaults, "what goes wrong, and how often it did"),
    Row("DELETE", "faults", end, WhichFault, ListedFaults, "end one fault, or all of them"),
)
