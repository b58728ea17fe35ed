"""How tasks wait: gates, easing, ceilings, patience and turns, in virtual time."""

import asyncio
import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import attrs
import pytest
from listing import EVERY, INSTAGRAM, MESSENGER, keys, list_all, pages_of, session_on, truth

from conversations_async import (
    ConversationSession,
    Event,
    GraphRequest,
    Inbox,
    LimitPolicy,
    PacerUnavailable,
    Page,
    RawAnswer,
    RetryPolicy,
    Secret,
    SharedPacer,
    Turn,
    Usage,
    WaitTooLong,
)
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, WindowModel, World
from conversations_async.errors import GraphUnavailable, RateLimited, TransportFailed
from conversations_async.events import Eased, GateOpened, InboxEnded, Refused, Retrying, Waiting
from conversations_async.limits import pool_of_inbox
from conversations_async.model import Pool, PoolUsage
from conversations_async.throttle import Permit, Throttle

pytestmark = pytest.mark.looptime

PAGE = Page("1001", "token-0001")
INBOX = Inbox("1001", MESSENGER)


def a_throttle(policy: LimitPolicy | None = None) -> tuple[Throttle, list[Event]]:
    told: list[Event] = []
    return Throttle(policy or LimitPolicy(strict=True), told.append), told


def now() -> float:
    return asyncio.get_running_loop().time()


async def call(throttle: Throttle, *, takes: float = 0.1, usage: Usage | None = None) -> float:
    """One urgent call that passes; returns when it was sent."""
    permit = await throttle.permit(INBOX, PAGE)
    sent = now()
    await asyncio.sleep(takes)
    throttle.learn(permit, usage, None)
    throttle.release(permit, received_at=now(), sent_at=sent)
    return sent


def refuse(throttle: Throttle, permit: Permit, code: int, pool: Pool, after: float | None = None) -> None:
    throttle.learn(permit, None, RateLimited("m", code, inbox=permit.inbox, pool=pool, retry_after=after))
    throttle.release(permit, received_at=now())


# -- the pace ----------------------------------------------------------------------------------------------------------


async def test_two_calls_go_at_once_and_the_third_a_second_after_the_first_answer() -> None:
    throttle, _ = a_throttle()
    sent = await asyncio.gather(*(call(throttle, takes=0.25) for _ in range(4)))
    assert sorted(each - min(sent) for each in sent) == pytest.approx([0, 0, 1.25, 1.25], abs=1e-4)


async def test_inboxes_do_not_wait_for_each_other() -> None:
    throttle, _ = a_throttle()
    permits = [throttle.take(Inbox(str(page), INSTAGRAM), PAGE) for page in range(1, 500)]
    assert None not in permits


async def test_a_slower_rate_spaces_single_calls() -> None:
    throttle, _ = a_throttle(LimitPolicy(calls_per_second=0.5, strict=True))
    first = await call(throttle)
    assert await call(throttle) - first == pytest.approx(2.1, abs=1e-4)


@pytest.mark.parametrize("model", list(WindowModel))
async def test_the_wall_clock_may_jump_by_an_hour_both_ways(
    model: WindowModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.seeded(pages=2, threads=80, seed=3)
    took: list[float] = []
    for jump in (0.0, 3600.0, -3600.0):
        true, began = time.time, now()
        monkeypatch.setattr(time, "time", lambda jump=jump, began=began, true=true: true() + jump * (now() - began > 2))
        async with GraphEmulator(world, limits=LimitRules(model=model), latency=0.05) as graph:
            async with session_on(graph) as session:
                began = now()
                threads, failed = await list_all(session, pages_of(world))
                took.append(now() - began)
            assert not failed
            assert set(keys(threads)) == truth(world)
            assert not [each for each in graph.calls if each.refused]
        monkeypatch.undo()
    assert max(took) < 1.02 * min(took)


async def test_the_learned_pace_is_quicker_than_the_strict_one_and_not_refused_either() -> None:
    world = World.seeded(pages=1, threads=600, seed=3, platforms=(MESSENGER,))
    took = {}
    for strict in (True, False):
        async with GraphEmulator(world, latency=0.2, jitter=0.02, seed=5) as graph:
            async with session_on(graph, limits=LimitPolicy(strict=strict)) as session:
                began = now()
                _, failed = await list_all(session, pages_of(world))
                took[strict] = now() - began
                assert (session.standing(INBOX).credit > 0) is not strict
            assert not failed
            assert not [each for each in graph.calls if each.refused]
    assert took[False] < 0.95 * took[True]


async def test_a_call_sent_over_a_borrowed_connection_pool_earns_no_credit() -> None:
    answer = RawAnswer(200, {}, b'{"data":[],"paging":{"cursors":{"after":"x"}}}')

    class Unstamped:
        async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
            await asyncio.sleep(0.2)
            return answer

    async with ConversationSession(transport=Unstamped()) as session:
        for _ in range(50):
            await session.thread_with(PAGE, MESSENGER, "5")
        assert session.standing(INBOX).credit == 0.0


async def test_a_dead_kept_connection_is_not_asked_again_behind_the_throttles_back() -> None:
    world = World.seeded(pages=1, threads=25, seed=3, platforms=(MESSENGER,))
    world.manners = Manners(cut="before", after_calls=1, times=1)
    retried: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=retried.append) as session:
        threads, failed = await list_all(session, pages_of(world))
        assert not failed
        assert set(keys(threads)) == truth(world)
        assert len([event for event in retried if isinstance(event, Retrying)]) == 1
        assert graph.worst_second("1001", MESSENGER) <= 2


# -- gates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "pool", "rests", "goes_on"),
    [
        # Contract 4.1, 4.3: which pool a code closes, and who draws on it.
        (613, pool_of_inbox(INBOX), [("1001", MESSENGER)], [("1001", INSTAGRAM), ("7", MESSENGER)]),
        (80006, Pool("messenger", "1001"), [("1001", MESSENGER), ("1001", INSTAGRAM)], [("7", MESSENGER)]),
        (80001, Pool("pages", "1001"), [("1001", MESSENGER), ("1001", INSTAGRAM)], [("7", INSTAGRAM)]),
        (80002, Pool("instagram", "1001"), [("1001", INSTAGRAM)], [("1001", MESSENGER), ("7", INSTAGRAM)]),
        (4, Pool("app"), [("1001", MESSENGER), ("7", INSTAGRAM)], []),
        (17, Pool("user", ""), [("1001", MESSENGER), ("7", INSTAGRAM)], []),
        (32, Pool("user", ""), [("1001", MESSENGER), ("7", INSTAGRAM)], []),
    ],
)
async def test_a_refusal_closes_the_pool_it_names_for_all_who_draw_on_it(
    code: int, pool: Pool, rests: Iterable[tuple[str, str]], goes_on: Iterable[tuple[str, str]]
) -> None:
    throttle, told = a_throttle()
    permit = throttle.take(Inbox("1001", INSTAGRAM) if code == 80002 else INBOX, PAGE)
    assert permit is not None
    refuse(throttle, permit, code, pool, 300.0)
    assert [(event.pool, event.seconds) for event in told if isinstance(event, Refused)] == [(pool, 300.0)]
    for page_id, platform in rests:
        assert throttle.take(Inbox(page_id, platform), PAGE) is None
    for page_id, platform in goes_on:
        assert throttle.take(Inbox(page_id, platform), PAGE) is not None


async def test_a_users_limit_leaves_other_users_pages_alone() -> None:
    throttle, _ = a_throttle()
    anna, ben = Page("1", "token-0001", user="anna"), Page("2", "token-0002", user="ben")
    permit = throttle.take(Inbox("1", MESSENGER), anna)
    assert permit is not None
    refuse(throttle, permit, 17, Pool("user", "anna"))
    assert throttle.take(Inbox("1", MESSENGER), anna) is None
    assert throttle.take(Inbox("2", MESSENGER), ben) is not None


async def test_one_call_probes_when_a_gate_opens_and_the_others_follow_if_it_passes() -> None:
    throttle, told = a_throttle()
    others = [Inbox(str(page), MESSENGER) for page in range(2, 12)]
    permit = throttle.take(INBOX, PAGE)
    assert permit is not None
    refuse(throttle, permit, 4, Pool("app"), 60.0)
    waiting = [asyncio.create_task(throttle.permit(inbox, PAGE)) for inbox in others]
    began = now()
    done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    assert now() - began == pytest.approx(60.0, abs=1e-3)
    await asyncio.sleep(1.0)
    assert sum(task.done() for task in waiting) == 1, "the probe is out, the others wait for it"
    probe = done.pop().result()
    throttle.learn(probe, None, None)
    throttle.release(probe, received_at=now())
    await asyncio.gather(*waiting)
    assert now() - began == pytest.approx(61.0, abs=1e-3)
    assert [event.pool for event in told if isinstance(event, GateOpened)] == [Pool("app")]


async def test_a_probe_that_is_refused_makes_the_pause_grow_and_one_that_fails_lets_another_probe() -> None:
    throttle, told = a_throttle(LimitPolicy(strict=True, blind_pause=60.0))
    pauses = []
    for _ in range(4):
        permit = await throttle.permit(INBOX, PAGE)
        refuse(throttle, permit, 613, pool_of_inbox(INBOX))
        pauses.append([event.seconds for event in told if isinstance(event, Refused)][-1])
    for pause, expected in zip(pauses, (60, 120, 240, 480), strict=True):
        assert expected <= pause <= 1.1 * expected
    probe = await throttle.permit(INBOX, PAGE)
    throttle.learn(probe, None, TransportFailed("broke", INBOX))
    throttle.release(probe)
    began = now()
    await throttle.permit(INBOX, PAGE)
    assert now() - began < 3


async def test_a_late_refusal_stops_calls_already_queued() -> None:
    throttle, _ = a_throttle()
    first, second = throttle.take(INBOX, PAGE), throttle.take(INBOX, PAGE)
    assert first is not None
    assert second is not None
    queued = [asyncio.create_task(throttle.permit(INBOX, PAGE)) for _ in range(5)]
    await asyncio.sleep(0.5)
    refuse(throttle, first, 80006, Pool("messenger", "1001"), 120.0)
    throttle.learn(second, None, None)
    throttle.release(second, received_at=now())
    await asyncio.sleep(100)
    assert not any(task.done() for task in queued)
    await asyncio.sleep(25)
    assert sum(task.done() for task in queued) == 1
    for task in queued:
        task.cancel()
    await asyncio.gather(*queued, return_exceptions=True)


async def test_another_process_that_uses_the_same_page_up_costs_pauses_and_no_thread() -> None:
    world = World.seeded(pages=1, threads=60, seed=3, platforms=(MESSENGER,))
    world.manners = Manners(refuse=613, after_calls=2, times=2)
    refusals: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=refusals.append) as session:
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert len([event for event in refusals if isinstance(event, Refused)]) == 2


async def test_80006_on_one_page_changes_nothing_for_the_others() -> None:
    ended: dict[bool, dict[str, float]] = {True: {}, False: {}}
    for ill in (False, True):
        world = World.seeded(pages=40, threads=(20, 60), seed=3, platforms=(MESSENGER,))
        if ill:
            world.pages["1007"].manners = Manners(refuse=80006, regain_minutes=5, times=1, after_calls=1)
        began = now()

        def note(event: Event, ill: bool = ill, began: float = began) -> None:
            if isinstance(event, InboxEnded):
                ended[ill][event.inbox.page_id] = now() - began

        async with GraphEmulator(world, latency=0.05) as graph, session_on(graph, on_event=note) as session:
            _, failed = await list_all(session, pages_of(world))
        assert not failed
    closed = graph.calls_of("1007")
    assert [each.code for each in closed if each.refused] == [80006]
    resumed = next(each for place, each in enumerate(closed) if closed[place - 1].refused)
    assert resumed.at - closed[1].at >= 300
    for page_id, alone in ended[False].items():
        if page_id != "1007":
            assert ended[True][page_id] == pytest.approx(alone, rel=0.01)


# -- easing and ceilings -----------------------------------------------------------------------------------------------


def used(percent: float) -> Usage:
    return Usage((PoolUsage("messenger", "1001", call_count=percent),))


async def test_the_pace_stretches_as_a_pool_fills_and_comes_back_as_it_empties() -> None:
    throttle, told = a_throttle()
    moments = [await call(throttle, usage=used(percent)) for percent in (74, 75, 76, 77, 77, 77)]
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    assert 6 > gaps[3] > gaps[2] > gaps[1] > 1.0
    await call(throttle, usage=used(40))
    began = now()
    await call(throttle, usage=used(40))
    await call(throttle, usage=used(40))
    assert now() - began < 2
    eased = [event for event in told if isinstance(event, Eased)]
    assert eased[0].percent == 75
    assert eased[-1].spacing == 0.0


async def test_a_full_pool_of_one_page_slows_nobody_else() -> None:
    throttle, _ = a_throttle()
    await call(throttle, usage=used(99))
    assert throttle.next_moment(INBOX, PAGE)[0] > now() + 10
    assert throttle.take(Inbox("7", MESSENGER), PAGE) is not None


async def test_what_the_header_says_of_another_id_counts_for_the_page_that_asked() -> None:
    """Contract 4.1: an Instagram read reports under two ids."""
    throttle, _ = a_throttle()
    both = Usage((PoolUsage("messenger", "1001", call_count=1), PoolUsage("instagram", "17841", total_time=99)))
    instagram = Inbox("1001", INSTAGRAM)
    permit = await throttle.permit(instagram, PAGE)
    throttle.learn(permit, both, None)
    throttle.release(permit, received_at=now())
    assert throttle.next_moment(instagram, PAGE)[0] > now() + 10
    assert throttle.take(INBOX, PAGE) is not None


async def test_a_refusal_that_says_until_when_is_not_outlasted_by_the_full_pool_it_tells_of() -> None:
    throttle, _ = a_throttle()
    permit = await throttle.permit(INBOX, PAGE)
    pool = Pool("messenger", "1001")
    throttle.learn(permit, used(100), RateLimited("m", 80006, inbox=INBOX, pool=pool, retry_after=6.0))
    throttle.release(permit, received_at=now())
    began = now()
    await throttle.permit(INBOX, PAGE)
    assert now() - began == pytest.approx(6.0, abs=1e-3)


@pytest.mark.parametrize(
    "policy", [LimitPolicy(app_calls_per_second=5.0), LimitPolicy(user_calls_per_second=5.0)], ids=["app", "user"]
)
async def test_a_ceiling_spaces_the_calls_of_all_inboxes(policy: LimitPolicy) -> None:
    world = World.seeded(pages=10, threads=15, seed=3)
    async with GraphEmulator(world) as graph, session_on(graph, limits=policy) as session:
        threads, failed = await list_all(session, pages_of(world))
    assert not failed
    assert set(keys(threads)) == truth(world)
    moments = sorted(each.at for each in graph.calls)
    assert len(moments) == 60
    assert min(later - earlier for earlier, later in itertools.pairwise(moments)) > 0.19
    assert moments[-1] - moments[0] < 60 / 5.0 * 1.1


# -- patience ----------------------------------------------------------------------------------------------------------


async def test_wait_too_long_is_raised_at_once_and_takes_nothing() -> None:
    throttle, _ = a_throttle()
    for _ in range(2):
        assert throttle.take(INBOX, PAGE) is not None
    permit = throttle.take(Inbox("7", MESSENGER), PAGE)
    assert permit is not None
    refuse(throttle, permit, 613, pool_of_inbox(Inbox("7", MESSENGER)), 60.0)
    began = now()
    with pytest.raises(WaitTooLong) as caught:
        await throttle.permit(Inbox("7", MESSENGER), PAGE, max_wait=59.0)
    assert now() == began
    assert caught.value.retry_after == pytest.approx(60.0)
    permit = await throttle.permit(Inbox("7", MESSENGER), PAGE, max_wait=61.0)
    assert now() - began == pytest.approx(60.0, abs=1e-3)


async def test_where_only_anothers_outcome_opens_the_pool_patience_ends_after_max_wait() -> None:
    throttle, _ = a_throttle()
    for _ in range(2):
        assert throttle.take(INBOX, PAGE) is not None
    began = now()
    with pytest.raises(WaitTooLong):
        await throttle.permit(INBOX, PAGE, max_wait=3.0)
    assert now() - began == pytest.approx(3.0, abs=1e-3)


async def test_cancelling_while_waiting_takes_no_slot() -> None:
    throttle, _ = a_throttle()
    await asyncio.gather(call(throttle), call(throttle))
    waiting = [asyncio.create_task(throttle.permit(INBOX, PAGE)) for _ in range(20)]
    await asyncio.sleep(0.2)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    began = now()
    await asyncio.gather(call(throttle), call(throttle))
    assert now() - began < 1.1


async def test_somebody_who_waits_for_an_answer_goes_before_a_listing_of_the_same_inbox() -> None:
    world = World.seeded(pages=1, threads=300, seed=3, platforms=(MESSENGER,))
    (page,) = pages_of(world)
    async with GraphEmulator(world, latency=0.1) as graph, session_on(graph) as session:
        listing = asyncio.create_task(list_all(session, [page]))
        await asyncio.sleep(5.05)
        waits = []
        for _ in range(6):
            began = now()
            await session.thread_with(page, MESSENGER, "5", max_wait=5.0)
            waits.append(now() - began)
            await asyncio.sleep(0.9)
        await listing
        assert graph.worst_second("1001", MESSENGER) <= 2
    assert max(waits) < 1.3


async def test_a_listing_is_not_starved_by_people_who_keep_asking() -> None:
    world = World.seeded(pages=1, threads=60, seed=3, platforms=(MESSENGER,))
    (page,) = pages_of(world)
    async with GraphEmulator(world, latency=0.1) as graph, session_on(graph) as session:
        stop = False

        async def ask() -> None:
            while not stop:
                await session.thread_with(page, MESSENGER, "5")

        asking = [asyncio.create_task(ask()) for _ in range(8)]
        began = now()
        threads, failed = await list_all(session, [page])
        took = now() - began
        stop = True
        await asyncio.gather(*asking)
        assert graph.worst_second("1001", MESSENGER) <= 2
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert took < 60, "seven calls, at least one in four turns is the listing's"


# -- outages -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manners", [Manners(html=502), Manners(cut="before"), Manners(refuse=2)], ids=["html", "cut", "2"]
)
async def test_an_outage_is_met_by_one_gate_and_one_probe_for_all(manners: Manners) -> None:

    world = World.seeded(pages=25, threads=(10, 45), seed=3, platforms=(MESSENGER,))
    world.manners = attrs.evolve(manners, since=0.7, until=60.7)
    async with GraphEmulator(world, latency=0.08) as graph, session_on(graph) as session:
        began = now()
        threads, failed = await list_all(session, pages_of(world))
        took = now() - began
    assert not failed
    assert set(keys(threads)) == truth(world)
    into_it = [each for each in graph.calls if 0.7 <= each.at - graph.started_at < 60.7 and each.status != 200]
    assert len(into_it) <= 61
    assert took < 60.7 + 15


@pytest.mark.parametrize(("sick", "well"), [(1, 1), (5, 3), (20, 3), (20, 30)])
async def test_sick_pages_do_not_hold_up_the_others_however_many_they_are(sick: int, well: int) -> None:
    world = World.seeded(pages=sick + well, threads=60, seed=3, platforms=(MESSENGER,))
    ids = list(world.pages)
    for page_id in ids[:sick]:
        world.pages[page_id].manners = Manners(html=500)
    ended: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, InboxEnded):
            ended[event.inbox.page_id] = now() - began

    patient = RetryPolicy(give_up_after=60.0)
    async with GraphEmulator(world, latency=0.05) as graph, session_on(graph, on_event=note, retry=patient) as session:
        began = now()
        threads, failed = await list_all(session, pages_of(world))
    assert {inbox.page_id for inbox in failed} == set(ids[:sick])
    assert set(keys(threads)) == truth(world, without=ids[:sick])
    # Seven calls at two a second take three seconds and a little; an outage to be ruled out first, one more.
    assert max(ended[page_id] for page_id in ids[sick:]) < 6


async def test_interactive_calls_share_a_budget_for_retries() -> None:
    world = World.seeded(pages=60, threads=1, seed=3, platforms=(MESSENGER,))
    world.manners = Manners(html=500)
    async with GraphEmulator(world) as graph, session_on(graph, retry=RetryPolicy.interactive()) as session:
        pages = pages_of(world)
        results = await asyncio.gather(
            *(session.thread_with(page, MESSENGER, "5", max_wait=1.0) for page in pages), return_exceptions=True
        )
    assert all(isinstance(result, GraphUnavailable | WaitTooLong) for result in results)
    # 500 tokens hold 35 retries of 14: after them every call is tried once.
    assert len(graph.calls) <= 60 + 500 // 14


# -- seeing it ---------------------------------------------------------------------------------------------------------


async def test_standing_tells_the_next_moment_the_gates_and_the_eased_pools() -> None:
    world = World.seeded(pages=2, threads=5, seed=3, platforms=(MESSENGER,))
    world.pages["1001"].manners = Manners(refuse=80006, regain_minutes=5, times=1)
    world.pages["1002"].manners = Manners(usage_percent=91.0)
    async with GraphEmulator(world) as graph, session_on(graph) as session:
        threads = session.threads(pages_of(world), query=EVERY, max_wait=1.0)
        with pytest.raises(ExceptionGroup):
            async for _ in threads:
                pass
        closed, eased = session.standing(INBOX), session.standing(Inbox("1002", MESSENGER))
        unknown = session.standing(Inbox("9", MESSENGER))
    assert closed.next_call_in is not None
    assert 290 < closed.next_call_in <= 300
    assert [(pool.pool, pool.code) for pool in closed.closed] == [(Pool("messenger", "1001"), 80006)]
    assert [(pool.pool, pool.percent) for pool in eased.eased] == [(Pool("messenger", "1002"), 91.0)]
    assert eased.usage is not None
    assert unknown.next_call_in == 0.0
    assert unknown.calls == 0


async def test_looking_at_a_standing_changes_nothing() -> None:
    throttle, _ = a_throttle()
    anna = Page("1001", "token-0001", user="anna")
    permit = throttle.take(INBOX, anna)
    assert permit is not None
    refuse(throttle, permit, 17, Pool("user", "anna"), 60.0)
    assert [each.pool for each in throttle.standing(INBOX).closed] == [Pool("user", "anna")]
    throttle.standing(Inbox("77", INSTAGRAM))
    assert list(throttle._accounts) == [INBOX]
    assert not throttle._accounts[INBOX].turned_away


async def test_every_wait_for_a_pool_is_told_with_its_reason() -> None:
    world = World.seeded(pages=1, threads=25, seed=3, platforms=(MESSENGER,))
    world.manners = Manners(refuse=80006, regain_minutes=2, times=1)
    told: list[Event] = []
    async with GraphEmulator(world) as graph, session_on(graph, on_event=told.append) as session:
        await list_all(session, pages_of(world))
    waits = [event for event in told if isinstance(event, Waiting)]
    assert [(wait.pool, round(wait.seconds)) for wait in waits] == [(Pool("messenger", "1001"), 120)]


# -- shared by processes -----------------------------------------------------------------------------------------------


class Recorded:
    """A pacer that grants a turn when asked the second time, a second later."""

    def __init__(self, *, grants: bool = True) -> None:
        self.grants = grants
        self.given_back: list[tuple[bool, float]] = []
        self.out = 0

    async def reserve(self, inbox: Inbox, *, slots: int, period: float, turn: Turn | None = None) -> Turn:
        self.out += turn is None
        return Turn(inbox, now() + 1.0, granted=self.grants and turn is not None, ticket=0)

    async def give_back(self, turn: Turn, *, sent: bool, linger: float = 0.0) -> None:
        self.out -= 1
        self.given_back.append((sent, linger))

    async def aclose(self) -> None: ...


async def test_a_session_waits_for_its_turn_and_gives_every_turn_back() -> None:
    world = World.seeded(pages=3, threads=25, seed=3)
    pacer = Recorded()
    async with GraphEmulator(world) as graph, session_on(graph, pacer=pacer) as session:
        threads, failed = await list_all(session, pages_of(world))
        await session.thread_with(pages_of(world)[0], MESSENGER, "5")
    assert not failed
    assert set(keys(threads)) == truth(world)
    assert pacer.out == 0
    assert pacer.given_back == [(True, 0.0)] * len(graph.calls)


@pytest.mark.looptime(False)
async def test_two_sessions_that_share_a_file_share_the_pace_of_a_page(tmp_path: Path) -> None:
    world = World.seeded(pages=1, threads=25, seed=3, platforms=(MESSENGER,))
    async with GraphEmulator(world, latency=0.01) as graph:

        async def list_with_its_own_file_handle() -> None:
            async with SharedPacer(tmp_path / "pace.db") as pacer, session_on(graph, pacer=pacer) as session:
                threads, failed = await list_all(session, pages_of(world))
                assert not failed
                assert set(keys(threads)) == truth(world)

        await asyncio.gather(*(list_with_its_own_file_handle() for _ in range(2)))
        assert graph.worst_second("1001", MESSENGER) <= 2
        assert not [each for each in graph.calls if each.refused]


async def test_a_pacer_file_that_cannot_be_used_is_told_on_entry(tmp_path: Path) -> None:
    (tmp_path / "pace.db").write_text("something else altogether, and long enough to be no empty file" * 20)
    with pytest.raises(PacerUnavailable):
        async with ConversationSession(pacer=SharedPacer(tmp_path / "pace.db")):
            pass


async def test_a_turn_too_far_away_or_cancelled_is_given_back_unused() -> None:
    world = World.seeded(pages=1, threads=25, seed=3, platforms=(MESSENGER,))
    pacer = Recorded(grants=False)
    async with GraphEmulator(world) as graph:
        async with session_on(graph, pacer=pacer) as session:
            _, failed = await list_all(session, pages_of(world), max_wait=0.5)
            assert isinstance(failed[INBOX].cause, WaitTooLong)
            with pytest.raises(WaitTooLong):
                await session.thread_with(pages_of(world)[0], MESSENGER, "5", max_wait=0.5)
            asking = asyncio.create_task(session.thread_with(pages_of(world)[0], MESSENGER, "5"))
            await asyncio.sleep(3)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        assert graph.calls == []
    assert pacer.out == 0
    assert {sent for sent, _ in pacer.given_back} == {False}


async def test_of_inboxes_that_were_left_long_ago_only_what_may_be_asked_for_is_kept() -> None:
    throttle, _ = a_throttle()
    usage = Usage((PoolUsage("messenger", INBOX.page_id, 12.0),))
    await call(throttle, usage=usage)
    throttle.leave(INBOX)
    await asyncio.sleep(3)
    other = Inbox("1002", MESSENGER)
    assert throttle.take(other, Page("1002", "token-0002")) is not None
    assert list(throttle._accounts) == [other]
    assert (throttle.usage(INBOX), throttle.standing(INBOX).calls) == (usage, 1)
    await call(throttle)
    assert (throttle.usage(INBOX), throttle.standing(INBOX).calls) == (usage, 2)


async def test_an_inbox_that_was_left_with_a_call_under_way_keeps_its_account() -> None:
    throttle, _ = a_throttle()
    permit = throttle.take(INBOX, PAGE)
    assert permit is not None
    throttle.leave(INBOX)
    await asyncio.sleep(3)
    throttle.take(Inbox("1002", MESSENGER), PAGE)
    throttle.release(permit, received_at=now())
    assert throttle.standing(INBOX).calls == 1
