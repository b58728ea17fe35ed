"""Classes of fields that cost less than attrs' own, which compiles methods for each on import, in .3 milliseconds.

* `Plain`: frozen values of plain fields, made in C. Attrs classes to whoever looks.
* `Discreet`: the same where repr leaves a field out.
* `quickly_made`: the same where a field is not compared or made anew, or the class has more than fields.
* `Value`: attrs classes whose fields are checked or converted; equality and repr are written once for all.
* `Raised`: errors of plain fields; attrs classes to whoever looks, with one `__init__` for all.
* `Bundle`: what a room keeps together, seen by nobody.

    @plain
    class Waiting(Plain):
        inbox: Inbox
        seconds: float

    @quickly_made
    @frozen
    class Cursor: ...

What is made in C is quicker to fill as well: attrs fills a frozen object through `object.__setattr__`, a thousand
instructions a field, and a listing makes seven such objects a call; msgspec fills all fields of one in fifteen hundred.
To whoever uses it the class is what attrs would have made of it: fields, repr and equality, `evolve`, `asdict`,
pickles, and the error where somebody writes to it. It is a msgspec Struct all the same, and attrs derives no class
from it; of an error it does.
"""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from inspect import Parameter, Signature
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeAlias, TypeVar, get_origin

import attrs
from msgspec import NODEFAULT, Struct, StructMeta, defstruct
from msgspec import field as struct_field
from msgspec.structs import fields as struct_fields

__all__ = ("LATER", "Bundle", "Discreet", "Plain", "Raised", "Value", "plain", "quickly_made", "raised", "shown")

T = TypeVar("T")

_MADE_ANEW: Final = ("__init__", "__slots__", "__weakref__", "__getstate__", "__setstate__", "__match_args__")


class _SeenByAttrs(StructMeta):
    if not TYPE_CHECKING:

        def __init__(self, name: str, bases: tuple[type, ...], own: dict[str, Any], **options: bool) -> None:
            super().__init__(name, bases, own)
            # msgspec has given it its own, whose error is another.
            self.__setattr__ = self.__delattr__ = _refuse

        @property
        def __attrs_attrs__(self) -> tuple["attrs.Attribute[Any]", ...]:
            return _attributes_of(self)


def _refuse(_value: object, _name: str, *_: object) -> NoReturn:
    raise attrs.exceptions.FrozenInstanceError


@cache
def _attributes_of(kind: type[Struct]) -> tuple["attrs.Attribute[Any]", ...]:
    told = {
        each.name: (each.type, attrs.NOTHING if each.default is NODEFAULT else each.default)
        for each in struct_fields(kind)
    }
    return _written_by_attrs(kind.__name__, told, getattr(kind, "_hidden", ()))


def _written_by_attrs(
    name: str, told: Mapping[str, tuple[Any, object]], hidden: Collection[str] = ()
) -> tuple["attrs.Attribute[Any]", ...]:
    """What attrs would have written of a class with these fields. Few ask, so it is written then."""
    fields = {
        name: attrs.field(type=hint, default=default, repr=name not in hidden) for name, (hint, default) in told.items()
    }
    found: tuple[attrs.Attribute[Any], ...] = attrs.fields(attrs.make_class(name, fields))
    return found


if TYPE_CHECKING:
    from attrs import frozen as plain

    class Plain: ...
else:

    def plain(kind: type[T]) -> type[T]:
        """Tells type checkers that a `Plain` is an attrs class."""
        return kind

    class Plain(Struct, metaclass=_SeenByAttrs, frozen=True, weakref=True):
        """A frozen class of plain fields: nothing is hidden, converted or checked, and no default is made anew."""


class _Computed:
    """What a class has under a name where somebody looks, unless it has something of its own there."""

    def __init__(self, compute: Callable[[Any], object]) -> None:
        self._compute = compute

    def __get__(self, _instance: object, kind: Any) -> Any:
        if (found := self._compute(kind)) is None:
            raise AttributeError
        return found


@cache
def _attributes_of_error(kind: Any) -> object:
    return _written_by_attrs(kind.__name__, kind._told) if kind._told else None


@cache
def _signature_of_fields(kind: Any) -> Signature:
    return Signature([_parameter(name, *told) for name, told in kind._told.items()])


def _signature_of_error(kind: Any) -> Signature | None:
    return _signature_of_fields(kind) if kind._told and kind.__init__ is Raised.__init__ else None


def _parameter(name: str, hint: object, default: object) -> Parameter:
    default = Parameter.empty if default is attrs.NOTHING else default
    return Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, annotation=hint, default=default)


if TYPE_CHECKING:
    from attrs import define as raised

    Raised: TypeAlias = Exception
else:

    def raised(*, eq: bool) -> Callable[[type[T]], type[T]]:
        """The annotations of this class are fields, behind those of the class that it derives from.

        `eq` is False, for type checkers: an error is told apart by identity, and so can be hashed.
        """
        assert not eq
        return _with_fields

    def _with_fields(kind: type[T]) -> type[T]:
        own = {}
        for name, hint in kind.__annotations__.items():
            if get_origin(hint) is not ClassVar:
                own[name] = (hint, vars(kind).get(name, attrs.NOTHING))
                if name in vars(kind):
                    delattr(kind, name)
        kind._told = {**kind._told, **own}
        kind.__match_args__ = (*kind._told,)
        return kind

    class Raised(Exception):
        """An error of plain fields, given in their order or by name. One without fields is any other exception."""

        _told = {}  # noqa: RUF012  # annotated, it would be a field to whoever reads hints
        """Field → its type and default."""
        __attrs_attrs__ = _Computed(_attributes_of_error)
        __signature__ = _Computed(_signature_of_error)

        def __init__(self, *given: object, **named: object) -> None:
            if self._told:
                given, named = self._values_of(given, named), {}
            # Not the next class's: an OSError would take two of them for a number and its meaning.
            BaseException.__init__(self, *given, **named)
            self.__attrs_post_init__()

        def __attrs_post_init__(self) -> None:
            """What a class does when its fields are there."""

        def _values_of(self, given: tuple[object, ...], named: dict[str, object]) -> tuple[object, ...]:
            """Fill the fields. Raises TypeError where one is missing, or unknown."""
            try:
                bound = _signature_of_fields(type(self)).bind(*given, **named)
            except TypeError as error:
                raise TypeError(f"{type(self).__name__}: {error}") from None
            bound.apply_defaults()
            for name, value in bound.arguments.items():
                setattr(self, name, value)
            return (*bound.arguments.values(),)


class Discreet(Plain):
    """A Plain of which repr, attrs and rich show no field that it hides."""

    _hidden: ClassVar[frozenset[str]] = frozenset()

    def __repr__(self) -> str:
        return shown(self)  # type: ignore[arg-type]  # told to type checkers by each class

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        told: Any = type(self)
        return ((each.name, getattr(self, each.name)) for each in attrs.fields(told) if each.repr)


class Bundle(Struct, eq=False):
    """What a room keeps together under names: it may change, and is told apart by identity.

    As cheap on import as `Plain`. It shows nothing of itself, since tokens pass through many of them.
    """

    __repr__ = object.__repr__

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        return []


LATER: Final[Any] = None
"""The default of what a Bundle's `__post_init__` fills."""


class Value:
    """Equality, hash and repr of frozen attrs classes that are seldom compared, written once.

    attrs would write them for each class anew, which takes half the time of its import.
    """

    __slots__ = ()
    if TYPE_CHECKING:
        __attrs_attrs__: ClassVar[Any]
        """Each of them is an attrs class."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Value) or type(other) is not type(self):
            return NotImplemented
        return attrs.astuple(self, recurse=False) == attrs.astuple(other, recurse=False)

    def __hash__(self) -> int:
        return hash((type(self), attrs.astuple(self, recurse=False)))

    def __repr__(self) -> str:
        return shown(self)


def shown(value: attrs.AttrsInstance) -> str:
    """The repr that attrs would write for this object's class."""
    told = ", ".join(f"{each.name}={getattr(value, each.name)!r}" for each in attrs.fields(type(value)) if each.repr)
    return f"{type(value).__name__}({told})"


def quickly_made(kind: type[T]) -> type[T]:
    """The same class, made in C. Raises TypeError where it is more than fields with plain defaults, and methods."""
    fields: tuple[attrs.Attribute[Any], ...] = attrs.fields(kind)  # type: ignore[arg-type]  # raises where it is none of theirs
    for each in fields:
        computed = each.converter or each.validator or not each.init or getattr(each.default, "takes_self", False)
        if computed or callable(each.repr) or each.alias != each.name:
            raise TypeError(f"{kind.__name__}.{each.name}: only attrs itself can make such a field")
    if kind.__bases__ != (object,) or {"__attrs_pre_init__", "_attrs_cached_hash"} & vars(kind).keys():
        raise TypeError(f"{kind.__name__}: only attrs itself can make such a class")
    if any("__class__" in code.co_freevars for code in _codes(kind)):
        raise TypeError(f"{kind.__name__}: super() would look for the class that this one takes the place of")
    left_out = {*_MADE_ANEW, *(each.name for each in fields)}
    own = {name: value for name, value in vars(kind).items() if name not in left_out}
    told = tuple(each.name for each in fields if each.repr)
    # msgspec tells rich of every field, also of those that repr leaves out; whoever says otherwise is heard.
    own.setdefault("__rich_repr__", lambda self: ((name, getattr(self, name)) for name in told))
    if "__attrs_post_init__" in own:
        own["__post_init__"] = own["__attrs_post_init__"]
    by_place = [_told(each) for each in fields if not each.kw_only]
    by_name = [_told(each) for each in fields if each.kw_only]
    options: dict[str, Any] = {"module": kind.__module__, "weakref": True}
    made = defstruct(kind.__name__, by_place, namespace={} if by_name else own, **options)
    if by_name:
        # A Struct's own fields are all given by name, or none is.
        made = defstruct(kind.__name__, by_name, bases=(made,), namespace=own, kw_only=True, **options)
    made.__qualname__ = kind.__qualname__
    made.__annotations__ = kind.__annotations__
    return made  # type: ignore[return-value]  # another class, of which nobody need know


def _codes(kind: type) -> Iterator[CodeType]:
    for value in vars(kind).values():
        function = value.fget if isinstance(value, property) else inspect.unwrap(getattr(value, "__func__", value))
        if isinstance(function, FunctionType):
            yield function.__code__


def _told(field: "attrs.Attribute[Any]") -> Any:
    name, kind, default = field.name, field.type or Any, field.default
    if default is attrs.NOTHING:
        return name, kind
    if factory := getattr(default, "factory", None):
        return name, kind, struct_field(default_factory=factory)
    return name, kind, default
