"""Settings: default, file, variable, flag; and one clear line for what cannot be used."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.config import BadSetting, build, gather, known


def file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sim.toml"
    path.write_text(text, "utf-8")
    return path


def test_without_anything_every_setting_has_its_default() -> None:
    values = gather(None, {}, {})
    assert all(values[one.name] == (one.default, "default") for one in known())
    settings = build(values)
    assert settings.server.host == "127.0.0.1"
    assert settings.market.speed == "1"


def test_a_flag_beats_a_variable_beats_a_file(tmp_path: Path) -> None:
    path = file(tmp_path, "[server]\nport = 1\nhost = 'a'\n[market]\nspeed = 2\n")
    values = gather(path, {"HASHKEY_SIM_PORT": "2", "HASHKEY_SIM_SPEED": "0.5"}, {"port": "3"})
    assert values["port"] == (3, "flag --port")
    assert values["speed"] == ("0.5", "variable HASHKEY_SIM_SPEED")
    assert values["host"] == ("a", f"file {path}")


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("empty", "yes", True),
        ("empty", "OFF", False),
        ("loop", False, False),
        ("port", "0", 0),
        ("port", 65535, 65535),
        ("symbols", "BTCUSDT, ETHUSDT,", ("BTCUSDT", "ETHUSDT")),
        ("symbols", ["A"], ("A",)),
        ("account", "a:X=1;b:Y=2", ("a:X=1", "b:Y=2")),
        ("speed", "max", "max"),
        ("speed", "0.1", "0.1"),
        ("run_seconds", "2.5", 2.5),
        ("maker_fee", "-0.0001", "-0.0001"),
        ("maker_fee", "", ""),
        ("vip", 3, ("3",)),
        ("vip", "3, alice=5", ("3", "alice=5")),
        ("vip", "3;bob=0", ("3", "bob=0")),
        ("vip", ["3", "alice=5,bob=9"], ("3", "alice=5", "bob=9")),
        ("clock", "recorded", "recorded"),
    ],
)
def test_a_value_is_read_from_text_or_as_it_is(name: str, value: object, read: object) -> None:
    assert gather(None, {}, {name: value})[name].value == read


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("empty", "perhaps"),
        ("port", "70000"),
        ("port", "-1"),
        ("port", True),
        ("port", "80 "),
        ("seed", "1.5"),
        ("symbols", 7),
        ("symbols", [1]),
        ("account", [1]),
        ("speed", "0"),
        ("speed", "fast"),
        ("speed", "-1"),
        ("speed", "nan"),
        ("speed", "1e3"),
        ("run_seconds", "0"),
        ("run_seconds", "inf"),
        ("maker_fee", "1%"),
        ("vip", "10"),
        ("vip", "-1"),
        ("vip", "alice"),
        ("vip", "alice="),
        ("vip", "=3"),
        ("vip", True),
        ("clock", "sundial"),
        ("host", 5),
    ],
)
def test_what_cannot_be_used_is_named_with_its_place(name: str, value: object) -> None:
    flag = next(one.flag for one in known() if one.name == name)
    with pytest.raises(BadSetting, match=f"flag {flag}: {name} needs"):
        gather(None, {}, {name: value})


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[servre]\nport = 1\n", r"there is no section \[servre\]; did you mean server\?"),
        ("port = 1\n", r"there is no section \[port\]"),
        ("[server]\nprot = 1\n", r"\[server\] has no setting prot; did you mean port\?"),
        ("[server\n", "is no TOML"),
    ],
)
def test_a_wrong_file_is_told_with_the_nearest_right_name(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(BadSetting, match=line):
        gather(file(tmp_path, text), {}, {})


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadSetting, match="cannot read"):
        gather(tmp_path / "nothing.toml", {}, {})


def test_a_wrong_variable_is_told_with_the_nearest_right_name() -> None:
    with pytest.raises(BadSetting, match="HASHKEY_SIM_PROT; did you mean HASHKEY_SIM_PORT"):
        gather(None, {"HASHKEY_SIM_PROT": "1"}, {})


def test_variables_of_others_are_theirs() -> None:
    assert gather(None, {"HOME": "x", "HASHKEY_SIM_TEST_PROFILE": "thorough"}, {})["port"].origin == "default"
