"""Values as Meta sends them: each reader gives the value in our words, or None where it has another shape.

A field whose value has a shape nobody documented reads as None and stays, untouched, in `extra` beside the fields this
library does not know.
"""

import gc
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeGuard

Readers: TypeAlias = Mapping[str, Callable[[object], object]]
"""Field → what reads it."""


def read_text(value: object) -> str | None:
    return value if type(value) is str else None


def read_count(value: object) -> int | None:
    if type(value) is int:
        return value
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 18:
        return int(value)
    return None


def read_number(value: object) -> float | None:
    return float(value) if type(value) in (int, float) and value == value else None  # type: ignore[arg-type]  # a number by its type


def read_flag(value: object) -> bool | None:
    """Meta's samples also spell a bool as the text "true" (contract 10)."""
    if type(value) is bool:
        return value
    return {"true": True, "false": False}.get(value) if type(value) is str else None


def read_time(value: object) -> datetime | None:
    """`2026-05-04T13:32:08+0000`, or a UNIX time in seconds, as an aware UTC datetime (contract 1.3, 10)."""
    try:
        if type(value) is str:
            if value.isascii() and value.isdigit():
                # UNIX times of our days have ten digits; 20260504 and 202605041332 are dates.
                return datetime.fromtimestamp(int(value), UTC) if len(value) in (9, 10) else None
            moment = datetime.fromisoformat(value)
            return moment if moment.tzinfo is UTC else moment.astimezone(UTC) if moment.tzinfo else None
        if type(value) is int:
            return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


def read_moment(value: object) -> datetime | None:
    """The same, the fastest for what Meta writes."""
    if value is None:
        return None
    try:
        moment = _parsed(value)
    except (TypeError, ValueError):
        return read_time(value)
    # A UNIX time, or a date alone, has no zone.
    return moment if moment.tzinfo is UTC else read_time(value)


_parsed: Final[Callable[[Any], datetime]] = datetime.fromisoformat


def has_id(raw: object) -> TypeGuard[dict[str, Any]]:
    """Whether it is an object with a text as its id, as every item of a listing has."""
    return type(raw) is dict and type(raw.get("id")) is str and raw["id"] != ""


def read_edge(value: object) -> list[Any] | None:
    """The items of a nested edge `{"data": [...]}` (contract 2.1); a bare list is taken as well."""
    if type(value) is dict:
        value = value.get("data")
    return value if type(value) is list else None


def read_names(value: object) -> tuple[str, ...] | None:
    items = read_edge(value)
    if items is None:
        return None
    return tuple(item["name"] for item in items if type(item) is dict and type(item.get("name")) is str)


def read_mapping(value: object) -> Mapping[str, Any] | None:
    return value if type(value) is dict else None


def whole(read: Callable[[object], tuple[Any, ...] | None]) -> Callable[[object], object]:
    """A list counts as read where each of its items was."""

    def told(value: object) -> object:
        found = read(value)
        return None if found is None or len(found) != len(read_edge(value) or ()) else found

    return told


def left_over(raw: Mapping[str, Any], readers: Readers) -> dict[str, Any]:
    """What no attribute tells, or not in full: unknown fields, and known ones whose value could not be read."""
    return {
        name: value
        for name, value in raw.items()
        if (reader := readers.get(name)) is None or (value is not None and reader(value) is None)
    }


MOST_CONTAINERS: Final = 500_000
"""Arrays and objects of an answer. 500 threads with 25 messages each, every one with an attachment, come to a fifth."""


def has_too_many_containers(body: bytes) -> bool:
    """Whether JSON may be of more arrays and objects than memory should hold. Those in texts count as well."""
    # Each takes two bytes at least, so that an ordinary page is not even counted.
    return len(body) > 2 * MOST_CONTAINERS and body.count(b"{") + body.count(b"[") > MOST_CONTAINERS


DEEPEST: Final = 64
"""Levels of arrays and objects in an answer. A thread with all its edges has about ten; far beyond, == and pickle
break."""


def is_deep(value: object, levels: int) -> bool:
    """Whether more than so many arrays and objects lie within each other.

    Level by level in C, an eighth of what decoding cost: brackets in the bytes tell nothing, texts have them too.
    """
    level = [value]
    for _ in range(levels):
        level = gc.get_referents(*level)
        if not level:
            return False
    return any(isinstance(each, dict | list) for each in level)


def holds_escape(data: bytes, escape: bytes) -> bool:
    """Whether an escape of JSON's is in the data. A third of the price of `in`, and next to nothing without any."""
    # From behind the search looks for the backslash, which is rare; from before it looks for the last digit.
    return b"\\" in data and data.rfind(escape) >= 0
