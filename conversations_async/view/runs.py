"""What the sync runs did, and how near each pool came to its limit, as blocks of the page."""

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any, BinaryIO, Final

from attrs import define, field

from conversations_async.sync.reading import Reader
from conversations_async.view.blocks import put_block
from conversations_async.view.inboxes import InboxRow, number_of, seconds_of

TOLD: Final = 100
"""Newest runs that are listed."""
IN_DETAIL: Final = 20
"""Newest runs that are told Inbox by Inbox, with their usage."""
POINTS: Final = 160
"""Of one line in a chart: more is no more than one can see."""
ROWS_IN_BLOCK: Final = 2000
LINES_IN_BLOCK: Final = 100

_RUNS: Final = """
    SELECT run_id, MIN(started_at), MAX(finished_at), COUNT(*), SUM(CAST(threads AS double precision)),
        SUM(CAST(messages AS double precision)), SUM(CAST(calls AS double precision)), SUM(waited_seconds),
        SUM(CAST("new" AS double precision)), SUM(CAST(changed AS double precision)),
        SUM(CAST(gone AS double precision)),
        SUM(CASE WHEN outcome = 'complete' THEN 1 ELSE 0 END), SUM(CASE WHEN outcome = 'failed' THEN 1 ELSE 0 END),
        SUM(CASE WHEN outcome = 'running' THEN 1 ELSE 0 END)
    FROM sync_runs GROUP BY run_id ORDER BY MIN(started_at) DESC, run_id DESC LIMIT ?
"""
_OF_A_RUN: Final = """
    SELECT page_id, platform, outcome, threads, messages, calls, waited_seconds, "new", changed, gone, cause, next_step,
        started_at, finished_at
    FROM sync_runs WHERE run_id = ?
    ORDER BY CASE outcome WHEN 'failed' THEN 0 WHEN 'interrupted' THEN 1 WHEN 'running' THEN 2 ELSE 3 END,
        page_id, platform
"""
_USAGE: Final = """
    SELECT page_id, platform, pool, taken_at, call_count, total_time, total_cputime, regain_after
    FROM usage_samples WHERE run_id = ? ORDER BY pool, taken_at
"""


@define
class Line:
    """One pool over a run, in few points: neighbours are merged, and the higher value stands."""

    points: list[list[float]] = field(factory=list)
    peak: float = 0
    regain_after: float = 0
    told_by: dict[int, InboxRow] = field(factory=dict)
    """The Inboxes whose answers told of it."""
    _merged: int = field(default=1, alias="merged")
    """Samples in each point."""
    _pending: int = field(default=0, alias="pending")

    def add(self, sample: list[float]) -> None:
        self.peak = max(self.peak, *sample[1:])
        if self._pending:
            self.points[-1] = _higher(self.points[-1], sample)
        else:
            if len(self.points) >= POINTS:
                pairs = zip(self.points[::2], self.points[1::2], strict=True)
                self.points = [_higher(one, other) for one, other in pairs]
                self._merged *= 2
            self.points.append(sample)
        self._pending = (self._pending + 1) % self._merged


def _higher(one: list[float], other: list[float]) -> list[float]:
    return [one[0], *map(max, one[1:], other[1:])]


def put_runs(reader: Reader, file: BinaryIO, inboxes: Mapping[tuple[str, str], InboxRow]) -> list[list[Any]]:
    """Write the newest runs in detail; all that are told as rows, each with its blocks."""
    told: list[list[Any]] = []
    for place, row in enumerate(list(reader.rows(_RUNS, [TOLD]))):
        run_id, started, finished, *counts = row
        blocks = _put_run(reader, file, inboxes, place, run_id) if place < IN_DETAIL else None
        told.append([run_id, seconds_of(started), seconds_of(finished), [_plain(each) for each in counts], blocks])
    return told


def _plain(number: Any) -> float:
    """Sums are Decimal in PostgreSQL, and NULL of nothing."""
    return round(number_of(number), 1)


def _put_run(
    reader: Reader, file: BinaryIO, inboxes: Mapping[tuple[str, str], InboxRow], place: int, run_id: str
) -> tuple[int, int]:
    """Blocks of a run's rows and of its charts: how many of each."""
    rows, charts = _Blocks(file, f"r{place}.", ROWS_IN_BLOCK), _Blocks(file, f"u{place}.", LINES_IN_BLOCK)
    for page_id, platform, outcome, *told in reader.rows(_OF_A_RUN, [run_id]):
        numbers, words, times = told[:7], told[7:9], told[9:]
        if (inbox := inboxes.get((page_id, platform))) is not None:
            rows.add([inbox.number, outcome, *map(_plain, numbers), *words, *map(seconds_of, times)])
    for pool, samples in groupby(reader.rows(_USAGE, [run_id]), lambda row: row[2]):
        line = _line(samples, inboxes)
        if line.points:
            charts.add([_whose(line, pool), pool, line.peak, line.regain_after, line.points])
    return rows.end(), charts.end()


def _line(samples: Iterator[tuple[Any, ...]], inboxes: Mapping[tuple[str, str], InboxRow]) -> Line:
    line = Line()
    for page_id, platform, _, taken_at, *used, regain_after in samples:
        inbox, moment = inboxes.get((page_id, platform)), seconds_of(taken_at)
        if inbox is not None and moment is not None:
            line.told_by[inbox.number] = inbox
            line.add([moment, *map(number_of, used)])
            line.regain_after = max(line.regain_after, number_of(regain_after))
    return line


def _whose(line: Line, pool: str) -> int:
    """The number of the Inbox that a pool is shown with; -1 for one that several Pages share.

    Meta tells of a pool in answers to any Inbox that draws on it, and each time it is noted with that one.
    """
    if len({inbox.page_id for inbox in line.told_by.values()}) > 1:
        return -1
    # Pools are named for what they limit: the one that is named for a platform is that Inbox's own.
    own = [number for number, inbox in line.told_by.items() if inbox.platform in str(pool)]
    return min(own or line.told_by)


@define
class _Blocks:
    file: BinaryIO
    name: str
    most: int
    put: int = 0
    _open: list[Any] = field(factory=list, alias="open")

    def add(self, row: list[Any]) -> None:
        self._open.append(row)
        if len(self._open) >= self.most:
            self.end()

    def end(self) -> int:
        """Write what is left; how many blocks there are."""
        if self._open:
            put_block(self.file, f"{self.name}{self.put}", self._open)
            self.put += 1
            self._open = []
        return self.put
