"""`conversations-async demo`."""

import sys
from typing import TYPE_CHECKING, Final

from conversations_async.cli.lines import say

if TYPE_CHECKING:
    from conversations_async.cli.progress import Board
    from conversations_async.emulator import GraphEmulator

# Small bites, so that there is something to watch.
THREADS_PER_CALL: Final = 5
LATENCY: Final = 0.08


def demo() -> int:
    """Watch the Inboxes of 20 Pages being listed from an emulator. Needs no account; takes about 15 seconds.

    One Page has a dead token and one is refused for six seconds, to show that neither disturbs the others.
    """
    import asyncio

    asyncio.run(_show())
    return 0


async def _show() -> None:
    from contextlib import nullcontext

    from rich.console import Console

    from conversations_async import ConversationSession, Inbox, InboxErrors, LimitPolicy, Page, ThreadQuery
    from conversations_async.cli.progress import Board, by_page, drawn, summary
    from conversations_async.cli.telling import Teller, log_to_stderr
    from conversations_async.emulator import GraphEmulator, World
    from conversations_async.events import Event, InboxEnded

    log_to_stderr(verbose=False, quiet=False)
    world = World.demo()
    pages = [Page(page.id, page.token, page.name, page.platforms) for page in world.pages.values()]
    board = Board.of(Inbox(page.id, platform) for page in pages for platform in page.platforms)
    teller = Teller()
    on_terminal = sys.stderr.isatty()

    def hear(event: Event) -> None:
        board.feed(event)
        if on_terminal:
            return
        teller.hear(event)
        if isinstance(event, InboxEnded) and event.failure is None:
            say(f"{event.inbox}: {event.threads} threads in {event.calls} calls")

    say(f"Listing {len(board.rows)} Inboxes of {len(pages)} Pages from an emulator of Meta's edge, on this machine.")
    async with GraphEmulator(world, latency=LATENCY, jitter=LATENCY) as graph:
        # Strict: the learned pace is quicker, but one refusal in ten thousand calls would make this last a minute.
        session = ConversationSession(base_url=graph.base_url, limits=LimitPolicy(strict=True), on_event=hear)
        async with session, drawn(board, by_page) if on_terminal else nullcontext():
            listing = session.threads(pages, query=ThreadQuery(threads_per_call=THREADS_PER_CALL))
            try:
                async for _ in listing:
                    pass
            except InboxErrors:
                pass  # the board has them
        console = Console(highlight=False)
        console.print(summary(board))
        console.print()
        for line in _lessons(board, graph):
            console.print(line, markup=False)


def _lessons(board: "Board", graph: "GraphEmulator") -> list[str]:
    """What was to be seen, counted by the emulator itself."""
    from conversations_async.cli.progress import State

    healthy = [row for row in board.rows.values() if row.state is State.COMPLETE]
    there = sum(len(graph.world.threads(row.inbox.page_id, row.inbox.platform)) for row in healthy)
    busiest = max(graph.worst_second(row.inbox.page_id, row.inbox.platform) for row in board.rows.values())
    ill = ", ".join(f"Page {page_id} ({surprise})" for page_id, surprise in graph.world.surprises.items())
    return [
        f"{sum(row.threads for row in healthy):,} threads listed of {there:,} in the {len(healthy)} healthy Inboxes.",
        f"{len(graph.calls)} calls; the busiest second of any Inbox had {busiest}, and Meta allows 2.",
        f"Ill on purpose: {ill}. So this run counts as a success.",
    ]
