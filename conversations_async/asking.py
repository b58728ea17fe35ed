"""How much a walk's next call asks for: fewer threads, fewer fields, or one thread by itself.

**Asking for less.** Listings that ask nested fields fail above small limits, on Instagram most of all (contract 5.3).
"Reduce the amount of data" halves the limit; after some good answers more is tried again, more slowly each time. Half
the limit costs twice the calls; listing ids and asking each thread by itself costs a call a thread. So the second is
done only where a single listed thread is too much. The same words come from an empty budget: while usage is at 100 %
the walk waits instead, three times, before it believes them.

**Threads that break answers** (contract 7.2). A code 1 that stays is cut in halves from where it came, without repeats;
the one thread left is listed by id, asked once by itself, and if that fails too it is an `UnavailableThread` and the
walk goes on behind it with its old limit: log2(limit) + 3 calls. Passes after that list ids and ask for what is new, so
that the same thread is not met again. Where not even one id can be listed there is no cursor to step over it: the walk
ends there, and may be taken up from there.

**Listings that are refused** while everything else answers (contract 1.6, 1.2) are told from an outage by one other
read; after it has passed the listing is still asked some more times.
"""

from enum import Enum
from typing import Final

from conversations_async.values import LATER, Bundle

_GROW_AFTER: Final = 4
_PAUSES: Final = 3
LISTING_REPEATS: Final = 2
"""Tries of a failing listing before another read is asked for, and of a code 1 before it is cut in halves."""
FEW: Final = 8
"""Below so many threads a call, to cut in halves at once is as cheap as to try again."""
LISTING_TRIES: Final = 6
"""Tries, that other read among them, before a listing counts as refused."""


class Way(Enum):
    """What becomes of a walk whose call failed."""

    AGAIN = "ask `next_request`, which is another one now"
    PROBE = "ask `next_request`, another read for once; the tries go on counting"
    RETRY = "ask the same again, as the retry policy says"
    LATER = "ask the same again when the budget has recovered"
    MARK = "give the thread that was asked for by itself to `let_unavailable`"
    END = "the error is final"


class Asking(Bundle):
    """How many threads a listing is asked for, and how much of each."""

    threads_per_call: int
    """As many as are wanted."""
    limit: int = LATER
    lean: bool = False
    """Whether only ids are listed, since a single thread with all its fields was too much."""
    suspects: int = 0
    """The next so many threads hold one that breaks answers; 0: nobody is suspected."""
    unavailable: int = 0
    probing: bool = False
    probe_passed: bool = False
    """The other read has passed: what fails is the listing."""
    _single: bool = False
    """Whether the answer at hand is the one about a single suspect."""
    _good: int = 0
    _grew: bool = False
    _grow_after: int = _GROW_AFTER
    _pauses: int = 0

    def __post_init__(self) -> None:
        self.limit = self.threads_per_call

    @property
    def now(self) -> int:
        """How many threads the next call asks for, unless the walk knows better."""
        return max(1, self.suspects // 2) if self.suspects else self.limit

    def is_lean(self, *, settling: bool) -> bool:
        """Whether only ids are listed now."""
        # Whoever has met a thread that breaks answers does not want to meet it again while settling.
        return self.lean or self.suspects == 1 or (settling and self.unavailable > 0)

    def answered(self, asked: int, *, more: bool) -> None:
        """A listing's answer has come."""
        self.probe_passed, self._single = False, self.suspects == 1
        if self.suspects == 0:
            self._grow()
        elif self.suspects > 1:
            self.suspects = max(0, self.suspects - asked) if more else 0

    def taken(self) -> None:
        """All threads of the last answer are there, also those asked for by themselves."""
        if self._single:
            self.suspects, self._single = 0, False

    def less(self, asked: int) -> bool:
        """Halve what was asked; False where one thread is already too many."""
        if asked == 1:
            return False
        self.suspects, self.limit = 0, asked // 2
        if self._grew:
            self._grow_after *= 2
        self._good, self._grew = 0, False
        return True

    def list_lean(self) -> None:
        """List ids from now on, many at once again."""
        self.lean, self.limit, self._grow_after = True, self.threads_per_call, _GROW_AFTER

    def may_pause(self) -> bool:
        """Whether an empty budget is believed once more to be the reason."""
        self._pauses += 1
        return self._pauses <= _PAUSES

    def _grow(self) -> None:
        """After some good answers try more again: what was too much here need not be so further down."""
        if self.limit >= self.threads_per_call:
            return
        self._good += 1
        if self._good >= self._grow_after:
            self._good, self._grew = 0, True
            self.limit = min(self.limit * 2, self.threads_per_call)
