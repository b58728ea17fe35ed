"""How a thread page is saved, inside of a transaction: its threads, people, messages, and the cursor behind it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from conversations_async.model import Cursor, ThreadPage
from conversations_async.sync.database import Database, Insert, Row
from conversations_async.sync.moments import moment_of, moment_text
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
    saved, written = _save_threads(database, listing, rows, asked, marks, keep_raw=keep_raw)
    hidden = _save_unavailable(database, key, rows.unavailable, marks)
    database.put(_PEOPLE, list(rows.people.values()), key)
    sides = rows.sides if len(written) == len(rows.threads) else [side for side in rows.sides if side[0] in written]
    database.put(_SIDES, sides, key)
    messages = 0
    for thread in page.threads:
        if thread.has_messages:
            messages += put_messages(database, key, thread.id, thread.messages, keep_raw=keep_raw)
    if listing.head is None:
        listing.head = newest_of([row[1] for row in rows.threads.values()] + [*rows.unavailable.values()])
    listing.cursor = page.cursor
    _put_cursor(database, listing, page.cursor)
    return Saved(saved.new + hidden.new, saved.changed + hidden.changed, saved.unchanged + hidden.unchanged, messages)


def _save_threads(
    database: Database, listing: Listing, rows: ThreadRows, asked: Asked, marks: str | None, *, keep_raw: bool
) -> tuple[Saved, Collection[str]]:
    """Write what is new or changed; the ids of those."""
    if not rows.threads:
        return Saved(), ()
    key = listing.inbox.page_id, listing.inbox.platform.value
    insert, now = _thread_insert(asked, keep_raw), moment_text()
    shared = (*key, False, now, now, marks)
    # A first listing meets what is held only where a thread moves up while it runs.
    held = {} if listing.kind == "first" else _held(database, key, list(rows.threads), insert)
    new = [row for thread, row in rows.threads.items() if thread not in held]
    if met := database.add(insert, new, shared):
        held |= _held(database, key, list(met), insert)
    if not held:
        return Saved(len(new)), rows.threads
    changed, again = [], []
    for thread, (*told, unavailable, gone_at) in held.items():
        if unavailable or _says_else(rows.threads[thread], tuple(told), keep_raw=keep_raw):
            changed.append(thread)
        elif marks is not None or gone_at is not None:
            again.append(thread)
    if changed and asked.roles:
        of_threads, ids = database.among("thread_id", changed)
        of_roles, roles = database.among("role", [role for _, role in asked.roles])
        database.run(f"DELETE FROM thread_people WHERE {_OF} AND {of_threads} AND {of_roles}", (*key, *ids, *roles))
    if again:
        _mark_listed(database, key, again, marks)
    database.put(insert, [rows.threads[thread] for thread in changed], shared)
    written = {*(rows.threads.keys() - held.keys()), *changed}
    return Saved(len(written) - len(changed), len(changed), len(held) - len(changed)), written


def _says_else(row: Row, held: Row, *, keep_raw: bool) -> bool:
    """Whether a row says anything new; what was sent may come in another order."""
    if row == held:
        return False
    return not keep_raw or row[:-1] != held[:-1] or says_else(row[-1], held[-1])


def _held(database: Database, key: tuple[str, str], threads: Sequence[str], insert: Insert) -> dict[str, Row]:
    """Thread → its row as it stands, whether it could not be shown, and since when it is gone."""
    condition, ids = database.among("id", threads)
    columns = ", ".join((*insert.columns[insert.shared :], "unavailable", "gone_at"))
    found = database.rows(f"SELECT {columns} FROM threads WHERE {_OF} AND {condition}", (*key, *ids))
    return {row[0]: row for row in found}


@lru_cache(maxsize=64)
def _thread_insert(asked: Asked, keep_raw: bool) -> Insert:
    told = ("updated_time", *asked.columns, *(("raw",) if keep_raw else ()))
    own = ("page_id", "platform", "unavailable", "first_seen_at", "changed_at", "listed_in")
    return Insert(
        "threads",
        (*own, "id", *told),
        _KEY,
        ("unavailable", "changed_at", *told),
        "gone_at = NULL, listed_in = coalesce(excluded.listed_in, threads.listed_in)",
        shared=len(own),
        searched="snippet",
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
    shared=2,
)
_SIDES: Final = Insert(
    "thread_people",
    ("page_id", "platform", "thread_id", "role", "person_id", "position"),
    ("page_id", "platform", "thread_id", "role", "person_id"),
    shared=2,
)


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
    return {thread: time.replace("+00:00", "+0000") for thread, time in rows if moment_of(time) is not None}
