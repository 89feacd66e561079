"""Any bytes as neutral market data: a recording, or BadRecording in one line that names the file and the line."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulator.replay.format import BadRecording
from simulator.replay.importer import import_files
from tests.fuzz.said import in_one_line

quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
HEADER = {
    "type": "header",
    "format": "neutral-market-data",
    "version": 1,
    "venue": "binance",
    "market": "spot",
    "symbol": "BTCUSDT",
    "qty_unit": "base",
}
LINES: list[dict[str, Any]] = [
    {"type": "snapshot", "t": 1_000, "te": 1_000, "u": 5, "bids": [["100", "1"]], "asks": [["101", "1"]]},
    {"type": "diff", "t": 1_100, "te": 1_100, "U": 6, "u": 7, "bids": [["100", "2"]], "asks": [["101", "0"]]},
    {"type": "trade", "t": 1_200, "te": 1_200, "id": 1, "price": "100.5", "qty": "0.5", "side": "buy"},
    {"type": "bbo", "t": 1_250},
]


def attempt(folder: Path, content: bytes, suffix: str = ".jsonl") -> bool:
    """Whether it could be imported; if not, one line says why."""
    path = folder / f"any{suffix}"
    path.write_bytes(content)
    try:
        import_files([path], folder / "out.hkrec", symbol_map={})
    except BadRecording as error:
        in_one_line(error, start=str(folder))
        return False
    return True


def lines(*objects: Any) -> bytes:
    return b"".join(json.dumps(one).encode() + b"\n" for one in objects)


def test_the_good_lines_are_imported(tmp_path: Path) -> None:
    assert attempt(tmp_path, lines(HEADER, *LINES))


@quietly
@given(content=st.binary(max_size=60))
@example(content=b'{"type":"trade","\xff":1}\n')
@example(content=b'{"type":"bbo","t":1,"x":' + b"[" * 5_000)
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    attempt(tmp_path, content)
    attempt(tmp_path, lines(HEADER, *LINES) + content)
    attempt(tmp_path, content, ".jsonl.gz")
    attempt(tmp_path, gzip.compress(lines(HEADER))[:-3] + content, ".jsonl.gz")


numbers = st.integers() | st.integers(0, 2_000)
texts = st.sampled_from(["100", "-1", "0", "1e400", "NaN", "0." + "0" * 30 + "1", "9" * 40]) | st.text(max_size=5)
pairs = st.lists(st.lists(texts, min_size=2, max_size=2) | texts, max_size=3)
values = numbers | texts | pairs | st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False)


@quietly
@given(data=st.data())
def test_any_change_of_good_lines(tmp_path: Path, data: st.DataObject) -> None:
    said = [dict(one) for one in (HEADER, *LINES)]
    for _ in range(data.draw(st.integers(1, 3))):
        one = data.draw(st.sampled_from(said))
        field = data.draw(st.sampled_from(sorted(one)))
        if data.draw(st.booleans()):
            one[field] = data.draw(values)
        else:
            del said[said.index(one)]
            said.insert(data.draw(st.integers(0, len(said))), one)
    attempt(tmp_path, lines(*said))
