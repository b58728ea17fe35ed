"""What a listing sends beside a thread's own fields, decoded with it: its nested messages, and where a listing goes on.

Of a documented shape throughout, as far as the way of a thread page looks at it. Nested messages are most of an answer,
and few read much of each: what they carry (attachments, shares) is kept as it came, and read where somebody looks.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, to_builtins
from msgspec import field as told_as

from conversations_async.records import Scalar, json_within

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


if TYPE_CHECKING:
    _Item: TypeAlias = dict[str, Any]
else:
    # The deepest is a share, whose template holds the products of an order.
    _Item = dict[str, json_within(6)]


class _Carried(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """An edge of what a message carries."""

    data: list[_Item]
    paging: Paging | UnsetType = UNSET


class _Message(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    id: Annotated[str, Meta(min_length=1)]
    created_time: Told = UNSET
    message: Told = UNSET
    sender: _Person | UnsetType = told_as(name="from", default=UNSET)
    to: _People | UnsetType = UNSET
    sticker: Told = UNSET
    tags: _Carried | UnsetType = UNSET
    attachments: _Carried | UnsetType = UNSET
    shares: _Carried | UnsetType = UNSET
    reactions: _Carried | UnsetType = UNSET
    story: dict[str, dict[str, Scalar]] | UnsetType = UNSET
    reply_to: dict[str, Scalar] | UnsetType = UNSET
    is_unsupported: bool | UnsetType = UNSET


class SentMessages(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """A thread's messages as the listing brought them."""

    data: list[_Message]
    paging: Paging | UnsetType = UNSET

    @property
    def raw(self) -> Mapping[str, Any]:
        """The JSON object, made anew each time."""
        return to_builtins(self)  # type: ignore[no-any-return]  # an object becomes a dictionary


NO_MESSAGES: Final = SentMessages([])
"""What stands for an edge that is not there."""
