"""Everything that can be typed wrong ends with status 2 and one sentence, which quotes no value."""

from pathlib import Path

import pytest

from cli.commands import Run
from conversations_async.emulator import GraphEmulator

NO_TIMES = "Meta offers no paging by time on this edge"
NO_TOKENS = "a token is never an argument"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("threads --since 2026-01-01", NO_TIMES),
        ("threads --until=2026-01-01", NO_TIMES),
        ("threads --after-date 2026-01-01", NO_TIMES),
        ("threads --updated-since 2026-01-01", NO_TIMES),
        ("find --from yesterday", NO_TIMES),
        ("threads --token canary", NO_TOKENS),
        ("threads --access-token=canary", NO_TOKENS),
        ("threads --app-secret canary", NO_TOKENS),
        ("threads canary", "stands alone"),
        ("threads --EAAG123", "unknown option. Try: conversations-async threads --help"),
        ("canary", "there is no such verb"),
        ("thread", 'did you mean "threads"?'),
        ("--pages canary threads", "the verb comes first"),
        ("threads --plattform canary", 'unknown option --plattform; did you mean "--platform"?'),
        ("threads --platform whatsapp", "--platform takes messenger or instagram"),
        ("threads --platform messanger", 'did you mean "messenger"?'),
        ("threads --threads-per-call canary", "--threads-per-call takes a whole number"),
        ("threads --calls-per-second canary", "--calls-per-second takes a number"),
        ("threads --no-settle=canary", "--no-settle takes no value"),
        ("threads --pages", "--pages needs a value"),
        ("threads --pages canary --pages canary", "--pages is given twice"),
        ("emulate --port canary", "--port takes a whole number"),
        ("emulate --port 70000", "--port takes a number up to 65534"),
        ("emulate --pages " + "9" * 400, "--pages takes a whole number up to 100000"),
        ("emulate --threads " + "9" * 400, "--threads takes a whole number up to 10000000"),
        ("emulate --pages 0", "--pages takes a whole number from 1 up"),
        ("emulate --latency-ms nan", "--latency-ms takes milliseconds"),
        ("emulate --pages 2 --instagram-logins 3", "--instagram-logins takes no more than there are Pages"),
        ("demo --fast=canary", "unknown option --fast. Try: conversations-async demo --help"),
        ("view", "DATABASE is missing"),
        ("export x.db --to cvs -o x", 'did you mean "csv"?'),
        ("export x.db --to csv", "--output is missing"),
        ("threads", "say which Pages"),
        ("usage", "say which Pages"),
        ("find --user-id 1", "find needs --page"),
        ("find --page 1", "find needs --user-id"),
        ("threads --page canary", "--page: the id of a Page is written in digits"),
        ("threads --page 1001", "CONVERSATIONS_TOKEN_1001 or CONVERSATIONS_TOKEN"),
    ],
)
def test_a_command_typed_wrong_ends_with_one_sentence(
    command: Run, monkeypatch: pytest.MonkeyPatch, arguments: str, words: str
) -> None:
    monkeypatch.delenv("CONVERSATIONS_TOKEN", raising=False)
    ended = command(*arguments.split())
    assert ended.status == 2
    assert ended.out == ""
    (line,) = ended.told
    assert line.startswith("conversations-async: ")
    assert words in line


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--folder inbux", '--folder takes one of inbox, other, page_done, spam, all; did you mean "inbox"?'),
        ("--user-id canary", "--user-id: a page-scoped id is written in digits"),
        ("--fields id,participants{name", "--fields takes field names"),
        ("--fields id;canary", "--fields takes field names"),
        ("--threads-per-call 0", "--threads-per-call takes a number from 1 up"),
        ("--threads-per-call " + "9" * 400, "--threads-per-call takes a number from 1 up to 1000000000"),
        ("--threads-per-call " + "9" * 5000, "--threads-per-call takes a whole number"),
        ("--connections " + "9" * 400, "--connections takes a number from 1 up to 1000000000"),
        ("--calls-per-second -1", "--calls-per-second takes a number from 0 up"),
        ("--calls-per-second inf", "--calls-per-second takes a number from 0 up"),
        ("--max-wait nan", "--max-wait takes a number from 0 up"),
        ("--give-up-after -3", "--give-up-after takes a number from 0 up"),
        ("--connections 0", "--connections takes a number from 1 up"),
        ("--api-version v٢٥.٠", "--api-version is written like v25.0"),
        ("--api-version 25", "--api-version is written like v25.0"),
        ("--api-version v25.0/canary", "--api-version is written like v25.0"),
        ("--base-url http://graph.example", "--base-url must be https, or http on a loopback host"),
        ("--base-url https://graph.example/?access_token=canary", "--base-url is scheme, host"),
        ("--base-url canary", "--base-url"),
        ("--instagram-url http://graph.example", "--instagram-url must be https, or http on a loopback host"),
        ("--instagram-url=", "--instagram-url is scheme, host"),
        ("--verbose --quiet", "opposites"),
        ("--page 99", "holds no Page 99"),
    ],
)
@pytest.mark.parametrize("verb", ["threads", "find --page 1001 --user-id 1", "usage"])
def test_an_option_that_cannot_be_followed_ends_it_before_any_call(
    command: Run, graph: GraphEmulator, pages_file: Path, verb: str, arguments: str, words: str
) -> None:
    name, *own = verb.split()
    typed = arguments.split()
    given = dict(zip(own[::2], own[1::2], strict=True)) | {"--pages": str(pages_file), "--base-url": graph.base_url}
    for option in typed:
        given.pop(option, None)
    ended = command(name, *(each for pair in given.items() for each in pair), *typed)
    assert (ended.status, ended.out) == (2, "")
    (line,) = ended.told
    assert words in line
    assert graph.calls == []


def test_a_platform_on_which_no_page_is_ends_it(command: Run, tmp_path: Path) -> None:
    file = tmp_path / "pages.toml"
    file.write_text('[[page]]\nid = "1"\ntoken = "canary"\nplatforms = ["messenger"]\n')
    ended = command("threads", "--pages", file, "--platform", "instagram")
    assert ended.status == 2
    assert ended.told == ["conversations-async: none of these Pages is on instagram"]


def test_a_token_of_the_environment_that_cannot_be_one_is_not_quoted(
    command: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CONVERSATIONS_TOKEN", "canary with spaces")
    ended = command("threads", "--page", "1001")
    assert ended.status == 2
    assert "CONVERSATIONS_TOKEN: a token must be printable ASCII" in ended.err
