"""What Graph answers: one read request in, one reply out; no sockets, no clock.

The order of a call: what breaks the connection or the front end (manners), who asks (token), how often (limits), what
the Page refuses (manners), and only then what was asked.
"""

import hashlib
import itertools
import random
from collections.abc import Callable, Mapping
from typing import Any

import attrs
import orjson

from conversations_async.emulator import refusals, usage, wire
from conversations_async.emulator.accounts import accounts, token_facts
from conversations_async.emulator.asks import (
    NOT_REPEATED,
    SECRET_PARAMS,
    Ask,
    Call,
    check_proof,
    fields_asked,
    split_path,
    whole_number,
)
from conversations_async.emulator.closures import Closures
from conversations_async.emulator.fields import FieldAsk
from conversations_async.emulator.listing import ListingAsk, listing
from conversations_async.emulator.manners import CallKind, Manners, MannersBook
from conversations_async.emulator.messages import (
    Window,
    detail_window,
    message_nodes,
    messages_edge,
    small_edge_page,
)
from conversations_async.emulator.nodes import NESTED, account_node, page_node, thread_nodes
from conversations_async.emulator.refusals import FIELD_UNKNOWN, LIMIT_CODES, PARAM_WRONG, Refusal, Refused, refusal_for
from conversations_async.emulator.replies import Reply, authenticate, breaks, broken
from conversations_async.emulator.rules import LimitBook, LimitRules, Verdict, wire_minutes
from conversations_async.emulator.targets import Target, Targets
from conversations_async.emulator.threads import MessageWorld, ThreadWorld
from conversations_async.emulator.views import DEFAULT_LIMIT, View
from conversations_async.emulator.world import PageWorld, World
from conversations_async.model import Platform


class GraphEdges:
    """The Graph API over one world, with limits kept and manners shown."""

    def __init__(self, world: World, rules: LimitRules, *, seed: int = 0, started_at: float = 0.0) -> None:
        self.world = world
        self.started_at = started_at
        self.calls: list[Call] = []
        self.closures = Closures(world)
        self._limits = LimitBook(rules)
        self._manners = MannersBook(seed)
        self._chance = random.Random(f"edges/{seed}")
        self._nonces = itertools.count(1)
        self._targets = Targets(world)

    def answer(self, ask: Ask, now: float) -> tuple[Call, Reply]:
        """Answer a call that arrives at *now*."""
        version, segments = split_path(ask.path)
        target = self._targets.of(ask, segments)
        call = Call(
            at=now,
            page_id=target.page.id if target.page else None,
            platform=target.platform,
            kind=target.kind,
            path=ask.path,
            params={name: value for name, value in ask.params.items() if name not in SECRET_PARAMS},
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
        manners, target, regain, fractional = turn.manners, turn.target, None, False
        verdict = self._weigh(turn)
        if breaks(manners):
            return broken(manners)
        code: int | None = None
        status = 200
        payload: Any
        try:
            served = wire.served_version(turn.version, "v25.0")
            if served is None:
                raise Refused(refusals.UNKNOWN_PATH.with_words(path=f"/{turn.version}"))
            self._check_token(turn)
            closure = self.closures.of(target.page, target.platform, manners, turn.now)
            if closure is not None:
                regain, fractional = closure.call_into(turn.now), closure.fractional
                raise Refused(refusal_for(80006))
            if verdict is not None:
                regain = verdict.regain_after
                raise Refused(refusal_for(verdict.code))
            self._refuse_by_manners(manners)
            payload = self._payload(turn, served)
        except Refused as refused:
            status, code, payload = self._refusal(refused.refusal, turn)
        body = orjson.dumps(payload)
        headers = self._headers(turn, code, wire_minutes(regain, fractional=fractional), body)
        if refusal_header := authenticate(payload, code):
            headers["WWW-Authenticate"] = refusal_header
        if code is not None and manners.retry_after is not None:
            headers["Retry-After"] = manners.retry_after
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
        # Meta meters Page calls apart from the app's (contract 4.1); who sets the app's limit wants to see it bite.
        verdict = limits.weigh_app_call(None, now)
        for _ in range(turn.ask.weight):
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
            check_proof(turn.ask, token, world.app_secret)
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
                if ask.token != self.world.user.token:
                    raise Refused(FIELD_UNKNOWN.with_words(field="accounts", node="Page"))
                return accounts(
                    self.world, ask.params, lambda page: self._view(turn, version, page, Platform.MESSENGER)
                )
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
                bounds[key] = float(whole_number(params, name, 0))
        fields = params.get("fields") or None
        return ListingAsk(
            fields_asked(fields),
            fields,
            whole_number(params, "limit", DEFAULT_LIMIT),
            after=params.get("after") or None,
            before=params.get("before") or None,
            folder=params.get("folder", "inbox").lower(),
            user_id=params.get("user_id"),
            others=tuple((name, value) for name, value in params.items() if name not in NOT_REPEATED),
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
            self._targets.remember,
        )

    def _page(self, turn: "_Turn", version: str) -> Any:
        page, target, ask = turn.target.page, turn.target, turn.ask
        assert page is not None
        if target.edge is not None:
            raise Refused(PARAM_WRONG.with_words(problem=f"Tried accessing nonexisting field ({target.edge})"))
        asks = fields_asked(ask.params.get("fields"))
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
        if page is None or thread is None or (ask.instagram_host and thread.platform is Platform.MESSENGER):
            raise Refused(self._gone(turn, target.object_id))
        view = self._view(turn, version, page, thread.platform)
        if message is not None:
            return self._message_answer(turn, view, thread, message)
        fields = ask.params.get("fields") or None
        asks = fields_asked(fields)
        if target.edge is None:
            return self._thread_answer(thread, asks, view)
        if target.edge != "messages":
            raise Refused(PARAM_WRONG.with_words(problem=f"Tried accessing nonexisting field ({target.edge})"))
        _refuse_poison(thread, view.manners, heavy=True)
        window = Window(
            min(whole_number(ask.params, "limit", DEFAULT_LIMIT), view.manners.max_limit),
            ask.params.get("after") or None,
            ask.params.get("before") or None,
        )
        others = [(name, value) for name, value in ask.params.items() if name not in NOT_REPEATED]
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
        return next(message_nodes(thread, (place,), fields_asked(turn.ask.params.get("fields")), view))

    def _gone(self, turn: "_Turn", object_id: str) -> Refusal:
        if turn.ask.instagram_host:
            return refusals.UNSUPPORTED_ON_INSTAGRAM.with_words(method="get")
        return refusals.OBJECT_GONE.with_words(id=object_id)

    def _many(self, turn: "_Turn", version: str) -> Any:
        """`?ids=a,b`: an object keyed by id; one bad id fails the whole call (contract 6.2)."""
        page, found = turn.target.page, {}
        assert page is not None
        for object_id in turn.ask.ids:
            target = self._targets.within(page, object_id, None)
            if target.thread is None:
                raise Refused(refusals.ALIAS_UNKNOWN.with_words(id=object_id))
            found[object_id] = self._object(attrs.evolve(turn, target=target), version)
        return found

    def _many_pages(self, turn: "_Turn") -> Any:
        asks, found = fields_asked(turn.ask.params.get("fields")), {}
        for page_id in turn.ask.ids:
            page = self.world.pages.get(page_id)
            if page is None:
                raise Refused(refusals.ALIAS_UNKNOWN.with_words(id=page_id))
            found[page_id] = page_node(page, asks, {})
        return found

    def _other(self, turn: "_Turn", version: str) -> Any:
        ask, target, world = turn.ask, turn.target, self.world
        if target.object_id == "debug_token":
            return {"data": token_facts(world, ask.params.get("input_token", ""))}
        if target.object_id == "me" and target.edge is None and ask.token == world.user.token:
            return {"name": world.user.name, "id": world.user.id}
        if target.object_id == "" and ask.ids:
            return self._many_pages(turn)
        if target.object_id == "":
            raise Refused(PARAM_WRONG.with_words(problem="The parameter ids is required"))
        raise Refused(self._gone(turn, target.object_id))


@attrs.frozen
class _Turn:
    """One call on its way through the server."""

    ask: Ask
    version: str | None
    segments: list[str]
    target: Target
    manners: Manners
    now: float


def _refuse_poison(thread: ThreadWorld, manners: Manners, *, heavy: bool) -> None:
    if thread.id in manners.poisoned and (heavy or manners.poisoned_lean):
        raise Refused(refusals.POISONED)
