"""How the tests list: a session on an emulator, and what is left of it afterwards."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from conversations_async import (
    ConversationSession,
    Inbox,
    InboxErrors,
    InboxFailed,
    Page,
    Platform,
    Thread,
    ThreadQuery,
)
from conversations_async.emulator import GraphEmulator, Manners, World

EVERY = ThreadQuery(threads_per_call=10)


def pages_of(world: World) -> list[Page]:
    """A `Page` of ours for each of the world's."""
    return [Page(page.id, page.token, platforms=page.platforms) for page in world.pages.values()]


def session_on(graph: GraphEmulator, **options: Any) -> ConversationSession:
    return ConversationSession(base_url=graph.base_url, instagram_url=graph.instagram_url, **options)


def truth(world: World, *, without: Iterable[str] = ()) -> set[tuple[Inbox, str]]:
    """Every thread that a listing of the world must yield."""
    return {
        (Inbox(page.id, platform), thread.id)
        for page in world.pages.values()
        if page.id not in set(without)
        for platform in page.platforms
        for thread in world.threads(page.id, platform)
    }


def named(value: object) -> str:
    """What to call a case: manners by their switches, the same in every process; a class by its name."""
    if isinstance(value, Manners):
        kept = attrs.asdict(value, filter=lambda field, given: given != field.default, recurse=False)
        return ", ".join(f"{key}={_short(kept[key])}" for key in sorted(kept) if kept[key] not in (frozenset(), {}))
    return value.__name__ if isinstance(value, type) else str(value)


def _short(value: object) -> str:
    return ("/".join(sorted(map(str, value))) if isinstance(value, frozenset) else str(value))[:40]


async def list_all(
    session: ConversationSession, pages: Iterable[Page], **options: Any
) -> tuple[list[Thread], dict[Inbox, InboxFailed]]:
    """All threads, and what failed."""
    threads: list[Thread] = []
    options.setdefault("query", EVERY)
    try:
        async for thread in session.threads(pages, **options):
            threads.append(thread)  # noqa: PERF401  # what came before a failure counts
    except InboxErrors as errors:
        return threads, errors.inboxes
    return threads, {}


def keys(threads: Iterable[Thread]) -> list[tuple[Inbox, str]]:
    return [(thread.inbox, thread.id) for thread in threads]


def tasks_left() -> list[str]:
    """Names of the library's tasks that are alive."""
    return [task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("conversations-async")]


async def turns(count: int, stop: Callable[[], bool] = lambda: False) -> None:
    """Let the loop go round so many times."""
    for _ in range(count):
        if stop():
            return
        await asyncio.sleep(0)


async def settle_down(graph: GraphEmulator) -> None:
    """Let the other end notice that connections were closed."""
    for _ in range(500):
        if not graph.open_connections and not tasks_left():
            return
        await asyncio.sleep(0)


MESSENGER, INSTAGRAM = Platform.MESSENGER, Platform.INSTAGRAM
