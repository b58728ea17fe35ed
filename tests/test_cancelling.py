"""Cancelling at every turn of the loop, in real time: nothing here waits for longer than a millisecond."""

import asyncio
from typing import cast

import pytest
from listing import MESSENGER, list_all, pages_of, session_on, settle_down, tasks_left, turns

from conversations_async import Inbox, LimitPolicy, Page, RetryPolicy, Turn
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World

PATIENT = RetryPolicy(first_wait=0.001, longest_wait=0.001)


async def test_cancelling_at_every_turn_of_the_loop_leaves_no_task_socket_or_slot() -> None:
    """The consumer and the workers of the lanes take turns in one loop: each turn of it ends some of their awaits."""
    world = World.seeded(pages=2, threads=45, seed=4)
    world.pages["1002"].manners = Manners(html=502, times=1)
    pages = pages_of(world)
    step, finished, seen = 0, False, set[int]()
    async with GraphEmulator(world, limits=LimitRules.off()) as graph:
        while not finished:
            step += 1
            async with session_on(graph, limits=LimitPolicy(calls_per_second=500), retry=PATIENT) as session:
                listing = asyncio.create_task(list_all(session, pages), name="consumer")
                await turns(step, listing.done)
                finished = listing.done()
                seen.add(len(tasks_left()))
                listing.cancel()
                await asyncio.gather(listing, return_exceptions=True)
                assert tasks_left() == [], f"after {step} turns"
                for inbox, account in session._open().throttle._accounts.items():
                    slots = account.slots
                    assert slots._unused + len(slots._idle) == slots.slots, f"{inbox} lost a slot after {step} turns"
            await settle_down(graph)
            assert graph.open_connections == 0, f"after {step} turns"
    assert step > 25, "there was something to cancel"
    assert max(seen) == 4, "each of the Inboxes was under way"


async def token_after_a_turn() -> str:
    await asyncio.sleep(0)
    return "EAAtoken00000000"


@pytest.mark.parametrize("waits", ["for a gate", "for a slot", "for a retry", "for its token", "for its turn"])
async def test_cancelling_a_call_that_somebody_waits_for_leaves_nothing_wherever_it_waits(waits: str) -> None:
    world = World.seeded(pages=1, threads=3, seed=4, token=lambda _: "EAAtoken00000000")
    if waits == "for a gate":
        world.manners = Manners(refuse=613, times=1)
    if waits == "for a retry":
        world.manners = Manners(html=502)
    page = Page("1001", token_after_a_turn if waits == "for its token" else "EAAtoken00000000")
    limits = LimitPolicy(calls_per_second=1 if waits == "for a slot" else 500, blind_pause=0.001)
    pacer = Grudging() if waits == "for its turn" else None
    step, finished = 0, 0
    async with GraphEmulator(world, limits=LimitRules.off()) as graph:
        while finished < 3 and step < 60:
            step += 1
            async with session_on(graph, limits=limits, retry=PATIENT, pacer=pacer) as session:
                calls = [asyncio.create_task(session.thread_with(page, MESSENGER, "5")) for _ in range(3)]
                await turns(step)
                finished = sum(call.done() for call in calls)
                for call in calls:
                    call.cancel()
                await asyncio.gather(*calls, return_exceptions=True)
                throttle = session._open().throttle
                for account in throttle._accounts.values():
                    slots = account.slots
                    assert slots._unused + len(slots._idle) == slots.slots, f"a slot is lost after {step} turns"
                    assert account.urgent == 0
                assert not [gate for gate in throttle._gates.values() if gate.probing], f"after {step} turns"
            assert pacer is None or pacer.out == 0
            await settle_down(graph)
            assert graph.open_connections == 0
    assert step > 5


class Grudging:
    """A pacer that grants a turn when it is asked the third time."""

    def __init__(self) -> None:
        self.out = 0

    async def reserve(self, inbox: Inbox, *, slots: int, period: float, turn: Turn | None = None) -> Turn:
        asked = 1 if turn is None else cast("int", turn.ticket) + 1
        self.out += turn is None
        return Turn(inbox, asyncio.get_running_loop().time(), granted=asked >= 3, ticket=asked)

    async def give_back(self, turn: Turn, *, sent: bool, linger: float = 0.0) -> None:
        self.out -= 1

    async def aclose(self) -> None: ...
