"""How fast a store takes what a session brings, and in how much memory.

    python -m benchmarks.store                    # 1,000,000 threads of 1,000 Inboxes into SQLite
    python -m benchmarks.store --inboxes 50       # a small one
    python -m benchmarks.store --to postgresql://…

Three rows, each measured in a process of its own on one core, with the server on another: the session alone (a sync
whose store keeps nothing, pacing off), the store alone (the same thread pages, read already), and the sync itself.
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

import orjson

from benchmarks.server import Served, answers, serving
from conversations_async import ConversationSession, Cursor, Inbox, LimitPolicy, Page, Platform, ThreadPage, ThreadQuery
from conversations_async.message import Message
from conversations_async.model import DEFAULT_FIELDS, PoolUsage, Thread
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


async def session_alone(inboxes: int, base_url: str, _target: str) -> float:
    return await _listed(inboxes, base_url, NoStore())


async def the_sync(inboxes: int, base_url: str, target: str) -> float:
    async with open_store(target) as store:
        return await _listed(inboxes, base_url, store)


async def _listed(inboxes: int, base_url: str, store: Any) -> float:
    session = ConversationSession(base_url=base_url, limits=LimitPolicy(calls_per_second=0), connections=64)
    async with session:
        query = ThreadQuery(threads_per_call=THREADS_PER_CALL)
        began = time.perf_counter()
        report = await SyncJob(session, store, pages(inboxes), query=query, settle=False).run()
        spent = time.perf_counter() - began
    assert not report.failed, report.failed[0].cause
    return report.sum("new") / spent


async def store_alone(inboxes: int, calls: str, target: str) -> float:
    """The rows of the same answers, from JSON that is decoded already."""
    bodies = [each.partition(b"\r\n\r\n")[2] for each in answers(Served(THREADS_PER_CALL, int(calls)))]
    listings = [orjson.loads(body)["data"] for body in bodies]
    asked = asked_by(",".join(DEFAULT_FIELDS))
    spent = 0.0
    async with open_store(target) as store:

        async def save(page: Page) -> int:
            inbox = Inbox(page.id, Platform.MESSENGER)
            listing = await store.begin(page, inbox, run_id="benchmark", folders="", whole=False)
            new = 0
            for place, raws in enumerate(listings):
                cursor = Cursor(str(place + 1))
                threads = tuple(Thread(inbox, raw) for raw in raws)
                thread_page = ThreadPage(inbox, threads, cursor, place + 1 < len(listings))
                new += (await store.save(listing, thread_page, asked)).new
            await store.finish(listing, InboxReport(inbox), gone=False)
            return new

        todo, total = iter(pages(inboxes)), 0
        began = time.perf_counter()
        while some := list(islice(todo, SAVES_AT_ONCE)):
            total += sum(await asyncio.gather(*map(save, some)))
        spent = time.perf_counter() - began
    return total / spent


WHAT = {"the session alone": session_alone, "the store alone": store_alone, "the sync": the_sync}


def measure(what: str, inboxes: int, source: str, target: str, pipe: Any) -> None:
    """One row, in a process of its own: its rate, and the most memory it held."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    rate = asyncio.run(WHAT[what](inboxes, source, target))
    status = Path("/proc/self/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0]) / 1024
    pipe.send((rate, peak))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inboxes", type=int, default=1000)
    parser.add_argument("--calls", type=int, default=10, help="thread pages of an Inbox, of 100 threads each")
    parser.add_argument("--to", default="", help="a PostgreSQL database; an SQLite file by itself")
    given = parser.parse_args(arguments)
    spawn = multiprocessing.get_context("spawn")
    rows: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as place, serving(Served(THREADS_PER_CALL, given.calls)) as server:
        for number, what in enumerate(WHAT):
            source = str(given.calls) if what == "the store alone" else server.base_url
            ours, theirs = spawn.Pipe()
            target = given.to or f"{place}/{number}.db"
            process = spawn.Process(target=measure, args=(what, given.inboxes, source, target, theirs))
            process.start()
            theirs.close()  # so that one that dies ends the wait
            rows[what] = ours.recv()
            process.join()
            rate, peak = rows[what]
            print(f"{what:<20}{rate:>10,.0f} threads/s{peak:>8,.0f} MB at most")
    ratio = rows["the store alone"][0] / rows["the session alone"][0]
    print(f"the store takes {ratio:.2f} times what the session brings")


if __name__ == "__main__":
    main()
