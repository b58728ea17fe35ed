"""A listing as JSON lines: what `threads` and `find` have in common."""

import os
import stat
import sys
from contextlib import aclosing, nullcontext
from typing import Any, TextIO

from attrs import frozen

from conversations_async.cli.lines import as_plain_json, put
from conversations_async.cli.options import Order, session_of
from conversations_async.cli.progress import Board, State, drawn, one_line
from conversations_async.cli.telling import Teller, log_to_stderr
from conversations_async.errors import AnswerUnreadable, InboxErrors, InboxFailed
from conversations_async.events import Event
from conversations_async.model import Inbox, Thread, UnavailableThread


@frozen
class Listed:
    """How a listing went."""

    threads: int
    complete: int
    """Inboxes listed to their end."""
    failed: tuple[Inbox, ...]
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
    if isinstance(thread, UnavailableThread):
        line["unavailable"] = True
    for name, value in raw.items():
        if name not in line and name != "paging":
            line[name] = as_plain_json(value)
    _mark_unavailable(thread, line)
    return line


def _mark_unavailable(thread: Thread, line: dict[str, Any]) -> None:
    """The messages that Meta tells the ids of only, as the verb `messages` marks them."""
    beyond = {message.id for message in thread.messages if message.unavailable}
    listed = line.get("messages")
    if beyond and isinstance(listed, list):
        line["messages"] = [
            {**each, "unavailable": True} if isinstance(each, dict) and each.get("id") in beyond else each
            for each in listed
        ]


def put_thread(thread: Thread) -> bool:
    """A thread on stdout. False where it is nested too deep to be written: then only its head is."""
    line = thread_line(thread)
    try:
        put(line)
    except RecursionError:
        put({name: each for name, each in list(line.items())[:4] if isinstance(each, str)})
        return False
    return True


def _goes_to_a_file(stream: TextIO) -> bool:
    """On a terminal the lines show by themselves how it goes on; behind a pipe, somebody else may write to it."""
    try:
        return stat.S_ISREG(os.fstat(stream.fileno()).st_mode)
    except (OSError, ValueError):
        return False


async def put_threads(order: Order) -> Listed:
    """Every thread on stdout as it comes; every Inbox that failed on stderr."""
    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller, board = Teller(verbose=options.verbose, quiet=options.quiet), Board.of(order.inboxes)

    def hear(event: Event) -> None:
        board.feed(event)
        teller.hear(event)

    threads, failures = 0, tuple[InboxFailed, ...]()
    cut_short: dict[Inbox, AnswerUnreadable] = {}
    watched = not options.quiet and sys.stderr.isatty() and _goes_to_a_file(sys.stdout)
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
                    if not put_thread(thread):
                        too_deep = AnswerUnreadable("nested too deep for a JSON line", thread.id, thread.inbox)
                        cut_short.setdefault(thread.inbox, too_deep)
                    threads += 1
        except InboxErrors as errors:
            failures = errors.failures
        except InboxFailed as failure:
            failures = (failure,)
    for failed in failures:
        teller.tell_failure(failed.inbox, failed)
    for inbox, error in cut_short.items():
        teller.tell_failure(inbox, error)
    complete = sum(row.state is State.COMPLETE and row.inbox not in cut_short for row in board.rows.values())
    failed_inboxes = {failed.inbox: None for failed in failures} | dict.fromkeys(cut_short)
    return Listed(threads, complete, tuple(failed_inboxes), teller)
