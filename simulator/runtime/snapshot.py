"""What a whole exchange was at one moment, kept in memory, and an exchange made to be that again.

An exchange is held together by a few objects that everybody else knows and keeps, its *roots*: the state, what is
remembered beside it, the keys. A snapshot is what is **in** them. Restoring fills the same roots again, or those of
another exchange, so nobody who holds one of them has to be told; who holds something from inside (a market) has.

**How.** Everything inside is pickled, in one go, so that what was one object stays one. A class that cannot be taken
apart generally says how by pickle's own means (``__reduce__``, ``__getstate__``). Roots that point to each other are
written by their names. Records that never change (commands, events, instruments, API keys) are not copied but shared by
reference: they are most of what there is, and it is twice as quick.

Copying by hand, class by class, would be quicker still, but every new field would have to be thought of; forgetting one
would show only after a restore. Here a field is kept as soon as it is there.
"""

from __future__ import annotations

import gc
import pickle
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from simulator.core.orders import Order
from simulator.core.units import Grid, Nanos

Roots: TypeAlias = Mapping[str, object]
"""What a snapshot is taken of, by names that are the same in every exchange."""

_HERE: Final = __name__


class Snapshot(NamedTuple):
    """``time`` is the exchange's at that moment; ``shared`` is what was not copied."""

    time: Nanos
    data: bytes
    shared: tuple[object, ...]


def root(name: str) -> Any:
    """Stands in pickled data for a root; never called."""
    raise NotImplementedError


def shared(place: int) -> Any:
    """Stands in pickled data for what is not copied; never called."""
    raise NotImplementedError


def order(place: int) -> Any:
    """Stands in pickled data for an order, of which a copy is kept; never called."""
    raise NotImplementedError


def take(time: Nanos, roots: Roots, immutable: frozenset[type] = frozenset()) -> Snapshot:
    """What is in these roots now. Instances of ``immutable`` types are shared, as records that never change are."""
    out = BytesIO()
    with _no_collections():
        writer = _Writer(out, roots, immutable)
        writer.dump({name: _inside(one) for name, one in roots.items()})
    return Snapshot(time, out.getvalue(), tuple(writer.shared))


def restore(snapshot: Snapshot, roots: Roots) -> None:
    """Let these roots, of any exchange, be what those of the snapshot were; all of them, or none."""
    with _no_collections():
        contents = _Reader(snapshot, roots).load()
        assert contents.keys() == roots.keys(), "a snapshot of another kind of exchange"
        for name, inside in contents.items():
            _fill(roots[name], inside)


def _inside(one: object) -> object:
    """What pickle would keep of an object: its attributes, or what it says itself."""
    return one.__getstate__()


def _fill(one: object, inside: Any) -> None:
    fill = getattr(one, "__setstate__", None)
    if fill is not None:
        fill(inside)
        return
    for attributes in inside if isinstance(inside, tuple) else (inside,):
        for name, value in (attributes or {}).items():
            setattr(one, name, value)


class _Writer(pickle.Pickler):
    def __init__(self, out: BytesIO, roots: Roots, immutable: frozenset[type]) -> None:
        super().__init__(out, pickle.HIGHEST_PROTOCOL)
        self.shared: list[object] = []
        self._names = {id(one): name for name, one in roots.items()}
        self.dispatch_table = _Table(self, {type(one) for one in roots.values()}, immutable)

    def keep(self, one: object) -> tuple[Callable[[int], Any], tuple[int]]:
        self.shared.append(one)
        return shared, (len(self.shared) - 1,)

    def copy(self, one: Order) -> tuple[Callable[[int], Any], tuple[int]]:
        self.shared.append(one.alone())
        return order, (len(self.shared) - 1,)

    def name(self, one: object) -> Any:
        """A root by its name; another of the same type as everything else."""
        name = self._names.get(id(one))
        return one.__reduce_ex__(pickle.HIGHEST_PROTOCOL) if name is None else (root, (name,))


class _Table(dict[type, Callable[[Any], Any]]):
    """How an object is written, by its type; found out once."""

    def __init__(self, writer: _Writer, roots: set[type], immutable: frozenset[type]) -> None:
        super().__init__(dict.fromkeys(immutable | {Grid}, writer.keep) | dict.fromkeys(roots, writer.name))
        self[Order] = writer.copy
        self._keep = writer.keep

    def __missing__(self, kind: type) -> Callable[[Any], Any]:
        if issubclass(kind, type):
            raise KeyError(kind)  # a class is written by its name
        config: msgspec.structs.StructConfig | None = getattr(kind, "__struct_config__", None)
        frozen = config is not None and config.frozen
        how = self[kind] = self._keep if frozen else _as_usual
        return how


def _as_usual(one: object) -> Any:
    return one.__reduce_ex__(pickle.HIGHEST_PROTOCOL)


class _Reader(pickle.Unpickler):
    """Only ever given what a writer of this process made."""

    def __init__(self, snapshot: Snapshot, roots: Roots) -> None:
        super().__init__(BytesIO(snapshot.data))
        self._shared = snapshot.shared
        self._found = {root.__name__: roots.__getitem__, shared.__name__: self._shared.__getitem__}
        self._found |= {order.__name__: self._order}

    def _order(self, place: int) -> Order:
        kept = self._shared[place]
        assert isinstance(kept, Order)
        return kept.alone()

    def find_class(self, module: str, name: str) -> Any:
        """What stood for a root or for what is shared becomes it."""
        return self._found[name] if module == _HERE else super().find_class(module, name)


@contextmanager
def _no_collections() -> Iterator[None]:
    """Thousands of new objects and no garbage: the collector would look for some again and again."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
