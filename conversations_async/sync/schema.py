"""The tables, as numbered migrations that both kinds of database share.

Ids are text. Times are ISO 8601 text in UTC (`2026-05-04T13:32:08+00:00`), so that the order of the texts is the order
of the times. Columns of threads, people and messages have Graph's names; `raw` is what Meta sent. A database is only
ever led forward: a change is a new migration behind the last, never a change of one that stands here.
"""

from typing import Final, Literal

from attrs import frozen

Dialect = Literal["sqlite", "postgres"]

_TYPES: Final[dict[Dialect, dict[str, str]]] = {
    "sqlite": {"flag": "INTEGER", "whole": "INTEGER", "real": "REAL", "number": "number INTEGER PRIMARY KEY,"},
    "postgres": {"flag": "boolean", "whole": "bigint", "real": "double precision", "number": ""},
}


@frozen
class Migration:
    """One step of the schema. `{flag}`, `{whole}`, `{real}` and `{number}` stand for what differs between the two.

    A statement may be of one dialect only: then its first word is `sqlite:` or `postgres:`.
    """

    number: int
    name: str
    statements: tuple[str, ...]

    def told_to(self, dialect: Dialect) -> list[str]:
        """The statements for one kind of database."""
        found = []
        for statement in self.statements:
            only, colon, rest = statement.partition(":\n")
            if colon and only in _TYPES:
                if only == dialect:
                    found.append(rest)
            else:
                found.append(statement.format(**_TYPES[dialect]))
        return found


RECORD: Final = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    applied_at text NOT NULL
)
"""

_PAGES = """
CREATE TABLE pages (
    id text PRIMARY KEY,
    name text,
    graph text NOT NULL
)
"""

# watermark: everything that was updated before it is held. folders: which folders that is said of.
_INBOXES = """
CREATE TABLE inboxes (
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    state text NOT NULL,
    folders text,
    watermark text,
    threads {whole} NOT NULL DEFAULT 0,
    messages {whole} NOT NULL DEFAULT 0,
    last_error text,
    next_step text,
    synced_at text,
    PRIMARY KEY (page_id, platform)
)
"""

# listed_in: the last whole listing that listed the thread. messages_until: the `updated_time` for which all messages
# are held. messages_head: the newest message below which nothing is missing.
_THREADS = """
CREATE TABLE threads (
    {number}
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    id text NOT NULL,
    updated_time text,
    link text,
    snippet text,
    message_count {whole},
    unread_count {whole},
    can_reply {flag},
    is_subscribed {flag},
    is_owner {flag},
    scoped_thread_key text,
    folder text,
    name text,
    subject text,
    wallpaper text,
    unavailable {flag},
    first_seen_at text NOT NULL,
    changed_at text NOT NULL,
    gone_at text,
    listed_in text,
    messages_until text,
    messages_head text,
    raw text,
    UNIQUE (page_id, platform, id),
    FOREIGN KEY (page_id, platform) REFERENCES inboxes (page_id, platform)
)
"""

_PEOPLE = """
CREATE TABLE people (
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    id text NOT NULL,
    name text,
    username text,
    email text,
    PRIMARY KEY (page_id, platform, id),
    FOREIGN KEY (page_id, platform) REFERENCES inboxes (page_id, platform)
)"""

_THREAD_PEOPLE = """
CREATE TABLE thread_people (
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    thread_id text NOT NULL,
    role text NOT NULL,
    person_id text NOT NULL,
    position {whole} NOT NULL,
    PRIMARY KEY (page_id, platform, thread_id, role, person_id),
    FOREIGN KEY (page_id, platform, thread_id) REFERENCES threads (page_id, platform, id),
    FOREIGN KEY (page_id, platform, person_id) REFERENCES people (page_id, platform, id)
)"""

_MESSAGES = """
CREATE TABLE messages (
    {number}
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    id text NOT NULL,
    thread_id text NOT NULL,
    created_time text,
    from_id text,
    from_name text,
    message text,
    sticker text,
    reply_to text,
    is_unsupported {flag},
    unavailable {flag},
    raw text,
    UNIQUE (page_id, platform, id),
    FOREIGN KEY (page_id, platform, thread_id) REFERENCES threads (page_id, platform, id)
)
"""

_ATTACHMENTS = """
CREATE TABLE attachments (
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    message_id text NOT NULL,
    position {whole} NOT NULL,
    kind text NOT NULL,
    id text,
    name text,
    mime_type text,
    size {whole},
    url text,
    PRIMARY KEY (page_id, platform, message_id, position),
    FOREIGN KEY (page_id, platform, message_id) REFERENCES messages (page_id, platform, id)
)"""

# A listing that has not come to its end: where it stands, what bounds it, and what its end will make the watermark.
_CURSORS = """
CREATE TABLE cursors (
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    cursor text,
    since text,
    head text,
    listing text NOT NULL,
    folders text NOT NULL,
    saved_at text NOT NULL,
    PRIMARY KEY (page_id, platform),
    FOREIGN KEY (page_id, platform) REFERENCES inboxes (page_id, platform)
)
"""

_RUNS = """
CREATE TABLE sync_runs (
    run_id text NOT NULL,
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    kind text NOT NULL,
    started_at text NOT NULL,
    finished_at text,
    threads {whole} NOT NULL DEFAULT 0,
    messages {whole} NOT NULL DEFAULT 0,
    calls {whole} NOT NULL DEFAULT 0,
    waited_seconds {real} NOT NULL DEFAULT 0,
    "new" {whole} NOT NULL DEFAULT 0,
    changed {whole} NOT NULL DEFAULT 0,
    unchanged {whole} NOT NULL DEFAULT 0,
    gone {whole} NOT NULL DEFAULT 0,
    outcome text NOT NULL,
    cause text,
    next_step text,
    PRIMARY KEY (run_id, page_id, platform),
    FOREIGN KEY (page_id, platform) REFERENCES inboxes (page_id, platform)
)
"""

_SAMPLES = """
CREATE TABLE usage_samples (
    run_id text NOT NULL,
    page_id text NOT NULL REFERENCES pages (id),
    platform text NOT NULL,
    pool text NOT NULL,
    taken_at text NOT NULL,
    call_count {real} NOT NULL,
    total_time {real} NOT NULL,
    total_cputime {real} NOT NULL,
    regain_after {real} NOT NULL,
    FOREIGN KEY (page_id, platform) REFERENCES inboxes (page_id, platform)
)
"""

_LOCK = """
CREATE TABLE sync_lock (
    id integer PRIMARY KEY CHECK (id = 1),
    owner text NOT NULL,
    since text NOT NULL,
    heartbeat text NOT NULL
)
"""


def _searched(table: str, column: str) -> tuple[str, ...]:
    """A full-text index over one column. On SQLite kept by triggers; on Postgres an index over an expression.

    Postgres takes no document above one megabyte: of a longer text the first hundred thousand characters are found.
    """
    fts = f"{table}_fts"
    add = f"INSERT INTO {fts} (rowid, {column}) VALUES (new.number, new.{column});"
    drop = f"INSERT INTO {fts} ({fts}, rowid, {column}) VALUES ('delete', old.number, old.{column});"
    was, becomes = f"old.{column} IS NOT NULL", f"new.{column} IS NOT NULL"
    triggers = {
        "new": ("INSERT", becomes, add),
        "gone": ("DELETE", was, drop),
        "in": (f"UPDATE OF {column}", f"old.{column} IS NULL AND {becomes}", add),
        "out": (f"UPDATE OF {column}", f"{was} AND new.{column} IS NULL", drop),
        "other": (f"UPDATE OF {column}", f"old.{column} <> new.{column}", drop + add),
    }
    return (
        # In double quotes: so sqlite-utils and Datasette see which table it searches.
        f'sqlite:\nCREATE VIRTUAL TABLE {fts} USING fts5({column}, content="{table}", content_rowid="number")',
        *(
            f"sqlite:\nCREATE TRIGGER {fts}_{name} AFTER {deed} ON {table} WHEN {when} BEGIN {act} END"
            for name, (deed, when, act) in triggers.items()
        ),
        f"postgres:\nCREATE INDEX {fts} ON {table} USING gin (to_tsvector('simple', left({column}, 100000)))",
    )


def _clustered(table: str) -> tuple[str, str]:
    """Small rows that are only ever looked up by their key lie in the key's own order."""
    return (
        f"sqlite:\n{table.format(**_TYPES['sqlite'])} WITHOUT ROWID",
        f"postgres:\n{table.format(**_TYPES['postgres'])}",
    )


MIGRATIONS: Final = (
    Migration(
        1,
        "threads, people, messages, and what a sync knows of itself",
        (
            _PAGES,
            _INBOXES,
            _THREADS,
            *_clustered(_PEOPLE),
            *_clustered(_THREAD_PEOPLE),
            _MESSAGES,
            *_clustered(_ATTACHMENTS),
            _CURSORS,
            _RUNS,
            _SAMPLES,
            _LOCK,
            "CREATE INDEX threads_newest ON threads (page_id, platform, updated_time DESC)",
            "CREATE INDEX messages_newest ON messages (page_id, platform, thread_id, created_time DESC)",
            "CREATE INDEX thread_people_of ON thread_people (page_id, platform, person_id)",
            "CREATE INDEX usage_samples_newest ON usage_samples (page_id, platform, taken_at)",
            *_searched("threads", "snippet"),
            *_searched("messages", "message"),
        ),
    ),
    Migration(
        2,
        "new rows are told to the full-text indexes by the hundred",
        ("sqlite:\nDROP TRIGGER threads_fts_new", "sqlite:\nDROP TRIGGER messages_fts_new"),
    ),
    # The key finds a person's threads, too: among those of an Inbox, 0.3 ms for each thousand.
    Migration(
        3,
        "who takes part in what is found by the key of thread_people",
        ("DROP INDEX thread_people_of",),
    ),
)

NEWEST: Final = MIGRATIONS[-1].number

TABLES: Final = (
    *("schema_migrations", "pages", "inboxes", "threads", "people", "thread_people", "messages", "attachments"),
    *("cursors", "sync_runs", "usage_samples", "sync_lock"),
)
"""What they are called."""
