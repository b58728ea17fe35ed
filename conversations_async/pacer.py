"""Several processes on one machine share the pace of the same Inboxes through a file.

The rule. A call of an Inbox may be sent while fewer than `slots` of its calls are live. A call is live from its
sending until `period` after its answer was received; one whose process died, until LINGER + `period` after that was
noticed; one never answered, until its lease ends. Theorem: no half-open window of one `period` holds more than `slots`
arrivals, whatever the network does. Proof: of slots + 1 arrivals within one window let x be the call sent last, a its
arrival. When x was sent at s <= a, fewer than `slots` others were live, so one of the other `slots`, y, was no longer:
its answer was received, and it had arrived before, at least a period before s. So y arrived a period or more before a:
not in that window. (It is the slot rule of `slots`, strict, counted instead of numbered, so that processes with other
limits can share a line: together they keep to the most generous of them.)

The line. Whoever may not send waits in the line of the Inbox, and is told when his turn is likely to come: the places
before him are known, the answers received say exactly when slots come back, and those under way are expected after the
usual trip. He asks again at that moment and not before. Processes take turns (in rounds, first come first served in
each), so one with a hundred callers takes no more than one with one. Who does not come when his turn does is passed
over until he comes: a sleeper costs GRACE, a dead process nothing.

The clock is the monotonic one, which all processes of one boot share; the wall clock has no part in it.
"""

import asyncio
import logging
import os
import secrets
import sqlite3
import threading
import time
from bisect import insort
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from math import inf
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol, Self

import orjson
from attrs import define, field, frozen

from conversations_async.errors import PacerUnavailable
from conversations_async.model import Inbox
from conversations_async.slots import LINGER

log = logging.getLogger(__name__)

LEASE: Final = 60.0
"""Seconds, and a period, after which a call without an answer no longer holds its slot."""
PATIENCE: Final = 5.0
"""Seconds that a locked file is waited for."""
GRACE: Final = 0.1
"""Seconds that a slot is kept for the first in line after the moment he was told."""
GRAIN: Final = 0.0005
"""Seconds added to a moment told: whoever wakes a hair too early must ask once more."""
FEWEST_SHARES: Final = 4
"""Into so many parts at least the pace is divided while the file does not work."""
HEAL_EVERY: Final = 1.0
HEAL_PATIENCE: Final = 0.05
BEAT_EVERY: Final = 2.0
LOOK_EVERY: Final = 0.25
"""How long it is believed that a process lives."""
MOST_AT_ONCE: Final = 500
"""Bookings of one transaction: it holds up the other processes."""

MAGIC: Final = 0x50414345  # "PACE", in the file's header
SCHEMA: Final = 1


# -- what a session asks of a pacer ------------------------------------------------------------------------------------


@frozen
class Turn:
    """A place in the line of an Inbox. `at` is a moment of the event loop's clock.

    `granted`: send now. Otherwise wait until `at` and reserve again with this turn. Do not compare clocks instead: `at`
    may pass between the answer and the look, and the turn is not yours before it is granted.
    """

    inbox: Inbox
    at: float
    granted: bool = False
    ticket: object = field(default=None, repr=False)
    """The pacer's own."""


class Pacer(Protocol):
    """Says when a call may be sent, for more than one session. Every turn must be given back, also one not granted."""

    async def reserve(self, inbox: Inbox, *, slots: int, period: float, turn: Turn | None = None) -> Turn:
        """The next place in line, or how `turn` stands now. Never waits for the turn; cancelled, it is given back."""

    async def give_back(self, turn: Turn, *, sent: bool, linger: float = 0.0) -> None:
        """Answered just now, or never sent. `linger`: given up, and may still arrive within so many seconds."""

    async def aclose(self) -> None:
        """Calls still under way count as given up."""


# -- the line of one Inbox: pure, no clock -----------------------------------------------------------------------------


@define(eq=False)
class _Live:
    """A call that was let go and has no answer yet."""

    number: int
    who: int
    since: float
    until: float


@define(eq=False)
class _Waiter:
    round: int
    number: int
    who: int
    at: float  # the moment last told


@define(eq=False)
class Line:
    """Who has sent, and who waits. *now* is passed in; `who` is a process."""

    live: list[_Live] = field(factory=list)
    due: list[float] = field(factory=list)  # until when answered calls are live, sorted
    waiting: list[_Waiter] = field(factory=list)
    round: int = 0
    count: int = 0
    trip: float = 0.0
    spread: float = 0.0

    @classmethod
    def read(cls, state: list[Any]) -> Self:
        live, due, waiting, *rest = state
        return cls([_Live(*each) for each in live], due, [_Waiter(*each) for each in waiting], *rest)

    def written(self) -> list[Any]:
        live = [(each.number, each.who, each.since, each.until) for each in self.live]
        waiting = [(each.round, each.number, each.who, each.at) for each in self.waiting]
        return [live, self.due, waiting, self.round, self.count, self.trip, self.spread]

    def book(self, who: int, now: float) -> int:
        """Stand in line: a round after the last of one's own."""
        last = max((each.round for each in self.waiting if each.who == who), default=0)
        self.count += 1
        self.waiting.append(_Waiter(max(last, self.round) + 1, self.count, who, now))
        return self.count

    def stands(self, number: int) -> bool:
        return any(each.number == number for each in self.waiting)

    def ask(self, number: int, now: float, *, slots: int, period: float, lease: float) -> float:
        """The moment to ask again; -inf: it may send now, and is live from here on."""
        mine = next(each for each in self.waiting if each.number == number)
        ahead = [
            each
            for each in self.waiting
            if (each.round, each.number) < (mine.round, mine.number) and each.at + GRACE > now
        ]
        busy = len(self.live) + len(self.due)
        if busy + len(ahead) < slots:
            self.waiting.remove(mine)
            self.round = max(self.round, mine.round)
            self.live.append(_Live(number, mine.who, now, now + lease + period))
            return -inf
        mine.at = self._likely(len(ahead), now, slots, period)
        if busy < slots:
            # There is a slot, kept for one who has not come yet.
            mine.at = min(mine.at, min(each.at for each in ahead) + GRACE)
        mine.at = max(mine.at, now) + GRAIN
        return mine.at

    def _likely(self, place: int, now: float, slots: int, period: float) -> float:
        # Rather early: coming late costs the slot's time, coming early costs asking once more.
        trip = max(self.trip - self.spread, 0.0)
        free = [*self.due, *(max(each.since + trip, now) + period for each in self.live)]
        free.sort()
        free = [now] * (slots - len(free)) + free[max(len(free) - slots, 0) :]
        rounds, slot = divmod(place, slots)
        return free[slot] + rounds * (period + trip)

    def answered(self, number: int, now: float, period: float, linger: float = 0.0) -> None:
        """Its answer came, or it was given up. Counts also when its lease has ended: it has arrived late."""
        for each in [each for each in self.live if each.number == number]:
            self.live.remove(each)
            if not linger:
                self._learn(now - each.since)
        self._step_out(number)
        insort(self.due, now + linger + period)

    def unsent(self, number: int) -> None:
        """As if never booked."""
        self.live = [each for each in self.live if each.number != number]
        self._step_out(number)

    def _step_out(self, number: int) -> None:
        self.waiting = [each for each in self.waiting if each.number != number]

    def tidy(self, now: float, period: float, lease: float, alive: Callable[[int], bool]) -> None:
        """Let go of what is over, and of the dead."""
        if self.due and self.due[0] <= now:
            self.due = [each for each in self.due if each > now]
        if self.live:
            for each in [each for each in self.live if not alive(each.who)]:
                self.live.remove(each)
                insort(self.due, now + LINGER + period)
            self.live = [each for each in self.live if each.until > now]
        if self.waiting:
            self.waiting = [each for each in self.waiting if each.at + lease > now and alive(each.who)]

    def _learn(self, trip: float) -> None:
        if not self.trip:
            self.trip, self.spread = trip, trip / 2
            return
        self.spread += (abs(trip - self.trip) - self.spread) / 8
        self.trip += (trip - self.trip) / 8


# -- processes ---------------------------------------------------------------------------------------------------------


def boot_mark() -> str:
    """Whose monotonic clock this is: the boot, and the clock's namespace. Empty where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/time').st_ino}"
    except OSError:
        return ""


def _neighbours() -> str:
    """Among whom our pid means us."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def _birth(pid: int) -> str:
    """When a process started, "dead" if it only waits to be buried, "" where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "dead" if fields[0] in {b"Z", b"X"} else fields[19].decode("ascii")


def lives(pid: int, neighbours: str, birth: str) -> bool | None:
    """Whether the very process lives; None where that cannot be seen from here: then only leases end its calls."""
    if os.name == "nt" or neighbours != _neighbours():
        return None  # on Windows os.kill(pid, 0) kills
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    now = _birth(pid)
    return not now or not birth or now == birth


# -- the file: all of this runs in the pacer's thread ------------------------------------------------------------------

_LAID_OUT: Final = (
    "CREATE TABLE pace (id TEXT NOT NULL, boot TEXT NOT NULL)",
    "CREATE TABLE process (id INTEGER PRIMARY KEY AUTOINCREMENT, pid INTEGER, neighbours TEXT, birth TEXT, seen REAL)",
    "CREATE TABLE line (inbox TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID",
    "INSERT INTO pace VALUES ('', '')",
    f"PRAGMA application_id = {MAGIC}",
    f"PRAGMA user_version = {SCHEMA}",
)
# One row read and one statement written for any number of lines: sqlite3 lets go of the interpreter at every row, and
# waits to have it back while the loop's thread computes; all the while the file would be locked for the others.
_READ: Final = (
    "SELECT (SELECT id FROM pace), (SELECT json_group_object(inbox, json(state)) FROM line"
    " WHERE inbox IN (SELECT value FROM json_each(?)))"
)
_WRITE: Final = (
    "INSERT INTO line (inbox, state) SELECT key, value FROM json_each(?) WHERE true"
    " ON CONFLICT (inbox) DO UPDATE SET state = excluded.state"
)


class _BrokenError(Exception):
    """The file can no longer be used as it was: reason and advice."""


_TAKEN: Final = ("processes of another boot or machine use it", "Give those another path.")
_REMOVE: Final = "Remove it: it holds nothing that lasts."
_FAILURES: Final = (sqlite3.Error, OSError, _BrokenError)


def _key(inbox: Inbox) -> str:
    return f"{inbox.page_id}/{inbox.platform}"


def _why(error: Exception) -> tuple[str, str]:
    """Reason and advice."""
    said = " ".join(str(error).split())
    if isinstance(error, _BrokenError):
        return error.args[0], error.args[1]
    if isinstance(error, OSError):
        return f"it cannot be opened ({error.strerror})", "Give a path that this user may write."
    if "locked" in said or "busy" in said:
        return "another program keeps it locked", "End that program, or give another path."
    if "not a database" in said:
        return "it is no pace file", "Give another path."
    if "unable to open" in said or "readonly" in said:
        return f"it cannot be opened ({said})", "Give a path that this user may write."
    if "disk is full" in said:
        return "the disk is full", "Make room."
    return f"it is damaged ({said})", _REMOVE


_MAKING: Final = threading.Lock()


class _File:
    """One connection. `id` changes when the rows of before are void."""

    def __init__(self, path: Path, now: float, patience: float, lease: float, *, healing: bool) -> None:
        self.path = path
        self._lease = lease
        self.processes = 1
        self._beat = now
        self._looked: dict[int, tuple[float, bool]] = {}
        # SQLite would make it as readable as the umask says; what it makes beside it is as readable as the file itself.
        # Only a new one, and before any pacer here has it open: closing a descriptor of a file drops all locks that
        # this process has on it.
        with _MAKING, suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._db = sqlite3.connect(path, timeout=patience, isolation_level=None)
        try:
            self._greet(now, patience, healing)
        except BaseException:
            self._db.close()
            raise

    def _greet(self, now: float, patience: float, healing: bool) -> None:
        db = self._db
        # Others lay out the same file now: what is judged is one state of it, and there is none between empty and ours.
        db.execute("BEGIN")
        new = self._is_new()
        db.execute("COMMIT")
        if new:
            db.execute("BEGIN IMMEDIATE")
            if self._is_new():
                for statement in _LAID_OUT:
                    db.execute(statement)
            db.execute("COMMIT")
        # It is ours from here on. WAL, so that a process killed in the middle leaves the file whole without a sync for
        # each booking. NORMAL syncs at checkpoints only, hence a power cut cannot leave a file that somebody must
        # remove; OFF saves 20 µs.
        self._share(patience)
        db.execute("PRAGMA synchronous = NORMAL")
        checked = db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if checked != "ok":
            raise sqlite3.DatabaseError(checked)
        db.execute("BEGIN IMMEDIATE")
        self._settle_boot(now, healing)
        me = (os.getpid(), _neighbours(), _birth(os.getpid()), now)
        row = db.execute("INSERT INTO process (pid, neighbours, birth, seen) VALUES (?, ?, ?, ?) RETURNING id", me)
        self.me: int = row.fetchone()[0]
        self._count(now)
        db.execute("COMMIT")
        self._place = self._there()

    def _there(self) -> tuple[int, int] | None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            return None
        return found.st_dev, found.st_ino

    def _number(self, pragma: str) -> int:
        number: int = self._db.execute(f"PRAGMA {pragma}").fetchone()[0]
        return number

    def _is_new(self) -> bool:
        """Whether it is empty; raises if it is not ours. Within a transaction: another may lay it out meanwhile."""
        mark, version = self._number("application_id"), self._number("user_version")
        entries = self._db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
        if not (mark or version or entries):
            return True
        path = str(self.path)
        if mark != MAGIC:
            raise PacerUnavailable(path, "it belongs to another program", "Give another path.")
        if version > SCHEMA:
            reason = f"it was made by a newer version of this library (schema {version}, this one knows {SCHEMA})"
            raise PacerUnavailable(path, reason, "Update this process, or give it a path of its own.")
        return False

    def _share(self, patience: float) -> None:
        """Switch to WAL. SQLite does not wait for the others here, so we do."""
        give_up_at = time.monotonic() + patience
        while True:
            try:
                mode = self._db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            except sqlite3.OperationalError:
                if time.monotonic() >= give_up_at:
                    raise
                time.sleep(0.01)
                continue
            if mode != "wal":
                raise PacerUnavailable(
                    str(self.path), "its file system does not let processes share it", "Put it on a local disk."
                )
            return

    def _settle_boot(self, now: float, healing: bool) -> None:
        db, mark = self._db, boot_mark()
        self.id, boot = db.execute("SELECT id, boot FROM pace").fetchone()
        newest = db.execute("SELECT max(seen) FROM process").fetchone()[0]
        # Where the boot has no name: a moment still to come is of another.
        other = boot != mark or (not mark and newest is not None and newest > now + 1)
        if other and self.id and healing:
            raise _BrokenError(*_TAKEN)
        if other or not self.id:
            self.id = secrets.token_hex(8)
            db.execute("DELETE FROM line")
            db.execute("DELETE FROM process")
            db.execute("UPDATE pace SET id = ?, boot = ?", (self.id, mark))

    def be_patient(self, patience: float) -> None:
        self._db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")

    def begin(self, inboxes: Collection[Inbox], clock: Callable[[], float]) -> tuple[dict[Inbox, Line], float]:
        """Lock the file and read these lines; `finish` or `undo` follows. Also the moment: after the lock was had."""
        if self._there() != self._place:
            raise _BrokenError("it was replaced or removed", "It is made anew.")
        self._db.execute("BEGIN IMMEDIATE")
        keys = orjson.dumps([_key(inbox) for inbox in inboxes]).decode()
        found, states = self._db.execute(_READ, (keys,)).fetchone()
        if found != self.id:
            raise _BrokenError(*_TAKEN)
        now = clock()
        if not -BEAT_EVERY < self._beat - now <= 0:
            self._beat = now
            me = (self.me, os.getpid(), _neighbours(), _birth(os.getpid()), now)
            self._db.execute("INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, ?)", me)
            self._count(now)
        try:
            read = {key: Line.read(state) for key, state in orjson.loads(states).items()}
        except (ValueError, TypeError) as error:
            raise _BrokenError("it is damaged (a line cannot be read)", _REMOVE) from error
        return {inbox: read.get(_key(inbox)) or Line() for inbox in inboxes}, now

    def finish(self, lines: dict[Inbox, Line]) -> None:
        state = {_key(inbox): line.written() for inbox, line in lines.items()}
        self._db.execute(_WRITE, (orjson.dumps(state).decode(),))
        self._db.execute("COMMIT")

    def undo(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")

    def alive(self, who: int, now: float) -> bool:
        """Whether a process may still send or answer."""
        if who == self.me:
            return True
        looked, alive = self._looked.get(who, (-inf, True))
        if alive and not 0 <= now - looked < LOOK_EVERY:
            row = self._db.execute("SELECT pid, neighbours, birth FROM process WHERE id = ?", (who,)).fetchone()
            alive = row is not None and lives(*row) is not False
            self._looked[who] = (now, alive)
        return alive

    def _count(self, now: float) -> None:
        """Who is there; forget the dead, and those who cannot be seen and have not been heard of for long."""
        rows = self._db.execute("SELECT id, pid, neighbours, birth, seen FROM process").fetchall()
        gone = []
        for who, pid, neighbours, birth, seen in rows:
            alive = lives(pid, neighbours, birth)
            if who != self.me and (alive is False or (alive is None and seen + 2 * self._lease < now)):
                gone.append((who,))
        if gone:
            self._db.executemany("DELETE FROM process WHERE id = ?", gone)
        self.processes = len(rows) - len(gone)

    def leave(self) -> None:
        with suppress(sqlite3.Error):
            self._db.execute("DELETE FROM process WHERE id = ?", (self.me,))
        self.close()

    def close(self) -> None:
        self.undo()
        with suppress(sqlite3.Error):
            self._db.close()


# -- the pacer ---------------------------------------------------------------------------------------------------------


@define(eq=False)
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


@define(eq=False)
class _Open:
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[float]


@define(eq=False)
class _Ask(_Open):
    booking: _Booking


@define(eq=False)
class _Close(_Open):
    pass


@define(eq=False)
class _Back:
    """A turn comes back. `moment`: of its answer, -inf for never sent."""

    booking: _Booking
    moment: float
    linger: float = 0.0


_Told = list[tuple[_Open, float | Exception]]


@define(eq=False)
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
        self._file: _File | None = None
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
            except _FAILURES as error:
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
                self._file = _File(self.path, now, self._patience, self._lease, healing=False)
            except _FAILURES as error:
                raise PacerUnavailable(str(self.path), *_why(error)) from None
            return True
        if now < self._heal_at:
            return False
        self._heal_at = now + HEAL_EVERY
        try:
            # Calls wait behind this: briefly.
            file = _File(self.path, now, min(self._patience, HEAL_PATIENCE), self._lease, healing=True)
        except (*_FAILURES, PacerUnavailable) as error:
            log.debug("%s is still not usable: %s", self.path, error)
            return False
        file.be_patient(self._patience)
        self._file = file
        log.info("%s works again", self.path)
        return True

    def _by_file(self, file: _File, jobs: list[_Open | _Back]) -> _Told:
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

    def _ask(self, file: _File, line: Line, booking: _Booking, now: float, deal: _Deal) -> float | Exception:
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

    def _take_back(self, file: _File, line: Line, back: _Back, deal: _Deal) -> None:
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
        reason, advice = _why(error)
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
