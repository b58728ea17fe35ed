"""`conversations-async demo`, with a smaller world."""

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from listing import INSTAGRAM, MESSENGER, keys, list_all, pages_of, session_on, truth
from syncs import kept, select, there

from cli.commands import Run, canary
from conversations_async import (
    Inbox,
    LimitPolicy,
    PermissionMissing,
    Platform,
    ThreadQuery,
    TokenRejected,
    UnavailableThread,
)
from conversations_async.cli.demo import LATENCY, MESSAGES, THREADS_PER_CALL
from conversations_async.emulator import GraphEmulator, Manners, World
from conversations_async.events import Event, GateOpened, Refused


@pytest.fixture
def small_world(monkeypatch: pytest.MonkeyPatch) -> World:
    world = World.seeded(pages=2, threads={MESSENGER: 7, INSTAGRAM: 2}, token=canary)
    world.pages["1002"].surprise, world.pages["1002"].manners = "dead token", (Manners(dead_token=True),)
    made: Callable[..., World] = lambda: world  # noqa: E731  # so that its type is said
    monkeypatch.setattr(World, "demo", made)
    monkeypatch.setattr("conversations_async.cli.demo.LATENCY", 0.0)
    return world


def test_it_syncs_shows_sums_up_and_succeeds(
    command: Run, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    place = tmp_path / "to be made" / "demo"
    ended = command("demo", "-o", place)
    assert ended.status == 0
    assert ended.told[1] == f"machine, into {place / 'demo.db'}"
    assert "Page 1001 on messenger: 7 threads in 3 calls" in ended.told
    assert any(line.startswith("Page 1002 on instagram: token rejected") for line in ended.told)

    rows = [line.split() for line in ended.out.splitlines()]
    assert rows[0] == ["Page", "Platform", "Threads", "Calls", "Waited", "Outcome"]
    assert [row[:4] for row in rows[1:3]] == [["1002", "messenger", "0", "1"], ["1002", "instagram", "0", "1"]]
    assert "Page 1002, ill on purpose: dead token." in ended.out
    assert "9 threads and 27 messages in " in ended.out
    assert "The 2 healthy Inboxes hold 9 threads, the database 9 of them." in ended.out
    assert "--to jsonl -o '" in ended.out
    assert ended.out.splitlines()[-1] == f"  {place / 'demo.html'}"

    del small_world._pages["1002"]
    assert kept(place / "demo.db", small_world) == there(small_world)
    assert select(place / "demo.db", "SELECT count(*) FROM messages") == [(27,)]
    assert b"demo.db" in (place / "demo.html").read_bytes()
    assert {stat.S_IMODE(path.stat().st_mode) for path in place.iterdir()} == {0o600}


def test_without_a_place_it_makes_one_that_only_its_owner_may_look_into(
    command: Run, small_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    ended = command("demo")
    (place,) = tmp_path.iterdir()
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    assert ended.out.splitlines()[-1] == f"  {place / 'demo.html'}"


def test_what_somebody_else_put_there_is_left_alone(command: Run, small_world: World, tmp_path: Path) -> None:
    theirs = tmp_path / "demo.html"
    theirs.write_text("mine")
    ended = command("demo", "-o", tmp_path)
    assert (ended.status, ended.told) == (
        2,
        [f"conversations-async: -o: {theirs} is there already and was not made by view; name another directory"],
    )
    assert command("demo", "-o", theirs).told == ["conversations-async: -o: that is a file; name a directory"]
    assert theirs.read_text() == "mine"
    (tmp_path / "demo.html").unlink()
    (tmp_path / "demo.db").write_text("mine as well, and long enough to be no database by its first bytes" * 20)
    ended = command("demo", "-o", tmp_path)
    assert (ended.status, ended.told[-1].endswith("is no SQLite database: name another file")) == (2, True)


@pytest.mark.looptime
async def test_the_real_one_is_listed_within_20_s_and_its_ill_pages_do_as_is_said_of_them() -> None:
    world, events = World.demo(), list[Event]()
    assert len(world.pages) == 20
    dead, forbidden, refused, poisoned = world.surprises
    clock = asyncio.get_running_loop().time
    async with GraphEmulator(world, latency=LATENCY, jitter=LATENCY) as graph:
        strict = LimitPolicy(strict=True)
        async with session_on(graph, limits=strict, on_event=events.append) as session:
            began = clock()
            query = ThreadQuery(threads_per_call=THREADS_PER_CALL, messages=MESSAGES)
            threads, failed = await list_all(session, pages_of(world), query=query)
            took = clock() - began
    assert took < 20
    expected = {key for key in truth(world, without=[dead]) if key[0] != Inbox(forbidden, INSTAGRAM)}
    assert sorted(keys(threads)) == sorted(expected)
    assert [thread.page_id for thread in threads if isinstance(thread, UnavailableThread)] == [poisoned]
    assert {inbox: type(failure.cause) for inbox, failure in failed.items()} == {
        **{Inbox(dead, platform): TokenRejected for platform in Platform},
        Inbox(forbidden, INSTAGRAM): PermissionMissing,
    }
    refusals = [event for event in events if isinstance(event, Refused)]
    assert [(event.inbox, event.code) for event in refusals] == [(Inbox(refused, Platform.MESSENGER), 80006)]
    assert refusals[0].seconds == pytest.approx(6.0)
    assert [event.pool for event in events if isinstance(event, GateOpened)] == [refusals[0].pool]
