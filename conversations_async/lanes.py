"""The fan-out: a heap of due lanes, a bounded pool of workers, credits for thread pages not yet taken.

A lane is the walk of one Inbox. It is never a task: between two calls it lies in the heap under the moment from which
its next call may be sent (`due`), or waits aside for the outcome of a pool's probe. A worker takes the lane whose turn
it is, makes one call for it and puts it back. So ten thousand Inboxes are at most `workers` tasks and connections.

A credit is taken for every call under way and returned when its thread page has been consumed: a slow consumer stops
the workers, and nothing is fetched that nobody wants yet.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from functools import partial
from typing import Final, TypeAlias

from attrs import define, field

from conversations_async.asking import Way
from conversations_async.caller import Caller, Tries, Unread
from conversations_async.due import Due
from conversations_async.errors import (
    AnswerUnreadable,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    InboxFailed,
    RequestRejected,
    SessionClosed,
    TooMuchAsked,
    WaitTooLong,
)
from conversations_async.events import (
    Event,
    FieldRefused,
    InboxEnded,
    InboxStarted,
    MessagesMissing,
    ThreadPageRead,
    ThreadUnreadable,
    Waiting,
)
from conversations_async.graph.answers import Answer, refused_field
from conversations_async.graph.decode import one_thread, thread_page
from conversations_async.graph.requests import GraphRequest
from conversations_async.model import Inbox, Page, Platform, Pool, ThreadQuery
from conversations_async.paging import Read, ThreadWalk
from conversations_async.rounds import Expansion, Rounds
from conversations_async.throttle import Permit, Throttle

log = logging.getLogger(__name__)

_FLOCK: Final = 16
"""Calls begun in one go, before the loop looks for answers."""


@define(eq=False)
class Lane:
    """The walk of one Inbox, with its turn."""

    inbox: Inbox
    page: Page
    rounds: Rounds
    query: ThreadQuery = field(factory=ThreadQuery)
    expansion: Expansion | None = None
    """The threads of the last thread page are being asked for their messages."""
    left_out: list[tuple[str, str | None]] = field(factory=list)
    tries: Tries = field(factory=Tries)
    calls: int = 0
    waited: float = 0.0
    ready_at: float = -math.inf
    """Not before this moment: a retry waits. The limits' own moment comes on top."""
    idle_since: float = 0.0
    unreadable: str | None = None
    failed: bool = False

    @property
    def walk(self) -> ThreadWalk:
        """The walk that is under way."""
        return self.rounds.walk

    @property
    def found_in(self) -> str | None:
        """The folder that is being listed, where one is named."""
        return self.rounds.folder

    def next_request(self) -> GraphRequest:
        """What to ask now."""
        return (self.expansion or self.walk).next_request()

    def expand(self, read: Read) -> bool:
        """Ask for the messages of these threads, where they are wanted and the listing does not bring them."""
        wanted = self.inbox.platform is Platform.INSTAGRAM and self.query.asks_messages
        if wanted and read.page.threads:
            expansion = Expansion(self.page, self.inbox, self.query, read, self.left_out)
            self.expansion = None if expansion.done else expansion
        return self.expansion is not None


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
        pause: float = 60.0,
        held: Held | None = None,
    ) -> None:
        self._caller = caller
        self._held = held
        self._throttle = throttle
        self._max_wait = max_wait
        self._fail_fast = fail_fast
        self._tell = tell
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._limit = workers
        self._credits = workers
        self._began = self._clock()
        self._due = Due(lanes, total)
        self._pumping: asyncio.Handle | None = None
        self.total = self._open = total
        self._aside: dict[Lane, asyncio.TimerHandle | None] = {}
        self._workers: set[asyncio.Task[None]] = set()
        self._idle: deque[asyncio.Future[Lane]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._reads: deque[Read] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._reader_waits = False
        self._unread: deque[tuple[Lane, Unread]] = deque()
        self._taken = False
        self._closed = False
        self._crash: BaseException | None = None
        self.failures: list[InboxFailed] = []
        self._end_listening = throttle.on_change(self._look_again)

    # -- the reader's side ---------------------------------------------------------------------------------------------

    async def next_read(self) -> Read | None:
        """What the lanes read next, None after the last. Asking for the next returns the credit of the one before.

        Raises SessionClosed where the session ended first: a listing cut short must not pass for a whole one.
        """
        if self._closed:
            raise SessionClosed("the session was closed while this listing ran")
        if self._taken:
            self._taken = False
            self._credits += 1
        self._pump()
        while not self._reads:
            if self._unread:
                self._read_next()
                self._pump()
                continue
            if self._crash is not None:
                raise self._crash
            if self._open == 0 or (self._fail_fast and self.failures):
                return None
            self._reader = self._loop.create_future()
            self._reader_waits = True
            try:
                await self._reader
            finally:
                self._reader_waits = False
            if self._closed:
                raise SessionClosed("the session was closed while this listing ran")
        self._taken = True
        return self._reads.popleft()

    def cancel(self) -> None:
        """End every call at once. Nothing is left once the workers have been waited for."""
        if self._closed:
            return
        self._closed = True
        self._end_listening()
        if self._timer is not None:
            self._timer.cancel()
        if self._pumping is not None:
            self._pumping.cancel()
        for worker in self._workers:
            worker.cancel()
        self._due.clear()
        for patience in self._aside.values():
            if patience is not None:
                patience.cancel()
        self._aside.clear()
        while self._unread:
            self._caller.leave_unread(self._unread.popleft()[1])
        self._reads.clear()
        self._idle.clear()
        self._wake_reader()

    async def aclose(self) -> None:
        """End every call and wait until no task of this listing is left."""
        self.cancel()
        while self._workers:
            # `wait` leaves the workers alone if this await is cancelled: they are cancelled already.
            await asyncio.wait(self._workers)

    # -- handing lanes out ---------------------------------------------------------------------------------------------

    @property
    def _ends(self) -> bool:
        """No further call is made: what has been read is still handed on, so that a cursor skips nothing."""
        return self._closed or (self._fail_fast and bool(self.failures))

    def _pump(self) -> None:
        """Give due lanes to workers as long as there are both, and credits; then set the timer for the next."""
        if self._ends or self._pumping is not None:
            return
        started = 0
        while self._idle or len(self._workers) < self._limit:
            if started == _FLOCK:
                # The first answers are there before the last call has been made.
                self._pumping = self._loop.call_soon(self._pump_on)
                return
            lane = self._next_due()
            if lane is None:
                self._set_timer()
                return
            started += 1
            if self._idle:
                self._idle.popleft().set_result(lane)
            else:
                worker = self._loop.create_task(self._work(lane), name="conversations-async lane worker")
                self._workers.add(worker)
                worker.add_done_callback(self._worker_ended)

    def _pump_on(self) -> None:
        self._pumping = None
        self._pump()

    def _set_timer(self) -> None:
        due = max(self._due.earliest, self._throttle.ceiling()) if self._credits else math.inf
        if self._timer is not None:
            if self._timer.when() == due:
                return
            self._timer.cancel()
            self._timer = None
        if due < math.inf:
            self._timer = self._loop.call_at(max(due, self._clock()), self._timer_rang)

    def _timer_rang(self) -> None:
        self._timer = None
        self._pump()

    def _next_due(self) -> Lane | None:
        """The lane to go on with, or to begin, and a credit for it. None too where nobody may send."""
        now = self._clock()
        if self._ends or not self._credits or self._throttle.ceiling() > now:
            return None
        lane = self._due.take(now)
        if lane is not None:
            self._credits -= 1
            if lane.calls == 0:
                lane.idle_since = self._began
        return lane

    def _put_back(self, lane: Lane) -> None:
        """Into the heap under its next moment; aside while a probe decides; out where that is later than max_wait."""
        moment, pool = self._throttle.next_moment(lane.inbox, lane.page)
        due = max(moment, lane.ready_at)
        wait = due - self._clock()
        if due == math.inf:
            self._put_aside(lane, pool)
            return
        if self._max_wait is not None and wait > self._max_wait:
            self._fail(lane, WaitTooLong(wait, lane.inbox, pool))
            return
        if pool is not None and wait > 0:
            self._tell(Waiting(lane.inbox, pool, wait))
        self._due.put(due, lane)

    def _put_aside(self, lane: Lane, pool: Pool | None) -> None:
        """Until somebody's outcome is known, and no longer than max_wait."""
        patience = None
        if self._max_wait is not None:
            patience = self._loop.call_later(self._max_wait, self._lose_patience, lane, pool)
        self._aside[lane] = patience

    def _lose_patience(self, lane: Lane, pool: Pool | None) -> None:
        if self._aside.pop(lane, None) is not None:
            self._fail(lane, WaitTooLong(None, lane.inbox, pool))

    def _look_again(self) -> None:
        """Something is known now: lanes that waited for it are due, or wait for a moment."""
        if not self._aside:
            return
        aside, self._aside = self._aside, {}
        for lane, patience in aside.items():
            if patience is not None:
                patience.cancel()
            self._put_back(lane)
        self._pump()

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if self._closed:
            return
        # Nothing foreseen here: tell whoever reads, and do not let them wait for ever.
        if worker.cancelled():
            self._crash = SessionClosed("a call of this listing was cancelled from outside of it")
        else:
            self._crash = worker.exception()
        self._wake_reader()

    # -- one worker ----------------------------------------------------------------------------------------------------

    async def _work(self, lane: Lane) -> None:
        while True:
            await self._serve(lane)
            following = self._next_due()
            if following is None:
                self._set_timer()
                waiting: asyncio.Future[Lane] = self._loop.create_future()
                self._idle.append(waiting)
                following = await waiting
            lane = following

    async def _serve(self, lane: Lane) -> None:
        """One call of a lane. The credit taken for it stays with the thread page, or comes back."""
        if lane.walk.wants_held and self._held is not None:
            lane.walk.hold(await self._held(lane.inbox))
        permit = self._throttle.take(lane.inbox, lane.page)
        if permit is None or not await self._draw(lane, permit):
            self._credits += 1
            if not lane.failed:
                self._put_back(lane)
            return
        self._begin(lane)
        request = lane.next_request()
        try:
            unread = await self._caller.ask(request, lane.page, permit, lane.tries)
        except ConversationsError as error:
            lane.idle_since = self._clock()
            await self._repeat(lane, request, error)
            return
        if self._reader_waits and request.what != "probe":
            self._leave_to_the_reader(lane, unread)
        elif (failure := self._read(lane, unread)) is not None:
            await self._repeat(lane, request, failure)
        elif request.what == "probe":
            await self._probed(lane, request)

    def _read(self, lane: Lane, unread: Unread) -> ConversationsError | None:
        """Take an answer in; the error where it is none that the walk can go on with."""
        lane.idle_since = self._clock()
        request = unread.request
        try:
            answer = self._caller.take_in(unread)
            take_in = self._reader_of(lane, request, answer)
        except ConversationsError as error:
            return error
        if request.what == "probe":
            return None
        lane.tries = Tries()
        if lane.expansion is not None:
            lane.expansion.feed(answer.payload)
            self._go_on_expanding(lane, lane.expansion)
        else:
            self._take_in(lane, take_in)
        return None

    # -- answers that the reader reads ---------------------------------------------------------------------------------

    def _leave_to_the_reader(self, lane: Lane, unread: Unread) -> None:
        """Whoever waits for threads reads the answer: one thread page at a time is decoded, consumed and freed.

        Answers come in flocks. Decoded in one go, 16 of them cost half as much again as one by one: their objects fall
        out of the cache, and wake the garbage collector.
        """
        if not self._unread:
            self._wake_reader()
            # Behind the reader's own step: where it does not come back at once, nobody's next call waits for it.
            self._loop.call_soon(self._read_the_rest)
        self._unread.append((lane, unread))

    def _read_next(self) -> None:
        lane, unread = self._unread.popleft()
        if (error := self._read(lane, unread)) is not None:
            task = self._loop.create_task(self._repeat_apart(lane, unread.request, error), name=_REPEAT_NAME)
            self._workers.add(task)
            task.add_done_callback(self._worker_ended)

    def _read_the_rest(self) -> None:
        try:
            while self._unread:
                self._read_next()
        except Exception as crash:
            self._crash = crash
            self._wake_reader()
        self._pump()

    async def _repeat_apart(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> None:
        """For the reader, whose step must not wait for a token to be renewed."""
        await self._repeat(lane, request, error)
        self._pump()

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

    def _reader_of(self, lane: Lane, request: GraphRequest, answer: Answer) -> Callable[[], Read | None]:
        """What gives an answer to the walk; decoded already, so that only the call can fail."""
        walk = lane.walk
        if lane.expansion is not None or request.what == "probe":
            return lambda: None
        if request.what == "thread":
            return partial(walk.feed_thread, one_thread(answer.payload, lane.inbox, found_in=lane.found_in))
        return partial(walk.feed, thread_page(answer.payload, lane.inbox, answer.usage, found_in=lane.found_in))

    async def _probed(self, lane: Lane, request: GraphRequest) -> None:
        """The other read has passed: back to the listing, whose failures go on counting."""
        lane.walk.feed_probe()
        error = lane.tries.last
        self._credits += 1
        if error is None:
            self._put_back_in(lane, 0.0)
        else:
            await self._retry(lane, request, error)

    def _take_in(self, lane: Lane, take_in: Callable[[], Read | None]) -> None:
        """Hand what the walk reads on to the reader, and the lane back to the heap or to its end."""
        walk = lane.walk
        settling = walk.settling
        read = take_in()
        self._tell_of(lane)
        if read is None:
            self._credits += 1
            self._put_back(lane)
            return
        read = lane.rounds.take(read)
        page = read.page
        self._tell(ThreadPageRead(lane.inbox, len(page.threads), page.more, settling))
        for path in page.unreadable:
            lane.unreadable = lane.unreadable or path
            self._tell(ThreadUnreadable(lane.inbox, path))
        if lane.expand(read):
            # Nothing to be taken yet: the credit for it comes back and is taken again with each call.
            self._credits += 1
            self._put_back(lane)
        else:
            self._hand_on(lane, read)

    def _go_on_expanding(self, lane: Lane, expansion: Expansion) -> None:
        """One more thread has its messages, or goes without; after the last the thread page is handed on."""
        if expansion.done:
            lane.expansion = None
            self._hand_on(lane, expansion.result())
        else:
            self._credits += 1
            self._put_back(lane)

    def _hand_on(self, lane: Lane, read: Read) -> None:
        walk = lane.walk
        self._reads.append(read)
        self._wake_reader()
        if walk.stuck is not None:
            self._fail(lane, walk.stuck)
        elif walk.done and not lane.rounds.advance():
            self._end(lane)
        else:
            self._put_back(lane)

    async def _repeat(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> None:
        """What becomes of a lane whose call failed: asked again, for less, later, or not at all."""
        if self._leave_out(lane, error):
            lane.tries = Tries()
            self._credits += 1
            self._put_back_in(lane, 0.0)
            return
        if lane.expansion is not None:
            await self._repeat_expanding(lane, lane.expansion, request, error)
            return
        walk = lane.walk
        percent = usage.percent if (usage := self._throttle.usage(lane.inbox)) is not None else 0.0
        way = walk.failed(error, tries=lane.tries.count, percent=percent)
        self._tell_of(lane)
        if way is Way.MARK:
            lane.tries = Tries()
            self._take_in(lane, partial(walk.let_unavailable, error))
            return
        self._credits += 1
        if walk.done:
            self._end(lane)
            return
        wait = 0.0
        if way is Way.AGAIN:
            lane.tries = Tries()
        elif way is Way.PROBE:
            lane.tries.last = error
        elif way is Way.LATER:
            wait = self._pause
        elif way is Way.END:
            self._fail(lane, walk.verdict(error))
            return
        else:
            await self._retry(lane, request, error)
            return
        self._put_back_in(lane, wait)

    async def _retry(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> None:
        """Asked again as the policy says, or not at all."""
        try:
            wait = await self._caller.wait_before_retry(error, request, lane.page, lane.tries)
        except ConversationsError as worse:
            # The token callable failed while a rejected token was to be renewed.
            self._fail(lane, worse)
            return
        if wait is None or (self._max_wait is not None and wait > self._max_wait):
            # Nobody's limit holds the next try back: what has failed is to be told, and not how long it would be.
            self._fail(lane, error if lane.expansion is not None else lane.walk.verdict(error))
            return
        self._put_back_in(lane, wait)

    def _put_back_in(self, lane: Lane, seconds: float) -> None:
        lane.ready_at = self._clock() + seconds
        self._put_back(lane)

    async def _repeat_expanding(
        self, lane: Lane, expansion: Expansion, request: GraphRequest, error: ConversationsError
    ) -> None:
        """A thread that cannot be asked for its messages goes without; what is wrong with the Inbox ends it."""
        if isinstance(error, GraphError) and expansion.recover(error):
            lane.tries = Tries()
            self._go_on_expanding(lane, expansion)
            return
        if _is_of_the_thread(error, lane.tries):
            self._tell(MessagesMissing(lane.inbox, expansion.thread_id, error))
            lane.tries = Tries()
            expansion.give_up()
            self._go_on_expanding(lane, expansion)
            return
        self._credits += 1
        await self._retry(lane, request, error)

    def _leave_out(self, lane: Lane, error: ConversationsError) -> bool:
        """Whether the same place can be asked without a field that does not exist there."""
        refused = refused_field(error)
        if refused is None or not (lane.expansion or lane.walk).leave_out(*refused):
            return False
        if lane.expansion is None:
            lane.rounds.left_out.append(refused)
        self._tell(FieldRefused(lane.inbox, refused[0]))
        return True

    def _tell_of(self, lane: Lane) -> None:
        told, lane.walk.told = lane.walk.told, []
        for event in told:
            self._tell(event)

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _end(self, lane: Lane) -> None:
        """The walk is done; where an entry was no thread, nobody may take the listing for complete."""
        if lane.unreadable is None:
            self._leave(lane, None)
            return
        path, _, reason = lane.unreadable.partition(": ")
        failure = AnswerUnreadable(reason, path, lane.inbox)
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
            self._reads.append(expansion.result())
            self._wake_reader()
        self.failures.append(InboxFailed(lane.inbox, error, lane.rounds.resume))
        lane.failed = True
        self._leave(lane, error)

    def _leave(self, lane: Lane, failure: ConversationsError | None) -> None:
        self._open -= 1
        self._due.end()
        self._tell(InboxEnded(lane.inbox, lane.rounds.threads, lane.calls, lane.waited, failure))
        if self._open == 0 or (self._fail_fast and self.failures):
            self._wake_reader()

    def _wake_reader(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


_REPEAT_NAME: Final = "conversations-async lane repeat"
_GIVE_UP_AFTER: Final = 3


def _is_of_the_thread(error: ConversationsError, tries: Tries) -> bool:
    """Whether the thread is to blame and not the Inbox: it is gone, or fails Graph again and again (contract 7.2)."""
    if isinstance(error, RequestRejected | TooMuchAsked):
        return True
    return isinstance(error, GraphUnavailable) and error.code is not None and tries.count >= _GIVE_UP_AFTER
