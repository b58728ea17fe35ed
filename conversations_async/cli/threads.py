"""`conversations-async threads`."""

from conversations_async.cli.endings import status_of
from conversations_async.cli.options import NOTHING_SAID, CallOptions, order_of


def threads(*, options: CallOptions = NOTHING_SAID) -> int:
    """List every thread of every Inbox, one JSON line each.

    Each line has page_id, platform, id and updated_time, then the fields asked for under Graph's names.
    """
    order = order_of(options)

    import asyncio

    from conversations_async.cli.listing import put_threads

    listed = asyncio.run(put_threads(order))
    failed, total = len(listed.failed), len(order.inboxes)
    listed.teller.note(f"{listed.threads} threads; {listed.complete} of {total} Inboxes listed to their end")
    return status_of(failed, total)
