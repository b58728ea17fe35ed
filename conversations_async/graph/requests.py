"""What is asked of the Graph API and what comes back, as plain values. No request holds a token: the transport adds it.

`since` and `until` are never sent: the reference page says that this edge has no paging by time (contract 1.1).
`paging.next` is never followed: it carries the token and may name another host (contract 3.1, 6.8); the next request
is built from the cursor.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, quote

from attrs import evolve, field, frozen

from conversations_async.expansion import (
    BARE_MESSAGE_FIELDS,
    INSTAGRAM_MESSAGE_FIELDS,
    MESSAGE_FIELDS,
    read_fields,
    text_of,
    without,
)
from conversations_async.pages import GraphHost, Inbox, Page, Platform
from conversations_async.query import ThreadQuery
from conversations_async.values import Plain, plain, quickly_made

GRAPH: Final = "https://graph.facebook.com"
GRAPH_INSTAGRAM: Final = "https://graph.instagram.com"
DEFAULT_API_VERSION: Final = "v25.0"
"""Usable until 2028-07-29 (contract 1.7)."""


@plain
class GraphRequest(Plain):
    """One GET. `path` has no version and no slash in front; `query` is percent-encoded and holds no token."""

    path: str
    query: str
    host: GraphHost = "facebook"
    inbox: Inbox | None = None
    what: str = "threads"
    explains_token: bool = False
    """The token is to be told about: the transport adds it as `input_token` too, and nobody else can."""


@quickly_made
@frozen
class RawAnswer:
    """What came back, unread. Header names match in any case; repr shows neither headers nor body."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    sent_at: float | None = field(default=None, repr=False)
    """Loop time at which the request went out, on a connection that was there. None where nobody stamped it."""
    received_at: float | None = field(default=None, repr=False)
    """Loop time at which the answer's head was there."""
    connected_in: float | None = field(default=None, repr=False)
    """Seconds that a new connection took, None where one was reused."""
    in_any_case: bool = field(default=False, repr=False, eq=False)
    """Whether `headers` finds a name in lower case by itself."""
    may_spell_nul: bool = field(default=True, repr=False, eq=False)
    """False where somebody has looked, and `\\u0000` is not in the body."""

    def header(self, name: str) -> str | None:
        """A header's value; `name` in lower case."""
        value = self.headers.get(name)
        return value if value is not None or self.in_any_case else _lowered(self.headers).get(name)

    def with_body(self, body: bytes, *, may_spell_nul: bool = True) -> "RawAnswer":
        """The same answer with another body."""
        # Three or more headers are asked for in vain, and Meta sends some twenty others.
        headers = self.headers if self.in_any_case else _lowered(self.headers)
        stamps = self.sent_at, self.received_at, self.connected_in
        return RawAnswer(self.status, headers, body, *stamps, True, may_spell_nul)


def _lowered(headers: Mapping[str, str]) -> dict[str, str]:
    lowered: dict[str, str] = {}
    for name, value in headers.items():
        lowered.setdefault(name.lower(), value)
    # Where a name stands there twice, the one in lower case is meant, as `header` has it.
    lowered.update((name, headers[name]) for name in lowered.keys() & headers.keys())
    return lowered


def encode(**parameters: str | int | None) -> str:
    """A query string of the parameters that are given, in the order given."""
    return "&".join(f"{name}={quote(str(value), safe='')}" for name, value in parameters.items() if value is not None)


def list_threads(page: Page, inbox: Inbox, query: ThreadQuery, *, folder: str | None = None) -> GraphRequest:
    """The head of an Inbox's listing, without its `limit`: `at` adds that and the place.

    `folder` is one of several to be listed; by itself the query's own.
    """
    login = page.graph == "instagram"
    # Whom somebody looks for is kept no longer than for the call.
    encoded = _shared_query if query.user_id is None else _listing_query
    asked = encoded(query, inbox.platform, login, folder)
    return GraphRequest(f"{page.id}/conversations", asked, page.graph, inbox)


def _listing_query(query: ThreadQuery, platform: Platform, login: bool, folder: str | None) -> str:
    return encode(
        # graph.instagram.com knows one platform only (contract 1.2).
        platform=None if login else platform.value,
        folder=folder or (None if query.folder == "all" else query.folder),
        user_id=query.user_id,
        tags=None if query.tags is None else ",".join(query.tags),
        fields=query.fields_on(platform),
        updated_after_ms=query.updated_after_ms,
        updated_before_ms=query.updated_before_ms,
    )


_shared_query: Final = lru_cache(maxsize=64)(_listing_query)
"""For a listing, whose Inboxes share one: thousands of them, mostly."""


def thread_messages(page: Page, inbox: Inbox, thread_id: str, *, bare: bool = False) -> GraphRequest:
    """The head of a thread's messages, without its `limit`; `bare` asks for no details."""
    known = INSTAGRAM_MESSAGE_FIELDS if inbox.platform is Platform.INSTAGRAM else MESSAGE_FIELDS
    asked = BARE_MESSAGE_FIELDS if bare else known
    # Old ids hold `$` and `:`, Instagram's may hold anything (contract 2.4).
    return GraphRequest(f"{quote(thread_id, safe='')}/messages", encode(fields=asked), page.graph, inbox, "messages")


def one_message(page: Page, inbox: Inbox, message_id: str) -> GraphRequest:
    """One message by its id."""
    known = INSTAGRAM_MESSAGE_FIELDS if inbox.platform is Platform.INSTAGRAM else MESSAGE_FIELDS
    return GraphRequest(quote(message_id, safe=""), encode(fields=known), page.graph, inbox, "message")


def newest_messages(page: Page, inbox: Inbox, thread_id: str, query: ThreadQuery) -> GraphRequest:
    """One thread with its newest messages only: what its Inbox's listing does not stand (contract 5.3)."""
    asked = encode(fields=f"id,{query.messages_on(inbox.platform)}")
    return GraphRequest(quote(thread_id, safe=""), asked, page.graph, inbox, "thread")


def list_accounts() -> GraphRequest:
    """The Pages of a user token (contract 6.9)."""
    asked = "id,name,access_token,tasks,instagram_business_account,connected_instagram_account"
    return GraphRequest("me/accounts", encode(fields=asked), what="pages")


def explain_token() -> GraphRequest:
    """What the token that the call is made with is good for (contract 6.9)."""
    return GraphRequest("debug_token", "", what="token", explains_token=True)


def linked_account(page: Page) -> GraphRequest:
    """Which Instagram account a Page is linked with; of Instagram Login, which account the token is of."""
    if page.graph == "instagram":
        return GraphRequest("me", encode(fields="user_id,username"), "instagram", what="account")
    asked = encode(fields="instagram_business_account,connected_instagram_account")
    return GraphRequest(page.id, asked, what="account")


def leave_out(request: GraphRequest, name: str, node: str | None) -> GraphRequest | None:
    """The request without a field that Meta refused; None where it did not ask for it, or needs it.

    `node` is the type that Meta names, "UnifiedThread" or "Message": it tells fields of the same name apart.
    """
    parameters = dict(parse_qsl(request.query, keep_blank_values=True))
    if name == "id" or "fields" not in parameters:
        return None
    within = {"UnifiedThread": "", "Message": "" if request.what in ("messages", "message") else "messages"}
    rest = without(read_fields(parameters["fields"]), name, within=within.get(node or ""))
    if not rest:
        return None
    return evolve(request, query=encode(**{**parameters, "fields": text_of(rest)}))


def at(listing: GraphRequest, *, limit: int, after: str | None) -> GraphRequest:
    """The listing from a place on; `limit` before `after`, as Meta's own links have it (contract 3.1)."""
    place = "" if after is None else f"&after={_quoted(after)}"
    joint = "&" if listing.query else ""
    query = f"{listing.query}{joint}limit={limit}{place}"
    # For every call of a walk: without `evolve`, which takes as long as four of these.
    return GraphRequest(listing.path, query, listing.host, listing.inbox, listing.what, listing.explains_token)


def _quoted(cursor: str) -> str:
    # Letters and digits, mostly: they stay what they are.
    return cursor if cursor.isalnum() and cursor.isascii() else quote(cursor, safe="")


_FIELDS: Final = re.compile(r"(?<![^&])fields=([^&]*)")
_BOUNDS: Final = re.compile(r"&updated_(?:after|before)_ms=[^&]*")
LEAN: Final = "id%2Cupdated_time"


def lean(listing: GraphRequest) -> GraphRequest:
    """The same listing, asking of each thread only what a walk needs (contract 5.3, 9)."""
    return evolve(listing, query=_FIELDS.sub(f"fields={LEAN}", listing.query))


def without_bounds(listing: GraphRequest) -> GraphRequest:
    """The same listing without Meta's own bounds by time (contract 10); itself where it has none."""
    query = _BOUNDS.sub("", listing.query)
    return listing if query == listing.query else evolve(listing, query=query)


def one_thread(listing: GraphRequest, thread_id: str) -> GraphRequest:
    """One thread of a listing by itself, with the fields of the listing (contract 5.3)."""
    found = _FIELDS.search(listing.query)
    fields = found[0] if found else f"fields={LEAN}"
    return GraphRequest(quote(thread_id, safe=""), fields, listing.host, listing.inbox, "thread")


def probe(listing: GraphRequest, thread_id: str | None) -> GraphRequest:
    """A read that costs Meta next to nothing and is no listing: a thread, or the node whose threads are listed."""
    path = listing.path.partition("/")[0] if thread_id is None else quote(thread_id, safe="")
    return GraphRequest(path, "fields=id", listing.host, listing.inbox, "probe")


def inbox_of(page: Page, platform: Platform) -> Inbox:
    """The Inbox of a Page on a platform that it has."""
    if platform not in page.platforms:
        raise ValueError(f"Page {page.id} is not on {platform}: its platforms are {', '.join(page.platforms)}")
    return Inbox(page.id, platform)
