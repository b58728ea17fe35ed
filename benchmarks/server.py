"""A server faster than any client here: prerendered thread pages over a bare asyncio Protocol, in a process of its own.

Every listing has `calls` thread pages and then ends; the cursor is the number of the thread page. What a Page is called
makes no difference. With `latency` an answer leaves that much later.
"""

import asyncio
import json
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


def a_thread(number: int, served: Served, chance: random.Random) -> dict[str, Any]:
    """A Messenger thread with the fields asked for by default (contract 2.1)."""
    person = str(10_000_000_000_000 + chance.randrange(10**12))
    thread: dict[str, Any] = {
        "id": f"t_{10_000_000_000_000_000 + number}",
        "updated_time": f"2026-05-{1 + number % 28:02d}T13:{number % 60:02d}:08+0000",
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
    rendered = []
    for step in range(served.calls):
        threads = [a_thread(step * served.threads + place, served, chance) for place in range(served.threads)]
        paging: dict[str, Any] = {"cursors": {"before": f"QVFIU{step}", "after": str(step + 1)}}
        if step + 1 < served.calls:
            paging["next"] = (
                f"https://graph.facebook.com/v25.0/1001/conversations?access_token={TOKEN}"
                f"&limit={served.threads}&after={step + 1}"
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
        rendered.append(head.encode() + body)
    return rendered


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

    def __init__(self, rendered: list[bytes], latency: float, spent: Spent) -> None:
        self._rendered, self._latency, self._spent = rendered, latency, spent
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
        place = head.rfind(b"after=")
        step = 0
        if place >= 0:
            digits = head[place + 6 :].split(b"&", 1)[0]
            step = int(digits)
        answer = self._rendered[min(step, len(self._rendered) - 1)]
        self._spent.answers += 1
        if self._latency:
            self._loop.call_later(self._latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


def _serve(served: Served, pipe: Connection, core: int | None) -> None:
    stay_on(core)

    async def run() -> None:
        rendered, spent = answers(served), Spent()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Answering(rendered, served.latency, spent), "127.0.0.1", 0, backlog=1024
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
