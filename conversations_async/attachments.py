"""What a message carries, as views on the answer's own JSON objects. Links are signed and die after some time."""

from collections.abc import Mapping
from typing import Any, Final, Literal

from conversations_async.people import read_people
from conversations_async.readers import Readers, left_over, whole
from conversations_async.values import Discreet, plain
from conversations_async.views import (
    count_in,
    each,
    flag_in,
    items_in,
    mapping_in,
    number_in,
    one,
    readers_of,
    text_in,
    value_in,
)


@plain
class _View(Discreet):
    """What Meta tells of one thing, as it came. repr shows no text of people."""

    _hidden = frozenset({"raw"})
    __hash__ = None  # type: ignore[assignment]  # of JSON; who tells one from another by more says so

    raw: Mapping[str, Any]


class Image(_View):
    """`image_data` of an attachment (contract 2.2)."""

    url = text_in("url")
    preview_url = text_in("preview_url")
    width = count_in("width", "Pixels, as `height`, `max_width` and `max_height`.")
    height = count_in("height")
    max_width = count_in("max_width")
    max_height = count_in("max_height")
    image_type = count_in("image_type")
    render_as_sticker = flag_in("render_as_sticker")
    animated_gif_url = text_in("animated_gif_url")
    animated_gif_preview_url = text_in("animated_gif_preview_url")
    animated_webp_url = text_in("animated_webp_url")
    animated_webp_preview_url = text_in("animated_webp_preview_url")
    raw_gif_image = text_in("raw_gif_image")
    raw_webp_image = text_in("raw_webp_image")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _IMAGE_READERS)


class Video(_View):
    """`video_data` of an attachment (contract 2.2)."""

    url = text_in("url")
    preview_url = text_in("preview_url")
    width = count_in("width", "Pixels, as `height`.")
    height = count_in("height")
    length = number_in("length", "Seconds, by the samples; Meta names no unit.")
    video_type = count_in("video_type")
    rotation = count_in("rotation", "Degrees.")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _VIDEO_READERS)


class Template(_View):
    """`generic_template` of an attachment: a card."""

    title = text_in("title")
    subtitle = text_in("subtitle")
    media_url = text_in("media_url")
    cta = mapping_in("cta", "The button: `title`, `type`, `url`.")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _TEMPLATE_READERS)


class Attachment(_View):
    """A file, image, video or card of a message. In some countries Meta leaves `id` and `name` only (contract 2.2)."""

    id = text_in("id")
    mime_type = text_in("mime_type")
    name = text_in("name")
    size = count_in("size", "Bytes.")
    file_url = text_in("file_url")
    image = value_in("image_data", one(Image), "A video has one as well, of sizes without a link.")
    video = value_in("video_data", one(Video))
    template = value_in("generic_template", one(Template))

    @property
    def url(self) -> str | None:
        """Where the thing itself is: of the video, else the file, else the image."""
        video, image = self.video, self.image
        links = (video.url if video else None, self.file_url, image.url if image else None)
        return next(filter(None, links), None)

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _ATTACHMENT_READERS)

    def __hash__(self) -> int:  # type: ignore[override]  # the others have none
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Attachment(id={self.id!r}, mime_type={self.mime_type!r})"


class Product(_View):
    """An element of a shared product template."""

    id = text_in("id")
    retailer_id = text_in("retailer_id")
    image_url = text_in("image_url")
    name = text_in("name")
    price = text_in("price", "With its currency sign, as Meta writes it.")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _PRODUCT_READERS)


def _elements(value: object) -> object:
    """Down `payload.product.elements`; Meta's samples wrap the last in `data`."""
    for key in ("payload", "product", "elements"):
        value = value.get(key) if type(value) is dict else None
    return value


_read_elements = each(Product)
_read_whole_elements = whole(_read_elements)


class Share(_View):
    """A link, post or product in a message. Of a shared post Meta tells the media's address only (contract 1.6)."""

    id = text_in("id")
    link = text_in("link")
    name = text_in("name")
    description = text_in("description")

    @property
    def products(self) -> tuple[Product, ...]:
        """Of `template.payload.product.elements`."""
        return _read_elements(_elements(self.raw.get("template"))) or ()

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _SHARE_READERS)


class Reaction(_View):
    """An emoji, or its name, and who gave it."""

    reaction = text_in("reaction")
    users = items_in("users", read_people)

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _REACTION_READERS)


@plain
class Story(Discreet):
    """An Instagram story that a message replies to, or that mentions the account."""

    _hidden = frozenset({"raw"})
    __hash__ = None  # type: ignore[assignment]  # of JSON

    kind: Literal["reply_to", "mention"]
    raw: Mapping[str, Any]

    id = text_in("id")
    link = text_in("link", "Of the media; gone when the story is.")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _STORY_READERS)


class ReplyTo(_View):
    """Which message this one answers."""

    mid = text_in("mid", "The other message's id.")
    is_self_reply = flag_in("is_self_reply")

    @property
    def extra(self) -> Mapping[str, Any]:
        return left_over(self.raw, _REPLY_READERS)


_IMAGE_READERS: Final[Readers] = readers_of(Image)
_VIDEO_READERS: Final[Readers] = readers_of(Video)
_TEMPLATE_READERS: Final[Readers] = readers_of(Template)
_ATTACHMENT_READERS: Final[Readers] = readers_of(Attachment)
_PRODUCT_READERS: Final[Readers] = readers_of(Product)
_SHARE_READERS: Final[Readers] = {**readers_of(Share), "template": lambda value: _read_whole_elements(_elements(value))}
_REACTION_READERS: Final[Readers] = readers_of(Reaction)
_STORY_READERS: Final[Readers] = readers_of(Story)
_REPLY_READERS: Final[Readers] = readers_of(ReplyTo)

read_attachments = each(Attachment)
read_shares = each(Share)
read_reactions = each(Reaction)
read_reply = one(ReplyTo)


def read_stories(value: object) -> tuple[Story, ...] | None:
    """`{"reply_to": …, "mention": …}`: None where there is neither."""
    if type(value) is not dict:
        return None
    kinds: tuple[Literal["reply_to", "mention"], ...] = ("reply_to", "mention")
    return tuple(Story(kind, value[kind]) for kind in kinds if type(value.get(kind)) is dict) or None


def read_whole_story(value: object) -> tuple[Story, ...] | None:
    """The same, None also where there is more than these."""
    found = read_stories(value)
    return found if found and type(value) is dict and len(found) == len(value) else None
