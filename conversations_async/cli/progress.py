"""How a listing goes on: every Inbox's state from the session's events, and a picture of it on a terminal."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import Final

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from conversations_async.cli.lines import clean
from conversations_async.errors import ConversationsError, GraphError
from conversations_async.events import (
    Event,
    GateOpened,
    InboxEnded,
    InboxStarted,
    Refused,
    Retrying,
    Settling,
    ThreadPageRead,
    Waiting,
)
from conversations_async.masking import without_tokens
from conversations_async.model import Inbox, Platform, Pool

_REFRESHES_PER_SECOND: Final = 4
_MOST_ROWS: Final = 20
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


class State(StrEnum):
    """What an Inbox is doing."""

    TO_COME = "to come"
    READING = "reading"
    SETTLING = "settling"
    WAITING = "waiting"
    COMPLETE = "complete"
    FAILED = "failed"


_COLOURS: Final = {
    State.TO_COME: "dim",
    State.READING: "cyan",
    State.SETTLING: "blue",
    State.WAITING: "yellow",
    State.COMPLETE: "green",
    State.FAILED: "red",
}


@define(eq=False)
class InboxRow:
    """One Inbox on the board."""

    inbox: Inbox
    state: State = State.TO_COME
    threads: int = 0
    calls: int = 0
    waited: float = 0.0
    failure: ConversationsError | None = None
    until: float = 0.0
    why: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.state in (State.COMPLETE, State.FAILED)

    @property
    def outcome(self) -> str:
        """In a few words."""
        return self.state.value if self.failure is None else in_short(self.failure)


def in_short(error: ConversationsError) -> str:
    """What happened, without whose Inbox it was and what to do about it."""
    if isinstance(error, GraphError):
        said = f"{error.what} ({error.describe_code()})"
    else:
        words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in type(error).__name__)
        said = words.strip()
    return without_tokens(clean(said))


@define(eq=False)
class Board:
    """All Inboxes of a listing, in the order given."""

    rows: dict[Inbox, InboxRow]
    clock: Callable[[], float] = time.monotonic
    started: float = field(init=False)
    codes: dict[Pool, int | None] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.started = self.clock()

    @classmethod
    def of(cls, inboxes: Iterable[Inbox], clock: Callable[[], float] = time.monotonic) -> "Board":
        """A board on which nothing has happened yet."""
        return cls({inbox: InboxRow(inbox) for inbox in inboxes}, clock)

    def feed(self, event: Event) -> None:
        """Take in what happened."""
        match event:
            case Refused(pool=pool, code=code):
                self.codes[pool] = code
            case GateOpened(pool=pool):
                self.codes.pop(pool, None)
        row = self.rows.get(getattr(event, "inbox", None))  # type: ignore[arg-type]  # None is in no table
        if row is None:
            return
        match event:
            case InboxStarted():
                row.state = State.READING
            case ThreadPageRead(threads=threads, settling=settling):
                row.state = State.SETTLING if settling else State.READING
                row.threads += threads
                row.calls += 1
            case Settling():
                row.state = State.SETTLING
            case Waiting(pool=pool, seconds=seconds):
                self._wait(row, seconds, str(self.codes[pool]) if pool in self.codes else str(pool))
            case Retrying(error=error, seconds=seconds):
                self._wait(row, seconds, in_short(error))
            case InboxEnded(threads=threads, calls=calls, waited=waited, failure=failure):
                row.threads, row.calls, row.waited, row.failure = threads, calls, waited, failure
                row.state = State.COMPLETE if failure is None else State.FAILED

    def _wait(self, row: InboxRow, seconds: float, why: str) -> None:
        row.state, row.until, row.why = State.WAITING, self.clock() + seconds, why

    @property
    def threads(self) -> int:
        """Threads so far."""
        return sum(row.threads for row in self.rows.values())

    def count(self, *states: State) -> int:
        """How many Inboxes are in one of these states."""
        return sum(row.state in states for row in self.rows.values())

    def sum_up(self) -> str:
        """All of it in one line."""
        ended, waiting = self.count(State.COMPLETE, State.FAILED), self.count(State.WAITING)
        parts = [
            f"{ended} of {len(self.rows)} Inboxes done",
            f"{self.threads:,} threads",
            f"{self.clock() - self.started:.0f} s",
        ]
        if waiting:
            parts.insert(2, f"{waiting} waiting")
        if failed := self.count(State.FAILED):
            parts.insert(2, f"{failed} failed")
        return " · ".join(parts)


# -- pictures ----------------------------------------------------------------------------------------------------------


def one_line(board: Board, console: Console) -> RenderableType:
    """The whole listing as one line."""
    return last_line(Text.assemble((_frame(board), "cyan"), " ", board.sum_up()), console)


def last_line(text: Text, console: Console) -> Text:
    """Cut to fit, with room behind it: the `^C` that a terminal writes there must not begin another line."""
    text.no_wrap = True
    text.truncate(max(1, console.width - len("^C^C") - 1), overflow="ellipsis")
    return text


def by_page(board: Board, console: Console) -> RenderableType:
    """A line for each Page with both its platforms, as many as fit; those under way before those done."""
    pages: dict[str, dict[Platform, InboxRow]] = {}
    for row in board.rows.values():
        pages.setdefault(row.inbox.page_id, {})[row.inbox.platform] = row
    room = max(3, min(_MOST_ROWS, console.height - 4))
    done = [page for page, rows in pages.items() if all(row.ended for row in rows.values())]
    hidden = set(done[: max(0, len(pages) - room)])
    shown = [page for page in pages if page not in hidden][:room]
    width = max(12, (console.width - 16) // len(Platform) - 3)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    table.add_column("Page", no_wrap=True)
    for platform in Platform:
        table.add_column(platform.value.capitalize(), no_wrap=True, width=width, overflow="ellipsis")
    for page in shown:
        cells = (pages[page].get(platform) for platform in Platform)
        table.add_row(page, *("" if row is None else _cell(row, board, width) for row in cells))
    left = len(pages) - len(shown)
    below = Text(f"and {left} more Pages" if left else "", style="dim")
    return Group(table, below, one_line(board, console))


def _cell(row: InboxRow, board: Board, width: int) -> Text:
    mark = {
        State.TO_COME: "·",
        State.COMPLETE: "✓",
        State.FAILED: "✗",
        State.WAITING: "‖",
    }.get(row.state, _frame(board))
    text = Text(f"{mark} ", style=_COLOURS[row.state])
    if row.state is State.FAILED:
        return text.append(row.outcome if len(row.outcome) < width - 2 else row.outcome.partition(" (")[0])
    if row.state is State.WAITING and (left := row.until - board.clock()) >= 1:
        return text.append(f"{row.threads:>4} waiting {left:.0f} s ({row.why})")
    bar = min(row.calls, max(0, width - 8))
    return text.append(f"{row.threads:>4} ").append("▪" * bar)


def _frame(board: Board) -> str:
    return _FRAMES[int((board.clock() - board.started) * _REFRESHES_PER_SECOND) % len(_FRAMES)]


def summary(board: Board, inboxes: Iterable[Inbox]) -> Table:
    """Threads, calls, waits and outcome of these Inboxes."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for name in ("Page", "Platform"):
        table.add_column(name, no_wrap=True)
    for name in ("Threads", "Calls", "Waited"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("Outcome")
    for row in map(board.rows.__getitem__, inboxes):
        table.add_row(
            row.inbox.page_id,
            row.inbox.platform.value,
            str(row.threads),
            str(row.calls),
            f"{row.waited:.1f} s",
            Text(row.outcome, style=_COLOURS[row.state]),
        )
    return table


@asynccontextmanager
async def drawn(board: Board, picture: Callable[[Board, Console], RenderableType]) -> AsyncIterator[None]:
    """The board on stderr while the body runs, drawn anew four times a second, gone at the end."""
    console = Console(file=sys.stderr, highlight=False)
    with Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False) as live:

        async def draw() -> None:
            while True:
                live.update(picture(board, console), refresh=True)
                await asyncio.sleep(1 / _REFRESHES_PER_SECOND)

        drawing = asyncio.create_task(draw(), name="conversations-async progress")
        try:
            yield
        finally:
            drawing.cancel()
            await asyncio.wait([drawing])
            if not drawing.cancelled() and (error := drawing.exception()) is not None:
                raise error
