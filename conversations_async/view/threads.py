"""Threads, newest first, and their messages, as blocks of the page.

Threads are read in one pass, their people and messages by the batch, so that memory does not grow with the database.
A thread's row names the blocks that hold its messages; a long thread goes on over several.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, BinaryIO, Final, TypeAlias

from attrs import define, field

from conversations_async.sync.reading import Reader
from conversations_async.view.blocks import BLOCK_BYTES, put_block
from conversations_async.view.inboxes import InboxRow, seconds_of, whole_of

Key: TypeAlias = tuple[str, str, str]
"""page_id, platform, thread_id"""

FIRST_BATCH: Final = 200
"""Enough for any screen: drawn before the rest of the page is there."""
BATCH: Final = 500
SNIPPET: Final = 1000
NAMES: Final = 40
"""Names told of a thread with many people."""

UNAVAILABLE, GONE, NO_REPLY = 1, 2, 4

_THREADS: Final = """
    SELECT page_id, platform, id, updated_time, link, snippet, message_count, unread_count, can_reply, folder, name,
        subject, unavailable, gone_at
    FROM threads ORDER BY COALESCE(updated_time, '') DESC, page_id, platform, id
"""
# SQLite would read a whole table for a list of keys; CROSS JOIN tells it to look each of them up.
_OF_BATCH: Final = "WITH wanted (page_id, platform, thread_id) AS (VALUES {}) SELECT"
_PEOPLE: Final = f"""
    {_OF_BATCH} t.page_id, t.platform, t.thread_id, p.id, p.name, p.username
    FROM wanted w CROSS JOIN thread_people t CROSS JOIN people p
    WHERE t.page_id = w.page_id AND t.platform = w.platform AND t.thread_id = w.thread_id
        AND p.page_id = t.page_id AND p.platform = t.platform AND p.id = t.person_id
    ORDER BY t.page_id, t.platform, t.thread_id, CASE t.role WHEN 'participant' THEN 0 ELSE 1 END, t.position, p.id
"""
_MESSAGES: Final = f"""
    {_OF_BATCH} m.page_id, m.platform, m.thread_id, m.id, m.created_time, m.from_id, m.from_name, m.message, m.sticker,
        m.reply_to, m.is_unsupported, m.unavailable
    FROM wanted w CROSS JOIN messages m
    WHERE m.page_id = w.page_id AND m.platform = w.platform AND m.thread_id = w.thread_id
    ORDER BY m.page_id, m.platform, m.thread_id, COALESCE(m.created_time, ''), m.id
"""
_ATTACHMENTS: Final = f"""
    {_OF_BATCH} m.page_id, m.platform, m.thread_id, m.id, a.kind, a.name, a.mime_type, a.size, a.url
    FROM wanted w CROSS JOIN messages m CROSS JOIN attachments a
    WHERE m.page_id = w.page_id AND m.platform = w.platform AND m.thread_id = w.thread_id
        AND a.page_id = m.page_id AND a.platform = m.platform AND a.message_id = m.id
    ORDER BY m.page_id, m.platform, m.thread_id, COALESCE(m.created_time, ''), m.id, a.position
"""


def _rows(reader: Reader, sql: str, keys: list[Key]) -> Iterator[tuple[Any, ...]]:
    marks = ", ".join(["(?, ?, ?)"] * len(keys))
    return iter(reader.rows(sql.format(marks), [part for key in keys for part in key]))


@define
class MessageBlocks:
    """Messages gathered into blocks of about one size, whatever the sizes of threads."""

    file: BinaryIO
    put: int = 0
    """Blocks written."""
    messages: int = 0
    _open: list[list[Any]] = field(factory=list, alias="open")
    _bytes: int = field(default=0, alias="bytes")

    def begin(self, ordinal: int) -> None:
        """The next messages are of the thread with this place in the list."""
        self._open.append([ordinal, []])

    def add(self, message: list[Any], size: int) -> None:
        if self._bytes > BLOCK_BYTES:
            ordinal = self._open[-1][0]
            self.flush()
            self.begin(ordinal)
        self._open[-1][1].append(message)
        self._bytes += size + 60
        self.messages += 1

    def flush(self) -> None:
        if self._bytes:
            put_block(self.file, f"m{self.put}", self._open)
            self.put += 1
        self._open, self._bytes = [], 0


@define
class ThreadBlocks:
    """The thread list and everything behind it, written batch by batch."""

    reader: Reader
    inboxes: Mapping[tuple[str, str], InboxRow]
    messages: MessageBlocks
    put: int = 0
    """Blocks written."""
    threads: int = 0
    _rest: Iterator[tuple[Any, ...]] | None = field(default=None, alias="rest")

    def put_batch(self) -> bool:
        """Write the next threads; False where there were none left."""
        if self._rest is None:
            self._rest = iter(self.reader.rows(_THREADS))
        batch = list(islice(self._rest, BATCH if self.put else FIRST_BATCH))
        if not batch:
            return False
        places = {(row[0], row[1], row[2]): place for place, row in enumerate(batch)}
        keys = list(places)
        people = self._people(keys)
        held = self._put_messages(keys, places)
        rows = [self._row(row, people.get(key, []), held.get(key)) for key, row in zip(keys, batch, strict=True)]
        put_block(self.messages.file, f"t{self.put}", rows)
        self.threads += len(rows)
        self.put += 1
        return True

    def _people(self, keys: list[Key]) -> dict[Key, list[list[str]]]:
        """Everybody in each thread but the Page itself: name and user name."""
        found: dict[Key, list[list[str]]] = {}
        met: set[tuple[Key, str]] = set()
        for page_id, platform, thread_id, person_id, name, username in _rows(self.reader, _PEOPLE, keys):
            key = (page_id, platform, thread_id)
            people = found.setdefault(key, [])
            own = person_id == self.inboxes[page_id, platform].own_id
            if not own and (key, person_id) not in met and len(people) < NAMES:
                met.add((key, person_id))
                people.append([name or "", username or ""])
        return found

    def _put_messages(self, keys: list[Key], places: Mapping[Key, int]) -> dict[Key, tuple[int, int, int]]:
        """Write the messages of a batch; for each thread its first and last block and how many there are."""
        held: dict[Key, tuple[int, int, int]] = {}
        attachments = _Attachments(_rows(self.reader, _ATTACHMENTS, keys))
        blocks, now, seen = self.messages, None, dict[str, int]()
        for row in _rows(self.reader, _MESSAGES, keys):
            key = (row[0], row[1], row[2])
            if key != now:
                now, seen = key, {}
                blocks.begin(self.threads + places[key])
            carried = attachments.of(key, row[3])
            message = _message(row, carried, self.inboxes[key[0], key[1]].own_id, seen)
            blocks.add(message, len(row[7] or "") + 200 * len(carried))
            seen[row[3]] = len(seen)
            first = held[key][0] if key in held else blocks.put
            held[key] = (first, blocks.put, len(seen))
        blocks.flush()
        return held

    def _row(self, row: tuple[Any, ...], people: list[list[str]], held: tuple[int, int, int] | None) -> list[Any]:
        page_id, platform, thread_id, updated, link, snippet, count, unread, can_reply, folder, name, subject = row[:12]
        unavailable, gone_at = row[12:]
        flags = (UNAVAILABLE if unavailable else 0) | (GONE if gone_at else 0)
        flags |= NO_REPLY if can_reply is not None and not can_reply else 0
        inbox = self.inboxes[page_id, platform]
        told = [folder, name, subject, link, seconds_of(gone_at)]
        return [
            *(
                inbox.number,
                thread_id,
                seconds_of(updated),
                people,
                (snippet or "")[:SNIPPET],
                whole_of(count),
                whole_of(unread) or 0,
                flags,
            ),
            *(held or (None, None, 0)),
            told if any(told) else 0,
        ]


class _Attachments:
    """Attachments read beside the messages, in the same order."""

    def __init__(self, rows: Iterator[tuple[Any, ...]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, key: Key, message_id: str) -> list[list[Any]]:
        """What a message carries: kind, name, MIME type, bytes, link."""
        found: list[list[Any]] = []
        while self._next is not None and self._next[:4] == (*key, message_id):
            kind, name, mime_type, size, url = self._next[4:]
            found.append([kind, name, mime_type, whole_of(size), url])
            self._next = next(self._rows, None)
        return found


def _message(row: tuple[Any, ...], carried: list[list[Any]], own_id: str | None, seen: Mapping[str, int]) -> list[Any]:
    """time, sender (1: the Page; 0: nobody told; else a name), text, and what else there is by letters, if anything."""
    created, from_id, from_name, text, sticker, reply_to, unsupported, unavailable = row[4:]
    who: Any = 0
    if from_id is not None:
        who = 1 if from_id == own_id else from_name or ""
    more: dict[str, Any] = {}
    if carried:
        more["a"] = carried
    if sticker:
        more["s"] = sticker
    if reply_to:
        more["r"] = seen.get(reply_to, -1)
    if unsupported:
        more["u"] = 1
    if unavailable:
        more["x"] = 1
    message = [seconds_of(created), who, text]
    return [*message, more] if more else message
