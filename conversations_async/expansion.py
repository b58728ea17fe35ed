"""Field expansion: what to ask of a node, as values or in Meta's own text (contract 6.3).

`fields("id", "participants", messages(limit=5))` and `"id,participants,messages.limit(5){id,message}"` say the same
kind of thing; each is accepted where the other is.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from attrs import evolve

from conversations_async.values import Plain, plain

MESSAGE_FIELDS: Final = (
    "id,created_time,from,to,message,sticker,tags,attachments,shares{id,link,name,description,template},"
    "reactions,story,reply_to,is_unsupported"
)
"""What is asked of a message: sub-fields of `shares` come only where they are named (contract 2.2)."""
INSTAGRAM_MESSAGE_FIELDS: Final = (
    "id,created_time,from,to,message,attachments,shares{id,link,name,description,template},"
    "reactions,story,reply_to,is_unsupported"
)
BARE_MESSAGE_FIELDS: Final = "id,created_time"


_JOINED: Final = re.compile(r"[A-Za-z0-9_)}]\s+[A-Za-z0-9_]")
_LONGEST_SHOWN: Final = 200
_DEEPEST: Final = 20
"""How many times a field may stand inside another: the contract names no bound, and no answer known goes deeper."""


def _levels(inside: "tuple[Field, ...]") -> int:
    return 1 + max(_levels(each.inside) for each in inside) if inside else 0


@plain
class Field(Plain):
    """One field with its modifiers and what is asked inside of it; `str()` is Meta's text."""

    name: str
    inside: "tuple[Field, ...]" = ()
    modifiers: tuple[str, ...] = ()
    """Such as `limit(5)`."""

    def __post_init__(self) -> None:
        if _levels(self.inside) > _DEEPEST:
            raise ValueError(f"fields stand inside each other more than {_DEEPEST} times")

    @property
    def told_as(self) -> str:
        """The name that the answer has it under: its own, or that of `as(other)` (contract 6.3)."""
        aliases = [each[3:-1] for each in self.modifiers if each.startswith("as(")]
        return aliases[-1] if aliases else self.name

    def __str__(self) -> str:
        inside = f"{{{text_of(self.inside)}}}" if self.inside else ""
        return "".join([self.name, *(f".{modifier}" for modifier in self.modifiers), inside])


Asked: TypeAlias = "str | Field | Iterable[str | Field]"
"""Fields in either form."""


def fields(*asked: str | Field) -> tuple[Field, ...]:
    """A list of fields, for `ThreadQuery(fields=…)` or inside another."""
    return read_fields(asked)


def nested(name: str, *inside: str | Field, limit: int | None = None) -> Field:
    """A field with fields inside: `nested("participants", "id", "name")`. `limit` is for edges."""
    if limit is not None and (type(limit) is not int or limit < 1):
        raise ValueError(f"limit is a whole number from 1 up, not {limit!r}")
    if len(read_fields([name])) != 1 or read_fields([name])[0] != Field(name):
        raise ValueError("the name of a field stands alone: what is inside of it comes behind")
    return Field(name, read_fields(inside), () if limit is None else (f"limit({limit})",))


def messages(*inside: str | Field, limit: int | None = None) -> Field:
    """The newest messages of a thread; with everything of a message where nothing is named."""
    return nested("messages", *(inside or (MESSAGE_FIELDS,)), limit=limit)


def text_of(asked: Asked) -> str:
    """Meta's text for them. Raises ValueError where two names stand side by side."""
    if isinstance(asked, str):
        if joined := _JOINED.search(asked):
            # Without the space they would be one name, which nobody meant.
            raise ValueError(f"fields={asked[:_LONGEST_SHOWN]!r} lacks a comma at character {joined.start() + 1}")
        return "".join(asked.split())
    return str(asked) if isinstance(asked, Field) else ",".join(map(text_of, asked))


def read_fields(asked: Asked) -> tuple[Field, ...]:
    """The fields of a text or a list. Raises ValueError where it is none."""
    text = text_of(asked)
    reader = _Reader(text)
    return reader.read() if text else ()


def without(asked: Sequence[Field], name: str, *, within: str | None) -> tuple[Field, ...] | None:
    """The fields without the one of this name: the one inside the field `within`, where it is known ("" for the top).

    Of several the outermost, where nothing says which: one that is refused again goes next. None where there is no
    such field. What holds nothing any more goes with it.
    """
    places = sorted(_places(asked, name), key=len)
    if within is not None and len(places) > 1:
        places = [place for place in places if (asked_at(asked, place[:-1]) if place[:-1] else "") == within]
    return _without_place(asked, places[0]) if places else None


def asked_at(asked: Sequence[Field], place: tuple[int, ...]) -> str:
    """The name of the field at a place."""
    found = asked[place[0]]
    for index in place[1:]:
        found = found.inside[index]
    return found.name


def _places(asked: Sequence[Field], name: str) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = []
    for index, each in enumerate(asked):
        if each.name == name:
            found.append((index,))
        found += [(index, *below) for below in _places(each.inside, name)]
    return found


def _without_place(asked: Sequence[Field], place: tuple[int, ...]) -> tuple[Field, ...]:
    first, below = place[0], place[1:]
    kept: list[Field] = []
    for index, each in enumerate(asked):
        if index != first:
            kept.append(each)
        elif below and (inside := _without_place(each.inside, below)):
            kept.append(evolve(each, inside=inside))
    return tuple(kept)


class _Reader:
    """Reads Meta's text once, from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def read(self) -> tuple[Field, ...]:
        found = self._list(0)
        if self._at < len(self._text):
            self._refuse()
        return found

    def _list(self, depth: int) -> tuple[Field, ...]:
        if depth > _DEEPEST:
            self._refuse()
        found = [self._field(depth)]
        while self._next() == ",":
            self._at += 1
            found.append(self._field(depth))
        return tuple(found)

    def _field(self, depth: int) -> Field:
        name = self._name()
        modifiers: list[str] = []
        while self._next() == ".":
            self._at += 1
            start = self._at
            self._name()
            end = self._text.find(")", self._at)
            argument = self._text[start:end]
            if self._next() != "(" or end < 0 or not set(argument).isdisjoint("{}"):
                self._refuse()
            if not (argument.isascii() and argument.isprintable()):
                self._refuse()
            self._at = end + 1
            modifiers.append(self._text[start : self._at])
        inside: tuple[Field, ...] = ()
        if self._next() == "{":
            self._at += 1
            inside = self._list(depth + 1)
            if self._next() != "}":
                self._refuse()
            self._at += 1
        return Field(name, inside, tuple(modifiers))

    def _name(self) -> str:
        start = self._at
        while (letter := self._next()) and (letter == "_" or (letter.isascii() and letter.isalnum())):
            self._at += 1
        if start == self._at:
            self._refuse()
        return self._text[start : self._at]

    def _next(self) -> str:
        return self._text[self._at : self._at + 1]

    def _refuse(self) -> None:
        raise ValueError(
            f"fields={self._text[:_LONGEST_SHOWN]!r} is not a list of field names at character {self._at}: "
            "write id,snippet,participants{name}"
        )
