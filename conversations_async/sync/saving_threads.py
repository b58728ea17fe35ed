"""How a thread page is saved, inside of a transaction: its threads, people, messages, and the cursor behind it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from conversations_async.model import Cursor, ThreadPage
from conversations_async.sync.database import Database, Insert, Row
from conversations_async.sync.locking import moment_text
from conversations_async.sync.rows import Asked, ThreadRows, says_else, thread_rows
from conversations_async.sync.saving import newest_of
from conversations_async.sync.saving_messages import put_messages
from conversations_async.sync.values import Listing, Saved, cursor_text

_KEY: Final = ("page_id", "platform", "id")
_OF: Final = "page_id = ? AND platform = ?"


def save_page(database: Database, *, listing: Listing, page: ThreadPage, asked: Asked, keep_raw: bool) -> Saved:
    """A thread page with its people, its messages, and the cursor behind it."""
    key = listing.inbox.page_id, listing.inbox.platform.value
    marks = listing.id if listing.since is None else None
    rows = thread_rows(page.threads, asked, raw=keep_raw)
    saved, written = _save_threads(database, key, rows, asked, marks, keep_raw=keep_raw)
    hidden = _save_unavailable(database, key, rows.unavailable, marks)
    if rows.people:
        _put_people(database, key, rows.people)
    sides = [(*key, thread, *side) for thread in written for side in rows.sides.get(thread, ())]
    database.put(_SIDES, sides)
    messages = 0
    for thread in page.threads:
        if "messages" in thread.raw:
            messages += put_messages(database, key, thread.id, thread.messages, keep_raw=keep_raw)
    times = [row[0] for row in rows.threads.values()] + [*rows.unavailable.values()]
    listing.head = listing.head or newest_of(times)
    listing.cursor = page.cursor
    _put_cursor(database, listing, page.cursor)
    return Saved(saved.new + hidden.new, saved.changed + hidden.changed, saved.unchanged + hidden.unchanged, messages)


def _save_threads(
    database: Database, key: tuple[str, str], rows: ThreadRows, asked: Asked, marks: str | None, *, keep_raw: bool
) -> tuple[Saved, list[str]]:
    """Write what is new or changed; the ids of those."""
    if not rows.threads:
        return Saved(), []
    condition, ids = database.among("id", list(rows.threads))
    columns = ("updated_time", *asked.columns)
    held = {
        row[0]: row
        for row in database.rows(
            f"SELECT id, raw, unavailable, gone_at, {', '.join(columns)} FROM threads WHERE {_OF} AND {condition}",
            (*key, *ids),
        )
    }
    written, changed, again = [], [], []
    for thread, values in rows.threads.items():
        old = held.get(thread)
        if old is None:
            written.append(thread)
        elif old[4:] != values or old[2] or (keep_raw and says_else(rows.raws[thread], old[1])):
            written.append(thread)
            changed.append(thread)
        elif marks is not None or old[3] is not None:
            again.append(thread)
    if changed and asked.roles:
        of_threads, changed_ids = database.among("thread_id", changed)
        of_roles, roles = database.among("role", [role for _, role in asked.roles])
        database.run(
            f"DELETE FROM thread_people WHERE {_OF} AND {of_threads} AND {of_roles}", (*key, *changed_ids, *roles)
        )
    if again:
        _mark_listed(database, key, again, marks)
    now = moment_text()
    database.put(
        _thread_insert(asked, keep_raw),
        [
            (*key, thread, False, now, now, marks, *rows.threads[thread], *([rows.raws[thread]] if keep_raw else ()))
            for thread in written
        ],
    )
    new = len(written) - len(changed)
    return Saved(new, len(changed), len(rows.threads) - len(written)), written


@lru_cache(maxsize=64)
def _thread_insert(asked: Asked, keep_raw: bool) -> Insert:
    told = ("updated_time", *asked.columns, *(("raw",) if keep_raw else ()))
    return Insert(
        "threads",
        (*_KEY, "unavailable", "first_seen_at", "changed_at", "listed_in", *told),
        _KEY,
        ("unavailable", "changed_at", *told),
        "gone_at = NULL, listed_in = coalesce(excluded.listed_in, threads.listed_in)",
    )


def _mark_listed(database: Database, key: tuple[str, str], threads: Sequence[str], marks: str | None) -> None:
    condition, ids = database.among("id", threads)
    database.run(
        f"UPDATE threads SET gone_at = NULL, listed_in = coalesce(?, listed_in) WHERE {_OF} AND {condition}",
        (marks, *key, *ids),
    )


_UNAVAILABLE: Final = Insert(
    "threads",
    (*_KEY, "unavailable", "first_seen_at", "changed_at", "listed_in", "updated_time"),
    _KEY,
    ("unavailable", "changed_at", "updated_time"),
    "gone_at = NULL, listed_in = coalesce(excluded.listed_in, threads.listed_in)",
)


def _save_unavailable(
    database: Database, key: tuple[str, str], threads: Mapping[str, str | None], marks: str | None
) -> Saved:
    """Threads that Meta lists and cannot show: what was held of them stays."""
    if not threads:
        return Saved()
    condition, ids = database.among("id", list(threads))
    held = {
        thread: (moment, bool(unavailable))
        for thread, moment, unavailable in database.rows(
            f"SELECT id, updated_time, unavailable FROM threads WHERE {_OF} AND {condition}", (*key, *ids)
        )
    }
    now = moment_text()
    database.put(_UNAVAILABLE, [(*key, thread, True, now, now, marks, moment) for thread, moment in threads.items()])
    unchanged = sum(held.get(thread) == (moment, True) for thread, moment in threads.items())
    return Saved(len(threads) - len(held), len(held) - unchanged, unchanged)


_PEOPLE: Final = Insert(
    "people",
    (*_KEY, "name", "username", "email"),
    _KEY,
    (),
    "name = coalesce(excluded.name, people.name), username = coalesce(excluded.username, people.username), "
    "email = coalesce(excluded.email, people.email) "
    "WHERE coalesce(excluded.name, people.name, '') <> coalesce(people.name, '') "
    "OR coalesce(excluded.username, people.username, '') <> coalesce(people.username, '') "
    "OR coalesce(excluded.email, people.email, '') <> coalesce(people.email, '')",
)
_SIDES: Final = Insert(
    "thread_people",
    ("page_id", "platform", "thread_id", "role", "person_id", "position"),
    ("page_id", "platform", "thread_id", "role", "person_id"),
)


def _put_people(database: Database, key: tuple[str, str], people: Mapping[str, Row]) -> None:
    database.put(_PEOPLE, [(*key, person, *told) for person, told in people.items()])


def _put_cursor(database: Database, listing: Listing, cursor: Cursor | None) -> None:
    since = None if listing.since is None else moment_text(listing.since)
    database.run(
        "INSERT INTO cursors (page_id, platform, cursor, since, head, listing, folders, saved_at) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (page_id, platform) DO UPDATE SET "
        "cursor = excluded.cursor, head = excluded.head, saved_at = excluded.saved_at",
        (
            *(listing.inbox.page_id, listing.inbox.platform.value, cursor_text(cursor), since),
            *(listing.head, listing.id, listing.folders, moment_text()),
        ),
    )


def held(database: Database, *, listing: Listing, since: datetime | None) -> dict[str, str]:
    """What a listing taken up has brought so far: thread → `updated_time` as Meta writes it."""
    condition, bound = ("updated_time >= ?", moment_text(since)) if since is not None else ("listed_in = ?", listing.id)
    rows = database.rows(
        f"SELECT id, updated_time FROM threads WHERE {_OF} AND updated_time IS NOT NULL AND {condition}",
        (listing.inbox.page_id, listing.inbox.platform.value, bound),
    )
    return {thread: time.replace("+00:00", "+0000") for thread, time in rows}
