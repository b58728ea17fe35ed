"""What becomes of a lane whose call failed: asked again, for less, later, or not at all."""

from collections.abc import Callable
from enum import Enum
from typing import Final

from conversations_async.asking import Way
from conversations_async.caller import Caller, Tries
from conversations_async.errors import (
    ConversationsError,
    GraphError,
    GraphUnavailable,
    RequestRejected,
    TooMuchAsked,
)
from conversations_async.events import Event, FieldRefused, MessagesMissing
from conversations_async.graph.answers import refused_field
from conversations_async.graph.requests import GraphRequest
from conversations_async.lane import Lane
from conversations_async.rounds import Expansion
from conversations_async.throttle import Throttle
from conversations_async.values import Bundle

_GIVE_UP_AFTER: Final = 3


class Then(Enum):
    """What a failed call is followed by."""

    AGAIN = "the lane's next request, after a while"
    EXPANDED = "the next thread, or the thread page: one goes without its messages, or has them by another way"
    MARKED = "the thread asked for by itself is marked as unavailable"
    END = "the walk has ended"
    FAIL = "the error is final"


class Step(Bundle):
    """What is to be done about a failed call."""

    then: Then
    error: ConversationsError
    after: float = 0.0
    """Seconds until the lane may go on."""


class Mending:
    """The failures of one listing."""

    def __init__(
        self,
        *,
        caller: Caller,
        throttle: Throttle,
        max_wait: float | None,
        pause: float,
        tell: Callable[[Event], None],
    ) -> None:
        self._caller = caller
        self._throttle = throttle
        self._max_wait = max_wait
        self._pause = pause
        self._tell = tell

    async def failed(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> Step:
        """What to do about a call that failed. Takes a moment where a token is asked for anew."""
        if self._leave_out(lane, error):
            lane.tries = Tries()
            return Step(Then.AGAIN, error)
        if lane.expansion is not None:
            return await self._expanding_failed(lane, lane.expansion, request, error)
        walk = lane.walk
        percent = usage.percent if (usage := self._throttle.usage(lane.inbox)) is not None else 0.0
        way = walk.failed(error, tries=lane.tries.count, percent=percent)
        lane.tell(self._tell)
        if way is Way.MARK:
            lane.tries = Tries()
            return Step(Then.MARKED, error)
        if walk.done:
            return Step(Then.END, error)
        if way is Way.END:
            return Step(Then.FAIL, walk.verdict(error))
        if way is Way.RETRY:
            return await self.retry(lane, request, error)
        if way is Way.AGAIN:
            lane.tries = Tries()
        elif way is Way.PROBE:
            lane.tries.last = error
        return Step(Then.AGAIN, error, self._pause if way is Way.LATER else 0.0)

    async def retry(self, lane: Lane, request: GraphRequest, error: ConversationsError) -> Step:
        """Asked again as the policy says, or not at all."""
        try:
            wait = await self._caller.wait_before_retry(error, request, lane.page, lane.tries)
        except ConversationsError as worse:
            # The token callable failed while a rejected token was to be renewed.
            return Step(Then.FAIL, worse)
        if wait is None or (self._max_wait is not None and wait > self._max_wait):
            # Nobody's limit holds the next try back: what has failed is to be told, and not how long it would be.
            return Step(Then.FAIL, error if lane.expansion is not None else lane.walk.verdict(error))
        return Step(Then.AGAIN, error, wait)

    async def _expanding_failed(
        self, lane: Lane, expansion: Expansion, request: GraphRequest, error: ConversationsError
    ) -> Step:
        """A thread that cannot be asked for its messages goes without; what is wrong with the Inbox ends it."""
        if isinstance(error, GraphError) and expansion.recover(error):
            lane.tries = Tries()
            return Step(Then.EXPANDED, error)
        if _is_of_the_thread(error, lane.tries):
            self._tell(MessagesMissing(lane.inbox, expansion.thread_id, error))
            lane.tries = Tries()
            expansion.give_up()
            return Step(Then.EXPANDED, error)
        return await self.retry(lane, request, error)

    def _leave_out(self, lane: Lane, error: ConversationsError) -> bool:
        """Whether the same place can be asked without a field that does not exist there."""
        refused = refused_field(error)
        if refused is None or not (lane.expansion or lane.walk).leave_out(*refused):
            return False
        if lane.expansion is not None:
            lane.left_out = lane.expansion.left_out
        else:
            lane.rounds.left_out = (*lane.rounds.left_out, refused)
        self._tell(FieldRefused(lane.inbox, refused[0]))
        return True


def _is_of_the_thread(error: ConversationsError, tries: Tries) -> bool:
    """Whether the thread is to blame and not the Inbox: it is gone, or fails Graph again and again (contract 7.2)."""
    if isinstance(error, RequestRejected | TooMuchAsked):
        return True
    return isinstance(error, GraphUnavailable) and error.code is not None and tries.count >= _GIVE_UP_AFTER
