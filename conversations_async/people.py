"""The people of a thread or message."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from attrs import field, frozen
from msgspec import Struct, ValidationError, convert

from conversations_async.readers import Readers, read_edge, read_text
from conversations_async.records import Record, Text, attrs_class, by_hand, kind_of, learned_in
from conversations_async.values import Bundle
from conversations_async.views import one

if TYPE_CHECKING:

    @frozen
    class _Made(Record):
        raw: Mapping[str, Any]
else:
    _Made = Record


@attrs_class(raw=field(type=Mapping[str, Any]))
class Participant(_Made, kw_only=True):
    """A person or account in a thread: `name` and `email` on Messenger, `username` on Instagram (contract 2.1)."""

    id: Text = None
    """Page-scoped id (PSID, IGSID), or the Page's or account's own."""
    name: Text = None
    username: Text = None
    email: Text = None
    """`<id>@facebook.com`, made by Meta; the number may differ from `id`."""
    user_id: Text = None
    """The Instagram account id that answers carried until December 2021 (contract 1.7)."""

    @classmethod
    def _by_hand(cls, raw: Mapping[str, Any]) -> "Participant":
        return by_hand(cls, raw, _READERS)

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape."""
        return self._extra(_READERS)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Participant) or kind_of(other) is not kind_of(self):
            return NotImplemented
        return self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Participant(id={self.id!r})"

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        yield "id", self.id

    def __reduce__(self) -> tuple[Any, ...]:
        return kind_of(self), (self.raw,)


_READERS: Final[Readers] = {
    "id": lambda value: value if type(value) is str else str(value) if type(value) is int else None,
    **dict.fromkeys(("name", "username", "email", "user_id"), read_text),
}


class People(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An edge of people that was decoded at once."""

    _learned: ClassVar[tuple[tuple[str, str], ...]] = ()

    data: tuple[Participant, ...]

    @property
    def raw(self) -> Mapping[str, Any]:
        return {"data": [person.raw for person in self.data], **learned_in(self)}


class UnreadPeople(Bundle):
    """An edge that was not: its people are read each time that somebody looks, since a million may be sent in vain."""

    sent: object

    @property
    def data(self) -> tuple[Participant, ...]:
        return read_people(self.sent) or ()


NOBODY: Final = People(())
"""What stands for an edge that is not there."""

read_person = one(Participant)


def read_people(value: object) -> tuple[Participant, ...] | None:
    """The people of an edge; an item that is no object is left out."""
    listed = read_edge(value)
    if listed is None:
        return None
    try:
        return convert({"data": listed}, People).data
    except ValidationError:
        return tuple(by_hand(Participant, each, _READERS) for each in listed if type(each) is dict)
