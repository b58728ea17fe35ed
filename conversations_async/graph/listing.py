"""A listing's answer decoded at once: from bytes to threads in their slots, in one pass of C.

Only where all of it is of a documented shape. Whatever is not (an error, a null, a field that nobody knows, nested
messages, broken text) is left to JSON and the readers of each value, which lose nothing and say what is wrong.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen
from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from conversations_async.model import Thread

_LARGEST: Final = 2 * 1024 * 1024
"""Bytes: what is far larger than a listing's answers may be made to fill memory with slots."""


@frozen
class Listing:
    """The threads of an answer, which belong to no Inbox yet, and its `paging`."""

    threads: tuple[Thread, ...] = field(repr=False)
    paging: Mapping[str, Any] | None = field(repr=False)


class _Listing(Struct, gc=False, forbid_unknown_fields=True):
    data: tuple[Thread, ...]
    paging: dict[str, Any] | None = None


_decode: Final = Decoder(_Listing).decode


def read_listing(body: bytes) -> Listing | None:
    """The listing; None where it must be looked at more closely."""
    # NUL is cleaned from texts, by those who look closely.
    if len(body) > _LARGEST or (b"\\" in body and b"\\u0000" in body):
        return None
    try:
        found = _decode(body)
    except (DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return Listing(found.data, found.paging)
