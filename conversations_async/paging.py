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
as many as the walk, and where answers hold fewer than was asked for, for as many as they held. What slipped by is
asked for by itself.

**Settling.** Threads that moved meanwhile are above where the way down began: a pass reads from the head until it meets
a thread older than the newest one that the way down (or the settling pass before) began with, and so on until a pass
is a single answer, or begins where the previous pass began and brings nothing new (for passes that no single answer can
make: one thread a call, more threads in the newest second than fit into an answer, no readable times). Whatever existed
when the walk began either rested, and then it is in a chain of answers without gaps, or moved, and then it lay above
that mark when the last answer was given.

**A walk taken up** where another one stopped proves what it reads itself, and all of it where it is told what the
reader holds already (`hold`).

**A cursor that died** (codes 100 and 2642): the walk goes back to the cursor before it, and if that is dead too to the
head; what was seen stays seen. Where that leads no deeper time and again, the walk ends there with the error.

**What remains.** More messages between two answers than an answer holds threads leave no moment to end at: after 25
passes the walk says so (`Unsettled`) and ends. Where an answer holds one thread only and no more are to be had, or
times cannot be read, nothing can be proven. A thread that moves within the newest second and again while one-thread
answers are read may be missed until it rests. What Meta leaves out of its answers cannot be missed by reading them, nor
what answers of an older moment than those before (a replica that lags) or ever another order within a second hide. A
walk of which no proof came about, because its answers end at the same places whatever is asked for, says so
(`Unproven`) and ends.

How much is asked for, and what becomes of threads that break answers, is in `asking`; an end that is told by an empty
answer is doubted (`doubting`).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from attrs import evolve
from msgspec import field

from conversations_async.asking import FEW, LISTING_REPEATS, LISTING_TRIES, Asking, Way
from conversations_async.doubting import DoubtedEnd
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
    Unproven,
    Unsettled,
)
from conversations_async.graph.requests import GraphRequest, at, lean, leave_out, one_thread, probe, without_bounds
from conversations_async.model import Cursor, Platform, Thread, ThreadPage
from conversations_async.proving import Proofs
from conversations_async.sifting import Sieve, holds_older, newest_of
from conversations_async.singles import Singles
from conversations_async.stretches import Stretches
from conversations_async.trail import REPEATS, Trail
from conversations_async.values import LATER, Bundle

WIDTH: Final = {Platform.MESSENGER: 400, Platform.INSTAGRAM: 50}
"""How many threads a proving call asks for, of each its id and time only: so many are reported to have passed (contract
1.4, 5.3)."""
RESTLESS_PASSES: Final = 25
"""Settling passes in a row of which none was a single answer, after which the walk ends all the same."""

_LOSSES: Final = 5
"""Passes begun again in a row for a dead cursor without anything new between."""
_TOO_DEEP: Final = "exceeds the max limit"  # contract 3.1; beginning again would lead to the same place


_NO_STRETCHES: Final = Stretches()
"""Of walks that look for nothing that slipped by, and of those that are done."""


class Read(Bundle):
    """What a thread page brought: those new or newer than seen before, and those seen for the first time."""

    page: ThreadPage
    first_seen: tuple[Thread, ...]


class Pass(Enum):
    """What a walk reads for."""

    DOWN = "all there is"
    PROVE = "what slipped by between two answers"
    SETTLE = "what moved to the head"


# For what asks several times a call: a member of an enum is looked up in Python, in a thousand instructions.
_DOWN: Final = Pass.DOWN
_PROVE: Final = Pass.PROVE
_SETTLE: Final = Pass.SETTLE


class ThreadWalk(Bundle):
    """One Inbox's listing from a place to its end, then whatever makes sure that it is whole."""

    listing: GraphRequest
    threads_per_call: int
    settle: bool = True
    start: Cursor = field(default_factory=Cursor)
    since: datetime | None = None
    """Threads older than this end the listing and are not handed on."""
    before: datetime | None = None
    """Threads newer than this are not handed on."""
    reader_holds: bool = False
    """Whether the reader of a walk taken up can tell what it holds (`hold`)."""
    upserts: bool = True
    """Whether the reader takes newer versions of threads that it has."""
    width: int | None = None
    """How many threads a proving call asks for, at least as many as any other; None: as many as are known to pass."""

    done: bool = False
    stuck: PagingStuck | None = None
    """Why there is no next request although the walk is not done."""
    threads: int = 0
    """Threads seen so far, each once."""
    told: list[Event] = field(default_factory=list)
    """What happened since somebody last took it."""

    # This pass.
    _pass: Pass = _DOWN
    _trail: Trail = LATER
    _head: datetime | None = None
    """The newest thread of the first answer of this pass that held any."""
    _first_run: int | None = None
    _end: DoubtedEnd = field(default_factory=DoubtedEnd)
    _quiet: bool = True
    """Whether this pass has brought nothing new."""
    # All passes.
    _sieve: Sieve = LATER
    _stretches: Stretches = LATER
    _floor: datetime | None = None
    """Whatever is newer than this is yet to be read: a settling pass ends at an older thread."""
    _run_before: int | None = None
    """The first answer of the pass before."""
    _lost_at: int = -1
    _losses: int = 0
    _deepest: int = 0
    """How many threads this pass has listed at most before it was begun again."""
    _restarts: int = 0
    """How often it was begun again since it last got deeper: at the head there may be news each time."""
    _stepped_at: int = -1
    _restless: int = 0
    _proofs: Proofs = LATER
    # Asking.
    _asking: Asking = LATER
    _asked: int = 0
    """How many threads the answer at hand was asked for."""
    _in_full: bool = False
    """Whether what was listed by id is asked for once more with all fields."""
    _singles: Singles | None = None
    _bounded: bool = False
    _wants_held: bool = False

    def __post_init__(self) -> None:
        inbox, start = self.listing.inbox, self.start
        self._asking = Asking(self.threads_per_call)
        width = max(self.threads_per_call, self.width or (WIDTH[inbox.platform] if inbox is not None else 0))
        self._proofs = Proofs(width, from_head=start.after is None)
        self._bounded = without_bounds(self.listing) is not self.listing
        self._trail = Trail(start.after)
        self._stretches = Stretches() if self.settle else _NO_STRETCHES
        taken_up = start.after is not None or start.head is not None
        self._wants_held = taken_up and self.reader_holds
        # Settling finds what has moved by its version.
        keeps_versions = self.upserts or self.settle
        self._sieve = Sieve(self.since, self.before, start.until, taken_up and not self.reader_holds, keeps_versions)
        if start.after is not None:
            self._head = start.head
        elif start.head is not None:
            self._floor = start.head
            self._begin_pass(_PROVE if self.settle and self.reader_holds else _SETTLE)

    @property
    def wants_held(self) -> bool:
        """Whether `hold` is to be called before the next request."""
        return self._wants_held and self._pass is _PROVE

    def hold(self, held: Mapping[str, str]) -> None:
        """Take in what the reader has of this Inbox already: thread id → `updated_time` as Meta writes it."""
        self._wants_held = False
        self._sieve.hold(held)

    def pack(self) -> None:
        """Take less memory until the next answer, which takes a little longer for it."""
        self._sieve.pack()
        if self.settle and not isinstance(known := self._sieve.listed, dict):
            self._stretches.pack(known)

    @property
    def settling(self) -> bool:
        """Whether everything has been read once."""
        return self._pass is not _DOWN

    @property
    def doubts_the_end(self) -> bool:
        """Whether a place is asked once more, since an empty answer came behind it."""
        return self._end.again_for is not None

    @property
    def limit(self) -> int:
        """How many threads the next call asks for."""
        if self._end.again_for is not None:
            return self._end.again_for
        if self._pass is _PROVE and not self._asking.suspects:
            known, otherwise = len(self._sieve.seen), self._asking.limit
            return self._proofs.limit(self._trail.listed, known=known, otherwise=otherwise)
        return self._asking.now

    @property
    def resume(self) -> Cursor:
        """Where to take this walk up again, in this or another session."""
        if self.settling:
            return Cursor(None, self._floor, until=self.start.until)
        return Cursor(self._trail.after, self._head, until=self.start.until)

    def next_request(self) -> GraphRequest:
        """What to ask now. The same until something is fed or has failed, so that a failed call can be repeated.

        By its `what`: "threads" is answered with `feed`, "thread" with `feed_thread`, "probe" with `feed_probe`.
        """
        if self._asking.probing:
            return probe(self.listing, self._sieve.last)
        if self._singles is not None:
            return one_thread(self.listing, self._singles.next.id)
        listing = lean(self.listing) if self._is_lean() else self.listing
        return at(listing, limit=self.limit, after=self._trail.after)

    # -- answers -------------------------------------------------------------------------------------------------------

    def feed(self, page: ThreadPage) -> Read | None:
        """Take in a listing's answer. Where Meta leads the walk in a circle, `stuck` is set.

        None where the answer's threads are yet to be asked for one by one.
        """
        self._asked = asked = self.limit
        wants_more = self._is_lean() and lean(self.listing) != self.listing
        self._asking.answered(asked, more=page.more)
        self._in_full, self._end.again_for = False, None
        if self._pass is _PROVE and page.more:
            self._proofs.fit(asked, len(page.threads), otherwise=self._asking.limit)
        if wants_more:
            sieve, threads = self._sieve, page.threads
            seen = sieve.seen_of([thread.id for thread in threads], [thread.version for thread in threads])
            news = [thread for thread in threads if sieve.is_news(thread, seen)]
            if news and self._pass is _PROVE and (deferred := sieve.defer(threads, seen)):
                page = evolve(page, threads=threads[deferred:])
                news = [thread for thread in page.threads if sieve.is_news(thread, seen)]
            if self._are_too_many_to_ask_for(len(news)):
                self._in_full = True
                return None
            if news:
                self._singles = Singles(page, news)
                return None
        return self._take(page)

    def feed_thread(self, thread: Thread) -> Read | None:
        """Take in one thread asked for by itself. None while others of the same answer are to come."""
        assert self._singles is not None, "it was asked for"
        return self._take_singles(self._singles.put(thread))

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
        if self._singles is not None:
            return self._thread_failed(error, tries)
        if self._is_too_wide(error):
            self._proofs.width = None
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
        assert self._singles is not None, "it was asked for"
        asked, page = self._singles.put_unavailable(error)
        # One that is refused is gone, mostly; it breaks no other answer.
        self._asking.unavailable += not isinstance(error, RequestRejected)
        self.told.append(ThreadUnavailable(asked.inbox, asked.id))
        return self._take_singles(page)

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
        if self._pass is not _PROVE or self._proofs.width is None or self._asking.suspects:
            return False
        refused = isinstance(error, RequestRejected) and error.code == 100 and self._trail.after is None
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
        broken = isinstance(error, GraphUnavailable) and error.code == 1
        if isinstance(error, RequestRejected | TooMuchAsked) or (
            broken and (self._asking.suspects == 1 or tries >= LISTING_REPEATS)
        ):
            return Way.MARK
        return Way.RETRY

    def _place_refused(self, error: GraphError) -> Way:
        trail, known = self._trail, self._sieve.known
        if trail.after is None:
            if not self._bounded or error.code != 100 or known:
                return Way.RETRY
            self._bounded, self.listing = False, without_bounds(self.listing)
            self._tell(BoundsRefused, False)
            return Way.AGAIN
        if error.code not in (100, 2642) or _TOO_DEEP in error.message:
            return Way.RETRY
        if known > self._stepped_at and trail.step_back():
            self._stepped_at = known
        elif not self._to_the_head(times=_LOSSES):
            return Way.END
        self._tell(CursorLost, self._trail.after is None)
        return Way.AGAIN

    def _listing_failed(self, error: GraphError, tries: int) -> Way:
        asking = self._asking
        divisible = self.limit > 1 or not (self._is_lean() or lean(self.listing) == self.listing)
        if error.code == 1 and divisible:
            if not asking.suspects and not asking.unavailable and tries < LISTING_REPEATS and self.limit >= FEW:
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

    def _are_too_many_to_ask_for(self, threads: int) -> bool:
        """Whether it is better to risk the whole answer, with the thread that may break it."""
        asking = self._asking
        by_choice = self._pass is _SETTLE and not asking.lean and not asking.suspects
        return by_choice and threads > max(2, asking.limit // 4)

    def _is_lean(self) -> bool:
        if self._in_full:
            return False
        return self._pass is _PROVE or self._asking.is_lean(settling=self.settling)

    def _tell(self, event: type, *values: int) -> None:
        if self.listing.inbox is not None:
            self.told.append(event(self.listing.inbox, *values))

    # -- what an answer brings -----------------------------------------------------------------------------------------

    def _take_singles(self, page: ThreadPage | None) -> Read | None:
        """Take in an answer whose threads were asked for one by one; None: there are more to ask for."""
        if page is None:
            return None
        self._singles = None
        return self._take(page)

    def _take(self, page: ThreadPage) -> Read:
        self._asking.taken()
        threads, sieve = page.threads, self._sieve
        ids, versions = [thread.id for thread in threads], [thread.version for thread in threads]
        # An end is doubted, and an answer compared with another, by whoever looks for what slipped by.
        mark = hash(tuple(ids)) if self.settle else 0
        confirmed = self._end.is_confirmed(mark)
        ends = not page.more or sieve.ends_at(threads) or confirmed
        self._trail.note(len(ids))
        fresh = sieve.take_in(ids, versions)
        seen = sieve.seen_of(ids, versions, fresh=fresh)
        listed = {} if fresh else sieve.listed_of(ids, versions, seen)
        stale = sum(key in listed for key in ids) if listed else 0
        news, first, old = sieve.sift(threads, seen, fresh=fresh)
        if ids and self.settle:
            run = self._stretches.add(ids, versions, listed, fresh=fresh, ends=ends)
            self._first_run = self._first_run or run
        if ids and self._head is None:
            self._head = newest_of(versions)
        if sieve.strays and self._bounded:
            self._bounded = False
            self._tell(BoundsRefused, True)
        self.threads += len(first)
        self._proofs.found += old
        self._quiet = self._quiet and not news
        read = Read(ThreadPage(page.inbox, news, self._cursor_of(page), page.more, page.usage, page.unreadable), first)
        if ids and self.settle:
            self._end.note(self._trail.after, asked=self._asked, held=len(ids), mark=mark)
        if ends and not ids and self.settle and self._end.may_be_doubted():
            self._trail.go_back_to(self._end.doubt(self._trail.most))
            return read
        if ends or self._is_past_floor(threads) or self._is_proven():
            self._end_of_pass()
        else:
            self._go_on(page, stale)
        return read

    def _cursor_of(self, page: ThreadPage) -> Cursor | None:
        """Where to take the walk up behind a thread page."""
        if self.settling:
            # Taken up at its cursor, such a pass would walk all the way down once more.
            return self.resume
        return None if page.cursor is None else Cursor(page.cursor.after, self._head, until=self.start.until)

    def _is_past_floor(self, threads: Sequence[Thread]) -> bool:
        # Times are whole seconds: a thread of the floor's own second may be news, so only an older one ends the pass.
        return self._pass is _SETTLE and self._floor is not None and holds_older(threads, self._floor)

    def _is_proven(self) -> bool:
        return self._pass is _PROVE and self._stretches.reach_the_end(self._first_run)

    def _go_on(self, page: ThreadPage, stale: int) -> None:
        stuck = self._trail.go_on(
            page.cursor.after if page.cursor is not None else None,
            threads=len(page.threads) + self._sieve.has_deferred,
            stale=stale,
            seen=len(self._sieve.listed),
            known=self._sieve.known,
        )
        # A cursor that marks an item leads back up when the item has moved to the head: not twice for nothing.
        if stuck is None or (stuck is REPEATS and self._to_the_head()):
            return
        if stuck is REPEATS and self._pass is _PROVE:
            # Too much moves for a proof: settling goes on.
            self._end_of_pass()
        else:
            self.stuck = PagingStuck(stuck, page.inbox)

    # -- passes --------------------------------------------------------------------------------------------------------

    def _to_the_head(self, *, times: int = 1) -> bool:
        """Begin this pass again; False where that was done so many times with nothing new between, or got no deeper."""
        if self._sieve.known > self._lost_at:
            self._lost_at, self._losses = self._sieve.known, 0
        self._losses += 1
        if self._trail.listed > self._deepest:
            self._deepest, self._restarts = self._trail.listed, 0
        self._restarts += 1
        if self._losses > times or self._restarts > RESTLESS_PASSES:
            return False
        self._begin_pass(self._pass)
        return True

    def _begin_pass(self, reading_for: Pass) -> None:
        if reading_for is not self._pass:
            self._deepest = self._restarts = 0
            self._tell(Proving if reading_for is _PROVE else Settling)
        if self._pass is not _SETTLE:
            self._proofs.note(self._trail, down=self._pass is _DOWN)
        self._sieve.begin(proving=reading_for is _PROVE, floor=self._floor)
        self._pass, self._trail = reading_for, Trail()
        self._head, self._quiet, self._end = None, True, DoubtedEnd()
        self._first_run, self._run_before = None, self._first_run

    def _end_of_pass(self) -> None:
        single = self._trail.calls == 1
        if not self.settle or (self._pass is _DOWN and single and self.start.after is None):
            self._finish()
        elif self._pass is _DOWN:
            self._floor = self._head
            self._prove() if self._floor is not None else self._begin_pass(_SETTLE)
        elif self._pass is _PROVE:
            # One answer from the head down to what hangs together with the end leaves nothing between.
            whole = single and not self._sieve.has_deferred and self._stretches.reach_the_end(self._first_run)
            self._finish() if whole else self._begin_pass(_SETTLE)
        else:
            self._end_of_settling(single)

    def _end_of_settling(self, single: bool) -> None:
        still = self._quiet and self._head == self._floor
        if still and not self._stretches.reach_the_end(self._first_run):
            # Nothing has moved, so the pass before began where this one did.
            self._first_run = self._run_before
        rested = single or still
        self._restless = 0 if rested else self._restless + 1
        self._floor = self._head
        if self._restless > RESTLESS_PASSES:
            # A proof would take longer than all of them, and as many would follow.
            self._tell(Unsettled)
            self._finish()
        elif not rested:
            self._begin_pass(_SETTLE)
        else:
            self._prove()

    def _prove(self) -> None:
        """Everything has been read once: that is the end, unless head and end must be seen to hang together."""
        if not self._can_prove():
            if self._pass is not _SETTLE:
                self._begin_pass(_SETTLE)
                return
            if not self._stretches.reach_the_end(self._first_run):
                self._tell(Unproven)
            self._finish()
            return
        self._proofs.count += 1
        self._begin_pass(_PROVE)

    def _can_prove(self) -> bool:
        """Whether head and end do not hang together yet and another proof may help."""
        if (self._proofs.width or self._asking.limit) < 2 or not self._stretches.newest:
            return False
        if self._pass is _SETTLE and self._stretches.reach_the_end(self._first_run):
            return False
        if self._sieve.trusts and self.start.after is None and self.start.head is not None:
            return False
        return self._proofs.may_help(self._stretches.links)

    def _finish(self) -> None:
        self.done = True
        self._sieve.forget()
        self._stretches = _NO_STRETCHES
