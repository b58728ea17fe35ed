"""How each pool stands and how long a call must wait: from usage, refusals and a given *now*. No clock, no waiting.

The pace of one Inbox is the slot rule (`slots`). Here are the pools that several Inboxes share.

Gates. A refusal closes the pool that it names until Meta's own time, else for a pause that doubles with each refusal
in a row. Then one call probes; when it passes, the gate opens for all.

Easing. Meta says in percent how full a pool is, rounded, over a window of an hour or of 24 hours, and does not say when
it empties (contract 4.1, 4.2). From `ease_off_at` on, the pace is such that at the use seen per call the rest of the
pool lasts an hour. Asked again after each answer, that never reaches 100 %: what is left shrinks by a share an hour,
and a pool that empties meanwhile gives the pace back.
"""

import math
from typing import Final

from attrs import field, frozen
from attrs.validators import ge, gt, le, lt, optional
from msgspec import field as struct_field

from conversations_async.model import Inbox, Page, Platform, Pool
from conversations_async.values import LATER, Bundle, Plain, Value, plain

LONGEST_BLIND_PAUSE: Final = 3600.0
OUTAGE_INBOXES: Final = 3
"""So many Inboxes must fail, with no success in between, before a failure counts as the host's."""
LONGEST_OUTAGE_PAUSE: Final = 10.0
OTHERS_FIRST: Final = 0.5
"""Seconds for which a gate that opens after an outage is kept for Inboxes that have not failed."""
EASE_OVER: Final = 3600.0
"""Seconds that the rest of a pool shall last."""
LONGEST_EASE: Final = 1800.0
"""Seconds: the rarest that a pool is looked at."""
_ENOUGH_PERCENT: Final = 3.0
"""So far must the header have moved to be believed over the prior; it is rounded to whole percents."""
_PRIOR_CALLS: Final = 100
"""Calls that one percent is taken to hold until the header has moved."""


@frozen(eq=False, repr=False)
class LimitPolicy(Value):
    """What the session allows itself. `calls_per_second` is per Inbox, 0 for no pacing; Meta documents 2.

    `strict` proves that no window of one second ever holds more arrivals, at the price of each round trip; without it
    the trips are learned, for a refusal rarer than 1 in 10,000 calls. Ceilings for the app and for each user are off
    unless given.
    """

    calls_per_second: float = field(default=2.0, validator=[ge(0), lt(math.inf)])
    ease_off_at: float = field(default=75.0, validator=[gt(0), le(100)])
    """Percent of a pool from which the pace stretches."""
    blind_pause: float = field(default=60.0, validator=gt(0))
    """Seconds that a pool rests after a refusal without a stated time; doubles with each refusal in a row."""
    app_calls_per_second: float | None = field(default=None, validator=optional(gt(0)))
    user_calls_per_second: float | None = field(default=None, kw_only=True, validator=optional(gt(0)))
    strict: bool = field(default=False, kw_only=True)

    @property
    def slots(self) -> int:
        """Calls of one Inbox that may be counted at once."""
        return max(1, math.ceil(self.calls_per_second))

    @property
    def period(self) -> float:
        """Seconds after its answer until a slot comes back."""
        return self.slots / self.calls_per_second if self.calls_per_second else 0.0


class Gate(Bundle):
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


class Outage(Bundle):
    """Whether the host is down for everybody, seen from failures of several Inboxes with no answer in between.

    Inboxes whose calls fail while others' are answered are sick, however many they are: an answer to a call sent no
    earlier than the first failure opens the gate, and those that failed count no more until they are answered
    themselves. When the gate opens for a probe, Inboxes that have not failed go first.
    """

    gate: Gate
    failing: set[Inbox | None] = struct_field(default_factory=set)
    sick: set[Inbox | None] = struct_field(default_factory=set)
    began: float = math.inf
    """When the first call that failed was sent."""

    def next_moment(self, inbox: Inbox | None) -> float:
        """From when a call of this Inbox may go through."""
        moment = self.gate.next_moment()
        return moment + OTHERS_FIRST if self.gate.closed and (inbox in self.failing or inbox in self.sick) else moment

    def failed(self, inbox: Inbox | None, now: float, *, sent_at: float, probe: bool, chance: float) -> bool:
        """A call got no answer of Graph's. True where that closes the gate, or keeps it closed."""
        if inbox in self.sick:
            return False
        self.failing.add(inbox)
        self.began = min(self.began, sent_at)
        if self.gate.closed and not probe:
            return False
        if len(self.failing) < OUTAGE_INBOXES and not probe:
            return False
        pause = min(_doubled(self.gate.refusals), LONGEST_OUTAGE_PAUSE)
        self.gate.refusals += 1
        self.gate.closed = True
        self.gate.opens_at = now + pause * (0.5 + chance / 2)
        return True

    def passed(self, inbox: Inbox | None, *, sent_at: float) -> bool:
        """Graph answered a call. True where that opens the gate: the host is there, if not for all."""
        self.sick.discard(inbox)
        if not self.failing:
            return self.gate.closed
        if sent_at < self.began:
            # Sent before the failures began: it says nothing of what came after.
            return False
        self.sick |= self.failing - {inbox}
        self.failing.clear()
        self.began = math.inf
        return self.gate.closed


def _doubled(times: int) -> float:
    # An outage of some hours sees thousands of refusals, and 2.0**1024 is no float.
    return 2.0 ** min(times, 30)


class Ease(Bundle):
    """How full a pool is and what a call adds to it: the pace at which its rest lasts an hour."""

    pool: Pool
    percent: float
    first: float = LATER
    calls: int = 0
    last_sent: float = -math.inf
    told: float = 0.0
    """The spacing last told by an event."""

    def __post_init__(self) -> None:
        self.first = self.percent

    def learn(self, percent: float) -> None:
        """Fold in what an answer's header says."""
        if percent < self.first:
            # The window moved on: what a call adds is measured from here.
            self.first, self.calls = percent, 0
        self.percent = percent
        self.calls += 1

    def sent(self, now: float) -> None:
        self.last_sent = now

    def spacing(self, policy: LimitPolicy) -> float:
        """Seconds from one call to the next on the whole pool; 0 below `ease_off_at`."""
        if self.percent < policy.ease_off_at:
            return 0.0
        risen, left = self.percent - self.first, 100.0 - self.percent
        a_call = (risen + 1.0) / (self.calls + _PRIOR_CALLS)
        if risen >= _ENOUGH_PERCENT:
            a_call = max(a_call, risen / self.calls)
        # A full pool is looked at once in a while: its header is the only way to see it empty. Others may have driven
        # it up between two calls of ours: what looks like the use of one call is no reason to wait for days.
        spacing = min(EASE_OVER * a_call / max(left, 1.0), LONGEST_EASE)
        return spacing if left > 0 else max(spacing, policy.blind_pause)

    def next_moment(self, policy: LimitPolicy) -> float:
        return self.last_sent + self.spacing(policy)


def pool_of_user(page: Page | None) -> Pool:
    return Pool("user", (page.user if page is not None else None) or "")


def pool_of_inbox(inbox: Inbox) -> Pool:
    return Pool("inbox", inbox.key)


def shared_pools(inbox: Inbox | None, page: Page | None) -> tuple[Pool, ...]:
    """The pools that a call draws on, the Inbox's own slots apart.

    An Instagram Inbox has been seen to count in the Page's messenger pool as well (contract 4.1), so it rests with it.
    """
    wide = (Pool("host"), Pool("app"), pool_of_user(page))
    if inbox is None:
        return wide
    own = (pool_of_inbox(inbox), Pool("messenger", inbox.page_id), Pool("pages", inbox.page_id))
    if inbox.platform is Platform.INSTAGRAM:
        return (*own, Pool("instagram", inbox.page_id), *wide)
    return (*own, *wide)


# Kinds of header entries that speak of a pool which a listing draws on (contract 4.2).
EASED_KINDS: Final = frozenset({"messenger", "pages", "instagram", "app"})


@plain
class ClosedPool(Plain):
    """A pool whose gate is closed: for so many seconds, or until its probe's outcome is known."""

    pool: Pool
    seconds: float | None
    code: int | None


@plain
class EasedPool(Plain):
    """A pool that is nearly full: how full in percent, and the seconds from one call on it to the next."""

    pool: Pool
    percent: float
    spacing: float
