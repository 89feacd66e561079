"""Account numbers: real shapes 1.3."""

import pytest

from simulator.core.commands import OpenAccount
from simulator.core.exchange import Exchange
from simulator.venues.hashkey.accounts import CUSTODY, FIAT, FUTURES, LABELS, SPOT, AccountIds, futures_of, user_of


@pytest.fixture
def exchange() -> Exchange:
    exchange = Exchange()
    for user in ("alice", "bob"):
        for name in (user, futures_of(user)):
            exchange.handle(0, OpenAccount(name, 0, 0))
    return exchange


def test_a_futures_account_belongs_to_its_user() -> None:
    assert (futures_of("bob"), user_of("bob/futures"), user_of("bob")) == ("bob/futures", "bob", "bob")


def test_ids_stay_when_others_join(exchange: Exchange) -> None:
    ids = AccountIds(exchange.state)
    before = [ids.account_id(name) for name in exchange.state.customers]
    exchange.handle(0, OpenAccount("carol", 0, 0))
    carol = ids.account_id("carol")
    assert [ids.account_id(name) for name in ("alice", "alice/futures", "bob", "bob/futures")] == before
    assert carol not in before
    assert AccountIds(exchange.state).account_id("carol") == carol


def test_accounts_of_one_user_are_consecutive_and_the_futures_account_is_later(exchange: Exchange) -> None:
    ids = AccountIds(exchange.state)
    spot, custody, fiat = (int(ids.typed_id("alice", kind)) for kind in (SPOT, CUSTODY, FIAT))
    assert (custody - spot, fiat - spot) == (3, 4)
    assert int(ids.typed_id("alice", FUTURES)) >> 23 > spot >> 23


def test_an_id_names_only_the_own_tradable_accounts(exchange: Exchange) -> None:
    ids = AccountIds(exchange.state)
    assert ids.name("alice", ids.account_id("alice")) == "alice"
    assert ids.name("alice", ids.account_id("alice/futures")) == "alice/futures"
    assert ids.name("alice", ids.typed_id("alice", CUSTODY)) is None
    assert ids.name("alice", ids.account_id("bob")) is None
    assert ids.name("alice", "x") is None


def test_no_two_of_a_thousand_users_share_an_id() -> None:
    exchange = Exchange()
    users = [f"user{number}" for number in range(1000)]
    for user in users:
        exchange.handle(0, OpenAccount(user, 0, 0))
    ids = AccountIds(exchange.state)
    made = [ids.typed_id(user, kind) for user in users for kind in LABELS] + [ids.user_id(user) for user in users]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {19}
