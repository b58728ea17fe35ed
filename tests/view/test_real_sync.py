"""View and export of what a sync really wrote, in both kinds of database."""

import base64
import json
import zlib
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from syncs import sync

from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.export import write_export
from conversations_async.sync.reading import open_reader
from conversations_async.view import write_view
from view.filled import NOON, Filled


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "inbox.db") if request.param == "sqlite" else str(request.getfixturevalue("postgres"))


def blocks(page: Path, kind: str) -> list[Any]:
    """The rows of all blocks of one kind, unpacked as a browser does."""
    rows: list[Any] = []
    for part in page.read_text("utf-8").split('<script type="text/plain" id="data-')[1:]:
        name, _, rest = part.partition('">')
        if name.strip("0123456789") == kind:
            rows += json.loads(zlib.decompress(base64.b64decode(rest.partition("</script>")[0]), -15))
    return rows


@pytest.mark.looptime
async def test_both_tell_every_thread_and_message_on_both_kinds_of_database(target: str, tmp_path: Path) -> None:
    world = World.seeded(pages=2, threads=12, messages=4)
    async with GraphEmulator(world, limits=LimitRules.off()) as graph:
        await sync(graph, target, messages="all")
    page, directory = tmp_path / "inbox.html", tmp_path / "out"
    with open_reader(target) as reader:
        written = write_view(reader, page, name="shop", now=NOON)
    with open_reader(target) as reader:
        write_export(reader, "jsonl", directory)
    threads, messages = (
        [json.loads(line) for line in (directory / f"{name}.jsonl").read_bytes().splitlines()]
        for name in ("threads", "messages")
    )
    truth = {
        (page_id, platform, thread.id): thread
        for page_id, each in world.pages.items()
        for platform in each.platforms
        for thread in world.threads(page_id, platform)
    }
    assert {(row["page_id"], row["platform"], row["id"]) for row in threads} == set(truth)
    assert (written.threads, written.messages, written.failed) == (len(truth), len(messages), 0)
    drawn = blocks(page, "t")
    assert {row[1] for row in drawn} == {thread_id for _, _, thread_id in truth}
    assert [row[2] for row in drawn] == sorted((row[2] for row in drawn), reverse=True)
    held = dict(blocks(page, "m"))
    assert sum(map(len, held.values())) == len(messages) > 0
    assert {place for place, row in enumerate(drawn) if row[10]} == set(held)
    # The Page's own side is told apart on both platforms: somebody else began every thread.
    sides = {message[1] == 1 for parts in held.values() for message in parts}
    assert sides == {True, False}
    for own in (row for row in drawn if len(row[3]) > 1):
        raise AssertionError(f"more than one person beside the Page: {own}")
    assert len(blocks(page, "runs")) == 1


def test_a_pool_is_one_line_whichever_inbox_heard_of_it(tmp_path: Path) -> None:
    """Meta tells of every pool that a call draws on, and it is noted with the Inbox whose answer was the first."""
    with Filled(tmp_path / "inbox.db") as filled:
        for page_id in ("1001", "1002"):
            filled.page(page_id)
            for platform in ("instagram", "messenger"):
                filled.inbox(page_id, platform)
        for minute, (page_id, platform, pool) in enumerate(
            [
                ("1001", "messenger", "messenger 1001"),
                ("1001", "instagram", "messenger 1001"),
                ("1001", "messenger", "messenger 1001"),
                ("1001", "messenger", "app"),
                ("1002", "instagram", "app"),
                ("1002", "messenger", "user"),
            ]
        ):
            filled.usage("r", page_id, platform, pool, NOON + timedelta(minutes=minute), 10 + minute, 0, 0, minute)
        filled.run("r", "1001")
    with open_reader(tmp_path / "inbox.db") as reader:
        write_view(reader, tmp_path / "inbox.html", name="shop", now=NOON)
    lines = {row[1]: (row[0], row[2], row[3], len(row[4])) for row in blocks(tmp_path / "inbox.html", "u0.")}
    assert lines["messenger 1001"] == (1, 12, 2, 3)
    assert lines["app"] == (-1, 14, 4, 2)
    assert lines["user"][0] == 3
