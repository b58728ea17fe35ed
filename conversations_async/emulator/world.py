"""A seeded world: Pages, people, threads and messages, the same for the same seed, made when first looked at.

An Inbox's threads lie oldest first by rank, a number that only grows: what is newest ends the list, and a message moves its
thread there. Times come from the seed too, never from a clock.
"""

import bisect
import functools
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from types import MappingProxyType
from typing import Any

import attrs

from conversations_async.emulator.manners import DEMO, PLAIN, SURPRISES, Manners
from conversations_async.emulator.wire import meta_base64, wire_time
from conversations_async.model import Platform

BASE_TIME = datetime(2026, 5, 4, 13, 32, 8, tzinfo=UTC)
"""When the newest message of every seeded Inbox was written."""

FOLDERS = ("inbox", "other", "page_done", "spam")  # contract 1.1
TASKS = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")  # contract 6.9

Span = int | tuple[int, int]

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
_PHRASES = (
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


def _scatter(number: int, digits: int) -> str:
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

    @property
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
        return f"/{self.page_id}/inbox/{_scatter(self.number + 1, 16)}/"

    @functools.cached_property
    def updated_time_wire(self) -> str:
        """`updated_time` as it goes over the wire."""
        return wire_time(self.updated_time)

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
        item = "33" + _scatter(self.number * 100_003 + count, 33)
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
    text = _PHRASES[turn * 5 % len(_PHRASES)]
    if turn % 10:
        return "text", text
    kind = _KINDS[turn // 10 % len(_KINDS)]
    return kind, text if kind in ("reply", "reaction") else ""


def _dm_number(number: int) -> str:
    return "340282366841710300949128" + _scatter(number, 15)


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

    def put_first(self, thread: ThreadWorld) -> ThreadWorld:
        """Make *thread* the newest of its folder."""
        self._top += 1
        newest = attrs.evolve(thread, rank=self._top)
        self.folders[thread.folder].append(newest)
        self.by_id[newest.id] = newest
        return newest


def _manners(value: Manners | Iterable[Manners] | None) -> tuple[Manners, ...]:
    if value is None or value is PLAIN:
        return ()
    return (value,) if isinstance(value, Manners) else tuple(value)


@attrs.define(eq=False)
class PageWorld:
    """One Page: who it is, its tokens, and its manners, which a test may set at any moment."""

    id: str
    name: str
    _token: str = attrs.field(repr=False)
    number: int
    instagram_id: str | None = None
    instagram_token: str | None = attrs.field(default=None, repr=False)
    tasks: tuple[str, ...] = TASKS
    engaged_users: int = 1
    surprise: str | None = None
    """What is ill about it, in words, where `surprises=True` made it so."""
    _manners: tuple[Manners, ...] = attrs.field(default=(), converter=_manners)
    former_tokens: set[str] = attrs.field(factory=set, repr=False)
    inboxes: dict[Platform, InboxWorld] = attrs.field(factory=dict, repr=False)

    @property
    def token(self) -> str:
        """The Page token; setting another makes the old one an expired one (190/463)."""
        return self._token

    @token.setter
    def token(self, token: str) -> None:
        self.former_tokens.add(self._token)
        self._token = token

    @property
    def manners(self) -> tuple[Manners, ...]:
        """How this Page behaves: set one `Manners` or several, which are consulted in order."""
        return self._manners

    @manners.setter
    def manners(self, manners: Manners | Iterable[Manners] | None) -> None:
        self._manners = _manners(manners)

    @property
    def platforms(self) -> tuple[Platform, ...]:
        """Where the Page can be written to."""
        return tuple(Platform) if self.instagram_id else (Platform.MESSENGER,)

    @property
    def username(self) -> str:
        """The Instagram account's name."""
        return f"page.{self.id}"

    def account(self, platform: Platform) -> PersonWorld:
        """The Page's own side of a conversation."""
        if platform is Platform.INSTAGRAM:
            return PersonWorld(self.instagram_id or self.id, self.name, self.username)
        return PersonWorld(self.id, self.name, self.username)


@attrs.define(eq=False)
class UserWorld:
    """The person whose user token sees the Pages in `/me/accounts`."""

    id: str
    name: str
    token: str = attrs.field(repr=False)
    scopes: tuple[str, ...] = (
        "pages_show_list",
        "pages_messaging",
        "pages_read_engagement",
        "pages_manage_metadata",
        "instagram_basic",
        "instagram_manage_messages",
    )
    expires_at: int = 0


@attrs.frozen
class _Seeding:
    """How Inboxes are filled when they are first looked at."""

    seed: int
    threads: Span
    messages: Span
    folders: Mapping[str, Span]

    def inbox(self, page: PageWorld, platform: Platform) -> InboxWorld:
        chance = random.Random(f"{self.seed}/{page.id}/{platform}")
        sizes = {"inbox": _within(self.threads, chance)}
        if platform is Platform.MESSENGER:
            sizes |= {folder: _within(size, chance) for folder, size in self.folders.items()}
        account = page.account(platform)
        first = (page.number * len(Platform) + list(Platform).index(platform)) * 10_000_000
        rank, filled = 0, {}
        for folder, size in sizes.items():
            gaps = [0 if chance.random() < 0.05 else int(chance.random() * 7200) for _ in range(size)]
            moment = BASE_TIME - timedelta(seconds=sum(gaps))
            listed = []
            for gap in gaps:
                rank += 1
                moment += timedelta(seconds=gap)
                listed.append(self._thread(page, platform, account, first + rank, folder, moment, rank, chance))
            filled[folder] = listed
        return InboxWorld(filled)

    def _thread(
        self,
        page: PageWorld,
        platform: Platform,
        account: PersonWorld,
        number: int,
        folder: str,
        moment: datetime,
        rank: int,
        chance: random.Random,
    ) -> ThreadWorld:
        draw = chance.random()
        return _new_thread(
            page, platform, account, number, folder, moment, rank,
            messages=_within(self.messages, chance), unread=int(draw * 40) if draw < 0.1 else 0, hidden=0.1 <= draw < 0.11,
            alone=platform is Platform.INSTAGRAM and 0.11 <= draw < 0.12,
        )  # fmt: skip


def _new_thread(
    page: PageWorld, platform: Platform, account: PersonWorld, number: int, folder: str, moment: datetime, rank: int,
    *, messages: int, unread: int = 0, hidden: bool = False, alone: bool = False,
) -> ThreadWorld:  # fmt: skip
    if platform is Platform.INSTAGRAM:
        thread_id = meta_base64(f"ig_dm:{_dm_number(number)}".encode())
    else:
        thread_id = "t_" + _scatter(number, 17)
    first = _FIRST_NAMES[number * 5 % len(_FIRST_NAMES)]
    name = "Facebook User" if hidden else f"{first} {_LAST_NAMES[number * 7 % len(_LAST_NAMES)]}"  # contract 2.1
    person = PersonWorld(_scatter(number + 3, 16), name, f"someone.{number}")
    return ThreadWorld(
        thread_id, number, platform, page.id, account, person, folder, moment, rank, messages, moment,
        unread_count=unread, alone=alone,
    )  # fmt: skip


def _within(size: Span, chance: random.Random) -> int:
    return size if isinstance(size, int) else chance.randint(*size)


class World:
    """Everything the emulator knows; `World.seeded` fills one."""

    def __init__(self, *, seed: int = 0, app_secret: str | None = None) -> None:
        self.seed = seed
        self.app_id = "1234567890123456"
        self.app_secret = app_secret
        self.now = BASE_TIME
        self.arrival_step = timedelta(seconds=1)
        """How far apart arrivals lie; zero makes them share a moment."""
        self.user = UserWorld("10158000000000001", "Robin Admin", "EAAU" + _secret(f"{seed}/user"))
        self._pages: dict[str, PageWorld] = {}
        self._by_instagram: dict[str, PageWorld] = {}
        self._by_token: dict[str, PageWorld] = {}
        self._seeding = _Seeding(seed, 0, 3, {})
        self._arrived = 0
        self._manners: tuple[Manners, ...] = ()

    @classmethod
    def seeded(
        cls,
        pages: int = 2,
        threads: Span = 30,
        seed: int = 1,
        platforms: Sequence[Platform] = (Platform.MESSENGER, Platform.INSTAGRAM),
        messages: Span = 3,
        first_page_id: int = 1001,
        folders: Mapping[str, Span] | None = None,
        token: Callable[[str], str] | None = None,
        app_secret: str | None = None,
        surprises: bool = False,
    ) -> "World":
        """*pages* Pages with *threads* threads (a number or a range) per Inbox, the same for the same *seed*.

        *folders* adds threads in Messenger's other folders; *token* names each Page's token; *surprises* gives the Pages after
        the first the manners of `SURPRISES` in order, each with its illness in `page.surprise` and in its name.
        """
        world = cls(seed=seed, app_secret=app_secret)
        world._seeding = _Seeding(seed, threads, messages, dict(folders or {}))
        most = threads if isinstance(threads, int) else threads[1]
        for place in range(pages):
            page_id = str(first_page_id + place)
            page = world.add_page(
                page_id,
                token=token(page_id) if token else None,
                instagram=Platform.INSTAGRAM in platforms,
                engaged_users=most,
            )
            if surprises and 0 < place <= len(SURPRISES):
                page.surprise, page.manners = SURPRISES[place - 1]
                page.name = f"{page.name} ({page.surprise})"
        return world

    @classmethod
    def demo(cls, seed: int = 1) -> "World":
        """Some twenty Pages on both platforms, one with a dead token and one met by 80006 for a few seconds."""
        world = cls.seeded(pages=20, threads=(5, 90), seed=seed)
        for page_id, (surprise, manners) in zip(("1007", "1013"), DEMO, strict=True):
            page = world.pages[page_id]
            page.surprise, page.manners = surprise, (manners,)
        return world

    def add_page(
        self,
        page_id: str,
        *,
        name: str | None = None,
        token: str | None = None,
        instagram: bool = True,
        engaged_users: int = 1,
    ) -> PageWorld:
        """A new Page, filled like the others of this world."""
        number = len(self._pages)
        page = PageWorld(
            page_id,
            name or f"Page {page_id}",
            token or "EAAG" + _secret(f"{self.seed}/page/{page_id}"),
            number,
            instagram_id="17841" + _scatter(number, 12) if instagram else None,
            instagram_token="IGAA" + _secret(f"{self.seed}/instagram/{page_id}") if instagram else None,
            engaged_users=engaged_users,
        )
        self._pages[page_id] = page
        if page.instagram_id:
            self._by_instagram[page.instagram_id] = page
        return page

    @property
    def pages(self) -> Mapping[str, PageWorld]:
        """The Pages by id."""
        return MappingProxyType(self._pages)

    @property
    def manners(self) -> tuple[Manners, ...]:
        """Manners of every Page, after each Page's own: an outage, say."""
        return self._manners

    @manners.setter
    def manners(self, manners: Manners | Iterable[Manners] | None) -> None:
        self._manners = _manners(manners)

    @property
    def surprises(self) -> Mapping[str, str]:
        """What is ill, by Page id."""
        return {page.id: page.surprise for page in self._pages.values() if page.surprise}

    def page_of(self, any_id: str) -> PageWorld | None:
        """The Page with this id, or with this Instagram account."""
        return self._pages.get(any_id) or self._by_instagram.get(any_id)

    def page_of_token(self, token: str) -> PageWorld | None:
        """The Page that *token* speaks for, on either host; None for any other token."""
        page = self._by_token.get(token)
        if page is None or token not in (page.token, page.instagram_token):
            self._by_token = {page.token: page for page in self._pages.values()}
            self._by_token |= {page.instagram_token: page for page in self._pages.values() if page.instagram_token}
            page = self._by_token.get(token)
        return page

    def inbox(self, page_id: str, platform: Platform) -> InboxWorld:
        """The Inbox itself, filled at first sight; raises KeyError for an unknown Page."""
        page = self.page_of(page_id)
        if page is None:
            raise KeyError(page_id)
        inbox = page.inboxes.get(platform)
        if inbox is None:
            listed = platform in page.platforms
            inbox = page.inboxes[platform] = self._seeding.inbox(page, platform) if listed else InboxWorld({})
        return inbox

    def threads(self, page_id: str, platform: Platform, folder: str = "inbox") -> list[ThreadWorld]:
        """What must be listed, newest first."""
        return self.inbox(page_id, platform).folders[folder][::-1]

    def arrive(
        self,
        page_id: str,
        platform: Platform,
        thread_id: str | None = None,
        *,
        text: str | None = None,
        folder: str = "inbox",
    ) -> ThreadWorld:
        """A new message: in *thread_id*, which it moves to the head, or from somebody new, which makes a thread."""
        inbox = self.inbox(page_id, platform)
        page = self.page_of(page_id)
        assert page is not None
        self._arrived += 1
        self.now += self.arrival_step
        if thread_id is None:
            number = (page.number * 2 + list(Platform).index(platform)) * 10_000_000 + 5_000_000 + self._arrived
            thread = _new_thread(page, platform, page.account(platform), number, folder, self.now, 0, messages=0)
        else:
            thread = inbox.drop(thread_id)
        words = text if text is not None else _PHRASES[self._arrived % len(_PHRASES)]
        message = thread.message(thread.message_count + 1, self.now, thread.person, words)
        return inbox.put_first(
            attrs.evolve(
                thread, added=(message, *thread.added), updated_time=self.now, unread_count=thread.unread_count + 1
            )
        )

    def remove(self, page_id: str, platform: Platform, thread_id: str) -> ThreadWorld:
        """Delete a thread; raises KeyError for an unknown one."""
        return self.inbox(page_id, platform).drop(thread_id)


def _secret(seed: str) -> str:
    chance = random.Random(seed)
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=60))


def people(persons: Iterable[PersonWorld], platform: Platform) -> list[dict[str, Any]]:
    """People as the wire has them: `{name,email,id}` on Messenger, `{username,id}` on Instagram (contract 2.1)."""
    if platform is Platform.INSTAGRAM:
        return [{"username": person.username, "id": person.id} for person in persons]
    return [{"name": person.name, "email": person.email, "id": person.id} for person in persons]
