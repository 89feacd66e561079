"""Any bytes as a scenario of faults: faults, or one line that says what is wrong, nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.assembly.faulting import scenario
from simulator.runtime.faults.fault import BadFault, Told
from simulator.runtime.faults.kinds import KINDS

calmly = settings(max_examples=200)
VALUES: st.SearchStrategy[Any] = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.just([]) | st.just({})
)
FAULTS = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(KINDS)) | VALUES},
    optional={name: VALUES for name in Told.__struct_fields__ if name != "kind"},
)


def attempt(data: bytes, *, toml: bool) -> None:
    said = "nothing"
    told: Sequence[Told] = ()
    try:
        told = scenario(data, toml=toml)
    except BadFault as error:
        said = str(error)
    assert said
    assert all(one.kind in KINDS for one in told)


@calmly
@given(data=st.binary(max_size=200), toml=st.booleans())
def test_any_bytes(data: bytes, *, toml: bool) -> None:
    attempt(data, toml=toml)


@calmly
@given(text=st.text(alphabet='[]{}=".,#\n faultskinderror0123', max_size=120))
def test_any_text_that_looks_like_toml(text: str) -> None:
    attempt(text.encode(), toml=True)


@calmly
@given(wrong=st.lists(FAULTS, max_size=3))
def test_any_values_in_any_fields(wrong: list[Any]) -> None:
    attempt(json.dumps({"faults": wrong}).encode(), toml=False)


def test_nesting_without_end() -> None:
    attempt(b'{"faults":' + b"[" * 100_000, toml=False)
    attempt(b"a = " + b"[" * 5000, toml=True)
