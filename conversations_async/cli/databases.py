"""Databases as the command line names them. A server's address may hold a password: no part of it is ever said."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar
from urllib.parse import unquote

from conversations_async.cli.endings import ended_tidily, refuse
from conversations_async.cli.lines import say

if TYPE_CHECKING:
    from conversations_async.sync.reading import Reader

T = TypeVar("T")

_SERVER: Final = re.compile(r"postgres(ql)?://")
_WITH_PASSWORD: Final = re.compile(r"//[^/?#]*:[^@]*@|[?&](ssl)?password=", re.IGNORECASE)
_NO_PATH: Final = re.compile(r"^\w+://|\bpassword\s*=", re.IGNORECASE)


def checked_database(target: str) -> str:
    """A path or a server's address. Refuses what is neither, and warns of a password that others can read."""
    if not _SERVER.match(target):
        if _NO_PATH.search(target):
            refuse("a database is the path of a file, or postgresql://… in small letters")
        return target
    if _WITH_PASSWORD.search(target):
        say(
            "other users of this machine can read a password in a command: "
            "leave it out of the address and put it into PGPASSWORD or ~/.pgpass"
        )
    return target


def name_of(target: str) -> str:
    """What to call a database: of a server's address only the database."""
    if "://" not in target:
        return Path(target).name
    # A password may hold any of these marks; behind the last `@` there is none of it.
    behind = target.partition("://")[2].rpartition("@")[2]
    return unquote(behind.partition("?")[0].partition("/")[2].strip("/")) or "PostgreSQL"


def written_from(database: str, output: Path, write: Callable[["Reader"], T]) -> T | None:
    """What `write` makes of a database. None where one of the two fails, which has been said then."""
    from conversations_async.sync.errors import StoreError, StoreForeign, StoreMissing
    from conversations_async.sync.reading import open_reader

    try:
        with ended_tidily(), open_reader(database) as reader:
            return write(reader)
    except (StoreForeign, StoreMissing) as error:
        refuse(str(error))
    except StoreError as error:
        say(f"conversations-async: {error}")
    except OSError as error:
        say(f"conversations-async: -o: {output} cannot be written: {(error.strerror or '').lower()}")
    return None
