"""The token never shows: not in errors with their frames' variables, not in what is kept of an answer, not on the wire
where a log would see it. (That no log, event or output of any test holds one is in conftest.py.)"""

import asyncio
import copy
import json
import logging
import pickle
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest
from listing import (
    EVERY,
    MESSENGER,
    list_all,
    named,
    pages_of,
    session_on,
    turns,
)
from programs import Program

from conversations_async import ConversationsError, InboxErrors, LimitPolicy, Page, RetryPolicy, ThreadQuery
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World

ONCE = RetryPolicy(tries=1)


def everything_shown_of(error: BaseException) -> str:
    """repr, str, the whole traceback with every frame's variables, causes and contexts, and the pickle."""
    frames = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
    chain, texts = [error], [frames]
    while chain:
        each = chain.pop()
        chain += [linked for linked in (each.__cause__, each.__context__) if linked is not None]
        chain += each.exceptions if isinstance(each, BaseExceptionGroup) else []
        texts += [repr(each), str(each), f"{each:}", str(each.args), str(vars(each))]
        if isinstance(each, ConversationsError):
            texts += [pickle.dumps(each).decode("latin-1"), repr(copy.copy(each))]
    return "\n".join(texts)


def tokens_of(world: World) -> list[str]:
    return [page.token for page in world.pages.values()]


@asynccontextmanager
async def connections(lent: bool) -> AsyncIterator[aiohttp.ClientSession | None]:
    """An aiohttp session to be borrowed, or none: own connections do without one."""
    if not lent:
        yield None
        return
    async with aiohttp.ClientSession() as http:
        yield http


def world_with(manners: Manners) -> World:
    world = World.seeded(pages=1, threads=25, seed=4, platforms=(MESSENGER,))
    world.manners = manners
    return world


@pytest.mark.parametrize("lent", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize("token_in", ["header", "query"])
@pytest.mark.parametrize(
    "manners",
    [
        Manners(dead_token=True),
        Manners(missing_permission=200),
        Manners(refuse=2),
        Manners(html=502),
        Manners(cut="before"),
        Manners(cut="within"),
        Manners(drip=9.0),
        Manners(raw_body=b"\x00"),
        Manners(repeating_cursor_at=1),
        Manners(redirect="http://127.0.0.1:1/"),
        Manners(raw_headers={"Content-Length": "nonsense"}, raw_body=b"{}"),
        Manners(raw_headers={"Content-Encoding": "gzip"}, raw_body=b"not gzip at all"),
    ],
    ids=named,
)
@pytest.mark.looptime
async def test_no_error_shows_the_token_not_even_with_the_variables_of_its_frames(
    manners: Manners, token_in: str, lent: bool
) -> None:
    world = world_with(manners)
    once = {"retry": ONCE, "token_in": token_in, "timeout": 5.0}
    async with (
        GraphEmulator(world) as graph,
        connections(lent) as http,
        session_on(graph, http=http, **once) as session,
    ):
        with pytest.raises(InboxErrors) as caught:
            async for _ in session.threads(pages_of(world), query=EVERY):
                pass
    shown = everything_shown_of(caught.value)
    assert not [token for token in tokens_of(world) if token in shown]


def echoing(world: World) -> Manners:
    (token,) = tokens_of(world)
    body = {"error": {"message": f"Malformed access token {token}", "code": 190, "fbtrace_id": token}}
    return Manners(raw_body=orjson.dumps(body), raw_status=400)


async def test_the_token_is_not_shown_when_meta_says_it_back() -> None:
    world = world_with(Manners())
    world.manners = echoing(world)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        with pytest.raises(InboxErrors) as caught:
            async for _ in session.threads(pages_of(world), query=EVERY):
                pass
    shown = everything_shown_of(caught.value)
    assert not [token for token in tokens_of(world) if token in shown]
    assert "Malformed access token" in shown


@pytest.mark.parametrize("lent", [False, True], ids=["own", "borrowed"])
@pytest.mark.parametrize("token_in", ["header", "query"])
async def test_a_cancelled_call_shows_no_token_in_the_frames_it_passed(token_in: str, lent: bool) -> None:
    world = world_with(Manners())
    shown: list[str] = []
    async with GraphEmulator(world, limits=LimitRules.off()) as graph:
        for step in range(1, 25):
            async with connections(lent) as http, session_on(graph, http=http, token_in=token_in) as session:
                call = asyncio.create_task(session.thread_with(pages_of(world)[0], MESSENGER, "12345678"))
                await turns(step, call.done)
                call.cancel()
                try:
                    await call
                except asyncio.CancelledError as cancelled:
                    shown.append(everything_shown_of(cancelled))
    assert len(shown) > 5
    assert not [text for text in shown for token in tokens_of(world) if token in text]


@pytest.mark.looptime
async def test_nothing_that_is_kept_of_an_answer_holds_the_token() -> None:
    world = world_with(Manners(token_in_next="always", dead_nested_next=True))
    query = ThreadQuery(threads_per_call=10, fields="id,participants,messages.limit(2){id,message}")
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=query)
    assert not failed
    kept = orjson.dumps([thread.raw for thread in threads]).decode()
    assert "access_token=" in kept, "nested paging was there to be cleaned"
    assert not [token for token in tokens_of(world) if token in kept]


def test_a_page_shows_its_id_and_not_its_token() -> None:
    page = Page("1001", "EAAcanary0000000000")
    for shown in (repr(page), str(page), f"{page}", f"{page.token}", repr([page]), str({"page": page})):
        assert "EAAcanary" not in shown
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(page)


async def test_no_log_line_at_debug_shows_a_token_or_text_of_people(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    asyncio.get_running_loop().set_debug(True)
    world = world_with(Manners(html=500, times=1))
    patient = RetryPolicy(first_wait=0.01)
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        session_on(graph, retry=patient, limits=LimitPolicy(calls_per_second=0), token_in="query") as session,
    ):
        threads, _ = await list_all(session, pages_of(world))
    texts = [thread.snippet for thread in threads if thread.snippet and len(thread.snippet) > 5]
    assert texts
    assert not [text for text in [*texts, *tokens_of(world), "access_token"] if text in caplog.text]


# Lists a Page, healthy at first and then hostile, and tells what came of it and how much the memory's peak rose.
CHILD = """
import asyncio, json, resource, sys
from conversations_async import ConversationSession, InboxErrors, Page, RetryPolicy

base_url, *pages = sys.argv[1:]
healthy, hostile = (Page(each, f"token-of-{each}", platforms=("messenger",)) for each in pages)

def peak():
    try:
        with open("/proc/self/status") as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM:"))
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)

async def list_it(page):
    async with ConversationSession(base_url=base_url, retry=RetryPolicy(tries=1)) as session:
        try:
            return [thread.id async for thread in session.threads([page])]
        except InboxErrors as errors:
            return [type(failure.cause).__name__ for failure in errors.failures]

async def main():
    assert len(await list_it(healthy)) == 25
    normal = peak()
    print(json.dumps({"came": await list_it(hostile), "rise": peak() - normal}))

asyncio.run(main())
"""


@pytest.mark.parametrize(
    "manners",
    [
        Manners(gzip_bomb=200 * 2**20),
        Manners(raw_body=b"[" * 200_000),
        Manners(raw_body=b'{"data":' * 100_000),
        Manners(raw_body=b'{"data":[{"id":"t_1","x":' + b"[" * 900 + b"]" * 900 + b"}]}"),
        # As many as are decoded at once; the last of the others is odd, so that all are looked at a second time.
        Manners(raw_body=b'{"data":[{"id":"t_1","senders":{"data":[' + b"{}," * 330_000 + b"{}]}}]}"),
        Manners(raw_body=b'{"data":[{"id":"t_1","senders":{"data":[' + b"{}," * 330_000 + b"7]}}]}"),
    ],
    ids=["gzip bomb", "brackets", "braces", "deep", "people", "people and another"],
)
def test_a_hostile_body_ends_in_an_error_or_a_thread_and_in_little_memory(manners: Manners) -> None:
    """Of the process, not of Python's objects: what inflates a bomb is written in C. Linux's `VmHWM` is its peak; the
    `ru_maxrss` of a new process begins with that of the one which started it."""
    world = World.seeded(pages=2, threads=25, seed=4, platforms=(MESSENGER,), token=lambda page: f"token-of-{page}")
    world.pages["1002"].manners = manners
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        said, complained = Program("-c", CHILD, graph.base_url, "1001", "1002").communicate(timeout=20)
    told = json.loads(said)
    assert told["rise"] < 100 * 2**20
    assert told["came"] in (["t_1"], ["AnswerUnreadable"])
    assert complained == ""
