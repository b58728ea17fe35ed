"""Threads of one answer that are asked for by themselves, since they were listed by id alone."""

from attrs import evolve
from msgspec import field

from conversations_async.errors import ConversationsError
from conversations_async.model import Thread, ThreadPage, UnavailableThread
from conversations_async.values import Bundle


class Singles(Bundle):
    """Those of one answer, which is whole once each of them has come."""

    page: ThreadPage
    pending: list[Thread]
    """Yet to come: the next one first."""
    _come: dict[str, Thread] = field(default_factory=dict)

    @property
    def next(self) -> Thread:
        """What is to be asked for now."""
        return self.pending[0]

    def put(self, thread: Thread) -> ThreadPage | None:
        """Take the next one in, as Meta gave it by itself. The answer, once it is whole."""
        asked = self.pending.pop(0)
        return self._with(asked, evolve(thread, raw={**asked.raw, **thread.raw}))

    def put_unavailable(self, error: ConversationsError) -> tuple[Thread, ThreadPage | None]:
        """Mark the next one as unavailable. Which one that is, and the answer, once it is whole."""
        asked = self.pending.pop(0)
        return asked, self._with(asked, UnavailableThread(asked.inbox, asked.raw, cause=error))

    def _with(self, asked: Thread, come: Thread) -> ThreadPage | None:
        self._come[asked.id] = come
        if self.pending:
            return None
        return evolve(self.page, threads=tuple(self._come.get(thread.id, thread) for thread in self.page.threads))
