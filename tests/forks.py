"""Syncs as processes that can be killed, started in no time: one process has everything imported and forks.

Run as a program it reads a JSON line for each sync and writes the child's number, then its exit status.
"""

import asyncio
import json
import os
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

ROOT = Path(__file__).parent.parent


class Forks:
    """Starts syncs. `with Forks() as forks: number = forks.start(target, pages, base_url=…)`."""

    def __enter__(self) -> "Forks":
        environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
        self._parent = Popen([sys.executable, __file__], stdin=PIPE, stdout=PIPE, text=True, env=environment)
        return self

    def __exit__(self, *_exception: object) -> None:
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.close()
        self._parent.wait(30)
        self._parent.stdout.close()

    def start(self, **order: Any) -> int:
        """Begin a sync; its process number. `wait` for it before the next."""
        assert self._parent.stdin is not None
        self._parent.stdin.write(json.dumps(order) + "\n")
        self._parent.stdin.flush()
        return int(self._line())

    def wait(self) -> int:
        """How it ended: 0 well, 1 with a failure, below 0 by a signal. Until then its number is nobody else's."""
        assert self._parent.stdin is not None
        self._parent.stdin.write("wait\n")
        self._parent.stdin.flush()
        return int(self._line())

    def _line(self) -> str:
        assert self._parent.stdout is not None
        return self._parent.stdout.readline()


async def _sync(order: dict[str, Any]) -> bool:
    from conversations_async import ConversationSession, LimitPolicy, Page, ThreadQuery
    from conversations_async.sync import SyncJob, open_store

    pages = [Page(each["id"], each["token"], each["name"], each["platforms"]) for each in order["pages"]]
    session = ConversationSession(
        base_url=order["base_url"], instagram_url=order["instagram_url"], limits=LimitPolicy(calls_per_second=0)
    )
    async with session, open_store(order["target"]) as store:
        query = ThreadQuery(threads_per_call=order["threads_per_call"])
        report = await SyncJob(session, store, pages, query=query, messages=order["messages"]).run()
    return not report.failed


def _serve() -> None:
    import conversations_async.sync
    import conversations_async.sync.reading

    conversations_async.sync.reading.postgres_driver()
    import aiohttp  # noqa: F401  # so that no child has to import it

    while line := sys.stdin.readline():
        number = os.fork()
        if number == 0:
            os._exit(0 if asyncio.run(_sync(json.loads(line))) else 1)
        sys.stdout.write(f"{number}\n")
        sys.stdout.flush()
        sys.stdin.readline()
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
