"""How a sync stands for one Inbox while it runs, and what is said of it at its end."""

from attrs import define, evolve, field

from conversations_async.model import Inbox, Page
from conversations_async.sync.values import InboxReport, Outcome, Saved


@define(eq=False)
class Tally:
    """How it stands for one Inbox, while it runs."""

    inbox: Inbox
    page: Page
    report: InboxReport = field(init=False)
    calls: int = 0
    waited: float = 0.0
    refused: set[str] = field(factory=set)
    unsettled: bool = False
    unread: int = 0
    """Threads whose messages could not be had."""
    at_work: bool = False
    """Whether it counts among the Inboxes at once."""
    answered_at: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.report = InboxReport(self.inbox)

    def add(self, saved: Saved) -> None:
        """Count what a save brought."""
        report = self.report
        self.report = evolve(
            report,
            new=report.new + saved.new,
            changed=report.changed + saved.changed,
            unchanged=report.unchanged + saved.unchanged,
            messages=report.messages + saved.messages,
        )

    def fail(self, cause: Exception, next_step: str | None = None) -> None:
        """The Inbox failed: why, and what to do; what the cause advises by itself."""
        advice = next_step or getattr(cause, "advice", None)
        sentence = str(cause).removeprefix(f"{self.inbox}: ")
        self.close(Outcome.FAILED, sentence, advice if isinstance(advice, str) else "Run again.")

    def close(self, outcome: Outcome, cause: str | None = None, next_step: str | None = None) -> None:
        """Make the report say how it ended."""
        if outcome is Outcome.INTERRUPTED:
            cause, next_step = "the run was ended", "Run again: it goes on where it was."
        elif outcome is Outcome.COMPLETE and self.unread:
            cause = f"{self.unread} threads would not tell their messages"
        self.report = evolve(
            self.report,
            outcome=outcome,
            cause=cause,
            next_step=next_step,
            calls=self.calls,
            waited=round(self.waited, 3),
        )
