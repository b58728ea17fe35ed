"""Which answers hang together, answer by answer: what joins two of them, and what only seems to."""

from collections.abc import Sequence
from typing import ClassVar

import pytest
from attrs import define, field

from conversations_async.packing import PackedTimes
from conversations_async.stretches import Stretches


def second(number: int) -> str:
    return f"2026-05-04T13:32:{number:02}+0000"


@define
class Listing:
    """Answers as a walk feeds them: threads with their times, each time as seconds."""

    packs: ClassVar = False
    """Whether what is known is packed behind each answer."""
    stretches: Stretches = field(factory=Stretches)
    table: PackedTimes = field(factory=PackedTimes)
    seen: dict[str, object] = field(factory=dict)
    numbers: list[int] = field(factory=list)

    def answer(self, *threads: tuple[str, int], ends: bool = False) -> None:
        ids, versions = [name for name, _ in threads], [second(time) for _, time in threads]
        fresh = self.seen.keys().isdisjoint(ids)
        before = {**self.seen}
        for key, version in zip(ids, versions, strict=True):
            self.table[key] = self.seen[key] = max(version, str(self.seen.get(key, "")))
        self.numbers.append(self.stretches.add(ids, versions, before, fresh=fresh, ends=ends))
        if self.packs:
            self.table.rest()
            self.stretches.pack(self.table)

    def reaches(self, answer: int) -> bool:
        return self.stretches.reach_the_end(self.numbers[answer])


@pytest.fixture(autouse=True, params=[False, True], ids=["loose", "packed"])
def _both_ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Listing, "packs", request.param)


def a_way_down() -> Listing:
    """Two answers with a seam between them."""
    listing = Listing()
    listing.answer(("a", 9), ("b", 8))
    listing.answer(("c", 7), ("d", 6), ends=True)
    return listing


def test_two_answers_with_nothing_in_common_do_not_hang_together() -> None:
    listing = a_way_down()
    assert (listing.reaches(0), listing.reaches(1)) == (False, True)


def test_an_answer_over_the_seam_joins_those_on_both_sides() -> None:
    listing = a_way_down()
    listing.answer(("b", 8), ("c", 7))
    assert listing.reaches(0)


# The third answer over the seam: not at rest, each in its way.
MOVED: list[tuple[str, Sequence[tuple[str, int]]]] = [
    ("the upper thread has moved", [("b", 10), ("c", 7)]),
    ("the lower thread has moved", [("c", 10), ("b", 8)]),
    ("the answer is an older one", [("b", 5), ("c", 7)]),
    ("the upper thread is of the newest second", [("a", 9), ("c", 7)]),
]


@pytest.mark.parametrize("answer", [row[1] for row in MOVED], ids=[row[0] for row in MOVED])
def test_what_has_moved_or_may_have_joins_nothing(answer: Sequence[tuple[str, int]]) -> None:
    """A thread of the newest second may have moved within it."""
    listing = a_way_down()
    listing.answer(*answer)
    assert not listing.reaches(0)


def test_a_thread_that_moved_counts_where_it_is_now() -> None:
    listing = a_way_down()
    listing.answer(("x", 11), ("c", 10), ("b", 8))
    assert not listing.reaches(2), "it joins the head, and not where it was"
    listing.answer(("e", 12), ("c", 10), ("d", 6))
    assert listing.reaches(2)


def test_an_older_answer_moves_no_thread_back() -> None:
    listing = Listing()
    listing.answer(("e", 20), ("a", 9), ("b", 8))
    listing.answer(("b", 3), ("c", 2), ends=True)
    listing.answer(("b", 8), ("f", 8))
    assert (listing.reaches(0), listing.reaches(2)) == (False, False)


def test_a_thread_that_is_in_an_answer_twice_counts_where_it_is_newer() -> None:
    listing = a_way_down()
    listing.answer(("b", 10), ("b", 8), ("c", 7))
    assert not listing.reaches(0)


def test_what_joins_what_is_joined_already_is_no_progress() -> None:
    listing = a_way_down()
    listing.answer(("b", 8), ("c", 7))
    links = listing.stretches.links
    listing.answer(("b", 8), ("d", 6))
    assert listing.stretches.links == links + 1, "the answer itself, and nothing it holds"
