"""A pages file for a world: what `conversations-async --pages` reads."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from conversations_async.emulator.world import World
from conversations_async.model import Platform

if TYPE_CHECKING:
    from conversations_async.emulator.app import GraphEmulator


def write_pages_file(
    source: "GraphEmulator | World",
    path: str | os.PathLike[str],
    *,
    instagram_login: Collection[str] = (),
    head: str = "",
) -> Path:
    """Write the world's Pages with their tokens as TOML, readable by its owner alone (mode 0600).

    Of the Pages whose ids are in *instagram_login* the Instagram account is written instead, as one reached by
    Instagram Login. *head* comes first in the file: a comment.
    """
    world = source if isinstance(source, World) else source.world
    parts = []
    for page in world.pages.values():
        login = page.id in instagram_login
        page_id, token = (page.instagram_id, page.instagram_token) if login else (page.id, page.token)
        if page_id is None or token is None:
            raise ValueError(f"Page {page.id} has no Instagram account")
        lines = [
            "[[page]]",
            f"id = {_quoted(page_id)}",
            f"token = {_quoted(token)}",
            f"name = {_quoted(page.name)}",
        ]
        if login:
            lines.append('graph = "instagram"')
        elif set(page.platforms) != set(Platform):
            lines.append(f"platforms = [{', '.join(_quoted(platform) for platform in page.platforms)}]")
        parts.append("\n".join(lines) + "\n")
    target = Path(path)
    # Removed first: an existing file would keep the mode it has.
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(head + "\n".join(parts))
    return target


def _quoted(text: str) -> str:
    escaped = "".join(
        f"\\u{ord(letter):04x}"
        if ord(letter) < 0x20 or letter == "\x7f"
        else "\\" + letter
        if letter in '"\\'
        else letter
        for letter in text
    )
    return f'"{escaped}"'
