"""The running path: session → socket → emulator, in virtual time."""

import asyncio
import gc
import math
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from blockbuster import blockbuster_ctx
from listing import (
    EVERY,
    INSTAGRAM,
    MESSENGER,
    keys,
    list_all,
    named,
    pages_of,
    session_on,
    settle_down,
    tasks_left,
    truth,
    turns,
)

from conversations_async import (
    AnswerTimedOut,
    AnswerUnreadable,
    ConnectFailed,
    ConversationSession,
    Cursor,
    Event,
    GraphRequest,
    GraphUnavailable,
    Inbox,
    InboxErrors,
    InboxFailed,
    LimitPolicy,
    Page,
    PagingStuck,
    PermissionMissing,
    RawAnswer,
    RetryPolicy,
    Secret,
    SessionClosed,
    Thread,
    ThreadQuery,
    TokenRejected,
    TokenUnavailable,
    TooMuchAsked,
    TransportFailed,
    WaitTooLong,
)
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, WindowModel, World
from conversations_async.events import AskingForLess, GateOpened, InboxEnded, InboxStarted, Refused, VersionDiffers
from conversations_async.model import TokenSource

pytestmark = pytest.mark.looptime


# -- listing -----------------------------------------------------------------------------------------------------------


async def test_every_thread_of_two_hundred_pages_on_both_platforms_comes_once_and_nobody_is_refused() -> None:
    world = World.seeded(pages=200, threads=(5, 60), seed=3)
    dead = ["1006", "1077"]
    for page_id in dead:
        world.pages[page_id].manners = Manners(dead_token=True)
    async with GraphEmulator(world, latency=0.05, jitter=0.05) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=ThreadQuery(threads_per_call=25))
    listed = keys(threads)
    assert len(listed) == len(set(listed))
    assert set(listed) == truth(world, without=dead)
    assert {inbox.page_id for inbox in failed} == set(dead)
    assert len(failed) == 4
    assert all(isinstance(failure.cause, TokenRejected) for failure in failed.values())
    assert [call for call in graph.calls if call.code == 613] == []
    assert graph.peak_connections <= 400


@pytest.mark.parametrize("window", list(WindowModel))
async def test_no_window_model_refuses_a_jittery_listing(window: WindowModel) -> None:
    world = World.seeded(pages=3, threads=120, seed=5)
    rules = LimitRules(model=window)
    async with (
        GraphEmulator(world, limits=rules, latency=0.08, jitter=0.2, tail=0.3, tail_share=0.1) as graph,
        session_on(graph) as session,
    ):
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert [call for call in graph.calls if call.refused] == []


async def test_a_thread_carries_its_inbox_and_what_meta_said() -> None:
    world = World.seeded(pages=1, threads=3, seed=2)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, _ = await list_all(session, pages_of(world), platforms=[MESSENGER])
    first, expected = threads[0], world.threads("1001", MESSENGER)[0]
    assert (first.page_id, first.platform, first.id) == ("1001", MESSENGER, expected.id)
    assert first.updated_time is not None
    assert first.updated_time.utcoffset() is not None
    assert {person.id for person in first.participants} == {person.id for person in expected.participants}
    assert first.message_count == expected.message_count
    times = [thread.updated_time for thread in threads if thread.updated_time is not None]
    assert times == sorted(times, reverse=True)


async def test_a_huge_inbox_does_not_hold_up_the_others() -> None:
    world = World.seeded(pages=21, threads=15, seed=1, platforms=(MESSENGER,))
    for _ in range(385):
        world.arrive("1001", MESSENGER)
    ended: list[str] = []

    def note(event: Event) -> None:
        if isinstance(event, InboxEnded):
            ended.append(event.inbox.page_id)

    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph, on_event=note) as session:
        threads, _ = await list_all(session, pages_of(world))
    assert set(keys(threads)) == truth(world)
    assert ended[-1] == "1001"
    firsts = [call.page_id for call in graph.calls[:21]]
    assert len(set(firsts)) == 21, "every Inbox has its first call before any has its third"


async def test_ten_thousand_inboxes_share_a_bounded_number_of_tasks_and_connections() -> None:
    answer = RawAnswer(200, {}, b'{"data":[{"id":"t_1"}]}')
    most = 0

    class Instant:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            nonlocal most
            most = max(most, len(asyncio.all_tasks()))
            await asyncio.sleep(0.01)
            return answer

    pages = [Page(str(number), "token-of-many") for number in range(1, 5001)]
    async with ConversationSession(transport=Instant(), connections=50) as session:
        threads, failed = await list_all(session, pages)
    assert len(threads) == 10_000
    assert not failed
    assert most <= 50 + 2


# -- surprises ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manners",
    [
        Manners(empty_pages={1, 2, 4}),
        Manners(trailing_empty=3),
        Manners(no_paging_when_single=True),
        Manners(cursors="after"),
        Manners(reduce_above=3),
        Manners(html=502, times=2),
        Manners(html=400, times=1),
        Manners(empty_body=True, times=2),
        Manners(service_unavailable=True, times=1),
        Manners(refuse=2, error_status=200, times=2),
        Manners(refuse=1, times=1),
        Manners(cut="before", times=1),
        Manners(cut="within", times=2),
        Manners(refuse=613, times=2),
        Manners(refuse=80006, regain_minutes=2, times=1),
        Manners(refuse=4, times=1),
        Manners(refuse=17, times=1),
        Manners(next_host="https://graph.example.invalid"),
        Manners(escapes=True),
        Manners(slow=5.0, times=1),
        Manners(usage_percent=144.0),
        Manners(error_without={"type", "fbtrace_id"}, refuse=2, times=1),
    ],
    ids=named,
)
async def test_a_surprise_costs_no_thread(manners: Manners) -> None:
    world = World.seeded(pages=2, threads=35, seed=4)
    world.pages["1001"].manners = manners
    async with GraphEmulator(world) as graph, session_on(graph, timeout=30.0) as session:
        threads, failed = await list_all(session, pages_of(world))
    listed = keys(threads)
    assert not failed
    assert len(listed) == len(set(listed))
    assert set(listed) == truth(world)


@pytest.mark.parametrize(
    ("manners", "cause"),
    [
        (Manners(dead_token=True), TokenRejected),
        (Manners(missing_permission=230), PermissionMissing),
        (Manners(missing_permission=10), PermissionMissing),
        (Manners(missing_permission=3), PermissionMissing),
        (Manners(reduce_above=0), TooMuchAsked),
        (Manners(repeating_cursor_at=2), PagingStuck),
        (Manners(raw_body=b"[" * 200_000), AnswerUnreadable),
        (Manners(raw_body=b'{"data": NaN}'), AnswerUnreadable),
        (Manners(raw_body=b'{"data": 7}'), AnswerUnreadable),
        (Manners(raw_body=b'{"data": [7, {"x": 1}]}'), AnswerUnreadable),
        (Manners(raw_body=b'{"data": [{"id": ' + b"1" * 5000 + b"}]}"), AnswerUnreadable),
        (Manners(raw_body=b"\xff\xfe\xfd"), AnswerUnreadable),
        (Manners(gzip_bomb=20 * 2**20), AnswerUnreadable),
    ],
    ids=named,
)
async def test_a_sick_page_fails_alone(manners: Manners, cause: type[Exception]) -> None:
    world = World.seeded(pages=3, threads=25, seed=4, platforms=(MESSENGER,))
    world.pages["1002"].manners = manners
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world))
    assert {inbox.page_id for inbox in failed} == {"1002"}
    assert isinstance(failed[Inbox("1002", MESSENGER)].cause, cause)
    assert truth(world, without=["1002"]) <= set(keys(threads))


async def test_a_redirect_is_not_followed() -> None:
    world = World.seeded(pages=2, threads=5, seed=4, platforms=(MESSENGER,))
    async with GraphEmulator(World.seeded(pages=1, threads=1)) as elsewhere, GraphEmulator(world) as graph:
        world.pages["1001"].manners = Manners(redirect=elsewhere.base_url + "/v25.0/1001/conversations")
        async with session_on(graph) as session:
            _, failed = await list_all(session, pages_of(world))
        assert elsewhere.calls == []
    assert list(failed) == [Inbox("1001", MESSENGER)]
    assert "redirect" in str(failed[Inbox("1001", MESSENGER)])


async def test_next_is_never_fetched_wherever_it_points() -> None:
    world = World.seeded(pages=1, threads=30, seed=4)
    async with GraphEmulator(World.seeded(pages=1, threads=1)) as elsewhere, GraphEmulator(world) as graph:
        world.pages["1001"].manners = Manners(next_host=elsewhere.base_url)
        async with session_on(graph) as session:
            threads, failed = await list_all(session, pages_of(world))
        assert elsewhere.calls == []
    assert not failed
    assert set(keys(threads)) == truth(world)


async def test_asking_for_less_is_told_and_the_walk_goes_on_from_the_same_cursor() -> None:
    world = World.seeded(pages=1, threads=40, seed=4, platforms=(INSTAGRAM,))
    world.pages["1001"].manners = Manners(reduce_above=6, after_calls=1)
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        threads, failed = await list_all(session, pages_of(world), query=ThreadQuery(threads_per_call=20))
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert [event.threads_per_call for event in events if isinstance(event, AskingForLess)][:2] == [10, 5]


async def test_a_version_that_meta_replaced_is_told_once() -> None:
    world = World.seeded(pages=2, threads=25, seed=4)
    world.manners = Manners(version_header="v26.0")
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        await list_all(session, pages_of(world))
    assert [event for event in events if isinstance(event, VersionDiffers)] == [VersionDiffers("v25.0", "v26.0")]


async def test_threads_that_move_during_the_listing_are_found_by_settling() -> None:
    world = World.seeded(pages=2, threads=60, seed=9)
    before = truth(world)
    world.manners = Manners(arrivals_per_call=2, times=8)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world))
    listed = keys(threads)
    assert not failed
    assert before <= set(listed)
    assert len(listed) == len(set(listed))


# -- limits ------------------------------------------------------------------------------------------------------------


async def test_80006_rests_the_page_for_metas_time_and_the_others_not_at_all() -> None:
    world = World.seeded(pages=3, threads=25, seed=4, platforms=(MESSENGER,))
    world.pages["1002"].manners = Manners(refuse=80006, regain_minutes=5, times=1)
    events: list[Event] = []
    loop = asyncio.get_running_loop()
    ended: dict[str, float] = {}

    def note(event: Event) -> None:
        events.append(event)
        if isinstance(event, InboxEnded):
            ended[event.inbox.page_id] = loop.time()

    async with GraphEmulator(world) as graph, session_on(graph, on_event=note) as session:
        started = loop.time()
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert ended["1001"] - started < 5
    assert ended["1003"] - started < 5
    assert 300 <= ended["1002"] - started < 310
    refused = [event for event in events if isinstance(event, Refused)]
    assert [(event.pool.kind, event.pool.id, event.stated) for event in refused] == [("messenger", "1002", True)]
    assert len([event for event in events if isinstance(event, GateOpened)]) == 1


async def test_max_wait_fails_the_inbox_before_anything_is_sent() -> None:
    world = World.seeded(pages=2, threads=5, seed=4, platforms=(MESSENGER,))
    world.pages["1001"].manners = Manners(refuse=80006, regain_minutes=5, times=1)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), max_wait=10.0)
        sent = len(graph.calls)
        with pytest.raises(WaitTooLong) as caught:
            await session.thread_with(pages_of(world)[0], MESSENGER, "12345", max_wait=10.0)
        assert len(graph.calls) == sent
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, WaitTooLong)
    assert caught.value.retry_after is not None
    assert 280 < caught.value.retry_after <= 300
    assert set(keys(threads)) == truth(world, without=["1001"])


async def test_an_outage_of_the_host_is_waited_out_by_all() -> None:
    world = World.seeded(pages=20, threads=25, seed=4, platforms=(MESSENGER,))
    world.manners = Manners(html=502, since=0.3, until=60.0)
    loop = asyncio.get_running_loop()
    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph) as session:
        started = loop.time()
        threads, failed = await list_all(session, pages_of(world))
        took = loop.time() - started
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert took < 80
    into_it = [call for call in graph.calls if call.status == 502]
    assert len(into_it) < 45, "the shared gate sends one probe at a time"


async def test_a_page_that_only_ever_fails_does_not_close_the_host_for_others() -> None:
    world = World.seeded(pages=4, threads=60, seed=4, platforms=(MESSENGER,))
    world.pages["1001"].manners = Manners(html=500)
    loop = asyncio.get_running_loop()
    ended: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, InboxEnded):
            ended[event.inbox.page_id] = loop.time() - started

    async with (
        GraphEmulator(world, latency=0.05) as graph,
        session_on(graph, on_event=note, retry=RetryPolicy(give_up_after=120.0)) as session,
    ):
        started = loop.time()
        _, failed = await list_all(session, pages_of(world))
    assert {inbox.page_id for inbox in failed} == {"1001"}
    assert max(ended[page] for page in ("1002", "1003", "1004")) < 6


async def test_without_pacing_nothing_waits() -> None:
    world = World.seeded(pages=2, threads=50, seed=4)
    loop = asyncio.get_running_loop()
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        session_on(graph, limits=LimitPolicy(calls_per_second=0)) as session,
    ):
        started = loop.time()
        threads, failed = await list_all(session, pages_of(world))
        assert loop.time() - started < 0.5
    assert not failed
    assert set(keys(threads)) == truth(world)


# -- failing -----------------------------------------------------------------------------------------------------------


async def test_fail_fast_raises_the_first_failure_at_once() -> None:
    world = World.seeded(pages=5, threads=40, seed=4)
    world.pages["1003"].manners = Manners(dead_token=True)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        with pytest.raises(InboxFailed, match="token rejected"):
            await list_all(session, pages_of(world), fail_fast=True)
        assert tasks_left() == []


async def test_after_the_first_failure_fail_fast_makes_no_further_call() -> None:
    world = World.seeded(pages=30, threads=60, seed=4)
    world.pages["1003"].manners = Manners(dead_token=True)
    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph) as session:
        with pytest.raises(InboxFailed):  # noqa: PT012  # a slow consumer is the point
            async for _ in session.threads(pages_of(world), query=EVERY, fail_fast=True):
                await asyncio.sleep(0.001)
    assert len(graph.calls) <= 2 * 60, "one call of each Inbox was under way, a second at most on its way"


async def test_a_failed_inbox_is_taken_up_where_it_broke() -> None:
    world = World.seeded(pages=1, threads=45, seed=4, platforms=(MESSENGER,))
    world.pages["1001"].manners = Manners(dead_token=True, after_calls=2, times=1)
    seen: list[tuple[Inbox, str]] = []
    resume: dict[Inbox, Cursor] = {}
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        with pytest.raises(InboxErrors) as caught:  # noqa: PT012  # what came before the failure counts
            async for page in session.thread_pages(pages_of(world), query=EVERY):
                seen += keys(page.threads)
        resume = {f.inbox: f.resume for f in caught.value.failures if f.resume is not None}
        assert len(seen) == 20
        async for page in session.thread_pages(pages_of(world), query=EVERY, resume=resume):
            seen += keys(page.threads)
    assert set(seen) == truth(world)
    assert len([call for call in graph.calls if call.status == 200]) == 7, (
        "3 pages to go, a proof, 1 to settle: none twice"
    )


async def test_a_retry_gives_up_after_the_time_its_policy_allows() -> None:
    world = World.seeded(pages=1, threads=5, seed=4, platforms=(MESSENGER,))
    world.manners = Manners(html=500)
    loop = asyncio.get_running_loop()
    async with (
        GraphEmulator(world) as graph,
        session_on(graph, retry=RetryPolicy(give_up_after=60.0)) as session,
    ):
        started = loop.time()
        _, failed = await list_all(session, pages_of(world))
        assert 60 <= loop.time() - started < 75
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, GraphUnavailable)


async def test_an_interactive_call_fails_fast() -> None:
    world = World.seeded(pages=1, threads=5, seed=4, platforms=(MESSENGER,))
    world.manners = Manners(html=500)
    async with GraphEmulator(world) as graph, session_on(graph, retry=RetryPolicy.interactive()) as session:
        with pytest.raises(GraphUnavailable):
            await session.thread_with(pages_of(world)[0], MESSENGER, "77")
        assert len(graph.calls) == 3


async def test_no_answer_in_time_and_no_connection_are_errors_of_ours_and_builtin_ones() -> None:
    world = World.seeded(pages=1, threads=5, seed=4, platforms=(MESSENGER,))
    once = RetryPolicy(tries=1)
    world.manners = Manners(drip=5.0)
    async with GraphEmulator(world) as graph:
        async with session_on(graph, retry=once, timeout=12.0) as session:
            _, failed = await list_all(session, pages_of(world))
            cause = failed[Inbox("1001", MESSENGER)].cause
            assert isinstance(cause, AnswerTimedOut)
            assert isinstance(cause, TimeoutError)
        gone = graph.base_url
    async with ConversationSession(base_url=gone, retry=once) as session:
        _, failed = await list_all(session, pages_of(world))
        cause = failed[Inbox("1001", MESSENGER)].cause
        assert isinstance(cause, ConnectFailed)
        assert isinstance(cause, ConnectionError)


# -- tokens ------------------------------------------------------------------------------------------------------------


async def test_a_token_callable_is_asked_once_and_again_after_a_rejection() -> None:
    world = World.seeded(pages=1, threads=25, seed=4)
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        return "EAAstale00000000" if asked == 1 else world.pages["1001"].token

    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, [Page("1001", token)])
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert asked == 2


async def test_a_rejected_token_is_never_sent_twice() -> None:
    world = World.seeded(pages=1, threads=25, seed=4, platforms=(MESSENGER,))
    asked = 0

    async def token() -> str:
        nonlocal asked
        asked += 1
        return "EAAstale00000000"

    async with GraphEmulator(world) as graph, session_on(graph) as session:
        _, failed = await list_all(session, [Page("1001", token, platforms=(MESSENGER,))])
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, TokenRejected)
    assert asked == 2
    assert len(graph.calls) == 1


@pytest.mark.parametrize("broken", [RuntimeError("EAAsecret0000000"), "", "two words", 7])
async def test_a_token_callable_that_gives_none_fails_its_page_alone(broken: object) -> None:
    world = World.seeded(pages=2, threads=5, seed=4, platforms=(MESSENGER,))

    async def token() -> str:
        if isinstance(broken, Exception):
            raise broken
        return broken  # type: ignore[return-value]  # what is refused

    pages = [Page("1001", token, platforms=(MESSENGER,)), pages_of(world)[1]]
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages)
        assert {call.page_id for call in graph.calls} == {"1002"}
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, TokenUnavailable)
    assert "EAAsecret" not in str(failed[Inbox("1001", MESSENGER)])
    assert set(keys(threads)) == truth(world, without=["1001"])


async def test_the_token_goes_into_a_header_unless_asked_otherwise() -> None:
    world = World.seeded(pages=1, threads=2, seed=4)
    async with GraphEmulator(world) as graph:
        async with session_on(graph) as session:
            await list_all(session, pages_of(world))
        assert {call.via for call in graph.calls} == {"header"}
        graph.calls.clear()
        async with session_on(graph, token_in="query") as session:
            await list_all(session, pages_of(world))
        assert {call.via for call in graph.calls} == {"query"}


async def test_an_app_secret_proves_every_call() -> None:
    world = World.seeded(pages=1, threads=2, seed=4, app_secret="app-secret-0001")
    async with GraphEmulator(world) as graph:
        async with session_on(graph) as session:
            _, failed = await list_all(session, pages_of(world))
            assert len(failed) == 2
        async with session_on(graph, app_secret="app-secret-0001") as session:
            threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)


# -- one person --------------------------------------------------------------------------------------------------------


async def test_the_thread_with_one_person_is_one_call() -> None:
    world = World.seeded(pages=1, threads=40, seed=4)
    wanted = world.threads("1001", MESSENGER)[30]
    person = next(p for p in wanted.participants if p.id != "1001")
    async with GraphEmulator(world) as graph, session_on(graph, retry=RetryPolicy.interactive()) as session:
        page = pages_of(world)[0]
        found = await session.thread_with(page, MESSENGER, person.id, max_wait=2.0)
        assert len(graph.calls) == 1
        nobody = await session.thread_with(page, "instagram", "999999999")
    assert found is not None
    assert found.id == wanted.id
    assert nobody is None


async def test_usage_is_what_meta_last_said() -> None:
    world = World.seeded(pages=1, threads=4, seed=4)
    world.manners = Manners(usage_percent=88.0)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        inbox = Inbox("1001", MESSENGER)
        assert session.usage(inbox) is None
        await list_all(session, pages_of(world))
        usage = session.usage(inbox)
    assert usage is not None
    assert usage.percent == 88.0


# -- lifetimes ---------------------------------------------------------------------------------------------------------


async def test_a_session_is_used_between_entry_and_exit_only() -> None:
    session = ConversationSession()
    with pytest.raises(SessionClosed, match="async with"):
        await anext(session.threads([]))
    with pytest.raises(TypeError, match="async with"), session:
        pass
    async with session:
        pass
    with pytest.raises(SessionClosed, match="ended"):
        await anext(session.threads([]))
    await session.aclose()
    with pytest.raises(SessionClosed, match="once"):
        async with session:
            pass


@pytest.mark.parametrize("options", [{"timeout": 0}, {"timeout": -1.0}, {"timeout": math.inf}, {"connections": 0}])
def test_what_could_never_work_is_refused_at_once(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(options))):
        ConversationSession(**options)


async def test_a_borrowed_http_session_stays_open() -> None:
    world = World.seeded(pages=1, threads=2, seed=4)
    async with GraphEmulator(world) as graph, aiohttp.ClientSession() as http:
        async with session_on(graph, http=http) as session:
            threads, _ = await list_all(session, pages_of(world))
        assert not http.closed
    assert set(keys(threads)) == truth(world)


async def test_an_own_transport_is_asked_for_everything() -> None:
    asked: list[GraphRequest] = []

    class Recorded:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            asked.append(request)
            if len(asked) > 1:
                raise KeyError("a bug in a transport")
            return RawAnswer(
                200,
                {"Content-Type": "application/json"},
                b'{"data":[{"id":"t_1"}],"paging":{"next":"x","cursors":{"after":"c"}}}',
            )

    async with ConversationSession(transport=Recorded(), retry=RetryPolicy(tries=1)) as session:
        threads, failed = await list_all(session, [Page("1", "token-0001", platforms=(MESSENGER,))])
    assert [thread.id for thread in threads] == ["t_1"]
    cause = failed[Inbox("1", MESSENGER)].cause
    assert isinstance(cause, TransportFailed)
    assert "KeyError" in str(cause)
    assert asked[1].query.endswith("&limit=10&after=c")


async def test_a_page_given_twice_is_refused() -> None:
    async with ConversationSession() as session:
        with pytest.raises(ValueError, match="twice"):
            await anext(session.threads([Page("1", "token-0001"), Page("1", "token-0002")]))
        with pytest.raises(TypeError, match="list"):
            await anext(session.threads(Page("1", "token-0001")))  # type: ignore[arg-type]  # what is refused


USER_TOKEN = "token-of-the-user"

CALLS: dict[str, Callable[[ConversationSession, Page], Awaitable[object]]] = {
    "thread_with": lambda session, page: session.thread_with(page, MESSENGER, "5"),
    "messages": lambda session, page: anext(session.messages(page, "t_1")),
    "pages_of": lambda session, _: anext(session.pages_of(USER_TOKEN)),
    "explain_token": lambda session, page: session.explain_token(page),
}


@pytest.mark.parametrize("method", CALLS)
@pytest.mark.parametrize(
    "manners", [Manners(slow=30.0), Manners(refuse=4), Manners(html=502)], ids=["slow", "gate", "retry"]
)
async def test_closing_the_session_ends_a_call_that_somebody_waits_for(manners: Manners, method: str) -> None:
    world = World.seeded(pages=1, threads=3, seed=4, platforms=(MESSENGER,))
    world.manners = manners
    world.user.token = USER_TOKEN
    async with GraphEmulator(world) as graph:
        async with session_on(graph) as session:
            call = asyncio.ensure_future(CALLS[method](session, pages_of(world)[0]))
            await asyncio.sleep(5)
        with pytest.raises(SessionClosed, match="while this call ran"):
            await call
        assert tasks_left() == []


async def test_closing_the_session_leaves_whoever_reads_messages_to_what_they_do() -> None:
    """Between two messages no call is waited for: the next call, and nothing of the reader's, finds the end."""
    world = World.seeded(pages=1, threads=1, messages=120, seed=4, platforms=(MESSENGER,))
    (thread,) = world.threads("1001", MESSENGER)
    async with GraphEmulator(world) as graph:
        session = session_on(graph)
        read = 0

        async def read_all() -> None:
            nonlocal read
            async with session, aclosing(session.messages(pages_of(world)[0], thread.id)) as messages:
                async for _ in messages:
                    read += 1
                    await session.aclose()
                    await asyncio.sleep(0.01)

        with pytest.raises(SessionClosed):
            await read_all()
        assert 0 < read < 120


async def test_a_borrowed_http_session_that_raises_for_statuses_changes_nothing() -> None:
    world = World.seeded(pages=1, threads=3, seed=4, platforms=(MESSENGER,))
    world.manners = Manners(dead_token=True)
    async with (
        GraphEmulator(world) as graph,
        aiohttp.ClientSession(raise_for_status=True) as http,
        session_on(graph, http=http) as session,
    ):
        _, failed = await list_all(session, pages_of(world))
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, TokenRejected)
    with pytest.raises(SessionClosed, match="closed"):
        async with session_on(graph, http=http):
            pass


def test_instagram_login_keeps_its_own_host_however_the_usual_one_is_written() -> None:
    assert ConversationSession(base_url="https://graph.facebook.com/")._instagram_url == "https://graph.instagram.com"
    assert ConversationSession(base_url="https://proxy.example/")._instagram_url == "https://proxy.example"


async def test_a_fault_in_a_transports_code_is_final_and_a_broken_network_is_not() -> None:
    asked = 0

    class Faulty:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            nonlocal asked
            asked += 1
            raise ConnectionResetError if asked < 3 else TypeError("a bug")

    async with ConversationSession(transport=Faulty()) as session:
        _, failed = await list_all(session, [Page("1", "token-0001", platforms=(MESSENGER,))])
    assert asked == 3
    assert "TypeError" in str(failed[Inbox("1", MESSENGER)])


async def test_a_token_callable_that_hangs_or_is_cancelled_fails_its_page_alone() -> None:
    world = World.seeded(pages=3, threads=5, seed=4, platforms=(MESSENGER,))

    async def hangs() -> str:
        await asyncio.sleep(1e6)
        raise AssertionError

    async def is_cancelled() -> str:
        raise asyncio.CancelledError

    pages = [Page("1001", hangs, platforms=("messenger",)), Page("1002", is_cancelled, platforms=("messenger",))]
    async with GraphEmulator(world) as graph, session_on(graph, connections=1) as session:
        threads, failed = await list_all(session, [*pages, pages_of(world)[2]])
    assert set(keys(threads)) == truth(world, without=["1001", "1002"])
    assert {inbox.page_id: type(failure.cause) for inbox, failure in failed.items()} == {
        "1001": TokenUnavailable,
        "1002": TokenUnavailable,
    }


async def test_a_page_given_anew_with_another_token_callable_is_asked_by_that_one() -> None:
    world = World.seeded(pages=1, threads=5, seed=4, platforms=(MESSENGER,))

    async def mine() -> str:
        return world.pages["1001"].token

    async def somebody_elses() -> str:
        return "EAAsomebodyelses"

    async with GraphEmulator(world) as graph, session_on(graph) as session:
        _, failed = await list_all(session, [Page("1001", mine, platforms=("messenger",))])
        assert not failed
        _, failed = await list_all(session, [Page("1001", somebody_elses, platforms=("messenger",))])
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, TokenRejected)


async def test_what_a_token_callable_told_is_forgotten_with_it_and_it_may_be_any_object() -> None:
    world = World.seeded(pages=1, threads=2, seed=4, platforms=(MESSENGER,))
    asked: list[str] = []

    class Vault:
        __hash__ = None  # type: ignore[assignment]  # as a dataclass has none

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Vault)

        async def __call__(self) -> str:
            asked.append("called")
            return world.pages["1001"].token

        async def token(self) -> str:
            asked.append("a method")
            return await self()

    def page(source: TokenSource) -> Page:
        return Page("1001", source, platforms=("messenger",))

    async with GraphEmulator(world) as graph, session_on(graph) as session:
        vault = Vault()
        for _ in range(3):
            # A method is another object each time it is looked up.
            assert await list_all(session, [page(vault.token)]) != ([], {})
        assert asked == ["a method", "called"]
        held = []
        for _ in range(5):
            vault = Vault()
            held.append(weakref.ref(vault))
            await list_all(session, [page(vault)])
        assert asked.count("called") == 6
        del vault
        gc.collect()
        # Of each Inbox one Page is known as long as the session lasts.
        assert sum(each() is not None for each in held) <= 1


async def test_cancelling_a_listings_calls_from_outside_ends_it_with_an_error() -> None:
    world = World.seeded(pages=2, threads=25, seed=4)
    async with GraphEmulator(world, latency=0.1) as graph, session_on(graph) as session:
        listing = asyncio.create_task(list_all(session, pages_of(world)))
        await asyncio.sleep(0.05)
        for task in asyncio.all_tasks():
            if task.get_name().startswith("conversations-async"):
                task.cancel()
        with pytest.raises(SessionClosed, match="from outside"):
            await listing


async def test_a_token_in_the_query_is_encoded() -> None:
    world = World.seeded(pages=1, threads=2, seed=4, token=lambda _: "1234567|a+b%41&c#d")
    async with GraphEmulator(world) as graph, session_on(graph, token_in="query") as session:
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)


async def test_a_resume_of_none_begins_at_the_head() -> None:
    world = World.seeded(pages=1, threads=5, seed=4, platforms=(MESSENGER,))
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        pages = session.thread_pages(pages_of(world), resume={Inbox("1001", MESSENGER): None})
        assert [len(page.threads) async for page in pages] == [5]


async def test_a_slow_consumer_stops_the_lanes() -> None:
    world = World.seeded(pages=10, threads=100, seed=4)
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        session_on(graph, limits=LimitPolicy(calls_per_second=0), connections=6) as session,
    ):
        pages = session.thread_pages(pages_of(world), query=EVERY)
        await anext(pages)
        await asyncio.sleep(30)
        assert len(graph.calls) <= 6
        await anext(pages)
        await asyncio.sleep(30)
        assert len(graph.calls) <= 7
        await pages.aclose()


# -- leaving early -----------------------------------------------------------------------------------------------------


async def left(graph: GraphEmulator) -> tuple[int, list[str]]:
    await settle_down(graph)
    return graph.open_connections, tasks_left()


async def test_a_break_with_aclosing_leaves_no_task_at_once() -> None:
    world = World.seeded(pages=10, threads=40, seed=4)
    async with GraphEmulator(world, latency=0.05) as graph:
        async with session_on(graph) as session:
            async with aclosing(session.threads(pages_of(world), query=EVERY)) as threads:
                async for _ in threads:
                    break
            assert tasks_left() == []
        assert await left(graph) == (0, [])


async def test_a_break_without_aclosing_leaves_nothing_once_the_generator_is_collected() -> None:
    world = World.seeded(pages=10, threads=40, seed=4)
    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph) as session:

        async def first() -> Thread:
            async for thread in session.threads(pages_of(world), query=EVERY):
                return thread
            raise AssertionError

        await first()
        gc.collect()
        await turns(20)
        assert tasks_left() == []
        threads, failed = await list_all(session, pages_of(world))
        assert not failed
        assert set(keys(threads)) == truth(world)


async def test_closing_the_session_ends_a_generator_that_is_still_held() -> None:
    world = World.seeded(pages=10, threads=40, seed=4)
    async with GraphEmulator(world, latency=0.05) as graph:
        async with session_on(graph) as session:
            held = session.threads(pages_of(world), query=EVERY)
            await anext(held)
        assert await left(graph) == (0, [])
        with pytest.raises(SessionClosed):
            async for _ in held:
                pass


async def test_a_consumer_that_is_cancelled_twice_leaves_nothing() -> None:
    world = World.seeded(pages=5, threads=25, seed=4)
    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph) as session:
        listing = asyncio.create_task(list_all(session, pages_of(world)))
        await asyncio.sleep(0.06)
        held = weakref.ref(next(iter(session._listings)))
        listing.cancel()
        await asyncio.sleep(0)
        listing.cancel()
        await asyncio.wait([listing])
        del listing
        await turns(20)
        gc.collect()
        assert (held(), tasks_left()) == (None, [])


@pytest.mark.parametrize("turn", range(24))
async def test_what_a_reader_fails_with_is_not_lost_among_calls_that_fail_meanwhile(turn: int) -> None:
    world = World.seeded(pages=20, threads=25, seed=4, platforms=(MESSENGER,))
    for each in list(world.pages.values())[1:]:
        each.manners = Manners(dead_token=True)
    place = Cursor(None, datetime(2026, 1, 1, tzinfo=UTC))

    async def held(_: Inbox) -> dict[str, str]:
        await turns(turn)
        raise LookupError("the database is gone")

    async with GraphEmulator(world) as graph, session_on(graph, limits=LimitPolicy(calls_per_second=500)) as session:
        with pytest.raises(LookupError, match="database"):
            async for _ in session.thread_pages(pages_of(world), resume={Inbox("1001", MESSENGER): place}, held=held):
                pass


@pytest.mark.parametrize("turn", range(0, 120, 5))
async def test_a_worker_that_is_cancelled_while_it_idles_ends_the_listing_with_an_error(turn: int) -> None:
    world = World.seeded(pages=4, threads=25, seed=4)
    query = ThreadQuery(threads_per_call=10)
    async with GraphEmulator(world) as graph, session_on(graph, limits=LimitPolicy(calls_per_second=500)) as session:
        listing = asyncio.create_task(list_all(session, pages_of(world), query=query))
        await turns(turn)
        workers = [task for task in asyncio.all_tasks() if task.get_name() == "conversations-async lane worker"]
        if workers:
            workers[turn % len(workers)].cancel()
        await asyncio.wait([listing])
        assert not workers or listing.exception() is None or isinstance(listing.exception(), SessionClosed)


async def test_an_exception_in_the_consumers_body_leaves_nothing() -> None:
    world = World.seeded(pages=10, threads=40, seed=4)

    async def consume(threads: AsyncGenerator[Thread, None]) -> None:
        async with aclosing(threads):
            async for _ in threads:
                raise LookupError("the consumer's own")

    async with GraphEmulator(world, latency=0.05) as graph:
        async with session_on(graph) as session:
            with pytest.raises(LookupError):
                await consume(session.threads(pages_of(world), query=EVERY))
            assert tasks_left() == []
        assert await left(graph) == (0, [])


async def test_a_timeout_around_a_listing_ends_it() -> None:
    world = World.seeded(pages=10, threads=200, seed=4)
    async with GraphEmulator(world, latency=0.05) as graph:
        async with session_on(graph) as session:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.3):
                    await list_all(session, pages_of(world))
            await turns(20)
            assert tasks_left() == []
            found = await session.thread_with(pages_of(world)[0], MESSENGER, "5", max_wait=5.0)
            assert found is None, "no slot is lost: the next call of the same Inbox goes through"
        assert await left(graph) == (0, [])


@pytest.mark.parametrize("raised", [ZeroDivisionError, asyncio.CancelledError])
async def test_a_hook_that_raises_ends_nothing(caplog: pytest.LogCaptureFixture, raised: type[BaseException]) -> None:
    world = World.seeded(pages=1, threads=3, seed=4)

    def hook(event: Event) -> None:
        raise raised

    async with GraphEmulator(world) as graph, session_on(graph, on_event=hook) as session:
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert f"on_event raised {raised.__name__}" in caplog.text


async def test_who_listens_twice_is_left_once_where_one_of_the_two_ends() -> None:
    world = World.seeded(pages=1, threads=3, seed=4)
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        end = session.listen(events.append)
        await list_all(session, pages_of(world))
        both = len(events)
        end()
        end()
        await list_all(session, pages_of(world))
    assert 0 < len(events) - both == both // 2


async def test_events_tell_the_beginning_and_the_end_of_every_inbox() -> None:
    world = World.seeded(pages=2, threads=25, seed=4)
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        await list_all(session, pages_of(world))
    started = [event.inbox for event in events if isinstance(event, InboxStarted)]
    ended = {event.inbox: event for event in events if isinstance(event, InboxEnded)}
    assert len(started) == len(set(started)) == 4
    assert set(ended) == set(started)
    assert all(event.threads == 25 and event.calls == 4 for event in ended.values())


async def test_nothing_in_a_listing_blocks_the_loop() -> None:
    world = World.seeded(pages=2, threads=25, seed=4)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        with blockbuster_ctx("conversations_async", excluded_modules=["conversations_async.emulator"]):
            threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)


async def test_a_session_that_lists_the_same_inboxes_for_as_long_as_it_lives_keeps_no_more_of_them() -> None:
    """As an app does that asks for what is new every few seconds."""

    class Instant:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            return RawAnswer(200, {}, b'{"data":[{"id":"t_1"}]}')

    def kept() -> int:
        gc.collect()
        return sum(type(each) is Inbox for each in gc.get_objects())

    pages = [Page(str(number), "token-of-many") for number in range(1, 11)]
    limits = LimitPolicy(calls_per_second=0)
    async with ConversationSession(transport=Instant(), limits=limits) as session:
        for _ in range(3):
            await list_all(session, pages)
        before = kept()
        for _ in range(20):
            await list_all(session, pages)
        assert kept() <= before + 5
