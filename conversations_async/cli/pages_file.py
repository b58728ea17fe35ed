"""The pages file: which Pages, and where their tokens lie. TOML, or the same columns as CSV.

A token is easily put in the wrong place, and an error that quotes the place would print it. So no sentence here quotes
a value: it names the file, the line and the key.
"""

import csv
import io
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from conversations_async.cli.endings import near, refuse
from conversations_async.pages import Inbox, Page, Platform

_TOKEN_KEYS: Final = ("token", "token_env", "token_file")
_KEYS: Final = ("id", *_TOKEN_KEYS, "name", "platforms", "graph", "tasks")
_GRAPHS: Final = ("facebook", "instagram")


@frozen
class _Entry:
    """One Page as it is written: `where` names the file and the line."""

    where: str
    values: Mapping[str, Any]


def read_pages(path: Path) -> list[Page]:
    """The Pages of a file, in its order. Ends the run with a sentence where the file is not as it should be."""
    text = _read(path)
    entries = _csv_entries(text, path) if path.suffix.lower() == ".csv" else _toml_entries(text, path)
    pages: list[Page] = []
    first_seen: dict[str, str] = {}
    for entry in entries:
        page = _page(entry, path)
        if page.id in first_seen:
            refuse(f"{entry.where}: Page {page.id} is there twice; the first time at {first_seen[page.id]}")
        first_seen[page.id] = entry.where
        pages.append(page)
    if not pages:
        refuse(f"{path}: holds no Page; each is written as [[page]] with an id and a token")
    return pages


def is_id(text: str) -> bool:
    """Whether it can be an id, as the model sees it."""
    try:
        Inbox(text, Platform.MESSENGER)
    except ValueError:
        return False
    return True


# -- reading -----------------------------------------------------------------------------------------------------------


def _read(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        refuse(f"{path}: there is no such pages file")
    except IsADirectoryError:
        refuse(f"{path}: is a directory, not a pages file")
    except OSError as error:
        refuse(f"{path}: cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        refuse(f"{path}: is not text in UTF-8")


def _toml_entries(text: str, path: Path) -> Iterator[_Entry]:
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Only its place: the parser's words may quote the file.
        place = re.search(r"line (\d+), column (\d+)", str(error))
        refuse(f"{path}: is not TOML; look at " + (f"line {place[1]}, column {place[2]}" if place else "its end"))
    except RecursionError:
        refuse(f"{path}: is nested too deep")
    except ValueError:
        refuse(f"{path}: is not TOML; a number in it is too long")
    for key in content:
        if key != "page":
            refuse(f"{path}: unknown key{_named(key, ('page',))}; Pages are written as [[page]]")
    listed = content.get("page", [])
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        refuse(f"{path}: each Page is written as [[page]], with two brackets")
    lines = [number for number, line in enumerate(text.splitlines(), 1) if re.match(r"\s*\[\[\s*page\s*\]\]", line)]
    for number, values in enumerate(listed):
        where = f"line {lines[number]}" if len(lines) == len(listed) else f"Page no. {number + 1}"
        yield _Entry(f"{path}, {where}", values)


def _csv_entries(text: str, path: Path) -> Iterator[_Entry]:
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [cell.strip().lower() for cell in next(reader, [])]
        for column in columns:
            if column not in _KEYS:
                refuse(f"{path}, line 1: unknown column{_named(column)}; the columns are {', '.join(_KEYS)}")
        if len(set(columns)) < len(columns):
            refuse(f"{path}, line 1: a column is there twice")
        for row in reader:
            where = f"{path}, line {reader.line_num}"
            cells = [cell.strip() for cell in row]
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                refuse(f"{where}: has more cells than the first line has columns")
            values: dict[str, Any] = {key: cell for key, cell in zip(columns, cells, strict=False) if cell}
            if "platforms" in values:
                values["platforms"] = re.split(r"[\s,;|/+]+", values["platforms"])
            if "tasks" in values:
                values["tasks"] = re.split(r"[\s,;|/+]+", values["tasks"])
            if values:
                yield _Entry(where, values)
    except csv.Error:
        refuse(f"{path}, line {reader.line_num}: is not CSV")


# -- one Page ----------------------------------------------------------------------------------------------------------


def _page(entry: _Entry, path: Path) -> Page:
    values, where = entry.values, entry.where
    for key in values:
        if key not in _KEYS:
            refuse(f"{where}: unknown key{_named(key)}; a Page has {', '.join(_KEYS)}")
    page_id = _id(values.get("id"), where)
    where = f"{where}: Page {page_id}"
    name, graph = values.get("name"), values.get("graph", "facebook")
    if name is not None and not isinstance(name, str):
        refuse(f"{where}: name is a text")
    if graph not in _GRAPHS:
        refuse(f'{where}: graph is "facebook" or "instagram"{near(graph, _GRAPHS)}')
    platforms = _platforms(values.get("platforms"), where)
    if graph == "instagram" and Platform.INSTAGRAM not in platforms:
        refuse(f'{where}: with graph = "instagram" its platform is instagram')
    tasks = values.get("tasks", [])
    if not isinstance(tasks, list) or not all(isinstance(task, str) for task in tasks):
        refuse(f'{where}: tasks is a list such as ["MESSAGING"]')
    token = _token(values, where, path)
    try:
        return Page(page_id, token, name=name, platforms=platforms, graph=graph, tasks=tuple(tasks))
    except (TypeError, ValueError) as error:
        refuse(f"{where}: {error}")


def _id(value: object, where: str) -> str:
    if value is None:
        refuse(f"{where}: a Page without an id")
    # Bounded first: Python writes no number of thousands of digits.
    text = str(value) if type(value) is int and 0 <= value < 10**32 else value
    if not isinstance(text, str) or not is_id(text):
        refuse(f"{where}: the id of a Page is written in digits")
    return text


def _platforms(value: object, where: str) -> tuple[Platform, ...]:
    if value is None:
        return tuple(Platform)
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list) or not listed:
        refuse(f'{where}: platforms is a list such as ["messenger", "instagram"]')
    for each in listed:
        if not isinstance(each, str) or each.lower() not in tuple(Platform):
            refuse(f"{where}: unknown platform; choose messenger or instagram{near(each, tuple(Platform))}")
    return tuple(Platform(each) for each in listed)


def _token(values: Mapping[str, Any], where: str, path: Path) -> str:
    given = [key for key in _TOKEN_KEYS if key in values]
    if not given:
        refuse(f"{where} has no token: give one of token, token_env and token_file")
    if len(given) > 1:
        refuse(f"{where} has {' and '.join(given)}: keep one of them")
    key = given[0]
    value = values[key]
    if not isinstance(value, str) or not value:
        refuse(f"{where}: {key} is a text")
    if key == "token_env":
        return _token_of_environment(value, where)
    if key == "token_file":
        return _token_of_file(path.parent / value, where)
    return value


def _token_of_environment(name: str, where: str) -> str:
    token = os.environ.get(name, "").strip() if "=" not in name and "\0" not in name else ""
    if not token:
        # A token put here by mistake has small letters in it; the name of a variable hardly ever.
        shown = f" {name}" if re.fullmatch(r"[A-Z][A-Z0-9_]{0,63}", name) else ""
        refuse(f"{where}: the environment variable{shown} that token_env names is not set")
    return token


def _token_of_file(path: Path, where: str) -> str:
    try:
        token = path.expanduser().read_text("utf-8").strip()
    except (OSError, ValueError, RuntimeError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "not text in UTF-8"
        refuse(f"{where}: the file that token_file names cannot be read" + (f": {reason}" if reason else ""))
    if not token:
        refuse(f"{where}: the file that token_file names is empty")
    return token


def _named(key: str, known: Sequence[str] = _KEYS) -> str:
    """A key in quotes, where it is nearly a known one: any other word could be a token that slid there."""
    meant = near(key, known).rstrip("?") if re.fullmatch(r"[a-z][a-z_ -]{0,23}", key) else ""
    return f' "{key}"{meant}' if meant else ""
