"""A real Chromium without a window, told what to do through a pipe in the protocol of its own developer tools.

Plain blocking calls: a test clicks, types and asks the page, one thing after the other.
"""

import base64
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Self

from attrs import define, field

HOW_TO_GET_IT: Final = (
    "the tests of the view need the browser Chromium: `apt-get install chromium` "
    "(or set CHROMIUM to its path; CONVERSATIONS_NO_BROWSER=1 skips these tests)"
)
PATIENCE: Final = 30.0
"""Seconds for anything that a browser is asked."""

_KEYS: Final = {
    "Enter": (13, "\r"), "Escape": (27, ""), "ArrowDown": (40, ""), "ArrowUp": (38, ""), "Tab": (9, ""),
    "Home": (36, ""), "End": (35, ""), "PageDown": (34, ""), "PageUp": (33, ""),
}  # fmt: skip

# The browser reads its orders from descriptor 3 and answers on 4; what is there already moves out of the way first.
_AS_3_AND_4: Final = """
import fcntl, os, sys
ends = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 20) for each in sys.argv[1:3]]
for wanted, end in zip((3, 4), ends):
    os.dup2(end, wanted)
    os.close(end)
os.execv(sys.argv[3], sys.argv[3:])
"""

_PROBE: Final = (Path(__file__).parent / "probe.js").read_text("utf-8")


def chromium() -> str | None:
    """Where the browser is, if it is installed."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


class Browser:
    """One process for many tabs."""

    def __init__(self) -> None:
        path = chromium()
        assert path is not None, HOW_TO_GET_IT
        self._home = tempfile.mkdtemp(prefix="conversations-async-browser-")
        to_browser, self._write = os.pipe()
        self._read, from_browser = os.pipe()
        arguments = [
            *("--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync", "--disable-extensions"),
            *("--disable-component-update", "--hide-scrollbars", "--force-color-profile=srgb", "--lang=en-GB"),
            *("--font-render-hinting=none", f"--user-data-dir={self._home}", "about:blank"),
        ]
        place = [sys.executable, "-ISc", _AS_3_AND_4, str(to_browser), str(from_browser)]
        self._process = subprocess.Popen(
            [*place, path, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=(to_browser, from_browser),
            env=os.environ | {"LANGUAGE": "en_GB", "HOME": self._home},
            start_new_session=True,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._heard = b""
        self._asked = 0
        self._tabs: dict[str, Tab] = {}
        self._idle: list[Tab] = []

    def close(self) -> None:
        try:
            self.ask("Browser.close")
            self._process.wait(timeout=10)
        except (AssertionError, OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait(timeout=10)
        finally:
            os.close(self._write)
            os.close(self._read)
            shutil.rmtree(self._home, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def ask(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Send one order and wait for its answer; what happens meanwhile is told to the tabs."""
        self._asked += 1
        order: dict[str, Any] = {"id": self._asked, "method": method, "params": parameters}
        if session is not None:
            order["sessionId"] = session
        os.write(self._write, json.dumps(order).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            answer = self._next(until, method)
            if answer.get("id") == order["id"]:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return dict(answer["result"])
            self._tell(answer)

    def listen(self, seconds: float) -> None:
        """Hear what the browser tells by itself for so long at most, or until it has told something."""
        if b"\0" in self._heard or select.select([self._read], [], [], seconds)[0]:
            self._tell(self._next(time.monotonic() + PATIENCE, "an event"))

    def _tell(self, event: dict[str, Any]) -> None:
        tab = self._tabs.get(event.get("sessionId", ""))
        if tab is not None and "method" in event:
            tab.events.append((event["method"], event["params"]))

    def _next(self, until: float, what: str) -> dict[str, Any]:
        while b"\0" not in self._heard:
            ready, _, _ = select.select([self._read], [], [], max(0.0, until - time.monotonic()))
            assert ready, f"the browser did not answer {what} within {PATIENCE:.0f} s"
            more = os.read(self._read, 1 << 20)
            assert more, f"the browser ended during {what}"
            self._heard += more
        line, _, self._heard = self._heard.partition(b"\0")
        return dict(json.loads(line))

    @contextmanager
    def tab(
        self,
        path: Path,
        *,
        width: int = 1280,
        height: int = 800,
        dark: bool = False,
        zone: str = "Europe/Berlin",
        at: str = "",
    ) -> Iterator["Tab"]:
        """A page in a window of this size, opened at a place such as `#runs`."""
        tab = self._idle.pop() if self._idle else self._new_tab()
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        still = {"name": "prefers-reduced-motion", "value": "reduce"}
        tab.ask("Emulation.setDeviceMetricsOverride", **size)
        tab.ask("Emulation.setTimezoneOverride", timezoneId=zone)
        tab.ask("Emulation.setEmulatedMedia", features=[scheme, still])
        tab.events.clear()
        tab.ask("Page.navigate", url=path.resolve().as_uri() + at)
        yield tab
        tab.value("localStorage.clear()")
        tab.ask("Emulation.setTimezoneOverride", timezoneId="")
        tab.ask("Page.navigate", url="about:blank")
        self._idle.append(tab)

    def _new_tab(self) -> "Tab":
        # A window of its own: a tab behind another one is never drawn.
        target = self.ask("Target.createTarget", url="about:blank", newWindow=True)["targetId"]
        session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self._tabs[session] = Tab(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            tab.ask(f"{domain}.enable")
        tab.ask("Emulation.setFocusEmulationEnabled", enabled=True)
        tab.ask("Page.addScriptToEvaluateOnNewDocument", source=_PROBE)
        return tab


@define(eq=False)
class Tab:
    """One page and everything that was heard of it."""

    browser: Browser
    session: str
    events: list[tuple[str, dict[str, Any]]] = field(factory=list)

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.ask(method, self.session, **parameters)

    def value(self, expression: str) -> Any:
        """What an expression is on the page, a promise's outcome included."""
        told = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def until(self, expression: str) -> Any:
        """Wait until an expression is true on the page."""
        end = time.monotonic() + PATIENCE
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"never came true: {expression}"
            self.browser.listen(0.01)
        return found

    def ready(self) -> Self:
        """Wait until the page has read itself whole and drawn."""
        self.until(
            "document.documentElement?.dataset.ready === 'all' || document.getElementById('trouble')?.hidden === false"
        )
        return self.settled()

    def settled(self) -> Self:
        """Wait until what was asked for is drawn."""
        self.value("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(() => go(true))))")
        return self

    def press(self, *keys: str) -> Self:
        for key in keys:
            code, text = _KEYS.get(key, (ord(key.upper()[0]), key))
            known = {"key": key, "windowsVirtualKeyCode": code}
            self.ask("Input.dispatchKeyEvent", type="keyDown", **known, **({"text": text} if text else {}))
            self.ask("Input.dispatchKeyEvent", type="keyUp", **known)
        return self.settled()

    def type(self, text: str) -> Self:
        self.ask("Input.insertText", text=text)
        return self.settled()

    def click(self, selector: str) -> Self:
        """Click with the mouse in the middle of what can be seen of an element."""
        x, y = self.value(f"probe.middleOf({json.dumps(selector)})")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
        return self.settled()

    def text(self, selector: str) -> str:
        return str(self.value(f"document.querySelector({json.dumps(selector)}).innerText"))

    def texts(self, selector: str) -> list[str]:
        return list(self.value(f"[...document.querySelectorAll({json.dumps(selector)})].map((each) => each.innerText)"))

    def count(self, selector: str) -> int:
        return int(self.value(f"document.querySelectorAll({json.dumps(selector)}).length"))

    def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"]))

    def wait_for(self, selector: str) -> Self:
        self.until(f"document.querySelector({json.dumps(selector)}) !== null")
        return self.settled()

    # -- what was heard ------------------------------------------------------------------------------------------------

    def heard(self, method: str, which: Callable[[dict[str, Any]], bool] = bool) -> list[dict[str, Any]]:
        return [event for name, event in self.events if name == method and which(event)]

    @property
    def requests(self) -> list[str]:
        """Addresses that the page asked for, itself and data of its own apart."""
        urls = [event["request"]["url"] for event in self.heard("Network.requestWillBeSent")]
        return [url for url in urls[1:] if not url.startswith(("data:", "blob:"))]

    @property
    def complaints(self) -> list[Any]:
        """Errors of the page's script, of the console and of the policy."""
        errors = self.heard("Runtime.consoleAPICalled", lambda event: event["type"] in ("error", "warning", "assert"))
        found: list[Any] = [*errors, *self.heard("Runtime.exceptionThrown")]
        found += self.heard("Log.entryAdded", lambda event: event["entry"]["level"] in ("error", "warning"))
        return found + list(self.value("probe.violations"))
