"""What a call is about: the Page, thread or message that its path names."""

import itertools
from collections.abc import Iterable

import attrs

from conversations_async.emulator.asks import Ask, platform_asked
from conversations_async.emulator.manners import CallKind
from conversations_async.emulator.threads import MessageWorld, ThreadWorld
from conversations_async.emulator.world import PageWorld, World
from conversations_async.model import Platform


@attrs.frozen
class Target:
    """What a call is about."""

    kind: CallKind
    page: PageWorld | None = None
    platform: Platform | None = None
    thread: ThreadWorld | None = None
    message: MessageWorld | None = None
    edge: str | None = None
    object_id: str = ""


class Targets:
    """Finds what paths name in one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._threads_of: dict[str, ThreadWorld] = {}

    def of(self, ask: Ask, segments: list[str]) -> Target:
        """What the path names, as far as this server knows it; whether the token may see it is asked later."""
        world = self._world
        owner = world.page_of_token(ask.token) if ask.token else None
        first = segments[0] if segments else ""
        edge = segments[1] if len(segments) > 1 else None
        platform = platform_asked(ask)
        if not first and owner is not None and ask.ids:
            return attrs.evolve(self.within(owner, ask.ids[0], None), object_id="")
        if first in ("", "debug_token") or (first == "me" and owner is None):
            return Target(CallKind.ACCOUNTS if edge == "accounts" else CallKind.OTHER, edge=edge, object_id=first)
        page = owner if first == "me" else world.page_of(first)
        if page is not None:
            if edge in ("conversations", "threads"):
                return Target(CallKind.LISTING, page, platform, edge=edge, object_id=first)
            return Target(CallKind.PAGE, page, None, edge=edge, object_id=first)
        if owner is None:
            return Target(CallKind.THREAD, edge=edge, object_id=first)
        return self.within(owner, first, edge)

    def within(self, owner: PageWorld, object_id: str, edge: str | None) -> Target:
        """The thread or message of *owner* with this id; a target without either where there is none."""
        for platform in owner.platforms:
            thread = self._world.inbox(owner.id, platform).by_id.get(object_id)
            if thread is not None:
                kind = CallKind.MESSAGES if edge == "messages" else CallKind.THREAD
                return Target(kind, owner, platform, thread, edge=edge, object_id=object_id)
        found = self._message(owner, object_id)
        if found is not None:
            thread, message = found
            return Target(CallKind.MESSAGE, owner, thread.platform, thread, message, edge, object_id)
        kind = CallKind.MESSAGES if edge == "messages" else CallKind.THREAD
        platform = Platform.MESSENGER if object_id.startswith(("t_", "m_")) else Platform.INSTAGRAM
        return Target(kind, owner, platform, edge=edge, object_id=object_id)

    def _message(self, owner: PageWorld, message_id: str) -> tuple[ThreadWorld, MessageWorld] | None:
        known = self._threads_of.get(message_id)
        threads: Iterable[ThreadWorld]
        if known is not None:
            current = self._world.inbox(known.page_id, known.platform).by_id.get(known.id)
            threads = (current,) if current is not None and known.page_id == owner.id else ()
        elif message_id.startswith(("m_", "aWdfZAG1")):
            threads = itertools.chain.from_iterable(
                self._world.inbox(owner.id, platform).by_id.values() for platform in owner.platforms
            )
        else:
            threads = ()
        for thread in threads:
            for message in thread.messages:
                if message.id == message_id:
                    return thread, message
        return None

    def remember(self, message: MessageWorld, thread: ThreadWorld) -> None:
        """Where a message lies, so that a later call for it need not search every thread."""
        self._threads_of[message.id] = thread
