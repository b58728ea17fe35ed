"""What is asked: percent-encoded, in Meta's own order, with no token in it."""

import pickle
import weakref
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations_async.graph.requests import (
    DEFAULT_API_VERSION,
    GRAPH,
    GRAPH_INSTAGRAM,
    GraphRequest,
    RawAnswer,
    at,
    encode,
    inbox_of,
    list_threads,
)
from conversations_async.model import Inbox, Page, Platform, ThreadQuery

CANARY = "EAACANARYcanary0123456789ZDZD"
PAGE = Page("1042", CANARY)
MESSENGER = Inbox("1042", Platform.MESSENGER)
INSTAGRAM = Inbox("1042", Platform.INSTAGRAM)
ID = "id%2Cupdated_time"

# Inbox, query → the whole query string (contract 1.1).
ASKED: list[tuple[Inbox, dict[str, Any], str]] = [
    (MESSENGER, {"fields": "id,updated_time"}, f"platform=messenger&fields={ID}"),
    (INSTAGRAM, {"fields": "id,updated_time"}, f"platform=instagram&fields={ID}"),
    (INSTAGRAM, {}, f"platform=instagram&fields={ID}%2Cparticipants"),
    (MESSENGER, {"fields": "", "folder": "page_done"}, f"platform=messenger&folder=page_done&fields={ID}"),
    (MESSENGER, {"fields": "", "user_id": "7"}, f"platform=messenger&user_id=7&fields={ID}"),
    (MESSENGER, {"fields": "", "tags": ["a", "b c"]}, f"platform=messenger&tags=a%2Cb%20c&fields={ID}"),
    (MESSENGER, {"fields": "participants{id,name}"}, f"platform=messenger&fields={ID}%2Cparticipants%7Bid%2Cname%7D"),
    (MESSENGER, {"fields": "", "tags": "x&token=y#z"}, f"platform=messenger&tags=x%26token%3Dy%23z&fields={ID}"),
]  # fmt: skip


@pytest.mark.parametrize(("inbox", "query", "text"), ASKED)
def test_a_listing_is_asked_for_in_metas_words(inbox: Inbox, query: dict[str, Any], text: str) -> None:
    request = list_threads(PAGE, inbox, ThreadQuery(**query))
    assert (request.path, request.query, request.host) == ("1042/conversations", text, "facebook")
    assert request.inbox == inbox


def test_instagram_login_is_asked_on_its_own_host_without_a_platform() -> None:
    """Contract 1.2."""
    page = Page("17841", CANARY, graph="instagram")
    request = list_threads(page, Inbox("17841", Platform.INSTAGRAM), ThreadQuery())
    assert request.host == "instagram"
    assert "platform" not in request.query
    assert (GRAPH, GRAPH_INSTAGRAM) == ("https://graph.facebook.com", "https://graph.instagram.com")


def test_a_place_in_a_listing_is_limit_and_then_after() -> None:
    """Contract 3.1: the order of Meta's own links."""
    listing = list_threads(PAGE, MESSENGER, ThreadQuery(fields=""))
    assert at(listing, limit=25, after=None).query == f"platform=messenger&fields={ID}&limit=25"
    assert (
        at(listing, limit=7, after="QVFI+/=&").query == f"platform=messenger&fields={ID}&limit=7&after=QVFI%2B%2F%3D%26"
    )
    assert at(listing, limit=7, after="a").path == listing.path


def test_no_request_holds_a_token_or_a_time() -> None:
    """Contract 1.1: no paging by time on this edge."""
    request = at(list_threads(PAGE, MESSENGER, ThreadQuery()), limit=1, after="x")
    assert CANARY not in repr(request)
    assert CANARY.encode() not in pickle.dumps(request)
    assert not {"access_token", "since", "until"} & {name for name, _ in parse_qsl(request.query)}


def test_the_version_asked_for_by_default_is_usable_for_years() -> None:
    """Contract 1.7: until 2028-07-29."""
    assert DEFAULT_API_VERSION == "v25.0"


@given(
    tag=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
    after=st.text(st.characters(exclude_categories=["Cs"])),
)
def test_any_text_comes_back_as_it_was(tag: str, after: str) -> None:
    request = at(list_threads(PAGE, MESSENGER, ThreadQuery(fields="", tags=tag)), limit=3, after=after)
    assert request.query.isascii()
    assert parse_qsl(request.query, keep_blank_values=True) == [
        ("platform", "messenger"),
        ("tags", tag),
        ("fields", "id,updated_time"),
        ("limit", "3"),
        ("after", after),
    ]


def test_what_is_not_given_is_not_asked() -> None:
    assert encode(a=None, b="", c=0) == "b=&c=0"


def test_an_inbox_is_of_a_platform_that_the_page_has() -> None:
    assert inbox_of(PAGE, Platform.INSTAGRAM) == INSTAGRAM
    with pytest.raises(ValueError, match=r"Page 7 is not on instagram: its platforms are messenger"):
        inbox_of(Page("7", CANARY, platforms="messenger"), Platform.INSTAGRAM)


def test_an_answers_repr_shows_neither_headers_nor_body() -> None:
    answer = RawAnswer(200, {"Location": CANARY}, CANARY.encode())
    assert repr(answer).startswith("RawAnswer(status=200")
    assert CANARY not in repr(answer)
    assert answer.header("location") == CANARY
    assert answer.header("etag") is None


def test_a_request_is_a_value() -> None:
    request = GraphRequest("1042/conversations", "fields=id", "facebook", MESSENGER)
    assert pickle.loads(pickle.dumps(request)) == request
    assert hash(request) == hash(GraphRequest("1042/conversations", "fields=id", "facebook", MESSENGER))


def test_whom_somebody_looks_for_is_kept_no_longer_than_for_the_call() -> None:
    query = ThreadQuery(user_id="7700")
    assert "user_id=7700" in list_threads(PAGE, MESSENGER, query).query
    kept = weakref.ref(query)
    del query
    assert kept() is None
    shared = ThreadQuery(tags="of-a-listing")
    assert list_threads(PAGE, MESSENGER, shared).query is list_threads(PAGE, MESSENGER, shared).query
