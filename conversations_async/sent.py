"""What a listing sends beside a thread's own fields, decoded with it: its nested messages, and where a listing goes on.

Of a documented shape, and without anything that would need to be looked at. Nested messages are most of an
answer, and few read much of each: here is what is text. What else they carry (attachments, shares) has a slot as soon
as it was seen, like what nobody knows (`learned`): all the types of it would cost as much as the import of ten rooms.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins
from msgspec import field as told_as

Told: TypeAlias = str | UnsetType


class Cursors(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    before: Told = UNSET
    after: Told = UNSET


class Paging(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """As documented (contract 3.1). Were it anything, it might hold what the careful way refuses or reads otherwise."""

    cursors: Cursors | UnsetType = UNSET
    next: Told = UNSET
    previous: Told = UNSET


# No `Participant` and `People`: of these `raw` is made, in which lists are lists and nothing of ours is.


class _Person(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    id: Told = UNSET
    name: Told = UNSET
    username: Told = UNSET
    email: Told = UNSET
    user_id: Told = UNSET


class _People(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    data: list[_Person]


class _Message(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    id: Annotated[str, Meta(min_length=1)]
    created_time: Told = UNSET
    message: Told = UNSET
    sender: _Person | UnsetType = told_as(name="from", default=UNSET)
    to: _People | UnsetType = UNSET
    sticker: Told = UNSET
    is_unsupported: bool | UnsetType = UNSET


class _Sent(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An edge that is kept as it was sent."""

    @property
    def raw(self) -> Mapping[str, Any]:
        """The JSON object, made anew each time."""
        return to_builtins(self)  # type: ignore[no-any-return]  # an object becomes a dictionary


class SentMessages(_Sent, frozen=True):
    """A thread's messages as the listing brought them."""

    data: list[_Message]
    paging: Paging | UnsetType = UNSET


class _Tag(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    name: str


class SentTags(_Sent, frozen=True):
    """A thread's tags."""

    data: list[_Tag]


# What stands for an edge that is not there.
NO_MESSAGES: Final = SentMessages([])
NO_TAGS: Final = SentTags([])
