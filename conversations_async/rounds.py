"""What the listing of one Inbox consists of where one walk is not all: several folders, and messages thread by thread.

Folders. Each is walked and settled by itself, in Meta's order: what is marked as done or as spam meanwhile moves to a
folder that comes later. What moves the other way, because the person wrote again, comes to the head of its new folder;
so when the last one is done, the heads of the others are read once more. A thread put back without a new message
while its folder waits its turn is not found: it comes to no head. A listing that is taken up in a later folder reads
the heads of those before it too, down to the oldest of the heads that they had when they were begun: what moved since
is newer.

Messages. Instagram's listings fail with nested messages first (contract 5.3). There each thread of a thread page is
asked by itself before the thread page is handed on. Where that is refused, since it is too much or reaches beyond what
Instagram tells details of, or where it tells none at all (contract 2.3), the thread's messages are walked as
`edges.MessageWalk` does, as far as they are wanted.
"""

from collections import deque
from typing import Any

from attrs import evolve
from msgspec import field

from conversations_async.edges import MessageWalk
from conversations_async.errors import AnswerUnreadable, GraphError, RequestRejected, TooMuchAsked
from conversations_async.graph.requests import GraphRequest, leave_out, list_threads, newest_messages
from conversations_async.message import Message
from conversations_async.model import Cursor, Inbox, Page, Thread, ThreadQuery, UnavailableThread
from conversations_async.paging import Read, ThreadWalk
from conversations_async.values import LATER, Bundle


class Rounds(Bundle):
    """The walks of one Inbox, one after the other."""

    page: Page
    inbox: Inbox
    query: ThreadQuery
    start: Cursor
    settle: bool = True
    reader_holds: bool = False
    """Whether the reader of a listing taken up can tell what it holds (`ThreadWalk.hold`)."""
    upserts: bool = True
    """Whether the reader takes newer versions of threads that it has."""
    left_out: tuple[tuple[str, str | None], ...] = ()
    """Fields that Meta refused: walks begun later do not ask for them again."""
    folder: str | None = None
    walk: ThreadWalk = LATER
    # Most Inboxes have one folder to list and need none of these.
    _to_come: tuple[tuple[str | None, Cursor], ...] = ()
    _walked: tuple[tuple[str | None, Cursor], ...] = ()
    _seen: set[str] | None = None
    _again: bool = False

    def __post_init__(self) -> None:
        folders = self.query.folders_on(self.inbox.platform)
        if len(folders) > 1:
            self._seen = set()
        first = folders.index(self.start.folder) if self.start.folder in folders else 0
        self._walked = tuple((folder, Cursor(until=self.start.head)) for folder in folders[:first])
        self._to_come = tuple((folder, Cursor(until=self.start.until)) for folder in folders[first + 1 :])
        self._begin(folders[first], self.start)

    @property
    def threads(self) -> int:
        """Threads seen so far, each once."""
        return self.walk.threads if self._seen is None else len(self._seen)

    @property
    def resume(self) -> Cursor:
        """Where to take the listing up again."""
        return self.walk.resume if self._seen is None else self._placed(self.walk.resume)

    def take(self, read: Read) -> Read:
        """What of a thread page is new to the whole listing."""
        if (seen := self._seen) is None:
            return read
        first = tuple(thread for thread in read.first_seen if thread.id not in seen)
        seen.update(thread.id for thread in first)
        cursor = read.page.cursor
        page = evolve(read.page, cursor=None if cursor is None else self._placed(cursor))
        return Read(page, first)

    def advance(self) -> bool:
        """The walk is done: begin the next. False where it was the last."""
        self._walked = (*self._walked, (self.folder, Cursor(until=self.walk.resume.head)))
        if not self._to_come and self.settle and not self._again:
            self._again = True
            self._to_come = self._walked[:-1]
        if not self._to_come:
            return False
        (folder, start), *rest = self._to_come
        self._to_come = tuple(rest)
        self._begin(folder, start)
        return True

    def _placed(self, cursor: Cursor) -> Cursor:
        """The cursor with its folder, and with a head that does for the folders before it too."""
        heads = [walked.until for _, walked in self._walked if walked.until is not None]
        head = None if cursor.head is None else min([cursor.head, *heads])
        return evolve(cursor, folder=self.folder, head=head)

    def _begin(self, folder: str | None, start: Cursor) -> None:
        self.folder = folder
        self.walk = ThreadWalk(
            list_threads(self.page, self.inbox, self.query, folder=folder),
            threads_per_call=self.query.threads_per_call_on(self.inbox.platform),
            settle=self.settle,
            start=start,
            since=self.query.not_older_than,
            before=self.query.not_newer_than,
            reader_holds=self.reader_holds,
            upserts=self.upserts,
        )
        for name, node in self.left_out:
            self.walk.leave_out(name, node)


class Expansion(Bundle):
    """The messages of a thread page's threads, asked thread by thread."""

    page: Page
    inbox: Inbox
    query: ThreadQuery
    read: Read
    left_out: tuple[tuple[str, str | None], ...]
    """Fields that Meta refused."""
    _to_ask: deque[Thread] = LATER
    _found: dict[str, Thread] = field(default_factory=dict)
    _walk: MessageWalk | None = None
    """The messages of the thread that is asked now, where they are asked for by themselves."""
    _walks_on: bool = False
    """Whether the walk is to list more, or only to ask for what one answer has listed."""
    _told: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        # A thread that Meta cannot show has no messages to ask for.
        self._to_ask = deque(each for each in self.read.page.threads if not isinstance(each, UnavailableThread))

    @property
    def done(self) -> bool:
        """Whether every thread has been asked."""
        return not self._to_ask

    @property
    def missing(self) -> tuple[str, ...]:
        """The threads that have not been asked yet."""
        return tuple(thread.id for thread in self._to_ask)

    @property
    def thread_id(self) -> str:
        """The thread that is asked now."""
        return self._to_ask[0].id

    def next_request(self) -> GraphRequest:
        """What to ask now; the same until `feed`, `recover`, `give_up` or `leave_out`."""
        if self._walk is not None:
            return self._walk.next_request()
        request = newest_messages(self.page, self.inbox, self.thread_id, self.query)
        for name, node in self.left_out:
            request = leave_out(request, name, node) or request
        return request

    def feed(self, payload: dict[str, Any]) -> None:
        """Take in an answer about the thread. No messages in it: Meta leaves out what is empty."""
        if self._walk is None:
            self._feed_nested(payload.get("messages", {"data": []}))
            return
        try:
            told = self._walk.feed(payload)
        except AnswerUnreadable:
            self._end_with_what_is_told()
            return
        self._take(told)

    def _feed_nested(self, messages: object) -> None:
        self._walk = walk = self._begin_walk()
        try:
            told = walk.feed(messages) if isinstance(messages, dict) else []
        except AnswerUnreadable:
            told = []
        if walk.asks_one:
            self._take(told)
        else:
            self._end(messages)

    def recover(self, error: GraphError) -> bool:
        """Whether the thread's messages can be had in another way."""
        if self._walk is None:
            if not isinstance(error, RequestRejected | TooMuchAsked):
                return False
            self._walk, self._walks_on = self._begin_walk(), True
            return True
        told = self._walk.recover(error)
        if told is None:
            return False
        self._take(told)
        return True

    def give_up(self) -> None:
        """Leave the thread as it was listed, with what has been told of its messages."""
        if self._told:
            self._end_with_what_is_told()
        else:
            self._to_ask.popleft()
            self._walk, self._walks_on = None, False

    def leave_out(self, name: str, node: str | None) -> bool:
        """Go on without a field that Meta refused; False where it was not asked for or is needed."""
        if self._walk is not None:
            known = self._walk.leave_out(name, node)
        else:
            known = leave_out(self.next_request(), name, node) is not None
        if known:
            self.left_out = (*self.left_out, (name, node))
        return known

    def _begin_walk(self) -> MessageWalk:
        walk = MessageWalk(self.page, self.inbox, self.thread_id)
        for name, node in self.left_out:
            walk.leave_out(name, node)
        return walk

    def _take(self, told: list[Message]) -> None:
        """So many messages of the thread are known; the walk goes on until there are as many as wanted."""
        self._told += told
        walk = self._walk
        assert walk is not None
        over = walk.done or walk.stuck is not None or not (self._walks_on or walk.asks_one)
        if over or len(self._told) >= self.query.messages:
            self._end_with_what_is_told()

    def _end_with_what_is_told(self) -> None:
        self._end({"data": [message.raw for message in self._told[: self.query.messages]]})

    def _end(self, messages: object) -> None:
        thread = self._to_ask.popleft()
        self._found[thread.id] = evolve(thread, raw={**thread.raw, "messages": messages})
        self._walk, self._walks_on, self._told = None, False, []

    def result(self) -> Read:
        """The thread page with what was found."""
        threads = tuple(self._found.get(thread.id, thread) for thread in self.read.page.threads)
        first = tuple(self._found.get(thread.id, thread) for thread in self.read.first_seen)
        return Read(evolve(self.read.page, threads=threads), first)
