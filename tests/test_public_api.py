"""Names, defaults and what is keyword-only: a promise to whoever calls us (design 6)."""

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import attrs
import pytest

import conversations_async
from conversations_async import (
    DEFAULT_API_VERSION,
    DEFAULT_FIELDS,
    GRAPH,
    ConversationSession,
    Cursor,
    Inbox,
    LimitPolicy,
    Page,
    Platform,
    RetryPolicy,
    Thread,
    ThreadPage,
    ThreadQuery,
    Transport,
    Usage,
)

NOTHING = inspect.Parameter.empty
BOTH = (Platform.MESSENGER, Platform.INSTAGRAM)

# Callable → its parameters in order; those after "*" by keyword only. (name, default)
PROMISED: list[tuple[Callable[..., Any], list[tuple[str, Any]], list[tuple[str, Any]]]] = [
    (
        ConversationSession,
        [],
        [
            ("http", None),
            ("transport", None),
            ("base_url", GRAPH),
            ("api_version", DEFAULT_API_VERSION),
            ("app_secret", None),
            ("token_in", "header"),
            ("limits", None),
            ("retry", None),
            ("on_event", None),
        ],
    ),
    (
        ConversationSession.threads,
        [("self", NOTHING), ("pages", NOTHING)],
        [("platforms", None), ("query", ThreadQuery()), ("settle", True), ("max_wait", None), ("fail_fast", False)],
    ),
    (
        ConversationSession.thread_pages,
        [("self", NOTHING), ("pages", NOTHING)],
        [
            ("platforms", None),
            ("query", ThreadQuery()),
            ("settle", True),
            ("max_wait", None),
            ("fail_fast", False),
            ("resume", None),
        ],
    ),
    (
        ConversationSession.thread_with,
        [("self", NOTHING), ("page", NOTHING), ("platform", NOTHING), ("user_id", NOTHING)],
        [("max_wait", None)],
    ),
    (
        ConversationSession.messages,
        [("self", NOTHING), ("page", NOTHING), ("thread", NOTHING)],
        [("platform", None), ("max_wait", None)],
    ),
    (ConversationSession.pages_of, [("self", NOTHING), ("user_token", NOTHING)], []),
    (ConversationSession.explain_token, [("self", NOTHING), ("page", NOTHING)], [("max_wait", None)]),
    (ConversationSession.usage, [("self", NOTHING), ("inbox", NOTHING)], []),
    (ConversationSession.aclose, [("self", NOTHING)], []),
    (Page, [("id", NOTHING), ("token", NOTHING), ("name", None), ("platforms", BOTH), ("graph", "facebook")], []),
    (Inbox, [("page_id", NOTHING), ("platform", NOTHING)], []),
    (Cursor, [("after", None), ("head", None)], []),
    (
        ThreadQuery,
        [("folder", None), ("user_id", None), ("tags", None), ("fields", ",".join(DEFAULT_FIELDS)), ("messages", 0)],
        [("folders", None)],
    ),
    (
        LimitPolicy,
        [("calls_per_second", 2.0), ("ease_off_at", 75.0), ("blind_pause", 60.0), ("app_calls_per_second", None)],
        [],
    ),
    (RetryPolicy.interactive, [], []),
    (RetryPolicy.bulk, [], []),
    (Transport.send, [("self", NOTHING), ("request", NOTHING)], [("token", NOTHING)]),
]


@pytest.mark.parametrize(
    ("promised", "positional", "keyword"), PROMISED, ids=lambda value: getattr(value, "__qualname__", "")
)
def test_a_signature_holds(
    promised: Callable[..., Any], positional: list[tuple[str, Any]], keyword: list[tuple[str, Any]]
) -> None:
    parameters = list(inspect.signature(promised).parameters.values())
    by_place = [each for each in parameters if each.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD]
    by_name = {each.name: each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY}
    found = [(each.name, each.default) for each in by_place]
    # New ones may come behind, or by keyword.
    assert found[: len(positional)] == positional
    assert all(default is not NOTHING for _, default in found[len(positional) :])
    assert {name: by_name[name].default for name, _ in keyword} == dict(keyword)
    assert len(by_place) + len(by_name) == len(parameters), "no *args, no **kwargs"


def test_threads_per_call_is_asked_for_by_name_or_place() -> None:
    assert ThreadQuery(threads_per_call=7).threads_per_call == 7
    assert ThreadQuery().threads_per_call is None


def test_listings_are_async_generators() -> None:
    session = ConversationSession()
    assert inspect.isasyncgen(session.threads([]))
    assert inspect.isasyncgen(session.thread_pages([]))
    assert inspect.isasyncgen(session.messages(Page("1", "t"), "t_1"))
    assert inspect.isasyncgen(session.pages_of("t"))
    assert inspect.isasyncgenfunction(ConversationSession.threads)
    assert inspect.isasyncgenfunction(ConversationSession.thread_pages)
    assert inspect.iscoroutinefunction(ConversationSession.thread_with)
    assert not inspect.iscoroutinefunction(ConversationSession.usage)


# What users read of the answers.
READ: list[tuple[type, set[str]]] = [
    (
        Thread,
        {
            *("id", "inbox", "page_id", "platform", "updated_time", "link", "snippet", "message_count", "unread_count"),
            *("participants", "senders", "former_participants", "can_reply", "is_subscribed", "is_owner", "name"),
            *("scoped_thread_key", "folder", "wallpaper", "subject", "linked_group", "tags", "extra", "raw"),
            *("messages", "found_in"),
        },
    ),
    (
        conversations_async.Message,
        {
            *("id", "thread_id", "created_time", "sender", "to", "text", "sticker", "tags", "attachments", "shares"),
            *("reactions", "story", "reply_to", "is_unsupported", "unavailable", "subject", "updated_time", "unread"),
            *("unseen", "extra", "raw"),
        },
    ),
    (
        conversations_async.Attachment,
        {"id", "mime_type", "name", "size", "file_url", "image", "video", "template", "url", "extra", "raw"},
    ),
    (conversations_async.Share, {"id", "link", "name", "description", "products", "extra", "raw"}),
    (conversations_async.TokenInfo, {"valid", "expires_at", "scopes", "missing", "granular", "instagram_id", "reason"}),
    (ThreadPage, {"inbox", "threads", "cursor", "more", "usage", "unreadable"}),
    (conversations_async.Participant, {"id", "name", "username", "email", "user_id", "extra", "raw"}),
    (Usage, {"pools", "percent", "regain_after"}),
    (
        conversations_async.PoolUsage,
        {"kind", "id", "call_count", "total_cputime", "total_time", "regain_after", "percent"},
    ),
    (conversations_async.InboxFailed, {"inbox", "cause", "resume"}),
    (conversations_async.InboxErrors, {"inboxes", "failures", "exceptions"}),
    (
        conversations_async.GraphError,
        {"message", "code", "subcode", "type", "fbtrace_id", "status", "inbox", "is_transient"},
    ),
    (conversations_async.RateLimited, {"pool", "retry_after"}),
    (conversations_async.WaitTooLong, {"retry_after", "inbox", "pool"}),
    (conversations_async.AnswerUnreadable, {"reason", "path", "inbox"}),
]


@pytest.mark.parametrize(("kind", "names"), READ, ids=lambda value: getattr(value, "__name__", ""))
def test_what_users_read_is_there(kind: type, names: set[str]) -> None:
    fields = {each.name for each in attrs.fields(kind)} if attrs.has(kind) else set()
    assert names <= fields | set(dir(kind))


def test_everything_named_is_there_and_sorted() -> None:
    names = conversations_async.__all__
    assert len(set(names)) == len(names)
    assert all(getattr(conversations_async, name) is not None for name in names)
    assert set(names) <= set(dir(conversations_async))


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'get_threads'"):
        getattr(conversations_async, "get_threads")  # noqa: B009  # type checkers know no such name


DOCUMENTED = [
    (name, value)
    for name in conversations_async.__all__
    if inspect.isclass(value := getattr(conversations_async, name)) or inspect.isfunction(value)
]


@pytest.mark.parametrize(("name", "value"), DOCUMENTED, ids=[name for name, _ in DOCUMENTED])
def test_every_public_name_has_a_docstring(name: str, value: Any) -> None:
    assert value.__doc__
    # attrs and Protocol write one of their own where none is given.
    assert not value.__doc__.startswith(("Method generated by attrs", f"{name}("))


def test_every_public_method_of_the_session_has_a_docstring() -> None:
    methods = [value for name, value in vars(ConversationSession).items() if not name.startswith("_")]
    assert all(method.__doc__ for method in methods)


def test_the_version_is_a_version() -> None:
    assert [part.isdigit() for part in conversations_async.__version__.split(".")] == [True] * 3


@pytest.mark.parametrize("name", conversations_async.__all__)
def test_type_hints_can_be_read_by_whoever_builds_on_them(name: str) -> None:
    """Injection of dependencies and documentation look names up in the module that a class or function is from."""
    value = getattr(conversations_async, name)
    if isinstance(value, type):
        get_type_hints(value)
        for method in vars(value).values():
            if inspect.isfunction(method) and not method.__name__.startswith("_"):
                get_type_hints(method)
    elif inspect.isfunction(value):
        get_type_hints(value)
