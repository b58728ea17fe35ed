"""How the tests sync, and what must be in a database afterwards."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from listing import session_on

from conversations_async import Inbox, LimitPolicy, Page, ThreadQuery
from conversations_async.emulator import GraphEmulator, World
from conversations_async.sync import SyncJob, SyncReport, open_reader, open_store

EVERY = ThreadQuery(threads_per_call=10)
UNPACED = LimitPolicy(calls_per_second=0)

# What two databases that hold the same have in common: not the moments of the syncs, nor their own marks.
HELD = {
    "pages": "id, name, graph",
    "inboxes": "page_id, platform, state, folders, threads, messages, last_error",
    "threads": "page_id, platform, id, updated_time, link, snippet, message_count, unread_count, can_reply, folder, "
    "CASE WHEN unavailable THEN 1 ELSE 0 END, CASE WHEN gone_at IS NULL THEN 0 ELSE 1 END, messages_until, "
    "messages_head, raw",
    "people": "page_id, platform, id, name, username, email",
    "thread_people": "page_id, platform, thread_id, role, person_id, position",
    "messages": "page_id, platform, id, thread_id, created_time, from_id, from_name, message, sticker, reply_to, raw",
    "attachments": "page_id, platform, message_id, position, kind, id, name, mime_type, size, url",
    "cursors": "page_id, platform, cursor",
}


def named_pages(world: World) -> list[Page]:
    return [Page(page.id, page.token, page.name, page.platforms) for page in world.pages.values()]


async def sync(graph: GraphEmulator, target: str | Path, **options: Any) -> SyncReport:
    """One sync of everything, from entry to exit."""
    pages: Iterable[Page] = options.pop("pages", None) or named_pages(graph.world)
    raw = options.pop("raw", True)
    options.setdefault("query", EVERY)
    patience = {"retry": options.pop("retry")} if "retry" in options else {}
    async with session_on(graph, limits=UNPACED, **patience) as session, open_store(target, raw=raw) as store:
        return await SyncJob(session, store, pages, **options).run()


def held(target: str | Path, tables: Iterable[str] = HELD) -> dict[str, list[tuple[Any, ...]]]:
    """What a database holds, in an order of its own."""
    with open_reader(target) as reader:
        return {
            table: sorted(
                (tuple(each if not isinstance(each, bool) else int(each) for each in row) for row in rows), key=repr
            )
            for table in tables
            for rows in [reader.rows(f"SELECT {HELD[table]} FROM {table}")]
        }


def select(target: str | Path, sql: str, *parameters: object) -> list[tuple[Any, ...]]:
    with open_reader(target) as reader:
        return list(reader.rows(sql, parameters))


def there(world: World) -> set[tuple[str, str, str, str, str | None]]:
    """Every thread of the world as the tables tell it."""
    return {
        (page.id, platform.value, thread.id, f"{thread.updated_time.isoformat()}", thread.snippet)
        for page in world.pages.values()
        for platform in page.platforms
        for thread in world.threads(page.id, platform)
    }


def kept(target: str | Path, world: World) -> set[tuple[str, str, str, str, str | None]]:
    """The same of a database; Instagram's snippets are not asked for, and so taken from the world."""
    snippets = {row[:3]: row[4] for row in there(world)}
    rows = select(target, "SELECT page_id, platform, id, updated_time, snippet FROM threads WHERE gone_at IS NULL")
    return {(*row[:4], row[4] if row[1] == "messenger" else snippets.get(row[:3])) for row in rows}


def figures(report: SyncReport, inbox: Inbox) -> tuple[int, int, int]:
    """New, changed, unchanged."""
    (found,) = (each for each in report.inboxes if each.inbox == inbox)
    return found.new, found.changed, found.unchanged
