"""One timer for all calls under way, each of which has the same time: asyncio's own would be one for each.

What it does to a call is what `asyncio.timeout` does: its task is cancelled, and that becomes a TimeoutError unless
somebody else has asked for a cancellation as well.
"""

import asyncio
from types import TracebackType
from typing import Final

_EARLY: Final = 0.001
"""Seconds that a timer may ring before its moment."""


class Deadlines:
    """Gives each block of `with deadlines.next():` so many seconds. Made in a running loop."""

    def __init__(self, seconds: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._seconds = seconds
        # The oldest first, since all have the same time.
        self._under_way: dict[_Deadline, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def next(self) -> "_Deadline":
        """One for a block that begins now."""
        deadline = _Deadline(self, self._clock() + self._seconds)
        self._under_way[deadline] = None
        if self._timer is None:
            self._timer = self._loop.call_at(deadline.at, self._ring)
        return deadline

    def end(self, deadline: "_Deadline") -> None:
        """Its block is over."""
        del self._under_way[deadline]
        if self._closed:
            self.close()

    def close(self) -> None:
        """No other block will begin. Those under way keep their time."""
        self._closed = True
        if self._timer is not None and not self._under_way:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        now = self._clock()
        for deadline in self._under_way:
            if deadline.at > now + _EARLY:
                self._timer = self._loop.call_at(deadline.at, self._ring)
                return
            deadline.expire()


class _Deadline:
    """Of one block of one task."""

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task", "at")

    def __init__(self, deadlines: Deadlines, at: float) -> None:
        self._deadlines = deadlines
        self.at = at
        self._expired = False

    def expire(self) -> None:
        """The time is over."""
        if not self._expired:
            self._expired = True
            self._task.cancel()

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.end(self)
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
