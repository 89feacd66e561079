"""Settings that become an exchange: whose fees are whose."""

from __future__ import annotations

import pytest

from simulator.assembly.parts import Parts, exchange_of
from simulator.config import BadSetting, build, gather


def made(**flags: object) -> Parts:
    """An exchange without an outside market."""
    accounts = ["alice:USDT=1", "bob:USDT=1"]
    return exchange_of(build(gather(None, {}, {"empty": True, "account": accounts} | flags)))


def rates(parts: Parts, account: str) -> tuple[int, int]:
    """In 10^-8."""
    customer = parts.desk.state.customers[account]
    return customer.maker_rate, customer.taker_rate


def test_everybody_pays_the_rates_of_level_0_unless_told_otherwise() -> None:
    parts = made()
    for user in ("alice", "bob"):
        assert rates(parts, user) == (120_000, 120_000)
        assert rates(parts, f"{user}/futures") == (25_000, 60_000)
        assert parts.desk.fees.level(user) == 0


def test_a_level_is_everybodys_or_one_users() -> None:
    parts = made(vip=["3", "bob=9"])
    assert rates(parts, "alice/futures") == (14_000, 45_000)
    assert rates(parts, "bob/futures") == (0, 20_000)
    assert (parts.desk.fees.level("alice"), parts.desk.fees.level("bob/futures")) == (3, 9)


def test_a_rate_that_is_given_holds_whatever_the_level() -> None:
    parts = made(vip="bob=9", maker_fee="-0.0001", futures_taker_fee="0")
    assert rates(parts, "alice") == rates(parts, "bob") == (-10_000, 120_000)
    assert rates(parts, "alice/futures") == (25_000, 0)
    assert rates(parts, "bob/futures") == (0, 0)


def test_the_level_of_somebody_who_is_not_there_is_a_mistake() -> None:
    with pytest.raises(BadSetting, match="vip: there is no account bbo; there are alice, bob"):
        made(vip="bbo=9")
