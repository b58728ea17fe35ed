"""The emulator on a socket: aiohttp reads and delivers, `edges` decides."""

import asyncio
import logging
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import parse_qsl

import attrs
import orjson
from aiohttp import web

from conversations_async.emulator.asks import Ask, Call, batch_ask, read_batch
from conversations_async.emulator.closures import Closures
from conversations_async.emulator.edges import GraphEdges
from conversations_async.emulator.replies import Reply
from conversations_async.emulator.rules import LimitRules, worst_second
from conversations_async.emulator.world import World
from conversations_async.model import Platform

# Longer than any virtual test: a server that closes idle connections would be a surprise that nobody asked for.
_KEEP_ALIVE = 10 * 86_400.0


def _logger() -> logging.Logger:
    """One of its own, which tells where aiohttp's would."""
    log = logging.Logger("conversations_async.emulator")  # noqa: LOG001  # each emulator is put away by itself
    log.parent = logging.getLogger("aiohttp.server")
    return log


class _CountingServer(web.Server):
    """Knows how many connections are open, and the most that ever were."""

    open_connections = 0
    peak_connections = 0

    def connection_made(self, handler: Any, transport: asyncio.Transport) -> None:
        """Count one more."""
        super().connection_made(handler, transport)
        self.open_connections += 1
        self.peak_connections = max(self.peak_connections, self.open_connections)

    def connection_lost(self, handler: Any, exc: BaseException | None = None) -> None:
        """Count one less."""
        super().connection_lost(handler, exc)
        self.open_connections -= 1


class GraphEmulator:
    """Meta's Graph API on localhost: `async with GraphEmulator(world) as graph:`, or in a thread (`in_thread`).

    A call takes *latency* seconds plus up to *jitter*, half of it on each way; up to *tail* more befall *tail_share* of
    the calls. A call arrives, and counts, after its way there.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        limits: LimitRules | None = None,
        latency: float = 0.0,
        jitter: float = 0.0,
        tail: float = 0.0,
        tail_share: float = 0.02,
        seed: int = 0,
        port: int = 0,
        instagram_port: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.world = World.seeded() if world is None else world
        self.limits = LimitRules() if limits is None else limits
        self._latency, self._jitter, self._tail, self._tail_share = latency, jitter, tail, tail_share
        self._chance = random.Random(f"network/{seed}")
        self._seed = seed
        self._host = host
        self._port = port
        self._instagram_port = instagram_port if instagram_port is not None else (port and port + 1)
        self._runners: list[web.ServerRunner] = []
        self._servers: list[_CountingServer] = []
        self._log = _logger()
        self._edges = GraphEdges(self.world, self.limits, seed=seed)
        self.base_url = ""
        """Where graph.facebook.com is served."""
        self.instagram_url = ""
        """Where graph.instagram.com is served."""

    # --- lifetime

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def start(self) -> None:
        """Listen; the clock of the limits begins."""
        self._log.disabled = False
        loop = asyncio.get_running_loop()
        self._edges = GraphEdges(self.world, self.limits, seed=self._seed, started_at=loop.time())
        self._servers = []
        try:
            self.base_url = await self._serve(self._port, instagram=False)
            self.instagram_url = await self._serve(self._instagram_port, instagram=True)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        """Stop listening and drop every connection; twice is fine."""
        # Calls under way are cancelled, of which aiohttp's server tells as if a handler were at fault.
        self._log.disabled = True
        while self._runners:
            await self._runners.pop().cleanup()

    async def _serve(self, port: int, *, instagram: bool) -> str:
        async def answer(request: web.BaseRequest) -> web.StreamResponse:
            return await self._answer(request, instagram=instagram)

        server = _CountingServer(answer, keepalive_timeout=_KEEP_ALIVE, access_log=None, logger=self._log)
        # Not 0, which would wait for ever.
        runner = web.ServerRunner(server, shutdown_timeout=0.01)
        await runner.setup()
        self._servers.append(server)
        self._runners.append(runner)
        site = web.TCPSite(runner, self._host, port, backlog=1024)
        await site.start()
        return f"http://{self._host}:{runner.addresses[0][1]}"

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Serve from a thread with a loop of its own, for callers that are not async."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name="graph-emulator", daemon=True)
        thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self.start(), loop).result()
            try:
                yield self
            finally:
                asyncio.run_coroutine_threadsafe(self.aclose(), loop).result()
                asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    # --- what the server saw

    @property
    def calls(self) -> list[Call]:
        """Every call in order of arrival."""
        return self._edges.calls

    @property
    def started_at(self) -> float:
        """When it began to listen, on the loop's clock: the zero of `Manners.since` and `until`."""
        return self._edges.started_at

    @property
    def closures(self) -> Closures:
        """The pools that `Manners(refuse=80006, regain_minutes=…)` closed, by Page id."""
        return self._edges.closures

    @property
    def open_connections(self) -> int:
        """Connections open now."""
        return sum(server.open_connections for server in self._servers)

    @property
    def peak_connections(self) -> int:
        """The most connections that were open at once, per host summed."""
        return sum(server.peak_connections for server in self._servers)

    def calls_of(self, page_id: str, platform: Platform | None = None) -> list[Call]:
        """The calls about one Page, or one Inbox of it."""
        page = self.world.page_of(page_id)
        own = page.id if page else page_id
        return [call for call in self.calls if call.page_id == own and platform in (None, call.platform)]

    def worst_second(self, page_id: str, platform: Platform) -> int:
        """The most calls of an Inbox that arrived within any rolling second."""
        return worst_second([call.at for call in self.calls_of(page_id, platform)])

    # --- one call

    async def _answer(self, request: web.BaseRequest, *, instagram: bool) -> web.StreamResponse:
        loop = asyncio.get_running_loop()
        there, back = self._ways()
        ask = await self._read(request, instagram=instagram)
        if there:
            await asyncio.sleep(there)
        if "batch" in ask.params and ask.method == "POST":
            return self._batch(ask, loop.time())
        call, reply = self._edges.answer(ask, loop.time())
        wait = back + reply.manners.slow
        if wait:
            await asyncio.sleep(wait)
        response = await _deliver(request, reply)
        if reply.manners.cut is None:
            call.status = reply.status
            call.answered_at = loop.time()
        return response

    def _ways(self) -> tuple[float, float]:
        chance, tail = self._chance, 0.0
        if self._tail and chance.random() < self._tail_share:
            tail = chance.random() * self._tail
        there, back = (self._latency / 2 + (chance.random() * self._jitter / 2 if self._jitter else 0.0) for _ in "tb")
        return (there + tail, back) if chance.random() < 0.5 else (there, back + tail)

    async def _read(self, request: web.BaseRequest, *, instagram: bool) -> Ask:
        path, _, query = request.raw_path.partition("?")
        params = dict(parse_qsl(query, keep_blank_values=True))
        if request.method == "POST":
            form = await request.post()
            params |= {name: value for name, value in form.items() if isinstance(value, str)}
        method = "GET" if params.get("method", "").lower() == "get" else request.method
        token, via = params.pop("access_token", None), "query"
        scheme, _, header_token = request.headers.get("Authorization", "").partition(" ")
        # Both schemes are known to work (contract 6.8).
        if scheme.lower() in ("bearer", "oauth") and header_token:
            token, via = header_token.strip(), "header"
        return Ask(
            path=path,
            params=params,
            token=token,
            via=via,
            method=method,
            instagram_host=instagram,
            base_url=self.instagram_url if instagram else self.base_url,
        )

    def _batch(self, ask: Ask, now: float) -> web.Response:
        """`POST /` with `batch`: each item is a call of its own, the outer status is 200 (contract 6.1)."""
        items = read_batch(ask.params["batch"])
        if items is None:
            _, reply = self._edges.answer(attrs.evolve(ask, path="/"), now)
            return _response(reply)
        with_headers = ask.params.get("include_headers", "true") != "false"
        answers = []
        for item in items:
            call, reply = self._edges.answer(batch_ask(item, ask), now)
            call.status, call.answered_at = reply.status, now
            answer: dict[str, Any] = {"code": reply.status}
            if with_headers:
                answer["headers"] = [{"name": name, "value": value} for name, value in reply.headers.items()]
            answer["body"] = reply.body.decode(errors="replace")
            answers.append(answer)
        return web.Response(body=orjson.dumps(answers), headers={"Content-Type": "application/json; charset=UTF-8"})


async def _end_tasks() -> None:
    """End what still runs in this loop: answers that were being slow."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def _response(reply: Reply) -> web.Response:
    return web.Response(
        status=reply.status, body=reply.body, headers={"Content-Type": reply.content_type, **reply.headers}
    )


async def _deliver(request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
    """Send the answer as the manners want it: whole, in drips, or broken off."""
    manners = reply.manners
    if manners.cut is None and not manners.drip:
        return _response(reply)
    transport = request.transport
    if manners.cut == "before":
        if transport is not None:
            transport.abort()
        return web.Response()
    headers = {"Content-Type": reply.content_type, **reply.headers, "Content-Length": str(len(reply.body))}
    response = web.StreamResponse(status=reply.status, headers=headers)
    try:
        await response.prepare(request)
        if manners.cut == "within":
            await response.write(reply.body[: len(reply.body) // 2])
            await asyncio.sleep(0)
            if transport is not None:
                transport.close()
            return response
        for piece in _pieces(reply.body, manners.drip_pieces):
            await asyncio.sleep(manners.drip)
            await response.write(piece)
        await response.write_eof()
    except ConnectionError:
        pass  # the caller has hung up
    return response


def _pieces(body: bytes, count: int) -> Sequence[bytes]:
    size = max(1, -(-len(body) // count))
    return [body[start : start + size] for start in range(0, len(body), size)]
