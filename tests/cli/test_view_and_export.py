"""`conversations-async view` and `export`: a database in, files out."""

import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from view.filled import Filled, fill_shop

from cli.commands import Run
from conversations_async.cli import main
from conversations_async.cli.databases import name_of


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return fill_shop(tmp_path / "inbox.db", pages=2, threads=10)


def test_view_writes_a_page_for_its_owner_and_writes_it_anew(command: Run, database: Path, tmp_path: Path) -> None:
    page = tmp_path / "inbox.html"
    for _ in range(2):
        ended = command("view", database, "-o", page)
        assert (ended.status, ended.out) == (0, "")
        assert ended.told[0].startswith("32 threads and ")
        assert "of 4 Inboxes, 1 of them failed: open" in ended.told[0]
    assert page.stat().st_mode & 0o777 == 0o600
    assert page.read_bytes().startswith(b"<!doctype html>")
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_view_does_not_write_over_what_it_did_not_make(command: Run, database: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.html"
    mine.write_text("<p>mine</p>")
    for wrong in (mine, database, tmp_path):
        ended = command("view", database, "-o", wrong)
        assert ended.status == 2
        assert "name a" in ended.err
    assert mine.read_text() == "<p>mine</p>"


@pytest.mark.parametrize("verb", ["view -o x.html", "export --to csv -o x"])
def test_what_is_no_database_is_told_in_a_sentence(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    monkeypatch.chdir(tmp_path)
    name, *options = verb.split()
    ended = command(name, "missing.db", *options)
    assert (ended.status, ended.told) == (
        2,
        ["conversations-async: there is no file missing.db: fill one with `sync` first"],
    )
    (tmp_path / "other.db").write_bytes(b"not a database at all, by far")
    ended = command(name, "other.db", *options)
    assert ended.status in (1, 2)
    assert len(ended.told) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other.db"]


@pytest.fixture(params=[signal.SIGTERM, signal.SIGHUP])
def end(request: pytest.FixtureRequest) -> Iterator[signal.Signals]:
    """A signal that ends a process by itself: under nohup the tests inherit one that is ignored."""
    found = signal.signal(request.param, signal.SIG_DFL)
    yield request.param
    signal.signal(request.param, found)


@pytest.mark.parametrize("verb", ["view -o {}/out", "export --to jsonl -o {}/out"])
def test_a_signal_leaves_nothing_half_behind(
    database: Path,
    tmp_path: Path,
    verb: str,
    end: signal.Signals,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What is half would hold people's messages under a name that nobody looks for."""
    synced, before = os.fsync, signal.getsignal(end)

    def ended_before(descriptor: int) -> None:
        signal.raise_signal(end)
        synced(descriptor)

    monkeypatch.setattr(os, "fsync", ended_before)
    name, *options = verb.format(tmp_path).split()
    # Signals come to the main thread alone.
    assert main([name, str(database), *options]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith("inbox.db")] == []
    assert signal.getsignal(end) is before


@pytest.mark.parametrize("verb", ["view -o {}/inbox.html", "export --to csv -o {}/a/b"])
def test_a_place_that_cannot_be_written_is_told_in_a_sentence(command: Run, database: Path, verb: str) -> None:
    name, *options = verb.format(f"{database}/below").split()
    ended = command(name, database, *options)
    assert ended.status == 1
    assert "cannot be written" in ended.told[0]


def test_export_writes_its_files_and_replaces_them_on_request(command: Run, database: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ended = command("export", database, "--to", "csv", "-o", out)
    assert (ended.status, ended.out) == (0, "")
    assert f"{out}/threads.csv: 32 rows" in ended.told
    again = command("export", database, "--to", "csv", "-o", out)
    assert again.status == 2
    assert "--replace" in again.err
    assert command("export", database, "--to", "csv", "-o", out, "--replace").status == 0
    assert command("export", database, "--to", "jsonl", "-o", out).status == 0
    assert command("export", database, "--to", "xml", "-o", out).status == 2
    assert command("export", database, "--to", "csv", "-o", database).status == 2


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/var/data/inbox.db", "inbox.db"),
        ("postgresql://me:hush@db.example:5432/shop?sslmode=require", "shop"),
        ("postgresql://", "PostgreSQL"),
        ("postgresql://[", "PostgreSQL"),
    ],
)
def test_a_database_is_named_without_what_is_secret_in_its_address(target: str, name: str) -> None:
    assert name_of(target) == name


def test_counts_that_no_sum_can_hold_are_shown(command: Run, tmp_path: Path) -> None:
    with Filled(tmp_path / "inbox.db") as filled:
        filled.page("1001")
        filled.inbox("1001")
        for number in range(3):
            filled.thread("1001", f"t{number}", unread_count=2**63 - 1)
    ended = command("view", tmp_path / "inbox.db", "-o", tmp_path / "inbox.html")
    assert (ended.status, ended.told[0][:9]) == (0, "3 threads")


def test_words_that_cannot_be_read_are_not_quoted(command: Run, tmp_path: Path) -> None:
    with Filled(tmp_path / "inbox.db") as filled:
        filled.page("1001")
        filled.inbox("1001")
        filled.thread("1001", "t")
    with sqlite3.connect(tmp_path / "inbox.db") as other:
        other.execute("UPDATE threads SET snippet = CAST(x'70726976617465ff' AS text)")
    other.close()
    ended = command("export", tmp_path / "inbox.db", "--to", "csv", "-o", tmp_path / "out")
    assert ended.status == 1
    assert "Could not decode to UTF-8 column 'snippet'" in ended.told[0]
    assert "private" not in ended.err
