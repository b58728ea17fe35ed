"""`sync` as somebody sees it who sits before it: the live picture, and Ctrl-C once and twice."""

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pty", reason="no such terminals here")

from syncs import kept, select, there

from cli.commands import Run, at
from cli.terminals import OnTerminal
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World, write_pages_file

HIDDEN, SHOWN = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def world() -> World:
    return World.seeded(pages=2, threads=40)


@pytest.fixture
def graph(world: World) -> Iterator[GraphEmulator]:
    with GraphEmulator(world, limits=LimitRules.off(), latency=0.1).in_thread() as graph:
        yield graph


@pytest.fixture
def arguments(graph: GraphEmulator, world: World, tmp_path: Path) -> tuple[object, ...]:
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    return ("sync", tmp_path / "inbox.db", "--pages", pages_file, *at(graph), "--threads-per-call", "4")


def test_the_picture_tells_totals_and_the_inboxes_at_work_and_is_gone_at_the_end(
    arguments: tuple[object, ...], tmp_path: Path, world: World
) -> None:
    with OnTerminal(*arguments) as terminal:
        terminal.until("Page  Platform   Threads  Messages  Calls").until("0 of 4 Inboxes done").until("reading")
        assert terminal.ended() == 0
    assert "4 Inboxes: 4 first" in terminal.text
    assert " threads/s · " in terminal.text
    assert "time left: not known yet" in terminal.text
    assert terminal.drawn.count(HIDDEN) == terminal.drawn.count(SHOWN) == 1
    behind = terminal.drawn.partition(SHOWN)[2]
    assert "160 threads: 160 new, 0 changed, 0 as before; " in behind
    assert "Platform" not in behind
    assert kept(tmp_path / "inbox.db", world) == there(world)


def test_ctrl_c_ends_it_once_what_was_read_is_saved(
    arguments: tuple[object, ...], tmp_path: Path, world: World, command: Run
) -> None:
    with OnTerminal(*arguments) as terminal:
        terminal.until("reading").press_ctrl_c().until("ending once what has been read is saved")
        assert terminal.ended() == 130
    assert "interrupted; run again to go on from here" in terminal.text
    assert terminal.drawn.rstrip().endswith("interrupted; run again to go on from here")
    assert select(tmp_path / "inbox.db", "SELECT DISTINCT outcome FROM sync_runs") == [("interrupted",)]
    assert command(*arguments, "-q").status == 0
    assert kept(tmp_path / "inbox.db", world) == there(world)


def test_ctrl_c_twice_ends_it_at_once_and_leaves_the_terminal_as_it_was(
    arguments: tuple[object, ...], tmp_path: Path, world: World, command: Run
) -> None:
    for page in world.pages.values():
        page.manners = Manners(slow=60.0, after_calls=2)
    with OnTerminal(*arguments) as terminal:
        # Two answers of each Inbox; the third is slow, so this stays.
        terminal.until("32 threads").press_ctrl_c().until("Ctrl-C again ends at once").press_ctrl_c()
        assert terminal.ended() == 130
    assert "run again to go on" not in terminal.text
    assert terminal.drawn.endswith(f"{SHOWN}\r\n")
    for page in world.pages.values():
        page.manners = None
    assert command(*arguments, "-q").status == 0
    assert kept(tmp_path / "inbox.db", world) == there(world)
    outcomes = select(tmp_path / "inbox.db", "SELECT outcome, count(*) FROM sync_runs GROUP BY outcome ORDER BY 1")
    assert outcomes == [("complete", 4), ("interrupted", 4)]
