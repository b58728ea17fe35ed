"""The way of a thread page in stages, each to be run by itself, on answers prepared beforehand or over sockets."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from functools import cache, partial
from typing import Final

from multidict import CIMultiDict, CIMultiDictProxy

from benchmarks.floor import FIELDS, floor, ours, pages_of, read_some
from benchmarks.server import TOKEN, Served, answers
from conversations_async import ConversationSession, Inbox, LimitPolicy, Page, Platform, Secret, ThreadPage, ThreadQuery
from conversations_async.graph.answers import Answer, read_answer
from conversations_async.graph.decode import listed_page, thread_page
from conversations_async.graph.requests import DEFAULT_API_VERSION, GraphRequest, RawAnswer, at, list_threads
from conversations_async.paging import ThreadWalk
from conversations_async.transport import AiohttpTransport

INBOXES: Final = 4

Run = Callable[[], Awaitable[object]]
Stage = Callable[[str, Served], Run]
"""Prepares one run of a stage, of all Inboxes' listings, for the server at a URL, which serves what it says."""


@cache
def _parts(served: Served) -> tuple[tuple[CIMultiDictProxy[str], bytes], ...]:
    """Headers and body of every thread page."""
    found = []
    for answer in answers(served):
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        found.append((CIMultiDictProxy(CIMultiDict((name, value) for name, value in lines)), body))
    return tuple(found)


def raw_answers(served: Served) -> list[RawAnswer]:
    """What is read of each thread page once the token has been looked for."""
    found, token = [], Secret(TOKEN)
    for headers, sent in _parts(served):
        body, may_spell_nul = token.look_through(sent)
        found.append(RawAnswer(200, headers, body, in_any_case=True, may_spell_nul=may_spell_nul))
    return found


def _request(page: Page, served: Served, query: ThreadQuery) -> GraphRequest:
    return list_threads(page, Inbox(page.id, Platform.MESSENGER), query)


def _query(served: Served) -> ThreadQuery:
    return ThreadQuery(fields=FIELDS, threads_per_call=served.threads)


def _all_answers(served: Served) -> Iterator[tuple[GraphRequest, Answer]]:
    """Answers read already: what the stages behind begin with. New objects each time."""
    for page in pages_of(INBOXES):
        request = _request(page, served, _query(served))
        for raw in raw_answers(served):
            yield request, read_answer(request, raw, at_once=True)


def _page(inbox: Inbox, answer: Answer) -> ThreadPage:
    if answer.listing is not None:
        return listed_page(answer.listing, inbox, answer.usage)
    return thread_page(answer.payload, inbox, answer.usage)


def _all_pages(served: Served) -> Iterator[list[ThreadPage]]:
    """Thread pages decoded already, by Inbox."""
    found: dict[Inbox, list[ThreadPage]] = {}
    for request, answer in _all_answers(served):
        assert request.inbox is not None
        page = _page(request.inbox, answer)
        found.setdefault(request.inbox, []).append(page)
    yield from found.values()


# -- the stages --------------------------------------------------------------------------------------------------------


def transport(base_url: str, served: Served) -> Run:
    """From a request to bytes: all Inboxes at once, each call behind the other."""

    async def run() -> None:
        door = AiohttpTransport(base_url=base_url, api_version=DEFAULT_API_VERSION)

        async def listed(page: Page) -> None:
            assert isinstance(page.token, Secret)
            request = _request(page, served, _query(served))
            for place in range(0, served.calls * served.threads, served.threads):
                after = str(place) if place else None
                await door.send(at(request, limit=served.threads, after=after), token=page.token)

        await asyncio.gather(*(listed(page) for page in pages_of(INBOXES)))
        await door.aclose()

    return run


def answer(_base_url: str, served: Served) -> Run:
    """From bytes to threads, and the usage headers."""
    prepared = [raw for _ in range(INBOXES) for raw in raw_answers(served)]
    (page, *_) = pages_of(INBOXES)
    request = _request(page, served, _query(served))

    async def run() -> None:
        for raw in prepared:
            read_answer(request, raw, at_once=True)

    return run


def decode(_base_url: str, served: Served) -> Run:
    """From threads to a thread page."""
    prepared = list(_all_answers(served))

    async def run() -> None:
        for request, read in prepared:
            assert request.inbox is not None
            _page(request.inbox, read)

    return run


def walk(_base_url: str, served: Served) -> Run:
    """What to ask next, and what of a thread page is new."""
    prepared = list(_all_pages(served))

    async def run() -> None:
        for page, listed in zip(pages_of(INBOXES), prepared, strict=True):
            way = ThreadWalk(_request(page, served, _query(served)), threads_per_call=served.threads, settle=False)
            for each in listed:
                way.next_request()
                way.feed(each)
            assert way.done

    return run


def reading(_base_url: str, served: Served) -> Run:
    """What the consumer reads of threads that it has been handed."""
    prepared = list(_all_pages(served))

    async def run() -> None:
        for listed in prepared:
            for page in listed:
                for thread in page.threads:
                    read_some(thread)

    return run


class _AtOnce:
    """A transport whose answers are there at the loop's next turn: at once, a worker would read them all in one go."""

    def __init__(self, served: Served) -> None:
        self._parts, self._threads = _parts(served), served.threads

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        _, _, after = request.query.partition("&after=")
        await asyncio.sleep(0)
        return RawAnswer(200, *self._parts[int(after or 0) // self._threads], in_any_case=True)


def _session(served: Served) -> ConversationSession:
    return ConversationSession(transport=_AtOnce(served), limits=LimitPolicy(calls_per_second=0))


def thread_pages(_base_url: str, served: Served) -> Run:
    """A session without a network, read by thread pages."""

    async def run() -> None:
        async with _session(served) as session:
            async for _ in session.thread_pages(pages_of(INBOXES), query=_query(served), settle=False):
                pass

    return run


def threads(_base_url: str, served: Served) -> Run:
    """A session without a network, read by threads."""

    async def run() -> None:
        async with _session(served) as session:
            async for _ in session.threads(pages_of(INBOXES), query=_query(served), settle=False):
                pass

    return run


def session(base_url: str, served: Served) -> Run:
    """All of it, over sockets."""
    return partial(ours, base_url, served, read_some, inboxes=INBOXES)


def bare(base_url: str, served: Served) -> Run:
    """The floor, over sockets."""
    return partial(floor, base_url, served, inboxes=INBOXES, streams=INBOXES)


STAGES: Final[dict[str, Stage]] = {
    "transport": transport,
    "answer": answer,
    "decode": decode,
    "walk": walk,
    "reading": reading,
    "thread pages": thread_pages,
    "threads": threads,
    "session": session,
    "floor": bare,
}
