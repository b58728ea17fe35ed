"""Where a sync saves: the protocol that the job speaks, and its two stores.

Everything here is whole when it returns: rows and cursor are of one commit. Another kind of database is another class
with these methods.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Protocol, Self

from attrs import define, field

from conversations_async.message import Message
from conversations_async.model import Inbox, Page, PoolUsage, ThreadPage
from conversations_async.sync import saving, saving_messages, saving_threads
from conversations_async.sync.database import Database
from conversations_async.sync.postgres import PostgresDatabase
from conversations_async.sync.reading import is_postgres
from conversations_async.sync.rows import Asked
from conversations_async.sync.sqlite import SqliteDatabase
from conversations_async.sync.values import InboxReport, Listing, Saved, Standing, Unread
from conversations_async.sync.writer import Writer


class Store(Protocol):
    """What a SyncJob needs of a database. Raises StoreError; StoreUnavailable and StoreInUse end the whole run."""

    async def __aenter__(self) -> Self:
        """Open it for this sync alone."""
        ...

    async def __aexit__(self, *_exception: object) -> None: ...

    async def standings(self, inboxes: Sequence[Inbox]) -> dict[Inbox, Standing]:
        """What is known of these Inboxes."""
        ...

    async def begin(self, page: Page, inbox: Inbox, *, run_id: str, folders: str, whole: bool) -> Listing:
        """Begin a listing, or take up the one that was not finished."""
        ...

    async def save(self, listing: Listing, page: ThreadPage, asked: Asked) -> Saved:
        """Save a thread page, the messages in it, and its cursor."""
        ...

    async def held(self, listing: Listing, since: datetime | None) -> dict[str, str]:
        """What a listing taken up has brought so far, or what is newer than `since`."""
        ...

    async def unread(self, listing: Listing, *, most: int) -> list[Unread]:
        """Threads whose messages are not all held, newest first."""
        ...

    async def save_messages(
        self, listing: Listing, thread: Unread, messages: Sequence[Message], *, complete: str | None
    ) -> Saved:
        """Save some of a thread's messages; `complete` is the newest one's id when they were the last."""
        ...

    async def finish(self, listing: Listing, report: InboxReport, *, gone: bool) -> int:
        """The listing is at its end; with `gone`, mark what it did not list. How many were marked."""
        ...

    async def leave(self, listing: Listing, report: InboxReport) -> None:
        """The Inbox is left as it stands: failed or interrupted."""
        ...

    async def note_usage(self, run_id: str, inbox: Inbox, samples: Sequence[tuple[str, PoolUsage]]) -> None:
        """Keep what Meta said of pools, each with the moment it was said."""
        ...


@define(eq=False)
class DatabaseStore:
    """A store over a database with SQL. `raw=False` leaves out what Meta sent, beside the columns."""

    database: Database
    raw: bool = field(default=True, kw_only=True)
    patience: float = field(default=300.0, kw_only=True)
    """Seconds to wait for a server that has gone away."""
    _writer: Writer = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._writer = Writer(self.database, self.patience)

    async def __aenter__(self) -> Self:
        await self._writer.start()
        try:
            await self._writer.do(saving.close_dead_runs)
        except BaseException:
            await self._writer.end()
            raise
        return self

    async def __aexit__(self, *_exception: object) -> None:
        await self._writer.end()

    async def standings(self, inboxes: Sequence[Inbox]) -> dict[Inbox, Standing]:
        return await self._writer.do(partial(saving.standings, inboxes=inboxes))

    async def begin(self, page: Page, inbox: Inbox, *, run_id: str, folders: str, whole: bool) -> Listing:
        return await self._writer.do(
            partial(saving.begin, page=page, inbox=inbox, run_id=run_id, folders=folders, whole=whole)
        )

    async def save(self, listing: Listing, page: ThreadPage, asked: Asked) -> Saved:
        return await self._writer.do(
            partial(saving_threads.save_page, listing=listing, page=page, asked=asked, keep_raw=self.raw)
        )

    async def held(self, listing: Listing, since: datetime | None) -> dict[str, str]:
        return await self._writer.do(partial(saving_threads.held, listing=listing, since=since))

    async def unread(self, listing: Listing, *, most: int) -> list[Unread]:
        return await self._writer.do(partial(saving_messages.unread, inbox=listing.inbox, most=most))

    async def save_messages(
        self, listing: Listing, thread: Unread, messages: Sequence[Message], *, complete: str | None
    ) -> Saved:
        return await self._writer.do(
            partial(
                saving_messages.save_messages,
                inbox=listing.inbox,
                thread=thread,
                messages=messages,
                complete=complete,
                keep_raw=self.raw,
            )
        )

    async def finish(self, listing: Listing, report: InboxReport, *, gone: bool) -> int:
        return await self._writer.do(partial(saving.finish, listing=listing, report=report, mark_gone=gone))

    async def leave(self, listing: Listing, report: InboxReport) -> None:
        await self._writer.do(partial(saving.leave, listing=listing, report=report))

    async def note_usage(self, run_id: str, inbox: Inbox, samples: Sequence[tuple[str, PoolUsage]]) -> None:
        await self._writer.do(partial(saving.note_usage, run_id=run_id, inbox=inbox, samples=samples))


class SqliteStore(DatabaseStore):
    """An SQLite file, made where there is none."""

    def __init__(self, path: str | Path, *, raw: bool = True) -> None:
        super().__init__(SqliteDatabase(path), raw=raw)


class PostgresStore(DatabaseStore):
    """A database of a PostgreSQL server, `postgresql://user@host/name`. Needs the extra `postgres`."""

    def __init__(self, target: str, *, raw: bool = True, patience: float = 300.0) -> None:
        super().__init__(PostgresDatabase(target), raw=raw, patience=patience)


def open_store(target: str | Path, *, raw: bool = True) -> DatabaseStore:
    """The store for a path, or for `postgresql://…`; not opened yet."""
    return PostgresStore(str(target), raw=raw) if is_postgres(target) else SqliteStore(target, raw=raw)
