"""The clients that there are, on the same 100 Inboxes and server: what a thread costs them, to what it costs a session.

    ratio = threads per CPU second of the session / threads per CPU second of the peer, round by round

Each client lives in a process of its own. A peer's client object holds the token, so each Page has its own, with a kept
connection, and where it can share one, a row for that. Pages are listed one after the other, and by 32 threads. They
read id and snippet of every thread, as the session's consumer reads id, platform and snippet.
"""
# mypy: disable-error-code="no-untyped-call,attr-defined"

import gc
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, Final

from benchmarks.floor import FIELDS, READS, ours
from benchmarks.measuring import Cost, Plan, apart, interleaved, measured, ratios
from benchmarks.server import TOKEN, Served, Server, serving
from benchmarks.table import Bar, Figure, Row, at_least

INBOXES: Final = 100
SERVED: Final = Served(threads=100, calls=4)
WORKERS: Final = (1, 32)

Lister = Callable[[str, str], int]
"""Lists the Inbox of a Page at a server, and returns how many threads it has read."""


# -- the peers ---------------------------------------------------------------------------------------------------------


def facebook_business(base_url: str, page: str) -> int:
    """Meta's own, which builds an object of each thread."""
    from facebook_business.adobjects.page import Page
    from facebook_business.api import FacebookAdsApi
    from facebook_business.session import FacebookSession

    FacebookSession.GRAPH = base_url
    node = Page(page, api=FacebookAdsApi(FacebookSession(access_token=TOKEN)))
    parameters = {"platform": "MESSENGER", "limit": SERVED.threads}
    return _read(node.get_conversations(fields=FIELDS.split(","), params=parameters))


def python_facebook_api(base_url: str, page: str) -> int:
    """Dicts: with its models it takes thirty times as long."""
    import pyfacebook

    api = pyfacebook.GraphAPI(access_token=TOKEN, base_url=f"{base_url}/", version="v24.0")
    parameters = {"fields": FIELDS, "platform": "messenger"}
    found = api.get_full_connections(page, "conversations", count=None, limit=SERVED.threads, **parameters)
    return _read(found["data"])


def facebook_sdk(base_url: str, page: str, session: Any = None) -> int:
    """Dicts. Each client object has a `requests.Session` of its own unless one is given."""
    import facebook

    facebook.FACEBOOK_GRAPH_URL = f"{base_url}/"
    api = facebook.GraphAPI(access_token=TOKEN, session=session)
    api.version = "v25.0"
    parameters = {"fields": FIELDS, "platform": "messenger", "limit": SERVED.threads}
    return _read(api.get_all_connections(page, "conversations", **parameters))


def facebook_sdk_shared(base_url: str, page: str) -> int:
    """The same, whose client objects share one and its connection, as they can."""
    return facebook_sdk(base_url, page, _shared_session())


_local: Final = threading.local()


def _shared_session() -> Any:
    """One for each thread: they are not made for several."""
    import requests

    if not hasattr(_local, "session"):
        _local.session = requests.Session()
    return _local.session


def _read(threads: Any) -> int:
    seen = 0
    for thread in threads:
        _ = thread["id"], thread["snippet"]
        seen += 1
    return seen


PEERS: Final[dict[str, tuple[Lister, Bar]]] = {
    "facebook-business": (facebook_business, at_least(15)),
    "python-facebook-api": (python_facebook_api, at_least(2.5)),
    "facebook-sdk": (facebook_sdk, at_least(2.5)),
    "facebook-sdk, one session": (facebook_sdk_shared, at_least(2.5)),
}

_OURS: Final = {
    read: Row("peers", f"session, reading {read}: CPU", "CPU seconds / 100,000 threads", "s") for read in READS
}


def _rows(peer: str, workers: int) -> dict[str, Row]:
    name = f"{peer}, {workers} thread{'s' if workers > 1 else ''}"
    bar = PEERS[peer][1]
    return {
        "cpu": Row("peers", f"{name}: CPU", "CPU seconds / 100,000 threads", "s"),
        "ratio": Row(
            "peers", f"{name}: per CPU second", "threads/CPU s of the session / of the peer", "×", bar, digits=1
        ),
        "wall": Row("peers", f"{name}: per second", "threads/s of the session / of the peer", "×", digits=1),
    }


ROWS: Final = (
    *_OURS.values(),
    *(row for peer in PEERS for workers in WORKERS for row in _rows(peer, workers).values()),
)


# -- runs, each in the contender's own process -------------------------------------------------------------------------


def run_peer(peer: str, workers: int, base_url: str, inboxes: int) -> Cost:
    """One listing of all Inboxes by a peer."""
    listed = PEERS[peer][0]
    with warnings.catch_warnings(), ThreadPoolExecutor(workers) as pool:
        # Theirs, at import: invalid escapes and the like.
        warnings.simplefilter("ignore")
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        threads = sum(pool.map(lambda page: listed(base_url, str(page)), range(1, inboxes + 1)))
        return Cost(threads, time.process_time() - cpu, time.perf_counter() - wall)


def run_session(read: str, base_url: str, inboxes: int) -> Cost:
    """One listing of all Inboxes by a session."""
    return measured(partial(ours, base_url, SERVED, READS[read], inboxes=inboxes))


def figures(plan: Plan) -> Iterator[Figure]:
    """Every peer to the session, in the same rounds."""
    with serving(SERVED) as server, ExitStack() as stack:
        costs = _costs(server, stack, inboxes=2 if plan.smoke else INBOXES, rounds=1 if plan.smoke else plan.rounds)
    assert len({cost.threads for each in costs.values() for cost in each}) == 1, "all read the same threads"
    for read, row in _OURS.items():
        yield Figure.of(row, [1e5 * cost.cpu / cost.threads for cost in costs[read]])
    some = costs["some"]
    for peer in PEERS:
        for workers in WORKERS:
            theirs, rows = costs[f"{peer}/{workers}"], _rows(peer, workers)
            yield Figure.of(rows["cpu"], [1e5 * cost.cpu / cost.threads for cost in theirs])
            yield Figure.of(rows["ratio"], ratios([cost.cpu for cost in theirs], [cost.cpu for cost in some]))
            yield Figure.of(rows["wall"], ratios([cost.wall for cost in theirs], [cost.wall for cost in some]))


def _costs(server: Server, stack: ExitStack, *, inboxes: int, rounds: int) -> dict[str, list[Cost]]:
    def in_its_own(run: Callable[..., Cost], *arguments: object) -> Callable[[], Cost]:
        pool = stack.enter_context(apart())
        return lambda: pool.submit(run, *arguments, server.base_url, inboxes).result()

    runs = {read: in_its_own(run_session, read) for read in READS}
    for peer in PEERS:
        for workers in WORKERS:
            runs[f"{peer}/{workers}"] = in_its_own(run_peer, peer, workers)
    return interleaved(runs, rounds)
