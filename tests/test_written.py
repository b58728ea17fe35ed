"""A file is there whole or not at all, and nothing of a killed writer stays for long."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from conversations_async.written import whole_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such locks")

KILLED = """
import os, signal, sys
from pathlib import Path
from conversations_async.written import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_writer_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    path = tmp_path / "inbox.html"
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert len(os.listdir(tmp_path)) == 1
    with whole_file(path) as file:
        file.write(b"whole")
    assert os.listdir(tmp_path) == ["inbox.html"]
    assert path.read_bytes() == b"whole"


def test_what_another_is_writing_or_has_written_stays(tmp_path: Path) -> None:
    path, foreign = tmp_path / "inbox.html", tmp_path / ".inbox.html.notes.part"
    foreign.touch()
    with whole_file(path) as first:
        first.write(b"first")
        with whole_file(path) as second:
            second.write(b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert sorted(os.listdir(tmp_path)) == [foreign.name, "inbox.html"]


def test_a_name_is_taken_as_it_is(tmp_path: Path) -> None:
    """No pattern: what looks like one would delete others' files."""
    other = tmp_path / ".inbox.html.0123456789ab.part"
    other.touch()
    with whole_file(tmp_path / "[a-z]*.html") as file:
        file.write(b"")
    assert other.exists()


def test_a_file_that_was_cleaned_up_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    locked, taken = fcntl.flock, list[int]()

    def late(descriptor: int, how: int) -> None:
        if not taken:
            (only,) = tmp_path.iterdir()
            only.unlink()
        taken.append(descriptor)
        locked(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with whole_file(tmp_path / "inbox.html") as file:
        file.write(b"whole")
    assert len(taken) == 2
    assert os.listdir(tmp_path) == ["inbox.html"]
