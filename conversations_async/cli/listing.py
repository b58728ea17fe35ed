"""A listing as JSON lines: what `threads` and `find` have in common."""

import sys
from contextlib import aclosing, nullcontext
from typing import Any

from attrs import frozen

from conversations_async.cli.lines import as_plain_json, put
from conversations_async.cli.options import Order, session_of
from conversations_async.cli.progress import Board, drawn, one_line
from conversations_async.cli.telling import Teller, log_to_stderr
from conversations_async.errors import InboxErrors, InboxFailed
from conversations_async.events import Event
from conversations_async.model import Thread


@frozen
class Listed:
    """How a listing went."""

    threads: int
    failed: int
    teller: Teller


def thread_line(thread: Thread) -> dict[str, Any]:
    """A thread as JSON: whose it is, then its fields under Graph's names, nested edges as lists, times with +00:00."""
    raw, moment = thread.raw, thread.updated_time
    line: dict[str, Any] = {
        "page_id": thread.page_id,
        "platform": thread.platform.value,
        "id": thread.id,
        "updated_time": as_plain_json(raw.get("updated_time")) if moment is None else moment.isoformat(),
    }
    if thread.found_in is not None:
        line["found_in"] = thread.found_in
    for name, value in raw.items():
        if name not in line and name != "paging":
            line[name] = as_plain_json(value)
    return line


async def put_threads(order: Order) -> Listed:
    """Every thread on stdout as it comes; every Inbox that failed on stderr."""
    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller, board = Teller(verbose=options.verbose, quiet=options.quiet), Board.of(order.inboxes)

    def hear(event: Event) -> None:
        board.feed(event)
        teller.hear(event)

    threads, failures = 0, tuple[InboxFailed, ...]()
    # Where the lines go to the same terminal, they show by themselves how it goes on.
    watched = sys.stderr.isatty() and not sys.stdout.isatty() and not options.quiet
    async with session_of(options, on_event=hear) as session, drawn(board, one_line) if watched else nullcontext():
        listing = session.threads(
            order.pages,
            platforms=order.platforms,
            query=order.query,
            settle=not options.no_settle,
            max_wait=options.max_wait,
            fail_fast=options.fail_fast,
        )
        try:
            async with aclosing(listing):
                async for thread in listing:
                    put(thread_line(thread))
                    threads += 1
        except InboxErrors as errors:
            failures = errors.failures
        except InboxFailed as failure:
            failures = (failure,)
    for failed in failures:
        teller.tell_failure(failed.inbox, failed)
    return Listed(threads, len(failures), teller)
