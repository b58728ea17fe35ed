"""From what Meta sent to rows. Pure, and quick: a million threads pass through here.

A column holds a field's value under Graph's name, or NULL where Meta left it out or sent a shape nobody documented;
`raw` has it as it came. Only columns of fields that were asked for are in a row, so that others keep what they held.
"""

import json
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from itertools import chain, repeat
from types import NoneType
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

    threads: dict[str, Row]
    """Thread id → the id, `updated_time`, the asked columns, and what Meta sent where that is kept."""
    unavailable: dict[str, str | None]
    """Thread id → `updated_time`, of those that Meta cannot show."""
    people: dict[str, Row] = Factory(dict)
    """Person id → the id, name, username, email."""
    sides: list[Row] = Factory(list)
    """Thread id, role, person id, position; where somebody is listed twice, the first counts."""


def thread_rows(threads: Iterable[Thread], asked: Asked, *, raw: bool) -> ThreadRows:
    """The rows of a thread page's threads; of one that it lists twice, the later.

    Column by column: whether values are as Meta documents them is one look at all of a column, and only where they are
    not is each read by itself.
    """
    shown: dict[str, Thread] = {}
    hidden: dict[str, Thread] = {}
    for thread in threads:
        (hidden if isinstance(thread, UnavailableThread) else shown)[thread.raw["id"]] = thread
    objects = [thread.raw for thread in shown.values()]
    columns: list[Iterable[object]] = [shown, _times(objects, shown.values())]
    columns += [_column(name, objects, shown.values()) for name in asked.columns]
    if raw:
        columns.append(_raws(objects))
    rows = ThreadRows(
        dict(zip(shown, zip(*columns, strict=True), strict=True)),
        {key: time_text(thread.raw.get("updated_time"), thread) for key, thread in hidden.items()},
    )
    for name, role in asked.roles:
        _add_people(rows, role, [_listed(values.get(name)) for values in objects])
    return rows


_AS_META_WRITES: Final = re.compile(r"(?:[0-9-]{10}T[0-9:]{8}\+0000\n)*")


def _times(objects: Sequence[Mapping[str, Any]], threads: Iterable[Thread]) -> list[str | None]:
    """`updated_time` of all threads."""
    found: list[Any] = [values.get("updated_time") for values in objects]
    with suppress(TypeError, ValueError):
        lines = "\n".join((*found, ""))
        if _AS_META_WRITES.fullmatch(lines):
            deque(map(datetime.fromisoformat, found), maxlen=0)  # raises for a thirteenth month
            return [*lines.replace("+0000", "+00:00").splitlines()]
    return [time_text(value, thread) for value, thread in zip(found, threads, strict=True)]


_LEAST, _MOST = -(2**63), 2**63 - 1
_TEXT: Final[frozenset[type]] = frozenset({str, NoneType})
_DOCUMENTED: Final[dict[str, frozenset[type]]] = {
    **dict.fromkeys(_TEXTS, _TEXT),
    **{name: frozenset({int, NoneType}) for name in _COUNTS},
    **{name: frozenset({bool, NoneType}) for name in _FLAGS},
    # Where it is left out, what was listed tells it.
    "folder": frozenset({str}),
}
"""The types of values that are a column's as they are."""


def _column(name: str, objects: Sequence[Mapping[str, Any]], threads: Iterable[Thread]) -> list[Any]:
    """A field of all threads, as they read it."""
    found: list[Any] = [values.get(name) for values in objects]
    if _DOCUMENTED[name].issuperset(map(type, found)):
        if name == "link" and _lets_in("\n".join(filter(None, found))):
            return list(map(_link, found))
        if name not in _COUNTS or all(count is None or _LEAST <= count <= _MOST for count in found):
            return found
    return [_value(thread, name, value) for thread, value in zip(threads, found, strict=True)]


def _raws(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """What Meta sent of all threads, apart from messages."""
    if not any("messages" in values for values in objects):
        with suppress(TypeError):
            return [_masked(each.decode()) for each in map(orjson.dumps, objects)]
    return [json_text(values, "messages") for values in objects]


def _value(thread: Thread, name: str, value: object) -> object:
    if value is None:
        return thread.found_in if name == "folder" else None
    if name in _COUNTS:
        return _fitting(getattr(thread, name))
    if name in _FLAGS:
        return getattr(thread, name)
    return _link(_text(value)) if name == "link" else _text(value)


def _fitting(value: int | None) -> int | None:
    return value if value is not None and _LEAST <= value <= _MOST else None


def _listed(edge: object) -> list[Any]:
    """The people of an edge, or of a list without one."""
    listed = edge.get("data") if type(edge) is dict else edge
    return listed if type(listed) is list else []


_PERSON: Final = ("id", "name", "username", "email")


def _add_people(rows: ThreadRows, role: str, listed: Sequence[list[Any]]) -> None:
    """The people of one role, by thread."""
    counts, everybody = [*map(len, listed)], [*chain.from_iterable(listed)]
    threads = chain.from_iterable(map(repeat, rows.threads, counts))
    positions = chain.from_iterable(map(range, counts))
    if {dict}.issuperset(map(type, everybody)):
        columns = [[person.get(name) for person in everybody] for name in _PERSON]
        # With an id each.
        if all(_TEXT.issuperset(map(type, column)) for column in columns) and all(columns[0]):
            _add_told(rows.people, columns[0], list(zip(*columns, strict=True)))
            rows.sides += zip(threads, repeat(role), columns[0], positions)
            return
    for thread, person, position in zip(threads, everybody, positions, strict=True):
        if type(person) is dict and (key := _id_of(person)) is not None:
            _add_told(rows.people, [key], [(key, *[_text(person.get(name)) for name in _PERSON[1:]])])
            rows.sides.append((thread, role, key, position))


def _add_told(people: dict[str, Row], ids: Sequence[str], told: list[Row]) -> None:
    """What is told of people. Of the same person Meta may tell more in one place than in another."""
    new = dict(zip(ids, told, strict=True))
    if people.keys().isdisjoint(new) and [*map(new.get, ids)] == told:
        people |= new
        return
    for key, row in zip(ids, told, strict=True):
        known = people.get(key, row)
        people[key] = tuple([now if now is not None else old for now, old in zip(row, known, strict=True)])


def _id_of(person: Mapping[str, Any]) -> str | None:
    value = person.get("id")
    return value if type(value) is str and value else str(value) if type(value) is int else None


def _text(value: object) -> str | None:
    return value if type(value) is str else None


def time_text(value: object, owner: "Thread | Message") -> str | None:
    """A time as the tables hold it; as Meta writes it that is a matter of one letter."""
    if type(value) is str and len(value) == 24 and value[7] == "-" and value[10] == "T" and value[19:] == "+0000":
        try:
            datetime.fromisoformat(value[:19])
        except ValueError:
            return None
        return f"{value[:22]}:00"
    moment = owner.updated_time if isinstance(owner, Thread) else owner.created_time
    return None if moment is None else moment.isoformat()


def json_text(values: Mapping[str, Any], *without: str) -> str:
    """What Meta sent, apart from what has rows of its own."""
    if not values.keys().isdisjoint(without):
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


# Meta puts these into links and into the paging of nested edges. The Page's own token was masked where the answer came
# in; what proves the app's secret, and tokens that are not the caller's, are not known there.
_SECRET: Final = re.compile(r"((?:access_token|appsecret_proof)(?:=|%3[Dd]))[^&\s\"'\\<>]+")


def _masked(text: str) -> str:
    """Without the values of parameters that let others in; words of people are in columns of their own."""
    return _SECRET.sub(rf"\1{Secret.MASK}", text) if _lets_in(text) else text


def _lets_in(text: str) -> bool:
    """Whether such a parameter may be in it."""
    return "access_token" in text or "appsecret_proof" in text


def _link(text: str | None) -> str | None:
    return None if text is None else _masked(text)


# -- messages ----------------------------------------------------------------------------------------------------------

MESSAGE_COLUMNS: Final = (
    *("created_time", "from_id", "from_name", "message", "sticker", "reply_to"),
    *("is_unsupported", "unavailable", "raw"),
)
ATTACHMENT_COLUMNS: Final = ("position", "kind", "id", "name", "mime_type", "size", "url")


def message_row(message: Message, *, raw: bool) -> Row:
    """MESSAGE_COLUMNS of one message."""
    values, sender, answered = message.raw, message.sender, message.reply_to
    return (
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
