"""Walks along an edge that stands still: a user's Pages, a thread's messages. No clock, no socket.

Whether there is more is said by `next`, from where by `after` (contract 3.1). A nested `next` that leads nowhere leads
to an empty answer without one, which ends the walk; a cursor that repeats, or empty answers without end, stop it.

Of an Instagram thread Meta lists all ids and tells details of about the 20 newest messages only (contract 1.6). How
it does not tell them is not settled: the listing may hold bare ids; the call that reaches beyond the newest may be
refused as if the messages were deleted; or, with Instagram Login, the listing may fill in nothing at all, and each
message answers for itself (contract 2.3). So bare entries behind filled ones are beyond the window. Where nothing was
filled in, or the call was refused and asked again without details, messages are asked one by one until two in a row
are refused; a single one may have been deleted in truth, as may a bare entry with filled ones behind it.

A message that breaks every answer it is part of (code 1, contract 5.3, 7.2) is looked for by halves from where it
came; the one left is listed by its id alone and asked by itself, and where that fails too it comes as unavailable. The
walk goes on behind it with its old limit. Where no single one was to blame, the answers were too large, and the limit
that passed is kept.

A cursor dies with its item (contract 3.1), and people unsend messages: the walk goes back to the place before it, and
at last to the head; what was told is not told again.
"""

from collections import deque
from typing import Any, Final

from msgspec import field

from conversations_async.errors import (
    AnswerUnreadable,
    ConversationsError,
    GraphError,
    GraphUnavailable,
    PagingStuck,
    RequestRejected,
    TooMuchAsked,
)
from conversations_async.graph.decode import Paging, message_page
from conversations_async.graph.requests import GraphRequest, at, leave_out, one_message, thread_messages
from conversations_async.message import Message, is_bare
from conversations_async.model import Inbox, Page, Platform
from conversations_async.values import LATER, Bundle

EMPTY_IN_A_ROW: Final = 100
"""Answers with nothing new after which an edge counts as endless; the reference names no number."""

_MESSAGES_PER_CALL: Final = 100
_DETAILS_PER_CALL: Final = 20
_REFUSED_IN_A_ROW: Final = 2
_DEATHS: Final = 5
"""Cursors that may die in a row with nothing new between."""
_CURSOR_CODES: Final = (100, 2642)
_TOO_DEEP: Final = "exceeds the max limit"  # contract 3.1; going back would lead to the same place


class EdgeWalk(Bundle):
    """An edge from its head to its end."""

    head: GraphRequest
    limit: int
    done: bool = False
    stuck: PagingStuck | None = None
    """Why there is no next request although the walk is not done."""
    _after: str | None = None
    _trail: list[str | None] = field(default_factory=list)
    """The places asked before this one, the head first."""
    _asked: set[str] = field(default_factory=set)
    _dead: set[str] = field(default_factory=set)
    _empty: int = 0
    _deaths: int = 0

    def next_request(self) -> GraphRequest:
        """What to ask now; the same until an answer is fed."""
        return at(self.head, limit=self.limit, after=self._after)

    def feed(self, paging: Paging, items: int) -> None:
        """Take in what an answer says of paging, and how many of its items are new."""
        self._empty = 0 if items else self._empty + 1
        self._deaths = 0 if items else self._deaths
        if not paging.more:
            self.done = True
        elif paging.after is None:
            self.stuck = PagingStuck("Meta says there is more but gives no cursor", self.head.inbox)
        elif paging.after in self._asked or paging.after in self._dead:
            self.stuck = PagingStuck("a cursor repeats", self.head.inbox)
        elif self._empty >= EMPTY_IN_A_ROW:
            words = f"{EMPTY_IN_A_ROW} answers in a row bring nothing new and say there is more"
            self.stuck = PagingStuck(words, self.head.inbox)
        else:
            self._trail.append(self._after)
            self._asked.add(paging.after)
            self._after = paging.after

    def go_back(self, error: GraphError) -> bool:
        """Ask the place before again where the refusal can mean that the cursor has died; False where it cannot."""
        refused = self._after is not None and error.code in _CURSOR_CODES and _TOO_DEEP not in error.message
        if not refused or self._deaths >= _DEATHS:
            return False
        self._deaths += 1
        self._dead.add(self._after or "")
        self._after = self._trail.pop()
        # What follows from here on is asked anew, and may well have the cursors it had.
        self._asked = {place for place in (*self._trail, self._after) if place is not None}
        return True

    def ask_for_less(self) -> bool:
        """Halve the items asked for, from the same place; False where one is already too many."""
        if self.limit == 1:
            return False
        self.limit //= 2
        return True

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on without a field that Meta refused; False where it was not asked for or is needed."""
        rest = leave_out(self.head, name, node)
        if rest is None:
            return False
        self.head = rest
        return True


class _Search(Bundle):
    """For the message that breaks answers."""

    head: GraphRequest
    """What is asked otherwise, and how many at once."""
    limit: int
    among: int
    """The next so many hold it."""
    passed: int = 0
    """The most that passed meanwhile."""
    single: bool = False
    """Whether one is left, and asked for its id alone."""


class MessageWalk(Bundle):
    """A thread's messages, newest first, each id once."""

    page: Page
    inbox: Inbox
    thread_id: str
    unreadable: str | None = None
    """The first entry that was no message, as a path."""
    _edge: EdgeWalk = LATER
    _waiting: deque[dict[str, Any]] = field(default_factory=deque)
    """Listed and not yet told, since the first of them is to be asked by itself."""
    _seen: set[str] = field(default_factory=set)
    _filled: bool = False
    """Whether the listing tells details."""
    _refused: int = 0
    _beyond: bool = False
    """All that follows lies beyond the window."""
    _bare: bool = False
    """Whether ids only are asked."""
    _search: _Search | None = None
    _suspect: str | None = None
    """The message that was found, and is yet to be asked by itself."""
    _left_out: list[tuple[str, str | None]] = field(default_factory=list)

    def __post_init__(self) -> None:
        messenger = self.inbox.platform is Platform.MESSENGER
        limit = _MESSAGES_PER_CALL if messenger else _DETAILS_PER_CALL
        self._edge = EdgeWalk(thread_messages(self.page, self.inbox, self.thread_id), limit)

    @property
    def done(self) -> bool:
        """Whether everything has been told."""
        return self._edge.done and not self._waiting

    @property
    def stuck(self) -> PagingStuck | None:
        """Why there is no next request although the walk is not done."""
        return None if self._waiting else self._edge.stuck

    @property
    def asks_one(self) -> bool:
        """Whether a single message is asked for, one that has been listed without details."""
        return bool(self._waiting)

    def next_request(self) -> GraphRequest:
        """What to ask now; the same until an answer or an error is fed."""
        if not self._waiting:
            return self._edge.next_request()
        request = one_message(self.page, self.inbox, self._waiting[0]["id"])
        for name, node in self._left_out:
            request = leave_out(request, name, node) or request
        return request

    def feed(self, payload: dict[str, Any]) -> list[Message]:
        """Take in the answer to `next_request`; gives the messages that can be told now."""
        if self._waiting:
            listed = self._waiting.popleft()
            if type(payload.get("id")) is not str or is_bare(payload):
                return [*self._beyond_window(listed), *self._told()]
            self._refused = 0
            return [Message(payload, thread_id=self.thread_id), *self._told()]
        answer = message_page(payload, self.inbox)
        self.unreadable = self.unreadable or next(iter(answer.unreadable), None)
        fresh = [raw for raw in answer.messages if raw["id"] not in self._seen]
        self._seen.update(raw["id"] for raw in fresh)
        found = self._search is not None and self._searched(self._search)
        self._edge.feed(answer.paging, len(fresh))
        self._suspect = fresh[0]["id"] if found and fresh else None
        self._waiting.extend(fresh)
        return self._told()

    def recover(self, error: GraphError) -> list[Message] | None:
        """What a refusal means: messages that are unavailable, another request, or None where it is an error."""
        if self._waiting:
            if not _says_gone(error) or self._waiting[0]["id"] == self._suspect:
                return None
            return [*self._beyond_window(self._waiting.popleft()), *self._told()]
        if isinstance(error, TooMuchAsked):
            return [] if self._edge.ask_for_less() else None
        if self.inbox.platform is Platform.INSTAGRAM and _says_gone(error) and not self._bare:
            self._ask_bare()
            self._filled = False
            return []
        return [] if self._edge.go_back(error) else None

    def ask_round(self, error: GraphError) -> list[Message] | None:
        """What to do about an answer that breaks each time; None where nothing less can be asked."""
        if self._waiting:
            if not breaks(error) and not _says_gone(error):
                return None
            return [Message(self._waiting.popleft(), unavailable=True, thread_id=self.thread_id), *self._told()]
        edge, search = self._edge, self._search
        if not breaks(error) or (edge.limit == 1 and (self._bare or (search is not None and search.single))):
            return None
        if search is None:
            self._search = search = _Search(edge.head, edge.limit, among=edge.limit)
        if edge.limit > 1:
            search.among, edge.limit = edge.limit, edge.limit // 2
        else:
            search.single, edge.head = True, self._bare_head()
        return []

    def ask_as_before(self) -> None:
        """Ask for everything from this place once more: it may have been Graph that failed."""
        if (search := self._search) is not None:
            self._edge.head, self._edge.limit, self._search = search.head, search.limit, None

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on without a field that Meta refused; False where it was not asked for or is needed."""
        known = leave_out(self.next_request(), name, node) is not None
        if known:
            self._edge.leave_out(name, node)
            self._left_out.append((name, node))
        return known

    def failure(self) -> AnswerUnreadable | None:
        """Why the messages told are not all: an entry was no message."""
        return None if self.unreadable is None else AnswerUnreadable.of_entry(self.unreadable, self.inbox)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _told(self) -> list[Message]:
        """What waits, up to the first that must be asked by itself."""
        told: list[Message] = []
        while self._waiting:
            raw = self._waiting[0]
            if raw["id"] == self._suspect:
                break
            bare = self.inbox.platform is Platform.INSTAGRAM and is_bare(raw)
            if bare and not self._beyond:
                if not self._filled:
                    break
                if all(map(is_bare, self._waiting)):
                    self._end_window()
            self._filled = self._filled or not bare
            told.append(Message(self._waiting.popleft(), bare, thread_id=self.thread_id))
        return told

    def _beyond_window(self, raw: dict[str, Any]) -> list[Message]:
        self._refused += 1
        if self._refused >= _REFUSED_IN_A_ROW:
            self._end_window()
        return [Message(raw, unavailable=True, thread_id=self.thread_id)]

    def _end_window(self) -> None:
        """Nothing older has details: ask for ids only, and for more of them."""
        self._beyond = True
        self._ask_bare()
        self._edge.limit = max(self._edge.limit, _MESSAGES_PER_CALL)

    def _ask_bare(self) -> None:
        self._bare, self._search = True, None
        self._edge.head = self._bare_head()

    def _bare_head(self) -> GraphRequest:
        head = thread_messages(self.page, self.inbox, self.thread_id, bare=True)
        for name, node in self._left_out:
            head = leave_out(head, name, node) or head
        return head

    def _searched(self, search: _Search) -> bool:
        """An answer has come while a message that breaks them is looked for: whether it holds that one alone."""
        edge = self._edge
        search.passed = max(search.passed, edge.limit)
        search.among -= edge.limit
        if search.single:
            edge.head, edge.limit, self._search = search.head, search.limit, None
        elif search.among <= 0:
            edge.limit, self._search = search.passed, None
        else:
            edge.limit = max(1, search.among // 2)
        return search.single


def breaks(error: ConversationsError) -> bool:
    """Whether it may be what is asked for that fails, and not Graph (contract 5.3, 7.2)."""
    return isinstance(error, TooMuchAsked) or (isinstance(error, GraphUnavailable) and error.code == 1)


def _says_gone(error: GraphError) -> bool:
    """The answer's code is not known (contract 8.17): 100 is assumed, an unknown code is taken as well."""
    return isinstance(error, RequestRejected) or type(error) is GraphError
