"""The messages of the threads that have moved, down to the newest one held: a walk through each thread."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from attrs import define

from conversations_async.errors import AnswerUnreadable, GraphUnavailable, RequestRejected, TooMuchAsked
from conversations_async.message import Message
from conversations_async.session import ConversationSession
from conversations_async.sync.moments import moment_of
from conversations_async.sync.store import Store
from conversations_async.sync.tally import Tally
from conversations_async.sync.values import Listing, Unread

_AT_ONCE: Final = 500
"""Messages in a transaction, at most."""
_UNREAD_AT_ONCE: Final = 50
_AN_OUTAGE: Final = 3
"""Threads in a row that Meta answers with a fault of its own: then it is not theirs."""


@define(eq=False)
class MessageReading:
    """All messages of one Inbox that are not held yet."""

    session: ConversationSession
    store: Store
    tally: Tally
    listing: Listing
    max_wait: float | None

    async def threads(self) -> AsyncGenerator[Unread, None]:
        """Each thread behind which the messages are saved; one that tells none is left for the next run."""
        skipped: set[str] = set()
        in_a_row = 0
        while True:
            some = await self.store.unread(self.listing, most=_UNREAD_AT_ONCE + len(skipped))
            left = [thread for thread in some if thread.id not in skipped]
            if not left:
                return
            for thread in left:
                try:
                    await self._read(thread)
                    in_a_row = 0
                except (RequestRejected, TooMuchAsked, AnswerUnreadable, GraphUnavailable) as error:
                    # A thread that breaks every answer keeps no other from being read; an outage breaks them all.
                    in_a_row += isinstance(error, GraphUnavailable)
                    if in_a_row >= _AN_OUTAGE:
                        raise
                    skipped.add(thread.id)
                    self.tally.unread += 1
                yield thread

    async def _read(self, thread: Unread) -> None:
        """Down to the newest message that was held with all those below it."""
        held_at = moment_of(thread.head_time)
        messages = self.session.messages(
            self.tally.page, thread.id, platform=self.tally.inbox.platform, max_wait=self.max_wait
        )
        batch: list[Message] = []
        newest = ""
        async with aclosing(messages):
            async for message in messages:
                moment = message.created_time
                if message.id == thread.head or (held_at is not None and moment is not None and moment < held_at):
                    newest = newest or message.id
                    break
                newest = newest or message.id
                batch.append(message)
                if len(batch) >= _AT_ONCE:
                    await self._save(thread, batch, None)
                    batch = []
        await self._save(thread, batch, newest)

    async def _save(self, thread: Unread, batch: list[Message], complete: str | None) -> None:
        self.tally.add(await self.store.save_messages(self.listing, thread, batch, complete=complete))
