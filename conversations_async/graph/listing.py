"""A listing's answer decoded at once: from bytes to threads in their slots, in one pass of C.

Only where all of it is of a documented shape. Whatever is not (an error, a null, a field that nobody knows, nested
messages, broken text) is left to JSON and the readers of each value, which lose nothing and say what is wrong.
"""

from typing import Final

from attrs import define, field
from msgspec import UNSET, DecodeError, Struct, UnsetType
from msgspec.json import Decoder

from conversations_async.model import Inbox, Thread, belonging_to
from conversations_async.readers import holds_escape

_LARGEST: Final = 1_000_000
"""Bytes. What is smaller holds fewer objects than `answers.MOST_CONTAINERS`, each of which takes two at least: nothing
comes this way that would be refused as too many objects on the other."""


@define(eq=False, repr=False)
class Listing:
    """The threads of an answer of an Inbox, and where the listing goes on."""

    threads: tuple[Thread, ...] = field(repr=False)
    more: bool = False
    after: str | None = None


class _Cursors(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    before: str = ""
    after: str = ""


class _Paging(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """As documented (contract 3.1). Were it anything, it might hold what the careful way refuses or reads otherwise."""

    cursors: _Cursors = _Cursors()
    next: str | UnsetType = UNSET
    previous: str | UnsetType = UNSET


class _Listing(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    data: tuple[Thread, ...]
    paging: _Paging = _Paging()


_decode: Final = Decoder(_Listing).decode


def read_listing(body: bytes, inbox: Inbox, *, may_spell_nul: bool = True) -> Listing | None:
    """The listing; None where it must be looked at more closely. `may_spell_nul`: nobody has looked for it."""
    # NUL is cleaned from texts, by those who look closely.
    if len(body) > _LARGEST or (may_spell_nul and holds_escape(body, b"\\u0000")):
        return None
    try:
        found = belonging_to(inbox, _decode, body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    # `next` carries the token: that it is there is all that is kept of it.
    return Listing(found.data, found.paging.next is not UNSET, found.paging.cursors.after or None)
