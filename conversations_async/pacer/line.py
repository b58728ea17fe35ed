"""The line of one Inbox: who has sent, who waits, and when to ask again.

The rule. A call of an Inbox may be sent while fewer than `slots` of its calls are live. A call is live from its
sending until `period` after its answer was received; one whose process died, until LINGER + `period` after that was
noticed; one never answered, until its lease ends. Theorem: no half-open window of one `period` holds more than `slots`
arrivals, whatever the network does. Proof: of slots + 1 arrivals within one window let x be the call sent last, a its
arrival. When x was sent at s <= a, fewer than `slots` others were live, so one of the other `slots`, y, was no longer:
its answer was received, and it had arrived before, at least a period before s. So y arrived a period or more before a:
not in that window. (It is the slot rule of `slots`, strict, counted instead of numbered, so that processes with other
limits can share a line: together they keep to the most generous of them.)

The line. Whoever may not send waits in the line of the Inbox, and is told when his turn is likely to come: the places
before him are known, the answers received say exactly when slots come back, and those under way are expected after the
usual trip. He asks again at that moment and not before. Processes take turns (in rounds, first come first served in
each), so one with a hundred callers takes no more than one with one. Who does not come when his turn does is passed
over until he comes: a sleeper costs GRACE, a dead process nothing.
"""

from bisect import insort
from collections.abc import Callable
from math import inf
from typing import Any, Final, Self

from attrs import define, field

from conversations_async.slots import LINGER

GRACE: Final = 0.1
"""Seconds that a slot is kept for the first in line after the moment he was told."""
GRAIN: Final = 0.0005
"""Seconds added to a moment told: whoever wakes a hair too early must ask once more."""


@define(eq=False, repr=False)
class _Live:
    """A call that was let go and has no answer yet."""

    number: int
    who: int
    since: float
    until: float


@define(eq=False, repr=False)
class _Waiter:
    round: int
    number: int
    who: int
    at: float  # the moment last told


@define(eq=False, repr=False)
class Line:
    """Who has sent, and who waits. *now* is passed in; `who` is a process."""

    live: list[_Live] = field(factory=list)
    due: list[float] = field(factory=list)  # until when answered calls are live, sorted
    waiting: list[_Waiter] = field(factory=list)
    round: int = 0
    count: int = 0
    trip: float = 0.0
    spread: float = 0.0

    @classmethod
    def read(cls, state: list[Any]) -> Self:
        live, due, waiting, *rest = state
        return cls([_Live(*each) for each in live], due, [_Waiter(*each) for each in waiting], *rest)

    def written(self) -> list[Any]:
        live = [(each.number, each.who, each.since, each.until) for each in self.live]
        waiting = [(each.round, each.number, each.who, each.at) for each in self.waiting]
        return [live, self.due, waiting, self.round, self.count, self.trip, self.spread]

    def book(self, who: int, now: float) -> int:
        """Stand in line: a round after the last of one's own."""
        last = max((each.round for each in self.waiting if each.who == who), default=0)
        self.count += 1
        self.waiting.append(_Waiter(max(last, self.round) + 1, self.count, who, now))
        return self.count

    def stands(self, number: int) -> bool:
        return any(each.number == number for each in self.waiting)

    def ask(self, number: int, now: float, *, slots: int, period: float, lease: float) -> float:
        """The moment to ask again; -inf: it may send now, and is live from here on."""
        mine = next(each for each in self.waiting if each.number == number)
        ahead = [
            each
            for each in self.waiting
            if (each.round, each.number) < (mine.round, mine.number) and each.at + GRACE > now
        ]
        busy = len(self.live) + len(self.due)
        if busy + len(ahead) < slots:
            self.waiting.remove(mine)
            self.round = max(self.round, mine.round)
            self.live.append(_Live(number, mine.who, now, now + lease + period))
            return -inf
        mine.at = self._likely(len(ahead), now, slots, period)
        if busy < slots:
            # There is a slot, kept for one who has not come yet.
            mine.at = min(mine.at, min(each.at for each in ahead) + GRACE)
        mine.at = max(mine.at, now) + GRAIN
        return mine.at

    def _likely(self, place: int, now: float, slots: int, period: float) -> float:
        # Rather early: coming late costs the slot's time, coming early costs asking once more.
        trip = max(self.trip - self.spread, 0.0)
        free = [*self.due, *(max(each.since + trip, now) + period for each in self.live)]
        free.sort()
        free = [now] * (slots - len(free)) + free[max(len(free) - slots, 0) :]
        rounds, slot = divmod(place, slots)
        return free[slot] + rounds * (period + trip)

    def answered(self, number: int, now: float, period: float, linger: float = 0.0) -> None:
        """Its answer came, or it was given up. Counts also when its lease has ended: it has arrived late."""
        for each in [each for each in self.live if each.number == number]:
            self.live.remove(each)
            if not linger:
                self._learn(now - each.since)
        self._step_out(number)
        insort(self.due, now + linger + period)

    def unsent(self, number: int) -> None:
        """As if never booked."""
        self.live = [each for each in self.live if each.number != number]
        self._step_out(number)

    def _step_out(self, number: int) -> None:
        self.waiting = [each for each in self.waiting if each.number != number]

    def tidy(self, now: float, period: float, lease: float, alive: Callable[[int], bool]) -> None:
        """Let go of what is over, and of the dead."""
        if self.due and self.due[0] <= now:
            self.due = [each for each in self.due if each > now]
        if self.live:
            for each in [each for each in self.live if not alive(each.who)]:
                self.live.remove(each)
                insort(self.due, now + LINGER + period)
            self.live = [each for each in self.live if each.until > now]
        if self.waiting:
            self.waiting = [each for each in self.waiting if each.at + lease > now and alive(each.who)]

    def _learn(self, trip: float) -> None:
        if not self.trip:
            self.trip, self.spread = trip, trip / 2
            return
        self.spread += (abs(trip - self.trip) - self.spread) / 8
        self.trip += (trip - self.trip) / 8
