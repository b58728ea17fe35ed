"""The slot rule: its theorems as properties over any network, and its pace on those of the table.

`CAMPAIGN=20` makes the campaigns that many times as long; a seed is in every name.
"""

import math
import os
import random
from collections.abc import Callable, Iterator
from heapq import heappop, heappush

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async.slots import LINGER, PRICE, Slot, Slots, Trips

SIZE = int(os.environ.get("CAMPAIGN", "1"))
Ways = Iterator[tuple[float, float]]


def arrivals(slots: Slots, ways: Ways, calls: int, *, overlap: int = 1, think: float = 0.0) -> list[tuple[float, bool]]:
    """Arrivals of calls sent as early as the rule allows, and whether a rolling window of one period refused them.

    `overlap`: so many callers share the Inbox, and each sends again when its answer is there.
    """
    now, answered = 0.0, 0
    coming: list[tuple[float, int, Slot, float, float]] = []
    recent: list[float] = []
    seen: list[tuple[float, bool]] = []
    for number in range(calls):
        while len(coming) >= overlap or slots.next_moment(now) == math.inf:
            received, _, slot, arrived, _sent = heappop(coming)
            now = max(now, received)
            slots.answered(slot, received, refused=seen[answered][1] if overlap == 1 else False)
            answered += 1
        now = max(now, slots.next_moment(now)) + think
        there, back = next(ways)
        slot = slots.sent(now)
        arrived = now + there
        recent = [each for each in recent if arrived - each < slots.period]
        seen.append((arrived, overlap == 1 and len(recent) >= slots.slots))
        recent.append(arrived)
        heappush(coming, (arrived + back, number, slot, arrived, now))
    return seen


def fullest_window(times: list[float], length: float) -> int:
    times = sorted(times)
    most = start = 0
    for end, time in enumerate(times):
        while time - times[start] >= length:
            start += 1
        most = max(most, end - start + 1)
    return most


def fullest_fixed_second(times: list[float]) -> int:
    counts: dict[int, int] = {}
    for time in times:
        counts[int(time)] = counts.get(int(time), 0) + 1
    return max(counts.values())


def bucket_refuses(times: list[float], rate: float, burst: float) -> int:
    level, last, refused = burst, 0.0, 0
    for time in sorted(times):
        level, last = min(burst, level + (time - last) * rate), time
        if level >= 1 - 1e-9:
            level -= 1
        else:
            refused += 1
    return refused


# A way takes a microsecond at least: with ways of exactly zero `a + period` may round to a hair below a period.
DELAYS = st.lists(st.tuples(st.floats(1e-6, 5.0), st.floats(1e-6, 5.0)), min_size=3, max_size=60)


@given(rate=st.sampled_from([0.3, 1.0, 2.0, 2.5, 5.0]), delays=DELAYS, overlap=st.integers(1, 6))
def test_theorem_1_no_window_model_ever_sees_too_many_arrivals_of_a_strict_inbox(
    rate: float, delays: list[tuple[float, float]], overlap: int
) -> None:
    slots = Slots.of(rate)
    times = [time for time, _ in arrivals(slots, iter(delays), len(delays), overlap=overlap)]
    assert fullest_window(times, slots.period * (1 - 1e-9)) <= slots.slots
    assert fullest_window(times, 1.0 - 1e-9) <= slots.slots
    assert fullest_fixed_second(times) <= slots.slots
    assert bucket_refuses(times, rate, slots.slots) == 0


def network(latency: float, jitter: float, seed: int, *, tail: float = 0.02) -> Ways:
    """Half of the latency on each way, jitter on both, and now and then up to 300 ms more (the table of the rule)."""
    chance = random.Random(seed)
    while True:
        late = chance.random() * 0.3 if chance.random() < tail else 0.0
        there, back = (latency / 2 + chance.random() * jitter / 2 for _ in range(2))
        yield (there + late, back) if chance.random() < 0.5 else (there, back + late)


def heavy(seed: int) -> Ways:
    chance = random.Random(seed)
    while True:
        yield 1e-6 + 0.01 * chance.paretovariate(1.1), 1e-6 + 0.01 * chance.paretovariate(1.1)


NETWORKS: dict[str, Callable[[int], Ways]] = {
    "20+0": lambda seed: network(0.02, 0.0, seed),
    "80+50": lambda seed: network(0.08, 0.05, seed),
    "100+200": lambda seed: network(0.1, 0.2, seed),
    "300+250": lambda seed: network(0.3, 0.25, seed),
    "heavy tails": heavy,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_strict_is_never_refused(name: str) -> None:
    times = [time for time, _ in arrivals(Slots.of(2.0), NETWORKS[name](7), 4_000 * SIZE)]
    assert fullest_window(times, 1.0 - 1e-9) <= 2
    assert fullest_fixed_second(times) <= 2
    assert bucket_refuses(times, 2.0, 2.0) == 0


def pace(slots: Slots, name: str, calls: int, seed: int) -> tuple[float, int]:
    """Calls per second, and refusals of a rolling second."""
    seen = arrivals(slots, NETWORKS[name](seed), calls)
    return (calls - 1) / (seen[-1][0] - seen[0][0]), sum(refused for _, refused in seen)


# The shortest trips that each network can have, there and back.
SHORTEST = {"20+0": 0.02, "80+50": 0.08, "100+200": 0.1, "300+250": 0.3}


class Known(Trips):
    """Trips whose shortest is known from the start: the attainable pace of who sees sendings and receipts."""

    def learn(self, trip: float, now: float) -> None: ...


@pytest.mark.parametrize("name", SHORTEST)
def test_the_learned_pace_is_near_the_attainable_one_and_hardly_ever_refused(name: str) -> None:
    calls = 4_000 * SIZE
    learned, refused = pace(Slots.of(2.0, Trips()), name, calls, seed=11)
    attainable, _ = pace(Slots.of(2.0, Known(credit=SHORTEST[name] - 1e-9)), name, calls, seed=11)
    strict, _ = pace(Slots.of(2.0), name, calls, seed=11)
    assert refused <= calls // 10_000
    assert learned >= 0.95 * attainable
    assert learned > strict


@given(delays=DELAYS)
def test_theorem_2_sendings_of_a_slot_are_a_period_apart_so_the_bucket_behind_never_waits(
    delays: list[tuple[float, float]],
) -> None:
    slots, now, sent = Slots.of(2.0, Known(credit=10.0)), 0.0, []
    for there, back in delays:
        now = max(now, slots.next_moment(now))
        slot = slots.sent(now)
        sent.append(now)
        now += there + back
        slots.answered(slot, now)
    assert all(second - first >= 1.0 - 1e-9 for first, second in zip(sent, sent[2:], strict=False))


def test_theorem_3_a_refusal_is_paid_for_by_answers_without_credit() -> None:
    trips = Trips()
    slots = Slots.of(2.0, trips)
    ways = network(0.3, 0.0, 1, tail=0.0)
    arrivals(slots, ways, 200)
    assert trips.credit > 0.2
    now = 0.0
    for _ in range(3):
        now = max(now, slots.next_moment(now))
        slot = slots.sent(now)
        now += 0.3
        slots.answered(slot, now)
    slot = slots.sent(slots.next_moment(now))
    slots.answered(slot, slot.sent + 0.3, refused=True)
    assert trips.credit == 0.0
    assert slots.owed > PRICE / 2


def test_a_quicker_trip_than_the_credit_makes_it_forget() -> None:
    trips = Trips()
    arrivals(Slots.of(2.0, trips), network(0.3, 0.0, 1, tail=0.0), 100)
    assert trips.credit > 0.2
    trips.learn(0.05, 1e4)
    assert trips.credit == 0.0


def test_a_longer_way_is_believed_after_a_while() -> None:
    trips = Trips()
    slots = Slots.of(2.0, trips)
    arrivals(slots, network(0.05, 0.01, 1), 400)
    before = trips.credit
    now = 1e4
    for _ in range(400):
        now += 0.5
        trips.learn(0.3, now)
    assert trips.credit > before + 0.1


def test_a_quicker_connection_than_ever_makes_it_learn_anew() -> None:
    trips = Trips()
    trips.connected(0.3)
    arrivals(Slots.of(2.0, trips), network(0.3, 0.0, 1, tail=0.0), 100)
    trips.connected(0.1)
    assert trips.credit == 0.0


def test_a_call_given_up_may_still_arrive_and_its_slot_rests_so_much_longer() -> None:
    slots = Slots.of(1.0)
    slot = slots.sent(0.0)
    assert slots.next_moment(5.0) == math.inf
    slots.given_up(slot, 5.0)
    assert slots.next_moment(5.0) == 5.0 + 1.0 + LINGER


def test_a_call_that_was_not_sent_leaves_its_slot_as_it_was() -> None:
    slots = Slots.of(1.0)
    first = slots.sent(0.0)
    slots.answered(first, 0.1)
    slots.unsent(slots.sent(2.0))
    assert slots.next_moment(2.0) == 2.0
    again = slots.sent(2.0)
    slots.unsent(again)
    slots.unsent(again)
    slots.sent(2.0)
    assert slots.next_moment(9.0) == math.inf, "giving back twice makes no second slot"


def test_slots_are_rested_when_new_ones_would_say_the_same() -> None:
    slots = Slots.of(2.0)
    assert slots.is_rested(0.0)
    one, other = slots.sent(0.0), slots.sent(0.0)
    slots.answered(one, 0.1)
    assert not slots.is_rested(9.0), "a call is out"
    slots.given_up(other, 0.2)
    assert not slots.is_rested(1.15), "the call that was given up may have arrived late"
    assert slots.is_rested(0.2 + slots.period + LINGER)
    slots.owed = 1
    assert not slots.is_rested(9.0), "a refusal is not paid for"
