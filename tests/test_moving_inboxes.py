"""Listings of Inboxes that move meanwhile: session → socket → emulator, in virtual time.

The same over many more listings, without sockets: `test_completeness`.
"""

from collections.abc import Mapping

import pytest
from listing import INSTAGRAM, MESSENGER, list_all, pages_of, session_on, truth

from conversations_async import Cursor, Event, Inbox, InboxErrors, ThreadQuery
from conversations_async.emulator import CursorAnchor, GraphEmulator, Manners, World
from conversations_async.events import Proving, ThreadPageRead

pytestmark = pytest.mark.looptime

QUERY = ThreadQuery(threads_per_call=20)


@pytest.mark.parametrize("most", [500, 20])
@pytest.mark.parametrize("removals", [0, 1])
@pytest.mark.parametrize("arrivals", [0, 3])
@pytest.mark.parametrize("anchor", list(CursorAnchor), ids=lambda anchor: anchor.name)
async def test_every_thread_that_was_there_and_still_is_comes_once(
    anchor: CursorAnchor, arrivals: int, removals: int, most: int
) -> None:
    """Whatever cursors mark, however many arrive or vanish between two calls, whatever limit Meta caps."""
    world = World.seeded(pages=1, threads=130, seed=arrivals)
    world.manners = Manners(
        cursor_anchor=anchor, arrivals_per_call=arrivals, removals_per_call=removals, max_limit=most, times=60
    )
    before = truth(world)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=QUERY)
    assert not failed
    listed = [(thread.inbox, thread.id) for thread in threads]
    assert (before & truth(world)) - set(listed) == set()
    assert len(listed) == len(set(listed))


async def test_what_slipped_by_comes_with_all_its_fields() -> None:
    world = World.seeded(pages=1, threads=60, platforms=(MESSENGER,))
    world.manners = Manners(cursor_anchor=CursorAnchor.POSITION)
    order = [thread.id for thread in world.threads("1001", MESSENGER)]

    def delete(event: Event) -> None:
        if isinstance(event, ThreadPageRead) and len(graph.calls) == 2:
            world.remove("1001", MESSENGER, order[7])

    async with GraphEmulator(world) as graph, session_on(graph, on_event=delete) as session:
        threads, _ = await list_all(session, pages_of(world), query=QUERY)
    slipped = {thread.id: thread for thread in threads}[order[40]]
    assert threads[-1] is slipped, "found by the proof"
    assert len(slipped.participants) == 2


async def test_a_proof_is_one_call_for_hundreds_of_threads_and_asks_for_little() -> None:
    world = World.seeded(pages=1, threads=120)
    events: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=events.append) as session:
        await list_all(session, pages_of(world), query=QUERY)
    calls = {inbox: [call.params for call in graph.calls if call.platform is inbox] for inbox in (MESSENGER, INSTAGRAM)}
    assert {event.inbox.platform for event in events if isinstance(event, Proving)} == {MESSENGER, INSTAGRAM}
    assert [call["limit"] for call in calls[MESSENGER]] == ["20"] * 6 + ["400"]
    assert all(call["fields"] == "id,updated_time" for call in calls[MESSENGER][6:])
    # Three of 50 and, since things could have moved between them, the head.
    assert len(calls[INSTAGRAM]) == 6 + 3 + 1


@pytest.mark.parametrize("over", ["clamp", "refuse"])
async def test_where_meta_gives_fewer_than_a_proof_asks_for_it_takes_what_it_gets(over: str) -> None:
    world = World.seeded(pages=1, threads=90, platforms=(MESSENGER,))
    world.manners = Manners(max_limit=20, over_limit=over)  # type: ignore[arg-type]  # one of its literals
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads, failed = await list_all(session, pages_of(world), query=QUERY)
    assert not failed
    assert len(threads) == 90
    assert len(graph.calls) <= 5 + 2 * 6 + 2


async def stopped(world: World, graph: GraphEmulator, calls: int) -> tuple[dict[str, str], Cursor]:
    """A listing that its token ends after so many calls: what its reader holds, and where to go on."""
    world.pages["1001"].manners = Manners(dead_token=True, after_calls=calls, times=1)
    held: dict[str, str] = {}
    async with session_on(graph) as session:
        with pytest.raises(InboxErrors) as caught:  # noqa: PT012  # a loop runs a generator
            async for page in session.thread_pages(pages_of(world), query=QUERY):
                held.update({thread.id: thread.raw["updated_time"] for thread in page.threads})
    world.pages["1001"].manners = None
    [failure] = caught.value.failures
    assert failure.resume is not None
    return held, failure.resume


@pytest.mark.parametrize("tells", [True, False])
async def test_a_listing_taken_up_finds_what_slipped_by_before_where_its_reader_tells_what_it_holds(
    tells: bool,
) -> None:
    world = World.seeded(pages=1, threads=200, platforms=(MESSENGER,))
    world.manners = Manners(cursor_anchor=CursorAnchor.POSITION)
    order = [thread.id for thread in world.threads("1001", MESSENGER)]
    inbox = Inbox("1001", MESSENGER)
    asked: list[Inbox] = []
    async with GraphEmulator(world) as graph:
        held, place = await stopped(world, graph, 3)
        world.remove("1001", MESSENGER, order[3])  # before it is taken up: order[60] slips above the cursor

        async def what_is_held(inbox: Inbox) -> Mapping[str, str]:
            asked.append(inbox)
            return held

        found: list[str] = []
        async with session_on(graph) as session:
            async for page in session.thread_pages(
                pages_of(world), query=QUERY, resume={inbox: place}, held=what_is_held if tells else None
            ):
                found += [thread.id for thread in page.threads]
    assert asked == [inbox] * tells
    assert set(order) - {*held, *found} == (set() if tells else {order[60]})
    if tells:
        assert len(found) <= 200 - 60 + 1, "nothing that was held came again"


async def test_what_is_new_since_a_moment_is_read_in_as_many_calls_as_it_takes() -> None:
    world = World.seeded(pages=1, threads=200, platforms=(MESSENGER,))
    inbox = Inbox("1001", MESSENGER)
    since = world.threads("1001", MESSENGER)[0].updated_time
    new = {world.arrive("1001", MESSENGER).id for _ in range(30)}
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        found: set[str] = set()
        async for page in session.thread_pages(pages_of(world), query=QUERY, resume={inbox: Cursor(until=since)}):
            found |= {thread.id for thread in page.threads}
    assert new <= found
    assert len(graph.calls) <= 3, "two for 30 threads and a proof of them"
