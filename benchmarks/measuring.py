"""How everything here is measured: on a core of its own, in interleaved rounds, in fresh processes where needed."""

import asyncio
import gc
import os
import resource
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from platform import python_implementation, python_version
from typing import Final, Literal, TypeVar

from attrs import frozen

T = TypeVar("T")


@frozen
class Plan:
    """How much is to be measured. A smoke run shows that everything works, and is too small to judge by."""

    size: Literal["smoke", "usual", "full"] = "usual"
    rounds: int = 7
    threads_per_call: int = 25
    """Of the listings of many Inboxes."""

    @property
    def smoke(self) -> bool:
        return self.size == "smoke"


# -- cores -------------------------------------------------------------------------------------------------------------


@cache
def cores() -> tuple[int | None, int | None]:
    """The client's core and the server's; None where there are not two to choose from."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    allowed = sorted(os.sched_getaffinity(0))
    return (allowed[0], allowed[-1]) if len(allowed) > 1 else (None, None)


def stay_on(core: int | None) -> None:
    """Keep this process, and what it starts from now on, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def versions() -> str:
    """What every figure hangs on, besides the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("aiohttp", "orjson"))
    return f"{python_implementation()} {python_version()}, {packages}"


# -- rounds ------------------------------------------------------------------------------------------------------------


@frozen
class Cost:
    """What one run took, for so many threads."""

    threads: int
    cpu: float
    wall: float


def measured(run: Callable[[], Awaitable[int]]) -> Cost:
    """One run in a loop of its own, after a collection."""

    async def timed() -> Cost:
        gc.collect()
        cpu, wall = time.process_time(), time.perf_counter()
        threads = await run()
        return Cost(threads, time.process_time() - cpu, time.perf_counter() - wall)

    return asyncio.run(timed())


def interleaved(runs: Mapping[str, Callable[[], T]], rounds: int) -> dict[str, list[T]]:
    """What each run gave in each round: all of them once a round, every round beginning with another one.

    So what the machine does meanwhile meets them alike. A first round warms up and does not count.
    """
    found: dict[str, list[T]] = {name: [] for name in runs}
    names = list(runs)
    for number in range(-1, rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            outcome = runs[name]()
            if number >= 0:
                found[name].append(outcome)
    return found


def ratios(over: Iterable[float], under: Iterable[float]) -> list[float]:
    """Round by round."""
    return [one / other for one, other in zip(over, under, strict=True)]


# -- processes ---------------------------------------------------------------------------------------------------------


@contextmanager
def apart() -> Iterator[ProcessPoolExecutor]:
    """A fresh interpreter for as long as the block runs: its memory and its garbage are nobody else's."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool


_STATM: Final = Path("/proc/self/statm")
_MB: Final = 1e6


def resident() -> float:
    """MB that this process has in memory now; where the system does not tell, the most it ever had."""
    if _STATM.exists():
        return int(_STATM.read_text().split()[1]) * resource.getpagesize() / _MB
    return _most_ever()


def forget_peak() -> None:
    """Let `peak` begin anew, where the system can."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")


def peak() -> float:
    """The most MB that this process had in memory since `forget_peak`."""
    status = Path("/proc/self/status")
    if status.exists():
        told = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(told["VmHWM"].split()[0]) * 1024 / _MB
    return _most_ever()


def _most_ever() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / _MB
