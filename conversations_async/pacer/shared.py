"""The pacer that sessions use: from the loop to its thread, from there to the file, and on without it if it fails."""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from attrs import define, field

from conversations_async.errors import PacerUnavailable
from conversations_async.model import Inbox
from conversations_async.pacer.file import FAILURES, File, why
from conversations_async.pacer.line import GRAIN, Line
from conversations_async.pacer.turns import Turn
from conversations_async.slots import LINGER

log = logging.getLogger(__name__)

LEASE: Final = 60.0
"""Seconds, and a period, after which a call without an answer no longer holds its slot."""
PATIENCE: Final = 5.0
"""Seconds that a locked file is waited for."""
FEWEST_SHARES: Final = 4
"""Into so many parts at least the pace is divided while the file does not work."""
HEAL_EVERY: Final = 1.0
HEAL_PATIENCE: Final = 0.05
MOST_AT_ONCE: Final = 500
"""Bookings of one transaction: it holds up the other processes."""


@define(eq=False, repr=False)
class _Booking:
    """A ticket. Its number is one of the file, or the line of our own, that `place` names."""

    owner: object
    inbox: Inbox
    slots: int
    period: float
    place: str = ""
    number: int = 0
    granted: bool = False
    over: bool = False


@define(eq=False, repr=False)
class _Open:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[float]


@define(eq=False, repr=False)
class _Ask(_Open):
    booking: _Booking


@define(eq=False, repr=False)
class _Close(_Open):
    pass


@define(eq=False, repr=False)
class _Back:
    """A turn comes back. `moment`: of its answer, -inf for never sent."""

    booking: _Booking
    moment: float
    linger: float = 0.0


_Told = list[tuple[_Open, float | Exception]]


@define(eq=False, repr=False)
class _Deal:
    """What a transaction does to bookings: to be believed once the file has it."""

    numbers: dict[_Booking, tuple[int, bool]] = field(factory=dict)
    over: list[_Back] = field(factory=list)
    told: _Told = field(factory=list)


class SharedPacer:
    """A pacer through a SQLite file, for the processes of one user on one machine. Give all of them the same limits.

    The file holds Inbox ids and moments, never a token; it is made for its user alone (0600), and a new boot voids it.
    It opens at `open`, `async with` or the first turn, and raises PacerUnavailable if it cannot be used. Open it in the
    process that uses it, not before a fork. `lease`: seconds that no call may exceed.

    If the file fails later, calls go on by this rule until it works again: the process takes one part of the pace, one
    call at a time per Inbox, where the parts are as many as there were live processes when last seen, at least 4. It
    begins with a whole part's wait, and goes back to the file with one, Inbox by Inbox. So the mean pace is kept; that
    no period ever holds too many calls is promised again once all processes are back.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lease: float = LEASE,
        patience: float = PATIENCE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = Path(path).absolute()
        self._lease, self._patience, self._clock = lease, patience, clock
        self._lock = threading.Lock()
        self._jobs: list[_Open | _Back] = []
        self._running = False
        self._thread: ThreadPoolExecutor | None = None
        self._pid = 0
        # The thread's own:
        self._file: File | None = None
        self._booked: set[_Booking] = set()
        self._unsettled: list[_Back] = []  # what the file has yet to be told
        self._broke_at: float | None = None
        self._heal_at = inf
        self._parts = FEWEST_SHARES
        self._here = ""
        self._lines_here: dict[Inbox, Line] = {}

    def __repr__(self) -> str:
        return f"SharedPacer({str(self.path)!r})"

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def open(self) -> None:
        """Open the file now, to have its error early. Twice is fine."""
        loop = asyncio.get_running_loop()
        job = _Open(loop, loop.create_future())
        self._submit(job)
        await job.future

    async def reserve(self, inbox: Inbox, *, slots: int, period: float, turn: Turn | None = None) -> Turn:
        """The next place in line, or how `turn` stands now. Waits for the file only; cancelled, it is given back."""
        if turn is not None and turn.granted:
            return turn
        booking = _Booking(self, inbox, slots, period) if turn is None else self._ticket(turn)
        loop = asyncio.get_running_loop()
        job = _Ask(loop, loop.create_future(), booking)
        self._submit(job)
        try:
            moment = await job.future
        except asyncio.CancelledError:
            self._submit(_Back(booking, -inf))
            raise
        now = loop.time()
        if moment == -inf:
            return Turn(inbox, now, True, booking)
        return Turn(inbox, now + max(moment - self._clock(), GRAIN), False, booking)

    async def give_back(self, turn: Turn, *, sent: bool, linger: float = 0.0) -> None:
        """Answered just now, or never sent; not waited for. Twice is fine. `linger`: seconds it may still arrive in."""
        self._submit(_Back(self._ticket(turn), self._clock() if sent else -inf, linger))

    async def aclose(self) -> None:
        """Leave the line, with calls under way as given up, and close the file. Twice is fine."""
        if self._thread is None:
            return
        loop = asyncio.get_running_loop()
        job = _Close(loop, loop.create_future())
        self._submit(job)
        await job.future

    def _ticket(self, turn: Turn) -> _Booking:
        ticket = turn.ticket
        if not isinstance(ticket, _Booking) or ticket.owner is not self:
            raise ValueError("this turn is of another pacer")
        return ticket

    # -- from the loop to the thread and back --------------------------------------------------------------------------

    def _submit(self, job: _Open | _Back) -> None:
        with self._lock:
            if self._thread is None:
                if isinstance(job, _Back):
                    return  # all came back at the end
                self._thread = ThreadPoolExecutor(1, "pacer")
                self._pid = os.getpid()
            elif self._pid != os.getpid():
                # The thread stayed in the parent: nothing would ever come back.
                reason = "it was opened before this process was forked"
                raise PacerUnavailable(str(self.path), reason, "Make a pacer in each process.")
            self._jobs.append(job)
            if not self._running:
                self._running = True
                self._thread.submit(self._run)

    def _run(self) -> None:
        """In the thread: whatever came meanwhile goes into one transaction."""
        ended: _Told = []
        while True:
            with self._lock:
                jobs, self._jobs = self._jobs[:MOST_AT_ONCE], self._jobs[MOST_AT_ONCE:]
                if not jobs:
                    self._running = False
                    if self._file is None and self._broke_at is None and self._thread is not None:
                        self._thread.shutdown(wait=False)
                        self._thread = None
                    break
            work: list[_Open | _Back] = []
            for job in jobs:
                if isinstance(job, _Close):
                    self._tell(self._serve(work))
                    work = []
                    self._end()
                    ended.append((job, -inf))
                else:
                    work.append(job)
            self._tell(self._serve(work))
        self._tell(ended)

    def _tell(self, told: _Told) -> None:
        loops: dict[asyncio.AbstractEventLoop, _Told] = {}
        for each in told:
            loops.setdefault(each[0].loop, []).append(each)
        for loop, its in loops.items():
            try:
                loop.call_soon_threadsafe(_deliver, its)
            except RuntimeError:  # that loop has ended
                for job, _ in its:
                    if isinstance(job, _Ask):
                        self._submit(_Back(job.booking, -inf))

    # -- in the thread -------------------------------------------------------------------------------------------------

    def _serve(self, jobs: list[_Open | _Back]) -> _Told:
        if not jobs:
            return []
        try:
            if self._file is None and not self._opened(jobs):
                return self._alone(jobs) if self._broke_at is not None else []
            assert self._file is not None
            try:
                return self._by_file(self._file, jobs)
            except FAILURES as error:
                self._break(error)
                return self._alone(jobs)
        except Exception as error:  # whoever waits must hear of it, whatever it is
            return [(job, error) for job in jobs if isinstance(job, _Open)]

    def _opened(self, jobs: list[_Open | _Back]) -> bool:
        """Open the file where there is a reason to. Raises only if it never was open."""
        now = self._clock()
        if self._broke_at is None:
            if all(isinstance(job, _Back) for job in jobs):
                return False
            try:
                self._file = File(self.path, now, self._patience, self._lease, healing=False)
            except FAILURES as error:
                raise PacerUnavailable(str(self.path), *why(error)) from None
            return True
        if now < self._heal_at:
            return False
        self._heal_at = now + HEAL_EVERY
        try:
            # Calls wait behind this: briefly.
            file = File(self.path, now, min(self._patience, HEAL_PATIENCE), self._lease, healing=True)
        except (*FAILURES, PacerUnavailable) as error:
            log.debug("%s is still not usable: %s", self.path, error)
            return False
        file.be_patient(self._patience)
        self._file = file
        log.info("%s works again", self.path)
        return True

    def _by_file(self, file: File, jobs: list[_Open | _Back]) -> _Told:
        deal = _Deal()
        inboxes = {each.booking.inbox for each in (*jobs, *self._unsettled) if isinstance(each, _Ask | _Back)}
        try:
            lines, now = file.begin(inboxes, self._clock)
            for back in self._unsettled:
                _settle(lines[back.booking.inbox], back, file.id)
            for job in jobs:
                if isinstance(job, _Ask):
                    deal.told.append((job, self._ask(file, lines[job.booking.inbox], job.booking, now, deal)))
                elif isinstance(job, _Back):
                    self._take_back(file, lines[job.booking.inbox], job, deal)
                else:
                    deal.told.append((job, -inf))
            file.finish(lines)
        except BaseException:
            file.undo()
            raise
        self._unsettled = []
        for booking, (number, granted) in deal.numbers.items():
            booking.place, booking.number, booking.granted = file.id, number, granted
            self._booked.add(booking)
        for back in deal.over:
            if self._here and back.booking.place == self._here:
                self._settle_here(back)
            self._close_booking(back.booking)
        return deal.told

    def _ask(self, file: File, line: Line, booking: _Booking, now: float, deal: _Deal) -> float | Exception:
        number, granted = deal.numbers.get(booking, (booking.number, booking.granted))
        if booking.over:
            return ValueError("this turn was given back")
        if granted:
            return -inf
        if (moment := self._draining(booking, now)) is not None:
            return moment
        period = booking.period
        line.tidy(now, period, self._lease, lambda who: file.alive(who, now))
        if (booking not in deal.numbers and booking.place != file.id) or not line.stands(number):
            number = line.book(file.me, now)
        moment = line.ask(number, now, slots=booking.slots, period=period, lease=self._lease)
        deal.numbers[booking] = number, moment == -inf
        return moment

    def _take_back(self, file: File, line: Line, back: _Back, deal: _Deal) -> None:
        booking = back.booking
        if booking.over or any(other.booking is booking for other in deal.over):
            return
        deal.over.append(back)
        if booking in deal.numbers:
            number, _ = deal.numbers.pop(booking)
            _settle(line, back, file.id, number)
        elif booking.place and booking.place != self._here:
            _settle(line, back, file.id)

    def _close_booking(self, booking: _Booking) -> None:
        booking.over = True
        self._booked.discard(booking)

    # -- while the file does not work ----------------------------------------------------------------------------------

    def _break(self, error: Exception) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._parts = max(FEWEST_SHARES, file.processes)
            file.close()
        before, now = self._broke_at, self._clock()
        self._broke_at, self._heal_at = now, now + HEAL_EVERY
        self._here, self._lines_here = f"here {now}", {}
        level = logging.WARNING if before is None or now - before > LEASE else logging.DEBUG
        text = "%s: %s. Until it works again this process takes 1/%d of the pace. %s"
        reason, advice = why(error)
        log.log(level, text, self.path, reason, self._parts, advice)

    def _alone(self, jobs: list[_Open | _Back]) -> _Told:
        """The stated rule: one slot per Inbox, of our part of the pace."""
        now = self._clock()
        told: _Told = []
        for job in jobs:
            if isinstance(job, _Ask):
                told.append((job, self._ask_alone(job.booking, now)))
            elif isinstance(job, _Back):
                if job.booking.over:
                    continue
                if job.booking.place == self._here:
                    self._settle_here(job)
                elif job.booking.place:
                    self._unsettled.append(job)
                self._close_booking(job.booking)
            else:
                told.append((job, -inf))
        return told

    def _ask_alone(self, booking: _Booking, now: float) -> float | Exception:
        if booking.over:
            return ValueError("this turn was given back")
        if booking.granted:
            return -inf
        if booking.place and booking.place != self._here:
            # Its place in the file's line is to be given up when the file works again.
            old = _Booking(self, booking.inbox, booking.slots, booking.period, booking.place, booking.number)
            self._unsettled.append(_Back(old, -inf))
        part, line = self._part(booking), self._line_here(booking)
        line.tidy(now, part, self._lease, lambda _: True)
        if booking.place != self._here or not line.stands(booking.number):
            booking.place, booking.number = self._here, line.book(0, now)
            self._booked.add(booking)
        moment = line.ask(booking.number, now, slots=1, period=part, lease=self._lease)
        booking.granted = moment == -inf
        return moment

    def _settle_here(self, back: _Back) -> None:
        _settle(self._line_here(back.booking), back, self._here, period=self._part(back.booking))

    def _part(self, booking: _Booking) -> float:
        """Seconds between two calls of an Inbox."""
        return booking.period / booking.slots * self._parts

    def _line_here(self, booking: _Booking) -> Line:
        line = self._lines_here.get(booking.inbox)
        if line is None:
            assert self._broke_at is not None
            # For the calls that went by the file just before.
            line = self._lines_here[booking.inbox] = Line(due=[self._broke_at + self._part(booking)])
        return line

    def _draining(self, booking: _Booking, now: float) -> float | None:
        """The file works again: the moment from which this Inbox goes by it, None for now."""
        if self._broke_at is None:
            return None
        line, part = self._line_here(booking), self._part(booking)
        line.tidy(now, part, self._lease, lambda _: True)
        if line.live:
            return now + part + GRAIN
        return line.due[-1] + GRAIN if line.due else None

    def _end(self) -> None:
        now = self._clock()
        self._serve([_Back(each, now if each.granted else -inf, LINGER) for each in self._booked])
        if self._file is not None:
            self._file.leave()
        self._file = self._broke_at = None
        self._booked, self._unsettled, self._lines_here, self._here, self._heal_at = set(), [], {}, "", inf


def _settle(line: Line, back: _Back, place: str, number: int | None = None, period: float | None = None) -> None:
    """Take a turn back into a line. One of a line that is no more counts by its answer."""
    booking = back.booking
    if number is None:
        number = booking.number if booking.place == place else 0
    if back.moment == -inf:
        line.unsent(number)
    else:
        line.answered(number, back.moment, booking.period if period is None else period, back.linger)


def _deliver(told: _Told) -> None:
    for job, outcome in told:
        if job.future.done():
            continue  # cancelled
        if isinstance(outcome, Exception):
            job.future.set_exception(outcome)
        else:
            job.future.set_result(outcome)
