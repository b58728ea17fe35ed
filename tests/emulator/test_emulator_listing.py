"""The edge as a caller sees it: order, fields, cursors, links (contract 1 and 3)."""

import base64
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from asking import INSTAGRAM, MESSENGER, Asker, emulated, ids

from conversations_async.emulator import CursorAnchor, Manners, World
from conversations_async.emulator.wire import read_meta_base64
from conversations_async.model import Platform


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("size", [0, 1, 25, 26, 50, 77])
async def test_a_walk_lists_every_thread_once_newest_first(platform: Platform, size: int) -> None:
    world = World.seeded(pages=2, threads=size)
    async with emulated(world) as ask:
        assert await ask.walk(platform=platform) == ids(world, platform=platform)
        assert len(ids(world, platform=platform)) == size
        assert len({*ids(world, "1001", platform), *ids(world, "1002", platform)}) == 2 * size


async def test_no_platform_means_messenger_and_case_does_not_matter() -> None:
    # Contract 1.1.
    world = World.seeded(pages=1, threads=5)
    async with emulated(world) as ask:
        page = world.pages["1001"]
        assert (await ask.get("1001/conversations", page)).ids == ids(world)
        assert (await ask.get("1001/conversations", page, platform="INSTAGRAM")).ids == ids(world, platform=INSTAGRAM)
        assert (await ask.get("me/conversations", page, platform="instagram")).ids == ids(world, platform=INSTAGRAM)
        assert (await ask.get("1001/conversations", page, platform="whatsapp")).error["code"] == 100


async def test_the_default_answer_holds_id_and_updated_time() -> None:
    # Contract 1.3; the time without a colon in its offset.
    async with emulated(World.seeded(pages=1, threads=1)) as ask:
        (thread,) = (await ask.listing()).json["data"]
        assert list(thread) == ["id", "updated_time"]
        assert thread["updated_time"] == "2026-05-04T13:32:08+0000"


async def test_keys_come_as_listed_and_id_last_where_it_was_not_listed() -> None:
    # Contract 1.3, recorded on v3.3 and v24/v25.
    async with emulated(World.seeded(pages=1, threads=1)) as ask:
        first = (await ask.listing(fields="updated_time,message_count,link")).json["data"][0]
        assert list(first) == ["updated_time", "message_count", "link", "id"]
        second = (await ask.listing(fields="snippet,id,unread_count")).json["data"][0]
        assert list(second) == ["snippet", "id", "unread_count"]


async def test_ids_are_those_of_the_platform() -> None:
    # Contract 2.1 and 2.4.
    world = World.seeded(pages=1, threads=3)
    for thread in world.threads("1001", MESSENGER):
        assert re.fullmatch(r"t_\d+", thread.id)
        assert all(re.fullmatch(r"m_[\w-]{70,100}", message.id) for message in thread.messages)
        assert re.fullmatch(r"/1001/inbox/\d+/", thread.link)
        assert thread.link.split("/")[3] not in thread.id
    for thread in world.threads("1001", INSTAGRAM):
        assert thread.id.startswith("aWdfZAG06Mz")
        assert re.fullmatch(rb"ig_dm:\d{39}", read_meta_base64(thread.id))
        for message in thread.messages:
            decoded = read_meta_base64(message.id).decode()
            assert re.fullmatch(r"ig_dm_item:1:IGMessageID:17841\d+:\d{39}:\d{35}", decoded)


async def test_next_is_absolute_and_its_parameters_are_in_metas_order() -> None:
    # Contract 3.1, recorded on v3.3: token, pretty, fields, others, limit, after.
    world = World.seeded(pages=1, threads=5)
    async with emulated(world) as ask:
        heard = await ask.listing(limit=2, fields="id,senders", folder="inbox")
        link = heard.paging["next"]
        assert link.startswith(f"{ask.graph.base_url}/v25.0/1001/conversations?access_token=EAAG")
        assert "&pretty=0&fields=id%2Csenders&platform=messenger&folder=inbox&limit=2&after=" in link
        assert dict(parse_qsl(urlsplit(link).query))["access_token"] == world.pages["1001"].token
        async with ask.http.get(link) as response:
            assert [item["id"] for item in (await response.json())["data"]] == ids(world)[2:4]


async def test_cursors_are_opaque_and_differ_from_call_to_call() -> None:
    # Contract 2.4: they begin `QVFIU`, 150-200 characters, not stable between requests.
    async with emulated(World.seeded(pages=1, threads=5)) as ask:
        for platform in Platform:
            first, second = [await ask.listing(platform=platform, limit=2) for _ in range(2)]
            assert first.after != second.after
            assert first.after.startswith("QVFIU")
            assert 150 <= len(first.after) <= 260


async def test_the_first_page_has_no_previous_and_the_last_has_cursors_but_no_next() -> None:
    # Contract 3.1.
    world = World.seeded(pages=1, threads=5)
    async with emulated(world) as ask:
        first = await ask.listing(limit=3)
        assert sorted(first.paging) == ["cursors", "next"]
        last = await ask.listing(limit=3, after=first.after)
        assert sorted(last.paging) == ["cursors", "previous"]
        assert last.paging["cursors"]["after"]
        assert (await ask.listing(limit=3, before=last.paging["cursors"]["before"])).ids == first.ids


async def test_with_one_item_before_and_after_are_the_same() -> None:
    # SHAPES, a recorded answer with limit=1.
    async with emulated(World.seeded(pages=1, threads=2)) as ask:
        cursors = (await ask.listing(limit=1)).paging["cursors"]
        assert cursors["before"] == cursors["after"]


async def test_instagram_cursors_have_only_after() -> None:
    # SHAPES, recorded.
    async with emulated(World.seeded(pages=1, threads=30)) as ask:
        first = await ask.listing(platform=INSTAGRAM)
        assert list(first.paging["cursors"]) == ["after"]
        assert list((await ask.listing(platform=INSTAGRAM, after=first.after)).paging) == ["cursors"]


async def test_an_empty_inbox_has_no_paging() -> None:
    # SHAPES, twice live on v23.0.
    async with emulated(World.seeded(pages=1, threads=0)) as ask:
        assert (await ask.listing()).body == b'{"data":[]}'


async def test_user_id_lists_the_one_thread_with_a_person() -> None:
    # Contract 1.1.
    world = World.seeded(pages=1, threads=9)
    async with emulated(world) as ask:
        thread = world.threads("1001", MESSENGER)[4]
        assert (await ask.listing(user_id=thread.person.id)).ids == [thread.id]
        assert (await ask.listing(user_id="42")).json == {"data": []}


async def test_folders_are_apart() -> None:
    # Contract 1.1.
    world = World.seeded(pages=1, threads=4, folders={"page_done": 3, "spam": (1, 2)})
    async with emulated(world) as ask:
        assert await ask.walk(folder="page_done", limit=2) == ids(world, folder="page_done")
        assert len(ids(world, folder="page_done")) == 3
        assert (await ask.listing(folder="spam")).ids == ids(world, folder="spam") != []
        assert (await ask.listing(folder="other")).ids == []
        assert (await ask.listing(folder="attic")).error["code"] == 100


@pytest.mark.parametrize(
    ("params", "code", "words"),
    [
        ({"fields": "id,colour"}, 100, "Tried accessing nonexisting field (colour) on node type (UnifiedThread)"),
        ({"fields": "id,messages{"}, 2500, "Syntax error"),
        ({"fields": "id}"}, 2500, "Expected end of string instead of"),
        ({"limit": "0"}, 100, "limit"),
        ({"limit": "many"}, 100, "limit"),
        ({"after": "QVFIUnonsense"}, 100, "cursor"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_said_in_metas_words(params: dict[str, Any], code: int, words: str) -> None:
    # Contract 5.2.
    async with emulated(World.seeded(pages=1, threads=3)) as ask:
        heard = await ask.listing(**params)
        assert (heard.status, heard.error["code"]) == (400, code)
        assert words in heard.error["message"]


async def test_a_cursor_of_another_inbox_is_refused() -> None:
    async with emulated(World.seeded(pages=2, threads=5)) as ask:
        cursor = (await ask.listing("1001", limit=2)).after
        assert (await ask.listing("1002", limit=2, after=cursor)).error["code"] == 100
        assert (await ask.listing("1001", INSTAGRAM, limit=2, after=cursor)).error["code"] == 100


async def test_the_edge_is_also_a_field_of_the_page() -> None:
    # Contract 1.1.
    world = World.seeded(pages=1, threads=5)
    async with emulated(world) as ask:
        heard = await ask.get("1001", world.pages["1001"], fields="name,conversations.limit(3){id}")
        assert [item["id"] for item in heard.json["conversations"]["data"]] == ids(world)[:3]
        assert heard.json["conversations"]["paging"]["next"]


# --- while people keep writing (contract 1.5)


async def _one_page_then(ask: Asker, anchor: CursorAnchor) -> tuple[World, str, list[str]]:
    world = ask.graph.world
    world.pages["1001"].manners = Manners(cursor_anchor=anchor)
    first = await ask.listing(limit=3)
    return world, first.after, ids(world)


async def test_a_cursor_anchored_to_age_goes_on_with_what_is_older() -> None:
    async with emulated(World.seeded(pages=1, threads=9)) as ask:
        world, after, before = await _one_page_then(ask, CursorAnchor.RANK)
        world.arrive("1001", MESSENGER, before[2])
        world.arrive("1001", MESSENGER)
        world.remove("1001", MESSENGER, before[0])
        assert (await ask.listing(limit=3, after=after)).ids == before[3:6]


async def test_a_cursor_anchored_to_an_item_follows_it_and_dies_with_it() -> None:
    # Contract 3.1: cursors die when their item goes.
    async with emulated(World.seeded(pages=1, threads=9)) as ask:
        world, after, before = await _one_page_then(ask, CursorAnchor.ITEM)
        assert (await ask.listing(limit=3, after=after)).ids == before[3:6]
        world.arrive("1001", MESSENGER, before[2])
        assert (await ask.listing(limit=3, after=after)).ids == [before[0], before[1], before[3]]
        world.remove("1001", MESSENGER, before[2])
        assert (await ask.listing(limit=3, after=after)).error["code"] == 2642


async def test_a_cursor_anchored_to_a_position_repeats_and_skips() -> None:
    async with emulated(World.seeded(pages=1, threads=9)) as ask:
        world, after, before = await _one_page_then(ask, CursorAnchor.POSITION)
        world.arrive("1001", MESSENGER)
        assert (await ask.listing(limit=3, after=after)).ids == before[2:5]
        for thread_id in before[:2]:
            world.remove("1001", MESSENGER, thread_id)
        assert (await ask.listing(limit=3, after=after)).ids == before[4:7]


async def test_the_head_moves_between_calls() -> None:
    world = World.seeded(pages=1, threads=30)
    world.pages["1001"].manners = Manners(arrivals_per_call=3, removals_per_call=1)
    async with emulated(world) as ask:
        before = ids(world)
        assert (await ask.listing()).ids == before[:25]
        assert ids(world)[:2] != before[:2]
        assert len(ids(world)) == len(before) - 1 + sum(thread not in before for thread in ids(world))


# --- graph.instagram.com


async def test_instagram_login_is_another_host_with_another_token() -> None:
    # Contract 1.2, 3.1 (no `pretty`), 4.2 (`call_volume`), SHAPES (errors).
    world = World.seeded(pages=1, threads=30)
    page = world.pages["1001"]
    async with emulated(world) as ask:
        path = f"{page.instagram_id}/conversations"
        heard = await ask.get(path, page.instagram_token, instagram_host=True, fields="id,updated_time")
        assert heard.ids == ids(world, platform=INSTAGRAM)[:25]
        assert "pretty" not in heard.paging["next"]
        assert heard.paging["next"].startswith(ask.graph.instagram_url)
        assert list(heard.headers.getall("x-app-usage")) == ['{"call_volume":0,"cpu_time":0}']
        assert heard.headers["instagram-api-version"] == "v25.0"
        refused = await ask.get(path, page.instagram_token, instagram_host=True, fields="unread_count")
        assert refused.error == {
            "message": "Tried accessing nonexisting field (unread_count) on node type (UnifiedThread)",
            "type": "IGApiException",
            "code": 100,
        }
        assert (await ask.get(path, page.token, instagram_host=True)).error["code"] == 190
        me = await ask.get("me", page.instagram_token, instagram_host=True, fields="id,user_id,username")
        assert me.json["user_id"] == page.instagram_id != me.json["id"]


async def test_the_instagram_account_has_no_conversations_on_facebooks_host() -> None:
    # Contract 1.2, four reports.
    world = World.seeded(pages=1, threads=3)
    page = world.pages["1001"]
    async with emulated(world) as ask:
        assert (await ask.get(f"{page.instagram_id}/conversations", page)).error["code"] == 3


async def test_an_expired_version_is_served_by_the_oldest_live_one() -> None:
    # Contract 1.7.
    world = World.seeded(pages=1, threads=1)
    async with emulated(world) as ask:
        url = f"{ask.graph.base_url}/v2.8/me?access_token={world.pages['1001'].token}"
        async with ask.http.get(url) as response:
            assert response.headers["facebook-api-version"] == "v21.0"
        async with ask.http.get(url.replace("v2.8", "v99.0")) as response:
            assert (await response.json())["error"]["code"] == 2500


def test_metas_base64_is_escaped() -> None:
    # Contract 2.4: `MAZDZD` is 0.
    assert read_meta_base64("MAZDZD") == b"0"
    assert base64.b64encode(b"ig_dm:3") == b"aWdfZG06Mw=="
