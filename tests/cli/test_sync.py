"""`sync` as it is typed."""

import os
import re
import signal
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
from syncs import kept, there

from cli.commands import Run, at, start
from conversations_async.cli.databases import name_of
from conversations_async.cli.sync import PRICE
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World, write_pages_file
from conversations_async.sync import open_reader


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


def test_it_fills_a_database_and_says_what_it_did(
    command: Run, graph: GraphEmulator, world: World, pages_file: Path, database: Path
) -> None:
    ended = command("sync", database, "--pages", pages_file, *at(graph))
    assert (ended.status, ended.out) == (0, "")
    assert ended.told[0] == "6 Inboxes: 6 first"
    assert (
        sum(bool(re.match(r"Page 100\d on \w+: 30 new, 0 changed, 0 as before in", line)) for line in ended.told) == 6
    )
    assert re.match(r"180 threads: 180 new, 0 changed, 0 as before; \d+ calls; 6 of 6 Inboxes", ended.told[-1])
    assert kept(database, world) == there(world)


def test_a_dry_run_tells_the_cost_and_makes_no_call(
    command: Run, graph: GraphEmulator, pages_file: Path, database: Path
) -> None:
    ended = command("sync", database, "--pages", pages_file, "--dry-run", "--base-url", graph.base_url)
    assert ended.told == [
        "6 Inboxes: 6 first",
        "6 not listed to their end yet: how much they hold is not known before",
        PRICE,
    ]
    assert not database.exists()
    command("sync", database, "--pages", pages_file, *at(graph), "-q")
    before = len(graph.calls)
    ended = command("sync", database, "--pages", pages_file, "--dry-run", "--messages", "all")
    assert ended.told == [
        "6 Inboxes: 6 incremental",
        "6 calls for the 6 that were listed to their end before: less than 1 s at 2 calls a second on each Inbox",
        "besides, a call for every thread that moved and every hundred new messages of it",
    ]
    assert (ended.status, len(graph.calls)) == (0, before)
    ended = command("sync", database, "--pages", pages_file, "--dry-run", "--full")
    assert ended.told[:2] == [
        "6 Inboxes: 6 whole",
        "12 calls for the 6 that were listed to their end before: 2 s at 2 calls a second on each Inbox",
    ]


def test_quiet_tells_failures_only_and_the_status_counts_them(
    command: Run, graph: GraphEmulator, world: World, pages_file: Path, database: Path
) -> None:
    world.pages["1002"].manners = Manners(dead_token=True)
    ended = command("sync", database, "--pages", pages_file, *at(graph), "--quiet")
    assert ended.status == 3
    assert [line.partition(": token rejected")[0] for line in ended.told] == [
        "Page 1002 on messenger",
        "Page 1002 on instagram",
    ]
    for page in world.pages.values():
        page.manners = Manners(dead_token=True)
    assert command("sync", database, "--pages", pages_file, *at(graph), "--quiet").status == 4


@pytest.mark.parametrize("verb", ["sync", "view", "export"])
@pytest.mark.parametrize(
    "address",
    [
        "u:canary@127.0.0.1:1/db",
        "u:canary/1@127.0.0.1:1/db",
        "u:can@canary@127.0.0.1:1/db",
        "u:canary%zz@127.0.0.1:1/db",
        "u:ca canary@127.0.0.1:1/db",
        "u:7?canary=1@127.0.0.1:1/db",
        "u@127.0.0.1:1/db?password=canary&no=1",
    ],
)
def test_a_password_in_an_address_is_said_by_nobody(
    command: Run, pages_file: Path, tmp_path: Path, verb: str, address: str
) -> None:
    """The run warns of it, since other users see it, and ends where there is no server; `command` looks for it.

    An address that cannot be read is told to be one, without a word of it.
    """
    options = {"sync": ("--pages", pages_file), "view": ("-o", tmp_path / "x.html"), "export": ("-o", tmp_path / "x")}
    more = ("--to", "csv") if verb == "export" else ()
    ended = command(verb, f"postgresql://{address}", *options[verb], *more)
    assert "put it into PGPASSWORD or ~/.pgpass" in ended.told[0]
    reached = "the PostgreSQL server cannot be reached: " in ended.told[1]
    assert reached or "the address of the PostgreSQL server cannot be read: " in ended.told[1]
    assert ended.status == (1 if reached else 2)


@pytest.mark.parametrize("verb", ["sync", "view"])
@pytest.mark.parametrize("address", ["PostgreSQL://u:canary@h/db", "mysql://u:canary@h/db", "host=h password=canary"])
def test_an_address_that_is_none_is_not_taken_for_a_path(
    command: Run, pages_file: Path, verb: str, address: str
) -> None:
    ended = command(verb, address, *(("--pages", pages_file) if verb == "sync" else ()))
    assert (ended.status, ended.told) == (
        2,
        ["conversations-async: a database is the path of a file, or postgresql://… in small letters"],
    )


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("some/where/inbox.db", "inbox.db"),
        ("postgresql://u:canary@h/shop", "shop"),
        ("postgresql://u:can/ary?@h:5/shop?sslmode=require&password=canary", "shop"),
        ("postgresql://h", "PostgreSQL"),
    ],
)
def test_a_database_is_called_by_what_is_no_secret(target: str, name: str) -> None:
    assert name_of(target) == name


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--messages", "some"], "--messages takes none, all, or a number from 1 to 100"),
        (["--messages", "0"], "--messages takes none, all, or a number from 1 to 100"),
        (["--user-id", "1"], "--user-id: a sync keeps whole Inboxes; leave it out"),
    ],
    ids=["words", "zero", "person"],
)
def test_what_cannot_be_kept_is_refused(
    command: Run, pages_file: Path, database: Path, arguments: list[str], sentence: str
) -> None:
    ended = command("sync", database, "--pages", pages_file, *arguments)
    assert (ended.status, ended.told) == (2, [f"conversations-async: {sentence}"])


def test_a_file_of_somebody_else_is_left_alone(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    before = pages_file.read_bytes()
    ended = command("sync", pages_file, "--pages", pages_file, *at(graph))
    assert ended.status == 2
    assert "is no SQLite database: name another file" in ended.err
    assert pages_file.read_bytes() == before


def test_a_database_that_cannot_be_written_ends_the_run(
    command: Run, graph: GraphEmulator, pages_file: Path, tmp_path: Path
) -> None:
    ended = command("sync", tmp_path / "nowhere" / "inbox.db", "--pages", pages_file, *at(graph))
    assert ended.status == 1
    assert "see that the directory is there" in ended.err


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no seeing what a process has open")
def test_ctrl_c_does_not_wait_for_a_database_that_is_locked(
    command: Run, graph: GraphEmulator, pages_file: Path, database: Path
) -> None:
    """Which takes half a minute, or five where a server has gone away."""
    assert command("sync", database, "--pages", pages_file, *at(graph), "-q").status == 0
    before = len(graph.calls)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = start("sync", database, "--pages", pages_file, *at(graph))
        while not opened_by(process.pid, database):
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=5)
    assert (process.returncode, told) == (130, "interrupted\n")
    assert len(graph.calls) == before


def opened_by(process: int, path: Path) -> bool:
    found = []
    for each in Path(f"/proc/{process}/fd").glob("*"):
        with suppress(OSError):  # closed meanwhile
            found.append(each.readlink())
    return path in found


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize("each", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_signal_ends_it_after_what_was_read_is_saved(tmp_path: Path, each: signal.Signals) -> None:
    world = World.seeded(pages=1, threads=400)
    database = tmp_path / "inbox.db"
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    with GraphEmulator(world, limits=LimitRules.off(), latency=0.05).in_thread() as graph:
        process = start("sync", database, "--pages", pages_file, *at(graph), "--threads-per-call", "4")
        while len(graph.calls) < 20:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(each)
        _, told = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "ending once what has been read is saved" in told
        assert "interrupted; run again to go on from here" in told
        with open_reader(database) as reader:
            assert [*reader.rows("SELECT DISTINCT outcome FROM sync_runs")] == [("interrupted",)]
            assert 0 < next(reader.rows("SELECT count(*) FROM threads"))[0] < 800
    with sqlite3.connect(database) as other:
        assert other.execute("SELECT count(*) FROM sync_lock").fetchall() == [(0,)]
    other.close()
