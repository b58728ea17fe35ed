"""Databases that somebody has edited by hand: SQLite takes any value in any column, and foreign keys are not looked at.

What makes no sense is left out or listed anew; nothing of it ends a sync, a view or an export as a fault of ours.
"""

import asyncio
import csv
import json
import shutil
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pyarrow import parquet
from syncs import held, kept, select, sync, there

from conversations_async import Inbox, ThreadQuery
from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.export import write_export
from conversations_async.sync import open_reader, read_plan
from conversations_async.sync.moments import moment_of
from conversations_async.view import write_view

CURSOR = (
    "INSERT INTO cursors SELECT page_id, platform, NULL, '{}', NULL, 'earlier', coalesce(folders, ''), '' FROM inboxes"
)


def a_world() -> World:
    return World.seeded(pages=1, threads=6, messages=2)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    async def run() -> None:
        async with GraphEmulator(a_world(), limits=LimitRules.off()) as graph:
            await sync(graph, path, messages="all")

    path = tmp_path_factory.mktemp("synced") / "inbox.db"
    with asyncio.Runner() as runner:
        runner.run(run())
    return path


@pytest.fixture
def database(synced: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(synced, tmp_path / "inbox.db"))


def edit(database: Path, *statements: str) -> None:
    other = sqlite3.connect(database, isolation_level=None)
    for statement in statements:
        other.execute(statement)
    other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE inboxes SET watermark = 'yesterday'",
        "UPDATE inboxes SET watermark = x'ff00'",
        "UPDATE inboxes SET watermark = '0001-01-01T00:00:00+00:00'",
        "UPDATE inboxes SET watermark = '2026-05-04T13:32:08'",
        "UPDATE inboxes SET folders = 'nowhere'",
        CURSOR.format("yesterday"),
        CURSOR.format("2026-05-04T13:32:08"),
        "UPDATE threads SET raw = 'no JSON', updated_time = x'ff', messages_until = NULL",
        "UPDATE messages SET created_time = 'noon'; UPDATE threads SET messages_until = 'x'",
        "UPDATE messages SET created_time = '2026-05-04T13:32:08'; UPDATE threads SET messages_until = 'x'",
        "INSERT INTO sync_lock VALUES (1, 'somebody', 'some day', 'some day')",
        "INSERT INTO sync_lock VALUES (1, x'ff', 'some day', x'ff')",
        "DELETE FROM threads",
        "DELETE FROM inboxes",
    ],
)
async def test_a_sync_bears_it_and_a_full_one_mends_it(statement: str, database: Path, synced: Path) -> None:
    world = a_world()
    edit(database, *statement.split("; "))
    async with GraphEmulator(world, limits=LimitRules.off()) as graph:
        for full in (False, True):
            report = await sync(graph, database, messages="all", full=full)
            assert [each.cause for each in report.inboxes] == [None, None]
    assert kept(database, world) == there(world)
    assert held(database, ["threads", "cursors"]) == held(synced, ["threads", "cursors"])


def test_a_plan_is_made_of_what_is_a_number(database: Path) -> None:
    edit(database, "UPDATE inboxes SET threads = 'many'", "UPDATE sync_runs SET calls = -5, kind = 'incremental'")
    inboxes = [Inbox(*row) for row in select(database, "SELECT page_id, platform FROM inboxes")]
    for full in (False, True):
        plan = read_plan(database, inboxes, ThreadQuery(), full=full)
        assert (plan.calls, plan.unknown) == (2, 0)


ODD = (
    "UPDATE inboxes SET synced_at = x'ff', threads = 'many'",
    "DELETE FROM inboxes WHERE platform = 'instagram'",
    "UPDATE thread_people SET platform = 'letter' WHERE platform = 'instagram'",
    "UPDATE people SET name = x'4ac3', email = 7",
    "UPDATE threads SET message_count = 'some', unread_count = 1e300, can_reply = 'no', changed_at = 'once'",
    "UPDATE messages SET message = x'68696a', created_time = x'00' WHERE number % 2",
    "UPDATE messages SET platform = 'letter' WHERE number % 3 = 0",
    "UPDATE sync_runs SET calls = 'x', waited_seconds = 'long', threads = 9223372036854775807, outcome = x'ff'",
    "INSERT INTO sync_runs (run_id, page_id, platform, kind, started_at, outcome) VALUES ('r', '7', 'x', '', '', '')",
    "INSERT INTO usage_samples VALUES ('r', '1001', 'messenger', 'p', '2026-05-04T13:32:08Z', 'x', x'', 1e999, '')",
    "UPDATE schema_migrations SET applied_at = x'ff'",
)


def test_a_view_shows_what_can_be_shown(database: Path, tmp_path: Path) -> None:
    edit(database, *ODD)
    with open_reader(database) as reader:
        written = write_view(reader, tmp_path / "inbox.html", name="x", now=datetime.now(UTC))
    assert (written.threads, written.inboxes) == (12, 2)


def test_an_export_has_types_whatever_is_there(database: Path, tmp_path: Path) -> None:
    edit(database, *ODD)
    for kind in ("jsonl", "csv", "parquet"):
        with open_reader(database) as reader:
            counts = write_export(reader, kind, tmp_path / "out")
        assert counts[f"threads.{kind}"] == 12
    lines = (tmp_path / "out/threads.jsonl").read_bytes().splitlines()
    told: list[dict[str, Any]] = [*map(json.loads, lines)]
    typed = parquet.read_table(tmp_path / "out/threads.parquet").to_pylist()
    for rows in (told, typed):
        assert {(row["message_count"], row["unread_count"], row["can_reply"]) for row in rows} == {(None, None, None)}
        assert {person["name"] for row in rows for person in row["participants"]} == {"J\ufffd"}
    assert {row["changed_at"] for row in typed} == {None}
    with (tmp_path / "out/messages.csv").open(encoding="utf-8", newline="") as file:
        assert "hij" in {row["message"] for row in csv.DictReader(file)}


def test_what_is_no_moment_is_none() -> None:
    assert moment_of("2026-05-04T13:32:08") == moment_of("2026-05-04T15:32:08+02:00")
    assert [*map(moment_of, (None, 5, b"2026-05-04", "soon", "9999-12-31T23:59:59-14:00", "1970-01-01"))] == [None] * 6
