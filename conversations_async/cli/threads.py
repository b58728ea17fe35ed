"""`conversations-async threads`."""

from conversations_async.cli.endings import status_of
from conversations_async.cli.options import NOTHING_SAID, CallOptions, order_of


def threads(*, options: CallOptions = NOTHING_SAID) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    order = order_of(options)

    import asyncio

    from conversations_async.cli.listing import put_threads

    listed = asyncio.run(put_threads(order))
    failed, total = len(listed.failed), len(order.inboxes)
    listed.teller.note(f"{listed.threads} threads; {listed.complete} of {total} Inboxes listed to their end")
    return status_of(failed, total)
