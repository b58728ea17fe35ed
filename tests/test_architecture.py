"""The import law as a table: four floors, imports point downward only, annexes are known to nobody below."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest
from attrs import frozen

import conversations_async

PACKAGE: Final = "conversations_async"
HOUSE: Final = Path(conversations_async.__file__).parent


@frozen
class Room:
    """What a room may import: of ours and of others; the standard library where no row below forbids it."""

    floor: int
    ours: tuple[str, ...] = ()
    others: tuple[str, ...] = ()


SEEN: Final = (
    "values",
    "masking",
    "readers",
    "views",
    "records",
    "learned",
    "sent",
    "people",
    "attachments",
    "message",
)
WORDS: Final = (*SEEN, "expansion", "pages", "pools", "query", "thread", "model", "access", "errors", "events")
GRAPH: Final = ("graph.requests", "graph.listing", "graph.answers", "graph.usage", "graph.decode")
PURE: Final = (
    *WORDS,
    *GRAPH,
    "packing",
    "stretches",
    "sifting",
    "trail",
    "asking",
    "doubting",
    "proving",
    "singles",
    "paging",
    "edges",
    "rounds",
    "slots",
    "limits",
    "retry",
)
EDGES: Final = ("transport", "pacer", "throttle", "caller")
LANES: Final = ("rota", "lane", "due", "handover", "window", "mending")

# Rooms may be missing: a row is a permission and no promise.
ROOMS: Final[dict[str, Room]] = {
    # floor 0: words
    "values": Room(0, (), ("attrs", "msgspec")),
    "masking": Room(0),
    "readers": Room(0),
    "expansion": Room(0, ("values",), ("attrs",)),
    "views": Room(0, ("readers",)),
    "records": Room(0, ("readers", "values"), ("attrs", "msgspec")),
    "sent": Room(0, (), ("msgspec",)),
    "learned": Room(0, ("records",), ("msgspec",)),
    "people": Room(0, ("readers", "views", "records", "values"), ("attrs", "msgspec")),
    "attachments": Room(0, ("readers", "views", "people", "values")),
    "message": Room(0, SEEN, ("attrs",)),
    "pages": Room(0, ("masking", "values"), ("attrs",)),
    "pools": Room(0, ("values",), ("attrs",)),
    "query": Room(0, ("expansion", "pages", "values"), ("attrs",)),
    "thread": Room(0, (*SEEN, "pages", "pools"), ("attrs", "msgspec")),
    "model": Room(0, (*SEEN, "expansion", "pages", "pools", "query", "thread")),
    "access": Room(0, ("pages", "values"), ("attrs",)),
    "errors": Room(0, ("pages", "pools", "values"), ("attrs",)),
    "events": Room(0, ("pages", "pools", "errors", "values")),
    # floor 1: pure
    "graph": Room(1),
    "graph.requests": Room(1, WORDS, ("attrs",)),
    "graph.listing": Room(1, WORDS, ("msgspec", "orjson")),
    "graph.answers": Room(1, (*WORDS, "graph.requests", "graph.listing", "graph.usage"), ("orjson",)),
    "graph.usage": Room(1, (*WORDS, "graph.requests")),
    "graph.decode": Room(1, (*WORDS, "graph.requests", "graph.listing"), ("attrs",)),
    "graph.accounts": Room(1, (*WORDS, "graph.decode"), ("attrs", "cattrs")),
    "packing": Room(1),
    "stretches": Room(1, ("packing", "values"), ("msgspec",)),
    "sifting": Room(1, (*WORDS, "packing", "stretches"), ("msgspec",)),
    "trail": Room(1, ("values",), ("msgspec",)),
    "asking": Room(1, ("values",)),
    "doubting": Room(1, ("values",)),
    "proving": Room(1, ("trail", "values")),
    "singles": Room(1, WORDS, ("attrs", "msgspec")),
    "paging": Room(
        1,
        (*WORDS, "graph.requests", "stretches", "sifting", "trail", "asking", "doubting", "proving", "singles"),
        ("attrs", "msgspec"),
    ),
    "edges": Room(1, (*WORDS, "graph.requests", "graph.decode"), ("msgspec",)),
    "rounds": Room(1, (*WORDS, "graph.requests", "paging", "edges"), ("attrs", "msgspec")),
    "slots": Room(1, WORDS, ("msgspec",)),
    "limits": Room(1, (*WORDS, "slots"), ("attrs", "msgspec")),
    "retry": Room(1, WORDS, ("attrs", "backoff")),
    "pacer.line": Room(1, (*WORDS, "slots"), ("attrs",)),
    "pacer.turns": Room(1, WORDS),
    # floor 2: edges
    "deadlines": Room(2),
    "connections": Room(2, WORDS, ("aiohttp",)),
    "wire": Room(2, (*WORDS, "graph.requests", "connections"), ("aiohttp", "yarl")),
    "transport": Room(2, (*WORDS, "graph.requests", "deadlines", "wire"), ("aiohttp", "yarl")),
    "pacer.processes": Room(2),
    "pacer.file": Room(2, (*WORDS, "pacer.line", "pacer.processes"), ("orjson",)),
    "pacer.shared": Room(2, (*WORDS, "slots", "pacer.line", "pacer.turns", "pacer.file"), ("attrs",)),
    "pacer": Room(2, ("pacer.turns", "pacer.shared")),
    "throttle": Room(2, (*WORDS, "slots", "limits", "pacer"), ("aiolimiter",)),
    "caller": Room(2, (*WORDS, *GRAPH, "limits", "retry", "transport", "throttle"), ("msgspec",)),
    # floor 3: face
    "collecting": Room(3),
    "rota": Room(3),
    "window": Room(3),
    "lane": Room(3, (*PURE, "throttle", "caller"), ("msgspec",)),
    "due": Room(3, (*PURE, "throttle", "lane", "rota")),
    "handover": Room(3, (*PURE, "caller", "lane")),
    "mending": Room(3, (*PURE, "throttle", "caller", "lane")),
    "lanes": Room(3, (*PURE, "throttle", "caller", *LANES)),
    "accounts": Room(3, (*PURE, "graph.accounts", "caller"), ("attrs",)),
    "session": Room(3, (*PURE, *EDGES, *LANES, "lanes", "accounts")),
    "": Room(3, (*PURE, *EDGES, *LANES, "lanes", "session", "collecting")),
}

# What is public of ours → the names that annexes may import from it; None: all that are not private.
PUBLIC: Final[dict[str, frozenset[str] | None]] = {
    **dict.fromkeys(("", "message", "model", "errors", "events", "graph.requests"), None),
    "access": frozenset({"TokenInfo", "why_empty"}),
    # Of errors and `model`, what a command line needs before it is known what is to be done.
    "masking": frozenset({"MASK", "without_tokens"}),
    "pages": frozenset({"Inbox", "Page", "Platform", "Secret"}),
    "query": frozenset({"DEFAULT_FIELDS", "FOLDERS", "ThreadQuery"}),
    "limits": frozenset({"LimitPolicy", "ClosedPool", "EasedPool"}),
    "pacer": frozenset({"Pacer", "SharedPacer", "Turn"}),
    "retry": frozenset({"RetryPolicy"}),
    "session": frozenset({"ConversationSession"}),
    "throttle": frozenset({"Standing"}),
    "transport": frozenset({"AiohttpTransport", "Transport", "TokenPlace", "HttpSession", "checked_base_url"}),
}

# Annexes → the rooms and annexes of ours that they may import; others as they like.
ANNEXES: Final[dict[str, tuple[str, ...]]] = {
    "emulator": ("model",),
    "sync": tuple(PUBLIC),
    "written": (),
    "view": ("sync", "written"),
    "export": ("sync", "written"),
    "chat": tuple(PUBLIC),
    "fleet": (*PUBLIC, "sync"),
    "cli": (*PUBLIC, "emulator", "sync", "view", "export", "chat", "fleet"),
    "__main__": ("cli",),
}

NEVER_BELOW_THE_EDGES: Final = {
    *("asyncio", "aiohttp", "time", "random", "logging", "os", "secrets"),
    *("io", "pathlib", "select", "selectors", "signal", "socket", "subprocess", "sys", "tempfile", "threading"),
}
NEVER_IN_THE_SESSION: Final = {"aiohttp", "json", "orjson", "aiolimiter"}
NO_NAMES_FOR_ROOMS: Final = {"utils", "util", "helpers", "helper", "common", "base", "core", "manager", "misc"}
MAY_SLEEP: Final = {"throttle", "caller", "pacer.file"}


def room_of(path: Path) -> str:
    """`graph/usage.py` is `graph.usage`; a package's own file is the package."""
    parts = path.relative_to(HOUSE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


SOURCES: Final = {room_of(path): path for path in sorted(HOUSE.rglob("*.py"))}
TREES: Final = {room: ast.parse(path.read_text(encoding="utf-8")) for room, path in SOURCES.items()}


def annex_of(room: str) -> str | None:
    return next((annex for annex in ANNEXES if room == annex or room.startswith(f"{annex}.")), None)


HOUSE_ROOMS: Final = [room for room in SOURCES if room in ROOMS]


@frozen
class Import:
    """One imported name: `from a.b import c` is module `a.b` and name `c`."""

    module: str
    name: str | None
    line: int

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str | None:
        """The room of ours that is imported."""
        if self.top != PACKAGE:
            return None
        module = self.module.removeprefix(PACKAGE).removeprefix(".")
        inner = f"{module}.{self.name}".removeprefix(".")
        return inner if self.name is not None and inner in SOURCES else module


def imports_of(room: str) -> Iterator[Import]:
    """Every import, also inside functions and under TYPE_CHECKING."""
    is_package = SOURCES[room].name == "__init__.py"
    for node in ast.walk(TREES[room]):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, None, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                home = [PACKAGE, *filter(None, room.split("."))]
                home = home[: len(home) - node.level + is_package]
                module = ".".join([*home, *filter(None, [module])])
            for alias in node.names:
                yield Import(module, alias.name, node.lineno)


def told(room: str, found: Import) -> str:
    return f"{room or PACKAGE}:{found.line} imports {found.module} {found.name or ''}".rstrip()


# -- the law -----------------------------------------------------------------------------------------------------------


def test_every_room_is_in_the_table() -> None:
    unknown = [room for room in SOURCES if room not in ROOMS and annex_of(room) is None]
    assert not unknown, f"give {unknown} a floor and say what they may import"


def test_the_table_itself_points_downward() -> None:
    for name, room in ROOMS.items():
        assert all(ROOMS[other].floor <= room.floor for other in room.ours), name
        assert all(annex_of(other) is None for other in room.ours), name


@pytest.mark.parametrize("room", HOUSE_ROOMS, ids=lambda room: room or PACKAGE)
def test_a_room_imports_only_what_its_row_says(room: str) -> None:
    row = ROOMS[room]
    wrong = []
    for found in imports_of(room):
        if found.room is not None:
            allowed = found.room in row.ours
        else:
            allowed = found.top in row.others or found.top in sys.stdlib_module_names
        if not allowed:
            wrong.append(told(room, found))
    assert not wrong


@pytest.mark.parametrize("room", [room for room in HOUSE_ROOMS if ROOMS[room].floor < 2])
def test_words_and_pure_rooms_know_no_clock_no_chance_and_no_outside(room: str) -> None:
    """*Now* and *chance* are arguments: floor 1 decides, floor 2 waits."""
    assert not [told(room, found) for found in imports_of(room) if found.top in NEVER_BELOW_THE_EDGES]


def test_the_session_speaks_neither_http_nor_json() -> None:
    rooms = ("session", *LANES, "lanes", "")
    assert not [told(room, found) for room in rooms for found in imports_of(room) if found.top in NEVER_IN_THE_SESSION]


def test_nobody_below_knows_an_annex() -> None:
    wrong = [
        told(room, found)
        for room in HOUSE_ROOMS
        for found in imports_of(room)
        if found.room is not None and annex_of(found.room) is not None
    ]
    assert not wrong


@pytest.mark.parametrize("room", [room for room in SOURCES if annex_of(room) is not None])
def test_an_annex_imports_of_ours_only_what_its_row_says(room: str) -> None:
    annex = annex_of(room)
    assert annex is not None
    wrong = [
        told(room, found)
        for found in imports_of(room)
        if found.room is not None and annex_of(found.room) != annex
        if not _is_open_to(annex, found.room, found.name)
    ]
    assert not wrong


def _is_open_to(annex: str, room: str, name: str | None) -> bool:
    if annex_of(room) is not None:
        return annex_of(room) in ANNEXES[annex]
    if room not in ANNEXES[annex] or room not in PUBLIC:
        return False
    names = PUBLIC[room]
    return names is None or name in names


@pytest.mark.parametrize("room", list(PUBLIC), ids=lambda room: room or PACKAGE)
def test_what_annexes_may_import_is_there(room: str) -> None:
    module = import_module(f"{PACKAGE}.{room}".removesuffix("."))
    assert not [name for name in PUBLIC[room] or () if not hasattr(module, name)]


def test_the_emulator_shares_nothing_with_the_client_but_the_platforms() -> None:
    """An independent witness: a belief about Meta that is wrong must not be wrong in both."""
    shared = {
        found.name
        for room in SOURCES
        if annex_of(room) == "emulator"
        for found in imports_of(room)
        if found.room is not None and annex_of(found.room) != "emulator"
    }
    assert shared <= {"Platform"}


def test_view_and_export_know_of_the_sync_its_reading_side_alone() -> None:
    readers = [room for room in SOURCES if annex_of(room) in ("view", "export")]
    known = {
        found.room for room in readers for found in imports_of(room) if found.room and annex_of(found.room) == "sync"
    }
    assert known == {"sync.reading", "sync.moments"}


def test_no_room_imports_what_another_keeps_to_itself() -> None:
    wrong = [
        told(room, found)
        for room in SOURCES
        for found in imports_of(room)
        if found.room is not None and found.name is not None and found.name.startswith("_")
        if found.name != "__version__"
    ]
    assert not wrong


def test_no_room_has_a_name_that_says_nothing() -> None:
    assert not [room for room in SOURCES if NO_NAMES_FOR_ROOMS & set(room.split("."))]


def calls(room: str) -> Iterator[tuple[str, int]]:
    """The last name of everything called, with its line."""
    for node in ast.walk(TREES[room]):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            yield name, node.lineno


def test_only_the_edges_that_wait_for_limits_sleep() -> None:
    wrong = [f"{room}:{line}" for room in HOUSE_ROOMS for name, line in calls(room) if name == "sleep"]
    assert {place.partition(":")[0] for place in wrong} <= MAY_SLEEP, wrong


def test_imports_are_made_by_import_so_that_this_test_sees_them() -> None:
    """The package's own file imports its face late; what it may reach is its row."""
    hidden = {room for room in SOURCES for name, _ in calls(room) if name in ("import_module", "__import__")}
    assert {room for room in hidden if annex_of(room) is None} <= {""}


def constants(room: str) -> Iterator[object]:
    """Every literal of a room but its docstrings."""
    documents = {
        id(node.value)
        for node in ast.walk(TREES[room])
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(TREES[room]):
        if isinstance(node, ast.Constant) and id(node) not in documents:
            yield node.value


@pytest.mark.parametrize("room", ["limits", "retry", "slots", "paging", "throttle", *LANES, "lanes", "session"])
def test_headers_and_codes_are_known_to_graph_alone(room: str) -> None:
    if room not in SOURCES:
        return
    codes = {190, 341, 368, 613, *range(80000, 80015)}
    for value in constants(room):
        assert not (type(value) is int and value in codes)
        assert not (isinstance(value, str) and value.lower().startswith(("x-", "retry-after", "facebook-api")))


def test_of_backoff_only_its_wait_generators_are_used() -> None:
    """Its decorators wake before a stated wait is over, and run on the wall clock."""
    used = {
        node.attr
        for node in ast.walk(TREES["retry"])
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "backoff"
    }
    assert used <= {"expo", "full_jitter", "runtime"}


# -- what an import costs ----------------------------------------------------------------------------------------------


def loaded_by(statement: str) -> set[str]:
    """Top-level modules that a fresh interpreter holds after a statement."""
    source = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60)
    return set(done.stdout.split())


def test_the_library_is_used_without_the_command_lines_packages() -> None:
    statement = f"import {PACKAGE}; {PACKAGE}.ConversationSession"
    loaded = loaded_by(statement)
    assert {PACKAGE, "aiohttp"} <= loaded
    assert not {"cyclopts", "rich", "pytest", "looptime"} & loaded


def test_sqlite_is_loaded_for_who_shares_the_pace() -> None:
    assert "sqlite3" not in loaded_by(f"import {PACKAGE}; {PACKAGE}.ConversationSession")
    assert "sqlite3" in loaded_by(f"import {PACKAGE}; {PACKAGE}.SharedPacer")


def test_importing_the_package_alone_brings_no_network() -> None:
    assert not {"aiohttp", "asyncio", "cyclopts", "rich"} & loaded_by(f"import {PACKAGE}")
