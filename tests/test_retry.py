"""Whether and after how many seconds a failed call is worth repeating: a table per class and policy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async.errors import (
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    PagingStuck,
    PermissionMissing,
    RateLimited,
    RequestRejected,
    TemporarilyBlocked,
    TokenRejected,
    TokenUnavailable,
    TooMuchAsked,
    TransportFailed,
    WaitTooLong,
)
from conversations_async.model import Inbox, Platform
from conversations_async.retry import RetryBudget, RetryPolicy, wait_before_retry

INBOX = Inbox("1042", Platform.MESSENGER)
INTERACTIVE, BULK = RetryPolicy.interactive(), RetryPolicy.bulk()

DOWN: list[ConversationsError] = [
    TransportFailed("x", INBOX),
    ConnectFailed("x", INBOX),
    AnswerTimedOut("x", INBOX),
    GraphUnavailable("x", 2),
]
FINAL: list[ConversationsError] = [
    GraphError("x", 1200),
    TooMuchAsked("x", 1),
    TokenRejected("x", 190),
    PermissionMissing("x", 230),
    RequestRejected("x", 100),
    TemporarilyBlocked("x", 368),
    WaitTooLong(3.0),
    PagingStuck("x"),
    TokenUnavailable("x"),
]
REFUSED = RateLimited("x", 613)
UNREADABLE = AnswerUnreadable("x")


def name(value: object) -> str:
    return type(value).__name__ if isinstance(value, ConversationsError) else ""


@pytest.mark.parametrize("policy", [INTERACTIVE, BULK], ids=["interactive", "bulk"])
@pytest.mark.parametrize("error", FINAL, ids=name)
def test_what_says_something_about_the_request_is_final(error: ConversationsError, policy: RetryPolicy) -> None:
    assert wait_before_retry(error, 1, policy, chance=0.5) is None


# Policy, tries made → the least and the most seconds of waiting, or None.
WAITS: list[tuple[RetryPolicy, int, tuple[float, float] | None]] = [
    (INTERACTIVE, 1, (0.05, 0.1)),
    (INTERACTIVE, 2, (0.1, 0.2)),
    (INTERACTIVE, 3, None),
    (BULK, 1, (0.5, 1.0)),
    (BULK, 2, (1.0, 2.0)),
    (BULK, 3, (2.0, 4.0)),
    (BULK, 4, (4.0, 8.0)),
    (BULK, 5, (5.0, 10.0)),
    (BULK, 60, (5.0, 10.0)),
    (BULK, 10**6, (5.0, 10.0)),
    (RetryPolicy(tries=1), 1, None),
    (RetryPolicy(first_wait=20.0, longest_wait=5.0), 1, (2.5, 5.0)),
]


@pytest.mark.parametrize("error", DOWN, ids=name)
@pytest.mark.parametrize(("policy", "attempt", "bounds"), WAITS)
def test_what_may_pass_is_asked_again_after_growing_waits(
    error: ConversationsError, policy: RetryPolicy, attempt: int, bounds: tuple[float, float] | None
) -> None:
    least, most = (wait_before_retry(error, attempt, policy, chance=chance) for chance in (0.0, 1.0))
    assert (least, most) == (bounds or (None, None))


@pytest.mark.parametrize(
    ("policy", "failing_for", "again"),
    [(INTERACTIVE, 29.9, True), (INTERACTIVE, 30.0, False), (BULK, 3599.0, True), (BULK, 3600.0, False)],
)
def test_a_policy_gives_up_after_a_time(policy: RetryPolicy, failing_for: float, again: bool) -> None:
    wait = wait_before_retry(DOWN[0], 1, policy, chance=0.5, failing_for=failing_for)
    assert (wait is not None) == again


def test_without_an_end_a_policy_waits_for_as_long_as_it_takes() -> None:
    assert wait_before_retry(DOWN[0], 10**6, RetryPolicy(), chance=0.0, failing_for=1e9) == 5.0


def test_after_a_refusal_the_gate_owns_the_wait() -> None:
    """It only counts as a try, and does not run out with `give_up_after`."""
    assert wait_before_retry(REFUSED, 1, INTERACTIVE, chance=0.5) == 0.0
    assert wait_before_retry(REFUSED, 2, INTERACTIVE, chance=0.5, failing_for=1e6) == 0.0
    assert wait_before_retry(REFUSED, 3, INTERACTIVE, chance=0.5) is None
    assert wait_before_retry(REFUSED, 10**6, BULK, chance=0.5, failing_for=1e6) == 0.0


def test_after_a_kept_connection_that_was_just_being_closed_nothing_is_waited_for() -> None:
    closed = ConnectFailed("the server closed a kept connection", INBOX, kept=True)
    assert [wait_before_retry(closed, 1, policy, chance=1.0) for policy in (INTERACTIVE, BULK)] == [0.0, 0.0]
    assert wait_before_retry(closed, 2, BULK, chance=1.0) == 2.0
    assert wait_before_retry(closed, 1, RetryPolicy(tries=1), chance=1.0) is None


@pytest.mark.parametrize("policy", [INTERACTIVE, BULK], ids=["interactive", "bulk"])
def test_an_unreadable_answer_is_asked_for_once_more(policy: RetryPolicy) -> None:
    """A proxy may have cut it; Meta's own nonsense stays nonsense."""
    assert wait_before_retry(UNREADABLE, 1, policy, chance=0.0) == policy.first_wait
    assert wait_before_retry(UNREADABLE, 2, policy, chance=0.0) is None


POLICIES = st.builds(
    RetryPolicy,
    tries=st.none() | st.integers(1, 10**9),
    give_up_after=st.none() | st.floats(0.1, 1e9),
    first_wait=st.floats(0.001, 1e4),
    longest_wait=st.floats(0.001, 1e4),
)


@given(
    policy=POLICIES, attempt=st.integers(0, 10**9), chance=st.floats(0.0, 1.0), error=st.sampled_from([*DOWN, REFUSED])
)
def test_waits_are_never_negative_grow_and_are_capped(
    policy: RetryPolicy, attempt: int, chance: float, error: ConversationsError
) -> None:
    wait = wait_before_retry(error, attempt, policy, chance=chance)
    following = wait_before_retry(error, attempt + 1, policy, chance=chance)
    if wait is not None:
        assert 0.0 <= wait <= policy.longest_wait
        assert following is None or following >= wait


WRONG = [
    *({"tries": each} for each in (0, -1)),
    *({"give_up_after": each} for each in (0.0, -1.0)),
    *({"first_wait": each} for each in (0.0, -1.0, float("nan"))),
    {"longest_wait": 0.0},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        RetryPolicy(**wrong)  # type: ignore[arg-type]  # what is refused


# -- the budget --------------------------------------------------------------------------------------------------------


def test_the_budget_holds_thirty_five_failures_or_a_hundred_refusals() -> None:
    """500 tokens; 14 after a failure, 5 after a refusal (the AWS SDKs' standard mode)."""
    for error, times in ((DOWN[0], 35), (REFUSED, 100)):
        budget = RetryBudget()
        assert sum(budget.spend(error) for _ in range(1000)) == times
        assert not budget.spend(error)


def test_a_success_gives_back_what_its_retry_took_or_one() -> None:
    budget = RetryBudget(tokens=100.0)
    budget.spend(DOWN[0])
    budget.refund(DOWN[0])
    assert budget.tokens == 100.0
    budget.refund(None)
    assert budget.tokens == 101.0


def test_what_the_budget_does_not_hold_costs_nothing() -> None:
    budget = RetryBudget(tokens=13.0)
    assert not budget.spend(DOWN[0])
    assert budget.spend(REFUSED)
    assert budget.tokens == 8.0


@given(acts=st.lists(st.tuples(st.booleans(), st.sampled_from([None, DOWN[0], REFUSED])), max_size=200))
def test_the_budget_stays_between_empty_and_full(acts: list[tuple[bool, ConversationsError | None]]) -> None:
    budget = RetryBudget()
    for spend, error in acts:
        if spend and error is not None:
            budget.spend(error)
        else:
            budget.refund(error)
        assert 0.0 <= budget.tokens <= budget.full


def test_only_the_interactive_policy_shares_a_budget() -> None:
    assert INTERACTIVE.budget
    assert not BULK.budget
    assert (INTERACTIVE.tries, BULK.tries) == (3, None)
