"""Processes that share the pace of an Inbox: the rule as a property, the file and its failures, and real processes."""

import asyncio
import heapq
import logging
import os
import random
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Final

import pytest
from examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import Program

from conversations_async.errors import PacerUnavailable
from conversations_async.model import Inbox, Platform
from conversations_async.pacer import Pacer, SharedPacer, Turn
from conversations_async.pacer import file as room
from conversations_async.pacer.line import GRACE, Line
from conversations_async.pacer.processes import birth, lives, neighbours
from conversations_async.slots import LINGER

INBOX: Final = Inbox("1042", Platform.MESSENGER)
OTHER: Final = Inbox("7", Platform.INSTAGRAM)
LEASE: Final = 60.0
WAIT: Final = 30.0
"""Seconds until a test that hangs is ended."""


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pace.db"


@pytest.fixture
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The pacers' clock and the loop's. It moves when a test moves it: nobody here waits by timers."""
    clock = Clock()
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    return clock


def worst_window(moments: list[float], length: float) -> int:
    """The most moments in any half-open window."""
    moments = sorted(moments)
    worst = first = 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - length + 1e-9:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


async def ask(pacer: Pacer, turn: Turn | None = None, inbox: Inbox = INBOX, slots: int = 2) -> Turn:
    return await pacer.reserve(inbox, slots=slots, period=1.0, turn=turn)


async def granted(pacer: Pacer, inbox: Inbox = INBOX, slots: int = 2) -> Turn:
    turn = await ask(pacer, None, inbox, slots)
    assert turn.granted
    return turn


# -- the rule ----------------------------------------------------------------------------------------------------------


class Crowd:
    """Processes that call by one line, through a network as bad as chance makes it."""

    def __init__(self, chance: random.Random, slots: int, period: float, processes: int) -> None:
        self.chance, self.slots, self.period = chance, slots, period
        self.line = Line()
        self.dead: dict[int, float] = {}
        self.arrivals: list[float] = []
        self.asked: Counter[tuple[int, int]] = Counter()
        self.left = dict.fromkeys(range(processes), 6)
        self._events: list[tuple[float, int, str, int, int, float]] = []
        self._count = 0

    def plan(self, at: float, what: str, who: int, number: int = 0, since: float = 0.0) -> None:
        self._count += 1
        heapq.heappush(self._events, (at, self._count, what, who, number, since))

    def run(self) -> None:
        chance = self.chance
        for who in self.left:
            for _ in range(chance.choice((1, 1, 3))):
                self.plan(chance.random(), "book", who)
        if chance.random() < 0.5:
            self.plan(5 * chance.random(), "die", 0)
        while self._events:
            now, _, what, who, number, since = heapq.heappop(self._events)
            if what == "die":
                self.die(who, now)
            elif who not in self.dead:
                getattr(self, what)(now, who, number, since)

    def tidy(self, now: float) -> None:
        self.line.tidy(now, self.period, LEASE, lambda who: who not in self.dead)

    def book(self, now: float, who: int, _number: int, _since: float) -> None:
        if self.left[who] > 0:
            self.left[who] -= 1
            self.tidy(now)
            self.ask(now, who, self.line.book(who, now), 0.0)

    def ask(self, now: float, who: int, number: int, _since: float) -> None:
        self.tidy(now)
        if not self.line.stands(number):
            number = self.line.book(who, now)
        moment = self.line.ask(number, now, slots=self.slots, period=self.period, lease=LEASE)
        self.asked[who, number] += 1
        if moment == -inf:
            self.send(now, who, number)
        elif self.chance.random() < 0.05:
            self.line.unsent(number)
            self.plan(now, "book", who)
        else:
            assert moment > now
            late = self.chance.choice((0.0, 0.0, 0.01, 0.5))
            self.plan(moment + late * self.chance.random(), "ask", who, number)

    def send(self, now: float, who: int, number: int) -> None:
        there, back = (self.chance.choice((0.01, 0.1, 0.5, 3.0)) * self.chance.random() for _ in range(2))
        if self.chance.random() < 0.1:  # given up
            self.plan(now + there, "give_up", who, number)
            there += LINGER * self.chance.random()
        else:
            self.plan(now + there + back, "answer", who, number)
        self.plan(now + there, "arrive", who, number, now)

    def arrive(self, now: float, _who: int, _number: int, _since: float) -> None:
        self.arrivals.append(now)

    def answer(self, now: float, who: int, number: int, _since: float) -> None:
        self.line.answered(number, now, self.period)
        self.plan(now, "book", who)

    def give_up(self, now: float, who: int, number: int, _since: float) -> None:
        self.line.answered(number, now, self.period, LINGER)
        self.plan(now, "book", who)

    def die(self, who: int, now: float) -> None:
        self.dead[who] = now
        for at, _, what, its, _, _ in self._events:
            if its == who and what == "arrive":
                self.arrivals.append(min(at, now + LINGER))


@settings(max_examples=3 * EXAMPLES)
@given(
    seed=st.integers(0, 2**32),
    slots=st.integers(1, 3),
    period=st.sampled_from((1.0, 0.5, 1.2)),
    processes=st.integers(1, 5),
)
def test_no_period_ever_holds_more_arrivals_than_slots(seed: int, slots: int, period: float, processes: int) -> None:
    crowd = Crowd(random.Random(seed), slots, period, processes)
    crowd.run()
    assert worst_window(crowd.arrivals, period) <= slots
    assert [who for who, left in crowd.left.items() if left and who not in crowd.dead] == [], "somebody starved"


def test_a_caller_asks_about_once_for_the_place_and_once_or_twice_when_it_comes() -> None:
    crowd = Crowd(random.Random(1), 2, 1.0, 4)
    line, asked, calls, now = crowd.line, 0, 0, 0.0
    waits = [(0.001 * who, who, line.book(who, now)) for who in range(4)]
    heapq.heapify(waits)
    live: list[tuple[float, int, int]] = []
    while calls < 200:
        if live and (not waits or live[0][0] <= waits[0][0]):
            now, who, number = heapq.heappop(live)
            line.answered(number, now, 1.0)
            heapq.heappush(waits, (now, who, line.book(who, now)))
            continue
        now, who, number = heapq.heappop(waits)
        crowd.tidy(now)
        asked += 1
        moment = line.ask(number, now, slots=2, period=1.0, lease=LEASE)
        if moment == -inf:
            calls += 1
            heapq.heappush(live, (now + 0.08 + 0.1 * crowd.chance.random(), who, number))
        else:
            heapq.heappush(waits, (moment, who, number))
    assert asked / calls < 3
    assert calls / now / 2 > 0.98 / 1.13, "of the strict rule's pace at trips of 0.13 s"


def line_of_everyone(moments: int, bookings: dict[int, int]) -> list[int]:
    """Who is granted, in order: each process keeps so many bookings in the line of one slot."""
    line, now, order = Line(), 0.0, []
    for who, many in bookings.items():
        for _ in range(many):
            line.book(who, now)
    for _ in range(moments):
        now += 1.0
        line.tidy(now, 1.0, LEASE, lambda _: True)
        for waiter in sorted(line.waiting, key=lambda waiter: (waiter.round, waiter.number)):
            if line.ask(waiter.number, now, slots=1, period=1.0, lease=LEASE) == -inf:
                order.append(waiter.who)
                line.answered(waiter.number, now, 0.99)
                line.book(waiter.who, now)
                break
    return order


def test_turns_are_first_come_first_served() -> None:
    assert line_of_everyone(8, {1: 1, 2: 1, 3: 1, 4: 1}) == [1, 2, 3, 4, 1, 2, 3, 4]


def test_a_process_with_a_hundred_callers_takes_no_more_than_one_with_one() -> None:
    assert Counter(line_of_everyone(54, {1: 100, 2: 1, 3: 1})) == {1: 18, 2: 18, 3: 18}


def asks(line: Line, number: int, now: float, slots: int = 1) -> float:
    line.tidy(now, 1.0, LEASE, lambda who: who != 13)
    return line.ask(number, now, slots=slots, period=1.0, lease=LEASE)


def test_who_does_not_come_is_passed_over_and_stays_first() -> None:
    line = Line()
    first, sleeper, third = line.book(1, 0), line.book(2, 0), line.book(3, 0)
    assert asks(line, first, 0.0) == -inf
    assert asks(line, sleeper, 0.0) < asks(line, third, 0.0)
    line.answered(first, 0.0, 1.0)
    told = asks(line, sleeper, 0.1)
    assert asks(line, third, 1.01) == pytest.approx(told + GRACE, abs=0.001)
    assert asks(line, third, told + GRACE + 0.001) == -inf
    fourth = line.book(4, 1.2)
    line.answered(third, 1.2, 1.0)
    assert asks(line, sleeper, 2.2) == -inf
    assert asks(line, fourth, 2.2) > 2.2


def test_a_dead_process_costs_its_call_and_no_place() -> None:
    line = Line()
    dead, waits, alive = line.book(13, 0), line.book(13, 0), line.book(1, 0)
    assert line.ask(dead, 0.0, slots=1, period=1.0, lease=LEASE) == -inf
    assert asks(line, alive, 0.5) == pytest.approx(0.5 + LINGER + 1.0, abs=0.01)
    assert not line.stands(waits)
    assert asks(line, alive, 0.5 + LINGER + 1.0) == -inf


def test_a_call_without_answer_holds_its_slot_until_the_lease_ends() -> None:
    line = Line()
    hung, waits = line.book(1, 0), line.book(2, 0)
    assert asks(line, hung, 0.0) == -inf
    now = 0.0
    while (told := asks(line, waits, now)) != -inf:
        now = told
    assert now == pytest.approx(LEASE + 1.0, abs=1.0)


# -- several pacers on one file ----------------------------------------------------------------------------------------


async def several(folder: str, seed: int, pacers: int, calls: int, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The arrivals, in time that moves from event to event."""
    chance, clock = random.Random(seed), Clock(5.0)
    monkeypatch.setattr(asyncio.get_running_loop(), "time", clock)
    ours = [SharedPacer(Path(folder, "pace.db"), clock=clock) for _ in range(pacers)]
    events: list[tuple[float, int, int, str, Turn | None]] = []
    arrivals: list[float] = []
    for who in range(pacers):
        heapq.heappush(events, (5.0 + chance.random(), len(events), who, "ask", None))
    count = len(events)
    while events:
        clock.now, _, who, what, turn = heapq.heappop(events)
        count += 1
        if what == "answer":
            assert turn is not None
            await ours[who].give_back(turn, sent=True)
            turn, calls = None, calls - 1
            if calls < pacers:
                continue
        turn = await ask(ours[who], turn)
        if turn.granted:
            there, back = (chance.choice((0.01, 0.2, 1.5)) * chance.random() for _ in range(2))
            arrivals.append(clock.now + there)
            heapq.heappush(events, (clock.now + there + back, count, who, "answer", turn))
        else:
            late = chance.choice((0, 0, 0.3)) * chance.random()
            heapq.heappush(events, (turn.at + late, count, who, "ask", turn))
    for pacer in ours:
        await pacer.aclose()
    return arrivals


@settings(max_examples=EXAMPLES // 4)
@given(seed=st.integers(0, 2**32), pacers=st.integers(2, 4))
def test_pacers_on_one_file_keep_to_the_rule_together(seed: int, pacers: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as monkeypatch:
        arrivals = asyncio.run(several(folder, seed, pacers, 20, monkeypatch))
    assert len(arrivals) >= 20
    assert worst_window(arrivals, 1.0) <= 2


async def test_a_second_process_waits_for_the_calls_of_the_first(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as one, SharedPacer(path, clock=clock) as two:
        turns = [await granted(one), await granted(one)]
        waits = await ask(two)
        assert not waits.granted
        clock.now += 0.2
        for turn in turns:
            await one.give_back(turn, sent=True)
        await one.open()  # the file has them
        waits = await ask(two, waits)
        assert waits.at == pytest.approx(1001.2, abs=0.01)
        clock.now = 1001.19
        assert not (await ask(two, waits)).granted
        clock.now = waits.at
        assert (await ask(two, waits)).granted
        assert (await ask(two, waits)).granted, "asking again is harmless"


async def test_platforms_and_pages_do_not_wait_for_each_other(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        for inbox in (INBOX, OTHER, Inbox("1042", Platform.INSTAGRAM)):
            await granted(pacer, inbox, slots=1)


async def test_a_turn_never_sent_is_as_if_never_booked(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        await granted(pacer)
        unsent, waits = await granted(pacer), await ask(pacer)
        behind = await ask(pacer)
        await pacer.give_back(unsent, sent=False)
        await pacer.give_back(waits, sent=False)
        assert (await ask(pacer, behind)).granted
        with pytest.raises(ValueError, match="given back"):
            await ask(pacer, waits)


async def test_a_call_given_up_may_still_arrive(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        await pacer.give_back(await granted(pacer, slots=1), sent=True, linger=LINGER)
        assert (await ask(pacer, slots=1)).at == pytest.approx(1000.0 + LINGER + 1.0, abs=0.01)


async def test_giving_back_twice_is_once(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        turn = await granted(pacer)
        for _ in range(3):
            await pacer.give_back(turn, sent=True)
        await granted(pacer)


async def test_a_cancelled_reservation_leaves_nothing_behind(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        for turns in range(6):
            task = asyncio.create_task(ask(pacer, slots=1))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            if not task.cancelled():
                await pacer.give_back(task.result(), sent=False)
            await pacer.give_back(await granted(pacer, slots=1), sent=False)


async def test_closing_leaves_the_line_and_gives_calls_up(path: Path, clock: Clock) -> None:
    async with SharedPacer(path, clock=clock) as two:
        one = SharedPacer(path, clock=clock)
        turn = await granted(one, slots=1)
        await ask(one, slots=1)
        await one.aclose()
        await one.aclose()
        await one.give_back(turn, sent=True)
        waits = await ask(two, slots=1)
        assert waits.at == pytest.approx(1000.0 + LINGER + 1.0, abs=0.01)
        clock.now = waits.at
        assert (await ask(two, waits)).granted


async def test_a_closed_pacer_has_no_thread_and_opens_anew(path: Path) -> None:
    pacer = SharedPacer(path)
    for _ in range(2):
        turn = await granted(pacer, slots=2)
        await pacer.give_back(turn, sent=False)
        thread = pacer._thread
        assert thread is not None
        await pacer.aclose()
        assert pacer._thread is None
        with pytest.raises(RuntimeError):
            thread.submit(print)


async def test_a_turn_of_another_pacer_is_no_turn(path: Path) -> None:
    async with SharedPacer(path) as one, SharedPacer(path) as two:
        turn = await ask(one)
        with pytest.raises(ValueError, match="another pacer"):
            await two.give_back(turn, sent=True)


async def test_a_pacer_opened_before_a_fork_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SharedPacer(path) as pacer:
        with monkeypatch.context() as child:
            child.setattr(os, "getpid", lambda: -1)
            with pytest.raises(PacerUnavailable, match="before this process was forked"):
                await ask(pacer)


async def test_many_inboxes_are_booked_in_few_transactions(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[int] = []
    begin = room.File.begin

    def count(self: room.File, inboxes: set[Inbox], clock: Clock) -> tuple[dict[Inbox, Line], float]:
        begun.append(len(inboxes))
        return begin(self, inboxes, clock)

    monkeypatch.setattr(room.File, "begin", count)
    async with SharedPacer(path) as pacer:
        turns = await asyncio.gather(*(ask(pacer, None, Inbox(str(page), Platform.MESSENGER)) for page in range(1000)))
        assert all(turn.granted for turn in turns)
        assert len(begun) < 50
        assert sum(begun) == 1001 - 1


async def test_the_wall_clock_has_no_part_in_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SharedPacer(path) as pacer:
        await pacer.give_back(await granted(pacer, slots=1), sent=True)
        for jump in (3600.0, -3600.0):
            monkeypatch.setattr(time, "time", lambda jump=jump: 1.7e9 + jump)
            async with SharedPacer(path) as other:
                turn = await ask(other, slots=1)
                assert not turn.granted
                assert 0 < turn.at - asyncio.get_running_loop().time() <= 1.1
                await other.give_back(turn, sent=False)


async def test_a_process_that_died_costs_its_slot_for_a_while(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    dead: set[str] = set()
    monkeypatch.setattr(room, "birth", lambda _: "first")
    monkeypatch.setattr(room, "lives", lambda _pid, _neighbours, birth: birth not in dead)
    victim = SharedPacer(path, clock=clock)
    await granted(victim)
    await granted(victim)
    await ask(victim)
    monkeypatch.setattr(room, "birth", lambda _: "second")
    async with SharedPacer(path, clock=clock) as other:
        turn = await ask(other)
        assert not turn.granted
        dead.add("first")
        clock.now += 10
        turn = await ask(other, turn)
        assert turn.at == pytest.approx(1010.0 + LINGER + 1.0, abs=0.01)
        clock.now = turn.at
        assert (await ask(other, turn)).granted
    await victim.aclose()


# -- what is in the file -----------------------------------------------------------------------------------------------


async def test_the_file_is_for_its_user_alone_and_holds_ids_and_moments(path: Path) -> None:
    async with SharedPacer(path) as pacer:
        await granted(pacer)
        for file in path.parent.iterdir():
            assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
    assert [file.name for file in path.parent.iterdir()] == ["pace.db"]
    with sqlite3.connect(path) as db:
        ((inbox, state),) = db.execute("SELECT inbox, state FROM line")
    db.close()
    assert inbox == "1042/messenger"
    assert set(state) <= set("0123456789.,[]-e")


async def test_rows_of_another_boot_are_void(path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with SharedPacer(path, clock=clock) as before:
        await before.give_back(await granted(before, slots=1), sent=True)
    async with SharedPacer(path, clock=clock) as same:
        turn = await ask(same, slots=1)
        assert not turn.granted
    monkeypatch.setattr(room, "boot_mark", lambda: "another")
    async with SharedPacer(path, clock=clock) as after:
        assert (await ask(after, slots=1)).granted


async def test_where_a_boot_has_no_name_a_moment_to_come_is_of_another(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "boot_mark", lambda: "")
    monkeypatch.setattr(room, "lives", lambda *_: None)
    killed = SharedPacer(path, clock=clock)
    await granted(killed, slots=1)
    async with SharedPacer(path, clock=clock) as same:
        assert not (await ask(same, slots=1)).granted
    clock.now = 20.0
    async with SharedPacer(path, clock=clock) as after:
        assert (await ask(after, slots=1)).granted
    await killed.aclose()


def test_a_process_is_known_by_its_birth() -> None:
    me, here = os.getpid(), neighbours()
    assert lives(me, here, birth(me))
    assert lives(me, "elsewhere", "") is None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    born = birth(child.pid)
    assert lives(child.pid, here, born)
    if sys.platform == "linux":
        assert lives(me, here, "1") is False
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert lives(child.pid, here, born) is False, "it is not buried yet"
    child.kill()
    child.communicate()
    assert lives(child.pid, here, born) is False


# -- files that cannot be used -----------------------------------------------------------------------------------------


def sql(path: Path, *statements: str) -> None:
    db = sqlite3.connect(path)
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


async def used(path: Path) -> None:
    """A pace file with many lines."""
    async with SharedPacer(path) as pacer:
        await asyncio.gather(*(ask(pacer, None, Inbox(str(page), Platform.MESSENGER)) for page in range(500)))


async def make_text(path: Path) -> None:
    path.write_text("This is no database, and somebody may want to keep it.\n" * 100)


async def make_foreign(path: Path) -> None:
    sql(path, "CREATE TABLE threads (id TEXT)")


async def make_marked(path: Path) -> None:
    sql(path, "PRAGMA application_id = 7")


async def make_newer(path: Path) -> None:
    await used(path)
    sql(path, "PRAGMA user_version = 2")


async def make_torn(path: Path) -> None:
    await used(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])


async def make_scribbled(path: Path) -> None:
    await used(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))


async def make_tableless(path: Path) -> None:
    await used(path)
    sql(path, "DROP TABLE process")


async def make_folder(path: Path) -> None:
    path.mkdir()


UNUSABLE = [
    (make_text, "it is no pace file. Give another path"),
    (make_foreign, "it belongs to another program. Give another path"),
    (make_marked, "it belongs to another program. Give another path"),
    (make_newer, r"made by a newer version of this library \(schema 2, this one knows 1\). Update this process"),
    (make_torn, "it is damaged .* Remove it"),
    (make_scribbled, "it is damaged .* Remove it"),
    (make_tableless, "it is damaged .* Remove it"),
    (make_folder, "cannot be opened .* Give a path that this user may write"),
]


@pytest.mark.parametrize(("make", "says"), UNUSABLE, ids=lambda value: getattr(value, "__name__", ""))
async def test_a_file_that_cannot_be_used_is_an_error_at_opening(path: Path, make: object, says: str) -> None:
    assert callable(make)
    await make(path)
    before = path.read_bytes() if path.is_file() else b""
    pacer = SharedPacer(path)
    for _ in range(2):
        with pytest.raises(PacerUnavailable, match=says) as caught:
            await pacer.open()
        assert str(caught.value).startswith(str(path))
    with pytest.raises(PacerUnavailable, match=says):
        await ask(pacer)
    await pacer.aclose()
    assert (path.read_bytes() if path.is_file() else b"") == before, "nothing of it is changed"


async def test_a_folder_that_is_not_there_is_an_error_at_opening(tmp_path: Path) -> None:
    with pytest.raises(PacerUnavailable, match="No such file"):
        await SharedPacer(tmp_path / "no" / "pace.db").open()


@pytest.fixture
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another program that can lock the file, and let go of it."""
    db = sqlite3.connect(path, isolation_level=None)
    yield db
    db.close()


async def test_a_locked_file_is_an_error_at_opening(path: Path, locked: sqlite3.Connection) -> None:
    await used(path)
    locked.execute("BEGIN IMMEDIATE")
    with pytest.raises(PacerUnavailable, match=r"another program keeps it locked. End that program"):
        await SharedPacer(path, patience=0.05).open()


async def test_a_file_locked_while_new_is_an_error_at_opening(path: Path, locked: sqlite3.Connection) -> None:
    locked.execute("BEGIN EXCLUSIVE")
    with pytest.raises(PacerUnavailable, match="another program keeps it locked"):
        await SharedPacer(path, patience=0.05).open()


# -- files that fail in the middle -------------------------------------------------------------------------------------

PART: Final = 2.0
"""Seconds between two calls of one process: 4 parts of 2 calls a second."""


async def test_while_the_file_is_locked_a_process_keeps_to_its_part(
    path: Path, clock: Clock, locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    async with SharedPacer(path, clock=clock, patience=0.02) as pacer, SharedPacer(path, clock=clock) as other:
        under_way, early = await granted(pacer), await granted(other)
        waits = await ask(pacer)
        locked.execute("BEGIN IMMEDIATE")
        with caplog.at_level(logging.WARNING):
            sent: list[float] = []
            clock.now += 0.5
            turn = await ask(pacer, waits)
            await pacer.give_back(under_way, sent=True)
            for _ in range(4):
                while not turn.granted:
                    clock.now = turn.at
                    turn = await ask(pacer, turn)
                sent.append(clock.now)
                clock.now += 0.1
                await pacer.give_back(turn, sent=True)
                turn = await ask(pacer)
        assert sent[0] == pytest.approx(1000.5 + PART, abs=0.01)
        assert all(after - before >= PART + 0.1 for before, after in pairwise(sent))
        (warning,) = caplog.records
        assert warning.getMessage() == (
            f"{path}: another program keeps it locked. Until it works again this process takes 1/4 of the pace. "
            "End that program, or give another path."
        )
        # It works again: back after one part's wait, and what the file missed is told.
        locked.execute("ROLLBACK")
        clock.now += 1.1
        turn = await ask(pacer, turn)
        assert not turn.granted
        assert turn.at == pytest.approx(sent[-1] + 0.1 + PART, abs=0.01)
        clock.now = turn.at
        await other.give_back(early, sent=False)
        assert (await ask(pacer, turn)).granted
        assert (await ask(other)).granted
        assert not (await ask(other)).granted, "both slots are held in the file"


async def test_the_parts_are_the_live_processes_last_seen(
    path: Path, clock: Clock, locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    many = [SharedPacer(path, clock=clock) for _ in range(5)]
    for pacer in many:
        await pacer.open()
    async with SharedPacer(path, clock=clock, patience=0.02) as last:
        locked.execute("BEGIN IMMEDIATE")
        assert not (await ask(last)).granted
        assert "takes 1/6 of the pace" in caplog.text
        locked.execute("ROLLBACK")
    for pacer in many:
        await pacer.aclose()


async def test_a_file_that_was_removed_is_made_anew(path: Path, clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        before = await granted(pacer)
        for file in list(path.parent.iterdir()):
            file.unlink()
        turn = await ask(pacer)
        assert not turn.granted
        assert "was replaced or removed" in caplog.text
        clock.now = turn.at
        await pacer.give_back(before, sent=True)
        turn = await ask(pacer, turn)
        assert turn.granted
        assert path.exists()
        # The answer of the call that went by the old file counts in the new one.
        assert not (await ask(pacer)).granted


async def test_a_file_taken_over_by_another_boot_is_left_to_it(
    path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with SharedPacer(path, clock=clock) as here:
        await granted(here)
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(room, "boot_mark", lambda: "elsewhere")
            async with SharedPacer(path, clock=clock) as there:
                await granted(there)
        turn = await ask(here)
        assert not turn.granted
        assert "processes of another boot or machine use it" in caplog.text
        calls = []
        while clock.now < 1020:
            clock.now = turn.at
            turn = await ask(here, turn)
            if turn.granted:
                calls.append(clock.now)
                await here.give_back(turn, sent=True)
                turn = await ask(here)
        assert len(calls) == pytest.approx(20 / PART, abs=1)


@pytest.mark.parametrize("state", ["[]", "7", '{"a":1}', "[[[1]],[],[],0,0,0,0]", "not json"])
async def test_a_line_that_cannot_be_read_is_no_line_without_pace(
    path: Path, clock: Clock, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with SharedPacer(path, clock=clock) as pacer:
        await pacer.give_back(await granted(pacer), sent=True)
        await pacer.open()
        db = sqlite3.connect(path, isolation_level=None)
        db.execute("UPDATE line SET state = ?", (state,))
        db.close()
        for _ in range(5):
            turn = await ask(pacer)
            assert not turn.granted
        assert "it is damaged" in caplog.text
        assert len(caplog.records) == 1


# -- real processes, real time -----------------------------------------------------------------------------------------

CALLER: Final = """
import asyncio, random, sys, time
from conversations_async import Inbox
from conversations_async.pacer import SharedPacer

async def main(path, end):
    loop = asyncio.get_running_loop()
    async with SharedPacer(path) as pacer:
        print("ready", flush=True)
        sys.stdin.readline()
        end += time.monotonic()
        while time.monotonic() < end:
            turn = await pacer.reserve(Inbox("1042", "messenger"), slots=2, period=0.5)
            while not turn.granted:
                await asyncio.sleep(max(turn.at - loop.time(), 0))
                turn = await pacer.reserve(Inbox("1042", "messenger"), slots=2, period=0.5, turn=turn)
            await asyncio.sleep(0.03 * random.random())
            print(time.monotonic(), flush=True)
            await asyncio.sleep(0.03 * random.random())
            await pacer.give_back(turn, sent=True)

asyncio.run(main(sys.argv[1], float(sys.argv[2])))
"""


OPENER: Final = """
import asyncio, sys, time
from conversations_async import Inbox
from conversations_async.pacer import SharedPacer

async def main(folder, files):
    print("ready", flush=True)
    begin = float(sys.stdin.readline())
    for number in range(files):
        time.sleep(max(begin + 0.1 * number - time.monotonic(), 0))
        async with SharedPacer(f"{folder}/{number}.db") as pacer:
            await pacer.reserve(Inbox("1042", "messenger"), slots=2, period=0.5)

asyncio.run(main(sys.argv[1], int(sys.argv[2])))
"""


def test_real_processes_that_open_a_new_file_at_the_same_moment_all_have_it(tmp_path: Path) -> None:
    openers = [Program("-c", OPENER, tmp_path, 20) for _ in range(8)]
    for opener in openers:
        assert opener.stdout.readline() == "ready\n"
    begin = f"{time.monotonic() + 0.1}\n"
    for opener in openers:
        opener.stdin.write(begin)
        opener.stdin.flush()
    assert [opener.communicate(timeout=WAIT)[1] for opener in openers] == [""] * 8


async def test_pacers_of_one_process_open_a_new_file_at_the_same_moment(tmp_path: Path) -> None:
    for number in range(40):
        pacers = [SharedPacer(tmp_path / f"{number}.db") for _ in range(4)]
        await asyncio.gather(*(pacer.open() for pacer in pacers))
        for pacer in pacers:
            await pacer.aclose()


@pytest.mark.parametrize("kill", [False, True], ids=["all live", "one is killed while it holds a slot"])
def test_real_processes_share_a_page_and_keep_its_limit(path: Path, kill: bool) -> None:
    callers = [Program("-c", CALLER, path, 2.5) for _ in range(4)]
    for caller in callers:
        assert caller.stdout.readline() == "ready\n"
    for caller in callers:
        caller.stdin.write("\n")
        caller.stdin.flush()
    first: list[float] = []
    if kill:
        first.append(float(callers[0].stdout.readline()))
        callers[0].kill()  # its call has arrived and has no answer yet
    arrivals = [[float(line) for line in caller.communicate(timeout=WAIT)[0].split()] for caller in callers]
    arrivals[0] += first
    assert [caller.returncode for caller in callers] == [-9 if kill else 0, 0, 0, 0]
    assert worst_window([moment for its in arrivals for moment in its], 0.5) <= 2
    assert all(arrivals), "each had its turn"
