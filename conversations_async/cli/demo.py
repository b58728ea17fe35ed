"""`conversations-async demo`."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

from cyclopts import Parameter

from conversations_async.cli.endings import CRASHED, refuse
from conversations_async.cli.lines import counted, say

if TYPE_CHECKING:
    from conversations_async.cli.progress import Board
    from conversations_async.emulator import GraphEmulator
    from conversations_async.events import Event
    from conversations_async.sync import SyncReport
    from conversations_async.view import Written

# Small bites, so that there is something to watch.
THREADS_PER_CALL: Final = 5
MESSAGES: Final = 20
LATENCY: Final = 0.08

_DATABASE: Final = "demo.db"
_PAGE: Final = "demo.html"


def demo(
    *,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help="The directory to write into, made where there is none; by itself a new temporary one.",
        ),
    ] = None,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    import asyncio

    from conversations_async.sync.errors import StoreError, StoreForeign

    try:
        asyncio.run(_show(_place(output)))
    except StoreForeign as error:
        refuse(str(error))
    except StoreError as error:
        say(f"conversations-async: {error}")
        return CRASHED
    return 0


def _place(output: Path | None) -> Path:
    """Where the files go. What somebody else has put there is not written over."""
    import tempfile

    from conversations_async.cli.view import is_ours

    if output is None:
        return Path(tempfile.mkdtemp(prefix="conversations-async-demo-"))
    if output.exists() and not output.is_dir():
        refuse("-o: that is a file; name a directory")
    if (output / _PAGE).exists() and not is_ours(output / _PAGE):
        refuse(f"-o: {output / _PAGE} is there already and was not made by view; name another directory")
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        refuse(f"-o: {output} cannot be made: {(error.strerror or '').lower()}")
    return output


async def _show(place: Path) -> None:
    """Emulator, sync, view."""
    from datetime import UTC, datetime

    from conversations_async.cli.progress import Board
    from conversations_async.emulator import GraphEmulator, World
    from conversations_async.model import Inbox
    from conversations_async.sync import open_reader
    from conversations_async.view import write_view

    world = World.demo()
    board = Board.of(Inbox(page.id, platform) for page in world.pages.values() for platform in page.platforms)
    say(f"Syncing {len(board.rows)} Inboxes of {len(world.pages)} Pages from an emulator of Meta's edge, on this")
    say(f"machine, into {place / _DATABASE}")
    async with GraphEmulator(world, latency=LATENCY, jitter=LATENCY) as graph:
        report = await _sync(graph, board, place / _DATABASE)
    with open_reader(place / _DATABASE) as reader:
        written = write_view(reader, place / _PAGE, name=_DATABASE, now=datetime.now(UTC))
        kept = {tuple(row) for row in reader.rows("SELECT page_id, platform, id FROM threads")}
    _tell_the_ill(board, graph)
    for line in [*_lessons(board, report, written, graph, kept), "", *_what_to_try(place)]:
        sys.stdout.write(f"{line}\n")


async def _sync(graph: "GraphEmulator", board: "Board", database: Path) -> "SyncReport":
    from contextlib import nullcontext

    from conversations_async import ConversationSession, LimitPolicy, Page, ThreadQuery
    from conversations_async.cli.progress import by_page, drawn
    from conversations_async.cli.telling import Teller, log_to_stderr
    from conversations_async.events import InboxEnded
    from conversations_async.sync import SyncJob, open_store

    log_to_stderr(verbose=False, quiet=False)
    pages = [Page(page.id, page.token, page.name, page.platforms) for page in graph.world.pages.values()]
    on_terminal = sys.stderr.isatty()
    teller = Teller()

    def hear(event: "Event") -> None:
        board.feed(event)
        if on_terminal:
            return
        teller.hear(event)
        if isinstance(event, InboxEnded) and event.failure is None:
            say(f"{event.inbox}: {counted(event.threads, 'thread')} in {counted(event.calls, 'call')}")

    # Strict: the learned pace is quicker, but one refusal in ten thousand calls would make this last a minute.
    session = ConversationSession(base_url=graph.base_url, limits=LimitPolicy(strict=True), on_event=hear)
    async with session, open_store(database) as store, drawn(board, by_page) if on_terminal else nullcontext():
        query = ThreadQuery(threads_per_call=THREADS_PER_CALL)
        return await SyncJob(session, store, pages, query=query, messages=MESSAGES).run()


def _tell_the_ill(board: "Board", graph: "GraphEmulator") -> None:
    """A table of the Pages that are ill on purpose."""
    from rich.console import Console

    from conversations_async.cli.progress import summary

    console = Console(highlight=False)
    ill = [inbox for inbox in board.rows if inbox.page_id in graph.world.surprises]
    console.print(summary(board, ill))
    console.print()


def _lessons(
    board: "Board", report: "SyncReport", written: "Written", graph: "GraphEmulator", kept: set[tuple[str, str, str]]
) -> list[str]:
    """What was to be seen, checked against the emulator itself."""
    healthy = [each.inbox for each in report.inboxes if each not in report.failed]
    there = {
        (inbox.page_id, inbox.platform.value, thread.id)
        for inbox in healthy
        for thread in graph.world.threads(inbox.page_id, inbox.platform)
    }
    busiest = max(graph.worst_second(inbox.page_id, inbox.platform) for inbox in board.rows)
    lines = [
        f"Page {page_id}, ill on purpose: {surprise}." for page_id, surprise in sorted(graph.world.surprises.items())
    ]
    return [
        *lines,
        "",
        f"{written.threads:,} threads and {written.messages:,} messages in {board.clock() - board.started:.0f} s.",
        f"The {len(healthy)} healthy Inboxes hold {len(there):,} threads, the database {len(there & kept):,} of them.",
        f"{len(graph.calls)} calls; the busiest second of any Inbox had {busiest}, and Meta allows 2.",
    ]


def _what_to_try(place: Path) -> list[str]:
    database, export = (shlex.quote(str(place / name)) for name in (_DATABASE, "export"))
    return [
        "The database stays; take it elsewhere, or look into it with any SQLite tool:",
        f"  conversations-async export {database} --to jsonl -o {export}",
        "Open this in a browser:",
        f"  {(place / _PAGE).absolute()}",
    ]
