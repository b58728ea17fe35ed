"""What is exported: tables under Graph's names, with what belongs to a row nested in it.

A nested table is read beside its own, in the same order, so that no more than one row's parts are in memory.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final, Literal, TypeAlias

from attrs import frozen

from conversations_async.sync.reading import Reader

Type: TypeAlias = Literal["text", "whole", "real", "flag", "time"]
Row: TypeAlias = dict[str, Any]


@frozen(cache_hash=True)
class Column:
    name: str
    type: Type = "text"
    source: str = ""
    """Of the SELECT, where it is not the name."""


@frozen
class Nested:
    """Rows that belong to another table's row: a list of objects in it; as CSV, a table of its own."""

    name: str
    columns: tuple[Column, ...]
    tables: str
    order: str
    only: str = ""
    """The condition that picks them."""


@frozen
class Table:
    """A SELECT over *tables*, whose first *key* columns name a row."""

    name: str
    columns: tuple[Column, ...]
    tables: str
    order: str
    nested: tuple[Nested, ...] = ()
    key: int = 3


def _columns(text: str, prefix: str = "") -> tuple[Column, ...]:
    """Columns written as `name` or `name:type`; the types are text where nothing is said."""
    found = []
    for each in text.split():
        name, _, kind = each.partition(":")
        assert kind in ("", "whole", "real", "flag", "time")
        found.append(Column(name, kind or "text", f'{prefix}"{name}"'))  # type: ignore[arg-type]  # asserted above
    return tuple(found)


_PERSON: Final = _columns("id name username email", "p.")
# CROSS JOIN: SQLite goes through them in this order, which an index gives, and need not sort a whole table.
_OF_THREAD: Final = "threads t CROSS JOIN thread_people x CROSS JOIN people p"
_WHO: Final = (
    "x.page_id = t.page_id AND x.platform = t.platform AND x.thread_id = t.id "
    "AND p.page_id = x.page_id AND p.platform = x.platform AND p.id = x.person_id"
)
_THREAD_ORDER: Final = "t.page_id, t.platform, t.updated_time DESC, t.id"
_MESSAGE_ORDER: Final = "m.page_id, m.platform, m.thread_id, m.created_time DESC, m.id"


def _people(name: str, role: str) -> Nested:
    return Nested(name, _PERSON, _OF_THREAD, f"{_THREAD_ORDER}, x.position", f"{_WHO} AND x.role = '{role}'")


TABLES: Final = (
    Table("pages", _columns("id name graph"), "pages", "id", key=1),
    Table(
        "inboxes",
        _columns("page_id platform state threads:whole messages:whole last_error next_step synced_at:time"),
        "inboxes",
        "page_id, platform",
        key=2,
    ),
    Table(
        "threads",
        _columns(
            "page_id platform id updated_time:time link snippet message_count:whole unread_count:whole can_reply:flag "
            "is_subscribed:flag is_owner:flag scoped_thread_key folder name subject wallpaper unavailable:flag "
            "first_seen_at:time changed_at:time gone_at:time",
            "t.",
        ),
        "threads t",
        _THREAD_ORDER,
        (
            _people("participants", "participant"),
            _people("senders", "sender"),
            _people("former_participants", "former"),
        ),
    ),
    Table(
        "messages",
        _columns(
            "page_id platform id thread_id created_time:time from_id from_name message sticker reply_to "
            "is_unsupported:flag unavailable:flag",
            "m.",
        ),
        "messages m",
        _MESSAGE_ORDER,
        (
            Nested(
                "attachments",
                _columns("kind id name mime_type size:whole url", "a."),
                "messages m CROSS JOIN attachments a",
                f"{_MESSAGE_ORDER}, a.position",
                "a.page_id = m.page_id AND a.platform = m.platform AND a.message_id = m.id",
            ),
        ),
    ),
    Table(
        "sync_runs",
        _columns(
            "run_id page_id platform kind started_at:time finished_at:time threads:whole messages:whole calls:whole "
            "waited_seconds:real new:whole changed:whole unchanged:whole gone:whole outcome cause next_step"
        ),
        "sync_runs",
        "run_id, page_id, platform",
    ),
    Table(
        "usage_samples",
        _columns(
            "run_id page_id platform pool taken_at:time call_count:real total_time:real total_cputime:real "
            "regain_after:real"
        ),
        "usage_samples",
        "run_id, page_id, platform, pool, taken_at",
        key=5,
    ),
)


_PYTHON: Final[dict[Type, type]] = {"text": str, "time": str, "whole": int, "real": float, "flag": bool}


def _typed(kind: Type, value: Any) -> Any:
    """A value of its column's type. In SQLite a hand may put anything anywhere: what is of another type is None."""
    if kind == "flag":  # SQLite keeps them as 0 and 1
        return bool(value) if isinstance(value, int) else None
    if kind == "text":
        return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
    return float(value) if kind == "real" and isinstance(value, int) else None


def _object(columns: tuple[Column, ...], values: tuple[Any, ...]) -> Row:
    return {
        name: value if value is None or type(value) is python else _typed(kind, value)
        for (name, kind, python), value in zip(_kinds(columns), values, strict=True)
    }


@cache
def _kinds(columns: tuple[Column, ...]) -> tuple[tuple[str, Type, type], ...]:
    return tuple((column.name, column.type, _PYTHON[column.type]) for column in columns)


def rows_of(reader: Reader, table: Table) -> Iterator[Row]:
    """The rows of a table, what is nested in each as lists."""
    beside = [(nested.name, _Beside(reader, table, nested)) for nested in table.nested]
    names = ", ".join(column.source for column in table.columns)
    for values in reader.rows(f"SELECT {names} FROM {table.tables} ORDER BY {table.order}"):
        row = _object(table.columns, values)
        for name, parts in beside:
            row[name] = parts.of(values[: table.key])
        yield row


class _Beside:
    """A nested table read in the order of its own table."""

    def __init__(self, reader: Reader, table: Table, nested: Nested) -> None:
        self._nested, self._key = nested, table.key
        self._rows = nested_rows(reader, table, nested)
        self._next = next(self._rows, None)

    def of(self, key: tuple[Any, ...]) -> list[Row]:
        """The parts of the row with this key."""
        found = []
        while self._next is not None and self._next[: self._key] == key:
            found.append(_object(self._nested.columns, self._next[self._key :]))
            self._next = next(self._rows, None)
        return found


def nested_rows(reader: Reader, table: Table, nested: Nested) -> Iterator[tuple[Any, ...]]:
    """The key of its own row, then the columns of each part."""
    names = ", ".join(column.source for column in (*table.columns[: table.key], *nested.columns))
    where = f"WHERE {nested.only}" if nested.only else ""
    return iter(reader.rows(f"SELECT {names} FROM {nested.tables} {where} ORDER BY {nested.order}"))


def flat(table: Table) -> Iterator[Table]:
    """A table without what is nested in it, and each of that as a table that names its row."""
    yield Table(table.name, table.columns, table.tables, table.order, key=table.key)
    for nested in table.nested:
        owner = table.name.removesuffix("s")
        key = tuple(
            Column(f"{owner}_{column.name}" if column.name == "id" else column.name, column.type, column.source)
            for column in table.columns[: table.key]
        )
        where = f" WHERE {nested.only}" if nested.only else ""
        yield Table(f"{owner}_{nested.name}", (*key, *nested.columns), nested.tables + where, nested.order)
