"""What Meta tells of Pages and tokens, structured by cattrs.

It is asked for once in a while: whoever lists threads imports neither this room nor cattrs.
"""

from collections.abc import Callable
from typing import Any, Final

from attrs import frozen
from cattrs import Converter

from conversations_async.access import TokenInfo
from conversations_async.errors import AnswerUnreadable, GraphError
from conversations_async.graph.decode import Paging, listed, paging_of
from conversations_async.model import Secret
from conversations_async.readers import read_count, read_flag, read_text, read_time

_converter: Final = Converter(prefer_attrib_converters=False, detailed_validation=False)


def _of_kind(kind: type, reads: Callable[[Any], Any]) -> None:
    """cattrs makes text of anything and truth of any text: here a value of another kind is refused."""

    def structure(value: object, _type: object) -> Any:
        found = reads(value)
        if found is None:
            raise TypeError
        return found

    _converter.register_structure_hook(kind, structure)


_of_kind(str, lambda value: str(value) if type(value) is int else read_text(value))
_of_kind(int, read_count)
_of_kind(bool, read_flag)
_of_kind(Secret, lambda value: Secret(value) if type(value) is str and value else None)


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
        return _converter.structure(raw, Account)
    except (TypeError, ValueError, KeyError, AttributeError):
        pass
    raise AnswerUnreadable("not a Page as documented", path)


def account_page(payload: dict[str, Any]) -> AccountPage:
    """The Pages that an answer of /me/accounts lists. Raises AnswerUnreadable where it is no listing."""
    found: list[Account] = []
    unreadable: list[str] = []
    for place, raw in enumerate(listed(payload, None)):
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
        found = _converter.structure(payload["data"], _Debugged)
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
