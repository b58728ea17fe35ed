"""From JSON to the model's objects.

A thread page is decoded by looking at its frame: `data`, `paging` (by a cattrs converter), and each entry's `id`. An
entry without a readable id is no thread; it is named by its path and does not take its neighbours along. Everything
inside a thread is read when it is touched (`model.Thread`), so that listing a thousand threads to read their ids costs
a thousand ids.
"""

from typing import Any, Final

from attrs import frozen
from cattrs import Converter

from conversations_async.errors import AnswerUnreadable
from conversations_async.model import Cursor, Inbox, Thread, ThreadPage, Usage


@frozen
class Paging:
    """Where a listing goes on: `more` by the presence of `next`, from `after` (contract 3.1)."""

    more: bool = False
    after: str | None = None


def _paging(value: object, _type: object) -> Paging:
    """Any shape of `paging`: absent, null, empty, without cursors, with `after` only (payload shapes: paging)."""
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


converter: Final = Converter(prefer_attrib_converters=False, detailed_validation=False)
converter.register_structure_hook(Paging, _paging)


def thread_page(payload: dict[str, Any], inbox: Inbox, usage: Usage | None = None) -> ThreadPage:
    """The thread page that an answer holds. Raises AnswerUnreadable where it is no listing at all."""
    data = payload.get("data")
    if type(data) is not list:
        raise AnswerUnreadable("a list was expected" if "data" in payload else "the list is missing", "$.data", inbox)
    paging = converter.structure(payload.get("paging"), Paging)
    threads: list[Thread] = []
    unreadable: list[str] = []
    for place, raw in enumerate(data):
        try:
            key = raw["id"]
            if type(key) is not str or not key:
                raise TypeError
        except (TypeError, KeyError):
            repaired = _with_readable_id(raw)
            if repaired is None:
                unreadable.append(f"$.data[{place}]{'.id' if type(raw) is dict else ''}: {_why(raw)}")
                continue
            raw = repaired
        threads.append(Thread(inbox, raw))
    cursor = Cursor(paging.after) if paging.after is not None else None
    return ThreadPage(inbox, tuple(threads), cursor, paging.more, usage, tuple(unreadable))


def one_thread(payload: dict[str, Any], inbox: Inbox) -> Thread:
    """The thread that an answer is. Raises AnswerUnreadable where it is none."""
    key = payload.get("id")
    if type(key) is str and key:
        return Thread(inbox, payload)
    raw = _with_readable_id(payload)
    if raw is None:
        raise AnswerUnreadable(_why(payload), "$.id" if key is not None else "$", inbox)
    return Thread(inbox, raw)


def _with_readable_id(raw: object) -> dict[str, Any] | None:
    """A numeric id is an id all the same."""
    if type(raw) is dict and type(raw.get("id")) is int:
        return {**raw, "id": str(raw["id"])}
    return None


def _why(raw: object) -> str:
    if type(raw) is not dict:
        return "an object was expected"
    return "a text was expected" if "id" in raw else "the id is missing"
