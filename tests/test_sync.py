"""The sync: a database that equals the world, day after day, at a cost that follows what changed."""

import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from listing import INSTAGRAM, MESSENGER, session_on
from syncs import EVERY, UNPACED, held, kept, named_pages, select, sync, there

from conversations_async import (
    ConversationSession,
    Cursor,
    Inbox,
    LimitPolicy,
    Page,
    Platform,
    RetryPolicy,
    ThreadQuery,
    paging,
)
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World
from conversations_async.emulator.manners import CallKind
from conversations_async.sync import InboxReport, Outcome, SqliteStore, SyncJob, open_store, read_plan
from conversations_async.sync.plan import IDS_PER_CALL, plan_of
from conversations_async.sync.values import Standing, cursor_text, read_cursor


def of(world: World, **options: object) -> GraphEmulator:
    return GraphEmulator(world, limits=LimitRules.off(), **options)  # type: ignore[arg-type]  # whatever a case needs


def listings(graph: GraphEmulator) -> int:
    return sum(call.kind is CallKind.LISTING for call in graph.calls)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


async def test_the_first_sync_brings_everything(database: Path) -> None:
    world = World.seeded(pages=2, threads=25)
    async with of(world) as graph:
        report = await sync(graph, database)
    assert kept(database, world) == there(world)
    assert {each.outcome for each in report.inboxes} == {Outcome.COMPLETE}
    assert report.sum("new") == 100
    assert select(database, "SELECT state, threads FROM inboxes") == [("complete", 25)] * 4
    assert select(database, "SELECT count(*) FROM cursors") == [(0,)]


async def test_three_days_of_a_moving_world(database: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Inboxes move between the runs and while each goes on, so long that its last look may see all of it.

    What arrives behind that look is the next run's. Each run costs what changed: printed beside it.
    """
    world = World.seeded(pages=3, threads=120)
    chance = random.Random(3)
    async with of(world) as graph:
        for day, (moved, new) in enumerate([(0, 0), (4, 1), (60, 5)]):
            for page in world.pages.values():
                for platform in page.platforms:
                    world.let_pass(page.id, platform, chance, moved=moved, new=new, gone=0)
                page.manners = Manners(arrivals_per_call=1, times=(10, 2, 4)[day], kinds={CallKind.LISTING})
            calls, happened = listings(graph), world.now
            report = await sync(graph, database)
            spent, changed = listings(graph) - calls, int(report.sum("new") + report.sum("changed"))
            print(f"day {day + 1}: {changed} threads new or changed, {spent} calls for {len(report.inboxes)} Inboxes")
            assert world.now > happened
            assert day == 0 or spent <= len(report.inboxes) * (3 + (moved + new + 12) / 10)
            assert kept(database, world) == there(world), f"day {day + 1}"


async def test_a_run_in_which_nothing_changed_costs_a_call_an_inbox(database: Path) -> None:
    world = World.seeded(pages=2, threads=90)
    async with of(world) as graph:
        await sync(graph, database)
        before = listings(graph)
        report = await sync(graph, database)
        assert listings(graph) - before == 4
    assert report.sum("new") == report.sum("changed") == 0
    assert {each.kind for each in report.inboxes} == {"incremental"}


async def test_both_kinds_of_database_hold_the_same(database: Path, postgres: str) -> None:
    world = World.seeded(pages=2, threads=25, messages=(0, 12))
    async with of(world) as graph:
        for target in (database, postgres):
            await sync(graph, target, messages="all")
    assert held(database) == held(postgres)
    assert len(held(database)["messages"]) > 100


async def test_full_marks_what_is_gone_and_takes_the_mark_back(database: Path) -> None:
    world = World.seeded(pages=1, threads=35, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        gone = world.remove("1001", MESSENGER, world.threads("1001", MESSENGER)[20].id)
        await sync(graph, database)
        assert select(database, "SELECT count(*) FROM threads WHERE gone_at IS NOT NULL") == [(0,)]
        report = await sync(graph, database, full=True)
        assert [each.gone for each in report.inboxes] == [1]
        assert select(database, "SELECT id FROM threads WHERE gone_at IS NOT NULL") == [(gone.id,)]
        world.inbox("1001", MESSENGER).put_first(gone)
        await sync(graph, database, full=True)
        assert select(database, "SELECT count(*) FROM threads WHERE gone_at IS NOT NULL") == [(0,)]


async def test_a_full_run_that_was_cut_short_remembers_what_it_has_listed(database: Path) -> None:
    world = World.seeded(pages=1, threads=35, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        gone = world.remove("1001", MESSENGER, world.threads("1001", MESSENGER)[2].id)
        async with session_on(graph, limits=UNPACED) as session, open_store(database) as store:
            job = SyncJob(session, store, named_pages(world), query=EVERY, full=True)
            ended = _stop_after(job, 2)
            cut_short = await job.run()
            ended()
        assert cut_short.interrupted
        assert select(database, "SELECT count(*) FROM threads WHERE gone_at IS NOT NULL") == [(0,)]
        await sync(graph, database, full=True)
        assert select(database, "SELECT id FROM threads WHERE gone_at IS NOT NULL") == [(gone.id,)]


def _stop_after(job: SyncJob, calls: int) -> Callable[[], None]:
    """Stop a job after so many calls of any Inbox."""

    def look(_event: object) -> None:
        if any(tally.calls >= calls for tally in job.tallies.values()):
            job.stop()

    return job._session.listen(look)


async def test_another_folder_does_not_make_threads_gone(database: Path) -> None:
    world = World.seeded(pages=1, threads=12, platforms=(MESSENGER,), folders={"spam": 7})
    async with of(world) as graph:
        await sync(graph, database)
        await sync(graph, database, query=ThreadQuery(folder="spam"), full=True)
        assert select(database, "SELECT folder, count(*) FROM threads WHERE gone_at IS NULL GROUP BY folder") == [
            (None, 12),
            ("spam", 7),
        ]


async def test_a_field_that_is_not_asked_for_keeps_what_it_held(database: Path) -> None:
    world = World.seeded(pages=1, threads=5, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        thread = world.threads("1001", MESSENGER)[3]
        world.arrive("1001", MESSENGER, thread.id)
        await sync(graph, database, query=ThreadQuery(fields="id,unread_count"))
    new = world.threads("1001", MESSENGER)[0]
    (row,) = select(database, "SELECT snippet, unread_count, updated_time FROM threads WHERE id = ?", thread.id)
    assert row == (thread.snippet, new.unread_count, new.updated_time.isoformat())
    assert select(database, "SELECT count(*) FROM thread_people") == [(10,)]


async def test_messages_are_read_down_to_those_held(database: Path) -> None:
    world = World.seeded(pages=1, threads=6, platforms=(MESSENGER,), messages=150)
    async with of(world) as graph:
        report = await sync(graph, database, messages="all")
        assert report.sum("messages") == 900
        thread = world.threads("1001", MESSENGER)[4]
        for _ in range(3):
            world.arrive("1001", MESSENGER, thread.id)
        before = len(graph.calls)
        report = await sync(graph, database, messages="all")
        assert report.sum("messages") == 3
        assert sum(call.kind is CallKind.MESSAGES for call in graph.calls[before:]) == 1
    assert select(database, "SELECT count(*) FROM messages WHERE thread_id = ?", thread.id) == [(153,)]


async def test_messages_of_a_thread_cut_short_are_read_again_from_the_newest(database: Path) -> None:
    world = World.seeded(pages=1, threads=1, platforms=(MESSENGER,), messages=1300)
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(dead_token=True, kinds={CallKind.MESSAGES}, after_calls=8)
        report = await sync(graph, database, messages="all")
        assert len(report.failed) == 1
        assert 0 < select(database, "SELECT count(*) FROM messages")[0][0] < 1300
        world.pages["1001"].manners = None
        world.arrive("1001", MESSENGER, world.threads("1001", MESSENGER)[0].id)
        await sync(graph, database, messages="all")
    assert select(database, "SELECT count(*) FROM messages") == [(1301,)]


async def test_the_newest_messages_come_with_the_threads(database: Path) -> None:
    world = World.seeded(pages=1, threads=12, messages=5)
    async with of(world) as graph:
        await sync(graph, database, messages=2)
    assert select(database, "SELECT platform, count(*) FROM messages GROUP BY platform ORDER BY platform") == [
        ("instagram", 24),
        ("messenger", 24),
    ]
    assert not [raw for (raw,) in select(database, "SELECT raw FROM threads") if '"messages"' in raw]


@pytest.mark.parametrize("calls", [3, 9])
@pytest.mark.parametrize("kind", ["first", "incremental"])
async def test_an_inbox_that_fails_while_messages_are_asked_for_gets_them_the_next_time(
    database: Path, kind: str, calls: int
) -> None:
    """On Instagram each thread of a thread page is asked by itself: the token may die among them."""
    world = World.seeded(pages=1, threads=16, platforms=(INSTAGRAM,), messages=4)
    query = ThreadQuery(threads_per_call=5)
    async with of(world) as graph:
        if kind == "incremental":
            await sync(graph, database, messages=2, query=query)
            for thread in world.threads("1001", INSTAGRAM)[3:15]:
                world.arrive("1001", INSTAGRAM, thread.id)
        world.pages["1001"].manners = Manners(after_calls=calls, dead_token=True)
        report = await sync(graph, database, messages=2, query=query)
        assert [(each.kind, each.outcome) for each in report.inboxes] == [(kind, Outcome.FAILED)]
        world.pages["1001"].manners = None
        await sync(graph, database, messages=2, query=query)
    newest = {message.id for thread in world.threads("1001", INSTAGRAM) for message in thread.messages[:2]}
    assert newest <= {row[0] for row in select(database, "SELECT id FROM messages")}


async def test_a_thread_that_breaks_every_answer_keeps_no_others_messages_back(database: Path) -> None:
    world = World.seeded(pages=1, threads=8, platforms=(MESSENGER,), messages=2)
    newest, *others = world.threads("1001", MESSENGER)
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(poisoned={newest.id}, kinds={CallKind.MESSAGES})
        report = await sync(graph, database, messages="all", retry=RetryPolicy(tries=1))
        assert [(each.outcome, each.cause) for each in report.inboxes] == [
            (Outcome.COMPLETE, "1 threads would not tell their messages")
        ]
        found = {row[0] for row in select(database, "SELECT DISTINCT thread_id FROM messages")}
        assert found == {thread.id for thread in others}
        world.pages["1001"].manners = Manners(html=502, kinds={CallKind.MESSAGES})
        for thread in others:
            world.arrive("1001", MESSENGER, thread.id)
        report = await sync(graph, database, messages="all", retry=RetryPolicy(tries=1))
        assert [each.outcome for each in report.inboxes] == [Outcome.FAILED]
        world.pages["1001"].manners = None
        await sync(graph, database, messages="all")
    assert select(database, "SELECT count(*) FROM messages") == [(8 * 2 + 7,)]


async def test_a_sick_inbox_stops_no_other_and_is_told_of(database: Path) -> None:
    world = World.seeded(pages=3, threads=12)
    world.pages["1002"].manners = Manners(dead_token=True)
    told: list[InboxReport] = []
    async with of(world) as graph:
        report = await sync(graph, database, on_inbox=told.append)
    assert [each.inbox.page_id for each in report.failed] == ["1002", "1002"]
    assert len(told) == 6
    rows = select(database, "SELECT outcome, cause, next_step FROM sync_runs WHERE page_id = '1002'")
    assert {row[0] for row in rows} == {"failed"}
    assert all("token rejected" in row[1] and row[2] == "Pass a new token for this Page." for row in rows)
    assert not [row for row in rows if row[2] in row[1]], "the advice is told once"
    assert select(database, "SELECT count(*) FROM threads") == [(48,)]


async def test_inboxes_that_wait_for_hours_keep_no_other_from_beginning(
    database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More of them than are at work at once."""
    monkeypatch.setattr("conversations_async.sync.job._STILL", 0.02)
    monkeypatch.setattr("conversations_async.sync.job._GRACE", 0.02)
    world = World.seeded(pages=9, threads=1, platforms=(MESSENGER,))
    for page in [*world.pages.values()][:6]:
        page.manners = Manners(refuse=80006, regain_minutes=600)
    healthy = [f"{page}" for page in [*world.pages][6:]]
    async with of(world) as graph, session_on(graph, limits=UNPACED) as session, open_store(database) as store:
        job = SyncJob(session, store, named_pages(world), query=EVERY, inboxes_at_once=4)

        def look(report: InboxReport) -> None:
            ended = [tally.report.outcome for tally in job.tallies.values() if tally.inbox.page_id in healthy]
            if set(ended) == {Outcome.COMPLETE}:
                job.stop()

        job._on_inbox = look
        report = await job.run()
    complete = [each.inbox.page_id for each in report.inboxes if each.outcome is Outcome.COMPLETE]
    assert complete == healthy


async def test_an_inbox_that_failed_goes_on_where_it_was(database: Path) -> None:
    world = World.seeded(pages=1, threads=60, platforms=(MESSENGER,))
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(dead_token=True, after_calls=3)
        await sync(graph, database)
        assert select(database, "SELECT count(*) FROM threads") == [(30,)]
        world.pages["1001"].manners = None
        before = len(graph.calls)
        report = await sync(graph, database)
        assert report.inboxes[0].new == 30
        assert graph.calls[before].params.get("after") is not None
    assert kept(database, world) == there(world)


async def test_an_entry_that_nobody_can_read_is_told_and_does_not_cost_the_whole_listing_each_time(
    database: Path,
) -> None:
    """Else an Inbox with one would be listed from its head to its end by every run."""
    world = World.seeded(pages=1, threads=3, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        known = [json.loads(raw) for (raw,) in select(database, "SELECT raw FROM threads ORDER BY updated_time DESC")]
        body = json.dumps({"data": [known[0], {"updated_time": known[1]["updated_time"]}, known[2]]})
        world.pages["1001"].manners = Manners(raw_body=body.encode())
        for full, kind in ((True, "whole"), (False, "incremental")):
            (each,) = (await sync(graph, database, full=full)).inboxes
            assert (each.kind, each.outcome, each.gone) == (kind, Outcome.FAILED, 0)
            assert each.cause is not None
            assert each.cause.startswith("the answer cannot be read at $.data[1].id")
            assert each.next_step == "All else is saved. Run once with --full when Meta has mended it."
            inboxes = select(database, "SELECT state, watermark, last_error, next_step FROM inboxes")
            watermark = world.threads("1001", MESSENGER)[0].updated_time.isoformat()
            assert inboxes == [("failed", watermark, each.cause, each.next_step)]
        world.pages["1001"].manners = None
        await sync(graph, database, full=True)
    assert select(database, "SELECT state, last_error, next_step FROM inboxes") == [("complete", None, None)]
    assert kept(database, world) == there(world)


async def test_the_same_fields_in_another_order_are_no_change(database: Path) -> None:
    """What is decoded at once has its fields in an order of ours, what is looked at closely in the one Meta chose."""
    world = World.seeded(pages=1, threads=3, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        known = [json.loads(raw) for (raw,) in select(database, "SELECT raw FROM threads ORDER BY updated_time DESC")]
        turned = [dict(reversed(thread.items())) for thread in known]
        for paging, changed in (({}, 0), (None, 0), ({"odd": 1}, 1)):
            if changed:
                turned[1] = {**turned[1], "brand_new": 1}
            body = json.dumps({"data": turned, "paging": paging})
            world.pages["1001"].manners = Manners(raw_body=body.encode())
            (each,) = (await sync(graph, database, full=True)).inboxes
            assert (each.new, each.changed, each.gone) == (0, changed, 0)
    ((raw,),) = select(database, "SELECT raw FROM threads WHERE id = ?", known[1]["id"])
    assert json.loads(raw) == {**known[1], "brand_new": 1}


async def test_a_cursor_that_died_meanwhile_begins_at_the_head(database: Path) -> None:
    world = World.seeded(pages=1, threads=60, platforms=(MESSENGER,))
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(dead_token=True, after_calls=3)
        await sync(graph, database)
        world.pages["1001"].manners = Manners(cursor_lifetime=0.0, times=1)
        report = await sync(graph, database)
    assert report.inboxes[0].outcome is Outcome.COMPLETE
    assert kept(database, world) == there(world)


async def test_a_thread_that_meta_cannot_show_keeps_what_was_held(database: Path) -> None:
    world = World.seeded(pages=1, threads=8, platforms=(MESSENGER,))
    async with of(world) as graph:
        await sync(graph, database)
        thread = world.threads("1001", MESSENGER)[5]
        world.arrive("1001", MESSENGER, thread.id)
        world.pages["1001"].manners = Manners(poisoned={thread.id})
        for counted in ((0, 1), (0, 0)):
            (each,) = (await sync(graph, database)).inboxes
            assert (each.new, each.changed) == counted
        assert select(database, "SELECT id, snippet FROM threads WHERE unavailable") == [(thread.id, thread.snippet)]
        world.pages["1001"].manners = None
        world.arrive("1001", MESSENGER, thread.id)
        await sync(graph, database)
    assert select(database, "SELECT count(*) FROM threads WHERE unavailable") == [(0,)]
    assert kept(database, world) == there(world)


async def test_no_raw_keeps_the_columns_alone(database: Path) -> None:
    world = World.seeded(pages=1, threads=4)
    async with of(world) as graph:
        await sync(graph, database, raw=False, messages=1)
    assert select(database, "SELECT count(raw) FROM threads") == select(database, "SELECT count(raw) FROM messages")
    assert kept(database, world) == there(world)


async def test_every_key_leads_somewhere_and_text_is_found(database: Path) -> None:
    world = World.seeded(pages=2, threads=20, messages=4)
    async with of(world) as graph:
        await sync(graph, database, messages="all")
    assert select(database, "SELECT * FROM pragma_foreign_key_check") == []
    found = select(database, "SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'available'")
    assert found == select(database, "SELECT count(*) FROM messages WHERE message LIKE '%available%'") != [(0,)]
    # By this sqlite-utils and Datasette know that a table can be searched.
    for table in ("messages", "threads"):
        pattern = f'%VIRTUAL TABLE%USING FTS%content="{table}"%'
        assert select(database, "SELECT name FROM sqlite_master WHERE sql LIKE ?", pattern) == [(f"{table}_fts",)]


async def test_no_token_is_in_the_file(database: Path) -> None:
    world = World.seeded(pages=2, threads=20, messages=3, token=lambda page: f"canary-of-page-{page}")
    async with of(world) as graph:
        await sync(graph, database, messages=3)
    assert b"canary" not in b"".join(path.read_bytes() for path in database.parent.iterdir())


async def test_no_token_of_another_and_no_proof_is_in_the_file(database: Path) -> None:
    """Where Meta's links and nested paging hold what the session cannot know."""
    secret = "https://cdn.example/x.png?a=1&access_token=canary-1&appsecret_proof=canary-2&b=2"
    message = {
        "id": "m_1",
        "message": "Hi",
        "sticker": secret,
        "attachments": _edge({"id": "1", "file_url": secret}, secret),
    }
    thread = {"id": "t_1", "link": secret, "participants": _edge({"id": "7"}, secret), "messages": {"data": [message]}}
    world = World.seeded(pages=1, threads=0, platforms=(MESSENGER,))
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(raw_body=json.dumps({"data": [thread]}).encode())
        await sync(graph, database, messages=1)
    assert b"canary" not in b"".join(path.read_bytes() for path in database.parent.iterdir())
    assert select(database, "SELECT sticker FROM messages") == [(re.sub("canary-.", "•••", secret),)]
    assert select(database, "SELECT url FROM attachments") == select(database, "SELECT sticker FROM messages")


def _edge(item: dict[str, str], following: str) -> dict[str, object]:
    return {"data": [item], "paging": {"next": following}}


@pytest.mark.parametrize(
    "time",
    ["9999-99-99T99:99:99+0000", "zzzzzzzzzzzzzzzzzzz+0000", "9999-12-31T23:59:59+0000", "2100-01-01T00:00:00+0000"],
)
async def test_a_time_that_cannot_be_true_hides_nothing_that_comes_later(database: Path, time: str) -> None:
    world = World.seeded(pages=1, threads=4, platforms=(MESSENGER,))
    odd = [{"id": "t_1", "updated_time": time}, {"id": "t_2", "updated_time": "2026-01-01T00:00:00+0000"}]
    async with of(world) as graph:
        world.pages["1001"].manners = Manners(raw_body=json.dumps({"data": odd}).encode())
        await sync(graph, database)
        assert select(database, "SELECT watermark FROM inboxes") == [("2026-01-01T00:00:00+00:00",)]
        world.pages["1001"].manners = None
        await sync(graph, database)
    assert kept(database, world) >= there(world)


async def test_a_plan_tells_calls_and_time_without_asking(database: Path) -> None:
    world = World.seeded(pages=1, threads=60, platforms=(MESSENGER,))
    inbox = Inbox("1001", MESSENGER)
    unknown = read_plan(database, [inbox], EVERY)
    assert (unknown.calls, unknown.unknown, [each.kind for each in unknown.inboxes]) == (0, 1, ["first"])
    assert not database.exists()
    async with of(world) as graph:
        await sync(graph, database)
        known = read_plan(database, [inbox], EVERY)
        assert (known.calls, known.unknown, known.seconds(2.0)) == (1, 0, 0.5)
        full = read_plan(database, [inbox], EVERY, full=True)
        before = listings(graph)
        await sync(graph, database, full=True)
        assert full.calls == listings(graph) - before == 7


@pytest.mark.parametrize(
    ("platform", "threads", "messages", "calls"),
    [
        (MESSENGER, 0, 0, 1),
        (MESSENGER, 100, 0, 1),
        (MESSENGER, 101, 0, 2 + 1),
        (MESSENGER, 400, 5, 4 + 1),
        (MESSENGER, 1000, 0, 10 + 3 + 1),
        (INSTAGRAM, 25, 0, 1),
        (INSTAGRAM, 50, 0, 2 + 1),
        (INSTAGRAM, 110, 0, 5 + 3 + 1),
        (INSTAGRAM, 110, 5, 5 + 110 + 3 + 1),
    ],
)
def test_a_whole_listing_is_planned_with_its_proof(platform: Platform, threads: int, messages: int, calls: int) -> None:
    standing = Standing(Inbox("1001", platform), threads, listed_to_its_end=True)
    plan = plan_of([standing], ThreadQuery(messages=messages), full=True, messages=False)
    assert (plan.calls, plan.seconds()) == (calls, calls / 2)


def test_the_plan_knows_how_many_ids_a_call_proves() -> None:
    assert IDS_PER_CALL == paging.WIDTH


def test_a_cursor_is_kept_with_fields_that_are_not_known_yet() -> None:
    moment = datetime(2026, 5, 4, 13, 32, 8, tzinfo=UTC)
    cursor = Cursor("QVFIU", moment, folder="spam", until=moment)
    text = cursor_text(cursor)
    assert text is not None
    assert read_cursor(text) == cursor
    assert read_cursor(text.replace("{", '{"from_the_future": true, ', 1)) == cursor
    assert read_cursor("no cursor") is read_cursor("[1]") is read_cursor(None) is None


@pytest.mark.parametrize("wrong", [{"messages": 0}, {"messages": True}, {"query": ThreadQuery(user_id="1")}], ids=str)
async def test_what_is_no_sync_is_refused_before_any_call(database: Path, wrong: dict[str, object]) -> None:
    async with ConversationSession(limits=LimitPolicy()) as session, SqliteStore(database) as store:
        with pytest.raises(ValueError, match=r"messages is|a sync lists whole Inboxes"):
            SyncJob(session, store, [Page("1", "token")], **wrong)  # type: ignore[arg-type]  # what is refused
