"""People's text is hostile: it is shown as text, whatever it is, and nothing of it runs."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import pytest

from conversations_async.sync.reading import Reader, open_reader
from conversations_async.sync.schema import Dialect
from conversations_async.view import write_view
from conversations_async.view.blocks import as_json
from view.browser import Browser, Tab
from view.conftest import Fill
from view.filled import NOON, Filled

pytestmark = pytest.mark.browser

Open = Callable[..., Tab]

HOSTILE = {
    "markup": "<img src=x onerror=\"window.ran=1\"><svg onload='window.ran=1'></svg>",
    "end of script": "</script><script>window.ran=1</script>",
    "comment": "<!--<script>",
    "end of comment": "--><script>window.ran=1</script>",
    "style": "</style><style>*{display:none}</style>",
    "template": "{{constructor.constructor('window.ran=1')()}} ${window.ran=1}",
    "quotes": "'\"`><a href=javascript:window.ran=1>x</a>&lt;b&gt;&amp;",
    "backslashes": "\\u003cscript\\u003e \\",
    "emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301",
    "right to left": "مرحبا (abc) 123",
}


def fill_with(filled: Filled, text: str) -> None:
    """The same text everywhere that people, or those who name Pages and files, may write."""
    filled.page("1001", text)
    filled.inbox("1001", state="failed", last_error=text, next_step=text)
    filled.person("1001", "messenger", "1001", text)
    filled.person("1001", "messenger", "p", text, text)
    told: dict[str, Any] = {"snippet": text, "link": text, "name": text, "subject": text, "folder": text}
    filled.thread("1001", text, ["1001", "p"], message_count=2, **told)
    at = NOON - timedelta(minutes=1)
    filled.message(
        "1001", text, "m1", "p", text, from_name=text, at=at, carried=[(text, text, text, 5, text)], sticker=text
    )
    filled.message("1001", text, "m2", "1001", text, reply_to="m1")
    filled.run("r", "1001", outcome="failed", cause=text, next_step=text)
    filled.usage("r", "1001", "messenger", text, NOON, 1, 1, 1, 0)


@pytest.mark.parametrize("text", list(HOSTILE.values()), ids=list(HOSTILE))
def test_text_is_shown_as_it_is_and_nothing_runs(opened: Open, page: Fill, text: str) -> None:
    tab = opened(page(lambda filled: fill_with(filled, text)), at="#thread-0").wait_for(".group.own .bubble")
    for place in (
        "#inbox-list .row:nth-child(2) bdi",
        "#thread-list .name bdi",
        "#chat-head h2 bdi",
        ".group.other .text",
    ):
        assert tab.value(f"document.querySelector({place!r}).textContent") == text
    tab.click(".about summary")
    tab.click("#inbox-list .row:nth-child(2)")
    assert tab.value("document.querySelector('#failure bdi').textContent") == text
    tab.click("#tab-runs").wait_for(".chart")
    assert tab.value("document.querySelector('.failures .why bdi').textContent") == text
    assert tab.value("document.querySelector('.chart .pool bdi').textContent") == text
    assert tab.value("window.ran") is None
    ours = (
        "document.querySelectorAll('script:not([type]), style, img, iframe, object, form:not([method=dialog])').length"
    )
    assert tab.value(ours) == 2


def test_controls_are_shown_and_directions_are_kept_apart(opened: Open, page: Fill) -> None:
    text = "a\u202egnp.exe\u202c \u2066b\u2069 \x00\x1b[31m\x9b \ufeff line\u2028two\u2029three\x85four\r\nfive"

    def fill(filled: Filled) -> None:
        fill_with(filled, text.replace("\x00", ""))
        filled.message("1001", text.replace("\x00", ""), "m3", "p", text, at=NOON + timedelta(hours=1))

    tab = opened(page(fill), at="#thread-0").wait_for(".group:last-child .text")
    assert tab.texts(".group:last-child .control") == ["RLO", "PDF", "LRI", "PDI", "U+0000", "U+001B", "U+009B", "BOM"]
    shown = tab.value("document.querySelector('.group:last-child .text').textContent")
    assert shown == "aRLOgnp.exePDF LRIbPDI U+0000U+001B[31mU+009B BOM line\ntwo\nthree\nfour\nfive"
    direction = "getComputedStyle(document.querySelector({!r})).unicodeBidi"
    assert tab.value(direction.format(".group:last-child .text")) == "plaintext"
    assert tab.value(direction.format("#thread-list .name bdi")) == "isolate"


class _Halving:
    """A reader that gives halves of characters out, as a driver may that minds them less than SQLite's."""

    dialect: Dialect = "sqlite"

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
        for row in self._reader.rows(sql, parameters):
            yield tuple(each.replace("HALF", "\ud800") if isinstance(each, str) else each for each in row)

    def close(self) -> None:
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()


def test_halves_of_characters_pass_and_are_shown_as_such(opened: Open, tmp_path: Path) -> None:
    with Filled(tmp_path / "inbox.db") as filled:
        filled.page("1001", "HALF a Page")
        filled.inbox("1001")
        filled.person("1001", "messenger", "p", "HALF")
        filled.thread("1001", "t", ["p"], snippet="HALF", message_count=1)
        filled.message("1001", "t", "m", "p", "a HALF of HALF", from_name="HALF")
    path = tmp_path / "inbox.html"
    with _Halving(open_reader(tmp_path / "inbox.db")) as reader:
        write_view(reader, path, name="inbox", now=NOON)
    tab = opened(path, at="#thread-0").wait_for(".group.other .text")
    assert tab.text(".group.other .text") == "a \ufffd of \ufffd"
    assert tab.count(".group.other .text .control") == 2


def test_text_that_looks_like_a_tokens_parameter_is_masked() -> None:
    text = "see https://x/?access_token=EAAGabc&y=1 appsecret_proof%3Dff00 access_token"
    assert as_json([text]).decode() == '["see https://x/?access_token=•••&y=1 appsecret_proof%3D••• access_token"]'


def test_a_message_of_a_megabyte_is_clipped_until_it_is_asked_for(opened: Open, page: Fill) -> None:
    whole = "word 🙂 " * (1_000_000 // 8)

    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        filled.thread("1001", "a", message_count=3, snippet=whole)
        for number in range(3):
            filled.message("1001", "a", f"m{number}", "p", whole)

    tab = opened(page(fill), at="#thread-0").wait_for(".bubble")
    length = "document.querySelector('.bubble .text, .bubble .long').textContent.length"
    assert tab.value(length) < 3_300
    assert tab.text(".bubble .further").startswith("Show all 1,")
    tab.click(".bubble .further")
    assert tab.value(length) == tab.value(f"{len(whole)} + {whole.count('🙂')}")
    assert tab.value("document.querySelector('#thread-list .snippet').textContent.length") <= 200


def test_a_long_thread_is_drawn_in_steps(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        filled.thread("1001", "a", message_count=5_000)
        for number in range(5_000):
            text = f"{number} " + "x" * 300
            filled.message("1001", "a", f"m{number:05}", "p", text, at=NOON - timedelta(seconds=5_000 - number))

    tab = opened(page(fill), at="#thread-0").wait_for(".bubble")
    assert tab.count(".bubble") == 120
    last = "[...document.querySelectorAll('.bubble')].at(-1).innerText.split(' ')[0]"
    first = "document.querySelector('.bubble').innerText.split(' ')[0]"
    assert tab.value(last) == "4999"
    for _ in range(3):
        tab.click("#log > .further")
    assert (tab.value(first), tab.count(".bubble")) == (str(5_000 - 4 * 120), 480)


def test_the_policy_stops_what_is_not_the_pages_own(browser: Browser, shop: Path) -> None:
    """The proof that the policy is alive: each of these would work without it."""
    with browser.tab(shop) as tab:
        tab.ready()
        tab.value(
            """(() => {
                const script = document.createElement("script");
                try { script.textContent = "window.ran = 1"; document.body.append(script); } catch {}
                try { document.body.insertAdjacentHTML("beforeend", "<b onclick=1>x</b>"); } catch {}
                const image = new Image(); image.src = "https://127.0.0.1:9/x.png"; document.body.append(image);
                document.body.setAttribute("style", "display:none");
                return fetch("https://127.0.0.1:9/").catch(() => 0);
            })()"""
        )
        tab.settled()
        directives = {each.split()[0] for each in tab.value("probe.violations")}
        assert {"img-src", "connect-src", "style-src-attr", "require-trusted-types-for"} <= directives
        assert tab.value("window.ran") is None
        refused = {
            event["requestId"] for event in tab.heard("Network.loadingFailed") if event["blockedReason"] == "csp"
        }
        asked = tab.heard("Network.requestWillBeSent", lambda event: event["request"]["url"].startswith("https"))
        assert {event["requestId"] for event in asked} <= refused
