"""Cancelling at every turn of the loop, in real time: nothing here waits for longer than a millisecond."""

import asyncio

from listing import list_all, pages_of, session_on, settle_down, tasks_left, turns

from conversations_async import LimitPolicy, RetryPolicy
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
                    assert account.slots.next_moment(0.0) < float("inf"), f"{inbox} lost a slot after {step} turns"
            await settle_down(graph)
            assert graph.open_connections == 0, f"after {step} turns"
    assert step > 40, "there was something to cancel"
    assert max(seen) == 4, "each of the Inboxes was under way"
