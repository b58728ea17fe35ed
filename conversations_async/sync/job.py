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

from attrs import evolve, frozen

from conversations_async.errors import (
    AnswerUnreadable,
    ConversationsError,
    InboxErrors,
    InboxFailed,
    PagingStuck,
)
from conversations_async.events import (
    CallAnswered,
    Event,
    FieldRefused,
    InboxEnded,
    MessagesMissing,
    Unproven,
    Unsettled,
)
from conversations_async.model import Inbox, Page, Platform, PoolUsage, ThreadPage, ThreadQuery
from conversations_async.session import ConversationSession
from conversations_async.sync.errors import StoreError, StoreInUse, StoreMissing, StoreUnavailable
from conversations_async.sync.messages import MessageReading
from conversations_async.sync.moments import moment_text
from conversations_async.sync.plan import SyncPlan, plan_of
from conversations_async.sync.reading import open_reader
from conversations_async.sync.rows import asked_by
from conversations_async.sync.saving import standings
from conversations_async.sync.store import Store
from conversations_async.sync.tally import Tally
from conversations_async.sync.values import InboxReport, Listing, Outcome, Standing, SyncReport

OVERLAP: Final = timedelta(minutes=5)
"""How far behind the watermark a later listing reads: clocks and answers of Meta's machines differ by less."""

MessagesWanted: TypeAlias = Literal["none", "all"] | int
"""`none`; the newest so many of each thread that is listed; or `all`, read thread by thread."""

_ENTRY: Final = "$.data["
"""Where the path of a single entry begins: the listing went on behind it, and a new one would meet it again."""
_STILL: Final = 5.0
"""Seconds without an answer after which an Inbox waits for something: another may begin in its place."""
_SAMPLE_EVERY: Final = 10.0
"""Seconds between two notes of a pool's usage that has not changed much."""
_SAMPLE_STEP: Final = 5.0


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
            flaw = await self._list(tally, listing)
            if self._all_messages:
                await self._read_messages(tally, listing)
            if flaw is None:
                tally.close(Outcome.COMPLETE)
            else:
                tally.fail(flaw, "All else is saved. Run once with --full when Meta has mended it.")
            proven = flaw is None and not tally.unsettled and self._settle
            gone = await self._store.finish(listing, tally.report, gone=proven)
            tally.report = evolve(tally.report, gone=gone)
        except _Ended:
            tally.close(Outcome.INTERRUPTED)
            await self._store.leave(listing, tally.report)
        except asyncio.CancelledError:
            if self._stopping and self._fault is None:
                tally.close(Outcome.INTERRUPTED)
                await self._leave_soon(tally, listing)
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

    async def _leave_soon(self, tally: Tally, listing: Listing) -> None:
        """Note that it was interrupted, unless the database has gone away: then the next run finds it out."""
        leaving = asyncio.ensure_future(self._store.leave(listing, tally.report))
        leaving.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.wait([leaving], timeout=_GRACE)

    def _fail(self, tally: Tally, listing: Listing, error: Exception) -> None:
        cause = error.cause if isinstance(error, InboxFailed) else error
        if isinstance(cause, PagingStuck | AnswerUnreadable):
            listing.cursor = None  # it leads nowhere, or past what could not be read
        tally.fail(cause)

    def _end(self, tally: Tally, outcome: Outcome) -> None:
        tally.close(outcome)
        self._tell(tally)

    def _tell(self, tally: Tally) -> None:
        if self._on_inbox is not None:
            self._on_inbox(tally.report)

    # -- listing -------------------------------------------------------------------------------------------------------

    def _folders(self, inbox: Inbox) -> str:
        """Which folders are listed, as a text that is the same for the same; "" for the platform's own choice."""
        return ",".join(name for name in self._query.folders_on(inbox.platform) if name)

    async def _list(self, tally: Tally, listing: Listing) -> AnswerUnreadable | None:
        """Every thread page, saved one by one. What is told of entries that could not be read, where all else was."""
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
                    tally.add(saved)
                    await self._note_usage(page)
                    if self._stopping:
                        raise _Ended
        except InboxErrors as errors:
            cause = errors.failures[0].cause
            if isinstance(cause, AnswerUnreadable) and cause.path.startswith(_ENTRY):
                return cause
            raise errors.failures[0] from None
        return None

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

    async def _read_messages(self, tally: Tally, listing: Listing) -> None:
        reading = MessageReading(self._session, self._store, tally, listing, self._max_wait)
        async with aclosing(reading.threads()) as threads:
            async for _ in threads:
                if self._stopping:
                    raise _Ended

    # -- events --------------------------------------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        tally = self.tallies.get(getattr(event, "inbox", None))  # type: ignore[arg-type]  # None is in no table
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
            case Unsettled() | Unproven():
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
    """What a sync into this database would cost, without writing to it; there need be none, or nothing in it, yet."""
    try:
        with open_reader(target, older=True) as reader:
            known = standings(reader, inboxes=inboxes)
    except StoreMissing:
        known = {inbox: Standing(inbox) for inbox in inboxes}
    return plan_of(known.values(), query, full=full, messages=messages)


_GRACE: Final = 2.0
"""Seconds that Inboxes have to save what they have read when the run is ended, and then to note that they were."""
