"""The way of one pass through a listing: its cursors, where the last answers ended, and whether it goes round.

A cursor that comes again need not be a circle: one that marks a thread leads back up when the thread has moved to the
head. It is one where nothing new has come since it was asked.
"""

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from functools import partial
from typing import Final

from msgspec import field

from conversations_async.values import Bundle

EMPTY_IN_A_ROW: Final = 100
"""Empty thread pages after which a listing counts as endless; the reference names no number."""
REPEATS: Final = "a cursor repeats, and nothing new came between"

_STALE: Final = 1000
"""Known threads that may be listed again beside those that a whole pass lists."""


class Trail(Bundle):
    """Where a pass stands."""

    after: str | None = None
    """The cursor to be asked; None for the head."""
    calls: int = 0
    listed: int = 0
    """Threads listed in this pass."""
    most: int = 0
    """Threads in the fullest answer."""
    seams: "array[int]" = field(default_factory=partial(array, "q"))
    """After how many threads an answer ended."""
    _before: str | None = None
    """The cursor asked before this one; None where there was none, or where it is dead too."""
    _asked: "array[int]" = field(default_factory=partial(array, "q"))
    """Cursors asked since anything new came, by hash: whoever comes again later is no circle."""
    _asked_at: int = 0
    """How much was known then."""
    _empty: int = 0
    _stale: int = 0
    """Known threads listed since something new was."""
    _stale_at: int = 0

    def __post_init__(self) -> None:
        if self.after is not None:
            self._asked.append(hash(self.after))

    def note(self, threads: int) -> None:
        """An answer with so many threads has come."""
        self.calls += 1
        self.listed += threads
        if threads > self.most:
            self.most = threads
        self.seams.append(self.listed)

    def go_on(self, after: str | None, *, threads: int, stale: int, seen: int, known: int) -> str | None:
        """Go on at a cursor, or say why that leads nowhere.

        The answer that gave it held so many `threads`, `stale` of them known; `seen` threads and `known` news there are
        in all.
        """
        self._empty = 0 if threads else self._empty + 1
        if known > self._stale_at:
            self._stale_at, self._stale = known, 0
        else:
            self._stale += stale
        if after is None:
            return "Meta says there is more but gives no cursor"
        if after == self.after:
            return "a cursor repeats"
        if self._empty >= EMPTY_IN_A_ROW:
            return f"{EMPTY_IN_A_ROW} empty answers in a row say there is more"
        if self._stale > 2 * seen + _STALE:
            return "ever new cursors bring the same threads"
        if known > self._asked_at:
            self._asked_at = known
            del self._asked[:]
        if hash(after) in self._asked:
            return REPEATS
        self._asked.append(hash(after))
        self._before, self.after = self.after, after
        return None

    def go_back_to(self, after: str | None) -> None:
        """Ask a place once more; what lies behind it may be asked again, too."""
        self.after, self._before = after, None
        del self._asked[:]

    def step_back(self) -> bool:
        """Ask the cursor before this one, which is dead; False where there is none, or that was done."""
        before, self._before = self._before, None
        if before is not None:
            self.after = before
        return before is not None


def clear_of(seams: Sequence[int], place: int, width: int, *, by: int) -> int:
    """How many threads to ask for at a place, so that the answer ends so far from any of these seams.

    Where that cannot be, as far as can be.
    """

    def distance(end: int) -> int:
        index = bisect_right(seams, end)
        return min((abs(end - seam) for seam in seams[max(0, index - 1) : index + 1]), default=by)

    reach = place + width
    ends = range(reach, max(place, reach - width // 2 - 1), -max(1, width // 32))
    return max(ends, key=lambda end: (min(by, distance(end)), end)) - place
