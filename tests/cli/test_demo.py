"""`conversations-async demo`, with a smaller world."""

import asyncio
from collections.abc import Callable

import pytest
from listing import keys, list_all, pages_of, session_on, truth

from cli.commands import Run, canary
from conversations_async import Inbox, LimitPolicy, Platform, ThreadQuery, TokenRejected
from conversations_async.cli.demo import LATENCY, THREADS_PER_CALL
from conversations_async.emulator import GraphEmulator, Manners, World
from conversations_async.events import Event, GateOpened, Refused


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World.seeded(pages=3, threads=7, token=canary)
    world.pages["1002"].surprise, world.pages["1002"].manners = "dead token", (Manners(dead_token=True),)
    made: Callable[..., World] = lambda: world  # noqa: E731
    monkeypatch.setattr(World, "demo", made)
    return world


def test_it_tells_every_inbox_sums_up_and_succeeds(
    command: Run, small_world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    ended = command("demo")
    assert ended.status == 0
    assert "Page 1001 on messenger: 7 threads in 3 calls" in ended.told
    assert any(line.startswith("Page 1002 on instagram: token rejected") for line in ended.told)
    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["Page", "Platform", "Threads", "Calls", "Waited", "Outcome"]
    assert [row[:2] for row in rows[1:7]] == [
        [page, platform] for page in ("1001", "1002", "1003") for platform in ("messenger", "instagram")
    ]
    assert rows[1][-1] == "complete"
    assert rows[3][2:4] == ["0", "1"]
    assert "28 threads listed of 28 in the 4 healthy Inboxes." in ended.out
    assert "Ill on purpose: Page 1002 (dead token). So this run counts as a success." in ended.out


@pytest.mark.looptime
async def test_the_real_one_is_listed_within_20_s_and_its_two_ill_pages_do_as_is_said_of_them() -> None:
    world, events = World.demo(), list[Event]()
    assert len(world.pages) == 20
    dead, refused = world.surprises
    clock = asyncio.get_running_loop().time
    async with GraphEmulator(world, latency=LATENCY, jitter=LATENCY) as graph:
        strict = LimitPolicy(strict=True)
        async with session_on(graph, limits=strict, on_event=events.append) as session:
            began = clock()
            query = ThreadQuery(threads_per_call=THREADS_PER_CALL)
            threads, failed = await list_all(session, pages_of(world), query=query)
            took = clock() - began
    assert took < 20
    assert sorted(keys(threads)) == sorted(truth(world, without=[dead]))
    assert {inbox: type(failure.cause) for inbox, failure in failed.items()} == {
        Inbox(dead, platform): TokenRejected for platform in Platform
    }
    refusals = [event for event in events if isinstance(event, Refused)]
    assert [(event.inbox, event.code) for event in refusals] == [(Inbox(refused, Platform.MESSENGER), 80006)]
    assert refusals[0].seconds == pytest.approx(6.0)
    assert [event.pool for event in events if isinstance(event, GateOpened)] == [refusals[0].pool]
