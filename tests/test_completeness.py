"""Nothing is missed while people keep writing: listings of busy inboxes, seeded, without sockets and without a clock.

`CAMPAIGN=10000 pytest -s tests/test_completeness.py` runs the whole campaign and prints its figures; CAMPAIGN_SEED
chooses other listings.
"""

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, TypeAlias
from urllib.parse import parse_qsl

import pytest
from attrs import define, field, frozen
from examples import EXAMPLES
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from conversations_async.asking import Way
from conversations_async.errors import GraphError, RequestRejected
from conversations_async.graph.requests import GraphRequest, list_threads
from conversations_async.model import Cursor, Inbox, Page, Platform, Thread, ThreadPage, ThreadQuery
from conversations_async.paging import ThreadWalk

CAMPAIGN: Final = int(os.environ.get("CAMPAIGN", "60"))
"""How many listings; 10,000 are the bar."""
SEED: Final = int(os.environ.get("CAMPAIGN_SEED", "7"))
INBOX: Final = Inbox("1042", Platform.MESSENGER)
LEAN: Final = list_threads(Page("1042", "EAACANARY0123456789"), INBOX, ThreadQuery(fields="id,updated_time"))
FULL: Final = list_threads(Page("1042", "EAACANARY0123456789"), INBOX, ThreadQuery())
Anchor: TypeAlias = Literal["item", "position"]
ENDLESS: Final = 20_000


@define
class Busy:
    """An inbox as the edge lists it, newest first; several events may share a second."""

    anchor: Anchor
    ids: list[str] = field(factory=list)
    """Oldest first: the head is at the end."""
    seconds: dict[str, int] = field(factory=dict)
    now: int = 10**6
    made: int = 0
    nonce: int = 0
    stable: bool = True
    """Whether the same place has the same cursor text each time."""
    most: int = 10_000
    """How many threads an answer holds at most, whatever is asked for."""
    empty_end: bool = False
    """Whether only an answer without threads is the end."""

    def arrive(self, name: str | None = None, *, later: int = 1) -> str:
        """A message, in this thread or in a new one."""
        self.now += later
        if name is None:
            self.made += 1
            name = f"t_{self.made}"
        else:
            self.ids.remove(name)
        self.ids.append(name)
        self.seconds[name] = self.now
        return name

    def delete(self, name: str) -> None:
        self.ids.remove(name)
        del self.seconds[name]

    def answer(self, request: GraphRequest) -> ThreadPage:
        """The thread page, or the error of a cursor whose item is gone (contract 3.1)."""
        query = dict(parse_qsl(request.query))
        start, count = self._start(query.get("after", "").partition("/")[0]), len(self.ids)
        end = min(count, start + min(self.most, int(query["limit"])))
        part = self.ids[count - end : count - start][::-1]
        self.nonce += 1
        mark = "" if self.stable else f"/{self.nonce}"
        after = (part[-1] if self.anchor == "item" else str(end)) + mark if part else query.get("after")
        threads = tuple(Thread(INBOX, {"id": name, "updated_time": _wire(self.seconds[name])}) for name in part)
        return ThreadPage(INBOX, threads, Cursor(after), end < count or (self.empty_end and bool(part)))

    def thread(self, request: GraphRequest) -> Thread:
        """One thread by itself."""
        if request.path not in self.seconds:
            raise RequestRejected("(#100) Unsupported get request", 100, 33)
        return Thread(INBOX, {"id": request.path, "updated_time": _wire(self.seconds[request.path])})

    def _start(self, after: str) -> int:
        if not after:
            return 0
        if self.anchor == "position":
            return min(int(after), len(self.ids))
        if after not in self.seconds:
            raise RequestRejected("(#100) Invalid cursors values", 100)
        return len(self.ids) - self.ids.index(after)


def _wire(second: int) -> str:
    """Whole seconds, as Meta writes them."""
    days, rest = divmod(second, 86_400)
    return f"2026-05-{1 + days:02}T{rest // 3600:02}:{rest // 60 % 60:02}:{rest % 60:02}+0000"


def step(walk: ThreadWalk, inbox: Busy) -> list[str]:
    """One call; the ids that `threads()` would yield."""
    request = walk.next_request()
    try:
        single = request.what == "thread"
        read = walk.feed_thread(inbox.thread(request)) if single else walk.feed(inbox.answer(request))
    except GraphError as error:
        way = walk.failed(error)
        assert way in (Way.AGAIN, Way.MARK), "a dead cursor or thread never ends a walk"
        read = walk.let_unavailable(error) if way is Way.MARK else None
    assert walk.stuck is None
    return [] if read is None else [thread.id for thread in read.first_seen]


@frozen
class Kind:
    """How busy an inbox is."""

    anchor: Anchor
    size: int
    limit: int
    arrivals: int
    new_share: float
    removals: float
    ties: float
    most: int
    empty_end: bool


@frozen
class Outcome:
    missed: int
    doubled: int
    calls: int
    bare: int
    """The calls of one pass over the inbox as it was at the start."""


def a_listing(
    kind: Kind,
    seed: int,
    *,
    packs: bool = False,
    settle: bool = True,
    upserts: bool = True,
    bounded: bool = False,
) -> Outcome:
    chance = random.Random(seed)
    inbox = Busy(kind.anchor, stable=chance.random() < 0.5, most=kind.most, empty_end=kind.empty_end)
    for _ in range(kind.size):
        inbox.arrive(later=0 if chance.random() < 0.1 else chance.randrange(1, 60))
    at_the_start = set(inbox.ids)
    middle = datetime(2026, 5, 1, tzinfo=UTC) + timedelta(seconds=inbox.seconds[inbox.ids[len(inbox.ids) // 2]])
    since = middle if bounded else None
    width = chance.choice([None, None, 1, 2 * kind.limit])
    listing = LEAN if chance.random() < 0.3 else FULL
    walk = ThreadWalk(listing, threads_per_call=kind.limit, settle=settle, upserts=upserts, since=since, width=width)
    listed: list[str] = []
    calls = 0
    while not walk.done:
        listed += step(walk, inbox)
        if packs:
            walk.pack()
        calls += 1
        assert calls < ENDLESS
        _move(inbox, kind, chance)
    missed = (at_the_start & set(inbox.ids)) - set(listed)
    return Outcome(len(missed), len(listed) - len(set(listed)), calls, -(-kind.size // min(kind.limit, kind.most)))


def _move(inbox: Busy, kind: Kind, chance: random.Random) -> None:
    for _ in range(kind.arrivals):
        known = None if not inbox.ids or chance.random() < kind.new_share else chance.choice(inbox.ids)
        inbox.arrive(known, later=0 if chance.random() < kind.ties else 1)
    # 0.3 stands for one in three calls or so.
    for _ in range(int(kind.removals) + (chance.random() < kind.removals % 1)):
        if inbox.ids:
            inbox.delete(chance.choice(inbox.ids))


def kinds(count: int, seed: int) -> Iterator[tuple[int, Kind]]:
    """So many inboxes, of every kind."""
    chance = random.Random(seed)
    for number in range(count):
        size = round(5 * 600 ** chance.random())
        arrivals = number // 2 % 6
        # An answer must hold more than arrives while the walk goes round, or there is no catching up.
        limit = chance.choice([10, 25, 25, 100] if arrivals <= 2 else [25, 25, 100])
        yield (
            seed * 1_000_003 + number,
            Kind(
                "item" if number % 2 else "position",
                size,
                limit,
                arrivals,
                chance.choice([0.0, 0.3, 1.0]),
                chance.choice([0, 0, 0.3, 1, 2]),
                chance.choice([0.0, 0.3]),
                chance.choice([10_000, 10_000, limit, 2 * limit, limit // 2 if arrivals < limit // 5 else limit]),
                # Where cursors count places, what arrives shifts something behind every end, and none is empty.
                number % 7 == 0 and (arrivals == 0 or number % 2 == 1),
            ),
        )


def campaign(count: int) -> tuple[int, int, list[tuple[Kind, int, Outcome]]]:
    outcomes = [(kind, seed, a_listing(kind, seed)) for seed, kind in kinds(count, SEED)]
    print(f"\n{count} listings")
    for anchor in ("item", "position"):
        for still in (True, False):
            rows = [o for kind, _, o in outcomes if kind.anchor == anchor and (kind.arrivals == 0) == still]
            long = [o for o in rows if o.bare > 1]
            calls, bare = sum(o.calls for o in rows), sum(o.bare for o in rows)
            print(
                f"  cursors mark {anchor:8} {'no arrivals' if still else 'arrivals   '}: {len(rows):5} listings, "
                f"missed {sum(o.missed for o in rows)} in {sum(o.missed > 0 for o in rows)}, "
                f"calls {calls} for {bare} bare ({calls / max(1, bare):.2f}), "
                f"more than one call: {sum(o.calls for o in long) / max(1, sum(o.bare for o in long)):.2f}"
            )
    return sum(o.missed for *_, o in outcomes), sum(o.doubled for *_, o in outcomes), outcomes


def test_nothing_is_missed_and_nothing_comes_twice() -> None:
    missed, doubled, outcomes = campaign(CAMPAIGN)
    assert (missed, doubled) == (0, 0), [(kind, seed) for kind, seed, o in outcomes if o.missed or o.doubled][:3]


@pytest.mark.parametrize(
    ("kind", "seed"),
    [
        # Two vanish with every call: the last two were behind the same thread twice, unseen.
        (Kind("position", 728, 25, 0, 1.0, 2, 0.3, 12, empty_end=False), 7007029),
        # The last one moves up behind the cursor, and back before the answer is asked for again.
        (Kind("position", 417, 25, 4, 0.3, 2, 0.0, 50, empty_end=False), 21008459),
    ],
    ids=["each time", "and back"],
)
def test_threads_that_slip_by_before_an_empty_end_are_found(kind: Kind, seed: int) -> None:
    """Cursors count places."""
    assert a_listing(kind, seed).missed == 0


@pytest.mark.parametrize("anchor", ["item", "position"])
@pytest.mark.parametrize(
    ("most", "empty_end", "over"),
    [(10_000, False, 3), (10_000, True, 3 + 6), (100, False, 10 + 5), (40, False, 25 + 5), (40, True, 25 + 12)],
    ids=["nothing special", "an empty end", "a cap of as many", "a cap below", "a cap and an empty end"],
)
def test_what_it_costs_an_inbox_at_rest_to_be_proved(anchor: Anchor, most: int, empty_end: bool, over: int) -> None:
    """Calls beyond one for each answer on the way down: 1,000 threads, 100 a call, 400 in a proof."""
    inbox = Busy(anchor, most=most, empty_end=empty_end)
    for _ in range(1000):
        inbox.arrive()
    walk, calls = ThreadWalk(FULL, threads_per_call=100), 0
    while not walk.done:
        step(walk, inbox)
        calls += 1
    assert calls - -(-1000 // min(100, most)) <= over + 1


class Moving(RuleBasedStateMachine):
    """Anything that can happen to an inbox, between any two calls of a walk; then it rests until the walk is done."""

    @initialize(
        anchored=st.booleans(),
        size=st.integers(0, 30),
        limit=st.integers(2, 9),
        stable=st.booleans(),
        whole=st.booleans(),
        most=st.integers(2, 40),
        width=st.integers(1, 40),
        empty_end=st.booleans(),
    )
    def begin(
        self,
        anchored: bool,
        size: int,
        limit: int,
        stable: bool,
        whole: bool,
        most: int,
        width: int,
        empty_end: bool,
    ) -> None:
        self.inbox = Busy("item" if anchored else "position", stable=stable, most=most, empty_end=empty_end)
        for _ in range(size):
            self.inbox.arrive()
        self.at_the_start = set(self.inbox.ids)
        self.walk = ThreadWalk(FULL if whole else LEAN, threads_per_call=limit, width=width)
        self.listed: list[str] = []

    @precondition(lambda self: not self.walk.done)
    @rule()
    def call(self) -> None:
        self.listed += step(self.walk, self.inbox)
        self.check()

    @rule(count=st.integers(1, 3), later=st.integers(0, 1))
    def arrive(self, count: int, later: int) -> None:
        for _ in range(count):
            self.inbox.arrive(later=later)

    @precondition(lambda self: not self.walk.done and self.inbox.ids)
    @rule(place=st.integers(0, 60), later=st.integers(0, 1))
    def move(self, place: int, later: int) -> None:
        self.inbox.arrive(self.inbox.ids[place % len(self.inbox.ids)], later=later)

    @precondition(lambda self: not self.walk.done and self.inbox.ids)
    @rule(place=st.integers(0, 60))
    def delete(self, place: int) -> None:
        self.inbox.delete(self.inbox.ids[place % len(self.inbox.ids)])

    def check(self) -> None:
        if self.walk.done:
            assert self.at_the_start & set(self.inbox.ids) <= set(self.listed)
            assert len(self.listed) == len(set(self.listed))

    def teardown(self) -> None:
        if hasattr(self, "walk"):
            calls = 0
            while not self.walk.done:
                self.call()
                calls += 1
                assert calls < 300


TestMoving = Moving.TestCase
TestMoving.settings = settings(max_examples=EXAMPLES, stateful_step_count=40, deadline=None)


def test_a_walk_that_is_packed_between_its_calls_goes_the_same_way() -> None:
    for number, kind in kinds(max(1, CAMPAIGN // 10), seed=11):
        assert a_listing(kind, number, packs=True) == a_listing(kind, number)
        assert a_listing(kind, number, packs=True, bounded=True) == a_listing(kind, number, bounded=True)


def test_whoever_takes_no_newer_versions_is_told_of_as_many_threads() -> None:
    for number, kind in kinds(max(1, CAMPAIGN // 10), seed=12):
        assert a_listing(kind, number, upserts=False) == a_listing(kind, number)
        hasty = a_listing(kind, number, packs=True, settle=False, upserts=False)
        assert hasty.doubled == 0
        if not kind.arrivals:
            assert hasty == a_listing(kind, number, settle=False)
