"""Who is asked: a Page with its token, an Inbox of it, and a place in that Inbox's listing.

A Page holds the secret; an Inbox names one Page on one platform and holds none, so it may be logged, stored and
pickled.
"""

import hmac
import re
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Literal, NoReturn, Self, TypeAlias
from urllib.parse import quote

from attrs import field, frozen

from conversations_async.masking import MASK as _MASK
from conversations_async.values import Value, quickly_made


class Platform(StrEnum):
    """Where the people write: the edge's `platform` parameter, in lower case (contract 1.1)."""

    MESSENGER = "messenger"
    INSTAGRAM = "instagram"

    @classmethod
    def _missing_(cls, value: object) -> "Platform | None":
        """Meta's spec spells the values in upper case, its guide in lower case."""
        if isinstance(value, str):
            return next((member for member in cls if member.value == value.lower()), None)
        return None


class Secret:
    """A text that never shows: not in repr, str, format, pickles or copies of the object's state."""

    __slots__ = ("_needles", "_spelt", "_text")
    MASK: Final = _MASK

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a token must be text, not {type(text).__name__}")
        if not text or not text.isascii() or not text.isprintable() or any(map(str.isspace, text)):
            raise ValueError(
                "a token must be printable ASCII without spaces; this one is empty or holds other characters"
            )
        self._text = text
        self._needles, self._spelt = ((text.encode(),), _spelt("")) if text.isalnum() else _forms_of(text)

    def reveal(self) -> str:
        """The text itself: hand it on at once, keep it in no variable."""
        return self._text

    def redact(self, data: bytes) -> bytes:
        """The data with every appearance of the secret masked; the very same object where there is none."""
        return self.look_through(data)[0]

    def look_through(self, data: bytes) -> tuple[bytes, bool]:
        """The same, and whether JSON may spell NUL in it; True also where it spells letters that a token can have."""
        # JSON may spell any letter as `\u0041`. Meta so spells what is not ASCII, and the `@` of each address: of
        # letters that are in no token nothing is to be feared.
        spelt = b"\\" in data and self._spelt.search(data) is not None
        if spelt:
            plain = _SPELT.sub(_letter, data.replace(rb"\\", _HIDDEN)).replace(_HIDDEN, rb"\\")
            data = plain if any(needle in plain for needle in self._needles) else data
        for needle in self._needles:
            # Meta's answers have it at their end: what lies before is looked through once, and copied once.
            if (place := data.find(needle)) >= 0:
                data = b"".join((memoryview(data)[:place], data[place:].replace(needle, _MASK.encode())))
        return data, spelt

    def __repr__(self) -> str:
        return f"Secret({self.MASK})"

    def __str__(self) -> str:
        return self.MASK

    def __format__(self, spec: str) -> str:
        return format(self.MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text, other._text)

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the Page's id on, and its token by a way made for secrets")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


_ESCAPED: Final = re.compile("%[0-9A-F]{2}")
_SPELT: Final = re.compile(rb"\\u00[2-7][0-9a-fA-F]")
_HIDDEN: Final = b"\xff\xff"  # in no UTF-8: with `\\` hidden away every backslash begins an escape


def _forms_of(text: str) -> tuple[tuple[bytes, ...], re.Pattern[bytes]]:
    """The spellings of a secret that is not of letters and digits alone, and what finds their letters by number."""
    # A token may come back percent-encoded inside `paging.next` and with `\/` inside JSON.
    encoded = quote(text, safe="")
    forms = {text, encoded, text.replace("/", "\\/"), text.replace("|", "\\u007C")}
    forms |= {encoded.replace("%", "\\u0025"), text.replace("|", "\\u007c")}
    # Nor does everybody write hexadecimal digits in capitals, or encode once.
    in_small = _ESCAPED.sub(lambda escape: escape[0].lower(), encoded)
    forms |= {in_small, quote(encoded, safe=""), quote(in_small, safe="")}
    needles = tuple(form.encode() for form in sorted(forms, key=len, reverse=True))
    signs = {letter for letter in "".join(forms) if not letter.isalnum()}
    return needles, _spelt("".join(sorted(signs)))


@lru_cache(maxsize=64)
def _spelt(signs: str) -> re.Pattern[bytes]:
    """Finds a letter, a digit or one of these signs of ASCII where JSON spells it by number; NUL as well.

    Not the letters of one secret alone: to compile a pattern takes as long as a call, and there may be ten thousand
    Pages. NUL, which every body is looked through for: to look for both takes no longer than for one.
    """
    digits: dict[str, str] = {}
    for letter in sorted({"\0", *filter(str.isalnum, map(chr, range(128))), *signs}):
        number = f"{ord(letter):02x}"
        digits[number[0]] = digits.get(number[0], "") + number[1] + number[1].upper()
    # By the first digit: of all numbers one by one, each would be compared with each that is met.
    numbers = "|".join(f"{first}[{seconds}]" for first, seconds in digits.items())
    return re.compile(rf"\\u00(?:{numbers})".encode())


def _letter(spelt: re.Match[bytes]) -> bytes:
    letter = bytes.fromhex(spelt[0][-2:].decode())
    return spelt[0] if letter in b'"\\' or letter == b"\x7f" else letter


TokenSource: TypeAlias = Callable[[], Awaitable[str]]
"""Asked for the token when it is first needed, and again after Meta rejected the one it gave."""

GraphHost: TypeAlias = Literal["facebook", "instagram"]


def _secret(token: "str | Secret | TokenSource") -> "Secret | TokenSource":
    return Secret(token) if isinstance(token, str) else token


def _token_is_usable(_page: object, _attribute: Any, token: Any) -> None:
    if not isinstance(token, Secret) and not callable(token):
        raise TypeError(f"token must be text or an async callable, not {type(token).__name__}")


def check_digits(owner: object, _attribute: Any, value: Any) -> None:
    """A validator: an id is text of digits."""
    if not isinstance(value, str):
        raise TypeError(f"{type(owner).__name__}: an id must be text, not {type(value).__name__}")
    if not (value.isascii() and value.isdigit() and len(value) <= 32):
        # Id and token are easily swapped: what is too long for an id may be a secret, or begin with one.
        told = repr(value) if len(value) <= 20 else f"a text of {len(value)} characters"
        raise ValueError(f"{type(owner).__name__}: an id is up to 32 digits, not {told}")


def _platforms(value: "Platform | str | tuple[Platform | str, ...]") -> tuple[Platform, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    return tuple(dict.fromkeys(Platform(each) for each in values))


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen(eq=False, repr=False)
class Page(Value):
    """A Facebook Page, or with `graph="instagram"` an Instagram account reached by Instagram Login, and its token.

    `token` is text, or an async callable asked again after a rejection. `user` names whose token it is where the
    Pages of several users share a session: a user's own limit (code 17) then closes that user's Pages only.
    """

    id: str = field(validator=check_digits)
    token: Secret | TokenSource = field(converter=_secret, validator=_token_is_usable, repr=False)
    name: str | None = None
    platforms: tuple[Platform, ...] = field(default=(Platform.MESSENGER, Platform.INSTAGRAM), converter=_platforms)
    graph: GraphHost = "facebook"
    user: str | None = field(default=None, kw_only=True)
    tasks: tuple[str, ...] = field(default=(), kw_only=True, converter=_names)
    """What the token's person may do on the Page, such as MESSAGING; empty where nobody told (contract 6.9)."""

    def __attrs_post_init__(self) -> None:
        if self.graph not in ("facebook", "instagram"):
            raise ValueError(f"Page {self.id}: graph is 'facebook' or 'instagram', not {self.graph!r}")
        if self.graph == "instagram":
            # graph.instagram.com knows no other platform (contract 1.2).
            object.__setattr__(self, "platforms", (Platform.INSTAGRAM,))
        if not self.platforms:
            raise ValueError(f"Page {self.id}: name at least one platform")


@frozen(order=True)
class Inbox:
    """One Page on one platform: the unit of paging, pacing, failing and resuming. Holds no secret."""

    page_id: str = field(validator=check_digits)
    platform: Platform = field(converter=Platform)

    def __hash__(self) -> int:
        # A kept hash would take as much again as an Inbox does; a text has its own at hand.
        return hash(self.page_id)

    @property
    def key(self) -> str:
        """`1042/messenger`: the Inbox as one text, where a pool or a file names it."""
        return f"{self.page_id}/{self.platform}"

    def __str__(self) -> str:
        return f"Page {self.page_id} on {self.platform}"


def check_aware(_owner: object, attribute: Any, value: datetime | None) -> None:
    """A validator: a moment has a time zone."""
    if value is not None:
        _check_moment(attribute.name, value)


def _check_moment(name: str, value: object) -> None:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError(f"{name} is a datetime with a time zone, not {value!r}")


@quickly_made
@frozen
class Cursor:
    """Where a listing of one Inbox can be taken up again. Meta says cursors must not be kept for long (contract 3.1).

    `after` is Meta's own cursor, None for the head. `head` is the newest `updated_time` seen when the listing began;
    without `after`, everything below it has been read once. `Cursor(until=…)` begins a listing that reads from the head
    down to threads older than that moment: what is new since.
    """

    after: str | None = None
    head: datetime | None = None
    folder: str | None = field(default=None, kw_only=True)
    """Which of several folders the listing is in; those behind it follow."""
    until: datetime | None = field(default=None, kw_only=True)
    """Where the listing ends, at the latest."""

    def __attrs_post_init__(self) -> None:
        # All in one: two are made for every call, and a validator each costs three times as much.
        if self.after is not None and not isinstance(self.after, str):
            raise TypeError(f"after is Meta's own cursor as text, or None, not {type(self.after).__name__}")
        if self.head is not None:
            _check_moment("head", self.head)
        if self.until is not None:
            _check_moment("until", self.until)
