"""A conversation as a view on the answer's own JSON object, and the answer that lists it."""

from collections import deque
from collections.abc import Mapping
from itertools import repeat
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from attrs import field, frozen

from conversations_async.message import Message, read_messages
from conversations_async.pages import Cursor, Inbox, Platform
from conversations_async.people import read_people
from conversations_async.pools import Usage
from conversations_async.readers import Readers, left_over, read_text, whole
from conversations_async.views import (
    count_in,
    flag_in,
    items_in,
    mapping_in,
    moment_in,
    names_in,
    readers_of,
    text_in,
)


@frozen(hash=False, repr=False)
class Thread:
    """A conversation (contract 2.1). A field that was not asked for, or that Meta left out, reads as None or ().

    `raw` is the answer's own JSON object for this thread, under Graph's names. repr shows no text of people.
    """

    inbox: Inbox
    raw: Mapping[str, Any]
    found_in: str | None = field(default=None, kw_only=True)
    """The folder that was listed, where one was named."""

    if TYPE_CHECKING:

        @property
        def page_id(self) -> str: ...
        @property
        def platform(self) -> Platform: ...
    else:
        # Of what every thread of an Inbox shares, read in C at half the price of a function.
        page_id = property(attrgetter("inbox.page_id"))
        platform = property(attrgetter("inbox.platform"))

    @property
    def id(self) -> str:
        """`t_<digits>` on Messenger, opaque on Instagram (contract 2.4)."""
        return self.raw["id"]  # type: ignore[no-any-return]  # the decoder lets no thread pass without one

    updated_time = moment_in("updated_time", "When the last message came or went, aware UTC.")
    link = text_in("link", "A path relative to facebook.com.")
    snippet = text_in("snippet", "The text of the latest message, or a sentence that stands for it.")
    message_count = count_in("message_count", "An estimate, says Meta.")
    unread_count = count_in("unread_count", "An estimate, says Meta; left out by some answers where it is zero.")
    participants = items_in(
        "participants",
        read_people,
        "Both sides, in no fixed order; Meta has been seen to leave one of them out (contract 7).",
    )
    senders = items_in("senders", read_people)
    former_participants = items_in("former_participants", read_people)
    can_reply = flag_in("can_reply")
    is_subscribed = flag_in("is_subscribed")
    is_owner = flag_in("is_owner", "Whether this app owns the thread: only where Conversation Routing is on.")
    scoped_thread_key = text_in("scoped_thread_key")
    folder = text_in("folder")
    name = text_in("name")
    wallpaper = text_in("wallpaper")
    subject = text_in("subject", "Gone from Meta's SDK since v23.")
    linked_group = mapping_in("linked_group")
    tags = names_in("tags", "Labels such as `inbox` and `read`: seen until 2015.")

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
    **readers_of(Thread),
    "messages": whole(lambda value: read_messages(value, None, details_end=False)),
}


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


_SET_INBOX: Final = vars(Thread)["inbox"].__set__
_SET_RAW: Final = vars(Thread)["raw"].__set__
_SET_FOUND_IN: Final = vars(Thread)["found_in"].__set__


def threads_of(inbox: Inbox, listed: list[dict[str, Any]], *, found_in: str | None = None) -> tuple[Thread, ...]:
    """A thread for each object, without a Python call for any: at a third of the price of attrs' frozen `__init__`.

    The objects must have been checked for their ids.
    """
    threads = tuple(map(object.__new__, repeat(Thread, len(listed))))
    for put, values in ((_SET_INBOX, repeat(inbox)), (_SET_RAW, listed), (_SET_FOUND_IN, repeat(found_in))):
        deque(map(put, threads, values), maxlen=0)
    return threads
