"""From JSON to the model's objects.

Most listings come decoded already (`listing`). Of one that had to be looked at closely, the frame is read here: `data`,
`paging`, and each entry's `id`. An entry without a readable id is no thread; it is named by its path and does not take
its neighbours along. What Meta tells of Pages and tokens is read in `accounts`.
"""

from operator import itemgetter
from typing import Any, Final

from conversations_async.errors import AnswerUnreadable
from conversations_async.graph.listing import Listing
from conversations_async.model import Cursor, Inbox, Thread, ThreadPage, Usage, found_under, threads_of
from conversations_async.readers import has_id
from conversations_async.values import Bundle, Plain, plain


@plain
class Paging(Plain):
    """Where a listing goes on: `more` by the presence of `next`, from `after` (contract 3.1)."""

    more: bool = False
    after: str | None = None


def paging_of(payload: dict[str, Any]) -> Paging:
    """Where a listing goes on behind this answer. Of any shape: absent, null, empty, without cursors, `after` only."""
    value = payload.get("paging")
    if not isinstance(value, dict):
        return Paging()
    cursors = value.get("cursors")
    after = cursors.get("after") if isinstance(cursors, dict) else None
    if type(after) is int:
        after = str(after)
    return Paging(
        # What `next` says is never looked at; that it is there is. One call too many loses nothing, one too few may.
        more=value.get("next") is not None,
        after=after if isinstance(after, str) and after else None,
    )


def listed_page(
    listing: Listing, inbox: Inbox, usage: Usage | None = None, *, found_in: str | None = None
) -> ThreadPage:
    """The thread page that a listing is which was decoded at once. `found_in` is the folder that was listed."""
    cursor = Cursor(listing.after) if listing.after is not None else None
    found_under(found_in, listing.threads)
    return ThreadPage(inbox, listing.threads, cursor, listing.more, usage)


def thread_page(
    payload: dict[str, Any], inbox: Inbox, usage: Usage | None = None, *, found_in: str | None = None
) -> ThreadPage:
    """The thread page that an answer holds. Raises AnswerUnreadable where it is no listing at all.

    `found_in` is the folder that was listed.
    """
    data = listed(payload, inbox)
    paging = paging_of(payload)
    unreadable: tuple[str, ...] = ()
    if not _all_have_ids(data):
        data, unreadable = _with_ids(data)
    cursor = Cursor(paging.after) if paging.after is not None else None
    return ThreadPage(inbox, threads_of(inbox, data, found_in=found_in), cursor, paging.more, usage, unreadable)


_id_of: Final = itemgetter("id")


def _all_have_ids(data: list[Any]) -> bool:
    """Whether every entry is an object with a text as its id; looked at without a Python call for each."""
    try:
        ids = [*map(_id_of, data)]
    except (TypeError, KeyError):
        return False
    return {*map(type, ids)} <= {str} and all(ids)


def _with_ids(data: list[Any]) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The objects that have an id, or can be given one, and the paths of the other entries."""
    found: list[dict[str, Any]] = []
    unreadable: list[str] = []
    for place, raw in enumerate(data):
        if has_id(raw):
            found.append(raw)
        elif (repaired := _with_readable_id(raw)) is not None:
            found.append(repaired)
        else:
            unreadable.append(f"$.data[{place}]{'.id' if type(raw) is dict else ''}: {_why(raw)}")
    return found, tuple(unreadable)


class MessagePage(Bundle):
    """One answer of a thread's messages edge, newest first."""

    messages: tuple[dict[str, Any], ...]
    paging: Paging
    unreadable: tuple[str, ...] = ()
    """Entries that are no messages, as paths into the answer."""


def message_page(payload: dict[str, Any], inbox: Inbox | None = None) -> MessagePage:
    """The messages that an answer lists. Raises AnswerUnreadable where it is no listing at all."""
    found, unreadable = _with_ids(listed(payload, inbox))
    return MessagePage(tuple(found), paging_of(payload), unreadable)


def listed(payload: dict[str, Any], inbox: Inbox | None) -> list[Any]:
    """The entries of a listing. Raises AnswerUnreadable where it is none."""
    data = payload.get("data")
    if type(data) is not list:
        raise AnswerUnreadable("a list was expected" if "data" in payload else "the list is missing", "$.data", inbox)
    return data


def one_thread(payload: dict[str, Any], inbox: Inbox, *, found_in: str | None = None) -> Thread:
    """The thread that an answer is. Raises AnswerUnreadable where it is none."""
    if has_id(payload):
        return Thread(inbox, payload, found_in=found_in)
    raw = _with_readable_id(payload)
    if raw is None:
        raise AnswerUnreadable(_why(payload), "$.id" if payload.get("id") is not None else "$", inbox)
    return Thread(inbox, raw, found_in=found_in)


def _with_readable_id(raw: object) -> dict[str, Any] | None:
    """A numeric id is an id all the same."""
    if type(raw) is dict and type(raw.get("id")) is int:
        return {**raw, "id": str(raw["id"])}
    return None


def _why(raw: object) -> str:
    if type(raw) is not dict:
        return "an object was expected"
    return "a text was expected" if "id" in raw else "the id is missing"
