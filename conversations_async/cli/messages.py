"""`conversations-async messages`."""

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from conversations_async.cli.endings import refuse, status_of
from conversations_async.cli.lines import as_plain_json, put
from conversations_async.cli.options import READ_AS_EVER, CallOptions, Order, ReadOptions, order_of
from conversations_async.pages import Platform

if TYPE_CHECKING:
    from conversations_async.message import Message
    from conversations_async.model import Inbox


def messages(
    *,
    thread: Annotated[str | None, Parameter(help="The thread's id, as `threads` tells it.")] = None,
    options: ReadOptions = READ_AS_EVER,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    if options.page is None:
        refuse("messages needs --page: the Page whose thread it is")
    if not thread:
        refuse("messages needs --thread: the id of a thread")
    order = order_of(CallOptions(**vars(options)))

    import asyncio

    return asyncio.run(_put_messages(order, thread))


async def _put_messages(order: Order, thread: str) -> int:
    from contextlib import aclosing

    from conversations_async.cli.options import session_of
    from conversations_async.cli.telling import Teller, log_to_stderr
    from conversations_async.errors import ConversationsError

    options, inbox = order.options, _inbox_of(order, thread)
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    teller = Teller(verbose=options.verbose, quiet=options.quiet)
    count = unavailable = 0
    async with session_of(options, on_event=teller.hear) as session:
        listing = session.messages(order.pages[0], thread, platform=inbox.platform, max_wait=options.max_wait)
        try:
            async with aclosing(listing):
                async for message in listing:
                    put(message_line(message, inbox))
                    count += 1
                    unavailable += message.unavailable
        except ConversationsError as error:
            teller.tell_failure(inbox, error)
            return status_of(1, 1)
    known = f"; Meta tells only the ids of {unavailable} of them" if unavailable else ""
    teller.note(f"{count} messages{known}")
    return status_of(0, 1)


def _inbox_of(order: Order, thread: str) -> "Inbox":
    """The Inbox that the id is of: Messenger's begin with `t_` (contract 2.4)."""
    if len(order.inboxes) == 1:
        return order.inboxes[0]
    wanted = Platform.MESSENGER if thread.startswith("t_") else Platform.INSTAGRAM
    return next(inbox for inbox in order.inboxes if inbox.platform is wanted)


def message_line(message: "Message", inbox: "Inbox") -> dict[str, Any]:
    """A message as JSON: whose it is, then its fields under Graph's names, nested edges as lists, times with +00:00."""
    raw, moment = message.raw, message.created_time
    line: dict[str, Any] = {
        "page_id": inbox.page_id,
        "platform": inbox.platform.value,
        "thread_id": message.thread_id,
        "id": message.id,
        "created_time": as_plain_json(raw.get("created_time")) if moment is None else moment.isoformat(),
    }
    if message.unavailable:
        line["unavailable"] = True
    for name, value in raw.items():
        if name not in line and name != "paging":
            line[name] = as_plain_json(value)
    return line
