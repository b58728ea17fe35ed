"""A listing's answer decoded at once: from bytes to threads in their slots, in one pass of C.

Only where all of it is of a documented shape, or has fields that nobody knows and that were seen before (`learned`). A
thread that is not, for a null or a number in quotes, is left to the readers of each value, and does not take its
neighbours along. Whatever else is (an error, paging of another shape, an entry without an id, broken text) is left to
the careful way as a whole, which loses nothing and says what is wrong.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, Final

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType
from msgspec.json import Decoder
from orjson import JSONDecodeError, loads

from conversations_async.learned import Names, WithSlots, unknown_in
from conversations_async.model import Inbox, Thread, belonging_to
from conversations_async.readers import DEEPEST, has_id, has_too_many_containers, holds_escape, is_deep
from conversations_async.sent import Paging
from conversations_async.values import Bundle

MOST_NAMES: Final = 32
"""Fields that nobody knows and that are given a slot: each thread has all of them, were they empty."""
_LOOKED_AT: Final = 100
"""Entries of an answer of which something is learned: one that has unknown names in each can be large."""


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
    names: Names
    """The fields that nobody knows and that they have slots for."""


_KNOWN: Final = _Decoders(Decoder(_Listing).decode, Decoder(_Frame).decode, Decoder(Thread).decode, {})


class ListingReader:
    """Reads listings, and learns of each that it could not read at once what fields nobody knows.

    Of several threads of execution each may learn: what one of them forgets of another's is learned again.
    """

    def __init__(self) -> None:
        self._decoders = _KNOWN

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
            if self._can_learn_from(error):
                self._learn(_listed(body))
            return None
        return None if threads is None else _Listing(threads, frame.paging)

    def _threads_of(self, inbox: Inbox, entries: Sequence[Raw]) -> tuple[Thread, ...] | None:
        threads = []
        unknown: list[Any] = []
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
                if len(unknown) < _LOOKED_AT and self._can_learn_from(error):
                    unknown.append(raw)
        if unknown:
            self._learn({"data": unknown})
        return tuple(threads)

    def _can_learn_from(self, error: Exception) -> bool:
        """Whether it says that nobody knows a field, and there is room. Else nobody need look for more."""
        return "unknown field" in str(error) and self._room() > 0

    def _room(self) -> int:
        """For so many names more."""
        return MOST_NAMES - sum(map(len, self._decoders.names.values()))

    def _learn(self, listing: object) -> None:
        """Have slots for what nobody knows of this, as far as there is room."""
        known = self._decoders.names
        found = dict.fromkeys(unknown_in(_Listing, listing))
        new = [*islice((each for each in found if each[1] not in known.get(each[0], ())), self._room())]
        if not new:
            return
        names = dict(known)
        for kind, name in new:
            names[kind] = (*names.get(kind, ()), name)
        of = WithSlots({**names, _Frame: names.get(_Listing, ())}).of
        self._decoders = _Decoders(
            Decoder(of(_Listing)).decode, Decoder(of(_Frame)).decode, Decoder(of(Thread)).decode, names
        )


def _listed(body: bytes) -> object:
    """The listing that an object is, with the first of its entries; None where it is none."""
    try:
        found: Any = loads(body)
    except JSONDecodeError:
        return None
    data = found.get("data")
    return {**found, "data": data[:_LOOKED_AT]} if type(data) is list else None


read_listing: Final = ListingReader().read
"""One for all sessions: what one of them has learned serves the others."""
