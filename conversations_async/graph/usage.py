"""The usage headers: how full Meta says each pool is (contract 4.2).

What Meta promises: `x-business-use-case-usage` lists, per id, entries with percentages and
`estimated_time_to_regain_access` in minutes. What it does not: which ids appear (the Page's own for Messenger calls,
two for Instagram), that keys are not repeated (Meta's own sample repeats one), that values stay under 100, that the
header comes at all. So: read every entry, repeated keys as well; a value that is no number counts as 0; an id or a
type of another form is not taken over, but its numbers count; a header that does not parse is no header. Minutes become
seconds here and nowhere else.
"""

import json
import math
import re
from functools import lru_cache
from typing import Any, Final, get_args

from conversations_async.graph.requests import RawAnswer
from conversations_async.model import PoolKind, PoolUsage, Usage

# Header → the kind of pool it speaks of where its entries name none (contract 4.2).
_FLAT_HEADERS: Final = {"x-app-usage": "app", "x-page-usage": "pages"}
_BUSINESS_HEADER: Final = "x-business-use-case-usage"
_LONGEST_HEADER: Final = 65_536

# Both are shown, and kept as long as the session: what a proxy echoes there, a token even, must not be.
_ID: Final = re.compile(r"[0-9]{1,32}")
_KIND: Final = re.compile(r"[a-z_]{1,40}")


def read_usage(answer: RawAnswer) -> Usage | None:
    """What the answer's headers say of its pools; None where they say nothing."""
    header = answer.header
    return _read_headers(header(_BUSINESS_HEADER), *map(header, _FLAT_HEADERS))


@lru_cache(maxsize=1024)
def _read_headers(business: str | None, *flat: str | None) -> Usage | None:
    """Once for answers whose headers say the same, which most of a Page's do for a while."""
    pools: list[PoolUsage] = []
    if business is not None:
        pools += _read_business(business)
    for text, kind in zip(flat, _FLAT_HEADERS.values(), strict=True):
        if text is not None:
            pools += _read_flat(text, kind)
    return Usage(tuple(pools)) if pools else None


def _read_business(text: str) -> tuple[PoolUsage, ...]:
    entries: list[PoolUsage] = []
    for owner, listed in _pairs(text):
        for entry in listed if isinstance(listed, list) else ():
            members = dict(entry) if isinstance(entry, _Pairs) else {}
            kind = members.get("type")
            if not isinstance(kind, str) or not _KIND.fullmatch(kind):
                kind = "unknown"
            if members:
                entries.append(_pool_usage(members, kind, owner if _ID.fullmatch(owner) else ""))
    return tuple(entries)


def _read_flat(text: str, kind: str) -> tuple[PoolUsage, ...]:
    members = dict(_pairs(text))
    return (_pool_usage(members, kind, ""),) if members else ()


def _pool_usage(members: dict[str, Any], kind: str, owner: str) -> PoolUsage:
    return PoolUsage(
        kind=_KINDS.get(kind, kind),
        id=owner,
        # graph.instagram.com says call_volume and cpu_time for the same things (contract 10).
        call_count=_number(members.get("call_count", members.get("call_volume"))),
        total_cputime=_number(members.get("total_cputime", members.get("cpu_time"))),
        total_time=_number(members.get("total_time")),
        regain_after=_number(members.get("estimated_time_to_regain_access")) * 60.0,
    )


# Each Inbox's last usage is kept as long as the session: what most of them say is there once.
_KINDS: Final[dict[str, str]] = {kind: kind for kind in get_args(PoolKind)}
_WHOLE: Final = tuple(map(float, range(101)))


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its members in order, repeated keys included."""


def _pairs(text: str) -> _Pairs:
    if len(text) > _LONGEST_HEADER:
        return _Pairs()
    try:
        value = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError):
        return _Pairs()
    return value if isinstance(value, _Pairs) else _Pairs()


def _number(value: object) -> float:
    """Percentages and minutes: never negative, never endless."""
    if type(value) is int and 0 <= value < len(_WHOLE):
        return _WHOLE[value]
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return 0.0
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return 0.0
    return min(number, 1e6) if number > 0 and math.isfinite(number) else 0.0
