"""A listing's answer decoded at once: from bytes to threads in their slots, in one pass of C.

Only where all of it is of a documented shape. A thread that is not, for a null or a field that nobody knows, is left to
the readers of each value, and does not take its neighbours along. Whatever else is (an error, paging of another shape,
an entry without an id, broken text) is left to the careful way as a whole, which loses nothing and says what is wrong.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final

from attrs import define, field
from msgspec import UNSET, DecodeError, Raw, Struct
from msgspec.json import Decoder
from orjson import JSONDecodeError, loads

from conversations_async.model import Inbox, Thread, belonging_to
from conversations_async.readers import DEEPEST, has_id, holds_escape, is_deep
from conversations_async.sent import Paging

_LARGEST: Final = 1_000_000
"""Bytes. What is smaller holds fewer objects than `answers.MOST_CONTAINERS`, each of which takes two at least: nothing
comes this way that would be refused as too many objects on the other."""


@define(eq=False, repr=False)
class Listing:
    """The threads of an answer of an Inbox, and where the listing goes on."""

    threads: tuple[Thread, ...] = field(repr=False)
    more: bool = False
    after: str | None = None


class _Listing(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    data: tuple[Thread, ...]
    paging: Paging = Paging()


class _Frame(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same, each thread as it came."""

    data: tuple[Raw, ...]
    paging: Paging = Paging()


_decode: Final = Decoder(_Listing).decode
_decode_frame: Final = Decoder(_Frame).decode
_decode_thread: Final[Callable[[Raw], Thread]] = Decoder(Thread).decode


def read_listing(body: bytes, inbox: Inbox, *, may_spell_nul: bool = True) -> Listing | None:
    """The listing; None where it must be looked at more closely. `may_spell_nul`: nobody has looked for it."""
    # NUL is cleaned from texts, by those who look closely.
    if len(body) > _LARGEST or (may_spell_nul and holds_escape(body, b"\\u0000")):
        return None
    found: _Listing | None
    try:
        found = belonging_to(inbox, _decode, body)
    except _NO_JSON:
        found = _one_by_one(body, inbox)
    if found is None:
        return None
    # `next` carries the token: that it is there is all that is kept of it.
    cursors = found.paging.cursors
    after = UNSET if cursors is UNSET else cursors.after
    return Listing(found.data, found.paging.next is not UNSET, None if after is UNSET else after or None)


_NO_JSON: Final = (DecodeError, UnicodeDecodeError, RecursionError, JSONDecodeError)


def _one_by_one(body: bytes, inbox: Inbox) -> _Listing | None:
    """The same where a thread is of another shape: that one is made by hand. None where something else is."""
    try:
        frame = _decode_frame(body)
        threads = belonging_to(inbox, partial(_threads_of, inbox), frame.data)
    except _NO_JSON:
        return None
    return None if threads is None else _Listing(threads, frame.paging)


def _threads_of(inbox: Inbox, entries: Sequence[Raw]) -> tuple[Thread, ...] | None:
    threads = []
    for entry in entries:
        try:
            threads.append(_decode_thread(entry))
        except DecodeError:
            raw: Any = loads(memoryview(entry))
            # Two levels lie around an entry.
            if not has_id(raw) or is_deep(raw, DEEPEST - 2):
                return None
            threads.append(Thread(inbox, raw))
    return tuple(threads)
