"""How many threads a proving call asks for, and whether one more proof may help.

A proof reads a listing again with its seams between two answers elsewhere (`paging`). It lists ids and times alone, so
that it may ask for far more than the walk: as many as are known to pass, and where answers hold fewer, for as many as
they hold.
"""

from collections.abc import Sequence
from typing import Final

from conversations_async.trail import Trail, clear_of
from conversations_async.values import Bundle

_IDLE_PROOFS: Final = 3
"""Proofs in a row that may find nothing."""


class Proofs(Bundle):
    """The proofs of one walk."""

    width: int | None
    """How many threads a call asks for; None: as many as any other."""
    from_head: bool
    """Whether the walk began at the head, and its seams lie where it counts them."""
    count: int = 0
    """Proofs begun."""
    found: int = 0
    """Threads found since the last one began that were there when the walk did."""
    _given: int | None = None
    """The most threads that an answer held on the way down."""
    _seams: Sequence[int] = ()
    """Where the answers of the last pass through all ended, which a proof avoids."""
    _idle: int = 0
    """Proofs in a row that found nothing."""
    _links: int = 0
    """What hung together when the last one began."""

    def note(self, trail: Trail, *, down: bool) -> None:
        """A pass through all is over: the way down, or a proof."""
        if down:
            self._given = trail.most
        self._seams = trail.seams if self.from_head or self.count > 1 else ()

    def limit(self, listed: int, *, known: int, otherwise: int) -> int:
        """How many threads to ask for behind `listed` ones, so that no answer ends where one ended before.

        `known` threads there are in all, as far as is known, and any other call asks for `otherwise`.
        """
        usual = self._usual(otherwise)
        width = self.width or usual
        if self.count == 1 and listed == 0 and known < width:
            return width
        return clear_of(self._seams, listed, width, by=max(1, usual // 4))

    def fit(self, asked: int, held: int, *, otherwise: int) -> None:
        """A server that caps what it is asked for puts its seams where it likes: ask for what it gives."""
        if self.width is not None and 0 < held < asked:
            self.width = max(held, self._usual(otherwise))

    def may_help(self, links: int) -> bool:
        """Whether another proof may help, where so much hangs together by now. Asked once before each."""
        if self.count and not self.found and links == self._links:
            # One more would join nothing either: all threads are of one second, say.
            return False
        self._idle = 1 if self.found else self._idle + 1
        self.found, self._links = 0, links
        return self._idle <= _IDLE_PROOFS

    def _usual(self, otherwise: int) -> int:
        """How many threads an answer of the walk holds: a server may cap what it is asked for, or give fewer."""
        return min(otherwise, self._given or otherwise)
