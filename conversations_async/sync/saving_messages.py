"""How messages are saved, inside of a transaction, and which threads' messages are not all held."""

from collections.abc import Sequence
from typing import Final

from conversations_async.message import Message
from conversations_async.model import Inbox
from conversations_async.sync.database import Database, Insert
from conversations_async.sync.rows import ATTACHMENT_COLUMNS, MESSAGE_COLUMNS, attachment_rows, message_row
from conversations_async.sync.values import Saved, Unread

_KEY: Final = ("page_id", "platform", "id")
_OF: Final = "page_id = ? AND platform = ?"


def unread(database: Database, *, inbox: Inbox, most: int) -> list[Unread]:
    """Threads that have moved since all of their messages were held, newest first."""
    rows = database.rows(
        "SELECT t.id, t.updated_time, t.messages_head, m.created_time FROM threads t LEFT JOIN messages m "
        "ON m.page_id = t.page_id AND m.platform = t.platform AND m.id = t.messages_head "
        "WHERE t.page_id = ? AND t.platform = ? AND t.gone_at IS NULL "
        "AND (t.messages_until IS NULL OR t.messages_until <> coalesce(t.updated_time, '')) "
        "AND NOT coalesce(CAST(t.unavailable AS integer), 0) = 1 ORDER BY t.updated_time DESC LIMIT ?",
        (inbox.page_id, inbox.platform.value, most),
    )
    return [Unread(*row) for row in rows]


def save_messages(
    database: Database,
    *,
    inbox: Inbox,
    thread: Unread,
    messages: Sequence[Message],
    complete: str | None,
    keep_raw: bool,
) -> Saved:
    """Some of a thread's messages; `complete` is the id of its newest when all are held now."""
    key = inbox.page_id, inbox.platform.value
    new = put_messages(database, key, thread.id, messages, keep_raw=keep_raw)
    if complete is not None:
        database.run(
            f"UPDATE threads SET messages_until = ?, messages_head = ? WHERE {_OF} AND id = ?",
            (thread.updated_time or "", complete or None, *key, thread.id),
        )
    return Saved(messages=new)


_MESSAGES: Final = Insert(
    "messages",
    ("page_id", "platform", "thread_id", "id", *MESSAGE_COLUMNS),
    _KEY,
    ("thread_id", *MESSAGE_COLUMNS),
    shared=3,
    searched="message",
)
_ATTACHMENTS: Final = Insert(
    "attachments",
    ("page_id", "platform", "message_id", *ATTACHMENT_COLUMNS),
    ("page_id", "platform", "message_id", "position"),
    shared=2,
)


def put_messages(
    database: Database, key: tuple[str, str], thread: str, messages: Sequence[Message], *, keep_raw: bool
) -> int:
    """Write messages; how many are new. What is known of one that Meta no longer tells of stays."""
    if not messages:
        return 0
    told = {message.id: message for message in messages}
    rows = {each: (each, *message_row(message, raw=keep_raw)) for each, message in told.items()}
    held = database.add(_MESSAGES, list(rows.values()), (*key, thread))
    again = [each for each, message in told.items() if each in held and not message.unavailable]
    database.put(_MESSAGES, [rows[each] for each in again], (*key, thread))
    if again:
        of_messages, known = database.among("message_id", again)
        database.run(f"DELETE FROM attachments WHERE {_OF} AND {of_messages}", (*key, *known))
    carried = [(each, *row) for each, one in told.items() if not one.unavailable for row in attachment_rows(one)]
    database.put(_ATTACHMENTS, carried, key)
    return len(told) - len(held)
