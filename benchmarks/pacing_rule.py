"""The slot rule and its peers on simulated networks before simulated servers. No asyncio: a heap of moments.

A call is a sending at t, an arrival at t + there, an answer at t + there + back. The server sees arrivals only, counts
refused ones too, and counts "2 calls per second" in one of three ways, since Meta does not say which. A refused call
is repeated: after a pause of the whole Inbox where the rule is ours, after a backoff of its own where it is a peer's.
"""

import math
import random
from collections import deque
from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heappush
from typing import Any, Final, Protocol

from attrs import define, field, frozen

from conversations_async.slots import LINGER, Slot, Slots, Trips

RATE: Final = 2.0
PAUSE: Final = 60.0
"""Seconds that ours rests after a refusal; doubles with each in a row."""
LONGEST_BACKOFF: Final = 60.0
_GRAIN: Final = 1e-9
"""Moments are sums of floats."""

Ways = Callable[[], tuple[float, float]]
"""Draws how long a call takes there and back."""
Window = Callable[[float], bool]
"""Counts an arrival; False where it is one too many."""


# -- networks ----------------------------------------------------------------------------------------------------------


@frozen
class Network:
    """Half of the latency and of the jitter on each way; some calls are late by up to 300 ms more on one of them."""

    latency: float
    jitter: float
    tail: float = 0.02
    late: float = 0.3

    @property
    def name(self) -> str:
        return f"{self.latency * 1e3:.0f} + {self.jitter * 1e3:.0f} ms"

    @property
    def longest(self) -> float:
        return self.latency + self.jitter + self.late

    def ways(self, seed: str) -> Ways:
        chance = random.Random(f"{seed}/{self.latency}/{self.jitter}").random
        base, jitter, tail, late = self.latency / 2, self.jitter / 2, self.tail, self.late

        def draw() -> tuple[float, float]:
            there, back = base + jitter * chance(), base + jitter * chance()
            if chance() < tail:
                if chance() < 0.5:
                    return there + late * chance(), back
                return there, back + late * chance()
            return there, back

        return draw


TABLE: Final = tuple(Network(*row) for row in ((0.02, 0.0), (0.08, 0.05), (0.1, 0.2), (0.3, 0.25)))
"""The rows that the bars are about."""
NETWORKS: Final = tuple(
    sorted({*TABLE, *(Network(latency, jitter) for latency in (0.02, 0.08, 0.3) for jitter in (0.0, 0.05, 0.25))},
           key=lambda row: (row.latency, row.jitter))
)  # fmt: skip


def _hostile(draw: Callable[[random.Random], float]) -> Callable[[str], Ways]:
    def ways(seed: str) -> Ways:
        chance = random.Random(seed)
        return lambda: (draw(chance), draw(chance))

    return ways


# A way takes a microsecond at least: with ways of exactly zero `a + period` may round to a hair below a period.
HOSTILE: Final[dict[str, Callable[[str], Ways]]] = {
    "Pareto 1.1": _hostile(lambda chance: 0.01 * chance.paretovariate(1.1)),
    "log-normal": _hostile(lambda chance: 0.02 + chance.lognormvariate(-3, 1.0)),
    "1 in 100 hangs": _hostile(lambda chance: 0.04 + 0.02 * chance.random() + 30 * (chance.random() < 0.01)),
    "about a second": _hostile(lambda chance: chance.choice((1e-6, 0.3, 0.999, 1.0, 1.001, 3.0))),
    "1 us to 30 s": _hostile(lambda chance: 10 ** chance.uniform(-6, 1.5)),
}


# -- servers -----------------------------------------------------------------------------------------------------------


def rolling(_phase: float) -> Window:
    """No more than two in any second."""
    recent = deque((-math.inf, -math.inf))

    def arrive(now: float) -> bool:
        recent.append(now)
        return now - recent.popleft() >= 1.0 - _GRAIN

    return arrive


def fixed(phase: float) -> Window:
    """Seconds that begin at a phase nobody knows."""
    second, count = -1, 0

    def arrive(now: float) -> bool:
        nonlocal second, count
        if (this := math.floor(now + phase)) != second:
            second, count = this, 0
        count += 1
        return count <= RATE

    return arrive


def bucket(_phase: float) -> Window:
    """Two tokens, two more each second."""
    level, last = RATE, 0.0

    def arrive(now: float) -> bool:
        nonlocal level, last
        level, last = min(RATE, level + (now - last) * RATE) - 1, now
        if level >= -_GRAIN:
            return True
        level = max(level, -RATE)
        return False

    return arrive


WINDOWS: Final[dict[str, Callable[[float], Window]]] = {"rolling": rolling, "fixed": fixed, "bucket": bucket}


# -- rules -------------------------------------------------------------------------------------------------------------


class Rule(Protocol):
    """When one Inbox may send. `Slots` is one."""

    def next_moment(self, now: float) -> float: ...
    def sent(self, now: float) -> Any: ...
    def answered(self, slot: Any, now: float, refused: bool = False) -> None: ...


class Known(Trips):
    """Trips whose shortest is known from the start, a nanosecond less for the rounding: g = 1, the attainable pace."""

    def learn(self, trip: float, now: float) -> None: ...
    def refused(self) -> None: ...


@define(eq=False)
class Limiter:
    """What `AsyncLimiter(rate, per)` does for calls that follow one another."""

    rate: float
    per: float
    _level: float = 0.0
    _checked: float = 0.0

    def next_moment(self, now: float) -> float:
        self._leak(now)
        over = self._level + 1 - self.rate
        return now + over * self.per / self.rate if over > _GRAIN else now

    def sent(self, now: float) -> None:
        self._leak(now)
        self._level += 1

    def answered(self, slot: None, now: float, refused: bool = False) -> None: ...

    def _leak(self, now: float) -> None:
        self._level = max(0.0, self._level - (now - self._checked) * self.rate / self.per)
        self._checked = now


@frozen
class Contender:
    """A way to pace Inboxes: makes a rule for each of those that share a host."""

    name: str
    rules: Callable[[Network], Callable[[], Rule]]
    ours: bool = True


def _learned(_network: Network) -> Callable[[], Rule]:
    trips = Trips()
    return lambda: Slots.of(RATE, trips)


def _known(network: Network) -> Callable[[], Rule]:
    trips = Known(credit=network.latency - _GRAIN)
    return lambda: Slots.of(RATE, trips)


ATTAINABLE: Final = Contender("attainable", _known)
LEARNED: Final = Contender("default", _learned)
STRICT: Final = Contender("strict", lambda _: lambda: Slots.of(RATE))
CONTENDERS: Final = (
    LEARNED,
    STRICT,
    Contender("AsyncLimiter(2, 1)", lambda _: lambda: Limiter(2, 1.0), ours=False),
    Contender("AsyncLimiter(1, 0.5)", lambda _: lambda: Limiter(1, 0.5), ours=False),
    Contender("no throttling", lambda _: lambda: Limiter(1e9, 1.0), ours=False),
)


# -- walks -------------------------------------------------------------------------------------------------------------


@define(eq=False)
class Walk:
    """The calls of one Inbox, each after the answer of the one before."""

    rule: Rule
    ways: Ways
    window: Window
    left: int
    ours: bool
    chance: random.Random
    sent: int = 0
    refused: int = 0
    in_a_row: int = 0
    finished: float = 0.0

    def pause(self) -> float:
        """Seconds of rest after a refusal."""
        self.refused += 1
        self.in_a_row += 1
        doubled = 2.0 ** min(self.in_a_row - 1, 30)
        if self.ours:
            return PAUSE * doubled
        # backoff.expo with full jitter, as its decorator does it.
        return self.chance.uniform(0, min(doubled, LONGEST_BACKOFF))


def run(walks: Iterable[Walk]) -> None:
    """All walks side by side to their ends."""
    heap: list[tuple[float, int, Walk, Any, bool]] = [(0.0, n, walk, None, True) for n, walk in enumerate(walks)]
    heapify(heap)
    order = len(heap)
    while heap:
        now, number, walk, call, passed = heappop(heap)
        rule = walk.rule
        if call is not None:
            if passed:
                rule.answered(call[0], now)
                walk.left -= 1
                walk.in_a_row = 0
                if not walk.left:
                    walk.finished = now
                    continue
            else:
                rule.answered(call[0], now, True)
                now += walk.pause()
        # Asked again when the moment has come: the credit may have changed meanwhile.
        if (moment := rule.next_moment(now)) > now or not passed:
            heappush(heap, (moment, number, walk, None, True))
            continue
        slot = rule.sent(now)
        walk.sent += 1
        there, back = walk.ways()
        order += 1
        heappush(heap, (now + there + back, order, walk, (slot,), walk.window(now + there)))


@frozen
class Outcome:
    """What a contender made of a job."""

    seconds: float
    sent: int
    refused: int


def paced(contender: Contender, network: Network, window: str, jobs: Iterable[int], seed: str) -> Outcome:
    """Inboxes of so many calls each, side by side on one host. The same seed draws the same network and server."""
    make = contender.rules(network)
    walks = [
        Walk(
            make(),
            network.ways(name := f"{seed}/{number}"),
            WINDOWS[window]((chance := random.Random(name)).random()),
            calls,
            contender.ours,
            chance,
        )
        for number, calls in enumerate(jobs)
    ]
    run(walks)
    return Outcome(
        max(walk.finished for walk in walks), sum(walk.sent for walk in walks), sum(walk.refused for walk in walks)
    )


def ideal(jobs: Iterable[int]) -> float:
    """Seconds that the largest of these Inboxes takes at 2 calls a second."""
    return max(jobs) / RATE


# -- strict: overlapping calls, lost calls, any network ----------------------------------------------------------------


@define(eq=False)
class Flood:
    """As many callers as there are, on one strict Inbox; some give up, and what they sent may arrive all the same."""

    ways: Ways
    callers: int
    chance: random.Random
    slots: Slots = field(factory=lambda: Slots.of(RATE))
    arrivals: list[float] = field(factory=list)
    _now: float = 0.0
    _under_way: list[tuple[float, int, Slot, bool]] = field(factory=list)

    def call(self, times: int) -> list[float]:
        """The moments of so many arrivals, in order."""
        for number in range(times):
            while len(self._under_way) >= self.callers or self.slots.next_moment(self._now) == math.inf:
                self._end_one()
            self._now = self.slots.next_moment(self._now)
            slot = self.slots.sent(self._now)
            there, back = self.ways()
            ends, answered = self._now + there + back, self.chance.random() > 0.01
            if not answered:
                ends = self._now + (there + back) * self.chance.random()
                there = min(there, ends + LINGER - self._now)
            self.arrivals.append(self._now + there)
            heappush(self._under_way, (ends, number, slot, answered))
        return sorted(self.arrivals)

    def _end_one(self) -> None:
        ended, _, slot, answered = heappop(self._under_way)
        self._now = max(self._now, ended)
        (self.slots.answered if answered else self.slots.given_up)(slot, self._now)


def strict_refusals(calls: int, seed: int) -> tuple[int, int]:
    """Refusals and calls of strict Inboxes on every network before every server."""
    networks: list[Callable[[str], Ways]] = [*(network.ways for network in NETWORKS), *HOSTILE.values()]
    cases = [(ways, window, callers) for ways in networks for window in WINDOWS.values() for callers in (1, 3)]
    refused = made = 0
    each = math.ceil(calls / len(cases))
    for number, (ways, window, callers) in enumerate(cases):
        name = f"strict/{seed}/{number}"
        chance = random.Random(name)
        arrive = window(chance.random())
        times = Flood(ways(name), callers, chance).call(each)
        refused += sum(not arrive(time) for time in times)
        made += each
    return refused, made
