"""When may the next call of an Inbox be sent? No clock: *now* is passed in, any monotonic seconds.

Meta documents 2 calls per second per Page and per Instagram account on this edge, and does not say which window it
counts in (contract 4.1). What counts is when calls arrive; we know only when we sent and when the answer came.

An Inbox has `slots = max(1, ceil(rate))` slots and a `period = slots / rate` (2 calls/s: 2 slots, 1 s). A call takes a
slot when it is sent. The slot is free again one period after the answer was received, less a credit:

    next sending on the slot  >=  received + period - credit,      0 <= credit <= trip = received - sent

Write a call's sending, arrival and answer s <= a <= r; there = a - s, back = r - a (the server's work is part of back:
it comes after the arrival); a', s', there' are of the next call on the same slot. Assumed: one sending arrives at most
once; both clocks tick alike.

Theorem 1 (strict, credit 0). Whatever the network does, and however calls overlap, no window of length `period` holds
more than `slots` arrivals. Proof: a' >= s' >= r + period >= a + period. So the arrivals of one slot are at least a
period apart, a half-open window [t, t + period) holds at most one of each slot, and every call holds a slot. A call
given up has no r; it is taken to arrive no later than LINGER after it was given up, and its slot is free a period
after that. For each model of the server:
* rolling second, fixed seconds: rounding slots up makes period >= 1 s at every rate, so a second, rolling or fixed, is
  within such a window. (Rounding down does not do: rate 2.5 as 2 slots of 0.8 s lets four calls into a second.)
* token bucket (rate, burst slots): in a closed interval of length T a slot has at most 1 + T/period arrivals, all
  slots at most slots + rate*T, which is just what the bucket has to give. So it is never empty.

Theorem 2 (credit). a' - a = period + (back + there' - credit) + (delay of s'), so a credit is safe if and only if
credit <= back + there'. What nobody can see is how a trip splits into there and back; what can be said is
(i)   the largest always-safe credit is min back + min there, and the shortest trip is never below it;
(ii)  since credit <= trip: a' - a >= period - (there - there'). Only a way there that got shorter from one call of a
      slot to the next can do harm; the server's work, the way back, our own late reading of an answer cannot;
(iii) since credit <= trip: s' >= s + period. Sendings of a slot are a period apart, so an AsyncLimiter(slots, period)
      taken just before the sending never waits;
(iv)  if ways there and back are independent, every answer tests the credit for free: a trip below it would have been a
      refusal, had its ways met in one pair; the next pair is below the least of n trips with a chance <= 1/(n+1).

Theorem 3 (default, any network whatever). A refusal after credit was used costs PRICE answers without credit. So an
Inbox whose calls follow one another is refused because of credit at most 1 + N/PRICE times in N answers: owed never
passes PRICE, and owed >= PRICE*refusals - N. With PRICE = 20,000 that is at most 1 in 10,000 from 20,000 calls on. The
same account is kept per host, so that one change of the way is not paid for by every Inbox in turn.

The credit, learned per host from the trips of all its Inboxes:
    KEPT * shortest - CAUTION * (mean - shortest) / sqrt(n) - SLACK, n = min(answers, A_SECOND * s), 0 below FEWEST
* a trip below the credit (see iv): the way has changed; forget all, start from 0;
* a whole block of answers without one as quick as the mean before it: the way is longer now; start from that block;
* a new connection made quicker than any before: learn anew; connect times never raise the credit;
* a slot whose own trip was below the credit, or whose call was given up, gets none (ii).
"""

from bisect import insort
from math import ceil, inf, sqrt
from operator import attrgetter
from typing import Final

from msgspec import field

from conversations_async.values import Bundle

KEPT: Final = 0.95
"""Of the shortest trip; the rest is for a way that gets a little shorter."""
SLACK: Final = 0.005
"""Seconds: clocks of several servers, timer grain, drift."""
CAUTION: Final = 5.0
"""Spreads of distrust at one answer, falling with the root of the answers."""
FEWEST: Final = 16
"""Answers before any credit."""
A_SECOND: Final = 32
"""Answers of one second that count: more have met the same queues."""
PRICE: Final = 20_000
"""Answers without credit that pay for one refusal."""
BLOCK: Final = 128
BLOCK_SECONDS: Final = 30.0
"""What a longer way must fill to be believed."""
MEMORY: Final = 10_000
MEMORY_SECONDS: Final = 600.0
"""How long the shortest trip is remembered at least; at most twice that."""
LINGER: Final = 1.0
"""How long after we gave it up a call may still arrive."""

_by_due = attrgetter("due")


class Trips(Bundle):
    """What the answers of one host have taught about the way there and back: one for all its Inboxes."""

    credit: float = 0.0  # how much sooner than its due a slot may be used again
    shortest: float = inf  # of this generation
    older: float = inf  # of the generation before
    mean: float = 0.0
    count: int = 0  # answers since the way last changed
    began: float = 0.0
    owed: int = 0  # answers still to come without credit; below zero: saved up
    handshake: float = inf
    _learned: float = 0.0
    _latest_handshake: float = inf
    _generation: int = 0
    _generation_began: float = 0.0
    _block: int = 0
    _block_began: float = 0.0
    _block_sum: float = 0.0
    _block_shortest: float = inf

    def learn(self, trip: float, now: float) -> None:
        """An answer came *trip* seconds after its call was sent."""
        if self.owed > -PRICE:
            self.owed -= 1
        if trip < self._learned or not self.count:
            # It would have been refused, had its ways met in one pair of calls: the way has changed. Start anew.
            self._restart(trip, now)
            return
        self.count += 1
        if trip < self.shortest:
            self.shortest = trip
        if trip < self._block_shortest:
            self._block_shortest = trip
        self._block += 1
        self._block_sum += min(trip, self.shortest + 1.0)  # one that hung is no reason to distrust the rest
        if self._block == self.count:
            self.mean = self._block_sum / self._block
        if self._block >= BLOCK and now - self._block_began >= BLOCK_SECONDS:
            self._turn(now)
        self._reckon(now)

    def refused(self) -> None:
        """A call was refused for the pace, and credit had been used."""
        self.owed += PRICE
        self.credit = 0.0

    def connected(self, took: float) -> None:
        """A new connection took this long. A quicker one than ever may lead a shorter way: first learn it."""
        self._latest_handshake = took
        if took < self.handshake:
            if took < self.handshake - SLACK:
                self.count, self._learned, self.credit = 0, 0.0, 0.0
            self.handshake = took

    def _restart(self, trip: float, now: float) -> None:
        self.shortest = self._block_shortest = self.mean = self._block_sum = trip
        self.older = inf
        self.count = self._block = 1
        self.began = self._generation_began = self._block_began = now
        self._generation = 0
        self._learned = self.credit = 0.0

    def _turn(self, now: float) -> None:
        mean = self._block_sum / self._block
        if self._block < self.count and self._block_shortest > self.mean + SLACK:
            # A whole block with no answer as quick as the usual one before it: the way is longer now.
            self.shortest, self.older, self.mean = self._block_shortest, inf, mean
            self.count, self.began = self._block, self._block_began
            self._generation, self._generation_began = 0, self._block_began
            self.handshake = self._latest_handshake
        elif self._block < self.count:
            self.mean += (mean - self.mean) / 4
        self._generation += self._block
        if self._generation >= MEMORY and now - self._generation_began >= MEMORY_SECONDS:
            self.older, self.shortest = self.shortest, self._block_shortest
            self._generation, self._generation_began = 0, now
        self._block, self._block_began, self._block_sum, self._block_shortest = 0, now, 0.0, inf

    def _reckon(self, now: float) -> None:
        known = min(self.count, A_SECOND * (now - self.began), 2 * MEMORY)
        if known < FEWEST:
            learned = 0.0
        else:
            shortest = min(self.shortest, self.older)
            spread = max(self.mean - shortest, 0.0)
            learned = max(KEPT * shortest - CAUTION * spread / sqrt(known) - SLACK, 0.0)
        self._learned = learned
        self.credit = learned if self.owed <= 0 else 0.0


class Slot(Bundle):
    due: float = -inf  # when it is free again by the proven rule
    trip: float = 0.0  # of its last answer
    sent: float = inf  # of the call that holds it; inf: nobody does


class Slots(Bundle):
    """The slots of one Inbox. Strict without `trips`."""

    slots: int
    period: float
    trips: Trips | None = None
    owed: int = 0
    _unused: int = 0
    _lent: float = -inf  # when a call last went before its due
    _idle: list[Slot] = field(default_factory=list)

    @classmethod
    def of(cls, rate: float, trips: Trips | None = None) -> "Slots":
        slots = max(1, ceil(rate))
        return cls(slots, slots / rate, trips, 0, slots)

    def next_moment(self, now: float) -> float:
        """The earliest moment of the next sending; `inf` while every slot waits for its answer. Ask again on waking."""
        if self._unused:
            return now
        if not self._idle:
            return inf
        slot = self._idle[0]
        moment = slot.due
        if self.trips is not None and self.owed <= 0:
            credit = self.trips.credit
            if slot.trip >= credit:
                moment -= credit
        return max(moment, now)

    def is_rested(self, now: float) -> bool:
        """Whether new slots would say the same: no call is out, each slot is free by the rule, no refusal is owed for.

        Answers without credit saved up for a refusal to come are no reason to keep them: without, more is owed for it.
        """
        free = self._unused + len(self._idle) == self.slots
        return free and self.owed <= 0 and all(slot.due <= now for slot in self._idle)

    def sent(self, now: float) -> Slot:
        """A call goes out now. To be stamped before its first byte, after the connection is there."""
        if self._unused:
            self._unused -= 1
            return Slot(-inf, 0.0, now)
        free = self._idle.pop(0)
        if now < free.due:
            self._lent = now
        return Slot(free.due, free.trip, now)  # a new one: who answers twice cannot free another's

    def answered(self, slot: Slot, now: float, refused: bool = False, usual: bool = True) -> None:
        """Its answer came. `usual=False`: its trip says nothing about others' (it had to connect, or was an error)."""
        if slot.sent == inf:
            return
        trip = now - slot.sent
        trips = self.trips
        if trips is not None:
            if self.owed > -PRICE:
                self.owed -= 1
            if usual:
                trips.learn(trip, now)
            if refused and self._lent > slot.sent - 2 * self.period:
                self.owed += PRICE
                trips.refused()
        self._free(slot, now + self.period, trip)

    def given_up(self, slot: Slot, now: float) -> None:
        """No answer will come, but the call may have arrived, or be about to."""
        self._free(slot, now + self.period + LINGER, 0.0)

    def unsent(self, slot: Slot) -> None:
        """It never went out: the slot is as it was."""
        self._free(slot, slot.due, slot.trip)

    def _free(self, slot: Slot, due: float, trip: float) -> None:
        if slot.sent == inf:
            return
        slot.due, slot.trip, slot.sent = due, trip, inf
        idle = self._idle
        if not idle or due >= idle[-1].due:
            idle.append(slot)
        else:
            insort(idle, slot, key=_by_due)
