"""How Meta writes things down: escaped base64, cursors, times, `next` links (contract 2.4, 3.1)."""

import base64
import binascii
import re
import zlib
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlencode

import attrs

_UNESCAPED = {"ZA": "Z", "ZB": "+", "ZC": "/", "ZD": "="}

# Contract 1.7: what is live in November 2026; a call to an expired version is served by the oldest of these.
LIVE_VERSIONS = ("v21.0", "v22.0", "v23.0", "v24.0", "v25.0", "v26.0")
_VERSION = re.compile(r"v(\d+)\.(\d+)")


class CursorUnreadable(ValueError):
    """A cursor that this server never gave, or gave for another list."""


def meta_base64(raw: bytes) -> str:
    """Base64 with Meta's escape on top: `Z`→`ZA`, `=`→`ZD` (decoded samples), `+`→`ZB`, `/`→`ZC` (contract 2.4)."""
    text = base64.b64encode(raw).decode("ascii")
    return text.replace("Z", "ZA").replace("=", "ZD").replace("+", "ZB").replace("/", "ZC")


def read_meta_base64(text: str) -> bytes:
    """The bytes behind `meta_base64`; raises `CursorUnreadable` for anything else."""
    try:
        plain = re.sub("Z[A-D]", lambda found: _UNESCAPED[found.group()], text)
        return base64.b64decode(plain.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as problem:
        raise CursorUnreadable(text) from problem


@attrs.frozen
class Place:
    """What a cursor of a list remembers: an item, its rank and its position, and which step of the walk it ends."""

    list_key: str
    item_id: str
    rank: int
    position: int
    step: int = 1
    empties: int = 0
    issued_at: float = 0.0


# Conversations cursors begin `QVFIU` = base64 of `AQHR`, 150-200 characters, never twice the same text (contract 2.4).
_OPENING = b"AQHR"
_SHORTEST = 90


def write_cursor(place: Place, nonce: int) -> str:
    """An opaque cursor for *place*; a new *nonce* gives new text for the same place."""
    plain = "\n".join(
        (
            str(nonce),
            place.list_key,
            place.item_id,
            str(place.rank),
            str(place.position),
            str(place.step),
            str(place.empties),
            repr(place.issued_at),
        )
    ).encode()
    shuffled = plain.ljust(_SHORTEST, b" ")[::-1]
    return meta_base64(_OPENING + base64.urlsafe_b64encode(shuffled).rstrip(b"="))


def read_cursor(text: str) -> Place:
    """The place that a cursor of `write_cursor` names; raises `CursorUnreadable`."""
    opened = read_meta_base64(text)
    if not opened.startswith(_OPENING):
        raise CursorUnreadable(text)
    body = opened[len(_OPENING) :]
    try:
        plain = base64.urlsafe_b64decode(body + b"=" * (-len(body) % 4))[::-1].decode().rstrip(" ")
        _nonce, list_key, item_id, rank, position, step, empties, issued_at = plain.split("\n")
        return Place(list_key, item_id, int(rank), int(position), int(step), int(empties), float(issued_at))
    except ValueError as problem:
        raise CursorUnreadable(text) from problem


def write_item_cursor(item: str) -> str:
    """The `after` of Instagram messages: base64 twice around the item's number (contract 2.4)."""
    return meta_base64(base64.b64encode(b'{"cursor":"%s"}' % item.encode()))


def read_item_cursor(text: str) -> str:
    """The item's number inside a cursor of `write_item_cursor`; raises `CursorUnreadable`."""
    try:
        inner = base64.b64decode(read_meta_base64(text), validate=True).decode()
    except ValueError as problem:
        raise CursorUnreadable(text) from problem
    found = re.fullmatch(r'\{"cursor":"(\d+)"\}', inner)
    if found is None:
        raise CursorUnreadable(text)
    return found[1]


def index_cursor(index: int) -> str:
    """The cursor of a small nested edge: an escaped index, `MAZDZD` for 0 (contract 2.4)."""
    return meta_base64(str(index).encode())


def wire_time(moment: datetime) -> str:
    """`2026-05-04T13:32:08+0000`: no colon in the offset, always +0000 (contract 1.3)."""
    return moment.isoformat(timespec="seconds")[:19] + "+0000"


def served_version(asked: str | None, default: str) -> str | None:
    """The version that answers a call for *asked*; None where no such version was ever made."""
    if asked is None:
        return default
    if asked in LIVE_VERSIONS:
        return asked
    found = _VERSION.fullmatch(asked)
    if found is None or (int(found[1]), int(found[2])) > (26, 0):
        return None
    return LIVE_VERSIONS[0]  # contract 1.7: silently the next oldest live version


def link_to(base_url: str, version: str, path: str, params: Iterable[tuple[str, str]]) -> str:
    """An absolute paging link; the path stays unescaped, the parameters do not (contract 3.1)."""
    return f"{base_url}/{version}/{path}?{urlencode(list(params))}"


def escaped(body: bytes) -> bytes:
    r"""The same JSON with `\uXXXX` for non-ASCII and `@`, and `\/` for slashes (contract 6.5)."""
    text = body.decode().replace("/", "\\/").replace("@", "\\u0040")
    if text.isascii():
        return text.encode()
    return "".join(letter if letter < "\x80" else _escape(letter) for letter in text).encode()


def _escape(letter: str) -> str:
    units = letter.encode("utf-16-be")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


@lru_cache(maxsize=2)
def gzip_bomb(size: int) -> bytes:
    """A gzip body that inflates to *size* bytes of a JSON string."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    pieces = [packer.compress(b'{"data":"')]
    block = b"A" * 1_000_000
    pieces.extend(packer.compress(block[: size - start]) for start in range(0, size, len(block)))
    pieces.append(packer.compress(b'"}'))
    return b"".join((*pieces, packer.flush()))
