"""What is done inside of the transactions. Plain statements that both kinds of database take."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from conversations_async.message import Message
from conversations_async.model import Cursor, Inbox, Page, PoolUsage, ThreadPage
from conversations_async.sync.database import Database, Insert, Row
from conversations_async.sync.locking import moment_text
from conversations_async.sync.recognising import Readable
from conversations_async.sync.rows import (
    ATTACHMENT_COLUMNS,
    MESSAGE_COLUMNS,
    Asked,
    ThreadRows,
    attachment_rows,
    message_row,
    thread_rows,
)
from conversations_async.sync.values import (
    InboxReport,
    Kind,
    Listing,
    Outcome,
    Saved,
    Standing,
    Unread,
    cursor_text,
    read_cursor,
)

_KEY: Final = ("page_id", "platform", "id")
_OF: Final = "page_id = ? AND platform = ?"
_AHEAD: Final = timedelta(days=1)
"""How far Meta's clock may be ahead of ours."""

# -- runs --------------------------------------------------------------------------------------------------------------


def close_dead_runs(database: Database) -> None:
    """Nobody else is at work here: what still counts as running was killed."""
    database.run(
        "UPDATE sync_runs SET outcome = ?, finished_at = ?, cause = ?, next_step = ? WHERE outcome = ?",
        (
            Outcome.INTERRUPTED.value,
            moment_text(),
            "the run was ended from outside",
            "Run again: it goes on where it was.",
            Outcome.RUNNING.value,
        ),
    )


def standings(database: Readable, *, inboxes: Sequence[Inbox]) -> dict[Inbox, Standing]:
    """What is known of these Inboxes."""
    known = {
        (page_id, platform): (threads, watermark is not None or state == Outcome.COMPLETE.value)
        for page_id, platform, threads, watermark, state in database.rows(
            "SELECT page_id, platform, threads, watermark, state FROM inboxes"
        )
    }
    unfinished = set(database.rows("SELECT page_id, platform FROM cursors"))
    last: dict[tuple[str, str, bool], int] = {}
    for page_id, platform, kind, calls in database.rows(
        "SELECT page_id, platform, kind, calls FROM sync_runs WHERE outcome = ? ORDER BY finished_at",
        (Outcome.COMPLETE.value,),
    ):
        last[page_id, platform, kind == "incremental"] = calls
    found = {}
    for inbox in inboxes:
        key = inbox.page_id, inbox.platform.value
        threads, complete = known.get(key, (0, False))
        calls = last.get((*key, True)), last.get((*key, False))
        found[inbox] = Standing(inbox, threads, complete, key in unfinished, *calls)
    return found


def begin(database: Database, *, page: Page, inbox: Inbox, run_id: str, folders: str, whole: bool) -> Listing:
    """Begin a listing, or take up the one that was not finished where it asks the same."""
    key = inbox.page_id, inbox.platform.value
    database.run(
        "INSERT INTO pages (id, name, graph) VALUES (?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET name = coalesce(excluded.name, pages.name), graph = excluded.graph",
        (page.id, page.name, page.graph),
    )
    database.run(
        "INSERT INTO inboxes (page_id, platform, state) VALUES (?, ?, 'new') "
        "ON CONFLICT (page_id, platform) DO NOTHING",
        key,
    )
    held, watermark = database.rows(f"SELECT folders, watermark FROM inboxes WHERE {_OF}", key)[0]
    left = database.rows(f"SELECT cursor, since, head, listing, folders FROM cursors WHERE {_OF}", key)
    listing = _new_listing(inbox, run_id, folders, None if whole or held != folders else _newest([watermark]))
    if held is None and not whole:
        listing.kind = "first"
    # A whole listing is not replaced by less: it knows more. One that asked for other folders is of no use.
    if left and left[0][4] == folders and (not whole or left[0][1] is None):
        cursor, since, head, listing.id, _ = left[0]
        listing.since = None if since is None else datetime.fromisoformat(since)
        listing.kind = "incremental" if since is not None else "whole" if held is not None or whole else "first"
        listing.cursor, listing.head, listing.resumed = read_cursor(cursor), head, True
    elif left:
        database.run(f"DELETE FROM cursors WHERE {_OF}", key)
    database.run(f"UPDATE inboxes SET state = 'listing' WHERE {_OF}", key)
    database.run(
        "INSERT INTO sync_runs (run_id, page_id, platform, kind, started_at, outcome) VALUES (?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (run_id, page_id, platform) DO NOTHING",
        (run_id, *key, listing.kind, moment_text(), Outcome.RUNNING.value),
    )
    return listing


def _new_listing(inbox: Inbox, run_id: str, folders: str, watermark: str | None) -> Listing:
    since = None if watermark is None else datetime.fromisoformat(watermark)
    kind: Kind = "whole" if since is None else "incremental"
    return Listing(inbox, run_id, run_id, folders, kind, since, None)


def finish(database: Database, *, listing: Listing, report: InboxReport, mark_gone: bool) -> int:
    """The listing is at its end: move the watermark, forget the cursor, mark what is gone."""
    key = listing.inbox.page_id, listing.inbox.platform.value
    gone = _mark_gone(database, listing) if mark_gone and listing.since is None else 0
    watermark = database.rows(f"SELECT watermark FROM inboxes WHERE {_OF} AND folders = ?", (*key, listing.folders))
    held = watermark[0][0] if watermark else None
    newest = _newest((held, listing.head))
    database.run(f"DELETE FROM cursors WHERE {_OF}", key)
    database.run(
        f"UPDATE inboxes SET state = 'complete', folders = ?, watermark = ?, last_error = NULL, next_step = NULL, "
        f"synced_at = ? WHERE {_OF}",
        (listing.folders, newest, moment_text(), *key),
    )
    _record(database, listing, report, gone)
    return gone


def _newest(times: Iterable[str | None]) -> str | None:
    """The newest that can be true. A watermark in the future would hide all that happens until then."""
    latest = moment_text(datetime.now(UTC) + _AHEAD)
    return max((time for time in times if time is not None and time <= latest), default=None)


def _mark_gone(database: Database, listing: Listing) -> int:
    """Threads of the folders that were listed which this listing has not seen."""
    folders = [name for name in listing.folders.split(",") if name]
    condition, names = database.among("folder", folders) if folders else ("(folder IS NULL OR folder = 'inbox')", [])
    return database.run(
        f"UPDATE threads SET gone_at = ? WHERE {_OF} AND gone_at IS NULL AND {condition} "
        "AND (listed_in IS NULL OR listed_in <> ?)",
        (moment_text(), listing.inbox.page_id, listing.inbox.platform.value, *names, listing.id),
    )


def leave(database: Database, *, listing: Listing, report: InboxReport) -> None:
    """The Inbox failed, or the run was ended: its cursor, where it has one, stays for the next."""
    state = "failed" if report.outcome is Outcome.FAILED else "listing"
    key = listing.inbox.page_id, listing.inbox.platform.value
    if listing.cursor is None:
        database.run(f"DELETE FROM cursors WHERE {_OF}", key)
    database.run(
        f"UPDATE inboxes SET state = ?, last_error = ?, next_step = ? WHERE {_OF}",
        (state, report.cause, report.next_step, *key),
    )
    _record(database, listing, report, 0)


def _record(database: Database, listing: Listing, report: InboxReport, gone: int) -> None:
    key = listing.inbox.page_id, listing.inbox.platform.value
    database.run(
        f"UPDATE inboxes SET threads = (SELECT count(*) FROM threads WHERE {_OF} AND gone_at IS NULL), "
        f"messages = (SELECT count(*) FROM messages WHERE {_OF}) WHERE {_OF}",
        key * 3,
    )
    database.run(
        "UPDATE sync_runs SET finished_at = ?, threads = ?, messages = ?, calls = ?, waited_seconds = ?, "
        '"new" = ?, changed = ?, unchanged = ?, gone = ?, outcome = ?, cause = ?, next_step = ? '
        f"WHERE run_id = ? AND {_OF}",
        (
            moment_text(),
            *(report.threads, report.messages, report.calls, report.waited),
            *(report.new, report.changed, report.unchanged, gone),
            *(report.outcome.value, report.cause, report.next_step),
            *(listing.run_id, *key),
        ),
    )


_SAMPLES: Final = Insert(
    "usage_samples",
    (
        *("run_id", "page_id", "platform", "pool", "taken_at"),
        *("call_count", "total_time", "total_cputime", "regain_after"),
    ),
    (),
    None,
)


def note_usage(database: Database, *, run_id: str, inbox: Inbox, samples: Sequence[tuple[str, PoolUsage]]) -> None:
    """What Meta said of pools, each with the moment it was said."""
    rows: list[Row] = [
        (
            *(run_id, inbox.page_id, inbox.platform.value, f"{pool.kind} {pool.id}".rstrip(), moment),
            *(float(pool.call_count), float(pool.total_time), float(pool.total_cputime), float(pool.regain_after)),
        )
        for moment, pool in samples
    ]
    database.put(_SAMPLES, rows)


# -- a thread page -----------------------------------------------------------------------------------------------------


def save_page(database: Database, *, listing: Listing, page: ThreadPage, asked: Asked, keep_raw: bool) -> Saved:
    """A thread page with its people, its messages, and the cursor behind it."""
    key = listing.inbox.page_id, listing.inbox.platform.value
    marks = listing.id if listing.since is None else None
    rows = thread_rows(page.threads, asked, raw=keep_raw)
    saved, written = _save_threads(database, key, rows, asked, marks, keep_raw=keep_raw)
    _save_unavailable(database, key, rows.unavailable, marks)
    if rows.people:
        _put_people(database, key, rows.people)
    sides = [(*key, thread, *side) for thread in written for side in rows.sides.get(thread, ())]
    database.put(_SIDES, sides)
    messages = 0
    for thread in page.threads:
        if "messages" in thread.raw:
            messages += _put_messages(database, key, thread.id, thread.messages, keep_raw=keep_raw)
    times = [row[0] for row in rows.threads.values()] + [*rows.unavailable.values()]
    listing.head = listing.head or _newest(times)
    listing.cursor = page.cursor
    _put_cursor(database, listing, page.cursor)
    return Saved(saved.new, saved.changed, saved.unchanged, messages)


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
        elif old[4:] != values or old[2] or (keep_raw and old[1] != rows.raws[thread]):
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
) -> None:
    """Threads that Meta lists and cannot show: what was held of them stays."""
    if threads:
        now = moment_text()
        database.put(
            _UNAVAILABLE, [(*key, thread, True, now, now, marks, moment) for thread, moment in threads.items()]
        )


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


# -- messages ----------------------------------------------------------------------------------------------------------


def held(database: Database, *, listing: Listing, since: datetime | None) -> dict[str, str]:
    """What a listing taken up has brought so far: thread → `updated_time` as Meta writes it."""
    condition, bound = ("updated_time >= ?", moment_text(since)) if since is not None else ("listed_in = ?", listing.id)
    rows = database.rows(
        f"SELECT id, updated_time FROM threads WHERE {_OF} AND updated_time IS NOT NULL AND {condition}",
        (listing.inbox.page_id, listing.inbox.platform.value, bound),
    )
    return {thread: time.replace("+00:00", "+0000") for thread, time in rows}


def unread(database: Database, *, inbox: Inbox, most: int) -> list[Unread]:
    """Threads that have moved since all of their messages were held, newest first."""
    rows = database.rows(
        "SELECT t.id, t.updated_time, t.messages_head, m.created_time FROM threads t LEFT JOIN messages m "
        "ON m.page_id = t.page_id AND m.platform = t.platform AND m.id = t.messages_head "
        "WHERE t.page_id = ? AND t.platform = ? AND t.gone_at IS NULL "
        "AND (t.messages_until IS NULL OR t.messages_until <> coalesce(t.updated_time, '')) "
        "AND NOT coalesce(CAST(t.unavailable AS integer), 0) = 1 ORDER BY t.updated_time DESC LIMIT ?",
        (inbox.page_id, inbox.platform.value, most),
    )
    return [Unread(*row) for row in rows]


def save_messages(
    database: Database,
    *,
    inbox: Inbox,
    thread: Unread,
    messages: Sequence[Message],
    complete: str | None,
    keep_raw: bool,
) -> Saved:
    """Some of a thread's messages; `complete` is the id of its newest when all are held now."""
    key = inbox.page_id, inbox.platform.value
    new = _put_messages(database, key, thread.id, messages, keep_raw=keep_raw)
    if complete is not None:
        database.run(
            f"UPDATE threads SET messages_until = ?, messages_head = ? WHERE {_OF} AND id = ?",
            (thread.updated_time or "", complete or None, *key, thread.id),
        )
    return Saved(messages=new)


_MESSAGES: Final = Insert("messages", (*_KEY, *MESSAGE_COLUMNS), _KEY, MESSAGE_COLUMNS)
_BARE: Final = Insert("messages", (*_KEY, *MESSAGE_COLUMNS), _KEY)
_ATTACHMENTS: Final = Insert(
    "attachments",
    ("page_id", "platform", "message_id", *ATTACHMENT_COLUMNS),
    ("page_id", "platform", "message_id", "position"),
)


def _put_messages(
    database: Database, key: tuple[str, str], thread: str, messages: Sequence[Message], *, keep_raw: bool
) -> int:
    """Write messages; how many are new. What is known of one that Meta no longer tells of stays."""
    if not messages:
        return 0
    told = {message.id: message for message in messages}
    condition, ids = database.among("id", list(told))
    held = {row[0] for row in database.rows(f"SELECT id FROM messages WHERE {_OF} AND {condition}", (*key, *ids))}
    full = {each: message for each, message in told.items() if not message.unavailable}
    bare = {each: message for each, message in told.items() if message.unavailable}
    for insert, some in ((_MESSAGES, full), (_BARE, bare)):
        database.put(insert, [(*key, each, *message_row(one, thread, raw=keep_raw)) for each, one in some.items()])
    if again := [each for each in full if each in held]:
        of_messages, known = database.among("message_id", again)
        database.run(f"DELETE FROM attachments WHERE {_OF} AND {of_messages}", (*key, *known))
    carried = [(*key, each, *row) for each, message in full.items() for row in attachment_rows(message)]
    database.put(_ATTACHMENTS, carried)
    return len(told) - len(held)
