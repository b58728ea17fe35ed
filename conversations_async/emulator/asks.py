"""Requests as the server reads them, and what it remembers of each."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from conversations_async.emulator import refusals
from conversations_async.emulator.fields import FieldAsk, FieldsUnreadable, read_fields
from conversations_async.emulator.manners import CallKind
from conversations_async.emulator.refusals import PARAM_WRONG, Refused
from conversations_async.model import Platform

SECRET_PARAMS = frozenset({"access_token", "appsecret_proof", "appsecret_time", "input_token"})
NOT_REPEATED = SECRET_PARAMS | {"fields", "limit", "after", "before", "pretty", "method"}


@attrs.frozen(kw_only=True)
class Ask:
    """One request as the server reads it."""

    path: str
    params: Mapping[str, str]
    token: str | None = attrs.field(default=None, repr=False)
    via: str = "query"
    method: str = "GET"
    instagram_host: bool = False
    base_url: str = ""

    @property
    def ids(self) -> list[str]:
        """The ids of a `?ids=a,b` call."""
        return [each for each in self.params.get("ids", "").split(",") if each]

    @property
    def weight(self) -> int:
        """How many calls it counts as: each of `ids` is one (contract 6.2)."""
        return max(1, len(self.ids))


@attrs.define(kw_only=True)
class Call:
    """One call as the server saw it; `status` is 0 while it is under way."""

    at: float
    page_id: str | None
    platform: Platform | None
    kind: CallKind
    path: str
    params: Mapping[str, str]
    via: str
    status: int = 0
    code: int | None = None
    refused: bool = False
    """Whether a limit refused it."""
    answered_at: float | None = None


def split_path(path: str) -> tuple[str | None, list[str]]:
    """The version, where the path names one, and the segments behind it."""
    segments = [unquote(each) for each in path.split("/") if each]
    if segments and segments[0][:1] == "v" and segments[0][1:2].isdigit() and "." in segments[0]:
        return segments[0], segments[1:]
    return None, segments


def platform_asked(ask: Ask) -> Platform | None:
    """The platform a call asks for; None where there is no such platform."""
    if ask.instagram_host:
        return Platform.INSTAGRAM
    try:
        # Case does not matter, and none means Messenger (contract 1.1).
        return Platform(ask.params.get("platform", Platform.MESSENGER).lower())
    except ValueError:
        return None


def fields_asked(text: str | None) -> tuple[FieldAsk, ...] | None:
    """The fields asked for, None for the default ones; raises `Refused` (2500)."""
    if not text:
        return None
    try:
        return read_fields(text)
    except FieldsUnreadable as problem:
        raise Refused(refusals.FIELDS_BROKEN.with_words(problem=str(problem))) from problem


def whole_number(params: Mapping[str, str], name: str, default: int) -> int:
    """A parameter that is a whole number, or *default*; raises `Refused` (100)."""
    text = params.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or (name == "limit" and int(text) == 0):
        raise Refused(PARAM_WRONG.with_words(problem=f"Param {name} must be a positive integer"))
    return int(text)


def check_proof(ask: Ask, token: str, secret: str) -> None:
    """`appsecret_proof` is the hex HMAC-SHA256 of the token under the app's secret (contract 6.6)."""
    proof = ask.params.get("appsecret_proof")
    if proof is None:
        raise Refused(refusals.PROOF_MISSING)
    message = token if "appsecret_time" not in ask.params else f"{token}|{ask.params['appsecret_time']}"
    if not hmac.compare_digest(proof, hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()):
        raise Refused(refusals.PROOF_WRONG)


def read_batch(text: str) -> list[Mapping[str, Any]] | None:
    """The items of a batch, at most 50 (contract 6.1); None where it is not one."""
    try:
        items = json.loads(text)
    except ValueError:
        return None
    if not isinstance(items, list) or len(items) > 50 or not all(isinstance(item, dict) for item in items):
        return None
    return items


def batch_ask(item: Mapping[str, Any], whole: Ask) -> Ask:
    """The request inside one batch item, with its own token where it carries one (contract 6.1)."""
    split = urlsplit(str(item.get("relative_url", "")))
    params = dict(parse_qsl(split.query, keep_blank_values=True))
    return attrs.evolve(
        whole,
        path=split.path.lstrip("/"),
        params=params,
        token=params.pop("access_token", whole.token),
        method=str(item.get("method", "GET")).upper(),
    )
