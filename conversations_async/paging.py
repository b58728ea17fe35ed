"""Where one Inbox's walk stands and what to ask next. No clock, no socket: answers in, requests out.

What Meta promises (contract 3.1): whether there is more is said by the presence of `paging.next`; a thread page may be
short or empty and still have more; `after` is there on the last one too; a cursor marks an item and dies with it.
What it does not promise: that threads stay in their place, or that cursors really do what is said of them. The edge
lists newest first, and a new message moves a thread to the head while the walk goes down, past it.

A walk of one answer is whole: nothing can move within an answer. A longer one is followed by two kinds of passes, until
neither has anything left to find:

**Proving.** Where cursors count places, a deletion above shifts one thread past the cursor, out of sight, and no answer
by itself tells; where they mark items, a deletion kills a cursor. Neither is certain, so no cursor's word is taken.
Once down, the listing is read again, with its seams between two answers elsewhere, until head and end are seen to hang
together (`stretches`), or three such passes in a row have found nothing. These passes list ids and times only, 400 a
call on Messenger and 50 on Instagram, so a proof costs a fraction of the walk; where so many are refused they ask for
as many as the walk. What slipped by is asked for by itself.

**Settling.** Threads that moved meanwhile are above where the way down began: a pass reads from the head until it meets
a thread older than the newest one that the way down (or the settling pass before) began with, and so on until a pass
is a single answer, or begins where the previous pass began and brings nothing new (for passes that no single answer can
make: one thread a call, more threads in the newest second than fit into an answer, no readable times). Whatever existed
when the walk began either rested, and then it is in a chain of answers without gaps, or moved, and then it lay above
that mark when the last answer was given.

**A walk taken up** where another one stopped proves what it reads itself, and all of it where it is told what the
reader holds already (`hold`).

**A cursor that died** (codes 100 and 2642): the walk goes back to the cursor before it, and if that is dead too to the
head; what was seen stays seen.

**What remains.** More messages between two answers than an answer holds threads leave no moment to end at: after 25
passes the walk says so (`Unsettled`) and ends. Where an answer holds one thread only and no more are to be had, or
times cannot be read, nothing can be proven. A thread that moves within the newest second and again while one-thread
answers are read may be missed until it rests. What Meta leaves out of its answers cannot be missed by reading them.

How much is asked for, and what becomes of threads that break answers, is in `asking`.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from attrs import define, evolve, field, frozen

from conversations_async.asking import LISTING_REPEATS, LISTING_TRIES, Asking, Way
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
    Proving,
    Settling,
    ThreadUnavailable,
    Unsettled,
)
from conversations_async.graph.requests import GraphRequest, at, lean, leave_out, one_thread, probe, without_bounds
from conversations_async.model import Cursor, Platform, Thread, ThreadPage, UnavailableThread, read_time
from conversations_async.stretches import NO_TIME, Stretches, is_text

EMPTY_IN_A_ROW: Final = 100
"""Empty thread pages after which a listing counts as endless; the reference names no number."""
SINCE_OVERLAP: Final = timedelta(minutes=1)
"""How much older than `since` a thread is before the listing ends at it: no page says that the order is exact."""
WIDTH: Final = {Platform.MESSENGER: 400, Platform.INSTAGRAM: 50}
"""How many threads a proving call asks for, of each its id and time only: so many are reported to have passed (contract
1.4, 5.3)."""
RESTLESS_PASSES: Final = 25
"""Settling passes in a row of which none was a single answer, after which the walk ends all the same."""

_STALE: Final = 1000
"""Known threads that may be listed again beside those that a whole pass lists."""
_IDLE_PROOFS: Final = 3
_LOSSES: Final = 5
"""Passes begun again in a row for a dead cursor without anything new between."""
_TOO_DEEP: Final = "exceeds the max limit"  # contract 3.1; beginning again would lead to the same place


@frozen
class Read:
    """What a thread page brought: those new or newer than seen before, and those seen for the first time."""

    page: ThreadPage
    first_seen: tuple[Thread, ...]


class Pass(Enum):
    """What a walk reads for."""

    DOWN = "all there is"
    PROVE = "what slipped by between two answers"
    SETTLE = "what moved to the head"


def _clear_of(seams: Sequence[int], place: int, width: int, *, by: int) -> int:
    """How many threads to ask for at a place, so that the answer ends so far from any of these seams, or as far as can
    be."""

    def distance(end: int) -> int:
        index = bisect_right(seams, end)
        return min((abs(end - seam) for seam in seams[max(0, index - 1) : index + 1]), default=by)

    reach = place + width
    ends = range(reach, max(place, reach - width // 2 - 1), -max(1, width // 32))
    return max(ends, key=lambda end: (min(by, distance(end)), end)) - place


@define(eq=False)
class ThreadWalk:
    """One Inbox's listing from a place to its end, then whatever makes sure that it is whole."""

    listing: GraphRequest
    threads_per_call: int
    settle: bool = True
    start: Cursor = field(factory=Cursor)
    since: datetime | None = None
    """Threads older than this end the listing and are not handed on."""
    before: datetime | None = None
    """Threads newer than this are not handed on."""
    reader_holds: bool = False
    """Whether the reader of a walk taken up can tell what it holds (`hold`)."""
    width: int | None = None
    """How many threads a proving call asks for, at least as many as any other; None: as many as are known to pass."""

    done: bool = field(default=False, init=False)
    stuck: PagingStuck | None = field(default=None, init=False)
    """Why there is no next request although the walk is not done."""
    threads: int = field(default=0, init=False)
    """Threads seen so far, each once."""
    told: list[Event] = field(factory=list, init=False)
    """What happened since somebody last took it."""

    # This pass.
    _pass: Pass = field(default=Pass.DOWN, init=False)
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
    _listed: int = field(default=0, init=False)
    _seams: list[int] = field(factory=list, init=False)
    """After how many threads an answer ended, on the way down or in a proof."""
    _seams_before: Sequence[int] = field(default=(), init=False)
    """The same of the pass before, which a proof avoids."""
    _head: datetime | None = field(default=None, init=False)
    """The newest thread of the first answer of this pass that held any."""
    _first_run: int | None = field(default=None, init=False)
    _run_before: int | None = field(default=None, init=False)
    """The first answer of the pass before."""
    _quiet: bool = field(default=True, init=False)
    """Whether this pass has brought nothing new."""
    _deferred: dict[str, object] = field(factory=dict, init=False)
    """Threads that this proof has met and settling is to hand on, and their versions."""
    # All passes.
    _floor: datetime | None = field(default=None, init=False)
    """Whatever is newer than this is yet to be read: a settling pass ends at an older thread."""
    _seen: dict[str, object] = field(factory=dict, init=False)
    _outside: dict[str, object] | None = field(default=None, init=False)
    """The same of every thread listed, where some of them are not handed on."""
    _known: int = field(default=0, init=False)
    """Threads and versions that were news: grows as long as the walk gets anywhere."""
    _stretches: Stretches = field(factory=Stretches, init=False)
    _lost_at: int = field(default=-1, init=False)
    _losses: int = field(default=0, init=False)
    _stepped_at: int = field(default=-1, init=False)
    _restless: int = field(default=0, init=False)
    _proofs: int = field(default=0, init=False)
    _idle: int = field(default=0, init=False)
    """Proofs in a row that found no thread that was there when the walk began."""
    _found: int = field(default=0, init=False)
    _links: int = field(default=0, init=False)
    """What hung together when the last proof began."""
    _began: str = field(default=NO_TIME, init=False)
    # Asking.
    _asking: Asking = field(init=False)
    _width: int | None = field(default=None, init=False)
    """How many threads a proving call asks for; None: as many as any other."""
    _in_full: bool = field(default=False, init=False)
    """Whether what was listed by id is asked for once more with all fields."""
    _held: ThreadPage | None = field(default=None, init=False)
    _pending: list[Thread] = field(factory=list, init=False)
    """Threads of the held thread page that are yet to be asked for by themselves, the next one last."""
    _full: dict[str, Thread] = field(factory=dict, init=False)
    _bounded: bool = field(default=False, init=False)
    _wants_held: bool = field(default=False, init=False)
    _trusts: bool = field(default=False, init=False)
    """Whether what a walk before this one has read is taken as read."""

    def __attrs_post_init__(self) -> None:
        self._asking = Asking(self.threads_per_call)
        inbox = self.listing.inbox
        self._width = max(self.threads_per_call, self.width or (WIDTH[inbox.platform] if inbox is not None else 0))
        self._after = self.start.after
        self._bounded = without_bounds(self.listing) != self.listing
        if self.start.after is not None or self.start.head is not None:
            self._wants_held, self._trusts = self.reader_holds, not self.reader_holds
        if self.since is not None or self.before is not None or self._trusts:
            self._outside = {}
        if self.start.after is not None:
            self._head = self.start.head
            self._asked[hash(self.start.after)] = 0
        elif self.start.head is not None:
            self._floor = self.start.head
            self._begin_pass(Pass.PROVE if self.settle and self.reader_holds else Pass.SETTLE)

    @property
    def wants_held(self) -> bool:
        """Whether `hold` is to be called before the next request."""
        return self._wants_held and self._pass is Pass.PROVE

    def hold(self, held: Mapping[str, str]) -> None:
        """Take in what the reader has of this Inbox already: thread id → `updated_time` as Meta writes it."""
        self._wants_held = False
        self._seen = {**held, **self._seen}

    @property
    def settling(self) -> bool:
        """Whether everything has been read once."""
        return self._pass is not Pass.DOWN

    @property
    def limit(self) -> int:
        """How many threads the next call asks for."""
        if self._pass is Pass.PROVE and not self._asking.suspects:
            return self._limit_of_proof()
        return self._asking.now

    @property
    def resume(self) -> Cursor:
        """Where to take this walk up again, in this or another session."""
        if self.settling:
            return Cursor(None, self._floor, until=self.start.until)
        return Cursor(self._after, self._head, until=self.start.until)

    def next_request(self) -> GraphRequest:
        """What to ask now. The same until something is fed or has failed, so that a failed call can be repeated.

        By its `what`: "threads" is answered with `feed`, "thread" with `feed_thread`, "probe" with `feed_probe`.
        """
        if self._asking.probing:
            return probe(self.listing, next(reversed(self._seen), None))
        if self._pending:
            return one_thread(self.listing, self._pending[-1].id)
        listing = lean(self.listing) if self._is_lean() else self.listing
        return at(listing, limit=self.limit, after=self._after)

    # -- answers -------------------------------------------------------------------------------------------------------

    def feed(self, page: ThreadPage) -> Read | None:
        """Take in a listing's answer. Where Meta leads the walk in a circle, `stuck` is set.

        None where the answer's threads are yet to be asked for one by one.
        """
        asked, wants_more = self.limit, self._is_lean() and lean(self.listing) != self.listing
        self._asking.answered(asked, more=page.more)
        self._in_full = False
        if self._pass is Pass.PROVE:
            self._fit_width(asked, page)
        if wants_more:
            if self._pass is Pass.PROVE:
                page = self._without_deferred(page)
            self._pending = [thread for thread in reversed(page.threads) if self._is_news(thread)]
            if self._are_too_many_to_ask_for():
                self._in_full, self._pending = True, []
                return None
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
        self._asking.probing, self._asking.probe_passed = False, True

    # -- failures ------------------------------------------------------------------------------------------------------

    def failed(self, error: ConversationsError, *, tries: int = 1, percent: float = 0.0) -> Way:
        """What to do about a call that failed for the `tries`-th time, with its budget used up by so many percent."""
        if self._asking.probing:
            # Meta is down, or refuses all: no judgement of the listing.
            self._asking.probing = False
            return Way.RETRY
        if isinstance(error, TooMuchAsked) and percent >= 100 and self._asking.may_pause():
            return Way.LATER
        if self._pending:
            return self._thread_failed(error, tries)
        if self._is_too_wide(error):
            self._width = None
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
        if self._asking.probe_passed and isinstance(error, GraphUnavailable):
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
        # One that is refused is gone, mostly; it breaks no other answer.
        self._asking.unavailable += not isinstance(error, RequestRejected)
        self._full[asked.id] = UnavailableThread(asked.inbox, asked.raw, cause=error)
        self.told.append(ThreadUnavailable(asked.inbox, asked.id))
        return self._let_go()

    def ask_for_less(self) -> bool:
        """Halve the threads asked for, from the same place; False where one is already too many."""
        return self._asking.less(self.limit)

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on from the same place without a field that Meta refused; False where it was not asked or is needed."""
        rest = leave_out(self.listing, name, node)
        if rest is None:
            return False
        self.listing = rest
        return True

    def _is_too_wide(self, error: ConversationsError) -> bool:
        """Whether more was asked for than on the way down, and that may be why it failed."""
        if self._pass is not Pass.PROVE or self._width is None or self._asking.suspects:
            return False
        refused = isinstance(error, RequestRejected) and error.code == 100 and self._after is None
        return refused or isinstance(error, TooMuchAsked) or (isinstance(error, GraphUnavailable) and error.code == 1)

    def _less(self) -> Way:
        if self.ask_for_less():
            self._tell(AskingForLess, self._asking.limit)
            return Way.AGAIN
        if self._asking.lean or lean(self.listing) == self.listing:
            return Way.END
        self._asking.list_lean()
        self._tell(ListingLean)
        return Way.AGAIN

    def _thread_failed(self, error: ConversationsError, tries: int) -> Way:
        """One thread asked for by itself: with a suspect once is enough, it has failed before."""
        broken = isinstance(error, TooMuchAsked) or (isinstance(error, GraphUnavailable) and error.code == 1)
        if isinstance(error, RequestRejected) or (broken and (self._asking.suspects == 1 or tries >= LISTING_REPEATS)):
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
            self._after, self._stepped_at = before, self._known
        elif not self._to_the_head(times=_LOSSES):
            return Way.END
        if inbox is not None:
            self.told.append(CursorLost(inbox, from_head=self._after is None))
        return Way.AGAIN

    def _listing_failed(self, error: GraphError, tries: int) -> Way:
        asking = self._asking
        divisible = self.limit > 1 or not (self._is_lean() or lean(self.listing) == self.listing)
        if error.code == 1 and divisible:
            if not asking.suspects and not asking.unavailable and tries < LISTING_REPEATS:
                return Way.RETRY
            asking.suspects, self._in_full = self.limit, False
            self._tell(LookingForThread, self.limit)
            return Way.AGAIN
        if asking.probe_passed:
            return Way.END if tries >= LISTING_TRIES else Way.RETRY
        if tries >= LISTING_REPEATS:
            asking.probing = True
            self._tell(ListingDoubted)
            return Way.PROBE
        return Way.RETRY

    # -- asking --------------------------------------------------------------------------------------------------------

    def _are_too_many_to_ask_for(self) -> bool:
        """Whether it is better to risk the whole answer, with the thread that may break it."""
        asking = self._asking
        by_choice = self._pass is Pass.SETTLE and not asking.lean and not asking.suspects
        return by_choice and len(self._pending) > max(2, asking.limit // 4)

    def _is_lean(self) -> bool:
        if self._in_full:
            return False
        return self._pass is Pass.PROVE or self._asking.is_lean(settling=self.settling)

    def _limit_of_proof(self) -> int:
        """So many that the seam behind them lies where no answer had one before."""
        width = self._width or self._asking.limit
        if self._proofs == 1 and self._listed == 0 and len(self._seen) < width:
            return width
        return _clear_of(self._seams_before, self._listed, width, by=max(1, self._asking.limit // 4))

    def _fit_width(self, asked: int, page: ThreadPage) -> None:
        """A server that caps what it is asked for puts its seams where it likes: ask for what it gives."""
        if self._width is not None and page.more and 0 < len(page.threads) < asked:
            self._width = max(len(page.threads), self._asking.limit)

    def _let_go(self) -> Read | None:
        """The held thread page, once all of its threads have been asked for."""
        if self._pending or self._held is None:
            return None
        page, self._held = self._held, None
        full, self._full = self._full, {}
        return self._take(evolve(page, threads=tuple(full.get(thread.id, thread) for thread in page.threads)))

    def _without_deferred(self, page: ThreadPage) -> ThreadPage:
        """Without the part at the top that moved there: settling hands it on with all its fields."""
        floor, rest = self._floor, 0
        for place, thread in enumerate(page.threads):
            if self._is_news(thread):
                if floor is None or (time := thread.updated_time) is None or time < floor:
                    break
                rest = place + 1
        if not rest:
            return page
        for thread in page.threads[:rest]:
            version = thread.raw.get("updated_time")
            if self._is_news(thread) and self._deferred.get(thread.id) != version:
                self._deferred[thread.id] = version
                self._known += 1
            else:
                self._stale += 1
        return evolve(page, threads=page.threads[rest:])

    def _tell(self, event: type, *values: int) -> None:
        if self.listing.inbox is not None:
            self.told.append(event(self.listing.inbox, *values))

    # -- what an answer brings -----------------------------------------------------------------------------------------

    def _take(self, page: ThreadPage) -> Read:
        self._asking.taken()
        self._calls += 1
        threads = page.threads
        ids = [thread.raw["id"] for thread in threads]
        versions = [thread.raw.get("updated_time") for thread in threads]
        ends = not page.more or self._is_past_bounds(threads)
        if ids:
            self._note_run(ids, versions, ends=ends)
            if not self._known:
                self._began = is_text(versions[0])
            if self._head is None:
                self._head = _newest_of(versions)
        self._listed += len(ids)
        if self._pass is not Pass.SETTLE:
            self._seams.append(self._listed)
        read = self._news(page, ids, versions)
        if ends or self._is_past_floor(threads) or self._is_proven():
            self._end_of_pass()
        else:
            self._go_on(page)
        return read

    def _note_run(self, ids: list[str], versions: list[object], *, ends: bool) -> None:
        if self.settle:
            known = self._seen if self._outside is None else self._outside
            run = self._stretches.add(ids, versions, known, ends=ends)
            self._first_run = self._first_run or run
            if known is self._outside:
                known.update(zip(ids, versions, strict=True))

    def _news(self, page: ThreadPage, ids: list[str], versions: list[object]) -> Read:
        """Thread pages overlap when threads move; whoever lists the same version twice has said nothing new."""
        seen, threads = self._seen, page.threads
        if self._outside is None and seen.keys().isdisjoint(ids) and len({*ids}) == len(ids):
            # The common case, at the pace of the built-in types.
            seen.update(zip(ids, versions, strict=True))
            news = first = threads
        else:
            news, first = self._sifted(threads, ids, versions)
        self.threads += len(first)
        if self._pass is Pass.PROVE:
            self._found += sum(is_text(thread.raw.get("updated_time")) < self._began for thread in first)
        self._known += len(news)
        self._quiet = self._quiet and not news
        cursor = page.cursor
        if self.settling:
            # Taken up at its cursor, such a pass would walk all the way down once more.
            cursor = self.resume
        elif cursor is not None:
            cursor = Cursor(cursor.after, self._head, until=self.start.until)
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
                if self._is_read_before(version):
                    continue
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
        if thread.id not in self._seen:
            return not self._is_read_before(version)
        return _is_newer(version, self._seen[thread.id])

    def _is_read_before(self, version: object) -> bool:
        """Whether a thread that this walk has not met belongs to what the walk before it has read, or lies below it."""
        if self._pass is not Pass.PROVE or (not self._trusts and self.start.until is None):
            return False
        if (time := read_time(version)) is None:
            return False
        if self.start.until is not None and time < self.start.until:
            return True
        return self._trusts and is_text(version) >= self._began and (self._floor is None or time < self._floor)

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
        """Whether this is the end of what is wanted, though not of the listing."""
        until = self.start.until
        if until is not None and _holds_older(threads, until):
            return True
        return self.since is not None and _holds_older(threads, self.since - SINCE_OVERLAP)

    def _is_past_floor(self, threads: Sequence[Thread]) -> bool:
        # Times are whole seconds: a thread of the floor's own second may be news, so only an older one ends the pass.
        return self._pass is Pass.SETTLE and self._floor is not None and _holds_older(threads, self._floor)

    def _is_proven(self) -> bool:
        return self._pass is Pass.PROVE and self._stretches.reach_the_end(self._first_run)

    def _go_on(self, page: ThreadPage) -> None:
        after = page.cursor.after if page.cursor is not None else None
        self._empty = 0 if page.threads or self._deferred else self._empty + 1
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
            if self._to_the_head():
                return
            if self._pass is Pass.PROVE:
                # Too much moves for a proof: settling goes on.
                self._end_of_pass()
            else:
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

    # -- passes --------------------------------------------------------------------------------------------------------

    def _to_the_head(self, *, times: int = 1) -> bool:
        """Begin this pass again; False where that was done so many times with nothing new between."""
        if self._known > self._lost_at:
            self._lost_at, self._losses = self._known, 0
        self._losses += 1
        if self._losses > times:
            return False
        self._begin_pass(self._pass)
        return True

    def _begin_pass(self, reading_for: Pass) -> None:
        if reading_for is not Pass.SETTLE:
            # A walk taken up does not know how far down it began.
            known = self._proofs > 1 or self.start.after is None
            self._seams, self._seams_before = [], self._seams if known else ()
        if reading_for is not self._pass:
            self._tell(Proving if reading_for is Pass.PROVE else Settling)
            self._deferred = {}
        self._pass = reading_for
        self._after, self._head = None, None
        self._first_run, self._run_before = None, self._first_run
        self._calls, self._listed, self._empty, self._stale = 0, 0, 0, 0
        self._quiet = True
        self._asked.clear()
        self._trail.clear()

    def _end_of_pass(self) -> None:
        single = self._calls == 1
        if not self.settle or (self._pass is Pass.DOWN and single and self.start.after is None):
            self._finish()
        elif self._pass is Pass.DOWN:
            self._floor = self._head
            self._prove() if self._floor is not None else self._begin_pass(Pass.SETTLE)
        elif self._pass is Pass.PROVE:
            # One answer from the head down to what hangs together with the end leaves nothing between.
            whole = single and not self._deferred and self._stretches.reach_the_end(self._first_run)
            self._finish() if whole else self._begin_pass(Pass.SETTLE)
        else:
            self._end_of_settling(single)

    def _end_of_settling(self, single: bool) -> None:
        still = self._quiet and self._head == self._floor
        if still and not self._stretches.reach_the_end(self._first_run):
            # Nothing has moved, so the pass before began where this one did.
            self._first_run = self._run_before
        rested = single or still
        self._restless = 0 if rested else self._restless + 1
        if self._restless > RESTLESS_PASSES:
            self._tell(Unsettled)
            rested = True
        self._floor = self._head
        if not rested:
            self._begin_pass(Pass.SETTLE)
        else:
            self._prove()

    def _prove(self) -> None:
        """Everything has been read once: that is the end, unless head and end must be seen to hang together."""
        if not self._can_prove():
            self._finish() if self._pass is Pass.SETTLE else self._begin_pass(Pass.SETTLE)
            return
        self._proofs += 1
        self._begin_pass(Pass.PROVE)

    def _can_prove(self) -> bool:
        """Whether head and end do not hang together yet and another proof may help."""
        if (self._width or self._asking.limit) < 2 or not self._stretches.newest:
            return False
        if self._pass is Pass.SETTLE and self._stretches.reach_the_end(self._first_run):
            return False
        if self._trusts and self.start.after is None:
            return False
        if self._proofs and not self._found and self._stretches.links == self._links:
            # One more would join nothing either: all threads are of one second, say.
            return False
        self._idle = 1 if self._found else self._idle + 1
        self._found, self._links = 0, self._stretches.links
        return self._idle <= _IDLE_PROOFS

    def _finish(self) -> None:
        self.done = True
        self._seen, self._stretches = {}, Stretches()


def _newest_of(versions: list[object]) -> datetime | None:
    texts = [*map(is_text, versions)]
    if NO_TIME not in texts:
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
