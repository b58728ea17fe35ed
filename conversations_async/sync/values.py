"""What the job and its store tell each other, and what the job tells whoever started it."""

import json
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Literal

import attrs
from attrs import define, frozen

from conversations_async.model import Cursor, Inbox

Kind = Literal["first", "incremental", "whole"]


class Outcome(StrEnum):
    """How it ended for an Inbox."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    INTERRUPTED = "interrupted"


@define(eq=False)
class Listing:
    """A listing of one Inbox that is under way; the store keeps it up to date."""

    inbox: Inbox
    run_id: str
    id: str
    """The run that began it; threads that it lists are marked with this."""
    folders: str
    kind: Kind
    since: datetime | None
    cursor: Cursor | None
    head: str | None = None
    """What will be the watermark: the newest thread of its first answer."""


@frozen
class Saved:
    """What a save brought: threads new, changed, and held as they are; messages new."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    messages: int = 0


@frozen
class Unread:
    """A thread whose messages are not all held: they are down from `head`, which was written at `head_time`."""

    id: str
    updated_time: str | None
    head: str | None
    head_time: str | None


@frozen
class Standing:
    """What a database knows of an Inbox, for a plan."""

    inbox: Inbox
    threads: int = 0
    listed_to_its_end: bool = False
    unfinished: bool = False
    last_calls: int | None = None
    """Calls of the last incremental run."""


@frozen
class InboxReport:
    """How a sync went for one Inbox. `waited`: seconds due to limits and retries."""

    inbox: Inbox
    kind: Kind | None = None
    outcome: Outcome = Outcome.RUNNING
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    gone: int = 0
    messages: int = 0
    calls: int = 0
    waited: float = 0.0
    cause: str | None = None
    next_step: str | None = None

    @property
    def threads(self) -> int:
        """Threads that were handed on, each version once."""
        return self.new + self.changed + self.unchanged


@frozen
class SyncReport:
    """How a sync went, Inbox by Inbox."""

    run_id: str
    inboxes: tuple[InboxReport, ...]

    @property
    def failed(self) -> tuple[InboxReport, ...]:
        """The Inboxes that failed."""
        return tuple(each for each in self.inboxes if each.outcome is Outcome.FAILED)

    @property
    def interrupted(self) -> bool:
        """Whether the run was ended before its end."""
        return any(each.outcome is Outcome.INTERRUPTED for each in self.inboxes)

    def sum(self, name: str) -> float:
        """A figure over all Inboxes."""
        return sum(float(getattr(each, name)) for each in self.inboxes)


# -- cursors as text ---------------------------------------------------------------------------------------------------


_PARTS: Final = tuple(sorted(each.name for each in attrs.fields(Cursor)))


def cursor_text(cursor: Cursor | None) -> str | None:
    """A cursor as JSON, whatever fields it has."""
    if cursor is None:
        return None
    told = ((name, getattr(cursor, name)) for name in _PARTS)
    return json.dumps({name: _plain(value) for name, value in told if value is not None})


def read_cursor(text: str | None) -> Cursor | None:
    """A cursor from JSON. Fields that this version does not know are left out; what is no cursor is None."""
    try:
        values = json.loads(text or "null")
        known = {each.name: each for each in attrs.fields(Cursor) if each.init}
        return Cursor(**{name: _read(name, value) for name, value in values.items() if name in known})
    except (ValueError, TypeError, AttributeError):
        return None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _read(name: str, value: Any) -> Any:
    return datetime.fromisoformat(value) if name in ("head", "until") and value is not None else value
