"""How runs and listings begin and end, inside of transactions. Plain statements that both kinds of database take."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from conversations_async.model import Inbox, Page, PoolUsage
from conversations_async.sync.database import Database, Insert, Row
from conversations_async.sync.moments import moment_of, moment_text
from conversations_async.sync.recognising import Readable
from conversations_async.sync.values import InboxReport, Kind, Listing, Outcome, Standing, read_cursor

_OF: Final = "page_id = ? AND platform = ?"
_AHEAD: Final = timedelta(days=1)
"""How far Meta's clock may be ahead of ours."""


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
        (page_id, platform): (_count(threads), watermark is not None or state == Outcome.COMPLETE.value)
        for page_id, platform, threads, watermark, state in database.rows(
            "SELECT page_id, platform, threads, watermark, state FROM inboxes"
        )
    }
    unfinished = set(database.rows("SELECT page_id, platform FROM cursors"))
    last: dict[tuple[str, str], int] = {
        (page_id, platform): _count(calls)
        for page_id, platform, calls in database.rows(
            "SELECT page_id, platform, calls FROM sync_runs WHERE outcome = ? AND kind = 'incremental' "
            "ORDER BY finished_at",
            (Outcome.COMPLETE.value,),
        )
    }
    found = {}
    for inbox in inboxes:
        key = inbox.page_id, inbox.platform.value
        threads, complete = known.get(key, (0, False))
        found[inbox] = Standing(inbox, threads, complete, key in unfinished, last.get(key))
    return found


def _count(value: Any) -> int:
    """What somebody has written there by hand may be anything."""
    return max(0, value) if isinstance(value, int) else 0


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
    listing = _new_listing(inbox, run_id, folders, None if whole or held != folders else newest_of([watermark]))
    if held is None and not whole:
        listing.kind = "first"
    since = moment_of(left[0][1]) if left else None
    is_bounded = bool(left) and left[0][1] is not None
    # A whole listing is not replaced by less: it knows more. One that asked for other folders is of no use, nor one of
    # which nobody can tell how far it goes.
    if left and left[0][4] == folders and not (is_bounded and (whole or since is None)):
        cursor, _, head, listing.id, _ = left[0]
        listing.since = since
        listing.kind = "incremental" if since is not None else "whole" if held is not None or whole else "first"
        listing.cursor, listing.head = read_cursor(cursor), head
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
    since = moment_of(watermark)
    kind: Kind = "whole" if since is None else "incremental"
    return Listing(inbox, run_id, run_id, folders, kind, since, None)


def finish(database: Database, *, listing: Listing, report: InboxReport, mark_gone: bool) -> int:
    """The listing is at its end: move the watermark, forget the cursor, mark what is gone.

    Also where some entry could not be read: it would be met again each time, and nothing ever be complete.
    """
    key = listing.inbox.page_id, listing.inbox.platform.value
    gone = _mark_gone(database, listing) if mark_gone and listing.since is None else 0
    watermark = database.rows(f"SELECT watermark FROM inboxes WHERE {_OF} AND folders = ?", (*key, listing.folders))
    held = watermark[0][0] if watermark else None
    newest = newest_of((held, listing.head))
    database.run(f"DELETE FROM cursors WHERE {_OF}", key)
    database.run(
        "UPDATE inboxes SET state = ?, folders = ?, watermark = ?, last_error = ?, next_step = ?, synced_at = ? "
        f"WHERE {_OF}",
        (report.outcome.value, listing.folders, newest, report.cause, report.next_step, moment_text(), *key),
    )
    _record(database, listing, report, gone)
    return gone


def newest_of(times: Iterable[str | None]) -> str | None:
    """The newest that can be true. A watermark in the future would hide all that happens until then."""
    latest = moment_text(datetime.now(UTC) + _AHEAD)
    return max((time for time in times if isinstance(time, str) and time <= latest), default=None)


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
