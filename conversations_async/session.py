"""The face: owns lifetimes, fans listings out over Inboxes, yields thread pages and threads."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Self

from attrs import define

from conversations_async.caller import Caller
from conversations_async.errors import InboxErrors, SessionClosed
from conversations_async.events import Event
from conversations_async.graph.decode import thread_page
from conversations_async.graph.requests import (
    DEFAULT_API_VERSION,
    GRAPH,
    GRAPH_INSTAGRAM,
    inbox_of,
    list_threads,
)
from conversations_async.lanes import FanOut, Lane
from conversations_async.limits import LimitPolicy
from conversations_async.model import Cursor, Inbox, Page, Platform, Secret, Thread, ThreadPage, ThreadQuery, Usage
from conversations_async.pacer import Pacer, SharedPacer
from conversations_async.paging import Settle, ThreadWalk
from conversations_async.retry import RetryPolicy
from conversations_async.throttle import Standing, Throttle
from conversations_async.transport import AiohttpTransport, HttpSession, TokenPlace, Transport, checked_base_url

log = logging.getLogger(__name__)


@define(eq=False)
class _Entered:
    """What is bound to a running loop: made on entry, gone on exit."""

    transport: Transport
    own: AiohttpTransport | None
    throttle: Throttle
    caller: Caller


class ConversationSession:
    """Listings of many Inboxes over one transport, one throttle and one set of limits.

    `async with ConversationSession() as session: async for thread in session.threads(pages): …`
    May be made anywhere, also at import; entered once, in a running loop. Who opens closes: a borrowed
    `aiohttp.ClientSession` (`http=`), `transport` or `pacer` stays open. Processes that list the same Pages share
    their pace through `pacer=SharedPacer("pace.db")`.
    """

    def __init__(
        self,
        *,
        http: HttpSession | None = None,
        transport: Transport | None = None,
        base_url: str = GRAPH,
        instagram_url: str | None = None,
        api_version: str = DEFAULT_API_VERSION,
        app_secret: str | None = None,
        token_in: TokenPlace = "header",  # noqa: S107
        limits: LimitPolicy | None = None,
        retry: RetryPolicy | None = None,
        connections: int = 512,
        timeout: float = 60.0,
        on_event: Callable[[Event], None] | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        if http is not None and transport is not None:
            raise ValueError("give http or transport, not both: a transport brings its own connections")
        self._http = http
        self._transport = transport
        self._base_url = checked_base_url(base_url)
        # A base URL of one's own (a proxy, the emulator) answers for both hosts unless told otherwise.
        other = GRAPH_INSTAGRAM if self._base_url == GRAPH else self._base_url
        self._instagram_url = checked_base_url(instagram_url or other)
        self._api_version = _checked_version(api_version)
        self._app_secret = None if app_secret is None else Secret(app_secret)
        if token_in not in ("header", "query"):
            raise ValueError(f"token_in is 'header' or 'query', not {token_in!r}")
        self._token_in = token_in
        self._limits = limits or LimitPolicy()
        self._retry = retry or RetryPolicy.bulk()
        if connections < 1:
            raise ValueError("connections is 1 or more")
        self._connections = connections
        self._timeout = timeout
        self._on_event = on_event
        self._pacer = pacer
        self._entered: _Entered | None = None
        self._was_entered = False
        self._listings: set[FanOut] = set()
        self._scopes: set[asyncio.Timeout] = set()

    # -- lifetime ------------------------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        if self._was_entered:
            raise SessionClosed("a session is entered once: make a new one")
        self._was_entered = True
        if isinstance(self._pacer, SharedPacer):
            # A file that cannot be used is told now, and not by every Inbox.
            await self._pacer.open()
        own = None
        transport = self._transport
        if transport is None:
            own = transport = AiohttpTransport(
                http=self._http,
                base_url=self._base_url,
                instagram_url=self._instagram_url,
                api_version=self._api_version,
                app_secret=self._app_secret,
                token_in=self._token_in,
                connections=self._connections,
                timeout=self._timeout,
            )
        throttle = Throttle(self._limits, self._tell, self._pacer)
        caller = Caller(
            transport=transport,
            throttle=throttle,
            retry=self._retry,
            api_version=self._api_version,
            timeout=self._timeout,
            tell=self._tell,
        )
        self._entered = _Entered(transport, own, throttle, caller)
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self.aclose()

    def __enter__(self) -> Self:
        raise TypeError("a ConversationSession is asynchronous: did you mean 'async with'?")

    def __exit__(self, *_exception: object) -> None: ...

    async def aclose(self) -> None:
        """End every listing and close what this session opened. Twice is fine."""
        entered, self._entered = self._entered, None
        self._was_entered = True
        for listing in tuple(self._listings):
            listing.cancel()
        for scope in self._scopes:
            if not scope.expired():
                scope.reschedule(asyncio.get_running_loop().time())
        try:
            for listing in tuple(self._listings):
                await listing.aclose()
        finally:
            self._listings.clear()
            if entered is not None:
                await entered.throttle.aclose()
            if entered is not None and entered.own is not None:
                await entered.own.aclose()

    # -- listing -------------------------------------------------------------------------------------------------------

    async def threads(
        self,
        pages: Iterable[Page],
        *,
        platforms: Iterable[Platform | str] | None = None,
        query: ThreadQuery = ThreadQuery(),  # noqa: B008  # frozen
        settle: Settle = True,
        max_wait: float | None = None,
        fail_fast: bool = False,
    ) -> AsyncGenerator[Thread, None]:
        """Every thread of every Inbox, each id once per Inbox, in the order in which answers come.

        After the last one raises InboxErrors if any Inbox failed; with `fail_fast` the first InboxFailed at once.
        `settle=False` leaves out the re-reading of the head that finds what moved while the listing ran;
        `settle="proof"` reads every listing of more than one call twice, and so does not depend on what Meta's cursors
        do when threads are deleted meanwhile. A thread that Meta lists but cannot show comes as `UnavailableThread`.
        `max_wait` in seconds: an Inbox whose next call lies later fails with WaitTooLong. Ending the generator early
        ends its calls; in `contextlib.aclosing` at once, else when it is collected or the session closes.
        """
        listing = self._list(pages, platforms, query, settle, max_wait, fail_fast, None)
        try:
            while (read := await listing.next_read()) is not None:
                for thread in read.first_seen:
                    yield thread
            _raise_failures(listing, fail_fast)
        finally:
            await self._end(listing)

    async def thread_pages(
        self,
        pages: Iterable[Page],
        *,
        platforms: Iterable[Platform | str] | None = None,
        query: ThreadQuery = ThreadQuery(),  # noqa: B008  # frozen
        settle: Settle = True,
        max_wait: float | None = None,
        fail_fast: bool = False,
        resume: Mapping[Inbox, Cursor | None] | None = None,
    ) -> AsyncGenerator[ThreadPage, None]:
        """The same as `threads`, a thread page at a time, with newer versions of threads seen before, for upserts.

        `resume` takes Inboxes up where a thread page's `cursor` or an InboxFailed's `resume` says.
        """
        listing = self._list(pages, platforms, query, settle, max_wait, fail_fast, resume)
        try:
            while (read := await listing.next_read()) is not None:
                yield read.page
            _raise_failures(listing, fail_fast)
        finally:
            await self._end(listing)

    async def thread_with(
        self, page: Page, platform: Platform | str, user_id: str, *, max_wait: float | None = None
    ) -> Thread | None:
        """The thread with one person (their page-scoped id), None where there is none. Mostly one call."""
        inbox = inbox_of(page, Platform(platform))
        query = ThreadQuery(user_id=user_id)
        walk = ThreadWalk(list_threads(page, inbox, query), threads_per_call=query.threads_per_call_on(inbox.platform))
        async with self._calling() as entered:
            while not walk.done and walk.stuck is None:
                answer = await entered.caller.call(walk.next_request(), page, max_wait=max_wait)
                read = walk.feed(thread_page(answer.payload, inbox, answer.usage))
                if read is not None and read.first_seen:
                    return read.first_seen[0]
        if walk.stuck is not None:
            raise walk.stuck
        return None

    def usage(self, inbox: Inbox) -> Usage | None:
        """What Meta last said of this Inbox's pools, without a call; None before the first answer."""
        return self._open().throttle.usage(inbox)

    def standing(self, inbox: Inbox) -> Standing:
        """How an Inbox stands, without a call: when its next call may be sent, usage per pool, gates and why."""
        return self._open().throttle.standing(inbox)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _open(self) -> _Entered:
        if self._entered is None:
            state = "has ended" if self._was_entered else "has not been entered: use 'async with'"
            raise SessionClosed(f"this session {state}")
        return self._entered

    @asynccontextmanager
    async def _calling(self) -> AsyncIterator[_Entered]:
        """Calls made for somebody who waits: closing the session ends them with SessionClosed."""
        entered = self._open()
        scope = asyncio.timeout(None)
        try:
            async with scope:
                self._scopes.add(scope)
                yield entered
        except TimeoutError:
            if scope.expired():
                raise SessionClosed("the session was closed while this call ran") from None
            raise
        finally:
            self._scopes.discard(scope)

    def _list(
        self,
        pages: Iterable[Page],
        platforms: Iterable[Platform | str] | None,
        query: ThreadQuery,
        settle: Settle,
        max_wait: float | None,
        fail_fast: bool,
        resume: Mapping[Inbox, Cursor | None] | None,
    ) -> FanOut:
        entered = self._open()
        chosen = _inboxes(pages, platforms)
        lanes = (
            Lane(
                inbox,
                page,
                ThreadWalk(
                    list_threads(page, inbox, query),
                    threads_per_call=query.threads_per_call_on(inbox.platform),
                    settle=settle,
                    start=(resume or {}).get(inbox) or Cursor(),
                    since=query.not_older_than,
                    before=query.not_newer_than,
                ),
            )
            for inbox, page in chosen
        )
        listing = FanOut(
            lanes,
            caller=entered.caller,
            throttle=entered.throttle,
            workers=self._connections,
            max_wait=max_wait,
            fail_fast=fail_fast,
            tell=self._tell,
            pause=self._limits.blind_pause,
        )
        self._listings.add(listing)
        return listing

    async def _end(self, listing: FanOut) -> None:
        listing.cancel()
        await listing.aclose()
        self._listings.discard(listing)

    def _tell(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception as error:  # a hook must not end a listing
            log.error("on_event raised %s on %s", type(error).__name__, type(event).__name__)


def _inboxes(pages: Iterable[Page], platforms: Iterable[Platform | str] | None) -> list[tuple[Inbox, Page]]:
    """The Inboxes to list. Raises ValueError where a Page comes twice: its pace would double."""
    if isinstance(pages, Page):
        raise TypeError("pages is an iterable of Page: put the one Page into a list")
    wanted = None if platforms is None else _wanted(platforms)
    chosen: dict[Inbox, Page] = {}
    for page in pages:
        if not isinstance(page, Page):
            raise TypeError(f"pages holds a {type(page).__name__}, not a Page")
        for platform in page.platforms:
            if wanted is None or platform in wanted:
                inbox = Inbox(page.id, platform)
                if inbox in chosen:
                    raise ValueError(f"Page {page.id} is given twice for {platform}")
                chosen[inbox] = page
    return list(chosen.items())


def _wanted(platforms: Iterable[Platform | str]) -> set[Platform]:
    return {Platform(each) for each in ([platforms] if isinstance(platforms, str) else platforms)}


def _raise_failures(listing: FanOut, fail_fast: bool) -> None:
    if listing.failures and fail_fast:
        raise listing.failures[0]
    if listing.failures:
        failed, total = len(listing.failures), listing.total
        raise InboxErrors(f"{failed} of {total} Inboxes failed", listing.failures)


def _checked_version(text: str) -> str:
    head, _, tail = text.removeprefix("v").partition(".")
    if not (text.startswith("v") and head.isdigit() and tail.isdigit()):
        raise ValueError(f"api_version is written like {DEFAULT_API_VERSION}, not {text!r}")
    return text
