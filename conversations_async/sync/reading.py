"""The reading side: a database as one consistent picture, for the view, the export and anybody's SELECTs.

`with open_reader("inbox.db") as reader: for id, text in reader.rows("SELECT id, message FROM messages"): …`
The same SELECT serves SQLite and PostgreSQL; placeholders are `?` on both. A sync may go on writing meanwhile: all rows
of one reader are of the moment of its first.
"""

import re
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Protocol, Self
from urllib.parse import quote

from conversations_async.sync.errors import StoreError, StoreForeign, StoreMissing, StoreUnavailable
from conversations_async.sync.schema import NEWEST, Dialect

_AT_ONCE: Final = 1000


class Reader(Protocol):
    """A database opened for reading only."""

    dialect: Dialect

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        """The rows of a SELECT, streamed. Raises StoreError."""
        ...

    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...


def open_reader(target: str | Path) -> Reader:
    """Open a database that a sync has filled: the path of an SQLite file, or `postgresql://…`. Raises StoreError."""
    reader: Reader = PostgresReader(str(target)) if is_postgres(target) else SqliteReader(target)
    try:
        _check_schema(reader)
    except BaseException:
        reader.close()
        raise
    return reader


def is_postgres(target: str | Path) -> bool:
    """Whether a target names a PostgreSQL server; all others are paths."""
    return isinstance(target, str) and target.startswith(("postgresql://", "postgres://"))


def _check_schema(reader: Reader) -> None:
    try:
        found = next(reader.rows("SELECT max(number) FROM schema_migrations"))[0]
    except StoreUnavailable:
        raise
    except StoreError:
        raise StoreForeign("this is no database of conversations-async: fill one with `sync` first") from None
    refuse_schema(found, opened_to_write=False)


def refuse_schema(found: int | None, *, opened_to_write: bool) -> None:
    """Raise StoreForeign for a schema that this version does not read; one that writes leads older ones forward."""
    if found is not None and found > NEWEST:
        raise StoreForeign(
            f"this database has schema {found}, and this version of conversations-async knows schemas up to {NEWEST}: "
            "use the newer version that wrote it"
        )
    if not opened_to_write and (found or 0) < NEWEST:
        raise StoreForeign(f"this database has schema {found or 0}, older than {NEWEST}: run `sync` on it once")


class _Closing:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        raise NotImplementedError


class SqliteReader(_Closing):
    """An SQLite file; it is not written to, and it must exist."""

    dialect: Dialect = "sqlite"

    def __init__(self, path: str | Path) -> None:
        if not Path(path).is_file():
            raise StoreMissing(f"there is no file {path}: fill one with `sync` first")
        try:
            place = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
            self._connection = sqlite3.connect(place, uri=True, isolation_level=None, timeout=30)
            self._connection.execute("BEGIN")
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{path} cannot be opened: {error}") from None
        self._path = path

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        try:
            cursor = self._connection.execute(sql, tuple(parameters))
            while batch := cursor.fetchmany(_AT_ONCE):
                yield from batch
        except sqlite3.Error as error:
            raise StoreError(f"{self._path} cannot be read: {error}") from None

    def close(self) -> None:
        self._connection.close()


class PostgresReader(_Closing):
    """A PostgreSQL database, in one transaction that sees a single moment."""

    dialect: Dialect = "postgres"

    def __init__(self, target: str) -> None:
        psycopg = postgres_driver()
        try:
            self._connection = psycopg.connect(target)
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
                yield from cursor
        except self._error as error:
            raise StoreError(f"the database cannot be read: {told(error)}") from None

    def close(self) -> None:
        self._connection.close()


def postgres_driver() -> Any:
    """psycopg, which is an extra. Raises StoreError with the way to have it."""
    try:
        import psycopg
    except ImportError:
        raise StoreError("PostgreSQL needs psycopg: pip install 'conversations-async[postgres]'") from None
    return psycopg


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
