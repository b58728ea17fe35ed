"""PostgreSQL by psycopg 3, on one connection of its own thread.

Rows go in as arrays, one statement a table. Who writes holds an advisory lock, which the server lets go when the
writer's connection ends, however it ended.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

from conversations_async.sync.database import FLAGS, REAL, WHOLE, Insert, Row, only_new
from conversations_async.sync.errors import StoreError, StoreForeign, StoreUnavailable
from conversations_async.sync.reading import NOT_NOW, postgres_driver, refuse_address, told, with_percents
from conversations_async.sync.recognising import refuse_foreign
from conversations_async.sync.schema import TABLES, Dialect

_LOCK: Final = 7_411_046_193_150_061
"""The advisory lock's number: any, as long as it is always the same."""

_IN_THE_WAY: Final = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename = ANY(?)"


class PostgresUnreachable(StoreUnavailable):
    """The server does not answer, or has ended the connection: it may be there again in a moment."""


class PostgresLost(PostgresUnreachable):
    """It had taken the connection before: so it was there."""


class PostgresDatabase:
    """A database of a server that is there already."""

    dialect: Dialect = "postgres"

    def __init__(self, target: str) -> None:
        self._target = target
        self._driver = postgres_driver()
        refuse_address(target)
        self._connection: Any = None

    def connect(self) -> None:
        self.close()
        with self._told():
            self._connection = self._driver.connect(
                self._target,
                autocommit=True,
                connect_timeout=10,
                client_encoding="utf8",
                application_name="conversations-async sync",
            )
        encoding = self.rows("SHOW server_encoding")[0][0]
        if encoding != "UTF8":
            raise StoreForeign(f"this database holds texts as {encoding}: make one with ENCODING 'UTF8'")
        refuse_foreign(self, self.rows(_IN_THE_WAY, (list(TABLES),)))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def begin(self) -> None:
        self.run("BEGIN")

    def commit(self) -> None:
        self.run("COMMIT")

    def rollback(self) -> None:
        if self._connection is not None and not self._connection.closed:
            self.run("ROLLBACK")

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._told():
            found: list[Row] = self._open().execute(_turned(sql), parameters).fetchall()
            return found

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        with self._told():
            count: int = self._open().execute(_turned(sql), parameters).rowcount
            return count

    def put(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> None:
        if rows:
            with self._told():
                self._open().execute(_statement(insert), _columns(rows, shared))

    def add(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> set[str]:
        if not rows:
            return set()
        statement = _statement(only_new(insert)) + b" RETURNING id"
        with self._told():
            added = self._open().execute(statement, _columns(rows, shared)).fetchall()
        return {row[0] for row in rows} - {each for (each,) in added}

    def among(self, column: str, values: Sequence[str]) -> tuple[str, list[object]]:
        return f"{column} = ANY(?)", [list(values)]

    def is_lone(self) -> bool | None:
        return bool(self.rows("SELECT pg_try_advisory_lock(?)", (_LOCK,))[0][0])

    def _open(self) -> Any:
        if self._connection is None:
            raise PostgresUnreachable("the PostgreSQL server is not connected")
        return self._connection

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except self._driver.Error as error:
            raise self._in_words(error) from None

    def _in_words(self, error: Any) -> StoreError:
        lost = self._connection is None or self._connection.closed
        if lost or isinstance(error, self._driver.errors.AdminShutdown | self._driver.errors.CannotConnectNow):
            kind = PostgresUnreachable if self._connection is None else PostgresLost
            return kind(f"the PostgreSQL server cannot be reached: {told(error, self._target)}")
        if (error.sqlstate or "").startswith("53"):
            return StoreUnavailable(f"the PostgreSQL server has no room: {told(error, self._target)}")
        if error.sqlstate in NOT_NOW:
            return StoreUnavailable(f"the PostgreSQL server refuses: {told(error, self._target)}")
        return StoreError(f"the PostgreSQL server refuses: {told(error, self._target)}")


@lru_cache(maxsize=256)
def _turned(sql: str) -> bytes:
    return with_percents(sql).encode()


@lru_cache(maxsize=256)
def _statement(insert: Insert) -> bytes:
    shared, own = insert.columns[: insert.shared], insert.columns[insert.shared :]
    same = "".join(f"%s::{_type_of(name)}, " for name in shared)
    arrays = ", ".join(f"%s::{_type_of(name)}[]" for name in own)
    return f"INSERT {insert.head} SELECT {same}own.* FROM unnest({arrays}) own {insert.tail}".encode()


def _columns(rows: Sequence[Row], shared: Row) -> list[object]:
    return [*shared, *map(list, zip(*rows, strict=True))]


def _type_of(column: str) -> str:
    for names, kind in ((WHOLE, "bigint"), (FLAGS, "boolean"), (REAL, "double precision")):
        if column in names:
            return kind
    return "text"
