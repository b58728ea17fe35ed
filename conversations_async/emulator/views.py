"""From where a node is looked at, and which of its members were asked."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import attrs

from conversations_async.emulator import wire
from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.manners import Manners
from conversations_async.emulator.refusals import FIELD_UNKNOWN, Refused
from conversations_async.emulator.threads import MessageWorld, ThreadWorld
from conversations_async.emulator.world import PageWorld
from conversations_async.model import Platform

DEFAULT_LIMIT = 25  # contract 1.4

_R = TypeVar("_R")


@attrs.frozen
class View:
    """From where a node is looked at: host, version, token and manners of one call."""

    base_url: str
    version: str
    token: str | None
    instagram_host: bool
    page: PageWorld
    platform: Platform
    manners: Manners
    now: float
    nonce: int
    seen: Callable[[MessageWorld, ThreadWorld], None]

    def link(
        self, path: str, params: Iterable[tuple[str, str]], *, fields: str | None, limit: int, cursor: tuple[str, str]
    ) -> str:
        """A paging link in Meta's order: token, pretty, fields, the rest, limit, cursor (contract 3.1)."""
        listed = [("access_token", self.token)] if self.token is not None else []
        if not self.instagram_host:
            listed.append(("pretty", "0"))
        if fields:
            listed.append(("fields", fields))
        listed += [*params, ("limit", str(limit)), cursor]
        return wire.link_to(self.manners.next_host or self.base_url, self.version, path, listed)


def chosen(item: dict[str, Any], inside: tuple[FieldAsk, ...] | None) -> dict[str, Any]:
    """The members of *item* that were asked, `id` last where it was not; all of them where nothing was."""
    if inside is None:
        return item
    picked = {ask.key: item[ask.name] for ask in inside if ask.name in item}
    if "id" in item:
        picked.setdefault("id", item["id"])
    return picked


def chosen_each(items: Iterable[dict[str, Any]], ask: FieldAsk) -> dict[str, Any]:
    """`{data: […]}` of an edge without paging; accepts `to{id}` and `to{data{id}}` alike (contract 6.3)."""
    inside = ask.inside
    if inside and inside[0].name == "data":
        inside = inside[0].inside
    return {"data": list(items) if inside is None else [chosen(item, inside) for item in items]}


def renderers_of(
    asks: Iterable[FieldAsk], known: Mapping[str, _R], node: str, refused: frozenset[str]
) -> list[tuple[str, FieldAsk, _R]]:
    """The fields asked with their keys and what renders each; raises `Refused` for one that *node* has not."""
    renderers = []
    for ask in asks:
        render = known.get(ask.name)
        if render is None or ask.name in refused:
            raise Refused(FIELD_UNKNOWN.with_words(field=ask.name, node=node))
        renderers.append((ask.key, ask, render))
    return renderers
