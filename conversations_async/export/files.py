"""An export as files of a directory: all of them, or none."""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, Final, Literal, TypeAlias

from conversations_async.export.formats import write_csv, write_jsonl, write_parquet
from conversations_async.export.tables import TABLES, Row, Table, flat, rows_of
from conversations_async.sync.reading import Reader
from conversations_async.written import whole_file

Kind: TypeAlias = Literal["jsonl", "csv", "parquet"]
_Write: TypeAlias = Callable[[BinaryIO, Table, Iterable[Row]], int]

_WRITERS: Final[dict[Kind, _Write]] = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}


def _tables(kind: Kind) -> list[Table]:
    """CSV knows no lists: what is nested is a table of its own there."""
    return [each for table in TABLES for each in flat(table)] if kind == "csv" else list(TABLES)


def file_names(kind: Kind) -> list[str]:
    """The files that an export writes: names of ours, never of people."""
    return [f"{table.name}.{kind}" for table in _tables(kind)]


def write_export(reader: Reader, kind: Kind, directory: Path) -> dict[str, int]:
    """Write every table into a file of mode 0600; how many rows each has. Memory stays flat.

    The files take their names together at the end; until then, and if it fails, what was there stays. A directory that
    is missing is made for its owner alone. Raises FormatUnavailable, StoreError and OSError.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    counts = {}
    with ExitStack() as files:
        for table, name in zip(_tables(kind), file_names(kind), strict=True):
            file = files.enter_context(whole_file(directory / name))
            counts[name] = _WRITERS[kind](file, table, rows_of(reader, table))
    return counts
