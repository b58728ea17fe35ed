"""Streams that are full, closed, without a reader or of ASCII; and a Ctrl-C before anything was done."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from programs import Program

from cli.commands import COMMAND, at
from conversations_async.emulator import GraphEmulator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a POSIX shell redirects the streams")

# No device that is full is everywhere; a file that may not grow is.
FULL = "ulimit -f 0; {} >full"
SHUT = "{} >&-"
TOO_LARGE = "conversations-async: cannot write the output: file too large\n"
CLOSED = "conversations-async: cannot write the output: it is closed\n"

LIKE_A_SHELL = {
    FULL: """
import os, resource, sys
os.dup2(os.open(os.path.join(sys.argv[1], "full"), os.O_CREAT | os.O_WRONLY), 1)
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
sys.stdout = os.fdopen(1, "w", closefd=False)
""",
    SHUT: """
import os, sys
os.close(1)
sys.stdout = None
""",
}
"""What a shell does to stdout before the command begins, done to a process that has begun."""
CALL = """
from conversations_async.cli import main
sys.exit(main(sys.argv[2:]))
"""


def shell(line: str, directory: Path, *arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """A line of a shell in which `{}` is the command. The status is the command's own, where a pipe follows as well."""
    script = "set -o pipefail; " + line.replace("{}", 'timeout 20 "$@"')
    return subprocess.run(
        ["bash", "-c", script, "bash", *COMMAND, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=30,
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2]), **environment},
        check=False,
    )


@pytest.mark.parametrize(
    "line", ["ulimit -f 0; {} 2>full", "{} 2>&-", "{} 2>&1 >lines | true; test $? = 0 && cat lines"]
)
def test_the_data_goes_on_where_nobody_hears_what_is_said(
    graph: GraphEmulator, pages_file: Path, tmp_path: Path, line: str
) -> None:
    ended = shell(line, tmp_path, "threads", "--pages", pages_file, "-v", *at(graph))
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert len(lines) == 3 * 2 * 30


@pytest.mark.parametrize("line", ["ulimit -f 0; {} 2>full", "{} 2>&-", "{} 2>&1 >lines | true"])
def test_the_status_stays_where_nobody_hears_what_failed(
    graph: GraphEmulator, pages_file: Path, tmp_path: Path, line: str
) -> None:
    graph.world.pages["1002"].token = "another"
    assert shell(line, tmp_path, "threads", "--pages", pages_file, *at(graph)).returncode == 3
    assert shell(line, tmp_path, "threads", "--pages", "none.toml").returncode == 2


@pytest.mark.parametrize(("line", "told"), [(FULL, TOO_LARGE), (SHUT, CLOSED)])
@pytest.mark.parametrize("verb", ["--help", "threads"])
def test_an_output_that_cannot_be_written_is_one_sentence(
    graph: GraphEmulator, pages_file: Path, tmp_path: Path, line: str, told: str, verb: str
) -> None:
    calls = ("--pages", pages_file, *at(graph)) if verb == "threads" else ()
    ended = shell(line, tmp_path, verb, *calls)
    assert (ended.returncode, ended.stdout, ended.stderr) == (1, "", told)


@pytest.mark.parametrize(("line", "told"), [(FULL, TOO_LARGE), (SHUT, CLOSED)])
@pytest.mark.parametrize("verb", ["--version", "usage", "emulate --port 0", "find --help"])
def test_whatever_the_verb_it_is_the_same_sentence(
    graph: GraphEmulator, pages_file: Path, tmp_path: Path, line: str, told: str, verb: str
) -> None:
    """In processes that are forked: that an interpreter begins with such a stream is tested above."""
    calls = ("--pages", pages_file, *at(graph)) if verb == "usage" else ()
    process = Program("-c", LIKE_A_SHELL[line] + CALL, tmp_path, *verb.split(), *calls)
    assert (*process.communicate(), process.returncode) == ("", told, 1)


@pytest.mark.parametrize("verb", ["--help", "threads", "emulate --port 0"])
def test_a_reader_that_has_had_enough_is_no_failure(
    graph: GraphEmulator, pages_file: Path, tmp_path: Path, verb: str
) -> None:
    calls = ("--pages", pages_file, "-q", *at(graph)) if verb == "threads" else ()
    ended = shell("{} | true", tmp_path, *verb.split(), *calls)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_an_output_of_ascii_takes_everything(tmp_path: Path) -> None:
    ascii_only = {"PYTHONIOENCODING": "ascii:strict", "PYTHONUTF8": "0"}
    assert shell("{}", tmp_path, "threads", "--help", **ascii_only).returncode == 0
    code = (
        "import sys; from conversations_async.cli.lines import ready_streams; ready_streams();"
        "sys.stdout.write('Käse •••')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=20, env=ascii_only, check=True
    )
    assert run.stdout == r"K\xe4se \u2022\u2022\u2022"


@pytest.mark.parametrize("module", ["cli.lines", "cli.endings", "cli.threads", "pages", "cyclopts", "orjson"])
def test_ctrl_c_while_modules_are_imported_ends_like_any_other(module: str) -> None:
    """From the first of them on; what is imported before `main` is reached is Python's own."""
    code = f"""
import signal, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name in ("conversations_async.{module}", "{module}"):
            sys.meta_path.remove(self)
            signal.raise_signal(signal.SIGINT)
sys.meta_path.insert(0, Interrupting())
from conversations_async.cli import main
sys.exit(main(["threads"]))
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=20, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (130, "", "interrupted\n")
