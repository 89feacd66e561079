"""What happens to liquidity that our clients took when the market tells the level again: the models.

The venue repeats whole books, so a level that we emptied comes again with the next frame although, to
us, it is gone. Nobody can know what the real market would have shown after our trade; each model is
one assumption about it. All agree that within one told book no displayed lot trades twice, and that a
level which vanished begins anew when it comes back.

Default: ``difference``. It lets the same lot trade once and lets a busy level live; forgetting at once
(``none``) sells it ten times a second, and never forgetting (``sticky``) leaves the best level of a
quiet market dead for hours. What would change our mind is a recording with our own real orders in it.
"""

from __future__ import annotations

from typing import Final, Protocol

from simulator.core.units import Lots


class ResidualModel(Protocol):
    """Answers with how many lots of a level count as taken from now on; ``taken`` is how many did so far."""

    @property
    def name(self) -> str:
        """What it is chosen by."""
        ...

    @property
    def assumption(self) -> str:
        """In one sentence."""
        ...

    @property
    def source(self) -> str:
        """Who does it so, or why one would."""
        ...

    def repeated(self, taken: Lots) -> Lots:
        """The market told another book, in which this level still stands."""
        ...

    def resized(self, taken: Lots, before: Lots, after: Lots) -> Lots:
        """The market told this level with a size: ``before`` is what it was, ``after`` is not 0."""
        ...


class Difference:
    """A level shown as 5, of which 5 were taken, offers nothing at 5, and 2 when it shows 7."""

    name: Final = "difference"
    assumption: Final = "the difference between two told books is applied to what is left of the level"
    source: Final = "the default: each displayed lot trades once, and growth of a level is new liquidity"

    def repeated(self, taken: Lots) -> Lots:
        """Nothing new."""
        return taken

    def resized(self, taken: Lots, before: Lots, after: Lots) -> Lots:
        """What left the level was what nobody had taken; no more than all of it can be taken."""
        return min(taken, after)


class Nothing:
    """Whatever is told is there."""

    name: Final = "none"
    assumption: Final = "every told book is whole again: our trades leave no trace in the market"
    source: Final = "backtesters that read history as immutable, hftbacktest and NautilusTrader by default"

    def repeated(self, taken: Lots) -> Lots:
        """Whole again."""
        return 0

    def resized(self, taken: Lots, before: Lots, after: Lots) -> Lots:
        """Whole again."""
        return 0


class Sticky:
    """What was taken is missing from whatever size the level shows; it may be more than that."""

    name: Final = "sticky"
    assumption: Final = "what was taken stays taken until the level vanishes, however its size changes meanwhile"
    source: Final = "the cautious end: growth of the level may be the return of those whom we took from"

    def repeated(self, taken: Lots) -> Lots:
        """Nothing new."""
        return taken

    def resized(self, taken: Lots, before: Lots, after: Lots) -> Lots:
        """Not forgotten, also where less than that is shown."""
        return taken


class Reset:
    """A level that moves is somebody else's."""

    name: Final = "reset"
    assumption: Final = "what was taken is forgotten as soon as the level is told with another size"
    source: Final = "NautilusTrader's liquidity_consumption, which resets a level when fresh data arrives for it"

    def repeated(self, taken: Lots) -> Lots:
        """Nothing fresh."""
        return taken

    def resized(self, taken: Lots, before: Lots, after: Lots) -> Lots:
        """Fresh when it is another size."""
        return taken if after == before else 0


MODELS: Final[dict[str, ResidualModel]] = {one.name: one for one in (Difference(), Nothing(), Sticky(), Reset())}


class UnknownResidual(ValueError):
    """There is no residual model of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no residual model is called {name!r}; there are {', '.join(MODELS)}")


def residual_model(name: str) -> ResidualModel:
    """The model of this name; raises UnknownResidual."""
    model = MODELS.get(name)
    if model is None:
        raise UnknownResidual(name)
    return model
