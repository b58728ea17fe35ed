"""Threads of one answer that are asked for by themselves, since they were listed by id alone."""

from collections.abc import Iterable

from attrs import evolve
from msgspec import field

from conversations_async.errors import ConversationsError
from conversations_async.model import Thread, ThreadPage, UnavailableThread
from conversations_async.values import Bundle


class Singles(Bundle):
    """Those of the answer at hand, which is whole once each of them has come."""

    _page: ThreadPage | None = None
    _pending: list[Thread] = field(default_factory=list)
    """The next one last."""
    _come: dict[str, Thread] = field(default_factory=dict)

    def begin(self, page: ThreadPage, threads: Iterable[Thread]) -> None:
        """Ask for these threads of an answer, one after the other."""
        self._page, self._pending, self._come = page, [*threads][::-1], {}

    @property
    def next(self) -> Thread | None:
        """What is to be asked for now; None: nothing."""
        return self._pending[-1] if self._pending else None

    def put(self, thread: Thread) -> ThreadPage | None:
        """Take the next one in, as Meta gave it by itself. The answer, once it is whole."""
        asked = self._pending.pop()
        return self._with(asked, evolve(thread, raw={**asked.raw, **thread.raw}))

    def put_unavailable(self, error: ConversationsError) -> tuple[Thread, ThreadPage | None]:
        """Mark the next one as unavailable. Which one that is, and the answer, once it is whole."""
        asked = self._pending.pop()
        return asked, self._with(asked, UnavailableThread(asked.inbox, asked.raw, cause=error))

    def _with(self, asked: Thread, come: Thread) -> ThreadPage | None:
        self._come[asked.id] = come
        page = self._page
        if self._pending or page is None:
            return None
        full, self._page, self._come = self._come, None, {}
        return evolve(page, threads=tuple(full.get(thread.id, thread) for thread in page.threads))
