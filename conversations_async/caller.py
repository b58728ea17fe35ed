"""One Graph call done properly: permit, token, send, read, learn, perhaps repeat."""

import asyncio
import logging
import traceback
from collections.abc import Callable
from typing import TypeAlias
from weakref import ref

from msgspec import field

from conversations_async.errors import (
    ConversationsError,
    RateLimited,
    TokenRejected,
    TokenUnavailable,
    TransportFailed,
)
from conversations_async.events import CallAnswered, Event, Retrying, TokenRenewed, VersionDiffers
from conversations_async.graph.answers import Answer, read_answer
from conversations_async.graph.requests import GraphRequest, RawAnswer
from conversations_async.graph.usage import read_usage
from conversations_async.model import GraphHost, Inbox, Page, Secret
from conversations_async.retry import RetryBudget, RetryPolicy, wait_before_retry
from conversations_async.throttle import Permit, Throttle, chance
from conversations_async.transport import Transport
from conversations_async.values import Bundle

log = logging.getLogger(__name__)


GiveWay: TypeAlias = Callable[[ConversationsError, int], bool]
"""Whether an error, after so many tries, is raised instead of trying again."""


class _Told(Bundle):
    """What a callable has told of a Page."""

    token: Secret | None = None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


_Tellers: TypeAlias = dict[tuple[str, GraphHost, object], _Told]


class Tokens:
    """The token of each Page: asked for once, and again after a rejection, by one task at a time.

    What a callable has told is known as long as there is somebody who holds it: an app may make one for each Page that
    it makes, and so for each request.
    """

    def __init__(self, tell: Callable[[Event], None], patience: float) -> None:
        self._tellers: dict[int, tuple[Callable[[], object], _Tellers]] = {}
        self._tell = tell
        self._patience = patience

    async def of(self, page: Page, inbox: Inbox | None) -> Secret:
        """The Page's token. Raises TokenUnavailable where its callable gives none."""
        if isinstance(page.token, Secret):
            return page.token
        told = self._told_of(page)
        if told.token is not None:
            return told.token
        async with told.asking:
            if told.token is None:
                told.token = await self._ask(page, inbox)
            return told.token

    async def renew(self, page: Page, rejected: Secret, inbox: Inbox | None) -> bool:
        """Ask for a token other than the rejected one; False where there is none to be had."""
        if isinstance(page.token, Secret):
            return False
        told = self._told_of(page)
        async with told.asking:
            if told.token is None or told.token == rejected:
                told.token = await self._ask(page, inbox)
                if told.token != rejected:
                    self._tell(TokenRenewed(page.id))
            return told.token != rejected

    def _told_of(self, page: Page) -> _Told:
        """By callable as well: a Page given anew with another one must not get what the first one told.

        A method is its object's, and lives as long as that; which object it is says its place, since it may be none
        that can be hashed.
        """
        source: object = page.token
        owner = getattr(source, "__self__", source)
        told_by = getattr(source, "__func__", None)
        place = id(owner)
        if (found := self._tellers.get(place)) is None or found[0]() is not owner:
            try:
                held: Callable[[], object] = ref(owner, lambda _: self._tellers.pop(place, None))
            except TypeError:  # it cannot be watched: kept, so that its place is nobody else's

                def held(owner: object = owner) -> object:
                    return owner

            found = self._tellers[place] = (held, {})
        key = (page.id, page.graph, told_by)
        if (told := found[1].get(key)) is None:
            told = found[1][key] = _Told()
        return told

    async def _ask(self, page: Page, inbox: Inbox | None) -> Secret:
        assert not isinstance(page.token, Secret)
        reason = ""
        try:
            async with asyncio.timeout(self._patience):
                return Secret(await page.token())
        except asyncio.CancelledError:
            # The callable may await what somebody else cancels: that is its failure, and not our end.
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            reason = "the callable was cancelled"
        except TimeoutError:
            reason = f"the callable gave none within {self._patience:.0f} s"
        except Exception as error:  # the user's own code may raise anything
            reason = f"the callable raised {type(error).__name__}"
        # Its text may hold the secret: only its type is told, and no context hangs on the new error.
        raise TokenUnavailable(reason, inbox)


class Tries(Bundle):
    """The tries of one logical call."""

    count: int = 0
    failing_since: float = 0.0
    last: ConversationsError | None = None
    token: Secret | None = None
    renewed: bool = False


class Unread(Bundle):
    """A call's answer that nobody has looked at. Its permit is still out: `take_in` it, or `drop` it."""

    request: GraphRequest
    page: Page
    permit: Permit
    tries: Tries
    raw: RawAnswer


class Caller:
    """Calls of one session."""

    def __init__(
        self,
        *,
        transport: Transport,
        throttle: Throttle,
        retry: RetryPolicy,
        api_version: str,
        timeout: float,
        tell: Callable[[Event], None],
        heard: Callable[[], bool],
    ) -> None:
        self._transport = transport
        self._throttle = throttle
        self._retry = retry
        self._budget = RetryBudget()
        self._tokens = Tokens(tell, timeout)
        self._version = api_version
        self._other_versions: set[str] = set()
        self._tell = tell
        self._heard = heard
        """Whether anybody hears what is told: what each call tells is not made for nobody."""
        self._clock = asyncio.get_running_loop().time

    async def call(
        self,
        request: GraphRequest,
        page: Page,
        *,
        max_wait: float | None = None,
        give_way: GiveWay | None = None,
    ) -> Answer:
        """One logical call: permits are waited for, failures repeated as the policy says.

        `give_way` is told each error and the tries so far: where it says so, the error is raised at once.
        """
        tries = Tries()
        while True:
            permit = await self._throttle.permit(request.inbox, page, max_wait=max_wait)
            try:
                return await self.attempt(request, page, permit, tries)
            except ConversationsError as error:
                if give_way is not None and give_way(error, tries.count):
                    raise
                wait = await self.wait_before_retry(error, request, page, tries)
                if wait is None:
                    raise
            if wait:
                await asyncio.sleep(wait)

    async def attempt(self, request: GraphRequest, page: Page, permit: Permit, tries: Tries) -> Answer:
        """One try with a permit that was drawn. The permit is given back whatever happens."""
        return self.take_in(await self.ask(request, page, permit, tries))

    async def ask(self, request: GraphRequest, page: Page, permit: Permit, tries: Tries) -> Unread:
        """The first half of a try: what came back, as bytes. The permit is given back by the other half, or here."""
        inbox = request.inbox
        try:
            token = tries.token = await self._tokens.of(page, inbox)
        except BaseException:
            self._throttle.void(permit)
            raise
        tries.count += 1
        try:
            return Unread(request, page, permit, tries, await self._send(request, token))
        except ConversationsError as error:
            self._throttle.learn(permit, None, error)
            self._throttle.release(permit)
            raise
        except BaseException:
            self._throttle.release(permit)
            raise

    def take_in(self, unread: Unread, *, at_once: bool = False) -> Answer:
        """The other half: what the answer says, to the throttle as well. Raises Meta's error, or AnswerUnreadable.

        `at_once`: it may come as a listing.
        """
        permit, raw = unread.permit, unread.raw
        refused = False
        try:
            answer = read_answer(unread.request, raw, user=unread.page.user or "", at_once=at_once)
        except ConversationsError as error:
            # Only the Inbox's own pool is about the pace; the others say nothing about the trips.
            refused = isinstance(error, RateLimited) and error.pool is not None and error.pool.kind == "inbox"
            self._throttle.learn(permit, read_usage(raw), error)
            raise
        else:
            self._throttle.learn(permit, answer.usage, None)
        finally:
            self._release(permit, raw, refused)
        if answer.version is not None and answer.version != self._version:
            self._note_version(answer.version)
        self._budget.refund(unread.tries.last)
        unread.tries.last = None
        return answer

    def drop(self, unread: Unread) -> None:
        """Nobody wants the answer any more."""
        self._release(unread.permit, unread.raw, False)

    def _release(self, permit: Permit, raw: RawAnswer, refused: bool) -> None:
        received_at = self._clock() if raw.received_at is None else raw.received_at
        self._throttle.release(
            permit,
            received_at=received_at,
            sent_at=raw.sent_at,
            connected_in=raw.connected_in,
            refused=refused,
        )

    async def wait_before_retry(
        self, error: ConversationsError, request: GraphRequest, page: Page, tries: Tries
    ) -> float | None:
        """Seconds until the next try of a call that failed, None where the error is final."""
        now = self._clock()
        if tries.last is None:
            tries.failing_since = now
        tries.last = error
        if isinstance(error, TokenRejected):
            return await self._wait_after_rejection(request, page, tries)
        wait = wait_before_retry(
            error, tries.count, self._retry, chance=chance(), failing_for=now - tries.failing_since
        )
        if wait is None or (self._retry.budget and not self._budget.spend(error)):
            return None
        if not isinstance(error, RateLimited):
            self._tell(Retrying(request.inbox, error, tries.count, wait))
        return wait

    async def _wait_after_rejection(self, request: GraphRequest, page: Page, tries: Tries) -> float | None:
        """A rejected token is asked for anew, once a call; the same one is never sent again."""
        if tries.renewed or tries.token is None:
            return None
        tries.renewed = True
        return 0.0 if await self._tokens.renew(page, tries.token, request.inbox) else None

    async def _send(self, request: GraphRequest, token: Secret) -> RawAnswer:
        started = self._clock()
        reason, final = "", False
        try:
            raw = await self._transport.send(request, token=token)
        except ConversationsError:
            raise
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is None or task.cancelling():
                raise
            reason = "the transport was cancelled from outside"
        except Exception as error:  # a transport of the user's own may raise anything
            reason = f"the transport raised {type(error).__name__}"
            # What the network does may be over in a moment; a fault in the transport's code is not.
            final = not isinstance(error, OSError)
            frames = traceback.extract_tb(error.__traceback__)
            log.debug("%s in %s", reason, ", ".join(f"{each.name}:{each.lineno}" for each in frames))
        if reason:
            raise TransportFailed(reason, request.inbox, final)
        # Meta's answers carry the token inside `paging.next`, also of nested edges: it ends here.
        body, may_spell_nul = token.look_through(raw.body)
        if self._heard():
            self._tell(CallAnswered(request.inbox, request.what, raw.status, self._clock() - started, len(body)))
        return raw if body is raw.body else raw.with_body(body, may_spell_nul=may_spell_nul)

    def _note_version(self, answered: str) -> None:
        if answered not in self._other_versions and len(self._other_versions) < 10:
            self._other_versions.add(answered)
            log.warning(
                "asked for %s, Meta answers with %s: the version asked for has expired", self._version, answered
            )
            self._tell(VersionDiffers(self._version, answered))
