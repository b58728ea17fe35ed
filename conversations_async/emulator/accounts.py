"""`/me/accounts` and `/debug_token`: the Pages of a user, and what a token is good for (contract 6.9)."""

from collections.abc import Callable, Mapping
from typing import Any

from conversations_async.emulator import refusals, wire
from conversations_async.emulator.asks import fields_asked, whole_number
from conversations_async.emulator.nodes import page_node
from conversations_async.emulator.refusals import Refused
from conversations_async.emulator.views import DEFAULT_LIMIT, View
from conversations_async.emulator.world import PageWorld, World


def accounts(world: World, params: Mapping[str, str], view_from: Callable[[PageWorld], View]) -> dict[str, Any]:
    """`/me/accounts`: the user's Pages, 25 a page (contract 6.9)."""
    fields, limit = params.get("fields") or None, whole_number(params, "limit", DEFAULT_LIMIT)
    pages = list(world.pages.values())
    start, end = _accounts_span(params, len(pages), limit)
    shown = pages[start:end]
    if not shown:
        return {"data": []}
    data = [page_node(page, fields_asked(fields), {}, account=True) for page in shown]
    view = view_from(shown[0])
    first, last = (
        wire.write_cursor(wire.Place("accounts", page.id, 0, place), view.nonce)
        for page, place in ((shown[0], start), (shown[-1], end))
    )
    paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
    path = f"{world.user.id}/accounts"
    if end < len(pages):
        paging["next"] = view.link(path, (), fields=fields, limit=limit, cursor=("after", last))
    if start:
        paging["previous"] = view.link(path, (), fields=fields, limit=limit, cursor=("before", first))
    return {"data": data, "paging": paging}


def _accounts_span(params: Mapping[str, str], count: int, limit: int) -> tuple[int, int]:
    try:
        if after := params.get("after"):
            start = wire.read_cursor(after).position
            return start, min(count, start + limit)
        if before := params.get("before"):
            end = wire.read_cursor(before).position
            return max(0, end - limit), end
    except wire.CursorUnreadable as problem:
        raise Refused(refusals.CURSOR_WRONG) from problem
    return 0, min(count, limit)


def token_facts(world: World, token: str) -> dict[str, Any]:
    """What `/debug_token` tells (contract 6.9)."""
    page = world.page_of_token(token)
    alive = (page is not None and not any(each.dead_token for each in page.manners)) or token == world.user.token
    facts: dict[str, Any] = {
        "app_id": world.app_id,
        "type": "PAGE" if page is not None else "USER",
        "application": "Emulated",
        "data_access_expires_at": world.user.data_access_expires_at,
        "expires_at": world.user.expires_at,
        "is_valid": alive,
    }
    if not alive:
        error = refusals.TOKEN_EXPIRED
        facts["error"] = {"code": error.code, "message": error.message, "subcode": error.subcode}
        facts["scopes"] = []
        return facts
    targets = [page.id] if page is not None else list(world.pages)
    facts["scopes"] = list(world.user.scopes)
    facts["granular_scopes"] = [{"scope": scope, "target_ids": targets} for scope in world.user.scopes]
    if page is not None:
        facts["profile_id"] = page.id
    facts["user_id"] = world.user.id
    return facts
