"""The reading side: a database as one consistent picture, for the view, the export and anybody's SELECTs.

`with open_reader("inbox.db") as reader: for id, text in reader.rows("SELECT id, message FROM messages"): …`
The same SELECT serves SQLite and PostgreSQL; placeholders are `?` on both. A sync may go on writing meanwhile: all rows
of one reader are of the moment of its first.
"""

import os
import re
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import quote

from conversations_async.sync.errors import StoreError, StoreForeign, StoreMissing, StoreUnavailable
from conversations_async.sync.recognising import is_ours, refuse_schema
from conversations_async.sync.schema import TABLES, Dialect
from conversations_async.sync.sqlite import in_words

_AT_ONCE: Final = 200
"""Rows that a server sends at once: each may hold a text of a megabyte."""


class Reader(Protocol):
    """A database opened for reading only."""

    dialect: Dialect

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, streamed. Raises StoreError."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...


def open_reader(target: str | Path, *, older: bool = False) -> Reader:
    """Open a database that a sync has filled: the path of an SQLite file, or `postgresql://…`. Raises StoreError.

    `older`: also one that the next sync is to lead forward to the newest schema.
    """
    reader: Reader = PostgresReader(str(target)) if is_postgres(target) else SqliteReader(target)
    try:
        _check_schema(reader, older=older)
    except BaseException:
        reader.close()
        raise
    return reader


def is_postgres(target: str | Path) -> bool:
    """Whether a target names a PostgreSQL server; all others are paths. Raises StoreForeign for another address."""
    if isinstance(target, str) and (scheme := _SCHEME.match(target)) is not None:
        if scheme[1] in ("postgresql", "postgres"):
            return True
        # The rest of it may hold a password.
        raise StoreForeign(f"{scheme[0]}… is no database that can be used: name a path, or postgresql://…")
    return False


_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


_ANYTHING: Final[dict[Dialect, str]] = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' LIMIT 1",
    "postgres": "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename IN "
    f"({', '.join(repr(table) for table in TABLES)}) LIMIT 1",
}
"""What a sync would find in its way, or to go on with."""


def _check_schema(reader: Reader, *, older: bool) -> None:
    if not [*reader.rows(_ANYTHING[reader.dialect])]:
        raise StoreMissing("there is nothing of conversations-async in this database yet: fill it with `sync` first")
    if not is_ours(reader):
        raise StoreForeign("this is no database of conversations-async: fill one with `sync` first")
    refuse_schema(next(reader.rows("SELECT max(number) FROM schema_migrations"))[0], opened_to_write=older)


class _Closing(ABC):
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None: ...


class SqliteReader(_Closing):
    """An SQLite file; it is not written to, and it must exist."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise StoreMissing(f"there is no file {path}: fill one with `sync` first")
        self._path = Path(path)
        self._connection = self._opened("mode=ro")
        try:
            self._connection.execute("SELECT name FROM sqlite_master LIMIT 1")
        except sqlite3.Error as error:
            self._connection.close()
            if not self._cannot_keep_a_log(error):
                raise in_words(self._path, error) from None
            self._connection = self._opened("mode=ro&immutable=1")

    def _opened(self, how: str) -> sqlite3.Connection:
        try:
            place = f"file:{quote(os.fsencode(self._path.absolute()))}?{how}"
            connection = sqlite3.connect(place, uri=True, isolation_level=None, timeout=30)
            connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise in_words(self._path, error) from None
        return connection

    def _cannot_keep_a_log(self, error: sqlite3.Error) -> bool:
        """In a directory that may not be written to SQLite finds no place to see the log; nobody is writing one."""
        name = getattr(error, "sqlite_errorname", None) or ""
        log = self._path.with_name(f"{self._path.name}-wal")
        return name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN")) and not (log.exists() and log.stat().st_size)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(sql, tuple(parameters))
            # Not `yield from cursor`: whoever stops in the midst would close it, perhaps after its file.
            yield from iter(cursor.fetchone, None)
        except sqlite3.Error as error:
            raise in_words(self._path, error) from None

    def close(self) -> None:
        self._connection.close()


class PostgresReader(_Closing):
    """A PostgreSQL database, in one transaction that sees a single moment."""

    dialect: Dialect = "postgres"

    def __init__(self, target: str) -> None:
        psycopg = postgres_driver()
        refuse_address(target)
        try:
            self._connection = psycopg.connect(target, client_encoding="utf8")
            self._connection.read_only = True
            self._connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        except psycopg.Error as error:
            raise StoreUnavailable(f"the PostgreSQL server cannot be reached: {told(error, target)}") from None
        self._error = psycopg.Error
        self._cursors = 0

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        self._cursors += 1
        try:
            with self._connection.cursor(f"conversations_async_{self._cursors}") as cursor:
                cursor.itersize = _AT_ONCE
                cursor.execute(with_percents(sql).encode(), tuple(parameters))
                yield from iter(cursor.fetchone, None)
        except self._error as error:
            kind = StoreUnavailable if error.sqlstate in NOT_NOW else StoreError
            raise kind(f"the database cannot be read: {told(error)}") from None

    def close(self) -> None:
        self._connection.close()


def postgres_driver() -> Any:
    """psycopg, which is an extra. Raises StoreError with the way to have it."""
    try:
        import psycopg
    except ImportError:
        raise StoreError("PostgreSQL needs psycopg: pip install 'conversations-async[postgres]'") from None
    return psycopg


NOT_NOW: Final = frozenset({"42501", "25006", "55P03", "57014"})
"""States that say nothing of what is there: missing rights, only reading, a lock, a time that is over."""


def refuse_address(target: str) -> None:
    """Raise StoreForeign for an address that cannot be read. What the driver says of it may quote the password."""
    from psycopg.conninfo import conninfo_to_dict

    try:
        readable = "@" not in str(conninfo_to_dict(target).get("host", ""))
    except Exception:  # whatever it is, it may quote
        readable = False
    if not readable:
        raise StoreForeign(
            "the address of the PostgreSQL server cannot be read: in its user and password write what is no letter or "
            "digit as %XX (@ is %40), or put the password into PGPASSWORD"
        )


def told(error: BaseException, target: str = "") -> str:
    """The first line of what a server or its driver said; the address may hold a password and is no part of it.

    A password with marks that ought to be escaped is taken for a host or a port and told as such: so no quoted part of
    what stands before the address's last `@` is said, nor anything with one in it.
    """
    lines = str(error).strip().splitlines()
    if not lines:
        return type(error).__name__
    secret = target.partition("://")[2].partition(":")[2] if "@" in target or "password" in target else ""
    behind = secret.rpartition("@")[2].partition("?")[0]

    def masked(found: re.Match[str]) -> str:
        hidden = "@" in found[2] or (found[2] in secret and found[2] not in behind)
        return f"{found[1]}…{found[1]}" if hidden else found[0]

    return re.sub(r"([\"'])(.*?)\1", masked, re.sub(r"postgres(ql)?://\S+", "postgresql://…", lines[0]))


_PLACES: Final = re.compile(r"'[^']*'|\"[^\"]*\"|\?|%")


def with_percents(sql: str) -> str:
    """Placeholders as psycopg wants them: `%s` for `?`, outside of quotes; a `%` that is meant stays one."""

    def turned(found: re.Match[str]) -> str:
        piece = found.group()
        return "%s" if piece == "?" else piece.replace("%", "%%")

    return _PLACES.sub(turned, sql)
