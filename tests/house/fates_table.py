"""The README's table of forced outcomes, made from the fates themselves: ``python -m tests.house.fates_table``."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.venues.hashkey.fates import FATES


def lines() -> Iterator[str]:
    """Rows of Markdown."""
    yield "| client order id | what becomes of the order |"
    yield "|---|---|"
    for name, meaning in FATES.items():
        shown = "sim-refuse-CODE-..." if name == "refuse" else f"sim-{name}-..."
        yield f"| `{shown}` | {meaning} |"


if __name__ == "__main__":
    print("\n".join(lines()))
