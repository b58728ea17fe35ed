"""Values that are made in C are attrs classes all the same."""

import copy
import inspect
import pickle
import weakref
from collections.abc import Hashable
from typing import Any, get_type_hints

import attrs
import cattrs
import msgspec
import pytest
from rich.pretty import pretty_repr

from conversations_async import Cursor, Inbox, Platform, RawAnswer
from conversations_async.attachments import (
    Attachment,
    Image,
    Product,
    Reaction,
    ReplyTo,
    Share,
    Story,
    Template,
    Video,
)
from conversations_async.events import InboxStarted, Settling, ThreadUnreadable
from conversations_async.pacer import Turn
from conversations_async.values import Bundle, Plain, plain, quickly_made


@quickly_made
@attrs.frozen
class Parcel:
    """What is sent."""

    weight: int
    to: str | None = attrs.field(default=None, repr=False)
    stamps: list[str] = attrs.field(factory=list, eq=False)
    fragile: bool = attrs.field(default=False, kw_only=True)
    """Whether it may break."""

    def __attrs_post_init__(self) -> None:
        if self.weight < 0:
            raise ValueError("a parcel weighs something")

    @property
    def heavy(self) -> bool:
        return self.weight > 30


def test_it_is_made_checked_and_shown_as_attrs_would() -> None:
    parcel = Parcel(40, "Ilse", fragile=True)
    assert (parcel.weight, parcel.to, parcel.stamps, parcel.fragile, parcel.heavy) == (40, "Ilse", [], True, True)
    assert repr(parcel) == "Parcel(weight=40, stamps=[], fragile=True)"
    assert (Parcel.__name__, Parcel.__qualname__, Parcel.__module__, Parcel.__doc__) == (
        "Parcel",
        "Parcel",
        __name__,
        "What is sent.",
    )
    assert str(inspect.signature(Parcel)).startswith("(weight: int, to: str | None = None, ")
    assert Parcel(1).stamps is not Parcel(1).stamps
    wrong: list[tuple[Any, ...]] = [(), (1, None, [], True)]
    for given in wrong:
        with pytest.raises(TypeError):
            Parcel(*given)
    with pytest.raises(TypeError):
        Parcel(1, colour="red")  # type: ignore[call-arg]  # what is refused
    with pytest.raises(ValueError, match="weighs"):
        Parcel(-1)


def test_it_is_compared_hashed_copied_and_evolved_as_attrs_would() -> None:
    parcel = Parcel(7, "Ilse", ["a"], fragile=True)
    assert parcel == Parcel(7, "Ilse", ["b"], fragile=True)
    assert hash(parcel) == hash(Parcel(7, "Ilse", fragile=True))
    assert parcel not in (Parcel(8, "Ilse", fragile=True), Parcel(7, "Ilse"), (7, "Ilse"))
    for twin in (pickle.loads(pickle.dumps(parcel)), copy.copy(parcel), copy.deepcopy(parcel), attrs.evolve(parcel)):
        assert twin == parcel
        assert twin.stamps == ["a"]
    assert attrs.evolve(parcel, weight=8).fragile
    assert attrs.asdict(parcel) == {"weight": 7, "to": "Ilse", "stamps": ["a"], "fragile": True}
    assert weakref.ref(parcel)() is parcel


@pytest.mark.parametrize("name", ["weight", "fragile", "colour"])
def test_it_is_frozen(name: str) -> None:
    parcel = Parcel(1)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        setattr(parcel, name, 2)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        delattr(parcel, name)


def test_rich_is_told_what_repr_tells() -> None:
    """msgspec tells rich of every field, were it a secret."""
    assert pretty_repr(Parcel(1, "Ilse")) == "Parcel(weight=1, stamps=[], fragile=False)"
    shown = pretty_repr(RawAnswer(200, {"a": "a secret"}, b"a secret"))
    assert shown == "RawAnswer(status=200)"


def test_its_annotations_are_those_of_the_class_that_was_written() -> None:
    assert list(inspect.get_annotations(Parcel)) == ["weight", "to", "stamps", "fragile"]
    assert get_type_hints(Cursor)["after"] == str | None


def test_super_would_look_for_another_class() -> None:
    with pytest.raises(TypeError, match="super"):

        @quickly_made
        @attrs.frozen
        class Odd:
            def __str__(self) -> str:
                return super().__str__()


@pytest.mark.parametrize(
    "field",
    [
        attrs.field(converter=int),
        attrs.field(validator=attrs.validators.instance_of(int)),
        attrs.field(default=1, init=False),
        attrs.field(default=attrs.Factory(len, takes_self=True)),
        attrs.field(default=1, repr=lambda _: "•••"),
        attrs.field(default=1, alias="count"),
    ],
    ids=["a converter", "a validator", "not given", "of the object", "masked", "by another name"],
)
def test_a_field_that_only_attrs_can_make_is_refused(field: Any) -> None:
    with pytest.raises(TypeError, match="only attrs itself"):
        quickly_made(attrs.frozen(type("Odd", (), {"__annotations__": {"number": int}, "number": field})))


class Base:
    def weight(self) -> int:
        return 7


class BeforeInit:
    def __attrs_pre_init__(self) -> None: ...


@pytest.mark.parametrize(
    "kind",
    [
        attrs.frozen(type("Derived", (Base,), {})),
        attrs.frozen(BeforeInit),
        attrs.frozen(cache_hash=True)(type("Cached", (), {})),
    ],
    ids=lambda kind: kind.__name__,
)
def test_a_class_that_only_attrs_can_make_is_refused(kind: type) -> None:
    with pytest.raises(TypeError, match="only attrs itself"):
        quickly_made(kind)


@plain
class Stamp(Plain):
    """What a parcel bears."""

    cents: int
    country: str | None = None

    @property
    def dear(self) -> bool:
        return self.cents > 100


@plain
class Seal(Stamp):
    of: str = ""


def test_plain_fields_are_checked_compared_and_shown_as_attrs_would() -> None:
    stamp = Stamp(110, "NL")
    assert (stamp.cents, stamp.country, stamp.dear, Stamp(1).country) == (110, "NL", True, None)
    assert repr(stamp) == pretty_repr(stamp) == "Stamp(cents=110, country='NL')"
    assert str(inspect.signature(Stamp)) == "(cents: int, country: str | None = None)"
    assert stamp == Stamp(110, country="NL")
    assert stamp not in (Stamp(110), Seal(110, "NL"), (110, "NL"))
    assert Seal(110, "NL") != stamp
    assert len({stamp, Stamp(110, "NL"), Stamp(111, "NL")}) == 2
    wrong: list[tuple[Any, ...]] = [(), (1, None, 2)]
    for given in wrong:
        with pytest.raises(TypeError):
            Stamp(*given)
    match Seal(1, "BE", "x"):
        case Seal(cents, country, of):
            assert (cents, country, of) == (1, "BE", "x")


def test_plain_fields_are_known_to_attrs() -> None:
    kind: Any = Seal
    assert attrs.has(kind)
    assert [(each.name, each.type, each.default) for each in attrs.fields(Seal)] == [
        ("cents", int, attrs.NOTHING),
        ("country", str | None, None),
        ("of", str, ""),
    ]
    assert attrs.fields(Stamp).cents.name == "cents"
    seal = Seal(1, of="x")
    assert attrs.asdict(seal) == {"cents": 1, "country": None, "of": "x"}
    assert attrs.astuple(seal) == (1, None, "x")
    assert cattrs.unstructure(seal) == attrs.asdict(seal)
    assert cattrs.structure({"cents": 1, "of": "x"}, Seal) == seal
    for twin in (pickle.loads(pickle.dumps(seal)), copy.copy(seal), copy.deepcopy(seal), attrs.evolve(seal)):
        assert twin == seal
    assert attrs.evolve(seal, cents=2) == Seal(2, of="x")
    assert weakref.ref(seal)() is seal
    for name in ("cents", "colour"):
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(seal, name, 2)
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            delattr(seal, name)


def test_events_of_one_inbox_are_told_apart() -> None:
    inbox = Inbox("1042", Platform.MESSENGER)
    assert {InboxStarted(inbox), InboxStarted(inbox), Settling(inbox)} - {InboxStarted(inbox)} == {Settling(inbox)}
    assert [each.name for each in attrs.fields(ThreadUnreadable)] == ["inbox", "path"]
    assert repr(InboxStarted(inbox)) == f"InboxStarted(inbox={inbox!r})"
    unreadable = ThreadUnreadable(inbox, "$.data[3]")
    assert attrs.evolve(unreadable, path="$.data[4]") == ThreadUnreadable(inbox, "$.data[4]")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        unreadable.path = "$.data[4]"  # type: ignore[misc]  # type checkers know as well


def every(kind: Any) -> list[Any]:
    found: list[Any] = []
    for made in kind.__subclasses__():
        found += [made, *every(made)]
    return found


@pytest.mark.parametrize(
    "kind", [each for each in every(Plain) if each.__module__ != __name__], ids=lambda kind: kind.__name__
)
def test_every_plain_class_has_plain_fields(kind: Any) -> None:
    """What is told to attrs of others would be wrong."""
    for each in msgspec.structs.fields(kind):
        assert each.default_factory is msgspec.NODEFAULT
        assert not each.name.startswith("_")
    parameters = inspect.signature(kind).parameters.values()
    assert [each.name for each in parameters] == [each.name for each in attrs.fields(kind)]
    assert all(each.kind is each.POSITIONAL_OR_KEYWORD for each in parameters)


def test_a_bundle_shows_nothing_and_is_told_apart_by_identity() -> None:
    class Box(Bundle):
        token: str
        lid: str | None = None

    box = Box("a secret")
    box.lid = "another"
    assert (box.token, box.lid) == ("a secret", "another")
    assert "secret" not in repr(box) + str(box)
    assert pretty_repr(box) == "Box()"
    assert box != Box("a secret", "another")
    assert len({box, Box("a secret", "another")}) == 2


RAW = {"id": "7", "link": "canary", "url": "canary"}


@pytest.mark.parametrize(
    "made",
    [
        *(kind(RAW) for kind in (Attachment, Image, Product, Reaction, ReplyTo, Share, Template, Video)),
        Story("mention", RAW),
        Turn(Inbox("1", Platform.MESSENGER), 1.0, ticket="canary"),
    ],
    ids=lambda made: type(made).__name__,
)
def test_what_is_hidden_shows_nowhere(made: Any) -> None:
    for shown in (repr(made), pretty_repr(made)):
        assert shown.startswith(type(made).__name__)
        assert "canary" not in shown
    hidden = [each.name for each in attrs.fields(type(made)) if not each.repr]
    assert hidden == (["ticket"] if isinstance(made, Turn) else ["raw"])
    assert isinstance(made, Hashable) == isinstance(made, Attachment | Turn)
    for twin in (copy.copy(made), pickle.loads(pickle.dumps(made)), attrs.evolve(made)):
        assert twin == made
