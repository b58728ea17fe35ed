"""`conversations-async pages`."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn

from cyclopts import Parameter

from conversations_async.cli.endings import ALL_FAILED, ALL_WELL, SOME_FAILED, refuse
from conversations_async.cli.lines import clean, say
from conversations_async.cli.options import CallOptions, check_addresses, session_of
from conversations_async.graph.requests import DEFAULT_API_VERSION, GRAPH
from conversations_async.pages import Page, Platform, Secret

if TYPE_CHECKING:
    from conversations_async.events import Event

_USER_TOKEN: Final = "CONVERSATIONS_USER_TOKEN"  # noqa: S105  # its name, not its value


def pages(
    *,
    with_tokens: Annotated[
        Path | None, Parameter(help="Write a new file that holds the tokens too and that only its owner may read.")
    ] = None,
    base_url: Annotated[str, Parameter(help="Where Graph is: https, or http on this machine only.")] = GRAPH,
    api_version: Annotated[str, Parameter(help="Version of the Graph API.")] = DEFAULT_API_VERSION,
) -> int:
    """Run the verb that `cli.verbs` describes, and give its exit status."""
    options = CallOptions(base_url=base_url, api_version=api_version)
    check_addresses(options)
    token = os.environ.get(_USER_TOKEN, "").strip()
    if not token:
        refuse(f"put the user token into the environment variable {_USER_TOKEN}")
    if with_tokens is not None:
        _check_place(with_tokens)
    try:
        secret = Secret(token)
    except ValueError as error:
        refuse(f"{_USER_TOKEN}: {error}")
    del token

    import asyncio

    found, failed = asyncio.run(_find(secret, options))
    text = "\n".join(_entry(page, with_token=with_tokens is not None) for page in found)
    if with_tokens is None:
        sys.stdout.write(text)
        sys.stdout.flush()
    elif found:
        _write(with_tokens, text)
    where = f" in {with_tokens}" if with_tokens is not None and found else ""
    if failed and found:
        say(f"{len(found)} Pages{where}, and these are not all")
        return SOME_FAILED
    if not failed:
        say(f"{len(found)} Pages{where}")
    return ALL_FAILED if failed else ALL_WELL


async def _find(token: Secret, options: CallOptions) -> tuple[list[Page], bool]:
    from conversations_async.cli.telling import log_to_stderr
    from conversations_async.errors import ConversationsError

    log_to_stderr(verbose=False, quiet=False)
    found: list[Page] = []
    async with session_of(options, on_event=_hear) as session:
        try:
            async for page in session.pages_of(token):
                found.append(page)  # noqa: PERF401  # what came before a failure counts
        except ConversationsError as error:
            say(f"{error} For this command: put a user token into {_USER_TOKEN}, one with pages_show_list.")
            return found, True
    return found, False


def _hear(event: "Event") -> None:
    from conversations_async.events import TaskMissing

    if not isinstance(event, TaskMissing):
        return
    has = ", ".join(event.tasks) or "none"
    if event.has_token:
        doubt = "may not be readable" if "MODERATE" in event.tasks else "can probably not be read"
        say(f"Page {event.page_id}: lacks the task {event.task} (has {has}): its threads {doubt}")
    else:
        say(f"Page {event.page_id}: Meta gave no token for it (tasks: {has}); left out")


def _entry(page: Page, *, with_token: bool) -> str:
    """One [[page]]. Names are people's text: nothing in them may end the line or the text."""
    lines = ["[[page]]", f"id = {_quoted(page.id)}"]
    if with_token and isinstance(page.token, Secret):
        lines.append(f"token = {_quoted(page.token.reveal())}")
    else:
        lines.append(f"token_env = {_quoted(f'CONVERSATIONS_TOKEN_{page.id}')}")
    if page.name:
        lines.append(f"name = {_quoted(clean(page.name))}")
    if set(page.platforms) != set(Platform):
        lines.append(f"platforms = [{', '.join(map(_quoted, page.platforms))}]")
    if page.tasks:
        lines.append(f"tasks = [{', '.join(_quoted(clean(task)) for task in page.tasks)}]")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _check_place(path: Path) -> None:
    """Before any call: a new file can be made there, as far as one can tell without making it."""
    try:
        taken, has_room = os.path.lexists(path), path.parent.is_dir()
    except OSError as error:
        _refuse_file(path, error)
    if taken:
        refuse(f"--with-tokens: {path} is there already; name another file")
    if not has_room:
        refuse(f"--with-tokens: {path} cannot be written: there is no such directory")


def _write(path: Path, text: str) -> None:
    """A new file of mode 0600: made so, not made so afterwards. Whole, or not there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        _refuse_file(path, error)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        path.unlink(missing_ok=True)
        _refuse_file(path, error)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _refuse_file(path: Path, error: OSError) -> NoReturn:
    refuse(f"--with-tokens: {path} cannot be written: {(error.strerror or '').lower()}")
