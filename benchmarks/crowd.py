"""A listing of many Inboxes as a process of its own sees it: time, memory, tasks. Run by `scale.py`."""

import asyncio
import inspect
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import partial
from statistics import median
from typing import Final

import aiohttp
from attrs import define, field, frozen

from benchmarks.floor import floor, pages_of, read_some
from benchmarks.measuring import Cost, forget_peak, measured, peak, resident
from benchmarks.server import Served
from conversations_async import ConversationSession, LimitPolicy, Page, Thread, ThreadQuery

CREDITS: Final[int] = inspect.signature(ConversationSession).parameters["connections"].default
"""As many thread pages may be under way or wait to be taken."""
ROUND_TRIPS: Final = 6
"""Lone calls before a listing."""
MARKS: Final = 100


@frozen
class Job:
    """What is to be listed: so many Inboxes, `times` one after the other, until so many threads are read."""

    base_url: str
    served: Served
    inboxes: int
    paced: bool = True
    pause: float = 0.0
    """Seconds that the consumer takes for a thread."""
    times: int = 1
    threads: int | None = None
    settle: bool = False

    @property
    def wanted(self) -> int:
        """Threads that will be read."""
        return self.threads or self.inboxes * self.served.calls * self.served.threads * self.times


@define
class Seen:
    """What was seen. Memory in MB."""

    threads: int = 0
    wall: float = 0.0
    first: float = 0.0
    last: float = 0.0
    """When the last thread was read."""
    ending: float = 0.0
    """From the last thread until the session was closed."""
    round_trip: float = 0.0
    peak: float = 0.0
    """Above the start."""
    marks: list[float] = field(factory=list)
    """Memory after every hundredth of the threads."""
    tasks: int = 0
    lag: float = 0.0


def crowd(job: Job) -> Seen:
    """Do the job."""
    return asyncio.run(_crowd(job))


def bare(base_url: str, served: Served, inboxes: int, streams: int, spacing: float) -> Cost:
    """The floor with so many streams, each at a pace."""
    return measured(partial(floor, base_url, served, inboxes=inboxes, streams=streams, spacing=spacing))


async def _crowd(job: Job) -> Seen:
    seen = Seen(round_trip=await _round_trip(job))
    pages = pages_of(job.inboxes)
    limits = LimitPolicy() if job.paced else LimitPolicy(calls_per_second=0)
    await asyncio.sleep(0.1)  # what the round trips left behind is cleared away
    forget_peak()
    before = resident()
    watch = asyncio.create_task(_watch(seen))
    began = time.perf_counter()
    async with ConversationSession(base_url=job.base_url, limits=limits) as session:
        for _ in range(job.times):
            await _read(session, pages, job, seen, began)
    seen.ending = time.perf_counter() - seen.last
    seen.wall = time.perf_counter() - began
    seen.peak = peak() - before
    watch.cancel()
    return seen


async def _read(session: ConversationSession, pages: list[Page], job: Job, seen: Seen, began: float) -> None:
    query = ThreadQuery(threads_per_call=job.served.threads)
    # Looked up once: what the consumer does for each thread is told of the session.
    wanted, until, pause, read = job.wanted, job.threads, job.pause, seen.threads
    every = max(wanted // MARKS, 1)
    listing: AsyncGenerator[Thread, None] = session.threads(pages, query=query, settle=job.settle)
    async with aclosing(listing):
        async for thread in listing:
            read_some(thread)
            read += 1
            if read == 1:
                seen.first = time.perf_counter() - began
            if not read % every:
                seen.marks.append(resident())
            if pause:
                await asyncio.sleep(pause)
            if read == wanted:
                seen.last = time.perf_counter()
            if read == until:
                break
    seen.threads = read


async def _round_trip(job: Job) -> float:
    """Seconds of one call on a connection that is there, with nothing else to do."""
    took = []
    async with aiohttp.ClientSession() as http:
        for _ in range(ROUND_TRIPS):
            began = time.perf_counter()
            async with http.get(f"{job.base_url}/v25.0/1/conversations") as response:
                await response.read()
            took.append(time.perf_counter() - began)
    return median(took[1:])


_TICK: Final = 0.02
_OWN: Final = 2
"""Tasks that are no part of the session: the consumer and the watch."""


async def _watch(seen: Seen) -> None:
    """Count tasks and see how late a timer is, all the while."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + _TICK
        await asyncio.sleep(_TICK)
        seen.lag = max(seen.lag, loop.time() - due)
        seen.tasks = max(seen.tasks, len(asyncio.all_tasks()) - _OWN)
