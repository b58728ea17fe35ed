"""Where a walk stands: over scripted listings, and over an inbox that moves while it is listed (contract 3.1, 1.5)."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl

import pytest
from attrs import define, field
from hypothesis import example, given
from hypothesis import strategies as st

from conversations_async.asking import Way
from conversations_async.errors import PagingStuck, RequestRejected
from conversations_async.events import Proving, Unproven, Unsettled
from conversations_async.graph.requests import GraphRequest, list_threads
from conversations_async.model import Cursor, Inbox, Page, Platform, Thread, ThreadPage, ThreadQuery
from conversations_async.paging import Read, ThreadWalk
from conversations_async.trail import EMPTY_IN_A_ROW

INBOX = Inbox("1042", Platform.MESSENGER)
LISTING = list_threads(Page("1042", "EAACANARY0123456789"), INBOX, ThreadQuery(fields="id,updated_time"))
EPOCH = datetime(2026, 5, 4, tzinfo=UTC)
ENDLESS: Final = 3000
"""Calls after which a walk over a small inbox counts as endless."""


def a_walk(limit: int = 2, **options: object) -> ThreadWalk:
    return ThreadWalk(LISTING, threads_per_call=limit, **options)  # type: ignore[arg-type]  # whatever a case needs


def a_thread(name: str, second: int | None = 0) -> Thread:
    time = {} if second is None else {"updated_time": (EPOCH + timedelta(seconds=second)).strftime("%FT%T+0000")}
    return Thread(INBOX, {"id": name, **time})


def a_page(threads: Iterable[Thread] = (), after: str | None = None, *, more: bool = False) -> ThreadPage:
    return ThreadPage(INBOX, tuple(threads), Cursor(after) if after is not None else None, more)


def asked(request: GraphRequest) -> tuple[int, str | None]:
    """The limit and the cursor of a request."""
    query = dict(parse_qsl(request.query))
    return int(query["limit"]), query.get("after")


def fed(walk: ThreadWalk, page: ThreadPage) -> Read:
    read = walk.feed(page)
    assert read is not None
    return read


def ids(threads: Iterable[Thread]) -> list[str]:
    return [thread.id for thread in threads]


# -- the end, and what is none -----------------------------------------------------------------------------------------


def test_a_walk_of_one_call_is_done() -> None:
    walk = a_walk()
    assert asked(walk.next_request()) == (2, None)
    read = fed(walk, a_page([a_thread("t_2", 2), a_thread("t_1", 1)], "a"))
    assert ids(read.first_seen) == ["t_2", "t_1"]
    assert (walk.done, walk.settling, walk.threads) == (True, False, 2)


def test_an_inbox_without_threads_is_done_at_once() -> None:
    """Contract 10: `{"data": []}` without paging, seen live."""
    walk = a_walk()
    assert fed(walk, a_page()).first_seen == ()
    assert walk.done


def test_an_empty_thread_page_with_next_goes_on() -> None:
    """Contract 3.1: stop only where `next` is absent."""
    walk = a_walk(settle=False)
    walk.feed(a_page(after="a", more=True))
    assert asked(walk.next_request()) == (2, "a")
    walk.feed(a_page([a_thread("t_1")], "b"))
    assert walk.done
    assert walk.threads == 1


def test_a_short_thread_page_with_next_goes_on_and_after_alone_is_the_end() -> None:
    walk = a_walk(limit=100, settle=False)
    walk.feed(a_page([a_thread("t_1")], "a", more=True))
    assert not walk.done
    walk.feed(a_page([a_thread("t_0")], "b", more=False))
    assert walk.done


def test_the_same_is_asked_until_something_is_fed() -> None:
    walk = a_walk()
    assert walk.next_request() == walk.next_request()


# Place asked → the cursor that its answer names.
CIRCLES: list[tuple[str, dict[str | None, str | None], int]] = [
    ("its own cursor at once", {None: "a", "a": "a"}, 2),
    ("two cursors in turn", {None: "a", "a": "b", "b": "a"}, 3),
    ("a long way round", {None: "0", **{str(n): str((n + 1) % 50) for n in range(50)}}, 51),
    ("back into the middle", {None: "0", **{str(n): str(n + 1) for n in range(49)}, "49": "25"}, 51),
    ("no cursor", {None: None}, 1),
    ("no cursor further down", {None: "a", "a": "b", "b": None}, 3),
]


@pytest.mark.parametrize(("cursors", "places"), [row[1:] for row in CIRCLES], ids=[row[0] for row in CIRCLES])
def test_a_listing_that_leads_nowhere_is_stuck(cursors: dict[str | None, str | None], places: int) -> None:
    """A cursor may come again where its item has moved to the head, but not for ever without anything new."""
    walk, answers = a_walk(), 0
    order = list(cursors)
    while walk.stuck is None:
        _, after = asked(walk.next_request())
        walk.feed(a_page([a_thread(f"t_{order.index(after)}", 99 - order.index(after))], cursors[after], more=True))
        answers += 1
        assert answers < 5 * places
    assert isinstance(walk.stuck, PagingStuck)
    assert walk.stuck.inbox == INBOX
    assert (walk.done, walk.threads) == (False, places)


def test_a_walk_taken_up_at_a_cursor_goes_round_no_circle() -> None:
    walk, answers = a_walk(start=Cursor("a")), 0
    while walk.stuck is None:
        _, after = asked(walk.next_request())
        walk.feed(a_page([a_thread(f"t_{after}", 5)], "b" if after == "a" else "a", more=True))
        answers += 1
        assert answers < 12
    assert not walk.done


def test_a_hundred_empty_answers_in_a_row_are_endless() -> None:
    walk = a_walk()
    for place in range(EMPTY_IN_A_ROW):
        assert walk.stuck is None
        walk.feed(a_page(after=str(place), more=True))
    assert walk.stuck is not None
    assert "100 empty answers" in str(walk.stuck)


def test_empty_answers_with_a_thread_between_are_not_endless() -> None:
    walk = a_walk(settle=False)
    for place in range(5 * EMPTY_IN_A_ROW):
        full = place % (EMPTY_IN_A_ROW - 1) == 0
        walk.feed(a_page([a_thread(f"t_{place}", 999 - place)] if full else [], str(place), more=True))
    assert walk.stuck is None


# -- asking for less ---------------------------------------------------------------------------------------------------


def test_asking_for_less_halves_from_the_same_place_down_to_one() -> None:
    """Contract 5.3."""
    walk = a_walk(limit=25)
    walk.feed(a_page([a_thread("t_1")], "a", more=True))
    seen = []
    while walk.ask_for_less():
        seen.append(asked(walk.next_request()))
    assert seen == [(12, "a"), (6, "a"), (3, "a"), (1, "a")]
    assert not walk.ask_for_less()
    assert asked(walk.next_request()) == (1, "a")


def grown(walk: ThreadWalk, answers: int) -> list[int]:
    """The limits asked with while so many good answers come in."""
    limits = []
    for _ in range(answers):
        limit, after = asked(walk.next_request())
        limits.append(limit)
        place = int(after or 0) + 1
        walk.feed(a_page([a_thread(f"t_{place}", 10**6 - place)], str(place), more=True))
    return limits


def test_after_good_answers_more_is_tried_again_up_to_what_was_wanted() -> None:
    walk = a_walk(limit=20)
    walk.ask_for_less()
    walk.ask_for_less()
    limits = grown(walk, 40)
    assert limits[0] == 5
    assert set(limits) == {5, 10, 20}
    assert limits == sorted(limits)
    assert limits[-1] == 20


def test_the_more_often_too_much_was_asked_the_longer_until_more_is_tried() -> None:
    walk = a_walk(limit=8)
    waits = []
    for _ in range(4):
        walk.ask_for_less()
        waits.append(grown(walk, 200).index(8))
    assert waits == sorted(set(waits))


# -- an inbox that moves -----------------------------------------------------------------------------------------------


@define
class Moving:
    """An inbox as the edge lists it, newest first.

    Its cursors name a thread's moment, and what lies below it comes next; or, `by_place`, a number of threads to skip.
    """

    threads: dict[str, int] = field(factory=dict)
    now: int = 0
    nothing_first: bool = False
    """Whether the head answers with an empty thread page that has a next."""
    by_place: bool = False

    def write(self, name: str) -> None:
        """A message: the thread moves to the head, or arrives there. No two in one second."""
        self.now += 1
        self.threads[name] = self.now

    def answer(self, request: GraphRequest) -> ThreadPage:
        limit, after = asked(request)
        if after is None and self.nothing_first:
            return a_page(after="0" if self.by_place else str(self.now + 1), more=True)
        if self.by_place:
            below = self.listed()[int(after or 0) :]
            last: str | None = str(int(after or 0) + limit)
        else:
            below = [name for name in self.listed() if after is None or self.threads[name] < int(after)]
            last = str(self.threads[below[:limit][-1]]) if below else after
        page = below[:limit]
        return a_page([a_thread(name, self.threads[name]) for name in page], last, more=len(below) > limit)

    def listed(self) -> list[str]:
        return sorted(self.threads, key=lambda name: -self.threads[name])


def an_inbox(size: int, *, nothing_first: bool = False, by_place: bool = False) -> Moving:
    inbox = Moving(nothing_first=nothing_first, by_place=by_place)
    for place in range(size):
        inbox.write(f"t_{place}")
    return inbox


@define
class Walked:
    """What a consumer of a walk has in hand."""

    first_seen: list[str] = field(factory=list)
    versions: dict[str, str] = field(factory=dict)
    calls: int = 0
    cursor: Cursor | None = None
    """The last thread page's."""


def step(walk: ThreadWalk, inbox: Moving, walked: Walked) -> None:
    read = fed(walk, inbox.answer(walk.next_request()))
    walked.first_seen += ids(read.first_seen)
    for thread in read.page.threads:
        walked.versions[thread.id] = thread.raw["updated_time"]
    walked.calls += 1
    walked.cursor = read.page.cursor
    assert walk.stuck is None
    assert walked.calls < ENDLESS


def walk_to_the_end(
    walk: ThreadWalk,
    inbox: Moving,
    moves: Iterator[list[str]] = iter(()),  # noqa: B008  # there is nothing in it to be used up
) -> Walked:
    """Walk, with the next of `moves` between two calls; then the inbox rests."""
    walked = Walked()
    while not walk.done:
        step(walk, inbox, walked)
        for name in next(moves, []):
            inbox.write(name)
    return walked


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 11, 100])
@pytest.mark.parametrize("nothing_first", [False, True])
def test_a_resting_inbox_is_walked_once_proven_and_its_head_looked_at_again(limit: int, nothing_first: bool) -> None:
    inbox = an_inbox(10, nothing_first=nothing_first)
    walk = a_walk(limit, width=4 * limit)
    walked = walk_to_the_end(walk, inbox)
    assert walked.first_seen == inbox.listed()
    assert walk.threads == 10
    down = -(-10 // limit) + nothing_first
    # Four times as many a call; where that is one answer, it has everything that could have moved, too.
    proof = -(-10 // (4 * limit)) + nothing_first + (limit == 2)
    head = 0 if proof == 1 else (2 if limit == 1 else 1) + nothing_first
    # Answers of one thread span no seam of the first proof: the second one's do.
    proofs = 0 if down == 1 else 2 if limit == 1 else 1
    assert walked.calls <= down + proofs * (proof + head)


def test_settling_finds_what_moved_past_the_walk() -> None:
    inbox = an_inbox(6)
    walk = a_walk(2)
    walked = walk_to_the_end(walk, inbox, iter([["t_0"], [], ["t_1"]]))
    assert set(walked.first_seen) == set(inbox.threads)
    assert len(walked.first_seen) == 6


def test_without_settling_a_thread_that_moved_is_missed() -> None:
    """What settling is for (design 5)."""
    inbox = an_inbox(6)
    walked = walk_to_the_end(a_walk(2, settle=False), inbox, iter([["t_0"]]))
    assert set(inbox.threads) - set(walked.first_seen) == {"t_0"}


def test_newer_versions_are_handed_on_and_the_same_one_is_not() -> None:
    inbox = an_inbox(4)
    walk = a_walk(2)
    walked = Walked()
    step(walk, inbox, walked)
    inbox.write("t_3")  # seen, and moves
    step(walk, inbox, walked)
    assert walk.settling
    read = fed(walk, inbox.answer(walk.next_request()))
    assert ids(read.page.threads) == ["t_3"]
    assert read.first_seen == ()
    assert walk.threads == 4


def test_an_older_version_behind_a_newer_one_is_no_news() -> None:
    """Sample same-id-twice: decoding keeps both."""
    read = fed(a_walk(), a_page([a_thread("t_1", 24), a_thread("t_1", 23)]))
    assert [thread.raw["updated_time"][-7:-5] for thread in read.page.threads] == ["24"]


def test_a_pass_no_single_call_can_make_still_ends() -> None:
    """More threads than fit into a call share the newest second."""
    walk, calls = a_walk(2), 0
    while not walk.done:
        _, after = asked(walk.next_request())
        place = int(after or 0)
        walk.feed(a_page([a_thread(f"t_{place + each}", 0) for each in (0, 1)], str(place + 2), more=place < 8))
        calls += 1
        assert calls < ENDLESS
    assert walk.threads == 10
    # Down, one proof that proves nothing, since they all may have moved within that second, and settling behind it.
    assert calls <= 5 + 5 + 5
    assert walk.told[-1] == Unproven(INBOX)


def test_threads_without_a_readable_time_are_listed_and_the_walk_ends() -> None:
    walk, calls = a_walk(2), 0
    while not walk.done:
        _, after = asked(walk.next_request())
        place = int(after or 0)
        walk.feed(a_page([a_thread(f"t_{place + each}", None) for each in (0, 1)], str(place + 2), more=place < 8))
        calls += 1
        assert calls < ENDLESS
    assert (walk.threads, calls) == (10, 10)


def test_a_settling_pass_may_be_stuck_too() -> None:
    walk = a_walk(1)
    walk.feed(a_page([a_thread("t_1", 1)], "a", more=True))
    walk.feed(a_page([a_thread("t_0", 0)]))
    assert walk.settling
    walk.feed(a_page([a_thread("t_2", 2)], "a", more=True))
    walk.feed(a_page([a_thread("t_1", 1)], "a", more=True))
    assert walk.stuck is not None
    assert walk.resume == Cursor(None, EPOCH + timedelta(seconds=1))


def test_settling_reads_the_newest_second_to_its_end_and_again_where_it_held_news() -> None:
    """Times are whole seconds: what arrives within the second that the last pass began with is as new as that."""
    walk = a_walk(start=Cursor(None, EPOCH + timedelta(seconds=5)))
    passes = 0
    while not walk.done:
        passes += 1
        walk.feed(a_page([a_thread("t_4", 5), a_thread("t_3", 5)], "a", more=True))
        assert asked(walk.next_request()) == (2, "a"), "no thread was older yet"
        walk.feed(a_page([a_thread("t_2", 5), a_thread("t_1", 4)], "b", more=True))
    assert (walk.threads, passes) == (4, 2)


@pytest.mark.parametrize("of_page", [False, True])
@pytest.mark.parametrize("calls", range(1, 8))
def test_what_is_new_since_a_moment_has_its_end_also_where_it_is_taken_up(calls: int, of_page: bool) -> None:
    inbox = an_inbox(200)
    until = EPOCH + timedelta(seconds=inbox.threads["t_180"])
    walk, walked = a_walk(5, width=5, start=Cursor(until=until)), Walked()
    settled = False
    for _ in range(calls):
        settled = walk.settling
        step(walk, inbox, walked)
    assert not walk.done
    start = walked.cursor if of_page and walked.cursor is not None else walk.resume
    assert start.after is None or not settled, "taken up at its cursor, a settling pass would read all below"
    rest = walk_to_the_end(a_walk(5, width=5, start=start), inbox)
    assert inbox.listed()[:20] == list(dict.fromkeys([*walked.first_seen, *rest.first_seen]))[:20]
    assert rest.calls < 30, "the whole inbox takes 40 to go down"


@pytest.mark.parametrize("since", [None, EPOCH - timedelta(days=1)])
def test_what_a_walk_remembers_goes_when_it_is_done(since: datetime | None) -> None:
    walk = a_walk(2, since=since)
    walk_to_the_end(walk, an_inbox(7))
    assert walk._sieve.seen == walk._sieve.listed == {}


@pytest.mark.parametrize("packs", [False, True])
@pytest.mark.parametrize("upserts", [False, True])
def test_a_thread_that_moves_under_each_cursor_makes_no_circle(upserts: bool, packs: bool) -> None:
    """Contract 3.1: a cursor marks an item, which leads back up when it has moved. Whoever takes no newer versions gets
    on as well."""
    names = [f"t_{number}" for number in range(24)]
    times = {name: 100 - place for place, name in enumerate(names)}
    walk, seen = a_walk(2, settle=False, upserts=upserts), list[str]()
    for call in range(60):
        if walk.done:
            break
        if packs:
            walk.pack()
        _, after = asked(walk.next_request())
        start = 0 if after is None else names.index(after) + 1
        part = names[start : start + 2]
        page = a_page([a_thread(name, times[name]) for name in part], part[-1], more=start + 2 < len(names))
        seen += ids(fed(walk, page).first_seen)
        if call < 25:
            names.remove(part[-1])
            names.insert(0, part[-1])
            times[part[-1]] = 200 + call
    assert (walk.done, walk.stuck) == (True, None)
    assert sorted(seen) == sorted(names)


@pytest.mark.parametrize("packs", [False, True])
def test_what_the_reader_holds_is_no_news_within_bounds_either(packs: bool) -> None:
    walk = a_walk(2, start=Cursor(None, EPOCH), reader_holds=True, since=EPOCH - timedelta(days=1))
    assert walk.wants_held
    rested, moved = a_thread("t_1", 2), a_thread("t_2", 1)
    walk.hold({"t_1": rested.raw["updated_time"], "t_2": a_thread("t_2", 0).raw["updated_time"]})
    if packs:
        walk.pack()
    told: list[str] = []
    while not walk.done:
        request = walk.next_request()
        read = walk.feed_thread(moved) if request.what == "thread" else walk.feed(a_page([rested, moved]))
        told += [] if read is None else ids(read.page.threads)
    assert told == ["t_2"]


SIZES = st.integers(0, 14)
LIMITS = st.integers(1, 6)
WIDTHS = st.sampled_from([1, 2, 5, 8, 400])
MOVES = st.lists(st.lists(st.integers(0, 20), max_size=3), max_size=12)


def named(moves: list[list[int]]) -> Iterator[list[str]]:
    """Numbers beyond the inbox's size are arrivals."""
    return iter([[f"t_{number}" for number in numbers] for numbers in moves])


@given(size=SIZES, limit=LIMITS, width=WIDTHS, moves=MOVES, by_place=st.booleans())
@example(size=6, limit=1, width=400, moves=[[0], [1], [2], [3]], by_place=False)
def test_every_thread_that_was_there_at_the_start_is_seen_once(
    size: int, limit: int, width: int, moves: list[list[int]], by_place: bool
) -> None:
    inbox = an_inbox(size, by_place=by_place)
    at_the_start = set(inbox.threads)
    walk = a_walk(limit, width=width)
    walked = walk_to_the_end(walk, inbox, named(moves))
    assert at_the_start <= set(walked.first_seen)
    assert len(walked.first_seen) == len(set(walked.first_seen)) == walk.threads


@given(size=SIZES, limit=LIMITS, width=WIDTHS, order=st.permutations(range(14)), gaps=st.sets(st.integers(0, 14)))
def test_behind_a_head_that_is_always_empty_what_moves_once_is_seen(
    size: int, limit: int, width: int, order: list[int], gaps: set[int]
) -> None:
    """A thread that moves twice, each time between the first two answers of a pass, is out of sight there."""
    inbox = an_inbox(size, nothing_first=True)
    at_the_start = set(inbox.threads)
    moves = [[] if place in gaps else [number] for place, number in enumerate(order)]
    walked = walk_to_the_end(a_walk(limit, width=width), inbox, named(moves))
    assert at_the_start <= set(walked.first_seen)


@given(size=SIZES, limit=LIMITS, width=WIDTHS, moves=MOVES)
def test_what_rests_while_the_walk_ends_is_known_in_its_newest_version(
    size: int, limit: int, width: int, moves: list[list[int]]
) -> None:
    """For upserts: whoever keeps what thread_pages hands on has the inbox as it is."""
    inbox = an_inbox(size)
    walk = a_walk(limit, width=width)
    walked = Walked()
    between, resting_for = named(moves), 0
    while not walk.done:
        names = next(between, [])
        resting_for = 0 if names else resting_for + 1
        for name in names:
            inbox.write(name)
        step(walk, inbox, walked)
    # The last call may be the one that tests what cursors do.
    rested = inbox.threads if resting_for >= 2 or (walk.threads and walked.calls == 1) else {}
    newest = {name: a_thread(name, second).raw["updated_time"] for name, second in rested.items()}
    assert {name: walked.versions.get(name) for name in newest} == newest


@given(
    size=SIZES,
    limit=LIMITS,
    width=WIDTHS,
    before=MOVES,
    pause=MOVES,
    after=MOVES,
    calls=st.integers(0, 12),
    of_page=st.booleans(),
)
def test_a_walk_resumed_anywhere_misses_nothing(
    size: int,
    limit: int,
    width: int,
    before: list[list[int]],
    pause: list[list[int]],
    after: list[list[int]],
    calls: int,
    of_page: bool,
) -> None:
    """From the walk's own place or from the last thread page's cursor; also while it settles."""
    inbox = an_inbox(size)
    at_the_start = set(inbox.threads)
    walk, walked = a_walk(limit, width=width), Walked()
    between = named(before)
    for _ in range(calls):
        if walk.done:
            break
        step(walk, inbox, walked)
        for name in next(between, []):
            inbox.write(name)
    start = walked.cursor if of_page and walked.cursor is not None else walk.resume
    for name in (name for names in named(pause) for name in names):
        inbox.write(name)
    rest = walk_to_the_end(a_walk(limit, width=width, start=start), inbox, named(after))
    assert at_the_start <= {*walked.first_seen, *rest.first_seen}


@given(size=SIZES, limit=LIMITS, width=WIDTHS, calls=st.integers(0, 20))
def test_a_resumed_walk_of_a_resting_inbox_equals_an_uninterrupted_one(
    size: int, limit: int, width: int, calls: int
) -> None:
    inbox = an_inbox(size)
    walk, walked = a_walk(limit, width=width), Walked()
    for _ in range(calls):
        if not walk.done:
            step(walk, inbox, walked)
    rest = walk_to_the_end(a_walk(limit, width=width, start=walk.resume), inbox) if not walk.done else Walked()
    assert list(dict.fromkeys([*walked.first_seen, *rest.first_seen])) == inbox.listed()


@given(size=SIZES, limit=LIMITS, width=WIDTHS, moves=MOVES, less=st.sets(st.integers(0, 12)))
def test_no_pass_asks_a_cursor_twice_and_asking_for_less_loses_nothing(
    size: int, limit: int, width: int, moves: list[list[int]], less: set[int]
) -> None:
    inbox = an_inbox(size)
    at_the_start = set(inbox.threads)
    walk, walked = a_walk(limit, width=width), Walked()
    between = named(moves)
    asked_for: list[str] = []
    while not walk.done:
        if walked.calls in less:
            walk.ask_for_less()
        _, place = asked(walk.next_request())
        if place is None:
            asked_for = []
        else:
            # But for the last answer before an end that an empty one tells.
            assert place not in asked_for or walk.doubts_the_end
            asked_for.append(place)
        step(walk, inbox, walked)
        for name in next(between, []):
            inbox.write(name)
    assert at_the_start <= set(walked.first_seen)


@pytest.mark.parametrize("by_place", [False, True])
@pytest.mark.parametrize("settle", [True, False])
def test_where_cursors_count_places_only_the_proof_finds_what_a_deletion_hid(by_place: bool, settle: bool) -> None:
    """Nothing else moves here: the answers are those of an inbox at rest, but for the second reading."""
    inbox = an_inbox(12, by_place=by_place)
    walk, walked = a_walk(4, settle=settle), Walked()
    step(walk, inbox, walked)
    step(walk, inbox, walked)
    del inbox.threads["t_5"]
    while not walk.done:
        step(walk, inbox, walked)
    missed = {"t_3"} if by_place and not settle else set()
    assert set(inbox.threads) - set(walked.first_seen) == missed
    assert [event for event in walk.told if isinstance(event, Proving)] == [Proving(INBOX)] * settle


@pytest.mark.parametrize("since", [None, EPOCH + timedelta(seconds=30)])
@pytest.mark.parametrize("settle", [True, False])
def test_ever_new_cursors_that_bring_the_same_threads_end_the_walk(settle: bool, since: datetime | None) -> None:
    """No cursor repeats and no answer is empty: only that nothing new comes can tell, wanted or not."""
    walk = ThreadWalk(LISTING, 100, settle=settle, since=since)
    for number in range(5_000):
        if walk.done or walk.stuck is not None:
            break
        walk.feed(a_page([a_thread("t_1"), a_thread("t_2")], f"c{number}", more=True))
    assert "same threads" in str(walk.stuck)


def test_where_more_arrives_than_an_answer_holds_the_walk_says_so_and_ends() -> None:
    """More messages between two answers than an answer holds threads leave no moment to end at."""
    inbox = an_inbox(10)
    walk, walked = a_walk(2, width=2), Walked()
    while not walk.done:
        step(walk, inbox, walked)
        for number in range(2):
            inbox.write(f"t_{100 + 2 * walked.calls + number}")
    assert [event for event in walk.told if isinstance(event, Unsettled)] == [Unsettled(INBOX)]


def test_from_a_dead_cursor_the_walk_goes_back_by_one_and_only_then_to_the_head() -> None:
    """Contract 3.1: a cursor dies with its item; the one before it marks another."""
    walk, dead = a_walk(), RequestRejected("(#100) Invalid cursors values", 100)
    for place in "abc":
        walk.feed(a_page([a_thread(f"t_{place}", 200 - ord(place))], place, more=True))
    places = [asked(walk.next_request())[1]]
    for _ in range(2):
        assert walk.failed(dead) is Way.AGAIN
        places.append(asked(walk.next_request())[1])
    assert places == ["c", "b", None]


def test_cursors_that_all_die_end_the_walk_although_new_threads_arrive() -> None:
    """Each beginning at the head has news; what tells is that the walk gets no deeper."""
    walk, calls, way = a_walk(), 0, Way.AGAIN
    while way is Way.AGAIN:
        _, after = asked(walk.next_request())
        if after is None:
            walk.feed(a_page([a_thread(f"t_{calls}", calls), a_thread(f"t_{calls - 1}", calls - 1)], "a", more=True))
        else:
            way = walk.failed(RequestRejected("(#100) Invalid cursors values", 100))
        calls += 1
        assert calls < 200
    assert way is Way.END


def test_a_cursor_is_kept_with_an_aware_time_only() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Cursor("a", datetime(2026, 5, 1))  # noqa: DTZ001  # what is refused
