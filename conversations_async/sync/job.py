"""The sync itself: every Inbox listed into a store, from where the last run left it.

Each Inbox is a task of its own that asks for a thread page only when the one before is committed: whatever kills the
run, an Inbox has at most one thread page to ask for again. The first listing brings everything. Later ones go from the
head down to the watermark less an overlap; `full` lists everything again and marks what is gone. Where messages are
wanted in full, threads that have moved are read down to the newest message held.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, TypeAlias

from attrs import define, evolve, field, frozen

from conversations_async.errors import (
    AnswerUnreadable,
    ConversationsError,
    GraphUnavailable,
    InboxErrors,
    InboxFailed,
    PagingStuck,
    RequestRejected,
    TooMuchAsked,
)
from conversations_async.events import CallAnswered, Event, FieldRefused, InboxEnded, MessagesMissing, Unsettled
from conversations_async.message import Message
from conversations_async.model import Inbox, Page, Platform, PoolUsage, ThreadPage, ThreadQuery
from conversations_async.session import ConversationSession
from conversations_async.sync.errors import StoreError, StoreInUse, StoreMissing, StoreUnavailable
from conversations_async.sync.locking import moment_text
from conversations_async.sync.plan import SyncPlan, plan_of
from conversations_async.sync.reading import open_reader
from conversations_async.sync.rows import asked_by
from conversations_async.sync.saving import standings
from conversations_async.sync.store import Store
from conversations_async.sync.values import InboxReport, Listing, Outcome, Standing, SyncReport, Unread

OVERLAP: Final = timedelta(minutes=5)
"""How far behind the watermark a later listing reads: clocks and answers of Meta's machines differ by less."""

MessagesWanted: TypeAlias = Literal["none", "all"] | int
"""`none`; the newest so many of each thread that is listed; or `all`, read thread by thread."""

_STILL: Final = 5.0
"""Seconds without an answer after which an Inbox waits for something: another may begin in its place."""
_MESSAGES_AT_ONCE: Final = 500
_UNREAD_AT_ONCE: Final = 50
_AN_OUTAGE: Final = 3
"""Threads in a row that Meta answers with a fault of its own: then it is not theirs."""
_SAMPLE_EVERY: Final = 10.0
"""Seconds between two notes of a pool's usage that has not changed much."""
_SAMPLE_STEP: Final = 5.0


@define(eq=False)
class Tally:
    """How it stands for one Inbox, while it runs."""

    inbox: Inbox
    page: Page
    report: InboxReport = field(init=False)
    calls: int = 0
    waited: float = 0.0
    refused: set[str] = field(factory=set)
    unsettled: bool = False
    unread: int = 0
    """Threads whose messages could not be had."""
    without: dict[str, ConversationsError] = field(factory=dict)
    """Threads that were listed without their messages, and why."""
    ended_by: ConversationsError | None = None
    at_work: bool = False
    """Whether it counts among the Inboxes at once."""
    answered_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.report = InboxReport(self.inbox)


@frozen
class _Ended(Exception):
    """The run is to end after what has been saved."""


class SyncJob:
    """One sync of some Pages' Inboxes into a store; both are entered already.

    `messages`: none, the newest N, or all. `full` lists everything again and marks threads that are gone. `on_inbox` is
    called with the report of each Inbox as it ends. A StoreError ends the run; an Inbox that fails ends only itself.
    No more than `inboxes_at_once` are listed side by side, those apart that wait for a limit: 256 make five hundred
    calls a second, and a walk remembers every thread it has seen.
    """

    def __init__(
        self,
        session: ConversationSession,
        store: Store,
        pages: Iterable[Page],
        *,
        platforms: Iterable[Platform | str] | None = None,
        query: ThreadQuery = ThreadQuery(),  # noqa: B008  # frozen
        messages: MessagesWanted = "none",
        full: bool = False,
        settle: bool = True,
        max_wait: float | None = None,
        fail_fast: bool = False,
        overlap: timedelta = OVERLAP,
        inboxes_at_once: int = 256,
        on_inbox: Callable[[InboxReport], None] | None = None,
    ) -> None:
        if query.user_id is not None or query.not_older_than is not None or query.not_newer_than is not None:
            raise ValueError("a sync lists whole Inboxes: leave out user_id and bounds of time")
        if isinstance(messages, int) and (isinstance(messages, bool) or messages < 1):
            raise ValueError("messages is 'none', 'all', or a number from 1 up")
        self._session, self._store = session, store
        self._query = evolve(query, messages=messages if isinstance(messages, int) else 0)
        self._all_messages = messages == "all"
        self._full, self._settle, self._max_wait, self._fail_fast = full, settle, max_wait, fail_fast
        self._overlap, self._on_inbox = overlap, on_inbox
        wanted = None if platforms is None else {Platform(each) for each in platforms}
        self.run_id = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"
        self.tallies: dict[Inbox, Tally] = {
            inbox: Tally(inbox, page)
            for page in pages
            for inbox in (Inbox(page.id, platform) for platform in page.platforms)
            if wanted is None or inbox.platform in wanted
        }
        """How it stands, Inbox by Inbox."""
        self._stopping = False
        self._stop = asyncio.Event()
        self._gate = asyncio.Semaphore(inboxes_at_once)
        self._looked_at = 0.0
        self._fault: StoreError | None = None
        self._samples: dict[tuple[str, str], tuple[float, float]] = {}

    async def plan(self) -> SyncPlan:
        """What the run will cost, by what the database and earlier runs know. Makes no call to Meta."""
        standings = await self._store.standings(list(self.tallies))
        return plan_of(standings.values(), self._query, full=self._full, messages=self._all_messages)

    def stop(self) -> None:
        """End cleanly: each Inbox after what it has read is saved. The next run goes on from there."""
        self._stopping = True
        self._stop.set()

    async def run(self) -> SyncReport:
        """Sync every Inbox. Raises StoreError where the database does not take it; what was saved before is there."""
        end_listening = self._session.listen(self._hear)
        gate = self._gate
        tasks = {
            asyncio.create_task(self._sync(tally, gate), name=f"conversations-async sync {inbox.key}")
            for inbox, tally in self.tallies.items()
        }
        try:
            await self._watch(tasks)
        finally:
            end_listening()
            for task in tasks:
                task.cancel()
            if tasks:
                await asyncio.wait(tasks)
        if self._fault is not None:
            raise self._fault
        for tally in self.tallies.values():
            if tally.report.outcome is Outcome.RUNNING:
                self._end(tally, Outcome.INTERRUPTED)
        return SyncReport(self.run_id, tuple(tally.report for tally in self.tallies.values()))

    async def _watch(self, tasks: set[asyncio.Task[None]]) -> None:
        """Until all are done, or one has met what ends the run, or it is to end."""
        stopped = asyncio.create_task(self._stop.wait(), name="conversations-async sync stop")
        left = tasks
        try:
            while left and not self._stopping:
                done, _ = await asyncio.wait({*left, stopped}, timeout=_STILL, return_when=asyncio.FIRST_COMPLETED)
                left = left - done
                self._make_room()
                for task in done - {stopped}:
                    task.result()
                if self._fault is not None:
                    return
                if self._fail_fast and any(each.report.outcome is Outcome.FAILED for each in self.tallies.values()):
                    self.stop()
            if left:
                # Those that wait for a pool would not look before it opens: nothing of theirs is unsaved.
                await asyncio.wait(left, timeout=_GRACE)
        finally:
            stopped.cancel()

    # -- one Inbox -----------------------------------------------------------------------------------------------------

    async def _sync(self, tally: Tally, gate: asyncio.Semaphore) -> None:
        """One Inbox from its beginning to its end, whatever that is."""
        await gate.acquire()
        tally.at_work, tally.answered_at = True, asyncio.get_running_loop().time()
        try:
            if not self._stopping:
                await self._sync_noted(tally)
        except (StoreUnavailable, StoreInUse) as error:
            self._fault = self._fault or error
        finally:
            self._leave_room(tally)

    def _make_room(self) -> None:
        """Inboxes that wait for a pool, perhaps for hours, keep nobody from beginning."""
        now = asyncio.get_running_loop().time()
        if now < self._looked_at + _STILL or not self._gate.locked():
            return
        self._looked_at = now
        for tally in self.tallies.values():
            if now - tally.answered_at >= _STILL:
                self._leave_room(tally)

    def _leave_room(self, tally: Tally) -> None:
        if tally.at_work:
            tally.at_work = False
            self._gate.release()

    async def _sync_noted(self, tally: Tally) -> None:
        """Every ending is noted in the store."""
        listing = await self._store.begin(
            tally.page, tally.inbox, run_id=self.run_id, folders=self._folders(tally.inbox), whole=self._full
        )
        tally.report = evolve(tally.report, kind=listing.kind)
        try:
            await self._list(tally, listing)
            if self._all_messages:
                await self._read_messages(tally, listing)
            self._ready(tally, Outcome.COMPLETE)
            gone = await self._store.finish(listing, tally.report, gone=not tally.unsettled and self._settle)
            tally.report = evolve(tally.report, gone=gone)
        except _Ended:
            self._ready(tally, Outcome.INTERRUPTED)
            await self._store.leave(listing, tally.report)
        except asyncio.CancelledError:
            if self._stopping and self._fault is None:
                self._ready(tally, Outcome.INTERRUPTED)
                await asyncio.shield(asyncio.ensure_future(self._store.leave(listing, tally.report)))
            raise
        except ConversationsError as error:
            self._fail(tally, listing, error)
            await self._store.leave(listing, tally.report)
        except (StoreUnavailable, StoreInUse):
            raise
        except StoreError as error:
            self._fail(tally, listing, error)
            await self._store.leave(listing, tally.report)
        self._tell(tally)

    def _fail(self, tally: Tally, listing: Listing, error: Exception) -> None:
        cause = error.cause if isinstance(error, InboxFailed) else error
        if isinstance(cause, PagingStuck | AnswerUnreadable):
            listing.cursor = None  # it leads nowhere, or past what could not be read
        sentence = str(cause).removeprefix(f"{tally.inbox}: ")
        advice = getattr(cause, "advice", None)
        self._ready(tally, Outcome.FAILED, sentence, advice if isinstance(advice, str) else "Run again.")

    def _ready(self, tally: Tally, outcome: Outcome, cause: str | None = None, next_step: str | None = None) -> None:
        if outcome is Outcome.INTERRUPTED:
            cause, next_step = "the run was ended", "Run again: it goes on where it was."
        elif outcome is Outcome.COMPLETE and (unread := tally.unread + len(tally.without)):
            cause = f"{unread} threads would not tell their messages"
        tally.report = evolve(
            tally.report,
            outcome=outcome,
            cause=cause,
            next_step=next_step,
            calls=tally.calls,
            waited=round(tally.waited, 3),
        )

    def _end(self, tally: Tally, outcome: Outcome) -> None:
        self._ready(tally, outcome)
        self._tell(tally)

    def _tell(self, tally: Tally) -> None:
        if self._on_inbox is not None:
            self._on_inbox(tally.report)

    # -- listing -------------------------------------------------------------------------------------------------------

    def _folders(self, inbox: Inbox) -> str:
        """Which folders are listed, as a text that is the same for the same; "" for the platform's own choice."""
        return ",".join(name for name in self._query.folders_on(inbox.platform) if name)

    async def _list(self, tally: Tally, listing: Listing) -> None:
        """Every thread page, saved one by one."""
        since = None if listing.since is None else listing.since - self._overlap
        query = evolve(self._query, updated_since=since)
        fields, named = query.fields_on(tally.inbox.platform), bool(listing.folders)
        pages = self._session.thread_pages(
            [tally.page],
            platforms=[tally.inbox.platform],
            query=query,
            settle=self._settle,
            max_wait=self._max_wait,
            resume={tally.inbox: listing.cursor},
            held=lambda _: self._store.held(listing, since),
            at_once=1,
        )
        try:
            async with aclosing(pages):
                async for listed in pages:
                    page = _without_cut_off(listed, tally, listing)
                    asked = asked_by(fields, frozenset(tally.refused), folder=named)
                    saved = await self._store.save(listing, page, asked)
                    report = tally.report
                    tally.report = evolve(
                        report,
                        new=report.new + saved.new,
                        changed=report.changed + saved.changed,
                        unchanged=report.unchanged + saved.unchanged,
                        messages=report.messages + saved.messages,
                    )
                    await self._note_usage(page)
                    if self._stopping:
                        raise _Ended
        except InboxErrors as errors:
            raise errors.failures[0] from None

    async def _note_usage(self, page: ThreadPage) -> None:
        """What Meta said, where it is news: pools are shared, and said again with every answer."""
        if page.usage is None:
            return
        now = asyncio.get_running_loop().time()
        samples: list[tuple[str, PoolUsage]] = []
        for pool in page.usage.pools:
            at, percent = self._samples.get((pool.kind, pool.id), (-_SAMPLE_EVERY, -_SAMPLE_STEP))
            if now - at >= _SAMPLE_EVERY or abs(pool.percent - percent) >= _SAMPLE_STEP:
                self._samples[pool.kind, pool.id] = now, pool.percent
                samples.append((moment_text(), pool))
        if samples:
            await self._store.note_usage(self.run_id, page.inbox, samples)

    # -- messages ------------------------------------------------------------------------------------------------------

    async def _read_messages(self, tally: Tally, listing: Listing) -> None:
        """All messages not held yet, of the threads that have moved; a thread that tells none is left for next time."""
        skipped: set[str] = set()
        in_a_row = 0
        while True:
            some = await self._store.unread(listing, most=_UNREAD_AT_ONCE + len(skipped))
            left = [thread for thread in some if thread.id not in skipped]
            if not left:
                return
            for thread in left:
                try:
                    await self._read_thread(tally, listing, thread)
                    in_a_row = 0
                except (RequestRejected, TooMuchAsked, AnswerUnreadable, GraphUnavailable) as error:
                    # A thread that breaks every answer keeps no other from being read; an outage breaks them all.
                    in_a_row += isinstance(error, GraphUnavailable)
                    if in_a_row >= _AN_OUTAGE:
                        raise
                    skipped.add(thread.id)
                    tally.unread += 1
                if self._stopping:
                    raise _Ended

    async def _read_thread(self, tally: Tally, listing: Listing, thread: Unread) -> None:
        """Down to the newest message that was held with all those below it."""
        inbox = tally.inbox
        held_at = None if thread.head_time is None else datetime.fromisoformat(thread.head_time)
        messages = self._session.messages(tally.page, thread.id, platform=inbox.platform, max_wait=self._max_wait)
        batch: list[Message] = []
        newest = ""
        async with aclosing(messages):
            async for message in messages:
                moment = message.created_time
                if message.id == thread.head or (held_at is not None and moment is not None and moment < held_at):
                    newest = newest or message.id
                    break
                newest = newest or message.id
                batch.append(message)
                if len(batch) >= _MESSAGES_AT_ONCE:
                    await self._save_messages(tally, listing, thread, batch, None)
                    batch = []
        await self._save_messages(tally, listing, thread, batch, newest)

    async def _save_messages(
        self, tally: Tally, listing: Listing, thread: Unread, batch: list[Message], complete: str | None
    ) -> None:
        saved = await self._store.save_messages(listing, thread, batch, complete=complete)
        tally.report = evolve(tally.report, messages=tally.report.messages + saved.messages)

    # -- events --------------------------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        tally = self.tallies.get(getattr(event, "inbox", None))  # type: ignore[arg-type]
        if tally is None:
            return
        match event:
            case CallAnswered():
                tally.calls += 1
                tally.answered_at = asyncio.get_running_loop().time()
            case InboxEnded(waited=waited, failure=failure):
                tally.waited += waited
                tally.ended_by = failure
            case MessagesMissing(thread_id=thread_id, error=error):
                tally.without[thread_id] = error
            case FieldRefused(field=name):
                tally.refused.add(name)
            case Unsettled():
                tally.unsettled = True


def _without_cut_off(page: ThreadPage, tally: Tally, listing: Listing) -> ThreadPage:
    """The thread page but for threads whose messages an end of the Inbox has cut off, and a cursor behind them.

    Saved as they are they would count as held in this version, and nobody would ask for their messages again.
    """
    if tally.ended_by is None:
        return page
    cut_off = {thread for thread, error in tally.without.items() if error is tally.ended_by}
    kept = tuple(thread for thread in page.threads if thread.id not in cut_off)
    return page if len(kept) == len(page.threads) else evolve(page, threads=kept, cursor=listing.cursor)


def read_plan(
    target: str | Path, inboxes: Sequence[Inbox], query: ThreadQuery, *, full: bool = False, messages: bool = False
) -> SyncPlan:
    """What a sync into this database would cost, without writing to it; there need not be one yet."""
    try:
        with open_reader(target) as reader:
            known = standings(reader, inboxes=inboxes)
    except StoreMissing:
        known = {inbox: Standing(inbox) for inbox in inboxes}
    return plan_of(known.values(), query, full=full, messages=messages)


_GRACE: Final = 2.0
"""Seconds that Inboxes have to save what they have read when the run is ended."""
