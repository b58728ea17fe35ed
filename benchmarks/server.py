"""A server faster than any client here: prerendered thread pages over a bare asyncio Protocol, in a process of its own.

Every listing has `calls` thread pages, newest first, and then ends; the cursor counts threads. What a Page is called
makes no difference. With `latency` an answer leaves that much later. Where ids and times alone are asked for, as many
come as are asked for; else as many as are served, from a multiple of these on.
"""

import asyncio
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from multiprocessing.connection import Connection
from typing import Any, Final

from attrs import define, frozen

from benchmarks.measuring import cores, stay_on

TOKEN: Final = "EAAG" + "m0PX4ZCpsBAKZCZBdq2x7yR0vT5nWkLJ3hQeUiOa" * 5
"""What every Page is asked with, as long as Meta's: looking for it costs by its length. Meta's answers repeat it inside
`paging.next`, and so do these."""


@frozen
class Served:
    """What the server serves: `threads` a thread page, so many `calls` a listing."""

    threads: int = 100
    calls: int = 20
    participants: bool = True
    messages: int = 0
    null_each: int = 0
    """Of so many threads one has a null in it; 0: none."""
    attachment_each: int = 0
    """Of so many threads one has an attachment among its messages; 0: none."""
    unknown: bool = False
    """Whether each thread and each person has a field that the library does not know."""
    latency: float = 0.0


_NEWEST: Final = datetime(2026, 5, 28, 13, 32, 8, tzinfo=UTC)


def a_thread(number: int, served: Served, chance: random.Random) -> dict[str, Any]:
    """A Messenger thread with the fields asked for by default (contract 2.1)."""
    person = str(10_000_000_000_000 + chance.randrange(10**12))
    thread: dict[str, Any] = {
        "id": f"t_{10_000_000_000_000_000 + number}",
        "updated_time": f"{_NEWEST - number * timedelta(seconds=97):%Y-%m-%dT%H:%M:%S+0000}",
        "link": f"/1001/inbox/{2582605345287947 + number}/",
        "snippet": "Is this still available? I could come by on Saturday morning " + str(number),
        "message_count": number % 90,
        "unread_count": number % 3,
        "can_reply": True,
    }
    sides = [
        {"name": f"Person {number}", "email": f"{person}@facebook.com", "id": person},
        {"name": "The Shop", "email": "1001@facebook.com", "id": "1001"},
    ]
    if served.unknown:
        thread["lead"] = {"stage": "open", "labels": ["new", "shop"]}
        for side in sides:
            side["badge"] = "new"
    if served.participants:
        thread["participants"] = {"data": sides}
    if served.null_each and number % served.null_each == 0:
        thread["link"] = None
    if served.messages:
        thread["messages"] = {
            "data": [
                {
                    "id": f"m_{chance.randbytes(48).hex()}",
                    "created_time": thread["updated_time"],
                    "message": "Yes, it is. " * (1 + each),
                    "from": sides[each % 2],
                    "to": {"data": [sides[1 - each % 2]]},
                }
                for each in range(served.messages)
            ],
            "paging": {"cursors": {"before": "QVFIUbefore", "after": "QVFIUafter"}},
        }
        if served.attachment_each and number % served.attachment_each == 0:
            image = {"url": "https://scontent.example/x.jpg", "width": 720, "height": 960}
            attachment = {"id": "17", "mime_type": "image/jpeg", "name": "x.jpg", "size": None, "image_data": image}
            thread["messages"]["data"][0]["attachments"] = {"data": [attachment]}
    return thread


def answers(served: Served) -> list[bytes]:
    """The whole HTTP answers of one listing, by thread page."""
    chance = random.Random(1)
    places = range(0, served.calls * served.threads, served.threads)
    return [
        _answer(
            [a_thread(number, served, chance) for number in range(place, place + served.threads)],
            place + served.threads,
            served,
        )
        for place in places
    ]


def _lean_answer(served: Served, place: int, limit: int) -> bytes:
    """So many threads from this place on, of each its id and time alone."""
    end, chance = min(place + limit, served.calls * served.threads), random.Random(1)
    threads = [a_thread(number, served, chance) for number in range(place, end)]
    return _answer([{name: thread[name] for name in ("id", "updated_time")} for thread in threads], end, served)


def _answer(threads: list[dict[str, Any]], end: int, served: Served) -> bytes:
    paging: dict[str, Any] = {"cursors": {"before": f"QVFIU{end - len(threads)}", "after": str(end)}}
    if end < served.calls * served.threads:
        paging["next"] = (
            f"https://graph.facebook.com/v25.0/1001/conversations?access_token={TOKEN}"
            f"&limit={served.threads}&after={end}"
        )
    text = json.dumps({"data": threads, "paging": paging}, separators=(",", ":"))
    # As Meta spells them (contract 6.5).
    body = text.replace("/", "\\/").replace("@", "\\u0040").encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=UTF-8\r\nfacebook-api-version: v25.0\r\n"
        'x-business-use-case-usage: {"1001":[{"type":"messenger","call_count":1,"total_cputime":1,"total_time":1,'
        '"estimated_time_to_regain_access":0}]}\r\n'
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@define
class Spent:
    """What the server has seen so far."""

    cpu: float = 0.0
    answers: int = 0
    connections: int = 0
    """Open now."""
    most_connections: int = 0


class Answering(asyncio.Protocol):
    """One connection: a request at a time."""

    def __init__(self, rendered: list[bytes], lean: Callable[[int, int], bytes], served: Served, spent: Spent) -> None:
        self._rendered, self._lean, self._spent = rendered, lean, spent
        self._threads, self._latency = served.threads, served.latency
        self._loop = asyncio.get_running_loop()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._spent.connections += 1
        self._spent.most_connections = max(self._spent.most_connections, self._spent.connections)

    def connection_lost(self, _error: Exception | None) -> None:
        self._spent.connections -= 1

    def data_received(self, data: bytes) -> None:
        head = data[: data.index(b" HTTP/1.1")]
        place = _number(head, b"after=")
        if _LEAN in head:
            answer = self._lean(place, _number(head, b"limit="))
        else:
            answer = self._rendered[min(place // self._threads, len(self._rendered) - 1)]
        self._spent.answers += 1
        if self._latency:
            self._loop.call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


_LEAN: Final = b"fields=id%2Cupdated_time&"


def _number(head: bytes, name: bytes) -> int:
    place = head.rfind(name)
    return int(head[place + len(name) :].split(b"&", 1)[0]) if place >= 0 else 0


def _serve(served: Served, pipe: Connection, core: int | None) -> None:
    stay_on(core)

    async def run() -> None:
        rendered, spent, lean = answers(served), Spent(), cache(partial(_lean_answer, served))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Answering(rendered, lean, served, spent), "127.0.0.1", 0, backlog=1024
        )
        pipe.send(server.sockets[0].getsockname()[1])
        while await loop.run_in_executor(None, pipe.recv) != "stop":
            spent.cpu = time.process_time()
            pipe.send(spent)

    try:
        asyncio.run(run())
    except (EOFError, KeyboardInterrupt):
        sys.exit(0)


@frozen
class Server:
    """A server that runs, on another core than the client where there are two."""

    base_url: str
    _pipe: Connection

    def spent(self) -> Spent:
        """What it has seen since it was started."""
        self._pipe.send("tell")
        told: Spent = self._pipe.recv()
        return told


@contextmanager
def serving(served: Served) -> Iterator[Server]:
    """A server for as long as the block runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(served, theirs, cores()[1]), daemon=True)
    process.start()
    try:
        yield Server(f"http://127.0.0.1:{ours.recv()}", ours)
    finally:
        ours.send("stop")
        process.join(5)
        process.kill()
