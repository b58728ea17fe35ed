"""Slots for fields that nobody knows: what one answer had, the next ones are decoded with at once.

A decoder drops what it has no slot for, or refuses it; refused, a thread is read a second time. That would be every
thread as soon as somebody asks for a field that this library does not know, or Meta sends one by itself; and each
whose messages carry an attachment, since the types of all that may be carried take long to build. So the classes
of a decoder are made anew, with a slot for each name that was seen where there is none.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from types import GenericAlias, UnionType
from typing import Any, Final, TypeAlias, Union, get_args, get_origin

from msgspec import UNSET, StructMeta, UnsetType
from msgspec import field as told_as
from msgspec.structs import fields

from conversations_async.records import Scalar

Kind: TypeAlias = Any
"""A class whose slots are filled from JSON. To type checkers a record is none of msgspec's."""
Names: TypeAlias = Mapping[Kind, tuple[str, ...]]
"""What nobody knows, by the kind of object that it is a field of."""

LONGEST_NAME: Final = 100


def can_be_learned(name: str) -> bool:
    """Whether a class may have a field that JSON calls so: msgspec takes no name that JSON spells with a backslash.

    A bracket begins what is ours (`records`).
    """
    return len(name) <= LONGEST_NAME and name.isprintable() and name[:1] != "(" and not {'"', "\\"} & {*name}


@cache
def json_within(levels: int) -> Any:
    """The type of any JSON value of at most so many objects and arrays within each other, no array right in another.

    Of any at all a decoder would go down as far as Python itself, to where == and pickle break. Each pair of levels
    makes it twice as large and a bit; with arrays in arrays each level would.
    """
    if levels == 0:
        return Scalar
    items: Any = Scalar | GenericAlias(dict, (str, json_within(levels - 2))) if levels > 1 else Scalar
    return Scalar | GenericAlias(dict, (str, json_within(levels - 1))) | GenericAlias(list, items)


MOST_LEVELS: Final = 5
"""All that is documented but the products of a share, which are nine levels down, and are read a second time."""


def unknown_in(kind: Kind, value: object) -> Iterator[tuple[Kind, str]]:
    """What a JSON object has that its kind, or a kind within it, has no slot for; a name may come several times."""
    if type(value) is not dict:
        return
    known = _kinds_within(kind)
    for name, inner in value.items():
        if name not in known:
            if can_be_learned(name):
                yield kind, name
        elif (within := known[name]) is not None:
            for each in inner if type(inner) is list else (inner,):
                yield from unknown_in(within, each)


@cache
def _kinds_within(kind: Kind) -> Mapping[str, Kind | None]:
    """By the name of each field which kind of objects it holds, itself or in a list; None where it holds none."""
    return {each.encode_name: next(_kinds_in(each.type), None) for each in fields(kind)}


def _kinds_in(hint: Any) -> Iterator[Kind]:
    if isinstance(hint, StructMeta):
        yield hint
    for argument in get_args(hint):
        yield from _kinds_in(argument)


class WithSlots:
    """Classes with slots for these, in themselves and in what they hold. Each stands for the one that was written."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._made: dict[Kind, Kind] = {}

    def of(self, kind: Kind) -> Kind:
        """This kind's; itself where none of the names is of its concern."""
        if kind not in self._made:
            self._made[kind] = self._make(kind)
        return self._made[kind]

    def _make(self, kind: Kind) -> Kind:
        hints: dict[str, Any] = {}
        told: dict[str, Any] = {}
        for each in fields(kind):
            hint = self._of_hint(each.type)
            if hint is not each.type:
                default: dict[str, Any] = {"default": each.default, "default_factory": each.default_factory}
                hints[each.name], told[each.name] = hint, told_as(name=each.encode_name, **default)
        learned = tuple((name, f"_learned_{place}") for place, name in enumerate(self._names.get(kind, ())))
        for name, slot in learned:
            hints[slot], told[slot] = json_within(MOST_LEVELS) | UnsetType, told_as(name=name, default=UNSET)
        if not hints:
            return kind
        own = {"_stands_for": kind, "_learned": learned, "__annotations__": hints}
        named = {"__module__": kind.__module__, "__doc__": kind.__doc__}
        return type(kind)(kind.__name__, (kind,), {**told, **own, **named}, kw_only=True)

    def _of_hint(self, hint: Any) -> Any:
        if isinstance(hint, StructMeta):
            return self.of(hint)
        given = get_args(hint)
        made = tuple(map(self._of_hint, given))
        if all(new is old for new, old in zip(made, given, strict=True)):
            return hint
        origin = get_origin(hint)
        return Union[made] if origin in (Union, UnionType) else origin[made]  # noqa: UP007  # computed members
