"""`conversations-async view`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from conversations_async.cli.endings import CRASHED, refuse
from conversations_async.cli.lines import say


def view(
    database: Annotated[str, Parameter(help="Path of an SQLite file that sync filled, or postgresql://…")],
    /,
    *,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The file to write, or to write anew; inbox.html by itself.")
    ] = Path("inbox.html"),
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    if output.is_dir():
        refuse("-o: that is a directory; name a file")
    if output.exists() and not is_ours(output):
        refuse(f"-o: {output} is there already and was not made by view; name another file")

    from datetime import UTC, datetime

    from conversations_async.cli.databases import checked_database, name_of, written_from
    from conversations_async.view import write_view

    database = checked_database(database)
    written = written_from(
        database,
        output,
        lambda reader: write_view(reader, output, name=name_of(database), now=datetime.now(UTC)),
    )
    if written is None:
        return CRASHED
    failed = f", {written.failed} of them failed" if written.failed else ""
    say(
        f"{written.threads:,} threads and {written.messages:,} messages of {written.inboxes:,} Inboxes{failed}: "
        f"open {output} in a browser ({written.size / 1e6:.1f} MB)"
    )
    return 0


def is_ours(path: Path) -> bool:
    """Whether a file was made by view, or is empty: then it may be written anew."""
    from conversations_async.view import MARK

    try:
        with path.open("rb") as file:
            begin = file.read(len(MARK))
    except OSError:
        return False
    return begin in (b"", MARK)
