"""`conversations-async export`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from conversations_async.cli.endings import CRASHED, refuse
from conversations_async.cli.lines import say


def export(
    database: Annotated[str, Parameter(help="Path of an SQLite file that sync filled, or postgresql://…")],
    /,
    *,
    to: Annotated[
        Literal["jsonl", "csv", "parquet"],
        Parameter(help="JSON lines; CSV; or Parquet with typed, nested columns, which needs the extra parquet."),
    ],
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The directory to write into; it is made where there is none.")
    ],
    replace: Annotated[bool, Parameter(help="Write over the files of an earlier export.")] = False,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    from conversations_async.cli.databases import checked_database, written_from
    from conversations_async.export import FormatUnavailable, file_names, write_export

    database = checked_database(database)
    if output.exists() and not output.is_dir():
        refuse("-o: that is a file; name a directory")
    there = [name for name in file_names(to) if (output / name).exists()]
    if there and not replace:
        refuse(f"-o: {output} holds {there[0]} already; name another directory, or say --replace")
    try:
        counts = written_from(database, output, lambda reader: write_export(reader, to, output))
    except FormatUnavailable as error:
        refuse(str(error))
    if counts is None:
        return CRASHED
    for name, count in counts.items():
        say(f"{output / name}: {count:,} rows")
    return 0
