"""What was guessed against what was true: the tables of the ground truth."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from benchmarks.hiding import Fills, Guess, Hidden
from benchmarks.l3 import Cancel, Life, Recording
from benchmarks.report import Table
from simulator.core.units import NANOS_PER_MILLI, Lots, Nanos


def tables(recording: Recording, hidden: Sequence[Hidden], models: Sequence[str]) -> list[Table]:
    """All of them; ``hidden`` is not empty."""
    behind = [one for one in hidden if one.life.ahead[0][1]]
    unsettled = [one for one in behind if _canceled_lots(one)]
    return [
        _samples(recording, hidden, behind, unsettled),
        _positions("Position of the orders with a queue ahead at entry", recording, behind, models),
        _positions("Position of those at whose level somebody cancelled", recording, unsettled, models),
        _cancels(hidden),
        _fills("Fills of all hidden orders", recording, hidden, models),
        _fills("Fills of those with a queue ahead at entry", recording, behind, models),
    ]


def _samples(
    recording: Recording, hidden: Sequence[Hidden], behind: Sequence[Hidden], unsettled: Sequence[Hidden]
) -> Table:
    lives = [one.life for one in hidden]
    trades = [trade for update in recording.updates for trade in update.trades]
    rows: list[tuple[str, int]] = [
        ("updates of the venue", len(recording.updates)),
        ("trades with resting orders", len(trades)),
        ("orders that came to rest", len(recording.lives)),
        ("of them hidden", len(hidden)),
        ("... taken back by their owner", sum(life.canceled for life in lives)),
        ("... filled, in part or whole", sum(bool(life.fills) for life in lives)),
        ("... open at the end of the recording", sum(life.ended is None for life in lives)),
        ("... with a queue ahead at entry", len(behind)),
        ("    ... and a cancel at their level", len(unsettled)),
        ("    ... and filled, in part or whole", sum(bool(one.life.fills) for one in behind)),
        ("    ... and traded at or through their price", sum(bool(_touches(recording, one)) for one in behind)),
    ]
    return Table("What there was to compare", ["samples", "number"], [[what, str(count)] for what, count in rows])


def _canceled_lots(one: Hidden) -> Lots:
    return sum(cancel.qty for cancel in one.life.cancels)


# -- positions


def _positions(title: str, recording: Recording, sample: Sequence[Hidden], models: Sequence[str]) -> Table:
    columns = ["model", "end |error|", "end error", "end too hopeful", "end exact"]
    columns += ["life |error|", "life error", "life |error|, lots", "life error, lots"]
    rows = [[name, *_position_cells(sample, name)] for name in models] if sample else []
    told = f"{title} ({len(sample)} orders; % of what was ahead at entry; lots of {recording.lot})"
    return Table(told, columns, rows)


def _position_cells(sample: Sequence[Hidden], name: str) -> list[str]:
    """Errors are predicted less true: below zero is too hopeful."""

    def mean(value: Callable[[Guess], float], *, relative: bool = True) -> float:
        found = [value(one.guesses[name]) / (one.life.ahead[0][1] if relative else 1) for one in sample]
        return sum(found) / len(found)

    ends = [one.guesses[name].end_error for one in sample]
    return [
        _percent(mean(lambda guess: abs(guess.end_error))),
        _percent(mean(lambda guess: guess.end_error), sign="+"),
        _percent(sum(error < 0 for error in ends) / len(ends)),
        _percent(sum(error == 0 for error in ends) / len(ends)),
        _percent(mean(lambda guess: guess.mean_abs_error)),
        _percent(mean(lambda guess: guess.mean_error), sign="+"),
        f"{mean(lambda guess: guess.mean_abs_error, relative=False):.0f}",
        f"{mean(lambda guess: guess.mean_error, relative=False):+.0f}",
    ]


def _percent(share: float, sign: str = "") -> str:
    return f"{share * 100:{sign}.1f} %"


BUCKETS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))


def _cancels(hidden: Sequence[Hidden]) -> Table:
    """Who cancels, seen from every order that had others on both sides of it: no model is asked."""
    seen = [cancel for one in hidden for cancel in one.life.cancels if cancel.ahead and cancel.behind]
    rows = []
    for low, high in BUCKETS:
        of_it = [cancel for cancel in seen if low <= _even(cancel) < high]
        rows.append([f"{low:.0%} to {high:.0%}", *(_cancel_cells(of_it) if of_it else ["0", "-", "-", "-"])])
    columns = ["ahead, of the level", "cancels", "were ahead", "by lots", "if even"]
    return Table("Cancels at the level of an order with others before and behind it", columns, rows)


def _even(cancel: Cancel) -> float:
    """How much of the level was ahead."""
    return cancel.ahead / (cancel.ahead + cancel.behind)


def _cancel_cells(cancels: Sequence[Cancel]) -> list[str]:
    return [
        str(len(cancels)),
        _percent(sum(one.was_ahead for one in cancels) / len(cancels)),
        _percent(sum(one.qty for one in cancels if one.was_ahead) / sum(one.qty for one in cancels)),
        _percent(sum(map(_even, cancels)) / len(cancels)),
    ]


# -- fills


class Outcome(NamedTuple):
    """Fills of an order by some rule, and by the truth, until the order's true end."""

    said: Fills
    true: Fills
    end_ts: Nanos

    @property
    def in_time(self) -> Lots:
        """What the rule had filled when the order truly ended."""
        return sum(qty for ts, qty in self.said if ts <= self.end_ts)

    @property
    def truly(self) -> Lots:
        """What was filled."""
        return sum(qty for _, qty in self.true)


def _fills(title: str, recording: Recording, sample: Sequence[Hidden], models: Sequence[str]) -> Table:
    columns = ["rule", "agrees", "missed", "lots missed", "late", "false", "lots false", "first fill off by"]
    outcomes = {name: [_of_model(recording, one, name) for one in sample] for name in models}
    outcomes["fill on touch"] = [_of_touch(recording, one) for one in sample]
    outcomes["only traded through"] = [_of_through(recording, one) for one in sample]
    rows = [[name, *_fill_cells(found)] for name, found in outcomes.items()] if sample else []
    return Table(f"{title} ({len(sample)} orders)", columns, rows)


def _fill_cells(found: Sequence[Outcome]) -> list[str]:
    misses = [one for one in found if one.in_time < one.truly]
    false = [one for one in found if one.in_time > one.truly]
    off = [one.said[0][0] - one.true[0][0] for one in found if one.said and one.true]
    late = sum(sum(qty for _, qty in one.said) >= one.truly for one in misses)
    return [
        _percent(sum(one.in_time == one.truly for one in found) / len(found)),
        f"{len(misses)} of {sum(bool(one.true) for one in found)}",
        str(sum(one.truly - one.in_time for one in misses)),
        str(late),
        f"{len(false)} of {len(found)}",
        str(sum(one.in_time - one.truly for one in false)),
        _milliseconds(off),
    ]


def _milliseconds(off: Sequence[Nanos]) -> str:
    if not off:
        return "-"
    sizes = [abs(one) / NANOS_PER_MILLI for one in off]
    return f"median {median(sizes):.0f} ms, mean {sum(sizes) / len(sizes):.0f} ms, n {len(off)}"


def _of_model(recording: Recording, one: Hidden, name: str) -> Outcome:
    return Outcome(one.guesses[name].fills, _true_fills(recording, one.life), one.end_ts)


def _true_fills(recording: Recording, life: Life) -> Fills:
    return [(recording.updates[at].ts, qty) for at, qty in life.fills]


def _touches(recording: Recording, one: Hidden) -> list[tuple[Nanos, int]]:
    """When trades came to the price of an order while it lived, and how many ticks beyond it."""
    life = one.life
    last = len(recording.updates) - 1 if life.ended is None else life.ended
    return [
        (update.ts, (life.price - trade.price) * life.side.sign)
        for update in recording.updates[life.opened + 1 : last + 1]
        for trade in update.trades
        if (life.price - trade.price) * life.side.sign >= 0
    ]


def _of_touch(recording: Recording, one: Hidden) -> Outcome:
    """The naive rule: all of it fills once anything trades at its price."""
    return _naive(recording, one, (ts for ts, _ in _touches(recording, one)))


def _of_through(recording: Recording, one: Hidden) -> Outcome:
    """The other naive rule: all of it fills once something trades at a worse price, nothing before."""
    return _naive(recording, one, (ts for ts, beyond in _touches(recording, one) if beyond))


def _naive(recording: Recording, one: Hidden, times: Iterable[Nanos]) -> Outcome:
    fills = [(ts, one.life.qty) for ts in times][:1]
    return Outcome(fills, _true_fills(recording, one.life), one.end_ts)
