"""What the bracket says so far (``--bracket``)."""

from __future__ import annotations

from simulator.assembly.parts import Parts
from simulator.control.table import Ask, NotThere, Row
from simulator.runtime.bracket_report import BracketResult, result


class WhichWorlds(Ask, frozen=True):
    """Of the orders, those that depend on the assumption, or all of them; the newest ``limit``."""

    every_order: bool = False
    limit: int = 1000


def told(parts: Parts, ask: WhichWorlds) -> BracketResult:
    """Profit and fills as intervals."""
    if parts.bracket is None:
        raise NotThere("this exchange has no bracket: start it with --bracket")
    return result(parts.bracket, every_order=ask.every_order, most=max(0, ask.limit))


ROWS = (
    Row(
        "GET",
        "bracket",
        told,
        WhichWorlds,
        BracketResult,
        "profit and fills under other queue models, as intervals (--bracket)",
    ),
)
