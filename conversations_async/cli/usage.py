"""`conversations-async usage`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from conversations_async.cli.endings import status_of
from conversations_async.cli.lines import clean, put
from conversations_async.cli.options import NOTHING_SAID, CallOptions, Order, order_of
from conversations_async.model import Inbox, Page, ThreadQuery, Usage

if TYPE_CHECKING:
    from rich.table import Table

    from conversations_async.cli.telling import Teller
    from conversations_async.errors import RateLimited

_AT_ONCE: Final = 16
_NEARLY_FULL: Final = 75.0
_FULL: Final = 100.0


@frozen
class Standing:
    """How one Inbox stands with Meta."""

    inbox: Inbox
    usage: Usage | None
    refusal: "RateLimited | None" = None


def usage(*, options: CallOptions = NOTHING_SAID) -> int:
    """Show how each Inbox stands with Meta's limits, by one cheap call to each.

    A table on a terminal, JSON lines elsewhere: percent of each pool, and the seconds until a closed one opens.
    """
    order = order_of(options)

    import asyncio

    standings, failed = asyncio.run(_ask_all(order))
    if sys.stdout.isatty():
        from rich.console import Console

        Console(highlight=False).print(standings_table(standings))
    else:
        for standing in standings:
            put(standing_line(standing))
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
                    return Standing(inbox, answer.usage)
        except InboxErrors as errors:
            failure = errors.failures[0]
            if isinstance(failure.cause, RateLimited):
                return Standing(inbox, session.usage(inbox), failure.cause)
            teller.tell_failure(inbox, failure)
    return None


def standing_line(standing: Standing) -> dict[str, Any]:
    """`percent` is the fullest pool, None where Meta said nothing, as it does below some usage; `refused` the code."""
    said, refusal = standing.usage, standing.refusal
    waits = [said.regain_after] if said is not None else []
    if refusal is not None and refusal.retry_after is not None:
        waits.append(refusal.retry_after)
    return {
        "page_id": standing.inbox.page_id,
        "platform": standing.inbox.platform.value,
        "percent": None if said is None else said.percent,
        "regain_after": max(waits, default=None),
        "refused": None if refusal is None else refusal.code,
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
    }


def standings_table(standings: list[Standing]) -> "Table":
    """The same for a person: a row for each pool, and one for a refusal."""
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


def _rows(standing: Standing) -> Iterator[tuple[float, tuple[str, ...]]]:
    """How full, and the cells behind whose it is."""
    refusal, pools = standing.refusal, () if standing.usage is None else standing.usage.pools
    if refusal is not None:
        yield _FULL, (f"refused, code {refusal.code}", "", "", "", _seconds(refusal.retry_after))
    elif not pools:
        yield 0.0, ("nothing said", "", "", "", "")
    for pool in pools:
        used = (f"{value:.0f} %" for value in (pool.call_count, pool.total_cputime, pool.total_time))
        yield pool.percent, (pool.kind, *used, _seconds(pool.regain_after))


def _seconds(value: float | None) -> str:
    return f"{value:.0f} s" if value else ""
