"""The fan-out: lanes that are due, a bounded pool of workers, credits for thread pages not yet taken.

A lane is the walk of one Inbox. It is never a task: between two calls it waits its turn (`due`). A worker takes the
lane that is due the longest, makes one call for it and puts it back.

A credit is taken for every call under way and returned when its thread page has been consumed: a slow consumer stops
the workers, and nothing is fetched that nobody wants yet. Of the credits no more are used than keep the reader busy
(`window`).
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Final, TypeAlias

from conversations_async.caller import Caller, Tries, Unread
from conversations_async.due import Due
from conversations_async.errors import AnswerUnreadable, ConversationsError, InboxFailed, SessionClosed
from conversations_async.events import (
    Event,
    InboxEnded,
    InboxStarted,
    MessagesMissing,
    ThreadPageRead,
    ThreadUnreadable,
)
from conversations_async.graph.answers import Answer
from conversations_async.graph.decode import listed_page, one_thread, thread_page
from conversations_async.graph.requests import GraphRequest
from conversations_async.handover import HandOver
from conversations_async.lane import Lane
from conversations_async.mending import Mending, Step, Then
from conversations_async.model import Inbox, Thread, ThreadPage
from conversations_async.paging import Read
from conversations_async.rounds import Expansion
from conversations_async.throttle import Permit, Throttle
from conversations_async.window import IDLE, Window

log = logging.getLogger(__name__)

_FLOCK: Final = 16
"""Calls begun in one go, before the loop looks for answers."""

Held: TypeAlias = Callable[[Inbox], Awaitable[Mapping[str, str]]]
"""What the reader of a listing taken up holds of an Inbox: thread id → `updated_time`, as Meta writes it."""


class FanOut:
    """All lanes of one listing. Owned by the session, read by one generator."""

    def __init__(
        self,
        lanes: Iterator[Lane],
        *,
        total: int,
        caller: Caller,
        throttle: Throttle,
        workers: int,
        max_wait: float | None,
        fail_fast: bool,
        tell: Callable[[Event], None],
        heard: Callable[[], bool],
        pause: float = 60.0,
        held: Held | None = None,
    ) -> None:
        self._caller = caller
        self._held = held
        self._throttle = throttle
        self._max_wait = max_wait
        self._fail_fast = fail_fast
        self._tell = tell
        self._heard = heard
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._limit = workers
        self._credits = workers
        self._window = Window(workers)
        self._due = Due(lanes, total=total, throttle=throttle, max_wait=max_wait, tell=tell, fail=self._fail)
        self._mending = Mending(caller=caller, throttle=throttle, max_wait=max_wait, pause=pause, tell=tell)
        self._over = HandOver(self._read_left, self._pump)
        self._pumping: asyncio.Handle | None = None
        self.total = self._open = total
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: deque[asyncio.Future[Lane]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._idling: asyncio.TimerHandle | None = None
        self._taken = False
        self._closed = False
        self._when_over: Callable[[FanOut], None] | None = None
        self._ends = False
        """No further call is made: what has been read is still handed on, so that a cursor skips nothing."""
        self.failures: list[InboxFailed] = []
        self._end_listening = throttle.on_change(self._look_again)

    # -- the reader's side ---------------------------------------------------------------------------------------------

    async def next_read(self) -> Read | None:
        """What the lanes read next, None after the last. Asking for the next returns the credit of the one before.

        Raises SessionClosed where the session ended first: a listing cut short must not pass for a whole one.
        """
        self._ensure_open()
        # Where more calls could be made already, whoever was due has been called when the last answer was read.
        pumped = self._taken and self._may_call
        if self._taken:
            self._taken = False
            self._credits += 1
        if not pumped:
            self._pump()
        await self._over.rest()
        self._ensure_open()
        while (read := self._over.next()) is None:
            if self._open == 0 or (self._fail_fast and self.failures):
                return None
            if self._window.ran_dry(self._limit - self._credits):
                self._pump()
            await self._over.wait()
            self._ensure_open()
        self._taken = True
        return read

    def cancel(self) -> None:
        """End every call at once. Nothing is left once the workers have been waited for."""
        if self._closed:
            return
        self._closed = self._ends = True
        self._end_listening()
        if self._timer is not None:
            self._timer.cancel()
        if self._pumping is not None:
            self._pumping.cancel()
        if self._idling is not None:
            self._idling.cancel()
        for worker in self._workers:
            worker.cancel()
        self._due.clear()
        for unread in self._over.clear():
            self._caller.drop(unread)
        self._idle.clear()

    async def aclose(self) -> None:
        """End every call and wait until no task of this listing is left."""
        self.cancel()
        while self._workers:
            # `wait` leaves the workers alone if this await is cancelled: they are cancelled already.
            await asyncio.wait(self._workers)

    def when_over(self, then: "Callable[[FanOut], None]") -> None:
        """Call this of a listing that was cancelled as soon as no task of it is left."""
        if self._workers:
            self._when_over = then
        else:
            then(self)

    def _ensure_open(self) -> None:
        if self._closed:
            raise SessionClosed("the session was closed while this listing ran")

    # -- handing lanes out ---------------------------------------------------------------------------------------------

    @property
    def _may_call(self) -> bool:
        """Whether one more call may be under way."""
        return self._limit - self._credits < self._window.size

    def _pump(self) -> None:
        """Give due lanes to workers as long as there are both, and credits; then set the timer for the next."""
        if self._ends or self._pumping is not None:
            return
        started = 0
        while self._idle or len(self._workers) < self._limit:
            if started >= _FLOCK:
                # The first answers are there before the last call has been made.
                self._pumping = self._loop.call_soon(self._pump_on)
                return
            if self._idle and self._idle[0].done():
                self._idle.popleft()  # its worker was cancelled from outside, which ends the listing
                continue
            lane = self._next_due()
            if lane is None:
                return
            if self._idle:
                started += 1
                self._idle.popleft().set_result(lane)
            else:
                # It may have to connect, with work to do in each of the loop's next turns: more of them in one turn
                # would hold up the first answers.
                started = _FLOCK
                self._own(self._loop.create_task(self._work(lane), name="conversations-async lane worker"))

    def _pump_on(self) -> None:
        self._pumping = None
        self._pump()

    def _next_due(self) -> Lane | None:
        """The lane to go on with, and a credit for it; where there is none, the timer is set for the next."""
        found = self._due.pop() if self._may_call and not self._ends else math.inf
        if isinstance(found, Lane):
            self._credits -= 1
            return found
        if self._timer is not None or found < math.inf:
            self._set_timer(found)
        if self._idling is None and self._credits and not self._may_call and not self._ends:
            self._idling = self._loop.call_later(IDLE, self._look_for_idleness, self._window.answers)
        return None

    def _look_for_idleness(self, answers: int) -> None:
        """All calls are under way: more are made where the reader waits and nothing has come since."""
        self._idling = None
        if self._over.waited_for and self._window.answers == answers and not self._may_call:
            self._window.idled()
            self._pump()

    def _set_timer(self, moment: float) -> None:
        if self._timer is not None:
            if self._timer.when() == moment:
                return
            self._timer.cancel()
            self._timer = None
        if moment < math.inf:
            self._timer = self._loop.call_at(max(moment, self._clock()), self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self._pump()

    def _look_again(self) -> None:
        if self._due.look_again():
            self._pump()

    def _own(self, worker: asyncio.Task[None]) -> None:
        self._workers.add(worker)
        worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if self._closed:
            if not self._workers and self._when_over is not None:
                self._when_over(self)
        elif worker.cancelled():
            self._over.crash(SessionClosed("a call of this listing was cancelled from outside of it"))
        elif (crash := worker.exception()) is not None:
            # Those that mend end by themselves, and take back nothing of what another has told.
            self._over.crash(crash)

    # -- one worker ----------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        while True:
            await self._serve(lane)
            following = self._next_due()
            if following is None:
                waiting: asyncio.Future[Lane] = self._loop.create_future()
                self._idle.append(waiting)
                following = await waiting
            lane = following

    async def _serve(self, lane: Lane) -> None:
        """One call of a lane. The credit taken for it stays with the thread page, or comes back."""
        if self._held is not None and lane.walk.wants_held:
            lane.walk.hold(await self._held(lane.inbox))
        permit = self._throttle.take(lane.inbox, lane.page)
        # Without a pace there is nothing to draw from.
        if permit is None or (permit.slot is not None and not await self._draw(lane, permit)):
            self._credits += 1
            if not lane.failed:
                self._due.put_back(lane)
            return
        self._begin(lane)
        request = lane.next_request()
        try:
            unread = await self._caller.ask(request, lane.page, permit, lane.tries)
        except ConversationsError as error:
            lane.idle_since = self._clock()
            await self._mend(lane, request, error)
            return
        self._window.answered(self._over.ahead)
        if self._over.waited_for and request.what != "probe":
            self._over.leave_unread(lane, unread)
        elif (failure := self._read(lane, unread)) is not None:
            await self._mend(lane, request, failure)
        elif request.what == "probe":
            await self._probed(lane, request)

    async def _draw(self, lane: Lane, permit: Permit) -> bool:
        """Whether the call may go out now; a turn that processes share may lie too far away for it."""
        give_up_at = math.inf if self._max_wait is None else self._clock() + self._max_wait
        try:
            return await self._throttle.draw(permit, give_up_at=give_up_at)
        except ConversationsError as error:
            self._fail(lane, error)
            return False

    def _begin(self, lane: Lane) -> None:
        lane.waited += self._clock() - lane.idle_since
        if lane.calls == 0:
            self._tell(InboxStarted(lane.inbox))
        lane.calls += 1

    # -- answers -------------------------------------------------------------------------------------------------------

    def _read_left(self, lane: Lane, unread: Unread) -> None:
        """For the reader, whose step must not wait for a token to be renewed."""
        if (error := self._read(lane, unread)) is not None:
            self._own(self._loop.create_task(self._mend_apart(lane, unread.request, error), name=_MENDING))

    def _read(self, lane: Lane, unread: Unread) -> ConversationsError | None:
        """Take an answer in; the error where it is none that the walk can go on with."""
        lane.idle_since = self._clock()
        request = unread.request
        try:
            answer = self._caller.take_in(unread, at_once=lane.expansion is None and request.what == "threads")
            if request.what == "probe":
                return None
            told = _decoded(lane, request, answer) if lane.expansion is None else None
        except ConversationsError as error:
            return error
        lane.tries = Tries()
        if lane.expansion is not None:
            lane.expansion.feed(answer.payload)
            self._go_on_expanding(lane, lane.expansion)
        elif told is not None:
            walk = lane.walk
            settling = walk.settling
            self._take_in(lane, walk.feed_thread(told) if isinstance(told, Thread) else walk.feed(told), settling)
        return None

    async def _probed(self, lane: Lane, request: GraphRequest) -> None:
        """The other read has passed: back to the listing, whose failures go on counting."""
        lane.walk.feed_probe()
        error = lane.tries.last
        if error is not None:
            self._go_on(lane, await self._mending.retry(lane, request, error))
        else:
            self._credits += 1
            self._put_back_in(lane, 0.0)

    def _take_in(self, lane: Lane, read: Read | None, settling: bool) -> None:
        """Hand what the walk has read on to the reader, and the lane back to the heap or to its end."""
        lane.tell(self._tell)
        if read is None:
            self._credits += 1
            self._due.put_back(lane)
            return
        read = lane.rounds.take(read)
        page = read.page
        if self._heard():
            self._tell(ThreadPageRead(lane.inbox, len(page.threads), page.more, settling))
        for path in page.unreadable:
            lane.unreadable = lane.unreadable or path
            self._tell(ThreadUnreadable(lane.inbox, path))
        if lane.expand(read):
            # Nothing to be taken yet: the credit for it comes back and is taken again with each call.
            self._credits += 1
            self._due.put_back(lane)
        else:
            self._hand_on(lane, read)

    def _go_on_expanding(self, lane: Lane, expansion: Expansion) -> None:
        """One more thread has its messages, or goes without; after the last the thread page is handed on."""
        if expansion.done:
            lane.expansion = None
            self._hand_on(lane, expansion.result())
        else:
            self._credits += 1
            self._due.put_back(lane)

    def _hand_on(self, lane: Lane, read: Read) -> None:
        walk = lane.walk
        self._over.hand_on(read)
        if walk.stuck is not None:
            self._fail(lane, walk.stuck)
        elif walk.done and not lane.rounds.advance():
            self._end(lane)
        else:
            self._due.put_back(lane)

    # -- failures and ends ---------------------------------------------------------------------------------------------

    async def _mend(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> None:
        self._go_on(lane, await self._mending.failed(lane, request, error))

    async def _mend_apart(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> None:
        await self._mend(lane, request, error)
        self._pump()

    def _go_on(self, lane: Lane, step: Step) -> None:
        """After a failure: its credit comes back, unless there is a thread page all the same."""
        if step.then is Then.EXPANDED and lane.expansion is not None:
            self._go_on_expanding(lane, lane.expansion)
            return
        if step.then is Then.MARKED:
            settling = lane.walk.settling
            self._take_in(lane, lane.walk.let_unavailable(step.error), settling)
            return
        self._credits += 1
        if step.then is Then.END:
            self._end(lane)
        elif step.then is Then.FAIL:
            self._fail(lane, step.error)
        else:
            self._put_back_in(lane, step.after)

    def _put_back_in(self, lane: Lane, seconds: float) -> None:
        lane.ready_at = self._clock() + seconds
        self._due.put_back(lane)

    def _end(self, lane: Lane) -> None:
        """The walk is done; where an entry was no thread, nobody may take the listing for complete."""
        if lane.unreadable is None:
            self._leave(lane, None)
            return
        failure = AnswerUnreadable.of_entry(lane.unreadable, lane.inbox)
        self.failures.append(InboxFailed(lane.inbox, failure, None))
        self._leave(lane, failure)

    def _fail(self, lane: Lane, error: ConversationsError) -> None:
        log.debug("%s", error)
        if lane.expansion is not None:
            # Its threads have been read and the cursor to resume from lies behind them: handed on as they are.
            expansion, lane.expansion = lane.expansion, None
            for thread_id in expansion.missing:
                self._tell(MessagesMissing(lane.inbox, thread_id, error))
            self._credits -= 1
            self._over.hand_on(expansion.result())
        self.failures.append(InboxFailed(lane.inbox, error, lane.rounds.resume))
        lane.failed = True
        self._leave(lane, error)

    def _leave(self, lane: Lane, failure: ConversationsError | None) -> None:
        self._open -= 1
        self._ends = self._closed or (self._fail_fast and bool(self.failures))
        self._due.ended()
        self._throttle.leave(lane.inbox)
        self._tell(InboxEnded(lane.inbox, lane.rounds.threads, lane.calls, lane.waited, failure))
        if self._open == 0 or (self._fail_fast and self.failures):
            self._over.wake()


_MENDING: Final = "conversations-async lane mending"


def _decoded(lane: Lane, request: GraphRequest, answer: Answer) -> ThreadPage | Thread:
    """What an answer tells, before it is given to the walk: the call and decoding may fail, the walk may not."""
    if answer.listing is not None:
        return listed_page(answer.listing, lane.inbox, answer.usage, found_in=lane.found_in)
    if request.what == "thread":
        return one_thread(answer.payload, lane.inbox, found_in=lane.found_in)
    return thread_page(answer.payload, lane.inbox, answer.usage, found_in=lane.found_in)
