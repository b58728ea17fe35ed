"""The headers of an answer: usage in Meta's shapes (contract 4.2), and what every answer carries (6.5)."""

import json
import math
from typing import Any

import attrs

from conversations_async.emulator.manners import Manners, UsageHeader
from conversations_async.emulator.world import PageWorld
from conversations_async.model import Platform

STANDING_HEADERS = {
    "Strict-Transport-Security": "max-age=15552000; preload",
    "Pragma": "no-cache",
    "x-fb-rev": "1040000000",
    "Access-Control-Allow-Origin": "*",
    "Cache-Control": "private, no-cache, no-store, must-revalidate",
    "Expires": "Sat, 01 Jan 2000 00:00:00 GMT",
    "Vary": "Accept-Encoding",
}


@attrs.frozen
class Reading:
    """How full the pools are, in percent, and when a closed one opens, in Meta's minutes."""

    messenger_percent: float
    app_percent: float
    regain_minutes: float
    shown_from: float


def usage_headers(
    manners: Manners, page: PageWorld | None, platform: Platform | None, reading: Reading, *, instagram_host: bool
) -> dict[str, str]:
    """The usage headers of one answer."""
    if manners.usage_header is UsageHeader.ABSENT:
        return {}
    app = math.ceil(reading.app_percent)
    if instagram_host:
        return {"x-app-usage": _json({"call_volume": app, "cpu_time": app // 2}, manners)}
    headers = {"x-app-usage": _json({"call_count": app, "total_cputime": app // 3, "total_time": app // 2}, manners)}
    if page is None:
        return headers
    percent = math.ceil(reading.messenger_percent if manners.usage_percent is None else manners.usage_percent)
    if percent < reading.shown_from and not reading.regain_minutes:
        return headers
    # A node is metered as `pages`, the conversations edge as `messenger`; both under the Page's id (contract 4.1).
    entry = (
        _entry("messenger", percent, reading.regain_minutes, manners) if platform else _entry("pages", 1, 0, manners)
    )
    entries = {page.id: [entry]}
    if platform is Platform.INSTAGRAM and page.instagram_id:
        entries[page.instagram_id] = [_entry("instagram", 1, 0, manners)]
    headers["x-business-use-case-usage"] = _json(entries, manners)
    return headers


def _entry(pool: str, percent: int, minutes: float, manners: Manners) -> dict[str, Any]:
    match manners.usage_header:
        case UsageHeader.BARE:
            return {"type": pool}
        case UsageHeader.STRANGE:
            return {"type": pool, "call_count": str(percent), "total_time": None, "newly_invented": {"per": [1]}}
    return {
        "type": pool,
        "call_count": percent,
        "total_cputime": percent // 3,
        "total_time": percent // 2,
        "estimated_time_to_regain_access": minutes,
    }


def _json(value: object, manners: Manners) -> str:
    if manners.usage_header is UsageHeader.NOT_JSON:
        return "{not json"
    return json.dumps(value, separators=(",", ":"))
