"""The targets of the fuzzer, each on a few bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import atheris_run
from tests.fuzz.targets import TARGETS

PIECES = (b"&", b"=", b"\0", b"{", b"[", b'"', b"symbol", b"BTCUSDT", b"\xff", b"\n")
some = st.binary(max_size=40) | st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join)


def test_the_command_knows_all_targets() -> None:
    assert tuple(TARGETS) == atheris_run.TARGETS


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_any_bytes(name: str) -> None:
    @settings(max_examples=30)
    @given(some)
    def takes(data: bytes) -> None:
        TARGETS[name](data)

    takes()
