"""Reading `fields=a,b.limit(5).after(X){c,d}`: Graph's field expansion (contract 6.3)."""

from functools import lru_cache

import attrs


@attrs.frozen
class FieldAsk:
    """One field as the caller wrote it: its name, its modifiers and what is asked inside it."""

    name: str
    inside: tuple["FieldAsk", ...] | None = None
    limit: int | None = None
    after: str | None = None
    before: str | None = None
    alias: str | None = None
    source_text: str = ""

    @property
    def key(self) -> str:
        """The key under which the answer holds it."""
        return self.alias or self.name


class FieldsUnreadable(ValueError):
    """Broken field expansion; its text is what Meta says about it."""


_DEEPEST = 50

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")


@lru_cache(maxsize=512)
def read_fields(text: str) -> tuple[FieldAsk, ...]:
    """The fields asked for, in the caller's order, without repetitions; raises `FieldsUnreadable`."""
    reader = _Reader(text)
    return reader.fields(closing="")


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    def fields(self, closing: str) -> tuple[FieldAsk, ...]:
        """The fields up to *closing*, which is left to be read."""
        found: dict[str, FieldAsk] = {}
        while True:
            if self._peek() == closing or not self._peek():
                break
            field = self._field()
            found[field.key] = field
            if self._peek() != ",":
                break
            self._at += 1
        if self._peek() != closing:
            self._refuse(closing or "end of string")
        return tuple(found.values())

    def _field(self) -> FieldAsk:
        name = self._name()
        modifiers: dict[str, str] = {}
        while self._peek() == ".":
            self._at += 1
            modifier = self._name()
            modifiers[modifier] = self._argument()
        inside, inside_text = None, ""
        if self._peek() == "{":
            self._at += 1
            start = self._at
            self._depth += 1
            if self._depth > _DEEPEST:
                self._refuse("fewer levels")
            inside = self.fields(closing="}")
            self._depth -= 1
            inside_text = self._text[start : self._at]
            self._at += 1
        limit = modifiers.get("limit", "")
        return FieldAsk(
            name,
            inside,
            limit=int(limit) if limit.isdigit() and len(limit) < 10 else None,
            after=modifiers.get("after"),
            before=modifiers.get("before"),
            alias=modifiers.get("as"),
            source_text=inside_text,
        )

    def _name(self) -> str:
        self._blanks()
        start = self._at
        while self._at < len(self._text) and self._text[self._at] in _NAME:
            self._at += 1
        if start == self._at:
            self._refuse("field name")
        return self._text[start : self._at]

    def _argument(self) -> str:
        if self._peek() != "(":
            self._refuse("(")
        end = self._text.find(")", self._at)
        if end < 0:
            self._at = len(self._text)
            self._refuse(")")
        argument = self._text[self._at + 1 : end]
        self._at = end + 1
        return argument.strip()

    def _peek(self) -> str:
        self._blanks()
        return self._text[self._at : self._at + 1]

    def _blanks(self) -> None:
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1

    def _refuse(self, expected: str) -> None:
        seen = self._text[self._at : self._at + 1] or "end of string"
        # Meta's wording, contract 5.2, code 2500.
        raise FieldsUnreadable(
            f'Syntax error "Expected {expected} instead of "{seen}"." at character {self._at}: {self._text}'
        )
