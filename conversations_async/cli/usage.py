"""`conversations-async usage`."""

import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from conversations_async.cli.endings import status_of
from conversations_async.cli.lines import clean, put
from conversations_async.cli.options import NOTHING_SAID, CallOptions, Order, order_of
from conversations_async.model import Inbox, Page, ThreadQuery

if TYPE_CHECKING:
    from rich.table import Table

    from conversations_async import ConversationSession, Standing
    from conversations_async.cli.telling import Teller
    from conversations_async.errors import WaitTooLong

_AT_ONCE: Final = 16
_PATIENCE: Final = 1.0
"""Seconds to wait for a pool that is closed: one that stays closed is what is to be shown."""
_NEARLY_FULL: Final = 75.0
_FULL: Final = 100.0


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


async def _ask_all(order: Order) -> tuple[list["Standing"], int]:
    """The standing of every Inbox that answered, in the order given, and how many did not."""
    import asyncio

    from conversations_async import LimitPolicy, RetryPolicy
    from conversations_async.cli.options import session_of
    from conversations_async.cli.telling import Teller, log_to_stderr

    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller = Teller(verbose=options.verbose, quiet=True)
    wanted = set(order.inboxes)
    to_ask = iter([(page, Inbox(page.id, each)) for page in order.pages for each in page.platforms])
    answered: set[Inbox] = set()
    # Once a second: by the time an Inbox's second call could go out, its listing has ended.
    session = session_of(options, limits=LimitPolicy(calls_per_second=1.0), retry=RetryPolicy(tries=1))

    async def ask_some() -> None:
        for page, inbox in to_ask:
            if inbox in wanted and await _answers(session, page, inbox, order, teller):
                answered.add(inbox)

    async with session:
        async with asyncio.TaskGroup() as group:
            for number in range(min(_AT_ONCE, options.connections, len(wanted))):
                group.create_task(ask_some(), name=f"conversations-async usage {number}")
        # After the last answer, since what one Inbox was told may concern the others.
        standings = [session.standing(inbox) for inbox in order.inboxes if inbox in answered]
    return standings, len(wanted) - len(answered)


async def _answers(session: "ConversationSession", page: Page, inbox: Inbox, order: Order, teller: "Teller") -> bool:
    """One call. A limit that refuses it, or holds it back, is an answer here; any other failure is told."""
    from contextlib import aclosing

    from conversations_async.errors import InboxErrors, RateLimited, WaitTooLong

    max_wait = order.options.max_wait
    listing = session.thread_pages(
        [page],
        platforms=[inbox.platform],
        query=ThreadQuery(fields="id", threads_per_call=1),
        settle=False,
        max_wait=_PATIENCE if max_wait is None else max_wait,
    )
    try:
        async with aclosing(listing):
            async for _ in listing:
                break
    except InboxErrors as errors:
        failure = errors.failures[0]
        held_back = isinstance(failure.cause, WaitTooLong) and _is_metas(failure.cause)
        if not (held_back or isinstance(failure.cause, RateLimited)):
            teller.tell_failure(inbox, failure)
            return False
    return True


def _is_metas(held_back: "WaitTooLong") -> bool:
    """Whether a limit of Meta's holds the call back, and not a host that does not answer."""
    return held_back.pool is not None and held_back.pool.kind != "host"


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
