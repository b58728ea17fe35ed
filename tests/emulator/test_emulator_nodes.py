"""Threads, messages, Pages and tokens by themselves (contract 2 and 6)."""

import hashlib
import hmac
import json
from typing import Any

import orjson
import pytest
from asking import INSTAGRAM, MESSENGER, Asker, emulated, ids
from examples import EXAMPLES
from hypothesis import given, settings
from hypothesis import strategies as st

from conversations_async.emulator import LimitRules, Manners, World
from conversations_async.emulator.asks import Ask
from conversations_async.emulator.edges import GraphEdges
from conversations_async.model import Platform


def world_of(messages: int = 3, threads: int = 5) -> World:
    """One Page, few threads."""
    return World.seeded(pages=1, threads=threads, messages=messages)


async def test_every_documented_thread_field_is_answered_or_left_out() -> None:
    # Contract 2.1: fields without data are left out of the JSON.
    fields = (
        "id,updated_time,link,snippet,message_count,unread_count,participants,senders,former_participants,can_reply,"
        "is_subscribed,scoped_thread_key,folder,is_owner,name,wallpaper,linked_group,subject,tags,messages"
    )
    world = world_of()
    async with emulated(world) as ask:
        thread = (await ask.listing(fields=fields)).json["data"][0]
        assert {*fields.split(",")} - set(thread) == {
            "is_owner", "name", "wallpaper", "linked_group", "subject", "tags"
        }  # fmt: skip
        assert thread["scoped_thread_key"] == thread["id"]
        assert thread["former_participants"] == {"data": []}
        instagram = (await ask.listing(platform=INSTAGRAM, fields=fields)).json["data"][0]
        assert set(instagram) == {"id", "updated_time", "message_count", "unread_count", "participants", "messages"}


async def test_people_look_as_their_platform_shows_them() -> None:
    # Contract 2.1: `{name,email,id}` and `{username,id}`, the customer first and the business first.
    world = world_of()
    page = world.pages["1001"]
    async with emulated(world) as ask:
        person, own = (await ask.listing(fields="participants")).json["data"][0]["participants"]["data"]
        assert list(person) == ["name", "email", "id"]
        assert person["email"] == f"{person['id']}@facebook.com"
        assert own["id"] == page.id
        both = (await ask.listing(platform=INSTAGRAM, fields="participants")).json["data"][0]["participants"]
        assert list(both) == ["data"]
        assert both["data"][0] == {"username": page.username, "id": page.instagram_id}
        named = (await ask.listing(fields="participants{id,name}")).json["data"][0]["participants"]["data"]
        assert [list(each) for each in named] == [["id", "name"]] * 2


def test_a_few_people_are_hidden_and_a_few_threads_list_one_side() -> None:
    # Contract 7.12.
    world = World.seeded(pages=1, threads=2000)
    assert any(thread.person.name == "Facebook User" for thread in world.threads("1001", MESSENGER))
    assert any(len(thread.participants) == 1 for thread in world.threads("1001", INSTAGRAM))


async def walk_messages(ask: Asker, thread_id: str, **params: Any) -> list[str]:
    """Every message id of a thread, by its edge."""
    listed: list[str] = []
    page = ask.graph.world.pages["1001"]
    while True:
        heard = await ask.get(f"{thread_id}/messages", page, **params)
        listed += heard.ids
        if "next" not in heard.paging:
            return listed
        params["after"] = heard.after


@pytest.mark.parametrize("platform", list(Platform))
@pytest.mark.parametrize("count", [1, 25, 60])
async def test_a_threads_messages_are_listed_newest_first(platform: Platform, count: int) -> None:
    # Contract 1.5 and 2.3; all ids also where details are gone (1.6).
    world = world_of(messages=count)
    thread = world.arrive("1001", platform, world.threads("1001", platform)[2].id, text="hello")
    async with emulated(world) as ask:
        listed = await walk_messages(ask, thread.id)
        assert listed == [message.id for message in thread.messages]
        assert len(set(listed)) == count + 1
        newest = (await ask.get(f"{thread.id}/messages", world.pages["1001"], fields="message,created_time")).json
        assert newest["data"][0]["message"] == "hello"
        times = [each["created_time"] for each in newest["data"] if "created_time" in each]
        assert times == sorted(times, reverse=True)


@pytest.mark.parametrize("platform", list(Platform))
async def test_nested_messages_go_on_by_their_cursor_and_by_their_link(platform: Platform) -> None:
    # Contract 3.1: `messages.limit(25).after(CURSOR){…}` or the nested `next`, which targets the thread's edge.
    world = world_of(messages=7)
    thread = world.threads("1001", platform)[0]
    want = [message.id for message in thread.messages]
    async with emulated(world) as ask:
        nested = (await ask.listing(platform=platform, fields="messages.limit(3){id}")).json["data"][0]["messages"]
        assert [item["id"] for item in nested["data"]] == want[:3]
        assert f"/v25.0/{thread.id}/messages?" in nested["paging"]["next"]
        assert "limit=3&after=" in nested["paging"]["next"]
        async with ask.http.get(nested["paging"]["next"]) as response:
            assert [item["id"] for item in (await response.json())["data"]] == want[3:6]
        after = nested["paging"]["cursors"]["after"]
        node = await ask.get(thread.id, world.pages["1001"], fields=f"messages.limit(3).after({after}){{id}}")
        assert [item["id"] for item in node.json["messages"]["data"]] == want[3:6]


async def test_nested_messages_may_advertise_a_next_that_leads_nowhere() -> None:
    # Contract 7.10, recorded.
    world = world_of(messages=2)
    world.pages["1001"].manners = Manners(dead_nested_next=True)
    async with emulated(world) as ask:
        nested = (await ask.listing(platform=INSTAGRAM, fields="messages")).json["data"][0]["messages"]
        assert len(nested["data"]) == 2
        async with ask.http.get(nested["paging"]["next"]) as response:
            assert await response.json() == {"data": []}


async def test_every_kind_of_message_is_there() -> None:
    # Contract 2.2.
    fields = "id,created_time,from,to,message,sticker,tags,attachments,shares,reactions,story,reply_to,is_unsupported"
    world = world_of(messages=100, threads=1)
    world.pages["1001"].manners = Manners(detail_window=None)
    async with emulated(world) as ask:
        for platform in Platform:
            heard = await ask.get(
                f"{world.threads('1001', platform)[0].id}/messages", world.pages["1001"], fields=fields, limit=100
            )
            seen = set().union(*heard.json["data"])
            assert seen == set(fields.split(",")) - ({"story"} if platform is MESSENGER else {"tags"})
            attached = [item["attachments"]["data"][0] for item in heard.json["data"] if "attachments" in item]
            members = set().union(*attached)
            assert {"image_data", "video_data", "file_url", "generic_template", "size"} <= members
            # Contract 2.2: an empty string beside an attachment, and `size` may be null.
            assert all(item["message"] == "" for item in heard.json["data"] if "attachments" in item)
            assert None in [item.get("size", 0) for item in attached]


async def test_the_next_of_a_single_attachment_leads_to_an_empty_page() -> None:
    # Contract 3.1: cursors `MAZDZD`, recorded.
    world = world_of(messages=30, threads=1)
    thread = world.threads("1001", MESSENGER)[0]
    async with emulated(world) as ask:
        heard = await ask.get(f"{thread.id}/messages", world.pages["1001"], fields="attachments", limit=30)
        edge = next(item["attachments"] for item in heard.json["data"] if "attachments" in item)
        assert edge["paging"]["cursors"] == {"before": "MAZDZD", "after": "MAZDZD"}
        async with ask.http.get(edge["paging"]["next"]) as response:
            assert await response.json() == {"data": []}


async def test_instagram_details_end_with_the_twentieth_message() -> None:
    # Contract 1.6: older ids answer with an error that says deleted.
    world = world_of(messages=30, threads=1)
    page = world.pages["1001"]
    thread = world.threads("1001", INSTAGRAM)[0]
    async with emulated(world) as ask:
        heard = await ask.get(f"{thread.id}/messages", page, fields="id,message,from", limit=30)
        assert [len(item) for item in heard.json["data"]] == [3] * 20 + [1] * 10
        assert (await ask.get(thread.messages[19].id, page, fields="message")).status == 200
        gone = await ask.get(thread.messages[20].id, page, fields="message")
        assert (gone.status, gone.error["code"]) == (400, 100)
        assert "deleted" in gone.error["message"]
        old = world.threads("1001", MESSENGER)[0].messages[29]
        assert (await ask.get(old.id, page, fields="message")).json["message"] == old.text


async def test_is_unsupported_is_on_every_message_of_instagram_login_only() -> None:
    # Contract 8.7, SHAPES.
    world = world_of(messages=9, threads=1)
    page, thread = world.pages["1001"], world.threads("1001", INSTAGRAM)[0]
    async with emulated(world) as ask:
        login = await ask.get(f"{thread.id}/messages", page.instagram_token, instagram_host=True)
        assert all(isinstance(item["is_unsupported"], bool) for item in login.json["data"])
        via_page = await ask.get(f"{thread.id}/messages", page)
        assert [item["is_unsupported"] for item in via_page.json["data"] if "is_unsupported" in item] in ([], [True])


async def test_several_ids_answer_an_object_keyed_by_id() -> None:
    # Contract 6.2.
    world = world_of()
    page, (first, second) = world.pages["1001"], ids(world)[:2]
    async with emulated(world) as ask:
        heard = await ask.get("", page, ids=f"{first},{second}", fields="snippet")
        assert list(heard.json) == [first, second]
        assert (await ask.get("", page, ids=f"{first},t_42")).error["code"] == 803


async def test_a_thread_that_is_gone_is_100_33() -> None:
    # Contract 5.2.
    world = world_of()
    page, thread_id = world.pages["1001"], ids(world)[0]
    async with emulated(world) as ask:
        assert (await ask.get(thread_id, page, fields="id,snippet")).status == 200
        world.remove("1001", MESSENGER, thread_id)
        heard = await ask.get(thread_id, page)
        assert (heard.status, heard.error["code"], heard.error["error_subcode"]) == (400, 100, 33)
        assert heard.error["type"] == "GraphMethodException"
        assert (await ask.get("1001/feed", page)).error["code"] == 100
        assert (await ask.get("1001/conversations/further", page)).error["code"] == 2500


# --- who asks


async def test_tokens_open_their_own_page_only() -> None:
    # Contract 1.2, 5.2.
    world = World.seeded(pages=2, threads=3)
    own, other = world.pages["1001"], world.pages["1002"]
    async with emulated(world) as ask:
        answers = {
            "none": await ask.get("1001/conversations"),
            "garbage": await ask.get("1001/conversations", "EAAGnonsense"),
            "user": await ask.get("1001/conversations", world.user.token),
            "other": await ask.get("1001/conversations", other),
        }
        assert {name: heard.error["code"] for name, heard in answers.items()} == {
            "none": 104, "garbage": 190, "user": 190, "other": 100,
        }  # fmt: skip
        assert "Page Access Token" in answers["user"].error["message"]
        old, own.token = own.token, "EAAGrenewed"
        assert (await ask.get("1001/conversations", old)).error["error_subcode"] == 463
        assert (await ask.get("1001/conversations", "EAAGrenewed")).status == 200


async def test_the_token_comes_by_header_or_by_query_and_is_never_recorded() -> None:
    # Contract 6.8.
    world = world_of()
    token = world.pages["1001"].token
    async with emulated(world) as ask:
        await ask.get("1001/conversations", token)
        await ask.get("1001/conversations", access_token=token)
        url = f"{ask.graph.base_url}/1001/conversations"
        async with ask.http.get(url, headers={"Authorization": f"OAuth {token}"}) as response:
            assert response.status == 200
        assert [call.via for call in ask.graph.calls] == ["header", "query", "header"]
        assert token not in repr(ask.graph.calls) + repr(world.pages["1001"]) + repr(world.user)


async def test_a_post_may_be_a_get() -> None:
    # Contract 6.8.
    world = world_of()
    token = world.pages["1001"].token
    async with emulated(world) as ask:
        url = f"{ask.graph.base_url}/v25.0/1001/conversations"
        async with ask.http.post(url, data={"method": "get", "access_token": token, "limit": "2"}) as response:
            assert [item["id"] for item in (await response.json())["data"]] == ids(world)[:2]
        async with ask.http.post(url, data={"access_token": token}) as response:
            assert (await response.json())["error"]["code"] == 100


async def test_the_proof_is_checked_where_the_app_has_a_secret() -> None:
    # Contract 6.6.
    world = World.seeded(pages=1, threads=2, app_secret="s3cret")
    page = world.pages["1001"]
    proof = hmac.new(b"s3cret", page.token.encode(), hashlib.sha256).hexdigest()
    async with emulated(world) as ask:
        assert (await ask.get("1001/conversations", page, appsecret_proof=proof)).status == 200
        wrong = await ask.get("1001/conversations", page, appsecret_proof="0" * 64)
        assert (wrong.error["code"], wrong.error["type"]) == (100, "GraphMethodException")
        missing = await ask.get("1001/conversations", page)
        assert "require an appsecret_proof" in missing.error["message"]
        assert "appsecret_proof" not in ask.graph.calls[0].params


async def test_a_batch_holds_calls_of_many_pages() -> None:
    # Contract 6.1: in request order, each with its own code, the outer status 200.
    world = World.seeded(pages=2, threads=2)
    first, second = world.pages.values()
    items = [
        {"method": "GET", "relative_url": "v25.0/1001/conversations?limit=1"},
        {"method": "GET", "relative_url": f"1002/conversations?access_token={second.token}"},
        {"method": "GET", "relative_url": "1001/conversations?fields=colour"},
    ]
    async with emulated(world) as ask:
        data = {"batch": json.dumps(items), "access_token": first.token}
        async with ask.http.post(ask.graph.base_url, data=data) as response:
            answers = await response.json()
            assert response.status == 200
        assert [answer["code"] for answer in answers] == [200, 200, 400]
        assert [item["id"] for item in json.loads(answers[1]["body"])["data"]] == ids(world, "1002")
        assert {header["name"] for header in answers[0]["headers"]} >= {"ETag", "facebook-api-version"}
        assert len(ask.graph.calls) == 3


async def test_the_users_pages_come_25_at_a_time() -> None:
    # Contract 6.9.
    world = World.seeded(pages=60, threads=0)
    world.pages["1003"].tasks = ("ANALYZE",)
    async with emulated(world) as ask:
        listed: list[Any] = []
        params: dict[str, Any] = {}
        while True:
            heard = await ask.get("me/accounts", world.user.token, **params)
            listed += heard.json["data"]
            if "next" not in heard.paging:
                break
            params = {"after": heard.after}
        assert [page["id"] for page in listed] == list(world.pages)
        assert list(listed[0]) == ["access_token", "category", "category_list", "name", "id", "tasks"]
        assert listed[2]["tasks"] == ["ANALYZE"]
        assert {page["access_token"] for page in listed} == {page.token for page in world.pages.values()}
        assert len(ask.graph.calls) == 3


async def test_a_page_node_tells_its_token_and_its_instagram_account() -> None:
    # Contract 6.9: absent when not linked.
    world = World.seeded(pages=1, threads=0)
    world.add_page("77", platforms=[MESSENGER])
    fields = "access_token,instagram_business_account"
    async with emulated(world) as ask:
        linked = (await ask.get("1001", world.user.token, fields=fields)).json
        assert linked["instagram_business_account"] == {"id": world.pages["1001"].instagram_id}
        assert linked["access_token"] == world.pages["1001"].token
        assert "instagram_business_account" not in (await ask.get("77", world.user.token, fields=fields)).json
        assert (await ask.get("me", world.pages["77"])).json == {"name": "Page 77", "id": "77"}
        assert (await ask.get("me", world.user.token)).json["name"] == world.user.name


async def test_a_token_can_be_looked_into() -> None:
    # Contract 6.9.
    world = World.seeded(pages=2, threads=0)
    world.pages["1002"].manners = Manners(dead_token=True)
    async with emulated(world) as ask:
        for token, alive in ((world.pages["1001"].token, True), (world.pages["1002"].token, False), ("x", False)):
            heard = await ask.get("debug_token", world.user.token, input_token=token)
            assert heard.json["data"]["is_valid"] is alive
        facts = (await ask.get("debug_token", world.user.token, input_token=world.user.token)).json["data"]
        assert facts["type"] == "USER"
        assert "pages_messaging" in facts["scopes"]


async def test_an_unknown_path_is_a_graph_error() -> None:
    world = world_of()
    async with emulated(world) as ask:
        assert (await ask.get("nonsense/path", world.pages["1001"])).error["code"] == 100
        assert (await ask.get("", world.pages["1001"])).error["code"] == 100


_WORLD = world_of(messages=30, threads=3)
_PAGE = _WORLD.pages["1001"]
_EDGES = GraphEdges(_WORLD, LimitRules.off())
_THREAD = _WORLD.threads("1001", INSTAGRAM)[0]
_WORDS: st.SearchStrategy[str] = st.sampled_from(
    [
        "id", "fields", "limit", "after", "before", "platform", "folder", "ids", "user_id", "messages", "{",
        "}", "(", ")", ".limit(2)", ".after(", ",", "", "-1", "0", "2", "9" * 30, "me", "accounts",
        "conversations", "debug_token", "instagram", "v25.0", "v99.9", "1001", str(_PAGE.instagram_id),
        _THREAD.id, _THREAD.messages[0].id, "attachments", "shares", "input_token", "é", "Z", "QVFIU",
        "method", "post", "\n", "%2F", "t_$:1",
    ]
)  # fmt: skip
_TEXTS = st.lists(_WORDS, max_size=4).map("".join)


@settings(max_examples=4 * EXAMPLES)
@given(
    path=st.lists(_WORDS, max_size=4).map("/".join),
    params=st.dictionaries(_TEXTS, _TEXTS, max_size=4),
    token=st.sampled_from([None, "", "x", _PAGE.token, _PAGE.instagram_token, _WORLD.user.token]),
    instagram_host=st.booleans(),
)
def test_whatever_is_asked_is_answered_in_json(
    path: str, params: dict[str, str], token: str | None, instagram_host: bool
) -> None:
    _, reply = _EDGES.answer(Ask(path=path, params=params, token=token, instagram_host=instagram_host), 0.0)
    answer = orjson.loads(reply.body)
    assert (reply.status == 200) == ("error" not in answer)


@pytest.mark.parametrize(
    "params", [{"limit": "9" * 5000}, {"fields": "messages{" * 900}, {"fields": "messages.limit(" + "9" * 5000 + ")"}]
)
async def test_monstrous_parameters_are_graph_errors(params: dict[str, str]) -> None:
    async with emulated(world_of()) as ask:
        data = {"method": "get", "access_token": ask.graph.world.pages["1001"].token, **params}
        async with ask.http.post(f"{ask.graph.base_url}/v25.0/1001/conversations", data=data) as response:
            assert response.status in (200, 400)
            assert ("error" in await response.json()) == (response.status == 400)
