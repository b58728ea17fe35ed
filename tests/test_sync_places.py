"""What may be at the place that a sync is given: names of any kind, and files that are no databases of ours."""

import os
import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import psycopg
import pytest
from syncs import kept, named_pages, select, sync, there

from conversations_async import Inbox, ThreadQuery
from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.sync import StoreForeign, StoreMissing, StoreUnavailable, open_reader, open_store, read_plan


@pytest.fixture(scope="module")
def world() -> World:
    return World.seeded(pages=1, threads=12)


def of(world: World) -> GraphEmulator:
    return GraphEmulator(world, limits=LimitRules.off())


@pytest.mark.parametrize(
    "name",
    ["a b?c#d%20e;.db", "né 名.db", ":memory:", "file:x.db?mode=memory", "-dash.db", "two\nlines.db", "\udcff.db"],
)
async def test_any_name_is_a_files_name(
    name: str, world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with of(world) as graph:
        await sync(graph, name)
    assert os.fsencode(name) in os.listdir(os.fsencode(tmp_path))
    assert kept(name, world) == there(world)


async def test_a_new_file_is_its_owners_alone_and_an_old_one_stays_as_it_is(world: World, tmp_path: Path) -> None:
    mine, link, ours = tmp_path / "mine.db", tmp_path / "link.db", tmp_path / "ours.db"
    link.symlink_to(mine)
    ours.touch(0o664)
    ours.chmod(0o664)
    async with of(world) as graph:
        for database in (link, ours):
            await sync(graph, database)
    assert stat.S_IMODE(mine.stat().st_mode) == 0o600
    assert stat.S_IMODE(ours.stat().st_mode) == 0o664
    assert kept(mine, world) == there(world)


@pytest.mark.parametrize("target", ["mysql://me:hush@host/inbox", "postgresql+asyncpg://me:hush@host/x", "FILE:///x"])
def test_an_address_of_something_else_is_refused_without_what_is_secret_in_it(target: str) -> None:
    for opened in (open_store, open_reader):
        with pytest.raises(StoreForeign, match=r"://… is no database that can be used: name a path") as caught:
            opened(target)
        assert "hush" not in str(caught.value)


OTHERS = {
    "the same names": ["CREATE TABLE threads (id)", "CREATE TABLE pages (a)", "INSERT INTO pages VALUES (1)"],
    "other names": ["CREATE TABLE urls (id)"],
    "migrations of another program": ["CREATE TABLE schema_migrations (version)"],
    "migrations that look like ours": [
        "CREATE TABLE schema_migrations (number, name, applied_at)",
        "INSERT INTO schema_migrations VALUES (1, 'users', 'yesterday'), ('two', 'more', '')",
    ],
}


@pytest.mark.parametrize("statements", OTHERS.values(), ids=OTHERS)
async def test_another_programs_database_is_left_as_it_is(statements: list[str], world: World, tmp_path: Path) -> None:
    database = tmp_path / "other.db"
    with sqlite3.connect(database) as other:
        for statement in statements:
            other.execute(statement)
    other.close()
    before = database.read_bytes()
    async with of(world) as graph:
        with pytest.raises(StoreForeign, match="holds tables of another program"):
            await sync(graph, database)
        assert graph.calls == []
    with pytest.raises(StoreForeign, match="no database of conversations-async"):
        open_reader(database)
    assert database.read_bytes() == before
    assert os.listdir(tmp_path) == ["other.db"]


async def test_tables_of_the_same_names_on_postgres_are_left_as_they_are(postgres: str, world: World) -> None:
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    with psycopg.connect(postgres, autocommit=True) as other:
        other.execute("CREATE TABLE urls (id text)")
        async with of(world) as graph:
            await sync(graph, postgres)
        assert kept(postgres, world) == there(world)
        other.execute("DROP SCHEMA public CASCADE")
        other.execute("CREATE SCHEMA public")
        other.execute("CREATE TABLE messages (id text)")
        async with of(world) as graph:
            with pytest.raises(StoreForeign, match="holds tables of another program"):
                await sync(graph, postgres)
        assert other.execute(tables).fetchall() == [(1,)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_plan_is_made_of_whatever_a_sync_would_fill(
    kind: str, world: World, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """A database with nothing in it, and one of an older schema, which only a sync leads forward."""
    database = tmp_path / "inbox.db"
    database.touch()
    target = database if kind == "sqlite" else request.getfixturevalue("postgres")
    inboxes = [Inbox(page.id, platform) for page in named_pages(world) for platform in page.platforms]
    plan = read_plan(target, inboxes, ThreadQuery())
    assert [each.kind for each in plan.inboxes] == ["first", "first"]
    with pytest.raises(StoreMissing, match="there is nothing of conversations-async in this database yet"):
        open_reader(target)
    async with of(world) as graph:
        await sync(graph, target)
    store = open_store(target)
    async with store:
        await store._writer.do(lambda held: held.run("DELETE FROM schema_migrations WHERE number > 1"))
    plan = read_plan(target, inboxes, ThreadQuery())
    assert [each.kind for each in plan.inboxes] == ["incremental", "incremental"]
    with pytest.raises(StoreForeign, match="has schema 1, older than"):
        open_reader(target)


async def test_a_damaged_file_is_told_as_such(world: World, tmp_path: Path) -> None:
    whole, damaged = tmp_path / "whole.db", tmp_path / "damaged.db"
    async with of(world) as graph:
        await sync(graph, whole)
        damaged.write_bytes(whole.read_bytes()[:20_000])
        with pytest.raises(StoreUnavailable, match="the file is damaged: restore a copy"):
            await sync(graph, damaged)
    with pytest.raises(StoreUnavailable, match="the file is damaged: restore a copy"):
        open_reader(damaged)


@pytest.mark.skipif(os.name != "posix" or os.getuid() != 0, reason="only the superuser can become somebody else")
async def test_a_database_can_be_read_where_nothing_may_be_written(world: World, tmp_path: Path) -> None:
    """A copy in an archive: SQLite would make a file beside it to see the log."""
    async with of(world) as graph:
        await sync(graph, tmp_path / "inbox.db")
    archive = Path("/tmp") / f"archive-{os.getpid()}"  # pytest's own directory is closed to others
    archive.mkdir(0o755)
    try:
        shutil.copy(tmp_path / "inbox.db", archive / "inbox.db")
        (archive / "inbox.db").chmod(0o444)
        os.seteuid(65534)
        try:
            found = kept(archive / "inbox.db", world)
        finally:
            os.seteuid(0)
        assert os.listdir(archive) == ["inbox.db"]
        assert found == there(world)
        assert select(tmp_path / "inbox.db", "SELECT count(*) FROM threads") == [(24,)]
    finally:
        shutil.rmtree(archive)


ODD_PASSWORDS = ["hush%zz", "hu:sh@sec", "hush hush"]


@pytest.mark.parametrize("password", ODD_PASSWORDS)
def test_an_address_that_cannot_be_read_is_refused_without_its_password(password: str) -> None:
    """The driver quotes what it cannot read."""
    for opened in (open_store, open_reader):
        with pytest.raises(StoreForeign, match="the address of the PostgreSQL server cannot be read") as caught:
            opened(f"postgresql://me:{password}@localhost:1/inbox")
        assert "hu" not in str(caught.value).replace("put", "")


async def test_a_server_that_does_not_let_us_is_not_told_as_another_programs(postgres: str, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, postgres)
        with psycopg.connect(postgres, autocommit=True) as other:
            other.execute("CREATE ROLE onlooker LOGIN")
        onlooker = postgres.replace("//postgres", "//onlooker")
        with pytest.raises(StoreUnavailable, match="refuses: permission denied for table"):
            await sync(graph, onlooker)
        with pytest.raises(StoreUnavailable, match="cannot be read: permission denied for table"):
            open_reader(onlooker)


async def test_a_database_that_cannot_hold_every_text_is_refused(
    postgres: str, postgres_server: Any, world: World
) -> None:
    name = postgres.partition("?")[0].rpartition("/")[2] + "_latin"
    postgres_server.psql(f"CREATE DATABASE {name} ENCODING 'LATIN1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'")
    async with of(world) as graph:
        with pytest.raises(StoreForeign, match="holds texts as LATIN1: make one with ENCODING 'UTF8'"):
            await sync(graph, postgres_server.get_uri(database=name))
