"""The README's tables of fill models, made from the models themselves: ``python -m tests.house.models_table``."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.core.mirror.queue_position import MODELS as QUEUES
from simulator.core.mirror.queue_position import POWERS
from simulator.core.mirror.residual import MODELS as RESIDUALS

LAST = POWERS[-1]


def queue_lines() -> Iterator[str]:
    """Rows of Markdown; of models that differ by a number one row."""
    yield "| `--queue` | assumes that | source |"
    yield "|---|---|---|"
    for name, model in QUEUES.items():
        if not name.rpartition(":")[0] or name.endswith(f":{LAST}"):
            assumption = model.assumption.replace(f"^{LAST}", "^N")
            yield f"| `{name.replace(f':{LAST}', ':N')}` | {assumption} | {model.source} |"


def residual_lines() -> Iterator[str]:
    """Rows of Markdown."""
    yield "| `--residual` | assumes that | source, or why |"
    yield "|---|---|---|"
    for name, model in RESIDUALS.items():
        yield f"| `{name}` | {model.assumption} | {model.source} |"


if __name__ == "__main__":
    print("\n".join([*queue_lines(), "", *residual_lines()]))
