"""Messages as views on the answer's own JSON objects, with the people in them and what they carry.

Meta lists a thread's messages newest first. Of an Instagram thread it lists every message's id, but tells details of
about the 20 newest only (contract 1.6): an older one is here as a `Message` that is `unavailable`. That says nothing
about a deletion, whatever the words of Meta's answer.
"""

from collections.abc import Mapping
from typing import Any, Final

from attrs import field, frozen

from conversations_async.attachments import Attachment as Attachment
from conversations_async.attachments import Image as Image
from conversations_async.attachments import Product as Product
from conversations_async.attachments import Reaction as Reaction
from conversations_async.attachments import ReplyTo as ReplyTo
from conversations_async.attachments import Share as Share
from conversations_async.attachments import Story as Story
from conversations_async.attachments import Template as Template
from conversations_async.attachments import Video as Video
from conversations_async.attachments import (
    read_attachments,
    read_reactions,
    read_reply,
    read_shares,
    read_stories,
    read_whole_story,
)
from conversations_async.people import Participant as Participant
from conversations_async.people import read_people as read_people
from conversations_async.people import read_person
from conversations_async.readers import Readers, left_over, read_edge, read_text
from conversations_async.values import quickly_made
from conversations_async.views import flag_in, items_in, moment_in, names_in, readers_of, text_in, value_in


@quickly_made
@frozen(hash=False, repr=False)
class Message:
    """One message of a thread (contract 2.2). What was not asked for, or was left out by Meta, reads as None or ().

    `raw` is the answer's own JSON object, under Graph's names. repr shows no text of people.
    """

    raw: Mapping[str, Any]
    unavailable: bool = False
    """Known by its id only: Meta tells no details of it (any more). Not a sign of deletion (contract 1.6)."""
    thread_id: str | None = field(default=None, kw_only=True)

    @property
    def id(self) -> str:
        """`m_…` on Messenger, opaque on Instagram (contract 2.4)."""
        return self.raw["id"]  # type: ignore[no-any-return]  # the decoder lets no message pass without one

    created_time = moment_in("created_time", "Aware UTC.")
    sender = value_in("from", read_person, "Graph's `from`.")
    to = items_in("to", read_people)
    text = text_in("message", "Graph's `message`: empty where only something else was sent, None where Meta told none.")
    sticker = text_in("sticker", "The address of the sticker's image.")
    tags = names_in("tags", "Such as `inbox`, `read`, `sent`, `source:web`.")
    attachments = items_in("attachments", read_attachments)
    shares = items_in("shares", read_shares)
    reactions = items_in("reactions", read_reactions)
    story = items_in("story", read_stories, "Mostly one: a reply to a story, or a mention in one.")
    reply_to = value_in("reply_to", read_reply)
    is_unsupported = flag_in(
        "is_unsupported",
        "True where Meta's API cannot show what was sent. Some answers leave `false` out (contract 2.2).",
    )
    subject = text_in("subject", "Legacy, as `updated_time`, `unread` and `unseen`.")
    updated_time = moment_in("updated_time")
    unread = flag_in("unread")
    unseen = flag_in("unseen")

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape, as Meta sent them."""
        return left_over(self.raw, MESSAGE_READERS)

    def __hash__(self) -> int:
        return hash(self.raw["id"])

    def __repr__(self) -> str:
        state = ", unavailable=True" if self.unavailable else ""
        return f"Message(id={self.id!r}, created_time={self.raw.get('created_time')!r}{state})"


MESSAGE_READERS: Final[Readers] = {"id": read_text, **readers_of(Message), "story": read_whole_story}


def read_messages(value: object, thread_id: str | None, *, details_end: bool) -> tuple[Message, ...] | None:
    """The messages nested in a thread, newest first; entries without an id are left to `raw`.

    `details_end`: where the newest have details and an older one has none, the window that Instagram tells details of
    ends there (contract 1.6).
    """
    listed = read_edge(value)
    if listed is None:
        return None
    found: list[Message] = []
    told = False
    for item in listed:
        key = item.get("id") if type(item) is dict else None
        if type(key) is int:
            # A numeric id is an id all the same.
            item = {**item, "id": str(key)}
        elif type(key) is not str or not key:
            continue
        beyond = False
        if details_end:
            bare = is_bare(item)
            beyond, told = bare and told, told or not bare
        found.append(Message(item, beyond, thread_id=thread_id))
    return tuple(found)


def is_bare(raw: Mapping[str, Any]) -> bool:
    """Whether an entry tells no more than that there is a message."""
    return raw.keys() <= _BARE


_BARE: Final = frozenset({"id", "created_time"})
