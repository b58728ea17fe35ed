"""The command as a whole: its help, its weight, its lines."""

import json
import os
import re
import subprocess
import sys

import pytest

import conversations_async
from cli.commands import COMMAND, Run
from conversations_async.cli.lines import as_plain_json, clean, json_line
from conversations_async.cli.verbs import VERBS
from conversations_async.masking import without_tokens


@pytest.mark.parametrize("verb", ["", *VERBS])
def test_help_goes_to_stdout_and_succeeds(command: Run, verb: str) -> None:
    ended = command(*verb.split(), "--help")
    assert (ended.status, ended.err) == (0, "")
    assert ended.out.startswith("Usage: conversations-async")


@pytest.mark.parametrize(
    ("verb", "statuses"),
    [
        ("", "0 1 2 3 4 130"),
        ("threads", "0 1 2 3 4 130"),
        ("find", "0 1 2 3 4 130"),
        ("usage", "0 1 2 3 4 130"),
        ("view", "0 1 2 130"),
        ("export", "0 1 2 130"),
        ("emulate", "0 1 2"),
        ("demo", "0 1 2 130"),
    ],
)
def test_help_lists_the_exit_statuses_that_the_verb_has(command: Run, verb: str, statuses: str) -> None:
    told = " ".join(command(*verb.split(), "--help").out.split()).partition("Exit status:")[2]
    assert re.findall(r"\b\d+\b", told) == statuses.split()


@pytest.mark.parametrize("columns", [1, 2, 3, 20])
def test_help_comes_to_an_end_on_the_narrowest_terminal(columns: int) -> None:
    for words in (["--help"], ["threads", "--help"], ["--help", "sync"]):
        narrow = {**os.environ, "COLUMNS": str(columns)}
        run = subprocess.run([*COMMAND, *words], capture_output=True, text=True, timeout=20, check=True, env=narrow)
        assert "Usage:" in run.stdout


def test_a_verb_that_is_none_is_answered_with_what_helps(command: Run) -> None:
    ended = command("--help", "nosuch")
    assert "--help --help" not in ended.err


def test_ctrl_c_when_all_is_done_changes_nothing() -> None:
    code = """
import atexit, os, signal, sys
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from conversations_async import cli
sys.argv[1:] = ["--version"]
cli.command()
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, f"{conversations_async.__version__}\n", "")


def test_the_version_is_the_packages(command: Run) -> None:
    assert command("--version").out == f"{conversations_async.__version__}\n"


def test_python_m_is_the_same_command() -> None:
    run = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, timeout=20, check=True)
    assert run.stdout == f"{conversations_async.__version__}\n"


def test_help_imports_no_verb() -> None:
    """Nor anything of the library that verbs need: it is a quarter of what help would take."""
    code = (
        "import sys; from conversations_async.cli import main; main(['--help']);"
        "print(sorted(each for each in sys.modules if each.startswith('conversations_async')))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    needed = ("", ".cli", ".cli.app", ".cli.endings", ".cli.lines", ".cli.verbs", ".masking")
    assert run.stdout.splitlines()[-1] == str([f"conversations_async{each}" for each in needed])


def test_help_imports_neither_network_nor_event_loop() -> None:
    """They cost more than all the rest: with them no --help comes within 0.3 s."""
    code = (
        "import sys; from conversations_async.cli import main; main(['threads', '--help']);"
        "print([each for each in ('aiohttp', 'asyncio', 'cattrs', 'rich.live') if each in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        ({"data": [{"id": "1"}], "paging": {"next": "x"}}, [{"id": "1"}]),
        ({"data": []}, []),
        ({"data": "text", "id": "1"}, {"data": "text", "id": "1"}),
        ({"data": [1], "other": 2, "paging": 3}, {"data": [1], "other": 2}),
        ({"a": {"b": {"data": [{"c": {"paging": {}, "d": 1}}]}}}, {"a": {"b": [{"c": {"d": 1}}]}}),
        ([{"data": [1]}], [[1]]),
        ("https://x/?access_token=abc&limit=1", "https://x/?access_token=•••&limit=1"),
        (None, None),
    ],
)
def test_a_value_of_graphs_is_written_without_its_paging(value: object, plain: object) -> None:
    assert as_plain_json(value) == plain


@pytest.mark.parametrize(
    "text", ["plain", "Ünï 🙂", "\x00\x1b\x7f\x9b", "\u202e\u2066\u200f\ufeff", "\u2028\u2029\x85"]
)
def test_json_lines_hold_any_text_and_obey_none(text: str) -> None:
    line = json_line({"text": text})
    assert json.loads(line) == {"text": text}
    assert line.decode().rstrip("\n").isprintable()
    assert len(line.decode().splitlines()) == 1


def test_json_lines_hold_what_orjson_refuses() -> None:
    assert json.loads(json_line({"text": "\ud800", "number": 2**70})) == {"text": "\ud800", "number": 2**70}


def test_json_lines_hold_what_is_nested_deeply() -> None:
    deep = nested(900)
    assert json.loads(json_line({"deep": as_plain_json(deep)})) == {"deep": deep}
    with pytest.raises(RecursionError):
        json_line({"deep": as_plain_json(nested(200_000))})


def nested(levels: int) -> object:
    value: object = 1
    for _ in range(levels // 2):
        value = [{"a": value}]
    return value


def test_clean_text_is_one_printable_line() -> None:
    assert clean("a\nb\tc") == "a b c"
    assert clean("\x1b[31m\u202eevil").isprintable()


def test_what_looks_like_a_token_is_masked() -> None:
    token = "EAAG" + "x" * 40
    assert without_tokens(f"bad {token}, access_token={token}&x appsecret_proof=1f") == (
        "bad •••, access_token=•••&x appsecret_proof=•••"
    )
    assert without_tokens("EAA is how they begin") == "EAA is how they begin"
