"""The walk of one Inbox with its turn: what a listing keeps of each Inbox that is under way."""

import math
from collections.abc import Callable

from msgspec import field

from conversations_async.caller import Tries
from conversations_async.events import Event
from conversations_async.graph.requests import GraphRequest
from conversations_async.model import Inbox, Page, Platform, ThreadQuery
from conversations_async.paging import Read, ThreadWalk
from conversations_async.rounds import Expansion, Rounds
from conversations_async.values import Bundle


class Lane(Bundle):
    """The walk of one Inbox, with its turn."""

    inbox: Inbox
    page: Page
    rounds: Rounds
    query: ThreadQuery = field(default_factory=ThreadQuery)
    expansion: Expansion | None = None
    """The threads of the last thread page are being asked for their messages."""
    left_out: tuple[tuple[str, str | None], ...] = ()
    """Fields that Meta refused when a thread was asked for its messages."""
    tries: Tries = field(default_factory=Tries)
    calls: int = 0
    waited: float = 0.0
    ready_at: float = -math.inf
    """Not before this moment: a retry waits. The limits' own moment comes on top."""
    idle_since: float = 0.0
    unreadable: str | None = None
    failed: bool = False

    @property
    def walk(self) -> ThreadWalk:
        """The walk that is under way."""
        return self.rounds.walk

    @property
    def found_in(self) -> str | None:
        """The folder that is being listed, where one is named."""
        return self.rounds.folder

    def tell(self, tell: Callable[[Event], None]) -> None:
        """Tell what happened to the walk since it was last told."""
        if self.walk.told:
            told, self.walk.told = self.walk.told, []
            for event in told:
                tell(event)

    def next_request(self) -> GraphRequest:
        """What to ask now."""
        return (self.expansion or self.walk).next_request()

    def expand(self, read: Read) -> bool:
        """Ask for the messages of these threads, where they are wanted and the listing does not bring them."""
        wanted = self.query.asks_messages and self.inbox.platform is Platform.INSTAGRAM
        if wanted and read.page.threads:
            expansion = Expansion(self.page, self.inbox, self.query, read, self.left_out)
            self.expansion = None if expansion.done else expansion
        return self.expansion is not None
