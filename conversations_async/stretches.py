"""Which answers of a listing hang together, so that no thread can have slipped by between them.

Threads get between two others at the head only: whatever happens to a thread, it moves to the head or vanishes. So two
answers that share a thread which rested have everything between their ends, and a chain of such answers from the head
to the listing's end has everything. How cursors work, and whether Meta says true of them, does not matter to that.

Times are whole seconds: a thread of the newest second may have moved within it, unseen. So what two answers share
counts only where it is older than the newest second known when it was first listed.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import define, field

from conversations_async.packing import packed_keys, unpacked_keys

NO_TIME: Final = "~"


def is_text(version: object) -> str:
    """A time as Meta writes it, which sorts as text; else a text behind all times."""
    return version if type(version) is str and len(version) == 24 and version.endswith("+0000") else NO_TIME


@define(eq=False)
class Stretches:
    """The answers of one walk, numbered from 1; 0 is the listing's end."""

    newest: str = field(default="", init=False)
    """The newest time seen so far."""
    links: int = field(default=0, init=False)
    """How many answers were found to hang together that were not known to."""
    _where: dict[str, int] = field(factory=dict, init=False)
    """Thread → the answer that first listed it in its present version."""
    _packed: tuple[str, "array[int]"] | None = field(default=None, init=False)
    """What was in `_where`, while nobody looks."""
    _newest_then: list[str] = field(factory=lambda: [""], init=False)
    _parent: list[int] = field(factory=lambda: [0], init=False)

    def pack(self) -> None:
        """Nobody adds anything for a while."""
        if self._packed is None and (text := packed_keys(self._where)) is not None:
            self._where, self._packed = {}, (text, array("L", self._where.values()))

    def add(
        self, ids: Sequence[str], versions: Sequence[object], seen: Mapping[str, object], *, fresh: bool, ends: bool
    ) -> int:
        """Take in an answer's threads; `seen` tells each one's version as known before. Returns the answer's number.

        `fresh`: none of them was in an answer before.
        """
        first = is_text(versions[0])
        if first != NO_TIME and first > self.newest:
            self.newest = first
        number = len(self._parent)
        self._parent.append(number)
        self._newest_then.append(self.newest)
        if ends:
            self._unite(number, 0)
        if self._packed is not None:
            (text, numbers), self._packed = self._packed, None
            self._where = dict(zip(unpacked_keys(text), numbers, strict=True))
        where = self._where
        if fresh:
            # The way down, at the pace of the built-in types.
            where.update(dict.fromkeys(ids, number))
        else:
            self._link(zip(ids, versions, strict=True), seen, number)
        return number

    def reach_the_end(self, number: int | None) -> bool:
        """Whether everything from this answer down to the listing's end was in answers that hang together."""
        return number is not None and self._root(number) == self._root(0)

    def _link(self, threads: Iterable[tuple[str, object]], seen: Mapping[str, object], number: int) -> None:
        where = self._where
        for key, version in threads:
            known = where.get(key)
            if known is None:
                where[key] = number
            elif (before := seen.get(key)) == version:
                if is_text(version) < self._newest_then[known] and self._root(number) != self._root(known):
                    self._unite(number, known)
                    self.links += 1
            elif is_text(version) > is_text(before):  # an older version says where the thread was, not where it is
                where[key] = number

    def _unite(self, one: int, other: int) -> None:
        self._parent[self._root(one)] = self._root(other)

    def _root(self, number: int) -> int:
        parent = self._parent
        while parent[number] != number:
            parent[number] = number = parent[parent[number]]
        return number
