"""Which boot this is, and whether a process of it still lives."""

import os
from pathlib import Path


def boot_mark() -> str:
    """Whose monotonic clock this is: the boot, and the clock's namespace. Empty where the system does not say."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{os.stat('/proc/self/ns/time').st_ino}"
    except OSError:
        return ""


def neighbours() -> str:
    """Among whom our pid means us."""
    try:
        return str(os.stat("/proc/self/ns/pid").st_ino)
    except OSError:
        return ""


def birth(pid: int) -> str:
    """When a process started, "dead" if it only waits to be buried, "" where the system does not say."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return ""
    return "dead" if fields[0] in {b"Z", b"X"} else fields[19].decode("ascii")


def lives(pid: int, among: str, born: str) -> bool | None:
    """Whether the very process lives; None where that cannot be seen from here: then only leases end its calls."""
    if os.name == "nt" or among != neighbours():
        return None  # on Windows os.kill(pid, 0) kills
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # another user's
    now = birth(pid)
    return not now or not born or now == born
