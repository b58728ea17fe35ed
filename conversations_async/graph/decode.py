"""From JSON to the model's objects.

Most listings come decoded already (`listing`). Of one that had to be looked at closely, the frame is read here: `data`,
`paging` (by a cattrs converter), and each entry's `id`. An entry without a readable id is no thread; it is named by its
path and does not take its neighbours along. What Meta tells of Pages and tokens is structured by cattrs.
"""

from collections.abc import Callable
from operator import itemgetter
from typing import Any, Final

from attrs import field, frozen
from cattrs import Converter

from conversations_async.access import TokenInfo
from conversations_async.errors import AnswerUnreadable, GraphError
from conversations_async.graph.listing import Listing
from conversations_async.model import Cursor, Inbox, Secret, Thread, ThreadPage, Usage, found_under, threads_of
from conversations_async.readers import read_count, read_flag, read_text, read_time


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


def _of_kind(kind: type, reads: Callable[[Any], Any]) -> None:
    """cattrs makes text of anything and truth of any text: here a value of another kind is refused."""

    def structure(value: object, _type: object) -> Any:
        found = reads(value)
        if found is None:
            raise TypeError
        return found

    converter.register_structure_hook(kind, structure)


_of_kind(str, lambda value: str(value) if type(value) is int else read_text(value))
_of_kind(int, read_count)
_of_kind(bool, read_flag)
_of_kind(Secret, lambda value: Secret(value) if type(value) is str and value else None)


def paging_of(payload: dict[str, Any]) -> Paging:
    """Where a listing goes on behind this answer."""
    return converter.structure(payload.get("paging"), Paging)


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
    data = _listed(payload, inbox)
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
        if type(raw) is dict and type(raw.get("id")) is str and raw["id"]:
            found.append(raw)
        elif (repaired := _with_readable_id(raw)) is not None:
            found.append(repaired)
        else:
            unreadable.append(f"$.data[{place}]{'.id' if type(raw) is dict else ''}: {_why(raw)}")
    return found, tuple(unreadable)


@frozen
class MessagePage:
    """One answer of a thread's messages edge, newest first."""

    messages: tuple[dict[str, Any], ...] = field(repr=False)
    paging: Paging
    unreadable: tuple[str, ...] = ()
    """Entries that are no messages, as paths into the answer."""


def message_page(payload: dict[str, Any], inbox: Inbox | None = None) -> MessagePage:
    """The messages that an answer lists. Raises AnswerUnreadable where it is no listing at all."""
    found, unreadable = _with_ids(_listed(payload, inbox))
    return MessagePage(tuple(found), paging_of(payload), unreadable)


# -- Pages and tokens --------------------------------------------------------------------------------------------------


@frozen
class _Linked:
    id: str


@frozen
class Account:
    """A Page as /me/accounts and its own node tell of it (contract 6.9). The token is a secret from here on."""

    id: str
    name: str | None = None
    access_token: Secret | None = None
    tasks: tuple[str, ...] = ()
    instagram_business_account: _Linked | None = None
    connected_instagram_account: _Linked | None = None

    @property
    def instagram_id(self) -> str | None:
        """The linked Instagram account."""
        linked = self.instagram_business_account or self.connected_instagram_account
        return linked.id if linked is not None else None


@frozen
class AccountPage:
    """One answer of /me/accounts."""

    accounts: tuple[Account, ...]
    paging: Paging
    unreadable: tuple[str, ...] = ()


def account(raw: object, path: str = "$") -> Account:
    """A Page's node. Raises AnswerUnreadable where it is none; no word of it is quoted, it holds a token.

    What is null or empty beside the id counts as left out: it must not cost the Page.
    """
    if isinstance(raw, dict):
        raw = {name: value for name, value in raw.items() if value not in (None, "", {}, [], {"id": None})}
    try:
        return converter.structure(raw, Account)
    except (TypeError, ValueError, KeyError, AttributeError):
        pass
    raise AnswerUnreadable("not a Page as documented", path)


def account_page(payload: dict[str, Any]) -> AccountPage:
    """The Pages that an answer of /me/accounts lists. Raises AnswerUnreadable where it is no listing."""
    found: list[Account] = []
    unreadable: list[str] = []
    for place, raw in enumerate(_listed(payload, None)):
        try:
            found.append(account(raw, f"$.data[{place}]"))
        except AnswerUnreadable as error:
            unreadable.append(f"{error.path}: {error.reason}")
    return AccountPage(tuple(found), paging_of(payload), tuple(unreadable))


@frozen
class _Scope:
    scope: str
    target_ids: tuple[str, ...] | None = None


@frozen
class _Refusal:
    code: int | None = None
    subcode: int | None = None


@frozen
class _Debugged:
    is_valid: bool
    type: str | None = None
    app_id: str | None = None
    user_id: str | None = None
    expires_at: int = 0
    data_access_expires_at: int = 0
    scopes: tuple[str, ...] | None = None
    granular_scopes: tuple[_Scope, ...] = ()
    error: _Refusal | None = None


def token_info(payload: dict[str, Any], page_id: str) -> TokenInfo:
    """What /debug_token says. Raises AnswerUnreadable where that is not as documented."""
    try:
        found = converter.structure(payload["data"], _Debugged)
    except (TypeError, ValueError, KeyError, AttributeError):
        found = None
    if found is None:
        raise AnswerUnreadable("not a token's facts as documented", "$.data")
    refused = None if found.error is None else GraphError("", found.error.code, found.error.subcode).describe_code()
    return TokenInfo(
        page_id,
        found.is_valid,
        kind=found.type,
        app_id=found.app_id,
        user_id=found.user_id,
        # 0 stands for never (contract 6.9).
        expires_at=read_time(found.expires_at) if found.expires_at else None,
        data_access_expires_at=read_time(found.data_access_expires_at) if found.data_access_expires_at else None,
        scopes=found.scopes,
        granular={each.scope: each.target_ids for each in found.granular_scopes},
        reason=refused,
    )


def _listed(payload: dict[str, Any], inbox: Inbox | None) -> list[Any]:
    data = payload.get("data")
    if type(data) is not list:
        raise AnswerUnreadable("a list was expected" if "data" in payload else "the list is missing", "$.data", inbox)
    return data


def one_thread(payload: dict[str, Any], inbox: Inbox, *, found_in: str | None = None) -> Thread:
    """The thread that an answer is. Raises AnswerUnreadable where it is none."""
    key = payload.get("id")
    if type(key) is str and key:
        return Thread(inbox, payload, found_in=found_in)
    raw = _with_readable_id(payload)
    if raw is None:
        raise AnswerUnreadable(_why(payload), "$.id" if key is not None else "$", inbox)
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
