"""The page as a whole: its parts in the order in which a browser needs them, and what it is allowed to do.

First what draws the first screen: the head, the Inboxes and the newest threads, the script. Then everything else, which
a browser goes on reading while the first screen is there already. The policy in the head allows the page its own style
and script, by their hashes, and nothing else: no network, no frame, no form, and no text made into markup.
"""

import base64
import hashlib
from datetime import datetime
from html import escape
from importlib.resources import files
from pathlib import Path
from typing import Final

from attrs import frozen

from conversations_async.sync.reading import Reader
from conversations_async.view.blocks import put_block
from conversations_async.view.inboxes import read_inboxes
from conversations_async.view.runs import put_runs
from conversations_async.view.threads import MessageBlocks, ThreadBlocks
from conversations_async.written import whole_file

MARK: Final = b"<!doctype html>\n<!-- made by conversations-async view -->\n"
"""How every page of ours begins."""

SCRIPTS: Final = ("text", "blocks", "list", "search", "inboxes", "chat", "runs", "app", "start")
"""Files of the page's script, in the order in which they are joined."""

_PAGE: Final = files("conversations_async.view") / "page"


@frozen
class Written:
    """What a page holds."""

    inboxes: int
    threads: int
    messages: int
    failed: int
    size: int
    """Bytes."""


def _part(name: str) -> str:
    return (_PAGE / name).read_text("utf-8")


def _script() -> str:
    parts = [_part(f"{name}.js") for name in SCRIPTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "\n})();\n"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def policy(style: str, script: str) -> str:
    """What a browser lets the page do."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def write_view(reader: Reader, path: Path, *, name: str, now: datetime) -> Written:
    """Write the page of a database into a file of mode 0600, which takes the place of what was there when it is whole.

    *name* is what the page calls the database. Memory stays flat, however much there is.
    """
    with whole_file(path) as file:
        inboxes = read_inboxes(reader)
        style, script = _part("page.css"), _script()
        head, body = _part("page.html").split("<!-- data -->\n")
        filled = {"policy": escape(policy(style, script)), "style": style, "name": escape(name)}
        for word, text in filled.items():
            head = head.replace("{{" + word + "}}", text)
        file.write(MARK + head.encode())
        rows = [inbox.as_row() for inbox in inboxes.values()]
        put_block(file, "head", {"name": name, "made": int(now.timestamp()), "inboxes": rows})
        threads = ThreadBlocks(reader, inboxes, MessageBlocks(file))
        threads.put_batch()
        file.write(f"<script>{script}</script>\n".encode())
        while threads.put_batch():
            pass
        put_block(file, "runs", put_runs(reader, file, inboxes))
        file.write(body.encode())
        failed = sum(inbox.state == "failed" for inbox in inboxes.values())
        return Written(len(inboxes), threads.threads, threads.messages.messages, failed, file.tell())
