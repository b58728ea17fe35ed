"""How pools stand and how long a call must wait: the slot rule as a property, gates and outages as tables."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async.limits import (
    LONGEST_BLIND_PAUSE,
    OUTAGE_INBOXES,
    Ease,
    Gate,
    LimitPolicy,
    Outage,
    shared_pools,
)
from conversations_async.model import Inbox, Page, Platform, Pool

MESSENGER = Inbox("1042", Platform.MESSENGER)
INSTAGRAM = Inbox("1042", Platform.INSTAGRAM)
POLICY = LimitPolicy(blind_pause=60.0)
PAGE_OF = {user: Page("1042", "token-0000", user=user) for user in ("anna", "ben")}

# -- the policy --------------------------------------------------------------------------------------------------------

# calls per second → (slots, period in seconds). Contract 4.1: Meta documents 2.
PACES = [(2.0, 2, 1.0), (1.0, 1, 1.0), (5.0, 5, 1.0), (0.5, 1, 2.0), (0.1, 1, 10.0), (2.5, 3, 1.2), (0.0, 1, 0.0)]


@pytest.mark.parametrize(("rate", "slots", "period"), PACES)
def test_a_rate_is_so_many_slots_that_come_back_after_a_period(rate: float, slots: int, period: float) -> None:
    policy = LimitPolicy(calls_per_second=rate)
    assert policy.slots == slots
    assert policy.period == pytest.approx(period)


WRONG: list[dict[str, Any]] = [
    *({"calls_per_second": each} for each in (-1.0, math.inf, math.nan)),
    *({"ease_off_at": each} for each in (0.0, -1.0, 101.0, math.nan)),
    *({"blind_pause": each} for each in (0.0, -1.0, math.nan)),
    *({"app_calls_per_second": each} for each in (0.0, -1.0)),
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        LimitPolicy(**wrong)


# -- gates -------------------------------------------------------------------------------------------------------------


def a_gate() -> Gate:
    return Gate(Pool("messenger", "1042"))


def refused(gate: Gate, now: float, pause: float | None = None, *, probe: bool = False, chance: float = 0.0) -> bool:
    return gate.refuse(now, pause, POLICY, probe=probe, chance=chance)


def test_an_open_gate_lets_everybody_through_and_nobody_probes() -> None:
    gate = a_gate()
    assert gate.next_moment() == -math.inf
    assert [gate.enter(), gate.enter()] == [False, False]


def test_a_stated_time_closes_the_gate_until_then() -> None:
    gate = a_gate()
    assert refused(gate, 100.0, 720.0)
    assert gate.next_moment() == 820.0


def test_a_stated_time_is_never_undercut_and_not_spread() -> None:
    """Contract 4.1: calls made while throttled lengthen the block."""
    gate = a_gate()
    refused(gate, 100.0, 720.0, chance=0.99)
    assert gate.opens_at == 820.0


def test_one_call_probes_and_the_others_wait_for_its_outcome() -> None:
    gate = a_gate()
    refused(gate, 0.0, 10.0)
    assert gate.enter()
    assert gate.next_moment() == math.inf


def test_a_probe_that_passes_opens_the_gate_for_all() -> None:
    gate = a_gate()
    refused(gate, 0.0, 10.0)
    gate.enter()
    gate.open()
    gate.probe_ended()
    assert gate.next_moment() == -math.inf
    assert not gate.enter()
    assert gate.refusals == 0


def test_a_probe_that_says_nothing_lets_another_one_try() -> None:
    gate = a_gate()
    refused(gate, 0.0, 10.0)
    gate.enter()
    gate.probe_ended()
    assert gate.next_moment() == 10.0


def test_a_refused_probe_closes_the_gate_for_longer() -> None:
    gate = a_gate()
    refused(gate, 0.0, 10.0)
    gate.enter()
    assert refused(gate, 11.0, 5.0, probe=True)
    gate.probe_ended()
    assert gate.next_moment() == 16.0


def test_blind_pauses_double_with_each_refusal_in_a_row_up_to_an_hour() -> None:
    gate, now, pauses = a_gate(), 0.0, []
    refused(gate, now)
    for _ in range(9):
        pauses.append(gate.opens_at - now)
        now = gate.opens_at
        gate.enter()
        refused(gate, now, probe=True)
    assert pauses == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0, 3600.0]
    gate.open()
    refused(gate, now)
    assert gate.opens_at == now + 60.0


@given(refusals=st.integers(0, 10**6), chance=st.floats(0.0, 1.0))
def test_chance_only_ever_lengthens_a_blind_pause(refusals: int, chance: float) -> None:
    gate = a_gate()
    gate.refusals = refusals
    refused(gate, 0.0, chance=chance)
    plain = min(60.0 * 2.0 ** min(refusals, 20), LONGEST_BLIND_PAUSE)
    assert plain <= gate.opens_at <= plain * 1.1


def test_calls_refused_late_say_nothing_new() -> None:
    """They were under way when the gate closed."""
    gate = a_gate()
    refused(gate, 0.0, 60.0)
    assert not refused(gate, 1.0)
    assert not refused(gate, 1.0, 59.0)
    assert (gate.opens_at, gate.refusals) == (60.0, 1)


def test_a_late_refusal_that_states_a_longer_time_is_believed() -> None:
    gate = a_gate()
    refused(gate, 0.0, 60.0)
    assert refused(gate, 1.0, 120.0)
    assert (gate.opens_at, gate.refusals) == (121.0, 1)


def test_a_late_refusal_during_a_probe_leaves_the_probe_its_turn() -> None:
    gate = a_gate()
    refused(gate, 0.0, 60.0)
    gate.enter()
    refused(gate, 61.0)
    assert gate.next_moment() == math.inf
    gate.open()
    assert gate.next_moment() == -math.inf


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["enter", "refuse", "refuse probe", "pass", "end"]),
        st.none() | st.floats(0.0, 1e5),
        st.floats(0.0, 1e4),
        st.floats(0.0, 1.0),
    ),
    max_size=40,
)


@given(acts=ACTS)
def test_whatever_happens_a_gate_lets_one_probe_through_and_never_before_its_time(
    acts: list[tuple[str, float | None, float, float]],
) -> None:
    gate, now, probing = a_gate(), 0.0, False
    for act, pause, later, chance in acts:
        now += later
        if act == "enter" and gate.next_moment() <= now:
            assert not probing
            probing = gate.enter()
        elif act == "refuse" or (act == "refuse probe" and not probing):
            before = gate.opens_at
            refused(gate, now, pause, chance=chance)
            assert gate.closed
            assert gate.opens_at >= before
        elif act == "refuse probe":
            refused(gate, now, pause, probe=True, chance=chance)
            gate.probe_ended()
            probing = False
            assert gate.next_moment() >= now
        elif probing:
            if act == "pass":
                gate.open()
            gate.probe_ended()
            probing = False
        assert gate.probing == probing
        assert gate.next_moment() < math.inf or probing


# -- outages -----------------------------------------------------------------------------------------------------------


def an_outage() -> Outage:
    return Outage(Gate(Pool("host")))


def inbox_of(page: int) -> Inbox:
    return Inbox(str(page), Platform.MESSENGER)


def failed(outage: Outage, page: int, now: float = 0.0, *, probe: bool = False) -> bool:
    return outage.failed(inbox_of(page), now, sent_at=now, probe=probe, chance=0.0)


def test_one_sick_inbox_closes_nothing_however_often_it_fails() -> None:
    outage = an_outage()
    assert not any(failed(outage, 7) for _ in range(100))
    assert not outage.gate.closed


def test_several_inboxes_failing_with_no_success_between_are_an_outage() -> None:
    outage = an_outage()
    told = [failed(outage, page, 10.0) for page in range(OUTAGE_INBOXES)]
    assert told == [False] * (OUTAGE_INBOXES - 1) + [True]
    assert outage.gate.next_moment() == 10.5


def test_a_success_between_failures_is_no_outage() -> None:
    outage = an_outage()
    for page in range(50):
        assert not failed(outage, page)
        if page % 2:
            assert not outage.passed(inbox_of(1000), sent_at=0.0)
    assert not outage.gate.closed


def test_an_answer_to_anybody_opens_the_gate_and_those_that_failed_count_no_more() -> None:
    outage = an_outage()
    for page in range(OUTAGE_INBOXES):
        failed(outage, page, 10.0)
    assert outage.gate.closed
    assert outage.passed(inbox_of(1000), sent_at=10.0)
    outage.gate.open()
    assert not any(failed(outage, page, 11.0) for page in range(OUTAGE_INBOXES))
    assert not outage.passed(inbox_of(0), sent_at=12.0), "one is well again, and counts again"
    assert [failed(outage, page, 13.0) for page in (0, 50, 51)] == [False, False, True]


def test_an_answer_to_a_call_sent_before_the_failures_says_nothing_of_them() -> None:
    outage = an_outage()
    for page in range(OUTAGE_INBOXES):
        failed(outage, page, 10.0)
    assert not outage.passed(inbox_of(1000), sent_at=9.9)
    assert not any(failed(outage, page, 10.1) for page in range(20))


def test_those_that_have_not_failed_probe_first() -> None:
    outage = an_outage()
    for page in range(OUTAGE_INBOXES):
        failed(outage, page, 10.0)
    assert outage.next_moment(inbox_of(1000)) == 10.5
    assert outage.next_moment(inbox_of(0)) == 11.0


def test_failures_of_calls_already_under_way_change_nothing() -> None:
    outage = an_outage()
    for page in range(OUTAGE_INBOXES):
        failed(outage, page)
    assert not any(failed(outage, page, 0.2) for page in range(100))
    assert (outage.gate.opens_at, outage.gate.refusals) == (0.5, 1)


def test_failing_probes_wait_longer_up_to_a_ceiling_for_as_long_as_it_takes() -> None:
    """A night's outage sees thousands of probes."""
    outage, now = an_outage(), 0.0
    for page in range(OUTAGE_INBOXES):
        failed(outage, page)
    pauses = []
    for _ in range(5000):
        pauses.append(outage.gate.opens_at - now)
        now = outage.gate.opens_at
        assert outage.gate.enter()
        assert failed(outage, 1, now, probe=True)
        outage.gate.probe_ended()
    assert pauses[:6] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert max(pauses) <= 10.0


# -- pools -------------------------------------------------------------------------------------------------------------

# Contract 4.1: which pools a call draws on.
DRAWN = [
    (MESSENGER, {"inbox 1042/messenger", "messenger 1042", "pages 1042", "app", "user anna", "host"}),
    (INSTAGRAM, {"inbox 1042/instagram", "messenger 1042", "pages 1042", "instagram 1042", "app", "user anna", "host"}),
    (None, {"app", "user anna", "host"}),
]


@pytest.mark.parametrize(("inbox", "pools"), DRAWN)
def test_a_call_draws_on_its_inboxes_pages_users_and_apps_pools(inbox: Inbox | None, pools: set[str]) -> None:
    assert {str(pool) for pool in shared_pools(inbox, PAGE_OF["anna"])} == pools


def test_two_pages_share_only_what_is_shared() -> None:
    other = Inbox("7", Platform.MESSENGER)
    shared = set(shared_pools(MESSENGER, PAGE_OF["anna"])) & set(shared_pools(other, PAGE_OF["anna"]))
    assert {pool.kind for pool in shared} == {"app", "user", "host"}
    assert {
        pool.kind for pool in set(shared_pools(MESSENGER, PAGE_OF["anna"])) & set(shared_pools(other, PAGE_OF["ben"]))
    } == {"app", "host"}


# -- easing ------------------------------------------------------------------------------------------------------------


def test_below_the_mark_the_pace_is_not_stretched() -> None:
    assert Ease(Pool("messenger", "1042"), 74.0).spacing(LimitPolicy()) == 0.0
    assert Ease(Pool("messenger", "1042"), 75.0).spacing(LimitPolicy(ease_off_at=80.0)) == 0.0


@pytest.mark.parametrize("calls_in_a_pool", [200, 2_000, 20_000])
def test_an_eased_pool_is_not_driven_to_its_end_within_the_hour(calls_in_a_pool: int) -> None:
    """Contract 4.2: the header says whole percents; the pool itself says nothing else."""
    used = 0.75 * calls_in_a_pool
    ease, now = Ease(Pool("messenger", "1042"), 75.0), 0.0
    while now < 3600.0:
        now += max(ease.spacing(LimitPolicy()), 0.5)
        used += 1
        ease.learn(float(int(100 * used / calls_in_a_pool)))
    assert used < calls_in_a_pool


def test_a_large_pool_is_not_slowed_until_it_is_nearly_full() -> None:
    ease = Ease(Pool("messenger", "1042"), 76.0)
    for _ in range(3_000):
        ease.learn(76.0)
    assert ease.spacing(LimitPolicy()) < 0.5


def test_a_full_pool_is_looked_at_once_in_a_while_and_a_falling_one_gives_the_pace_back() -> None:
    policy = LimitPolicy(blind_pause=30.0)
    ease = Ease(Pool("messenger", "1042"), 120.0)
    assert 30.0 <= ease.spacing(policy) < 60.0
    ease.learn(60.0)
    assert ease.spacing(policy) == 0.0
