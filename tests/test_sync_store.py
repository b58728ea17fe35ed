"""How rows are made and written: the quick ways tell the same as the slow ones, and all that is searched is found."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async import Cursor, Inbox, Page, Platform, Thread, ThreadPage
from conversations_async.model import DEFAULT_FIELDS
from conversations_async.records import put
from conversations_async.sync import migrating, saving
from conversations_async.sync.database import Database
from conversations_async.sync.postgres import PostgresDatabase
from conversations_async.sync.rows import asked_by, thread_rows
from conversations_async.sync.saving_threads import save_page
from conversations_async.sync.schema import MIGRATIONS
from conversations_async.sync.sqlite import SqliteDatabase
from conversations_async.sync.values import InboxReport, Listing, Saved

INBOX = Inbox("1001", Platform.MESSENGER)
ASKED = asked_by(",".join(DEFAULT_FIELDS))


def a_thread(name: str, snippet: str | None = "Good morning", **fields: Any) -> dict[str, Any]:
    people = [{"id": f"7{name}", "name": f"Ann {name}"}, {"id": "1001", "name": "The Shop"}]
    told = {"id": f"t_{name}", "updated_time": "2026-05-04T13:32:08+0000", "participants": {"data": people}}
    return told | ({} if snippet is None else {"snippet": snippet}) | fields


def listed(*objects: Mapping[str, Any], more: bool = True) -> ThreadPage:
    return ThreadPage(INBOX, tuple(Thread(INBOX, each) for each in objects), Cursor("next"), more)


# -- rows --------------------------------------------------------------------------------------------------------------

EVERYTHING = asked_by(
    "updated_time,link,snippet,message_count,unread_count,can_reply,is_owner,folder,name,participants,senders"
)
TIMES = [
    *("2026-05-04T13:32:08+0000", "2026-13-04T13:32:08+0000", "2026-05-04 13:32:08+0000", "2026-W05-1T13:32:08+0000"),
    *("2026-05-04T13:32:08+0530", "2026-05-04T13:32:08Z", 1777901528, "", None, "x" * 24, ["2026"]),
]
TEXTS = ["Good morning", "", None, 7, True, {"a": 1}, "😀", "/x?access_token=EAAGsecret&a=1"]
COUNTS = [0, 3, None, "12", True, -1, 2**63 - 1, 2**63, -(2**70), 1.5, "many"]
FLAGS = [True, False, None, "true", 0, 1, "maybe"]
NAMES = st.sampled_from(["Ann", None, 5, ""])
PERSON: st.SearchStrategy[Any] = st.one_of(
    st.fixed_dictionaries({"id": st.sampled_from(["7", "8", "1001"]), "name": st.just("Ann")}),
    st.fixed_dictionaries(
        {"id": st.sampled_from(["7", "8", 9, "", None, ["7"]])}, optional={"name": NAMES, "email": NAMES}
    ),
    st.sampled_from([None, "Ann", []]),
)
PEOPLE = st.one_of(
    st.lists(PERSON, max_size=4).map(lambda people: {"data": people}),
    st.lists(PERSON, max_size=3),
    st.sampled_from([None, {}, {"data": None}, "Ann"]),
)
FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "updated_time": st.sampled_from(TIMES),
        **{name: st.sampled_from(TEXTS) for name in ("link", "snippet", "folder", "name")},
        **{name: st.sampled_from(COUNTS) for name in ("message_count", "unread_count")},
        **{name: st.sampled_from(FLAGS) for name in ("can_reply", "is_owner")},
        **dict.fromkeys(("participants", "senders"), PEOPLE),
    },
)


@given(st.lists(FIELDS, min_size=1, max_size=5), st.booleans())
def test_a_thread_among_others_has_the_rows_that_it_has_alone(fields: list[dict[str, Any]], raw: bool) -> None:
    """What a neighbour holds decides how a column is read, and must not decide what is read."""
    threads = [Thread(INBOX, {**each, "id": f"t_{place}"}, found_in="inbox") for place, each in enumerate(fields)]
    together = thread_rows(threads, EVERYTHING, raw=raw)
    alone = [thread_rows([thread], EVERYTHING, raw=raw) for thread in threads]
    assert list(together.threads.values()) == [row for rows in alone for row in rows.threads.values()]
    assert sorted(together.sides) == sorted(row for rows in alone for row in rows.sides)
    assert together.people.keys() == {key for rows in alone for key in rows.people}


@given(FIELDS)
def test_a_row_tells_what_the_thread_tells(fields: dict[str, Any]) -> None:
    thread = Thread(INBOX, {**fields, "id": "t_1"}, found_in="inbox")
    _, moment, *told = thread_rows([thread], EVERYTHING, raw=False).threads["t_1"]
    row = dict(zip(EVERYTHING.columns, told, strict=True))
    assert moment == (thread.updated_time and thread.updated_time.isoformat())
    assert (row["can_reply"], row["is_owner"]) == (thread.can_reply, thread.is_owner)
    assert (row["snippet"], row["name"]) == (thread.snippet, thread.name)
    assert row["folder"] == (thread.found_in if thread.folder is None else thread.folder)
    for name in ("message_count", "unread_count"):
        count = getattr(thread, name)
        assert row[name] == (count if count is not None and -(2**63) <= count < 2**63 else None)


@given(FIELDS)
def test_people_of_a_row_are_those_of_the_thread(fields: dict[str, Any]) -> None:
    thread = Thread(INBOX, {**fields, "id": "t_1"})
    rows = thread_rows([thread], EVERYTHING, raw=False)
    for role, people in (("participant", thread.participants), ("sender", thread.senders)):
        assert {row[2] for row in rows.sides if row[1] == role} == {each.id for each in people if each.id}
    for each in (*thread.participants, *thread.senders):
        assert not each.id or each.name is None or rows.people[each.id][1] is not None


# -- tables ------------------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, database: Path) -> Iterator[Database]:
    kind: Database = (
        SqliteDatabase(database) if request.param == "sqlite" else PostgresDatabase(request.getfixturevalue("postgres"))
    )
    kind.connect()
    migrating.migrate(kind)
    yield kind
    kind.close()


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "inbox.db"


def begun(database: Database) -> Listing:
    return saving.begin(database, page=Page("1001", "EAAG"), inbox=INBOX, run_id="run", folders="", whole=False)


def save(database: Database, listing: Listing, *objects: Mapping[str, Any]) -> tuple[int, int, int]:
    """New, changed, unchanged."""
    database.begin()
    saved = save_page(database, listing=listing, page=listed(*objects), asked=ASKED, keep_raw=True)
    database.commit()
    assert isinstance(saved, Saved)
    return saved.new, saved.changed, saved.unchanged


def snippets(database: Database) -> dict[str, str | None]:
    return dict(database.rows("SELECT id, snippet FROM threads"))


def test_a_first_listing_tells_what_it_lists_again_from_what_is_new(opened: Database) -> None:
    listing = begun(opened)
    assert listing.kind == "first"
    assert save(opened, listing, a_thread("1"), a_thread("2")) == (2, 0, 0)
    assert save(opened, listing, a_thread("2"), a_thread("1", "See you"), a_thread("3")) == (1, 1, 1)
    assert snippets(opened) == {"t_1": "See you", "t_2": "Good morning", "t_3": "Good morning"}
    assert sorted(opened.rows("SELECT thread_id, person_id, position FROM thread_people")) == [
        *(("t_1", "1001", 1), ("t_1", "71", 0), ("t_2", "1001", 1), ("t_2", "72", 0)),
        *(("t_3", "1001", 1), ("t_3", "73", 0)),
    ]


def test_people_who_have_left_a_changed_thread_are_taken_out_of_it(opened: Database) -> None:
    listing = begun(opened)
    save(opened, listing, a_thread("1"), a_thread("2"))
    changed = a_thread("1", participants={"data": [{"id": "1001", "name": "The Shop"}, {"id": "8", "name": "Bo"}]})
    assert save(opened, listing, changed, a_thread("2")) == (0, 1, 1)
    assert sorted(opened.rows("SELECT person_id, position FROM thread_people WHERE thread_id = 't_1'")) == [
        ("1001", 0),
        ("8", 1),
    ]
    assert opened.rows("SELECT count(*) FROM people") == [(4,)]


def test_someone_listed_twice_is_in_the_thread_once_and_all_that_is_told_is_kept(opened: Database) -> None:
    twice = [{"id": "7", "name": "Ann"}, {"id": "7", "email": "ann@example.org"}, {"id": "1001"}]
    save(opened, begun(opened), a_thread("1", participants={"data": twice}))
    assert opened.rows("SELECT id, name, email FROM people WHERE id = '7'") == [("7", "Ann", "ann@example.org")]
    assert opened.rows("SELECT position FROM thread_people WHERE person_id = '7'") == [(0,)]


@pytest.mark.parametrize("count", [1, 3, 99, 100, 101, 250])
def test_a_thread_page_of_any_size_is_written_whole(opened: Database, count: int) -> None:
    assert save(opened, begun(opened), *(a_thread(str(number)) for number in range(count))) == (count, 0, 0)
    assert opened.rows("SELECT count(*), count(raw) FROM threads") == [(count, count)]
    assert opened.rows("SELECT count(*) FROM people") == [(count + 1,)]
    assert opened.rows("SELECT count(*) FROM thread_people") == [(2 * count,)]


def test_a_row_that_is_refused_takes_its_transaction_along_and_none_before(opened: Database) -> None:
    listing = begun(opened)
    save(opened, listing, a_thread("1"))
    opened.begin()
    page = listed(a_thread("2"), a_thread("3"))
    put(page.threads[1], "id", None)
    with pytest.raises(Exception, match=r"(?i)not.null"):
        save_page(opened, listing=listing, page=page, asked=ASKED, keep_raw=True)
    opened.rollback()
    assert snippets(opened) == {"t_1": "Good morning"}
    assert save(opened, listing, a_thread("2")) == (1, 0, 0)


# -- full text ---------------------------------------------------------------------------------------------------------


def indexed(path: Path, table: str, *, rebuilt: bool = False) -> Sequence[tuple[Any, ...]]:
    """Every word of the index, with its row and place in it; of one made anew, if asked."""
    with closing(sqlite3.connect(path)) as connection:
        if rebuilt:
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")
        connection.execute(f"CREATE VIRTUAL TABLE temp.words USING fts5vocab(main, {table}, instance)")
        found = connection.execute("SELECT term, doc, col, offset FROM words ORDER BY 1, 2, 3, 4").fetchall()
        connection.rollback()
        return found


def told_and_changed(database: Database) -> None:
    listing = begun(database)
    save(database, listing, a_thread("1"), a_thread("2", None), a_thread("3", "Is it there?"), a_thread("4", ""))
    save(database, listing, a_thread("1", "See you"), a_thread("2", "Now with words"), a_thread("5", "A new one"))
    save(database, listing, a_thread("3", None), a_thread("4", "Not empty any more"), a_thread("5", "A new one"))
    messages = [{"id": f"m_{number}", "message": f"Word {number}"} for number in range(5)]
    save(database, listing, a_thread("6", messages={"data": messages[:3]}))
    again = [{"id": "m_1", "message": "Changed"}, {"id": "m_2"}, *messages[3:]]
    save(database, listing, a_thread("6", "Still", messages={"data": again}))
    saving.finish(database, listing=listing, report=InboxReport(INBOX), mark_gone=False)


@pytest.mark.parametrize(
    ("table", "held", "gone"),
    [("threads_fts", {"see", "words", "empty"}, "there"), ("messages_fts", {"changed", "4"}, "1")],
    ids=["threads", "messages"],
)
def test_the_index_of_words_is_what_one_made_anew_would_be(
    database: Path, table: str, held: set[str], gone: str
) -> None:
    sqlite = SqliteDatabase(database)
    sqlite.connect()
    migrating.migrate(sqlite)
    told_and_changed(sqlite)
    sqlite.close()
    words = indexed(database, table)
    assert words == indexed(database, table, rebuilt=True)
    assert held <= {word for word, *_ in words}
    assert gone not in {word for word, *_ in words}


@pytest.mark.parametrize("schema", [each.number for each in MIGRATIONS[:-1]])
def test_a_database_of_an_older_schema_is_led_forward(
    database: Path, schema: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite = SqliteDatabase(database)
    sqlite.connect()
    with monkeypatch.context() as older:
        older.setattr(migrating, "MIGRATIONS", MIGRATIONS[:schema])
        migrating.migrate(sqlite)
    key, now = ("1001", "messenger"), "2026-05-04T13:32:08+00:00"
    sqlite.run("INSERT INTO pages (id, graph) VALUES ('1001', 'facebook')")
    sqlite.run("INSERT INTO inboxes (page_id, platform, state) VALUES (?, ?, 'listing')", key)
    sqlite.run(
        "INSERT INTO threads (page_id, platform, id, snippet, first_seen_at, changed_at) VALUES (?, ?, 't_3', ?, ?, ?)",
        (*key, "As it was", now, now),
    )
    if schema > 1:  # where no trigger tells the index
        sqlite.run("INSERT INTO threads_fts (rowid, snippet) SELECT number, snippet FROM threads")
    migrating.migrate(sqlite)
    told_and_changed(sqlite)
    assert snippets(sqlite).keys() == {f"t_{number}" for number in range(1, 7)}
    assert sqlite.rows("SELECT number FROM schema_migrations") == [(each.number,) for each in MIGRATIONS]
    fresh = SqliteDatabase(database.with_name("fresh.db"))
    fresh.connect()
    migrating.migrate(fresh)
    tables = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    assert sqlite.rows(tables) == fresh.rows(tables)
    sqlite.close()
    fresh.close()
    assert indexed(database, "threads_fts") == indexed(database, "threads_fts", rebuilt=True)
