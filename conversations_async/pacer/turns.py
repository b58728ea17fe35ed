"""What a session asks of a pacer: a turn in the line of an Inbox."""

from typing import Protocol

from conversations_async.model import Inbox
from conversations_async.values import Discreet, plain


@plain
class Turn(Discreet):
    """A place in the line of an Inbox. `at` is a moment of the event loop's clock.

    `granted`: send now. Otherwise wait until `at` and reserve again with this turn. Do not compare clocks instead: `at`
    may pass between the answer and the look, and the turn is not yours before it is granted.
    """

    _hidden = frozenset({"ticket"})

    inbox: Inbox
    at: float
    granted: bool = False
    ticket: object = None
    """The pacer's own."""


class Pacer(Protocol):
    """Says when a call may be sent, for more than one session. Every turn must be given back, also one not granted."""

    async def reserve(self, inbox: Inbox, *, slots: int, period: float, turn: Turn | None = None) -> Turn:
        """The next place in line, or how `turn` stands now. Never waits for the turn; cancelled, it is given back."""

    async def give_back(self, turn: Turn, *, sent: bool, linger: float = 0.0) -> None:
        """Answered just now, or never sent. `linger`: given up, and may still arrive within so many seconds."""

    async def aclose(self) -> None:
        """Calls still under way count as given up."""
