"""Token buckets, and the ban of callers who do not listen."""

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.units import NANOS_PER_SECOND
from simulator.runtime.rate_limits import BAN, PATIENCE, Bucket, RateLimits

NOW = 10**18


def test_a_bucket_gives_what_it_has_and_then_nothing() -> None:
    bucket = Bucket(3, NOW)
    assert [bucket.take(1, NOW) for _ in range(4)] == [True, True, True, False]


def test_a_bucket_fills_with_time_and_never_above_one_second() -> None:
    bucket = Bucket(2, NOW)
    assert bucket.take(2, NOW)
    assert not bucket.take(1, NOW + NANOS_PER_SECOND // 2 - 1)
    assert bucket.take(1, NOW + NANOS_PER_SECOND // 2)
    much_later = NOW + 1000 * NANOS_PER_SECOND
    assert [bucket.take(1, much_later) for _ in range(3)] == [True, True, False]


def test_a_call_that_weighs_more_than_the_bucket_holds_takes_all_of_it() -> None:
    bucket = Bucket(3, NOW)
    assert bucket.take(5, NOW)
    assert not bucket.take(1, NOW)


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, NANOS_PER_SECOND))), st.integers(5, 50))
def test_in_no_second_more_is_given_than_twice_the_rate(calls: list[tuple[int, int]], rate: int) -> None:
    bucket, now, given_at = Bucket(rate, NOW), NOW, []
    for weight, pause in calls:
        now += pause
        if bucket.take(weight, now):
            given_at.append((now, weight))
    for start, _ in given_at:
        within = sum(weight for at, weight in given_at if start <= at <= start + NANOS_PER_SECOND)
        assert within <= 2 * rate


def test_kinds_without_a_limit_are_free() -> None:
    limits = RateLimits({"order": 1})
    assert all(limits.allow("public", "alice", 5, NOW) for _ in range(1000))


def test_kinds_and_callers_do_not_share_a_bucket() -> None:
    limits = RateLimits({"order": 1, "query": 1})
    assert limits.allow("order", "alice", 1, NOW)
    assert limits.allow("query", "alice", 1, NOW)
    assert limits.allow("order", "bob", 1, NOW)
    assert not limits.allow("order", "alice", 1, NOW)


def strike(limits: RateLimits, times: int, now: int) -> None:
    for _ in range(times):
        limits.strike("10.0.0.7", now)


def test_an_address_that_goes_on_after_refusals_is_banned_for_a_minute() -> None:
    limits = RateLimits({})
    strike(limits, PATIENCE, NOW)
    assert not limits.banned("10.0.0.7", NOW)
    strike(limits, 1, NOW)
    assert limits.banned("10.0.0.7", NOW)
    assert not limits.banned("10.0.0.8", NOW)
    assert limits.banned("10.0.0.7", NOW + BAN - 1)
    assert not limits.banned("10.0.0.7", NOW + BAN)


def test_refusals_of_more_than_a_minute_ago_are_forgiven() -> None:
    limits = RateLimits({})
    strike(limits, PATIENCE, NOW)
    strike(limits, PATIENCE, NOW + BAN)
    assert not limits.banned("10.0.0.7", NOW + BAN)
