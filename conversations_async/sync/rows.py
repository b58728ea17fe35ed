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
from operator import attrgetter
from typing import Any, Final

import orjson
from attrs import Factory, define, frozen

from conversations_async import fields as read_fields
from conversations_async.message import Attachment, Message
from conversations_async.model import Participant, Secret, Thread, UnavailableThread, thread_json
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

    Column by column, without a Python call for any value of most.
    """
    shown: dict[str, Thread] = {}
    hidden: dict[str, Thread] = {}
    for thread in threads:
        (hidden if isinstance(thread, UnavailableThread) else shown)[thread.id] = thread
    found = list(shown.values())
    columns: list[Iterable[object]] = [shown, _times(found), *(_column(name, found) for name in asked.columns)]
    if raw:
        columns.append(_raws(found))
    rows = ThreadRows(
        dict(zip(shown, zip(*columns, strict=True), strict=True)),
        {key: time_text(thread.version, thread) for key, thread in hidden.items()},
    )
    for name, role in asked.roles:
        _add_people(rows, role, [*map(attrgetter(name), found)])
    return rows


_AS_META_WRITES: Final = re.compile(r"(?:[0-9-]{10}T[0-9:]{8}\+0000\n)*")


def _times(threads: Sequence[Thread]) -> list[str | None]:
    """`updated_time` of all threads."""
    found: list[Any] = [*map(attrgetter("version"), threads)]
    with suppress(TypeError, ValueError):
        lines = "\n".join((*found, ""))
        if _AS_META_WRITES.fullmatch(lines):
            deque(map(datetime.fromisoformat, found), maxlen=0)  # raises for a thirteenth month
            return [*lines.replace("+0000", "+00:00").splitlines()]
    return [time_text(value, thread) for value, thread in zip(found, threads, strict=True)]


_LEAST, _MOST = -(2**63), 2**63 - 1


def _column(name: str, threads: Sequence[Thread]) -> list[Any]:
    """A field of all threads."""
    found: list[Any] = [*map(attrgetter(name), threads)]
    if name == "folder":
        # Where it is left out, what was listed tells it.
        return [thread.found_in if folder is None else folder for folder, thread in zip(found, threads, strict=True)]
    if name == "link" and _lets_in("\n".join(filter(None, found))):
        return list(map(_link, found))
    return list(map(_fitting, found)) if name in _COUNTS else found


def _raws(threads: Sequence[Thread]) -> list[str]:
    """What Meta sent of all threads, apart from messages."""
    if not any(map(attrgetter("has_messages"), threads)):
        with suppress(TypeError, ValueError, OverflowError, RecursionError):
            return [_masked(each) for each in map(thread_json, threads)]
    return [json_text(thread.raw, "messages") for thread in threads]


def _fitting(value: int | None) -> int | None:
    return value if value is not None and _LEAST <= value <= _MOST else None


_PERSON: Final = ("id", "name", "username", "email")
_of_person: Final = attrgetter(*_PERSON)


def _add_people(rows: ThreadRows, role: str, listed: Sequence[tuple[Participant, ...]]) -> None:
    """The people of one role, by thread."""
    told: list[Row] = [*map(_of_person, chain.from_iterable(listed))]
    counts = [*map(len, listed)]
    ids = [person[0] for person in told]
    sides = zip(
        chain.from_iterable(map(repeat, rows.threads, counts)),
        repeat(role),
        ids,
        chain.from_iterable(map(range, counts)),
        strict=False,  # the role is endless
    )
    if all(ids):
        _add_told(rows.people, ids, told)
        rows.sides += sides
        return
    # Whoever has no id is nobody to be found again.
    _add_told(rows.people, [*filter(None, ids)], [person for person in told if person[0]])
    rows.sides += [side for side in sides if side[2]]


def _add_told(people: dict[str, Row], ids: Sequence[str], told: list[Row]) -> None:
    """What is told of people. Of the same person Meta may tell more in one place than in another."""
    new = dict(zip(ids, told, strict=True))
    if people.keys().isdisjoint(new) and [*map(new.get, ids)] == told:
        people |= new
        return
    for key, row in zip(ids, told, strict=True):
        known = people.get(key, row)
        people[key] = tuple([now if now is not None else old for now, old in zip(row, known, strict=True)])


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
        return _masked(orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode())
    except TypeError:
        pass
    try:
        # A number beyond 64 bits, or more than 254 levels.
        return _masked(json.dumps(values, ensure_ascii=False, separators=(",", ":"), sort_keys=True))
    except RecursionError:
        flat = {name: value for name, value in values.items() if isinstance(value, str | int | float)}
        return _masked(json.dumps(flat, sort_keys=True))


def says_else(text: str | None, known: str | None) -> bool:
    """Whether two of these differ in more than the order of their fields, which no way of decoding promises."""
    if text == known or text is None or known is None:
        return text != known
    try:
        return bool(json.loads(text) != json.loads(known))
    except (ValueError, RecursionError):  # what is held was written by somebody else
        return True


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
