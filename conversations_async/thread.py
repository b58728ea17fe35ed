"""A conversation, and the answer that lists it."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeVar

from attrs import field, frozen
from msgspec import Meta
from msgspec import field as told_as

from conversations_async.message import Message, read_messages
from conversations_async.pages import Cursor, Inbox, Platform
from conversations_async.people import NOBODY, Participant, People, UnreadPeople, read_people
from conversations_async.pools import Usage
from conversations_async.readers import (
    Readers,
    read_count,
    read_flag,
    read_mapping,
    read_moment,
    read_names,
    read_text,
    read_time,
    whole,
)
from conversations_async.records import (
    Count,
    Flag,
    Hidden,
    Object,
    Record,
    Text,
    attrs_class,
    by_hand,
    fill_all,
    json_of,
    kind_of,
    put,
    watched,
)
from conversations_async.sent import NO_MESSAGES, NO_TAGS, SentMessages, SentTags
from conversations_async.values import Plain, plain

A = TypeVar("A")
R = TypeVar("R")

if TYPE_CHECKING:
    _inbox: ContextVar[Inbox | None]
    _platform: ContextVar[Platform | None]

    @frozen
    class _Made(Record):
        inbox: Inbox
        raw: Mapping[str, Any]
        found_in: str | None = field(default=None, kw_only=True)
        """The folder that was listed, where one was named."""
else:
    _inbox: Final[ContextVar[Inbox | None]] = ContextVar("the Inbox of what is decoded", default=None)
    _platform: Final[ContextVar[Platform | None]] = ContextVar("its platform", default=None)

    class _Made(Record, kw_only=True):
        # Asked for each thread that is decoded, in C: to fill the slots afterwards takes three times as long.
        inbox: Hidden = told_as(name="(inbox)", default_factory=_inbox.get)
        platform: Hidden = told_as(name="(platform)", default_factory=_platform.get)
        found_in: Hidden = told_as(name="(found_in)", default=None)


_MADE_OF: Final[dict[str, Any]] = {
    "inbox": field(type=Inbox),
    "raw": field(type=Mapping[str, Any]),
    "found_in": field(type=str | None, default=None, kw_only=True),  # type: ignore[arg-type]  # attrs keeps what it is
}


_INSTAGRAM: Final = Platform.INSTAGRAM
"""Looked up once: a member of an enum costs as much as three slots."""


@attrs_class(**_MADE_OF)
class Thread(_Made, kw_only=True):
    """A conversation (contract 2.1). A field that was not asked for, or that Meta left out, reads as None or ().

    `raw` is the answer's JSON object for this thread, under Graph's names, made where somebody looks; which name comes
    first in it means nothing. repr shows no text of people.
    """

    _in_raw_alone = frozenset({"messages", "tags"})

    id: Annotated[str, Meta(min_length=1)]
    """`t_<digits>` on Messenger, opaque on Instagram (contract 2.4)."""
    version: Text = told_as(name="updated_time", default=None)
    """`updated_time` as Meta writes it."""
    link: Text = None
    """A path relative to facebook.com."""
    snippet: Text = None
    """The text of the latest message, or a sentence that stands for it."""
    message_count: Count = None
    """An estimate, says Meta."""
    unread_count: Count = None
    """An estimate, says Meta; left out by some answers where it is zero."""
    can_reply: Flag = None
    is_subscribed: Flag = None
    is_owner: Flag = None
    """Whether this app owns the thread: only where Conversation Routing is on."""
    scoped_thread_key: Text = None
    folder: Text = None
    name: Text = None
    wallpaper: Text = None
    subject: Text = None
    """Gone from Meta's SDK since v23."""
    linked_group: Object = None
    """As Meta sent it."""
    _participants: People = told_as(name="participants", default=NOBODY)
    _senders: People = told_as(name="senders", default=NOBODY)
    _former: People = told_as(name="former_participants", default=NOBODY)
    _messages: SentMessages = told_as(name="messages", default=NO_MESSAGES)
    _tags: SentTags = told_as(name="tags", default=NO_TAGS)

    if TYPE_CHECKING:

        @property
        def platform(self) -> Platform:
            """The Inbox's."""
            ...

    @property
    def page_id(self) -> str:
        """The Inbox's."""
        return self.inbox.page_id

    @property
    def participants(self) -> tuple[Participant, ...]:
        """Both sides, in no fixed order; Meta has been seen to leave one of them out (contract 7)."""
        return self._participants.data

    @property
    def senders(self) -> tuple[Participant, ...]:
        """Those who wrote."""
        return self._senders.data

    @property
    def former_participants(self) -> tuple[Participant, ...]:
        """Those who left."""
        return self._former.data

    @classmethod
    def _by_hand(cls, inbox: Inbox, raw: Mapping[str, Any], *, found_in: str | None = None) -> "Thread":
        thread = belonging_to(inbox, partial(by_hand, cls, raw), _READERS)
        put(thread, "found_in", found_in)
        return thread

    @property
    def updated_time(self) -> datetime | None:
        """When the last message came or went, aware UTC."""
        return read_moment(self.version)

    @property
    def tags(self) -> tuple[str, ...]:
        """Labels such as `inbox` and `read`: seen until 2015."""
        if self._raw is not None:
            return read_names(self._raw.get("tags")) or ()
        return () if self._tags is NO_TAGS else tuple(tag.name for tag in self._tags.data)

    @property
    def has_messages(self) -> bool:
        """Whether the listing brought messages, were it none."""
        return self._messages is not NO_MESSAGES if self._raw is None else "messages" in self._raw

    @property
    def messages(self) -> tuple[Message, ...]:
        """The messages that the listing brought, newest first: `ThreadQuery(messages=N)`."""
        if self._raw is not None:
            listed = self._raw.get("messages")
        elif (sent := self._messages) is NO_MESSAGES:
            return ()
        else:
            listed = sent.raw
        return read_messages(listed, self.id, details_end=self.platform is _INSTAGRAM) or ()

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape, as Meta sent them."""
        extra = self._extra(THREAD_READERS)
        # A text that is no time is known to nobody else where the thread was decoded at once.
        unread = self._raw is None and self.version is not None and self.updated_time is None
        return {**extra, "updated_time": self.version} if unread else extra

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Thread) or kind_of(other) is not kind_of(self):
            return NotImplemented
        return self.inbox == other.inbox and self.raw == other.raw and self.found_in == other.found_in

    def __hash__(self) -> int:
        return hash((self.inbox, self.id))

    def __repr__(self) -> str:
        time = self.updated_time
        return f"Thread({str(self.inbox)!r}, id={self.id[:80]!r}, updated_time={time.isoformat() if time else None!r})"

    def __rich_repr__(self) -> Iterator[object]:
        yield str(self.inbox)
        yield "id", self.id[:80]
        yield "updated_time", self.updated_time

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(kind_of(self), found_in=self.found_in), (self.inbox, self.raw)


if TYPE_CHECKING:

    @frozen
    class _MadeUnavailable(Thread):
        cause: Exception = field(kw_only=True)
else:

    class _MadeUnavailable(Thread, gc=True, kw_only=True):
        cause: Hidden = told_as(name="(cause)", default=None)


@attrs_class(**_MADE_OF, cause=field(type=Exception, kw_only=True))
class UnavailableThread(_MadeUnavailable, gc=True):
    """A thread that Meta lists and cannot show: `id` and `updated_time` are known, `cause` is what Meta said.

    Chats with AI characters were seen to be like this, and to break every answer they are part of (contract 7.2).
    """

    @classmethod
    def _by_hand(  # type: ignore[override]  # no thread without its cause
        cls, inbox: Inbox, raw: Mapping[str, Any], *, cause: Exception, found_in: str | None = None
    ) -> "UnavailableThread":
        thread = super()._by_hand(inbox, raw, found_in=found_in)
        assert isinstance(thread, UnavailableThread)
        # An exception leads to frames, and those to whoever holds the thread.
        return watched(thread, cause=cause)

    def __eq__(self, other: object) -> bool:
        same = Thread.__eq__(self, other)
        return same and self.cause == other.cause if isinstance(other, UnavailableThread) else same

    __hash__ = Thread.__hash__

    def __repr__(self) -> str:
        return f"Unavailable{Thread.__repr__(self)}"

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(type(self), cause=self.cause, found_in=self.found_in), (self.inbox, self.raw)


THREAD_READERS: Final[Readers] = {
    "id": read_text,
    "updated_time": read_time,
    **dict.fromkeys(("link", "snippet", "scoped_thread_key", "folder", "name", "wallpaper", "subject"), read_text),
    **dict.fromkeys(("message_count", "unread_count"), read_count),
    **dict.fromkeys(("can_reply", "is_subscribed", "is_owner"), read_flag),
    **dict.fromkeys(("participants", "senders", "former_participants"), whole(read_people)),
    "linked_group": read_mapping,
    "tags": whole(read_names),
    "messages": whole(lambda value: read_messages(value, None, details_end=False)),
}
"""Whether a field's value is told by an attribute."""

_READERS: Final[Readers] = {
    **THREAD_READERS,
    "updated_time": lambda value: value,
    **dict.fromkeys(("participants", "senders", "former_participants"), UnreadPeople),
}
"""What goes into the slots."""


@plain
class ThreadPage(Plain):
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


def threads_of(inbox: Inbox, listed: Iterable[Mapping[str, Any]], *, found_in: str | None = None) -> tuple[Thread, ...]:
    """A thread for each JSON object. They must have been checked for their ids."""
    threads = belonging_to(inbox, lambda raws: tuple(by_hand(Thread, raw, _READERS) for raw in raws), listed)
    found_under(found_in, threads)
    return threads


def belonging_to(inbox: Inbox, make: Callable[[A], R], of: A) -> R:
    """What `make` makes of something: the threads among it belong to this Inbox."""
    before = _inbox.set(inbox), _platform.set(inbox.platform)
    try:
        return make(of)
    finally:
        _inbox.reset(before[0])
        _platform.reset(before[1])


def found_under(folder: str | None, threads: Sequence[Thread]) -> None:
    """Name the folder of threads that were decoded just now; None where none is named."""
    if folder is not None:
        fill_all(threads, "found_in", folder)


def thread_json(thread: Thread) -> str:
    """`raw` as JSON text with its names sorted: the same for the same content, however it was decoded."""
    return json_of(thread, "inbox", "platform", "found_in")
