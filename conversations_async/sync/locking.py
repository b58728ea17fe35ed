"""One sync a database: a lock with an owner and a heartbeat, which nobody has to clean up behind a dead one.

The owner's name tells its host and process. Where that can be seen to be dead the lock is taken at once: a process of
this machine that is gone, or on PostgreSQL a connection that the server no longer has. Else it is when its heartbeat is
a minute old.
"""

import os
import secrets
import socket
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from conversations_async.sync.database import Database
from conversations_async.sync.errors import StoreInUse
from conversations_async.sync.moments import moment_of, moment_text

HEARTBEAT: Final = 10.0
"""Seconds between two signs of life."""
STALE: Final = timedelta(seconds=60)
_LINGERS: Final = 5.0
"""Seconds that a server may need to see that a killed client is gone."""


def own_name() -> str:
    """`host/process/start/nonce`, which no other sync has."""
    return f"{_host()}/{os.getpid()}/{_start_of(os.getpid())}/{secrets.token_hex(4)}"


def take_lock(database: Database, owner: str) -> None:
    """Own the database from here on. Raises StoreInUse where somebody else does."""
    patience = time.monotonic() + _LINGERS
    while not _take(database, owner):
        holder = database.rows("SELECT owner, since FROM sync_lock")
        if not holder or (_is_dead(holder[0][0]) and time.monotonic() < patience):
            time.sleep(0.05)
            continue
        name, since = holder[0]
        host, process, _ = _parts(name)
        raise StoreInUse(
            f"another sync writes to this database: process {process} on {host.partition('+')[0]}, since {since}. "
            "Let it end, or end it, and run again"
        )


def keep_lock(database: Database, owner: str) -> None:
    """A sign of life, inside of a transaction. Raises StoreInUse where the lock was taken over meanwhile."""
    if database.run("UPDATE sync_lock SET heartbeat = ? WHERE owner = ?", (moment_text(), owner)) != 1:
        raise StoreInUse("another sync has taken this database over while this one gave no sign of life; it goes on")


def let_lock_go(database: Database, owner: str) -> None:
    """Leave the database to others."""
    database.run("DELETE FROM sync_lock WHERE owner = ?", (owner,))


def _take(database: Database, owner: str) -> bool:
    lone = database.is_lone()
    if lone is False:
        return False
    database.begin()
    try:
        held = database.rows("SELECT owner, heartbeat FROM sync_lock")
        free = lone or not held or held[0][0] == owner or _is_dead(held[0][0]) or _is_stale(held[0][1])
        if free:
            now = moment_text()
            database.run("DELETE FROM sync_lock")
            database.run("INSERT INTO sync_lock (id, owner, since, heartbeat) VALUES (1, ?, ?, ?)", (owner, now, now))
        database.commit()
    except BaseException:
        database.rollback()
        raise
    return free


def _is_stale(heartbeat: object) -> bool:
    moment = moment_of(heartbeat)
    return moment is None or moment < datetime.now(UTC) - STALE


def _is_dead(owner: object) -> bool:
    """Whether the owner was a process of this machine that is gone. Of other machines nothing is known."""
    host, process, start = _parts(owner)
    return host == _host() and process.isdigit() and _start_of(int(process)) != start


def _parts(owner: object) -> list[str]:
    """Host, process and start of an owner's name."""
    return [*str(owner).split("/"), "", "", ""][:3]


def _host() -> str:
    """The machine, told apart from containers of the same name: they count their processes by themselves."""
    space = ""
    with suppress(OSError):
        space = os.readlink("/proc/self/ns/pid").strip("pid:[]")
    return f"{socket.gethostname()}+{space}".replace("/", "-")


def _start_of(process: int) -> str:
    """When a process began, as the kernel counts; "" where there is none, "?" where the system does not tell."""
    if process == os.getpid() and not Path("/proc/self/stat").exists():
        return "?"
    with suppress(OSError):
        state, *fields = (
            Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        )
        return "" if state in "ZX" else fields[18]
    if Path("/proc/self/stat").exists():
        return ""
    if sys.platform == "win32":
        # There, the signal 0 is Ctrl-C.
        return "?"
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return ""
    except OSError:
        pass
    return "?"
