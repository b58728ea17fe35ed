"""One GET over a connection of our own: aiohttp's connector and its parser, without its `ClientSession`.

What that does for each request (two objects of forty fields, headers copied twice, a look for redirects, cookies,
proxies, middlewares and traces, a timer) is of no use to a door that always asks the same way, and takes as long as
everything else about a call that this library does. Here the head of a request is written as it is sent, and no object
of aiohttp's ever holds a token.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from aiohttp.connector import Connection
from attrs import Factory, define, frozen
from yarl import URL

from conversations_async.graph.requests import RawAnswer
from conversations_async.pages import GraphHost, Secret

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes, after decompression. The largest listing seen in the wild is under one megabyte."""


class TooLarge(Exception):
    """The body passed its cap."""


class Wire:
    """Connections to the hosts of Graph, kept alive and reused. Made in a running loop."""

    def __init__(self, bases: Mapping[GraphHost, str], *, connections: int, timeout: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._clock = self._loop.time
        self._connector = aiohttp.TCPConnector(
            limit=connections, limit_per_host=0, ttl_dns_cache=300, keepalive_timeout=75
        )
        self._hosts = {host: _Host.at(URL(base), self._loop) for host, base in bases.items()}
        self._total = timeout
        self._to_connect = aiohttp.ClientTimeout(connect=timeout, sock_connect=min(timeout, 15.0))
        self._deadlines = _Deadlines(self._loop)

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._connector.closed

    async def aclose(self) -> None:
        """Close all connections; calls under way end with an error."""
        self._deadlines.clear()
        await self._connector.close()

    async def get(self, host: GraphHost, target: str, bearer: Secret | None) -> RawAnswer:
        """One GET, sent once. Raises what aiohttp and sockets raise, TimeoutError and TooLarge.

        `target` is path and query behind the base URL, percent-encoded; `bearer` goes into the header Authorization.
        """
        if not target.isprintable() or " " in target:
            raise ValueError("a request's path or query is not percent-encoded")
        began = self._clock()
        connection = await self._connect(host)
        sent_at = self._clock()
        took = sent_at - began
        self._deadlines.set(connection, began + self._total)
        try:
            protocol = _protocol(connection)
            protocol.set_response_params(read_until_eof=True)
            if connection.transport is None:
                raise aiohttp.ServerDisconnectedError
            connection.transport.write(self._hosts[host].head(target, bearer))
            message, stream = await protocol.read()
            while 100 <= message.code < 200 and message.code != 101:
                message, stream = await protocol.read()
            received_at = self._clock()
            body = await read(stream)
        except BaseException as error:
            in_time = self._deadlines.unset(connection)
            connection.close()
            if in_time or not isinstance(error, Exception):
                raise
            # What an abort looks like from here is of no interest.
            raise TimeoutError from None
        if not self._deadlines.unset(connection):
            # Aborted, a body without a length looks whole.
            connection.close()
            raise TimeoutError
        connection.release()
        # A connection from the pool is there at once; a new one takes a round trip at least.
        connected_in = took if took > _AT_ONCE else None
        return RawAnswer(message.code, message.headers, body, sent_at, received_at, connected_in, True)

    async def _connect(self, host: GraphHost) -> Connection:
        """A connection on which nothing is under way. One on which something came unasked would mix up answers."""
        request = self._hosts[host].request
        connection = await self._connector.connect(request, [], self._to_connect)
        while _protocol(connection).should_close:
            connection.close()
            connection = await self._connector.connect(request, [], self._to_connect)
        return connection


_AT_ONCE: Final = 0.0005


@frozen(eq=False, repr=False)
class _Host:
    """Where a request goes and how it begins: all of it but the path and the token."""

    request: aiohttp.ClientRequest
    """Tells the connector where to connect to; it is never sent."""
    start: str
    end: str

    @classmethod
    def at(cls, base: URL, loop: asyncio.AbstractEventLoop) -> "_Host":
        request = aiohttp.ClientRequest("GET", base, loop=loop, response_class=aiohttp.ClientResponse)
        headers = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
        return cls(request, f"GET {base.raw_path.rstrip('/')}/", f" HTTP/1.1\r\n{headers}")

    def head(self, target: str, bearer: Secret | None) -> bytes:
        """A request as it is sent. It holds the token: hand it on at once, keep it in no variable."""
        if bearer is None:
            return f"{self.start}{target}{self.end}\r\n".encode()
        return f"{self.start}{target}{self.end}Authorization: Bearer {bearer.reveal()}\r\n\r\n".encode()


@define(eq=False, repr=False)
class _Deadlines:
    """Aborts connections on which an answer takes too long: one timer for all of them, set for the earliest."""

    _loop: asyncio.AbstractEventLoop
    _moments: dict[Connection, float] = Factory(dict)
    _timer: asyncio.TimerHandle | None = None

    def set(self, connection: Connection, moment: float) -> None:
        """Abort it at this moment, unless it is unset before."""
        self._moments[connection] = moment
        if self._timer is None or moment < self._timer.when():
            self._set_timer(moment)

    def unset(self, connection: Connection) -> bool:
        """Done with it; whether that is in time."""
        return self._moments.pop(connection, None) is not None

    def clear(self) -> None:
        """Nothing is waited for any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self, moment: float) -> None:
        self.clear()
        self._timer = self._loop.call_at(moment, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self._loop.time()
        for connection in [each for each, moment in self._moments.items() if moment <= now]:
            del self._moments[connection]
            if connection.transport is not None:
                # Not closed: that would wait for a peer that takes nothing in.
                connection.transport.abort()
        if self._moments:
            self._set_timer(min(self._moments.values()))


def _protocol(connection: Connection) -> aiohttp.client_proto.ResponseHandler:
    protocol = connection.protocol
    assert protocol is not None, "a connection that was just given has one"
    return protocol


async def read(stream: aiohttp.StreamReader) -> bytes:
    """The whole body. In chunks: aiohttp's `read()` would inflate a small bomb into all memory. Raises TooLarge."""
    first = await stream.readany()
    if stream.at_eof():
        return first
    chunks, size = [first], len(first)
    while chunk := await stream.readany():
        size += len(chunk)
        if size > LARGEST_BODY:
            raise TooLarge
        chunks.append(chunk)
    return b"".join(chunks)
