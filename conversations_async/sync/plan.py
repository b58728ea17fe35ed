"""What a sync will cost, before its first call: pure arithmetic on what earlier runs have left."""

import math
from collections.abc import Iterable
from typing import Final

from attrs import frozen

from conversations_async.model import Inbox, Platform, ThreadQuery
from conversations_async.sync.values import Standing

CALLS_PER_SECOND: Final = 2.0
"""What Meta allows on an Inbox (contract 4.1)."""
IDS_PER_CALL: Final = {Platform.MESSENGER: 400, Platform.INSTAGRAM: 50}
"""How many threads a call proves that a listing is whole: ids alone are listed once more."""


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
    if full:
        calls = _calls_of_all(standing, query) if standing.listed_to_its_end else None
        return InboxPlan(standing.inbox, "whole", calls, standing.threads)
    if not standing.listed_to_its_end:
        return InboxPlan(standing.inbox, "resumed" if standing.unfinished else "first", None, standing.threads)
    return InboxPlan(standing.inbox, "incremental", standing.last_calls or 1, standing.threads)


def _calls_of_all(standing: Standing, query: ThreadQuery) -> int:
    """The listing itself; behind one of several calls its proof, and mostly one look at the head."""
    threads, platform = standing.threads, standing.inbox.platform
    listing = max(1, math.ceil(threads / query.threads_per_call_on(platform)))
    if query.asks_messages and platform is Platform.INSTAGRAM:
        listing += threads  # each thread is asked by itself
    if threads <= query.threads_per_call_on(platform):
        return listing
    proof = math.ceil(threads / IDS_PER_CALL[platform])
    return listing + proof + (proof > 1)
