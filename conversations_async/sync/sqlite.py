"""SQLite: one file, one writing connection, readers beside it (write-ahead log).

A commit is safe from `kill -9` when it returns; from a power cut when the log was last written through, which may be
some commits earlier. Rows and cursor are of one commit, so what a power cut takes is read again.

Rows go in a hundred at a time in one statement: the interpreter lock is let go while it runs. One that fails ends the
whole transaction (`OR ROLLBACK`), which its deed would end anyway: else SQLite would first write down each page that a
statement is about to change, 130 small writes a thread page, to be able to take back the statement alone.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Final

from conversations_async.sync.database import Insert, Row, only_new
from conversations_async.sync.errors import StoreError, StoreForeign, StoreUnavailable
from conversations_async.sync.recognising import refuse_foreign
from conversations_async.sync.schema import Dialect

_SIZES: Final = (100, 64, 32, 16, 8, 4, 2, 1)
"""So many rows a statement: few enough texts that all stay prepared."""
_CACHE: Final = 32 * 1024
"""KiB of the file kept in memory."""
_PAGE: Final = 8192
"""Bytes of a page of a new file: with raw JSON a row takes half a kilobyte, and each page is a write of its own."""
_LOG: Final = 64 * 1024 * 1024
"""Bytes of the log before it is written into the file: what is changed many times is written there once."""


class SqliteDatabase:
    """A file, made where there is none."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str | Path, *, patience: float = 30.0) -> None:
        self._path = Path(path)
        self._patience = patience
        self._connection: sqlite3.Connection | None = None

    def connect(self) -> None:
        self._make()
        with self._told():
            self._connection = sqlite3.connect(
                # As a whole path: `:memory:` and `file:…` have no other meaning than others.
                self._path.absolute(),
                timeout=self._patience,
                isolation_level=None,
                cached_statements=256,
                check_same_thread=False,
            )
            # Before anything of it is changed.
            refuse_foreign(self, self.rows("SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1"))
            # The size of pages means something to a file with nothing in it only.
            for pragma in (
                *(f"page_size = {_PAGE}", "journal_mode = WAL", "synchronous = NORMAL"),
                f"cache_size = -{_CACHE}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
            page = self._connection.execute("PRAGMA page_size").fetchone()[0]
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG // page}")

    def _make(self) -> None:
        """A new file is its owner's alone, and so is what SQLite puts beside it: it will hold people's messages."""
        with suppress(OSError):  # it is there already; or SQLite tells what is wrong
            os.close(os.open(self._path.resolve(), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with self._told():
                connection.close()

    def begin(self) -> None:
        self.run("BEGIN IMMEDIATE")

    def commit(self) -> None:
        self.run("COMMIT")

    def rollback(self) -> None:
        # A full disk has ended the transaction already.
        if self._connection is not None and self._connection.in_transaction:
            self.run("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._told():
            return self._open().execute(sql, parameters).fetchall()

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        with self._told():
            return self._open().execute(sql, parameters).rowcount

    def put(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> None:
        self._put(insert, rows, shared)

    def _put(self, insert: Insert, rows: Sequence[Row], shared: Row) -> int:
        """How many rows were written."""
        with self._told():
            execute, start, left, written = self._open().execute, 0, len(rows), 0
            for size in _SIZES:
                while left >= size:
                    values = (*shared, *chain.from_iterable(rows[start : start + size]))
                    written += execute(_statement(insert, size), values).rowcount
                    start, left = start + size, left - size
        return written

    def add(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> set[str]:
        table, searched = insert.table, insert.searched
        # New rows are numbered upwards.
        before = self.rows(f"SELECT coalesce(max(number), 0) FROM {table}")[0]
        written = self._put(only_new(insert), rows, shared)
        if searched:
            self.run(
                f"INSERT INTO {table}_fts (rowid, {searched}) "
                f"SELECT number, {searched} FROM {table} WHERE number > ? AND {searched} IS NOT NULL",
                before,
            )
        if written == len(rows):
            return set()
        added = {each for (each,) in self.rows(f"SELECT id FROM {table} WHERE number > ?", before)}
        return {row[0] for row in rows} - added

    def among(self, column: str, values: Sequence[str]) -> tuple[str, list[object]]:
        return f"{column} IN ({', '.join('?' * len(values))})", list(values)

    def is_lone(self) -> bool | None:
        return None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError(f"{self._path}: the database is not open")
        return self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise in_words(self._path, error) from None


@lru_cache(maxsize=256)
def _statement(insert: Insert, size: int) -> str:
    """Of so many rows. What they share is bound once."""
    own = len(insert.columns) - insert.shared
    shared = "".join(f"?{number}, " for number in range(1, insert.shared + 1))
    # Numbered like the others: SQLite counts on from the highest.
    row = f"({shared}{', '.join('?' * own)})"
    return f"INSERT OR ROLLBACK {insert.head} VALUES {', '.join([row] * size)} {insert.tail}"


# Primary result code → what to do about it (sqlite.org/rescode.html).
_WHAT_TO_DO: Final = {
    "SQLITE_FULL": "free some space and run again; all that was saved is there",
    "SQLITE_BUSY": "another program keeps it locked: end it, or wait, and run again",
    "SQLITE_LOCKED": "another program keeps it locked: end it, or wait, and run again",
    "SQLITE_READONLY": "make the file and its directory writable and run again",
    "SQLITE_CANTOPEN": "see that the directory is there and may be written to",
    "SQLITE_IOERR": "the disk refuses; look at its space and health, then run again: all that was saved is there",
    "SQLITE_CORRUPT": "the file is damaged: restore a copy, or sync into a new file",
}


def in_words(path: Path, error: sqlite3.Error) -> StoreError:
    """What SQLite said, and what to do about it."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_NOTADB"):
        return StoreForeign(f"{path} is no SQLite database: name another file")
    for code, advice in _WHAT_TO_DO.items():
        if name.startswith(code):
            return StoreUnavailable(f"{path}: {error}: {advice}")
    # It would quote a text that is no UTF-8: people's words.
    return StoreError(f"{path}: {str(error).partition(' with text ')[0]}")
