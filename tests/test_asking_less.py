"""Threads that break answers, answers that are too much, listings that are refused: through the session."""

import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from listing import INSTAGRAM, MESSENGER, keys, list_all, pages_of, session_on, truth

from conversations_async import (
    ConversationSession,
    Event,
    GraphError,
    GraphRequest,
    GraphUnavailable,
    Inbox,
    InboxFailed,
    ListingUnavailable,
    Page,
    Platform,
    RawAnswer,
    RetryPolicy,
    Secret,
    Thread,
    ThreadQuery,
    TooMuchAsked,
    UnavailableThread,
)
from conversations_async.emulator import GraphEmulator, Manners, World
from conversations_async.emulator.manners import CallKind
from conversations_async.events import (
    AskingForLess,
    BoundsRefused,
    ListingDoubted,
    ListingLean,
    LookingForThread,
    ThreadUnavailable,
)

pytestmark = pytest.mark.looptime

FULL = ThreadQuery(fields="id,updated_time,participants,message_count", threads_per_call=25)


def a_world(threads: int, platform: Platform = INSTAGRAM, seed: int = 4) -> World:
    return World.seeded(pages=1, threads=threads, seed=seed, platforms=(platform,))


async def listed(
    world: World, query: ThreadQuery = FULL, **options: object
) -> tuple[list[Thread], list[Event], int, dict[Inbox, InboxFailed]]:
    """The threads, the events, the calls, and what failed."""
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append, **options) as session:
        threads, failed = await list_all(session, pages_of(world), query=query)
        return threads, events, len(graph.calls), failed


def of(kind: type, events: Iterable[Event]) -> list[Event]:
    return [event for event in events if isinstance(event, kind)]


# -- poison ------------------------------------------------------------------------------------------------------------

# What is poisoned, as places in the list, newest first.
POISONED = [
    ("one in the middle", [37]),
    ("the first", [0]),
    ("the last", [119]),
    ("three apart", [3, 50, 100]),
    ("three adjoining", [60, 61, 62]),
    ("three across a seam", [24, 25, 26]),
    ("the first three", [0, 1, 2]),
    ("the last three", [117, 118, 119]),
]
HEALTHY: dict[int, int] = {}
"""The calls that the same listing takes with nothing poisoned, by threads a call."""


@pytest.mark.parametrize("limit", [10, 25, 100])
@pytest.mark.parametrize("places", [row[1] for row in POISONED], ids=[row[0] for row in POISONED])
async def test_a_thread_that_breaks_answers_is_marked_and_all_others_come_whole(places: list[int], limit: int) -> None:
    """Contract 7.2: OAuthException, code 1."""
    query = ThreadQuery(fields=FULL.fields, threads_per_call=limit)
    if limit not in HEALTHY:
        _, _, HEALTHY[limit], _ = await listed(a_world(120), query)
    world = a_world(120)
    order = [thread.id for thread in world.threads("1001", INSTAGRAM)]
    poisoned = {order[place] for place in places}
    world.pages["1001"].manners = Manners(poisoned=poisoned)
    threads, events, calls, failed = await listed(world, query)
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert len(threads) == 120
    for thread in threads:
        assert isinstance(thread, UnavailableThread) is (thread.id in poisoned)
        assert thread.updated_time is not None
        if isinstance(thread, UnavailableThread):
            assert isinstance(thread.cause, GraphError)
        else:
            assert "participants" in thread.raw
    assert {event.thread_id for event in events if isinstance(event, ThreadUnavailable)} == poisoned
    k = len(places)
    assert calls - HEALTHY[limit] <= 2 * k * math.log2(limit) + k


@pytest.mark.parametrize("limit", [3, 5])
async def test_the_bar_for_threads_that_break_answers_holds_at_small_limits_too(limit: int) -> None:
    """Instagram's listings stand few threads a call (contract 5.3): there the walk is when it meets such a thread."""
    query = ThreadQuery(fields=FULL.fields, threads_per_call=limit)
    _, _, healthy, _ = await listed(a_world(60), query)
    world = a_world(60)
    world.pages["1001"].manners = Manners(poisoned=[world.threads("1001", INSTAGRAM)[30].id])
    threads, _, calls, _ = await listed(world, query)
    assert set(keys(threads)) == truth(world)
    assert calls - healthy <= 2 * math.log2(limit) + 1


async def test_a_thread_that_cannot_even_be_listed_ends_the_inbox_with_its_cursor() -> None:
    world = a_world(60)
    order = [thread.id for thread in world.threads("1001", INSTAGRAM)]
    world.pages["1001"].manners = Manners(poisoned=[order[40]], poisoned_lean=True)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=FULL)
        failure = failed[Inbox("1001", INSTAGRAM)]
        assert [thread.id for thread in threads] == order[:40]
        assert failure.resume is not None
        assert failure.resume.after is not None
        assert isinstance(failure.cause, ListingUnavailable)
        world.pages["1001"].manners = ()
        rest: set[str] = set()
        async for page in session.thread_pages(pages_of(world), query=FULL, resume={failure.inbox: failure.resume}):
            rest |= {thread.id for thread in page.threads}
    assert rest >= set(order[40:])


async def test_an_outage_with_code_1_marks_nobody() -> None:
    world = a_world(60)
    world.manners = Manners(refuse=1, since=0.6, until=30.0)
    threads, events, _, failed = await listed(world)
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert not any(isinstance(thread, UnavailableThread) for thread in threads)
    assert not of(ThreadUnavailable, events)


# -- too much ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", [MESSENGER, INSTAGRAM])
@pytest.mark.parametrize("above", [1, 5, 10, 25])
@pytest.mark.parametrize("nested", [False, True])
async def test_a_listing_completes_with_what_meta_stands(above: int, nested: bool, platform: Platform) -> None:
    """Contract 5.3: reports of 1, 5 and others."""
    world = a_world(90, platform)
    manners = Manners(reduce_nested_above=above) if nested else Manners(reduce_above=above)
    world.pages["1001"].manners = manners
    threads, events, _, failed = await listed(world, ThreadQuery(fields=FULL.fields, threads_per_call=50))
    assert not failed
    assert len(threads) == 90
    assert set(keys(threads)) == truth(world)
    assert all("participants" in thread.raw for thread in threads)
    limits = [event.threads_per_call for event in events if isinstance(event, AskingForLess)]
    assert min(limits) <= above < 2 * min(limits) + 1
    assert of(LookingForThread, events) == []
    if above <= 10:
        assert len(limits) > sum(limit > above for limit in (50, 25, 12, 6, 3)), "more is tried again"


async def test_where_one_nested_thread_is_too_much_ids_are_listed_and_threads_asked_for() -> None:
    world = a_world(30)
    world.pages["1001"].manners = Manners(reduce_nested_above=0, kinds=[CallKind.LISTING])
    threads, events, calls, failed = await listed(world)
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert all("participants" in thread.raw for thread in threads)
    assert of(ListingLean, events)
    # 25, 12, 6, 3, 1; two lean answers, thirty threads, the head again.
    assert calls == 5 + 2 + 30 + 1


class OneThreadIsTooMuch:
    """A listing whose threads cannot be told with their nested fields, not even one by itself."""

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        if "participants" in request.query or "messages" in request.query:
            error = {"code": 1, "message": "Please reduce the amount of data you're asking for, then retry"}
            return RawAnswer(500, {}, json.dumps({"error": error}).encode())
        listed = {"id": "t_1", "updated_time": "2026-05-04T13:32:08+0000"}
        answer = {"data": [listed]} if request.path.endswith("conversations") else listed
        return RawAnswer(200, {}, json.dumps(answer).encode())


@pytest.mark.parametrize("query", [FULL, ThreadQuery(fields="id", messages=5)], ids=["participants", "messages"])
async def test_where_one_thread_by_itself_is_too_much_the_others_do_not_suffer(query: ThreadQuery) -> None:
    page = Page("1001", "canary-token", platforms=(MESSENGER,))
    async with ConversationSession(transport=OneThreadIsTooMuch()) as session:
        threads, failed = await list_all(session, [page], query=query)
    assert not failed
    assert [thread.id for thread in threads] == ["t_1"]


@pytest.mark.parametrize("max_wait", [1.0, 5.0])
async def test_what_failed_is_told_though_its_next_try_lies_beyond_the_patience(max_wait: float) -> None:
    """`WaitTooLong` is for limits; whoever reads it learns nothing of a Page that Meta does not list."""
    world = a_world(3, MESSENGER)
    world.manners = Manners(high_volume=True)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        _, failed = await list_all(session, pages_of(world), max_wait=max_wait)
    assert isinstance(failed[Inbox("1001", MESSENGER)].cause, GraphUnavailable)


async def test_the_same_words_from_an_empty_budget_are_waited_out() -> None:
    """Contract 5.3: seen on the ads side."""
    world = a_world(60)
    world.pages["1001"].manners = [
        Manners(reduce_above=0, after_calls=1, times=2, usage_percent=100.0),
        Manners(usage_percent=100.0, times=4),
    ]
    threads, events, _, failed = await listed(world)
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert of(AskingForLess, events) == []


async def test_what_is_too_much_at_one_id_is_final() -> None:
    world = a_world(30)
    world.pages["1001"].manners = Manners(reduce_above=0)
    _, _, calls, failed = await listed(world)
    assert isinstance(failed[Inbox("1001", INSTAGRAM)].cause, TooMuchAsked)
    assert calls <= 12


@pytest.mark.parametrize(
    "manners",
    [Manners(reduce_above=10), Manners(reduce_nested_above=0), Manners(refused_fields={"participants"})],
    ids=["fewer", "no nested fields", "a field that is refused"],
)
@pytest.mark.parametrize("platform", [MESSENGER, INSTAGRAM])
async def test_the_thread_with_one_person_is_found_where_a_listing_is(platform: Platform, manners: Manners) -> None:
    """Contract 5.3: the listings of Instagram fail above small limits, those that name a person too."""
    world = a_world(30, platform)
    world.manners = manners
    wanted = world.threads("1001", platform)[7]
    async with GraphEmulator(world) as graph, session_on(graph, retry=RetryPolicy.interactive()) as session:
        found = await session.thread_with(pages_of(world)[0], platform, wanted.person.id)
    assert found is not None
    assert found.id == wanted.id


# -- refused listings --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("retry", [RetryPolicy.bulk(), RetryPolicy.interactive()])
async def test_a_page_that_is_not_listed_while_it_answers_says_so(retry: RetryPolicy) -> None:
    """Contract 1.6: over the high-volume threshold; no code is documented."""
    world = a_world(30, MESSENGER)
    world.pages["1001"].manners = Manners(high_volume=True)
    _, events, calls, failed = await listed(world, retry=retry)
    cause = failed[Inbox("1001", MESSENGER)].cause
    assert isinstance(cause, ListingUnavailable)
    assert "high-volume" in str(cause)
    assert len(of(ListingDoubted, events)) == 1
    assert calls <= 8


async def test_an_outage_with_code_2_is_waited_out_and_no_refused_listing() -> None:
    world = a_world(30, MESSENGER)
    world.manners = Manners(refuse=2, until=60.0)
    threads, _, _, failed = await listed(world)
    assert not failed
    assert set(keys(threads)) == truth(world)


# -- bounds ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("manner", ["honour", "ignore", "refuse"])
@pytest.mark.parametrize("settle", [True, False])
async def test_bounds_hold_whatever_meta_does_with_them(manner: str, settle: bool) -> None:
    """Contract 10: what the server does is unknown."""
    world = a_world(200, MESSENGER)
    order = world.threads("1001", MESSENGER)
    oldest, newest = order[60].updated_time, order[10].updated_time
    world.pages["1001"].manners = Manners(updated_bounds=manner)  # type: ignore[arg-type]  # one of its literals
    query = ThreadQuery(
        threads_per_call=20,
        updated_after_ms=int(oldest.timestamp() * 1000),
        updated_before_ms=int(newest.timestamp() * 1000),
    )
    threads, events, calls, failed = await listed(world, query)
    assert not failed
    wanted = [thread.id for thread in order if oldest <= thread.updated_time <= newest]
    assert [thread.id for thread in threads] == wanted
    assert calls <= 7
    assert bool(of(BoundsRefused, events)) is (manner != "honour")


async def test_updated_since_ends_the_listing_there() -> None:
    world = a_world(200, MESSENGER)
    order = world.threads("1001", MESSENGER)
    since = order[45].updated_time
    threads, _, calls, _ = await listed(world, ThreadQuery(threads_per_call=20, updated_since=since))
    assert {thread.id for thread in threads} == {thread.id for thread in order if thread.updated_time >= since}
    assert calls <= 5


async def test_updated_since_goes_a_little_further_than_the_first_older_thread() -> None:
    """No page says that the order is exact to the second."""
    since = datetime(2026, 5, 4, 12, tzinfo=UTC)

    def thread(name: str, seconds: int) -> dict[str, str]:
        return {"id": name, "updated_time": (since + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S+0000")}

    class OutOfOrder:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            if "after=" in request.query:
                answer: dict[str, object] = {"data": [thread("t_3", 5), thread("t_4", -120)]}
            else:
                answer = {"data": [thread("t_1", 60), thread("t_2", -30)]}
            paging = {"cursors": {"after": "a" if "after=" not in request.query else "b"}, "next": "x"}
            return RawAnswer(200, {}, json.dumps({**answer, "paging": paging}).encode())

    page = Page("1001", "canary-token", platforms=(MESSENGER,))
    async with ConversationSession(transport=OutOfOrder()) as session:
        threads, failed = await list_all(session, [page], query=ThreadQuery(updated_since=since), settle=False)
    assert not failed
    assert [each.id for each in threads] == ["t_1", "t_3"]


def test_updated_since_has_a_time_zone() -> None:
    world = a_world(1)
    naive = (world.now + timedelta()).replace(tzinfo=None)
    with pytest.raises(ValueError, match="time zone"):
        ThreadQuery(updated_since=naive)
