"""The README's table of the control API, made from its rows: ``python -m tests.house.control_table``."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.control.answering import TABLE
from simulator.control.table import Row


def lines() -> Iterator[str]:
    """Rows of Markdown."""
    yield "| call | asks | does |"
    yield "|---|---|---|"
    for row in TABLE:
        yield line(row)


def line(row: Row) -> str:
    """One row of Markdown; what may be left out stands in brackets."""
    fields = [one.encode_name if one.required else f"[{one.encode_name}]" for one in msgspec.structs.fields(row.ask)]
    return f"| `{row.method} {row.name}` | {', '.join(fields)} | {row.meaning} |"


if __name__ == "__main__":
    print("\n".join(lines()))
