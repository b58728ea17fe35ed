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
from collections.abc import Mapping
from typing import Final, Literal, Protocol, TypeAlias
from urllib.parse import quote

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from conversations_async.deadlines import Deadlines
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
from conversations_async.wire import LARGEST_BODY, NoLongerKept, TooLarge, Wire, read

log = logging.getLogger(__name__)

HttpSession: TypeAlias = aiohttp.ClientSession
TokenPlace: TypeAlias = Literal["header", "query"]


class Transport(Protocol):
    """One way to the Graph API. Bring your own to record, replay or route calls."""

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        """Send one request and bring the whole answer. Raises TransportFailed where there is none."""
        ...


class AiohttpTransport:
    """The Graph API over connections of aiohttp's, its own or those of a borrowed session. Only own ones are closed."""

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
        bases: dict[GraphHost, str] = {
            "facebook": checked_base_url(base_url),
            "instagram": checked_base_url(instagram_url),
        }
        self._version = api_version
        self._app_secret = app_secret
        self._in_header = token_in == "header"  # noqa: S105  # where it goes, not what it is
        self._timeout = timeout
        self._deadlines = Deadlines(timeout)
        if http is not None and http.closed:
            raise SessionClosed("the aiohttp session given as `http` is closed")
        self._own: Wire | None = None
        self._way: Wire | _Borrowed
        to_connect = aiohttp.ClientTimeout(sock_connect=min(timeout, 15.0))
        if http is None:
            self._way = self._own = Wire(bases, connections=connections, to_connect=to_connect)
        else:
            self._way = _Borrowed(http, bases, to_connect)

    async def aclose(self) -> None:
        """Close the connections that are ours."""
        self._deadlines.close()
        if self._own is not None:
            await self._own.aclose()

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        """One GET. Raises TransportFailed where no whole answer came, AnswerUnreadable where it is too large."""
        failure: ConversationsError
        if self._way.closed:
            raise SessionClosed("the connections of this session are closed")
        try:
            bearer = token if self._in_header else None
            # Not aiohttp's own total: what a server left on a kept connection is read by the clock of the call before,
            # and its parser tells nobody who has begun to read that the rest of a body is damaged.
            with self._deadlines.next():
                return await self._way.get(request.host, self._target(request, token), bearer)
        except asyncio.CancelledError as cancelled:
            if (task := asyncio.current_task()) is None or task.cancelling():
                # Frames below hold the URL, with token_in="query" the token: they end here.
                cancelled.__traceback__ = None
                raise
            # Nobody asked for it: so those that wait for a connection are ended when all are closed.
            failure = TransportFailed("the connections were closed", request.inbox)
        except NoLongerKept:
            failure = ConnectFailed("the server closed a kept connection", request.inbox, kept=True)
        except TooLarge:
            failure = AnswerUnreadable(f"larger than {LARGEST_BODY // 2**20} MiB", inbox=request.inbox)
        except Exception as error:  # whatever it is: its frames hold the URL as well
            failure = _failure(error, request, self._timeout)
        # Raised outside of the handler: no context, so no foreign traceback hangs on it.
        log.debug("%s: %s", request.inbox or request.what, failure)
        raise failure

    def _target(self, request: GraphRequest, token: Secret) -> str:
        """Path and query behind the base URL."""
        query = request.query
        if request.explains_token:
            # The only call whose URL holds the token: Meta takes the one to be explained no other way (contract 6.9).
            query = f"input_token={quote(token.reveal(), safe='')}"
        if self._app_secret is not None:
            # Contract 6.6; the proof is no secret by itself, but is of no use to anybody else.
            proof = hmac.new(self._app_secret.reveal().encode(), token.reveal().encode(), hashlib.sha256).hexdigest()
            query = f"{query}&appsecret_proof={proof}" if query else f"appsecret_proof={proof}"
        if not self._in_header:
            query = f"{query}&access_token={quote(token.reveal(), safe='')}".removeprefix("&")
        return f"{self._version}/{request.path}?{query}" if query else f"{self._version}/{request.path}"


class _Borrowed:
    """Somebody else's aiohttp session, with the middlewares, proxies and traces it was told of."""

    def __init__(self, http: HttpSession, bases: Mapping[GraphHost, str], to_connect: aiohttp.ClientTimeout) -> None:
        self._http = http
        self._bases = bases
        self._to_connect = to_connect
        self._clock = asyncio.get_running_loop().time

    @property
    def closed(self) -> bool:
        return self._http.closed

    async def get(self, host: GraphHost, target: str, bearer: Secret | None) -> RawAnswer:
        """As the Wire's, but for the stamps of a connection, which a session does not tell."""
        headers = None if bearer is None else {"Authorization": _Unshown(f"Bearer {bearer.reveal()}")}
        async with self._http.get(
            URL(f"{self._bases[host]}/{target}", encoded=True),
            headers=headers,
            allow_redirects=False,
            # Statuses decide nothing here, whatever the session was told.
            raise_for_status=False,
            timeout=self._to_connect,
        ) as response:
            received_at = self._clock()
            body = await read(response.content)
            return RawAnswer(response.status, response.headers, body, None, received_at, None, True)


class _Unshown(str):
    """A header value that hides itself where a traceback or a log shows variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{Secret.MASK}'"


def _failure(error: Exception, request: GraphRequest, timeout: float | None) -> ConversationsError:
    """What went wrong, in words of our own: aiohttp's messages carry URLs."""
    for kind, build, reason in _REASONS:
        if isinstance(error, kind):
            return build(reason.format(timeout=timeout or 0.0), request.inbox)
    # What the network does may be over in a moment; a fault in somebody's code, a middleware's say, is not.
    final = not isinstance(error, aiohttp.ClientError)
    return TransportFailed(f"the call failed ({type(error).__name__})", request.inbox, final)


# The first row that matches counts: the more special class stands first.
_REASONS: Final[tuple[tuple[type[Exception], type[TransportFailed], str], ...]] = (
    (asyncio.TimeoutError, AnswerTimedOut, "no whole answer within {timeout:.0f} s"),
    (aiohttp.ClientConnectorDNSError, ConnectFailed, "the host name was not found"),
    (aiohttp.ClientConnectorCertificateError, ConnectFailed, "the server's certificate was not accepted"),
    (aiohttp.ClientSSLError, ConnectFailed, "no TLS connection"),
    (ssl.SSLError, ConnectFailed, "no TLS connection"),
    (aiohttp.ClientConnectorError, ConnectFailed, "no connection"),
    (aiohttp.ServerDisconnectedError, ConnectFailed, "the server closed the connection without an answer"),
    (aiohttp.EofStream, ConnectFailed, "the server closed the connection without an answer"),
    (aiohttp.ClientPayloadError, ConnectFailed, "the answer broke off or is damaged"),
    (aiohttp.ClientResponseError, TransportFailed, "the answer is not HTTP as it should be"),
    (HttpProcessingError, TransportFailed, "the answer is not HTTP as it should be"),
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
