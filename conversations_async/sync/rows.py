"""From what Meta sent to rows. Pure, and quick: a million threads pass through here.

A column holds a field's value under Graph's name, or NULL where Meta left it out or sent a shape nobody documented;
`raw` has it as it came. Only columns of fields that were asked for are in a row, so that others keep what they held.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson
from attrs import Factory, define, frozen

from conversations_async import fields as read_fields
from conversations_async.message import Attachment, Message
from conversations_async.model import Secret, Thread, UnavailableThread
from conversations_async.sync.database import Row

_TEXTS: Final = ("link", "snippet", "scoped_thread_key", "folder", "name", "subject", "wallpaper")
_COUNTS: Final = ("message_count", "unread_count")
_FLAGS: Final = ("can_reply", "is_subscribed", "is_owner")
_ROLES: Final = {"participants": "participant", "senders": "sender", "former_participants": "former"}


@frozen(cache_hash=True)
class Asked:
    """The columns of a thread that a question fills, behind `updated_time`, and the roles of people in it."""

    columns: tuple[str, ...]
    roles: tuple[tuple[str, str], ...]
    """Graph's name and ours."""


@lru_cache(maxsize=64)
def asked_by(fields: str, without: frozenset[str] = frozenset(), *, folder: bool = False) -> Asked:
    """What a question in Meta's words fills, apart from fields that were refused."""
    names = {each.name for each in read_fields(fields)} - without
    if folder:
        names.add("folder")
    columns = tuple(name for name in (*_TEXTS, *_COUNTS, *_FLAGS) if name in names)
    return Asked(columns, tuple((name, role) for name, role in _ROLES.items() if name in names))


@define
class ThreadRows:
    """The rows of one thread page, of threads that Meta could show."""

    threads: dict[str, Row] = Factory(dict)
    """Thread id → `updated_time` and the asked columns; the newest version of each."""
    raws: dict[str, str | None] = Factory(dict)
    people: dict[str, Row] = Factory(dict)
    """Person id → name, username, email."""
    sides: dict[str, list[Row]] = Factory(dict)
    """Thread id → role, person id, position."""
    unavailable: dict[str, str | None] = Factory(dict)
    """Thread id → `updated_time`, of those that Meta cannot show."""


def thread_rows(threads: Iterable[Thread], asked: Asked, *, raw: bool) -> ThreadRows:
    """The rows of a thread page's threads."""
    rows = ThreadRows()
    for thread in threads:
        key, moment = thread.raw["id"], time_text(thread.raw.get("updated_time"), thread)
        if isinstance(thread, UnavailableThread):
            rows.unavailable[key] = moment
            continue
        values = thread.raw
        rows.threads[key] = (moment, *[_value(thread, name, values.get(name)) for name in asked.columns])
        rows.raws[key] = json_text(values, "messages") if raw else None
        if asked.roles:
            rows.sides[key] = _sides(values, asked.roles, rows.people)
    return rows


def _value(thread: Thread, name: str, value: object) -> object:
    """As the thread reads it; the kinds that Meta documents without a detour."""
    if value is None:
        return thread.found_in if name == "folder" else None
    kind = type(value)
    if name in _COUNTS:
        return value if kind is int and -(2**63) <= value < 2**63 else _fitting(getattr(thread, name))  # type: ignore[operator]
    if name in _FLAGS:
        return value if kind is bool else getattr(thread, name)
    if name == "link":
        return _link(_text(value))
    return value if kind is str else None


def _fitting(value: int | None) -> int | None:
    return value if value is not None and -(2**63) <= value < 2**63 else None


def _sides(values: Mapping[str, Any], roles: Sequence[tuple[str, str]], people: dict[str, Row]) -> list[Row]:
    found: dict[tuple[str, str], Row] = {}
    for name, role in roles:
        edge = values.get(name)
        listed = edge.get("data") if type(edge) is dict else edge
        if type(listed) is not list:
            continue
        for position, person in enumerate(listed):
            if type(person) is not dict or (key := _id_of(person)) is None:
                continue
            told = tuple(_text(person.get(each)) for each in ("name", "username", "email"))
            known = people.get(key)
            # Meta may tell of the same person more in one place than in another.
            if known is not None and known != told:
                told = tuple(new if new is not None else old for new, old in zip(told, known, strict=True))
            people[key] = told
            found.setdefault((role, key), (role, key, position))
    return list(found.values())


def _id_of(person: Mapping[str, Any]) -> str | None:
    value = person.get("id")
    return value if type(value) is str and value else str(value) if type(value) is int else None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def time_text(value: object, owner: "Thread | Message") -> str | None:
    """A time as the tables hold it; as Meta writes it that is a matter of one letter."""
    if type(value) is str and len(value) == 24 and value[10] == "T" and value[19:] == "+0000":
        try:
            datetime.fromisoformat(value[:19])
        except ValueError:
            return None
        return f"{value[:22]}:00"
    moment = owner.updated_time if isinstance(owner, Thread) else owner.created_time
    return None if moment is None else moment.isoformat()


def json_text(values: Mapping[str, Any], *without: str) -> str:
    """What Meta sent, apart from what has rows of its own."""
    if any(name in values for name in without):
        values = {name: value for name, value in values.items() if name not in without}
    try:
        return _masked(orjson.dumps(values).decode())
    except TypeError:
        pass
    try:
        # A number beyond 64 bits, or more than 254 levels.
        return _masked(json.dumps(values, ensure_ascii=False, separators=(",", ":")))
    except RecursionError:
        flat = {name: value for name, value in values.items() if isinstance(value, str | int | float)}
        return _masked(json.dumps(flat))


def says_else(text: str | None, known: str | None) -> bool:
    """Whether two of these differ in more than the order of their fields, which no way of decoding promises."""
    return text != known and (text is None or known is None or json.loads(text) != json.loads(known))


# Meta puts these into links and into the paging of nested edges. The Page's own token was masked where the answer came
# in; what proves the app's secret, and tokens that are not the caller's, are not known there.
_SECRET: Final = re.compile(r"((?:access_token|appsecret_proof)(?:=|%3[Dd]))[^&\s\"'\\<>]+")


def _masked(text: str) -> str:
    """Without the values of parameters that let others in; words of people are in columns of their own."""
    if "access_token" in text or "appsecret_proof" in text:
        return _SECRET.sub(rf"\1{Secret.MASK}", text)
    return text


def _link(text: str | None) -> str | None:
    return None if text is None else _masked(text)


# -- messages ----------------------------------------------------------------------------------------------------------

MESSAGE_COLUMNS: Final = (
    *("thread_id", "created_time", "from_id", "from_name", "message", "sticker", "reply_to"),
    *("is_unsupported", "unavailable", "raw"),
)
ATTACHMENT_COLUMNS: Final = ("position", "kind", "id", "name", "mime_type", "size", "url")


def message_row(message: Message, thread_id: str, *, raw: bool) -> Row:
    """MESSAGE_COLUMNS of one message."""
    values, sender, answered = message.raw, message.sender, message.reply_to
    return (
        thread_id,
        time_text(values.get("created_time"), message),
        None if sender is None else sender.id,
        None if sender is None else sender.name or sender.username,
        message.text,
        _link(message.sticker),
        None if answered is None else answered.mid,
        message.is_unsupported,
        message.unavailable,
        json_text(values) if raw else None,
    )


def attachment_rows(message: Message) -> list[Row]:
    """ATTACHMENT_COLUMNS of what a message carries: files, then shares, then the story it is about."""
    found = [
        (_kind_of(each), each.id, each.name, each.mime_type, _fitting(each.size), _link(each.url))
        for each in message.attachments
    ]
    found += [("share", each.id, each.name, None, None, _link(each.link)) for each in message.shares]
    found += [("story", each.id, each.kind, None, None, _link(each.link)) for each in message.story]
    return [(position, *row) for position, row in enumerate(found)]


def _kind_of(attachment: Attachment) -> str:
    if attachment.video is not None:
        return "video"
    if attachment.image is not None:
        return "image"
    if attachment.template is not None:
        return "template"
    kind = (attachment.mime_type or "").partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"
