"""Tickets to the private socket: HashKey REST 7."""

from string import ascii_letters

from simulator.venues.hashkey.listen_keys import GRACE, LIFETIME, ListenKeys

NOW = 10**18


def test_a_key_is_64_letters() -> None:
    key = ListenKeys().create("alice", NOW)
    assert len(key) == 64
    assert set(key) <= set(ascii_letters)


def test_all_keys_of_an_account_are_valid_at_once() -> None:
    keys = ListenKeys()
    made = [keys.create("alice", NOW) for _ in range(3)]
    assert len(set(made)) == 3
    assert [keys.account_of(key, NOW) for key in made] == ["alice"] * 3


def test_the_same_requests_give_the_same_keys_and_another_seed_others() -> None:
    assert ListenKeys(7).create("alice", NOW) == ListenKeys(7).create("alice", NOW)
    assert ListenKeys(7).create("alice", NOW) != ListenKeys(8).create("alice", NOW)


def test_after_a_restart_no_account_is_given_another_ones_key() -> None:
    before = ListenKeys().create("alice", NOW)
    assert ListenKeys().create("bob", NOW) != before
    assert ListenKeys().create("alice", NOW + 1) != before


def test_a_key_lives_an_hour_and_a_little_longer() -> None:
    keys = ListenKeys()
    key = keys.create("alice", NOW)
    assert keys.account_of(key, NOW + LIFETIME + GRACE - 1) == "alice"
    assert keys.account_of(key, NOW + LIFETIME + GRACE) is None


def test_a_renewal_at_the_full_hour_gives_another_hour() -> None:
    keys = ListenKeys()
    key = keys.create("alice", NOW)
    assert keys.renew(key, NOW + LIFETIME)
    assert keys.account_of(key, NOW + 2 * LIFETIME) == "alice"
    assert keys.account_of(key, NOW + 2 * LIFETIME + GRACE) is None


def test_a_key_that_ran_out_cannot_be_renewed_or_deleted() -> None:
    keys = ListenKeys()
    key = keys.create("alice", NOW)
    late = NOW + LIFETIME + GRACE
    assert not keys.renew(key, late)
    assert not keys.delete(key, late)


def test_a_deleted_key_is_gone_and_the_others_stay() -> None:
    keys = ListenKeys()
    first, second = keys.create("alice", NOW), keys.create("alice", NOW)
    assert keys.delete(first, NOW)
    assert not keys.delete(first, NOW)
    assert keys.account_of(first, NOW) is None
    assert keys.account_of(second, NOW) == "alice"


def test_unknown_keys_are_nobodys() -> None:
    keys = ListenKeys()
    assert keys.account_of("x", NOW) is None
    assert not keys.renew("x", NOW)
    assert not keys.delete("x", NOW)


def test_keys_that_ran_out_are_forgotten_when_the_next_one_is_made() -> None:
    keys = ListenKeys()
    renewed, lost = keys.create("alice", NOW), keys.create("bob", NOW)
    keys.renew(renewed, NOW + LIFETIME)
    keys.create("carol", NOW + LIFETIME + GRACE)
    assert len(keys) == 2
    assert keys.account_of(renewed, NOW + LIFETIME + GRACE) == "alice"
    assert keys.account_of(lost, NOW) is None
