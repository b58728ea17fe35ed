"""The face: owns lifetimes, fans listings out over Inboxes, yields thread pages and threads."""

import asyncio
import logging
import math
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Final, Self

from conversations_async.access import TokenInfo
from conversations_async.asking import LISTING_REPEATS, Way
from conversations_async.caller import Caller, GiveWay
from conversations_async.edges import MessageWalk, breaks
from conversations_async.errors import (
    ConversationsError,
    GraphError,
    InboxErrors,
    SessionClosed,
)
from conversations_async.events import Event, FieldRefused
from conversations_async.graph.answers import Answer, refused_field
from conversations_async.graph.decode import one_thread, thread_page
from conversations_async.graph.requests import (
    DEFAULT_API_VERSION,
    GRAPH,
    GRAPH_INSTAGRAM,
    GraphRequest,
    inbox_of,
    list_threads,
    probe,
)
from conversations_async.lane import Lane
from conversations_async.lanes import FanOut, Held
from conversations_async.limits import LimitPolicy
from conversations_async.message import Message
from conversations_async.model import Cursor, Inbox, Page, Platform, Secret, Thread, ThreadPage, ThreadQuery, Usage
from conversations_async.pacer import Pacer
from conversations_async.paging import Read, ThreadWalk
from conversations_async.retry import RetryPolicy
from conversations_async.rounds import Rounds
from conversations_async.throttle import Standing, Throttle
from conversations_async.transport import AiohttpTransport, HttpSession, TokenPlace, Transport, checked_base_url
from conversations_async.values import Bundle

log = logging.getLogger(__name__)

_FROM_THE_HEAD: Final = Cursor()


class _Entered(Bundle):
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
        token_in: TokenPlace = "header",  # noqa: S107  # where it goes, not what it is
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
        if not 0 < timeout < math.inf:
            raise ValueError("timeout is more than 0 seconds, and not endless: a call would wait for ever")
        self._timeout = timeout
        self._listeners: tuple[Callable[[Event], None], ...] = () if on_event is None else (on_event,)
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
        await _open_shared(self._pacer)
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
            heard=self._is_heard,
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
        settle: bool = True,
        max_wait: float | None = None,
        fail_fast: bool = False,
    ) -> AsyncGenerator[Thread, None]:
        """Every thread of every Inbox, each id once per Inbox, in the order in which answers come.

        After the last one raises InboxErrors if any Inbox failed; with `fail_fast` the first InboxFailed at once.
        A listing of more than one call is followed by what makes it whole: ids are listed once more, many a call, and
        the head is read again, for threads that slipped by or moved meanwhile; `settle=False` leaves that out. A thread
        that Meta lists but cannot show comes as `UnavailableThread`.
        `max_wait` in seconds: an Inbox whose next call lies later fails with WaitTooLong. Ending the generator early
        ends its calls; in `contextlib.aclosing` at once, else when it is collected or the session closes.
        """
        listing = self._list(pages, platforms, query, settle, max_wait, fail_fast, None, upserts=False)
        try:
            while (read := await listing.next_read()) is not None:
                for thread in read.first_seen:
                    yield thread
                # Freed before the next one is decoded, whose objects find their place warm.
                del read
            _raise_failures(listing, fail_fast)
        finally:
            await self._end(listing)

    async def thread_pages(
        self,
        pages: Iterable[Page],
        *,
        platforms: Iterable[Platform | str] | None = None,
        query: ThreadQuery = ThreadQuery(),  # noqa: B008  # frozen
        settle: bool = True,
        max_wait: float | None = None,
        fail_fast: bool = False,
        resume: Mapping[Inbox, Cursor | None] | None = None,
        held: Held | None = None,
        at_once: int | None = None,
    ) -> AsyncGenerator[ThreadPage, None]:
        """The same as `threads`, a thread page at a time, with newer versions of threads seen before, for upserts.

        `resume` takes Inboxes up where a thread page's `cursor` or an InboxFailed's `resume` says; `Cursor(until=…)`
        reads what is new since. What was read before it was taken up is trusted, unless `held` tells what the reader
        has: called once for such an Inbox when the rest of it has been read, it gives thread id → `updated_time` as in
        `raw`, and whatever is not in it is found. An exception of `held` ends the listing. No more than `at_once` calls
        are under way or thread pages not yet done with, so many as `connections` by itself: with 1, nothing is asked
        before the thread page handed out is done with, and so nothing is lost with it.
        """
        if at_once is not None and at_once < 1:
            raise ValueError("at_once is 1 or more")
        listing = self._list(pages, platforms, query, settle, max_wait, fail_fast, resume, held, at_once)
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
                try:
                    answer = await entered.caller.call(request := walk.next_request(), page, max_wait=max_wait)
                except GraphError as error:
                    if (refused := refused_field(error)) is not None and walk.leave_out(*refused):
                        self._tell(FieldRefused(inbox, refused[0]))
                        continue
                    read = _step_round(walk, error)
                else:
                    if request.what == "thread":
                        read = walk.feed_thread(one_thread(answer.payload, inbox))
                    else:
                        read = walk.feed(thread_page(answer.payload, inbox, answer.usage))
                if read is not None and read.first_seen:
                    return read.first_seen[0]
        if walk.stuck is not None:
            raise walk.stuck
        return None

    async def messages(
        self,
        page: Page,
        thread: Thread | str,
        *,
        platform: Platform | str | None = None,
        max_wait: float | None = None,
    ) -> AsyncGenerator[Message, None]:
        """A thread's messages, newest first, each id once. Goes before listings of the same Inbox.

        Of an Instagram thread the older ones come as `unavailable`: Meta tells details of about the 20 newest
        (contract 1.6), and so does one that breaks every answer it is part of. `platform` is needed only for the id of
        a thread that does not tell it. Raises WaitTooLong where the next call lies beyond `max_wait` seconds.
        """
        self._open()
        inbox = inbox_of(page, _platform_of(page, thread, platform))
        walk = MessageWalk(page, inbox, thread if isinstance(thread, str) else thread.id)
        doubted = False
        while not walk.done:
            if walk.stuck is not None:
                raise walk.stuck
            told: list[Message] | None
            try:
                told = walk.feed(
                    (await self._call(walk.next_request(), page, max_wait, give_way=_breaks_again)).payload
                )
                doubted = False
            except GraphError as error:
                if (refused := refused_field(error)) is not None and walk.leave_out(*refused):
                    self._tell(FieldRefused(inbox, refused[0]))
                    continue
                if (told := walk.recover(error)) is None and (told := walk.ask_round(error)) is None:
                    if doubted or not breaks(error):
                        raise
                    # Not even one id can be listed. An outage is waited out by another read; after it, once more.
                    doubted = True
                    walk.ask_as_before()
                    await self._call(probe(list_threads(page, inbox, ThreadQuery()), None), page, max_wait)
                    continue
            for message in told:
                yield message
        if (failure := walk.failure()) is not None:
            raise failure

    async def pages_of(self, user_token: str | Secret) -> AsyncGenerator[Page, None]:
        """The Pages of a user token, each with its own token, its tasks and its platforms.

        A Page is on Instagram where an account is linked with it. One that its person lacks the task MESSAGING for is
        told of by the event TaskMissing; one that Meta gives no token for is told of so too, and left out. An entry
        that is no Page does not take the others along: AnswerUnreadable is raised behind the last.
        """
        self._open()
        asker = _asker(user_token)
        # This frame lives as long as the listing, and error trackers show what frames hold.
        del user_token
        # Imported here: cattrs comes along, which listings do without.
        from conversations_async.accounts import pages_of

        async with aclosing(pages_of(self._call, asker, self._tell)) as pages:
            async for page in pages:
                yield page

    async def explain_token(self, page: Page, *, max_wait: float | None = None) -> TokenInfo:
        """What Meta says of a Page's token: validity, expiry, permissions, and which Instagram account it reaches.

        One or two calls that no Inbox's pace counts. Of Instagram Login, Meta tells only whether the token is valid and
        whose it is. An app's token is not needed: a token may ask about itself.
        """
        from conversations_async.accounts import explain

        async with self._calling() as entered:
            return await explain(entered.caller, page, max_wait)

    def usage(self, inbox: Inbox) -> Usage | None:
        """What Meta last said of this Inbox's pools, without a call; None before the first answer."""
        return self._open().throttle.usage(inbox)

    def standing(self, inbox: Inbox) -> Standing:
        """How an Inbox stands, without a call: when its next call may be sent, usage per pool, gates and why."""
        return self._open().throttle.standing(inbox)

    def listen(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call `listener` with every event from now on, beside `on_event`; returns what ends that."""
        # An object of its own: one that listens twice is left once where one of the two ends.
        hear = partial(listener)
        self._listeners = (*self._listeners, hear)

        def end() -> None:
            self._listeners = tuple(each for each in self._listeners if each is not hear)

        return end

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

    async def _call(
        self,
        request: GraphRequest,
        page: Page,
        max_wait: float | None = None,
        *,
        give_way: GiveWay | None = None,
    ) -> Answer:
        """One call of a generator. Its scope must not reach over a yield: there it would end the reader's own waits."""
        async with self._calling() as entered:
            return await entered.caller.call(request, page, max_wait=max_wait, give_way=give_way)

    def _list(
        self,
        pages: Iterable[Page],
        platforms: Iterable[Platform | str] | None,
        query: ThreadQuery,
        settle: bool,
        max_wait: float | None,
        fail_fast: bool,
        resume: Mapping[Inbox, Cursor | None] | None,
        held: Held | None = None,
        at_once: int | None = None,
        *,
        upserts: bool = True,
    ) -> FanOut:
        entered = self._open()
        total, chosen = _inboxes(pages, platforms)
        lanes = (
            Lane(
                inbox,
                page,
                Rounds(
                    page,
                    inbox,
                    query,
                    start=(resume or {}).get(inbox) or _FROM_THE_HEAD,
                    settle=settle,
                    reader_holds=held is not None,
                    upserts=upserts,
                ),
                query,
            )
            for inbox, page in chosen
        )
        listing = FanOut(
            lanes,
            total=total,
            caller=entered.caller,
            throttle=entered.throttle,
            workers=min(at_once or self._connections, self._connections),
            max_wait=max_wait,
            fail_fast=fail_fast,
            tell=self._tell,
            heard=self._is_heard,
            pause=self._limits.blind_pause,
            held=held,
        )
        self._listings.add(listing)
        return listing

    async def _end(self, listing: FanOut) -> None:
        listing.cancel()
        # Also where whoever waits for that is cancelled once more.
        listing.when_over(self._listings.discard)
        await listing.aclose()

    def _is_heard(self) -> bool:
        return bool(self._listeners)

    def _tell(self, event: Event) -> None:
        for listener in self._listeners:
            try:
                listener(event)
            except (Exception, asyncio.CancelledError) as error:  # a hook must not end a listing
                log.error("on_event raised %s on %s", type(error).__name__, type(event).__name__)


async def _open_shared(pacer: Pacer | None) -> None:
    """A file that cannot be used is told on entry, and not by every Inbox."""
    if pacer is None:
        return
    # Imported here: it brings SQLite along, which most sessions do without.
    from conversations_async.pacer import SharedPacer

    if isinstance(pacer, SharedPacer):
        await pacer.open()


def _breaks_again(error: ConversationsError, tries: int) -> bool:
    """Whether to ask for less instead of trying again."""
    return breaks(error) and tries >= LISTING_REPEATS


def _step_round(walk: ThreadWalk, error: GraphError) -> Read | None:
    """Ask for less, or mark the thread that breaks the answer; raises what the walk knows no way round."""
    # The caller has tried again already.
    way = walk.failed(error, tries=LISTING_REPEATS)
    if way is Way.MARK:
        return walk.let_unavailable(error)
    if way is not Way.AGAIN:
        raise error
    return None


def _platform_of(page: Page, thread: Thread | str, platform: Platform | str | None) -> Platform:
    """Where a thread is. Messenger's ids begin with `t_`, Instagram's do not (contract 2.4)."""
    if not isinstance(thread, str):
        return thread.platform
    if platform is not None:
        return Platform(platform)
    if len(page.platforms) == 1:
        return page.platforms[0]
    return Platform.MESSENGER if thread.startswith("t_") else Platform.INSTAGRAM


def _asker(user_token: str | Secret) -> Page:
    """Calls are made with the token of a Page; a user's Pages are asked for with one that stands for no Page."""
    return Page("0", user_token)


def _inboxes(
    pages: Iterable[Page], platforms: Iterable[Platform | str] | None
) -> tuple[int, Iterator[tuple[Inbox, Page]]]:
    """How many Inboxes to list, and each when it is begun: of ten thousand few are under way at once.

    Raises ValueError where a Page comes twice: its pace would double.
    """
    if isinstance(pages, Page):
        raise TypeError("pages is an iterable of Page: put the one Page into a list")
    wanted = set(Platform) if platforms is None else _wanted(platforms)
    chosen: list[Page] = []
    known: dict[Platform, set[str]] = {platform: set() for platform in Platform}
    for page in pages:
        if not isinstance(page, Page):
            raise TypeError(f"pages holds a {type(page).__name__}, not a Page")
        chosen.append(page)
        for platform in page.platforms:
            if platform in wanted and page.id in known[platform]:
                raise ValueError(f"Page {page.id} is given twice for {platform}")
            known[platform].add(page.id)
    total = sum(len(known[platform]) for platform in wanted)
    return total, (
        (Inbox(page.id, platform), page) for page in chosen for platform in page.platforms if platform in wanted
    )


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
