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
    """Write the tables of a database into files: threads, messages, Pages, Inboxes, sync runs and usage.

    The files hold people's messages: only you may read them. In CSV what a spreadsheet would take for a formula begins
    with an apostrophe, and people and attachments have files of their own.
    """
    from conversations_async.cli.databases import checked_database
    from conversations_async.export import FormatUnavailable, file_names, write_export
    from conversations_async.sync.errors import StoreError, StoreForeign, StoreMissing
    from conversations_async.sync.reading import open_reader

    database = checked_database(database)
    if output.exists() and not output.is_dir():
        refuse("-o: that is a file; name a directory")
    there = [name for name in file_names(to) if (output / name).exists()]
    if there and not replace:
        refuse(f"-o: {output} holds {there[0]} already; name another directory, or say --replace")
    try:
        with open_reader(database) as reader:
            counts = write_export(reader, to, output)
    except (FormatUnavailable, StoreForeign, StoreMissing) as error:
        refuse(str(error))
    except StoreError as error:
        say(f"conversations-async: {error}")
        return CRASHED
    except OSError as error:
        say(f"conversations-async: -o: {output} cannot be written: {(error.strerror or '').lower()}")
        return CRASHED
    for name, count in counts.items():
        say(f"{output / name}: {count:,} rows")
    return 0
