"""`conversations-async usage`."""

import sys
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

from attrs import frozen

from conversations_async.access import TokenInfo, why_empty
from conversations_async.cli.endings import status_of
from conversations_async.cli.lines import clean, put, say
from conversations_async.cli.options import NOTHING_SAID, CallOptions, InboxOptions, Order, order_of
from conversations_async.pages import Inbox, Page
from conversations_async.query import ThreadQuery

if TYPE_CHECKING:
    from rich.table import Table

    from conversations_async import ConversationSession, Standing
    from conversations_async.cli.telling import Teller
    from conversations_async.errors import WaitTooLong
    from conversations_async.model import ThreadPage

_T = TypeVar("_T")

_AT_ONCE: Final = 16
_PATIENCE: Final = 1.0
"""Seconds to wait for a pool that is closed: one that stays closed is what is to be shown."""
_NEARLY_FULL: Final = 75.0
_FULL: Final = 100.0


@frozen
class _Told:
    """What there is to tell of one Inbox."""

    standing: "Standing"
    token: TokenInfo | None = None
    """What Meta says of the token; asked with --verbose only."""
    empty: tuple[str, ...] = ()
    """Why the Inbox may be empty, where it is."""


def usage(*, options: CallOptions = NOTHING_SAID) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    order = order_of(options)

    import asyncio

    found, failed = asyncio.run(_ask_all(order))
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(standings_table([told.standing for told in found]))
    else:
        for told in found:
            put(_line(told))
    for told in found:
        _explain(told, verbose=options.verbose, quiet=options.quiet)
    return status_of(failed, len(order.inboxes))


async def _ask_all(order: Order) -> tuple[list[_Told], int]:
    """What is to be told of every Inbox that answered, in the order given, and how many did not."""
    from conversations_async import LimitPolicy, RetryPolicy
    from conversations_async.cli.options import session_of
    from conversations_async.cli.telling import Teller, log_to_stderr

    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller = Teller(verbose=options.verbose, quiet=True)
    wanted = set(order.inboxes)
    of_inboxes = {Inbox(page.id, each): page for page in order.pages for each in page.platforms}
    answered: dict[Inbox, ThreadPage | None] = {}
    tokens: dict[str, TokenInfo | None] = {}
    # Once a second: by the time an Inbox's second call could go out, its listing has ended.
    session = session_of(options, limits=LimitPolicy(calls_per_second=1.0), retry=RetryPolicy(tries=1))

    lacking: list[Inbox] = []

    async def ask(inbox: Inbox) -> None:
        heard, answer = await _answer(session, of_inboxes[inbox], inbox, order, teller, lacking)
        if heard:
            answered[inbox] = answer

    async def explain(page: Page) -> None:
        tokens[page.id] = await _ask_about_token(session, page, options)

    async with session:
        await _each([inbox for inbox in of_inboxes if inbox in wanted], ask, options)
        if options.verbose:
            # Behind the listings: one that is kept waiting would make its second call. A refused one asks no more.
            open_to_all = [inbox for inbox, answer in answered.items() if answer is not None]
            pages = {inbox.page_id: of_inboxes[inbox] for inbox in [*open_to_all, *lacking]}
            await _each(list(pages.values()), explain, options)
            for inbox in lacking:
                _explain_token(inbox, tokens.get(inbox.page_id))
        # After the last answer, since what one Inbox was told may concern the others.
        found = []
        for inbox in order.inboxes:
            if inbox in answered:
                answer = answered[inbox]
                token = tokens.get(inbox.page_id) if answer is not None else None
                empty = answer is not None and not answer.threads and not answer.more
                causes = why_empty(of_inboxes[inbox], inbox, token) if empty else ()
                found.append(_Told(session.standing(inbox), token, causes))
    return found, len(wanted) - len(answered)


async def _each(items: list[_T], ask: Callable[[_T], Awaitable[None]], options: InboxOptions) -> None:
    """Ask about all, some at once."""
    import asyncio

    to_ask = iter(items)

    async def ask_some() -> None:
        for item in to_ask:
            await ask(item)

    async with asyncio.TaskGroup() as group:
        for number in range(min(_AT_ONCE, options.connections, len(items))):
            group.create_task(ask_some(), name=f"conversations-async usage {number}")


async def _answer(
    session: "ConversationSession",
    page: Page,
    inbox: Inbox,
    order: Order,
    teller: "Teller",
    lacking: list[Inbox],
) -> "tuple[bool, ThreadPage | None]":
    """One call. A limit that refuses it, or holds it back, is an answer here; any other failure is told.

    Whether there is an answer, and the thread page where Meta gave one. Into `lacking` goes an Inbox that is refused
    for want of a permission: Meta seldom names which.
    """
    from contextlib import aclosing

    from conversations_async.errors import InboxErrors, PermissionMissing, RateLimited, WaitTooLong

    listing = session.thread_pages(
        [page],
        platforms=[inbox.platform],
        query=ThreadQuery(fields="id", threads_per_call=1),
        settle=False,
        max_wait=_max_wait(order.options),
    )
    try:
        async with aclosing(listing):
            async for answer in listing:
                return True, answer
    except InboxErrors as errors:
        failure = errors.failures[0]
        held_back = isinstance(failure.cause, WaitTooLong) and _is_metas(failure.cause)
        if not (held_back or isinstance(failure.cause, RateLimited)):
            teller.tell_failure(inbox, failure)
            if isinstance(failure.cause, PermissionMissing):
                lacking.append(inbox)
            return False, None
    return True, None


def _max_wait(options: InboxOptions) -> float:
    return _PATIENCE if options.max_wait is None else options.max_wait


async def _ask_about_token(session: "ConversationSession", page: Page, options: InboxOptions) -> TokenInfo | None:
    """None where Meta does not tell: the Inbox did answer, so that is no failure."""
    from conversations_async.errors import ConversationsError

    try:
        return await session.explain_token(page, max_wait=_max_wait(options))
    except ConversationsError as error:
        say(f"Page {page.id}: Meta does not explain its token: {error}")
        return None


def _explain(told: _Told, *, verbose: bool, quiet: bool) -> None:
    """What there is to say of a token and of an empty Inbox, as sentences on stderr."""
    inbox = told.standing.inbox
    if verbose:
        _explain_token(inbox, told.token)
    if told.empty and not quiet:
        say(f"{inbox}: empty. {'; '.join(told.empty)}.")


def _explain_token(inbox: Inbox, info: TokenInfo | None) -> None:
    if info is None:
        return
    if not info.valid:
        until = f"not valid ({info.reason or 'no reason given'})"
    elif info.expires_at is not None:
        until = f"valid until {info.expires_at.isoformat()}"
    else:
        until = "valid, with no date of expiry told"
    if info.valid and info.data_access_expires_at is not None:
        until += f", and reads people's data until {info.data_access_expires_at.isoformat()}"
    missing = info.missing(inbox.platform)
    lacks = f"it lacks {', '.join(missing)}" if missing else "it lacks no permission"
    say(f"{inbox}: the token is {until}; {lacks if info.scopes is not None else 'its permissions are not told'}")


def _is_metas(held_back: "WaitTooLong") -> bool:
    """Whether a limit of Meta's holds the call back, and not a host that does not answer."""
    return held_back.pool is not None and held_back.pool.kind != "host"


def _line(told: _Told) -> dict[str, Any]:
    """The standing, and behind it the token and why the Inbox is empty where that is known."""
    line = standing_line(told.standing)
    if told.token is not None:
        line["token"] = _token_line(told.token, told.standing.inbox)
    if told.empty:
        line["empty"] = list(told.empty)
    return line


def _token_line(info: TokenInfo, inbox: Inbox) -> dict[str, Any]:
    return {
        "valid": info.valid,
        "expires_at": _moment(info.expires_at),
        "data_access_expires_at": _moment(info.data_access_expires_at),
        "scopes": None if info.scopes is None else list(info.scopes),
        "missing": list(info.missing(inbox.platform)),
        "instagram_id": info.instagram_id,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def standing_line(standing: "Standing") -> dict[str, Any]:
    """`percent` is the fullest pool, None where Meta said nothing, as it does below some usage.

    `next_call_in` is None where it hangs on the outcome of a call, and 0 where no pool is closed or nearly full.
    """
    said = standing.usage
    return {
        "page_id": standing.inbox.page_id,
        "platform": standing.inbox.platform.value,
        "next_call_in": _next_call_in(standing),
        "calls": standing.calls,
        "percent": None if said is None else said.percent,
        "regain_after": None if said is None else said.regain_after,
        "pools": [
            {
                "kind": pool.kind,
                "id": pool.id,
                "call_count": pool.call_count,
                "total_cputime": pool.total_cputime,
                "total_time": pool.total_time,
                "regain_after": pool.regain_after,
            }
            for pool in (said.pools if said is not None else ())
        ],
        "closed": [
            {"kind": each.pool.kind, "id": each.pool.id, "seconds": each.seconds, "code": each.code}
            for each in standing.closed
        ],
        "eased": [
            {"kind": each.pool.kind, "id": each.pool.id, "percent": each.percent, "spacing": each.spacing}
            for each in standing.eased
        ],
    }


def _next_call_in(standing: "Standing") -> float | None:
    """Without this run's own pace, which is slower than a listing's."""
    return standing.next_call_in if standing.closed or standing.eased else 0.0


def standings_table(standings: list["Standing"]) -> "Table":
    """The same for a person: a row for each pool, and one for each that is closed or eased."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for name in ("Page", "Platform", "Pool"):
        table.add_column(name, no_wrap=True)
    for name in ("Calls", "CPU", "Time", "Opens in"):
        table.add_column(name, justify="right", no_wrap=True)
    for standing in standings:
        for percent, cells in _rows(standing):
            colour = "red" if percent >= _FULL else "yellow" if percent >= _NEARLY_FULL else ""
            whose = (standing.inbox.page_id, standing.inbox.platform.value)
            table.add_row(*whose, *(Text(clean(cell), style=colour) for cell in cells))
    return table


def _rows(standing: "Standing") -> Iterator[tuple[float, tuple[str, ...]]]:
    """How full, and the cells behind whose it is."""
    pools = () if standing.usage is None else standing.usage.pools
    for closed in standing.closed:
        code = "" if closed.code is None else f", code {closed.code}"
        opens = "not known" if closed.seconds is None else f"{closed.seconds:.0f} s"
        yield _FULL, (f"{closed.pool.kind}: closed{code}", "", "", "", opens)
    for eased in standing.eased:
        yield eased.percent, (f"{eased.pool.kind}: calls {eased.spacing:.1f} s apart", "", "", "", "")
    for pool in pools:
        used = (f"{value:.0f} %" for value in (pool.call_count, pool.total_cputime, pool.total_time))
        yield pool.percent, (pool.kind, *used, f"{pool.regain_after:.0f} s" if pool.regain_after else "")
    if not (standing.closed or standing.eased or pools):
        yield 0.0, ("nothing said", "", "", "", "")
