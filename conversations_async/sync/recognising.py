"""Whether a database is one of ours, and of a schema that this version knows."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from conversations_async.sync.errors import StoreError, StoreForeign, StoreUnavailable
from conversations_async.sync.schema import MIGRATIONS, NEWEST


class Readable(Protocol):
    """What has rows to read."""

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterable[tuple[Any, ...]]: ...


def is_ours(database: Readable) -> bool:
    """Whether the record of migrations is there and begins as ours does: others have tables of that name, too."""
    try:
        return [*database.rows("SELECT name FROM schema_migrations WHERE number = 1")] == [(MIGRATIONS[0].name,)]
    except StoreUnavailable:
        raise
    except StoreError:
        return False


def refuse_foreign(database: Readable, in_the_way: Sequence[object]) -> None:
    """Raise StoreForeign where tables of another program are in the way. A database with nothing in it is free."""
    if in_the_way and not is_ours(database):
        raise StoreForeign("this database holds tables of another program: name another, which a sync may fill")


def refuse_schema(found: int | None, *, opened_to_write: bool) -> None:
    """Raise StoreForeign for a schema that this version does not read; one that writes leads older ones forward."""
    if found is not None and found > NEWEST:
        raise StoreForeign(
            f"this database has schema {found}, and this version of conversations-async knows schemas up to {NEWEST}: "
            "use the newer version that wrote it"
        )
    if not opened_to_write and (found or 0) < NEWEST:
        raise StoreForeign(f"this database has schema {found or 0}, older than {NEWEST}: run `sync` on it once")
