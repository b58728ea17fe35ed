"""A pages file for a world: what `conversations-async --pages` reads."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from conversations_async.emulator.world import World
from conversations_async.model import Platform

if TYPE_CHECKING:
    from conversations_async.emulator.app import GraphEmulator


def write_pages_file(source: "GraphEmulator | World", path: str | os.PathLike[str]) -> Path:
    """Write the world's Pages with their tokens as TOML, readable by its owner alone (mode 0600)."""
    world = source if isinstance(source, World) else source.world
    parts = []
    for page in world.pages.values():
        lines = [
            "[[page]]",
            f"id = {_quoted(page.id)}",
            f"token = {_quoted(page.token)}",
            f"name = {_quoted(page.name)}",
        ]
        if set(page.platforms) != set(Platform):
            lines.append(f"platforms = [{', '.join(_quoted(platform) for platform in page.platforms)}]")
        parts.append("\n".join(lines) + "\n")
    target = Path(path)
    # Removed first: an existing file would keep the mode it has.
    target.unlink(missing_ok=True)
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write("\n".join(parts))
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
