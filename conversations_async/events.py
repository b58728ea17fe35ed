"""What happened, as small frozen records for hooks, progress and logs. No token, no URL, no text of people.

`ConversationSession(on_event=…)` is called with each, in the session's own loop: it must not block. What it raises
is logged and goes no further.
"""

from typing import TypeAlias

from conversations_async.errors import ConversationsError
from conversations_async.pages import Inbox
from conversations_async.pools import Pool
from conversations_async.values import Plain, plain


@plain
class _OfInbox(Plain):
    """All that some of them tell."""

    inbox: Inbox


@plain
class CallAnswered(Plain):
    """One call brought an answer, be it a refusal. `seconds` from sending to the whole answer."""

    inbox: Inbox | None
    what: str
    status: int
    seconds: float
    size: int


@plain
class ThreadPageRead(Plain):
    """A thread page was read; `more` says whether Meta has more."""

    inbox: Inbox
    threads: int
    more: bool
    settling: bool


@plain
class ThreadUnreadable(Plain):
    """An entry of an answer was no thread: `path` says where and why. Its neighbours are not affected."""

    inbox: Inbox
    path: str


@plain
class FieldRefused(Plain):
    """A field does not exist on this platform or for this login: the same place is asked again without it."""

    inbox: Inbox
    field: str


@plain
class MessagesMissing(Plain):
    """The messages of one thread were asked for and could not be had: it comes without them."""

    inbox: Inbox
    thread_id: str
    error: ConversationsError


@plain
class TaskMissing(Plain):
    """A Page of a user token cannot be read as it is: its person lacks the task, or Meta gave no token for it."""

    page_id: str
    tasks: tuple[str, ...]
    has_token: bool
    task: str = "MESSAGING"


@plain
class Waiting(Plain):
    """A call waits `seconds` for a pool that is closed or eased."""

    inbox: Inbox
    pool: Pool
    seconds: float


@plain
class Refused(Plain):
    """A pool refused a call. `seconds` until it is asked again; `stated` says whether that is Meta's word."""

    inbox: Inbox | None
    pool: Pool
    code: int | None
    seconds: float
    stated: bool


@plain
class Eased(Plain):
    """A pool is nearly full: its calls are spaced by so many seconds; 0: it is no more, and the full pace is back."""

    pool: Pool
    percent: float
    spacing: float


@plain
class GateOpened(Plain):
    """A pool that was closed answers again: its probe has passed."""

    pool: Pool


@plain
class Retrying(Plain):
    """A call failed and is asked again in `seconds`."""

    inbox: Inbox | None
    error: ConversationsError
    attempt: int
    seconds: float


@plain
class AskingForLess(Plain):
    """Too much was asked: the same place is asked again with this many threads a call."""

    inbox: Inbox
    threads_per_call: int


class ListingLean(_OfInbox):
    """Even one thread with the fields wanted is too much for a listing: it lists ids, each thread is asked for."""


@plain
class LookingForThread(Plain):
    """An answer keeps failing: it is asked for in parts, to find the thread that breaks it."""

    inbox: Inbox
    threads_per_call: int


@plain
class ThreadUnavailable(Plain):
    """A thread that breaks every answer it is part of was found, and the listing goes on behind it."""

    inbox: Inbox
    thread_id: str


@plain
class CursorLost(Plain):
    """A cursor is no longer taken: the listing goes on from the one before it, or from the head."""

    inbox: Inbox
    from_head: bool


@plain
class BoundsRefused(Plain):
    """Meta refuses or ignores `updated_after_ms` and `updated_before_ms`: the bounds are kept on our side."""

    inbox: Inbox
    ignored: bool


class Proving(_OfInbox):
    """The walk is done; ids are listed once more, with other seams, for threads that slipped by between two answers."""


class Unsettled(_OfInbox):
    """More moves between two answers than an answer holds, pass after pass: a thread that never rests may be missed."""


class Unproven(_OfInbox):
    """Head and end of a listing could not be seen to hang together: what slipped by between two answers is missing."""


class ListingDoubted(_OfInbox):
    """A listing keeps failing: one other read tells whether Meta is down, or only this listing."""


class Settling(_OfInbox):
    """The walk is done; its head is read again for threads that moved while it ran."""


@plain
class VersionDiffers(Plain):
    """Meta answered with another API version than the one asked for: that one has expired (contract 1.7)."""

    asked: str
    answered: str


@plain
class TokenRenewed(Plain):
    """The Page's token callable gave a new token after a rejection."""

    page_id: str


class InboxStarted(_OfInbox):
    """The first call of an Inbox is about to be made."""


@plain
class InboxEnded(Plain):
    """An Inbox is done: to its end where `failure` is None. `waited`: seconds due to limits and retries."""

    inbox: Inbox
    threads: int
    calls: int
    waited: float
    failure: ConversationsError | None


Event: TypeAlias = (
    CallAnswered
    | ThreadPageRead
    | ThreadUnreadable
    | FieldRefused
    | MessagesMissing
    | TaskMissing
    | Waiting
    | Refused
    | Eased
    | GateOpened
    | Retrying
    | AskingForLess
    | ListingLean
    | LookingForThread
    | ThreadUnavailable
    | CursorLost
    | BoundsRefused
    | Proving
    | ListingDoubted
    | Unproven
    | Unsettled
    | Settling
    | VersionDiffers
    | TokenRenewed
    | InboxStarted
    | InboxEnded
)
