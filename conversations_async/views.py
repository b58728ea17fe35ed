"""Attributes that read a JSON object: a view holds the object as `raw`, and an attribute is one line of a class.

    link = text_in("link", "A path relative to facebook.com.")

Each is a plain property with what it does written out: a reader called in between would cost as much again as the
look-up (110 ns instead of 70), and a value cached in the object more than reading it twice.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol, TypeVar, overload

from conversations_async.readers import (
    Readers,
    read_count,
    read_flag,
    read_mapping,
    read_moment,
    read_names,
    read_number,
    read_text,
    read_time,
    whole,
)

T = TypeVar("T")


class View(Protocol):
    """What looks at a JSON object."""

    @property
    def raw(self) -> Mapping[str, Any]: ...


if TYPE_CHECKING:

    class Told(Generic[T]):
        """An attribute of a view: read-only, of this type."""

        @overload
        def __get__(self, view: None, kind: type) -> "Told[T]": ...
        @overload
        def __get__(self, view: object, kind: type) -> T: ...
        def __get__(self, view: object | None, kind: type) -> "Told[T] | T": ...
        def __set__(self, view: object, value: Any) -> None: ...
else:

    class Told:
        """At run time an attribute is a property and nothing else: later Pythons read exactly those the fastest."""

        def __class_getitem__(cls, kind: object) -> type:
            return property


def _property(read: Callable[[Any], Any], name: str, reader: Callable[[object], object], doc: str) -> Any:
    told = property(read, doc=doc or None)
    _READ_BY[told] = (name, reader)
    return told


_READ_BY: Final[dict[property, tuple[str, Callable[[object], object]]]] = {}


def readers_of(kind: type) -> Readers:
    """Field → what reads it, for all attributes of a class that were made here: what they do not tell is `extra`."""
    return dict(_READ_BY[told] for told in vars(kind).values() if isinstance(told, property) and told in _READ_BY)


def text_in(name: str, doc: str = "") -> Told[str | None]:
    """A text."""

    def read(view: View) -> str | None:
        value = view.raw.get(name)
        return value if type(value) is str else None

    return _property(read, name, read_text, doc)  # type: ignore[no-any-return]  # a Told to type checkers


def count_in(name: str, doc: str = "") -> Told[int | None]:
    """A whole number, from 0 up where it comes as a text."""

    def read(view: View) -> int | None:
        value = view.raw.get(name)
        return value if type(value) is int or value is None else read_count(value)

    return _property(read, name, read_count, doc)  # type: ignore[no-any-return]  # a Told to type checkers


def flag_in(name: str, doc: str = "") -> Told[bool | None]:
    """A bool."""

    def read(view: View) -> bool | None:
        value = view.raw.get(name)
        return value if value is None or value is True or value is False else read_flag(value)

    return _property(read, name, read_flag, doc)  # type: ignore[no-any-return]  # a Told to type checkers


def number_in(name: str, doc: str = "") -> Told[float | None]:
    """A number."""
    return value_in(name, read_number, doc)


def moment_in(name: str, doc: str = "") -> Told[datetime | None]:
    """A time, aware UTC."""

    def read(view: View) -> datetime | None:
        return read_moment(view.raw.get(name))

    return _property(read, name, read_time, doc)  # type: ignore[no-any-return]  # a Told to type checkers


def mapping_in(name: str, doc: str = "") -> Told[Mapping[str, Any] | None]:
    """An object as Meta sent it."""
    return value_in(name, read_mapping, doc)


def names_in(name: str, doc: str = "") -> Told[tuple[str, ...]]:
    """The names of the items of an edge."""
    return items_in(name, read_names, doc)


def value_in(name: str, reader: Callable[[object], T | None], doc: str = "") -> Told[T | None]:
    """Whatever the reader makes of the value."""

    def read(view: View) -> T | None:
        value = view.raw.get(name)
        return None if value is None else reader(value)

    return _property(read, name, reader, doc)  # type: ignore[no-any-return]  # a Told to type checkers


def items_in(name: str, reader: Callable[[object], tuple[T, ...] | None], doc: str = "") -> Told[tuple[T, ...]]:
    """The items of an edge, () where there are none; `extra` keeps an edge of which some could not be read."""

    def read(view: View) -> tuple[T, ...]:
        value = view.raw.get(name)
        return () if value is None else reader(value) or ()

    return _property(read, name, whole(reader), doc)  # type: ignore[no-any-return]  # a Told to type checkers


def each(make: Callable[[Mapping[str, Any]], T]) -> Callable[[object], tuple[T, ...] | None]:
    """Reads an edge: what is made of each item that is an object."""

    def read(value: object) -> tuple[T, ...] | None:
        listed = value.get("data") if type(value) is dict else value
        if type(listed) is not list:
            return None
        return tuple([make(item) for item in listed if type(item) is dict])

    return read


def one(make: Callable[[Mapping[str, Any]], T]) -> Callable[[object], T | None]:
    """Reads an object."""
    return lambda value: make(value) if type(value) is dict else None
