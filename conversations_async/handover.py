"""What lies between the calls of a listing and whoever reads it: answers not read yet, and thread pages not taken yet.

Whoever waits for threads reads the answer: one thread page at a time is decoded, consumed and freed. Answers come in
flocks; decoded in one go, 16 of them cost half as much again as one by one: their objects fall out of the cache, and
wake the garbage collector.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

from conversations_async.caller import Unread
from conversations_async.lane import Lane
from conversations_async.paging import Read

AT_A_TIME: Final = 16
"""Answers read in one go, before the loop looks for others and for what else it has to do."""


class HandOver:
    """Of one listing with one reader. `read` takes an answer in; `then` is called when a flock of them has been."""

    def __init__(self, read: Callable[[Lane, Unread], None], then: Callable[[], None]) -> None:
        self._read = read
        self._then = then
        self._loop = asyncio.get_running_loop()
        self._reads: deque[Read] = deque()
        self._unread: deque[tuple[Lane, Unread]] = deque()
        self._reader: asyncio.Future[None] | None = None
        self._crash: BaseException | None = None
        self.waited_for = False
        """Whether somebody waits for a thread page."""
        self._rests = False
        """Whether the reader only lets the loop have its turn."""
        self._in_a_row = 0

    @property
    def ahead(self) -> int:
        """Answers and thread pages that wait for the reader."""
        return len(self._reads) + len(self._unread)

    def hand_on(self, read: Read) -> None:
        """To the reader, in the order in which answers come."""
        self._reads.append(read)
        self.wake()

    def leave_unread(self, lane: Lane, unread: Unread) -> None:
        """For the reader to read, who waits."""
        if not self._unread:
            self.wake()
            # Behind the reader's own step: where it does not come back at once, nobody's next call waits for it.
            self._loop.call_soon(self._read_the_rest)
        self._unread.append((lane, unread))

    def crash(self, error: BaseException | None) -> None:
        """Nothing foreseen: tell whoever reads, and do not let them wait for ever."""
        self._crash = error
        self.wake()

    def wake(self) -> None:
        """There is something to look at: a thread page, an answer, or the end."""
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)

    async def wait(self) -> None:
        """Until there is something to look at."""
        self._reader = self._loop.create_future()
        self.waited_for = True
        self._in_a_row = 0
        try:
            await self._reader
        finally:
            self.waited_for = False

    async def rest(self) -> None:
        """Let the loop have its turn now and then: hundreds of answers may wait, and read in one go they stop it."""
        self._in_a_row += 1
        if self._in_a_row > AT_A_TIME:
            self._rests = True
            self._loop.call_soon(self.wake)
            try:
                await self.wait()
            finally:
                self._rests = False

    def next(self) -> Read | None:
        """The next thread page; None where none has been read yet. Raises what crashed."""
        while not self._reads:
            if not self._unread:
                if self._crash is not None:
                    raise self._crash
                return None
            self._read(*self._unread.popleft())
            self._then()
        return self._reads.popleft()

    def clear(self) -> list[Unread]:
        """Nobody wants it any more: the answers that were not read."""
        left = [unread for _, unread in self._unread]
        self._unread.clear()
        self._reads.clear()
        self.wake()
        return left

    def _read_the_rest(self) -> None:
        try:
            # A reader that rests comes back at once.
            for _ in range(0 if self._rests else min(len(self._unread), AT_A_TIME)):
                self._read(*self._unread.popleft())
        except Exception as crash:
            self.crash(crash)
        if self._unread:
            self._loop.call_soon(self._read_the_rest)
        self._then()
