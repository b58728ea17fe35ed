"""`conversations-async sync`."""

import os
import sys
from typing import TYPE_CHECKING, Annotated, Final, Literal, Self

from cyclopts import Group, Parameter

from conversations_async.cli.databases import checked_database
from conversations_async.cli.endings import CRASHED, INTERRUPTED, refuse, status_of
from conversations_async.cli.lines import say
from conversations_async.cli.options import NOTHING_SAID_TO_SYNC, Order, SyncOptions, order_of

if TYPE_CHECKING:
    from conversations_async.cli.syncing import Watch
    from conversations_async.sync import SyncJob, SyncPlan, SyncReport

_KEEP = Group("What to keep", sort_key=2)


def sync(
    database: Annotated[str, Parameter(help="Path of an SQLite file, made where there is none, or postgresql://…")],
    /,
    *,
    full: Annotated[
        bool, Parameter(help="List everything again, and mark threads that are gone.", group=_KEEP)
    ] = False,
    no_raw: Annotated[
        bool, Parameter(help="Do not keep what Meta sent as JSON beside the columns.", group=_KEEP)
    ] = False,
    dry_run: Annotated[
        bool, Parameter(help="Only tell how many calls and how much time it will take.", group=_KEEP)
    ] = False,
    options: SyncOptions = NOTHING_SAID_TO_SYNC,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    if options.user_id is not None:
        refuse("--user-id: a sync keeps whole Inboxes; leave it out")
    wanted = _messages(options.messages)
    database = checked_database(database)
    order = order_of(options)

    import asyncio

    from conversations_async.sync import StoreError, StoreForeign

    try:
        report = asyncio.run(_sync(order, database, wanted, full=full, raw=not no_raw, dry_run=dry_run))
    except StoreForeign as error:
        refuse(str(error))
    except StoreError as error:
        say(f"conversations-async: {error}")
        return CRASHED
    if report is None:
        return 0
    return INTERRUPTED if report.interrupted else status_of(len(report.failed), len(report.inboxes))


def _messages(text: str) -> Literal["none", "all"] | int:
    if text in ("none", "all"):
        return text  # type: ignore[return-value]  # mypy does not narrow a text to its literals
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:10]) <= 100):
        refuse("--messages takes none, all, or a number from 1 to 100")
    return int(text)


async def _sync(
    order: Order, database: str, messages: Literal["none", "all"] | int, *, full: bool, raw: bool, dry_run: bool
) -> "SyncReport | None":
    from contextlib import nullcontext

    from conversations_async.cli.options import session_of
    from conversations_async.cli.progress import drawn
    from conversations_async.cli.syncing import Watch, picture, plain_lines
    from conversations_async.cli.telling import Teller, log_to_stderr
    from conversations_async.sync import SyncJob, open_store, read_plan

    options = order.options
    log_to_stderr(verbose=options.verbose, quiet=options.quiet)
    if dry_run:
        plan = read_plan(database, order.inboxes, order.query, full=full, messages=messages == "all")
        for line in _told(plan, options.calls_per_second):
            say(line)
        return None
    drawing = sys.stderr.isatty() and not options.quiet
    watch = Watch.of(order.inboxes, Teller(verbose=options.verbose, quiet=options.quiet), drawing=drawing)
    with _ended_by_signals(watch) as ending:
        async with session_of(options, on_event=watch.hear) as session, open_store(database, raw=raw) as store:
            job = SyncJob(
                session,
                store,
                order.pages,
                platforms=order.platforms,
                query=order.query,
                messages=messages,
                full=full,
                settle=not options.no_settle,
                max_wait=options.max_wait,
                fail_fast=options.fail_fast,
                on_inbox=watch.end,
            )
            plan = await job.plan()
            watch.follow(job.tallies, plan, options.calls_per_second)
            for line in [] if options.quiet else _told(plan, options.calls_per_second):
                say(line)
            ending.job = job
            async with drawn(watch, picture) if drawing else nullcontext() if options.quiet else plain_lines(watch):
                report = await job.run()
    for line in watch.sum_up_at_the_end(report):
        say(line)
    return report


def _told(plan: "SyncPlan", calls_per_second: float) -> list[str]:
    """The plan in sentences."""
    from conversations_async.cli.syncing import in_words

    kinds: dict[str, int] = {}
    for each in plan.inboxes:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    lines = [f"{len(plan.inboxes)} Inboxes: " + ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))]
    known = len(plan.inboxes) - plan.unknown
    if known:
        pace = f"{in_words(plan.seconds(calls_per_second))} at {calls_per_second:g} calls a second on each Inbox"
        time = pace if calls_per_second > 0 else "as fast as answers come"
        lines.append(f"{plan.calls} calls for the {known} that were listed to their end before: {time}")
    if plan.unknown:
        lines.append(f"{plan.unknown} not listed to their end yet: how much they hold is not known before")
    if any(each.kind != "incremental" for each in plan.inboxes):
        lines.append(PRICE)
    if plan.messages:
        lines.append("besides, a call for every thread that moved and every hundred new messages of it")
    return lines


PRICE: Final = (
    "all of an Inbox costs a call for 100 threads (Instagram: 25), then one for 400 (50) to prove that none was missed"
)


class _ended_by_signals:  # noqa: N801  # reads as what it does
    """Ctrl-C or SIGTERM once ends the job after what it has read is saved; twice ends the process at once.

    Before there is a job one is enough: the database may be locked or its server away, and nothing has been read.
    """

    def __init__(self, watch: "Watch") -> None:
        self._watch, self._times = watch, 0
        self.job: SyncJob | None = None

    def __enter__(self) -> Self:
        import asyncio
        import signal
        from contextlib import suppress

        with suppress(NotImplementedError, RuntimeError):  # Windows, or no main thread: then the first ends at once
            for each in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(each, self._end)
        return self

    def __exit__(self, *_exception: object) -> None:
        import asyncio
        import signal
        from contextlib import suppress

        with suppress(NotImplementedError, RuntimeError):  # where none was set
            for each in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().remove_signal_handler(each)

    def _end(self) -> None:
        from contextlib import suppress

        self._times += 1
        if self.job is None:
            say("interrupted")
        elif self._times == 1:
            say("ending once what has been read is saved; Ctrl-C again ends at once")
            self.job.stop()
            return
        if self._watch.drawing:
            # The picture has hidden the terminal's cursor and left it behind its last line.
            # Past `sys.stderr`, which the picture has taken for lines above itself.
            with suppress(OSError):
                os.write(2, b"\x1b[?25h\n")
        os._exit(INTERRUPTED)  # the database bears it: rows and cursor are of one transaction
