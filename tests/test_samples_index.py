"""The samples and their table tell of the same files, and the table keeps its own rules."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import attrs
import pytest
from samples.expected import ALL, BATCH, ERRORS, HEADERS, MESSAGE, MESSAGES, SAMPLES_DIR, THREAD, THREADS
from samples.rows import KNOWN_THREAD_FIELDS, ExpectedMessage, ExpectedThread, Origin, Sample

OF_THE_TABLE = {".py", ".pyc", ".md"}


def told_threads() -> list[ExpectedThread]:
    listed = [thread for sample in THREADS for thread in sample.threads]
    return listed + [sample.thread for sample in THREAD if sample.thread]


def told_messages() -> list[ExpectedMessage]:
    listed = [message for sample in MESSAGES for message in sample.messages]
    return listed + [sample.message for sample in MESSAGE if sample.message]


def values(written: Any) -> Iterator[object]:
    """Every value at any depth, object keys included."""
    if isinstance(written, dict):
        yield from written
        written = list(written.values())
    if isinstance(written, list):
        for part in written:
            yield from values(part)
    else:
        yield written


def test_every_file_has_one_row_and_every_row_its_file() -> None:
    files = {
        path.relative_to(SAMPLES_DIR).as_posix()
        for path in SAMPLES_DIR.rglob("*")
        if path.is_file() and path.suffix not in OF_THE_TABLE
    }
    rows = [sample.file for sample in ALL]
    assert sorted(files) == sorted(rows)


def test_a_row_stands_in_the_list_of_its_folder() -> None:
    for sample in ALL:
        kind = type(sample).__name__.removesuffix("Sample").lower()
        assert sample.file.split("/")[0].rstrip("s") == kind.rstrip("s"), sample.file


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.file)
def test_a_file_that_says_json_is_json_and_has_a_source(sample: Sample) -> None:
    assert sample.source
    if sample.path.suffix == ".json":
        json.loads(sample.body)


@pytest.mark.parametrize("sample", THREADS, ids=lambda sample: sample.file)
def test_every_id_the_table_tells_stands_in_the_file(sample: Sample) -> None:
    written = {str(value) for value in values(json.loads(sample.body))}
    told = {thread["id"] for thread in attrs.asdict(sample)["threads"]}
    assert told <= written


def test_extra_holds_only_fields_the_contract_does_not_list() -> None:
    assert not [thread.id for thread in told_threads() if KNOWN_THREAD_FIELDS & set(thread.extra)]


def test_every_told_moment_is_in_utc() -> None:
    times = [thread.updated_time for thread in told_threads()] + [message.created_time for message in told_messages()]
    for time in filter(None, times):
        assert datetime.fromisoformat(time).utcoffset() == timedelta(0)
        assert time.endswith("+00:00")


def test_a_pool_belongs_to_rate_limited_and_to_nothing_else() -> None:
    for sample in ERRORS:
        assert (sample.error == "RateLimited") == (sample.pool is not None), sample.file
    for item in (item for sample in BATCH for item in sample.items):
        assert (item.error == "RateLimited") == (item.pool is not None)


def test_headers_are_pairs_of_strings_and_may_repeat() -> None:
    repeated = 0
    for sample in HEADERS:
        names = [name.lower() for name, value in sample.headers if isinstance(value, str)]
        assert len(names) == len(sample.headers), sample.file
        repeated += len(names) != len(set(names))
    assert repeated


def test_escapes_are_kept_as_bytes() -> None:
    escaped = (SAMPLES_DIR / "threads/v2-full-with-raw-escapes.json").read_bytes()
    assert b"\\u0040facebook.com" in escaped
    assert b"https:\\/\\/graph.facebook.com\\/" in escaped
    assert escaped.isascii()


def test_what_nobody_has_seen_claims_no_source() -> None:
    for sample in ALL:
        assert (sample.origin is Origin.IMAGINED) == sample.source.startswith("ours:"), sample.file
