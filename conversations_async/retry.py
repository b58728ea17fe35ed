"""Whether and after how many seconds a failed call is worth repeating.

Only failures that say nothing about the request are repeated: no answer, Graph down, an answer that cannot be read
(once: a proxy may have cut it). A rejected token, a missing permission, a rejected request and an unknown code are
final. After a refusal by a limit the pool's gate owns the wait, for everybody who draws on the pool; here it only
counts as a try.

Waits grow exponentially and are spread by *chance* over their upper half: full jitter would let some calls come back
at once, and every call into an outage counts against the limits.
"""

from itertools import islice
from typing import Final

import backoff
from attrs import field, frozen
from attrs.validators import ge, gt, optional

from conversations_async.errors import (
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    GraphUnavailable,
    RateLimited,
    TransportFailed,
)
from conversations_async.values import Bundle, Value


@frozen(eq=False, repr=False)
class RetryPolicy(Value):
    """How patient a session is. `tries` counts the first call too; None: as long as `give_up_after` allows."""

    tries: int | None = field(default=None, validator=optional(ge(1)))
    give_up_after: float | None = field(default=None, validator=optional(gt(0)))
    """Seconds since the first failure of a call; None: no end. Waiting for a limit's gate does not count."""
    first_wait: float = field(default=1.0, validator=gt(0))
    longest_wait: float = field(default=10.0, validator=gt(0))
    budget: bool = False
    """Whether all calls of the session share a budget for retries, so that an outage fails fast."""

    @classmethod
    def interactive(cls) -> "RetryPolicy":
        """For somebody who waits: 3 tries, a shared retry budget, fails fast."""
        return cls(tries=3, give_up_after=30.0, first_wait=0.1, longest_wait=2.0, budget=True)

    @classmethod
    def bulk(cls) -> "RetryPolicy":
        """For a job: waits out an outage, up to an hour for each Inbox."""
        return cls(give_up_after=3600.0)


_READ_AGAIN: Final = 2


def wait_before_retry(
    error: ConversationsError, attempt: int, policy: RetryPolicy, *, chance: float, failing_for: float = 0.0
) -> float | None:
    """Seconds to wait before the next try, or None where the error is final.

    `attempt` counts the tries made; `failing_for` is the time in seconds since the first of them failed;
    `chance` is a number from 0 to 1.
    """
    if policy.tries is not None and attempt >= policy.tries:
        return None
    if isinstance(error, RateLimited):
        return 0.0
    if isinstance(error, TransportFailed) and error.final:
        return None
    if isinstance(error, ConnectFailed) and error.kept and attempt == 1:
        # Nothing is wrong but the moment. A try of its own all the same: the request may have arrived and counted.
        return 0.0
    if isinstance(error, AnswerUnreadable):
        return policy.first_wait if attempt < _READ_AGAIN else None
    if not isinstance(error, TransportFailed | GraphUnavailable):
        return None
    if policy.give_up_after is not None and failing_for >= policy.give_up_after:
        return None
    return _growing(attempt, policy) * (0.5 + chance / 2)


def _growing(attempt: int, policy: RetryPolicy) -> float:
    waits = backoff.expo(base=2, factor=policy.first_wait, max_value=policy.longest_wait)
    # The generator's first value is its start signal.
    return float(next(islice(waits, max(1, min(attempt, 64)), None)))


class RetryBudget(Bundle):
    """Retries that all calls of a session share (the rule of the AWS SDKs, standard mode of 2026).

    A retry after a failure costs 14 of 500 tokens, one after a refusal by a limit 5; a success gives back what its
    last retry took, or 1.
    """

    tokens: float = 500.0
    full: float = 500.0

    def spend(self, error: ConversationsError) -> bool:
        """Take what a retry costs; False where the budget does not hold it."""
        cost = self.cost(error)
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True

    def refund(self, error: ConversationsError | None) -> None:
        """A call succeeded; `error` is what its last retry followed."""
        self.tokens = min(self.full, self.tokens + (self.cost(error) if error is not None else 1.0))

    @staticmethod
    def cost(error: ConversationsError) -> float:
        return 5.0 if isinstance(error, RateLimited) else 14.0
