"""Where one Inbox's walk stands and what to ask next. No clock, no socket: answers in, requests out.

What Meta promises (contract 3.1): whether there is more is said by the presence of `paging.next`; a thread page may be
short or empty and still have more; `after` is there on the last one too; a cursor marks an item and dies with it.
What it does not promise: that threads stay in their place, or that cursors really do what is said of them. The edge
lists newest first, and a new message moves a thread to the head while the walk goes down, past it.

**Moving threads.** A walk of one answer is whole: nothing can move within an answer. After a longer one the walk
settles: it reads from the head again until it meets a thread older than the newest one that the previous pass began
with, and so on until a pass is a single answer, or begins where the previous pass began and brings nothing new (for
passes that no single answer can make: one thread a call, more threads in the newest second than fit into an answer, no
readable times). Whatever existed when the walk began either rested, and then the way down passed it, or moved, and
then it lay above that mark when the last answer was given.

**Vanishing threads.** Where cursors mark items, a deletion kills at most a cursor (codes 100 and 2642): the walk goes
back to the cursor before it, and if that is dead too to the head; what was seen stays seen. Where cursors count places,
a deletion above shifts one thread past the cursor, out of sight, and no answer by itself tells. So each seam between
two answers is a place where a thread may have slipped by, until one answer is seen to span it: threads get between two
others at the head only, so two answers that share a thread that rested have everything between their ends. When
anything contradicts the documented cursors (the thread that a cursor marks is listed behind it) or a known thread has
gone from the head while nothing has shown that cursors mark items, the walk reads the listing again with its seams
elsewhere, until head and end hang together (`Stretches`), or three such passes in a row have found nothing. Where
settling brought anything new, the walk's first cursor is asked once more, for one id: things have moved, and where it
leads now tells whether it marks an item or counts places.

**Where proof ends.** Cursors that count places, deletions below the first answer, and nothing that moves while the
walk runs: such answers equal those of an Inbox at rest, and only reading twice could tell. `settle="proof"` does: it
takes no cursor's word and costs about twice the calls. Without it Meta's own word is taken until an answer breaks it.
More messages between two answers than an answer holds threads leave no moment to end at: after 25 passes the walk says
so (`Unsettled`) and ends. Not even reading twice helps where an answer holds one thread only or times cannot be read. A
thread that moves within the newest second and again while one-thread answers are read may be missed until it rests.
What Meta leaves out of its answers cannot be missed by reading them.

**Asking for less.** Listings that ask nested fields fail above small limits, on Instagram most of all (contract 5.3).
"Reduce the amount of data" halves the limit; after some good answers more is tried again, more slowly each time. Half
the limit costs twice the calls; listing ids and asking each thread by itself costs a call a thread. So the second is
done only where a single listed thread is too much. The same words come from an empty budget: while usage is at 100 %
the walk waits instead, three times, before it believes them.

**Threads that break answers** (contract 7.2). A code 1 that stays is cut in halves from where it came, without repeats;
the one thread left is listed by id, asked once by itself, and if that fails too it is an `UnavailableThread` and the
walk goes on behind it with its old limit: log2(limit) + 3 calls. Passes after that list ids and ask for what is new, so
that the same thread is not met again. Where not even one id can be listed there is no cursor to step over it: the walk
ends there, and may be taken up from there.

**Listings that are refused** while everything else answers (contract 1.6, 1.2) are told from an outage by one other
read; after it has passed the listing is still asked some more times.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final, Literal, TypeAlias

from attrs import define, evolve, field, frozen

from conversations_async.errors import (
    ConversationsError,
    GraphError,
    GraphUnavailable,
    ListingUnavailable,
    PagingStuck,
    RequestRejected,
    TooMuchAsked,
)
from conversations_async.events import (
    AskingForLess,
    BoundsRefused,
    CursorLost,
    Event,
    ListingDoubted,
    ListingLean,
    LookingForThread,
    Overlapping,
    ThreadUnavailable,
    Unsettled,
)
from conversations_async.graph.requests import GraphRequest, at, lean, leave_out, one_thread, probe, without_bounds
from conversations_async.model import Cursor, Thread, ThreadPage, UnavailableThread, read_time

EMPTY_IN_A_ROW: Final = 100
"""Empty thread pages after which a listing counts as endless; the reference names no number."""
SINCE_OVERLAP: Final = timedelta(minutes=1)
"""How much older than `since` a thread is before the listing ends at it: no page says that the order is exact."""

_STALE: Final = 1000
"""Known threads that may be listed again beside those that a whole pass lists."""
_GROW_AFTER: Final = 4
_IDLE_OVERLAPS: Final = 3
_LOSSES: Final = 5
"""Passes begun again in a row for a dead cursor without anything new between."""
_TOO_DEEP: Final = "exceeds the max limit"  # contract 3.1; beginning again would lead to the same place
_PAUSES: Final = 3
_LISTING_REPEATS: Final = 2
"""Tries of a failing listing before another read is asked for, and of a code 1 before it is cut in halves."""
_LISTING_TRIES: Final = 6
"""Tries, that other read among them, before a listing counts as refused."""

RESTLESS_PASSES: Final = 25
"""Settling passes in a row of which none was a single answer, after which the walk ends all the same."""

Settle: TypeAlias = bool | Literal["proof"]


@frozen
class Read:
    """What a thread page brought: those new or newer than seen before, and those seen for the first time."""

    page: ThreadPage
    first_seen: tuple[Thread, ...]


class Way(Enum):
    """What becomes of a walk whose call failed."""

    AGAIN = "ask `next_request`, which is another one now"
    PROBE = "ask `next_request`, another read for once; the tries go on counting"
    RETRY = "ask the same again, as the retry policy says"
    LATER = "ask the same again when the budget has recovered"
    MARK = "give the thread that was asked for by itself to `let_unavailable`"
    END = "the error is final"


# -- what hangs together -----------------------------------------------------------------------------------------------


@define(eq=False)
class Stretches:
    """Which answers of a walk are known to have nothing between them: those that share a thread that has not moved.

    Kept as two references a thread; joined only when it is first asked.
    """

    _runs: list[tuple[list[str], list[object], str, bool]] = field(factory=list, init=False)
    _joined: int = field(default=0, init=False)
    _where: dict[str, tuple[int, object]] = field(factory=dict, init=False)
    _parent: list[int] = field(factory=lambda: [0], init=False)
    """Per run, from 1; 0 is the listing's end."""

    def add(self, ids: list[str], versions: list[object], newest: str, *, ends: bool) -> int:
        """An answer's threads; `newest` is the newest time seen so far. Returns the run's number."""
        self._runs.append((ids, versions, newest, ends))
        return len(self._runs)

    def reach_the_end(self, run: int | None) -> bool:
        """Whether everything from this run down to the end of the listing was in answers that hang together."""
        while self._joined < len(self._runs):
            self._join()
        return run is not None and self._root(run) == self._root(0)

    def _join(self) -> None:
        ids, versions, _, ends = self._runs[self._joined]
        self._joined = number = self._joined + 1
        self._parent.append(number)
        if ends:
            self._unite(number, 0)
        for key, version in zip(ids, versions, strict=True):
            known = self._where.get(key)
            # A thread that was in the newest second then may have moved within that second since.
            if known is not None and known[1] == version and is_text(version) < self._runs[known[0] - 1][2]:
                self._unite(number, known[0])
            elif known is None or known[1] != version:
                self._where[key] = (number, version)

    def _unite(self, one: int, other: int) -> None:
        self._parent[self._root(one)] = self._root(other)

    def _root(self, run: int) -> int:
        parent = self._parent
        while parent[run] != run:
            parent[run] = run = parent[parent[run]]
        return run


_NO_TIME: Final = "~"


def is_text(version: object) -> str:
    """A time as Meta writes it, which sorts as text; else a text behind all times."""
    return version if type(version) is str and len(version) == 24 and version.endswith("+0000") else _NO_TIME


def _seam(number: int) -> float:
    """Where the first seam of the n-th overlapping pass lies: 1/2, 1/4, 3/4, 1/8, … of an answer."""
    part, step = 0.0, 0.5
    while number:
        part += step * (number & 1)
        number >>= 1
        step /= 2
    return part


# -- the walk ----------------------------------------------------------------------------------------------------------


@define(eq=False)
class ThreadWalk:
    """One Inbox's listing from a place to its end, then settling."""

    listing: GraphRequest
    threads_per_call: int
    settle: Settle = True
    start: Cursor = field(factory=Cursor)
    since: datetime | None = None
    """Threads older than this end the listing and are not handed on."""
    before: datetime | None = None
    """Threads newer than this are not handed on."""

    done: bool = field(default=False, init=False)
    stuck: PagingStuck | None = field(default=None, init=False)
    """Why there is no next request although the walk is not done."""
    settling: bool = field(default=False, init=False)
    threads: int = field(default=0, init=False)
    """Threads seen so far, each once."""
    told: list[Event] = field(factory=list, init=False)
    """What happened since somebody last took it."""

    # This pass.
    _after: str | None = field(default=None, init=False)
    _trail: list[str | None] = field(factory=list, init=False)
    """The place asked before this one; empty where there was none, or where it is dead too."""
    _asked: dict[int, int] = field(factory=dict, init=False)
    """Cursors asked, by hash → how much was known then."""
    _empty: int = field(default=0, init=False)
    _stale: int = field(default=0, init=False)
    """Known threads listed since something new was, in this pass."""
    _stale_at: int = field(default=0, init=False)
    _calls: int = field(default=0, init=False)
    _head: datetime | None = field(default=None, init=False)
    """The newest thread of the first answer of this pass that held any."""
    _first_run: int | None = field(default=None, init=False)
    _quiet: bool = field(default=True, init=False)
    """Whether this pass has brought nothing new."""
    _last: list[str] = field(factory=list, init=False)
    """The last answer's threads; the cursor in use should mark the last of them."""
    # All passes.
    _floor: datetime | None = field(default=None, init=False)
    """A settling pass ends at a thread older than this."""
    _head_ids: list[str] = field(factory=list, init=False)
    _seen: dict[str, object] = field(factory=dict, init=False)
    _known: int = field(default=0, init=False)
    """Threads and versions that were news: grows as long as the walk gets anywhere."""
    _newest: str = field(default="", init=False)
    _stretches: Stretches = field(factory=Stretches, init=False)
    _lost_at: int = field(default=-1, init=False)
    _losses: int = field(default=0, init=False)
    _stepped_at: int = field(default=-1, init=False)
    _stepped_back: bool = field(default=False, init=False)
    _mark: tuple[str, list[str], str] | None = field(default=None, init=False)
    """The walk's first cursor, the threads before it, and the one behind it."""
    _busy: bool = field(default=False, init=False)
    """Whether settling has brought anything new."""
    _testing: bool = field(default=False, init=False)
    _anchored: bool = field(default=False, init=False)
    """Whether a cursor died while an older one lived: then they mark items."""
    _doubted: bool = field(default=False, init=False)
    _restless: int = field(default=0, init=False)
    _overlaps: int = field(default=0, init=False)
    _overlapping: bool = field(default=False, init=False)
    _idle: int = field(default=0, init=False)
    """Overlapping passes in a row that found no thread that was there when the walk began."""
    _found: int = field(default=0, init=False)
    _began: str = field(default=_NO_TIME, init=False)
    # Asking.
    _limit: int = field(default=1, init=False)
    _good: int = field(default=0, init=False)
    _grew: bool = field(default=False, init=False)
    _grow_after: int = field(default=_GROW_AFTER, init=False)
    _pauses: int = field(default=0, init=False)
    _lean: bool = field(default=False, init=False)
    _suspects: int = field(default=0, init=False)
    """The next so many threads hold one that breaks answers; 0: nobody is suspected."""
    _answering: bool = field(default=False, init=False)
    """Whether the answer at hand is the one about a single suspect."""
    _unavailable: int = field(default=0, init=False)
    _probing: bool = field(default=False, init=False)
    _probe_passed: bool = field(default=False, init=False)
    _held: ThreadPage | None = field(default=None, init=False)
    _pending: list[Thread] = field(factory=list, init=False)
    """Threads of the held thread page that are yet to be asked for by themselves, the next one last."""
    _full: dict[str, Thread] = field(factory=dict, init=False)
    _bounded: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._limit = self.threads_per_call
        self._after = self.start.after
        self._doubted = self.settle == "proof"
        self._bounded = without_bounds(self.listing) != self.listing
        if self.start.after is not None:
            self._head = self.start.head
            self._asked[hash(self.start.after)] = 0
        elif self.start.head is not None:
            self.settling, self._floor = True, self.start.head

    @property
    def limit(self) -> int:
        """How many threads the next call asks for."""
        if self._suspects:
            return max(1, self._suspects // 2)
        if self._overlapping and self._calls == 0:
            return max(1, int(self._limit * _seam(self._overlaps)))
        return self._limit

    @property
    def resume(self) -> Cursor:
        """Where to take this walk up again, in this or another session."""
        if self.settling:
            return Cursor(None, self._floor)
        return Cursor(self._after, self._head)

    def next_request(self) -> GraphRequest:
        """What to ask now. The same until something is fed or has failed, so that a failed call can be repeated.

        By its `what`: "threads" is answered with `feed`, "thread" with `feed_thread`, "probe" with `feed_probe`.
        """
        if self._probing:
            return probe(self.listing, next(reversed(self._seen), None))
        if self._pending:
            return one_thread(self.listing, self._pending[-1].id)
        if self._testing and self._mark is not None:
            return at(lean(self.listing), limit=1, after=self._mark[0])
        listing = lean(self.listing) if self._is_lean() else self.listing
        return at(listing, limit=self.limit, after=self._after)

    # -- answers -------------------------------------------------------------------------------------------------------

    def feed(self, page: ThreadPage) -> Read | None:
        """Take in a listing's answer. Where Meta leads the walk in a circle, `stuck` is set.

        None where the answer's threads are yet to be asked for one by one.
        """
        if self._testing:
            return self._feed_test(page)
        wants_more = self._is_lean() and lean(self.listing) != self.listing
        if self._stepped_back:
            self._stepped_back, self._anchored = False, True
        self._probe_passed, self._answering = False, self._suspects == 1
        self._narrow_down(self.limit, more=page.more)
        if wants_more:
            self._pending = [thread for thread in reversed(page.threads) if self._is_news(thread)]
            if self._pending:
                self._held = page
                return None
        return self._take(page)

    def feed_thread(self, thread: Thread) -> Read | None:
        """Take in one thread asked for by itself. None while others of the same answer are to come."""
        asked = self._pending.pop()
        self._full[asked.id] = evolve(thread, raw={**asked.raw, **thread.raw})
        return self._let_go()

    def feed_probe(self) -> None:
        """The other read has passed: what fails is the listing."""
        self._probing, self._probe_passed = False, True

    # -- failures ------------------------------------------------------------------------------------------------------

    def failed(self, error: ConversationsError, *, tries: int = 1, percent: float = 0.0) -> Way:
        """What to do about a call that failed for the `tries`-th time, with its budget used up by so many percent."""
        if self._probing:
            # Meta is down, or refuses all: no judgement of the listing.
            self._probing = False
            return Way.RETRY
        if isinstance(error, TooMuchAsked) and percent >= 100 and self._pauses < _PAUSES:
            self._pauses += 1
            return Way.LATER
        if self._pending:
            return self._thread_failed(error, tries)
        if self._testing and isinstance(error, GraphError) and (error.code == 2642 or error.code == 100):
            self._testing = False
            self._rest()
            return Way.AGAIN
        if isinstance(error, TooMuchAsked):
            return self._less()
        if isinstance(error, GraphError) and (error.code == 2642 or isinstance(error, RequestRejected)):
            return self._place_refused(error)
        if isinstance(error, GraphUnavailable) and error.code in (1, 2):
            return self._listing_failed(error, tries)
        return Way.RETRY

    def verdict(self, error: ConversationsError) -> ConversationsError:
        """The final error in the words that fit it best."""
        if self._probe_passed and isinstance(error, GraphUnavailable):
            return ListingUnavailable(
                error.message,
                error.code,
                error.subcode,
                error.type,
                error.fbtrace_id,
                error.status,
                error.inbox,
                error.is_transient,
            )
        return error

    def let_unavailable(self, error: ConversationsError) -> Read | None:
        """Mark the thread that was asked for by itself as unavailable, and go on."""
        asked = self._pending.pop()
        self._unavailable += 1
        self._full[asked.id] = UnavailableThread(asked.inbox, asked.raw, cause=error)
        self.told.append(ThreadUnavailable(asked.inbox, asked.id))
        return self._let_go()

    def ask_for_less(self) -> bool:
        """Halve the threads asked for, from the same place; False where one is already too many."""
        limit = self.limit
        if limit == 1:
            return False
        self._suspects, self._limit = 0, limit // 2
        if self._grew:
            self._grow_after *= 2
        self._good, self._grew = 0, False
        return True

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on from the same place without a field that Meta refused; False where it was not asked or is needed."""
        rest = leave_out(self.listing, name, node)
        if rest is None:
            return False
        self.listing = rest
        return True

    def _less(self) -> Way:
        if self.ask_for_less():
            self._tell(AskingForLess, self._limit)
            return Way.AGAIN
        if self._lean or lean(self.listing) == self.listing:
            return Way.END
        self._lean, self._limit, self._grow_after = True, self.threads_per_call, _GROW_AFTER
        self._tell(ListingLean)
        return Way.AGAIN

    def _thread_failed(self, error: ConversationsError, tries: int) -> Way:
        """One thread asked for by itself: with a suspect once is enough, it has failed before."""
        broken = isinstance(error, TooMuchAsked) or (isinstance(error, GraphUnavailable) and error.code == 1)
        if isinstance(error, RequestRejected) or (broken and (self._suspects == 1 or tries >= _LISTING_REPEATS)):
            return Way.MARK
        return Way.RETRY

    def _place_refused(self, error: GraphError) -> Way:
        inbox = self.listing.inbox
        if self._after is None:
            if not self._bounded or error.code != 100 or self._seen:
                return Way.RETRY
            self._bounded, self.listing = False, without_bounds(self.listing)
            if inbox is not None:
                self.told.append(BoundsRefused(inbox, ignored=False))
            return Way.AGAIN
        if error.code not in (100, 2642) or _TOO_DEEP in error.message:
            return Way.RETRY
        before = self._trail.pop() if self._trail else None
        if before is not None and self._known > self._stepped_at:
            self._after, self._last = before, []
            self._stepped_back, self._stepped_at = True, self._known
        elif not self._to_the_head(times=_LOSSES):
            return Way.END
        if inbox is not None:
            self.told.append(CursorLost(inbox, from_head=self._after is None))
        return Way.AGAIN

    def _listing_failed(self, error: GraphError, tries: int) -> Way:
        divisible = self.limit > 1 or not (self._is_lean() or lean(self.listing) == self.listing)
        if error.code == 1 and divisible:
            if not self._suspects and not self._unavailable and tries < _LISTING_REPEATS:
                return Way.RETRY
            self._suspects = self.limit
            self._tell(LookingForThread, self.limit)
            return Way.AGAIN
        if self._probe_passed:
            return Way.END if tries >= _LISTING_TRIES else Way.RETRY
        if tries >= _LISTING_REPEATS:
            self._probing = True
            self._tell(ListingDoubted)
            return Way.PROBE
        return Way.RETRY

    # -- asking --------------------------------------------------------------------------------------------------------

    def _is_lean(self) -> bool:
        # Whoever has met a thread that breaks answers does not want to meet it again while settling.
        return self._lean or self._suspects == 1 or (self.settling and self._unavailable > 0)

    def _narrow_down(self, asked: int, *, more: bool) -> None:
        if self._suspects == 0:
            self._grow()
        elif self._suspects > 1:
            self._suspects = max(0, self._suspects - asked) if more else 0

    def _grow(self) -> None:
        """After some good answers try more again: what was too much here need not be so further down."""
        if self._limit >= self.threads_per_call:
            return
        self._good += 1
        if self._good >= self._grow_after:
            self._good, self._grew = 0, True
            self._limit = min(self._limit * 2, self.threads_per_call)

    def _let_go(self) -> Read | None:
        """The held thread page, once all of its threads have been asked for."""
        if self._pending or self._held is None:
            return None
        page, self._held = self._held, None
        full, self._full = self._full, {}
        return self._take(evolve(page, threads=tuple(full.get(thread.id, thread) for thread in page.threads)))

    def _tell(self, event: type, *values: int) -> None:
        if self.listing.inbox is not None:
            self.told.append(event(self.listing.inbox, *values))

    # -- what an answer brings -----------------------------------------------------------------------------------------

    def _take(self, page: ThreadPage) -> Read:
        if self._answering:
            self._suspects, self._answering = 0, False
        self._calls += 1
        threads = page.threads
        ids = [thread.raw["id"] for thread in threads]
        versions = [thread.raw.get("updated_time") for thread in threads]
        ends = not page.more or self._is_past_bounds(threads)
        if ids:
            self._look_for_contradictions(ids, versions)
            self._note_run(ids, versions, ends=ends)
            if not self._known:
                self._began = is_text(versions[0])
            if self._head is None:
                self._head, self._head_ids = _newest_of(versions), ids
        read = self._news(page, ids, versions)
        if ends or self._is_past_floor(threads) or self._is_proven():
            self._end_of_pass()
        else:
            self._go_on(page)
        return read

    def _note_run(self, ids: list[str], versions: list[object], *, ends: bool) -> None:
        newest = is_text(versions[0])
        if newest != _NO_TIME and newest > self._newest:
            self._newest = newest
        if self.settle:
            run = self._stretches.add(ids, versions, self._newest, ends=ends)
            self._first_run = self._first_run or run

    def _news(self, page: ThreadPage, ids: list[str], versions: list[object]) -> Read:
        """Thread pages overlap when threads move; whoever lists the same version twice has said nothing new."""
        seen, threads = self._seen, page.threads
        if self.since is None and self.before is None and seen.keys().isdisjoint(ids) and len({*ids}) == len(ids):
            # The common case, at the pace of the built-in types.
            seen.update(zip(ids, versions, strict=True))
            news = first = threads
        else:
            news, first = self._sifted(threads, ids, versions)
        self.threads += len(first)
        if self._overlapping:
            self._found += sum(is_text(thread.raw.get("updated_time")) < self._began for thread in first)
        self._known += len(news)
        self._quiet = self._quiet and not news
        self._busy = self._busy or (self.settling and bool(news))
        cursor = page.cursor
        if self.settling:
            # Taken up at its cursor, a settling pass would walk all the way down once more.
            cursor = self.resume
        elif cursor is not None:
            cursor = Cursor(cursor.after, self._head)
        return Read(
            ThreadPage(page.inbox, news, cursor, page.more, page.usage, page.unreadable),
            first,
        )

    def _sifted(
        self, threads: Sequence[Thread], ids: list[str], versions: list[object]
    ) -> tuple[tuple[Thread, ...], tuple[Thread, ...]]:
        seen = self._seen
        news, first = [], []
        for thread, key, version in zip(threads, ids, versions, strict=True):
            if not self._is_within_bounds(thread):
                continue
            if key not in seen:
                first.append(thread)
            elif not _is_newer(version, seen[key]):
                continue
            seen[key] = version
            news.append(thread)
        return tuple(news), tuple(first)

    def _is_news(self, thread: Thread) -> bool:
        if not self._is_within_bounds(thread):
            return False
        version = thread.raw.get("updated_time")
        return thread.id not in self._seen or _is_newer(version, self._seen[thread.id])

    # -- contradictions ------------------------------------------------------------------------------------------------

    def _look_for_contradictions(self, ids: list[str], versions: list[object]) -> None:
        """Whatever shows that a thread may have slipped past between two answers."""
        last, self._last = self._last, ids
        if last and self._calls == 2 and not self.settling and self._after is not None and self.start.after is None:
            self._mark = self._after, last, ids[0]
        if self._doubted or not self.settle:
            return
        if last:
            # Behind an item that has moved to the head, an answer begins at the head, not among the last one's.
            if last[-1] in ids or ids[0] in last[1:]:
                self._doubt("threads are listed again behind a cursor that marks a later one")
        elif self.settling and self._calls == 1 and not self._anchored and self._has_gap(ids, versions):
            self._doubt("a thread is gone from the head")

    def _has_gap(self, ids: list[str], versions: list[object]) -> bool:
        """Whether a thread that the previous pass began with is missing between others that have not moved."""
        before = self._head_ids
        if ids == before:
            return False
        resting = {key for key, version in zip(ids, versions, strict=True) if self._seen.get(key) == version}
        end = next((place for place in range(len(before), 0, -1) if before[place - 1] in resting), 0)
        return not {*ids}.issuperset(before[:end])

    def _doubt(self, why: str) -> None:
        self._doubted = True
        if self.listing.inbox is not None:
            self.told.append(Overlapping(self.listing.inbox, why))

    def _is_proven(self) -> bool:
        return self._overlapping and self._stretches.reach_the_end(self._first_run)

    # -- where it goes on, and where not -------------------------------------------------------------------------------

    def _is_within_bounds(self, thread: Thread) -> bool:
        if self.since is None and self.before is None:
            return True
        time = thread.updated_time
        if time is None:
            return True
        within = (self.since is None or time >= self.since) and (self.before is None or time <= self.before)
        if self._bounded and not within:
            self._bounded = False
            self.told.append(BoundsRefused(thread.inbox, ignored=True))
        return within

    def _is_past_bounds(self, threads: Sequence[Thread]) -> bool:
        return self.since is not None and _holds_older(threads, self.since - SINCE_OVERLAP)

    def _is_past_floor(self, threads: Sequence[Thread]) -> bool:
        # Times are whole seconds: a thread of the floor's own second may be news, so only an older one ends the pass.
        return (
            self.settling and not self._overlapping and self._floor is not None and _holds_older(threads, self._floor)
        )

    def _go_on(self, page: ThreadPage) -> None:
        after = page.cursor.after if page.cursor is not None else None
        self._empty = 0 if page.threads else self._empty + 1
        if after is None:
            self.stuck = PagingStuck("Meta says there is more but gives no cursor", page.inbox)
        elif after == self._after:
            self.stuck = PagingStuck("a cursor repeats", page.inbox)
        elif self._empty >= EMPTY_IN_A_ROW:
            self.stuck = PagingStuck(f"{EMPTY_IN_A_ROW} empty answers in a row say there is more", page.inbox)
        elif self._goes_round(page):
            self.stuck = PagingStuck("ever new cursors bring the same threads", page.inbox)
        elif self._asked.get(hash(after), -1) >= self._known:
            # A cursor that marks an item leads back up when the item has moved to the head: not twice for nothing.
            if not self._to_the_head():
                self.stuck = PagingStuck("a cursor repeats", page.inbox)
        else:
            self._asked[hash(after)] = self._known
            self._trail = [self._after]
            self._after = after

    def _goes_round(self, page: ThreadPage) -> bool:
        """Whether known threads have been listed more often, with nothing new between, than a whole pass holds."""
        if self._known > self._stale_at:
            self._stale_at, self._stale = self._known, 0
        else:
            self._stale += sum(thread.id in self._seen for thread in page.threads)
        return self._stale > 2 * len(self._seen) + _STALE

    def _to_the_head(self, *, times: int = 1) -> bool:
        """Begin this pass again; False where that was done so many times with nothing new between."""
        if self._known > self._lost_at:
            self._lost_at, self._losses = self._known, 0
        self._losses += 1
        if self._losses > times:
            return False
        self._begin_pass()
        return True

    def _begin_pass(self) -> None:
        self._after, self._last, self._head, self._first_run = None, [], None, None
        self._calls, self._empty, self._stale, self._quiet, self._stepped_back = 0, 0, 0, True, False
        self._asked.clear()
        self._trail.clear()

    def _end_of_pass(self) -> None:
        whole = self._calls == 1 and (self.start.after is None or self.settling)
        unmoved = self.settling and self._quiet and self._head == self._floor
        rested = whole or (unmoved and not self._overlapping)
        self._restless = 0 if rested else self._restless + 1
        if self._restless > RESTLESS_PASSES:
            self._tell(Unsettled)
            rested = True
        if not self.settle or (whole and not self.settling):
            self._finish()
        elif not rested:
            self._overlapping, self.settling, self._floor = False, True, self._head
            self._begin_pass()
        elif self._busy and self._mark is not None and not self._doubted and not self._anchored:
            self._testing = True
        else:
            self._rest()

    def _feed_test(self, page: ThreadPage) -> Read:
        """Where the walk's first cursor leads now, after things have moved: behind the same thread, if it marks one."""
        assert self._mark is not None
        _, before, behind = self._mark
        self._testing, self._mark = False, None
        first = next((thread.id for thread in page.threads), behind)
        # Behind an item that has moved to the head itself come the newest, and those the walk began with.
        is_near_the_head = first == before[0] or first in self._last
        if first in before[1:] or (first != behind and first in self._seen and not is_near_the_head):
            self._doubt("a cursor leads elsewhere than before")
        self._rest()
        return Read(evolve(page, threads=(), cursor=self.resume), ())

    def _rest(self) -> None:
        """Nothing moves any more: that is the end, unless head and end must be seen to hang together."""
        if not self._needs_overlap():
            self._finish()
            return
        self._overlapping, self.settling, self._floor = True, True, self._head
        self._overlaps += 1
        self._begin_pass()

    def _finish(self) -> None:
        self.done = True
        self._seen, self._stretches = {}, Stretches()

    def _needs_overlap(self) -> bool:
        """Whether head and end do not hang together yet and another pass may help."""
        if not self._doubted or self._limit < 2:
            return False
        if self._stretches.reach_the_end(self._first_run):
            return False
        self._idle = 1 if self._found else self._idle + 1
        self._found = 0
        return self._idle <= _IDLE_OVERLAPS


def _newest_of(versions: list[object]) -> datetime | None:
    texts = [*map(is_text, versions)]
    if _NO_TIME not in texts:
        return read_time(max(texts))
    return max(filter(None, map(read_time, versions)), default=None)


def _holds_older(threads: Sequence[Thread], moment: datetime) -> bool:
    # The oldest is the last, mostly.
    return any((time := thread.updated_time) is not None and time < moment for thread in reversed(threads))


def _is_newer(version: object, known: object) -> bool:
    """Whether another `updated_time` is news. Where one of the two cannot be read, being another one is enough."""
    if version == known:
        return False
    time, known_time = read_time(version), read_time(known)
    return time is None or known_time is None or time > known_time
