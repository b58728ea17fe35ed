"""One session and very many Inboxes: wall against the ideal, memory, tasks, connections, first thread, slow consumers.

    ideal = the larger of: 20 calls at 2 a second; all calls at what a call costs the floor on this core, in this run

The floor keeps the pace as well, as whoever lists so many Inboxes must.

20 calls of 25 threads an Inbox, answers 80 ms late, pacing on. Each listing has a process of its own (`crowd.py`).
Memory is the peak of what is resident, less what was before the session was made. What settling adds to it is measured
in a listing by itself: 20 calls, two for all ids, and one for the head.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from benchmarks.crowd import CREDITS, ROUND_TRIPS, Job, Seen, bare, crowd
from benchmarks.measuring import Cost, Plan, apart
from benchmarks.server import Served, serving
from benchmarks.table import Figure, Row, at_most

CALLS: Final = 20
RATE: Final = 2.0
LATENCY: Final = 0.08
SIZES: Final = (1, 10, 100, 1_000, 10_000)
MOST: Final = {"smoke": 1, "usual": 1_000, "full": 10_000}

STREAMS: Final = 1_400
"""So many Inboxes keep a core busy at two calls a second each: a floor that kept no pace would be refused by Meta."""
FEW: Final = 64

_FLOOR: Final = Row("scale", "the floor: calls a second", "calls / CPU seconds", "/s", digits=0)


def _rows(inboxes: int) -> dict[str, Row]:
    name = f"{inboxes:,} Inbox{'es' if inboxes > 1 else ''}"
    largest, thousand = inboxes == SIZES[-1], inboxes == 1_000
    wall, memory, first = at_most(1.10), at_most(30), at_most(1.5)
    return {
        "wall": Row("scale", f"{name}: wall", "wall / ideal", "", wall if largest else None),
        "memory": Row("scale", f"{name}: memory", "peak - start", "MB", memory if largest else None, 1),
        "first": Row(
            "scale", f"{name}: first thread", "seconds / round trip of a lone call", "", first if thousand else None
        ),
        "tasks": Row("scale", f"{name}: tasks", "most at once", "", None, 0),
        "connections": Row("scale", f"{name}: connections", "most at once, as the server sees them", "", None, 0),
        "ending": Row(
            "scale",
            f"{name}: a listing left at its first thread",
            "from there until the session is closed",
            "ms",
            None,
            0,
        ),
        "settled": Row(
            "scale", f"{name}, settled: memory", "peak - start, 20 calls, 2 for all ids, 1 for the head", "MB", None, 1
        ),
        "lag": Row("scale", f"{name}: loop lag", "worst lateness of a timer of 20 ms", "ms", None, 0),
    }


_SLOW: Final = {
    "ahead": Row(
        "scale",
        "slow consumer: read ahead",
        "(answers the server sent - thread pages taken) / credits (connections)",
        "",
        at_most(1.0),
    ),
    "memory": Row("scale", "slow consumer: memory", "resident at the end / at 25 %, 1 ms a thread", "", at_most(1.05)),
}
_MILLION: Final = {
    "one": Row(
        "scale",
        "1,000,000 threads, one listing: memory",
        "resident at the end / at 10 %, 1,000 Inboxes of 1,000 threads",
        "",
        at_most(1.05),
    ),
    "many": Row(
        "scale",
        "1,000,000 threads, 100 listings: memory",
        "resident at the end / at 10 %, 100 times 100 Inboxes of 100 threads",
        "",
        at_most(1.05),
    ),
    "side by side": Row(
        "scale",
        "1,000,000 threads, 100 Inboxes at once: memory",
        "peak - start, 100 Inboxes of 10,000 threads",
        "MB",
        digits=1,
    ),
}

ROWS: Final = (
    _FLOOR,
    *(row for inboxes in SIZES for row in _rows(inboxes).values()),
    *_SLOW.values(),
    *_MILLION.values(),
)


def ideal(calls: int, slowest: int, per_second: float) -> float:
    """Seconds that nobody can do without: the slowest Inbox at its pace, or all calls on this core."""
    return max(slowest / RATE, calls / per_second)


def figures(plan: Plan) -> Iterator[Figure]:
    """All sizes up to the plan's, then the slow consumer and the million."""
    served = Served(threads=plan.threads_per_call, calls=4 if plan.smoke else CALLS, latency=LATENCY)
    floors: list[float] = []
    for inboxes in SIZES:
        if inboxes <= MOST[plan.size]:
            yield from _size(served, inboxes, floors, plan)
    yield Figure.of(_FLOOR, floors)
    yield from _slow(served, plan)
    yield from _million(plan)


def _size(served: Served, inboxes: int, floors: list[float], plan: Plan) -> Iterator[Figure]:
    """One size, each time with the floor before and after it: the machine has other things to do as well."""
    rows, threads = _rows(inboxes), inboxes * served.calls * served.threads
    found: dict[str, list[float]] = {what: [] for what in rows}
    for _ in range(min(plan.rounds, 3) if inboxes >= STREAMS else 1):
        before = _floor(served, inboxes)
        with serving(served) as server:
            seen = _seen(Job(server.base_url, served, inboxes))
            found["connections"].append(float(server.spent().most_connections))
        floors += [before, _floor(served, inboxes)]
        assert seen.threads == threads, "every thread was read"
        least = ideal(inboxes * served.calls, served.calls, sum(floors[-2:]) / 2)
        found["wall"].append(seen.wall / least)
        found["memory"].append(seen.peak)
        found["first"].append(seen.first / seen.round_trip)
        found["tasks"].append(float(seen.tasks))
        found["lag"].append(1e3 * seen.lag)
    with serving(served) as server:
        settled = _seen(Job(server.base_url, served, inboxes, settle=True))
        assert settled.threads == threads, "as many threads as without settling"
        answers = server.spent().answers - ROUND_TRIPS
        assert answers <= inboxes * (served.calls + 3), "ids are listed many a call"
        found["settled"].append(settled.peak)
    with serving(served) as server:
        for _ in range(plan.rounds):
            left = _seen(Job(server.base_url, served, inboxes, threads=1))
            found["first"].append(left.first / left.round_trip)
            found["ending"].append(1e3 * left.ending)
    for what, values in found.items():
        yield Figure.of(rows[what], values)


def _floor(served: Served, inboxes: int) -> float:
    """Calls that this core makes in a second of its time, by bare streams at the same pace.

    A few Inboxes are bound by their pace and no core: they are judged by a few streams without one.
    """
    many = inboxes >= STREAMS
    streams, spacing = (STREAMS, 1 / RATE) if many else (FEW, 0.0)
    with serving(served) as server, apart() as pool:
        cost: Cost = pool.submit(bare, server.base_url, served, 2 * streams, streams, spacing).result()
    return cost.threads / served.threads / cost.cpu


def _seen(job: Job) -> Seen:
    with apart() as pool:
        return pool.submit(partial(crowd, job)).result()


def _slow(served: Served, plan: Plan) -> Iterator[Figure]:
    """A thousand Inboxes and a consumer that takes 1 ms a thread, for as long as 20,000 threads take it."""
    inboxes, threads = (10, 500) if plan.smoke else (1_000, 20_000)
    with serving(served) as server:
        seen = _seen(Job(server.base_url, served, inboxes, pause=0.001, threads=threads))
        ahead = server.spent().answers - ROUND_TRIPS - seen.threads // served.threads
    yield Figure.of(_SLOW["ahead"], [ahead / CREDITS])
    yield Figure.of(_SLOW["memory"], [seen.marks[-1] / seen.marks[len(seen.marks) // 4 - 1]])


def _million(plan: Plan) -> Iterator[Figure]:
    """Without pacing: it is the number of threads that counts here."""
    shapes = {"one": (1_000, 10, 1), "many": (100, 1, 100), "side by side": (100, 100, 1)}
    for name, (inboxes, calls, times) in shapes.items():
        if plan.smoke:
            inboxes, calls, times = inboxes // 10, min(calls, 10), 1
        served = Served(threads=100, calls=calls)
        found = []
        with serving(served) as server:
            for _ in range(1 if plan.smoke else min(plan.rounds, 5)):
                seen = _seen(Job(server.base_url, served, inboxes, times=times, paced=False))
                assert seen.threads == inboxes * calls * times * served.threads, "every thread was read"
                tenth = seen.marks[len(seen.marks) // 10 - 1]
                found.append(seen.peak if name == "side by side" else seen.marks[-1] / tenth)
        yield Figure.of(_MILLION[name], found)
