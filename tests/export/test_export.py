"""A database taken elsewhere, and read back by others' readers."""

import csv
import json
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet
from view.filled import NOON, OWN_INSTAGRAM, Filled, fill_many, fill_shop

from conversations_async.export import Kind, file_names, write_export
from conversations_async.export.formats import GROUP_TEXT, ROW_GROUP, write_parquet
from conversations_async.export.tables import TABLES
from conversations_async.sync.errors import StoreError
from conversations_async.sync.reading import open_reader

KINDS: tuple[Kind, ...] = ("jsonl", "csv", "parquet")
HOSTILE = ("=1+1", "+49 30", "-5", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1")
PLAIN = (
    'a "quoted" word',
    "comma, semicolon;",
    "two\nlines\r\nof text",
    "مرحبا 🙂",
    "'apostrophe",
    "",
    "../../etc/passwd",
)


def exported(database: Path, kind: Kind) -> Path:
    directory = database.with_suffix(f".{kind}")
    with open_reader(database) as reader:
        write_export(reader, kind, directory)
    return directory


def json_lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def csv_rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """One Instagram thread that is gone and one of Messenger, with every text that could go wrong."""
    path = tmp_path / "inbox.db"
    with Filled(path) as filled:
        filled.page("1001", "../../../tmp/evil")
        for platform in ("messenger", "instagram"):
            filled.inbox("1001", platform)
        filled.person("1001", "instagram", OWN_INSTAGRAM, None, "shop")
        filled.person("1001", "instagram", "7", None, "=cmd|' /C calc'!A0")
        people = [OWN_INSTAGRAM, "7"]
        filled.thread("1001", "t1", people, platform="instagram", can_reply=True, gone_at=NOON.isoformat())
        filled.thread("1001", "t2", [], at=None, unread_count=-1)
        for number, text in enumerate((*HOSTILE, *PLAIN)):
            filled.message("1001", "t2", f"m{number:02}", "7", text)
        carried = [("image", None, "image/png", 5, "https://x/1"), ("file", "=b.pdf", None, None, None)]
        filled.message("1001", "t1", "m_a", "7", None, platform="instagram", carried=carried, unavailable=True)
        filled.run("r", "1001", waited_seconds=1.5)
        filled.usage("r", "1001", "messenger", "pool", NOON, 1.5, 2, 3, 0)
    return path


def test_json_lines_nest_what_belongs_to_a_thread_and_a_message(small: Path) -> None:
    directory = exported(small, "jsonl")
    instagram, messenger = json_lines(directory / "threads.jsonl")
    assert (instagram["id"], instagram["can_reply"], instagram["gone_at"]) == ("t1", True, NOON.isoformat())
    assert [person["id"] for person in instagram["participants"]] == [OWN_INSTAGRAM, "7"]
    assert (messenger["participants"], messenger["updated_time"], messenger["unread_count"]) == ([], None, -1)
    messages = {row["id"]: row for row in json_lines(directory / "messages.jsonl")}
    assert [messages[f"m{number:02}"]["message"] for number in range(len(HOSTILE + PLAIN))] == list(HOSTILE + PLAIN)
    assert messages["m_a"]["unavailable"] is True
    assert messages["m_a"]["attachments"] == [
        {"kind": "image", "id": None, "name": None, "mime_type": "image/png", "size": 5, "url": "https://x/1"},
        {"kind": "file", "id": None, "name": "=b.pdf", "mime_type": None, "size": None, "url": None},
    ]


def test_csv_runs_no_formula_and_keeps_every_other_text(small: Path) -> None:
    directory = exported(small, "csv")
    messages = {row["id"]: row["message"] for row in csv_rows(directory / "messages.csv")}
    told = [messages[f"m{number:02}"] for number in range(len(HOSTILE + PLAIN))]
    assert told == [*(f"'{text}" for text in HOSTILE), *PLAIN]
    people = csv_rows(directory / "thread_participants.csv")
    assert [(row["thread_id"], row["username"]) for row in people] == [("t1", "shop"), ("t1", "'=cmd|' /C calc'!A0")]
    attachments = csv_rows(directory / "message_attachments.csv")
    assert [(row["message_id"], row["kind"], row["name"], row["size"]) for row in attachments] == [
        ("m_a", "image", "", "5"),
        ("m_a", "file", "'=b.pdf", ""),
    ]
    threads = csv_rows(directory / "threads.csv")
    assert [(row["can_reply"], row["unread_count"]) for row in threads] == [("true", ""), ("", "-1")]


def test_parquet_has_types_and_lists_of_structs(small: Path) -> None:
    directory = exported(small, "parquet")
    threads = parquet.read_table(directory / "threads.parquet")
    types = {field.name: str(field.type) for field in threads.schema}
    assert types["updated_time"] == "timestamp[us, tz=UTC]"
    assert (types["message_count"], types["can_reply"], types["id"]) == ("int64", "bool", "string")
    assert types["participants"].startswith("list<")
    assert "struct<id: string, name: string, username: string, email: string>" in types["participants"]
    instagram, messenger = threads.to_pylist()
    assert instagram["gone_at"] == NOON
    assert [person["username"] for person in instagram["participants"]] == ["shop", "=cmd|' /C calc'!A0"]
    assert (messenger["updated_time"], messenger["participants"]) == (None, [])
    messages = {row["id"]: row for row in parquet.read_table(directory / "messages.parquet").to_pylist()}
    assert [messages[f"m{number:02}"]["message"] for number in range(len(HOSTILE + PLAIN))] == list(HOSTILE + PLAIN)
    assert messages["m_a"]["attachments"][0]["size"] == 5
    (sample,) = parquet.read_table(directory / "usage_samples.parquet").to_pylist()
    assert (sample["call_count"], sample["taken_at"]) == (1.5, NOON)


def test_all_three_tell_the_same(tmp_path: Path) -> None:
    database = fill_shop(tmp_path / "shop.db", pages=2, threads=20)
    lines, cells, typed = (exported(database, kind) for kind in KINDS)
    for table in TABLES:
        told = json_lines(lines / f"{table.name}.jsonl")
        assert told
        names = [column.name for column in table.columns]
        times = {column.name for column in table.columns if column.type == "time"}
        rows = parquet.read_table(typed / f"{table.name}.parquet").to_pylist()
        assert [{name: _as_told(value) for name, value in row.items()} for row in rows] == [
            {name: _as_time(value) if name in times else value for name, value in row.items()} for row in told
        ]
        flat = [[_as_cell(row[name]) for name in names] for row in told]
        assert [[row[name] for name in names] for row in csv_rows(cells / f"{table.name}.csv")] == flat


def _as_told(value: object) -> object:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def _as_time(value: str | None) -> object:
    return None if value is None else datetime.fromisoformat(value)


def _as_cell(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("kind", KINDS)
def test_files_are_named_by_us_and_for_their_owner_alone(small: Path, kind: Kind) -> None:
    directory = exported(small, kind)
    assert sorted(path.name for path in directory.iterdir()) == sorted(file_names(kind))
    assert {path.stat().st_mode & 0o777 for path in directory.iterdir()} == {0o600}
    assert directory.stat().st_mode & 0o777 == 0o700


def test_what_was_there_stays_when_an_export_fails(small: Path) -> None:
    directory = exported(small, "jsonl")
    before = {path: path.read_bytes() for path in directory.iterdir()}

    class Broken:
        dialect = "sqlite"

        def __init__(self, rows: Callable[..., Any]) -> None:
            self._rows = rows

        def rows(self, sql: str, parameters: Any = ()) -> Any:
            if "FROM usage_samples" in sql:
                raise StoreError("the server went away")
            return self._rows(sql, parameters)

    with open_reader(small) as reader, pytest.raises(StoreError):
        write_export(Broken(reader.rows), "jsonl", directory)  # type: ignore[arg-type]  # the rest is not asked for
    assert {path: path.read_bytes() for path in directory.iterdir()} == before


class Counted(dict[str, Any]):
    """A row that knows how many there are."""

    alive = most = 0

    def __init__(self, **values: Any) -> None:
        super().__init__(values)
        Counted.alive += 1
        Counted.most = max(Counted.most, Counted.alive)

    def __del__(self) -> None:
        Counted.alive -= 1


@pytest.mark.parametrize(("rows", "length", "groups"), [(4 * ROW_GROUP, 1, 4), (32, GROUP_TEXT // 4, 8)])
def test_parquet_keeps_no_more_than_a_group_of_rows(tmp_path: Path, rows: int, length: int, groups: int) -> None:
    """Neither of many rows nor of long ones; pyarrow frees what it has written."""
    Counted.most, allocated, text = 0, list[int](), "x" * length

    def made() -> Iterator[Counted]:
        for number in range(rows):
            if number % (rows // groups) == 1:
                allocated.append(pyarrow.total_allocated_bytes())
            yield Counted(id=str(number), name=text, graph=None)

    with (tmp_path / "pages.parquet").open("wb") as file:
        assert write_parquet(file, TABLES[0], made()) == rows
    assert parquet.ParquetFile(tmp_path / "pages.parquet").num_row_groups == groups
    assert Counted.most <= rows // groups + 1
    assert max(allocated) < allocated[0] + 1_000_000


def test_a_reader_holds_one_row_of_a_file_at_a_time(tmp_path: Path) -> None:
    """Texts may be of a megabyte each."""
    with Filled(tmp_path / "inbox.db") as filled:
        filled.page("1001")
        filled.inbox("1001")
        for number in range(8):
            filled.thread("1001", f"t{number}", snippet="x" * 1_000_000)
    tracemalloc.start()
    try:
        with open_reader(tmp_path / "inbox.db") as reader:
            assert sum(len(text) for (text,) in reader.rows("SELECT snippet FROM threads")) == 8_000_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


MEASURED = """
import sys
from pathlib import Path
from conversations_async.sync.reading import open_reader

kind, *databases = sys.argv[1:]
if kind == "view":
    from datetime import UTC, datetime
    from conversations_async.view import write_view
    work = lambda reader, out: write_view(reader, out, name="x", now=datetime.now(UTC))
else:
    from conversations_async.export import write_export
    work = lambda reader, out: write_export(reader, kind, out)
for database in databases:
    with open_reader(database) as reader:
        work(reader, Path(f"{database}.{kind}"))
    # Not what getrusage tells: that counts the process it was forked from.
    (peak,) = (line for line in open("/proc/self/status") if line.startswith("VmHWM:"))
    print(int(peak.split()[1]) // 1024)
"""


def megabytes(kind: str, *databases: Path) -> list[int]:
    """The most memory that a process of its own had taken after writing each."""
    command = [sys.executable, "-c", MEASURED, kind, *map(str, databases)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    return [int(line) for line in done.stdout.split()]


def test_memory_stays_flat_whatever_the_number_of_rows(tmp_path: Path) -> None:
    """Twice the rows in 12 MB more at most."""
    databases = [
        fill_many(tmp_path / "few.db", inboxes=10, threads=500, messages=20),
        fill_many(tmp_path / "many.db", inboxes=10, threads=2_000, messages=10),
    ]
    # One test for all kinds: filling takes as long as writing.
    for kind in (*KINDS, "view"):
        few, many = megabytes(kind, *databases)
        print(f"{kind}: {few} MB of few rows, {many} MB of many")
        assert many - few < 12, kind
        assert many < 220, kind
