"""Whatever stands in a settings file, a variable or a flag: settings, or one line that says what is wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from simulator.assembly.parts import CannotServe, exchange_of
from simulator.config import SECTIONS, BadSetting, Settings, build, gather, known
from tests.fuzz.said import in_one_line

quietly = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
KNOWN = list(known())
WORDS = (
    "max",
    "recorded",
    "BTCUSDT",
    "a:USDT=1",
    "a/futures:USDT=1",
    "a=3",
    "3",
    "0.5",
    "-0.1",
    "1.",
    ".5",
    "1_0",
    "٣",
    "nan",
    "1e9",
)
wild = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
told = st.sampled_from(WORDS) | wild
scalars = told | st.integers() | st.floats() | st.booleans()
values = scalars | st.lists(scalars, max_size=3)


def read(file: Path | None, environment: dict[str, str], flags: dict[str, Any]) -> Settings | None:
    """The settings; None: one line said what is wrong."""
    try:
        return build(gather(file, environment, flags))
    except BadSetting as error:
        in_one_line(error)
        return None


@quietly
@given(content=st.binary(max_size=60))
@example(content=b"a = " + b"[" * 20_000)
@example(content=b"[market]\nseed = " + b"9" * 5_000)
def test_any_bytes_as_a_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "any.toml"
    for before in (b"", b"[market]\n", b"[server]\nhost = '"):
        path.write_bytes(before + content)
        read(path, {}, {})


@quietly
@given(data=st.data())
def test_any_value_of_any_setting_in_a_file(tmp_path: Path, data: st.DataObject) -> None:
    path = tmp_path / "any.toml"
    lines = []
    for section in data.draw(st.sets(st.sampled_from(sorted(SECTIONS)))):
        lines.append(f"[{section}]")
        names = [one.name for one in KNOWN if one.section == section]
        for name in data.draw(st.sets(st.sampled_from(names), max_size=3)):
            lines.append(f"{name} = {_toml(data.draw(values))}")
    path.write_text("\n".join(lines), "utf-8")
    read(path, {}, {})


def _toml(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_toml(one) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(one):08x}" for one in value) + '"'
    return str(value)


flags = st.dictionaries(st.sampled_from([one.name for one in KNOWN]), values, max_size=3)
variables = st.dictionaries(
    st.sampled_from([one.variable for one in KNOWN]) | wild.map("HASHKEY_SIM_".__add__), told, max_size=3
)


@quietly
@given(environment=variables, flags=flags)
def test_any_variables_and_flags(environment: dict[str, str], flags: dict[str, Any]) -> None:
    read(None, environment, flags)


OUTSIDE = {"PATH", "DIR", "URL"}
LIGHT = [one.name for one in KNOWN if one.metavar not in OUTSIDE and one.name not in ("live", "clock", "speed")]
"""Settings that make nothing in files and ask nobody."""


@settings(max_examples=100)
@given(st.dictionaries(st.sampled_from(LIGHT), told, max_size=2))
@example({"maker_fee": "1."})
@example({"taker_fee": ".5"})
@example({"vip": "a=1"})
@example({"account": "a:USDT=1;a:USDT=2"})
@example({"account": "x:A=1e9"})
def test_an_exchange_of_any_settings_is_made_or_refused_in_one_line(flags: dict[str, str]) -> None:
    made = read(None, {}, {"empty": True} | flags)
    if made is None:
        return
    try:
        exchange_of(made)
    except (BadSetting, CannotServe) as error:
        in_one_line(error)


@pytest.mark.parametrize("one", KNOWN, ids=lambda one: one.name)
def test_a_number_too_long_to_be_written_is_refused(one: Any) -> None:
    read(None, {}, {one.name: 10**5_000})
