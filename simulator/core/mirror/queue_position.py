"""Where a resting order stands in a mirrored level: the models.

A level of the outside book is a queue that we see only from above: its size, and the trades at its
price. An order that joins stands behind everything shown (``joined``). Trades bring it forward for
certain (``traded``). When the level shrinks by more than trades explain, somebody cancelled, before
us or behind us; that is the one question on which models differ (``shrunk``).

Default: Pessimistic, cancels happen behind us unless there is no room. It never promises a fill that
the real queue would have refused, which is the error that costs a user money. Other models are
chosen by name in a later release; they answer the same three questions.
"""

from __future__ import annotations

from typing import Final, Protocol

from simulator.core.units import Lots


class UnknownModel(ValueError):
    """There is no model of that name; the text lists those there are."""


class QueueModel(Protocol):
    """Three facts move an order in its queue; a model answers each with a new ``ahead``."""

    @property
    def name(self) -> str:
        """What it is chosen by."""
        ...

    @property
    def assumption(self) -> str:
        """In one sentence."""
        ...

    def joined(self, level: Lots) -> Lots:
        """The order joins a level of this size."""
        ...

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """``qty`` traded at the price; below zero: that much reached us."""
        ...

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """The level went from ``before`` to ``after`` for reasons other than trades."""
        ...


class Pessimistic:
    """Only trades at the price bring the order forward; cancels happen behind it."""

    name: Final = "pessimistic"
    assumption: Final = "Only trades at the price bring the order forward; cancels happen behind it."

    def joined(self, level: Lots) -> Lots:
        """Everybody shown is before us."""
        return level

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """Trades eat the queue from its front."""
        return ahead - qty

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """No more can be ahead of us than is left."""
        return min(ahead, after)


MODELS: Final[dict[str, QueueModel]] = {one.name: one for one in (Pessimistic(),)}


def queue_model(name: str) -> QueueModel:
    """By its name; UnknownModel lists the names there are."""
    model = MODELS.get(name)
    if model is None:
        raise UnknownModel(f"there is no queue model {name!r}; there are {', '.join(MODELS)}")
    return model
