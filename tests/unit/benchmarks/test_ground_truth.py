"""Real orders hidden in a market-by-order recording: small ones in which every lot can be followed by hand."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.__main__ import main
from benchmarks.hiding import Guess, Hidden, Told, hide_all
from benchmarks.l3 import BadFile, Cancel, Recording, read
from benchmarks.truth_tables import tables
from simulator.core.mirror.queue_position import queue_model
from simulator.core.units import NANOS_PER_MILLI

MS = NANOS_PER_MILLI
HEADER = {
    "type": "header",
    "format": "neutral-market-data",
    "version": 1,
    "venue": "made",
    "market": "spot",
    "symbol": "XY",
    "qty_unit": "base",
}
Lines = Iterable[dict[str, Any]]


def start(bids: Sequence[tuple[str, str, str]], asks: Sequence[tuple[str, str, str]] = ()) -> dict[str, Any]:
    return {"type": "l3snapshot", "t": 0, "te": 0, "seq": 0, "bids": list(bids), "asks": list(asks)}


def opened(id: str, qty: str, price: str = "100", side: str = "buy") -> dict[str, Any]:
    return {"type": "order_open", "id": id, "side": side, "price": price, "qty": qty}


def done(id: str) -> dict[str, Any]:
    return {"type": "order_done", "id": id}


def traded(maker: str, qty: str, price: str = "100", side: str = "sell") -> dict[str, Any]:
    return {"type": "l3trade", "maker_id": maker, "taker_id": "t", "price": price, "qty": qty, "side": side}


def write(path: Path, snapshot: dict[str, Any], *updates: Lines) -> Path:
    """One update each ten milliseconds."""
    lines = [HEADER, snapshot]
    for seq, update in enumerate(updates, 1):
        lines += [{"t": 10 * seq, "te": 10 * seq, "symbol": "XY", "seq": seq, **line} for line in update]
    text = "".join(json.dumps(line) + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(text) if path.suffix == ".gz" else text)
    return path


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """x joins behind ten, four of them are cancelled, x trades two and then three. y stands behind x and leaves."""
    return write(
        tmp_path / "story.jsonl.gz",
        start([("a", "100", "4"), ("b", "100", "6"), ("z", "99", "7")], [("c", "102", "1.0")]),
        [opened("x", "5")],
        [opened("y", "3")],
        [done("a")],
        [traded("b", "6"), traded("x", "2")],
        [traded("x", "3")],
        [done("y")],
        [traded("z", "4", price="99")],
    )


def lots(path: Path) -> Recording:
    """The file, whose finest quantity is a tenth."""
    recording = read(path)
    assert (recording.tick, recording.lot) == ("1", "0.1")
    return recording


def hide(recording: Recording, *names: str, every: int = 0) -> dict[str, Hidden]:
    models = [queue_model(name) for name in names]
    return {one.life.id: one for one in hide_all(Told.every(recording, every), models, 200, print)}


def guess(path: Path, name: str, id: str = "x") -> Guess:
    return hide(lots(path), name)[id].guesses[name]


def test_the_true_queue_is_read_from_the_orders(story: Path) -> None:
    x, y = lots(story).lives
    assert x.ahead == [(0, 100), (2, 60), (3, 0)]
    assert x.fills == [(3, 20), (4, 30)]
    assert (x.ended, x.canceled) == (4, False)
    assert x.cancels == [Cancel(2, 40, True, 100, 30)]
    assert y.ahead == [(1, 150), (2, 110), (3, 50), (3, 30), (4, 0)]
    assert (y.ended, y.canceled, y.fills) == (5, True, [])


def test_the_true_position_of_who_cancels_is_told_to_both_of_its_neighbours(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        start([("a", "100", "1")]),
        [opened("x", "2")],
        [opened("y", "4")],
        [opened("z", "8")],
        [done("y")],
    )
    x, y, z = read(path).lives
    assert x.cancels == [Cancel(3, 4, False, 1, 12)]
    assert z.cancels == [Cancel(3, 4, True, 7, 0)]
    assert y.cancels == []


def test_the_pessimist_takes_the_cancel_to_be_behind_and_fills_late(story: Path) -> None:
    """Told 130, then 90 are left of the others: 90 ahead. Eight trade: 10 are left, then three: two fill."""
    found = guess(story, "pessimistic")
    assert found.joined == 100
    assert found.fills == [(50 * MS, 20), (70 * MS, 30)], "the rest when the market trades through its price"


def test_proportional_is_in_between(story: Path) -> None:
    """100 x 90 / 130 are 69.2, so 70 ahead: eighty trade, and ten reach it."""
    assert guess(story, "proportional").fills == [(40 * MS, 10), (50 * MS, 30), (70 * MS, 10)]


def test_front_fills_from_what_was_others(story: Path) -> None:
    assert guess(story, "front").fills == [(40 * MS, 50)]


def test_errors_are_predicted_less_true_and_averaged_over_the_life(story: Path) -> None:
    found = guess(story, "pessimistic")
    assert found.end_error == 0
    # 0 for 20 ms, 90 - 60 for 10 ms, 10 - 0 for 10 ms
    assert (found.mean_abs_error, found.mean_error) == (10.0, 10.0)
    assert guess(story, "front").mean_error == pytest.approx(-(100 * 20 + 60 * 10) / 40)


def test_an_order_that_was_taken_back_is_looked_at_just_before(story: Path) -> None:
    y = hide(lots(story), "pessimistic", "front")["y"]
    # Without y there are 150, and 110 after the cancel, all of them ahead. All of them trade.
    assert (y.guesses["pessimistic"].end_error, y.guesses["pessimistic"].fills) == (0, [])
    assert y.guesses["front"].fills == [(40 * MS, 30)]


def test_what_came_with_the_end_of_an_order_is_not_held_against_a_model(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", start([("a", "100", "2")]), [opened("x", "1")], [done("x"), done("a")])
    assert hide(read(path), "pessimistic")["x"].guesses["pessimistic"].end_error == 0


def test_updates_of_one_millisecond_stay_one_after_the_other(tmp_path: Path) -> None:
    updates = [opened("x", "1")], [{**done("a"), "te": 10}], [{**done("x"), "te": 30}]
    recording = read(write(tmp_path / "a.jsonl", start([("a", "100", "2")]), *updates))
    assert [one.ts for one in recording.updates] == [10 * MS, 10 * MS + 1, 30 * MS]


def test_a_book_told_seldom_is_joined_as_it_was_told(story: Path) -> None:
    recording = lots(story)
    assert [book is not None for book in Told.every(recording, 30).books] == [
        False,
        True,
        False,
        False,
        True,
        False,
        True,
    ]
    y = hide(recording, "pessimistic", every=30)["y"].guesses["pessimistic"]
    assert y.joined == 150, "the book that came with y, without y"
    late = hide(recording, "pessimistic", every=100)["y"].guesses["pessimistic"]
    assert late.joined == 100, "x had come, but no book had told it"


def test_an_order_that_would_trade_with_an_old_book_is_left_out(tmp_path: Path) -> None:
    updates = [done("c")], [opened("x", "1", price="101")]
    path = write(tmp_path / "a.jsonl", start([("a", "100", "2")], [("c", "101", "1"), ("d", "102", "1")]), *updates)
    assert list(hide(read(path), "pessimistic")) == ["x"]
    far = write(tmp_path / "b.jsonl", start([("a", "100", "2")], [("c", "101", "1")]), *updates, [opened("y", "1")])
    assert "x" not in hide(read(far), "pessimistic", every=1000)


def test_orders_outside_the_best_levels_are_left_out(tmp_path: Path) -> None:
    updates = [opened("x", "1", price="97")], [opened("y", "1", price="99")]
    path = write(tmp_path / "a.jsonl", start([("a", "100", "1"), ("b", "98", "1")]), *updates)
    models = [queue_model("pessimistic")]
    assert [one.life.id for one in hide_all(Told.every(read(path), 0), models, 2, print)] == ["y"]
    assert [one.life.id for one in hide_all(Told.every(read(path), 0), models, 3, print)] == ["x", "y"]


# -- where nobody cancels there is nothing to guess: what the simulator says is the truth, fill by fill

actions = st.lists(
    st.tuples(st.sampled_from(["buy", "sell"]), st.booleans(), st.integers(0, 2), st.integers(1, 9)), max_size=30
)


def played(actions: Iterable[tuple[str, bool, int, int]]) -> list[Lines]:
    """Orders that come, and takers who take the best and oldest first."""
    resting: dict[str, list[tuple[int, int, str, int]]] = {"buy": [], "sell": []}
    updates: list[Lines] = []
    for number, (side, comes, distance, qty) in enumerate(actions):
        if comes:
            price = 100 - distance if side == "buy" else 102 + distance
            resting[side].append((distance, number, str(price), qty))
            updates.append([opened(f"o{number}", str(qty), str(price), side)])
        elif resting[side]:
            updates.append(_taken(resting[side], qty, "sell" if side == "buy" else "buy"))
    return updates


def _taken(makers: list[tuple[int, int, str, int]], qty: int, taker: str) -> Lines:
    lines = []
    makers.sort()
    while qty and makers:
        level, name, price, size = makers.pop(0)
        part = min(qty, size)
        qty -= part
        if size > part:
            makers.insert(0, (level, name, price, size - part))
        lines.append(traded(f"o{name}", str(part), price, taker))
    return lines


@given(actions=actions, name=st.sampled_from(["pessimistic", "proportional", "power:3", "log"]))
@settings(max_examples=60)
def test_without_cancels_every_model_is_exact(tmp_path_factory: Any, actions: Any, name: str) -> None:
    path = tmp_path_factory.mktemp("made") / "a.jsonl"
    recording = read(write(path, start([("far", "1", "1")], [("off", "999", "1")]), *played(actions)))
    for one in hide(recording, name).values():
        found = one.guesses[name]
        assert (found.joined, found.end_error, found.mean_abs_error) == (one.life.ahead[0][1], 0, 0)
        assert found.fills == [(recording.updates[at].ts, qty) for at, qty in one.life.fills]


# -- the tables and the command


def rows(recording: Recording, hidden: dict[str, Hidden], title: str, *models: str) -> dict[str, dict[str, str]]:
    (table,) = [one for one in tables(recording, list(hidden.values()), models) if one.title.startswith(title)]
    return {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}


def test_fills_are_counted_against_the_truth_and_the_naive_rules(story: Path) -> None:
    recording = lots(story)
    names = "pessimistic", "proportional", "front"
    found = rows(recording, hide(recording, *names), "Fills of all", *names)
    assert {name: (row["missed"], row["lots missed"], row["late"]) for name, row in found.items()} == {
        "pessimistic": ("1 of 1", "30", "1"),
        "proportional": ("1 of 1", "10", "1"),
        "front": ("0 of 1", "0", "0"),
        "fill on touch": ("0 of 1", "0", "0"),
        "only traded through": ("1 of 1", "50", "0"),
    }
    assert {name: (row["false"], row["lots false"]) for name, row in found.items()} == {
        "pessimistic": ("0 of 2", "0"),
        "proportional": ("0 of 2", "0"),
        "front": ("1 of 2", "30"),
        "fill on touch": ("1 of 2", "30"),
        "only traded through": ("0 of 2", "0"),
    }
    assert found["pessimistic"]["first fill off by"] == "median 10 ms, mean 10 ms, n 1"


def test_positions_are_compared_in_shares_of_the_queue_at_entry(story: Path) -> None:
    recording = lots(story)
    found = rows(recording, hide(recording, "pessimistic"), "Position of the orders", "pessimistic")["pessimistic"]
    assert found["end exact"] == "100.0 %"
    assert found["life |error|"] == "5.0 %", "x was a tenth off on average, y not at all"
    assert found["life error, lots"] == "+5"


def test_the_samples_are_told(story: Path) -> None:
    recording = lots(story)
    found = {
        name.strip(): row["number"] for name, row in rows(recording, hide(recording, "front"), "What", "front").items()
    }
    assert found["orders that came to rest"] == found["of them hidden"] == "2"
    assert found["trades with resting orders"] == "4"
    assert found["... taken back by their owner"] == found["... filled, in part or whole"] == "1"


def test_the_command_prints_tables_and_writes_them(
    story: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = tmp_path / "found.json"
    assert main(["ground-truth", str(story), "--models", "pessimistic,power:2", "--json", str(made)]) == 0
    told = capsys.readouterr().out
    assert "only traded through" in told and "power:2" in told
    tables_made = json.loads(made.read_text())["tables"]
    assert [row["rule"] for row in tables_made[-1]["rows"]][:2] == ["pessimistic", "power:2"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([start([("a", "100", "1")]), {**done("b"), "te": 1, "seq": 1}], "no order 'b'"),
        ([start([("a", "100", "1")]), {**traded("a", "2"), "te": 1, "seq": 1}], "traded 2 lots and had 1"),
        ([{**done("b"), "te": 1, "seq": 1}], "no l3snapshot"),
        ([{"type": "diff", "te": 1}], "diff"),
        ([], "nothing after the header"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(
    lines: list[dict[str, Any]], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in [HEADER, *lines]))
    assert main(["ground-truth", str(path)]) == 2
    assert words in capsys.readouterr().err


def test_a_file_that_is_not_there_and_a_model_that_is_not_known_are_misuse(
    story: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ground-truth", "nowhere.jsonl"]) == 2
    assert main(["ground-truth", str(story), "--models", "best"]) == 2
    assert "'best'" in capsys.readouterr().err
    with pytest.raises(BadFile):
        read(Path("nowhere.jsonl"))
