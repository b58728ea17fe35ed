"""The Inboxes of a database, what is held of each, and whose side is the Page's."""

from datetime import datetime
from math import isfinite
from typing import Any, Final

from attrs import define, field

from conversations_async.sync.reading import Reader

_INBOXES: Final = """
    SELECT i.page_id, i.platform, p.name, i.state, i.last_error, i.next_step, i.synced_at
    FROM inboxes i LEFT JOIN pages p ON p.id = i.page_id ORDER BY i.page_id, i.platform
"""
# Whatever Meta says: whole numbers of 64 bits have a sum that has none.
_THREADS: Final = """
    SELECT page_id, platform, COUNT(*), SUM(CAST(COALESCE(unread_count, 0) AS double precision)) FROM threads
    GROUP BY page_id, platform
"""
_MESSAGES: Final = "SELECT page_id, platform, COUNT(*) FROM messages GROUP BY page_id, platform"
# Of the others it is known who the Page is.
_PEOPLE: Final = """
    SELECT page_id, platform, person_id, COUNT(DISTINCT thread_id) FROM thread_people
    WHERE platform <> 'messenger' GROUP BY page_id, platform, person_id
"""


@define
class InboxRow:
    """One Inbox as the page tells it."""

    number: int
    page_id: str
    platform: str
    page_name: str | None
    state: str
    last_error: str | None
    next_step: str | None
    synced_at: int | None
    threads: int = 0
    messages: int = 0
    unread: int = 0
    own_id: str | None = None
    """Who the Page or account is among the people of its threads."""
    _met_in: int = field(default=0, alias="met_in")

    def meet(self, person_id: str, threads: int) -> None:
        """Somebody takes part in so many threads: on Instagram the own side is who takes part in most.

        An Instagram account's id is another than its Page's. Where two share the first place, or there is one thread
        only, there is no telling but by the form of an account's id.
        """
        if self.own_id == self.page_id:
            return
        if person_id == self.page_id:
            self.own_id = person_id
        elif threads > self._met_in and (threads > 1 or _is_account(person_id)):
            self.own_id, self._met_in = person_id, threads
        elif threads == self._met_in and not _is_account(self.own_id):
            self.own_id = person_id if _is_account(person_id) else None

    def as_row(self) -> list[Any]:
        return [
            *(self.page_id, self.platform, self.page_name, self.state, self.last_error, self.next_step),
            *(self.synced_at, self.threads, self.messages, self.unread),
        ]


def _is_account(person_id: str | None) -> bool:
    """Ids of Instagram professional accounts are 17 digits that begin with 17841."""
    return person_id is not None and len(person_id) == 17 and person_id.startswith("17841")


def seconds_of(time: Any) -> int | None:
    """ISO 8601 as seconds since 1970; None for what is no time."""
    try:
        return None if time is None else int(datetime.fromisoformat(time).timestamp())
    except (ValueError, OverflowError, TypeError):
        return None


def number_of(value: Any) -> float:
    """A number for arithmetic, whatever a hand has written where one should be: then it is 0."""
    try:
        number = float(value or 0)
    except (ValueError, TypeError):
        return 0.0
    return number if isfinite(number) else 0.0


def whole_of(value: Any) -> int | None:
    """A whole number, or None for what is none."""
    return value if isinstance(value, int) else None


def read_inboxes(reader: Reader) -> dict[tuple[str, str], InboxRow]:
    """All Inboxes by Page and platform, in that order."""
    inboxes: dict[tuple[str, str], InboxRow] = {}
    for page_id, platform, name, state, error, step, synced_at in reader.rows(_INBOXES):
        inboxes[page_id, platform] = inbox = InboxRow(
            len(inboxes), page_id, platform, name, state, error, step, seconds_of(synced_at)
        )
        # Messenger's threads name the Page by its own id.
        inbox.own_id = page_id if platform == "messenger" else None
    for page_id, platform, threads, unread in reader.rows(_THREADS):
        if (page_id, platform) not in inboxes:  # a hand has taken its row away
            inboxes[page_id, platform] = InboxRow(len(inboxes), page_id, platform, None, "", None, None, None)
        inbox = inboxes[page_id, platform]
        inbox.threads, inbox.unread = int(threads), int(number_of(unread))
    for page_id, platform, messages in reader.rows(_MESSAGES):
        if (found := inboxes.get((page_id, platform))) is not None:
            found.messages = int(messages)
    for page_id, platform, person_id, threads in reader.rows(_PEOPLE):
        if (found := inboxes.get((page_id, platform))) is not None:
            found.meet(person_id, int(threads))
    return inboxes
