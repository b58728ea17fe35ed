"""Threads per second of `session.threads()` with pacing off, beside bare aiohttp + orjson on the same server and bytes.

    ratio = median over rounds of (CPU seconds of the floor / CPU seconds of the session), rounds interleaved

The floor reads bodies, decodes them to dicts and follows the cursor: no objects, no limits, no checks. `some` reads id,
platform and snippet of every thread; `all` touches every field of every thread and participant.
"""

import argparse
import asyncio
import gc
import os
import time
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Final

import aiohttp
import orjson
from attrs import frozen
from yarl import URL

from benchmarks.server import Served, serving
from conversations_async import ConversationSession, LimitPolicy, Page, Thread, ThreadQuery

INBOXES: Final = 16
TOKEN: Final = "EAAG" + "m0PX4ZCpsBAKZCZBdq2x7yR0vT5nWkLJ3hQeUiOa" * 5
"""As long as Meta's: looking for it in each answer costs by its length, a short one more than a long one."""
FIELDS: Final = "id,updated_time,link,snippet,message_count,unread_count,can_reply,participants"


@frozen
class Cost:
    """What one run took, for so many threads."""

    threads: int
    cpu: float
    wall: float


def read_some(thread: Thread) -> None:
    _ = thread.id, thread.platform, thread.snippet


def read_all(thread: Thread) -> None:
    _ = (
        thread.id,
        thread.page_id,
        thread.platform,
        thread.updated_time,
        thread.link,
        thread.snippet,
        thread.message_count,
        thread.unread_count,
        thread.can_reply,
        thread.is_subscribed,
        thread.is_owner,
        thread.scoped_thread_key,
        thread.folder,
        thread.name,
        thread.wallpaper,
        thread.subject,
        thread.linked_group,
        thread.tags,
        thread.senders,
        thread.former_participants,
    )
    for person in thread.participants:
        _ = person.id, person.name, person.username, person.email, person.user_id


async def floor(base_url: str, served: Served) -> int:
    """Bare aiohttp and orjson: as many streams as there are Inboxes."""
    seen = 0

    async def stream(http: aiohttp.ClientSession, page: int) -> None:
        nonlocal seen
        after: str | None = None
        while True:
            place = f"&after={after}" if after is not None else ""
            query = f"platform=messenger&fields={FIELDS}&limit={served.threads}{place}"
            url = f"{base_url}/v25.0/{page}/conversations?{query}"
            async with http.get(URL(url, encoded=True), headers={"Authorization": f"Bearer {TOKEN}"}) as response:
                payload = orjson.loads(await response.read())
            seen += len(payload["data"])
            if "next" not in payload["paging"]:
                return
            after = payload["paging"]["cursors"]["after"]

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=256)) as http:
        await asyncio.gather(*(stream(http, page) for page in range(1, INBOXES + 1)))
    return seen


async def ours(base_url: str, served: Served, read: Callable[[Thread], None]) -> int:
    """The session, typed, settling left out: the floor does not settle either."""
    seen = 0
    pages = [Page(str(page), TOKEN, platforms=("messenger",)) for page in range(1, INBOXES + 1)]
    query = ThreadQuery(fields=FIELDS, threads_per_call=served.threads)
    async with ConversationSession(base_url=base_url, limits=LimitPolicy(calls_per_second=0)) as session:
        async for thread in session.threads(pages, query=query, settle=False):
            read(thread)
            seen += 1
    return seen


def measured(run: Callable[[], Awaitable[int]]) -> Cost:
    """One run in a loop of its own, after a collection."""

    async def timed() -> Cost:
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        threads = await run()
        return Cost(threads, time.process_time() - cpu, time.perf_counter() - wall)

    return asyncio.run(timed())


SHAPES: Final = (
    ("25 threads a call", Served(threads=25, calls=80)),
    ("100 threads a call", Served(threads=100, calls=20)),
    ("500 threads a call", Served(threads=500, calls=4)),
    ("100, 5 nested messages", Served(threads=100, calls=8, messages=5)),
)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    rounds = arguments.parse_args().rounds
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {0})
    print(f"{'':24}{'floor µs/thread':>16}{'some':>8}{'all':>8}   ratio = floor CPU / session CPU, median of {rounds}")
    for name, served in SHAPES:
        with serving(served) as base_url:
            runs: dict[str, Callable[[], Awaitable[int]]] = {
                "floor": lambda: floor(base_url, served),  # noqa: B023
                "some": lambda: ours(base_url, served, read_some),  # noqa: B023
                "all": lambda: ours(base_url, served, read_all),  # noqa: B023
            }
            for run in runs.values():
                measured(run)
            costs = [{each: measured(run) for each, run in runs.items()} for _ in range(rounds)]
            assert len({cost[each].threads for cost in costs for each in cost}) == 1, "all read the same threads"
            of_floor = median(1e6 * cost["floor"].cpu / cost["floor"].threads for cost in costs)
            some, every = (median(cost["floor"].cpu / cost[each].cpu for cost in costs) for each in ("some", "all"))
        print(f"{name:24}{of_floor:16.2f}{some:8.2f}{every:8.2f}")


if __name__ == "__main__":
    main()
