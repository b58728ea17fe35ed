"""Four processes share the pace of one Page through a file, in real time, before a server that records arrivals.

Prints the worst second on the server, the pace of all together as a share of the ideal, the smallest share of a
process and the askings per call; then the same with two processes killed (the first while its call is under way); then
what a reservation costs. Exits with 1 if a bar is missed.

    python -m benchmarks.pacer [--seconds 24] [--latency 0.02] [--jitter 0.03]
"""

import argparse
import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import cycle
from pathlib import Path
from typing import Final

from benchmarks.table import Figure, Row, at_least, at_most, line, missed
from conversations_async import Inbox, Platform
from conversations_async.pacer import SharedPacer

PROCESSES: Final = 4
SLOTS: Final = 2
PERIOD: Final = 1.0
INBOX: Final = Inbox("1042", Platform.MESSENGER)

CLIENT: Final = "client"
"""The first argument of a process that this program starts of itself."""


# -- a caller, in a process of its own ---------------------------------------------------------------------------------


async def call_on(path: str, port: int, name: str, end: float) -> None:
    """Call until the end; one line to the server for each call, with how often the pacer was asked for it."""
    loop = asyncio.get_running_loop()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    async with SharedPacer(path) as pacer:
        while time.monotonic() < end:
            turn, askings = await pacer.reserve(INBOX, slots=SLOTS, period=PERIOD), 1
            while not turn.granted:
                await asyncio.sleep(max(turn.at - loop.time(), 0))
                turn, askings = await pacer.reserve(INBOX, slots=SLOTS, period=PERIOD, turn=turn), askings + 1
            writer.write(f"{name} {askings}\n".encode())
            await reader.readline()
            await pacer.give_back(turn, sent=True)
    writer.close()


# -- the server, and what it saw ---------------------------------------------------------------------------------------


class Server:
    """Answers each line after a random while, and remembers when it arrived and from whom."""

    def __init__(self, latency: float, jitter: float) -> None:
        self.latency, self.jitter = latency, jitter
        self.arrivals: list[tuple[float, str, int]] = []
        self.doomed: set[str] = set()
        """To be killed when their next call has arrived and is not yet answered."""
        self.kill: dict[str, int] = {}
        self.chance = random.Random(3)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                now = time.monotonic()
                name, askings = line.decode().split()
                self.arrivals.append((now, name, int(askings)))
                if name in self.doomed:
                    os.kill(self.kill[name], signal.SIGKILL)
                await asyncio.sleep(self.latency + self.jitter * self.chance.random())
                writer.write(b".\n")
        except ConnectionError:
            pass
        finally:
            writer.close()


def worst_window(moments: list[float], length: float) -> int:
    """The most arrivals in any half-open window."""
    moments = sorted(moments)
    first, worst = 0, 0
    for last, moment in enumerate(moments):
        while moments[first] <= moment - length:
            first += 1
        worst = max(worst, last - first + 1)
    return worst


def _rows(name: str) -> dict[str, Row]:
    """What is to be reached by all processes together."""
    return {
        "calls": Row("pacer", f"{name}: calls", "arrivals", digits=0),
        "second": Row("pacer", f"{name}: worst second", "arrivals in any second", "", at_most(SLOTS), 0),
        "ideal": Row("pacer", f"{name}: of the ideal", "calls / 2 per second of the time", "", at_least(0.85)),
        "share": Row("pacer", f"{name}: smallest share", "of a process that lives, of all calls", "", at_least(0.15)),
        "askings": Row("pacer", f"{name}: askings", "reservations / calls"),
    }


_AT_ONCE: Final = Row("pacer", "reservations, many at once", "10,000 Inboxes / seconds", "/s", at_least(2_000), 0)
_ONE_BY_ONE: Final = Row("pacer", "reservations, one by one", "1,000 Inboxes / seconds", "/s", digits=0)


async def run(path: Path, seconds: float, latency: float, jitter: float, *, kills: bool) -> dict[str, float]:
    """All processes together; what came of it, by the keys of the rows."""
    server = Server(latency, jitter)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    began = time.monotonic() + 1.0  # they have to start first
    end = began + seconds
    names = [f"p{number}" for number in range(PROCESSES)]
    callers = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks.pacer", CLIENT, str(path), str(port), name, str(end)]
        callers[name] = subprocess.Popen(command)
        server.kill[name] = callers[name].pid
    killed: list[str] = []
    if kills:
        await asyncio.sleep(began + seconds / 4 - time.monotonic())
        server.doomed.add("p0")
        await asyncio.sleep(began + seconds / 2 - time.monotonic())
        callers["p1"].kill()
        killed = ["p0", "p1"]
    while any(caller.poll() is None for caller in callers.values()):
        await asyncio.sleep(0.05)
    listening.close()
    moments = sorted(moment for moment, _, _ in server.arrivals)
    counts = Counter(name for _, name, _ in server.arrivals)
    lived = [name for name in names if name not in killed]
    failed = [name for name in names if callers[name].returncode != (-signal.SIGKILL if name in killed else 0)]
    assert not failed, f"{failed} ended badly"
    return {
        "calls": len(moments),
        "second": worst_window(moments, PERIOD),
        "ideal": (len(moments) - SLOTS) * PERIOD / SLOTS / (moments[-1] - moments[0]),
        "share": min(counts[name] for name in lived) / len(moments),
        "askings": sum(askings for _, _, askings in server.arrivals) / len(moments),
    }


# -- what a reservation costs ------------------------------------------------------------------------------------------


async def cost(path: Path, inboxes: int) -> list[Figure]:
    """Reservations a second: of many Inboxes at once, and of one caller after the other."""
    many = [Inbox(str(number), platform) for number, platform in zip(range(inboxes), cycle(Platform), strict=False)]
    async with SharedPacer(path) as pacer:

        async def reserve(inbox: Inbox) -> None:
            turn = await pacer.reserve(inbox, slots=SLOTS, period=PERIOD)
            await pacer.give_back(turn, sent=True)

        began = time.perf_counter()
        await asyncio.gather(*map(reserve, many))
        at_once = inboxes / (time.perf_counter() - began)
        began = time.perf_counter()
        for inbox in many[:1000]:
            await reserve(inbox)
        one_by_one = 1000 / (time.perf_counter() - began)
    return [Figure.of(_AT_ONCE, [at_once]), Figure.of(_ONE_BY_ONE, [one_by_one])]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=24.0, help="of each of the two runs")
    parser.add_argument("--latency", type=float, default=0.02)
    parser.add_argument("--jitter", type=float, default=0.03)
    options = parser.parse_args()
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, kills in (("4 processes", False), ("4 processes, 2 killed", True)):
            path = Path(folder, f"{kills}.db")
            found = asyncio.run(run(path, options.seconds, options.latency, options.jitter, kills=kills))
            figures += [Figure.of(row, [found[key]]) for key, row in _rows(name).items()]
        figures += asyncio.run(cost(Path(folder, "cost.db"), 10_000))
    print(*(line(figure.cells) for figure in figures), sep="\n")
    misses = missed(figures)
    print(*(f"missed: {each}" for each in misses) if misses else ("all bars met",), sep="\n")
    return 1 if misses else 0


if __name__ == "__main__":
    if sys.argv[1:2] == [CLIENT]:
        _, _, *rest = sys.argv
        asyncio.run(call_on(rest[0], int(rest[1]), rest[2], float(rest[3])))
    else:
        sys.exit(main())
