"""Folders, nested messages, refused fields, Instagram Login: session → socket → emulator, in virtual time."""

from typing import Any

import pytest
from listing import INSTAGRAM, MESSENGER, list_all, pages_of, session_on

from conversations_async import (
    Cursor,
    Event,
    Inbox,
    LimitPolicy,
    Page,
    RequestRejected,
    Thread,
    ThreadQuery,
    TokenRejected,
)
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World
from conversations_async.emulator.refusals import Refusal
from conversations_async.events import FieldRefused, MessagesMissing, ThreadPageRead

pytestmark = pytest.mark.looptime

FOLDERS = {"other": 23, "page_done": 12, "spam": 1}
ALL = ThreadQuery(folder="all", threads_per_call=10)


def login_page(world: World, page_id: str = "1001") -> Page:
    page = world.pages[page_id]
    assert page.instagram_id is not None
    assert page.instagram_token is not None
    return Page(page.instagram_id, page.instagram_token, graph="instagram")


# -- folders -----------------------------------------------------------------------------------------------------------


def by_folder(world: World, page_id: str = "1001") -> set[tuple[str, str]]:
    return {
        (folder, thread.id)
        for folder in ("inbox", "other", "page_done", "spam")
        for thread in world.threads(page_id, MESSENGER, folder)
    }


async def test_all_folders_are_listed_each_thread_once_with_the_folder_it_was_found_in() -> None:
    world = World.seeded(pages=2, threads=31, folders=FOLDERS)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=ALL)
    assert not failed
    for page_id in world.pages:
        own = [thread for thread in threads if thread.page_id == page_id and thread.platform is MESSENGER]
        assert {(thread.found_in, thread.id) for thread in own} == by_folder(world, page_id)
        assert len(own) == 31 + 23 + 12 + 1
    assert {thread.found_in for thread in threads if thread.platform is INSTAGRAM} == {None}
    assert not [call for call in graph.calls if call.platform is INSTAGRAM and "folder" in call.params]
    assert not [call for call in graph.calls if call.refused]


async def test_each_folder_settles_while_people_write() -> None:
    world = World.seeded(pages=1, threads=60, folders=FOLDERS, platforms=(MESSENGER,))
    world.manners = Manners(arrivals_per_call=2, times=15)
    before = by_folder(world)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, _ = await list_all(session, pages_of(world), query=ALL)
    ids = [thread.id for thread in threads]
    assert {thread for _, thread in before} <= set(ids)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("folder", ["inbox", "other", "page_done"])
async def test_a_thread_whose_person_writes_again_is_found_though_it_moves_to_a_folder_already_listed(
    folder: str,
) -> None:
    world = World.seeded(pages=1, threads=15, folders=FOLDERS, platforms=(MESSENGER,))
    moving = world.threads("1001", MESSENGER, "spam")[0]

    def move(event: Event) -> None:
        if isinstance(event, ThreadPageRead) and graph.calls[-1].params["folder"] == "page_done":
            world.move("1001", MESSENGER, moving.id, folder)
            world.arrive("1001", MESSENGER, moving.id)

    async with GraphEmulator(world) as graph, session_on(graph, on_event=move) as session:
        threads, _ = await list_all(session, pages_of(world), query=ALL)
    assert {thread.id: thread.found_in for thread in threads}[moving.id] == folder


@pytest.mark.parametrize("stop", range(1, 12))
@pytest.mark.parametrize("meanwhile", [False, True])
async def test_it_is_found_too_where_the_listing_is_broken_off_and_taken_up_again(stop: int, meanwhile: bool) -> None:
    """Whether it moves before the break or after it."""
    world = World.seeded(pages=1, threads=21, folders=FOLDERS, platforms=(MESSENGER,))
    everything = {thread for _, thread in by_folder(world)}
    moving = world.threads("1001", MESSENGER, "spam")[0].id
    found: set[str] = set()
    cursor: Cursor | None = None
    read = 0

    def move() -> None:
        world.move("1001", MESSENGER, moving, "inbox")
        world.arrive("1001", MESSENGER, moving)

    async with GraphEmulator(world) as graph, session_on(graph) as session:
        async for page in session.thread_pages(pages_of(world), query=ALL):
            found |= {thread.id for thread in page.threads}
            cursor, read = page.cursor or cursor, read + 1
            if read == max(1, stop - 1) and not meanwhile and (cursor is None or cursor.folder != "inbox"):
                move()
            if read == stop:
                break
        if meanwhile:
            move()
        async for page in session.thread_pages(pages_of(world), query=ALL, resume={Inbox("1001", MESSENGER): cursor}):
            found |= {thread.id for thread in page.threads}
    assert found >= everything


async def test_a_listing_of_all_folders_is_taken_up_in_the_folder_where_it_stopped() -> None:
    world = World.seeded(pages=1, threads=31, folders=FOLDERS, platforms=(MESSENGER,))
    inbox = Inbox("1001", MESSENGER)
    found: set[str] = set()
    cursor: Cursor | None = None
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        async for page in session.thread_pages(pages_of(world), query=ALL):
            found |= {thread.id for thread in page.threads}
            cursor = page.cursor
            if cursor is not None and cursor.folder == "other":
                break
        assert cursor is not None
        async for page in session.thread_pages(pages_of(world), query=ALL, resume={inbox: cursor}):
            found |= {thread.id for thread in page.threads}
    assert found == {thread for _, thread in by_folder(world)}


# -- messages along with the listing -----------------------------------------------------------------------------------


def agree(world: World, threads: list[Thread], count: int) -> None:
    for thread in threads:
        expected = world.inbox(thread.page_id, thread.platform).by_id[thread.id].messages[:count]
        assert [message.id for message in thread.messages] == [message.id for message in expected]
        window = [message.unavailable for message in thread.messages]
        assert window == [thread.platform is INSTAGRAM and place >= 20 for place in range(len(expected))]


@pytest.mark.parametrize("count", [1, 5, 24])
@pytest.mark.parametrize("login", [False, True])
async def test_the_newest_messages_come_along_on_both_platforms(count: int, login: bool) -> None:
    world = World.seeded(pages=2, threads=12, messages=(1, 30))
    # Instagram's listings would not stand it (contract 5.3).
    world.manners = Manners(reduce_nested_above=0, platforms=[INSTAGRAM])
    pages = [login_page(world)] if login else pages_of(world)
    async with GraphEmulator(world, limits=LimitRules.off()) as graph, session_on(graph) as session:
        query = ThreadQuery(fields="id,updated_time", messages=count, threads_per_call=5)
        threads, failed = await list_all(session, pages, query=query)
    assert not failed
    assert len(threads) == (12 if login else 48)
    agree(world, threads, count)
    assert not [call for call in graph.calls if call.code]


@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("count", [0, 1, 19, 20])
async def test_where_lists_tell_no_details_each_newest_message_is_asked_by_itself(count: int, login: bool) -> None:
    """Contract 2.3: text and attachments were seen filled in on the message itself only."""
    world = World.seeded(pages=1, threads=3, messages=count, platforms=(MESSENGER, INSTAGRAM))
    world.manners = Manners(messages_unfilled=True)
    pages = [login_page(world)] if login else pages_of(world)
    async with GraphEmulator(world, limits=LimitRules.off()) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages, query=ThreadQuery(messages=5), platforms=[INSTAGRAM])
    assert not failed
    assert len(threads) == 3
    agree(world, threads, 5)
    for thread in threads:
        expected = world.inbox("1001", INSTAGRAM).by_id[thread.id].messages[:5]
        assert [message.text for message in thread.messages] == [message.text for message in expected]
    assert len(graph.calls) == 1 + 3 * (1 + min(count, 5))


# What Meta does with messages it tells no details of, or not so many at once → it must not cost those it tells of.
@pytest.mark.parametrize("login", [False, True])
@pytest.mark.parametrize("count", [21, 200])
@pytest.mark.parametrize(
    "manners",
    [Manners(beyond_window="refuse"), Manners(messages_unfilled=True)],
    ids=["an error", "only single messages"],
)
async def test_more_messages_than_instagram_tells_of_do_not_cost_those_that_it_tells(
    manners: Manners, count: int, login: bool
) -> None:
    world = World.seeded(pages=1, threads=3, messages=count)
    world.manners = manners
    pages = [login_page(world)] if login else pages_of(world)
    events: list[Event] = []
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        session_on(graph, limits=LimitPolicy(calls_per_second=0), on_event=events.append) as session,
    ):
        threads, failed = await list_all(session, pages, query=ThreadQuery(messages=25), platforms=[INSTAGRAM])
    assert not failed
    assert len(threads) == 3
    agree(world, threads, 25)
    assert all(message.text is not None for thread in threads for message in thread.messages[:20])
    assert not [event for event in events if isinstance(event, MessagesMissing)]


async def test_a_thread_that_vanishes_meanwhile_comes_without_its_messages() -> None:
    world = World.seeded(pages=1, threads=5, platforms=(INSTAGRAM,))
    gone = world.threads("1001", INSTAGRAM)[2].id
    events: list[Event] = []

    def note(event: Event) -> None:
        events.append(event)
        if len(graph.calls) == 1 and gone in world.inbox("1001", INSTAGRAM).by_id:
            world.remove("1001", INSTAGRAM, gone)

    async with GraphEmulator(world) as graph, session_on(graph, on_event=note) as session:
        threads, failed = await list_all(session, pages_of(world), query=ThreadQuery(messages=2))
    assert not failed
    assert {thread.id for thread in threads if not thread.messages} == {gone}
    assert len(threads) == 5
    assert [event.thread_id for event in events if isinstance(event, MessagesMissing)] == [gone]


async def test_a_slow_reader_holds_calls_for_messages_back_too() -> None:
    world = World.seeded(pages=4, threads=30, platforms=(INSTAGRAM,))
    async with (
        GraphEmulator(world, limits=LimitRules.off()) as graph,
        session_on(graph, limits=LimitPolicy(calls_per_second=0), connections=1) as session,
    ):
        listing = session.thread_pages(pages_of(world), query=ThreadQuery(messages=1, threads_per_call=5))
        first = await anext(listing)
        assert len(first.threads) == 5
        assert len(graph.calls) <= 4 * 6 + 1
        await listing.aclose()


async def test_a_thread_that_breaks_every_answer_about_its_messages_comes_without_them() -> None:
    """Contract 7.2: listed by its id it does no harm; asked by itself it fails with code 1 for good."""
    world = World.seeded(pages=1, threads=5, platforms=(INSTAGRAM,))
    broken = world.threads("1001", INSTAGRAM)[2].id
    world.manners = Manners(poisoned=[broken])
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        query = ThreadQuery(fields="id,updated_time", messages=2)
        threads, failed = await list_all(session, pages_of(world), query=query)
    assert not failed
    assert len(threads) == 5
    assert {thread.id for thread in threads if not thread.messages} == {broken}
    assert [event.thread_id for event in events if isinstance(event, MessagesMissing)] == [broken]
    assert len(graph.calls) == 1 + 4 + 3


# -- fields ------------------------------------------------------------------------------------------------------------


async def test_a_field_that_a_login_refuses_is_left_out_with_one_event_and_the_inbox_goes_on() -> None:
    """Contract 10: `unread_count` is error 100 on graph.instagram.com."""
    world = World.seeded(pages=1, threads=30)
    events: list[Event] = []
    query = ThreadQuery(fields="unread_count,message_count,participants", threads_per_call=10)
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        threads, failed = await list_all(session, [login_page(world)], query=query)
    assert not failed
    assert {thread.id for thread in threads} == {thread.id for thread in world.threads("1001", INSTAGRAM)}
    assert all(len(thread.participants) for thread in threads)
    refused = [event.field for event in events if isinstance(event, FieldRefused)]
    assert refused == ["unread_count", "message_count"]
    assert [call.code for call in graph.calls[:3]] == [100, 100, None]


@pytest.mark.parametrize("field", ["sticker", "reactions"])
async def test_a_nested_field_that_is_refused_is_left_out_of_its_own_node(field: str) -> None:
    world = World.seeded(pages=1, threads=10, folders=FOLDERS)
    world.manners = Manners(refused_fields={field})
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        query = ThreadQuery(folder="all", messages=3)
        threads, failed = await list_all(session, pages_of(world), query=query)
    assert not failed
    agree(world, threads, 3)
    refused = [event for event in events if isinstance(event, FieldRefused)]
    assert len(refused) == len(set(refused)), "one event for an Inbox, though it has four folders"


async def test_a_field_refused_of_one_thread_s_messages_is_not_asked_of_the_next_threads() -> None:
    world = World.seeded(pages=1, threads=30, platforms=(INSTAGRAM,))
    world.manners = Manners(refused_fields={"reactions", "story"})
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        query = ThreadQuery(fields="id,updated_time", messages=2, threads_per_call=10)
        threads, failed = await list_all(session, pages_of(world), query=query, settle=False)
    assert not failed
    assert len(threads) == 30
    assert [call.code for call in graph.calls].count(100) == 2


async def test_a_refused_field_whose_place_meta_does_not_tell_costs_no_inbox() -> None:
    """As graph.instagram.com words it: without a node type. `link` is a thread's and a share's (contract 2.1, 2.2)."""
    told = Refusal(100, "(#100) Tried accessing nonexisting field (link)")
    world = World.seeded(pages=1, threads=3, platforms=(MESSENGER,))
    world.manners = Manners(refuse=told, times=1)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=ThreadQuery(messages=2))
    assert not failed
    assert len(threads) == 3
    assert all(thread.link is None and thread.snippet for thread in threads)


async def test_the_id_refused_is_an_error() -> None:
    world = World.seeded(pages=1, threads=3, platforms=(MESSENGER,))
    world.manners = Manners(refused_fields={"id"})
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        _, failed = await list_all(session, pages_of(world))
    (failure,) = failed.values()
    assert isinstance(failure.cause, RequestRejected)
    assert len(graph.calls) == 1


# -- Instagram Login ---------------------------------------------------------------------------------------------------


async def test_an_account_of_instagram_login_is_listed_on_its_own_host() -> None:
    world = World.seeded(pages=2, threads=55)
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        page = login_page(world)
        threads, failed = await list_all(session, [page, *pages_of(world)[1:]])
        usage = session.usage(Inbox(page.id, INSTAGRAM))
        person = world.threads("1001", INSTAGRAM)[7]
        found = await session.thread_with(page, INSTAGRAM, person.person.id)
    assert not failed
    own = [thread for thread in threads if thread.page_id == page.id]
    assert {thread.id for thread in own} == {thread.id for thread in world.threads("1001", INSTAGRAM)}
    assert {thread.platform for thread in own} == {INSTAGRAM}
    assert found is not None
    assert found.id == person.id
    assert usage is not None
    assert [pool.kind for pool in usage.pools] == ["app"], "{call_volume, cpu_time}"
    calls = [call for call in graph.calls if call.path.startswith(f"/v25.0/{page.id}/")]
    assert calls
    assert not [call for call in calls if "platform" in call.params]
    assert not [event for event in events if type(event).__name__ == "VersionDiffers"]


async def test_errors_of_instagram_login_are_told_as_ours() -> None:
    world = World.seeded(pages=1, threads=3)
    page = login_page(world)
    cases: list[tuple[Page, Any]] = [
        (Page("99" + page.id[2:], world.pages["1001"].instagram_token or "", graph="instagram"), RequestRejected),
        (Page(page.id, "EAAG-no-token-of-this-host", graph="instagram"), TokenRejected),
    ]
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        for wrong, error in cases:
            _, failed = await list_all(session, [wrong])
            (failure,) = failed.values()
            assert isinstance(failure.cause, error)
