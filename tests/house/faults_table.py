"""The README's table of faults, made from the kinds themselves: ``python -m tests.house.faults_table``."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.runtime.faults.kinds import KINDS, Kind


def lines() -> Iterator[str]:
    """Rows of Markdown."""
    yield "| kind | scope | parameters and their defaults | what goes wrong |"
    yield "|---|---|---|---|"
    for name, kind in KINDS.items():
        yield f"| `{name}` | {', '.join(sorted(kind.where.scope))} | {', '.join(_parameters(kind))} | {kind.meaning} |"


def _parameters(kind: Kind) -> Iterator[str]:
    for name, takes in kind.takes.items():
        yield f"`{name}` {takes.default} ({takes.words()})"


if __name__ == "__main__":
    print("\n".join(lines()))
