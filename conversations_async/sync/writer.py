"""The one thread that writes: what waits together is committed together.

A deed is a function that runs inside of a transaction, whole or not at all. While one commit runs others queue up, and
the next transaction takes all of them: so a slow disk makes larger transactions instead of a longer queue. A deed that
fails among others is tried by itself, so that it takes none of them along. Deeds must bear being run twice: a server
that went away in the middle of a commit leaves open whether it was one.
"""

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from attrs import define, field

from conversations_async.sync.database import Database
from conversations_async.sync.errors import StoreError
from conversations_async.sync.locking import HEARTBEAT, keep_lock, let_lock_go, own_name, take_lock
from conversations_async.sync.migrating import migrate
from conversations_async.sync.postgres import PostgresLost, PostgresUnreachable

_T = TypeVar("_T")

_TOGETHER: Final = 64
"""Deeds in a transaction, at most: what a broken one costs."""
_PAUSES: Final = (0.1, 5.0)
"""Seconds between tries of a server that has gone away: the first, and the longest."""


@define(eq=False)
class _Job:
    deed: Callable[[Database], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    result: Any = None
    error: BaseException | None = None

    def settle(self) -> None:
        """Give the result to whoever waits, in their loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


def _settle_all(jobs: list[_Job]) -> None:
    for job in jobs:
        job.settle()


@define(eq=False)
class Writer:
    """Owns the database from `start` to `end`, and its thread. `patience`: seconds to wait for a lost server."""

    database: Database
    patience: float = 300.0
    _jobs: "queue.SimpleQueue[_Job | None]" = field(factory=queue.SimpleQueue, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)
    _owner: str = field(factory=own_name, init=False)
    _alive_at: float = field(default=0.0, init=False)
    _ending: threading.Event = field(factory=threading.Event, init=False)

    async def start(self) -> None:
        """Open, lead the schema forward, and take the lock. Raises StoreError."""
        self._ending.clear()
        await asyncio.to_thread(self._open)
        self._thread = threading.Thread(target=self._run, name="conversations-async writer", daemon=True)
        self._thread.start()

    async def end(self) -> None:
        """Finish what is queued, let the lock go, and close."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    async def do(self, deed: Callable[[Database], _T]) -> _T:
        """Run a deed in a transaction; returns when it is committed. Raises StoreError.

        Cancelling leaves the deed in the queue: it may still be done.
        """
        if self._thread is None:
            raise StoreError("the database is not open")
        loop = asyncio.get_running_loop()
        job = _Job(deed, loop, loop.create_future())
        self._jobs.put(job)
        result: _T = await job.future
        return result

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        give_up_at, connected = time.monotonic() + self.patience, False
        while True:
            try:
                self.database.connect()
                connected = True
                migrate(self.database)
                take_lock(self.database, self._owner)
                break
            except PostgresUnreachable as error:
                connected = connected or isinstance(error, PostgresLost)
                # One that was never there is told at once; one that goes away meanwhile is waited for.
                self.database.close()
                if not connected or time.monotonic() > give_up_at:
                    raise
                time.sleep(_PAUSES[0])
            except BaseException:
                self.database.close()
                raise
        self._alive_at = time.monotonic()

    def _run(self) -> None:
        while True:
            jobs = self._next_jobs()
            if jobs is None:
                break
            if jobs:
                self._do_all(jobs)
                with suppress(RuntimeError):  # whoever waited is gone, and their loop too
                    jobs[0].loop.call_soon_threadsafe(_settle_all, jobs)
            elif time.monotonic() - self._alive_at >= HEARTBEAT:
                self._attempt([])
        with suppress(StoreError):  # a dead owner's lock is taken from it
            let_lock_go(self.database, self._owner)
        with suppress(StoreError):
            self.database.close()

    def _next_jobs(self) -> list[_Job] | None:
        """What waits; nothing after some seconds without; None at the end."""
        found: list[_Job] = []
        try:
            job = self._jobs.get(timeout=HEARTBEAT / 2)
            while job is not None:
                found.append(job)
                if len(found) == _TOGETHER:
                    return found
                job = self._jobs.get_nowait()
        except queue.Empty:
            return found
        self._jobs.put(None)
        return found or None

    def _do_all(self, jobs: list[_Job]) -> None:
        error = self._attempt(jobs)
        if error is None:
            return
        for job in jobs:
            job.error = error if len(jobs) == 1 else self._attempt([job])

    def _attempt(self, jobs: list[_Job]) -> BaseException | None:
        """One transaction; again where the server went away and came back."""
        give_up_at = time.monotonic() + self.patience
        pause = _PAUSES[0]
        lost = False
        while True:
            try:
                if lost:
                    self.database.connect()
                    self._take_again()
                self._transact(jobs)
            except PostgresUnreachable as error:
                lost = True
                if time.monotonic() + pause > give_up_at or self._ending.wait(pause):
                    return error
                pause = min(pause * 2, _PAUSES[1])
            except BaseException as error:  # whoever asked for it is told
                return error
            else:
                return None

    def _take_again(self) -> None:
        """The server has let our lock go; nobody else may have taken it meanwhile."""
        take_lock(self.database, self._owner)

    def _transact(self, jobs: list[_Job]) -> None:
        self.database.begin()
        try:
            keep_lock(self.database, self._owner)
            for job in jobs:
                job.result = job.deed(self.database)
            self.database.commit()
        except BaseException:
            with suppress(StoreError):  # the first error tells more
                self.database.rollback()
            raise
        self._alive_at = time.monotonic()
