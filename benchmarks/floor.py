"""Threads per second of `session.threads()` with pacing off, beside bare aiohttp + orjson on the same server and bytes.

The floor reads bodies, decodes them to dicts and follows the cursor: no objects, no limits, no checks. `some` reads id,
platform and snippet of every thread; `all` touches every field of every thread and participant, and id and text of
every message.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Final

import aiohttp
import orjson
from yarl import URL

from benchmarks.measuring import Cost, Plan, interleaved, measured, ratios
from benchmarks.server import TOKEN, Served, serving
from benchmarks.table import Figure, Row, at_least
from conversations_async import ConversationSession, LimitPolicy, Page, Thread, ThreadQuery

INBOXES: Final = 16
FIELDS: Final = "id,updated_time,link,snippet,message_count,unread_count,can_reply,participants"


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
    for message in thread.messages:
        _ = message.id, message.text


async def floor(
    base_url: str, served: Served, *, inboxes: int = INBOXES, streams: int = INBOXES, spacing: float = 0.0
) -> int:
    """Bare aiohttp and orjson: so many streams that take an Inbox after the other, `spacing` seconds between calls."""
    seen = 0
    pages = iter(range(1, inboxes + 1))
    clock = asyncio.get_running_loop().time

    async def stream(http: aiohttp.ClientSession, number: int) -> None:
        await asyncio.sleep(number * spacing / streams)
        for page in pages:
            await walk(http, page)

    async def walk(http: aiohttp.ClientSession, page: int) -> None:
        nonlocal seen
        after: str | None = None
        due = clock()
        while True:
            if spacing:
                await asyncio.sleep(due - clock())
                due = clock() + spacing
            place = f"&after={after}" if after is not None else ""
            query = f"platform=messenger&fields={FIELDS}&limit={served.threads}{place}"
            url = f"{base_url}/v25.0/{page}/conversations?{query}"
            async with http.get(URL(url, encoded=True), headers={"Authorization": f"Bearer {TOKEN}"}) as response:
                payload = orjson.loads(await response.read())
            seen += len(payload["data"])
            if "next" not in payload["paging"]:
                return
            after = payload["paging"]["cursors"]["after"]
            # While it waits nothing is kept: with sixteen answers alive the allocator takes half as long again.
            del payload

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=512)) as http:
        await asyncio.gather(*(stream(http, number) for number in range(streams)))
    return seen


def pages_of(inboxes: int) -> list[Page]:
    """So many Pages, each with one Inbox."""
    return [Page(str(page), TOKEN, platforms=("messenger",)) for page in range(1, inboxes + 1)]


async def ours(base_url: str, served: Served, read: Callable[[Thread], None], *, inboxes: int = INBOXES) -> int:
    """The session, typed, settling left out: the floor does not settle either."""
    seen = 0
    pages = pages_of(inboxes)
    query = ThreadQuery(fields=FIELDS, threads_per_call=served.threads)
    async with ConversationSession(base_url=base_url, limits=LimitPolicy(calls_per_second=0)) as session:
        async for thread in session.threads(pages, query=query, settle=False):
            read(thread)
            seen += 1
    return seen


SHAPES: Final = {
    "25 threads a call": Served(threads=25, calls=80),
    "100 threads a call": Served(threads=100, calls=20),
    "500 threads a call": Served(threads=500, calls=4),
    "100, a null in one of 20": Served(threads=100, calls=20, null_each=20),
    "100, fields nobody knows in each": Served(threads=100, calls=20, unknown=True),
    "100, 5 nested messages": Served(threads=100, calls=8, messages=5),
    "100, 5 nested, an attachment in one of 3": Served(threads=100, calls=8, messages=5, attachment_each=3),
}
BARS: Final = {"some": at_least(0.80), "all": at_least(0.60)}
BARRED: Final = ("100 threads a call", "100, 5 nested messages")
READS: Final = {"some": read_some, "all": read_all}
_FACTOR: Final = Row(
    "floor",
    "the server, to the floor",
    "CPU of the floor / CPU of the server, same answers; least",
    "",
    at_least(1.0),
    1,
)


def _rows(shape: str) -> dict[str, Row]:
    """The rows of a shape, by what is measured."""
    rows = {"floor": Row("floor", f"{shape}: the floor", "CPU / thread", "µs")}
    for read in READS:
        bar = BARS[read] if shape in BARRED else None
        rows[read] = Row("floor", f"{shape}: CPU, reading {read}", "CPU of the floor / CPU of the session", "", bar, 3)
        rate = "threads/s of the session / threads/s of the floor"
        rows[f"{read}, wall"] = Row("floor", f"{shape}: threads/s, reading {read}", rate, "", bar, 3)
    rows["inboxes"] = Row(
        "floor",
        f"{shape}: Inboxes a core keeps at pace",
        "1 / (2 calls/s * CPU s a call), reading some, pacing off",
        "",
        None,
        0,
    )
    return rows


ROWS: Final = (*(row for shape in SHAPES for row in _rows(shape).values()), _FACTOR)


def figures(plan: Plan) -> Iterator[Figure]:
    """Every shape, and how much faster the server is than the floor where it is least so."""
    factors = []
    for shape, served in SHAPES.items():
        found, factor = _shape(shape, served, plan)
        factors.append(factor)
        yield from found
    yield Figure.of(_FACTOR, [min(factors)])


def _shape(shape: str, served: Served, plan: Plan) -> tuple[list[Figure], float]:
    spent: list[float] = []
    inboxes = 2 if plan.smoke else INBOXES

    with serving(served) as server:

        def bare() -> Cost:
            before = server.spent().cpu
            cost = measured(partial(floor, server.base_url, served, inboxes=inboxes))
            spent.append(cost.cpu / max(server.spent().cpu - before, 1e-9))
            return cost

        def typed(read: Callable[[Thread], None]) -> Callable[[], Cost]:
            run: Callable[[], Awaitable[int]] = partial(ours, server.base_url, served, read, inboxes=inboxes)
            return partial(measured, run)

        costs = interleaved(
            {"floor": bare} | {name: typed(read) for name, read in READS.items()}, 1 if plan.smoke else plan.rounds
        )
    assert len({cost.threads for each in costs.values() for cost in each}) == 1, "all read the same threads"
    return _figures_of(_rows(shape), costs, served), min(spent)


def _figures_of(rows: dict[str, Row], costs: dict[str, list[Cost]], served: Served) -> list[Figure]:
    bare = costs["floor"]
    found = [Figure.of(rows["floor"], [1e6 * cost.cpu / cost.threads for cost in bare])]
    for read in READS:
        cpu = ratios([cost.cpu for cost in bare], [cost.cpu for cost in costs[read]])
        wall = ratios([cost.wall for cost in bare], [cost.wall for cost in costs[read]])
        found += [Figure.of(rows[read], cpu), Figure.of(rows[f"{read}, wall"], wall)]
    per_call = [cost.cpu / cost.threads * served.threads for cost in costs["some"]]
    return [*found, Figure.of(rows["inboxes"], [1 / (2 * each) for each in per_call])]
