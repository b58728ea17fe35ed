"""The words of this library as frozen values.

A Page holds the secret; an Inbox names one Page on one platform and holds none, so it may be logged, stored and
pickled. What Meta answered is kept as Meta said it: a `Thread` is a view on the answer's own JSON object, as are the
people and messages in it (`message`). A field is read when it is touched; one whose value has a shape nobody
documented reads as None and stays, untouched, in `extra` beside the fields this library does not know. So a new field
or a changed type at Meta's end loses nothing and breaks nobody.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final, Literal, NoReturn, Self, TypeAlias
from urllib.parse import quote

from attrs import field, frozen
from attrs.validators import instance_of, optional

from conversations_async.expansion import (
    INSTAGRAM_MESSAGE_FIELDS,
    MESSAGE_FIELDS,
    Asked,
    Field,
    messages,
    read_fields,
    text_of,
)
from conversations_async.message import Message, read_messages, read_people
from conversations_async.message import Participant as Participant
from conversations_async.readers import (
    Readers,
    left_over,
    read_count,
    read_flag,
    read_mapping,
    read_names,
    read_text,
    whole,
)
from conversations_async.readers import read_edge as read_edge
from conversations_async.readers import read_time as read_time

DEFAULT_FIELDS: Final = (
    "id",
    "updated_time",
    "link",
    "snippet",
    "message_count",
    "unread_count",
    "can_reply",
    "participants",
)
INSTAGRAM_FIELDS: Final = ("id", "updated_time", "participants")
FOLDERS: Final = ("inbox", "other", "page_done", "spam")
"""Values of the edge's `folder` parameter (contract 1.1)."""


class Platform(StrEnum):
    """Where the people write: the edge's `platform` parameter, in lower case (contract 1.1)."""

    MESSENGER = "messenger"
    INSTAGRAM = "instagram"

    @classmethod
    def _missing_(cls, value: object) -> "Platform | None":
        """Meta's spec spells the values in upper case, its guide in lower case."""
        if isinstance(value, str):
            return next((member for member in cls if member.value == value.lower()), None)
        return None


class Secret:
    """A text that never shows: not in repr, str, format, pickles or copies of the object's state."""

    __slots__ = ("_needles", "_text")
    MASK: Final = "•••"

    def __init__(self, text: str) -> None:
        if not isinstance(text, str):
            raise TypeError(f"a token must be text, not {type(text).__name__}")
        if not text or not text.isascii() or not text.isprintable() or any(map(str.isspace, text)):
            raise ValueError(
                "a token must be printable ASCII without spaces; this one is empty or holds other characters"
            )
        self._text = text
        # A token may come back percent-encoded inside `paging.next` and with `\/` inside JSON.
        encoded = quote(text, safe="")
        forms = {text, encoded, text.replace("/", "\\/"), text.replace("|", "\\u007C")}
        forms |= {encoded.replace("%", "\\u0025"), text.replace("|", "\\u007c")}
        self._needles = tuple(form.encode() for form in sorted(forms, key=len, reverse=True))

    def reveal(self) -> str:
        """The text itself: hand it on at once, keep it in no variable."""
        return self._text

    def redact(self, data: bytes) -> bytes:
        """The data with every appearance of the secret masked; the very same object where there is none."""
        for needle in self._needles:
            if needle in data:
                data = data.replace(needle, self.MASK.encode())
        return data

    def __repr__(self) -> str:
        return f"Secret({self.MASK})"

    def __str__(self) -> str:
        return self.MASK

    def __format__(self, spec: str) -> str:
        return format(self.MASK, spec)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._text, other._text)

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __getstate__(self) -> NoReturn:
        self.__reduce__()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is not pickled: pass the Page's id on, and its token by a way made for secrets")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self


TokenSource: TypeAlias = Callable[[], Awaitable[str]]
"""Asked for the token when it is first needed, and again after Meta rejected the one it gave."""

GraphHost: TypeAlias = Literal["facebook", "instagram"]


def _secret(token: "str | Secret | TokenSource") -> "Secret | TokenSource":
    return Secret(token) if isinstance(token, str) else token


def _token_is_usable(_page: object, _attribute: Any, token: Any) -> None:
    if not isinstance(token, Secret) and not callable(token):
        raise TypeError(f"token must be text or an async callable, not {type(token).__name__}")


def _digits(owner: object, _attribute: Any, value: Any) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{type(owner).__name__}: an id must be text, not {type(value).__name__}")
    if not (value.isascii() and value.isdigit() and len(value) <= 32):
        # Id and token are easily swapped: what is too long for an id may be a secret, or begin with one.
        told = repr(value) if len(value) <= 20 else f"a text of {len(value)} characters"
        raise ValueError(f"{type(owner).__name__}: an id is up to 32 digits, not {told}")


def _platforms(value: "Platform | str | tuple[Platform | str, ...]") -> tuple[Platform, ...]:
    values = (value,) if isinstance(value, str) else tuple(value)
    return tuple(dict.fromkeys(Platform(each) for each in values))


def _names(value: Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


@frozen
class Page:
    """A Facebook Page, or with `graph="instagram"` an Instagram account reached by Instagram Login, and its token.

    `token` is text, or an async callable asked again after a rejection. `user` names whose token it is where the
    Pages of several users share a session: a user's own limit (code 17) then closes that user's Pages only.
    """

    id: str = field(validator=_digits)
    token: Secret | TokenSource = field(converter=_secret, validator=_token_is_usable, repr=False)
    name: str | None = None
    platforms: tuple[Platform, ...] = field(default=(Platform.MESSENGER, Platform.INSTAGRAM), converter=_platforms)
    graph: GraphHost = "facebook"
    user: str | None = field(default=None, kw_only=True)
    tasks: tuple[str, ...] = field(default=(), kw_only=True, converter=_names)
    """What the token's person may do on the Page, such as MESSAGING; empty where nobody told (contract 6.9)."""

    def __attrs_post_init__(self) -> None:
        if self.graph not in ("facebook", "instagram"):
            raise ValueError(f"Page {self.id}: graph is 'facebook' or 'instagram', not {self.graph!r}")
        if self.graph == "instagram":
            # graph.instagram.com knows no other platform (contract 1.2).
            object.__setattr__(self, "platforms", (Platform.INSTAGRAM,))
        if not self.platforms:
            raise ValueError(f"Page {self.id}: name at least one platform")


@frozen(order=True, cache_hash=True)
class Inbox:
    """One Page on one platform: the unit of paging, pacing, failing and resuming. Holds no secret."""

    page_id: str = field(validator=_digits)
    platform: Platform = field(converter=Platform)

    @property
    def key(self) -> str:
        """`1042/messenger`: the Inbox as one text, where a pool or a file names it."""
        return f"{self.page_id}/{self.platform}"

    def __str__(self) -> str:
        return f"Page {self.page_id} on {self.platform}"


def _aware(_owner: object, attribute: Any, value: datetime | None) -> None:
    if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
        raise ValueError(f"{attribute.name} is a datetime with a time zone, not {value!r}")


@frozen
class Cursor:
    """Where a listing of one Inbox can be taken up again. Meta says cursors must not be kept for long (contract 3.1).

    `after` is Meta's own cursor, None for the head. `head` is the newest `updated_time` seen when the listing began;
    without `after`, everything below it has been read once. `Cursor(until=…)` begins a listing that reads from the head
    down to threads older than that moment: what is new since.
    """

    after: str | None = field(default=None, validator=instance_of((str, type(None))))
    head: datetime | None = field(default=None, validator=_aware)
    folder: str | None = field(default=None, kw_only=True)
    """Which of several folders the listing is in; those behind it follow."""
    until: datetime | None = field(default=None, kw_only=True, validator=_aware)
    """Where the listing ends, at the latest."""


@frozen(hash=False, repr=False)
class Thread:
    """A conversation (contract 2.1). A field that was not asked for, or that Meta left out, reads as None or ().

    `raw` is the answer's own JSON object for this thread, under Graph's names. repr shows no text of people.
    """

    inbox: Inbox
    raw: Mapping[str, Any]
    found_in: str | None = field(default=None, kw_only=True)
    """The folder that was listed, where one was named."""

    @property
    def id(self) -> str:
        """`t_<digits>` on Messenger, opaque on Instagram (contract 2.4)."""
        return self.raw["id"]  # type: ignore[no-any-return]  # the decoder lets no thread pass without one

    @property
    def page_id(self) -> str:
        return self.inbox.page_id

    @property
    def platform(self) -> Platform:
        return self.inbox.platform

    @property
    def updated_time(self) -> datetime | None:
        """When the last message came or went, aware UTC."""
        return read_time(self.raw.get("updated_time"))

    @property
    def link(self) -> str | None:
        """A path relative to facebook.com."""
        return read_text(self.raw.get("link"))

    @property
    def snippet(self) -> str | None:
        """The text of the latest message, or a sentence that stands for it."""
        return read_text(self.raw.get("snippet"))

    @property
    def message_count(self) -> int | None:
        """An estimate, says Meta."""
        return read_count(self.raw.get("message_count"))

    @property
    def unread_count(self) -> int | None:
        """An estimate, says Meta; left out by some answers where it is zero."""
        return read_count(self.raw.get("unread_count"))

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Both sides, in no fixed order; Meta has been seen to leave one of them out (contract 7)."""
        return read_people(self.raw.get("participants")) or ()

    @property
    def senders(self) -> tuple[Participant, ...]:
        return read_people(self.raw.get("senders")) or ()

    @property
    def former_participants(self) -> tuple[Participant, ...]:
        return read_people(self.raw.get("former_participants")) or ()

    @property
    def can_reply(self) -> bool | None:
        return read_flag(self.raw.get("can_reply"))

    @property
    def is_subscribed(self) -> bool | None:
        return read_flag(self.raw.get("is_subscribed"))

    @property
    def is_owner(self) -> bool | None:
        """Whether this app owns the thread: only where Conversation Routing is on."""
        return read_flag(self.raw.get("is_owner"))

    @property
    def scoped_thread_key(self) -> str | None:
        return read_text(self.raw.get("scoped_thread_key"))

    @property
    def folder(self) -> str | None:
        return read_text(self.raw.get("folder"))

    @property
    def name(self) -> str | None:
        return read_text(self.raw.get("name"))

    @property
    def wallpaper(self) -> str | None:
        return read_text(self.raw.get("wallpaper"))

    @property
    def subject(self) -> str | None:
        """Gone from Meta's SDK since v23."""
        return read_text(self.raw.get("subject"))

    @property
    def linked_group(self) -> Mapping[str, Any] | None:
        return read_mapping(self.raw.get("linked_group"))

    @property
    def tags(self) -> tuple[str, ...]:
        """Labels such as `inbox` and `read`: seen until 2015."""
        return read_names(self.raw.get("tags")) or ()

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that the listing brought, newest first: `ThreadQuery(messages=N)`."""
        value = self.raw.get("messages")
        return read_messages(value, self.id, details_end=self.platform is Platform.INSTAGRAM) or ()

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape, as Meta sent them."""
        return left_over(self.raw, THREAD_READERS)

    def __hash__(self) -> int:
        return hash((self.inbox, self.raw["id"]))

    def __repr__(self) -> str:
        time = self.updated_time
        return f"Thread({str(self.inbox)!r}, id={self.id[:80]!r}, updated_time={time.isoformat() if time else None!r})"


@frozen(hash=False, repr=False)
class UnavailableThread(Thread):
    """A thread that Meta lists and cannot show: `id` and `updated_time` are known, `cause` is what Meta said.

    Chats with AI characters were seen to be like this, and to break every answer they are part of (contract 7.2).
    """

    cause: Exception = field(kw_only=True)

    __hash__ = Thread.__hash__

    def __repr__(self) -> str:
        return f"Unavailable{Thread.__repr__(self)}"


THREAD_READERS: Final[Readers] = {
    "id": read_text,
    "updated_time": read_time,
    "link": read_text,
    "snippet": read_text,
    "message_count": read_count,
    "unread_count": read_count,
    "participants": whole(read_people),
    "senders": whole(read_people),
    "former_participants": whole(read_people),
    "can_reply": read_flag,
    "is_subscribed": read_flag,
    "is_owner": read_flag,
    "scoped_thread_key": read_text,
    "folder": read_text,
    "name": read_text,
    "wallpaper": read_text,
    "subject": read_text,
    "linked_group": read_mapping,
    "tags": whole(read_names),
    "messages": whole(lambda value: read_messages(value, None, details_end=False)),
}


# -- asking ------------------------------------------------------------------------------------------------------------


def _fields(value: Asked) -> str:
    """Meta's own text for field expansion; `id` and `updated_time` are always asked: the walk needs them."""
    text = text_of(value)
    names = {each.name for each in read_fields(text)}
    missing = [name for name in ("id", "updated_time") if name not in names]
    return ",".join([*missing, text] if text else missing)


def _folder(_query: object, _attribute: Any, value: str | None) -> None:
    if value is not None and value not in (*FOLDERS, "all"):
        raise ValueError(f"folder is one of {', '.join(FOLDERS)} and all, not {value!r}")


def _folders(value: str | Iterable[str] | None) -> tuple[str, ...] | None:
    if value is None or value == "all":
        return None if value is None else FOLDERS
    return tuple(dict.fromkeys([value] if isinstance(value, str) else value))


def _folders_are_known(query: "ThreadQuery", _attribute: Any, value: tuple[str, ...] | None) -> None:
    if value is None:
        return
    if query.folder is not None:
        raise ValueError("give folder or folders, not both")
    if not value or not set(value) <= set(FOLDERS):
        raise ValueError(f"folders is 'all', or some of {', '.join(FOLDERS)}")


def _natural(_query: object, attribute: Any, value: int) -> None:
    if type(value) is not int or value < 0:
        raise ValueError(f"{attribute.name} is a whole number from 0 up, not {value!r}")


def _positive(_query: object, attribute: Any, value: int | None) -> None:
    if value is not None and (type(value) is not int or value < 1):
        raise ValueError(f"{attribute.name} is a whole number from 1 up, not {value!r}")


def _not_on_this_edge(_query: object, attribute: Any, value: object) -> None:
    if value is not None:
        raise ValueError(
            f"`{attribute.name}` does not exist on this edge: Meta offers no paging by time here. "
            "List newest first and stop where you have enough."
        )


def _tags(value: "str | tuple[str, ...] | list[str] | None") -> tuple[str, ...] | None:
    return (value,) if isinstance(value, str) else None if value is None else tuple(value)


def _moment_of(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else datetime.fromtimestamp(milliseconds / 1000, UTC)


@frozen
class ThreadQuery:
    """What to ask of each Inbox. `threads_per_call=None`: 100 on Messenger, 25 on Instagram (contract 5.3, 9).

    `fields` is Meta's own text or `fields(…)`. `messages=N` brings the newest N messages of each thread along.
    `folder="all"` and `folders="all"` list all of Messenger's folders, one after the other, each thread once.
    `updated_since` ends the listing at what is older and yields nothing that is; it works everywhere. Meta's own
    bounds `updated_after_ms` and `updated_before_ms` (UNIX milliseconds) stand in no reference page: they are sent as
    given, and where Meta refuses or ignores them the same is done on our side (contract 10).
    """

    folder: str | None = field(default=None, validator=_folder)
    user_id: str | None = field(default=None, validator=optional(_digits))
    tags: tuple[str, ...] | None = field(default=None, converter=_tags)
    fields: str = field(default=",".join(DEFAULT_FIELDS), converter=_fields)
    messages: int = field(default=0, validator=_natural)
    threads_per_call: int | None = field(default=None, validator=_positive)
    folders: tuple[str, ...] | None = field(
        default=None, kw_only=True, converter=_folders, validator=_folders_are_known
    )
    updated_since: datetime | None = field(default=None, kw_only=True, validator=_aware)
    updated_after_ms: int | None = field(default=None, kw_only=True, validator=_positive)
    updated_before_ms: int | None = field(default=None, kw_only=True, validator=_positive)
    since: None = field(default=None, kw_only=True, repr=False, validator=_not_on_this_edge)
    until: None = field(default=None, kw_only=True, repr=False, validator=_not_on_this_edge)

    @property
    def not_older_than(self) -> datetime | None:
        """The later of the two lower bounds."""
        bounds = [self.updated_since, _moment_of(self.updated_after_ms)]
        return max((bound for bound in bounds if bound is not None), default=None)

    @property
    def not_newer_than(self) -> datetime | None:
        return _moment_of(self.updated_before_ms)

    def fields_on(self, platform: Platform) -> str:
        """The fields to ask there: the default asks of Instagram only what its reference page lists (contract 2.1)."""
        if platform is Platform.INSTAGRAM:
            return _fields(INSTAGRAM_FIELDS) if self.fields == _ALL_DEFAULT_FIELDS else self.fields
        # Instagram's listings fail with nested messages first (contract 5.3): there each thread is asked by itself.
        return f"{self.fields},{self.messages_on(platform)}" if self.asks_messages else self.fields

    @property
    def asks_messages(self) -> bool:
        """Whether `messages` adds to the fields; a text that asks for messages itself stands as it is."""
        return self.messages > 0 and all(each.name != "messages" for each in read_fields(self.fields))

    def messages_on(self, platform: Platform) -> Field:
        """The newest messages of a thread as a field to ask there."""
        instagram = platform is Platform.INSTAGRAM
        return messages(INSTAGRAM_MESSAGE_FIELDS if instagram else MESSAGE_FIELDS, limit=self.messages)

    def folders_on(self, platform: Platform) -> tuple[str | None, ...]:
        """The listings to walk there, by the name of their folder; None for the default one."""
        several = FOLDERS if self.folder == "all" else self.folders
        if several is None:
            return (self.folder,)
        # What folders mean on Instagram is documented nowhere (contract 1.1): its default listing stands for all.
        return several if platform is Platform.MESSENGER else (None,)

    def threads_per_call_on(self, platform: Platform) -> int:
        """How many threads one call asks for at first; `TooMuchAsked` lowers it."""
        return self.threads_per_call or (100 if platform is Platform.MESSENGER else 25)


_ALL_DEFAULT_FIELDS: Final = _fields(DEFAULT_FIELDS)


# -- what Meta counts --------------------------------------------------------------------------------------------------


PoolKind: TypeAlias = Literal["inbox", "messenger", "instagram", "pages", "user", "app", "host"]


@frozen(cache_hash=True)
class Pool:
    """What a limit counts: an Inbox's calls a second, a Page's 24 hours, a user's, an app's; or a host that is down."""

    kind: PoolKind
    id: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.id}".rstrip()


@frozen
class PoolUsage:
    """One entry of a usage header: how full a pool is, in percent; over 100 is possible (contract 4.2)."""

    kind: str
    id: str
    call_count: float = 0.0
    total_cputime: float = 0.0
    total_time: float = 0.0
    regain_after: float = 0.0
    """Seconds until Meta answers again; 0 does not mean healthy."""

    @property
    def percent(self) -> float:
        """The fullest of the three."""
        return max(self.call_count, self.total_cputime, self.total_time)


@frozen
class Usage:
    """What Meta last said of the pools that a call drew on."""

    pools: tuple[PoolUsage, ...] = ()

    @property
    def percent(self) -> float:
        """The fullest pool."""
        return max((pool.percent for pool in self.pools), default=0.0)

    @property
    def regain_after(self) -> float:
        """Seconds; the longest over all entries."""
        return max((pool.regain_after for pool in self.pools), default=0.0)


# -- answering ---------------------------------------------------------------------------------------------------------


@frozen
class ThreadPage:
    """One answer of the edge for one Inbox, newest thread first."""

    inbox: Inbox
    threads: tuple[Thread, ...]
    cursor: Cursor | None
    """Where the listing can be taken up after this thread page; None where Meta gave no cursor."""
    more: bool
    """Whether Meta says that there is more: the presence of `paging.next` (contract 3.1)."""
    usage: Usage | None = None
    unreadable: tuple[str, ...] = ()
    """Entries that are no threads, as paths into the answer: `$.data[3].id: …`."""
