"""Every thread of many Pages' inboxes, on Messenger and Instagram at once, as fast as Meta allows."""

from importlib import import_module
from typing import TYPE_CHECKING

from conversations_async.access import TokenInfo
from conversations_async.collecting import quiet_collector
from conversations_async.errors import (
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    InboxErrors,
    InboxFailed,
    ListingUnavailable,
    PacerUnavailable,
    PagingStuck,
    PermissionMissing,
    RateLimited,
    RequestRejected,
    SessionClosed,
    TemporarilyBlocked,
    TokenRejected,
    TokenUnavailable,
    TooMuchAsked,
    TransportFailed,
    WaitTooLong,
)
from conversations_async.events import Event
from conversations_async.expansion import Field, fields, messages, nested
from conversations_async.graph.requests import DEFAULT_API_VERSION, GRAPH, GraphRequest, RawAnswer
from conversations_async.limits import LimitPolicy
from conversations_async.message import Attachment, Message, Reaction, Share, Story
from conversations_async.model import (
    DEFAULT_FIELDS,
    Cursor,
    Inbox,
    Page,
    Participant,
    Platform,
    Pool,
    PoolUsage,
    Secret,
    Thread,
    ThreadPage,
    ThreadQuery,
    UnavailableThread,
    Usage,
)

if TYPE_CHECKING:
    from conversations_async.pacer import Pacer, SharedPacer, Turn
    from conversations_async.retry import RetryPolicy
    from conversations_async.session import ConversationSession
    from conversations_async.throttle import Standing
    from conversations_async.transport import Transport
else:
    # These bring aiohttp and asyncio along, a quarter of a second: imported when first touched.
    _ROOMS = {
        "ConversationSession": "session",
        "Pacer": "pacer",
        "RetryPolicy": "retry",
        "SharedPacer": "pacer",
        "Standing": "throttle",
        "Transport": "transport",
        "Turn": "pacer",
    }

    def __getattr__(name: str) -> object:
        if name not in _ROOMS:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        return value

    def __dir__() -> list[str]:
        return sorted({*globals(), *_ROOMS})


__version__ = "0.1.0"

__all__ = [
    "DEFAULT_API_VERSION",
    "DEFAULT_FIELDS",
    "GRAPH",
    "AnswerTimedOut",
    "AnswerUnreadable",
    "Attachment",
    "ConnectFailed",
    "ConversationSession",
    "ConversationsError",
    "Cursor",
    "Event",
    "Field",
    "GraphError",
    "GraphRequest",
    "GraphUnavailable",
    "Inbox",
    "InboxErrors",
    "InboxFailed",
    "LimitPolicy",
    "ListingUnavailable",
    "Message",
    "Pacer",
    "PacerUnavailable",
    "Page",
    "PagingStuck",
    "Participant",
    "PermissionMissing",
    "Platform",
    "Pool",
    "PoolUsage",
    "RateLimited",
    "RawAnswer",
    "Reaction",
    "RequestRejected",
    "RetryPolicy",
    "Secret",
    "SessionClosed",
    "Share",
    "SharedPacer",
    "Standing",
    "Story",
    "TemporarilyBlocked",
    "Thread",
    "ThreadPage",
    "ThreadQuery",
    "TokenInfo",
    "TokenRejected",
    "TokenUnavailable",
    "TooMuchAsked",
    "Transport",
    "TransportFailed",
    "Turn",
    "UnavailableThread",
    "Usage",
    "WaitTooLong",
    "fields",
    "messages",
    "nested",
    "quiet_collector",
]
