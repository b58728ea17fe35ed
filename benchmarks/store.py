"""How fast a store takes what a session brings, and in how much memory.

    python -m benchmarks.store                    # 1,000,000 threads of 1,000 Inboxes into SQLite
    python -m benchmarks.store --inboxes 50       # a small one
    python -m benchmarks.store --to postgresql://…

Three rows, each measured in a process of its own on one core, with the server on another: the session alone (a sync
whose store keeps nothing, pacing off), the store alone (the same thread pages, read already: making them is not in its
time), and the sync itself. Beside each rate is the CPU time of a thread, which other work on the machine disturbs less.
"""

import argparse
import asyncio
import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Self

from attrs import frozen

from benchmarks.server import Served, answers, serving
from conversations_async import ConversationSession, Inbox, LimitPolicy, Page, Platform, ThreadPage, ThreadQuery
from conversations_async.graph.decode import listed_page
from conversations_async.graph.listing import read_listing
from conversations_async.message import Message
from conversations_async.model import DEFAULT_FIELDS, PoolUsage
from conversations_async.sync import InboxReport, SyncJob, open_store
from conversations_async.sync.rows import Asked, asked_by
from conversations_async.sync.values import Listing, Saved, Standing, Unread

THREADS_PER_CALL = 100
SAVES_AT_ONCE = 64


class NoStore:
    """Keeps nothing, at once."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exception: object) -> None: ...

    async def standings(self, inboxes: Sequence[Inbox]) -> dict[Inbox, Standing]:
        return {inbox: Standing(inbox) for inbox in inboxes}

    async def begin(self, page: Page, inbox: Inbox, *, run_id: str, folders: str, whole: bool) -> Listing:
        return Listing(inbox, run_id, run_id, folders, "first", None, None)

    async def save(self, listing: Listing, page: ThreadPage, asked: Asked) -> Saved:
        return Saved(new=len(page.threads))

    async def unread(self, listing: Listing, *, most: int) -> list[Unread]:
        return []

    async def save_messages(
        self, listing: Listing, thread: Unread, messages: Sequence[Message], *, complete: str | None
    ) -> Saved:
        return Saved()

    async def finish(self, listing: Listing, report: InboxReport, *, gone: bool) -> int:
        return 0

    async def leave(self, listing: Listing, report: InboxReport) -> None: ...

    async def note_usage(self, run_id: str, inbox: Inbox, samples: Sequence[tuple[str, PoolUsage]]) -> None: ...


def pages(count: int) -> list[Page]:
    return [Page(str(1001 + number), "token", platforms=(Platform.MESSENGER,)) for number in range(count)]


@frozen
class Spent:
    """So many threads, in so many seconds."""

    threads: float = 0
    wall: float = 0.0
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        return self.threads / self.wall


class Clock:
    """Runs while its block does, as often as it is entered."""

    def __init__(self) -> None:
        self.wall = self.cpu = 0.0

    def __enter__(self) -> Self:
        self.wall -= time.perf_counter()
        self.cpu -= time.process_time()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.wall += time.perf_counter()
        self.cpu += time.process_time()


async def session_alone(inboxes: int, base_url: str, _target: str) -> Spent:
    return await _listed(inboxes, base_url, NoStore())


async def the_sync(inboxes: int, base_url: str, target: str) -> Spent:
    async with open_store(target) as store:
        return await _listed(inboxes, base_url, store)


async def _listed(inboxes: int, base_url: str, store: Any) -> Spent:
    session = ConversationSession(base_url=base_url, limits=LimitPolicy(calls_per_second=0), connections=64)
    async with session:
        query = ThreadQuery(threads_per_call=THREADS_PER_CALL)
        with Clock() as clock:
            report = await SyncJob(session, store, pages(inboxes), query=query, settle=False).run()
    assert not report.failed, report.failed[0].cause
    return Spent(report.sum("new"), clock.wall, clock.cpu)


async def store_alone(inboxes: int, calls: str, target: str) -> Spent:
    """The rows of the same answers, from thread pages that are there already."""
    bodies = [each.partition(b"\r\n\r\n")[2] for each in answers(Served(THREADS_PER_CALL, int(calls)))]
    asked = asked_by(",".join(DEFAULT_FIELDS))

    def read(inbox: Inbox) -> list[ThreadPage]:
        # Anew for each Inbox, as a session does.
        listings = [listing for body in bodies if (listing := read_listing(body, inbox)) is not None]
        return [listed_page(listing, inbox) for listing in listings]

    async def save(page: Page, thread_pages: list[ThreadPage]) -> int:
        inbox = Inbox(page.id, Platform.MESSENGER)
        listing = await store.begin(page, inbox, run_id="benchmark", folders="", whole=False)
        new = 0
        for thread_page in thread_pages:
            new += (await store.save(listing, thread_page, asked)).new
        await store.finish(listing, InboxReport(inbox), gone=False)
        return new

    clock, todo, total = Clock(), iter(pages(inboxes)), 0
    async with open_store(target) as store:
        while some := list(islice(todo, SAVES_AT_ONCE)):
            there = [(page, read(Inbox(page.id, Platform.MESSENGER))) for page in some]
            with clock:
                total += sum(await asyncio.gather(*(save(page, thread_pages) for page, thread_pages in there)))
    return Spent(total, clock.wall, clock.cpu)


WHAT = {"the session alone": session_alone, "the store alone": store_alone, "the sync": the_sync}


def measure(what: str, inboxes: int, source: str, target: str, pipe: Any) -> None:
    """One row, in a process of its own: what it took, and the most memory it held."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    spent = asyncio.run(WHAT[what](inboxes, source, target))
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    pipe.send((spent, peak))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inboxes", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=10, help="thread pages of an Inbox, of 100 threads each")
    parser.add_argument("--to", default="", help="a PostgreSQL database; an SQLite file by itself")
    given = parser.parse_args(arguments)
    spawn = multiprocessing.get_context("spawn")
    rows: dict[str, Spent] = {}
    with tempfile.TemporaryDirectory() as place, serving(Served(THREADS_PER_CALL, given.calls)) as server:
        for number, what in enumerate(WHAT):
            source = str(given.calls) if what == "the store alone" else server.base_url
            ours, theirs = spawn.Pipe()
            target = given.to or f"{place}/{number}.db"
            process = spawn.Process(target=measure, args=(what, given.inboxes, source, target, theirs))
            process.start()
            theirs.close()  # so that one that dies ends the wait
            rows[what], peak = ours.recv()
            process.join()
            spent = rows[what]
            cpu = spent.cpu / spent.threads * 1e6
            print(f"{what:<20}{spent.rate:>10,.0f} threads/s{cpu:>7.1f} µs of CPU{peak:>7,.0f} MB at most")
    session, store = rows["the session alone"], rows["the store alone"]
    by_cpu = session.cpu / session.threads / (store.cpu / store.threads)
    print(f"the store takes {store.rate / session.rate:.2f} times what the session brings, by CPU {by_cpu:.2f} times")


if __name__ == "__main__":
    main()
