"""The README does what it says: its Python runs, its commands are CI's, its command line is the command's own."""

import asyncio
import functools
import json
import re
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

import conversations_async
from conversations_async import ConversationSession, Page, Platform
from conversations_async.cli import main
from conversations_async.cli.pages_file import read_pages
from conversations_async.emulator import GraphEmulator, Manners, World

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
Result = TypeVar("Result")
CHATBOTS_PERSON = "1565448953871720"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def block_with(words: str) -> str:
    (block,) = (block for block in blocks("python") if words in block)
    return block


def section(title: str) -> str:
    return re.split(rf"^## {re.escape(title)}\n", README, flags=re.MULTILINE)[1].partition("\n## ")[0]


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Iterator[GraphEmulator]:
    """Graph is the emulator, and the tokens are in the environment: nothing else is done to a block."""
    world = World.seeded(pages=3, threads=40)
    with GraphEmulator(world).in_thread() as graph:
        session = functools.partial(ConversationSession, base_url=graph.base_url)
        monkeypatch.setattr(conversations_async, "ConversationSession", session)
        for page in world.pages.values():
            monkeypatch.setenv(f"CONVERSATIONS_TOKEN_{page.id}", page.token)
        yield graph


def apart(work: Callable[[], Result]) -> Result:
    """Do it in a thread of its own: `asyncio.run` takes the event loop away that pytest's plugins keep in this one."""
    with ThreadPoolExecutor(1) as threads:
        return threads.submit(work).result()


def run(block: str) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": "__main__"}
    code = compile(block, "README.md", "exec", dont_inherit=True)
    apart(lambda: exec(code, namespace))
    return namespace


def test_the_first_example_prints_every_thread_once(graph: GraphEmulator, capsys: pytest.CaptureFixture[str]) -> None:
    run(blocks("python")[0])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(set(lines)) == 3 * 2 * 40
    assert {line.split()[0] for line in lines} == {"1001", "1002", "1003"}


def test_the_web_app_answers_with_the_newest_threads(graph: GraphEmulator) -> None:
    app = run(block_with("FastAPI"))["app"]

    async def call() -> tuple[int, Any]:
        async with app.router.lifespan_context(app):
            return await get(app, "/newest/messenger")

    status, answer = apart(lambda: asyncio.run(call()))
    assert status == 200
    assert answer == [thread.id for thread in graph.world.threads("1001", Platform.MESSENGER)[:20]]


def test_the_web_app_says_503_when_meta_says_no(graph: GraphEmulator) -> None:
    graph.world.pages["1001"].manners = Manners(dead_token=True)
    app = run(block_with("FastAPI"))["app"]

    async def call() -> tuple[int, Any]:
        async with app.router.lifespan_context(app):
            return await get(app, "/newest/instagram")

    status, answer = apart(lambda: asyncio.run(call()))
    assert status == 503
    assert "token rejected" in answer["detail"][0]


def test_the_job_reports_what_failed_after_the_healthy_inboxes(
    graph: GraphEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True)
    run(block_with("thread_pages"))
    lines = capsys.readouterr().out.splitlines()
    assert "Page 1001 on messenger: 40 threads" in lines
    assert [line[:12] + "…" for line in lines[-2:]] == ["Page 1002 on…"] * 2
    assert all("token rejected" in line for line in lines[-2:])


def test_the_chatbot_finds_the_persons_thread(graph: GraphEmulator, capsys: pytest.CaptureFixture[str]) -> None:
    threads = graph.world.threads("1001", Platform.MESSENGER)
    assert CHATBOTS_PERSON in README
    (thread,) = (thread for thread in threads if thread.person.id == CHATBOTS_PERSON)
    run(block_with("thread_with"))
    assert capsys.readouterr().out.strip() == thread.id


def test_the_example_of_messages_tells_folders_and_messages(
    graph: GraphEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    thread = graph.world.threads("1001", Platform.MESSENGER)[0]
    run(block_with("session.messages("))
    lines = capsys.readouterr().out.splitlines()
    assert f"inbox: {thread.id}, {min(5, thread.message_count)} messages" in lines
    assert sum("messages" in line for line in lines) == 40


def test_the_syncs_example_tells_what_it_keeps(
    graph: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    block = block_with("SyncJob(").replace("your Page token", graph.world.pages["1001"].token)
    run(block)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("Page 1001 on messenger complete 40 new threads in ")
    assert [line.partition(" ")[0] for line in lines[2:]] == ["instagram", "messenger"]


def test_the_options_of_sync_in_the_readme_are_its_own() -> None:
    rows = [line.split(" | ")[0] for line in section("Keep it in a database").splitlines() if line.startswith("| `-")]
    assert options_in("\n".join(rows)) == {"--messages", "--full", "--no-raw", "--dry-run"}


def test_the_emulators_example_counts_as_its_comment_says(capsys: pytest.CaptureFixture[str]) -> None:
    block = block_with("GraphEmulator")
    run(block)
    assert f"# {capsys.readouterr().out.strip()}" in block


def test_every_python_block_has_a_test_here() -> None:
    known = (
        "print(thread.page_id",
        "FastAPI",
        "thread_pages",
        "thread_with",
        "GraphEmulator",
        "session.messages(",
        "SyncJob(",
    )
    assert [sum(word in block for word in known) for block in blocks("python")] == [1] * len(known)


def test_the_test_command_is_what_ci_calls() -> None:
    (command,) = (block.strip() for block in blocks("sh") if "pytest" in block)
    assert f'bash -euc "{command}"' in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_the_error_tree_is_the_librarys() -> None:
    above: list[type] = []
    told = set()
    for line in blocks("text")[0].splitlines():
        depth = len(re.match(r"[│├└─ ]*", line)[0]) // 3  # type: ignore[index]  # it matches nothing at least
        error = getattr(conversations_async, re.findall(r"\w+", line)[0])
        del above[depth:]
        if above:
            assert above[-1] in error.__bases__, line
        above.append(error)
        told.add(error)
    assert told == {
        each
        for each in vars(conversations_async).values()
        if isinstance(each, type) and issubclass(each, conversations_async.ConversationsError)
    }


def help_of(verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("COLUMNS", "200")
    assert main([*verb.split(), "--help"]) == 0
    return capsys.readouterr().out


def options_in(text: str) -> set[str]:
    return set(re.findall(r"(?<![\w-])(--[a-z][a-z-]*|-[a-z](?![\w-]))", text)) - {"--help", "-h", "--version"}


def test_the_verbs_of_the_readme_are_the_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = re.findall(r"^\| `([a-z]+)` \|", section("Command line"), re.MULTILINE)
    offered = re.findall(r"^│ ([a-z]+)  ", help_of("", capsys, monkeypatch), re.MULTILINE)
    assert sorted(listed) == sorted(offered)


@pytest.mark.parametrize("verb", ["threads", "find", "usage", "messages", "sync"])
def test_the_shared_options_of_the_readme_are_the_commands(
    verb: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [line.split(" | ")[0] for line in section("Command line").splitlines() if line.startswith("| `-")]
    own = {"messages": {"--thread"}, "sync": {"--full", "--no-raw", "--dry-run"}}.get(verb, set())
    missing = section("Command line").partition("`messages` reads one thread and has none of")[2].partition(". ")[0]
    other = options_in(missing) if verb == "messages" else set[str]()
    assert options_in("\n".join(rows)) | own == options_in(_panels(help_of(verb, capsys, monkeypatch))) | other
    assert bool(other) is (verb == "messages")


def test_the_options_of_pages_in_the_readme_are_the_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"--with-tokens", "--base-url", "--api-version"}
    assert told == options_in(_panels(help_of("pages", capsys, monkeypatch)))
    assert all(f"`{option}" in section("Command line") for option in told)


@pytest.mark.parametrize(
    ("verb", "told"),
    [
        ("view", {"--output", "-o"}),
        ("export", {"--to", "--output", "-o", "--replace"}),
        ("demo", {"--output", "-o"}),
    ],
)
def test_the_readme_tells_the_options_of_what_writes_files(
    verb: str, told: set[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    offered = options_in(_panels(help_of(verb, capsys, monkeypatch)))
    assert offered == told
    (row,) = (line for line in section("Command line").splitlines() if line.startswith(f"| `{verb}` |"))
    assert offered - {"--output"} == options_in(row)


def test_the_emulators_options_of_the_readme_are_the_commands(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = section("Command line").partition("`emulate` has its own:")[2].partition("\n\n")[0]
    assert options_in(told) == options_in(_panels(help_of("emulate", capsys, monkeypatch)))


def _panels(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if re.match(r"│ (\*  |   )?-", line))


def test_the_pages_file_of_the_readme_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (text,) = blocks("toml")
    (tmp_path / "pages.toml").write_text(text)
    (tmp_path / "page-1002.token").write_text("the-second-token\n")
    monkeypatch.setenv("CONVERSATIONS_TOKEN_1001", "the-first-token")
    monkeypatch.setenv("INSTAGRAM_LOGIN_TOKEN", "the-third-token")
    pages = read_pages(tmp_path / "pages.toml")
    assert [page.id for page in pages] == [each["id"] for each in tomllib.loads(text)["page"]]
    assert pages == [
        Page("1001", "the-first-token"),
        Page(
            "1002",
            "the-second-token",
            name="The shop in the harbour",
            platforms=(Platform.MESSENGER,),
            tasks=("MESSAGING", "MODERATE"),
        ),
        Page("17841100000000000", "the-third-token", graph="instagram"),
    ]


async def get(app: Any, path: str) -> tuple[int, Any]:
    """One GET of an ASGI app, without a server."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "server": ("localhost", 80),
        "client": ("localhost", 1),
        "root_path": "",
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    return sent[0]["status"], json.loads(body)
