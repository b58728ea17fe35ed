"""People, messages and threads, and the Inbox that keeps threads in order.

An Inbox's threads lie oldest first by rank, a number that only grows: what is newest ends the list, and a message moves
its thread there.
"""

import bisect
import functools
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import attrs

from conversations_async.emulator.wire import meta_base64, wire_time
from conversations_async.model import Platform

FOLDERS = ("inbox", "other", "page_done", "spam")  # contract 1.1

_FIRST_NAMES = (
    "Ada",
    "Bilal",
    "Chiara",
    "Đạt",
    "Éloïse",
    "Fatou",
    "Giorgos",
    "Hana",
    "Ivo",
    "José",
    "Keiko",
    "Łucja",
    "Маша",
    "Noor",
)
_LAST_NAMES = (
    "Lovelace",
    "Haddad",
    "Rossi",
    "Nguyễn",
    "Dupont",
    "Diop",
    "Nikolaou",
    "Sato",
    "Novák",
    "García",
    "山田",
    "Zając",
)
PHRASES = (
    "Are you open on Sunday?",
    "Merci beaucoup !",
    "Is this still available? 🙂",
    "¿Cuánto cuesta el envío?",
    "هل يوجد توصيل؟",
    "Thanks, see you then.",
    "配送はいつですか",
    "I sent the form at https://example.com/form?a=1&b=2",
    "12345",
    'She said "hello" \\ and left',
    "Möchten Sie einen Termin?",
    "ok",
)
# What one message in ten is, in turn (contract 2.2).
_KINDS = ("image", "sticker", "video", "share", "file", "story", "reaction", "reply", "unsupported", "template")


def scatter(number: int, digits: int) -> str:
    """A digit string that looks random; different numbers give different strings."""
    room = 10 ** (digits - 1)
    return str(room + number * 6_364_136_223_846_793 % room)


@attrs.frozen
class PersonWorld:
    """Somebody who writes, or the Page itself."""

    id: str
    name: str
    username: str

    @property
    def email(self) -> str:
        """What Messenger shows in place of an address (contract 2.1)."""
        return f"{self.id}@facebook.com"


@attrs.frozen
class MessageWorld:
    """One message; `kind` is `text` or what stands in its place."""

    id: str
    created_time: datetime
    sender: PersonWorld
    recipient: PersonWorld
    text: str
    kind: str
    item: str
    """The item's number: what Instagram's cursors and ids are made of (contract 2.4)."""


@attrs.frozen
class ThreadWorld:
    """One thread as it stands now; a new message makes a new version of it."""

    id: str
    number: int
    platform: Platform
    page_id: str
    account: PersonWorld
    person: PersonWorld
    folder: str
    updated_time: datetime
    rank: int
    seeded_messages: int
    seeded_until: datetime
    added: tuple[MessageWorld, ...] = ()
    unread_count: int = 0
    alone: bool = False
    """Whether only the Page's side is listed among the participants, as one recorded thread has it."""

    @property
    def participants(self) -> tuple[PersonWorld, ...]:
        """Both sides: the person first on Messenger, the account first on Instagram (contract 2.1)."""
        if self.alone:
            return (self.account,)
        if self.platform is Platform.INSTAGRAM:
            return (self.account, self.person)
        return (self.person, self.account)

    @property
    def message_count(self) -> int:
        """How many messages the thread holds."""
        return len(self.added) + self.seeded_messages

    @functools.cached_property
    def snippet(self) -> str:
        """The newest message in words."""
        if self.added:
            newest, kind, sender = self.added[0].text, self.added[0].kind, self.added[0].sender
        elif self.seeded_messages:
            kind, newest = _contents(self.number, 0)
            sender = self._sender(0)
        else:
            return ""
        return f"{sender.name} sent a sticker." if kind == "sticker" else newest

    @property
    def link(self) -> str:
        """A path within the site, whose number is not the thread's id (contract 2.1)."""
        return f"/{self.page_id}/inbox/{scatter(self.number + 1, 16)}/"

    @functools.cached_property
    def updated_time_wire(self) -> str:
        """`updated_time` as it goes over the wire."""
        return wire_time(self.updated_time)

    @functools.cached_property
    def participants_wire(self) -> list[dict[str, Any]]:
        """The participants as they go over the wire."""
        return people(self.participants, self.platform)

    @functools.cached_property
    def messages(self) -> tuple[MessageWorld, ...]:
        """Every message, newest first."""
        return self.added + tuple(self._seeded(place) for place in range(self.seeded_messages))

    def _sender(self, place: int) -> PersonWorld:
        return self.account if (self.number + place) % 3 == 1 else self.person

    def _seeded(self, place: int) -> MessageWorld:
        kind, text = _contents(self.number, place)
        sender = self._sender(place)
        gap = 60 + self.number * 37 % 4000
        moment = self.seeded_until - timedelta(seconds=place * gap)
        return self.message(self.seeded_messages - place, moment, sender, text, kind)

    def message(self, count: int, moment: datetime, sender: PersonWorld, text: str, kind: str = "text") -> MessageWorld:
        """The thread's message number *count*, from one side to the other."""
        item = "33" + scatter(self.number * 100_003 + count, 33)
        if self.platform is Platform.INSTAGRAM:
            message_id = meta_base64(
                f"ig_dm_item:1:IGMessageID:{self.account.id}:{_dm_number(self.number)}:{item}".encode()
            )
        else:
            message_id = "m_" + _messenger_tail(self.number, count)
        recipient = self.person if sender is self.account else self.account
        return MessageWorld(message_id, moment, sender, recipient, text, kind, item)


def _contents(number: int, place: int) -> tuple[str, str]:
    turn = number * 7 + place
    text = PHRASES[turn * 5 % len(PHRASES)]
    if turn % 10:
        return "text", text
    kind = _KINDS[turn // 10 % len(_KINDS)]
    return kind, text if kind in ("reply", "reaction") else ""


def _dm_number(number: int) -> str:
    return "340282366841710300949128" + scatter(number, 15)


_TAIL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def _messenger_tail(number: int, count: int) -> str:
    seed = (number << 24) + count
    letters: list[str] = []
    for _ in range(14):
        seed, digit = divmod(seed, 64)
        letters.append(_TAIL[(digit + len(letters) * 17) % 64])
    return "".join(letters) + "k3mXq9Zw-TrYb_2LhVfNs8JcPdGuA1eK7iOxQ0HtRlWz5DyBnSgCvMaUoE4jF6pI"


class InboxWorld:
    """The threads of one Page on one platform, per folder, oldest first by rank."""

    def __init__(self, threads: Mapping[str, list[ThreadWorld]]) -> None:
        self.folders = {folder: list(threads.get(folder, ())) for folder in FOLDERS}
        self.by_id = {thread.id: thread for listed in self.folders.values() for thread in listed}
        self._top = max((thread.rank for thread in self.by_id.values()), default=0)

    def place(self, thread: ThreadWorld) -> int:
        """Where the thread lies in its folder, oldest first."""
        return bisect.bisect_left(self.folders[thread.folder], thread.rank, key=attrgetter("rank"))

    def drop(self, thread_id: str) -> ThreadWorld:
        """Take a thread out; raises KeyError for an unknown one."""
        thread = self.by_id.pop(thread_id)
        del self.folders[thread.folder][self.place(thread)]
        return thread

    def move(self, thread_id: str, folder: str) -> ThreadWorld:
        """Put a thread into another folder, among those of its age; raises KeyError for an unknown one."""
        if folder not in self.folders:
            raise KeyError(folder)
        moved = attrs.evolve(self.drop(thread_id), folder=folder)
        self.folders[folder].insert(self.place(moved), moved)
        self.by_id[moved.id] = moved
        return moved

    def put_first(self, thread: ThreadWorld) -> ThreadWorld:
        """Make *thread* the newest of its folder."""
        self._top += 1
        newest = attrs.evolve(thread, rank=self._top)
        self.folders[thread.folder].append(newest)
        self.by_id[newest.id] = newest
        return newest


def new_thread(
    page_id: str,
    platform: Platform,
    account: PersonWorld,
    *,
    number: int,
    folder: str,
    moment: datetime,
    rank: int = 0,
    messages: int = 0,
    unread: int = 0,
    hidden: bool = False,
    alone: bool = False,
) -> ThreadWorld:
    """Thread *number* of the world, with the person whom that number makes; *hidden* people have no name."""
    if platform is Platform.INSTAGRAM:
        thread_id = meta_base64(f"ig_dm:{_dm_number(number)}".encode())
    else:
        thread_id = "t_" + scatter(number, 17)
    first = _FIRST_NAMES[number * 5 % len(_FIRST_NAMES)]
    name = "Facebook User" if hidden else f"{first} {_LAST_NAMES[number * 7 % len(_LAST_NAMES)]}"  # contract 2.1
    person = PersonWorld(scatter(number + 3, 16), name, f"someone.{number}")
    return ThreadWorld(
        thread_id,
        number,
        platform,
        page_id,
        account,
        person,
        folder,
        moment,
        rank,
        messages,
        moment,
        unread_count=unread,
        alone=alone,
    )


def people(persons: Iterable[PersonWorld], platform: Platform) -> list[dict[str, Any]]:
    """People as the wire has them: `{name,email,id}` on Messenger, `{username,id}` on Instagram (contract 2.1)."""
    if platform is Platform.INSTAGRAM:
        return [{"username": person.username, "id": person.id} for person in persons]
    return [{"name": person.name, "email": person.email, "id": person.id} for person in persons]
