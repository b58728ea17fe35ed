"""What of a listing's answers is news to its reader: threads not seen before, and newer versions of those that were.

Thread pages overlap when threads move, and a walk reads parts of a listing more than once; whoever lists the same
version twice has said nothing new.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from msgspec import field

from conversations_async.model import Thread, read_time
from conversations_async.packing import Packed, PackedIds, PackedTimes
from conversations_async.stretches import NO_TIME, are_texts, is_text
from conversations_async.values import Bundle

SINCE_OVERLAP: Final = timedelta(minutes=1)
"""How much older than `since` a thread is before the listing ends at it: no page says that the order is exact."""


class Sieve(Bundle):
    """What has been seen of one listing, and what of it is wanted."""

    since: datetime | None
    """Threads older than this end the listing and are not handed on."""
    before: datetime | None
    """Threads newer than this are not handed on."""
    until: datetime | None
    """Threads older than this end the listing."""
    trusts: bool = False
    """Whether what a walk before this one has read is taken as read."""
    keeps_versions: bool = True
    """Whether newer versions of threads seen before are news; where they are not, none need be kept."""
    proving: bool = False
    floor: datetime | None = None
    """Whatever is newer than this is yet to be read."""
    known: int = 0
    """Threads and versions that were news, and moves: grows as long as the walk gets anywhere."""
    strays: bool = False
    """Whether a thread beyond `since` or `before` has been listed."""
    seen: "Known" = field(default_factory=dict)
    """Thread → its version, the newest that was handed on, as far as versions are kept."""
    _listed: "Known | None" = None
    """The same as `seen`, of every thread listed, where some of them are not handed on."""
    _began: str = NO_TIME
    _newest: str = ""
    """The newest time told at the top of an answer, where newer versions are no news."""
    _deferred: dict[str, object] | None = None

    def __post_init__(self) -> None:
        if self.trusts or any(bound is not None for bound in (self.since, self.before, self.until)):
            self._listed = {}

    def pack(self) -> None:
        """Nobody looks for a while."""
        kind = PackedTimes if self.keeps_versions else PackedIds
        self.seen = _packed(self.seen, kind)
        if self._listed is not None:
            self._listed = _packed(self._listed, kind)

    def forget(self) -> None:
        """Nobody looks any more."""
        self.seen, self._listed = {}, None

    @property
    def last(self) -> str | None:
        """The thread that was seen last."""
        return next(reversed(self.seen), None) if isinstance(self.seen, dict) else self.seen.last

    @property
    def listed(self) -> "Known":
        """Each listed thread with its version as last known, as far as versions are kept."""
        return self.seen if self._listed is None else self._listed

    def take_in(self, ids: Sequence[str], versions: Sequence[object]) -> bool:
        """Whether none of an answer's threads has been listed before: then they have been now, else nothing is changed.

        One that is in the answer twice is no such thread.
        """
        listed = self.listed
        return _add_unknown(listed, ids, versions) if isinstance(listed, dict) else listed.add_unknown(ids, versions)

    def seen_of(self, ids: Sequence[str], versions: Sequence[object], *, fresh: bool = False) -> "Past":
        """Those of an answer's threads that have been seen before; `fresh` is what `take_in` has said of them."""
        if fresh and self._listed is None:
            return {}
        return _known_of(self.seen, ids, versions)

    def listed_of(self, ids: Sequence[str], versions: Sequence[object], seen: "Past") -> "Past":
        """Those of an answer's threads that have been listed before; `seen` is what `seen_of` says of them."""
        return seen if self._listed is None else _known_of(self._listed, ids, versions)

    @property
    def has_deferred(self) -> bool:
        """Whether this proof has met threads that settling is to hand on."""
        return bool(self._deferred)

    def begin(self, *, proving: bool, floor: datetime | None) -> None:
        """Another kind of pass begins."""
        self.proving, self.floor = proving, floor
        self._deferred = None

    def hold(self, held: Mapping[str, str]) -> None:
        """Take in what the reader has already."""
        if isinstance(self.seen, dict):
            self.seen = {**held, **self.seen}
        else:
            self.seen.fill(held)

    def sift(
        self, threads: tuple[Thread, ...], seen: "Past", *, fresh: bool
    ) -> tuple[tuple[Thread, ...], tuple[Thread, ...], int]:
        """The news among an answer's threads, those seen for the first time, and how many of these are old.

        `fresh`: what `take_in` has said of them; `seen`: what `seen_of` has, where they are not.
        """
        old = 0
        if not self.known and threads:
            self._began = is_text(threads[0].version)
        if self._listed is None and fresh:
            news = first = threads
        else:
            news, first = self._sifted(threads, {**seen})
            if self._listed is not None and not fresh:
                for thread in threads:
                    self._listed[thread.id] = thread.version
        if self.proving:
            old = sum(is_text(thread.version) < self._began for thread in first)
        self.known += len(news) + (0 if self.keeps_versions else self._moved(threads, seen))
        return news, first, old

    def is_news(self, thread: Thread, seen: "Past") -> bool:
        """Whether the reader does not have this thread, or not in this version."""
        if not self._is_wanted(thread):
            return False
        version = thread.version
        if thread.id not in seen:
            return not self._is_read_before(version)
        return self.keeps_versions and _is_newer(version, seen[thread.id])

    def defer(self, threads: Sequence[Thread], seen: "Past") -> int:
        """How many at the top of a proof's answer have moved there: settling hands them on with all their fields."""
        floor, count = self.floor, 0
        for place, thread in enumerate(threads):
            if self.is_news(thread, seen):
                if floor is None or (time := thread.updated_time) is None or time < floor:
                    break
                count = place + 1
        deferred = self._deferred or {}
        for thread in threads[:count]:
            version = thread.version
            if self.is_news(thread, seen) and deferred.get(thread.id) != version:
                deferred[thread.id] = version
                self.known += 1
        self._deferred = deferred
        return count

    def ends_at(self, threads: Sequence[Thread]) -> bool:
        """Whether what is wanted ends among these threads, though the listing may go on."""
        if self.until is not None and holds_older(threads, self.until):
            return True
        return self.since is not None and holds_older(threads, self.since - SINCE_OVERLAP)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _sifted(
        self, threads: Sequence[Thread], seen: dict[str, object]
    ) -> tuple[tuple[Thread, ...], tuple[Thread, ...]]:
        """`seen` is kept up to date: a thread may be in an answer twice."""
        news, first = [], []
        for thread in threads:
            key, version = thread.id, thread.version
            if not self._is_wanted(thread):
                continue
            if key not in seen:
                if self._is_read_before(version):
                    continue
                first.append(thread)
            elif not (self.keeps_versions and _is_newer(version, seen[key])):
                continue
            self.seen[key] = seen[key] = version
            news.append(thread)
        return tuple(news), tuple(first)

    def _moved(self, threads: Sequence[Thread], seen: "Past") -> int:
        """How many threads seen before have moved to the head since.

        Their versions are not kept, but any moved thread is newer than what was at the head before it.
        """
        newest = self._newest
        if threads and newest < (top := is_text(threads[0].version)) != NO_TIME:
            self._newest = top
        if not seen:
            return 0
        return sum(newest < is_text(thread.version) != NO_TIME for thread in threads if thread.id in seen)

    def _is_wanted(self, thread: Thread) -> bool:
        if self.since is None and self.before is None:
            return True
        time = thread.updated_time
        if time is None:
            return True
        within = (self.since is None or time >= self.since) and (self.before is None or time <= self.before)
        self.strays = self.strays or not within
        return within

    def _is_read_before(self, version: object) -> bool:
        """Whether a thread that this walk has not met belongs to what the walk before it has read, or lies below it."""
        if not self.proving or (not self.trusts and self.until is None):
            return False
        if (time := read_time(version)) is None:
            return False
        if self.until is not None and time < self.until:
            return True
        return self.trusts and is_text(version) >= self._began and (self.floor is None or time < self.floor)


Known: TypeAlias = dict[str, object] | Packed
"""Thread → its version; packed without versions it tells None."""
Past: TypeAlias = Mapping[str, object]
"""Of an answer's threads those that were known before → the version in which they were."""


def _known_of(known: Known, ids: Sequence[str], versions: Sequence[object]) -> Past:
    if isinstance(known, dict):
        return {key: known[key] for key in ids if key in known}
    return known.known_of(ids, versions)


def _packed(known: Known, kind: type[Packed]) -> Known:
    """The same in less memory; empty it takes none."""
    if not isinstance(known, dict):
        known.rest()
    elif known:
        packed = kind()
        packed.add([*known], [*known.values()])
        return packed
    return known


def _add_unknown(known: dict[str, object], ids: Sequence[str], versions: Sequence[object]) -> bool:
    """Add threads that are all unknown, and differ; False where they are not, with nothing changed."""
    if ids and ids[0] in known:
        return False
    before = len(known)
    # In one go: to look for them first, and then to add them, takes half as long again.
    deque(map(known.setdefault, ids, versions), maxlen=0)
    if len(known) == before + len(ids):
        return True
    # What was added stands behind all else.
    while len(known) > before:
        known.popitem()
    return False


def newest_of(versions: Sequence[object]) -> datetime | None:
    """The newest of these times; None where none can be read."""
    if are_texts(versions):
        return read_time(max(versions))
    return max(filter(None, map(read_time, versions)), default=None)


def holds_older(threads: Sequence[Thread], moment: datetime) -> bool:
    """Whether one of these threads is older."""
    # The oldest is the last, mostly.
    return any((time := thread.updated_time) is not None and time < moment for thread in reversed(threads))


def _is_newer(version: object, known: object) -> bool:
    """Whether another `updated_time` is news. Where one of the two cannot be read, being another one is enough."""
    if version == known:
        return False
    time, known_time = read_time(version), read_time(known)
    return time is None or known_time is None or time > known_time
