"""A listing's answer decoded at once: from bytes to threads in their slots, in one pass of C.

Only where all of it is of a documented shape, or has fields that nobody knows and that were seen before (`learned`). A
thread that is not, for a null or a number in quotes, is left to the readers of each value, and does not take its
neighbours along. Whatever else is (an error, paging of another shape, an entry without an id, broken text) is left to
the careful way as a whole, which loses nothing and says what is wrong.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType
from msgspec.json import Decoder
from orjson import JSONDecodeError, loads

from conversations_async.model import Inbox, Thread, belonging_to
from conversations_async.readers import DEEPEST, has_id, has_too_many_containers, holds_escape, is_deep
from conversations_async.sent import Paging
from conversations_async.values import Bundle

if TYPE_CHECKING:
    from conversations_async.learned import Names

MOST_NAMES: Final = 32
"""Fields that nobody knows and that are given a slot: each thread has all of them, were they empty."""


class Listing(Bundle):
    """The threads of an answer of an Inbox, and where the listing goes on."""

    threads: tuple[Thread, ...]
    more: bool = False
    after: str | None = None


class _Listing(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    data: tuple[Thread, ...]
    paging: Paging = Paging()
    error: UnsetType = UNSET
    """Whatever it is, the careful way looks at it first."""


class _Frame(Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The same, each thread as it came."""

    data: tuple[Raw, ...]
    paging: Paging = Paging()
    error: UnsetType = UNSET


_NO_JSON: Final = (DecodeError, UnicodeDecodeError, RecursionError, JSONDecodeError)


class _Decoders(Bundle):
    """What makes objects of an answer, of one whose threads are left as they came, and of one of these."""

    listing: Callable[[bytes], _Listing]
    frame: Callable[[bytes], _Frame]
    thread: Callable[[Raw], Thread]

    @classmethod
    def of(cls, listing: Any, frame: Any, thread: Any) -> "_Decoders":
        return cls(Decoder(listing).decode, Decoder(frame).decode, Decoder(thread).decode)


_KNOWN: Final = _Decoders.of(_Listing, _Frame, Thread)


class ListingReader:
    """Reads listings, and learns of each that it could not read at once what fields nobody knows."""

    def __init__(self) -> None:
        self._decoders = _KNOWN
        self._names: Names = {}

    def read(self, body: bytes, inbox: Inbox, *, may_spell_nul: bool = True) -> Listing | None:
        """The listing; None where it must be looked at more closely. `may_spell_nul`: nobody has looked for it."""
        # NUL is cleaned from texts, by those who look closely.
        if has_too_many_containers(body) or (may_spell_nul and holds_escape(body, b"\\u0000")):
            return None
        found: _Listing | None
        try:
            found = belonging_to(inbox, self._decoders.listing, body)
        except _NO_JSON:
            found = self._read_one_by_one(body, inbox)
        if found is None:
            return None
        # `next` carries the token: that it is there is all that is kept of it.
        cursors = found.paging.cursors
        after = UNSET if cursors is UNSET else cursors.after
        return Listing(found.data, found.paging.next is not UNSET, None if after is UNSET else after or None)

    def _read_one_by_one(self, body: bytes, inbox: Inbox) -> _Listing | None:
        """The same where a thread is of another shape: that one is made by hand. None where something else is."""
        try:
            frame = self._decoders.frame(body)
            threads = belonging_to(inbox, partial(self._threads_of, inbox), frame.data)
        except _NO_JSON as error:
            self._learn_from(error, partial(loads, body))
            return None
        return None if threads is None else _Listing(threads, frame.paging)

    def _threads_of(self, inbox: Inbox, entries: Sequence[Raw]) -> tuple[Thread, ...] | None:
        threads = []
        decode = self._decoders.thread
        for entry in entries:
            try:
                threads.append(decode(entry))
            except DecodeError as error:
                raw: Any = loads(memoryview(entry))
                # Two levels lie around an entry.
                if not has_id(raw) or is_deep(raw, DEEPEST - 2):
                    return None
                threads.append(Thread(inbox, raw))
                self._learn_from(error, partial(dict, data=[raw]))
        return tuple(threads)

    def _learn_from(self, error: Exception, listing: Callable[[], object]) -> None:
        """Have slots for what nobody knows, if it was that. Where it was something else nobody need look for more."""
        known = sum(map(len, self._names.values()))
        if "unknown field" not in str(error) or known == MOST_NAMES:
            return
        # It is a tenth of what this room takes to import, and most need it never.
        from conversations_async.learned import WithSlots, unknown_in

        try:
            unknown = dict.fromkeys(unknown_in(_Listing, listing()))
        except JSONDecodeError:
            return
        names = dict(self._names)
        new = (found for found in unknown if found[1] not in names.get(found[0], ()))
        for kind, name in islice(new, MOST_NAMES - known):
            names[kind] = (*names.get(kind, ()), name)
        if names != self._names:
            slots = WithSlots({**names, _Frame: names.get(_Listing, ())})
            self._decoders = _Decoders.of(slots.of(_Listing), slots.of(_Frame), slots.of(Thread))
            self._names = names


read_listing: Final = ListingReader().read
"""One for all sessions: what one of them has learned serves the others."""
