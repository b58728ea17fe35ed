"""How each pool stands and how long a call must wait: from usage, refusals and a given *now*. No clock, no waiting.

Meta documents 2 calls per second per Page and per Instagram account on this edge, and does not say which window it
counts in (contract 4.1). What counts is when calls arrive; we know only when we sent and when the answer came.

The slot rule. An Inbox has as many slots as calls per second. A call takes a slot when it is sent; the slot comes
back one second after its answer was received. Then no one-second window ever holds more arrivals than there are
slots, whatever the network does. Proof: let n be the number of slots, and suppose that n + 1 calls arrive within one
second. Two of them used the same slot, one after the other: a, then b. a arrived before its answer was received, at
r(a); b was sent at s(b) >= r(a) + 1 and arrived later than that. So b arrived more than one second after a.
Contradiction. The same holds for fixed seconds, which are windows of one second, and for a token bucket that holds n
and refills n a second: before each call at least n tokens less those of the past second are in it.

Gates. A refusal closes the pool that it names until Meta's own time, else for a pause that doubles with each refusal
in a row. Then one call probes; when it passes, the gate opens for all.
"""

import math
from typing import Final

from attrs import Factory, define, field, frozen
from attrs.validators import ge, gt, le, lt, optional

from conversations_async.model import Inbox, Platform, Pool

LONGEST_BLIND_PAUSE: Final = 3600.0
OUTAGE_INBOXES: Final = 3
"""So many Inboxes must fail, with no success in between, before a failure counts as the host's."""
_MOST_DOUBLINGS: Final = 30
"""Beyond any pause's ceiling; an outage of some hours sees thousands of refusals, and 2.0**1024 is no float."""


@frozen
class LimitPolicy:
    """What the session allows itself. `calls_per_second` is per Inbox, 0 for no pacing; Meta documents 2."""

    calls_per_second: float = field(default=2.0, validator=[ge(0), lt(math.inf)])
    ease_off_at: float = field(default=75.0, validator=[gt(0), le(100)])
    """Percent of a pool from which the pace stretches."""
    blind_pause: float = field(default=60.0, validator=gt(0))
    """Seconds that a pool rests after a refusal without a stated time; doubles with each refusal in a row."""
    app_calls_per_second: float | None = field(default=None, validator=optional(gt(0)))

    @property
    def slots(self) -> int:
        """Calls of one Inbox that may be counted at once."""
        # Rounded up, so that a period is a second or more: 2.5 as two slots of 0.8 s would let four into a second.
        return max(1, math.ceil(self.calls_per_second))

    @property
    def period(self) -> float:
        """Seconds after its answer until a slot comes back."""
        return self.slots / self.calls_per_second if self.calls_per_second else 0.0


@define
class Slots:
    """The slots of one Inbox as the moments from which they are free; endless while a call is under way."""

    free_at: list[float]

    def next_moment(self) -> float:
        """The moment from which the next call may be sent."""
        return min(self.free_at)

    def take(self) -> int:
        """Take the slot that is free the longest."""
        place = self.free_at.index(min(self.free_at))
        self.free_at[place] = math.inf
        return place

    def give_back(self, place: int, free_at: float) -> None:
        self.free_at[place] = free_at


@define
class Gate:
    """A pool that may be closed until a moment. After it, one call probes and the others wait for its outcome."""

    pool: Pool
    opens_at: float = -math.inf
    closed: bool = False
    probing: bool = False
    refusals: int = 0
    code: int | None = None

    def next_moment(self) -> float:
        """From when a call may go through; endless while a probe is out."""
        if not self.closed:
            return -math.inf
        return math.inf if self.probing else self.opens_at

    def enter(self) -> bool:
        """A call goes through; True where it is the probe."""
        if self.closed:
            self.probing = True
        return self.closed

    def refuse(self, now: float, pause: float | None, policy: LimitPolicy, *, probe: bool, chance: float) -> bool:
        """The pool refused a call; `pause` is Meta's word in seconds. True where that closes it, or for longer.

        Calls that were under way when the gate closed come back refused too: they say nothing new.
        """
        late = self.closed and not probe
        if pause is None:
            if late:
                return False
            blind = min(policy.blind_pause * _doubled(self.refusals), LONGEST_BLIND_PAUSE)
            pause = blind * (1 + chance / 10)
        elif late and now + pause <= self.opens_at:
            return False
        if not late:
            self.refusals += 1
        self.closed = True
        self.opens_at = max(self.opens_at, now + pause)
        return True

    def open(self) -> None:
        """The probe has passed."""
        self.closed = self.probing = False
        self.refusals = 0
        self.opens_at = -math.inf

    def probe_ended(self) -> None:
        """The probe brought neither a pass nor a refusal: another may try."""
        self.probing = False


@define
class Outage:
    """Whether the host is down for everybody, seen from failures of several Inboxes with no success in between.

    One Inbox whose every call fails is sick, and closes nothing for the others.
    """

    gate: Gate
    failing: set[Inbox | None] = Factory(set)

    def failed(self, inbox: Inbox | None, now: float, *, probe: bool, chance: float) -> bool:
        """A call got no answer of Graph's. True where that closes the gate, or keeps it closed."""
        if self.gate.closed and not probe:
            return False
        self.failing.add(inbox)
        if len(self.failing) < OUTAGE_INBOXES and not probe:
            return False
        pause = min(_doubled(self.gate.refusals), 10.0)
        self.gate.refusals += 1
        self.gate.closed = True
        self.gate.opens_at = now + pause * (0.5 + chance / 2)
        return True

    def passed(self) -> None:
        """Graph answered a call that was sent while the gate was open, or its probe."""
        self.failing.clear()


def _doubled(times: int) -> float:
    return 2.0 ** min(times, _MOST_DOUBLINGS)


def pools_of(inbox: Inbox | None, user: str) -> tuple[Pool, ...]:
    """The pools that a call of an Inbox draws on, its own slots apart.

    An Instagram Inbox has been seen to count in the Page's messenger pool as well (contract 4.1), so it rests with it.
    """
    shared = (Pool("host"), Pool("app"), Pool("user", user))
    if inbox is None:
        return shared
    kinds = ("messenger", "pages") if inbox.platform is Platform.MESSENGER else ("messenger", "pages", "instagram")
    own = Pool("inbox", f"{inbox.page_id}/{inbox.platform}")
    return (own, *(Pool(kind, inbox.page_id) for kind in kinds), *shared)  # type: ignore[arg-type]
