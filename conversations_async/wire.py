"""One GET over a connection of our own (`connections`), read by aiohttp's parser, without its `ClientSession`.

What that does for each request (two objects of forty fields, headers copied twice, a look for redirects, cookies,
proxies, middlewares and traces) is of no use to a door that always asks the same way, and takes as long as everything
else about a call that this library does. Here the head of a request is written as it is sent, and no object of
aiohttp's ever holds a token.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

import aiohttp
from yarl import URL

from conversations_async.connections import Connections
from conversations_async.graph.requests import RawAnswer
from conversations_async.pages import GraphHost, Secret
from conversations_async.values import Bundle

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes, after decompression. The largest listing seen in the wild is under one megabyte."""


class TooLarge(Exception):
    """The body passed its cap."""


class NoLongerKept(Exception):
    """A connection that had served a call before ended without a word of the answer: the server closes it just then."""


class Wire:
    """The way to the hosts of Graph, at these base URLs. Made in a running loop."""

    def __init__(self, bases: Mapping[GraphHost, str], *, connections: int, to_connect: aiohttp.ClientTimeout) -> None:
        loop = asyncio.get_running_loop()
        self._clock = loop.time
        self._connections = Connections(bases, most=connections, to_connect=to_connect)
        self._hosts = {host: _Host.at(URL(base), loop) for host, base in bases.items()}

    @property
    def closed(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._connections.closed

    async def aclose(self) -> None:
        """Close all connections. A call under way ends with an error."""
        await self._connections.aclose()

    async def get(self, host: GraphHost, target: str, bearer: Secret | None) -> RawAnswer:
        """One GET, sent once; how long it may take is the caller's to say. Raises what aiohttp raises, and TooLarge.

        `target` is path and query behind the base URL, percent-encoded; `bearer` goes into the header Authorization.
        """
        if not (target.isascii() and target.isprintable()) or " " in target or "#" in target:
            raise ValueError("a request's path or query is not percent-encoded")
        connected_in = None
        if (connection := self._connections.take_kept(host)) is None:
            connection, connected_in = await self._connections.take(host, self._hosts[host].request)
        try:
            sent_at = self._clock()
            protocol, transport = connection.protocol, connection.transport
            if protocol is None or transport is None:
                raise aiohttp.ServerDisconnectedError
            protocol.set_response_params(read_until_eof=True)
            transport.write(self._hosts[host].head(target, bearer))
            try:
                message, stream = await protocol.read()
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionResetError) as ended:
                # Reset or ended; of a reset nobody says whether something came before.
                if connected_in is None and not self.closed and not _has_begun(ended):
                    raise NoLongerKept from None
                raise
            while 100 <= message.code < 200 and message.code != 101:
                message, stream = await protocol.read()
            received_at = self._clock()
            body = await read(stream)
            if self.closed:
                # Cut off by that, a body without a length looks whole.
                raise aiohttp.ServerDisconnectedError
        except BaseException as error:
            self._connections.drop(connection)
            if self.closed and isinstance(error, RuntimeError):
                # So aiohttp says of a body that nobody brings to its end any more.
                raise aiohttp.ServerDisconnectedError from None
            raise
        self._connections.put_back(host, connection)
        return RawAnswer(message.code, message.headers, body, sent_at, received_at, connected_in, True)


def _has_begun(ended: Exception) -> bool:
    """Whether part of an answer had come."""
    return isinstance(ended, aiohttp.ServerDisconnectedError) and not isinstance(ended.message, str | None)


class _Host(Bundle):
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
