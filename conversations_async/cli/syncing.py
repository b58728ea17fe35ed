"""How a sync goes on: totals, rate, time left, pools that are waited for, and the Inboxes at work."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from attrs import define, field
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from conversations_async.cli.lines import clean, counted, say
from conversations_async.cli.progress import Board, State, last_line
from conversations_async.cli.telling import Teller
from conversations_async.events import Event, GateOpened, InboxEnded, Refused, Waiting
from conversations_async.model import Inbox, Pool
from conversations_async.sync import InboxReport, Outcome, SyncPlan, SyncReport

if TYPE_CHECKING:
    from conversations_async.sync.tally import Tally

_LINE_EVERY: Final = 30.0
"""Seconds between two lines where there is no terminal."""
_MOST_ROWS: Final = 20
_MOST_POOLS: Final = 5
_RATE_OVER: Final = 15.0
"""Seconds that the rate looks back."""


def in_words(seconds: float) -> str:
    """A span as a person says it: 40 s, 3 min, 2 h 05 min."""
    if seconds < 1:
        return "less than 1 s" if seconds > 0 else "0 s"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


@define(eq=False)
class Watch(Board):
    """A board that knows what was saved, what was planned, and which pools are waited for."""

    teller: Teller = field(factory=Teller)
    drawing: bool = False
    tallies: Mapping[Inbox, "Tally"] = field(factory=dict)
    planned: dict[Inbox, int] = field(factory=dict)
    unknown: int = 0
    pace: float = 0.0
    pools: dict[Pool, float] = field(factory=dict)
    """Pool → the moment until which it is waited for."""
    _saved: deque[tuple[float, int]] = field(factory=deque)

    @classmethod
    def of(  # type: ignore[override]  # made of more than a board of Inboxes
        cls,
        inboxes: Iterable[Inbox],
        teller: Teller,
        *,
        drawing: bool,
        clock: Callable[[], float] | None = None,
    ) -> "Watch":
        """A board on which nothing has happened yet."""
        board = Board.of(inboxes) if clock is None else Board.of(inboxes, clock)
        return cls(board.rows, board.clock, teller=teller, drawing=drawing)

    def follow(self, tallies: Mapping[Inbox, "Tally"], plan: SyncPlan, pace: float) -> None:
        """Look at a job's own figures from here on."""
        self.tallies, self.pace = tallies, pace
        self.planned = {each.inbox: each.calls for each in plan.inboxes if each.calls is not None}
        self.unknown = plan.unknown

    def hear(self, event: Event) -> None:
        """Take in what happened; what is worth a sentence is said, but for failures, which their report tells."""
        self.feed(event)
        match event:
            case Refused(pool=pool, seconds=seconds) | Waiting(pool=pool, seconds=seconds):
                self.pools[pool] = self.clock() + seconds
            case GateOpened(pool=pool):
                self.pools.pop(pool, None)
        if not isinstance(event, InboxEnded):
            self.teller.hear(event)

    def end(self, report: InboxReport) -> None:
        """An Inbox is done with: one line, where no picture tells it."""
        inbox = report.inbox
        if report.outcome is Outcome.FAILED:
            say(f"{inbox}: {report.cause} {report.next_step}")
        elif not self.drawing and report.outcome is Outcome.COMPLETE:
            self.teller.note(
                f"{inbox}: {_figures(report)} in {counted(report.calls, 'call')}, waited {report.waited:.1f} s"
            )

    # -- figures -------------------------------------------------------------------------------------------------------

    @property
    def saved(self) -> int:
        """Threads saved so far."""
        return sum(tally.report.threads for tally in self.tallies.values())

    def rate(self) -> float:
        """Threads a second, over the last moments."""
        now = self.clock()
        self._saved.append((now, self.saved))
        while len(self._saved) > 1 and now - self._saved[0][0] > _RATE_OVER:
            self._saved.popleft()
        (began, before), (_, after) = self._saved[0], self._saved[-1]
        return (after - before) / (now - began) if now > began else 0.0

    def seconds_left(self) -> float | None:
        """By the plan and the pace; None where an Inbox at work holds nobody knows how much."""
        left = 0
        for inbox, tally in self.tallies.items():
            if tally.report.outcome is Outcome.RUNNING:
                if inbox not in self.planned:
                    return None
                left = max(left, self.planned[inbox] - tally.calls)
        waited = max(self.waiting().values(), default=0.0)
        return (left / self.pace if self.pace > 0 else 0.0) + waited

    def waiting(self) -> dict[Pool, float]:
        """The pools that are waited for, with the seconds left."""
        now = self.clock()
        return {pool: until - now for pool, until in self.pools.items() if 1 <= until - now < float("inf")}

    def line(self) -> str:
        """All of it in one line."""
        reports = [tally.report for tally in self.tallies.values()]
        ended = sum(each.outcome is not Outcome.RUNNING for each in reports)
        failed = sum(each.outcome is Outcome.FAILED for each in reports)
        messages = sum(each.messages for each in reports)
        left = self.seconds_left()
        parts = [
            f"{ended} of {len(reports)} Inboxes done" + (f", {failed} failed" if failed else ""),
            f"{self.saved:,} threads" + (f", {messages:,} messages" if messages else ""),
            f"{self.rate():,.0f} threads/s",
            f"{in_words(self.clock() - self.started)} so far",
            "time left: not known yet" if left is None else f"about {in_words(left)} left",
        ]
        return " · ".join(parts)

    def waits(self) -> list[str]:
        """The pools waited for longest, with the time of day at which they open."""
        waiting = sorted(self.waiting().items(), key=lambda item: -item[1])
        lines = []
        for pool, seconds in waiting[:_MOST_POOLS]:
            moment = datetime.now().astimezone() + timedelta(seconds=seconds)
            code = f", code {self.codes[pool]}" if self.codes.get(pool) is not None else ""
            lines.append(f"waiting for the {pool} pool until {moment:%H:%M:%S}{code}")
        if len(waiting) > _MOST_POOLS:
            lines.append(f"and for {len(waiting) - _MOST_POOLS} more pools")
        return lines

    def sum_up_at_the_end(self, report: SyncReport) -> list[str]:
        """What the run brought, in sentences."""
        if self.teller.is_quiet:
            return []
        total = {name: int(report.sum(name)) for name in ("new", "changed", "unchanged", "gone", "messages", "calls")}
        complete = sum(each.outcome is Outcome.COMPLETE for each in report.inboxes)
        lines = [
            f"{total['new'] + total['changed'] + total['unchanged']} threads: {total['new']} new, "
            f"{total['changed']} changed, {total['unchanged']} as before"
            + (f"; {total['gone']} gone" if total["gone"] else "")
            + (f"; {total['messages']} messages" if total["messages"] else "")
            + f"; {total['calls']} calls; {complete} of {len(report.inboxes)} Inboxes complete"
        ]
        if report.interrupted:
            lines.append("interrupted; run again to go on from here")
        return lines


def _figures(report: InboxReport) -> str:
    told = f"{report.new} new, {report.changed} changed, {report.unchanged} as before"
    told += f", {report.gone} gone" if report.gone else ""
    return told + (f"; {report.messages} messages" if report.messages else "")


# -- pictures ----------------------------------------------------------------------------------------------------------


def picture(board: Board, console: Console) -> RenderableType:
    """Totals, waits, and the Inboxes at work, as many as fit."""
    assert isinstance(board, Watch)
    room = max(3, min(_MOST_ROWS, console.height - _MOST_POOLS - 4))
    busy = (State.READING, State.SETTLING, State.WAITING)
    active = [
        tally
        for inbox, tally in board.tallies.items()
        if tally.report.outcome is Outcome.RUNNING and (tally.calls or board.rows[inbox].state in busy)
    ]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", show_edge=False)
    for name in ("Page", "Platform"):
        table.add_column(name, no_wrap=True)
    for name in ("Threads", "Messages", "Calls"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True, overflow="ellipsis")
    for tally in active[:room]:
        row, report = board.rows[tally.inbox], tally.report
        state = "messages" if row.ended else row.state.value
        if row.state is State.WAITING and (left := row.until - board.clock()) >= 1:
            state = f"waiting {left:.0f} s ({clean(row.why)})"
        figures = (f"{report.threads:,}", f"{report.messages:,}", f"{tally.calls:,}")
        table.add_row(tally.inbox.page_id, tally.inbox.platform.value, *figures, state)
    more = len(active) - room
    below = [Text(f"and {more} more Inboxes", style="dim")] if more > 0 else []
    waits = [Text(line, style="yellow") for line in board.waits()]
    return Group(table, *below, *waits, last_line(Text(board.line()), console))


@asynccontextmanager
async def plain_lines(watch: Watch) -> AsyncIterator[None]:
    """A line every half minute while the body runs: for logs and pipes."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(_LINE_EVERY)
            say(watch.line())
            for line in watch.waits():
                say(line)

    telling = asyncio.create_task(tell(), name="conversations-async progress")
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.wait([telling])
