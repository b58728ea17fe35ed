"""Which Inbox comes next: those begun, under the moment from which their next call may be sent, and those to begin.

The one that is due the longest goes on; where none is due another Inbox is begun. So as many are under way as keep the
connections and this core busy, and of ten thousand only these take memory: what a walk remembers is freed with it. None
is the later for it: begun all at once, they would share the same calls a second.

A huge Inbox holds up nobody: some are begun before any goes on, and then another now and then, though others are due.
An Inbox that is begun late ends late, when the others have left this core with nothing to do; so a thousand are under
way soon, and of more another is begun the more seldom, the more there are. Without a pace none ends late for having
begun late, and few more are under way than at the beginning.
"""

import math
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count
from typing import Final, Generic, TypeVar

_SIDE_BY_SIDE: Final = 128
"""Inboxes that are begun before any of them goes on."""
_FEW: Final = 32
"""Inboxes under way whose memory does not count, however much they keep."""
_MUCH: Final = 16_384
"""Threads kept by all that are under way, above which it does."""
_A_ROUND: Final = 32
"""How many more are begun while each of those under way goes on once; more of them as long as these are not many."""
_MANY: Final = 896
"""As many calls as a core makes in half a second, which is the pace of an Inbox."""
_CALLS_BETWEEN: Final = 8
"""Until so many are under way, another is begun for so many calls at the latest."""
_UNPACED_MANY: Final = 256
"""The same without a pace: nothing is gained by more."""
_UNPACED_BETWEEN: Final = 64
"""Beyond them another is begun for so many calls, since a huge Inbox must hold up nobody."""
_SOON: Final = 0.3
"""Seconds within which one that is due is waited for."""
_PAUSE: Final = 0.012
"""Seconds between one step beyond all that have been under way at a time and the next, where one is due soon."""

L = TypeVar("L")


class Rota(Generic[L]):
    """The Inboxes of one listing that are not being called and do not wait for somebody else's outcome."""

    def __init__(self, fresh: Iterator[L], total: int, *, paced: bool = True) -> None:
        self._paced = paced
        self._fresh = fresh
        self._to_begin = total
        """Inboxes of which nothing has been made yet; in the order given."""
        self._under_way = 0
        self._turns = 0
        """Calls of those under way since another was begun."""
        self._most = _MANY
        """As many have been under way at a time, or may be at any moment."""
        self._grew_at = -math.inf
        self._order = count()
        self._heap: list[tuple[float, int, L]] = []

    def crowded_by(self, threads: int) -> bool:
        """Whether so many are under way that it counts what each keeps, if all keep as many threads as this one."""
        return self._under_way > _FEW and self._under_way * threads > _MUCH

    def put(self, due: float, lane: L) -> None:
        """An Inbox may go on from this moment on."""
        heappush(self._heap, (due, next(self._order), lane))

    def take(self, now: float) -> L | None:
        """The one that goes on now, or begins."""
        due = bool(self._heap) and self._heap[0][0] <= now
        if due and not self._is_to_begin():
            self._turns += 1
            return heappop(self._heap)[2]
        if not self._to_begin or (not due and self._waits(now)):
            return None
        self._to_begin -= 1
        self._under_way += 1
        self._turns = 0
        if self._under_way > self._most:
            self._most, self._grew_at = self._under_way, now
        return next(self._fresh)

    def end(self) -> None:
        """An Inbox has come to its end, whatever that is."""
        self._under_way -= 1

    @property
    def earliest(self) -> float:
        """From when `take` gives one for certain; -inf: at any moment, inf: not before one is put back."""
        due = self._heap[0][0] if self._heap else math.inf
        if not self._to_begin:
            return due
        return -math.inf if self._under_way < self._most else min(due, self._grew_at + _PAUSE)

    def clear(self) -> None:
        """Nothing goes on any more."""
        self._heap.clear()
        self._fresh, self._to_begin = iter(()), 0

    def _waits(self, now: float) -> bool:
        """Whether one that is due soon is waited for, though this core has nothing to do until then.

        In its first second an Inbox makes calls that nothing follows for half a second: all that are begun meanwhile
        stay, and a thousand of them too many take memory for as long as they last.
        """
        soon = bool(self._heap) and self._heap[0][0] < now + _SOON
        return soon and self._under_way >= self._most and now < self._grew_at + _PAUSE

    def _is_to_begin(self) -> bool:
        """Whether another is begun although one is due."""
        if not self._to_begin:
            return False
        between = self._under_way / _A_ROUND
        if not self._paced:
            between = _CALLS_BETWEEN if self._under_way < _UNPACED_MANY else _UNPACED_BETWEEN
        elif self._under_way < _MANY:
            between = min(between, _CALLS_BETWEEN)
        else:
            between *= (self._under_way / _MANY) ** 2
        return self._under_way < _SIDE_BY_SIDE or self._turns >= between
