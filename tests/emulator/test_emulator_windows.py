"""The ways in which Meta may not tell the details of an Instagram thread's older messages (contract 1.6, 2.3, 8.17)."""

import pytest
from asking import INSTAGRAM, MESSENGER, emulated

from conversations_async.emulator import Manners, World

pytestmark = pytest.mark.looptime

ASKED = "id,created_time,message,from"


async def test_a_listing_beyond_the_window_may_be_refused_as_if_messages_were_deleted() -> None:
    world = World.seeded(pages=1, threads=1, messages=30)
    page = world.pages["1001"]
    page.manners = Manners(beyond_window="refuse")
    (thread,) = world.threads("1001", INSTAGRAM)
    async with emulated(world) as asker:
        within = await asker.get(f"{thread.id}/messages", page, fields=ASKED, limit=20)
        beyond = await asker.get(f"{thread.id}/messages", page, fields=ASKED, limit=21)
        bare = await asker.get(f"{thread.id}/messages", page, fields="id,created_time", limit=30)
        (other,) = world.threads("1001", MESSENGER)
        messenger = await asker.get(f"{other.id}/messages", page, fields=ASKED, limit=30)
    assert within.status == 200
    assert (beyond.status, beyond.error["code"]) == (400, 100)
    assert "deleted" in beyond.error["message"]
    assert (len(bare.ids), len(messenger.ids)) == (30, 30)


async def test_lists_may_tell_ids_only_while_single_messages_tell_all() -> None:
    world = World.seeded(pages=1, threads=1, messages=22)
    page = world.pages["1001"]
    page.manners = Manners(messages_unfilled=True)
    (thread,) = world.threads("1001", INSTAGRAM)
    async with emulated(world) as asker:
        listed = await asker.get(f"{thread.id}/messages", page, fields=ASKED)
        single = await asker.get(thread.messages[0].id, page, fields=ASKED)
        old = await asker.get(thread.messages[20].id, page, fields=ASKED)
    assert all(item.keys() == {"id", "created_time"} for item in listed.json["data"])
    assert single.json["message"] == thread.messages[0].text
    assert old.error["code"] == 100


async def test_a_field_of_messages_may_be_refused() -> None:
    world = World.seeded(pages=1, threads=1)
    page = world.pages["1001"]
    page.manners = Manners(refused_fields={"sticker"})
    (thread,) = world.threads("1001", MESSENGER)
    async with emulated(world) as asker:
        heard = await asker.get(f"{thread.id}/messages", page, fields="id,sticker")
    assert heard.error["message"] == "(#100) Tried accessing nonexisting field (sticker) on node type (Message)"


async def test_the_token_that_is_looked_into_is_never_recorded() -> None:
    world = World.seeded(pages=1, threads=1)
    page = world.pages["1001"]
    async with emulated(world) as asker:
        heard = await asker.get("debug_token", page, input_token=page.token)
        assert heard.json["data"]["is_valid"]
        assert page.token not in repr(asker.graph.calls)
