"""The only door to the network: adds the token, sends one request, brings back status, headers and body.

It decides nothing. The token goes into a header, and no frame that can end in a traceback holds it in a variable;
errors are made new from nothing, since aiohttp's own carry the URL. Redirects are not followed, and a request goes to
the session's own base URL or nowhere.
"""

import asyncio
import hashlib
import hmac
import ipaddress
import logging
import ssl
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

import aiohttp
from attrs import define
from yarl import URL

from conversations_async.errors import (
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    SessionClosed,
    TransportFailed,
)
from conversations_async.graph.requests import GRAPH, GRAPH_INSTAGRAM, GraphRequest, RawAnswer
from conversations_async.model import GraphHost, Secret

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

log = logging.getLogger(__name__)

HttpSession: TypeAlias = aiohttp.ClientSession
TokenPlace: TypeAlias = Literal["header", "query"]

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes, after decompression. The largest listing seen in the wild is under one megabyte."""


class Transport(Protocol):
    """One way to the Graph API. Bring your own to record, replay or route calls."""

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        """Send one request and bring the whole answer. Raises TransportFailed where there is none."""
        ...


class _Unshown(str):
    """A header value that hides itself where a traceback or a log shows variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{Secret.MASK}'"


class AiohttpTransport:
    """The Graph API over an aiohttp session, its own or a borrowed one. Only an own one is closed."""

    def __init__(
        self,
        *,
        http: HttpSession | None = None,
        base_url: str = GRAPH,
        instagram_url: str = GRAPH_INSTAGRAM,
        api_version: str,
        app_secret: Secret | None = None,
        token_in: TokenPlace = "header",  # noqa: S107  # where it goes, not what it is
        connections: int = 512,
        timeout: float = 60.0,
    ) -> None:
        self._bases: dict[GraphHost, str] = {
            "facebook": checked_base_url(base_url),
            "instagram": checked_base_url(instagram_url),
        }
        self._version = api_version
        self._app_secret = app_secret
        self._token_in = token_in
        self._timeout = aiohttp.ClientTimeout(total=timeout, sock_connect=min(timeout, 15.0))
        if http is not None and http.closed:
            raise SessionClosed("the aiohttp session given as `http` is closed")
        self._clock = asyncio.get_running_loop().time
        self._owned = http is None
        self._http = http or aiohttp.ClientSession(
            connector=_StampingConnector(limit=connections, limit_per_host=0, ttl_dns_cache=300, keepalive_timeout=75),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        if self._owned:
            # aiohttp would send a GET again by itself where a kept connection has died: two arrivals for one permit.
            self._http._retry_connection = False

    async def aclose(self) -> None:
        """Close the connections that are ours."""
        if self._owned:
            await self._http.close()

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        """One GET. Raises TransportFailed where no whole answer came, AnswerUnreadable where it is too large."""
        failure: ConversationsError
        if self._http.closed:
            raise SessionClosed("the connections of this session are closed")
        try:
            return await self._send(request, token)
        except asyncio.CancelledError as cancelled:
            # aiohttp's frames hold the headers, and with token_in="query" the URL: they end here.
            cancelled.__traceback__ = None
            raise
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            failure = _failure(error, request, self._timeout.total)
        except _TooLarge:
            failure = AnswerUnreadable(f"larger than {LARGEST_BODY // 2**20} MiB", inbox=request.inbox)
        # Raised outside of the handler: no context, so no foreign traceback hangs on it.
        log.debug("%s: %s", request.inbox or request.what, failure)
        raise failure

    async def _send(self, request: GraphRequest, token: Secret) -> RawAnswer:
        way = _Way()
        mark = _way.set(way)
        try:
            async with self._http.get(
                self._url(request, token),
                headers=self._headers(token),
                allow_redirects=False,
                # Statuses decide nothing here, whatever a borrowed session was told.
                raise_for_status=False,
                timeout=self._timeout,
            ) as response:
                received_at = self._clock()
                body = await _read(response)
                return RawAnswer(
                    response.status, response.headers, body, way.sent_at, received_at, way.connected_in, True
                )
        finally:
            _way.reset(mark)

    def _url(self, request: GraphRequest, token: Secret) -> URL:
        query = request.query
        if request.explains_token:
            # The only call whose URL holds the token: Meta takes the one to be explained no other way (contract 6.9).
            query = f"input_token={quote(token.reveal(), safe='')}"
        if self._app_secret is not None:
            # Contract 6.6; the proof is no secret by itself, but is of no use to anybody else.
            proof = hmac.new(self._app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()
            query = f"{query}&appsecret_proof={proof}" if query else f"appsecret_proof={proof}"
        if self._token_in == "query":  # noqa: S105  # where it goes, not what it is
            query = f"{query}&access_token={quote(token.reveal(), safe='')}".removeprefix("&")
        return URL(f"{self._bases[request.host]}/{self._version}/{request.path}?{query}", encoded=True)

    def _headers(self, token: Secret) -> dict[str, str]:
        if self._token_in == "query":  # noqa: S105  # where it goes, not what it is
            return {}
        return {"Authorization": _Unshown(f"Bearer {token.reveal()}")}


@define(eq=False, repr=False)
class _Way:
    """When a call got its connection, and how long that took if it was a new one."""

    sent_at: float | None = None
    connected_in: float | None = None


_way: ContextVar[_Way | None] = ContextVar("conversations_async_way", default=None)


class _StampingConnector(aiohttp.TCPConnector):
    """Notes when a connection is there: only then does the request go out, and its trip begin."""

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109  # aiohttp's own signature
    ) -> aiohttp.connector.Connection:
        began = self._loop.time()
        connection = await super().connect(req, traces, timeout)
        if (way := _way.get()) is not None:
            way.sent_at = self._loop.time()
            took = way.sent_at - began
            # A connection from the pool is there at once; a new one takes a round trip at least.
            way.connected_in = took if took > _AT_ONCE else None
        return connection


_AT_ONCE: Final = 0.0005


class _TooLarge(Exception):
    """The body passed its cap."""


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The whole body. In chunks: `read()` would inflate a small bomb into all memory."""
    stream = response.content
    first = await stream.readany()
    if stream.at_eof():
        return first
    chunks, size = [first], len(first)
    while chunk := await stream.readany():
        size += len(chunk)
        if size > LARGEST_BODY:
            response.close()
            raise _TooLarge
        chunks.append(chunk)
    return b"".join(chunks)


def _failure(error: Exception, request: GraphRequest, timeout: float | None) -> ConversationsError:
    """What went wrong, in words of our own: aiohttp's messages carry URLs."""
    for kind, build, reason in _REASONS:
        if isinstance(error, kind):
            return build(reason.format(timeout=timeout or 0.0), request.inbox)
    return TransportFailed(f"the call failed ({type(error).__name__})", request.inbox)


# The first row that matches counts: the more special class stands first.
_REASONS: Final[tuple[tuple[type[Exception], type[TransportFailed], str], ...]] = (
    (asyncio.TimeoutError, AnswerTimedOut, "no whole answer within {timeout:.0f} s"),
    (aiohttp.ClientConnectorDNSError, ConnectFailed, "the host name was not found"),
    (aiohttp.ClientConnectorCertificateError, ConnectFailed, "the server's certificate was not accepted"),
    (aiohttp.ClientSSLError, ConnectFailed, "no TLS connection"),
    (ssl.SSLError, ConnectFailed, "no TLS connection"),
    (aiohttp.ClientConnectorError, ConnectFailed, "no connection"),
    (aiohttp.ServerDisconnectedError, ConnectFailed, "the server closed the connection without an answer"),
    (aiohttp.ClientPayloadError, ConnectFailed, "the answer broke off or is damaged"),
    (aiohttp.ClientResponseError, TransportFailed, "the answer is not HTTP as it should be"),
    (aiohttp.ClientOSError, ConnectFailed, "the connection broke"),
    (OSError, ConnectFailed, "the connection broke"),
)


def checked_base_url(text: str) -> str:
    """A base URL without a slash at its end. Raises ValueError unless https, or http on loopback."""
    try:
        url = URL(text)
    except (ValueError, TypeError):
        raise ValueError("base_url is not a URL") from None
    if not url.host or url.query_string or url.fragment or url.user or url.password:
        raise ValueError("base_url is scheme, host and perhaps a port and path; no user, query or fragment")
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.host)):
        raise ValueError(
            f"base_url must be https, or http on a loopback host: {url.scheme}://{url.host} would show tokens"
        )
    return str(url).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
