"""A plain caller for the emulator's tests: aiohttp and nothing of ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import attrs

from conversations_async.emulator import GraphEmulator, LimitRules, PageWorld, World
from conversations_async.model import Platform

# looptime asks for the current loop in sync tests too: where none was ever set, asyncio makes one that nobody closes.
asyncio.set_event_loop(None)

MESSENGER, INSTAGRAM = Platform.MESSENGER, Platform.INSTAGRAM


@attrs.frozen
class Heard:
    """What came back."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        """The `error` object."""
        return self.json["error"]

    @property
    def ids(self) -> list[str]:
        """The ids listed."""
        return [item["id"] for item in self.json["data"]]

    @property
    def paging(self) -> Any:
        """The `paging` object, empty where there is none."""
        return self.json.get("paging", {})

    @property
    def after(self) -> str:
        """The cursor to go on with."""
        after: str = self.paging["cursors"]["after"]
        return after

    @property
    def messenger_usage(self) -> Any:
        """The Messenger entry of the usage header."""
        entries = json.loads(self.headers["x-business-use-case-usage"])
        return next(entry for listed in entries.values() for entry in listed if entry["type"] == "messenger")


@attrs.frozen
class Asker:
    """Asks one emulator."""

    graph: GraphEmulator
    http: aiohttp.ClientSession

    async def get(
        self, path: str, token: str | PageWorld | None = None, *, instagram_host: bool = False, **params: Any
    ) -> Heard:
        """GET a path with a header token."""
        secret = token.token if isinstance(token, PageWorld) else token
        headers = {"Authorization": f"Bearer {secret}"} if secret else {}
        base = self.graph.instagram_url if instagram_host else self.graph.base_url
        async with self.http.get(
            f"{base}/v25.0/{path}", params=params, headers=headers, allow_redirects=False
        ) as response:
            return Heard(response.status, response.headers, await response.read())

    async def listing(self, page_id: str = "1001", platform: Platform = MESSENGER, **params: Any) -> Heard:
        """One call to the edge with the Page's own token."""
        page = self.graph.world.pages[page_id]
        return await self.get(f"{page_id}/conversations", page, platform=platform.value, **params)

    async def walk(
        self, page_id: str = "1001", platform: Platform = MESSENGER, most: int = 500, **params: Any
    ) -> list[str]:
        """Every id listed, following `after` as long as there is `next`."""
        listed: list[str] = []
        for _ in range(most):
            heard = await self.listing(page_id, platform, **params)
            assert heard.status == 200, heard.body
            listed += heard.ids
            if "next" not in heard.paging:
                return listed
            params["after"] = heard.after
        raise AssertionError("the walk does not end")


@asynccontextmanager
async def emulated(world: World | None = None, **options: Any) -> AsyncIterator[Asker]:
    """An emulator with its limits off, unless told otherwise, and somebody to ask it."""
    options.setdefault("limits", LimitRules.off())
    async with GraphEmulator(world, **options) as graph, aiohttp.ClientSession() as http:
        yield Asker(graph, http)


def ids(world: World, page_id: str = "1001", platform: Platform = MESSENGER, folder: str = "inbox") -> list[str]:
    """What must be listed."""
    return [thread.id for thread in world.threads(page_id, platform, folder)]
