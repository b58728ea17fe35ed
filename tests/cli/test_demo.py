"""`conversations-async demo`, with a smaller world."""

from collections.abc import Callable

import pytest

from cli.commands import Run, canary
from conversations_async.emulator import Manners, World


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


def test_the_real_one_has_twenty_pages_a_dead_token_and_a_refusal() -> None:
    world = World.demo()
    assert len(world.pages) == 20
    assert len(world.surprises) == 2
