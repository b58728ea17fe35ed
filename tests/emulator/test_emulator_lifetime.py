"""Listening and stopping: ports, connections, threads, callers that hang up."""

import asyncio
import json
import socket
import urllib.request

import aiohttp
import pytest
from asking import emulated, ids

from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World


def free_port() -> int:
    """A port that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_it_listens_where_it_is_told_and_for_instagram_beside_it() -> None:
    port = free_port()
    async with GraphEmulator(World.seeded(pages=1), port=port, instagram_port=0) as graph:
        assert graph.base_url == f"http://127.0.0.1:{port}"
        assert graph.instagram_url not in ("", graph.base_url)


async def test_a_taken_port_is_an_error_and_leaves_nothing_open() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        graph = GraphEmulator(World.seeded(pages=1), port=taken.getsockname()[1])
        with pytest.raises(OSError, match="address already in use"):
            await graph.start()
        await graph.aclose()


async def test_nothing_answers_after_the_end() -> None:
    async with emulated(World.seeded(pages=1)) as ask:
        await ask.listing()
        await ask.graph.aclose()
        await ask.graph.aclose()
        with pytest.raises(aiohttp.ClientError):
            await ask.listing()


async def test_calls_that_are_under_way_at_the_end_are_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    async with emulated(World.seeded(pages=1, threads=1), latency=5.0) as ask:
        calls = [asyncio.create_task(ask.listing()) for _ in range(20)]
        await asyncio.sleep(0.1)
        await ask.graph.aclose()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert {isinstance(each, aiohttp.ClientError) for each in ended} == {True}
    assert [record for record in caplog.records if record.name != "asyncio"] == []


async def test_connections_are_counted() -> None:
    async with emulated(World.seeded(pages=1, threads=1), latency=0.01) as ask:
        assert ask.graph.peak_connections == 0
        await asyncio.gather(*(ask.listing() for _ in range(7)))
        assert ask.graph.peak_connections == 7
        assert ask.graph.open_connections == 7
        await ask.http.close()
        await asyncio.sleep(0.01)
        assert ask.graph.open_connections == 0
        assert ask.graph.peak_connections == 7


@pytest.mark.looptime
async def test_a_caller_may_hang_up_and_a_stop_does_not_wait_for_slow_answers() -> None:
    world = World.seeded(pages=1, threads=1)
    world.manners = Manners(slow=1000)
    loop = asyncio.get_running_loop()
    async with emulated(world) as ask:
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2):
                await ask.listing()
        waiting = asyncio.create_task(ask.listing())
        await asyncio.sleep(1)
        await ask.graph.aclose()
        with pytest.raises(aiohttp.ClientError):
            await waiting
        assert loop.time() - began < 10
        assert [call.status for call in ask.graph.calls][:2] == [0, 0]


@pytest.mark.looptime
async def test_a_caller_may_hang_up_amid_a_drip() -> None:
    world = World.seeded(pages=1, threads=30)
    world.manners = Manners(drip=5, drip_pieces=100)
    async with emulated(world) as ask:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(30):
                await ask.listing()
        await ask.http.close()
        await asyncio.sleep(60)
        assert ask.graph.open_connections == 0


def test_synchronous_callers_have_it_in_a_thread() -> None:
    world = World.seeded(pages=1, threads=3)
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        url = f"{graph.base_url}/v25.0/1001/conversations?access_token={world.pages['1001'].token}"
        with urllib.request.urlopen(url) as response:
            assert [item["id"] for item in json.load(response)["data"]] == ids(world)
        assert len(graph.calls) == 1
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url)


@pytest.mark.looptime
async def test_hours_of_silence_do_not_close_a_connection() -> None:
    async with GraphEmulator(World.seeded(pages=1)) as graph:
        connector = aiohttp.TCPConnector(keepalive_timeout=1e6)
        async with aiohttp.ClientSession(connector=connector) as http:
            for _ in range(3):
                async with http.get(f"{graph.base_url}/me") as response:
                    assert response.status == 400
                await asyncio.sleep(7 * 3600)
        assert graph.peak_connections == 1
