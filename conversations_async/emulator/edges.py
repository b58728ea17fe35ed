"""What Graph answers: one read request in, one reply out; no sockets, no clock.

The order of a call: what breaks the connection or the front end (manners), who asks (token), how often (limits), what the Page
refuses (manners), and only then what was asked.
"""

import hashlib
import hmac
import itertools
import json
import random
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import orjson

from conversations_async.emulator import refusals, usage, wire
from conversations_async.emulator.fields import FieldAsk, FieldsUnreadable, read_fields
from conversations_async.emulator.listing import ListingAsk, listing
from conversations_async.emulator.manners import PLAIN, CallKind, Manners, MannersBook
from conversations_async.emulator.nodes import (
    DEFAULT_LIMIT,
    NESTED,
    View,
    Window,
    account_node,
    detail_window,
    message_nodes,
    messages_edge,
    page_node,
    small_edge_page,
    thread_nodes,
)
from conversations_async.emulator.refusals import LIMIT_CODES, PARAM_WRONG, Refusal, Refused, refusal_for
from conversations_async.emulator.rules import LimitBook, LimitRules, Verdict, wire_minutes
from conversations_async.emulator.world import MessageWorld, PageWorld, ThreadWorld, World
from conversations_async.model import Platform

_SECRET_PARAMS = frozenset({"access_token", "appsecret_proof", "appsecret_time"})
_NOT_REPEATED = _SECRET_PARAMS | {"fields", "limit", "after", "before", "pretty", "method"}


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


@attrs.frozen(kw_only=True)
class Reply:
    """One answer, and how it is to be delivered."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    code: int | None = None
    manners: Manners = PLAIN
    content_type: str = "application/json; charset=UTF-8"


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


@attrs.define
class Closure:
    """A Messenger pool closed by 80006: from when to when, and the calls made into it."""

    page_id: str
    began: float
    until: float
    manners: Manners
    calls: list[float] = attrs.field(factory=list)


@attrs.frozen
class _Target:
    """What a call is about."""

    kind: CallKind
    page: PageWorld | None = None
    platform: Platform | None = None
    thread: ThreadWorld | None = None
    message: MessageWorld | None = None
    edge: str | None = None
    object_id: str = ""


class GraphEdges:
    """The Graph API over one world, with limits kept and manners shown."""

    def __init__(self, world: World, rules: LimitRules, *, seed: int = 0, started_at: float = 0.0) -> None:
        self.world = world
        self.started_at = started_at
        self.calls: list[Call] = []
        self.closures: dict[str, Closure] = {}
        self._limits = LimitBook(rules)
        self._manners = MannersBook(seed)
        self._chance = random.Random(f"edges/{seed}")
        self._nonces = itertools.count(1)
        self._threads_of: dict[str, ThreadWorld] = {}

    def answer(self, ask: Ask, now: float) -> tuple[Call, Reply]:
        """Answer a call that arrives at *now*."""
        version, segments = _split(ask.path)
        target = self._target(ask, segments)
        call = Call(
            at=now,
            page_id=target.page.id if target.page else None,
            platform=target.platform,
            kind=target.kind,
            path=ask.path,
            params={name: value for name, value in ask.params.items() if name not in _SECRET_PARAMS},
            via=ask.via,
        )
        self.calls.append(call)
        manners = self._manners.holding(
            target.page, self.world.manners, target.platform, target.kind, now - self.started_at
        )
        reply = self._reply(_Turn(ask, version, segments, target, manners, now))
        call.code = reply.code
        call.refused = reply.code in LIMIT_CODES
        return call, reply

    # --- the order of a call

    def _reply(self, turn: "_Turn") -> Reply:
        manners, regain, fractional = turn.manners, None, False
        verdict = self._weigh(turn)
        if _breaks(manners):
            return _broken(manners)
        code: int | None = None
        status = 200
        payload: Any
        try:
            served = wire.served_version(turn.version, "v25.0")
            if served is None:
                raise Refused(refusals.UNKNOWN_PATH.with_words(path=f"/{turn.version}"))
            self._check_token(turn)
            if verdict is not None:
                regain = verdict.regain_after
                raise Refused(refusal_for(verdict.code))
            closure = self._closure(turn)
            if closure is not None:
                regain, fractional = self._call_into(closure, turn), (manners.regain_minutes or 1) < 1
                raise Refused(refusal_for(80006))
            self._refuse_by_manners(manners)
            payload = self._payload(turn, served)
        except Refused as refused:
            status, code, payload = self._refusal(refused.refusal, turn)
        body = orjson.dumps(payload)
        headers = self._headers(turn, code, wire_minutes(regain, fractional=fractional), body)
        if refusal_header := _authenticate(payload, code):
            headers["WWW-Authenticate"] = refusal_header
        return Reply(
            status=status,
            body=wire.escaped(body) if manners.escapes else body,
            headers=headers,
            code=code,
            manners=manners,
        )

    def _weigh(self, turn: "_Turn") -> Verdict | None:
        target, limits, now = turn.target, self._limits, turn.now
        if target.page is None or target.platform is None:
            return limits.weigh_app_call(turn.ask.token, now)
        verdict = limits.weigh_app_call(None, now)
        for _ in range(turn.weight):
            verdict = (
                limits.weigh_inbox_call(target.page.id, target.platform, target.page.engaged_users, now) or verdict
            )
        return verdict

    def _check_token(self, turn: "_Turn") -> None:
        token, target, world = turn.ask.token, turn.target, self.world
        if turn.manners.dead_token:
            raise Refused(refusals.TOKEN_EXPIRED)
        if not token:
            raise Refused(refusals.NO_TOKEN)
        if world.app_secret is not None:
            _check_proof(turn.ask, token, world.app_secret)
        if token in (world.user.token, f"{world.app_id}|{world.app_secret}"):
            if target.kind in (CallKind.LISTING, CallKind.THREAD, CallKind.MESSAGES, CallKind.MESSAGE):
                raise Refused(refusals.NOT_A_PAGE_TOKEN)
            return
        owner = world.page_of_token(token)
        if owner is None or (token == owner.instagram_token) != turn.ask.instagram_host:
            expired = any(token in page.former_tokens for page in world.pages.values())
            raise Refused(refusals.TOKEN_EXPIRED if expired else refusals.TOKEN_UNREADABLE)
        if target.page is not None and target.page is not owner:
            raise Refused(refusals.OBJECT_GONE.with_words(id=target.object_id))

    def _refuse_by_manners(self, manners: Manners) -> None:
        if manners.missing_permission is not None:
            raise Refused(refusal_for(manners.missing_permission))
        if manners.refuse is not None and manners.regain_minutes is None:
            refusal = manners.refuse
            raise Refused(refusal if isinstance(refusal, Refusal) else refusal_for(refusal, manners.subcode))

    def _closure(self, turn: "_Turn") -> Closure | None:
        """The closed pool that this call runs into; begun by the first call under such manners."""
        manners, page = turn.manners, turn.target.page
        if page is None or turn.target.platform is None:
            return None
        closure = self.closures.get(page.id)
        if manners.regain_minutes is not None and (closure is None or closure.manners is not manners):
            closure = Closure(page.id, turn.now, turn.now + manners.regain_minutes * 60, manners)
            self.closures[page.id] = closure
        if closure is None or turn.now >= closure.until or closure.manners is not manners:
            return None
        return closure

    def _call_into(self, closure: Closure, turn: "_Turn") -> float:
        if turn.now > closure.began:
            closure.calls.append(turn.now)
            closure.until += closure.manners.regain_lengthens
        return 0.0 if closure.manners.regain_unsaid else closure.until - turn.now

    def _refusal(self, refusal: Refusal, turn: "_Turn") -> tuple[int, int | None, dict[str, Any]]:
        manners = turn.manners
        if turn.ask.instagram_host:
            # Instagram Login: no `(#n)` prefix, its own type, often no trace id (SHAPES).
            message = refusal.message.removeprefix(f"(#{refusal.code}) ")
            kind = "OAuthException" if refusal.code == 190 else "IGApiException"
            refusal = attrs.evolve(refusal, message=message, type=kind)
        body = refusal.body(None if turn.ask.instagram_host else self._trace_id())
        members = {name: value for name, value in body["error"].items() if name not in manners.error_without}
        status = manners.error_status or refusal.status
        if manners.error_flat:
            flat = {"error_type": refusal.type, "code": refusal.code, "error_message": refusal.message}
            return status, refusal.code, flat
        return status, refusal.code, {"error": members}

    def _trace_id(self) -> str:
        return "A" + f"{next(self._nonces) * 0x9E3779B97F4A7C15 % 16**10:010x}"

    def _headers(self, turn: "_Turn", code: int | None, minutes: float, body: bytes) -> dict[str, str]:
        page, limits = turn.target.page, self._limits
        version = turn.manners.version_header or wire.served_version(turn.version, "v25.0") or "v25.0"
        headers = dict(usage.STANDING_HEADERS)
        headers["instagram-api-version" if turn.ask.instagram_host else "facebook-api-version"] = version
        headers["ETag"] = f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"'
        if code is not None:
            del headers["ETag"]
        trace = self._trace_id()
        headers["x-fb-trace-id"] = headers["x-fb-request-id"] = trace
        percent = limits.messenger_percent(page.id, page.engaged_users, turn.now) if page else 0.0
        if minutes or code == 80006:
            percent = max(percent, 100.0)
        headers |= usage.usage_headers(
            turn.manners,
            page,
            turn.target.platform,
            usage.Reading(percent, limits.app_percent(turn.now), minutes, limits.rules.usage_from),
            instagram_host=turn.ask.instagram_host,
        )
        return headers

    # --- what a call is about

    def _target(self, ask: Ask, segments: list[str]) -> _Target:
        """What the path names, as far as this server knows it; whether the token may see it is asked later."""
        world = self.world
        owner = world.page_of_token(ask.token) if ask.token else None
        first = segments[0] if segments else ""
        edge = segments[1] if len(segments) > 1 else None
        platform = _platform(ask)
        if first in ("", "debug_token") or (first == "me" and owner is None):
            if not first and "ids" in ask.params and owner is not None:
                return _Target(CallKind.THREAD, owner, platform, object_id=first)
            return _Target(CallKind.ACCOUNTS if edge == "accounts" else CallKind.OTHER, edge=edge, object_id=first)
        page = owner if first == "me" else world.page_of(first)
        if page is not None:
            if edge in ("conversations", "threads"):
                return _Target(CallKind.LISTING, page, platform, edge=edge, object_id=first)
            return _Target(CallKind.PAGE, page, None, edge=edge, object_id=first)
        if owner is None:
            return _Target(CallKind.THREAD, edge=edge, object_id=first)
        return self._target_in(owner, first, edge)

    def _target_in(self, owner: PageWorld, object_id: str, edge: str | None) -> _Target:
        for platform in owner.platforms:
            thread = self.world.inbox(owner.id, platform).by_id.get(object_id)
            if thread is not None:
                kind = CallKind.MESSAGES if edge == "messages" else CallKind.THREAD
                return _Target(kind, owner, platform, thread, edge=edge, object_id=object_id)
        found = self._message(owner, object_id)
        if found is not None:
            thread, message = found
            return _Target(CallKind.MESSAGE, owner, thread.platform, thread, message, edge, object_id)
        kind = CallKind.MESSAGES if edge == "messages" else CallKind.THREAD
        platform = Platform.MESSENGER if object_id.startswith(("t_", "m_")) else Platform.INSTAGRAM
        return _Target(kind, owner, platform, edge=edge, object_id=object_id)

    def _message(self, owner: PageWorld, message_id: str) -> tuple[ThreadWorld, MessageWorld] | None:
        known = self._threads_of.get(message_id)
        threads: Iterable[ThreadWorld]
        if known is not None:
            current = self.world.inbox(known.page_id, known.platform).by_id.get(known.id)
            threads = (current,) if current is not None and known.page_id == owner.id else ()
        elif message_id.startswith(("m_", "aWdfZAG1")):
            threads = itertools.chain.from_iterable(
                self.world.inbox(owner.id, platform).by_id.values() for platform in owner.platforms
            )
        else:
            threads = ()
        for thread in threads:
            for message in thread.messages:
                if message.id == message_id:
                    return thread, message
        return None

    # --- what it is answered

    def _payload(self, turn: "_Turn", version: str) -> Any:
        ask, target = turn.ask, turn.target
        method = ask.params.get("method", ask.method).upper()
        if method != "GET":
            words = refusals.UNSUPPORTED_ON_INSTAGRAM if ask.instagram_host else refusals.UNSUPPORTED_METHOD
            raise Refused(words.with_words(method=method.lower()))
        if len(turn.segments) > 2:
            raise Refused(refusals.UNKNOWN_PATH.with_words(path="/" + "/".join(turn.segments[2:])))
        match target.kind:
            case CallKind.LISTING:
                return self._listing(turn, version)
            case CallKind.PAGE:
                return self._page(turn, version)
            case CallKind.ACCOUNTS:
                return self._accounts(turn, version)
            case CallKind.OTHER:
                return self._other(turn, version)
            case _ if not turn.segments:
                return self._many(turn, version)
            case _:
                return self._object(turn, version)

    def _listing(self, turn: "_Turn", version: str) -> Any:
        ask, target = turn.ask, turn.target
        page = target.page
        assert page is not None
        platform = Platform.INSTAGRAM if ask.instagram_host else target.platform
        if platform is None:
            raise Refused(PARAM_WRONG.with_words(problem="Param platform must be one of {INSTAGRAM, MESSENGER}"))
        if not ask.instagram_host and target.object_id == page.instagram_id:
            raise Refused(refusals.WRONG_NODE)
        if ask.instagram_host and target.object_id not in ("me", page.instagram_id):
            raise Refused(refusals.UNSUPPORTED_ON_INSTAGRAM.with_words(method="get"))
        path = f"{page.instagram_id if ask.instagram_host else page.id}/{target.edge}"
        asked = self._listing_ask(ask.params, turn.manners, path)
        answer = listing(asked, self.world.inbox(page.id, platform), self._view(turn, version, page, platform))
        self._let_the_head_move(page, platform, turn.manners)
        return answer

    def _listing_ask(self, params: Mapping[str, str], manners: Manners, path: str) -> ListingAsk:
        for name in ("since", "until"):
            if name in params and manners.since_until == "refuse":
                raise Refused(PARAM_WRONG.with_words(problem=f"Param {name} is not supported on this edge"))
        bounds = {}
        for name, key in (("updated_after_ms", "newer_than"), ("updated_before_ms", "older_than")):
            if name in params and manners.updated_bounds == "refuse":
                raise Refused(PARAM_WRONG.with_words(problem=f"Param {name} is not supported on this edge"))
            if name in params and manners.updated_bounds == "honour":
                bounds[key] = float(_whole(params, name, 0))
        fields = params.get("fields") or None
        return ListingAsk(
            _fields(fields),
            fields,
            _whole(params, "limit", DEFAULT_LIMIT),
            after=params.get("after") or None,
            before=params.get("before") or None,
            folder=params.get("folder", "inbox").lower(),
            user_id=params.get("user_id"),
            others=tuple((name, value) for name, value in params.items() if name not in _NOT_REPEATED),
            path=path,
            **bounds,
        )

    def _let_the_head_move(self, page: PageWorld, platform: Platform, manners: Manners) -> None:
        """Arrivals and removals between this call and the next one."""
        inbox, chance = self.world.inbox(page.id, platform), self._chance
        for _ in range(manners.arrivals_per_call):
            old = inbox.folders["inbox"]
            fresh = not old or chance.random() < manners.new_thread_share
            self.world.arrive(page.id, platform, None if fresh else chance.choice(old).id)
        for _ in range(manners.removals_per_call):
            if old := inbox.folders["inbox"]:
                self.world.remove(page.id, platform, chance.choice(old).id)

    def _view(self, turn: "_Turn", version: str, page: PageWorld, platform: Platform) -> View:
        ask, when = turn.ask, turn.manners.token_in_next
        shown = when == "always" or (when == "query" and ask.via == "query")
        return View(
            ask.base_url,
            version,
            ask.token if shown else None,
            ask.instagram_host,
            page,
            platform,
            turn.manners,
            turn.now,
            next(self._nonces),
            self._remember,
        )

    def _remember(self, message: MessageWorld, thread: ThreadWorld) -> None:
        self._threads_of[message.id] = thread

    def _page(self, turn: "_Turn", version: str) -> Any:
        page, target, ask = turn.target.page, turn.target, turn.ask
        assert page is not None
        if target.edge is not None:
            raise Refused(PARAM_WRONG.with_words(problem=f"Tried accessing nonexisting field ({target.edge})"))
        asks = _fields(ask.params.get("fields"))
        if ask.instagram_host:
            return account_node(page, asks)
        if target.object_id == page.instagram_id:
            return {"id": page.instagram_id}
        return page_node(page, asks, self._page_edges(turn, version, page))

    def _page_edges(self, turn: "_Turn", version: str, page: PageWorld) -> dict[str, Callable[[FieldAsk], Any]]:
        def conversations(asked: FieldAsk) -> Any:
            # Field expansion of the edge: `/{page-id}?fields=conversations.limit(3){id}` (contract 1.1).
            view = self._view(turn, version, page, Platform.MESSENGER)
            inner = ListingAsk(
                asked.inside,
                asked.source_text or None,
                asked.limit or DEFAULT_LIMIT,
                after=asked.after,
                before=asked.before,
                path=f"{page.id}/conversations",
            )
            return listing(inner, self.world.inbox(page.id, Platform.MESSENGER), view)

        return {"conversations": conversations}

    def _object(self, turn: "_Turn", version: str) -> Any:
        """A thread, a message, or an edge of one."""
        target, ask = turn.target, turn.ask
        page, thread, message = target.page, target.thread, target.message
        if page is None or thread is None:
            raise Refused(self._gone(turn, target.object_id))
        view = self._view(turn, version, page, thread.platform)
        if message is not None:
            return self._message_answer(turn, view, thread, message)
        fields = ask.params.get("fields") or None
        asks = _fields(fields)
        if target.edge is None:
            return self._thread_answer(thread, asks, view)
        if target.edge != "messages":
            raise Refused(PARAM_WRONG.with_words(problem=f"Tried accessing nonexisting field ({target.edge})"))
        _refuse_poison(thread, view.manners, heavy=True)
        window = Window(
            min(_whole(ask.params, "limit", DEFAULT_LIMIT), view.manners.max_limit),
            ask.params.get("after") or None,
            ask.params.get("before") or None,
        )
        others = [(name, value) for name, value in ask.params.items() if name not in _NOT_REPEATED]
        return messages_edge(thread, asks, fields, window, others, view)

    def _thread_answer(self, thread: ThreadWorld, asks: tuple[FieldAsk, ...] | None, view: View) -> Any:
        heavy = asks is not None and any(asked.name in NESTED for asked in asks)
        _refuse_poison(thread, view.manners, heavy=heavy)
        return thread_nodes((thread,), asks, view)[0]

    def _message_answer(self, turn: "_Turn", view: View, thread: ThreadWorld, message: MessageWorld) -> Any:
        place = thread.messages.index(message)
        if place >= detail_window(thread, view.manners):
            raise Refused(refusals.MESSAGE_DELETED)
        if turn.target.edge is not None:
            return small_edge_page(message, turn.target.edge, turn.ask.params.get("after"))
        return next(message_nodes(thread, (place,), _fields(turn.ask.params.get("fields")), view))

    def _gone(self, turn: "_Turn", object_id: str) -> Refusal:
        if turn.ask.instagram_host:
            return refusals.UNSUPPORTED_ON_INSTAGRAM.with_words(method="get")
        return refusals.OBJECT_GONE.with_words(id=object_id)

    def _many(self, turn: "_Turn", version: str) -> Any:
        """`?ids=a,b`: an object keyed by id; one bad id fails the whole call (contract 6.2)."""
        page, found = turn.target.page, {}
        assert page is not None
        for object_id in turn.ids:
            target = self._target_in(page, object_id, None)
            if target.thread is None:
                raise Refused(refusals.ALIAS_UNKNOWN.with_words(id=object_id))
            found[object_id] = self._object(attrs.evolve(turn, target=target), version)
        return found

    def _accounts(self, turn: "_Turn", version: str) -> Any:
        """`/me/accounts`: the user's Pages, 25 a page (contract 6.9)."""
        ask = turn.ask
        if ask.token != self.world.user.token:
            raise Refused(
                PARAM_WRONG.with_words(problem="Tried accessing nonexisting field (accounts) on node type (Page)")
            )
        fields, limit = ask.params.get("fields") or None, _whole(ask.params, "limit", DEFAULT_LIMIT)
        pages = list(self.world.pages.values())
        start, end = _accounts_span(ask.params, len(pages), limit)
        shown = pages[start:end]
        if not shown:
            return {"data": []}
        data = [page_node(page, _fields(fields), {}, account=True) for page in shown]
        view = self._view(turn, version, shown[0], Platform.MESSENGER)
        first, last = (
            wire.write_cursor(wire.Place("accounts", page.id, 0, place), view.nonce)
            for page, place in ((shown[0], start), (shown[-1], end))
        )
        paging: dict[str, Any] = {"cursors": {"before": first, "after": last}}
        path = f"{self.world.user.id}/accounts"
        if end < len(pages):
            paging["next"] = view.link(path, (), fields=fields, limit=limit, cursor=("after", last))
        if start:
            paging["previous"] = view.link(path, (), fields=fields, limit=limit, cursor=("before", first))
        return {"data": data, "paging": paging}

    def _other(self, turn: "_Turn", version: str) -> Any:
        ask, target, world = turn.ask, turn.target, self.world
        if target.object_id == "debug_token":
            return {"data": self._token_facts(ask.params.get("input_token", ""))}
        if target.object_id == "me" and target.edge is None and ask.token == world.user.token:
            return {"name": world.user.name, "id": world.user.id}
        if target.object_id == "":
            raise Refused(PARAM_WRONG.with_words(problem="The parameter ids is required"))
        raise Refused(self._gone(turn, target.object_id))

    def _token_facts(self, token: str) -> dict[str, Any]:
        """What `/debug_token` tells (contract 6.9)."""
        world = self.world
        page = world.page_of_token(token)
        alive = (page is not None and not any(each.dead_token for each in page.manners)) or token == world.user.token
        facts: dict[str, Any] = {
            "app_id": world.app_id,
            "type": "PAGE" if page is not None else "USER",
            "application": "Emulated",
            "data_access_expires_at": 0,
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


@attrs.frozen
class _Turn:
    """One call on its way through the server."""

    ask: Ask
    version: str | None
    segments: list[str]
    target: _Target
    manners: Manners
    now: float

    @property
    def ids(self) -> list[str]:
        return [each for each in self.ask.params.get("ids", "").split(",") if each]

    @property
    def weight(self) -> int:
        """How many calls it counts as: each of `ids` is one (contract 6.2)."""
        return max(1, len(self.ids)) if "ids" in self.ask.params else 1


def _split(path: str) -> tuple[str | None, list[str]]:
    segments = [unquote(each) for each in path.split("/") if each]
    if segments and segments[0][:1] == "v" and segments[0][1:2].isdigit() and "." in segments[0]:
        return segments[0], segments[1:]
    return None, segments


def _platform(ask: Ask) -> Platform | None:
    if ask.instagram_host:
        return Platform.INSTAGRAM
    try:
        # Case does not matter, and none means Messenger (contract 1.1).
        return Platform(ask.params.get("platform", Platform.MESSENGER).lower())
    except ValueError:
        return None


def _fields(text: str | None) -> tuple[FieldAsk, ...] | None:
    if not text:
        return None
    try:
        return read_fields(text)
    except FieldsUnreadable as problem:
        raise Refused(refusals.FIELDS_BROKEN.with_words(problem=str(problem))) from problem


def _whole(params: Mapping[str, str], name: str, default: int) -> int:
    text = params.get(name)
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or (name == "limit" and int(text) == 0):
        raise Refused(PARAM_WRONG.with_words(problem=f"Param {name} must be a positive integer"))
    return int(text)


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


def _check_proof(ask: Ask, token: str, secret: str) -> None:
    """`appsecret_proof` is the hex HMAC-SHA256 of the token under the app's secret (contract 6.6)."""
    proof = ask.params.get("appsecret_proof")
    if proof is None:
        raise Refused(refusals.PROOF_MISSING)
    message = token if "appsecret_time" not in ask.params else f"{token}|{ask.params['appsecret_time']}"
    if not hmac.compare_digest(proof, hmac.new(secret.encode(), message.encode(), hashlib.sha256).hexdigest()):
        raise Refused(refusals.PROOF_WRONG)


def _refuse_poison(thread: ThreadWorld, manners: Manners, *, heavy: bool) -> None:
    if thread.id in manners.poisoned and (heavy or manners.poisoned_lean):
        raise Refused(refusals.POISONED)


def _authenticate(payload: Any, code: int | None) -> str | None:
    """The `WWW-Authenticate` that failures often carry (contract 5.1)."""
    if code is None or "error" not in payload:
        return None
    word = {190: "invalid_token", 102: "invalid_token", 803: "not_found"}.get(code, "invalid_request")
    return f'OAuth "Facebook Platform" "{word}" "{payload["error"].get("message", "")}"'


def _breaks(manners: Manners) -> bool:
    """Whether something other than Graph answers."""
    return (
        manners.html is not None
        or manners.empty_body
        or manners.service_unavailable
        or manners.raw_body is not None
        or manners.gzip_bomb is not None
        or manners.redirect is not None
    )


_SORRY = (
    '<!DOCTYPE html><html lang="en" id="facebook"><head><title>Error</title></head><body>'
    "<h1>Sorry, something went wrong.</h1><p>We're working on getting this fixed as soon as we can.</p></body></html>"
)


def _broken(manners: Manners) -> Reply:
    plain = "text/html; charset=utf-8"
    if manners.redirect is not None:
        return Reply(status=302, body=b"", headers={"Location": manners.redirect}, manners=manners, content_type=plain)
    if manners.html is not None:
        return Reply(status=manners.html, body=_SORRY.encode(), headers={}, manners=manners, content_type=plain)
    if manners.service_unavailable:
        return Reply(status=200, body=b"Service Unavailable", headers={}, manners=manners, content_type=plain)
    if manners.gzip_bomb is not None:
        body = wire.gzip_bomb(manners.gzip_bomb)
        return Reply(status=200, body=body, headers={"Content-Encoding": "gzip"}, manners=manners)
    headers = dict(manners.raw_headers)
    content_type = headers.pop("Content-Type", "application/json; charset=UTF-8")
    status = manners.raw_status if manners.raw_body is not None else 200
    return Reply(
        status=status, body=manners.raw_body or b"", headers=headers, manners=manners, content_type=content_type
    )


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
