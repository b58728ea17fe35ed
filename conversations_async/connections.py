"""Connections to the hosts of Graph: aiohttp's connector opens them, and all else about them is done here.

The connector's own pool hands out what has rested the longest, so that hundreds are used in turn, each long out of the
processor's cache, and takes as long for a call as two of our rooms. And of those that wait for a connection it may wake
one that is cancelled at that moment, and then nobody. Here the one used last goes first, and whoever has waited the
longest is handed the next that is free, or the place of one to another host.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from typing import Final
from weakref import ref

import aiohttp
from aiohttp.connector import Connection

from conversations_async.pages import GraphHost

_REST: Final = 75.0
"""Seconds after which a connection that nobody has used is closed."""
_TRIES: Final = 3
"""Connections that may be opened for one call."""


class Connections:
    """At most so many, to all hosts together. Made in a running loop. Each that is taken is put back or dropped.

    As long as somebody waits all of them are in use.
    """

    def __init__(self, hosts: Iterable[GraphHost], *, most: int, to_connect: aiohttp.ClientTimeout) -> None:
        self._loop = asyncio.get_running_loop()
        self._connector = aiohttp.TCPConnector(limit=0, ttl_dns_cache=300)
        self._most = most
        self._to_connect = to_connect
        self._resting: dict[GraphHost, list[tuple[float, Connection]]] = {host: [] for host in hosts}
        """Since when, and which: the one used last at the end."""
        self._places = 0
        """Of connections that are in use, at rest or being opened."""
        self._waiting: deque[tuple[GraphHost, asyncio.Future[Connection | None]]] = deque()
        """For one to this host, or for the place of one: the longest first."""
        self._in_use: set[Connection] = set()
        self._sweeping: asyncio.TimerHandle | None = None
        self.closed = False
        """Whether no call may be made any more, and what comes to its end was perhaps cut off."""

    async def aclose(self) -> None:
        """Close them all, those in use at once. Whoever waits for one is cancelled."""
        self.closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()
        for _, waiter in self._waiting:
            waiter.cancel()
        self._waiting.clear()
        resting = [connection for each in self._resting.values() for _, connection in each]
        for each in self._resting.values():
            each.clear()
        for connection in self._in_use:
            # The connector would wait until a peer that reads nothing has taken in what was sent, and tell nobody who
            # reads a body: the loop's next turn does.
            if connection.transport is not None:
                connection.transport.abort()
        turn: asyncio.Future[None] = self._loop.create_future()
        self._loop.call_soon(_come, turn)
        try:
            await turn
            # To the connector those at rest are in use, and it closes these as well.
            await self._connector.close()
        finally:
            for connection in resting:
                self.drop(connection)

    def take_kept(self, host: GraphHost) -> Connection | None:
        """One that has served a call before; None where none is at rest."""
        resting = self._resting[host]
        while resting:
            _, connection = resting.pop()
            if _can_serve(connection):
                self._in_use.add(connection)
                return connection
            self.drop(connection)
        return None

    async def take(self, host: GraphHost, request: aiohttp.ClientRequest) -> tuple[Connection, float | None]:
        """Where none is at rest: one that is opened or waited for, and the seconds that opening it took.

        None for these where it has served a call before. `request` says where to. Raises what aiohttp raises.
        """
        if self._places < self._most or self._make_room():
            self._places += 1
        elif (connection := await self._wait(host)) is not None:
            if _can_serve(connection):
                return connection, None
            self._in_use.discard(connection)
            _abort(connection)
        try:
            for _ in range(_TRIES):
                began = self._loop.time()
                connection = await self._connector.connect(request, [], self._to_connect)
                if _can_serve(connection) and not self.closed:
                    self._in_use.add(connection)
                    return connection, self._loop.time() - began
                _abort(connection)
            # Not for ever: it may be a server that speaks first.
            raise aiohttp.ServerDisconnectedError
        except BaseException:
            self._leave_place()
            raise

    def put_back(self, host: GraphHost, connection: Connection) -> None:
        """It has served a call, and may serve another."""
        first = self._first_waiting()
        if not _can_serve(connection) or (first is not None and first[0] != host):
            self.drop(connection)
            return
        if first is not None:
            self._waiting.popleft()
            first[1].set_result(connection)
            return
        self._in_use.discard(connection)
        now = self._loop.time()
        self._resting[host].append((now, connection))
        if self._sweeping is None:
            self._sweep_at(now + _REST)

    def drop(self, connection: Connection) -> None:
        """It is of no more use: closed at once, whatever is under way on it."""
        self._in_use.discard(connection)
        _abort(connection)
        self._leave_place()

    async def _wait(self, host: GraphHost) -> Connection | None:
        """For a connection to this host, or the place of one that was dropped, or led elsewhere: None."""
        waiter: asyncio.Future[Connection | None] = self._loop.create_future()
        self._waiting.append((host, waiter))
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                # It was handed one at that very moment.
                if (connection := waiter.result()) is not None:
                    self.put_back(host, connection)
                else:
                    self._leave_place()
            raise

    def _first_waiting(self) -> tuple[GraphHost, asyncio.Future[Connection | None]] | None:
        # One that was cancelled does not wait any more.
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()
        return self._waiting[0] if self._waiting else None

    def _leave_place(self) -> None:
        """To whoever waits."""
        if (first := self._first_waiting()) is not None:
            self._waiting.popleft()
            first[1].set_result(None)
        else:
            self._places -= 1

    def _make_room(self) -> bool:
        """Close the one that rests the longest, to whichever host; False where none rests."""
        longest = min(filter(None, self._resting.values()), key=lambda resting: resting[0][0], default=None)
        if longest is None:
            return False
        self.drop(longest.pop(0)[1])
        return True

    def _sweep_at(self, moment: float) -> None:
        # The loop must not be what keeps a session alive that was given up without being closed.
        self._sweeping = self._loop.call_at(moment, _sweep, ref(self))

    def sweep(self) -> None:
        """Close those that have been at rest for too long."""
        self._sweeping = None
        now = self._loop.time()
        for resting in self._resting.values():
            while resting and resting[0][0] + _REST <= now:
                self.drop(resting.pop(0)[1])
        if left := [resting[0][0] for resting in self._resting.values() if resting]:
            self._sweep_at(min(left) + _REST)


def _come(turn: asyncio.Future[None]) -> None:
    if not turn.done():
        turn.set_result(None)


def _sweep(held: "ref[Connections]") -> None:
    if (connections := held()) is not None:
        connections.sweep()


def _can_serve(connection: Connection) -> bool:
    """Whether it is open and nothing has come on it: what came unasked would pass for the answer."""
    protocol = connection.protocol
    return protocol is not None and protocol.is_connected() and not protocol.should_close


def _abort(connection: Connection) -> None:
    """Close it for good. Not as `close` does, which waits for a peer: to take in what was sent, or to part over TLS."""
    if connection.transport is not None:
        connection.transport.abort()
    connection.close()
