"""Every thread of many Pages' inboxes, on Messenger and Instagram at once, as fast as Meta allows."""

TYPE_CHECKING = False
"""What type checkers take for true, without an import of `typing`."""

if TYPE_CHECKING:
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
    from conversations_async.pacer import Pacer, SharedPacer, Turn
    from conversations_async.retry import RetryPolicy
    from conversations_async.session import ConversationSession
    from conversations_async.throttle import Standing
    from conversations_async.transport import Transport
else:
    # Together they take a quarter of a second: each is imported when it is first touched, so that the command hears
    # Ctrl-C from its first moment on.
    _ROOMS = {
        "AnswerTimedOut": "errors",
        "AnswerUnreadable": "errors",
        "Attachment": "message",
        "ConnectFailed": "errors",
        "ConversationSession": "session",
        "ConversationsError": "errors",
        "Cursor": "model",
        "DEFAULT_API_VERSION": "graph.requests",
        "DEFAULT_FIELDS": "model",
        "Event": "events",
        "Field": "expansion",
        "GRAPH": "graph.requests",
        "GraphError": "errors",
        "GraphRequest": "graph.requests",
        "GraphUnavailable": "errors",
        "Inbox": "model",
        "InboxErrors": "errors",
        "InboxFailed": "errors",
        "LimitPolicy": "limits",
        "ListingUnavailable": "errors",
        "Message": "message",
        "Pacer": "pacer",
        "PacerUnavailable": "errors",
        "Page": "model",
        "PagingStuck": "errors",
        "Participant": "model",
        "PermissionMissing": "errors",
        "Platform": "model",
        "Pool": "model",
        "PoolUsage": "model",
        "RateLimited": "errors",
        "RawAnswer": "graph.requests",
        "Reaction": "message",
        "RequestRejected": "errors",
        "RetryPolicy": "retry",
        "Secret": "model",
        "SessionClosed": "errors",
        "Share": "message",
        "SharedPacer": "pacer",
        "Standing": "throttle",
        "Story": "message",
        "TemporarilyBlocked": "errors",
        "Thread": "model",
        "ThreadPage": "model",
        "ThreadQuery": "model",
        "TokenInfo": "access",
        "TokenRejected": "errors",
        "TokenUnavailable": "errors",
        "TooMuchAsked": "errors",
        "Transport": "transport",
        "TransportFailed": "errors",
        "Turn": "pacer",
        "UnavailableThread": "model",
        "Usage": "model",
        "WaitTooLong": "errors",
        "fields": "expansion",
        "messages": "expansion",
        "nested": "expansion",
        "quiet_collector": "collecting",
    }

    def __getattr__(name: str) -> object:
        from importlib import import_module
        from importlib.util import find_spec

        if name in _ROOMS:
            value = getattr(import_module(f"{__name__}.{_ROOMS[name]}"), name)
        elif not name.startswith("_") and find_spec(f"{__name__}.{name}") is not None:
            value = import_module(f"{__name__}.{name}")
        else:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = value
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
