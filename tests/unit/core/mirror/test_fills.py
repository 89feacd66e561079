"""A market trade or a changed level, and what of it reaches resting orders."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.core.commands import PlaceOrder
from simulator.core.events import FillCause
from simulator.core.mirror.fills import Flow, LevelChange, Prints, reached_by, reposition
from simulator.core.mirror.queue_position import MODELS, Pessimistic, QueueModel, queue_model
from simulator.core.orders import Order, OrderType, Side

MODEL = Pessimistic()


def order(qty: int, ahead: int | None, *, price: int = 100, created: int = 0) -> Order:
    made = Order.of(PlaceOrder("a", "XY", Side.BUY, OrderType.LIMIT, qty, price, ""), 1, "", created)
    made.ahead = ahead
    return made


def got(flow: Flow, *orders: Order) -> list[int]:
    levels: dict[int, list[Order]] = {}
    for one in orders:
        levels.setdefault(-(one.price or 0), []).append(one)
    reached = reached_by(flow, sorted(levels.items()), MODEL)
    return [sum(each.qty for each in reached if each.order is one) for one in orders]


def at(price: int, qty: int, ts: int = 10) -> Flow:
    return Flow(-price, qty, ts)


def test_at_the_price_the_queue_ahead_is_served_first() -> None:
    one = order(3, 5)
    assert got(at(100, 4), one) == [0]
    assert one.ahead == 1
    assert got(at(100, 3), one) == [2]
    assert one.ahead == 0


def test_through_the_price_nobody_is_ahead() -> None:
    one = order(3, 5)
    assert got(at(99, 2), one) == [2]
    assert one.ahead == 0


def test_a_trade_at_a_better_price_does_not_reach_it() -> None:
    one = order(3, 0)
    assert got(at(101, 9), one) == [0]


def test_the_flow_is_one_budget() -> None:
    better, first, second = order(2, 0, price=101), order(2, 1), order(4, 1)
    assert got(at(100, 7), better, first, second) == [2, 2, 2]


def test_a_trade_older_than_the_order_does_not_touch_it() -> None:
    one = order(3, 1, created=11)
    assert got(at(100, 9, ts=10), one) == [0] and one.ahead == 1
    assert got(at(100, 2, ts=11), one) == [1]


def test_nobody_knows_the_place_beyond_the_view_but_a_trade_through_it_tells() -> None:
    one = order(3, None)
    assert got(at(100, 9), one) == [0] and one.ahead is None
    assert got(at(99, 2), one) == [2] and one.ahead == 0


def test_the_cause_is_told() -> None:
    better, same = order(1, 0, price=101), order(1, 0)
    reached = reached_by(at(100, 2), [(-101, [better]), (-100, [same])], MODEL)
    assert [each.cause for each in reached] == [FillCause.TRADED_THROUGH, FillCause.TRADED_AT]


def test_a_late_trade_uses_the_credit_of_the_book_that_told_it_first() -> None:
    one = order(3, 5)
    reposition([one], LevelChange(5, 2, 0, ts=10), MODEL)
    assert one.ahead == 2
    assert got(at(100, 3, ts=9), one) == [0] and one.ahead == 2
    assert got(at(100, 3, ts=9), one) == [1], "credit is used up once"


def test_a_trade_after_the_book_has_no_credit() -> None:
    one = order(3, 5)
    reposition([one], LevelChange(5, 2, 0, ts=10), MODEL)
    assert got(at(100, 3, ts=11), one) == [1]


def test_two_books_before_a_late_trade_both_count() -> None:
    one = order(3, 10)
    reposition([one], LevelChange(10, 6, 0, ts=10), MODEL)
    reposition([one], LevelChange(6, 5, 0, ts=20), MODEL)
    assert got(at(100, 5, ts=5), one) == [0]
    assert one.ahead == 5, "five lots traded once and were told twice"


def test_a_level_that_grows_moves_nobody() -> None:
    one = order(3, 5)
    reposition([one], LevelChange(5, 50, 0, ts=10), MODEL)
    assert one.ahead == 5


def test_a_level_that_comes_into_view_is_joined_at_its_end() -> None:
    one = order(3, None)
    reposition([one], LevelChange(0, 7, 0, ts=10), MODEL)
    assert one.ahead == one.joined_behind == 7


def test_shrinking_that_trades_explain_is_no_cancel() -> None:
    explained, plain = order(3, 6), order(3, 6)
    reposition([explained], LevelChange(10, 8, 2, ts=10), queue_model("proportional"))
    reposition([plain], LevelChange(10, 8, 0, ts=10), queue_model("proportional"))
    assert (explained.ahead, plain.ahead) == (6, 5)


def test_prints_explain_the_books_that_include_them_once() -> None:
    prints = Prints()
    for flow in (at(100, 3, ts=5), at(100, 2, ts=6), at(99, 1, ts=6), at(100, 4, ts=9)):
        prints.add(flow)
    assert prints.explain(6) == {-100: 5, -99: 1}
    assert prints.explain(6) == {}
    assert prints.explain(9) == {-100: 4}


def test_a_trade_older_than_an_order_still_left_the_level_before_it() -> None:
    """The order joined behind twelve, but ten of them had traded: the next book says so."""
    older, late = order(3, 12), order(3, 12, created=6)
    got(at(100, 10, ts=5), older, late)
    assert (older.ahead, late.ahead) == (2, 12)
    reposition([older, late], LevelChange(12, 1, 10, ts=7), queue_model("power:3"))
    assert (older.ahead, late.ahead) == (1, 1)


def test_who_came_later_never_passes_though_a_model_brings_it_further() -> None:
    first, second = order(3, 45), order(3, 55)
    alone = order(3, 55)
    reposition([first, second], LevelChange(100, 60, 0, ts=10), queue_model("power:9"))
    reposition([alone], LevelChange(100, 60, 0, ts=10), queue_model("power:9"))
    assert alone.ahead == 21, "by itself it would have come to stand before the first"
    assert (first.ahead, second.ahead) == (40, 40)
    assert got(at(100, 42, ts=11), first, second) == [2, 0]


changes = st.lists(st.tuples(st.integers(0, 200), st.integers(0, 60)), max_size=20)


@given(
    model=st.sampled_from(list(MODELS.values())),
    changes=changes,
    joined=st.lists(st.integers(0, 100), min_size=1, max_size=4),
)
def test_whatever_happens_orders_move_forward_only_and_keep_their_places(
    model: QueueModel, changes: list[tuple[int, int]], joined: list[int]
) -> None:
    orders = [order(3, ahead) for ahead in sorted(joined)]
    size = max(joined)
    for ts, (after, traded) in enumerate(changes):
        was = [one.ahead or 0 for one in orders]
        reposition(orders, LevelChange(size, after, traded, ts), model)
        now = [one.ahead or 0 for one in orders]
        assert all(0 <= new <= min(old, after) for old, new in zip(was, now, strict=True))
        assert now == sorted(now)
        size = after


@given(qty=st.integers(1, 30), cancelled=st.integers(0, 30))
def test_book_first_or_trade_first_ends_where_the_pessimist_would_be_or_ahead_of_it(qty: int, cancelled: int) -> None:
    for name in MODELS:
        model = queue_model(name)
        trade_first, book_first = order(3, 60), order(3, 60)
        got(at(100, qty, ts=5), trade_first)
        reposition([trade_first], LevelChange(100, 100 - qty - cancelled, qty, ts=6), model)
        reposition([book_first], LevelChange(100, 100 - qty - cancelled, 0, ts=6), model)
        got(at(100, qty, ts=5), book_first)
        for one in (trade_first, book_first):
            assert one.ahead is not None and one.ahead <= min(60 - qty, 100 - qty - cancelled)
