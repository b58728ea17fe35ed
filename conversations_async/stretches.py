"""Which answers of a listing hang together, so that no thread can have slipped by between them.

Threads get between two others at the head only: whatever happens to a thread, it moves to the head or vanishes. So two
answers that share a thread which rested have everything between their ends, and a chain of such answers from the head
to the listing's end has everything. How cursors work, and whether Meta says true of them, does not matter to that.

Times are whole seconds: a thread of the newest second may have moved within it, unseen. So what two answers share
counts only where it is older than the newest second known when it was first listed.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeGuard, cast

from msgspec import field

from conversations_async.packing import Numbers, Packed
from conversations_async.values import Bundle

NO_TIME: Final = "~"


def is_text(version: object) -> str:
    """A time as Meta writes it, which sorts as text; else a text behind all times."""
    return version if type(version) is str and len(version) == 24 and version.endswith("+0000") else NO_TIME


def are_texts(versions: Sequence[object]) -> TypeGuard[Sequence[str]]:
    """Whether all of these are times as Meta writes them."""
    if {*map(type, versions)} != {str}:
        return False
    return {version[19:] for version in cast("Sequence[str]", versions)} == {"+0000"}  # and so 24 letters long


class Stretches(Bundle):
    """The answers of one walk, numbered from 1; 0 is the listing's end."""

    newest: str = ""
    """The newest time seen so far."""
    links: int = 0
    """How many answers were found to hang together that were not known to."""
    _where: dict[str, int] | Numbers = field(default_factory=dict)
    """Thread → the answer that first listed it in its present version."""
    _newest_then: list[str] = field(default_factory=lambda: [""])
    _parent: list[int] = field(default_factory=lambda: [0])

    def pack(self, known: Packed) -> None:
        """Take less memory beside what is packed already: all these threads, and from now on any that are added."""
        if isinstance(self._where, dict):
            self._where = Numbers(known, self._where)
            known.rest()

    def add(
        self, ids: Sequence[str], versions: Sequence[object], listed: Mapping[str, object], *, fresh: bool, ends: bool
    ) -> int:
        """Take in an answer's threads; `listed` tells their versions as known before. Returns the answer's number.

        `fresh`: none of them was in an answer before, and no others have been added to what is packed since.
        """
        first = is_text(versions[0])
        if first != NO_TIME and first > self.newest:
            self.newest = first
        number = len(self._parent)
        self._parent.append(number)
        self._newest_then.append(self.newest)
        if ends:
            self._unite(number, 0)
        where = self._where
        if not fresh:
            self._link(ids, versions, listed, number)
        elif isinstance(where, dict):
            # The way down, at the pace of the built-in types.
            where.update(dict.fromkeys(ids, number))
        else:
            where.add_last(len(ids), number)
        return number

    def reach_the_end(self, number: int | None) -> bool:
        """Whether everything from this answer down to the listing's end was in answers that hang together."""
        return number is not None and self._root(number) == self._root(0)

    def _link(self, ids: Sequence[str], versions: Sequence[object], listed: Mapping[str, object], number: int) -> None:
        where, joined = self._where, number
        numbers = where if isinstance(where, dict) else where.of(ids)
        for key, version in zip(ids, versions, strict=True):
            known = numbers.get(key)
            if known is None:
                where[key] = number
            elif (before := listed.get(key)) == version:
                # Mostly it is the same answer as for the thread before, and that is joined by now.
                if known != joined and is_text(version) < self._newest_then[known]:
                    joined = known
                    if self._root(number) != self._root(known):
                        self._unite(number, known)
                        self.links += 1
            elif is_text(version) > is_text(before):  # an older version says where the thread was, not where it is
                where[key] = numbers[key] = number

    def _unite(self, one: int, other: int) -> None:
        self._parent[self._root(one)] = self._root(other)

    def _root(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number
