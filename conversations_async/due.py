"""When a lane's next call is due: it waits for its moment (`rota`), or aside for the outcome of a pool's probe."""

import asyncio
import math
from collections.abc import Callable, Iterator

from conversations_async.errors import WaitTooLong
from conversations_async.events import Event, Waiting
from conversations_async.lane import Lane
from conversations_async.model import Pool
from conversations_async.rota import Rota
from conversations_async.throttle import Throttle


class Due:
    """The lanes of one listing that wait for their next call. `fail` is told of those that would wait too long."""

    def __init__(
        self,
        lanes: Iterator[Lane],
        *,
        total: int,
        throttle: Throttle,
        max_wait: float | None,
        tell: Callable[[Event], None],
        fail: Callable[[Lane, WaitTooLong], None],
    ) -> None:
        self._throttle = throttle
        self._max_wait = max_wait
        self._tell = tell
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._began = self._clock()
        self._rota = Rota(lanes, total, paced=throttle.paces)
        self._aside: dict[Lane, asyncio.TimerHandle | None] = {}

    def pop(self) -> Lane | float:
        """The lane to go on with, or to begin; else the moment when there is one, endless where none waits for one."""
        rota = self._rota
        if (moment := rota.earliest) == math.inf:
            return moment
        now = self._clock()
        if (ceiling := self._throttle.ceiling()) > now:
            return max(moment, ceiling)
        if (lane := rota.take(now)) is None:
            return rota.earliest
        if lane.calls == 0:
            lane.idle_since = self._began
        return lane

    def put_back(self, lane: Lane) -> None:
        """Into the heap under its next moment; aside while a probe decides; out where that is later than max_wait."""
        moment, pool = self._throttle.next_moment(lane.inbox, lane.page)
        due = max(moment, lane.ready_at)
        wait = due - self._clock()
        if due == math.inf:
            self._put_aside(lane, pool)
            return
        if self._max_wait is not None and wait > self._max_wait:
            self._fail(lane, WaitTooLong(wait, lane.inbox, pool))
            return
        if pool is not None and wait > 0:
            self._tell(Waiting(lane.inbox, pool, wait))
        if self._rota.crowded_by(lane.walk.threads):
            lane.walk.pack()
        self._rota.put(due, lane)

    def look_again(self) -> bool:
        """Something is known now: lanes that waited for it are due, or wait for a moment. False where none waited."""
        if not self._aside:
            return False
        aside, self._aside = self._aside, {}
        for lane, patience in aside.items():
            if patience is not None:
                patience.cancel()
            self.put_back(lane)
        return True

    def ended(self) -> None:
        """One that was begun has ended."""
        self._rota.end()

    def clear(self) -> None:
        """None goes on."""
        self._rota.clear()
        for patience in self._aside.values():
            if patience is not None:
                patience.cancel()
        self._aside.clear()

    def _put_aside(self, lane: Lane, pool: Pool | None) -> None:
        """Until somebody's outcome is known, and no longer than max_wait."""
        patience = None
        if self._max_wait is not None:
            patience = self._loop.call_later(self._max_wait, self._lose_patience, lane, pool)
        self._aside[lane] = patience

    def _lose_patience(self, lane: Lane, pool: Pool | None) -> None:
        if self._aside.pop(lane, None) is not None:
            self._fail(lane, WaitTooLong(None, lane.inbox, pool))
