"""The command on everything an Inbox holds: `messages`, `pages`, `usage -v`, and all of fifty Pages at once."""

import os
import stat
import tomllib
from pathlib import Path
from typing import IO, Any

import pytest

from cli.commands import Run, at, canary
from conversations_async import Platform
from conversations_async.cli.pages_file import read_pages
from conversations_async.emulator import GraphEmulator, LimitRules, Manners, World, write_pages_file

MESSENGER, INSTAGRAM = Platform.MESSENGER, Platform.INSTAGRAM
ONE = ("--page", "1001")


def test_all_folders_of_both_platforms_with_messages_of_twenty_pages_are_complete(command: Run, tmp_path: Path) -> None:
    """Against the emulator's own world: each thread once, its folder, and its newest messages."""
    world = World.seeded(
        pages=20, threads=(0, 14), messages=(1, 7), token=canary, folders={"other": 3, "page_done": (0, 3), "spam": 1}
    )
    # Instagram's listings stand no nested fields, and little else (contract 5.3).
    world.manners = Manners(reduce_nested_above=5, platforms=[INSTAGRAM])
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        ended = command("threads", "--pages", pages_file, "--folder", "all", "--messages", "4", *at(graph))
    assert ended.status == 0
    expected = {
        (page.id, platform.value, thread.id): (
            folder if platform is MESSENGER else None,
            [message.id for message in thread.messages[:4]],
            [message.text for message in thread.messages[:4]],
        )
        for page in world.pages.values()
        for platform in Platform
        for folder in (("inbox", "other", "page_done", "spam") if platform is MESSENGER else ("inbox",))
        for thread in world.threads(page.id, platform, folder)
    }
    found = {
        (line["page_id"], line["platform"], line["id"]): (
            line.get("found_in"),
            [message["id"] for message in line["messages"]],
            [message["message"] for message in line["messages"]],
        )
        for line in ended.lines
    }
    assert found == expected
    assert len(ended.lines) == len(expected)
    assert ended.told[-1] == f"{len(expected)} threads; 40 of 40 Inboxes listed to their end"


def test_threads_that_lack_their_messages_for_one_reason_are_one_line_and_a_number(
    command: Run, tmp_path: Path
) -> None:
    world = World.seeded(pages=2, threads=8, token=canary, platforms=(INSTAGRAM,))
    world.pages["1001"].manners = Manners(refuse=80002, kinds=["thread"])
    world.pages["1002"].manners = Manners(missing_permission=10, kinds=["thread"])
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        options = ("--messages", "2", "--max-wait", "1")
        ended = command("threads", "--pages", pages_file, *options, *at(graph))
    assert (ended.status, len(ended.lines)) == (4, 16)
    for page_id in world.pages:
        lines = [line for line in ended.told if line.startswith(f"Page {page_id} ") and "without" in line]
        assert len(lines) == 2
        assert "comes without its messages" in lines[0]
        assert lines[1].endswith("7 more threads come without their messages, for the same reason")


def test_what_meta_cannot_show_is_marked_in_the_lines(command: Run, tmp_path: Path) -> None:
    """Threads that break answers (contract 7.2), and messages beyond the window (contract 1.6)."""
    world = World.seeded(pages=1, threads=3, messages=23, token=canary, platforms=(INSTAGRAM, MESSENGER))
    broken = world.threads("1001", INSTAGRAM)[1].id
    world.manners = Manners(poisoned=[broken])
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        ended = command("threads", "--pages", pages_file, "--messages", "23", *at(graph))
    assert ended.status == 0
    assert {line["id"] for line in ended.lines if line.get("unavailable")} == {broken}
    beyond = {
        line["platform"]: [message.get("unavailable", False) for message in line["messages"]]
        for line in ended.lines
        if line["id"] != broken
    }
    assert beyond == {"messenger": [False] * 23, "instagram": [False] * 20 + [True] * 3}


# -- messages ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("platform", list(Platform))
def test_the_messages_of_a_thread_are_json_lines_newest_first(command: Run, platform: Platform, tmp_path: Path) -> None:
    world = World.seeded(pages=2, threads=3, messages=26, token=canary)
    pages_file = write_pages_file(world, tmp_path / "pages.toml")
    thread = world.threads("1001", platform)[1]
    with GraphEmulator(world, limits=LimitRules.off()).in_thread() as graph:
        ended = command("messages", "--pages", pages_file, *ONE, "--thread", thread.id, *at(graph))
    assert ended.status == 0
    assert [line["id"] for line in ended.lines] == [message.id for message in thread.messages]
    assert list(ended.lines[0])[:5] == ["page_id", "platform", "thread_id", "id", "created_time"]
    assert ended.lines[0]["created_time"] == thread.messages[0].created_time.isoformat()
    assert {line["platform"] for line in ended.lines} == {platform.value}
    beyond = [line.get("unavailable", False) for line in ended.lines]
    assert beyond == ([False] * 26 if platform is MESSENGER else [False] * 20 + [True] * 6)
    assert '"paging"' not in ended.out
    words = "26 messages" if platform is MESSENGER else "26 messages; Meta tells only the ids of 6 of them"
    assert ended.told == [words]


def test_a_thread_that_is_not_there_is_a_line_on_stderr(command: Run, graph: GraphEmulator, pages_file: Path) -> None:
    ended = command("messages", "--pages", pages_file, *ONE, "--thread", "t_404", *at(graph))
    assert (ended.status, ended.out) == (4, "")
    assert ended.told[0].startswith("Page 1001 on messenger: request rejected")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("--page", "1001"), "messages needs --thread"), (("--thread", "t_1"), "messages needs --page")],
)
def test_messages_needs_a_page_and_a_thread(command: Run, arguments: tuple[str, ...], words: str) -> None:
    ended = command("messages", *arguments)
    assert ended.status == 2
    assert words in ended.err


# -- pages -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def of_a_user(world: World, monkeypatch: pytest.MonkeyPatch) -> World:
    world.user.token = "canary-of-the-user"
    world.add_page("9001", name='A "shop"\nwith \\ and \u202e', token=canary("9001"), platforms=(MESSENGER,))
    world.pages["1002"].tasks = ("ANALYZE",)
    monkeypatch.setenv("CONVERSATIONS_USER_TOKEN", world.user.token)
    return world


def test_pages_writes_a_pages_file_without_tokens(
    command: Run, graph: GraphEmulator, of_a_user: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = command("pages", "--base-url", graph.base_url)
    assert ended.status == 0
    listed = tomllib.loads(ended.out)["page"]
    assert [page["id"] for page in listed] == list(of_a_user.pages)
    assert [page["token_env"] for page in listed] == [f"CONVERSATIONS_TOKEN_{page_id}" for page_id in of_a_user.pages]
    assert listed[-1]["platforms"] == ["messenger"]
    assert any(line.startswith("Page 1002: lacks the task MESSAGING (has ANALYZE)") for line in ended.told)
    assert ended.told[-1] == "4 Pages"
    for page_id in of_a_user.pages:
        monkeypatch.setenv(f"CONVERSATIONS_TOKEN_{page_id}", canary(page_id))
    (tmp_path / "pages.toml").write_text(ended.out)
    pages = read_pages(tmp_path / "pages.toml")
    assert [(page.id, page.platforms, page.tasks) for page in pages] == [
        (page.id, page.platforms, page.tasks) for page in of_a_user.pages.values()
    ]


def test_pages_writes_tokens_only_into_a_new_file_that_its_owner_alone_may_read(
    command: Run, graph: GraphEmulator, of_a_user: World, tmp_path: Path
) -> None:
    file = tmp_path / "pages.toml"
    ended = command("pages", "--with-tokens", file, "--base-url", graph.base_url)
    assert (ended.status, ended.out) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = command("threads", "--pages", file, "--page", "9001", *at(graph))
    assert (listed.status, len(listed.lines)) == (0, 30)
    before = file.read_bytes()
    again = command("pages", "--with-tokens", file, "--base-url", graph.base_url)
    assert again.status == 2
    assert "is there already" in again.err
    assert file.read_bytes() == before


def test_pages_looks_before_any_call_whether_its_file_can_be_made(
    command: Run, graph: GraphEmulator, of_a_user: World, tmp_path: Path
) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "elsewhere.toml")
    for name, words in (("dangling", "is there already"), ("no/such.toml", "no such directory")):
        ended = command("pages", "--with-tokens", tmp_path / name, "--base-url", graph.base_url)
        assert (ended.status, ended.out) == (2, "")
        assert words in ended.err
    assert graph.calls == []
    assert not (tmp_path / "elsewhere.toml").exists()


def test_pages_leaves_no_half_of_a_file_behind(
    command: Run, graph: GraphEmulator, of_a_user: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "pages.toml"

    def onto_a_full_disk(descriptor: int, mode: str, encoding: str) -> IO[Any]:
        os.close(descriptor)
        return open("/dev/full", mode, encoding=encoding)

    monkeypatch.setattr("conversations_async.cli.pages.os.fdopen", onto_a_full_disk)
    ended = command("pages", "--with-tokens", file, "--base-url", graph.base_url)
    assert (ended.status, ended.out) == (2, "")
    assert ended.told[-1] == f"conversations-async: --with-tokens: {file} cannot be written: no space left on device"
    assert not file.exists()


def test_pages_says_where_what_it_found_is_not_all(
    command: Run, graph: GraphEmulator, of_a_user: World, tmp_path: Path
) -> None:
    for number in range(2000, 2120):
        of_a_user.add_page(str(number), token=canary(str(number)))
    of_a_user.manners = Manners(refuse=100, after_calls=1, kinds=["accounts"])
    ended = command("pages", "--base-url", graph.base_url)
    assert ended.status == 3
    assert len(tomllib.loads(ended.out)["page"]) == 100
    assert ended.told[-1] == "100 Pages, and these are not all"


def test_pages_without_a_user_token_says_where_to_put_it(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CONVERSATIONS_USER_TOKEN", raising=False)
    ended = command("pages")
    assert ended.status == 2
    assert "CONVERSATIONS_USER_TOKEN" in ended.err


def test_pages_refuses_a_host_without_https_and_an_odd_version(command: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONVERSATIONS_USER_TOKEN", "canary-of-nobody")
    for option, value in (("--base-url", "http://graph.example"), ("--api-version", "23")):
        ended = command("pages", option, value)
        assert (ended.status, ended.out) == (2, "")
        assert option in ended.err


def test_pages_with_a_rejected_token_says_so(
    command: Run, graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVERSATIONS_USER_TOKEN", "canary-of-nobody")
    ended = command("pages", "--base-url", graph.base_url)
    assert (ended.status, ended.out) == (4, "")
    assert "token rejected (code 190)" in ended.told[0]


# -- usage -------------------------------------------------------------------------------------------------------------


def test_usage_with_verbose_tells_of_the_token_and_of_an_empty_inbox(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.user.scopes = ("pages_messaging", "pages_read_engagement", "pages_manage_metadata")
    graph.world.manners = Manners(lists_nothing=True, platforms=[INSTAGRAM])
    ended = command("usage", "--pages", pages_file, *ONE, "-v", *at(graph))
    assert ended.status == 0
    messenger, instagram = ended.lines
    assert messenger["token"]["missing"] == []
    assert "empty" not in messenger
    assert instagram["token"]["missing"] == ["instagram_basic", "instagram_manage_messages"]
    assert instagram["empty"] == [
        "the token lacks instagram_basic, instagram_manage_messages: log in again and grant it for this Page"
    ]
    assert any(line.startswith("Page 1001 on instagram: empty. the token lacks") for line in ended.told)
    assert any("Page 1001 on messenger: the token is valid" in line for line in ended.told)


def test_usage_with_verbose_tells_what_a_token_lacks_whose_inbox_is_refused(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    """Codes 10 and 200 come with words such as "Permissions error" (contract 5.2)."""
    graph.world.user.scopes = ("pages_messaging", "pages_manage_metadata", "instagram_basic")
    graph.world.manners = Manners(missing_permission=200, kinds=["listing"])
    ended = command("usage", "--pages", pages_file, *ONE, "-v", *at(graph))
    assert (ended.status, ended.out) == (4, "")
    for lacking in (
        "messenger: {}; it lacks pages_read_engagement",
        "instagram: {}; it lacks instagram_manage_messages",
    ):
        words = lacking.format("the token is valid, with no date of expiry told")
        assert f"Page 1001 on {words}" in ended.told
    assert [call.path.rpartition("/")[2] for call in graph.calls].count("debug_token") == 1


def test_usage_with_verbose_tells_until_when_a_token_reads_peoples_data(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    """Contract 6.9: a Page's token mostly has no expiry of its own, and loses people's data all the same."""
    graph.world.user.data_access_expires_at = 1_800_000_000
    ended = command("usage", "--pages", pages_file, *ONE, "-v", *at(graph))
    assert {line["token"]["data_access_expires_at"] for line in ended.lines} == {"2027-01-15T08:00:00+00:00"}
    assert {line["token"]["expires_at"] for line in ended.lines} == {None}
    assert any("reads people's data until 2027-01-15" in line for line in ended.told)


def test_usage_with_verbose_asks_about_each_token_once_and_of_each_inbox_once(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    ended = command("usage", "--pages", pages_file, "-v", *at(graph))
    assert ended.status == 0
    paths = [call.path.rpartition("/")[2] for call in graph.calls]
    assert paths.count("debug_token") == 3
    assert paths.count("conversations") == 6
    assert all(line["token"]["valid"] for line in ended.lines)


def test_usage_with_verbose_asks_nothing_more_where_a_limit_refuses(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.manners = Manners(refuse=4)
    ended = command("usage", "--pages", pages_file, *ONE, "-v", "--connections", 1, *at(graph))
    assert (ended.status, len(graph.calls)) == (0, 1)
    assert [list(line)[-1] for line in ended.lines] == ["eased", "eased"]


def test_usage_tells_what_to_check_where_meta_tells_no_cause(
    command: Run, graph: GraphEmulator, pages_file: Path
) -> None:
    graph.world.manners = Manners(lists_nothing=True, platforms=[INSTAGRAM])
    ended = command("usage", "--pages", pages_file, *ONE, "-v", *at(graph))
    (line,) = (line for line in ended.told if "empty." in line)
    assert "Advanced Access" in line
    assert "allow access to messages" in line
    quiet = command("usage", "--pages", pages_file, *ONE, "-q", *at(graph))
    assert quiet.told == []
    assert not [call for call in graph.calls[-2:] if "debug_token" in call.path]


def test_the_host_of_instagram_login_can_be_named(
    command: Run, graph: GraphEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = graph.world.pages["1001"]
    own.instagram_token = canary("1001-instagram")
    (tmp_path / "pages.toml").write_text(
        f'[[page]]\nid = "{own.instagram_id}"\ntoken_env = "IG"\ngraph = "instagram"\n'
    )
    monkeypatch.setenv("IG", own.instagram_token)
    hosts = (*at(graph), "--instagram-url", graph.instagram_url)
    ended = command("threads", "--pages", tmp_path / "pages.toml", "--fields", "unread_count", *hosts)
    assert ended.status == 0
    assert {line["id"] for line in ended.lines} == {thread.id for thread in graph.world.threads("1001", INSTAGRAM)}
    assert any("there is no field unread_count here" in line for line in ended.told)
    wrong = command("threads", "--pages", tmp_path / "pages.toml", "--instagram-url", "http://graph.example")
    assert wrong.status == 2
    assert "--instagram-url" in wrong.err
