"""People and messages as views on the answer's own JSON objects.

Meta lists a thread's messages newest first. Of an Instagram thread it lists every message's id, but tells details of
about the 20 newest only (contract 1.6): an older one is here as a `Message` that is `unavailable`. That says nothing
about a deletion, whatever the words of Meta's answer.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from attrs import field, frozen

from conversations_async.readers import (
    Readers,
    left_over,
    read_count,
    read_edge,
    read_flag,
    read_mapping,
    read_names,
    read_number,
    read_text,
    read_time,
    whole,
)


def read_people(value: object) -> "tuple[Participant, ...] | None":
    items = read_edge(value)
    return None if items is None else tuple(Participant(item) for item in items if type(item) is dict)


@frozen(hash=False)
class Participant:
    """A person or account in a thread: `name` and `email` on Messenger, `username` on Instagram (contract 2.1)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        """Page-scoped id (PSID, IGSID), or the Page's or account's own."""
        value = self.raw.get("id")
        return value if type(value) is str else str(value) if type(value) is int else None

    @property
    def name(self) -> str | None:
        return read_text(self.raw.get("name"))

    @property
    def username(self) -> str | None:
        return read_text(self.raw.get("username"))

    @property
    def email(self) -> str | None:
        """`<id>@facebook.com`, made by Meta; the number may differ from `id`."""
        return read_text(self.raw.get("email"))

    @property
    def user_id(self) -> str | None:
        """The Instagram account id that answers carried until December 2021 (contract 1.7)."""
        return read_text(self.raw.get("user_id"))

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape."""
        return left_over(self.raw, _PARTICIPANT_READERS)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Participant(id={self.id!r})"


# -- what a message carries --------------------------------------------------------------------------------------------


@frozen(hash=False)
class Image:
    """`image_data` of an attachment. Links are signed and die after some time (contract 2.2)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def url(self) -> str | None:
        return read_text(self.raw.get("url"))

    @property
    def preview_url(self) -> str | None:
        return read_text(self.raw.get("preview_url"))

    @property
    def width(self) -> int | None:
        """Pixels, as `height`, `max_width` and `max_height`."""
        return read_count(self.raw.get("width"))

    @property
    def height(self) -> int | None:
        return read_count(self.raw.get("height"))

    @property
    def max_width(self) -> int | None:
        return read_count(self.raw.get("max_width"))

    @property
    def max_height(self) -> int | None:
        return read_count(self.raw.get("max_height"))

    @property
    def image_type(self) -> int | None:
        return read_count(self.raw.get("image_type"))

    @property
    def render_as_sticker(self) -> bool | None:
        return read_flag(self.raw.get("render_as_sticker"))

    @property
    def animated_gif_url(self) -> str | None:
        return read_text(self.raw.get("animated_gif_url"))

    @property
    def animated_gif_preview_url(self) -> str | None:
        return read_text(self.raw.get("animated_gif_preview_url"))

    @property
    def animated_webp_url(self) -> str | None:
        return read_text(self.raw.get("animated_webp_url"))

    @property
    def animated_webp_preview_url(self) -> str | None:
        return read_text(self.raw.get("animated_webp_preview_url"))

    @property
    def raw_gif_image(self) -> str | None:
        return read_text(self.raw.get("raw_gif_image"))

    @property
    def raw_webp_image(self) -> str | None:
        return read_text(self.raw.get("raw_webp_image"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _IMAGE_READERS)


@frozen(hash=False)
class Video:
    """`video_data` of an attachment. Links are signed and die after some time (contract 2.2)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def url(self) -> str | None:
        return read_text(self.raw.get("url"))

    @property
    def preview_url(self) -> str | None:
        return read_text(self.raw.get("preview_url"))

    @property
    def width(self) -> int | None:
        return read_count(self.raw.get("width"))

    @property
    def height(self) -> int | None:
        return read_count(self.raw.get("height"))

    @property
    def length(self) -> float | None:
        """Seconds, by the samples; Meta names no unit."""
        return read_number(self.raw.get("length"))

    @property
    def video_type(self) -> int | None:
        return read_count(self.raw.get("video_type"))

    @property
    def rotation(self) -> int | None:
        """Degrees."""
        return read_count(self.raw.get("rotation"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _VIDEO_READERS)


@frozen(hash=False)
class Template:
    """`generic_template` of an attachment: a card."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def title(self) -> str | None:
        return read_text(self.raw.get("title"))

    @property
    def subtitle(self) -> str | None:
        return read_text(self.raw.get("subtitle"))

    @property
    def media_url(self) -> str | None:
        return read_text(self.raw.get("media_url"))

    @property
    def cta(self) -> Mapping[str, Any] | None:
        """The button: `title`, `type`, `url`."""
        return read_mapping(self.raw.get("cta"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _TEMPLATE_READERS)


@frozen(hash=False)
class Attachment:
    """A file, image, video or card of a message. In some countries Meta leaves `id` and `name` only (contract 2.2)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        return read_text(self.raw.get("id"))

    @property
    def mime_type(self) -> str | None:
        return read_text(self.raw.get("mime_type"))

    @property
    def name(self) -> str | None:
        return read_text(self.raw.get("name"))

    @property
    def size(self) -> int | None:
        """Bytes."""
        return read_count(self.raw.get("size"))

    @property
    def file_url(self) -> str | None:
        return read_text(self.raw.get("file_url"))

    @property
    def image(self) -> Image | None:
        """A video has one as well, of sizes without a link."""
        return _image(self.raw.get("image_data"))

    @property
    def video(self) -> Video | None:
        return _video(self.raw.get("video_data"))

    @property
    def template(self) -> Template | None:
        return _template(self.raw.get("generic_template"))

    @property
    def url(self) -> str | None:
        """Where the thing itself is: of the video, else the file, else the image."""
        video, image = self.video, self.image
        links = (video.url if video else None, self.file_url, image.url if image else None)
        return next(filter(None, links), None)

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _ATTACHMENT_READERS)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Attachment(id={self.id!r}, mime_type={self.mime_type!r})"


@frozen(hash=False)
class Product:
    """An element of a shared product template."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        return read_text(self.raw.get("id"))

    @property
    def retailer_id(self) -> str | None:
        return read_text(self.raw.get("retailer_id"))

    @property
    def image_url(self) -> str | None:
        return read_text(self.raw.get("image_url"))

    @property
    def name(self) -> str | None:
        return read_text(self.raw.get("name"))

    @property
    def price(self) -> str | None:
        """With its currency sign, as Meta writes it."""
        return read_text(self.raw.get("price"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _PRODUCT_READERS)


@frozen(hash=False)
class Share:
    """A link, post or product in a message. Of a shared post Meta tells the media's address only (contract 1.6)."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        return read_text(self.raw.get("id"))

    @property
    def link(self) -> str | None:
        return read_text(self.raw.get("link"))

    @property
    def name(self) -> str | None:
        return read_text(self.raw.get("name"))

    @property
    def description(self) -> str | None:
        return read_text(self.raw.get("description"))

    @property
    def products(self) -> tuple[Product, ...]:
        """Of `template.payload.product.elements`."""
        return _products(self.raw.get("template")) or ()

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _SHARE_READERS)


@frozen(hash=False)
class Reaction:
    """An emoji, or its name, and who gave it."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def reaction(self) -> str | None:
        return read_text(self.raw.get("reaction"))

    @property
    def users(self) -> tuple[Participant, ...]:
        return read_people(self.raw.get("users")) or ()

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _REACTION_READERS)


@frozen(hash=False)
class Story:
    """An Instagram story that a message replies to, or that mentions the account."""

    kind: Literal["reply_to", "mention"]
    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str | None:
        return read_text(self.raw.get("id"))

    @property
    def link(self) -> str | None:
        """Of the media; gone when the story is."""
        return read_text(self.raw.get("link"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _STORY_READERS)


@frozen(hash=False)
class ReplyTo:
    """Which message this one answers."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def mid(self) -> str | None:
        """The other message's id."""
        return read_text(self.raw.get("mid"))

    @property
    def is_self_reply(self) -> bool | None:
        return read_flag(self.raw.get("is_self_reply"))

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _REPLY_READERS)


# -- the message -------------------------------------------------------------------------------------------------------


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

    @property
    def created_time(self) -> datetime | None:
        """Aware UTC."""
        return read_time(self.raw.get("created_time"))

    @property
    def sender(self) -> Participant | None:
        """Graph's `from`."""
        return _person(self.raw.get("from"))

    @property
    def to(self) -> tuple[Participant, ...]:
        return read_people(self.raw.get("to")) or ()

    @property
    def text(self) -> str | None:
        """Graph's `message`: empty where only something else was sent, None where Meta told none."""
        return read_text(self.raw.get("message"))

    @property
    def sticker(self) -> str | None:
        """The address of the sticker's image."""
        return read_text(self.raw.get("sticker"))

    @property
    def tags(self) -> tuple[str, ...]:
        """Such as `inbox`, `read`, `sent`, `source:web`."""
        return read_names(self.raw.get("tags")) or ()

    @property
    def attachments(self) -> tuple[Attachment, ...]:
        return _attachments(self.raw.get("attachments")) or ()

    @property
    def shares(self) -> tuple[Share, ...]:
        return _shares(self.raw.get("shares")) or ()

    @property
    def reactions(self) -> tuple[Reaction, ...]:
        return _reactions(self.raw.get("reactions")) or ()

    @property
    def story(self) -> tuple[Story, ...]:
        """Mostly one: a reply to a story, or a mention in one."""
        return _stories(self.raw.get("story")) or ()

    @property
    def reply_to(self) -> ReplyTo | None:
        return _reply(self.raw.get("reply_to"))

    @property
    def is_unsupported(self) -> bool | None:
        """True where Meta's API cannot show what was sent. Some answers leave `false` out (contract 2.2)."""
        return read_flag(self.raw.get("is_unsupported"))

    @property
    def subject(self) -> str | None:
        """Legacy, as `updated_time`, `unread` and `unseen`."""
        return read_text(self.raw.get("subject"))

    @property
    def updated_time(self) -> datetime | None:
        return read_time(self.raw.get("updated_time"))

    @property
    def unread(self) -> bool | None:
        return read_flag(self.raw.get("unread"))

    @property
    def unseen(self) -> bool | None:
        return read_flag(self.raw.get("unseen"))

    @property
    def extra(self) -> Mapping[str, Any]:
        """Fields this library does not know, and known ones of an unknown shape, as Meta sent them."""
        return left_over(self.raw, MESSAGE_READERS)

    def __hash__(self) -> int:
        return hash(self.raw["id"])

    def __repr__(self) -> str:
        state = ", unavailable=True" if self.unavailable else ""
        return f"Message(id={self.id!r}, created_time={self.raw.get('created_time')!r}{state})"


# -- readers -----------------------------------------------------------------------------------------------------------


def _person(value: object) -> Participant | None:
    return Participant(value) if type(value) is dict else None


def _image(value: object) -> Image | None:
    return Image(value) if type(value) is dict else None


def _video(value: object) -> Video | None:
    return Video(value) if type(value) is dict else None


def _template(value: object) -> Template | None:
    return Template(value) if type(value) is dict else None


def _reply(value: object) -> ReplyTo | None:
    return ReplyTo(value) if type(value) is dict else None


def _attachments(value: object) -> tuple[Attachment, ...] | None:
    items = read_edge(value)
    return None if items is None else tuple(Attachment(item) for item in items if type(item) is dict)


def _shares(value: object) -> tuple[Share, ...] | None:
    items = read_edge(value)
    return None if items is None else tuple(Share(item) for item in items if type(item) is dict)


def _reactions(value: object) -> tuple[Reaction, ...] | None:
    items = read_edge(value)
    return None if items is None else tuple(Reaction(item) for item in items if type(item) is dict)


def _elements(value: object) -> list[Any] | None:
    """Down `payload.product.elements`; Meta's samples wrap the last in `data`."""
    for key in ("payload", "product", "elements"):
        value = value.get(key) if type(value) is dict else None
    return read_edge(value)


def _products(value: object) -> tuple[Product, ...] | None:
    items = _elements(value)
    return None if items is None else tuple(Product(item) for item in items if type(item) is dict)


def _stories(value: object) -> tuple[Story, ...] | None:
    if type(value) is not dict:
        return None
    kinds: tuple[Literal["reply_to", "mention"], ...] = ("reply_to", "mention")
    return tuple(Story(kind, value[kind]) for kind in kinds if type(value.get(kind)) is dict)


def read_messages(value: object, thread_id: str | None, *, details_end: bool) -> "tuple[Message, ...] | None":
    """The messages nested in a thread, newest first; entries without an id are left to `raw`.

    `details_end`: where the newest have details and an older one has none, the window that Instagram tells details of
    ends there (contract 1.6).
    """
    items = read_edge(value)
    if items is None:
        return None
    found: list[Message] = []
    told = False
    for item in items:
        if type(item) is dict and type(item.get("id")) is int:
            # A numeric id is an id all the same.
            item = {**item, "id": str(item["id"])}
        if type(item) is dict and type(item.get("id")) is str and item["id"]:
            bare = is_bare(item)
            found.append(Message(item, details_end and bare and told, thread_id=thread_id))
            told = told or not bare
    return tuple(found)


def is_bare(raw: Mapping[str, Any]) -> bool:
    """Whether an entry tells no more than that there is a message."""
    return raw.keys() <= _BARE


_BARE: Final = frozenset({"id", "created_time"})


_PARTICIPANT_READERS: Final[Readers] = {
    "id": lambda value: value if type(value) in (str, int) else None,
    "name": read_text,
    "username": read_text,
    "email": read_text,
    "user_id": read_text,
}
_IMAGE_READERS: Final[Readers] = {
    **dict.fromkeys(("width", "height", "max_width", "max_height", "image_type"), read_count),
    **dict.fromkeys(("url", "preview_url", "raw_gif_image", "raw_webp_image"), read_text),
    **dict.fromkeys(("animated_gif_url", "animated_gif_preview_url"), read_text),
    **dict.fromkeys(("animated_webp_url", "animated_webp_preview_url"), read_text),
    "render_as_sticker": read_flag,
}
_VIDEO_READERS: Final[Readers] = {
    **dict.fromkeys(("width", "height", "video_type", "rotation"), read_count),
    **dict.fromkeys(("url", "preview_url"), read_text),
    "length": read_number,
}
_TEMPLATE_READERS: Final[Readers] = {
    **dict.fromkeys(("title", "subtitle", "media_url"), read_text),
    "cta": read_mapping,
}
_ATTACHMENT_READERS: Final[Readers] = {
    **dict.fromkeys(("id", "mime_type", "name", "file_url"), read_text),
    "size": read_count,
    "image_data": _image,
    "video_data": _video,
    "generic_template": _template,
}
_PRODUCT_READERS: Final[Readers] = dict.fromkeys(("id", "retailer_id", "image_url", "name", "price"), read_text)
_SHARE_READERS: Final[Readers] = {
    **dict.fromkeys(("id", "link", "name", "description"), read_text),
    "template": lambda value: (
        found if (found := _products(value)) is not None and len(found) == len(_elements(value) or ()) else None
    ),
}
_REACTION_READERS: Final[Readers] = {"reaction": read_text, "users": whole(read_people)}
_STORY_READERS: Final[Readers] = dict.fromkeys(("id", "link"), read_text)
_REPLY_READERS: Final[Readers] = {"mid": read_text, "is_self_reply": read_flag}

MESSAGE_READERS: Final[Readers] = {
    "id": read_text,
    "created_time": read_time,
    "from": _person,
    "to": whole(read_people),
    "message": read_text,
    "sticker": read_text,
    "tags": whole(read_names),
    "attachments": whole(_attachments),
    "shares": whole(_shares),
    "reactions": whole(_reactions),
    "story": lambda value: (
        found if (found := _stories(value)) and type(value) is dict and len(found) == len(value) else None
    ),
    "reply_to": _reply,
    "is_unsupported": read_flag,
    "subject": read_text,
    "updated_time": read_time,
    "unread": read_flag,
    "unseen": read_flag,
}
