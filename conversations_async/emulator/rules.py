"""Meta's limits as the server keeps them (contract 4); pure, the clock is passed in.

Documented is "2 calls per second" per Page and per Instagram account, not the window it is counted in: so three models.
What counts is the moment a call arrives. Calls that are refused count too, which lengthens a block (contract 4.1).
"""

import math
from collections import deque
from enum import StrEnum
from typing import Any

import attrs

from conversations_async.model import Platform

# Moments are sums of floats: a call that arrives one second after another is not inside its second.
_GRAIN = 1e-6

_ABOVE_ZERO: Any = attrs.validators.optional(attrs.validators.gt(0))


class WindowModel(StrEnum):
    """How the server counts "2 calls per second"; Meta does not say."""

    ROLLING = "rolling"
    FIXED = "fixed"
    BUCKET = "bucket"


@attrs.frozen(kw_only=True)
class LimitRules:
    """The limits that the server enforces; None turns one off, `LimitRules.off()` all of them."""

    calls_per_second: float | None = attrs.field(default=2.0, validator=_ABOVE_ZERO)
    model: WindowModel = attrs.field(default=WindowModel.ROLLING, converter=WindowModel)
    burst: float = attrs.field(default=2.0, validator=attrs.validators.ge(1))
    """The bucket's size, for `WindowModel.BUCKET` only."""
    phase: float = 0.0
    """Where the fixed seconds begin, for `WindowModel.FIXED` only."""
    code: int = 613
    """What refuses a call too many: 613 or 80006 are in the edge's list, neither is said (contract 8.4)."""
    count_refused: bool = True
    calls_per_day: int | None = None
    """The Messenger pool of each Page per rolling 24 h; None: 200 times its engaged users (contract 4.1)."""
    messenger_pool: bool = True
    app_calls_per_hour: int | None = None
    user_calls_per_hour: int | None = None
    usage_from: float = 0.0
    """Percent below which no usage header is sent (contract 4.2: absent below some usage)."""

    @classmethod
    def off(cls) -> "LimitRules":
        """No limit of any kind; the usage headers stay."""
        return cls(calls_per_second=None, messenger_pool=False)


@attrs.frozen
class Verdict:
    """A call may not pass: the code that says so, and when the pool opens again in seconds, if Meta tells."""

    code: int
    regain_after: float | None = None


class _Second:
    """The 2-calls-a-second count of one Inbox."""

    __slots__ = ("_arrivals", "_filled_at", "_rules", "_tokens", "_window")

    def __init__(self, rules: LimitRules) -> None:
        self._rules = rules
        self._arrivals: deque[float] = deque()
        self._window: tuple[int, int] = (-1, 0)
        self._tokens = rules.burst
        self._filled_at = -math.inf

    def passes(self, now: float) -> bool:
        """Count one arrival at *now*; False where it is one too many."""
        match self._rules.model:
            case WindowModel.ROLLING:
                return self._rolling(now)
            case WindowModel.FIXED:
                return self._fixed(now)
            case WindowModel.BUCKET:
                return self._bucket(now)

    def _rolling(self, now: float) -> bool:
        arrivals = self._arrivals
        while arrivals and now - arrivals[0] >= 1.0 - _GRAIN:
            arrivals.popleft()
        passes = len(arrivals) < self._allowed
        if passes or self._rules.count_refused:
            arrivals.append(now)
        return passes

    def _fixed(self, now: float) -> bool:
        second = math.floor(now - self._rules.phase + _GRAIN)
        seen = self._window[1] if self._window[0] == second else 0
        passes = seen < self._allowed
        self._window = (second, seen + (passes or self._rules.count_refused))
        return passes

    def _bucket(self, now: float) -> bool:
        rules = self._rules
        if math.isfinite(self._filled_at):
            self._tokens = min(rules.burst, self._tokens + (now - self._filled_at) * self._allowed)
        self._filled_at = now
        passes = self._tokens >= 1.0 - _GRAIN
        if passes or rules.count_refused:
            self._tokens = max(self._tokens - 1.0, -rules.burst)
        return passes

    @property
    def _allowed(self) -> float:
        return self._rules.calls_per_second or math.inf


class RollingPool:
    """A count of calls over a long rolling window, with the time until it has room again."""

    __slots__ = ("_calls", "_size", "_window")

    def __init__(self, size: float, window: float) -> None:
        self._size = size
        self._window = window
        self._calls: deque[float] = deque()

    def passes(self, now: float) -> bool:
        """Count one call at *now*; False where the pool is full."""
        self._forget(now)
        self._calls.append(now)
        return len(self._calls) <= self._size

    def percent(self, now: float) -> float:
        """How full it is; passes 100 while refused calls pile up (contract 4.2)."""
        self._forget(now)
        return 100.0 * len(self._calls) / self._size

    def regain_after(self, now: float) -> float:
        """Seconds until one more call would pass."""
        surplus = len(self._calls) - int(self._size)
        return 0.0 if surplus < 0 else max(0.0, self._calls[surplus] + self._window - now)

    def _forget(self, now: float) -> None:
        calls = self._calls
        while calls and now - calls[0] >= self._window - _GRAIN:
            calls.popleft()


_DAY = 86_400.0
_HOUR = 3_600.0


class LimitBook:
    """The counts of one server: a second per Inbox, a day per Page, an hour for the app and each user."""

    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._seconds: dict[tuple[str, Platform], _Second] = {}
        self._days: dict[str, RollingPool] = {}
        self._app = RollingPool(rules.app_calls_per_hour or math.inf, _HOUR)
        self._users: dict[str, RollingPool] = {}

    def weigh_inbox_call(self, page_id: str, platform: Platform, engaged: int, now: float) -> Verdict | None:
        """Count a call to an Inbox; the verdict that refuses it, if any. The pool counts Messenger only."""
        verdict = None
        if self.rules.messenger_pool and platform is Platform.MESSENGER:
            pool = self._day(page_id, engaged)
            if not pool.passes(now):
                verdict = Verdict(80006, pool.regain_after(now))
        if self.rules.calls_per_second is not None:
            second = self._seconds.get((page_id, platform))
            if second is None:
                second = self._seconds[page_id, platform] = _Second(self.rules)
            if not second.passes(now) and verdict is None:
                verdict = Verdict(self.rules.code)
        return verdict

    def weigh_app_call(self, user: str | None, now: float) -> Verdict | None:
        """Count a call to the app's hour, and to the user's where a user's token made it."""
        if self.rules.app_calls_per_hour is not None and not self._app.passes(now):
            return Verdict(4)
        if user is not None and self.rules.user_calls_per_hour is not None:
            pool = self._users.setdefault(user, RollingPool(self.rules.user_calls_per_hour, _HOUR))
            if not pool.passes(now):
                return Verdict(17)
        return None

    def messenger_percent(self, page_id: str, engaged: int, now: float) -> float:
        """How full the Page's 24-hour pool is."""
        return self._day(page_id, engaged).percent(now) if self.rules.messenger_pool else 0.0

    def app_percent(self, now: float) -> float:
        """How full the app's hour is."""
        return self._app.percent(now) if self.rules.app_calls_per_hour is not None else 0.0

    def _day(self, page_id: str, engaged: int) -> RollingPool:
        pool = self._days.get(page_id)
        if pool is None:
            size = self.rules.calls_per_day or 200 * max(1, engaged)  # contract 4.1: 200 x engaged users
            pool = self._days[page_id] = RollingPool(size, _DAY)
        return pool


def worst_second(arrivals: list[float]) -> int:
    """The most arrivals in any rolling second."""
    worst, start = 0, 0
    moments = sorted(arrivals)
    for end, moment in enumerate(moments):
        while moment - moments[start] >= 1.0 - _GRAIN:
            start += 1
        worst = max(worst, end - start + 1)
    return worst


def wire_minutes(seconds: float | None, *, fractional: bool = False) -> float:
    """A wait as `estimated_time_to_regain_access` says it: whole minutes, rounded up (contract 4.2).

    *fractional* minutes are not known from Meta; they keep a demonstration from lasting minutes.
    """
    if not seconds:
        return 0
    return round(seconds / 60, 4) if fractional else math.ceil(seconds / 60 - 1e-9)
