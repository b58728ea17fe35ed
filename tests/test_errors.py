"""What can go wrong: errors that cross processes, speak to whoever must act, and show nothing secret."""

import builtins
import copy
import inspect
import pickle
import re
from abc import ABC, abstractmethod
from typing import Any, Protocol

import attrs
import pytest

from conversations_async import errors
from conversations_async.errors import (
    SUBCODES,
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    InboxErrors,
    InboxFailed,
    ListingUnavailable,
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
from conversations_async.model import Cursor, Inbox, Platform, Pool

INBOX = Inbox("1042", Platform.INSTAGRAM)
OTHER = Inbox("7", Platform.MESSENGER)


def graph_error(kind: type[GraphError], code: int | None, subcode: int | None = None, **more: Any) -> GraphError:
    return kind("(#x) Meta's words.", code, subcode, "OAuthException", "AmFG", 400, INBOX, None, **more)


# Error → what its text must say: who, what happened, what to do.
TOLD: list[tuple[ConversationsError, list[str]]] = [
    (TransportFailed("the call failed", INBOX), ["the call failed", "Try again"]),
    (ConnectFailed("no connection", INBOX), ["no connection", "Try again"]),
    (AnswerTimedOut("no whole answer within 60 s", INBOX), ["within 60 s", "Try again"]),
    (AnswerUnreadable("the list is missing", "$.data", INBOX), ["$.data", "the list is missing", "Try again"]),
    (AnswerUnreadable("not JSON", inbox=INBOX), ["cannot be read: not JSON"]),
    (TokenUnavailable("the callable raised KeyError", INBOX), ["no token", "KeyError", "Mend the callable"]),
    (graph_error(GraphError, 1200), ["code 1200", "Meta's words.", "Look the code up"]),
    (graph_error(GraphError, None), ["HTTP 400, no code"]),
    (GraphError("m", inbox=INBOX), ["(no code)"]),
    (
        graph_error(RateLimited, 613, retry_after=41.0),
        ["rate limited (code 613); next call allowed in 41 s"],
    ),
    (
        graph_error(RateLimited, 80006, pool=Pool("messenger", "1042")),
        ["code 80006, messenger 1042 pool", "wait some minutes"],
    ),
    (graph_error(TooMuchAsked, 1), ["too much asked", "Lower threads_per_call"]),
    (
        graph_error(TokenRejected, 190, 463),
        ["token rejected (code 190, subcode 463: expired)", "Pass a new token for this Page."],
    ),
    (graph_error(TokenRejected, 190, 99999), ["(code 190, subcode 99999)"]),
    (graph_error(PermissionMissing, 230), ["permission missing", "Grant"]),
    (graph_error(RequestRejected, 100), ["request rejected", "Check the Page id"]),
    (graph_error(TemporarilyBlocked, 368), ["temporarily blocked", "hours"]),
    (graph_error(GraphUnavailable, 2), ["Graph unavailable", "Try again later"]),
    (graph_error(ListingUnavailable, 2), ["listing refused", "high-volume", "Advanced Access"]),
    (WaitTooLong(41.04, INBOX), ["in 41.0 s", "nothing was sent", "longer max_wait"]),
    (WaitTooLong(None, INBOX, Pool("app")), ["(app pool) is not known", "nothing was sent", "longer max_wait"]),
    (PagingStuck("a cursor repeats", INBOX), ["stuck: a cursor repeats", "from its head"]),
    (InboxFailed(INBOX, graph_error(TokenRejected, 190), Cursor("QVFI")), ["token rejected", "Pass a new token"]),
    (InboxFailed(INBOX, AnswerUnreadable("not JSON")), ["not JSON"]),
]
WITHOUT_INBOX = SessionClosed("this session has ended")


@pytest.mark.parametrize(("error", "says"), TOLD, ids=lambda value: type(value).__name__)
def test_an_error_says_who_what_happened_and_what_to_do(error: ConversationsError, says: list[str]) -> None:
    text = str(error)
    assert text.startswith("Page 1042 on instagram: ")
    assert text.count("Page 1042 on instagram") == 1
    assert [part for part in says if part not in text] == []
    assert "\n" not in text


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Session has expired", "Session has expired. Pass"),
        ("Session has expired.", "Session has expired. Pass"),
        ("Expired! \n", "Expired! Pass"),
        ("会话已过期。", "会话已过期。 Pass"),
        ("(#190) See (docs)", "(#190) See (docs). Pass"),
    ],
)
def test_metas_message_ends_before_the_advice_begins(message: str, told: str) -> None:
    assert f"(code 190): {told} a new token" in str(TokenRejected(message, 190))


def test_the_table_holds_every_error() -> None:
    kinds = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, ConversationsError) and kind.__module__ == errors.__name__
    }
    # Of no one Inbox: the base, the session's own, the group, and the file that processes share.
    of_none = {"ConversationsError", "SessionClosed", "InboxErrors", "PacerUnavailable"}
    assert {kind.__name__ for kind in kinds - {type(error) for error, _ in TOLD}} <= of_none


@pytest.mark.parametrize(
    "error", [*(error for error, _ in TOLD), WITHOUT_INBOX], ids=lambda error: type(error).__name__
)
def test_errors_pickle_and_copy(error: ConversationsError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert repr(twin) == repr(error)
        assert repr(twin.args) == repr(error.args)


def test_a_failed_inbox_keeps_its_cause_and_its_notes_across_processes() -> None:
    failed = InboxFailed(INBOX, graph_error(RateLimited, 613, retry_after=3.0), Cursor("QVFI"))
    failed.add_note("job 7")
    twin = pickle.loads(pickle.dumps(failed))
    assert isinstance(twin.__cause__, RateLimited)
    assert twin.__cause__.retry_after == 3.0
    assert (twin.inbox, twin.resume) == (failed.inbox, failed.resume)
    assert twin.__notes__ == copy.copy(failed).__notes__ == ["job 7"]


# -- the tree of design 4 ----------------------------------------------------------------------------------------------

TREE: list[tuple[type[ConversationsError], tuple[type[BaseException], ...]]] = [
    (TransportFailed, (ConversationsError,)),
    (ConnectFailed, (TransportFailed, builtins.ConnectionError)),
    (AnswerTimedOut, (TransportFailed, builtins.TimeoutError)),
    (AnswerUnreadable, (ConversationsError,)),
    (TokenUnavailable, (ConversationsError,)),
    (RateLimited, (GraphError,)),
    (TooMuchAsked, (GraphError,)),
    (TokenRejected, (GraphError,)),
    (PermissionMissing, (GraphError,)),
    (RequestRejected, (GraphError,)),
    (TemporarilyBlocked, (GraphError,)),
    (GraphUnavailable, (GraphError,)),
    (WaitTooLong, (ConversationsError,)),
    (PagingStuck, (ConversationsError,)),
    (InboxFailed, (ConversationsError,)),
    (InboxErrors, (ConversationsError, ExceptionGroup)),
    (SessionClosed, (ConversationsError,)),
]


@pytest.mark.parametrize(("kind", "bases"), TREE, ids=lambda value: getattr(value, "__name__", ""))
def test_the_tree_is_sorted_by_what_the_caller_can_do(
    kind: type[ConversationsError], bases: tuple[type[BaseException], ...]
) -> None:
    assert all(issubclass(kind, base) for base in bases)


def test_kinds_of_graph_errors_are_no_kinds_of_each_other() -> None:
    kinds = [kind for kind, bases in TREE if bases == (GraphError,)]
    assert all(not issubclass(one, other) for one in kinds for other in kinds if one is not other)


def test_subcodes_are_told_in_words_without_secrets() -> None:
    """Contract 4.3, 5.2."""
    assert {subcode for code, subcode in SUBCODES if code == 190} >= {458, 459, 460, 463, 464, 466, 467, 492}
    assert all(re.fullmatch(r"[\w .,:()'-]{5,80}", meaning) for meaning in SUBCODES.values())


# -- InboxErrors -------------------------------------------------------------------------------------------------------


def some_failures() -> InboxErrors:
    return InboxErrors(
        "2 of 5 Inboxes failed",
        [
            InboxFailed(INBOX, graph_error(TokenRejected, 190), None),
            InboxFailed(OTHER, ConnectFailed("no connection", OTHER), Cursor("QVFI")),
        ],
    )


def test_inbox_errors_is_an_exception_group_that_except_star_takes_apart() -> None:
    caught = []
    try:
        raise some_failures()
    except* InboxFailed as group:
        caught.append(group)
    assert [type(each) for each in caught] == [InboxErrors]
    assert len(caught[0].exceptions) == 2


def test_split_and_subgroup_keep_the_class() -> None:
    group = some_failures()
    rejected, rest = group.split(lambda error: isinstance(error.__cause__, TokenRejected))
    assert isinstance(rejected, InboxErrors)
    assert isinstance(rest, InboxErrors)
    assert list(rejected.inboxes) == [INBOX]
    assert list(rest.inboxes) == [OTHER]
    assert isinstance(group.subgroup(InboxFailed), InboxErrors)
    assert group.subgroup(ValueError) is None


def test_inbox_errors_are_found_by_inbox_with_where_to_resume() -> None:
    failures = some_failures().inboxes
    assert failures[OTHER].resume == Cursor("QVFI")
    assert isinstance(failures[INBOX].cause, TokenRejected)


def test_inbox_errors_pickle_and_copy() -> None:
    group = some_failures()
    for twin in (pickle.loads(pickle.dumps(group)), copy.copy(group)):
        assert isinstance(twin, InboxErrors)
        assert str(twin) == str(group) == "2 of 5 Inboxes failed (2 sub-exceptions)"
        assert [str(each) for each in twin.failures] == [str(each) for each in group.failures]
        assert isinstance(twin.inboxes[OTHER].__cause__, ConnectFailed)


def test_an_error_is_an_attrs_class_to_whoever_looks() -> None:
    assert attrs.has(RateLimited)
    told = [(each.name, each.default) for each in attrs.fields(ConnectFailed)]
    assert told == [("reason", attrs.NOTHING), ("inbox", None), ("final", False), ("kept", False)]
    assert attrs.fields(TooMuchAsked) == attrs.fields(GraphError)
    error = WaitTooLong(3.0, INBOX)
    assert attrs.evolve(error, retry_after=4.0).args == (4.0, INBOX, None)
    assert attrs.asdict(error, recurse=False) == {"retry_after": 3.0, "inbox": INBOX, "pool": None}
    assert not attrs.has(SessionClosed)
    assert not attrs.has(ConversationsError)


def test_an_error_says_how_it_is_made_and_takes_nothing_else() -> None:
    parameters = inspect.signature(AnswerUnreadable).parameters.values()
    assert list(map(str, parameters))[:2] == ["reason: str", "path: str = '$'"]
    assert AnswerUnreadable("r", inbox=INBOX).args == ("r", "$", INBOX)
    make: Any = TokenUnavailable
    for wrong in ((), ("r", None, "more")):
        with pytest.raises(TypeError):
            make(*wrong)
    for named in ({"reason": "twice"}, {"unknown": 1}):
        with pytest.raises(TypeError):
            make("r", **named)
    match error := make("r", INBOX):
        case TokenUnavailable(reason, inbox):
            assert (reason, inbox) == (error.reason, error.inbox) == ("r", INBOX)
    # An OSError would take two values for a number and its meaning.
    assert ConnectFailed("r", INBOX).errno is None
    assert SessionClosed("any", "text").args == ("any", "text")


@pytest.mark.parametrize("slots", [True, False])
def test_an_app_derives_errors_of_its_own(slots: bool) -> None:
    class Written(GraphError):
        times: int = 1

    kind: Any = attrs.define(slots=slots)(Written)

    class Told(GraphError):
        hint: str

        def __init__(self, hint: str) -> None:
            super().__init__("m", 100)
            self.hint = hint

    counted = kind("m", 100, times=2)
    assert (counted.message, counted.code, counted.times) == ("m", 100, 2)
    assert [each.name for each in attrs.fields(kind)][-1] == "times"
    assert list(inspect.signature(kind).parameters)[-1] == "times"
    told = Told("h")
    assert (told.message, told.code, told.subcode, told.hint) == ("m", 100, None, "h")
    assert list(inspect.signature(Told).parameters) == ["hint"]


def test_errors_are_told_apart_by_identity() -> None:
    counts: dict[ConversationsError, int] = {GraphError("m"): 1, GraphError("m"): 2, WaitTooLong(1.0): 3}
    assert sorted(counts.values()) == [1, 2, 3]


def test_an_error_of_an_apps_own_may_be_abstract_or_keep_a_protocol() -> None:
    class Coded(Protocol):
        code: int | None

    class Own(GraphError, ABC):
        @abstractmethod
        def told(self) -> str: ...

    class Kept(Own, Coded):
        def told(self) -> str:
            return str(self)

    assert "code 4" in Kept("m", 4).told()
    assert Kept("m", 4).code == 4


def test_wrong_arguments_are_told_with_the_class() -> None:
    make: Any = GraphError
    with pytest.raises(TypeError, match=r"GraphError: .*'message'"):
        make()
    assert not hasattr(GraphError, "code"), "what only an error has"
