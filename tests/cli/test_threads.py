"""`conversations-async threads`: lines out, failures told, endings."""

import re
import signal
from pathlib import Path

import pytest

import conversations_async.cli.listing
from cli.commands import Run, at, canary, start
from conversations_async import Platform
from conversations_async.cli.lines import put
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World, write_pages_file


def test_every_thread_is_one_json_line(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    ended = command("threads", "--pages", pages_file, *at(graph))
    assert ended.status == 0
    assert {(line["page_id"], line["platform"], line["id"]) for line in ended.lines} == {
        (page.id, platform.value, thread.id)
        for page in graph.world.pages.values()
        for platform in Platform
        for thread in graph.world.threads(page.id, platform)
    }
    assert len(ended.lines) == 3 * 2 * 30
    assert ended.told == ["180 threads; 6 of 6 Inboxes listed to their end"]


def test_a_line_begins_with_whose_it_is_and_has_the_fields_of_graph(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    line = ended.lines[0]
    newest = graph.world.threads("1001", Platform.MESSENGER)[0]
    assert list(line)[:4] == ["page_id", "platform", "id", "updated_time"]
    assert line["updated_time"] == newest.updated_time.isoformat()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00", line["updated_time"])
    assert {"link", "snippet", "message_count", "unread_count", "can_reply", "participants"} < line.keys()
    assert {each["id"] for each in line["participants"]} == {"1001", newest.person.id}


def test_fields_asked_for_come_without_paging_at_any_depth(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    fields = "snippet,messages.limit(2){id,message,from,attachments,to}"
    graph.world.pages["1001"].manners = Manners(dead_nested_next=True)
    ended = command("threads", "--pages", pages_file, "--fields", fields, *at(graph))
    assert ended.status == 0
    line = ended.lines[0]
    assert list(line) == ["page_id", "platform", "id", "updated_time", "snippet", "messages"]
    assert all(isinstance(line["messages"], list) for line in ended.lines)
    assert isinstance(line["messages"][0]["to"], list)
    assert '"paging"' not in ended.out
    assert '"data"' not in ended.out
    assert "access_token" not in ended.out


def test_a_dead_page_is_a_line_on_stderr_and_the_others_are_listed(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True)
    ended = command("threads", "--pages", pages_file, *at(graph))
    assert ended.status == 3
    assert {line["page_id"] for line in ended.lines} == {"1001", "1003"}
    failures = sorted(line for line in ended.told if line.startswith("Page"))
    assert [line.partition(":")[0] for line in failures] == ["Page 1002 on instagram", "Page 1002 on messenger"]
    for line in failures:
        assert "token rejected (code 190, subcode 463: expired)" in line
        assert line.endswith("Pass a new token for this Page.")
    assert ended.told[-1] == "120 threads; 4 of 6 Inboxes listed to their end"


def test_when_all_pages_are_dead_the_status_is_4(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = Manners(dead_token=True)
    ended = command("threads", "--pages", pages_file, "--quiet", *at(graph))
    assert (ended.status, ended.out, len(ended.told)) == (4, "", 6)


def test_fail_fast_ends_with_the_first_failure(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1002"].manners = Manners(dead_token=True)
    graph.world.pages["1003"].manners = Manners(slow=20)
    ended = command("threads", "--pages", pages_file, "--fail-fast", *at(graph))
    assert [call.answered_at for call in graph.calls_of("1003")] == [None, None], "nobody waited for these"
    assert ended.status == 3
    assert any("Page 1002" in line for line in ended.told)


def test_one_platform_only(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    ended = command("threads", "--pages", pages_file, "--platform", "instagram", *at(graph))
    assert {line["platform"] for line in ended.lines} == {"instagram"}
    assert {call.platform for call in graph.calls} == {Platform.INSTAGRAM}


@pytest.mark.parametrize("variable", ["CONVERSATIONS_TOKEN_1002", "CONVERSATIONS_TOKEN"])
def test_one_page_has_its_token_from_the_environment(
    command: Run, graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv("CONVERSATIONS_TOKEN", "canary-of-somebody-else")
    monkeypatch.setenv(variable, canary("1002"))
    ended = command("threads", "--page", "1002", *at(graph))
    assert ended.status == 0
    assert {line["page_id"] for line in ended.lines} == {"1002"}


def test_what_to_ask_reaches_graph(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    arguments = ("--folder", "spam", "--threads-per-call", "7", "--no-settle", "--api-version", "v26.0")
    ended = command(
        "threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *arguments, *at(graph)
    )
    assert ended.status == 0
    (call,) = graph.calls
    assert (call.params["folder"], call.params["limit"]) == ("spam", "7")
    assert "v26.0" in call.path


def test_accounts_of_instagram_login_are_asked_at_their_own_host(
    command: Run, graph: GraphEmulator, tmp_path: Path
) -> None:
    file = write_pages_file(graph.world, tmp_path / "pages.toml", instagram_login=["1002"])
    ended = command("threads", "--pages", file, "--instagram-url", graph.instagram_url, *at(graph))
    assert ended.status == 0
    account = graph.world.pages["1002"].instagram_id
    assert {(line["page_id"], line["id"]) for line in ended.lines if line["page_id"] == account} == {
        (account, thread.id) for thread in graph.world.threads("1002", Platform.INSTAGRAM)
    }
    assert len(ended.lines) == 5 * 30


def deep(levels: int) -> Manners:
    nested = b"[" * levels + b"]" * levels
    return Manners(raw_body=b'{"data":[{"id":"t_1","updated_time":"x","deep":' + nested + b"}]}")


def test_a_thread_nested_60_levels_deep_is_a_line(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = deep(60)
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert ended.status == 0
    (line,) = ended.out.splitlines()
    assert line == (
        '{"page_id":"1001","platform":"messenger","id":"t_1","updated_time":"x","deep":' + "[" * 60 + "]" * 60 + "}"
    )


def test_an_answer_nested_900_levels_deep_is_a_sentence(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.manners = deep(900)
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert (ended.status, ended.out) == (4, "")
    assert "the answer cannot be read: nested too deep" in ended.told[0]


def test_a_thread_too_deep_for_python_is_a_sentence_and_its_head_a_line(
    command: Run, graph: GraphEmulator, pages_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_deeper(values: dict[str, object]) -> None:
        if "deep" in values:
            raise RecursionError
        put(values)

    monkeypatch.setattr(conversations_async.cli.listing, "put", no_deeper)
    graph.world.pages["1001"].manners = deep(3)
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    assert ended.status == 4
    assert ended.lines == [{"page_id": "1001", "platform": "messenger", "id": "t_1", "updated_time": "x"}]
    assert ended.told[0].startswith(
        "Page 1001 on messenger: the answer cannot be read at t_1: nested too deep for a JSON line."
    )
    assert ended.told[1] == "1 threads; 0 of 1 Inboxes listed to their end"


def test_text_that_plays_tricks_on_a_terminal_is_escaped_and_stays_the_same(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    text = "\x1b[2J\u202egnp.exe\u2066\x9b31m\u2028 ok \x7f"
    graph.world.arrive("1001", Platform.MESSENGER, text=text)
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", *at(graph))
    line = ended.out.split("\n")[0]
    assert line.isprintable()
    assert ended.lines[0]["snippet"] == text


def test_words_of_metas_with_control_characters_stay_on_one_harmless_line(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    body = b'{"error":{"message":"no\\n\\u001b[2J\\u202e","type":"X","code":100,"fbtrace_id":"A"}}'
    graph.world.manners = Manners(raw_body=body, raw_status=400)
    ended = command("threads", "--pages", pages_file, "--page", "1001", "--platform", "messenger", "-q", *at(graph))
    assert ended.status == 4
    (line,) = ended.told
    assert line.isprintable()


@pytest.mark.parametrize("verbose", ["--verbose", "--quiet"])
def test_no_token_shows_however_graph_errs(command: Run, graph: GraphEmulator, pages_file: Path, verbose: str) -> None:
    """The fixture looks for canaries in both streams."""
    token = canary("1003")
    body = f'{{"error":{{"message":"bad {token}","type":"X","code":100,"fbtrace_id":"{token}"}}}}'.encode()
    graph.world.pages["1001"].manners = Manners(dead_token=True)
    graph.world.pages["1002"].manners = Manners(html=502)
    graph.world.pages["1003"].manners = Manners(raw_body=body, raw_status=400)
    ended = command("threads", "--pages", pages_file, verbose, "--give-up-after", "0", *at(graph))
    assert ended.status == 4
    assert sum(line.startswith("Page ") for line in ended.told) >= 6


def test_a_fault_of_the_program_names_its_place_and_nothing_else(
    command: Run, graph: GraphEmulator, pages_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_thread: object) -> None:
        token = canary("1001")
        raise ZeroDivisionError(token)

    monkeypatch.setattr(conversations_async.cli.listing, "thread_line", broken)
    ended = command("threads", "--pages", pages_file, *at(graph))
    assert ended.status == 1
    assert "a fault of this program: ZeroDivisionError in tests/cli/test_threads.py, line" in ended.told[0]
    assert "report" in ended.told[1]
    assert len(ended.told) == 2
    ended = command("threads", "--pages", pages_file, "-v", *at(graph))
    assert any("in broken: raise ZeroDivisionError(token)" in line for line in ended.told)
    assert "Traceback" not in ended.err


def test_a_reader_who_has_had_enough_ends_it_quietly(tmp_path: Path) -> None:
    world = World.seeded(pages=1, threads=3000, token=canary)
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        process = start("threads", "--pages", pages_file, *at(graph))
        assert process.stdout.readline().startswith('{"page_id":"1001"')
        process.stdout.close()
        assert process.wait(20) == 0
        assert process.stderr.read() == ""
        process.stderr.close()


def test_ctrl_c_ends_it_with_130_and_one_word(graph: GraphEmulator, pages_file: Path) -> None:
    graph.world.pages["1002"].manners = Manners(slow=60)
    process = start("threads", "--pages", pages_file, *at(graph))
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert err == "interrupted\n"
    assert "canary" not in out
