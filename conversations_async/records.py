"""Values that are decoded from JSON bytes straight into their slots, and are attrs classes to whoever looks at them.

A listing is millions of threads of which most fields are read once or never. msgspec builds a thread with its people,
each type checked, in two thirds of the time that the same bytes take to become dictionaries, and its fields are read
like any slot; attrs can do neither. What is built that way is of a documented shape throughout, but for fields that
nobody knows (`learned`): none that is known is null, or a number in quotes. All else is made by hand,
`Thread(inbox, raw)`: `raw` keeps what Meta sent, and a value that its field's reader knows nothing of reads as None.
"""

import inspect
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, TypeAlias, TypeVar

import attrs
from msgspec import UNSET, Meta, Struct, StructMeta, UnsetType, ValidationError, convert
from msgspec import field as told_as
from msgspec.json import Encoder
from msgspec.structs import fields, force_setattr

from conversations_async.readers import Readers, left_over
from conversations_async.values import Bundle

# Without what two decoders read differently: a number beyond 64 bits is a fraction to one of them.
Scalar: TypeAlias = str | Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float | bool | None

if TYPE_CHECKING:
    Text: TypeAlias = str | None
    Count: TypeAlias = int | None
    Flag: TypeAlias = bool | None
    Object: TypeAlias = Mapping[str, Any] | None
    Hidden: TypeAlias = Any
else:
    # What JSON must hold for a value to be decoded at once. Without null, None always says: not there.
    Text = str
    Count = Annotated[int, Meta(ge=-(2**53), le=2**53)]
    Flag = bool
    Object = dict[str, Scalar]
    # A field of ours in between: nothing that JSON can hold is of this type.
    Hidden = UnsetType

R = TypeVar("R", bound="Record")


class _ByHand(StructMeta):
    """Calling the class is making a value by hand. Decoding does not call it."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        return kind_of(self)._by_hand(*given, **named)

    @property
    def __signature__(self) -> inspect.Signature:
        return inspect.signature(self._by_hand)  # type: ignore[attr-defined]  # each record has its own

    @property
    def __match_args__(self) -> tuple[str, ...]:  # type: ignore[override]  # StructMeta knows of slots alone
        return tuple(each.name for each in getattr(self, "__attrs_attrs__", ()) if not each.kw_only)


if TYPE_CHECKING:

    class _Slots:
        """To type checkers a record is an attrs class and nothing else: each has its fields in a base class."""

        def __init_subclass__(cls, **options: bool) -> None: ...
else:

    class _Slots(
        Struct, metaclass=_ByHand, frozen=True, gc=False, eq=False, forbid_unknown_fields=True, omit_defaults=True
    ):
        """Without the garbage collector: no value of JSON leads back to another."""

        # Of a Struct's own, one asks nobody's __eq__, and the other fills slots beside a `raw` that says otherwise.
        __ne__ = object.__ne__

        def __replace__(self, /, **changes: Any) -> "_Slots":
            return attrs.evolve(self, **changes)


class Record(_Slots, kw_only=True):
    """What a JSON object tells: its fields in slots, None where they are not there. Equal where `raw` is."""

    _in_raw_alone: ClassVar[frozenset[str]] = frozenset()
    """Names of what is read from `raw`, where that is there, whatever the slot says."""
    _stands_for: ClassVar[Any] = None
    """The class as it was written, in one that was made of it with more slots."""
    _learned: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Names of fields that nobody knows, and the slots that such a class has for them."""

    _raw: Hidden = told_as(name="(raw)", default=None)
    """The JSON object, where somebody has seen it. What was decoded at once holds nothing that no slot holds."""

    if not TYPE_CHECKING:

        @property
        def raw(self) -> Mapping[str, Any]:
            """The JSON object, under Graph's names."""
            if (raw := self._raw) is None:
                shape = _shape_of(type(self))
                raw = {
                    name: value
                    for name, value, default in zip(shape.names, shape.values(self), shape.defaults, strict=True)
                    if value is not default
                }
                for name in shape.edges & raw.keys():
                    raw[name] = raw[name].raw
                shape.put["_raw"](self, raw)
            return raw

    def _extra(self, readers: Readers) -> Mapping[str, Any]:
        return learned_in(self) if self._raw is None else left_over(self._raw, readers)


def kind_of(record: Any) -> Any:
    """The class of a record as it was written, whatever slots were added; of a class likewise."""
    kind: Any = record if isinstance(record, type) else type(record)
    return kind._stands_for or kind


def learned_in(told: Any) -> dict[str, Any]:
    """The fields that nobody knows of what was decoded at once."""
    found = ((name, getattr(told, slot)) for name, slot in told._learned)
    return {name: value for name, value in found if value is not UNSET}


class _Shape(Bundle):
    """The slots of a record that JSON fills, and what fills all of them."""

    slots: tuple[str, ...]
    names: tuple[str, ...]
    """What JSON calls them."""
    known: frozenset[str]
    """The same, but for what is read from `raw` alone."""
    defaults: tuple[object, ...]
    """What they hold where there is nothing."""
    values: Callable[[Any], tuple[object, ...]]
    """What they hold."""
    put: Mapping[str, Callable[[Any, object], None]]
    edges: frozenset[str]
    """Names of those that hold an object of their own."""


_SHAPES: Final[dict[type, _Shape]] = {}


def _shape_of(kind: Any) -> _Shape:
    if (shape := _SHAPES.get(kind)) is None:
        told = [each for each in fields(kind) if not each.encode_name.startswith("(")]
        slots, names = tuple(each.name for each in told), tuple(each.encode_name for each in told)
        shape = _SHAPES[kind] = _Shape(
            slots,
            names,
            frozenset(names) - kind._in_raw_alone,
            tuple(each.default for each in told),
            attrgetter(*slots),
            {each.name: getattr(kind, each.name).__set__ for each in fields(kind)},
            frozenset(each.encode_name for each in told if isinstance(each.default, Struct)),
        )
    return shape


def attrs_class(**made_of: Any) -> Callable[[type[R]], type[R]]:
    """Make a record an attrs class of what it is made of by hand: frozen, to be evolved, inspected like any other."""
    own: dict[str, Any] = dict.fromkeys(("slots", "init", "eq", "repr", "match_args"), False)
    made: Callable[[type[R]], type[R]] = attrs.frozen(these=made_of, **own)
    return made


def by_hand(kind: type[R], raw: Mapping[str, Any], readers: Readers) -> R:
    """A record of JSON that is decoded already: at once where it is as documented, else field by field."""
    shape = _shape_of(kind)
    known = shape.known
    told = raw if raw.keys() <= known else {name: value for name, value in raw.items() if name in known}
    if None in told.values():
        told = {name: value for name, value in told.items() if value is not None}
    try:
        made = convert(told, kind)
    except ValidationError:
        named = zip(shape.slots, shape.names, strict=True)
        read = {slot: readers[name](told[name]) for slot, name in named if name in told}
        made = StructMeta.__call__(kind, **{slot: value for slot, value in read.items() if value is not None})
    shape.put["_raw"](made, raw)
    return made


def put(record: Record, slot: str, value: object) -> None:
    """Fill a slot of a new record; nobody else may."""
    _shape_of(type(record)).put[slot](record, value)


def watched(record: R, **ours: object) -> R:
    """The same with slots of ours filled, and in the garbage collector's sight: its class is one with `gc=True`.

    Whether it need be is seen when a value is built; one of texts alone stays out of sight, whatever is `put` into it.
    """
    slots = {slot: getattr(record, slot) for slot in _shape_of(type(record)).put}
    made: R = StructMeta.__call__(type(record), **{**slots, **ours})
    return made


def fill_all(records: Sequence[Record], slot: str, value: object) -> None:
    """Fill a slot of new records, without a Python call for any."""
    # To type checkers a record is no Struct.
    fill: Callable[[Any, str, Any], None] = force_setattr
    deque(map(fill, records, repeat(slot), repeat(value)), maxlen=0)


_encode: Final = Encoder(order="sorted").encode


def json_of(record: Record, *ours: str) -> str:
    """`raw` as JSON, the names sorted: the same text whichever way the record was made.

    `ours`: slots that are no part of it.
    """
    if record._raw is None:
        twin = copy(record)
        for slot in ours:
            put(twin, slot, UNSET)
        text = _encode(twin)
        # Unless somebody has looked at `raw` of one of its people; in words of people quotes are escaped.
        if b'"(raw)":' not in text:
            return text.decode()
    return _encode(record.raw).decode()  # type: ignore[attr-defined]  # told to type checkers by each record
