"""Virtual time for asyncio, and a Graph API in the same process: no socket, no sleep, the whole library above.

`looptime` does the same for any loop and steps finely; here a step of the loop is a jump to its next timer, which is
what runs of a hundred thousand calls need.
"""

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final, TypeVar

from attrs import define, field, frozen

from conversations_async import ConversationSession, Inbox, InboxErrors, LimitPolicy, Page, Platform
from conversations_async.events import Event
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.model import Secret

T = TypeVar("T")


# -- time --------------------------------------------------------------------------------------------------------------


_STEP: Final = 1e-10
"""Seconds that a step of the loop takes at least: were it none, who waits for a rounding error would wait for ever."""


class _Jump(selectors.SelectSelector):
    """Where a loop would sleep until its next timer, the time jumps there."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody waits and no timer is set: this would hang for ever")
        self.now += max(timeout, _STEP)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose clock moves only when nobody has anything to do. No input or output."""

    def __init__(self) -> None:
        self._jump = _Jump()
        super().__init__(self._jump)

    def time(self) -> float:
        return self._jump.now

    def advance(self, seconds: float) -> None:
        """Set the clock on by hand."""
        self._jump.now += seconds


def run_virtually(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work())


# -- a Graph API -------------------------------------------------------------------------------------------------------

Reply = tuple[int, Mapping[str, str], bytes]
_REFUSED: Final = b'{"error":{"message":"(#613) Calls to this api have exceeded the rate limit.","code":613}}'


@define(eq=False)
class Side:
    """The server's side of one Inbox: so many calls list it, a thread each."""

    calls: int
    ways: Callable[[], tuple[float, float]]
    window: Callable[[float], bool]


@frozen
class Call:
    """What the wire saw of one call, in loop time."""

    inbox: Inbox
    sent: float
    arrived: float
    received: float
    status: int


def rejects_nothing(_inbox: Inbox, _now: float) -> Reply | None:
    """Manners of a server with nothing but its window."""
    return None


@define(eq=False)
class InProcessGraph:
    """A transport that is the server as well. `manners` may answer an arrival in the listing's place."""

    sides: dict[Inbox, Side]
    manners: Callable[[Inbox, float], Reply | None] = rejects_nothing
    log: list[Call] = field(factory=list)
    """In the order of the answers."""
    refused: int = 0
    """By the windows."""

    async def send(self, request: GraphRequest, *, token: Secret) -> RawAnswer:
        """One call: there, judged, and back."""
        assert request.inbox is not None
        clock = asyncio.get_running_loop().time
        side = self.sides[request.inbox]
        there, back = side.ways()
        sent_at = clock()
        await asyncio.sleep(there)
        reply = self._judge(request, request.inbox, side, arrived := clock())
        await asyncio.sleep(back)
        self.log.append(Call(request.inbox, sent_at, arrived, received := clock(), reply[0]))
        return RawAnswer(*reply, sent_at, received)

    def _judge(self, request: GraphRequest, inbox: Inbox, side: Side, now: float) -> Reply:
        passed = side.window(now)
        if (reply := self.manners(inbox, now)) is not None:
            return reply
        if not passed:
            self.refused += 1
            return 400, {}, _REFUSED
        _, _, after = request.query.partition("&after=")
        place = int(after or 0) + 1
        link = ',"next":"https://graph.facebook.com/"' if place < side.calls else ""
        body = f'{{"data":[{{"id":"t_{place}"}}],"paging":{{"cursors":{{"after":"{place}"}}{link}}}}}'
        return 200, {}, body.encode()

    @property
    def wanted(self) -> int:
        """Threads that a whole listing brings."""
        return sum(side.calls for side in self.sides.values())

    def pages(self) -> list[Page]:
        """The Pages to list, in the order of the sides."""
        platforms: dict[str, list[Platform]] = {}
        for inbox in self.sides:
            platforms.setdefault(inbox.page_id, []).append(inbox.platform)
        return [Page(key, "token", platforms=tuple(each)) for key, each in platforms.items()]


# -- a listing ---------------------------------------------------------------------------------------------------------


@define(eq=False)
class Listing:
    """What a session made of a server: the moments of each Inbox's first and last thread page, and what happened."""

    first: dict[Inbox, float] = field(factory=dict)
    last: dict[Inbox, float] = field(factory=dict)
    threads: int = 0
    failed: int = 0
    events: list[Event] = field(factory=list)

    @property
    def seconds(self) -> float:
        return max(self.last.values())


def list_virtually(
    graph: InProcessGraph,
    *,
    limits: LimitPolicy | None = None,
    connections: int = 256,
    keep: Iterable[type[Event]] = (),
    seed: int = 1,
    meanwhile: Callable[[float], object] = lambda now: None,
) -> Listing:
    """List all of a server through a real session in virtual time. `keep`: the kinds of events to keep."""
    listing, kinds = Listing(), tuple(keep)

    def note(event: Event) -> None:
        if isinstance(event, kinds):
            listing.events.append(event)

    async def work() -> Listing:
        clock = asyncio.get_running_loop().time
        session = ConversationSession(transport=graph, limits=limits, connections=connections, on_event=note)
        async with session:
            try:
                async for page in session.thread_pages(graph.pages(), settle=False):
                    listing.threads += len(page.threads)
                    listing.first.setdefault(page.inbox, now := clock())
                    listing.last[page.inbox] = now
                    meanwhile(now)
            except InboxErrors as errors:
                listing.failed = len(errors.inboxes)
        return listing

    # The library spreads its pauses by the module's own dice.
    random.seed(seed)
    return run_virtually(work)
