"""What a person who waits would like to know, as sentences on stderr: each failure once, each long wait once."""

import logging
import math
import time
from collections.abc import Callable

from conversations_async.cli.lines import say
from conversations_async.errors import ConversationsError, InboxFailed
from conversations_async.events import (
    AskingForLess,
    BoundsRefused,
    CursorLost,
    Eased,
    Event,
    FieldRefused,
    GateOpened,
    InboxEnded,
    ListingDoubted,
    ListingLean,
    LookingForThread,
    MessagesMissing,
    Proving,
    Refused,
    Retrying,
    Settling,
    ThreadUnavailable,
    TokenRenewed,
    Unproven,
    Unsettled,
    Waiting,
)
from conversations_async.model import Inbox, Pool

WORTH_SAYING = 1.0
"""Seconds that a wait must last to be said."""


class Teller:
    """Hears the session's events and says what is worth a sentence; the failure of an Inbox once."""

    def __init__(
        self, *, verbose: bool = False, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._verbose = verbose
        self._quiet = quiet
        self._clock = clock
        self._said_until: dict[Pool, float] = {}
        self._retrying: set[Inbox] = set()
        self._told: set[Inbox] = set()
        self._missing: dict[Inbox, tuple[str, int]] = {}
        """Why the last thread of an Inbox came without its messages, and how many after it for the same reason."""

    @property
    def is_quiet(self) -> bool:
        """Whether only failures are said."""
        return self._quiet

    def hear(self, event: Event) -> None:
        """Say the event, where it is worth a sentence."""
        match event:
            case InboxEnded(inbox=inbox, failure=failure) if failure is not None:
                self._say_missing_too(inbox)
                self.tell_failure(inbox, failure)
            case _ if self._quiet:
                pass
            case Refused(inbox=inbox, pool=pool, code=code, seconds=seconds, stated=stated):
                word = "says Meta" if stated else "Meta does not say how long"
                whose = f"{inbox}: " if inbox is not None else ""
                self._say_wait(pool, seconds, f"{whose}rate limited (code {code}); waiting {seconds:.0f} s, {word}")
            case Waiting(inbox=inbox, pool=pool, seconds=seconds):
                self._say_wait(pool, seconds, f"{inbox}: waiting {seconds:.0f} s for {_named(pool)}")
            case GateOpened(pool=pool):
                self._said_until.pop(pool, None)
            case Retrying(inbox=inbox, error=error, seconds=seconds):
                self._say_retry(inbox, error, seconds)
            case FieldRefused(inbox=inbox, field=field):
                say(f"{inbox}: there is no field {field} here; going on without it")
            case MessagesMissing(inbox=inbox, thread_id=thread_id, error=error):
                self._say_missing(inbox, thread_id, str(error).removeprefix(f"{inbox}: "))
            case ThreadUnavailable() | Unsettled():
                say(_of_the_walk(event))
            case InboxEnded(inbox=inbox) if inbox in self._missing:
                self._say_missing_too(inbox)
                self._say_detail(event)
            case _:
                self._say_detail(event)

    def tell_failure(self, inbox: Inbox, failure: ConversationsError) -> None:
        """One line for an Inbox that failed: which, what happened, what to do."""
        if inbox not in self._told:
            self._told.add(inbox)
            say(str(failure if isinstance(failure, InboxFailed) else InboxFailed(inbox, failure)))

    def note(self, sentence: str) -> None:
        """A sentence that --quiet holds back."""
        if not self._quiet:
            say(sentence)

    def _say_wait(self, pool: Pool, seconds: float, sentence: str) -> None:
        """A pool's wait, said once for all who wait for it, and again when it has grown."""
        until = self._clock() + seconds
        if seconds < WORTH_SAYING or math.isinf(seconds):
            return
        if self._verbose or until > self._said_until.get(pool, -math.inf) + WORTH_SAYING:
            self._said_until[pool] = until
            say(sentence)

    def _say_missing(self, inbox: Inbox, thread_id: str, why: str) -> None:
        """The first thread of several that have one reason, which may be that their Inbox has failed."""
        before, more = self._missing.get(inbox, ("", 0))
        if before == why and not self._verbose:
            self._missing[inbox] = why, more + 1
            return
        self._say_missing_too(inbox)
        self._missing[inbox] = why, 0
        say(f"{inbox}: thread {thread_id} comes without its messages: {why}")

    def _say_missing_too(self, inbox: Inbox) -> None:
        _, more = self._missing.pop(inbox, ("", 0))
        if more and not self._quiet:
            say(f"{inbox}: {more} more threads come without their messages, for the same reason")

    def _say_retry(self, inbox: Inbox | None, error: ConversationsError, seconds: float) -> None:
        if inbox is None or not (self._verbose or (seconds > WORTH_SAYING and inbox not in self._retrying)):
            return
        self._retrying.add(inbox)
        say(f"{InboxFailed(inbox, error)} Asking again in {seconds:.1f} s")

    def _say_detail(self, event: Event) -> None:
        """What --verbose adds."""
        if not self._verbose:
            return
        match event:
            case AskingForLess(inbox=inbox, threads_per_call=count):
                say(f"{inbox}: too much asked; going on with {count} threads a call")
            case Eased(pool=pool, percent=percent, spacing=spacing):
                pace = f"its calls {spacing:.1f} s apart" if spacing else "back to the full pace"
                say(f"the {pool} pool is {percent:.0f} % full: {pace}")
            case Settling(inbox=inbox):
                say(f"{inbox}: reading its head again")
            case TokenRenewed(page_id=page_id):
                say(f"Page {page_id}: a new token")
            case InboxEnded(inbox=inbox, threads=threads, calls=calls):
                say(f"{inbox}: {threads} threads in {calls} calls")
            case _:
                if sentence := _of_the_walk(event):
                    say(sentence)


def _of_the_walk(event: Event) -> str:
    """What a walk meets on its way, in words; nothing for events of another kind."""
    match event:
        case ThreadUnavailable(inbox=inbox):
            return f"{inbox}: a thread that Meta lists and cannot show; its line has its id and its time only"
        case Unproven(inbox=inbox):
            return f"{inbox}: nothing shows that no thread slipped by while it was listed"
        case Unsettled(inbox=inbox):
            return f"{inbox}: more moved than could be read again; a thread that never rested may be missing"
        case ListingLean(inbox=inbox):
            return f"{inbox}: too much asked even of one thread; listing ids and asking for each thread"
        case LookingForThread(inbox=inbox, threads_per_call=count):
            return f"{inbox}: an answer keeps failing; asking for it in parts, {count} threads a call"
        case CursorLost(inbox=inbox, from_head=from_head):
            return f"{inbox}: a cursor is gone; going on from {'the head' if from_head else 'the one before'}"
        case Proving(inbox=inbox):
            return f"{inbox}: listing ids once more, so that nothing has slipped by"
        case BoundsRefused(inbox=inbox, ignored=ignored):
            return f"{inbox}: Meta {'ignores' if ignored else 'refuses'} the bounds of time; keeping them here"
        case ListingDoubted(inbox=inbox):
            return f"{inbox}: the listing keeps failing; asking for something else to see whether Graph is down"
        case _:
            return ""


def _named(pool: Pool) -> str:
    return "Graph, which does not answer" if pool.kind == "host" else f"the {pool} pool"


class _PlainFormatter(logging.Formatter):
    """One line a record; of an exception its kind only, since its text and variables may hold a secret."""

    def format(self, record: logging.LogRecord) -> str:
        kind = f" ({record.exc_info[0].__name__})" if record.exc_info and record.exc_info[0] else ""
        return f"{record.name}: {record.getMessage()}{kind}"


class _Sayer(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(self.format(record))


def log_to_stderr(*, verbose: bool, quiet: bool) -> None:
    """Logging as the command wants it. The library itself never configures any."""
    sayer = _Sayer()
    sayer.setFormatter(_PlainFormatter())
    levels = {"conversations_async": logging.DEBUG if verbose else logging.ERROR if quiet else logging.WARNING}
    for name, level in (levels | {"asyncio": logging.WARNING}).items():
        logger = logging.getLogger(name)
        logger.handlers[:] = [each for each in logger.handlers if not isinstance(each, _Sayer)] + [sayer]
        logger.setLevel(level)
