"""What is known of threads, in 8 to 16 bytes a thread instead of 200: for walks that wait their turn among hundreds.

Ids and times are short texts, and as objects of Python's, within a dictionary, they take ten times their letters.
Hundreds of Inboxes under way, each waiting for half a second between two calls, are mostly that.

An id is kept as the 64 bits that Python's dictionaries tell it by. Two ids of one Inbox that share theirs would pass
for one thread: in a listing of a million threads, of a thousand Inboxes, once in 10^10 listings; in a single Inbox of
a million, once in 10^7. Texts are hashed with a key of this process, so that no two ids share theirs time and again.
"""

from abc import ABC, abstractmethod
from array import array
from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from struct import pack
from typing import Final

_MOST_IN_TWO_BYTES: Final = 0xFFFF


class Packed(ABC):
    """Thread id → something. Nobody learns the ids again, except the last that came."""

    __slots__ = ("_index", "_keys", "last")

    def __init__(self) -> None:
        self._keys: array[int] = array("q")
        self._index: dict[int, int] | None = None
        """Key → its place; made when single threads are looked for, and forgotten by `rest`."""
        self.last: str | None = None
        """The id that was added last."""

    def rest(self) -> None:
        """Nobody looks for a while."""
        self._index = None

    def add_unknown(self, ids: Sequence[str], values: Sequence[object]) -> bool:
        """Add threads that are all unknown, and differ; False where they are not, with nothing changed."""
        keys = [*map(hash, ids)]
        differing = {*keys}
        if len(differing) < len(keys) or not differing.isdisjoint(self._keys if self._index is None else self._index):
            return False
        self._add(keys, ids, values)
        return True

    def add(self, ids: Sequence[str], values: Sequence[object]) -> None:
        """Threads that are all unknown, and differ."""
        self._add([*map(hash, ids)], ids, values)

    def _add(self, keys: Sequence[int], ids: Sequence[str], values: Sequence[object]) -> None:
        if keys:
            self.rest()
            # Not one by one, which takes three times as long.
            self._keys.frombytes(pack(f"{len(keys)}q", *keys))
            self._append(values)
            self.last = ids[-1]

    def fill(self, others: Mapping[str, object]) -> None:
        """Take in what is unknown of these; what is known stays as it is."""
        places, last = self.places(), self.last
        for key, value in others.items():
            if hash(key) not in places:
                self[key] = value
        self.last = last or self.last

    def __len__(self) -> int:
        return len(self._keys)

    def known_of(self, ids: Sequence[str], values: Sequence[object]) -> dict[str, object]:
        """What is known of those that are known. `values` is what it may be, so that it need not be made anew."""
        places = self.places()
        return {key: self._value(place) for key in ids if (place := places.get(hash(key))) is not None}

    def __setitem__(self, key: str, value: object) -> None:
        place = self.places().setdefault(hash(key), len(self._keys))
        if place == len(self._keys):
            self._keys.append(hash(key))
            self._append((value,))
            self.last = key
        else:
            self._replace(place, value)

    def places(self) -> dict[int, int]:
        """Each thread's place among those added, from 0, by the hash of its id."""
        if self._index is None:
            self._index = dict(zip(self._keys, count()))  # the other one is endless
        return self._index

    @abstractmethod
    def _append(self, values: Sequence[object]) -> None: ...

    @abstractmethod
    def _value(self, place: int) -> object: ...

    @abstractmethod
    def _replace(self, place: int, value: object) -> None: ...


class PackedIds(Packed):
    """Thread id → None: which threads there are is all that is known."""

    __slots__ = ()

    def _append(self, values: Sequence[object]) -> None: ...

    def _value(self, place: int) -> None: ...

    def _replace(self, place: int, value: object) -> None: ...


class Numbers:
    """Thread → a number from 1, of threads that are known to a `Packed` beside it: their ids are kept once."""

    __slots__ = ("_known", "_numbers")

    def __init__(self, known: Packed, numbers: Mapping[str, int]) -> None:
        self._known = known
        self._numbers: array[int] = array("H")
        """By the thread's place; 0, or none so far behind, where it has no number."""
        self._reach(len(known), max(numbers.values(), default=0))
        for key, number in numbers.items():
            self[key] = number

    def of(self, ids: Iterable[str]) -> dict[str, int]:
        """The numbers of those that have one."""
        places, numbers, end = self._known.places(), self._numbers, len(self._numbers)
        return {
            key: number for key in ids if (place := places.get(hash(key), end)) < end and (number := numbers[place])
        }

    def __setitem__(self, key: str, number: int) -> None:
        place = self._known.places()[hash(key)]
        self._reach(place + 1, number)
        self._numbers[place] = number

    def add_last(self, threads: int, number: int) -> None:
        """Number so many threads: those that were added last."""
        self._reach(len(self._known) - threads, number)
        self._numbers.extend([number] * threads)

    def _reach(self, places: int, number: int) -> None:
        """Make room for a number, and for those of so many threads."""
        if number > _MOST_IN_TWO_BYTES and self._numbers.typecode == "H":
            self._numbers = array("I", self._numbers)
        self._numbers.extend([0] * (places - len(self._numbers)))


_ZONE: Final = b"+0000"
_TIME: Final = b"0000-00-00T00:00:00"
_LENGTH: Final = len(_TIME) + len(_ZONE)
_DIGITS: Final = bytes.maketrans(b"123456789", b"0" * 9)
_CENTURY: Final = "20"
_SIZE: Final = 6
"""Bytes of a time: its digits but for the century's."""
_NO_TIME: Final = b"\xff" * _SIZE
"""What no digits can be."""


class PackedTimes(Packed):
    """Thread id → its `updated_time` as Meta writes it; what is written in another way is kept as it is."""

    __slots__ = ("_odd", "_times")

    def __init__(self) -> None:
        super().__init__()
        self._times = bytearray()
        self._odd: dict[int, object] | None = None

    def known_of(self, ids: Sequence[str], values: Sequence[object]) -> dict[str, object]:
        digits = _digits(values)
        if digits is None:
            return super().known_of(ids, values)
        places, times = [*map(self.places().get, map(hash, ids))], self._times
        first = (places[0] if places else None) or 0
        end = first + len(places)
        # Most of a listing is at rest, and comes in the order in which it came before.
        if places == [*range(first, end)] and times[first * _SIZE : end * _SIZE] == digits:
            return dict(zip(ids, values, strict=True))
        known = dict[str, object]()
        for at, (key, value, place) in enumerate(zip(ids, values, places, strict=True)):
            if place is not None:
                told = digits[at * _SIZE : (at + 1) * _SIZE]
                same = times[place * _SIZE : (place + 1) * _SIZE] == told
                known[key] = value if same else self._value(place)
        return known

    def _append(self, values: Sequence[object]) -> None:
        times = _digits(values)
        if times is not None:
            self._times += times
            return
        for value in values:
            self._times += _NO_TIME
            self._replace(len(self._times) // _SIZE - 1, value)

    def _value(self, place: int) -> object:
        if self._odd is not None and place in self._odd:
            return self._odd[place]
        digits = self._times[place * _SIZE : (place + 1) * _SIZE].hex()
        day = f"{_CENTURY}{digits[:2]}-{digits[2:4]}-{digits[4:6]}"
        return f"{day}T{digits[6:8]}:{digits[8:10]}:{digits[10:]}+0000"

    def _replace(self, place: int, value: object) -> None:
        digits = _digits((value,))
        if digits is None:
            self._odd = self._odd or {}
            self._odd[place] = value
        elif self._odd is not None:
            self._odd.pop(place, None)
        self._times[place * _SIZE : (place + 1) * _SIZE] = digits or _NO_TIME


def _digits(times: Sequence[object]) -> bytearray | None:
    """Their digits, six bytes each; None unless all are of this century, written as `2026-05-04T13:32:08+0000`."""
    try:
        texts = "".join(times).encode("ascii")  # type: ignore[arg-type]  # what is no text is refused by it
        lengths = {*map(len, times)}  # type: ignore[arg-type]  # they are all texts by now
    except (TypeError, UnicodeEncodeError):
        return None
    count, local = len(times), texts.replace(_ZONE, b"")
    zones = texts[len(_TIME) :: _LENGTH]
    # Each has its zone where it ends: so many were taken away, and there is a plus sign at each of these places.
    whole = lengths <= {_LENGTH} and len(texts) - len(local) == count * len(_ZONE) and zones == b"+" * count
    if not whole or local.translate(_DIGITS) != _TIME * count:
        return None
    digits = bytearray(unhexlify(local.translate(None, b"-T:")))
    if digits[:: _SIZE + 1] != unhexlify(_CENTURY) * count:
        return None
    del digits[:: _SIZE + 1]
    return digits
