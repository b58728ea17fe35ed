"""Makes tasks wait as `limits` and `slots` say: the slots and one aiolimiter bucket per Inbox, one gate per pool.

The slots decide when a call may be sent. The bucket stands behind them: whatever goes wrong above, no Inbox sends more
than its mean rate. aiolimiter lets a queue of waiters pass a gate that shuts meanwhile, so after each wait the gates
are looked at again before a call goes out.

Somebody who waits for one answer (`urgent`) goes before listings in the same Inbox, and after three in a row lets a
listing that waits have its turn.
"""

import asyncio
import logging
import math
import random
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final

from aiolimiter import AsyncLimiter

from conversations_async.errors import (
    ConversationsError,
    GraphUnavailable,
    RateLimited,
    TransportFailed,
    WaitTooLong,
)
from conversations_async.events import Eased, Event, GateOpened, Refused, Waiting
from conversations_async.limits import (
    EASED_KINDS,
    ClosedPool,
    Ease,
    EasedPool,
    Gate,
    LimitPolicy,
    Outage,
    pool_of_inbox,
    pool_of_user,
    shared_pools,
)
from conversations_async.model import GraphHost, Inbox, Page, Pool, Usage
from conversations_async.pacer import Pacer, Turn
from conversations_async.slots import LINGER, Slot, Slots, Trips
from conversations_async.values import Bundle, Plain, plain

log = logging.getLogger(__name__)

_URGENT_IN_A_ROW = 3
_GRACE = 0.25
"""Seconds for which a free slot is kept for the listing whose turn it is."""
_HAIR = 0.999
"""The bucket is so much wider than the slots: rounding must not make it wait where they let a call through."""
_NO_ANSWER: Final = (TransportFailed, GraphUnavailable)
"""A tuple: where a union is written out, it is made anew for each call."""
_GRAIN = 1e-6
"""Seconds by which a timer may ring early; comparing exactly would spin."""


@plain
class Standing(Plain):
    """How one Inbox stands: seconds until its next call may be sent, and why it is not sooner."""

    inbox: Inbox
    next_call_in: float | None
    """None: when the outcome of a probe, or of a call under way, is known."""
    calls: int = 0
    usage: Usage | None = None
    closed: tuple[ClosedPool, ...] = ()
    eased: tuple[EasedPool, ...] = ()
    credit: float = 0.0
    """Seconds by which the learned round trip shortens the wait after an answer; 0 where strict."""


class _Account(Bundle):
    """What is kept of one Inbox while calls are made for it."""

    page: Page | None
    slots: Slots
    bucket: AsyncLimiter
    calls: int = 0
    usage: Usage | None = None
    urgent: int = 0
    """Urgent calls that wait for a slot."""
    urgent_in_a_row: int = 0
    listing_until: float = -math.inf
    """Until this moment the next slot is a listing's."""
    turned_away: bool = False
    """A listing waits that was not told a moment: wake it when a slot comes back."""


class _Rested(Bundle):
    """What remains of an account that was closed: what may be asked for later."""

    page: Page | None
    calls: int
    usage: Usage | None


class Permit(Bundle):
    """The right to send one call now. Give it back by `Throttle.release`, whatever became of the call."""

    inbox: Inbox | None
    page: Page | None
    taken_at: float = 0.0
    account: _Account | None = None
    """Where the Inbox has a pace."""
    slot: Slot | None = None
    probes: tuple[Gate, ...] = ()
    urgent: bool = False
    turn: Turn | None = None
    """The turn booked with the processes that share the pace."""


class Throttle:
    """All waiting for limits of one session. Loop-bound: made when the session is entered."""

    def __init__(self, policy: LimitPolicy, tell: Callable[[Event], None], pacer: Pacer | None = None) -> None:
        self._policy = policy
        self._pacer = pacer
        self._giving_back: set[asyncio.Task[None]] = set()
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._accounts: dict[Inbox, _Account] = {}
        self._rested: dict[Inbox, _Rested] = {}
        self._left: OrderedDict[Inbox, float] = OrderedDict()
        """Inboxes whose listing has ended, and when: their accounts are closed when no limit remembers them."""
        # Only pools that refused, or are nearly full, are in here: with none, a permit costs no look-up.
        self._gates: dict[Pool, Gate] = {}
        self._eases: dict[Pool, Ease] = {}
        self._outage = Outage(Gate(Pool("host")))
        self._trips: dict[GraphHost, Trips] = {}
        self._spaced: dict[Pool, float] = {}
        """Ceilings: the moment from which the pool's next call may be sent."""
        self._listeners: set[Callable[[], None]] = set()

    # -- asking --------------------------------------------------------------------------------------------------------

    @property
    def paces(self) -> bool:
        """Whether the calls of an Inbox have a pace of their own."""
        return self._policy.calls_per_second > 0

    def next_moment(self, inbox: Inbox | None, page: Page | None, *, urgent: bool = False) -> tuple[float, Pool | None]:
        """When the next call may be sent, and the pool that says so. Endless: when somebody's outcome is known."""
        return self._next_moment(self._paced(inbox, page), inbox, page, urgent)

    def _next_moment(
        self, account: _Account | None, inbox: Inbox | None, page: Page | None, urgent: bool
    ) -> tuple[float, Pool | None]:
        moment, pool = -math.inf, None
        if account is not None:
            moment = self._own_moment(account, urgent=urgent)
            if moment == math.inf and not urgent:
                account.turned_away = True
        if self._gates or self._eases:
            moment, pool = self._shared_moment(inbox, page, moment)
        if self._policy.app_calls_per_second or self._policy.user_calls_per_second:
            for ceiling in (Pool("app"), pool_of_user(page)):
                if (free := self._spaced.get(ceiling, -math.inf)) > moment:
                    moment, pool = free, ceiling
        return moment, pool

    def _own_moment(self, account: _Account, *, urgent: bool) -> float:
        """When a slot of the Inbox is free for this kind of call."""
        now = self._clock()
        moment = account.slots.next_moment(now)
        if urgent:
            return max(moment, account.listing_until)
        return math.inf if account.urgent and account.listing_until <= now else moment

    def _shared_moment(self, inbox: Inbox | None, page: Page | None, moment: float) -> tuple[float, Pool | None]:
        pool: Pool | None = None
        for drawn in shared_pools(inbox, page):
            gate, ease = self._gates.get(drawn), self._eases.get(drawn)
            host = gate is self._outage.gate
            opens = max(
                (self._outage.next_moment(inbox) if host else gate.next_moment()) if gate is not None else -math.inf,
                ease.next_moment(self._policy) if ease is not None else -math.inf,
            )
            if opens > moment:
                moment, pool = opens, drawn
        return moment, pool

    def take(self, inbox: Inbox | None, page: Page | None, *, urgent: bool = False) -> Permit | None:
        """A permit if a call may be sent at this very moment; never waits."""
        account = self._paced(inbox, page)
        moment, _ = self._next_moment(account, inbox, page, urgent)
        now = self._clock()
        if moment > now + _GRAIN:
            return None
        permit = Permit(inbox, page, now, account=account, urgent=urgent)
        if account is not None:
            permit.slot = account.slots.sent(now)
            self._keep_turns(account, urgent, now)
        if self._gates or self._eases:
            drawn = shared_pools(inbox, page)
            gates = (self._gates.get(pool) for pool in drawn)
            permit.probes = tuple(gate for gate in gates if gate is not None and gate.enter())
            for pool in drawn:
                if (ease := self._eases.get(pool)) is not None:
                    ease.sent(now)
        if self._policy.app_calls_per_second or self._policy.user_calls_per_second:
            self._space(page, now)
        return permit

    def _keep_turns(self, account: _Account, urgent: bool, now: float) -> None:
        """After some urgent calls in a row a listing that was turned away has the right of way, for a moment."""
        if not urgent:
            account.turned_away, account.urgent_in_a_row, account.listing_until = False, 0, -math.inf
            return
        account.urgent_in_a_row += 1
        if account.urgent_in_a_row >= _URGENT_IN_A_ROW and account.turned_away:
            free = account.slots.next_moment(now)
            account.listing_until = (free if free < math.inf else now + self._policy.period) + _GRACE
            account.turned_away, account.urgent_in_a_row = False, 0
            self._changed()

    def _space(self, page: Page | None, now: float) -> None:
        for pool, rate in (
            (Pool("app"), self._policy.app_calls_per_second),
            (pool_of_user(page), self._policy.user_calls_per_second),
        ):
            if rate:
                # No catching up after a pause: a ceiling is a spacing, not a mean.
                self._spaced[pool] = max(self._spaced.get(pool, now), now) + 1 / rate

    def ceiling(self) -> float:
        """The moment before which nobody may send: the app's ceiling."""
        return self._spaced.get(Pool("app"), -math.inf) if self._spaced else -math.inf

    async def draw(self, permit: Permit, *, give_up_at: float = math.inf) -> bool:
        """Take from the bucket, and wait for the turn among processes that share the pace.

        False where a gate shut meanwhile. Then, and where this raises, the permit is void and given back unused.
        Raises WaitTooLong where the turn lies beyond `give_up_at`.
        """
        if permit.account is None or permit.inbox is None:
            return True
        try:
            await permit.account.bucket.acquire()
            if self._pacer is not None:
                await self._wait_turn(self._pacer, permit, permit.inbox, give_up_at)
        except BaseException:
            self.void(permit)
            raise
        if self._gates and any(self._shut(pool, permit) for pool in shared_pools(permit.inbox, permit.page)):
            self.void(permit)
            return False
        return True

    async def _wait_turn(self, pacer: Pacer, permit: Permit, inbox: Inbox, give_up_at: float) -> None:
        while permit.turn is None or not permit.turn.granted:
            permit.turn = await pacer.reserve(
                inbox, slots=self._policy.slots, period=self._policy.period, turn=permit.turn
            )
            if permit.turn.granted:
                break
            if permit.turn.at > give_up_at:
                raise WaitTooLong(permit.turn.at - self._clock(), inbox, pool_of_inbox(inbox))
            await asyncio.sleep(max(0.0, permit.turn.at - self._clock()))
        if permit.slot is not None:
            # The call goes out now and not when its slot was taken.
            permit.slot.sent = self._clock()

    async def permit(self, inbox: Inbox | None, page: Page | None, *, max_wait: float | None = None) -> Permit:
        """A permit, waited for before any listing's. Raises WaitTooLong where it lies beyond `max_wait` seconds."""
        give_up_at = math.inf if max_wait is None else self._clock() + max_wait
        account = self._paced(inbox, page)
        if account is not None:
            account.urgent += 1
        told = False
        try:
            while True:
                if (permit := self.take(inbox, page, urgent=True)) is not None:
                    if await self.draw(permit, give_up_at=give_up_at):
                        return permit
                    continue
                moment, pool = self.next_moment(inbox, page, urgent=True)
                now = self._clock()
                if now >= give_up_at or give_up_at < moment < math.inf:
                    raise WaitTooLong(moment - now if moment < math.inf else None, inbox, pool)
                if pool is not None and inbox is not None and not told:
                    told = True
                    self._tell(Waiting(inbox, pool, moment - now))
                await self._until(min(moment, give_up_at))
        finally:
            if account is not None:
                account.urgent -= 1
                self._wake_turned_away(account)

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn(self, permit: Permit, usage: Usage | None, error: ConversationsError | None) -> None:
        """What an answer, or its absence, says about the pools it drew on."""
        if usage is not None and permit.inbox is not None:
            account = permit.account or self._account(permit.inbox, permit.page)
            account.usage = usage
            # Behind a refusal the gate owns the wait: a full pool's spacing must not outlast Meta's own word.
            if not isinstance(error, RateLimited) and (usage.percent >= self._policy.ease_off_at or self._eases):
                self._ease(permit, usage)
        host = self._outage.gate
        if isinstance(error, _NO_ANSWER):
            probe, now = host in permit.probes, self._clock()
            if self._outage.failed(permit.inbox, now, sent_at=permit.taken_at, probe=probe, chance=chance()):
                self._gates[host.pool] = host
                log.debug("the host is down; asked again in %.1f s", host.opens_at - now)
            return
        if self._outage.passed(permit.inbox, sent_at=permit.taken_at):
            self._open_gates((host,))
            self._changed()
        if isinstance(error, RateLimited):
            self._refused(permit, error)
            return
        # An error of another kind is an answer too: the pool let the call through.
        self._open_gates(permit.probes)

    def release(
        self,
        permit: Permit,
        *,
        received_at: float | None = None,
        sent_at: float | None = None,
        connected_in: float | None = None,
        refused: bool = False,
    ) -> None:
        """The call is over: its slot comes back one period after its answer, less the credit of the learned trips.

        `received_at`: loop time of the answer, None where there was none. `sent_at`: loop time of the sending, None
        where nobody stamped it; then its trip teaches nothing and earns no credit. `connected_in`: seconds that a new
        connection took. `refused`: for the pace.
        """
        if permit.slot is not None and (account := permit.account) is not None:
            account.calls += 1
            trips = account.slots.trips
            if trips is not None and connected_in is not None:
                trips.connected(connected_in)
            if received_at is None:
                account.slots.given_up(permit.slot, self._clock())
            else:
                usual = sent_at is not None and connected_in is None and not refused
                permit.slot.sent = received_at if sent_at is None else min(sent_at, received_at)
                account.slots.answered(permit.slot, received_at, refused=refused, usual=usual)
            self._wake_turned_away(account)
        self._give_turn_back(permit, sent=True, linger=LINGER if received_at is None else 0.0)
        if permit.probes:
            for gate in permit.probes:
                gate.probe_ended()
            self._changed()

    def _give_turn_back(self, permit: Permit, *, sent: bool, linger: float = 0.0) -> None:
        """In a task of its own: it is stamped at once, and the file may take a while."""
        turn, permit.turn = permit.turn, None
        if self._pacer is None or turn is None:
            return
        task = asyncio.get_running_loop().create_task(
            _run(self._pacer.give_back(turn, sent=sent, linger=linger)), name="conversations-async turn"
        )
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def aclose(self) -> None:
        """Wait until every turn has been given back."""
        while self._giving_back:
            await asyncio.wait(self._giving_back)

    def void(self, permit: Permit) -> None:
        """Give an unused permit back: nothing was sent, so its slot is as it was."""
        if permit.slot is not None and (account := permit.account) is not None:
            account.slots.unsent(permit.slot)
            self._wake_turned_away(account)
        self._give_turn_back(permit, sent=False)
        for gate in permit.probes:
            gate.probe_ended()
        if permit.probes:
            self._changed()

    # -- seeing --------------------------------------------------------------------------------------------------------

    def usage(self, inbox: Inbox) -> Usage | None:
        """What Meta last said of an Inbox's pools."""
        account = self._accounts.get(inbox) or self._rested.get(inbox)
        return account.usage if account is not None else None

    def standing(self, inbox: Inbox) -> Standing:
        """How an Inbox stands now; looking changes nothing."""
        now = self._clock()
        account = self._accounts.get(inbox)
        known = account or self._rested.get(inbox)
        page = known.page if known is not None else None
        paced = account is not None and self._policy.calls_per_second
        own = self._own_moment(account, urgent=False) if account is not None and paced else -math.inf
        moment, _ = self._shared_moment(inbox, page, own)
        pools = shared_pools(inbox, page)
        trips = account.slots.trips if account is not None else None
        return Standing(
            inbox,
            None if moment == math.inf else max(0.0, moment - now),
            calls=known.calls if known is not None else 0,
            usage=self.usage(inbox),
            closed=tuple(
                ClosedPool(gate.pool, None if gate.probing else max(0.0, gate.opens_at - now), gate.code)
                for pool in pools
                if (gate := self._gates.get(pool)) is not None and gate.closed
            ),
            eased=tuple(
                EasedPool(ease.pool, ease.percent, spacing)
                for pool in pools
                if (ease := self._eases.get(pool)) is not None and (spacing := ease.spacing(self._policy)) > 0
            ),
            credit=trips.credit if trips is not None else 0.0,
        )

    def leave(self, inbox: Inbox) -> None:
        """A listing of this Inbox has ended: what is kept for its next call may go, when no limit remembers it."""
        # Behind the others, and once: somebody may list the same Inbox for as long as the session lives.
        self._left[inbox] = self._clock()
        self._left.move_to_end(inbox)

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when somebody who waits without a moment may look again; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _paced(self, inbox: Inbox | None, page: Page | None) -> _Account | None:
        """The account of an Inbox that has a pace; to be looked up once a call."""
        return self._account(inbox, page) if inbox is not None and self._policy.calls_per_second else None

    def _account(self, inbox: Inbox, page: Page | None) -> _Account:
        account = self._accounts.get(inbox)
        if account is None:
            self._close_accounts()
            rested = self._rested.pop(inbox, None)
            policy = self._policy
            trips = None
            if not policy.strict:
                trips = self._trips.setdefault(page.graph if page is not None else "facebook", Trips())
            slots = Slots.of(policy.calls_per_second or 1.0, trips)
            account = self._accounts[inbox] = _Account(
                page, slots, AsyncLimiter(policy.slots, _HAIR * (policy.period or 1.0))
            )
            if rested is not None:
                account.calls, account.usage = rested.calls, rested.usage
        return account

    def _close_accounts(self) -> None:
        """Of Inboxes whose listing ended so long ago that a new account would say the same: ten thousand are 10 MB."""
        now = self._clock()
        before = now - 2 * (self._policy.period or 1.0)
        while self._left and self._left[inbox := next(iter(self._left))] < before:
            self._left.popitem(last=False)
            account = self._accounts.get(inbox)
            if account is not None and not account.urgent and account.slots.is_rested(now):
                self._rested[inbox] = _Rested(account.page, account.calls, account.usage)
                del self._accounts[inbox]

    def _refused(self, permit: Permit, error: RateLimited) -> None:
        pool = error.pool or pool_of_user(permit.page)
        gate = self._gates.get(pool) or Gate(pool)
        now = self._clock()
        if gate.refuse(now, error.retry_after, self._policy, probe=gate in permit.probes, chance=chance()):
            gate.code = error.code
            self._gates[pool] = gate
            log.debug("%s refused (code %s); closed for %.1f s", pool, error.code, gate.opens_at - now)
            stated = error.retry_after is not None
            self._tell(Refused(permit.inbox, pool, error.code, gate.opens_at - now, stated))
        # The others that this call probed have let it through.
        self._open_gates(tuple(other for other in permit.probes if other is not gate))

    def _open_gates(self, gates: tuple[Gate, ...]) -> None:
        for gate in gates:
            gate.open()
            self._gates.pop(gate.pool, None)
            log.debug("%s opened", gate.pool)
            self._tell(GateOpened(gate.pool))

    def _ease(self, permit: Permit, usage: Usage) -> None:
        """Keep an account of each pool that is nearly full; forget it where it is not any more."""
        fullest: dict[Pool, float] = {}
        for entry in usage.pools:
            if entry.kind in EASED_KINDS and permit.inbox is not None:
                # Whatever id an entry names, this call has drawn on it: it counts for this Page (contract 4.1).
                pool = Pool("app") if entry.kind == "app" else Pool(entry.kind, permit.inbox.page_id)  # type: ignore[arg-type]  # one of EASED_KINDS
                if entry.percent < fullest.get(pool, 0.0):
                    continue
                fullest[pool] = entry.percent
                self._ease_pool(pool, entry.percent)

    def _ease_pool(self, pool: Pool, percent: float) -> None:
        ease = self._eases.get(pool)
        if percent < self._policy.ease_off_at:
            if ease is not None:
                del self._eases[pool]
                self._tell(Eased(pool, percent, 0.0))
            return
        if ease is None:
            ease = self._eases[pool] = Ease(pool, percent)
            ease.sent(self._clock())
        else:
            ease.learn(percent)
        spacing = ease.spacing(self._policy)
        if ease.told == 0 or not ease.told / 2 < spacing < ease.told * 2:
            ease.told = spacing
            self._tell(Eased(pool, percent, spacing))

    def _shut(self, pool: Pool, permit: Permit) -> bool:
        gate = self._gates.get(pool)
        return gate is not None and gate.closed and gate not in permit.probes

    def _wake_turned_away(self, account: _Account) -> None:
        if account.turned_away or account.urgent:
            self._changed()

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def _until(self, moment: float) -> None:
        """Wait for a moment, or for anything to change."""
        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not woken.done():
                woken.set_result(None)

        end = self.on_change(wake)
        timer = loop.call_at(moment, wake) if moment < math.inf else None
        try:
            await woken
        finally:
            end()
            if timer is not None:
                timer.cancel()


async def _run(giving_back: Awaitable[None]) -> None:
    try:
        await giving_back
    except ConversationsError as error:
        log.warning("a turn could not be given back: %s", error)


def chance() -> float:
    """A number from 0 to 1 for the pure rooms, which draw none themselves."""
    return random.random()  # noqa: S311  # spreads waits; nothing secret hangs on it
