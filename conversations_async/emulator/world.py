"""A seeded world of Pages: the same for the same seed, filled when first looked at.

Times come from the seed too, never from a clock.
"""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

import attrs

from conversations_async.emulator import demo
from conversations_async.emulator.manners import PLAIN, SURPRISES, Manners
from conversations_async.emulator.threads import PHRASES, InboxWorld, PersonWorld, ThreadWorld, new_thread, scatter
from conversations_async.model import Platform

BASE_TIME = datetime(2026, 5, 4, 13, 32, 8, tzinfo=UTC)
"""When the newest message of every seeded Inbox was written."""

TASKS = ("ANALYZE", "ADVERTISE", "MESSAGING", "MODERATE", "CREATE_CONTENT", "MANAGE")  # contract 6.9

Span = int | tuple[int, int]


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
    platforms: tuple[Platform, ...] = tuple(Platform)
    """Where the Page can be written to."""
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
    data_access_expires_at: int = 0


@attrs.frozen
class _Seeding:
    """How Inboxes are filled when they are first looked at."""

    seed: int
    threads: Mapping[Platform, Span]
    messages: Span
    folders: Mapping[str, Span]

    def inbox(self, page: PageWorld, platform: Platform) -> InboxWorld:
        """The Inbox as the seed has it, whatever else was looked at before."""
        chance = random.Random(f"{self.seed}/{page.id}/{platform}")
        sizes = {"inbox": _within(self.threads.get(platform, 0), chance)}
        if platform is Platform.MESSENGER:
            sizes |= {folder: _within(size, chance) for folder, size in self.folders.items()}
        account = page.account(platform)
        first = (page.number * len(Platform) + list(Platform).index(platform)) * 10_000_000
        filled: dict[str, list[ThreadWorld]] = {}
        rank = 0
        for folder, size in sizes.items():
            gaps = [0 if chance.random() < 0.05 else int(chance.random() * 7200) for _ in range(size)]
            moment = BASE_TIME - timedelta(seconds=sum(gaps))
            filled[folder] = listed = []
            for gap in gaps:
                rank += 1
                moment += timedelta(seconds=gap)
                listed.append(self._thread(page.id, platform, account, folder, first, rank, moment, chance))
        return InboxWorld(filled)

    def _thread(
        self,
        page_id: str,
        platform: Platform,
        account: PersonWorld,
        folder: str,
        first: int,
        rank: int,
        moment: datetime,
        chance: random.Random,
    ) -> ThreadWorld:
        draw = chance.random()
        return new_thread(
            page_id,
            platform,
            account,
            number=first + rank,
            folder=folder,
            moment=moment,
            rank=rank,
            messages=_within(self.messages, chance),
            unread=int(draw * 40) if draw < 0.1 else 0,
            hidden=0.1 <= draw < 0.11,
            alone=platform is Platform.INSTAGRAM and 0.11 <= draw < 0.12,
        )


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
        self._seeding = _Seeding(seed, {}, 3, {})
        self._arrived = 0
        self._manners: tuple[Manners, ...] = ()

    @classmethod
    def seeded(
        cls,
        pages: int = 2,
        threads: Span | Mapping[Platform, Span] = 30,
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

        *threads* may differ by platform; *folders* adds threads in Messenger's other folders; *token* names each Page's
        token; *surprises* gives the Pages after the first the manners of `SURPRISES` in order, with the illness in
        `page.surprise` and `name`.
        """
        world = cls(seed=seed, app_secret=app_secret)
        spans = threads if isinstance(threads, Mapping) else dict.fromkeys(Platform, threads)
        world._seeding = _Seeding(seed, spans, messages, dict(folders or {}))
        most = max(span if isinstance(span, int) else span[1] for span in spans.values())
        for place in range(pages):
            page_id = str(first_page_id + place)
            page = world.add_page(
                page_id,
                token=token(page_id) if token else None,
                platforms=platforms,
                engaged_users=most,
            )
            if surprises and 0 < place <= len(SURPRISES):
                page.surprise, page.manners = SURPRISES[place - 1]
                page.name = f"{page.name} ({page.surprise})"
        return world

    @classmethod
    def demo(cls, seed: int = 1) -> "World":
        """Twenty Pages on both platforms; some are ill, each in another way, and one has nearly used its calls up."""
        world = cls.seeded(pages=len(demo.NAMES), threads=demo.THREADS, messages=demo.MESSAGES, seed=seed)
        for page, name in zip(world.pages.values(), demo.NAMES, strict=True):
            page.name = name
        for page_id, (surprise, manners) in demo.ILL.items():
            world.pages[page_id].surprise, world.pages[page_id].manners = surprise, (manners,)
        page_id, surprise = demo.POISONED
        poisoned = world.threads(page_id, Platform.MESSENGER)[7]
        world.pages[page_id].surprise, world.pages[page_id].manners = surprise, (Manners(poisoned={poisoned.id}),)
        busy, manners = demo.BUSY
        world.pages[busy].manners = manners
        return world

    def add_page(
        self,
        page_id: str,
        *,
        name: str | None = None,
        token: str | None = None,
        platforms: Sequence[Platform] = tuple(Platform),
        engaged_users: int = 1,
    ) -> PageWorld:
        """A new Page, filled like the others of this world."""
        number = len(self._pages)
        instagram = Platform.INSTAGRAM in platforms
        page = PageWorld(
            page_id,
            name or f"Page {page_id}",
            token or "EAAG" + _secret(f"{self.seed}/page/{page_id}"),
            number,
            platforms=tuple(platforms),
            instagram_id="17841" + scatter(number, 12) if instagram else None,
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
            thread = new_thread(
                page.id, platform, page.account(platform), number=number, folder=folder, moment=self.now
            )
        else:
            thread = inbox.drop(thread_id)
        words = text if text is not None else PHRASES[self._arrived % len(PHRASES)]
        message = thread.message(thread.message_count + 1, self.now, thread.person, words)
        return inbox.put_first(
            attrs.evolve(
                thread, added=(message, *thread.added), updated_time=self.now, unread_count=thread.unread_count + 1
            )
        )

    def move(self, page_id: str, platform: Platform, thread_id: str, folder: str) -> ThreadWorld:
        """Put a thread into another folder without a new message, as marking it as done or as spam does."""
        return self.inbox(page_id, platform).move(thread_id, folder)

    def let_pass(
        self, page_id: str, platform: Platform, chance: random.Random, *, moved: int, new: int, gone: int
    ) -> None:
        """Some of an Inbox's life: messages in *moved* of its threads and from *new* people; *gone* threads deleted."""
        listed = [thread.id for thread in self.threads(page_id, platform)]
        for thread_id in chance.sample(listed, min(gone, len(listed))):
            self.remove(page_id, platform, thread_id)
            listed.remove(thread_id)
        arriving: list[str | None] = [*chance.sample(listed, min(moved, len(listed))), *[None] * new]
        chance.shuffle(arriving)
        for place in arriving:
            self.arrive(page_id, platform, place)

    def remove(self, page_id: str, platform: Platform, thread_id: str) -> ThreadWorld:
        """Delete a thread; raises KeyError for an unknown one."""
        return self.inbox(page_id, platform).drop(thread_id)


def _secret(seed: str) -> str:
    chance = random.Random(seed)
    return "".join(chance.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", k=60))
