"""The seeded world by itself."""

import re
import stat
import subprocess
import sys
import tomllib
from datetime import timedelta
from pathlib import Path

import pytest
from asking import INSTAGRAM, MESSENGER, emulated, ids

from conversations_async.emulator import GraphEmulator, World, write_pages_file
from conversations_async.emulator.fields import FieldsUnreadable, read_fields
from conversations_async.emulator.wire import CursorUnreadable, Place, meta_base64, read_cursor, write_cursor
from conversations_async.model import Platform


def shape(world: World) -> object:
    """All that a seed decides."""
    return [
        (
            page.id,
            page.token,
            page.instagram_id,
            [(thread.id, thread.updated_time, thread.snippet) for thread in listed],
        )
        for page in world.pages.values()
        for listed in (world.threads(page.id, platform) for platform in Platform)
    ]


def test_the_same_seed_makes_the_same_world() -> None:
    first, second = (World.seeded(pages=3, threads=(0, 40), seed=5, messages=(1, 9)) for _ in range(2))
    assert shape(first) == shape(second)
    assert shape(first) != shape(World.seeded(pages=3, threads=(0, 40), seed=6, messages=(1, 9)))


def test_inboxes_do_not_depend_on_the_order_of_looking() -> None:
    first, second = (World.seeded(pages=2, threads=(0, 40)) for _ in range(2))
    second.threads("1002", INSTAGRAM)
    assert shape(first) == shape(second)


def test_a_world_of_ten_thousand_pages_is_filled_only_where_it_is_looked_at() -> None:
    world = World.seeded(pages=10_000, threads=1000)
    assert len(world.threads("9999", MESSENGER)) == 1000
    assert sum(len(page.inboxes) for page in world.pages.values()) == 1


def test_threads_are_newest_first_and_some_share_a_moment() -> None:
    # Contract 1.5.
    times = [thread.updated_time for thread in World.seeded(pages=1, threads=500).threads("1001", MESSENGER)]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) < len(times)


def test_no_two_threads_people_or_messages_share_an_id() -> None:
    world = World.seeded(pages=3, threads=200)
    threads = [thread for page in world.pages for platform in Platform for thread in world.threads(page, platform)]
    assert len({thread.id for thread in threads}) == len(threads) == 1200
    assert len({thread.person.id for thread in threads}) == 1200
    assert len({message.id for thread in threads for message in thread.messages}) == 3600


def test_a_message_moves_its_thread_to_the_head() -> None:
    world = World.seeded(pages=1, threads=10)
    before = world.threads("1001", MESSENGER)
    moved = world.arrive("1001", MESSENGER, before[6].id, text="again")
    after = world.threads("1001", MESSENGER)
    assert [thread.id for thread in after] == [
        before[6].id,
        *(thread.id for thread in before if thread is not before[6]),
    ]
    assert moved.updated_time > before[0].updated_time
    assert (moved.snippet, moved.message_count) == ("again", before[6].message_count + 1)
    assert moved.messages[1:] == before[6].messages
    made = world.arrive("1001", MESSENGER)
    assert ids(world)[0] == made.id not in {thread.id for thread in before}
    world.remove("1001", MESSENGER, made.id)
    assert made.id not in ids(world)
    with pytest.raises(KeyError):
        world.remove("1001", MESSENGER, made.id)


def test_arrivals_may_share_a_moment() -> None:
    world = World.seeded(pages=1, threads=3)
    world.arrival_step = timedelta(0)
    assert world.arrive("1001", INSTAGRAM).updated_time == world.threads("1001", INSTAGRAM)[1].updated_time


def test_a_world_may_have_one_platform_and_tokens_of_ones_own() -> None:
    world = World.seeded(pages=2, threads=3, platforms=(MESSENGER,), token=lambda page_id: f"canary-{page_id}")
    assert world.pages["1002"].token == "canary-1002"
    assert world.pages["1002"].instagram_id is None
    assert world.threads("1002", INSTAGRAM) == []
    other = World.seeded(pages=1, threads=3, platforms=(INSTAGRAM,))
    assert (len(other.threads("1001", INSTAGRAM)), other.threads("1001", MESSENGER)) == (3, [])


def test_the_demo_has_pages_that_are_ill_each_in_another_way() -> None:
    world = World.demo()
    assert len(world.pages) == 20
    assert list(world.surprises.values()) == [
        "dead token",
        "permission for Instagram missing",
        "80006 for six seconds",
        "a thread that Meta cannot show",
    ]


def test_platforms_may_differ_in_their_number_of_threads() -> None:
    world = World.seeded(pages=3, threads={MESSENGER: 9, INSTAGRAM: (1, 2)})
    assert {len(world.threads(page, MESSENGER)) for page in world.pages} == {9}
    assert {len(world.threads(page, INSTAGRAM)) for page in world.pages} <= {1, 2}
    assert world.pages["1001"].engaged_users == 9


@pytest.mark.looptime
async def test_the_demos_80006_is_over_after_the_wait_it_tells() -> None:
    world = World.demo()
    (page_id,) = (page_id for page_id, surprise in world.surprises.items() if "80006" in surprise)
    async with emulated(world) as ask:
        heard = await ask.listing(page_id)
        assert heard.messenger_usage["estimated_time_to_regain_access"] == 0.1
        closure = ask.graph.closures[page_id]
        assert closure.until - closure.began == 6.0


# --- the pages file


def test_the_pages_file_holds_every_page_and_is_its_owners_alone(tmp_path: Path) -> None:
    world = World.seeded(pages=2, threads=0)
    world.add_page("77", name='The "Corner"\\ Café\n', platforms=[MESSENGER])
    target = tmp_path / "pages.toml"
    target.write_text("old")
    target.chmod(0o644)
    assert write_pages_file(world, target) == target
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    listed = tomllib.loads(target.read_text())["page"]
    assert [(page["id"], page["token"], page["name"]) for page in listed] == [
        (page.id, page.token, page.name) for page in world.pages.values()
    ]
    assert [page.get("platforms") for page in listed] == [None, None, ["messenger"]]


async def test_the_pages_file_can_be_written_from_the_emulator(tmp_path: Path) -> None:
    async with GraphEmulator() as graph:
        write_pages_file(graph, tmp_path / "pages.toml")
        assert len(tomllib.loads((tmp_path / "pages.toml").read_text())["page"]) == len(graph.world.pages)


# --- reading and writing Meta's forms


def test_field_expansion_is_read_as_written() -> None:
    # Contract 6.3.
    first, second, third = read_fields(
        "id, messages.limit(5).after(QVFI=){id,to{data{id,name}}} ,participants.as(people)"
    )
    assert (first.name, first.inside) == ("id", None)
    assert (second.limit, second.after, second.source_text) == (5, "QVFI=", "id,to{data{id,name}}")
    assert second.inside is not None
    assert second.inside[1].inside is not None
    assert [ask.name for ask in second.inside[1].inside[0].inside or ()] == ["id", "name"]
    assert (third.name, third.key) == ("participants", "people")


@pytest.mark.parametrize("text", ["a{", "a}", "a.limit", "a.limit(3", "a b", ",a", "a{b}c", "a..b", "{"])
def test_broken_field_expansion_is_refused(text: str) -> None:
    with pytest.raises(FieldsUnreadable, match="Syntax error"):
        read_fields(text)


@pytest.mark.parametrize("text", ["", "x", "QVFIU", "QVFIUéé", "MAZDZD", meta_base64(b"AQHRnonsense"), "Z"])
def test_foreign_cursors_are_unreadable(text: str) -> None:
    with pytest.raises(CursorUnreadable):
        read_cursor(text)


def test_a_cursor_holds_its_place() -> None:
    place = Place("1001/messenger/inbox", "t_1", 3, 25, 2, 1, 17.25)
    assert read_cursor(write_cursor(place, 7)) == place
    assert write_cursor(place, 7) != write_cursor(place, 8)


# --- the house


def test_the_emulator_knows_nothing_of_the_package_but_platform() -> None:
    folder = Path(sys.modules["conversations_async.emulator"].__file__ or "").parent
    imported = {
        name
        for source in folder.glob("*.py")
        for name in re.findall(r"^\s*(?:from|import) (conversations_async[\w.]*)", source.read_text(), re.MULTILINE)
    }
    assert {name for name in imported if not name.startswith("conversations_async.emulator")} == {
        "conversations_async.model"
    }
    sources = "".join(source.read_text() for source in folder.glob("*.py"))
    assert set(re.findall(r"from conversations_async\.model import (.+)", sources)) == {"Platform"}
    # The server's clock is the loop's, the world's comes from the seed.
    assert not re.findall(r"^\s*(?:from|import) time\b|datetime\.now|utcnow|\btime\.time\(", sources, re.MULTILINE)


def test_the_emulator_runs_as_a_program_of_three_lines() -> None:
    code = (
        "import asyncio\nfrom conversations_async.emulator import GraphEmulator, World\n"
        "async def main():\n    async with GraphEmulator(World.seeded(pages=1)) as graph: print(graph.base_url)\n"
        "asyncio.run(main())"
    )
    run = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+\n", run.stdout)
    assert run.stderr == ""
