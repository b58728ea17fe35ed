"""How a Page behaves: every surprise of the contract's section 7 as a switch, and when it is on.

A Page has one `Manners` or several. Each says *when* it holds (which calls, which moments) and *what* then happens; of
those that hold for a call, the first that sets a switch decides it:

    page.manners = [Manners(refuse=613, times=3), Manners(reduce_above=10)]
"""

import math
import random
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal

import attrs
from attrs import validators

from conversations_async.emulator.refusals import Refusal
from conversations_async.model import Platform

if TYPE_CHECKING:
    from conversations_async.emulator.world import PageWorld


class CallKind(StrEnum):
    """What a call reads."""

    LISTING = "listing"
    THREAD = "thread"
    MESSAGES = "messages"
    MESSAGE = "message"
    PAGE = "page"
    ACCOUNTS = "accounts"
    OTHER = "other"


class CursorAnchor(StrEnum):
    """What a cursor of a listing holds on to while threads move; Meta does not say."""

    RANK = "rank"
    """The item's age at that moment: goes on with what is older."""
    ITEM = "item"
    """The item itself: goes on behind it wherever it is now, and fails when it is deleted (contract 3.1)."""
    POSITION = "position"
    """The number of threads already listed: skips some when threads vanish, repeats some when others arrive."""


class UsageHeader(StrEnum):
    """In which state the usage headers arrive."""

    NORMAL = "normal"
    ABSENT = "absent"
    NOT_JSON = "not json"
    BARE = "bare"
    """An entry with its type and nothing else."""
    STRANGE = "strange"
    """Members of other types and names than documented."""


def _members(value: Iterable[Any] | None) -> frozenset[Any] | None:
    return None if value is None else frozenset([value] if isinstance(value, str) else value)


def _some(value: Iterable[Any] | Any) -> frozenset[Any]:
    return frozenset([value] if isinstance(value, (str, int)) else value)


_NATURAL: Any = validators.ge(0)
# Contract 5.2: permission missing.
_PERMISSION: Any = validators.optional(validators.in_((3, 10, *range(200, 300))))
_POSITIVE = validators.optional(validators.ge(1))


@attrs.frozen(kw_only=True)
class Manners:
    """When, and what. Without any argument: a healthy Page."""

    # When it holds. Calls are counted per Page and platform, among those that the other conditions let through.
    after_calls: int = attrs.field(default=0, validator=_NATURAL)
    times: int | None = attrs.field(default=None, validator=validators.optional(_NATURAL))
    since: float = 0.0
    """Seconds on the server's clock since it started."""
    until: float = math.inf
    chance: float = attrs.field(default=1.0, validator=[validators.ge(0), validators.le(1)])
    platforms: frozenset[Platform] | None = attrs.field(default=None, converter=_members)
    kinds: frozenset[CallKind] | None = attrs.field(default=None, converter=_members)
    script: Mapping[int, "Manners"] = attrs.field(factory=dict)
    """Manners of single calls by their number, from 1: `script={3: Manners(html=502)}`."""

    # The answer is an error.
    dead_token: bool = False
    """190/463, whatever the token."""
    missing_permission: int | None = attrs.field(default=None, validator=_PERMISSION)
    """230 (403), 200, 10 or 3 (contract 1.2)."""
    refuse: int | Refusal | None = None
    """Any code, with Meta's words and status for it: 613, 80006, 4, 17, 32, 368, 2, 1…"""
    subcode: int | None = None
    regain_minutes: float | None = attrs.field(default=None, validator=validators.optional(validators.gt(0)))
    """With 80006: the first call closes the Page's pool for so long; `graph.closures` counts the calls made into it."""
    regain_unsaid: bool = False
    """The closed pool's header says 0 minutes (contract 7.8)."""
    regain_lengthens: float = attrs.field(default=0.0, validator=_NATURAL)
    """Seconds that each call made into a closed pool adds (contract 4.1)."""
    error_status: int | None = None
    """The HTTP status of error bodies, 200 for one."""
    retry_after: str | None = None
    """A `Retry-After` header on error bodies; none was ever seen on this API (contract 4.2)."""
    error_without: frozenset[str] = attrs.field(default=(), converter=_some)
    """Members that error bodies lack: `code`, `type`, `fbtrace_id`."""
    error_flat: bool = False
    """Error bodies without the `error` wrapper: `{error_type, code, error_message}`."""
    high_volume: bool = False
    """Listing fails, single threads work (contract 1.6)."""

    # The listing is odd.
    reduce_above: int | None = attrs.field(default=None, validator=validators.optional(_NATURAL))
    """"Please reduce the amount of data" (500, code 1) above this limit; 0 refuses every listing."""
    reduce_nested_above: int | None = attrs.field(default=None, validator=validators.optional(_NATURAL))
    """The same, only where nested fields are asked."""
    poisoned: frozenset[str] = attrs.field(default=(), converter=_some)
    """Threads that make every call fail which asks more than scalars of them (500, code 1)."""
    poisoned_lean: bool = False
    """They fail lean calls too."""
    empty_pages: frozenset[int] = attrs.field(default=(), converter=_some)
    """Steps of the walk, from 1, that are empty and have `next`."""
    trailing_empty: int = attrs.field(default=0, validator=_NATURAL)
    """Empty pages behind the last thread, which `next` leads to."""
    lists_nothing: bool = False
    """An empty list without an error, as missing access is answered (contract 7.3)."""
    no_paging_when_single: bool = False
    cursors: Literal["both", "after"] | None = None
    """None: both on Messenger, `after` alone on Instagram, as recorded."""
    repeating_cursor_at: int | None = attrs.field(default=None, validator=_POSITIVE)
    """From this step on `after` is the cursor that was asked."""
    cursor_anchor: CursorAnchor = attrs.field(default=CursorAnchor.RANK, converter=CursorAnchor)
    cursor_lifetime: float | None = None
    """Seconds after which a cursor is refused (2642)."""
    max_depth: int | None = attrs.field(default=None, validator=_POSITIVE)
    """Steps after which the cursor "exceeds the max limit"."""
    next_host: str | None = None
    """`next` names another base address, `https://evil.example` for one."""
    token_in_next: Literal["always", "query", "never"] = "always"  # noqa: S105  # when it is there, not what it is
    """Whether `next` holds the token, also when it came in a header (unknown, contract 8.15)."""
    max_limit: int = attrs.field(default=500, validator=validators.ge(1))
    over_limit: Literal["clamp", "refuse"] = "clamp"
    since_until: Literal["ignore", "refuse"] = "ignore"
    updated_bounds: Literal["honour", "ignore", "refuse"] = "ignore"
    """What `updated_after_ms` and `updated_before_ms` do (contract 10)."""
    arrivals_per_call: int = attrs.field(default=0, validator=_NATURAL)
    """Messages that arrive after each listing call, in old threads and new."""
    new_thread_share: float = 0.3
    removals_per_call: int = attrs.field(default=0, validator=_NATURAL)
    refused_fields: frozenset[str] = attrs.field(default=(), converter=_some)
    """Fields of threads and messages that are error 100 here."""
    dead_nested_next: bool = False
    """Nested `messages` carry `next` although all were given (contract 7.10)."""
    detail_window: int | None = 20
    """How many of an Instagram thread's messages have details (contract 1.6)."""
    beyond_window: Literal["bare", "refuse"] = "bare"
    """What a listing of messages that reaches beyond the window gets: bare ids, or the error "deleted"."""
    messages_unfilled: bool = False
    """Lists of Instagram messages tell no details, single messages do (contract 2.3)."""
    escapes: bool = False
    r"""`\uXXXX`, `\u0040` and `\/` in bodies (contract 6.5)."""

    # The answer is no answer of Graph's.
    html: int | None = None
    """An HTML page with this status: 400, 502 (contract 5.1)."""
    empty_body: bool = False
    service_unavailable: bool = False
    """Status 200 and the words "Service Unavailable" (contract 5.1)."""
    raw_status: int = 200
    raw_body: bytes | None = attrs.field(default=None, repr=False)
    raw_headers: Mapping[str, str] = attrs.field(factory=dict)
    gzip_bomb: int | None = None
    """A gzip body that inflates to so many bytes."""
    redirect: str | None = None
    """302 to this address."""
    cut: Literal["before", "within"] | None = None
    """The connection breaks before the headers, or within the body."""
    slow: float = attrs.field(default=0.0, validator=_NATURAL)
    """Seconds before the answer begins."""
    drip: float = attrs.field(default=0.0, validator=_NATURAL)
    """Seconds between pieces of the body."""
    drip_pieces: int = attrs.field(default=10, validator=validators.ge(1))
    version_header: str | None = None
    """What `facebook-api-version` says instead of the truth."""
    usage_header: UsageHeader = attrs.field(default=UsageHeader.NORMAL, converter=UsageHeader)
    usage_percent: float | None = None
    """What the usage header says instead of the truth; may pass 100."""


PLAIN = Manners()

_WHEN = frozenset({"after_calls", "times", "since", "until", "chance", "platforms", "kinds", "script"})
_WHAT = tuple((field.name, getattr(PLAIN, field.name)) for field in attrs.fields(Manners) if field.name not in _WHEN)


def merged(manners: Iterable[Manners]) -> Manners:
    """One `Manners` of several: the first that sets a switch decides it."""
    several = list(manners)
    if len(several) <= 1:
        return several[0] if several else PLAIN
    chosen = {}
    for name, default in _WHAT:
        for each in several:
            value = getattr(each, name)
            if value != default:
                chosen[name] = value
                break
    return Manners(**chosen)


class MannersBook:
    """Which manners hold for a call: counts the calls that each was consulted for."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(f"manners/{seed}")
        self._counts: dict[tuple[int, str, Platform | None], tuple[Manners, int]] = {}

    def holding(
        self,
        page: "PageWorld | None",
        everywhere: tuple[Manners, ...],
        platform: Platform | None,
        kind: CallKind,
        now: float,
    ) -> Manners:
        """The manners of one call, a Page's own before everybody's; *now* counts from the server's start."""
        own = page.manners if page is not None else ()
        if not own and not everywhere:
            return PLAIN
        owner = page.id if page is not None else ""
        found: list[Manners] = []
        for each in (*own, *everywhere):
            if each.platforms is not None and platform not in each.platforms:
                continue
            if (each.kinds is not None and kind not in each.kinds) or not each.since <= now < each.until:
                continue
            number = self._count(each, owner, platform)
            if number <= each.after_calls or (each.times is not None and number > each.after_calls + each.times):
                continue
            if each.chance < 1 and self._chance.random() >= each.chance:
                continue
            if number in each.script:
                found.append(each.script[number])
            found.append(each)
        return merged(found)

    def _count(self, manners: Manners, owner: str, platform: Platform | None) -> int:
        # Keyed by identity, and holding on to it so that it stays one: setting equal manners anew begins a new count.
        key = (id(manners), owner, platform)
        number = self._counts.get(key, (manners, 0))[1] + 1
        self._counts[key] = (manners, number)
        return number


SURPRISES: tuple[tuple[str, Manners], ...] = (
    ("dead token", Manners(dead_token=True)),
    ("permission missing", Manners(missing_permission=230)),
    ("80006 for a minute", Manners(refuse=80006, regain_minutes=1)),
    ("613 three times", Manners(refuse=613, times=3)),
    ("empty pages with next", Manners(empty_pages={2, 3})),
    ("no paging on a single page", Manners(no_paging_when_single=True)),
    ("a repeating cursor", Manners(repeating_cursor_at=2)),
    ("reduce the amount of data above 10", Manners(reduce_above=10)),
    ("reduce the amount of nested data above 1", Manners(reduce_nested_above=1)),
    ("the head moves", Manners(arrivals_per_call=2, times=20)),
    ("HTML twice", Manners(html=502, times=2)),
    ("empty bodies twice", Manners(empty_body=True, times=2)),
    ("an error with HTTP 200", Manners(refuse=2, error_status=200, times=2)),
    ("cut connections", Manners(cut="within", times=2)),
    ("a slow answer", Manners(slow=3.0, times=1)),
    ("next on another host", Manners(next_host="https://graph.example.invalid")),
    ("a redirect", Manners(redirect="https://graph.example.invalid/", times=1)),
    ("high volume", Manners(high_volume=True)),
    ("an empty list for want of access", Manners(lists_nothing=True)),
    ("blocked", Manners(refuse=368)),
    ("odd usage headers", Manners(usage_header=UsageHeader.NOT_JSON)),
    ("usage over 100 %", Manners(usage_percent=144)),
)
"""What `World.seeded(surprises=True)` deals out, to the second Page and those after it."""
