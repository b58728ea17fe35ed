"""`conversations-async find`."""

from conversations_async.cli.endings import refuse, status_of
from conversations_async.cli.options import NOTHING_SAID, CallOptions, order_of


def find(*, options: CallOptions = NOTHING_SAID) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    if options.page is None:
        refuse("find needs --page: a page-scoped id means nothing without its Page")
    if options.user_id is None:
        refuse("find needs --user-id: the page-scoped id of the person")
    order = order_of(options)

    import asyncio

    from conversations_async.cli.listing import put_threads

    listed = asyncio.run(put_threads(order))
    asked = [inbox.platform for inbox in order.inboxes if inbox not in listed.failed]
    if asked and not listed.threads:
        listed.teller.note(f"Page {options.page} has no thread with person {options.user_id} on {' or '.join(asked)}")
    return status_of(len(listed.failed), len(order.inboxes))
