"""What a row of the table can say, one frozen class per kind of sample.

Absence has one spelling: None for a value that is not there, () for people, tags or entries that are not there.
Moments are ISO 8601 with +00:00; spans are seconds; usage is percent.
"""

from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

import attrs
import orjson

from conversations_async.model import Platform

SAMPLES_DIR: Final = Path(__file__).parent
MESSENGER: Final = Platform.MESSENGER
INSTAGRAM: Final = Platform.INSTAGRAM

# Where shapes come from: repository@commit:path.
FB_GRAPH2: Final = "nov/fb_graph2@c8a5d3ed4d58:spec/mock_json/"
IG_GUIDE: Final = (  # a mirror of Meta's Conversations API guide
    "talha-ansarii/Instagram-graph-api-sdk@9326f8fbc14d:docs/Instagram API with Instagram Login"
    "/conversations_api/INSTAGRAM_GET_CONVERSATIONS.md"
)
IG_POSTMAN: Final = (  # a copy of Meta's own "Instagram API" Postman collection
    "talha-ansarii/Instagram-graph-api-sdk@9326f8fbc14d:docs/API Reference/instagram_graph_api_v2.json"
)
KOALA: Final = "arsduo/koala@47d052063ef8:spec/"
MESSENGER_GEM: Final = "jgorset/facebook-messenger@10d45342ee17:spec/facebook/messenger/bot_spec.rb"
PYFACEBOOK: Final = "sns-sdks/python-facebook@c0aa73f4fbd0:"
RESTFB: Final = "restfb/restfb@ca24c19d42fa:src/test/resources/json/"
SPRING: Final = (
    "spring-attic/spring-social-facebook@57aadf32f68a:spring-social-facebook/src/test/resources"
    "/org/springframework/social/facebook/api/"
)
NAMELESS: Final = "a public repository, name not recorded"
FAMILY: Final = "ours: not seen, of the same family as what was"

# The fields contract 2.1 lists for a thread; whatever else comes belongs in `extra`.
KNOWN_THREAD_FIELDS: Final = frozenset(
    {
        "id",
        "updated_time",
        "link",
        "snippet",
        "message_count",
        "unread_count",
        "participants",
        "senders",
        "former_participants",
        "can_reply",
        "is_subscribed",
        "scoped_thread_key",
        "folder",
        "is_owner",
        "name",
        "wallpaper",
        "linked_group",
        "subject",
        "tags",
        "messages",
    }
)
Person = tuple[str | None, str | None]  # (id, name or username)


class Origin(StrEnum):
    """How sure we are that Meta sends such a thing."""

    RECORDED = "recorded"  # a capture of the live API
    FIXTURE = "fixture"  # somebody's test data
    DOCUMENTED = "documented"  # Meta's documents, or our contract quoting them
    DESCRIBED = "described"  # told of in words, the file itself not kept, so recorded or fixture is not known
    IMAGINED = "imagined"  # plausible, and seen by nobody


@attrs.frozen(kw_only=True)
class Sample:
    """One file: where it lies, where its shape was seen.

    `shape` is the name the shape goes by in the team's catalogue of payloads seen, "" where it is not there.
    """

    file: str
    origin: Origin
    source: str
    platform: Platform | None = None
    version: str = ""
    shape: str = ""
    note: str = ""

    @property
    def path(self) -> Path:
        return SAMPLES_DIR / self.file

    @property
    def body(self) -> bytes:
        """The bytes as they would come off the wire."""
        return self.path.read_bytes()


@attrs.frozen(kw_only=True)
class ExpectedThread:
    """A thread as a right client tells it; nested messages by their ids, newest first."""

    id: str
    updated_time: str | None = None
    participants: tuple[Person, ...] = ()
    senders: tuple[Person, ...] = ()
    unread_count: int | None = None
    message_count: int | None = None
    link: str | None = None
    snippet: str | None = None
    can_reply: bool | None = None
    is_subscribed: bool | None = None
    scoped_thread_key: str | None = None
    folder: str | None = None
    is_owner: bool | None = None
    tags: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    messages_malformed: tuple[str, ...] = ()  # JSON paths
    messages_after: str | None = None
    messages_more: bool = False
    extra: tuple[str, ...] = ()  # names of fields not in KNOWN_THREAD_FIELDS, in their order
    unread: tuple[str, ...] = ()  # names of known fields of an unknown shape: None as an attribute, kept in extra


@attrs.frozen(kw_only=True)
class ThreadsSample(Sample):
    """A listing. `more` is the presence of paging.next, `after` is paging.cursors.after, neither implies the other.

    An ?ids= lookup (`by_id`) holds its threads too, but a listing decoder must refuse it: `unreadable` says where.
    """

    form: Literal["listing", "by_id"] = "listing"
    threads: tuple[ExpectedThread, ...] = ()
    malformed: tuple[str, ...] = ()  # JSON paths of entries without a readable id: left out, their neighbours kept
    unreadable: str | None = None  # the JSON path that makes the whole answer AnswerUnreadable as a listing
    after: str | None = None
    more: bool = False

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(thread.id for thread in self.threads)


@attrs.frozen(kw_only=True)
class ThreadSample(Sample):
    """One thread node, or the path that makes it unreadable."""

    thread: ExpectedThread | None = None
    unreadable: str | None = None


@attrs.frozen(kw_only=True)
class ExpectedAttachment:
    """An attachment, member by member."""

    id: str | None = None
    mime_type: str | None = None
    name: str | None = None
    size: int | None = None
    image_url: str | None = None
    video_url: str | None = None
    file_url: str | None = None


@attrs.frozen(kw_only=True)
class ExpectedMessage:
    """A message; `text` tells "" (sent without words) from None (not asked for, or absent)."""

    id: str
    created_time: str | None = None
    sender: Person | None = None
    to: tuple[Person, ...] = ()
    text: str | None = None
    is_unsupported: bool | None = None
    sticker: str | None = None
    tags: tuple[str, ...] = ()
    attachments: tuple[ExpectedAttachment, ...] = ()
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()  # (reaction, usernames)
    shares: tuple[str | None, ...] = ()  # links
    story: tuple[tuple[str, str | None], ...] = ()  # (reply_to or mention, story id)
    unread: tuple[str, ...] = ()  # names of known fields of an unknown shape: None as an attribute, kept in extra


@attrs.frozen(kw_only=True)
class MessagesSample(Sample):
    """Messages of a thread: an edge's listing, an ?ids= lookup, or a bare array."""

    form: Literal["listing", "by_id", "array"] = "listing"
    messages: tuple[ExpectedMessage, ...] = ()
    malformed: tuple[str, ...] = ()
    after: str | None = None
    more: bool = False


@attrs.frozen(kw_only=True)
class MessageSample(Sample):
    """One message node, or the path that makes it unreadable."""

    message: ExpectedMessage | None = None
    unreadable: str | None = None


ErrorName = Literal[
    "AnswerUnreadable",
    "GraphError",
    "GraphUnavailable",
    "PermissionMissing",
    "RateLimited",
    "RequestRejected",
    "TemporarilyBlocked",
    "TokenRejected",
    "TooMuchAsked",
]
Pool = Literal["inbox", "messenger", "pages", "instagram", "app", "user"]


@attrs.frozen(kw_only=True)
class ErrorSample(Sample):
    """An answer that is a refusal, and the exact class it becomes; `status` is the HTTP status it came with."""

    error: ErrorName
    status: int
    pool: Pool | None = None  # of RateLimited, and of nothing else
    code: int | None = None
    subcode: int | None = None
    type: str | None = None
    fbtrace_id: str | None = None
    is_transient: bool | None = None
    message: str | None = None


@attrs.frozen(kw_only=True)
class ExpectedMeter:
    """x-app-usage or x-page-usage in percent; None is unsaid. call_volume and cpu_time are Instagram's names."""

    call_count: float | None = None
    total_cputime: float | None = None
    total_time: float | None = None


@attrs.frozen(kw_only=True)
class ExpectedUsage(ExpectedMeter):
    """One entry of x-business-use-case-usage; `regain_after` in seconds, None is unsaid."""

    pool: str
    id: str
    regain_after: float | None = None


@attrs.frozen(kw_only=True)
class HeadersSample(Sample):
    """Headers of one answer."""

    usage: tuple[ExpectedUsage, ...] = ()
    app: ExpectedMeter | None = None
    page: ExpectedMeter | None = None
    retry_after: float | None = None

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """The pairs of name and value, in order, whichever of the three ways the file writes them."""
        written = orjson.loads(self.body)
        if isinstance(written, list):
            return tuple((pair["name"], pair["value"]) for pair in written)
        return tuple(
            (name, value)
            for name, values in written.items()
            for value in (values if isinstance(values, list) else [values])
        )


@attrs.frozen(kw_only=True)
class ExpectedItem:
    """One item of a batch: null, or a status with what its body holds once its string is decoded."""

    null: bool = False
    status: int | None = None
    body: Literal["none", "empty", "object", "listing", "error", "true", "unreadable"] = "none"
    decoded: bool = False  # the body is an object already, not a string of JSON
    id: str | None = None
    error: ErrorName | None = None
    pool: Pool | None = None
    usage: tuple[ExpectedUsage, ...] = ()
    app: ExpectedMeter | None = None


@attrs.frozen(kw_only=True)
class BatchSample(Sample):
    """A batch answer, item by item in the order of the calls."""

    items: tuple[ExpectedItem, ...] = ()


@attrs.frozen(kw_only=True)
class ExpectedPage:
    """A Page a token can see."""

    id: str
    name: str | None = None
    token: str | None = None
    tasks: tuple[str, ...] = ()
    instagram_id: str | None = None


@attrs.frozen(kw_only=True)
class AccountsSample(Sample):
    """/me/accounts, a Page node, /me of Instagram Login, or /debug_token."""

    form: Literal["listing", "page", "me", "debug_token"] = "listing"
    pages: tuple[ExpectedPage, ...] = ()
    after: str | None = None
    more: bool = False
    total: int | None = None
    ids: tuple[str, ...] = ()  # of /me: id, then user_id where it is sent
