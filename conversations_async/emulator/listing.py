"""`/{page-id}/conversations`: which threads a call gets, and what paging says about the rest (contract 1, 3)."""

import bisect
from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import attrs

from conversations_async.emulator import refusals, wire
from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.manners import CursorAnchor, Manners
from conversations_async.emulator.nodes import NESTED, thread_nodes
from conversations_async.emulator.refusals import PARAM_WRONG, Refused
from conversations_async.emulator.threads import FOLDERS, InboxWorld, ThreadWorld
from conversations_async.emulator.views import View
from conversations_async.emulator.wire import Place
from conversations_async.model import Platform

_BY_RANK = attrgetter("rank")


@attrs.frozen
class ListingAsk:
    """One call to the edge, read."""

    asks: tuple[FieldAsk, ...] | None
    fields: str | None
    limit: int
    after: str | None = None
    before: str | None = None
    folder: str = "inbox"
    user_id: str | None = None
    newer_than: float | None = None
    older_than: float | None = None
    others: tuple[tuple[str, str], ...] = ()
    """Further parameters, which paging links repeat."""
    path: str = ""

    @property
    def heavy(self) -> bool:
        """Whether nested fields are asked."""
        return self.asks is not None and any(field.name in NESTED for field in self.asks)


@attrs.frozen
class _Span:
    """A part of the list, newest first: from *start* to before *end*, at *step* of the walk."""

    start: int
    end: int
    step: int
    empties: int = 0
    hollow: bool = False
    """An empty page in between: nothing of the span is shown, the next page begins where this one does."""


def listing(ask: ListingAsk, inbox: InboxWorld, view: View) -> dict[str, Any]:
    """The answer of the edge; raises `Refused`."""
    manners = view.manners
    _refuse_what_is_too_much(ask, manners)
    if manners.lists_nothing:
        return {"data": []}
    listed = _candidates(ask, inbox)
    key = f"{view.page.id}/{view.platform}/{ask.folder}"
    cursor = ask.after or ask.before
    place = _place_of(cursor, key, view) if cursor else None
    limit = _granted_limit(ask.limit, manners)
    span = _span(ask, place, listed, inbox, limit, manners)
    part = [] if span.hollow else listed[len(listed) - span.end : len(listed) - span.start][::-1]
    if (
        manners.poisoned
        and (ask.heavy or manners.poisoned_lean)
        and any(thread.id in manners.poisoned for thread in part)
    ):
        raise Refused(refusals.POISONED)
    answer: dict[str, Any] = {"data": thread_nodes(part, ask.asks, view)}
    paging = _Paging(ask, view, key, place, limit).of(span, part, len(listed))
    if paging is not None:
        answer["paging"] = paging
    return answer


def _refuse_what_is_too_much(ask: ListingAsk, manners: Manners) -> None:
    if manners.high_volume:
        raise Refused(refusals.HIGH_VOLUME)
    if manners.reduce_above is not None and ask.limit > manners.reduce_above:
        raise Refused(refusals.TOO_MUCH_ASKED)
    if manners.reduce_nested_above is not None and ask.limit > manners.reduce_nested_above and ask.heavy:
        raise Refused(refusals.TOO_MUCH_ASKED)


def _granted_limit(limit: int, manners: Manners) -> int:
    if limit <= manners.max_limit:
        return limit
    if manners.over_limit == "refuse":
        raise Refused(PARAM_WRONG.with_words(problem=f"Param limit must be at most {manners.max_limit}"))
    return manners.max_limit


def _candidates(ask: ListingAsk, inbox: InboxWorld) -> Sequence[ThreadWorld]:
    """The threads this call is about, oldest first."""
    if ask.folder not in FOLDERS:
        raise Refused(PARAM_WRONG.with_words(problem="Param folder must be one of {inbox, other, page_done, spam}"))
    listed = inbox.folders[ask.folder]
    if ask.user_id is not None:
        listed = [thread for thread in listed if thread.person.id == ask.user_id]
    if ask.newer_than is not None or ask.older_than is not None:
        newer, older = ask.newer_than or 0.0, ask.older_than or float("inf")
        listed = [thread for thread in listed if newer <= thread.updated_time.timestamp() * 1000 <= older]
    return listed


def _place_of(cursor: str, key: str, view: View) -> Place:
    try:
        place = wire.read_cursor(cursor)
    except wire.CursorUnreadable as problem:
        raise Refused(refusals.CURSOR_WRONG) from problem
    if place.list_key != key:
        raise Refused(refusals.CURSOR_WRONG)
    manners = view.manners
    if manners.cursor_lifetime is not None and view.now - place.issued_at > manners.cursor_lifetime:
        raise Refused(refusals.CURSOR_EXPIRED)
    if manners.max_depth is not None and place.step >= manners.max_depth:
        raise Refused(refusals.CURSOR_TOO_DEEP)
    return place


def _span(
    ask: ListingAsk, place: Place | None, listed: Sequence[ThreadWorld], inbox: InboxWorld, limit: int, manners: Manners
) -> _Span:
    count = len(listed)
    if place is None:
        if 1 in manners.empty_pages:
            return _Span(0, 0, 1, hollow=True)
        return _Span(0, min(count, limit), 1)
    if ask.before and not ask.after:
        end = _items_newer(place, listed, inbox, manners)
        return _Span(max(0, end - limit), end, max(1, place.step - 1))
    step = place.step + 1
    start = min(count, _items_done(place, listed, inbox, manners))
    if step in manners.empty_pages:
        return _Span(start, start, step, place.empties, hollow=True)
    return _Span(start, min(count, start + limit), step, place.empties)


def _items_done(place: Place, listed: Sequence[ThreadWorld], inbox: InboxWorld, manners: Manners) -> int:
    """How many items, newest first, lie before what follows the cursor."""
    if manners.cursor_anchor is CursorAnchor.POSITION or not place.item_id:
        return place.position
    if manners.cursor_anchor is CursorAnchor.ITEM:
        return _items_newer(place, listed, inbox, manners) + 1
    return len(listed) - bisect.bisect_left(listed, place.rank, key=_BY_RANK)


def _items_newer(place: Place, listed: Sequence[ThreadWorld], inbox: InboxWorld, manners: Manners) -> int:
    """How many items are newer than the cursor's own."""
    if manners.cursor_anchor is CursorAnchor.POSITION or not place.item_id:
        return max(0, place.position - 1)
    rank = place.rank
    if manners.cursor_anchor is CursorAnchor.ITEM:
        thread = inbox.by_id.get(place.item_id)
        if thread is None:
            raise Refused(refusals.CURSOR_EXPIRED)  # contract 3.1: cursors die when their item goes
        rank = thread.rank
    return len(listed) - bisect.bisect_right(listed, rank, key=_BY_RANK)


@attrs.frozen
class _Paging:
    """Writes the `paging` member of one answer."""

    ask: ListingAsk
    view: View
    key: str
    place: Place | None
    limit: int

    def of(self, span: _Span, part: Sequence[ThreadWorld], count: int) -> dict[str, Any] | None:
        """The paging of *span*, which shows *part* of *count* threads; None where Meta leaves it out."""
        manners = self.view.manners
        ends = span.end >= count and not span.hollow
        more = not ends or span.empties < manners.trailing_empty
        if not part and not more:
            return None  # contract 3.1, SHAPES: a live empty listing has no `paging`
        if manners.no_paging_when_single and span.start == 0 and not more:
            return None
        first, last = self._cursors(span, part, ends=ends)
        after_only = self.view.platform is Platform.INSTAGRAM if manners.cursors is None else manners.cursors == "after"
        paging: dict[str, Any] = {"cursors": {"after": last} if after_only else {"before": first, "after": last}}
        if more:
            paging["next"] = self._link(("after", last))
        if self.place is not None and span.start > 0 and not after_only:
            paging["previous"] = self._link(("before", first))
        return paging

    def _cursors(self, span: _Span, part: Sequence[ThreadWorld], *, ends: bool) -> tuple[str, str]:
        view, repeats = self.view, self.view.manners.repeating_cursor_at
        empties = span.empties + (ends and view.manners.trailing_empty > 0)
        if part:
            places = [
                Place(self.key, thread.id, thread.rank, position, span.step, empties, view.now)
                for thread, position in ((part[0], span.start + 1), (part[-1], span.end))
            ]
        elif self.place is not None:
            places = [attrs.evolve(self.place, step=span.step, empties=empties, issued_at=view.now)] * 2
        else:
            places = [Place(self.key, "", 0, 0, span.step, empties, view.now)] * 2
        # One nonce for both: with a single item `before` and `after` are the same text, as recorded.
        first, last = (wire.write_cursor(place, view.nonce) for place in places)
        if repeats is not None and span.step >= repeats:
            last = self.ask.after or wire.write_cursor(Place(self.key, "", 0, 0, span.step - 1, 0, view.now), 0)
        return first, last

    def _link(self, cursor: tuple[str, str]) -> str:
        ask = self.ask
        return self.view.link(ask.path, ask.others, fields=ask.fields, limit=ask.limit, cursor=cursor)
