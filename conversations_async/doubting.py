"""An end that an empty answer tells, which is doubted: something may have slipped by before it.

Where cursors count places, what was listed behind a full answer may have moved past its end: that place is asked once
more in two steps, of which the second reaches beyond. Behind an answer that was not full there was nothing, if it is
the same when it is asked again.
"""

from typing import Final

from conversations_async.values import Bundle

_DOUBTS: Final = 3
"""Times in a pass."""


class _Last(Bundle):
    """The last answer with threads."""

    place: str | None
    asked: int
    """For how many it was asked."""
    held: int
    mark: int
    """A hash of its threads."""


class DoubtedEnd(Bundle):
    """Of one pass."""

    again_for: int | None = None
    """A place is asked once more, for so many threads."""
    _last: _Last | None = None
    _confirming: bool = False
    """Whether the same threads there show that nothing is behind them."""
    _doubts: int = 0

    def note(self, place: str | None, *, asked: int, held: int, mark: int) -> None:
        """An answer held so many threads."""
        self._last = _Last(place, asked, held, mark)

    def is_confirmed(self, mark: int) -> bool:
        """Whether an answer shows that there was nothing behind it."""
        confirming, self._confirming = self._confirming, False
        return confirming and self._last is not None and mark == self._last.mark

    def may_be_doubted(self) -> bool:
        """Whether there is an answer before this end that has not been asked again too often."""
        return self._last is not None and self._doubts < _DOUBTS

    def doubt(self, most: int) -> str | None:
        """The place to ask once more; the fullest answer of the pass held the `most`."""
        assert self._last is not None
        last = self._last
        self._doubts += 1
        full = last.held >= min(last.asked, most) and last.held > 1
        self._confirming, self.again_for = not full, last.held // 2 if full else last.asked
        return last.place
