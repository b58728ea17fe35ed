"""The command run for real: in this process, in a thread of its own, or as a process."""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

from attrs import frozen
from programs import Program

from conversations_async.emulator import GraphEmulator

COMMAND = (sys.executable, "-m", "conversations_async")


@frozen
class Ended:
    """What a run left."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def told(self) -> list[str]:
        return self.err.splitlines()


Run: TypeAlias = Callable[..., Ended]


def canary(page_id: str) -> str:
    """A token that looks like none, so that nothing masks it by its looks."""
    return f"canary-of-page-{page_id}"


def apart(work: Callable[[], int]) -> int:
    """Do it in a thread of its own: `asyncio.run` takes the event loop away that pytest's plugins keep in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def start(*arguments: object) -> Program:
    """The command as a process."""
    return Program("-m", "conversations_async", *arguments)


def at(graph: GraphEmulator) -> tuple[str, ...]:
    """The options that lead to an emulator without limits, in no hurry to be kind to it."""
    return ("--base-url", graph.base_url, "--calls-per-second", "0")
