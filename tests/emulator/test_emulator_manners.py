"""Every surprise of the contract's section 7 as a switch."""

import asyncio
import gzip
import json
from typing import Any

import aiohttp
import pytest
from asking import INSTAGRAM, MESSENGER, emulated, ids

from conversations_async.emulator import SURPRISES, CallKind, Manners, Refusal, UsageHeader, World
from conversations_async.emulator.manners import merged

LEAN, HEAVY = "id,updated_time,message_count", "id,participants"


def ill(manners: Manners | list[Manners], threads: int = 30) -> World:
    """A world whose first Page has these manners."""
    world = World.seeded(pages=2, threads=threads)
    world.pages["1001"].manners = manners
    return world


@pytest.mark.parametrize(
    ("manners", "status", "code", "subcode"),
    [
        (Manners(dead_token=True), 400, 190, 463),  # contract 5.2, P-spring
        (Manners(missing_permission=230), 403, 230, None),  # contract 1.2
        (Manners(missing_permission=200), 403, 200, None),  # contract 8.5
        (Manners(missing_permission=10), 400, 10, None),
        (Manners(missing_permission=3), 400, 3, None),
        (Manners(refuse=613), 400, 613, None),  # contract 4.3, P-dsi
        (Manners(refuse=80006), 400, 80006, None),
        (Manners(refuse=4), 403, 4, None),  # contract 4.3, android-sdk#582
        (Manners(refuse=17), 400, 17, None),
        (Manners(refuse=32), 400, 32, None),  # contract 4.3, bottender#420
        (Manners(refuse=368), 400, 368, None),  # contract 5.2, P-spring
        (Manners(refuse=2), 400, 2, None),  # contract 5.2, P-dsi
        (Manners(refuse=1), 500, 1, None),
        (Manners(refuse=190, subcode=460), 400, 190, 460),
        (Manners(refuse=2, error_status=500), 500, 2, None),
        (Manners(refuse=613, error_status=200), 200, 613, None),  # SHAPES: an error body with HTTP 200
        (Manners(refuse=987654), 400, 987654, None),
        (Manners(high_volume=True), 500, 2, None),  # contract 1.6
        (Manners(reduce_above=10), 500, 1, None),  # contract 5.3
    ],
)
async def test_a_page_refuses_as_told_and_its_neighbour_does_not(
    manners: Manners, status: int, code: int, subcode: int | None
) -> None:
    async with emulated(ill(manners)) as ask:
        heard = await ask.listing()
        assert (heard.status, heard.error["code"], heard.error.get("error_subcode")) == (status, code, subcode)
        assert (await ask.listing("1002")).status == 200
        call = ask.graph.calls[0]
        assert (call.status, call.code, call.page_id) == (status, code, "1001")
        assert call.refused == (code in {4, 17, 32, 613, 80006})


async def test_error_members_come_in_the_order_of_modern_samples() -> None:
    # Contract 5.1: message, type, is_transient, code, fbtrace_id.
    async with emulated(ill(Manners(refuse=4))) as ask:
        heard = await ask.listing()
        assert list(heard.error) == ["message", "type", "is_transient", "code", "fbtrace_id"]
        assert heard.headers["WWW-Authenticate"].startswith('OAuth "Facebook Platform" "invalid_request"')


async def test_error_bodies_may_lack_members_or_be_flat() -> None:
    # SHAPES: bodies without code, type, fbtrace_id; flat ones without the wrapper.
    async with emulated(ill(Manners(refuse=613, error_without=["code", "type", "fbtrace_id"]))) as ask:
        assert list((await ask.listing()).error) == ["message"]
        ask.graph.world.pages["1001"].manners = Manners(refuse=613, error_flat=True)
        assert sorted((await ask.listing()).json) == ["code", "error_message", "error_type"]


async def test_a_retry_after_header_comes_only_where_it_is_wanted() -> None:
    # Contract 4.2: in no captured dump.
    async with emulated(
        ill([Manners(refuse=613, times=1), Manners(refuse=613, retry_after="7", after_calls=1, times=1)])
    ) as ask:
        assert [(await ask.listing()).headers.get("Retry-After") for _ in range(3)] == [None, "7", None]


async def test_any_refusal_can_be_made_up() -> None:
    made_up = Refusal(80004, "(#80004) too many", status=429, type="GraphMethodException", is_transient=True)
    async with emulated(ill(Manners(refuse=made_up))) as ask:
        heard = await ask.listing()
        assert (heard.status, heard.error["type"], heard.error["is_transient"]) == (429, "GraphMethodException", True)


# --- when manners hold


async def codes(ask: Any, count: int, **params: Any) -> list[int]:
    """What so many calls are answered, 0 for a listing."""
    heard = [await ask.listing(**params) for _ in range(count)]
    return [each.json.get("error", {}).get("code", 0) for each in heard]


async def test_manners_hold_for_some_calls_only() -> None:
    async with emulated(ill(Manners(refuse=613, after_calls=1, times=2))) as ask:
        assert await codes(ask, 5) == [0, 613, 613, 0, 0]


async def test_calls_are_counted_per_page_and_platform() -> None:
    async with emulated(ill(Manners(refuse=613, times=1))) as ask:
        assert await codes(ask, 2, platform=MESSENGER) == [613, 0]
        assert await codes(ask, 2, platform=INSTAGRAM) == [613, 0]


async def test_a_script_says_what_single_calls_get() -> None:
    script = {2: Manners(refuse=17), 4: Manners(refuse=32)}
    async with emulated(ill(Manners(script=script))) as ask:
        assert await codes(ask, 5) == [0, 17, 0, 32, 0]


async def test_several_manners_are_consulted_in_order() -> None:
    async with emulated(ill([Manners(refuse=613, times=1), Manners(refuse=4, times=2), Manners(max_limit=2)])) as ask:
        assert await codes(ask, 3) == [613, 4, 0]
        assert len((await ask.listing()).ids) == 2


async def test_manners_may_be_limited_to_a_platform_or_to_a_kind_of_call() -> None:
    only = [Manners(refuse=4, platforms=[INSTAGRAM]), Manners(refuse=17, kinds=[CallKind.THREAD])]
    world = ill(only)
    async with emulated(world) as ask:
        assert await codes(ask, 1) == [0]
        assert await codes(ask, 1, platform=INSTAGRAM) == [4]
        assert (await ask.get(ids(world)[0], world.pages["1001"])).error["code"] == 17


async def test_the_world_has_manners_too() -> None:
    world = ill([])
    world.manners = Manners(html=502, times=1)
    async with emulated(world) as ask:
        for page_id in ("1001", "1002"):
            assert [(await ask.listing(page_id)).status for _ in range(2)] == [502, 200]


@pytest.mark.looptime
async def test_manners_hold_between_moments_of_the_servers_clock() -> None:
    world = ill([])
    world.manners = Manners(html=503, since=10, until=130)
    async with emulated(world) as ask:
        answers = {}
        for moment in (0, 9, 10, 60, 129, 130, 200):
            await asyncio.sleep(ask.graph.started_at + moment - asyncio.get_running_loop().time())
            answers[moment] = (await ask.listing()).status
        assert answers == {0: 200, 9: 200, 10: 503, 60: 503, 129: 503, 130: 200, 200: 200}


async def test_chance_is_seeded() -> None:
    runs = []
    for _ in range(2):
        async with emulated(ill(Manners(refuse=2, chance=0.5)), seed=7) as ask:
            runs.append(await codes(ask, 20))
    assert runs[0] == runs[1]
    assert {0, 2} == set(runs[0])


def test_manners_say_what_is_wrong_with_them() -> None:
    for wrong in ({"times": -1}, {"chance": 2}, {"missing_permission": 100}, {"regain_minutes": 0}, {"max_limit": 0}):
        with pytest.raises(ValueError):
            Manners(**wrong)  # type: ignore[arg-type]  # what is refused
    assert merged([]) == Manners()


# --- a pool closed by 80006


@pytest.mark.looptime
async def test_a_closed_pool_opens_at_its_moment_and_counts_the_calls_made_into_it() -> None:
    # Contract 4.2: minutes; 4.1: one pool a Page.
    async with emulated(ill(Manners(refuse=80006, regain_minutes=5))) as ask:
        heard = await ask.listing()
        assert heard.error["code"] == 80006
        assert "too many messenger api calls to this Page account" in heard.error["message"]
        assert heard.messenger_usage["estimated_time_to_regain_access"] == 5
        assert heard.messenger_usage["call_count"] >= 100
        await asyncio.sleep(61)
        assert (await ask.listing()).messenger_usage["estimated_time_to_regain_access"] == 4
        assert (await ask.listing(platform=INSTAGRAM)).error["code"] == 80006
        closure = ask.graph.closures["1001"]
        assert len(closure.calls) == 2
        await asyncio.sleep(closure.until - asyncio.get_running_loop().time())
        assert (await ask.listing()).status == 200
        assert (await ask.listing()).messenger_usage["estimated_time_to_regain_access"] == 0


@pytest.mark.looptime
async def test_calls_into_a_closed_pool_may_lengthen_it_and_its_end_may_be_unsaid() -> None:
    # Contract 4.1 (lengthen), 7.8 (0 does not mean healthy).
    manners = Manners(refuse=80006, regain_minutes=1, regain_lengthens=30, regain_unsaid=True, platforms=[MESSENGER])
    async with emulated(ill(manners)) as ask:
        assert (await ask.listing()).messenger_usage["estimated_time_to_regain_access"] == 0
        assert (await ask.listing(platform=INSTAGRAM)).status == 200
        await asyncio.sleep(59)
        assert (await ask.listing()).status == 400
        await asyncio.sleep(29)
        assert (await ask.listing()).status == 400
        await asyncio.sleep(35)
        assert (await ask.listing()).status == 200


# --- odd listings


async def test_empty_pages_still_have_next() -> None:
    # Contract 3.1: a page may be empty and still have `next`.
    world = ill(Manners(empty_pages=[1, 3, 4]), threads=60)
    async with emulated(world) as ask:
        assert await ask.walk() == ids(world)
        assert [len(call.params.get("after", "")) > 0 for call in ask.graph.calls] == [False] + [True] * 5


async def test_empty_pages_may_trail_the_last_thread() -> None:
    # SHAPES, an empty last page with `next` before it.
    world = ill(Manners(trailing_empty=2))
    async with emulated(world) as ask:
        assert await ask.walk() == ids(world)
        assert len(ask.graph.calls) == 4


async def test_a_single_page_may_lack_paging() -> None:
    # Contract 3.1, recorded on v18 and v25.
    async with emulated(ill(Manners(no_paging_when_single=True))) as ask:
        assert "paging" not in (await ask.listing(limit=100)).json
        assert "paging" in (await ask.listing()).json


async def test_messenger_may_give_only_after_too() -> None:
    async with emulated(ill(Manners(cursors="after"))) as ask:
        assert list((await ask.listing()).paging["cursors"]) == ["after"]


@pytest.mark.parametrize("step", [1, 2])
async def test_a_cursor_may_repeat(step: int) -> None:
    async with emulated(ill(Manners(repeating_cursor_at=step), threads=90)) as ask:
        cursors: list[str] = []
        after: dict[str, Any] = {}
        for _ in range(5):
            heard = await ask.listing(**after)
            assert heard.paging["next"]
            after = {"after": heard.after}
            cursors.append(heard.after)
        assert cursors[step - 1 :] == [cursors[step - 1]] * (6 - step) or cursors[step:] == [cursors[step]] * (5 - step)


async def test_too_much_data_may_be_a_matter_of_nested_fields() -> None:
    # Contract 5.3.
    async with emulated(ill(Manners(reduce_nested_above=5))) as ask:
        assert await codes(ask, 1, fields=LEAN, limit=50) == [0]
        assert await codes(ask, 1, fields=HEAVY, limit=6) == [1]
        assert await codes(ask, 1, fields=HEAVY, limit=5) == [0]
        heard = await ask.listing(fields=HEAVY)
        assert heard.status == 500
        assert "reduce the amount of data" in heard.error["message"]
        assert "type" not in heard.error


async def test_a_poisoned_thread_breaks_every_page_that_holds_it() -> None:
    # Contract 7.2.
    world = ill([])
    thread_id = ids(world)[7]
    page = world.pages["1001"]
    page.manners = Manners(poisoned=thread_id)
    async with emulated(world) as ask:
        assert await codes(ask, 1, fields=HEAVY, limit=8) == [1]
        assert await codes(ask, 1, fields=HEAVY, limit=7) == [0]
        assert await codes(ask, 1, fields=LEAN) == [0]
        assert (await ask.get(thread_id, page, fields=LEAN)).status == 200
        assert (await ask.get(thread_id, page, fields=HEAVY)).status == 500
        assert (await ask.get(f"{thread_id}/messages", page)).status == 500
        page.manners = Manners(poisoned=thread_id, poisoned_lean=True)
        assert await codes(ask, 1, fields="id", limit=8) == [1]


async def test_limits_above_the_ceiling_are_clamped_or_refused() -> None:
    # Contract 8.2: unresolved.
    async with emulated(ill(Manners(max_limit=4))) as ask:
        assert len((await ask.listing(limit=100)).ids) == 4
        ask.graph.world.pages["1001"].manners = Manners(max_limit=4, over_limit="refuse")
        assert await codes(ask, 1, limit=100) == [100]


async def test_since_is_ignored_or_refused() -> None:
    # Contract 8.1: unresolved.
    async with emulated(ill([])) as ask:
        assert await codes(ask, 1, since="1700000000") == [0]
        ask.graph.world.pages["1001"].manners = Manners(since_until="refuse")
        assert await codes(ask, 1, since="1700000000") == [100]


@pytest.mark.parametrize(("bounds", "listed"), [("honour", 10), ("ignore", 25), ("refuse", None)])
async def test_updated_bounds_are_honoured_ignored_or_refused(bounds: str, listed: int | None) -> None:
    # Contract 10: in Meta's own SDK only.
    world = ill(Manners(updated_bounds=bounds))  # type: ignore[arg-type]  # one of its literals
    threads = world.threads("1001", MESSENGER)
    moment = int(threads[9].updated_time.timestamp() * 1000)
    async with emulated(world) as ask:
        heard = await ask.listing(updated_after_ms=moment)
        if listed is None:
            assert heard.error["code"] == 100
        else:
            assert len(heard.ids) in (listed, listed + 1)


@pytest.mark.looptime
async def test_cursors_may_expire() -> None:
    # Contract 3.1 and 5.2 (2642).
    async with emulated(ill(Manners(cursor_lifetime=60))) as ask:
        after = (await ask.listing(limit=3)).after
        await asyncio.sleep(59)
        assert await codes(ask, 1, after=after) == [0]
        await asyncio.sleep(2)
        assert await codes(ask, 1, after=after) == [2642]


async def test_walks_may_end_at_a_depth() -> None:
    # Contract 3.1.
    async with emulated(ill(Manners(max_depth=2))) as ask:
        first = await ask.listing(limit=3)
        second = await ask.listing(limit=3, after=first.after)
        heard = await ask.listing(limit=3, after=second.after)
        assert heard.error["message"].endswith("exceeds the max limit supported by this endpoint")


@pytest.mark.parametrize(("when", "by_header", "by_query"), [("always", 1, 1), ("query", 0, 1), ("never", 0, 0)])
async def test_next_may_hold_the_token_or_not(when: str, by_header: int, by_query: int) -> None:
    # Contract 8.15: unknown for a token that came in a header.
    world = ill(Manners(token_in_next=when))  # type: ignore[arg-type]  # one of its literals
    page = world.pages["1001"]
    async with emulated(world) as ask:
        in_header = await ask.get("1001/conversations", page)
        in_query = await ask.get("1001/conversations", access_token=page.token)
        assert in_header.paging["next"].count(page.token) == by_header
        assert in_query.paging["next"].count(page.token) == by_query


async def test_next_may_name_another_host() -> None:
    # SHAPES: a foreign next host.
    async with emulated(ill(Manners(next_host="https://evil.example"))) as ask:
        assert (await ask.listing()).paging["next"].startswith("https://evil.example/v25.0/1001/conversations?")


async def test_missing_access_may_be_answered_with_an_empty_list() -> None:
    # Contract 7.3.
    async with emulated(ill(Manners(lists_nothing=True))) as ask:
        assert (await ask.listing()).json == {"data": []}


async def test_high_volume_pages_give_single_threads() -> None:
    # Contract 1.6.
    world = ill(Manners(high_volume=True))
    async with emulated(world) as ask:
        assert (await ask.listing()).status == 500
        assert (await ask.get(ids(world)[0], world.pages["1001"])).json["id"] == ids(world)[0]


async def test_fields_may_be_refused_on_one_platform() -> None:
    # Contract 10: unread_count on an Instagram thread.
    async with emulated(ill(Manners(refused_fields=["unread_count"], platforms=[INSTAGRAM]))) as ask:
        assert await codes(ask, 1, fields="unread_count") == [0]
        assert await codes(ask, 1, fields="unread_count", platform=INSTAGRAM) == [100]


async def test_bodies_may_be_escaped() -> None:
    # Contract 6.5.
    async with emulated(ill([])) as ask:
        params: dict[str, Any] = {"fields": "participants,snippet,link,messages{message}", "limit": 30}
        plain = (await ask.listing(**params)).json["data"]
        ask.graph.world.pages["1001"].manners = Manners(escapes=True)
        escaped = await ask.listing(**params)
        assert escaped.body.isascii()
        assert b"\\u0040facebook.com" in escaped.body
        assert b"\\/inbox\\/" in escaped.body
        assert b"\\ud83d\\ude42" in escaped.body
        # The nested cursors differ from call to call.
        assert [item["participants"] for item in escaped.json["data"]] == [item["participants"] for item in plain]


# --- answers that are not Graph's


@pytest.mark.parametrize(
    ("manners", "status", "content"),
    [
        (Manners(html=400), 400, b"<!DOCTYPE html>"),  # contract 5.1, P-spring
        (Manners(html=502), 502, b"Sorry, something went wrong"),
        (Manners(empty_body=True), 200, b""),  # contract 5.1, koala
        (Manners(service_unavailable=True), 200, b"Service Unavailable"),  # contract 5.1, K-py
        (Manners(raw_body=b"[" * 1000, raw_status=201), 201, b"[" * 1000),
        (Manners(redirect="https://evil.example/x"), 302, b""),
    ],
)
async def test_something_else_answers(manners: Manners, status: int, content: bytes) -> None:
    async with emulated(ill(manners)) as ask:
        heard = await ask.listing()
        assert heard.status == status
        assert content in heard.body
        assert heard.headers.get("Location") == manners.redirect


async def test_a_small_gzip_body_inflates_to_a_large_one() -> None:
    async with emulated(ill(Manners(gzip_bomb=5_000_000))) as ask:
        url = f"{ask.graph.base_url}/v25.0/1001/conversations"
        async with aiohttp.ClientSession(auto_decompress=False) as http, http.get(url) as response:
            packed = await response.read()
            assert response.headers["Content-Encoding"] == "gzip"
        assert len(packed) < 20_000
        assert len(gzip.decompress(packed)) == 5_000_000 + len('{"data":""}')


@pytest.mark.parametrize("cut", ["before", "within"])
async def test_the_connection_may_break(cut: Any) -> None:
    # aiohttp itself asks once more when no byte has come: hence two breaks.
    times = 2 if cut == "before" else 1
    async with emulated(ill(Manners(cut=cut, times=times))) as ask:
        with pytest.raises(aiohttp.ClientError):
            await ask.listing()
        assert [call.status for call in ask.graph.calls] == [0] * times
        assert (await ask.listing()).status == 200


@pytest.mark.looptime
async def test_answers_may_be_slow_and_may_drip() -> None:
    async with emulated(ill([Manners(slow=20, times=1), Manners(drip=2, drip_pieces=10, after_calls=1)])) as ask:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await ask.listing()
        assert loop.time() - began == pytest.approx(20)
        began = loop.time()
        assert len((await ask.listing()).ids) == 25
        assert loop.time() - began == pytest.approx(20)


async def test_the_version_header_may_lie() -> None:
    async with emulated(ill(Manners(version_header="v27.0"))) as ask:
        assert (await ask.listing()).headers["facebook-api-version"] == "v27.0"


# --- odd usage headers (SHAPES, contract 4.2)


async def test_usage_headers_may_be_odd() -> None:
    header = "x-business-use-case-usage"
    async with emulated(ill([])) as ask:
        page = ask.graph.world.pages["1001"]
        seen = {}
        for state in UsageHeader:
            page.manners = Manners(usage_header=state, usage_percent=144)
            seen[state] = (await ask.listing()).headers.get(header)
        assert seen[UsageHeader.ABSENT] is None
        assert seen[UsageHeader.NOT_JSON] == "{not json"
        assert json.loads(seen[UsageHeader.BARE] or "") == {"1001": [{"type": "messenger"}]}
        assert json.loads(seen[UsageHeader.NORMAL] or "")["1001"][0]["call_count"] == 144


async def test_every_surprise_is_dealt_to_a_page_that_names_it() -> None:
    world = World.seeded(pages=len(SURPRISES) + 3, threads=30, surprises=True)
    assert [*world.surprises.values()] == [name for name, _ in SURPRISES]
    assert list(world.surprises) == [str(1002 + place) for place in range(len(SURPRISES))]
    assert world.pages["1002"].name == "Page 1002 (dead token)"
    async with emulated(world) as ask:
        assert await ask.walk("1001") == ids(world)
        assert (await ask.listing("1002")).error["code"] == 190
