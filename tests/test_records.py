"""Threads and people are attrs classes to whoever looks at them, however they were made."""

import copy
import gc
import pickle
import weakref
from collections.abc import Mapping
from typing import Any

import attrs
import orjson
import pytest
from rich.pretty import pretty_repr

from conversations_async.graph.decode import listed_page
from conversations_async.graph.listing import ListingReader
from conversations_async.model import Inbox, Participant, Platform, Thread, UnavailableThread

INBOX = Inbox("1042", Platform.MESSENGER)
ILSE = {"id": "7", "name": "Ilse Marwick", "email": "7@facebook.com"}
RAW = {"id": "t_1", "updated_time": "2026-05-04T13:32:08+0000", "snippet": "hello", "participants": {"data": [ILSE]}}
CAUSE = ValueError("no")


def listed() -> Thread:
    listing = ListingReader().read(orjson.dumps({"data": [RAW]}), INBOX)
    assert listing is not None
    (thread,) = listed_page(listing, INBOX).threads
    return thread


class Caller(Participant):
    """A person of somebody's own."""


MADE = {
    "listed": listed,
    "by hand": lambda: Thread(INBOX, RAW),
    "odd": lambda: Thread(INBOX, {**RAW, "message_count": "3", "brand_new": None}, found_in="inbox"),
    "unavailable": lambda: UnavailableThread(INBOX, RAW, cause=CAUSE),
    "a listed person": lambda: listed().participants[0],
    "a person": lambda: Participant(ILSE),
    "an odd person": lambda: Participant({**ILSE, "name": 5}),
    "one's own": lambda: Caller(ILSE),
}


@pytest.fixture(params=MADE.values(), ids=list(MADE))
def made(request: pytest.FixtureRequest) -> Any:
    return request.param


def test_what_is_equal_is_never_unequal(made: Any) -> None:
    one, other = made(), made()
    assert one == other
    assert not one != other  # noqa: SIM202  # another method than the one above
    assert hash(one) == hash(other)
    assert one != "t_1"
    assert one != attrs.evolve(one, raw={"id": "8"})


def test_copies_are_equal_and_of_the_same_class(made: Any) -> None:
    one = made()
    copies = [copy.copy(one), copy.deepcopy(one), attrs.evolve(one)]
    if not isinstance(one, UnavailableThread):
        # An exception is equal to itself alone.
        copies.append(pickle.loads(pickle.dumps(one)))
    for each in copies:
        assert each == one
        assert type(each) is type(one)


def test_a_replacement_of_raw_is_what_every_field_is_read_from(made: Any) -> None:
    # Before Python 3.13 there is no function that calls it.
    replace = getattr(copy, "replace", type(made()).__replace__)
    changed = replace(made(), raw={"id": "8", "name": "Jan"})
    assert (changed.id, changed.name, changed.raw) == ("8", "Jan", {"id": "8", "name": "Jan"})
    with pytest.raises(TypeError, match="'id'"):
        replace(made(), id="9")


def test_an_unavailable_thread_that_its_own_cause_leads_back_to_is_collected() -> None:
    class Walk:
        """Whatever lies in a frame that the exception passed."""

    def fail() -> weakref.ref[Walk]:
        walk = Walk()
        try:
            raise ValueError
        except ValueError as error:
            thread = UnavailableThread(INBOX, {"id": "t_1"}, cause=error)
        assert thread.cause.__traceback__ is not None
        return weakref.ref(walk)

    left = fail()
    gc.collect()
    assert left() is None


def test_rich_shows_no_more_than_repr(made: Any) -> None:
    shown = pretty_repr(made())
    assert shown.startswith(f"{type(made()).__name__}(")
    assert not [text for text in ("hello", "Ilse", "7@facebook.com", "raw") if text in shown]


def test_patterns_match_by_position_what_a_value_is_made_of() -> None:
    match listed():
        case Thread(inbox, raw):
            assert (inbox, raw) == (INBOX, RAW)
    match listed().participants[0]:
        case Participant(raw):
            assert raw == ILSE


def test_the_fields_tell_their_types() -> None:
    types = {each.name: each.type for each in attrs.fields(UnavailableThread)}
    assert types == {"inbox": Inbox, "raw": Mapping[str, Any], "found_in": str | None, "cause": Exception}
    assert [each.type for each in attrs.fields(Participant)] == [Mapping[str, Any]]


def test_what_lies_a_step_away_says_in_help_what_it_is() -> None:
    for name in ("page_id", "participants", "senders", "former_participants"):
        assert "attrgetter" not in (getattr(Thread, name).__doc__ or "attrgetter")
