"""A browser for all tests of a process, and pages made of databases."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from conversations_async.sync.reading import open_reader
from conversations_async.view import write_view
from view.browser import HOW_TO_GET_IT, Browser, Tab, chromium
from view.filled import NOON, Filled, fill_shop

Fill: TypeAlias = Callable[[Callable[[Filled], None]], Path]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if os.environ.get("CONVERSATIONS_NO_BROWSER"):
        pytest.skip("CONVERSATIONS_NO_BROWSER is set")
    if chromium() is None:
        pytest.fail(HOW_TO_GET_IT)
    with Browser() as browser:
        yield browser


def page_of(database: Path) -> Path:
    """The page of a database, beside it."""
    path = database.with_suffix(".html")
    with open_reader(database) as reader:
        write_view(reader, path, name=database.name, now=NOON + timedelta(hours=1))
    return path


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small business: five Pages on both platforms, one Inbox failed."""
    return page_of(fill_shop(tmp_path_factory.mktemp("shop") / "shop.db", pages=5, threads=60))


@pytest.fixture
def page(tmp_path: Path) -> Fill:
    """Make the page of a database that a function fills."""

    def make(fill: Callable[[Filled], None]) -> Path:
        with Filled(tmp_path / "inbox.db") as filled:
            fill(filled)
        return page_of(tmp_path / "inbox.db")

    return make


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Tab]]:
    """Open a page; afterwards it must have asked for nothing, and neither it nor its policy have complained."""
    with ExitStack() as stack:
        tabs: list[Tab] = []

        def open_page(path: Path, **how: Any) -> Tab:
            tabs.append(stack.enter_context(browser.tab(path, **how)))
            return tabs[-1].ready()

        yield open_page
        for tab in tabs:
            assert tab.complaints == []
            assert tab.requests == []
