"""The SQLite file that holds the lines of all Inboxes, and who stands in them.

Whatever is done here may wait for other processes, and so is done in the pacer's thread. The moments in the file are of
the monotonic clock, which all processes of one boot share; the wall clock has no part in it.
"""

import os
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import Final

import orjson

from conversations_async.errors import PacerUnavailable
from conversations_async.model import Inbox
from conversations_async.pacer.line import Line
from conversations_async.pacer.processes import birth, boot_mark, lives, neighbours

BEAT_EVERY: Final = 2.0
LOOK_EVERY: Final = 0.25
"""How long it is believed that a process lives."""

MAGIC: Final = 0x50414345  # "PACE", in the file's header
SCHEMA: Final = 1

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


class BrokenError(Exception):
    """The file can no longer be used as it was: reason and advice."""


_TAKEN: Final = ("processes of another boot or machine use it", "Give those another path.")
_REMOVE: Final = "Remove it: it holds nothing that lasts."
FAILURES: Final = (sqlite3.Error, OSError, BrokenError)


def why(error: Exception) -> tuple[str, str]:
    """Reason and advice."""
    said = " ".join(str(error).split())
    if isinstance(error, BrokenError):
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


class File:
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
        me = (os.getpid(), neighbours(), birth(os.getpid()), now)
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
            raise BrokenError(*_TAKEN)
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
            raise BrokenError("it was replaced or removed", "It is made anew.")
        self._db.execute("BEGIN IMMEDIATE")
        keys = orjson.dumps([inbox.key for inbox in inboxes]).decode()
        found, states = self._db.execute(_READ, (keys,)).fetchone()
        if found != self.id:
            raise BrokenError(*_TAKEN)
        now = clock()
        if not -BEAT_EVERY < self._beat - now <= 0:
            self._beat = now
            me = (self.me, os.getpid(), neighbours(), birth(os.getpid()), now)
            self._db.execute("INSERT OR REPLACE INTO process VALUES (?, ?, ?, ?, ?)", me)
            self._count(now)
        try:
            read = {key: Line.read(state) for key, state in orjson.loads(states).items()}
        except (ValueError, TypeError) as error:
            raise BrokenError("it is damaged (a line cannot be read)", _REMOVE) from error
        return {inbox: read.get(inbox.key) or Line() for inbox in inboxes}, now

    def finish(self, lines: dict[Inbox, Line]) -> None:
        state = {inbox.key: line.written() for inbox, line in lines.items()}
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
        for who, pid, among, born, seen in rows:
            alive = lives(pid, among, born)
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
