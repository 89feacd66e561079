"""Orders on their way, on a clock that is moved by hand: what the book is when they arrive is what counts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.core.units import NANOS_PER_MILLI
from tests.wire import Answer, Client, Site


def send(site: Site, who: Client, takes: int, **order: str) -> list[Answer]:
    """An order that arrives after so many milliseconds; its answer, when there is one."""
    answers: list[Answer] = []
    due = site.runner.catch_up() + takes * NANOS_PER_MILLI
    site.runner.later(due, lambda now: answers.append(who.order(**order)))
    return answers


def pass_by(site: Site, ms: int) -> None:
    site.wait(ms)
    site.runner.catch_up()


def test_a_quote_that_was_good_when_it_was_seen_is_gone_when_the_order_arrives() -> None:
    site = Site()
    answers = send(site, site.alice, 40, side="BUY", quantity="1", price="60000", timeInForce="IOC")
    pass_by(site, 30)
    site.depth("BTCUSDT", "60010x1", "60020x1")
    pass_by(site, 10)
    assert (answers[0].json["status"], answers[0].json["executedQty"]) == ("CANCELED", "0")


def test_a_cancel_that_comes_too_late_finds_the_order_filled() -> None:
    site = Site()
    order = site.alice.order("BUY", "0.5", "59999.99").json
    cancelled: list[Answer] = []
    site.runner.later(
        site.runner.now() + 20 * NANOS_PER_MILLI,
        lambda now: cancelled.append(site.alice.signed("DELETE", "/api/v1/spot/order", orderId=order["orderId"])),
    )
    pass_by(site, 10)
    site.trade("BTCUSDT", "59999", "9")
    pass_by(site, 10)
    assert cancelled[0].status == 400
    told = site.alice.signed("GET", "/api/v1/spot/order", orderId=order["orderId"]).json
    assert told["status"] == "FILLED"


@given(
    st.lists(st.tuples(st.integers(1, 60), st.booleans()), min_size=2, max_size=6, unique_by=lambda one: one[0]),
    st.lists(st.integers(1, 30), max_size=8),
)
@settings(max_examples=40, deadline=None)
def test_whoever_arrives_first_has_the_level_however_time_is_moved(
    sent: list[tuple[int, bool]], looks: list[int]
) -> None:
    site = Site()
    site.depth("BTCUSDT", "59000x1", "60000x0.1")
    answers = [
        send(
            site, site.alice if hers else site.bob, takes, side="BUY", quantity="0.1", price="60000", timeInForce="IOC"
        )
        for takes, hers in sent
    ]
    for look in [*looks, 60]:
        pass_by(site, look)
    got = [one[0].json["executedQty"] for one in answers]
    winner = min(range(len(sent)), key=lambda place: sent[place][0])
    assert got == ["0.1" if place == winner else "0" for place in range(len(sent))]
