"""One timer for all calls does to each of them what `asyncio.timeout` does."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from conversations_async.deadlines import Deadlines

pytestmark = pytest.mark.looptime

Block = Callable[[], AbstractAsyncContextManager[Any]]


def of_deadlines(deadlines: Deadlines) -> Block:
    @asynccontextmanager
    async def block() -> Any:
        with deadlines.next():
            yield

    return block


async def outcome_of(block: Block, *, works: float, cancelled_at: float | None, swallows: bool) -> tuple[object, ...]:
    """How a task ends that works so long in a block, when, and whether a cancellation is left over."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def work() -> int:
        async with block():
            try:
                await asyncio.sleep(works)
            except asyncio.CancelledError:
                if not swallows:
                    raise
        return asyncio.current_task().cancelling()  # type: ignore[union-attr]  # it runs in one

    task = asyncio.create_task(work())
    if cancelled_at is not None:
        loop.call_later(cancelled_at, task.cancel)
    await asyncio.wait([task])
    ended = round(loop.time() - began, 2)
    if task.cancelled():
        return "cancelled", task.cancelling(), ended
    error = task.exception()
    return type(error) if error is not None else task.result(), task.cancelling(), ended


@pytest.mark.parametrize("works", [0.0, 0.5, 1.5])
@pytest.mark.parametrize("cancelled_at", [None, 0.0, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("swallows", [False, True])
async def test_a_block_ends_as_one_of_asyncios_timeout(
    works: float, cancelled_at: float | None, swallows: bool
) -> None:
    case: dict[str, Any] = {"works": works, "cancelled_at": cancelled_at, "swallows": swallows}
    ours = await outcome_of(of_deadlines(Deadlines(1.0)), **case)
    assert ours == await outcome_of(lambda: asyncio.timeout(1.0), **case)


async def test_each_has_its_own_time_and_no_timer_is_left_once_it_is_closed() -> None:
    loop = asyncio.get_running_loop()
    deadlines = Deadlines(1.0)

    async def late(begins: float) -> float:
        await asyncio.sleep(begins)
        with pytest.raises(TimeoutError):
            async with of_deadlines(deadlines)():
                await asyncio.sleep(60.0)
        return round(loop.time() - start, 2)

    start = loop.time()
    calls = [asyncio.create_task(late(begins)) for begins in (0.0, 0.0, 0.3, 0.3, 0.9, 5.0)]
    await asyncio.sleep(0.5)
    with deadlines.next():
        pass
    assert [await call for call in calls] == [1.0, 1.0, 1.3, 1.3, 1.9, 6.0]
    with deadlines.next():
        deadlines.close()
        assert deadlines._timer is not None, "whoever is under way keeps its time"
    assert deadlines._timer is None
