"""`conversations-async emulate`: a port, a pages file, and a quiet end."""

import shlex
import signal
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from programs import Program

from cli.commands import Run, start


@contextmanager
def emulator(*arguments: object) -> Iterator[tuple[Program, list[str]]]:
    """The process, and what it says until it says how to end it."""
    process = start("emulate", "--port", "0", *arguments)
    said = []
    try:
        for line in process.stdout:
            said.append(line.rstrip())
            if line.startswith("Ctrl-C"):
                break
        yield process, said
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_serves_and_ends_quietly(command: Run, tmp_path: Path, how: signal.Signals) -> None:
    file = tmp_path / "the pages.toml"
    options = ("--pages", "2", "--threads", "5", "--no-limits", "--latency-ms", "1", "--seed", "7")
    with emulator("--write-pages", file, *options) as (process, said):
        name, *call = shlex.split(said[said.index("Try:") + 1])
        assert name == "conversations-async"
        ended = command(*call)
        assert ended.status == 0
        assert len(ended.lines) == 2 * 2 * 5
        process.send_signal(how)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0
        assert (out, err) == ("", "ended after 4 calls\n")
        assert "token" not in "".join(said)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_accounts_of_instagram_login_are_written_and_the_hint_lists_them(command: Run, tmp_path: Path) -> None:
    file = tmp_path / "pages.toml"
    with emulator("--write-pages", file, "--pages", 3, "--threads", 5, "--instagram-logins", 1) as (_, said):
        _, *call = shlex.split(said[said.index("Try:") + 1])
        ended = command(*call)
    assert file.read_text().count('graph = "instagram"') == 1
    assert ended.status == 0
    assert len(ended.lines) == (2 * 2 + 1) * 5
    assert {line["page_id"][:5] for line in ended.lines} == {"1001", "1002", "17841"}


def test_the_verb_pages_can_be_tried_on_it(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "pages.toml"
    with emulator("--write-pages", file, "--pages", 3, "--threads", 1) as (_, said):
        assert "For the verb pages see the second line of that file." in said
        name, _, token = file.read_text().splitlines()[1].partition("pages: ")[2].partition("=")
        monkeypatch.setenv(name, token)
        ended = command("pages", "--base-url", said[0].split()[-1])
    assert (ended.status, ended.out.count("[[page]]")) == (0, 3)


def test_surprises_are_named(tmp_path: Path) -> None:
    with emulator("--pages", "4", "--surprises") as (_, said):
        assert "Page 1002: dead token" in said
        assert any("--write-pages" in line for line in said)


def test_its_own_pages_file_is_written_anew_and_no_other(command: Run, tmp_path: Path) -> None:
    file = tmp_path / "pages.toml"
    for pages in (1, 2):
        with emulator("--write-pages", file, "--pages", pages):
            assert file.read_text().count("[[page]]") == pages
    file.write_text(own := '[[page]]\nid = "1"\ntoken = "canary"\n')
    process = start("emulate", "--port", "0", "--write-pages", file)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert "is there already and not of the emulator's making" in err
    assert file.read_text() == own


def test_a_pages_file_that_cannot_be_written_ends_it(tmp_path: Path) -> None:
    process = start("emulate", "--port", "0", "--write-pages", tmp_path / "none" / "pages.toml")
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (2, "")
    assert "cannot be written: no such file or directory" in err


def test_a_port_that_is_taken_ends_it_with_a_sentence() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start("emulate", "--port", port)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 2
    assert err.startswith(f"conversations-async: --port {port}: cannot listen there: ")
    assert err.count("\n") == 1
