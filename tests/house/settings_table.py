"""The README's table of settings, made from the settings themselves: ``python -m tests.house.settings_table``."""

from __future__ import annotations

from simulator.config import known


def table() -> str:
    """Rows of Markdown."""
    rows = ["| setting | flag | default | meaning |", "|---|---|---|---|"]
    for one in known():
        shown = str(one.default) if one.default else ""
        if isinstance(one.default, bool):
            shown = "yes" if one.default else "no"
        rows.append(f"| `{one.name}` | `{one.flag}` | {shown} | {one.meaning.replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


if __name__ == "__main__":
    print(table())
