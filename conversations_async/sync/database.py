"""What the two kinds of database have in common, as far as saving needs it. All of it blocks: it runs in one thread."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from attrs import evolve, frozen

from conversations_async.sync.schema import Dialect

Row = tuple[Any, ...]

WHOLE: Final = frozenset({"message_count", "unread_count", "position", "size"})
FLAGS: Final = frozenset({"can_reply", "is_subscribed", "is_owner", "unavailable", "is_unsupported"})
REAL: Final = frozenset({"call_count", "total_time", "total_cputime", "regain_after"})
"""Columns that are no text, among those written in bulk."""


@frozen(cache_hash=True)
class Insert:
    """Rows into a table. Where the key is held already: `replaced` columns take the new values, or nothing happens.

    `replaced=None`: nobody else can have written these keys. The first `shared` columns are the same in all rows.
    """

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    replaced: tuple[str, ...] | None = ()
    also: str = ""
    """Behind the replaced columns: another assignment."""
    shared: int = 0
    searched: str | None = None
    """The column of which the table has a full-text index."""

    @property
    def head(self) -> str:
        return f"INTO {self.table} ({', '.join(map(_quoted, self.columns))})"

    @property
    def tail(self) -> str:
        if self.replaced is None:
            return ""
        if not self.replaced and not self.also:
            return f"ON CONFLICT ({', '.join(self.key)}) DO NOTHING"
        changes = [f"{_quoted(name)} = excluded.{_quoted(name)}" for name in self.replaced]
        changes += [self.also] if self.also else []
        return f"ON CONFLICT ({', '.join(self.key)}) DO UPDATE SET {', '.join(changes)}"


@lru_cache(maxsize=64)
def only_new(insert: Insert) -> Insert:
    """The same, where nothing happens to what is held."""
    return evolve(insert, replaced=(), also="")


def _quoted(name: str) -> str:
    return f'"{name}"' if name == "new" else name


class Database(Protocol):
    """One connection. `?` stands for a parameter. Errors are StoreErrors; `is_passing` ones are worth another try."""

    dialect: Dialect

    def connect(self) -> None: ...
    def close(self) -> None: ...
    def begin(self) -> None: ...
    def commit(self) -> None: ...
    def rollback(self) -> None: ...

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """All rows of a SELECT."""
        ...

    def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
        """Run a statement; how many rows it touched."""
        ...

    def put(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> None:
        """Insert rows, no two of the same key where some are replaced; the shared columns' values by themselves."""
        ...

    def add(self, insert: Insert, rows: Sequence[Row], shared: Row = ()) -> set[str]:
        """Insert those whose `id`, the first column behind the shared ones, is not held; the ids of the others.

        The only way in for new rows of a table with a searched column. No two of the same key.
        """
        ...

    def among(self, column: str, values: Sequence[str]) -> tuple[str, list[object]]:
        """A condition that a column holds one of the values, and its parameters."""
        ...

    def is_lone(self) -> bool | None:
        """Whether no other living connection holds this database's lock; None where only its row can tell."""
        ...
