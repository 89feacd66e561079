"""Where a resting order stands in a mirrored level: the models.

A level of the outside book is a queue that we see only from above: its size, and the trades at its
price. An order that joins stands behind everything shown (``joined``). Trades bring it forward for
certain (``traded``). When the level shrinks by more than trades explain, somebody cancelled, before
us or behind us; that is the one question on which models differ (``shrunk``).

**How much of a cancel was ahead.** With ``a`` lots ahead and ``b`` behind, a model of the literature gives
the share of the cancelled lots that was ahead as a fraction of two weights (``Split``). What was
ahead is at most ``a``, what was behind at most ``b``; the rest is the other's.

**Whole numbers.** Powers are exact. Logarithms are whole numbers of 10^-18, from ``decimal`` in a context of
their own, whose ``ln`` is correctly rounded and so the same on every machine; they are of *lots*, so
the log models depend on the lot where all others do not. What was cancelled ahead is cut to whole lots:
rounding errs to the pessimistic side, by less than a lot for each change of the level (a level that
shrinks lot by lot hardly moves anybody).

**The default is pessimistic.** It never promises a fill that the real queue would have refused, which is the
error that costs a user money. The one recording in which we know the true queue (Luno XBTZAR, nine
minutes of 2021-07-13, market by order; ``python -m benchmarks ground-truth``) bears it out: of 1,222 real orders
that joined behind others, hidden one at a time, it took none to be further forward than it was when it ended
(5 of them with a book only every 100 ms: who came since the last book is not seen). The price
is 10 % of the queue at entry, on average, by which it took them to be further back; ``proportional`` was off by
7 % and too hopeful of 4 in 100, ``power2:3`` was the closest with 4 % and 6 in 100, for there cancels come from
the front more often than evenly. Fills do not tell the models apart (21 orders filled; all models but ``front``
agree with all of them). It is one thin market, in which half of the orders live for a second: enough to
say that the default keeps its promise, not to say which other model is true. A recording by order of a busy
perpetual would change our mind about the latter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context
from typing import Final, Protocol, TypeAlias

from simulator.core.units import Lots


class QueueModel(Protocol):
    """Three facts move an order in its queue; a model answers each with a new ``ahead``."""

    @property
    def name(self) -> str:
        """What it is chosen by."""
        ...

    @property
    def assumption(self) -> str:
        """What it takes for true, in one sentence."""
        ...

    @property
    def source(self) -> str:
        """Where it comes from."""
        ...

    def joined(self, level: Lots) -> Lots:
        """The order joins a level of this size."""
        ...

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """``qty`` traded at the price; below zero: that much reached us."""
        ...

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """The level went from ``before`` (at least ``ahead``) to ``after`` for reasons other than trades."""
        ...


class Pessimistic:
    """Only trades at the price bring the order forward; cancels happen behind it."""

    name = "pessimistic"
    assumption = "cancels happen behind the order as long as there is anybody behind it"
    source = "hftbacktest, RiskAdverseQueueModel; the rule is older: Trading Technologies' estimated position in queue"

    def joined(self, level: Lots) -> Lots:
        """Everybody shown is before us."""
        return level

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """Trades eat the queue from its front."""
        return ahead - qty

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """No more can be ahead of us than is left."""
        return min(ahead, after)


class Front:
    """Nobody is ahead: any trade at the price reaches the order. The bound of all that can be hoped for."""

    name = "front"
    assumption = "the order is the first in its queue from the moment in which it rests"
    source = "the usual fill on touch, but never more than what traded"

    def joined(self, level: Lots) -> Lots:
        """First at once."""
        return 0

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """All of it reaches us."""
        return ahead - qty

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """Nobody was ahead; who was, under another model, is gone."""
        return 0


Weights: TypeAlias = Callable[[Lots, Lots], tuple[int, int]]
"""Lots ahead and behind to the weights of a cancel ahead and behind."""


@dataclass(frozen=True, slots=True)
class Split:
    """A cancel is shared between ahead and behind by weight; the order joins and trades as in Pessimistic."""

    name: str
    assumption: str
    source: str
    weights: Weights

    def __reduce__(self) -> tuple[Callable[[str], QueueModel], tuple[str]]:
        """For pickle, which cannot write functions made on the spot: there is one of each name."""
        return queue_model, (self.name,)

    def joined(self, level: Lots) -> Lots:
        """Everybody shown is before us."""
        return level

    def traded(self, ahead: Lots, qty: Lots) -> Lots:
        """Trades eat the queue from its front."""
        return ahead - qty

    def shrunk(self, ahead: Lots, before: Lots, after: Lots) -> Lots:
        """What the weights say was cancelled ahead, cut to whole lots, is gone from there."""
        front, back = self.weights(ahead, before - ahead)
        if not front:
            return min(ahead, after)
        left = ahead - (before - after) * front // (front + back)
        return max(0, min(left, after))


_LN: Final = Context(prec=24, rounding=ROUND_HALF_EVEN, Emin=-99, Emax=99, flags=[], traps=[])
_LN_DECIMALS: Final = 18


def _ln(lots: Lots) -> int:
    """log(1 + lots) in 10^-18."""
    return int(_LN.scaleb(_LN.ln(_LN.create_decimal(1 + lots)), _LN_DECIMALS))


def _proportional(ahead: Lots, behind: Lots) -> tuple[int, int]:
    return ahead, behind


def _log(ahead: Lots, behind: Lots) -> tuple[int, int]:
    return _ln(ahead), _ln(behind)


def _log2(ahead: Lots, behind: Lots) -> tuple[int, int]:
    all_of_it, back = _ln(ahead + behind), _ln(behind)
    return all_of_it - back, back


def _power(n: int) -> Split:
    return Split(
        f"power:{n}",
        f"a cancel is ahead and behind as ahead^{n} to behind^{n}: the larger part cancels more than its share",
        "hftbacktest, PowerProbQueueFunc, after Rigtorp 2013",
        lambda ahead, behind: (ahead**n, behind**n),
    )


def _power2(n: int) -> Split:
    def weights(ahead: Lots, behind: Lots) -> tuple[int, int]:
        back = behind**n
        return (ahead + behind) ** n - back, back

    return Split(
        f"power2:{n}",
        f"a cancel is behind with the probability (behind / all)^{n}: who came first cancels first",
        "hftbacktest, PowerProbQueueFunc2",
        weights,
    )


def _power3(n: int) -> Split:
    def weights(ahead: Lots, behind: Lots) -> tuple[int, int]:
        front = ahead**n
        return front, (ahead + behind) ** n - front

    return Split(
        f"power3:{n}",
        f"a cancel is ahead with the probability (ahead / all)^{n}: who came last cancels first",
        "hftbacktest, PowerProbQueueFunc3",
        weights,
    )


POWERS: Final = range(1, 10)

_ALL: Final[tuple[QueueModel, ...]] = (
    Pessimistic(),
    Split(
        "proportional",
        "cancels are spread evenly over the level",
        "Rigtorp, Estimating order queue position (2013), f(x) = x; hftbacktest, PowerProbQueueFunc with n = 1",
        _proportional,
    ),
    *(_power(n) for n in POWERS),
    *(_power2(n) for n in POWERS),
    *(_power3(n) for n in POWERS),
    Split(
        "log",
        "a cancel is ahead and behind as log(1 + ahead) to log(1 + behind): nearly half and half",
        "Rigtorp, Estimating order queue position (2013), f(x) = log(1 + x); hftbacktest, LogProbQueueFunc",
        _log,
    ),
    Split(
        "log2",
        "a cancel is behind with the probability log(1 + behind) / log(1 + all): nearly always",
        "hftbacktest, LogProbQueueFunc2",
        _log2,
    ),
    Front(),
)

MODELS: Final = {model.name: model for model in _ALL}
"""Every model by its name."""

NAMES: Final = "pessimistic, proportional, power:N, power2:N, power3:N (N from 1 to 9), log, log2, front"


class UnknownModel(ValueError):
    """There is no queue model of this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"no queue model is called {name!r}; there are {NAMES}")


def queue_model(name: str) -> QueueModel:
    """The model of this name; raises UnknownModel.

    >>> queue_model("proportional").shrunk(5, 10, 8)
    4
    """
    model = MODELS.get(name)
    if model is None:
        raise UnknownModel(name)
    return model
