"""The Pages of a user token, what a token is good for, and why an Inbox may be empty."""

import json
import traceback
from datetime import UTC, datetime
from typing import Any

import pytest
from listing import INSTAGRAM, MESSENGER, session_on
from samples.expected import ACCOUNTS
from samples.rows import AccountsSample

from conversations_async import (
    AnswerUnreadable,
    ConnectFailed,
    ConversationSession,
    Event,
    GraphRequest,
    Inbox,
    Page,
    PagingStuck,
    Platform,
    RawAnswer,
    RetryPolicy,
    Secret,
    TokenInfo,
    TokenRejected,
)
from conversations_async.access import PERMISSIONS, why_empty
from conversations_async.emulator import GraphEmulator, Manners, World
from conversations_async.events import TaskMissing
from conversations_async.graph.accounts import Account, account, account_page, token_info
from conversations_async.graph.answers import read_json

pytestmark = pytest.mark.looptime

CANARY = "EAACANARYcanary0123456789ZDZD"


# -- samples -----------------------------------------------------------------------------------------------------------


def told(found: Account) -> tuple[Any, ...]:
    token = found.access_token
    return found.id, found.name, None if token is None else token.reveal(), found.tasks, found.instagram_id


@pytest.mark.parametrize(
    "sample", [each for each in ACCOUNTS if each.form in ("listing", "page")], ids=lambda s: s.file
)
def test_every_sample_of_a_page_is_read(sample: AccountsSample) -> None:
    payload = read_json(sample.body)
    if sample.form == "page":
        found: tuple[Account, ...] = (account(payload),)
    else:
        page = account_page(payload)
        assert (page.paging.more, page.paging.after, page.unreadable) == (sample.more, sample.after, ())
        found = page.accounts
    expected = [(each.id, each.name, each.token, each.tasks, each.instagram_id) for each in sample.pages]
    assert [told(each) for each in found] == expected
    assert not any(each.token and each.token in repr(found) for each in sample.pages)


def test_the_sample_of_a_tokens_facts_is_read() -> None:
    (sample,) = (each for each in ACCOUNTS if each.form == "debug_token")
    info = token_info(read_json(sample.body), "1042")
    assert (info.valid, info.kind, info.app_id, info.user_id) == (True, "USER", "anAppId", "aUserId")
    assert info.expires_at == datetime(2020, 5, 20, 18, 40, tzinfo=UTC)
    assert info.missing("messenger") == ("pages_read_engagement",)
    assert info.missing(INSTAGRAM) == ("instagram_basic", "instagram_manage_messages")


async def test_the_samples_of_me_tell_whose_the_token_is() -> None:
    for sample in (each for each in ACCOUNTS if each.form == "me"):

        async def answer(request: GraphRequest, body: bytes = sample.body) -> RawAnswer:
            return RawAnswer(200, {}, body)

        async with ConversationSession(transport=Scripted(answer)) as session:
            info = await session.explain_token(Page("17841666859660888", CANARY, graph="instagram"))
        assert info.valid
        assert info.instagram_id == sample.ids[-1]


class Scripted:
    """A transport of a function."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        answer: RawAnswer = await self._answer(request)
        return answer


# What is no Page → its words; none may hold the token.
NO_PAGES: list[object] = [
    7,
    None,
    {},
    {"id": None},
    {"id": {}, "access_token": CANARY},
    {"id": "1", "access_token": [CANARY]},
    {"id": "1", "access_token": f"{CANARY} {CANARY}"},
    {"id": "1", "tasks": 7, "access_token": CANARY},
    {"id": "1", "instagram_business_account": CANARY},
]


@pytest.mark.parametrize("raw", NO_PAGES)
def test_what_is_no_page_is_named_by_its_place_and_by_nothing_in_it(raw: object) -> None:
    page = account_page({"data": [raw, {"id": "2", "access_token": "t"}]})
    assert [each.id for each in page.accounts] == ["2"]
    assert page.unreadable == ("$.data[0]: not a Page as documented",)


@pytest.mark.parametrize("payload", [{}, {"data": []}, {"data": {}}, {"data": {"is_valid": "perhaps"}}])
def test_what_is_no_tokens_facts_is_unreadable(payload: dict[str, Any]) -> None:
    with pytest.raises(AnswerUnreadable):
        token_info(payload, "1042")


# -- pages_of ----------------------------------------------------------------------------------------------------------


async def test_all_pages_of_a_user_are_found_with_tokens_tasks_and_platforms() -> None:
    world = World.seeded(pages=230, threads=1)
    lonely = world.add_page("9001", platforms=(MESSENGER,))
    world.pages["1007"].tasks = ("ANALYZE", "ADVERTISE")
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        pages = [page async for page in session.pages_of(world.user.token)]
        assert [page.id for page in pages] == list(world.pages)
        assert all(page.token == Secret(world.pages[page.id].token) for page in pages)
        assert {page.id for page in pages if INSTAGRAM not in page.platforms} == {lonely.id}
        assert all(page.tasks == world.pages[page.id].tasks for page in pages)
        threads = [thread async for thread in session.threads(pages[:3])]
    assert len(threads) == 6
    assert [event for event in events if isinstance(event, TaskMissing)] == [
        TaskMissing("1007", ("ANALYZE", "ADVERTISE"), True)
    ]
    assert sum(call.path.endswith("/accounts") for call in graph.calls) == 3


async def accounts(answers: list[object]) -> tuple[list[Page], list[Event]]:
    left, events = list(answers), list[Event]()

    async def answer(request: GraphRequest) -> RawAnswer:
        return RawAnswer(200, {}, json.dumps(left.pop(0)).encode())

    async with ConversationSession(transport=Scripted(answer), on_event=events.append) as session:
        return [page async for page in session.pages_of(CANARY)], events


async def test_a_page_without_a_token_is_told_of_and_no_other_suffers() -> None:
    pages, events = await accounts(
        [
            {
                "data": [
                    {"id": "1", "tasks": ["ANALYZE"]},
                    {"id": "2", "access_token": "page-token", "tasks": ["MODERATE"]},
                ]
            }
        ]
    )
    assert [page.id for page in pages] == ["2"]
    assert [event for event in events if isinstance(event, TaskMissing)] == [
        TaskMissing("1", ("ANALYZE",), False),
        TaskMissing("2", ("MODERATE",), True),
    ]


async def test_an_empty_answer_with_next_is_not_the_end_and_a_page_comes_once() -> None:
    one = {"id": "1", "access_token": "page-token"}
    more = {"next": "https://x.invalid/?access_token=y", "cursors": {"after": "a"}}
    pages, _ = await accounts([{"data": [one], "paging": more}, {"data": [one], "paging": {"cursors": {"after": "b"}}}])
    assert [page.id for page in pages] == ["1"]
    pages, _ = await accounts([{"data": [], "paging": more}, {"data": [one]}])
    assert [page.id for page in pages] == ["1"]
    with pytest.raises(PagingStuck):
        await accounts([{"data": [], "paging": more}, {"data": [], "paging": more}])


async def test_an_entry_that_is_no_page_is_an_error_behind_the_last() -> None:
    found: list[str] = []

    async def answer(request: GraphRequest) -> RawAnswer:
        return RawAnswer(200, {}, json.dumps({"data": [7, {"id": "1", "access_token": "page-token"}]}).encode())

    async with ConversationSession(transport=Scripted(answer)) as session:
        with pytest.raises(AnswerUnreadable, match="not a Page"):  # noqa: PT012  # a loop runs a generator
            async for page in session.pages_of(CANARY):
                found.append(page.id)  # noqa: PERF401  # what came before the error counts
    assert found == ["1"]


@pytest.mark.parametrize("wrong", ["shop", "1" * 40, ""])
async def test_an_id_that_is_none_does_not_take_the_other_pages_along(wrong: str) -> None:
    found: list[str] = []

    async def answer(request: GraphRequest) -> RawAnswer:
        listed = [{"id": wrong, "access_token": "page-token"}, {"id": "2", "access_token": "page-token-2"}]
        return RawAnswer(200, {}, json.dumps({"data": listed}).encode())

    async with ConversationSession(transport=Scripted(answer)) as session:
        with pytest.raises(AnswerUnreadable, match="not a Page"):  # noqa: PT012  # a loop runs a generator
            async for page in session.pages_of(CANARY):
                found.append(page.id)  # noqa: PERF401  # what came before the error counts
    assert found == ["2"]


async def test_ever_new_cursors_that_bring_the_same_pages_end_at_last() -> None:
    places = iter(range(400))

    async def answer(request: GraphRequest) -> RawAnswer:
        paging = {"next": "x", "cursors": {"after": str(next(places))}}
        return RawAnswer(200, {}, json.dumps({"data": [{"id": "1", "access_token": "t"}], "paging": paging}).encode())

    async with ConversationSession(transport=Scripted(answer)) as session:
        with pytest.raises(PagingStuck):
            [page async for page in session.pages_of(CANARY)]


async def test_a_field_of_pages_that_is_refused_is_left_out() -> None:
    async def answer(request: GraphRequest) -> RawAnswer:
        if "connected_instagram_account" in request.query:
            error = {"code": 100, "message": "(#100) Tried accessing nonexisting field (connected_instagram_account)"}
            return RawAnswer(400, {}, json.dumps({"error": error}).encode())
        return RawAnswer(200, {}, json.dumps({"data": [{"id": "1", "access_token": "page-token"}]}).encode())

    async with ConversationSession(transport=Scripted(answer)) as session:
        assert [page.id async for page in session.pages_of(CANARY)] == ["1"]


@pytest.mark.parametrize(
    "beside",
    [
        {"tasks": None},
        {"instagram_business_account": {}},
        {"instagram_business_account": {"id": None}},
        {"connected_instagram_account": []},
    ],
    ids=["tasks", "no id", "a null id", "a list"],
)
def test_what_is_empty_beside_the_id_does_not_cost_the_page(beside: dict[str, Any]) -> None:
    page = account_page({"data": [{"id": "1", "access_token": "page-token", **beside}]})
    assert (len(page.accounts), page.unreadable) == (1, ())
    assert page.accounts[0].instagram_id is None


async def test_the_user_token_is_in_no_frame_of_an_error() -> None:
    """Error trackers show the variables of frames. The one that calls is the caller's own."""

    async def answer(request: GraphRequest) -> RawAnswer:
        return RawAnswer(200, {}, b'{"data": 7}')

    async with ConversationSession(transport=Scripted(answer)) as session:
        with pytest.raises(AnswerUnreadable) as failed:
            await anext(session.pages_of(CANARY))
    shown = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert CANARY not in shown


async def test_a_rejected_user_token_is_an_error() -> None:
    world = World.seeded(pages=1)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        with pytest.raises(TokenRejected):
            [page async for page in session.pages_of("EAAU-nobodys-token")]


# -- explain_token -----------------------------------------------------------------------------------------------------


async def test_a_token_is_explained_with_what_it_lacks_in_the_words_of_the_reference_page() -> None:
    world = World.seeded(pages=2, threads=1)
    world.user.scopes = ("pages_show_list", "pages_messaging", "pages_manage_metadata", "instagram_basic")
    world.user.expires_at = 1_800_000_000
    page = Page("1001", world.pages["1001"].token)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        info = await session.explain_token(page)
    assert (info.valid, info.kind) == (True, "PAGE")
    assert info.expires_at == datetime.fromtimestamp(1_800_000_000, UTC)
    assert info.missing(MESSENGER) == ("pages_read_engagement",)
    assert info.missing(INSTAGRAM) == ("instagram_manage_messages",)
    assert (info.instagram_known, info.instagram_id) == (True, world.pages["1001"].instagram_id)
    assert world.pages["1001"].token not in repr(info)


async def test_a_dead_token_is_explained_and_no_error() -> None:
    facts = {"data": {"is_valid": False, "error": {"code": 190, "subcode": 463, "message": "x"}, "scopes": []}}

    async def answer(request: GraphRequest) -> RawAnswer:
        assert request.explains_token
        assert CANARY not in repr(request)
        return RawAnswer(200, {}, json.dumps(facts).encode())

    async with ConversationSession(transport=Scripted(answer)) as session:
        info = await session.explain_token(Page("1001", CANARY))
    assert (info.valid, info.reason) == (False, "code 190, subcode 463: expired")


async def test_an_instagram_login_that_is_rejected_is_explained() -> None:
    world = World.seeded(pages=1)
    page = Page(world.pages["1001"].instagram_id or "", "IGAA-nobodys", graph="instagram")
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        assert not (await session.explain_token(page)).valid


async def test_a_page_without_a_linked_account_is_told_from_one_that_meta_says_nothing_of() -> None:
    world = World.seeded(pages=1, platforms=(MESSENGER,))
    page = Page("1001", world.pages["1001"].token)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        info = await session.explain_token(page)
        assert (info.instagram_known, info.instagram_id) == (True, None)
        world.pages["1001"].manners = Manners(missing_permission=10, kinds=["page"])
        assert not (await session.explain_token(page)).instagram_known


# -- why an Inbox may be empty -----------------------------------------------------------------------------------------

EVERYTHING = tuple({scope for needed in PERMISSIONS.values() for scope in needed})
GOOD = TokenInfo("1042", True, scopes=EVERYTHING, instagram_id="17841", instagram_known=True)


def page(**options: Any) -> Page:
    return Page("1042", CANARY, **options)


# What is known → words of the one answer.
KNOWN: list[tuple[Page, Platform, TokenInfo | None, str]] = [
    (page(tasks=["ANALYZE"]), MESSENGER, GOOD, "lacks the task MESSAGING"),
    (page(tasks=["ANALYZE"]), MESSENGER, None, "lacks the task MESSAGING"),
    (page(), MESSENGER, TokenInfo("1042", False, reason="code 190, subcode 463: expired"), "subcode 463: expired"),
    (page(), MESSENGER, TokenInfo("1042", True, scopes=()), "lacks pages_manage_metadata, pages_read_engagement"),
    (page(), INSTAGRAM, TokenInfo("1042", True, scopes=EVERYTHING, instagram_known=True), "no Instagram professional"),
    (
        page(graph="instagram"),
        INSTAGRAM,
        TokenInfo("1042", True, instagram_id="17841", instagram_known=True, graph="instagram"),
        "of account 17841",
    ),
    (
        page(),
        MESSENGER,
        TokenInfo("1042", True, scopes=EVERYTHING, granular={"pages_messaging": ("7",)}),
        "lacks pages_messaging:",
    ),
]


@pytest.mark.parametrize(("of", "platform", "info", "words"), KNOWN)
def test_a_cause_that_is_known_is_the_answer(of: Page, platform: Platform, info: TokenInfo | None, words: str) -> None:
    told = why_empty(of, Inbox("1042", platform), info)
    assert words in " ".join(told)
    assert "alike" not in " ".join(told)


def test_causes_that_meta_does_not_tell_apart_are_all_named() -> None:
    told = " ".join(why_empty(page(tasks=["MODERATE"]), Inbox("1042", INSTAGRAM), GOOD))
    for words in ("Advanced Access", "allow access to messages", "30 days", "nothing in it"):
        assert words in told
    assert "--folder all" in " ".join(why_empty(page(), Inbox("1042", MESSENGER), GOOD))
    untold = TokenInfo("1042", True, graph="instagram")
    assert "does not tell" in " ".join(why_empty(page(graph="instagram"), Inbox("1042", INSTAGRAM), untold))


def test_who_has_not_asked_meta_about_a_token_does_not_say_that_meta_does_not_tell() -> None:
    told = " ".join(why_empty(page(), Inbox("1042", MESSENGER), None))
    assert "usage -v asks Meta" in told
    assert "does not tell" not in told


def test_where_meta_was_not_asked_for_the_linked_account_nobody_says_there_is_none() -> None:
    untold = TokenInfo("1042", True, scopes=EVERYTHING)
    assert "no Instagram professional" not in " ".join(why_empty(page(), Inbox("1042", INSTAGRAM), untold))


def test_either_way_of_being_linked_puts_a_page_on_instagram() -> None:
    """Contract 6.9 has both fields."""
    for name in ("instagram_business_account", "connected_instagram_account"):
        assert account({"id": "1", name: {"id": "17841"}}).instagram_id == "17841"
    both = {"instagram_business_account": {"id": "2"}, "connected_instagram_account": {"id": "3"}}
    assert account({"id": "1", **both}).instagram_id == "2"


def test_permissions_of_instagram_are_granted_for_accounts_and_not_for_pages() -> None:
    info = TokenInfo("1042", True, scopes=EVERYTHING, granular={"instagram_basic": ("17841",)})
    assert info.missing(INSTAGRAM) == ()


async def test_the_one_call_whose_address_holds_the_token_does_not_show_it_when_it_fails() -> None:
    world = World.seeded(pages=1)
    world.manners = Manners(cut="before")
    page = Page("1001", world.pages["1001"].token)
    async with GraphEmulator(world) as graph, session_on(graph, retry=RetryPolicy(tries=1)) as session:
        with pytest.raises(ConnectFailed) as failed:
            await session.explain_token(page)
    shown = "".join(traceback.TracebackException.from_exception(failed.value, capture_locals=True).format())
    assert world.pages["1001"].token not in shown
    assert failed.value.__context__ is None
