"""The journal in its folder: nothing lost, nothing read that is not whole, nobody else let in."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from simulator.cli import main
from simulator.core.commands import Command, Deposit
from simulator.core.digest import digest
from simulator.core.events import Event
from simulator.core.exchange import Exchange
from simulator.core.units import ONE
from simulator.storage import keys
from simulator.storage.codec import pack, unpack
from simulator.storage.folder import JOURNAL, KEYS, BadState
from simulator.storage.holding import holding
from simulator.storage.journal import Journal
from simulator.storage.verifying import Differs, replay, verify
from simulator.venues.hashkey.signing import ApiKey
from tests.property.test_long_run import Chance, beginning

ROOT = Path(__file__).parents[3]


class Writing:
    """An exchange that trades at random, and its journal."""

    def __init__(self, folder: Path) -> None:
        self.journal = Journal(folder)
        self.chance = Chance(5)
        self.exchange = Exchange()
        for command in beginning():
            self.do(command)

    def do(self, command: Command) -> None:
        self.journal.append(self.chance.now, command)
        events = self.exchange.handle(self.chance.now, command)
        self.journal.on_events(self.chance.now, events)
        self.chance.hear(events)

    def trade(self, operations: int, settle_every: int = 7) -> None:
        for number in range(operations):
            self.do(self.chance.command())
            if number % settle_every == settle_every - 1:
                self.journal.settle()


@contextmanager
def written(folder: Path, operations: int = 300) -> Iterator[Writing]:
    writing = Writing(folder)
    writing.trade(operations)
    try:
        yield writing
        writing.journal.end(writing.exchange.state)
    finally:
        writing.journal.close()


def test_a_journal_does_again_what_was_done(tmp_path: Path) -> None:
    with written(tmp_path / "state") as writing:
        said = digest(writing.exchange.state)
    verdict = verify(tmp_path / "state")
    assert (verdict.ok, verdict.digest, verdict.first_difference) == (True, said, None)
    assert verdict.entries == writing.journal.count
    assert verdict.checkpoints == 1


def test_a_next_run_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    with written(tmp_path) as writing:
        count = writing.journal.count
    journal = Journal(tmp_path)
    with closing(journal):
        exchange = Exchange()
        assert replay(journal.entries(), journal.checkpoints(), exchange, lambda *_: None) == journal.count == count
        assert digest(exchange.state) == digest(writing.exchange.state)
        command = Deposit("a", "USDT", ONE)
        journal.append(exchange.state.now, command)
        journal.on_events(exchange.state.now, exchange.handle(exchange.state.now, command))
        journal.end(exchange.state)
    assert verify(tmp_path).digest == digest(exchange.state)


def test_only_its_owner_may_read_a_state_folder(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with written(folder):
        keys.save(folder, [ApiKey("key", "secret", "alice")])
        keys.save(folder, [ApiKey("key", "secret", "alice")])
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {one.name: stat.S_IMODE(one.stat().st_mode) for one in folder.iterdir()}
    assert {JOURNAL, KEYS, "lock"} <= set(modes)
    assert set(modes.values()) == {0o600}, modes


def test_keys_come_back_with_all_that_they_may_do(tmp_path: Path) -> None:
    made = [
        ApiKey("a", "s", "alice"),
        ApiKey("b", "t", "bob", may_trade=False, ips=frozenset({"10.0.0.2", "10.0.0.1"}), expires=7, note="bot"),
    ]
    assert keys.load(tmp_path) == []
    keys.save(tmp_path, made)

    def facts(one: ApiKey) -> tuple[object, ...]:
        return one.key, one.secret, one.account, one.may_trade, one.ips, one.expires, one.note

    assert list(map(facts, keys.load(tmp_path))) == list(map(facts, made))


def test_a_file_of_keys_that_cannot_be_read_is_refused_without_its_secrets(tmp_path: Path) -> None:
    (tmp_path / KEYS).write_text('[{"key": "k", "hush": "s3cret"}]')
    with pytest.raises(BadState, match="does not hold API keys") as refused:
        keys.load(tmp_path)
    assert "s3cret" not in str(refused.value) and refused.value.__cause__ is None


def test_a_second_process_is_refused_and_a_reader_is_not(tmp_path: Path) -> None:
    with written(tmp_path):
        program = "from pathlib import Path; from simulator.storage.journal import Journal; Journal(Path('.'))"
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1 and "BadState: another process serves the state folder" in done.stderr
        assert verify(tmp_path).ok
        assert holding(tmp_path).entries > 300


def test_the_folder_of_a_killed_process_is_free_and_all_that_was_settled_is_there(tmp_path: Path) -> None:
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.unit.storage.test_journal import Writing\n"
        "writing = Writing(Path(sys.argv[1]))\n"
        "writing.trade(500)\n"
        "writing.journal.settle()\n"
        "print(writing.journal.count, flush=True)\n"
        "writing.trade(3, settle_every=1000)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        settled = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
    with closing(Journal(tmp_path)) as journal:
        assert journal.count == settled
        assert replay(journal.entries(), {}, Exchange(), lambda *_: None) == journal.count


Change = Callable[[sqlite3.Connection], object]


def change_a_byte(db: sqlite3.Connection) -> None:
    data = bytearray(db.execute("SELECT data FROM packs ORDER BY first LIMIT 1 OFFSET 20").fetchone()[0])
    data[len(data) // 2] ^= 1
    db.execute("UPDATE packs SET data = ? WHERE first = (SELECT first FROM packs LIMIT 1 OFFSET 20)", (bytes(data),))


def say_something_else(db: sqlite3.Connection) -> None:
    """Whole and readable, but not what was written."""
    first, data = db.execute("SELECT first, data FROM packs ORDER BY first LIMIT 1 OFFSET 20").fetchone()
    entries = unpack(data)
    entries[0].now -= 1
    db.execute("UPDATE packs SET data = ? WHERE first = ?", (pack(entries), first))


DAMAGE: dict[str, Change] = {
    "it says something else": say_something_else,
    "a byte changed": change_a_byte,
    "a pack is missing": lambda db: db.execute(
        "DELETE FROM packs WHERE first = (SELECT first FROM packs LIMIT 1 OFFSET 20)"
    ),
    "a number is wrong": lambda db: db.execute("UPDATE packs SET entries = 99 WHERE first > 100"),
    "a pack is no bytes": lambda db: db.execute("UPDATE packs SET data = 7 WHERE first > 100"),
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_damage_is_named_with_the_last_whole_entry(tmp_path: Path, change: Change) -> None:
    with written(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / JOURNAL, isolation_level=None)) as db:
        change(db)
    verdict = verify(tmp_path)
    assert not verdict.ok and "damaged: entries 1 to" in verdict.problem
    assert verdict.first_difference == verdict.entries + 1 > 100
    with closing(Journal(tmp_path)) as journal, pytest.raises(BadState, match="damaged"):
        replay(journal.entries(), {}, Exchange(), lambda *_: None)


def test_entries_missing_at_the_end_are_noticed_by_the_digest_that_was_taken_after_them(tmp_path: Path) -> None:
    with written(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / JOURNAL, isolation_level=None)) as db:
        db.execute("DELETE FROM packs WHERE first > 200")
    verdict = verify(tmp_path)
    assert not verdict.ok and verdict.problem.endswith("some are gone")


@pytest.mark.parametrize("percent", [0, 10, 50, 90])
@pytest.mark.parametrize("command", ["verify", "inspect"])
def test_a_file_cut_short_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, percent: int
) -> None:
    with written(tmp_path):
        pass
    path = tmp_path / JOURNAL
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) * percent // 100])
    assert main([command, str(tmp_path)]) == 1
    said = "".join(capsys.readouterr())
    assert "the journal in" in said and said.count("\n") == 1, said


def test_another_version_is_refused(tmp_path: Path) -> None:
    with written(tmp_path):
        pass
    with closing(sqlite3.connect(tmp_path / JOURNAL)) as db:
        db.execute("PRAGMA user_version = 99")
    for use in (verify, holding, Journal):
        with pytest.raises(BadState, match="version 99; this program reads version 1"):
            use(tmp_path)


def test_what_a_replay_does_otherwise_is_found_at_its_entry(tmp_path: Path) -> None:
    """An exchange with another rule: from some entry on it pays other fees."""
    with written(tmp_path):
        pass

    class Dearer(Exchange):
        def handle(self, now: int, command: Command) -> list[Event]:
            if isinstance(command, Deposit):
                command = Deposit(command.account, command.asset, command.amount + 1)
            return super().handle(now, command)

    with closing(Journal(tmp_path)) as journal:
        first = next(number for number, entry in journal.entries() if isinstance(entry.command, Deposit))
        with pytest.raises(Differs, match=rf"entry {first} \(Deposit at \d+\): a replay does not do") as differs:
            replay(journal.entries(), {}, Dearer(), lambda *_: None)
        assert differs.value.entry == first
        with pytest.raises(Differs, match=r"entry 9 .* after it the digest was wrong, and is"):
            replay(journal.entries(), {9: "wrong"}, Exchange(), lambda *_: None)


def test_an_entry_over_which_the_exchange_broke_is_named(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)) as journal:
        journal.append(1, Deposit("nobody", "X", 1))
        journal.settle()
    verdict = verify(tmp_path)
    assert verdict.first_difference == 1 and "the exchange broke while this was handled" in verdict.problem


def test_what_cannot_be_written_stays_noted_and_is_said(tmp_path: Path) -> None:
    writing = Writing(tmp_path)
    journal = writing.journal
    with closing(journal):
        journal.settle()
        journal._db.execute("PRAGMA query_only = on")
        writing.trade(1, settle_every=1000)
        with pytest.raises(BadState, match="cannot be used"):
            journal.settle()
        journal._db.execute("PRAGMA query_only = off")
        journal.end(writing.exchange.state)
    assert verify(tmp_path).entries == journal.count


def test_a_digest_is_taken_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.storage.journal.CHECKPOINT_EVERY", 100)
    with written(tmp_path, operations=0) as writing:
        for _ in range(500):
            writing.trade(1, settle_every=1000)
            writing.journal.beat(writing.exchange.state)
    assert verify(tmp_path).checkpoints == 6


def test_no_state_folder_is_told_so(tmp_path: Path) -> None:
    for use in (verify, holding):
        with pytest.raises(BadState, match=r"is no state folder: there is no journal\.db in it"):
            use(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadState, match="cannot be used"):
        Journal(tmp_path / "file")
    shutil.rmtree(tmp_path)
