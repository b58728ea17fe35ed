"""Moments as the tables hold them: ISO 8601 in UTC, whole seconds."""

from datetime import UTC, datetime


def moment_text(moment: datetime | None = None) -> str:
    """Now, or a moment, as the tables hold it."""
    return (moment or datetime.now(UTC)).isoformat(timespec="seconds")


def moment_of(text: object) -> datetime | None:
    """A moment from a table; one without a zone is of UTC. What is none, or none of Meta's days, is None."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    if moment is None or not 1970 < moment.year < 9999:  # beyond these there is no five minutes earlier or UTC
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
