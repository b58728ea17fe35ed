"""The options that all calling verbs share, and what they mean to the library."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

from attrs import evolve
from cyclopts import Group, Parameter

from conversations_async.cli.endings import near, refuse
from conversations_async.cli.pages_file import is_id, read_pages
from conversations_async.graph.requests import DEFAULT_API_VERSION, GRAPH
from conversations_async.pages import Inbox, Page, Platform
from conversations_async.query import DEFAULT_FIELDS, FOLDERS, ThreadQuery

if TYPE_CHECKING:
    from conversations_async.events import Event
    from conversations_async.limits import LimitPolicy
    from conversations_async.retry import RetryPolicy
    from conversations_async.session import ConversationSession

_TOKEN_VARIABLE: Final = "CONVERSATIONS_TOKEN"  # noqa: S105  # its name, not its value

_MOST: Final = 10**9  # beyond it, numbers without end among them, nothing is meant

_WHICH: Final = Group("Which Inboxes", sort_key=1)
_WHAT: Final = Group("What to ask", sort_key=2)
_HOW: Final = Group("How to call", sort_key=3)
_TELL: Final = Group("What to tell", sort_key=4)


def _which(text: str, *names: str) -> Parameter:
    return Parameter(name=names or None, help=text, group=_WHICH)


def _what(text: str) -> Parameter:
    return Parameter(help=text, group=_WHAT)


def _how(text: str) -> Parameter:
    return Parameter(help=text, group=_HOW)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """Which Inboxes to read, and how."""

    pages: Annotated[Path | None, _which("The pages file: TOML, or CSV where its name ends in .csv.")] = None
    page: Annotated[
        str | None,
        _which(
            "One Page by its id; its token comes from CONVERSATIONS_TOKEN_<ID> or CONVERSATIONS_TOKEN, "
            "or with --pages from that file."
        ),
    ] = None
    platform: Annotated[
        tuple[Literal["messenger", "instagram"], ...], _which("This platform only; may be repeated.")
    ] = ()

    calls_per_second: Annotated[float, _how("Calls per second and Inbox; Meta documents 2. 0: no pacing.")] = 2.0
    max_wait: Annotated[
        float | None, _how("Give an Inbox up where its next call is allowed later than in so many seconds.")
    ] = None
    give_up_after: Annotated[
        float | None, _how("Seconds after which a call that keeps failing is given up; 3600 by itself.")
    ] = None
    base_url: Annotated[str, _how(f"Where Graph is: https, or http on this machine only. {GRAPH} by itself.")] = GRAPH
    instagram_url: Annotated[
        str | None,
        _how("Where graph.instagram.com is, in the same way; by itself where --base-url says, if given."),
    ] = None
    api_version: Annotated[str, _how(f"Version of the Graph API; {DEFAULT_API_VERSION} by itself.")] = (
        DEFAULT_API_VERSION
    )

    verbose: Annotated[
        bool, Parameter(name=["--verbose", "-v"], help="Tell more on stderr: every wait and retry.", group=_TELL)
    ] = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"], help="Tell only what failed on stderr.", group=_TELL)] = (
        False
    )


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class InboxOptions(ReadOptions):
    """The same, and what to ask of each Inbox."""

    folder: Annotated[str | None, _what(f"Messenger's folder: {', '.join(FOLDERS)}; or all of them.")] = None
    user_id: Annotated[str | None, _what("Threads with this person only: their page-scoped id.")] = None
    fields: Annotated[
        str | None, _what("Fields in Graph's own words, a,b{c}; id and updated_time always come along.")
    ] = None
    threads_per_call: Annotated[
        int | None, _what("Threads to ask for in one call; 100 on Messenger and 25 on Instagram by itself.")
    ] = None
    no_settle: Annotated[bool, _what("Do not read the head of an Inbox again for threads that moved meanwhile.")] = (
        False
    )

    fail_fast: Annotated[bool, _how("End with the first Inbox that fails.")] = False
    connections: Annotated[int, _how("Calls under way at once, at most; 512 by itself.")] = 512


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class CallOptions(InboxOptions):
    """Those of the verbs that put out what they read."""

    messages: Annotated[int, _what("Newest messages of each thread to bring along; none by itself.")] = 0


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class SyncOptions(InboxOptions):
    """Those of the verb that keeps what it reads."""

    messages: Annotated[
        str,
        _what("Messages to keep: none, the newest N of each thread listed, or all, a call a thread; none by itself."),
    ] = "none"


NOTHING_SAID: Final = CallOptions()
NOTHING_SAID_TO_SYNC: Final = SyncOptions()
READ_AS_EVER: Final = ReadOptions()


@dataclass(frozen=True)
class Order:
    """What the options mean: checked whole before any call, so that nothing is refused later for how it was typed."""

    options: InboxOptions
    pages: list[Page]
    platforms: tuple[Platform, ...]
    inboxes: list[Inbox]
    query: ThreadQuery


def order_of(options: InboxOptions) -> Order:
    """Read the options. Ends the run with a sentence where one of them cannot be followed."""
    if options.verbose and options.quiet:
        refuse("--verbose and --quiet are opposites: give one of them")
    for option, value, least in (
        ("--threads-per-call", options.threads_per_call, 1),
        ("--calls-per-second", options.calls_per_second, 0),
        ("--max-wait", options.max_wait, 0),
        ("--give-up-after", options.give_up_after, 0),
        ("--connections", options.connections, 1),
        ("--messages", _messages(options), 0),
    ):
        if value is not None and not least <= value <= _MOST:
            refuse(f"{option} takes a number from {least} up to {_MOST}")
    check_addresses(options)
    query = _query(options)
    pages = _pages(options)
    platforms = tuple(map(Platform, options.platform)) or tuple(Platform)
    inboxes = [Inbox(page.id, platform) for page in pages for platform in page.platforms if platform in platforms]
    if not inboxes:
        refuse(f"none of these Pages is on {' or '.join(platforms)}")
    return Order(options, pages, platforms, inboxes, query)


# -- which Pages -------------------------------------------------------------------------------------------------------


def _pages(options: InboxOptions) -> list[Page]:
    """The Pages of the pages file, or the one that --page names."""
    if options.page is not None and not is_id(options.page):
        refuse("--page: the id of a Page is written in digits")
    if options.pages is None:
        if options.page is None:
            refuse("say which Pages: --pages FILE, or --page ID with its token in CONVERSATIONS_TOKEN")
        return [_page_of_environment(options.page)]
    pages = read_pages(options.pages)
    if options.page is None:
        return pages
    chosen = [page for page in pages if page.id == options.page]
    if not chosen:
        refuse(f"{options.pages}: holds no Page {options.page}")
    return chosen


def _page_of_environment(page_id: str) -> Page:
    own = f"{_TOKEN_VARIABLE}_{page_id}"
    name = next((each for each in (own, _TOKEN_VARIABLE) if os.environ.get(each, "").strip()), None)
    if name is None:
        refuse(f"--page {page_id}: put its token into the environment variable {own} or {_TOKEN_VARIABLE}")
    try:
        return Page(page_id, os.environ[name].strip())
    except ValueError as error:
        refuse(f"{name}: {error}")


# -- what to ask -------------------------------------------------------------------------------------------------------


def _query(options: InboxOptions) -> ThreadQuery:
    """What to ask of each Inbox."""
    folders = (*FOLDERS, "all")
    if options.folder is not None and options.folder not in folders:
        refuse(f"--folder takes one of {', '.join(folders)}{near(options.folder, folders)}")
    if options.user_id is not None and not is_id(options.user_id):
        refuse("--user-id: a page-scoped id is written in digits")
    try:
        return ThreadQuery(
            folder=options.folder,
            user_id=options.user_id,
            fields=",".join(DEFAULT_FIELDS) if options.fields is None else options.fields,
            messages=_messages(options),
            threads_per_call=options.threads_per_call,
        )
    except ValueError:
        refuse("--fields takes field names in Graph's own words, such as id,snippet,participants{name}")


def _messages(options: InboxOptions) -> int:
    """How many messages a listing brings along; a sync says that by itself."""
    return options.messages if isinstance(options, CallOptions) else 0


def check_addresses(options: InboxOptions) -> None:
    """Refuse a version or a URL that no session would be made with."""
    if not re.fullmatch(r"v[0-9]{1,3}\.[0-9]{1,3}", options.api_version):
        refuse(f"--api-version is written like {DEFAULT_API_VERSION}")
    _check_url("--base-url", options.base_url)
    if options.instagram_url is not None:
        _check_url("--instagram-url", options.instagram_url)


def _check_url(option: str, url: str) -> None:
    if url == GRAPH:
        return
    from conversations_async.transport import checked_base_url

    try:
        checked_base_url(url)
    except ValueError as error:
        refuse(str(error).replace("base_url", option, 1))


# -- how to call -------------------------------------------------------------------------------------------------------


def session_of(
    options: InboxOptions,
    *,
    on_event: "Callable[[Event], None] | None" = None,
    limits: "LimitPolicy | None" = None,
    retry: "RetryPolicy | None" = None,
) -> "ConversationSession":
    """A session as the options want it, `limits` and `retry` apart where given; not entered yet."""
    from conversations_async import ConversationSession, LimitPolicy

    return ConversationSession(
        base_url=options.base_url,
        instagram_url=options.instagram_url,
        api_version=options.api_version,
        limits=limits or LimitPolicy(calls_per_second=options.calls_per_second),
        retry=retry or _patience(options),
        connections=options.connections,
        on_event=on_event,
    )


def _patience(options: InboxOptions) -> "RetryPolicy":
    """A job's, ended by --give-up-after; 0 means that nothing is tried twice."""
    from conversations_async import RetryPolicy

    if options.give_up_after is None:
        return RetryPolicy.bulk()
    if options.give_up_after == 0:
        return evolve(RetryPolicy.bulk(), tries=1)
    return evolve(RetryPolicy.bulk(), give_up_after=options.give_up_after)
