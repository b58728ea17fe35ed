"""What every test of the command has: the command, an emulator, and a pages file of canaries."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.commands import Ended, Run, apart, canary
from conversations_async.cli import main
from conversations_async.emulator import GraphEmulator, LimitRules, World, write_pages_file


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run the command in this process. Neither stream may ever hold a canary, whatever the test is about."""
    loggers = [logging.getLogger(name) for name in ("conversations_async", "asyncio")]
    before = [(logger, logger.level, logger.handlers[:]) for logger in loggers]
    shown: list[str] = []

    def run(*arguments: object) -> Ended:
        capsys.readouterr()
        status = apart(lambda: main([str(each) for each in arguments]))
        captured = capsys.readouterr()
        shown.extend(captured)
        return Ended(status, captured.out, captured.err)

    yield run
    for logger, level, handlers in before:
        logger.setLevel(level)
        logger.handlers[:] = handlers
    assert "canary" not in "".join(shown)


@pytest.fixture
def world() -> World:
    return World.seeded(pages=3, threads=30, token=canary)


@pytest.fixture
def graph(world: World) -> Iterator[GraphEmulator]:
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        yield graph


@pytest.fixture
def pages_file(world: World, tmp_path: Path) -> Path:
    return write_pages_file(world, tmp_path / "pages.toml")
