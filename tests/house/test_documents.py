"""What is promised in writing: settings, commands, the bundled recordings, the package's own figures."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from simulator import __version__
from simulator.config import known
from tests.house import control_table, fates_table, faults_table, models_table

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
SETTINGS = list(known())


@pytest.mark.parametrize("one", SETTINGS, ids=lambda one: one.name)
def test_every_setting_is_in_the_readme_with_its_flag_and_meaning(one: object) -> None:
    name, flag, meaning = one.name, one.flag, one.meaning  # type: ignore[attr-defined]
    assert f"| `{name}` | `{flag}` |" in README, f"run: python -m tests.house.settings_table ({name})"
    assert meaning.replace("|", "\\|") in README


def test_every_control_call_is_in_the_readme() -> None:
    assert "\n".join(control_table.lines()) in README, "run: python -m tests.house.control_table"


def test_the_readme_has_every_fill_model_with_its_assumption() -> None:
    for lines in (models_table.queue_lines(), models_table.residual_lines()):
        assert "\n".join(lines) in README, "run: python -m tests.house.models_table"


def test_every_fault_is_in_the_readme() -> None:
    assert "\n".join(faults_table.lines()) in README, "run: python -m tests.house.faults_table"


def test_every_forced_outcome_is_in_the_readme() -> None:
    assert "\n".join(fates_table.lines()) in README, "run: python -m tests.house.fates_table"


def test_names_of_settings_are_unique() -> None:
    assert len({one.name for one in SETTINGS}) == len({one.flag for one in SETTINGS}) == len(SETTINGS)


def test_the_ci_runs_the_readmes_own_test_command() -> None:
    assert "grep -m1 -- '-m pytest' README.md" in (ROOT / ".ci/run").read_text("utf-8")
    assert len(re.findall(r"^python3\.11 .*-m pytest", README, re.MULTILINE)) == 1


def test_the_version_is_told_once() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["version"] == __version__


def test_the_bundled_recordings_are_small_and_say_where_they_come_from() -> None:
    folder = ROOT / "replay_data"
    recordings = list(folder.glob("*.hkrec"))
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10_000_000
    words = (folder / "README.md").read_text("utf-8")
    for path in recordings:
        assert path.name in words
    assert "MIT" in words


def test_help_costs_no_server() -> None:
    """speed.md S1: nothing heavy is imported for --help."""
    code = (
        "import sys\n"
        "from simulator.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'aiohttp', 'numpy', 'asyncio', 'websockets', 'zstandard', 'msgspec'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
