"""What can go wrong, sorted by what the caller can do about it.

No error holds a token, a URL or people's text. All of them pickle and copy: their fields are positional.
"""

from collections.abc import Sequence
from typing import Any, ClassVar, Final

from attrs import has

from conversations_async.pages import Cursor, Inbox
from conversations_async.pools import Pool
from conversations_async.values import Raised, raised, shown


class ConversationsError(Raised):
    """Everything this library raises of its own accord."""

    def __repr__(self) -> str:
        # As attrs would write it for each of them anew, which is half of what their import takes.
        return shown(self) if has(type(self)) else super().__repr__()  # type: ignore[arg-type]  # asked just now


def _of(inbox: Inbox | None) -> str:
    return f"{inbox}: " if inbox is not None else ""


# -- no answer, or none that can be read -------------------------------------------------------------------------------


@raised(eq=False)
class TransportFailed(ConversationsError):
    """The call got no whole answer; it may have arrived and counted all the same. `final`: trying again is no use."""

    reason: str
    inbox: Inbox | None = None
    final: bool = False

    def __str__(self) -> str:
        return f"{_of(self.inbox)}{self.reason}. Try again; if it stays, look at the network and at Meta's status page."


@raised(eq=False)
class ConnectFailed(TransportFailed, ConnectionError):
    """No connection, or one that broke. `kept`: it had served a call before, and the server closed it just then."""

    kept: bool = False

    __str__ = TransportFailed.__str__


class AnswerTimedOut(TransportFailed, TimeoutError):
    """The answer, or the rest of it, took too long."""

    __str__ = TransportFailed.__str__


@raised(eq=False)
class AnswerUnreadable(ConversationsError):
    """Not JSON, too large, too deep, or not of the documented shape: `path` says where (`$.data[3].id`)."""

    reason: str
    path: str = "$"
    inbox: Inbox | None = None

    @classmethod
    def of_entry(cls, told: str, inbox: Inbox | None = None) -> "AnswerUnreadable":
        """The error of one entry, told as `$.data[3].id: the id is missing`."""
        path, _, reason = told.partition(": ")
        return cls(reason, path, inbox)

    def __str__(self) -> str:
        where = "" if self.path == "$" else f" at {self.path}"
        return (
            f"{_of(self.inbox)}the answer cannot be read{where}: {self.reason}. "
            "Try again; if it stays, Meta's answers have changed."
        )


@raised(eq=False)
class TokenUnavailable(ConversationsError):
    """The Page's token callable raised, or gave something that cannot be a token."""

    reason: str
    inbox: Inbox | None = None

    def __str__(self) -> str:
        return f"{_of(self.inbox)}no token: {self.reason}. Mend the callable given as this Page's token."


# -- Meta said no ------------------------------------------------------------------------------------------------------


# Meta's messages are localised, and some lack the stop.
_ENDS_A_SENTENCE: Final = (".", "!", "?", "…", "。", "！", "？", "।", "۔", "؟")


@raised(eq=False)
class GraphError(ConversationsError):
    """Meta said no. `code` and `subcode` are Meta's own; an unknown code stays of this class."""

    message: str
    code: int | None = None
    subcode: int | None = None
    type: str | None = None
    fbtrace_id: str | None = None
    status: int | None = None
    inbox: Inbox | None = None
    is_transient: bool | None = None

    what: ClassVar[str] = "refused"
    advice: ClassVar[str] = "Look the code up in Meta's error reference."

    def __str__(self) -> str:
        message = self.message.rstrip()
        stop = "" if message.endswith(_ENDS_A_SENTENCE) else "."
        return f"{_of(self.inbox)}{self.what} ({self.describe_code()}): {message}{stop} {self.advice}"

    def describe_code(self) -> str:
        """`code 190, subcode 463: expired`."""
        http = f"HTTP {self.status}, " if self.status is not None else ""
        code = f"code {self.code}" if self.code is not None else f"{http}no code"
        if self.subcode is None:
            return code
        meaning = SUBCODES.get((self.code or 0, self.subcode))
        return f"{code}, subcode {self.subcode}" + (f": {meaning}" if meaning else "")


SUBCODES: Final = {
    # Contract 5.2; Meta's error handling guide.
    (190, 458): "the app is not installed",
    (190, 459): "checkpoint: the user must log in at facebook.com",
    (190, 460): "the password was changed",
    (190, 463): "expired",
    (190, 464): "the user is not confirmed",
    (190, 466): "the session was ended by an API call",
    (190, 467): "invalid",
    (190, 492): "the person has lost the role on the Page",
    (100, 33): "the object is gone, or this token may not see it",
    (613, 1996): "inconsistent request volume",
    (613, 2534040): "Instagram messaging limit",
    (200, 2534041): "the Instagram account does not allow access to messages",
}


@raised(eq=False)
class RateLimited(GraphError):
    """A pool is empty. `retry_after` is in seconds, None where Meta does not say."""

    pool: Pool | None = None
    retry_after: float | None = None

    def __str__(self) -> str:
        when = (
            f"next call allowed in {self.retry_after:.0f} s"
            if self.retry_after is not None
            else "Meta does not say when the next call is allowed: wait some minutes"
        )
        pool = f", {self.pool} pool" if self.pool is not None and self.pool.kind != "inbox" else ""
        return f"{_of(self.inbox)}rate limited ({self.describe_code()}{pool}); {when}"


class TooMuchAsked(GraphError):
    """ "Please reduce the amount of data": ask for fewer threads a call, or fewer fields, then go on."""

    what: ClassVar[str] = "too much asked in one call"
    advice: ClassVar[str] = "Lower threads_per_call or ask for fewer fields."


class TokenRejected(GraphError):
    """Codes 190, 102, 104: never retried with the same token."""

    what: ClassVar[str] = "token rejected"
    advice: ClassVar[str] = "Pass a new token for this Page."


class PermissionMissing(GraphError):
    """Codes 3, 10, 200 to 299."""

    what: ClassVar[str] = "permission missing"
    advice: ClassVar[str] = "Grant the app what the message names, for this Page, and use a token made after that."


class RequestRejected(GraphError):
    """Codes 100, 803, 2500: a bug, a wrong id or a change of version; never retried."""

    what: ClassVar[str] = "request rejected"
    advice: ClassVar[str] = "Check the Page id, the fields and the API version."


class TemporarilyBlocked(GraphError):
    """Code 368: blocked as abusive, for hours and not for seconds."""

    what: ClassVar[str] = "temporarily blocked by Meta"
    advice: ClassVar[str] = "Wait some hours; calling on makes it worse."


class GraphUnavailable(GraphError):
    """Codes 1 and 2, `is_transient`, HTTP 5xx, HTML instead of JSON: worth another try."""

    what: ClassVar[str] = "Graph unavailable"
    advice: ClassVar[str] = "Try again later."


class ListingUnavailable(GraphUnavailable):
    """Meta refuses to list this Inbox, again and again, while it answers other reads of the same Page.

    So it is with Pages over Meta's high-volume threshold (contract 1.6), whose single threads can still be read, and
    with Instagram without Advanced Access (contract 1.2). Meta documents no code that tells the two apart, or either
    from a listing that is down for a while: this is concluded from the other read.
    """

    what: ClassVar[str] = "listing refused while other reads of this Page work"
    advice: ClassVar[str] = (
        "Meta does not list Pages over its high-volume threshold: read single threads instead (thread_with, "
        "or ids from webhooks). On Instagram look at the app's Advanced Access. Else try again later."
    )


# -- our own answers ---------------------------------------------------------------------------------------------------


@raised(eq=False)
class WaitTooLong(ConversationsError):
    """The next permitted call lies beyond `max_wait`; nothing was sent.

    `retry_after` is in seconds; None where it hangs on the outcome of calls that are under way.
    """

    retry_after: float | None
    inbox: Inbox | None = None
    pool: Pool | None = None

    def __str__(self) -> str:
        why = f" ({self.pool} pool)" if self.pool is not None else ""
        if self.retry_after is None:
            when = f"when the next call is allowed{why} is not known before other calls are answered"
            return f"{_of(self.inbox)}{when}; nothing was sent within max_wait. Call again, or allow a longer max_wait."
        return (
            f"{_of(self.inbox)}the next call is allowed in {self.retry_after:.1f} s{why}, later than max_wait; "
            "nothing was sent. Call then, or allow a longer max_wait."
        )


@raised(eq=False)
class PacerUnavailable(ConversationsError):
    """The file through which processes share their pace cannot be used; nothing was sent."""

    path: str
    reason: str
    advice: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}. {self.advice}"


@raised(eq=False)
class PagingStuck(ConversationsError):
    """The listing leads nowhere: a cursor repeats, or is missing where Meta says there is more."""

    reason: str
    inbox: Inbox | None = None

    def __str__(self) -> str:
        return f"{_of(self.inbox)}the listing is stuck: {self.reason}. List this Inbox again from its head."


class SessionClosed(ConversationsError):
    """The session was used before `async with` entered it, or after it ended."""


@raised(eq=False)
class InboxFailed(ConversationsError):
    """One Inbox could not be listed to its end. `resume` says where to take it up, None for its head."""

    inbox: Inbox
    cause: Exception
    resume: Cursor | None = None

    def __attrs_post_init__(self) -> None:
        self.__cause__ = self.cause

    def __reduce__(self) -> tuple[Any, ...]:
        notes = getattr(self, "__notes__", None)
        return type(self), (self.inbox, self.cause, self.resume), None if notes is None else {"__notes__": notes}

    def __str__(self) -> str:
        said = str(self.cause)
        return said if said.startswith(str(self.inbox)) else f"{self.inbox}: {said}"


class InboxErrors(ConversationsError, ExceptionGroup[InboxFailed]):
    """Every Inbox that failed, raised after the healthy ones have run to their end."""

    def derive(self, excs: Sequence[InboxFailed]) -> "InboxErrors":  # type: ignore[override]  # of Inboxes, and of nothing else
        return InboxErrors(self.message, excs)

    @property
    def inboxes(self) -> dict[Inbox, InboxFailed]:
        """What failed, by Inbox."""
        return {failure.inbox: failure for failure in self.failures}

    @property
    def failures(self) -> tuple[InboxFailed, ...]:
        return tuple(each for each in self.exceptions if isinstance(each, InboxFailed))
