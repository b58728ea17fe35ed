"""Where one Inbox's walk stands and what to ask next. No clock, no socket: answers in, requests out.

What Meta promises (contract 3.1): whether there is more is said by the presence of `paging.next`; a thread page may be
short or empty and still have more; `after` is there on the last one too. What it does not promise: that cursors move
on, that threads stay in their place. The edge lists newest first, and a new message moves a thread to the head while
the walk goes down, past it. So when a walk took more than one call, it settles: it reads from the head again until it
meets a thread older than the newest one that the previous pass began with, and so on until a pass is a single call,
which nothing can move under, or begins with the thread that the previous pass began with and brings nothing new: then
nothing has moved since. The second end is for passes that no single call can make, be it that one thread a call is all
Meta gives, that more threads than fit into a call share the newest second, or that no thread has a time to be read.

The second end is not proof against everything: a thread that moved in the newest second and then again, or that moves
in each of two passes whose first answer is empty, is missed until it rests. Nor is settling against deletions. Whether
cursors name a place or a thread is not known; where they name a place, a thread deleted during the walk shifts one
behind it out of sight, and settling finds that one only if it moves.
"""

from datetime import datetime
from typing import Final

from attrs import define, evolve, field, frozen

from conversations_async.errors import PagingStuck
from conversations_async.graph.requests import GraphRequest, at, leave_out
from conversations_async.model import Cursor, Thread, ThreadPage, read_time

EMPTY_IN_A_ROW: Final = 100
"""Empty thread pages after which a listing counts as endless; the reference names no number."""

_GROW_AFTER: Final = 4


@frozen
class Read:
    """What a thread page brought: those new or newer than seen before, and those seen for the first time."""

    page: ThreadPage
    first_seen: tuple[Thread, ...]


@define(eq=False)
class ThreadWalk:
    """One Inbox's listing from a place to its end, then settling."""

    listing: GraphRequest
    threads_per_call: int
    settle: bool = True
    start: Cursor = field(factory=Cursor)

    done: bool = field(default=False, init=False)
    stuck: PagingStuck | None = field(default=None, init=False)
    """Why there is no next request although the walk is not done."""
    settling: bool = field(default=False, init=False)
    threads: int = field(default=0, init=False)
    """Threads seen so far, each once."""

    _after: str | None = field(default=None, init=False)
    _limit: int = field(default=1, init=False)
    _asked: set[int] = field(factory=set, init=False)
    _empty: int = field(default=0, init=False)
    _calls: int = field(default=0, init=False)
    _floor: datetime | None = field(default=None, init=False)
    """A settling pass ends at a thread older than this."""
    _head: datetime | None = field(default=None, init=False)
    """The newest thread of the first answer of this pass that held any."""
    _quiet: bool = field(default=True, init=False)
    """Whether this pass has brought nothing new."""
    _seen: dict[str, object] = field(factory=dict, init=False)
    _good: int = field(default=0, init=False)
    _grow_after: int = field(default=_GROW_AFTER, init=False)

    def __attrs_post_init__(self) -> None:
        self._limit = self.threads_per_call
        self._after = self.start.after
        if self.start.after is not None:
            self._head = self.start.head
            self._asked.add(hash(self.start.after))
        elif self.start.head is not None:
            self.settling, self._floor = True, self.start.head

    @property
    def limit(self) -> int:
        """How many threads the next call asks for."""
        return self._limit

    @property
    def resume(self) -> Cursor:
        """Where to take this walk up again, in this or another session."""
        if self.settling:
            return Cursor(None, self._floor)
        return Cursor(self._after, self._head)

    def next_request(self) -> GraphRequest:
        """What to ask now. The same until `feed` or `ask_for_less`, so that a failed call can be repeated."""
        return at(self.listing, limit=self._limit, after=self._after)

    def feed(self, page: ThreadPage) -> Read:
        """Take in the answer to `next_request`. Where Meta leads the walk in a circle, `stuck` is set."""
        self._calls += 1
        if self._head is None and page.threads:
            self._head = max(filter(None, (thread.updated_time for thread in page.threads)), default=None)
        read = self._news(page)
        self._grow()
        if page.more and not self._is_past_floor(page):
            self._go_on(page)
        else:
            self._end_of_pass()
        return read

    def ask_for_less(self) -> bool:
        """Halve the threads asked for, from the same place; False where one is already too many."""
        if self._limit == 1:
            return False
        self._limit //= 2
        self._good = 0
        self._grow_after *= 2
        return True

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on from the same place without a field that Meta refused; False where it was not asked or is needed."""
        rest = leave_out(self.listing, name, node)
        if rest is None:
            return False
        self.listing = rest
        return True

    # -- inside --------------------------------------------------------------------------------------------------------

    def _news(self, page: ThreadPage) -> Read:
        """Thread pages overlap when threads move; whoever lists the same version twice has said nothing new."""
        seen = self._seen
        news, first = [], []
        for thread in page.threads:
            key, version = thread.id, thread.raw.get("updated_time")
            if key not in seen:
                first.append(thread)
            elif not _is_newer(version, seen[key]):
                continue
            seen[key] = version
            news.append(thread)
        self.threads += len(first)
        self._quiet = self._quiet and not news
        cursor = page.cursor
        if self.settling:
            # Taken up at its cursor, a settling pass would walk all the way down once more.
            cursor = self.resume
        elif cursor is not None:
            cursor = evolve(cursor, head=self._head)
        return Read(evolve(page, threads=tuple(news), cursor=cursor), tuple(first))

    def _grow(self) -> None:
        """After some good answers try more again: what was too much here need not be so further down."""
        if self._limit >= self.threads_per_call:
            return
        self._good += 1
        if self._good >= self._grow_after:
            self._good = 0
            self._limit = min(self._limit * 2, self.threads_per_call)

    def _is_past_floor(self, page: ThreadPage) -> bool:
        floor = self._floor
        if not self.settling or floor is None:
            return False
        # Times are whole seconds: a thread of the floor's own second may be news, so only an older one ends the pass.
        return any((time := thread.updated_time) is not None and time < floor for thread in page.threads)

    def _go_on(self, page: ThreadPage) -> None:
        after = page.cursor.after if page.cursor is not None else None
        self._empty = 0 if page.threads else self._empty + 1
        if after is None:
            self.stuck = PagingStuck("Meta says there is more but gives no cursor", page.inbox)
        elif after == self._after or hash(after) in self._asked:
            self.stuck = PagingStuck("a cursor repeats", page.inbox)
        elif self._empty >= EMPTY_IN_A_ROW:
            self.stuck = PagingStuck(f"{EMPTY_IN_A_ROW} empty answers in a row say there is more", page.inbox)
        else:
            self._asked.add(hash(after))
            self._after = after

    def _end_of_pass(self) -> None:
        whole = self._calls == 1 and (self.start.after is None or self.settling)
        unmoved = self.settling and self._quiet and self._head == self._floor
        if whole or unmoved or not self.settle:
            self.done = True
            self._seen = {}
            return
        self.settling = True
        self._floor, self._head = self._head, None
        self._after, self._calls, self._empty, self._quiet = None, 0, 0, True
        self._asked.clear()


def _is_newer(version: object, known: object) -> bool:
    """Whether another `updated_time` is news. Where one of the two cannot be read, being another one is enough."""
    if version == known:
        return False
    time, known_time = read_time(version), read_time(known)
    return time is None or known_time is None or time > known_time
