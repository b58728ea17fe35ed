"""Makes tasks wait as `limits` says: slots and one aiolimiter bucket per Inbox, one gate per pool.

The slots decide when a call may be sent. The bucket stands behind them: whatever goes wrong above, no Inbox sends more
than its mean rate. aiolimiter lets a queue of waiters pass a gate that shuts meanwhile, so after each wait the gates
are looked at again before a call goes out.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable

from aiolimiter import AsyncLimiter
from attrs import define, field

from conversations_async.errors import (
    ConversationsError,
    GraphUnavailable,
    RateLimited,
    TransportFailed,
    WaitTooLong,
)
from conversations_async.events import Event, GateOpened, Refused, Waiting
from conversations_async.limits import Gate, LimitPolicy, Outage, Slots, pools_of
from conversations_async.model import Inbox, Pool, Usage

log = logging.getLogger(__name__)


@define(eq=False)
class _Standing:
    """What is known of one Inbox."""

    user: str
    slots: Slots
    bucket: AsyncLimiter
    calls: int = 0
    usage: Usage | None = None


@define(eq=False)
class Permit:
    """The right to send one call now. Give it back by `Throttle.release`, whatever became of the call."""

    inbox: Inbox | None
    user: str
    slot: int = -1
    probes: tuple[Gate, ...] = field(default=())


class Throttle:
    """All waiting for limits of one session. Loop-bound: made when the session is entered."""

    def __init__(self, policy: LimitPolicy, tell: Callable[[Event], None]) -> None:
        self._policy = policy
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._standings: dict[Inbox, _Standing] = {}
        # Only pools that have been refused are in here: with none, a permit costs no look-up.
        self._gates: dict[Pool, Gate] = {}
        self._outage = Outage(Gate(Pool("host")))
        self._listeners: set[Callable[[], None]] = set()

    # -- asking --------------------------------------------------------------------------------------------------------

    def next_moment(self, inbox: Inbox | None, user: str = "") -> tuple[float, Pool | None]:
        """When the next call may be sent, and the pool that says so. Endless: when a probe's outcome is known."""
        moment, pool = -math.inf, None
        if inbox is not None and self._policy.calls_per_second:
            moment = self._standing(inbox, user).slots.next_moment()
        if self._gates:
            for drawn in pools_of(inbox, user):
                gate = self._gates.get(drawn)
                if gate is not None and (opens := gate.next_moment()) > moment:
                    moment, pool = opens, drawn
        return moment, pool

    def take(self, inbox: Inbox | None, user: str = "") -> Permit | None:
        """A permit if a call may be sent at this very moment; never waits."""
        moment, _ = self.next_moment(inbox, user)
        if moment > self._clock():
            return None
        permit = Permit(inbox, user)
        if inbox is not None and self._policy.calls_per_second:
            permit.slot = self._standing(inbox, user).slots.take()
        if self._gates:
            gates = (self._gates.get(pool) for pool in pools_of(inbox, user))
            permit.probes = tuple(gate for gate in gates if gate is not None and gate.enter())
        return permit

    async def draw(self, permit: Permit) -> bool:
        """Take from the bucket. False where a gate shut meanwhile: the permit is void and given back unused."""
        if permit.slot < 0 or permit.inbox is None:
            return True
        bucket = self._standings[permit.inbox].bucket
        if bucket.has_capacity():
            await bucket.acquire()
            return True
        try:
            await bucket.acquire()
        except BaseException:
            self.void(permit)
            raise
        if any(self._shut(pool, permit) for pool in pools_of(permit.inbox, permit.user)):
            self.void(permit)
            return False
        return True

    async def permit(self, inbox: Inbox | None, user: str = "", *, max_wait: float | None = None) -> Permit:
        """A permit, waited for. Raises WaitTooLong at once where it lies beyond `max_wait` seconds from now."""
        give_up_at = math.inf if max_wait is None else self._clock() + max_wait
        told = False
        while True:
            if (permit := self.take(inbox, user)) is not None:
                if await self.draw(permit):
                    return permit
                continue
            moment, pool = self.next_moment(inbox, user)
            wait = moment - self._clock()
            if moment > give_up_at:
                raise WaitTooLong(wait, inbox, pool)
            if pool is not None and inbox is not None and not told:
                told = True
                self._tell(Waiting(inbox, pool, wait))
            await self._until(moment)

    # -- learning ------------------------------------------------------------------------------------------------------

    def learn(self, permit: Permit, usage: Usage | None, error: ConversationsError | None) -> None:
        """What an answer, or its absence, says about the pools it drew on."""
        if usage is not None and permit.inbox is not None:
            self._standing(permit.inbox, permit.user).usage = usage
        if isinstance(error, RateLimited):
            self._refused(permit, error)
            return
        host = self._outage.gate
        probe = host in permit.probes
        if isinstance(error, TransportFailed | GraphUnavailable):
            if self._outage.failed(permit.inbox, self._clock(), probe=probe, chance=_chance()):
                self._gates[host.pool] = host
                log.debug("the host is down; asked again in %.1f s", host.opens_at - self._clock())
            return
        if not host.closed or probe:
            self._outage.passed()
        # An error of another kind is an answer too: the pool let the call through.
        for gate in permit.probes:
            gate.open()
            self._gates.pop(gate.pool, None)
            log.debug("%s opened", gate.pool)
            self._tell(GateOpened(gate.pool))

    def release(self, permit: Permit) -> None:
        """The call is over: its slot comes back one period from now."""
        if permit.slot >= 0 and permit.inbox is not None:
            standing = self._standings[permit.inbox]
            standing.slots.give_back(permit.slot, self._clock() + self._policy.period)
            standing.calls += 1
        if permit.probes:
            for gate in permit.probes:
                gate.probe_ended()
            self._changed()

    def usage(self, inbox: Inbox) -> Usage | None:
        """What Meta last said of an Inbox's pools."""
        standing = self._standings.get(inbox)
        return standing.usage if standing is not None else None

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when a probe's outcome is known; returns what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    # -- inside --------------------------------------------------------------------------------------------------------

    def _standing(self, inbox: Inbox, user: str) -> _Standing:
        standing = self._standings.get(inbox)
        if standing is None:
            policy = self._policy
            slots = policy.slots
            bucket = AsyncLimiter(slots, policy.period or 1.0)
            standing = self._standings[inbox] = _Standing(user, Slots([-math.inf] * slots), bucket)
        return standing

    def _refused(self, permit: Permit, error: RateLimited) -> None:
        pool = error.pool or Pool("user", permit.user)
        gate = self._gates.get(pool) or Gate(pool)
        now = self._clock()
        if gate.refuse(now, error.retry_after, self._policy, probe=gate in permit.probes, chance=_chance()):
            gate.code = error.code
            self._gates[pool] = gate
            log.debug("%s refused (code %s); closed for %.1f s", pool, error.code, gate.opens_at - now)
            stated = error.retry_after is not None
            self._tell(Refused(permit.inbox, pool, error.code, gate.opens_at - now, stated))
        # The others that this call probed have let it through.
        for other in permit.probes:
            if other is not gate:
                other.open()
                self._gates.pop(other.pool, None)
                self._tell(GateOpened(other.pool))

    def _shut(self, pool: Pool, permit: Permit) -> bool:
        gate = self._gates.get(pool)
        return gate is not None and gate.closed and gate not in permit.probes

    def void(self, permit: Permit) -> None:
        """Give an unused permit back: nothing was sent, so its slot is free at once."""
        if permit.slot >= 0 and permit.inbox is not None:
            self._standings[permit.inbox].slots.give_back(permit.slot, self._clock())
        for gate in permit.probes:
            gate.probe_ended()
        self._changed()

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    async def _until(self, moment: float) -> None:
        """Wait for a moment, or for any gate to change."""
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


def _chance() -> float:
    return random.random()  # noqa: S311  # spreads waits; nothing secret hangs on it
