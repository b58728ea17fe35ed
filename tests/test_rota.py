"""Which Inbox comes next, by a table of what is due and what is to begin."""

import math
from collections.abc import Iterator

from attrs import define

from conversations_async.rota import Rota


@define(eq=False)
class Lane:
    name: int
    calls: int = 0


def lanes(count: int) -> Iterator[Lane]:
    return (Lane(number) for number in range(count))


def called(due: Rota[Lane], lane: Lane, *, of: int, again_at: float = 0.0) -> None:
    """One call of a lane, which has so many to make."""
    lane.calls += 1
    if lane.calls == of:
        due.end()
    else:
        due.put(again_at, lane)


def test_inboxes_are_begun_in_the_order_given_and_go_on_as_they_are_due() -> None:
    due = Rota(lanes(3), 3)
    begun = [due.take(0.0) for _ in range(3)]
    assert [lane.name for lane in begun if lane] == [0, 1, 2]
    assert due.take(0.0) is None
    for lane, moment in zip(begun, (3.0, 1.0, 2.0), strict=True):
        assert lane is not None
        due.put(moment, lane)
    assert due.earliest == 1.0
    assert due.take(0.5) is None
    assert [lane.name for lane in iter(lambda: due.take(9.0), None)] == [1, 2, 0]
    assert due.earliest == math.inf


def test_of_very_many_only_some_are_under_way_and_they_end_before_others_begin() -> None:
    due = Rota(lanes(5_000), 5_000)
    most = under_way = made = 0
    while (lane := due.take(0.0)) is not None:
        under_way += lane.calls == 0
        made += 1
        called(due, lane, of=20)
        under_way -= lane.calls == 20
        most = max(most, under_way)
    assert made == 5_000 * 20
    assert most < 1_000


def test_where_none_is_due_another_is_begun_however_many_are_under_way() -> None:
    due = Rota(lanes(5_000), 5_000)
    for _ in range(5_000):
        lane = due.take(0.0)
        assert lane is not None
        called(due, lane, of=20, again_at=60.0)
    assert due.take(0.0) is None


def test_of_many_under_way_one_that_is_due_soon_is_waited_for_before_many_more_begin() -> None:
    due = Rota(lanes(5_000), 5_000)
    while due.earliest == -math.inf:
        lane = due.take(0.0)
        assert lane is not None
        called(due, lane, of=20, again_at=0.05)
    begun = 0
    for moment in range(50):
        while (lane := due.take(moment / 1000)) is not None:
            begun += 1
            called(due, lane, of=20, again_at=0.05)
        assert moment / 1000 < due.earliest <= 0.05
    assert 3 <= begun <= 5, "so that a core that could do more is given more"


def test_a_huge_inbox_delays_no_others_first_call_by_much() -> None:
    def first_calls(inboxes: Iterator[Lane], count: int, huge: int) -> dict[int, int]:
        due, made = Rota(inboxes, count), 0
        moments: dict[int, int] = {}
        while len(moments) < count:
            lane = due.take(0.0)
            assert lane is not None
            made += 1
            moments.setdefault(lane.name, made)
            called(due, lane, of=400 if lane.name == huge else 3)
        return moments

    without = first_calls((Lane(name) for name in range(1, 3_000)), 2_999, huge=-1)
    with_it = first_calls(lanes(3_000), 3_000, huge=0)
    assert max(with_it[name] - without[name] for name in without) <= 100, "of 9,000 that the others make"


def test_nothing_comes_once_it_is_cleared() -> None:
    due = Rota(lanes(3), 3)
    lane = due.take(0.0)
    assert lane is not None
    due.put(0.0, lane)
    due.clear()
    assert (due.take(9.0), due.earliest) == (None, math.inf)


def test_without_a_pace_few_more_are_under_way_than_at_the_beginning() -> None:
    due = Rota(lanes(3_000), 3_000, paced=False)
    under_way, most = 0, 0
    while (lane := due.take(0.0)) is not None:
        under_way += lane.calls == 0
        called(due, lane, of=20)
        under_way -= lane.calls == 20
        most = max(most, under_way)
    assert 100 < most < 350


def test_it_is_crowded_where_what_all_keep_counts() -> None:
    due = Rota(lanes(200), 200)
    for _ in range(32):
        due.take(0.0)
    assert not due.crowded_by(1_000_000)
    due.take(0.0)
    assert (due.crowded_by(496), due.crowded_by(497)) == (False, True)
    while due.take(0.0) is not None:
        pass
    assert (due.crowded_by(81), due.crowded_by(82)) == (False, True), "of two hundred"
    due.end()
    assert not due.crowded_by(82)
