"""The door to the network against servers of bare sockets: what goes out, what may come back, and what may not.

Each case is put to a session's own connections and to a borrowed aiohttp session: what differs is no feature.
"""

import asyncio
import gc
import gzip
import random
import socket
import ssl
import struct
import subprocess
import sys
import textwrap
import traceback
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest
import trustme
from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from conversations_async import Secret
from conversations_async.deadlines import Deadlines
from conversations_async.errors import (
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    SessionClosed,
    TransportFailed,
)
from conversations_async.graph.requests import GraphRequest
from conversations_async.transport import AiohttpTransport

TOKEN: Final = Secret("EAAcanarycanarycanary")
ASKED: Final = GraphRequest("1/conversations", "platform=messenger&limit=25")
BODY: Final = b'{"data": [{"id": "t_1"}], "paging": {}}'

Reply = Callable[[asyncio.StreamWriter, int], Awaitable[None]]
"""Answers one request on a connection; the number says which of the server's it is, from 0."""


@define
class Server:
    """A server of bare sockets, and what it was sent."""

    url: str = ""
    heads: list[bytes] = field(factory=list)
    connections: int = 0
    open: int = 0


@asynccontextmanager
async def server_of(reply: Reply, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """Serves each request of each connection by `reply`."""
    served = Server()
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.connections += 1
        served.open += 1
        writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                served.heads.append(await reader.readuntil(b"\r\n\r\n"))
                await reply(writer, len(served.heads) - 1)
        served.open -= 1
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    served.url = f"http{'s' if tls else ''}://127.0.0.1:{port}"
    try:
        yield served
    finally:
        server.close()
        for writer in writers:
            writer.close()
        for writer in writers:
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()


def saying(*parts: bytes, every: float = 0.0, close: bool = False) -> Reply:
    """Sends these parts, each by itself, and so many seconds after the one before."""

    async def reply(writer: asyncio.StreamWriter, _number: int) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(every)
        if close:
            writer.close()

    return reply


async def silence(_writer: asyncio.StreamWriter, _number: int) -> None:
    """Takes the request in and says nothing."""
    await asyncio.Event().wait()


def answer(body: bytes = BODY, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(*chunks: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))


Ways = Callable[..., Any]


@pytest.fixture(params=["own", "borrowed"])
def door(request: pytest.FixtureRequest) -> Ways:
    """A transport to a server, over its own connections or over those of a borrowed session."""

    @asynccontextmanager
    async def opened(served: Server, **options: Any) -> AsyncIterator[AiohttpTransport]:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
            http._retry_connection = False
            lent = None if request.param == "own" else http
            transport = AiohttpTransport(http=lent, base_url=served.url, api_version="v25.0", **options)
            try:
                yield transport
            finally:
                await transport.aclose()

    return opened


# -- what goes out -----------------------------------------------------------------------------------------------------


def lines_of(head: bytes) -> tuple[bytes, set[bytes]]:
    first, *rest = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    return first, set(rest)


async def test_a_request_says_what_an_aiohttp_session_would_say(door: Ways) -> None:
    async with server_of(saying(answer())) as server, door(server) as transport, aiohttp.ClientSession() as http:
        await transport.send(ASKED, token=TOKEN)
        url = f"{server.url}/v25.0/{ASKED.path}?{ASKED.query}"
        async with http.get(url, headers={"Authorization": f"Bearer {TOKEN.reveal()}"}):
            pass
    # In which order headers come is nobody's promise.
    ours, theirs = map(lines_of, server.heads)
    assert ours == theirs
    assert ours[0] == b"GET /v25.0/1/conversations?platform=messenger&limit=25 HTTP/1.1"


@pytest.mark.parametrize("path", ["", "/behind/a/proxy", "/with%2Fslash/"])
async def test_a_base_url_may_have_a_path(door: Ways, path: str) -> None:
    async with server_of(saying(answer())) as server:
        server.url += path
        async with door(server) as transport:
            await transport.send(GraphRequest("me", ""), token=TOKEN)
    assert server.heads[0].split(b"\r\n")[0] == b"GET %s/v25.0/me HTTP/1.1" % path.rstrip("/").encode()


async def test_a_token_in_the_query_is_in_no_header(door: Ways) -> None:
    async with server_of(saying(answer())) as server, door(server, token_in="query") as transport:
        await transport.send(ASKED, token=TOKEN)
    first, headers = lines_of(server.heads[0])
    assert first.endswith(b"&access_token=%s HTTP/1.1" % TOKEN.reveal().encode())
    assert not [header for header in headers if b"uthorization" in header]


@pytest.mark.parametrize("text", ["1 HTTP/1.1\r\nX: y", "1\n", "1 2", "1\x00", "1\x7f", "1#2", "é"])
async def test_own_connections_send_nothing_that_is_not_encoded(text: str) -> None:
    async with server_of(saying(answer())) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        for request in (GraphRequest(text, "limit=1"), GraphRequest("1", text)):
            with pytest.raises(TransportFailed):
                await transport.send(request, token=TOKEN)
        await transport.aclose()
    assert server.heads == []


# -- what may come back ------------------------------------------------------------------------------------------------

GOOD: Final[dict[str, list[bytes]]] = {
    "whole": [answer()],
    "head and body apart": [*map(bytes, answer().partition(b"\r\n\r\n"))],
    "byte by byte": [bytes([each]) for each in answer()],
    "chunked": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(BODY[:7], BODY[7:8], BODY[8:])],
    "gzip": [answer(gzip.compress(BODY), "Content-Encoding: gzip")],
    "deflate": [answer(zlib.compress(BODY), "Content-Encoding: deflate")],
    "gzip in chunks": [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
        chunked(gzip.compress(BODY)[:9], gzip.compress(BODY)[9:]),
    ],
    "early hints before": [b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", answer()],
    "continue twice before": [b"HTTP/1.1 100 Continue\r\n\r\n" * 2 + answer()],
    "an error": [answer(b'{"error": {"code": 4}}', status="400 Bad Request")],
    "a redirect": [answer(b"", "Location: http://127.0.0.1:1/", status="302 Found")],
    "no reason": [answer(status="200")],
    "headers twice": [answer(BODY, "X-App-Usage: 1", "x-app-usage: 2", "Set-Cookie: a=b")],
    "bare line feeds within": [answer(b"\n\n" + BODY)],
    "empty": [answer(b"")],
    "large": [answer(b"x" * 3_000_000)],
    "large in chunks": [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(*[b"x" * 99_999] * 30)],
}


@pytest.mark.parametrize("parts", GOOD.values(), ids=GOOD)
async def test_an_answer_comes_whole_and_the_connection_serves_the_next(door: Ways, parts: list[bytes]) -> None:
    async with server_of(saying(*parts)) as server, door(server) as transport, aiohttp.ClientSession() as http:
        first, second = [await transport.send(ASKED, token=TOKEN) for _ in range(2)]
        async with http.get(server.url, allow_redirects=False) as expected:
            body = await expected.read()
        assert server.connections == 2, "one of them is aiohttp's"
    assert first.body == second.body == body
    assert (first.status, first.headers) == (expected.status, expected.headers)
    assert first.received_at is not None
    assert second.connected_in is None, "it was there already"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_answer_that_ends_its_connection_is_followed_by_a_new_one(door: Ways, version: str) -> None:
    head = f"HTTP/{version} 200 OK\r\nConnection: close\r\n\r\n".encode()
    async with server_of(saying(head, BODY[:5], BODY[5:], close=True)) as server, door(server) as transport:
        bodies = [(await transport.send(ASKED, token=TOKEN)).body for _ in range(3)]
    assert bodies == [BODY] * 3
    assert server.connections == 3


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_is_one(door: Ways, status: str) -> None:
    async with server_of(saying(f"HTTP/1.1 {status}\r\n\r\n".encode())) as server, door(server) as transport:
        answers = [await transport.send(ASKED, token=TOKEN) for _ in range(2)]
    assert [(each.status, each.body) for each in answers] == [(int(status[:3]), b"")] * 2


async def test_own_connections_tell_when_a_request_went_out_and_how_long_connecting_took() -> None:
    async with server_of(saying(answer())) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        first, second = [await transport.send(ASKED, token=TOKEN) for _ in range(2)]
        await transport.aclose()
    for each in (first, second):
        assert each.sent_at is not None
        assert each.received_at is not None
        assert each.sent_at < each.received_at
    assert first.connected_in is not None
    assert second.connected_in is None


async def test_whoever_waits_for_a_connection_that_is_there_does_not_connect() -> None:
    async with server_of(saying(b"", answer(), every=0.01)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=1)
        answers = await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(4)))
        await transport.aclose()
    assert [each.connected_in is None for each in answers] == [False, True, True, True]


@pytest.mark.parametrize(
    ("said", "kept"), [([], True), ([b"HTTP/1.1 2"], False), ([b"HTTP/1.1 200 OK\r\nContent-Le"], False)]
)
async def test_a_kept_connection_that_is_just_being_closed_is_told_from_a_broken_one(
    said: list[bytes], kept: bool
) -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        last = number % 2 == 1
        await saying(*(said if last else [answer()]), close=last)(writer, number)

    async with server_of(reply) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        await transport.send(ASKED, token=TOKEN)
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(ASKED, token=TOKEN)
        assert caught.value.kept is kept
        assert caught.value.__context__ is None
        await transport.send(ASKED, token=TOKEN)
        await transport.aclose()
    assert server.connections == 2


async def test_a_new_connection_that_ends_without_a_word_was_not_kept() -> None:
    async with server_of(saying(close=True)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        with pytest.raises(ConnectFailed) as caught:
            await transport.send(ASKED, token=TOKEN)
        await transport.aclose()
    assert not caught.value.kept


@given(st.lists(st.integers(1, 400), max_size=12), st.sampled_from(sorted(GOOD.keys() - {"large", "large in chunks"})))
async def test_an_answer_may_be_cut_into_packets_anywhere(cuts: list[int], name: str) -> None:
    whole = b"".join(GOOD[name])
    places = [0, *sorted({cut for cut in cuts if cut < len(whole)}), len(whole)]
    parts = [whole[start:end] for start, end in pairwise(places)]
    async with server_of(saying(*parts)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        found = await transport.send(ASKED, token=TOKEN)
        await transport.aclose()
        async with aiohttp.ClientSession() as http, http.get(server.url, allow_redirects=False) as expected:
            assert found.body == await expected.read()
            assert found.headers == expected.headers


# -- what may not ------------------------------------------------------------------------------------------------------

BAD: Final[dict[str, tuple[list[bytes], type[ConversationsError], str]]] = {
    "closed at once": ([], ConnectFailed, "without an answer"),
    "closed within the head": ([b"HTTP/1.1 200 OK\r\nContent-"], ConnectFailed, "without an answer"),
    "closed within the body": ([answer()[:-3]], ConnectFailed, "broke off or is damaged"),
    "closed within a chunk": (
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", chunked(BODY)[:20]],
        ConnectFailed,
        "broke off or is damaged",
    ),
    "not gzip": ([answer(b"plain", "Content-Encoding: gzip")], ConnectFailed, "broke off or is damaged"),
    "not HTTP": ([b"220 mail.example ESMTP\r\n\r\n"], TransportFailed, "not HTTP as it should be"),
    "another length": ([b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"], TransportFailed, "not HTTP as it should be"),
    "endless header": ([b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000], TransportFailed, "not HTTP as it should be"),
    "a bomb": (
        [answer(gzip.compress(bytes(20 * 2**20)), "Content-Encoding: gzip")],
        AnswerUnreadable,
        "larger than 8 MiB",
    ),
}


@pytest.mark.parametrize(("parts", "kind", "words"), BAD.values(), ids=BAD)
async def test_what_is_no_whole_answer_is_an_error_and_the_next_call_has_another_connection(
    door: Ways, parts: list[bytes], kind: type[ConversationsError], words: str
) -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        await (saying(*parts, close=True) if number == 0 else saying(answer()))(writer, number)

    async with server_of(reply) as server, door(server) as transport:
        with pytest.raises(kind, match=words) as caught:
            await transport.send(ASKED, token=TOKEN)
        assert (await transport.send(ASKED, token=TOKEN)).body == BODY
        assert server.connections == 2
    assert caught.value.__context__ is None
    assert caught.value.__cause__ is None


async def test_a_request_is_sent_once_also_where_a_kept_connection_has_died(door: Ways) -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 0:
            await saying(answer())(writer, number)
        else:
            writer.transport.abort()

    async with server_of(reply) as server, door(server) as transport:
        await transport.send(ASKED, token=TOKEN)
        with pytest.raises(ConnectFailed):
            await transport.send(ASKED, token=TOKEN)
    assert len(server.heads) == 2


@pytest.mark.looptime
async def test_what_came_unasked_is_nobodys_answer() -> None:
    """On a connection that waits for its next call: what is read there would be taken for that call's answer."""

    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        await saying(answer(b"%d" % number))(writer, number)
        if number == 0:
            await asyncio.sleep(0.01)
            writer.write(answer(b"unasked"))

    async with server_of(reply) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        first = await transport.send(ASKED, token=TOKEN)
        await asyncio.sleep(0.05)
        second = await transport.send(ASKED, token=TOKEN)
        await transport.aclose()
    assert (first.body, second.body) == (b"0", b"1")
    assert server.connections == 2


# -- time --------------------------------------------------------------------------------------------------------------


SLOW: Final[dict[str, Reply]] = {
    "silent": silence,
    "a dripping head": saying(*[bytes([each]) for each in answer()], every=3.0),
    "a dripping body": saying(answer()[:-20], *[bytes([each]) for each in answer()[-20:]], every=3.0),
    "a body without end": saying(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100, every=3.0),
}


@pytest.mark.parametrize("reply", SLOW.values(), ids=SLOW)
@pytest.mark.looptime
async def test_an_answer_takes_no_longer_than_it_may(door: Ways, reply: Reply) -> None:
    clock = asyncio.get_running_loop().time
    async with server_of(reply) as server, door(server, timeout=20.0) as transport:
        began = clock()
        with pytest.raises(AnswerTimedOut, match="within 20 s"):
            await transport.send(ASKED, token=TOKEN)
        assert 20.0 <= clock() - began < 21.5


@pytest.mark.looptime
async def test_each_call_has_the_same_time_whenever_it_begins() -> None:
    clock = asyncio.get_running_loop().time
    took: list[float] = []

    async def send(transport: AiohttpTransport, start: float) -> None:
        await asyncio.sleep(start)
        began = clock()
        with pytest.raises(AnswerTimedOut):
            await transport.send(ASKED, token=TOKEN)
        took.append(clock() - began)

    async with server_of(silence) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", timeout=20.0)
        await asyncio.gather(*(send(transport, start) for start in (0.0, 0.5, 7.0, 7.0, 19.5, 45.0)))
        await transport.aclose()
    assert took == pytest.approx([20.0] * 6, abs=0.1)


@pytest.mark.looptime
async def test_a_slow_call_takes_no_quick_one_along() -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        await (silence if number == 0 else saying(answer(), every=0.5))(writer, number)

    async with server_of(reply) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", timeout=20.0)
        slow = asyncio.create_task(transport.send(ASKED, token=TOKEN))
        await asyncio.sleep(0.1)
        bodies = [(await transport.send(ASKED, token=TOKEN)).body for _ in range(60)]
        with pytest.raises(AnswerTimedOut):
            await slow
        await transport.aclose()
    assert bodies == [BODY] * 60


@pytest.mark.looptime
async def test_waiting_for_a_connection_counts_as_time_and_sends_nothing() -> None:
    clock = asyncio.get_running_loop().time
    async with server_of(silence) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", timeout=20.3, connections=1)
        began = clock()
        calls = [transport.send(ASKED, token=TOKEN) for _ in range(5)]
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in ended} == {AnswerTimedOut}
        assert clock() - began < 20.5
        await transport.aclose()
    assert len(server.heads) == 1


@pytest.mark.looptime
async def test_what_is_left_on_a_kept_connection_holds_up_no_call_for_longer_than_it_may_take(door: Ways) -> None:
    """The beginning of an answer that nobody asked for: aiohttp's session reads on there, by another call's clock."""

    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        writer.write(answer())
        if number == 0:
            await asyncio.sleep(0.5)
            writer.write(answer(BODY)[:-5])

    clock = asyncio.get_running_loop().time
    async with server_of(reply) as server, door(server, timeout=20.0) as transport:
        await transport.send(ASKED, token=TOKEN)
        await asyncio.sleep(1.0)
        began = clock()
        with suppress(AnswerTimedOut):
            assert (await transport.send(ASKED, token=TOKEN)).body == BODY
        assert clock() - began < 20.5


DAMAGED: Final[dict[str, tuple[bytes, ...]]] = {
    "a chunk of no size": (b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"dat\r\n', b"xyz\r\n"),
    "a chunk that goes on": (b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"dat', b"a and more"),
    "a trailer that is none": (b"Transfer-Encoding: chunked\r\n\r\n", chunked(BODY)[:-2] + b"no trailer\r\n\r\n"),
    "deflate that breaks": (b"Content-Encoding: deflate\r\nContent-Length: 20\r\n\r\n", zlib.compress(BODY)[:20]),
}


@pytest.mark.parametrize("parts", DAMAGED.values(), ids=DAMAGED)
@pytest.mark.looptime
async def test_a_body_that_is_damaged_behind_its_head_ends_in_time(door: Ways, parts: tuple[bytes, ...]) -> None:
    """aiohttp's parser tells nobody who has begun to read the body."""
    reply = saying(b"HTTP/1.1 200 OK\r\n" + parts[0], *parts[1:], every=0.5)
    async with server_of(reply) as server, door(server, timeout=20.0) as transport:
        began = asyncio.get_running_loop().time()
        with pytest.raises((AnswerTimedOut, ConnectFailed)):
            await transport.send(ASKED, token=TOKEN)
        assert asyncio.get_running_loop().time() - began < 20.5


async def test_a_call_that_is_given_up_is_not_sent_to_the_end() -> None:
    """Where the peer takes nothing in, waiting for that would keep the connection for ever."""
    resumed, taken = asyncio.Event(), 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads as well
        await resumed.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]  # as above
        with suppress(ConnectionError):
            while part := await reader.read(2**20):
                taken += len(part)
        writer.close()
        done.set()

    done = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    transport = AiohttpTransport(base_url=f"http://127.0.0.1:{port}", api_version="v25.0")
    call = asyncio.create_task(transport.send(GraphRequest("1", "x" * 30_000_000), token=TOKEN))
    await asyncio.sleep(0.05)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    resumed.set()
    await asyncio.wait_for(done.wait(), 5.0)
    await transport.aclose()
    server.close()
    assert taken < 20_000_000


# -- ends --------------------------------------------------------------------------------------------------------------


async def test_a_cancelled_call_takes_its_connection_along(door: Ways) -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        await (silence if number == 0 else saying(answer()))(writer, number)

    async with server_of(reply) as server, door(server) as transport:
        call = asyncio.create_task(transport.send(ASKED, token=TOKEN))
        while not server.heads:
            await asyncio.sleep(0)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert (await transport.send(ASKED, token=TOKEN)).body == BODY
        assert server.connections == 2


WAITING: Final[dict[str, Reply]] = {
    "for the head": silence,
    "for a body that tells its length": saying(answer()[:-5], every=1e6),
    "for a body that does not": saying(b"HTTP/1.1 200 OK\r\n\r\n" + BODY, every=1e6),
    "for another chunk": saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}", every=1e6),
}


@pytest.mark.parametrize("reply", WAITING.values(), ids=WAITING)
@pytest.mark.looptime
async def test_closing_ends_the_calls_that_wait_and_no_other_begins(reply: Reply) -> None:
    clock = asyncio.get_running_loop().time
    async with server_of(reply) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=1, timeout=20.0)
        answered, waits = [asyncio.create_task(transport.send(ASKED, token=TOKEN)) for _ in range(2)]
        await asyncio.sleep(1.0)
        assert len(server.heads) == 1
        await transport.aclose()
        began = clock()
        with pytest.raises(TransportFailed):
            await answered
        with pytest.raises(TransportFailed, match="closed"):
            await waits
        assert clock() - began < 20.0
        with pytest.raises(SessionClosed):
            await transport.send(ASKED, token=TOKEN)
        await transport.aclose()


async def test_a_server_that_speaks_first_is_not_asked_for_ever() -> None:
    connections = 0

    async def speak(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(answer(b"hello", status="503 Service Unavailable"))
        with suppress(ConnectionError):
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    transport = AiohttpTransport(base_url=url, api_version="v25.0")
    outcomes = []
    for _ in range(20):
        try:
            outcomes.append((await transport.send(ASKED, token=TOKEN)).status)
        except ConnectFailed:
            outcomes.append(0)
    await transport.aclose()
    server.close()
    await server.wait_closed()
    assert set(outcomes) <= {0, 503}
    assert connections <= 60


@pytest.mark.parametrize("status", ["101 Switching Protocols", "200 OK"])
async def test_a_connection_that_is_no_longer_http_is_not_used_again(door: Ways, status: str) -> None:
    head = f"HTTP/1.1 {status}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n".encode()
    async with server_of(saying(head, b"\x81\x00", close=True)) as server, door(server) as transport:
        for _ in range(2):
            with suppress(ConnectFailed):
                assert (await transport.send(ASKED, token=TOKEN)).status == int(status[:3])
    assert server.connections == 2


class _Surprise(Exception): ...


async def test_what_a_middleware_raises_is_an_error_of_ours_and_shows_nothing() -> None:
    async def surprised(_request: aiohttp.ClientRequest, _handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        raise _Surprise(TOKEN.reveal())

    async with aiohttp.ClientSession(middlewares=[surprised]) as http:
        transport = AiohttpTransport(http=http, base_url="http://127.0.0.1:1", api_version="v25.0", token_in="query")
        with pytest.raises(TransportFailed, match="_Surprise") as caught:
            await transport.send(ASKED, token=TOKEN)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert TOKEN.reveal() not in "".join(shown.format())


# -- between two calls -------------------------------------------------------------------------------------------------

ELSEWHERE: Final = GraphRequest("1/conversations", "platform=instagram&limit=25", "instagram")


def naming(seen: list[object], every: float = 0.0) -> Reply:
    """Answers, and notes on which connection."""

    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        seen.append(writer.get_extra_info("peername"))
        await saying(b"", answer(), every=every)(writer, number)

    return reply


async def test_the_connection_used_last_goes_first() -> None:
    seen: list[object] = []
    async with server_of(naming(seen, 0.01)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(5)))
        del seen[:]
        for _ in range(5):
            await transport.send(ASKED, token=TOKEN)
        await transport.aclose()
    assert len({*seen}) == 1
    assert server.connections == 5


@pytest.mark.looptime
async def test_connections_that_nobody_has_used_for_long_are_closed() -> None:
    async with server_of(naming([], 0.01)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(5)))
        for _ in range(3):
            await asyncio.sleep(40)
            await transport.send(ASKED, token=TOKEN)
        assert server.connections == 5
        await asyncio.sleep(0.1)
        assert server.open == 1
        await asyncio.sleep(80)
        assert server.open == 0
        await transport.send(ASKED, token=TOKEN)
        assert server.connections == 6
        await transport.aclose()
        assert asyncio.get_running_loop().time() > 200


async def test_a_connection_that_rests_makes_room_for_one_to_another_host() -> None:
    async with server_of(naming([], 0.001)) as one, server_of(naming([], 0.001)) as other:
        transport = AiohttpTransport(
            base_url=one.url, instagram_url=other.url, api_version="v25.0", connections=2, timeout=5.0
        )
        for request in (ASKED, ASKED, ELSEWHERE, ASKED, ELSEWHERE):
            assert (await transport.send(request, token=TOKEN)).body == BODY
        assert (one.connections, other.connections) == (1, 1)
        await asyncio.gather(*(transport.send(each, token=TOKEN) for each in [ASKED, ELSEWHERE] * 20))
        await transport.aclose()
        assert len(one.heads) == 23
        assert len(other.heads) == 22


@pytest.mark.parametrize("request_", [ASKED, ELSEWHERE], ids=["to the same host", "to another"])
async def test_whoever_is_cancelled_when_its_turn_comes_leaves_it_to_the_next(
    monkeypatch: pytest.MonkeyPatch, request_: GraphRequest
) -> None:
    async with server_of(naming([], 0.001)) as one, server_of(naming([], 0.001)) as other:
        transport = AiohttpTransport(
            base_url=one.url, instagram_url=other.url, api_version="v25.0", connections=1, timeout=5.0
        )
        assert transport._own is not None
        connections = transport._own._connections
        put_back = connections.put_back
        first, second, third = [
            asyncio.create_task(transport.send(each, token=TOKEN)) for each in (ASKED, request_, request_)
        ]

        def put_back_and_cancel(host: Any, connection: Any) -> None:
            put_back(host, connection)
            second.cancel()

        monkeypatch.setattr(connections, "put_back", put_back_and_cancel)
        assert (await first).body == (await third).body == BODY
        assert second.cancelled()
        await transport.aclose()
    assert len(one.heads) + len(other.heads) == 2


@pytest.mark.parametrize("most", [1, 2, 3])
@pytest.mark.parametrize("seed", range(4))
async def test_whatever_becomes_of_calls_no_connection_is_lost(most: int, seed: int) -> None:
    """Answered, cut off, cancelled, on two hosts: others get their turn, and never more are open than may be."""
    chance = random.Random(f"{most} {seed}")
    under_way = at_most = 0

    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        nonlocal under_way, at_most
        under_way += 1
        at_most = max(at_most, under_way)
        try:
            await asyncio.sleep(chance.choice([0, 0, 0.001, 0.003]))
            ends = chance.choice([b"", b"HTTP/1.1 200 OK\r\nContent-Le", None, None, None, None, None])
            await saying(answer() if ends is None else ends, close=ends is not None or chance.random() < 0.1)(
                writer, number
            )
        finally:
            under_way -= 1

    async with server_of(reply) as one, server_of(reply) as other:
        transport = AiohttpTransport(
            base_url=one.url, instagram_url=other.url, api_version="v25.0", connections=most, timeout=20.0
        )

        async def call() -> bool:
            sending = asyncio.create_task(transport.send(chance.choice([ASKED, ELSEWHERE]), token=TOKEN))
            if chance.random() < 0.2:
                await asyncio.sleep(chance.choice([0, 0.001, 0.002]))
                sending.cancel()
            await asyncio.wait([sending])
            return not sending.cancelled() and sending.exception() is None

        answered = 0
        for _ in range(20):
            answered += sum(await asyncio.gather(*(call() for _ in range(chance.choice([1, 3, 12])))))
        assert answered > 10
        assert transport._own is not None
        connections = transport._own._connections
        assert connections._places == sum(map(len, connections._resting.values()))
        await transport.aclose()
        assert connections._places == 0
    # A server hears of an ended connection a little later than we open the next.
    assert at_most <= 2 * most


async def test_whoever_has_waited_the_longest_goes_first() -> None:
    async with server_of(naming([], 0.001)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=1)
        asked = [GraphRequest(f"{number}/conversations", "") for number in range(6)]
        await asyncio.gather(*(transport.send(each, token=TOKEN) for each in asked))
        await transport.aclose()
    assert [head.split(b"/")[2] for head in server.heads] == [b"%d" % number for number in range(6)]


async def test_room_is_made_by_the_one_that_rests_the_longest() -> None:
    seen: list[object] = []
    async with server_of(naming(seen, 0.005)) as one, server_of(naming([])) as other:
        transport = AiohttpTransport(base_url=one.url, instagram_url=other.url, api_version="v25.0", connections=2)
        await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(2)))
        for request in (ASKED, ELSEWHERE, ASKED):
            await transport.send(request, token=TOKEN)
        await transport.aclose()
    assert seen[-2] == seen[-1]
    assert (one.connections, other.connections) == (2, 1)


async def test_what_is_handed_over_must_still_serve(monkeypatch: pytest.MonkeyPatch) -> None:
    async with server_of(naming([], 0.001)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=1)
        assert transport._own is not None
        connections = transport._own._connections
        put_back = connections.put_back

        def put_back_and_end(host: Any, connection: Any) -> None:
            put_back(host, connection)
            connection.protocol.force_close()

        monkeypatch.setattr(connections, "put_back", put_back_and_end)
        answers = await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(3)))
        await transport.aclose()
    assert [each.body for each in answers] == [BODY] * 3
    assert server.connections == 3


@pytest.mark.parametrize(("rude", "answered"), [(2, True), (3, False)])
async def test_a_connection_on_which_something_has_come_first_serves_no_call(
    monkeypatch: pytest.MonkeyPatch, rude: int, answered: bool
) -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(answer(b"unasked") if connections <= rude else b"")
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    transport = AiohttpTransport(base_url=url, api_version="v25.0")
    assert transport._own is not None
    connector = transport._own._connections._connector
    connect = connector.connect

    async def connect_slowly(*given: Any) -> Any:
        connection = await connect(*given)
        await asyncio.sleep(0.02)
        return connection

    monkeypatch.setattr(connector, "connect", connect_slowly)
    if answered:
        assert (await transport.send(ASKED, token=TOKEN)).body == BODY
    else:
        with pytest.raises(ConnectFailed):
            await transport.send(ASKED, token=TOKEN)
    assert connections == 3
    await transport.aclose()
    assert transport._own._connections._places == 0
    await asyncio.sleep(0.02)
    server.close()
    await server.wait_closed()


async def test_the_wait_for_a_turn_is_no_connecting() -> None:
    async with server_of(saying(b"", answer(BODY, "Connection: close"), every=0.05)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=1)
        answers = await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(3)))
        await transport.aclose()
    assert all(each.connected_in is not None and each.connected_in < 0.05 for each in answers)


async def test_a_kept_connection_that_is_reset_is_told_from_a_broken_one() -> None:
    async def reply(writer: asyncio.StreamWriter, number: int) -> None:
        if number == 0:
            await saying(answer())(writer, number)
        else:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    async with server_of(reply) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        await transport.send(ASKED, token=TOKEN)
        told = []
        for _ in range(2):
            with pytest.raises(ConnectFailed) as caught:
                await transport.send(ASKED, token=TOKEN)
            told.append(caught.value.kept)
        await transport.aclose()
    assert told == [True, False]


async def test_a_session_that_is_given_up_unclosed_lets_its_connections_go(caplog: pytest.LogCaptureFixture) -> None:
    async with server_of(naming([], 0.01)) as server:
        held = [AiohttpTransport(base_url=server.url, api_version="v25.0")]
        await asyncio.gather(*(held[0].send(ASKED, token=TOKEN) for _ in range(3)))
        assert server.open == 3
        gc.collect()
        with pytest.warns(ResourceWarning, match="Unclosed connection"):
            held.clear()
        await asyncio.sleep(0.05)
        assert server.open == 0
    assert "Unclosed connection" in caplog.text


async def test_closing_that_is_cancelled_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async with server_of(naming([], 0.01)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
        await asyncio.gather(*(transport.send(ASKED, token=TOKEN) for _ in range(3)))
        assert transport._own is not None
        connections = transport._own._connections
        closing = asyncio.create_task(transport.aclose())
        await asyncio.sleep(0)
        closing.cancel()
        await asyncio.wait([closing])
        await transport.aclose()
        assert connections._places == 0
        assert connections._sweeping is not None
        assert connections._sweeping.cancelled()
        await asyncio.sleep(0.05)
        assert server.open == 0
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_closing_does_not_wait_for_a_peer_that_reads_nothing() -> None:
    async def stop_reading(writer: asyncio.StreamWriter, _number: int) -> None:
        await asyncio.Event().wait()

    async with server_of(stop_reading) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", timeout=60.0)
        large = asyncio.create_task(
            transport.send(GraphRequest("1/conversations", "q=" + "x" * 30_000_000), token=TOKEN)
        )
        while server.connections == 0:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(5):
            await transport.aclose()
            with pytest.raises(TransportFailed):
                await large


async def test_closing_within_a_body_is_no_fault_of_the_code() -> None:
    whole = answer(b"x" * 1000)
    async with server_of(saying(whole[:-500], whole[-500:], every=5.0)) as server:
        transport = AiohttpTransport(base_url=server.url, api_version="v25.0", timeout=60.0)
        call = asyncio.create_task(transport.send(ASKED, token=TOKEN))
        await asyncio.sleep(0.1)
        await transport.aclose()
        with pytest.raises(TransportFailed) as caught:
            await call
    assert not caught.value.final


# -- another loop ------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(find_spec("uvloop") is None, reason="uvloop is made for CPython on Unix alone")
def test_all_of_it_holds_on_uvloop() -> None:
    uvloop = import_module("uvloop")

    async def all_of_it() -> None:
        for parts in GOOD.values():
            async with server_of(saying(*parts)) as server:
                transport = AiohttpTransport(base_url=server.url, api_version="v25.0")
                async with aiohttp.ClientSession() as http, http.get(server.url, allow_redirects=False) as expected:
                    bodies = [(await transport.send(ASKED, token=TOKEN)).body for _ in range(2)]
                    assert bodies == [await expected.read()] * 2
                await transport.aclose()
        async with server_of(silence) as server:
            transport = AiohttpTransport(base_url=server.url, api_version="v25.0", connections=2)
            held = [asyncio.create_task(transport.send(ASKED, token=TOKEN)) for _ in range(2)]
            while len(server.heads) < 2:
                await asyncio.sleep(0.001)
            # Of calls that end at the same moment, one might get the connection of another just before its own end.
            transport._deadlines = Deadlines(0.2)
            calls = [transport.send(ASKED, token=TOKEN) for _ in range(20)]
            ended = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(each) for each in ended} == {AnswerTimedOut}
            assert len(server.heads) == 2
            for call in held:
                call.cancel()
            await asyncio.wait(held)
            await transport.aclose()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(all_of_it())


# -- TLS ---------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


def tls_of(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_a_certificate_of_nobody_known_is_refused_before_anything_is_said(
    door: Ways, authority: trustme.CA
) -> None:
    async with server_of(saying(answer()), tls=tls_of(authority, "127.0.0.1")) as server, door(server) as transport:
        with pytest.raises(ConnectFailed, match="certificate"):
            await transport.send(ASKED, token=TOKEN)
    assert server.heads == []


LISTS: Final = textwrap.dedent(
    """
    import asyncio, sys
    from conversations_async import Secret
    from conversations_async.graph.requests import GraphRequest
    from conversations_async.transport import AiohttpTransport

    async def main():
        transport = AiohttpTransport(base_url=sys.argv[1], api_version="v25.0")
        try:
            for _ in range(3):
                print((await transport.send(GraphRequest("1", "limit=1"), token=Secret("abc"))).status)
        except Exception as error:
            print(type(error).__name__, error)
        await transport.aclose()

    asyncio.run(main())
    """
)


@pytest.mark.parametrize(
    ("name", "said"), [("127.0.0.1", ["200"] * 3), ("graph.example", ["ConnectFailed the server's certificate"])]
)
async def test_a_certificate_of_somebody_trusted_must_name_the_host(
    authority: trustme.CA, tmp_path: Path, name: str, said: list[str]
) -> None:
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    async with server_of(saying(answer()), tls=tls_of(authority, name)) as server:
        client = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            LISTS,
            server.url,
            stdout=subprocess.PIPE,
            env={"SSL_CERT_FILE": str(tmp_path / "authority.pem"), "PYTHONPATH": ":".join(sys.path)},
        )
        out, _ = await client.communicate()
    lines = out.decode().splitlines()
    assert [line.startswith(begin) for line, begin in zip(lines, said, strict=True)] == [True] * len(said), lines


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open sockets are counted there")
async def test_room_is_made_at_once_though_a_tls_peer_does_not_part(
    authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)
    over = asyncio.Event()

    async def once(writer: asyncio.StreamWriter, number: int) -> None:
        await saying(answer())(writer, number)
        writer.transport.pause_reading()  # type: ignore[attr-defined]  # to typeshed it only writes
        try:
            await over.wait()
        finally:
            writer.transport.abort()

    tls = tls_of(authority, "127.0.0.1")
    async with server_of(once, tls=tls) as one, server_of(once, tls=tls) as other:
        transport = AiohttpTransport(base_url=one.url, instagram_url=other.url, api_version="v25.0", connections=1)
        sockets = []
        for request in [ASKED, ELSEWHERE] * 3:
            await transport.send(request, token=TOKEN)
            await asyncio.sleep(0.01)
            sockets.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        await transport.aclose()
        await asyncio.sleep(0.01)
        sockets.append(sum(1 for _ in Path("/proc/self/fd").iterdir()))
        over.set()
    # Each call leaves the server's end open, and of the client's ends one is.
    assert [after - before for before, after in pairwise(sockets)] == [1, 1, 1, 1, 1, -1]
