"""Rows into files: JSON lines, CSV and Parquet, each row by row or by the batch."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, Final

import orjson

from conversations_async.export.tables import Column, Row, Table
from conversations_async.sync.moments import moment_of

ROW_GROUP: Final = 10_000
"""Rows that are in memory at once for Parquet, and a row group of its file; fewer where their texts are long."""
GROUP_TEXT: Final = 8 * 1024 * 1024
"""Characters in the texts of a row group, about."""

# What a spreadsheet takes for the beginning of a formula, the wide forms of East Asian keyboards among it.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class FormatUnavailable(Exception):
    """A package that a format needs is not installed; the sentence says how to have it."""


def write_jsonl(file: BinaryIO, table: Table, rows: Iterable[Row]) -> int:
    """One JSON object a line; how many."""
    count = 0
    for row in rows:
        count += 1
        try:
            line = orjson.dumps(row)
        except TypeError:  # half of a character
            line = json.dumps(row, separators=(",", ":")).encode()
        file.write(line + b"\n")
    return count


def write_csv(file: BinaryIO, table: Table, rows: Iterable[Row]) -> int:
    """A head line, then a line a row, after RFC 4180; how many.

    A text that a spreadsheet would run as a formula has an apostrophe before it.
    """
    text = io.TextIOWrapper(file, "utf-8", errors="backslashreplace", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow([column.name for column in table.columns])
    count = 0
    for row in rows:
        count += 1
        writer.writerow([_cell(row[column.name]) for column in table.columns])
    text.detach()
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(_FORMULA) else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return value


def write_parquet(file: BinaryIO, table: Table, rows: Iterable[Row]) -> int:
    """Typed columns, lists of structs in them, times as UTC timestamps; how many rows."""
    try:
        import pyarrow as arrow
        from pyarrow import parquet
    except ImportError:
        raise FormatUnavailable("Parquet needs pyarrow: pip install 'conversations-async[parquet]'") from None
    schema = _schema(arrow, table)
    count = 0
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            for row in batch:
                _with_times(table.columns, row)
            writer.write_table(arrow.Table.from_pylist(batch, schema=schema), row_group_size=ROW_GROUP)
            count += len(batch)
    return count


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Row groups. Each is empty as soon as the next is asked for."""
    batch: list[Row] = []
    text = 0
    for row in rows:
        batch.append(row)
        text += _length(row)
        if len(batch) >= ROW_GROUP or text >= GROUP_TEXT:
            yield batch
            batch.clear()  # whoever took it holds it until it takes the next
            text = 0
    if batch:
        yield batch


def _length(row: Row) -> int:
    """Of all texts in a row and in what is nested in it."""
    length = 0
    for value in row.values():
        if isinstance(value, str):
            length += len(value)
        elif isinstance(value, list):
            length += sum(map(_length, value))
    return length


def _with_times(columns: Iterable[Column], row: Row) -> None:
    for column in columns:
        value = row[column.name]
        if column.type == "time" and value is not None:
            row[column.name] = moment_of(value)


def _schema(arrow: Any, table: Table) -> Any:
    types = {
        "text": arrow.string(),
        "whole": arrow.int64(),
        "real": arrow.float64(),
        "flag": arrow.bool_(),
        "time": arrow.timestamp("us", tz="UTC"),
    }

    def fields(columns: Iterable[Column]) -> list[Any]:
        return [arrow.field(column.name, types[column.type]) for column in columns]

    nested = [arrow.field(each.name, arrow.list_(arrow.struct(fields(each.columns)))) for each in table.nested]
    return arrow.schema([*fields(table.columns), *nested])
