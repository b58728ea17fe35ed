"""`conversations-async usage`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from conversations_async.access import TokenInfo, why_empty
from conversations_async.cli.endings import status_of
from conversations_async.cli.lines import clean, put, say
from conversations_async.cli.options import NOTHING_SAID, CallOptions, Order, order_of
from conversations_async.model import Inbox, Page, ThreadQuery, Usage

if TYPE_CHECKING:
    from rich.table import Table

    from conversations_async.cli.telling import Teller
    from conversations_async.session import ConversationSession

_AT_ONCE: Final = 16


@frozen
class Standing:
    """How one Inbox stands with Meta: `closed_for` is the seconds that a refusal keeps it closed."""

    inbox: Inbox
    usage: Usage | None
    refused: int | None = None
    closed_for: float | None = None
    token: TokenInfo | None = None
    """What Meta says of the token; asked with --verbose only."""
    empty: tuple[str, ...] = ()
    """Why the Inbox may be empty, where it is."""


def usage(*, options: CallOptions = NOTHING_SAID) -> int:
    """Show how each Inbox stands with Meta's limits, by one cheap call to each.

    A table on a terminal, JSON lines elsewhere: percent of each pool, and the seconds until a closed one opens.
    An Inbox that is empty is told of on stderr with what to check. With --verbose Meta is asked about each token too:
    its expiry, the permissions it lacks, and which causes of an empty Inbox that leaves.
    """
    order = order_of(options)

    import asyncio

    standings, failed = asyncio.run(_ask_all(order))
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(_table(standings))
    else:
        for standing in standings:
            put(_line(standing))
    for standing in standings:
        _explain(standing, verbose=options.verbose, quiet=options.quiet)
    return status_of(failed, len(order.inboxes))


async def _ask_all(order: Order) -> tuple[list[Standing], int]:
    """The standing of every Inbox that answered, in the order given, and how many did not."""
    import asyncio

    from conversations_async.cli.telling import Teller, log_to_stderr

    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller = Teller(verbose=options.verbose, quiet=True)
    wanted = set(order.inboxes)
    to_ask = iter([(page, Inbox(page.id, each)) for page in order.pages for each in page.platforms])
    found: dict[Inbox, Standing] = {}

    async def ask_some() -> None:
        for page, inbox in to_ask:
            if inbox in wanted and (standing := await _ask(order, page, inbox, teller)) is not None:
                found[inbox] = standing

    async with asyncio.TaskGroup() as group:
        for number in range(min(_AT_ONCE, options.connections, len(wanted))):
            group.create_task(ask_some(), name=f"conversations-async usage {number}")
    return [found[inbox] for inbox in order.inboxes if inbox in found], len(wanted) - len(found)


async def _ask(order: Order, page: Page, inbox: Inbox, teller: "Teller") -> Standing | None:
    """One call. A refusal by a limit is an answer here; any other failure is told, and gives None."""
    from contextlib import aclosing

    from conversations_async.cli.options import session_of
    from conversations_async.errors import InboxErrors, RateLimited
    from conversations_async.retry import RetryPolicy

    # With one connection a listing asks for its second thread page only when the first has been taken.
    session = session_of(order.options, retry=RetryPolicy(tries=1), connections=1)
    async with session:
        listing = session.thread_pages(
            [page],
            platforms=[inbox.platform],
            query=ThreadQuery(fields="id", threads_per_call=1),
            settle=False,
            max_wait=order.options.max_wait,
        )
        try:
            async with aclosing(listing):
                async for answer in listing:
                    info = await _ask_about_token(session, page, order.options)
                    empty = why_empty(page, inbox, info) if not answer.threads and not answer.more else ()
                    return Standing(inbox, answer.usage, token=info, empty=empty)
        except InboxErrors as errors:
            failure = errors.failures[0]
            if isinstance(failure.cause, RateLimited):
                return Standing(inbox, session.usage(inbox), failure.cause.code, failure.cause.retry_after)
            teller.tell_failure(inbox, failure)
    return None


async def _ask_about_token(session: "ConversationSession", page: Page, options: CallOptions) -> TokenInfo | None:
    """None where nobody wants to know, or Meta does not tell: the Inbox did answer, so that is no failure."""
    from conversations_async.errors import ConversationsError

    if not options.verbose:
        return None
    try:
        return await session.explain_token(page, max_wait=options.max_wait)
    except ConversationsError as error:
        say(f"Page {page.id}: Meta does not explain its token: {error}")
        return None


def _explain(standing: Standing, *, verbose: bool, quiet: bool) -> None:
    """What there is to say of a token and of an empty Inbox, as sentences on stderr."""
    inbox, info = standing.inbox, standing.token
    if verbose and info is not None:
        if not info.valid:
            until = f"not valid ({info.reason or 'no reason given'})"
        elif info.expires_at is not None:
            until = f"valid until {info.expires_at.isoformat()}"
        else:
            until = "valid, with no date of expiry told"
        missing = info.missing(inbox.platform)
        lacks = f"it lacks {', '.join(missing)}" if missing else "it lacks no permission"
        say(f"{inbox}: the token is {until}; {lacks if info.scopes is not None else 'its permissions are not told'}")
    if standing.empty and not quiet:
        say(f"{inbox}: empty. {'; '.join(standing.empty)}.")


def _token_line(info: TokenInfo, inbox: Inbox) -> dict[str, Any]:
    return {
        "valid": info.valid,
        "expires_at": None if info.expires_at is None else info.expires_at.isoformat(),
        "scopes": None if info.scopes is None else list(info.scopes),
        "missing": list(info.missing(inbox.platform)),
        "instagram_id": info.instagram_id,
    }


def _line(standing: Standing) -> dict[str, Any]:
    """`percent` is the fullest pool; None where Meta said nothing, as it does below some usage."""
    said = standing.usage
    more: dict[str, Any] = {}
    if standing.token is not None:
        more["token"] = _token_line(standing.token, standing.inbox)
    if standing.empty:
        more["empty"] = list(standing.empty)
    return {
        "page_id": standing.inbox.page_id,
        "platform": standing.inbox.platform.value,
        "percent": None if said is None else said.percent,
        "regain_after": standing.closed_for if said is None else max(said.regain_after, standing.closed_for or 0.0),
        "refused": standing.refused,
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
        **more,
    }


def _table(standings: list[Standing]) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for name in ("Page", "Platform", "Pool"):
        table.add_column(name, no_wrap=True)
    for name in ("Calls", "CPU", "Time", "Opens in"):
        table.add_column(name, justify="right", no_wrap=True)
    for standing in standings:
        inbox = standing.inbox
        for pool, *cells, fullest in _cells(standing):
            colour = "red" if fullest >= 100 else "yellow" if fullest >= 75 else ""
            table.add_row(
                inbox.page_id, inbox.platform.value, clean(pool), *(Text(cell, style=colour) for cell in cells)
            )
    return table


def _cells(standing: Standing) -> Iterator[tuple[Any, ...]]:
    closed = standing.closed_for or 0.0
    if standing.usage is None or not standing.usage.pools:
        said = "nothing said" if standing.refused is None else f"refused, code {standing.refused}"
        yield said, "", "", "", f"{closed:.0f} s" if closed else "", 100.0 if standing.refused else 0.0
        return
    for pool in standing.usage.pools:
        opens = max(pool.regain_after, closed)
        percents = (f"{value:.0f} %" for value in (pool.call_count, pool.total_cputime, pool.total_time))
        yield pool.kind, *percents, f"{opens:.0f} s" if opens else "", 100.0 if standing.refused else pool.percent
