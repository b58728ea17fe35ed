"""The limits as the server keeps them (contract 4), in virtual time."""

import asyncio
import json
from typing import Any

import pytest
from asking import INSTAGRAM, MESSENGER, Asker, emulated

from conversations_async.emulator import LimitRules, WindowModel, World
from conversations_async.emulator.rules import LimitBook, RollingPool, wire_minutes, worst_second


def book(**rules: Any) -> LimitBook:
    """A fresh book of limits."""
    return LimitBook(LimitRules(messenger_pool=False, **rules))


def passing(limits: LimitBook, moments: list[float]) -> list[bool]:
    """Which calls at these moments pass."""
    return [limits.weigh_inbox_call("1", MESSENGER, 1, moment) is None for moment in moments]


@pytest.mark.parametrize(
    ("model", "moments", "passes"),
    [
        # A rolling second: never three arrivals in any of them.
        ("rolling", [0, 0.5, 1.0, 1.5], [True] * 4),
        ("rolling", [0, 0.1, 0.99], [True, True, False]),
        ("rolling", [0, 0.1, 1.0, 1.1], [True] * 4),
        ("rolling", [0.9, 0.95, 1.05], [True, True, False]),
        # Calls made while throttled count too (contract 4.1): hammering never comes through.
        ("rolling", [0, 0.1, 0.5, 1.05, 1.3], [True, True, False, False, False]),
        # Fixed seconds: four around a border are fine.
        ("fixed", [0.9, 0.95, 1.0, 1.05], [True] * 4),
        ("fixed", [0, 0.4, 0.9, 1.0], [True, True, False, True]),
        # A bucket of two, refilled at two a second.
        ("bucket", [0, 0.0, 0.0], [True, True, False]),
        ("bucket", [0, 0.0, 0.5, 1.0], [True] * 4),
        ("bucket", [0, 0.0, 0.4], [True, True, False]),
    ],
)
def test_two_calls_a_second_in_three_window_models(model: str, moments: list[float], passes: list[bool]) -> None:
    # Contract 4.1: the window is not said.
    assert passing(book(model=model), moments) == passes


def test_refused_calls_need_not_count() -> None:
    moments = [0, 0.1, 0.5, 1.05, 1.3]
    assert passing(book(count_refused=False), moments) == [True, True, False, True, True]
    assert passing(book(model="bucket", count_refused=False), [0, 0, 0.2, 0.5]) == [True, True, False, True]
    assert passing(book(model="fixed", phase=0.5), [0.4, 0.45, 0.5, 0.55]) == [True] * 4


def test_each_page_and_platform_has_its_own_second() -> None:
    limits = book()
    for page_id in ("1", "2"):
        for platform in (MESSENGER, INSTAGRAM):
            verdicts = [limits.weigh_inbox_call(page_id, platform, 1, 0.0) for _ in range(3)]
            assert [verdict and verdict.code for verdict in verdicts] == [None, None, 613]


def test_the_24_hour_pool_tells_when_it_opens() -> None:
    # Contract 4.1: 200 calls for each engaged user in 24 hours, for Messenger.
    limits = LimitBook(LimitRules(calls_per_second=None))
    verdicts = [limits.weigh_inbox_call("1", MESSENGER, 2, float(second)) for second in range(401)]
    assert verdicts[:400] == [None] * 400
    assert verdicts[400] is not None
    assert verdicts[400].code == 80006
    # The first call leaves the window after a day, but 401 are in it: two have to go.
    assert verdicts[400].regain_after == 86_400 + 1 - 400
    assert limits.messenger_percent("1", 2, 400.0) == pytest.approx(100.25)
    assert limits.weigh_inbox_call("1", INSTAGRAM, 2, 400.0) is None


def test_a_rolling_pool_forgets() -> None:
    pool = RollingPool(2, 60.0)
    assert [pool.passes(moment) for moment in (0.0, 1.0, 2.0, 61.0, 61.5)] == [True, True, False, True, False]
    assert pool.regain_after(61.5) == pytest.approx(59.5)


@pytest.mark.parametrize(
    ("arrivals", "worst"),
    [([], 0), ([5.0], 1), ([0, 0.5, 1.0, 1.5], 2), ([0, 0.9, 0.99, 1.0], 3), ([3, 1, 2], 1), ([1, 1, 1], 3)],
)
def test_the_worst_second_is_a_rolling_one(arrivals: list[float], worst: int) -> None:
    assert worst_second(arrivals) == worst


def test_waits_are_whole_minutes_on_the_wire() -> None:
    # Contract 4.2.
    waits = [None, 0.0, 1.0, 60.0, 61.0, 300.0]
    assert [wire_minutes(wait) for wait in waits] == [0, 0, 1, 1, 2, 5]
    assert wire_minutes(6.0, fractional=True) == 0.1


# --- on the wire


async def burst(ask: Asker, count: int, page_id: str = "1001") -> list[int]:
    """The codes of so many calls at once, 0 for a listing."""
    heard = await asyncio.gather(*(ask.listing(page_id) for _ in range(count)))
    return sorted(each.json.get("error", {}).get("code", 0) for each in heard)


@pytest.mark.looptime
async def test_a_third_call_in_a_second_is_refused_with_613() -> None:
    # Contract 4.3: 613 is INF for the per-second limit, its words are recorded.
    async with emulated(World.seeded(pages=2, threads=3), limits=LimitRules()) as ask:
        assert await burst(ask, 3) == [0, 0, 613]
        assert await burst(ask, 2, "1002") == [0, 0]
        assert ask.graph.worst_second("1001", MESSENGER) == 3
        assert [call.refused for call in ask.graph.calls_of("1001")].count(True) == 1
        await asyncio.sleep(1)
        assert await burst(ask, 2) == [0, 0]


@pytest.mark.looptime
async def test_the_code_of_the_second_can_be_chosen() -> None:
    # Contract 8.4: 613 or 80006.
    async with emulated(World.seeded(pages=1, threads=3), limits=LimitRules(code=80006)) as ask:
        assert await burst(ask, 3) == [0, 0, 80006]


@pytest.mark.looptime
async def test_thread_reads_draw_on_the_same_second() -> None:
    world = World.seeded(pages=1, threads=3)
    thread = world.threads("1001", MESSENGER)[0]
    page = world.pages["1001"]
    async with emulated(world, limits=LimitRules()) as ask:
        await ask.listing()
        await ask.get(f"{thread.id}/messages", page)
        assert (await ask.get(thread.id, page)).error["code"] == 613
        # The Page node is another pool (contract 4.1).
        assert (await ask.get("1001", page)).status == 200


@pytest.mark.looptime
async def test_each_of_several_ids_counts_as_a_call() -> None:
    # Contract 6.2.
    world = World.seeded(pages=1, threads=3)
    three = ",".join(thread.id for thread in world.threads("1001", MESSENGER))
    async with emulated(world, limits=LimitRules()) as ask:
        assert (await ask.get("", world.pages["1001"], ids=three)).error["code"] == 613


@pytest.mark.looptime
async def test_calls_count_when_they_arrive() -> None:
    async with emulated(World.seeded(pages=1, threads=3), latency=0.2) as ask:
        loop = asyncio.get_running_loop()
        sent = loop.time()
        await ask.listing()
        (call,) = ask.graph.calls
        assert call.at == pytest.approx(sent + 0.1)
        assert call.answered_at == pytest.approx(sent + 0.2)


@pytest.mark.looptime
async def test_jitter_and_tails_are_seeded_and_bounded() -> None:
    runs = []
    for _ in range(2):
        async with emulated(
            World.seeded(pages=1, threads=1), latency=0.02, jitter=0.05, tail=0.3, tail_share=0.5, seed=3
        ) as ask:
            trips = []
            for _ in range(30):
                began = asyncio.get_running_loop().time()
                await ask.listing()
                trips.append(asyncio.get_running_loop().time() - began)
            runs.append(trips)
    assert runs[0] == pytest.approx(runs[1], abs=1e-4)
    assert 0.02 <= min(runs[0]) < 0.07 < max(runs[0]) <= 0.37


@pytest.mark.looptime
async def test_the_pool_is_told_in_percent_and_closes_with_80006() -> None:
    # Contract 4.2: percent, not counts; type `messenger` on the edge and `pages` on the node.
    world = World.seeded(pages=1, threads=3)
    page = world.pages["1001"]
    async with emulated(world, limits=LimitRules(calls_per_second=None, calls_per_day=4)) as ask:
        percents = [(await ask.listing()).messenger_usage["call_count"] for _ in range(4)]
        assert percents == [25, 50, 75, 100]
        refused = await ask.listing()
        assert refused.error["code"] == 80006
        assert refused.messenger_usage["call_count"] == 125
        assert refused.messenger_usage["estimated_time_to_regain_access"] == 1440
        node = await ask.get("1001", page)
        assert json.loads(node.headers["x-business-use-case-usage"])["1001"][0]["type"] == "pages"


async def test_usage_headers_may_be_absent_below_some_usage() -> None:
    # Contract 4.2.
    limits = LimitRules(calls_per_second=None, calls_per_day=10, usage_from=25)
    async with emulated(World.seeded(pages=1, threads=1), limits=limits) as ask:
        shown = ["x-business-use-case-usage" in (await ask.listing()).headers for _ in range(4)]
        assert shown == [False, False, True, True]


async def test_instagram_reads_list_two_keys() -> None:
    # Contract 4.2, recorded.
    world = World.seeded(pages=1, threads=1)
    async with emulated(world) as ask:
        heard = await ask.listing(platform=INSTAGRAM)
        assert list(json.loads(heard.headers["x-business-use-case-usage"])) == [
            "1001",
            world.pages["1001"].instagram_id,
        ]
        assert json.loads(heard.headers["x-app-usage"]) == {"call_count": 0, "total_cputime": 0, "total_time": 0}


async def test_the_app_and_the_user_have_hours_of_their_own() -> None:
    # Contract 4.1, 4.3: codes 4 and 17.
    world = World.seeded(pages=1, threads=1)
    limits = LimitRules(calls_per_second=None, app_calls_per_hour=3, user_calls_per_hour=2)
    async with emulated(world, limits=limits) as ask:
        answers = [await ask.get("me/accounts", world.user.token) for _ in range(3)]
        assert [answer.status for answer in answers] == [200, 200, 400]
        assert answers[2].error["code"] == 17
        heard = await ask.listing()
        assert (heard.status, heard.error["code"], heard.error["is_transient"]) == (403, 4, True)
        assert json.loads(heard.headers["x-app-usage"])["call_count"] == 134


async def test_off_means_no_limit() -> None:
    async with emulated(World.seeded(pages=1, threads=1), limits=LimitRules.off()) as ask:
        assert await burst(ask, 30) == [0] * 30


def test_rules_say_what_is_wrong_with_them() -> None:
    for wrong in ({"calls_per_second": 0}, {"burst": 0}, {"model": "sometimes"}):
        with pytest.raises(ValueError):
            LimitRules(**wrong)
    assert LimitRules(model=WindowModel.FIXED).model == "fixed"
