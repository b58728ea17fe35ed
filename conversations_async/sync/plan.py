"""What a sync will cost, before its first call: pure arithmetic on what earlier runs have left."""

import math
from collections.abc import Iterable
from typing import Final

from attrs import frozen

from conversations_async.model import Inbox, ThreadQuery
from conversations_async.sync.values import Standing

CALLS_PER_SECOND: Final = 2.0
"""What Meta allows on an Inbox (contract 4.1)."""


@frozen
class InboxPlan:
    """One Inbox: what kind of listing, and how many calls; None where nobody can know before."""

    inbox: Inbox
    kind: str
    calls: int | None
    threads: int


@frozen
class SyncPlan:
    """All Inboxes. They run side by side, so the longest tells the time."""

    inboxes: tuple[InboxPlan, ...]
    messages: bool
    """Whether messages are read thread by thread, which no figure here holds."""

    @property
    def calls(self) -> int:
        """Of the Inboxes that something is known of."""
        return sum(each.calls or 0 for each in self.inboxes)

    @property
    def unknown(self) -> int:
        """Inboxes that nothing is known of."""
        return sum(each.calls is None for each in self.inboxes)

    def seconds(self, calls_per_second: float = CALLS_PER_SECOND) -> float:
        """How long it takes at this pace; 0 where no pace is kept."""
        longest = max((each.calls or 0 for each in self.inboxes), default=0)
        return longest / calls_per_second if calls_per_second > 0 else 0.0


def plan_of(standings: Iterable[Standing], query: ThreadQuery, *, full: bool, messages: bool) -> SyncPlan:
    """From what the database knows of each Inbox."""
    return SyncPlan(tuple(_plan_one(each, query, full=full) for each in standings), messages)


def _plan_one(standing: Standing, query: ThreadQuery, *, full: bool) -> InboxPlan:
    per_call = query.threads_per_call_on(standing.inbox.platform)
    whole = math.ceil(standing.threads / per_call) + 1
    if full:
        # A whole listing that is to prove what is gone reads everything twice.
        calls = standing.whole_calls or 2 * whole
        return InboxPlan(standing.inbox, "whole", calls if standing.listed_to_its_end else None, standing.threads)
    if not standing.listed_to_its_end:
        return InboxPlan(standing.inbox, "resumed" if standing.unfinished else "first", None, standing.threads)
    return InboxPlan(standing.inbox, "incremental", standing.last_calls or 1, standing.threads)
