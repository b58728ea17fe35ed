"""The page of a database in a real browser: what it shows and how it is used."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import escape
from pathlib import Path
from typing import Any

import pytest

from conversations_async.view.document import policy
from view.browser import Tab
from view.conftest import Fill, page_of
from view.filled import NOON, OWN_INSTAGRAM, Filled, fill_many

pytestmark = pytest.mark.browser

Open = Callable[..., Tab]
FOUND = "document.getElementById('status').textContent.endsWith('found')"


def search(tab: Tab, text: str) -> None:
    """Type into the search and wait until it has read everything."""
    tab.press("/")
    tab.value("document.getElementById('status').textContent = ''")
    tab.type(text)
    tab.until(FOUND)
    tab.settled()


# -- looking at it -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)], ids=["wide", "phone"])
def test_it_can_be_looked_at_in_both_lights_and_sizes(
    opened: Open, shop: Path, tmp_path: Path, dark: bool, width: int, height: int
) -> None:
    """Screenshots go to CONVERSATIONS_SCREENSHOTS. Every text that can be seen has a contrast of 4.5 at least."""
    directory = Path(os.environ.get("CONVERSATIONS_SCREENSHOTS", tmp_path))
    directory.mkdir(parents=True, exist_ok=True)
    tab = opened(shop, width=width, height=height, dark=dark)

    def look(what: str) -> None:
        path = directory / f"{what}-{width}x{height}-{'dark' if dark else 'light'}.png"
        tab.screenshot(path)
        assert path.stat().st_size > 5_000
        assert tab.value("probe.tooFaint()") == []
        assert tab.value("document.documentElement.scrollWidth") <= width

    look("threads")
    tab.click("#thread-list .row:nth-child(3)").wait_for(".bubble")
    look("chat")
    if width < 600:
        tab.click(".back").until("getComputedStyle(document.querySelector('.threads')).display !== 'none'")
        tab.click("#choose-inbox")
        look("inboxes")
        tab.click("#close-side")
    tab.click("#tab-runs").wait_for(".chart")
    look("runs")
    tab.value("document.querySelector('.chart').scrollIntoView()")
    look("usage")


# -- the parts ---------------------------------------------------------------------------------------------------------


def test_inboxes_tell_their_counts_and_the_one_that_failed(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    rows = [text.split("\n") for text in tab.texts("#inbox-list .row")]
    assert rows[0] == ["All Inboxes", "555 threads · 10 Inboxes"]
    assert rows[1][:2] == ["The Harbour Shop", "Instagram · 60 threads"]
    assert rows[3] == ["Kettle & Co.", "Instagram · 15 threads", "failed"]
    tab.click("#only-failed")
    assert tab.texts("#inbox-list .row") == ["Kettle & Co.\nInstagram · 15 threads\nfailed"]
    tab.click("#inbox-list .row")
    assert tab.text("#chosen") == "Kettle & Co."
    assert tab.text("#status").startswith("15 threads")
    banner = tab.text("#failure")
    assert "token rejected (code 190" in banner
    assert "Next step: Pass a new token" in banner


def test_threads_come_newest_first_and_only_those_in_sight_are_drawn(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    assert tab.text("#status").startswith("555 threads · 3,382 messages")
    drawn = tab.count("#thread-list .row")
    assert 8 <= drawn <= 20
    times = tab.value("[...document.querySelectorAll('#thread-list time')].map((each) => Date.parse(each.title))")
    assert times == sorted(times, reverse=True)
    tab.value("document.getElementById('thread-list').scrollTop = 1e9")
    tab.settled()
    assert tab.count("#thread-list .row") <= 20
    assert (
        tab.value("Math.max(...[...document.querySelectorAll('#thread-list .row')].map((r) => r.ariaPosInSet))") == 555
    )


def test_a_chat_tells_both_sides_apart(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001", "The Harbour Shop")
        for platform, own in (("messenger", "1001"), ("instagram", OWN_INSTAGRAM)):
            filled.inbox("1001", platform)
            filled.person("1001", platform, own, None)
            for number in range(3):
                filled.person("1001", platform, f"p{number}", None, f"person{number}")
                key = f"{platform}{number}"
                filled.thread("1001", key, [f"p{number}", own], platform=platform, message_count=3)
                at = NOON - timedelta(minutes=30)
                filled.message("1001", key, key + "a", f"p{number}", "asked", platform=platform, from_name="Ann", at=at)
                filled.message("1001", key, key + "b", own, "answered", platform=platform, reply_to=key + "a")
                filled.message("1001", key, key + "c", None, "unknown", platform=platform)

    path = page(fill)
    for number in range(6):
        tab = opened(path, at=f"#thread-{number}").wait_for(".bubble")
        assert tab.texts(".group.other .bubble") == ["asked"]
        assert tab.texts(".group.own .bubble") == ["In reply to asked\n\nanswered"]
        assert tab.texts(".group.nobody .bubble") == ["unknown"]
        assert tab.texts(".who") == ["Ann", "The Harbour Shop", "Sender not told"]


def test_what_is_not_there_is_said_in_words(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        filled.person("1001", "messenger", "1001", None)
        states: dict[str, Any] = {"unavailable": True, "gone_at": NOON.isoformat(), "can_reply": False}
        filled.thread("1001", "a", ["1001"], message_count=9, **states)
        filled.message("1001", "a", "m1", "p", None, unavailable=True)
        filled.message("1001", "a", "m2", "p", "", is_unsupported=True)
        filled.message("1001", "a", "m3", "p", "")
        filled.message("1001", "a", "m4", "p", None, at=None)
        filled.thread("1001", "b", ["1001"], at=NOON - timedelta(days=1), message_count=7, snippet="the last words")
        filled.thread("1001", "c", [], at=NOON - timedelta(days=2), message_count=0)
        filled.thread("1001", "d", [], at=None)

    path = page(fill)
    tab = opened(path, at="#thread-0").wait_for(".bubble")
    assert tab.text(".states").split("  ")[0].startswith("No longer listed by Meta since")
    assert "Meta cannot show this thread" in tab.text(".states")
    assert "cannot reply" in tab.text(".states")
    assert "4 messages kept of 9" in tab.text("#chat-head")
    assert "Meta gives no details of this message" in tab.text("#log")
    assert "Meta's API cannot show what was sent here" in tab.text("#log")
    assert tab.text("#log").count("A message without text") == 2
    assert "time not told" in tab.text("#log")
    assert tab.texts("#thread-list .name") == ["Nobody named"] * 4
    tab = opened(path, at="#thread-1").wait_for(".nothing")
    assert "summary only" in tab.text("#log")
    assert "the last words" in tab.text("#log")
    tab = opened(path, at="#thread-2").wait_for(".nothing")
    assert tab.text("#log") == "This thread has no messages."
    # As of Instagram's threads, whose messages Meta does not count: that none are kept is all that is known.
    tab = opened(path, at="#thread-3").wait_for(".nothing")
    assert "summary only" in tab.text("#log")
    assert "sync --messages all" in tab.text("#log")
    assert "no messages kept" in tab.text("#chat-head")


def test_attachments_are_links_to_the_web_alone_and_load_nothing(opened: Open, page: Fill) -> None:
    carried = [
        ("image", None, "image/jpeg", 1_234_567, "https://cdn.example/a.jpg"),
        ("file", "price list.pdf", None, None, "http://cdn.example/b?c=1&access_token=EAAGsecret"),
        ("file", "evil", None, None, "javascript:alert(1)"),
        ("video", None, None, None, "data:text/html,<script>alert(1)</script>"),
        ("file", "no link", None, None, None),
        ("image", None, None, None, "file:///etc/passwd"),
    ]

    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        filled.thread("1001", "a", message_count=1, link="javascript:alert(2)")
        filled.message("1001", "a", "m", "p", "", carried=carried, sticker="https://cdn.example/sticker")

    path = page(fill)
    tab = opened(path, at="#thread-0").wait_for(".bubble")
    links = tab.value("[...document.querySelectorAll('main a')].map((a) => [a.href, a.rel, a.target, a.innerText])")
    kept = ["noopener noreferrer", "_blank"]
    assert links == [
        ["https://cdn.example/a.jpg", *kept, "Image"],
        ["http://cdn.example/b?c=1&access_token=%E2%80%A2%E2%80%A2%E2%80%A2", *kept, "price list.pdf"],
        ["https://cdn.example/sticker", *kept, "Sticker"],
    ]
    assert tab.text("#log").count("link left out: not a web address") == 3
    assert tab.text("#log").count("no link told") == 1
    assert "image/jpeg · 1.2 MB" in tab.text("#log")


def test_times_are_in_the_readers_zone_and_days_are_set_apart(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        filled.thread("1001", "a", message_count=2)
        filled.message("1001", "a", "m1", "p", "one", at=datetime(2026, 5, 3, 23, 30, tzinfo=UTC))
        filled.message("1001", "a", "m2", "p", "two", at=datetime(2026, 5, 4, 0, 30, tzinfo=UTC))

    path = page(fill)
    tab = opened(path, zone="UTC", at="#thread-0").wait_for(".bubble")
    assert [len(tab.texts(".day")), tab.value("probe.clocks()")[0]] == [2, "11:30"]
    tab = opened(path, zone="Asia/Kathmandu", at="#thread-0").wait_for(".bubble")
    assert [len(tab.texts(".day")), tab.value("probe.clocks()")] == [1, ["05:15", "06:15"]]
    assert "mandu" in tab.value("document.getElementById('zone').textContent")


def test_the_runs_tell_calls_waits_failures_and_usage_with_its_line(opened: Open, shop: Path) -> None:
    tab = opened(shop, at="#runs").wait_for(".chart")
    rows = tab.texts("section:first-child tbody tr")
    assert len(rows) == 3
    assert rows[0].endswith("1 failed")
    assert tab.texts(".tile")[:2] == ["9 of 10\nInboxes complete", "1\nInboxes failed"]
    assert "200\ncalls" in tab.texts(".tile")
    assert "token rejected (code 190" in tab.text(".failures")
    assert tab.count(".chart") == 10
    assert tab.count(".chart line.ease") == 10
    # The line is where 75 % is between the grid's 50 and 100.
    places = tab.value("probe.heights('.ease', '.grid:nth-of-type(2)', '.grid:nth-of-type(3)')")
    assert places[0] == pytest.approx((places[1] + places[2]) / 2)
    assert "at most" in tab.value("document.querySelector('.chart svg').getAttribute('aria-label')")
    # Asked in one breath, the last one is told, once.
    tab.value("[1, 2, 0, 2].forEach((place) => document.querySelector(`tr[data-place='${place}'] button`).click())")
    tab.wait_for(".chart")
    assert tab.texts(".tile")[4] == "600\ncalls"
    assert tab.count(".detail > section") == 3
    assert "Nothing failed in this run." in tab.text(".detail")


# -- searching ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "found"),
    [("amelie laurent", "Amélie Laurent"), ("ليلى", "ليلى حداد"), ("JONASB", "jonasb"), ("<b>", "Tom & Jerry <b>")],
)
def test_the_search_finds_people(opened: Open, shop: Path, words: str, found: str) -> None:
    tab = opened(shop)
    search(tab, words)
    assert set(tab.texts("#thread-list .name")) == {found}


def test_the_search_finds_messages_and_leads_to_them(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001")
        filled.inbox("1001")
        for number in range(30):
            filled.thread("1001", f"t{number}", message_count=300, snippet="snippet", at=NOON - timedelta(hours=number))
        for number in range(400):
            text = 'the "needle" in Straße\n№ 7' if number == 20 else f"hay {number}"
            filled.message("1001", "t7", f"m{number}", "p", text, at=NOON - timedelta(minutes=400 - number))

    tab = opened(page(fill))
    search(tab, '"needle" straße')
    assert tab.text("#status") == "1 thread found"
    assert "needle" in tab.text("#thread-list mark")
    tab.press("Enter").wait_for(".bubble.found")
    assert "needle" in tab.text(".bubble.found")
    assert tab.value("probe.inSight('.found')")
    assert tab.count(".bubble") <= 130
    tab.click(".further:last-of-type")
    tab.press("/")
    tab.press("Escape")
    tab.until("document.getElementById('status').textContent.startsWith('30 threads')")


def test_a_search_stays_within_the_chosen_inbox(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    tab.click("#inbox-list .row:nth-child(3)")
    search(tab, "kettle")
    assert 0 < tab.value("document.querySelectorAll('#thread-list .row').length") <= 60
    assert set(tab.texts("#thread-list .where")) == set()
    search(tab, " xyzzy")
    assert tab.text("#no-threads") == "Nothing found."


# -- keys and phones ---------------------------------------------------------------------------------------------------


def test_keys_do_everything(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    active = "document.querySelector('#thread-list .active')?.ariaPosInSet"
    tab.press("j", "j", "ArrowDown", "k")
    tab.until(f"{active} === '2'")
    tab.until("document.querySelector('#thread-list [aria-selected=true]')?.ariaPosInSet === '2'")
    tab.wait_for(".bubble")
    assert tab.value("location.hash") == "#thread-1"
    tab.press("End")
    assert tab.value(active) == "555"
    tab.press("Home")
    assert tab.value(active) == "1"
    tab.press("Enter").until("document.activeElement.id === 'log'")
    tab.press("Escape").until("document.activeElement.id === 'thread-list'")
    assert tab.value("document.getElementById('thread-list').getAttribute('aria-activedescendant')") == "thread-list-0"
    tab.press("Escape").until("location.hash === ''")
    assert tab.value("document.getElementById('log').hidden")
    tab.press("?").until("document.getElementById('help').open")
    tab.press("Escape").until("!document.getElementById('help').open")
    tab.press("i")
    assert tab.value("document.activeElement.id") == "inbox-list"
    tab.press("ArrowDown", "Enter")
    assert tab.text("#chosen") == "The Harbour Shop"
    tab.press("g").wait_for(".chart")
    tab.press("Escape").until("document.getElementById('runs').hidden")
    tab.press("/").type("j?t")
    assert tab.value("document.getElementById('search').value") == "j?t"
    tab.press("Escape", "Escape", "Escape", "Escape", "Escape")
    assert tab.value("location.protocol") == "file:"


def test_what_has_the_focus_can_be_seen(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    reached = 0
    while tab.press("Tab").value("document.activeElement !== document.body"):
        reached += 1
        name = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
        assert tab.value("probe.ringed()"), tab.value(name)
    assert reached >= 8


def test_roles_tell_the_lists_to_those_who_hear_them(opened: Open, shop: Path) -> None:
    tab = opened(shop)
    for box in ("#inbox-list", "#thread-list"):
        assert tab.value(f"document.querySelector('{box}').role") == "listbox"
        assert tab.count(f"{box} [role=option][aria-setsize][aria-posinset][aria-selected]") == tab.count(f"{box} .row")
    assert tab.value("probe.unnamed()") == []


def test_on_a_phone_list_and_chat_are_two_screens(opened: Open, shop: Path) -> None:
    tab = opened(shop, width=390, height=844)
    seen = "['.threads', '.chat', '.side'].filter((each) => document.querySelector(each).getClientRects().length)"
    assert tab.value(seen) == [".threads"]
    tab.value("document.getElementById('thread-list').scrollTop = 1520")
    tab.settled().click("#thread-list .row:nth-child(9)").wait_for(".bubble")
    assert tab.value(seen) == [".chat"]
    tab.click(".back").until("location.hash === ''")
    assert tab.settled().value(seen) == [".threads"]
    assert tab.value("document.getElementById('thread-list').scrollTop") > 1000
    tab.click("#choose-inbox")
    assert ".side" in tab.value(seen)
    tab.click("#inbox-list .row:nth-child(4)")
    assert tab.value(seen) == [".threads"]
    assert "Kettle & Co." in tab.text("#choose-inbox")


def test_light_and_dark_follow_the_system_until_somebody_chooses(opened: Open, shop: Path) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(shop, dark=each) for each in (False, True))
    assert light.value(ground) != dark.value(ground)
    dark.click("#theme")
    assert dark.value(ground) == light.value(ground)
    light.press("t", "t")
    assert light.value("document.documentElement.dataset.theme") == "dark"
    assert light.value(ground) != dark.value(ground)


# -- few and many ------------------------------------------------------------------------------------------------------


def test_a_database_with_nothing_in_it_says_so(opened: Open, page: Fill) -> None:
    tab = opened(page(lambda filled: None))
    assert tab.text("#no-threads") == "This database holds no Inboxes yet: a sync fills it."
    tab.press("j", "Enter", "i", "j", "Enter", "/", "Escape")
    tab.click("#tab-runs")
    tab.until("document.getElementById('runs').innerText.includes('No sync has been run')")


def test_an_inbox_without_threads_says_so(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        filled.page("1001", "Quiet")
        filled.inbox("1001")
        filled.inbox("1001", "instagram", "new")
        filled.run("r", "1001", outcome="running", finished_at=None)

    tab = opened(page(fill))
    assert tab.text("#no-threads") == "There are no threads in this database yet."
    tab.click("#inbox-list .row:nth-child(3)")
    assert tab.text("#no-threads") == "This Inbox has no threads."
    tab.click("#inbox-list .row:nth-child(2)")
    assert tab.text("#no-threads") == "No threads of this Inbox have been read yet."
    tab.click("#tab-runs").until("document.getElementById('runs').innerText.includes('running, or killed')")


def test_thousands_of_inboxes_are_listed_and_found(opened: Open, page: Fill) -> None:
    def fill(filled: Filled) -> None:
        for number in range(3000):
            filled.page(str(number), f"Shop {number}")
            filled.inbox(str(number), state="failed" if number % 100 == 0 else "complete")
            filled.run("r", str(number), outcome="failed" if number % 100 == 0 else "complete", cause="<b>no</b>")
            filled.usage("r", str(number), "messenger", f"messenger {number}", NOON, number % 120, 1, 1, 0)

    tab = opened(page(fill))
    assert tab.count("#inbox-list .row") < 25
    tab.click("#find-inbox").type("2999")
    assert tab.texts("#inbox-list b") == ["Shop 2999"]
    tab.click("#tab-runs").wait_for(".chart")
    assert [tab.count(".chart"), tab.count(".failures li"), tab.count(".detail tbody tr")] == [24, 20, 100]
    assert "peak 119 %" in tab.text(".chart")


def test_a_long_list_is_whole_and_only_drawn_where_it_is_seen(opened: Open, tmp_path: Path) -> None:
    """CONVERSATIONS_VIEW_THREADS says how many; 100,000 take two minutes to make, and benchmarks/view.py times them."""
    threads = int(os.environ.get("CONVERSATIONS_VIEW_THREADS", "5000"))
    tab = opened(page_of(fill_many(tmp_path / "many.db", inboxes=20, threads=threads, messages=2)))
    assert tab.text("#status") == f"{threads:,} threads · {2 * threads:,} messages"
    for share in (0, 0.5, 1):
        tab.value(f"probe.scrollTo('thread-list', {share})")
        tab.settled()
        seen = tab.value("probe.numbers()")
        assert 8 <= len(seen) <= 20
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        assert seen[0] == pytest.approx(share * threads, abs=20)
    search(tab, f"no. {threads - 5}")
    assert tab.text("#status") == "1 thread found"
    tab.press("Enter").wait_for(".bubble")
    assert (tab.count(".group.own .bubble"), tab.count(".group.other .bubble")) == (1, 1)


def test_a_list_too_high_for_a_browser_is_scrolled_in_proportion(opened: Open, page: Fill) -> None:
    """A million rows are 76 million pixels, and browsers end at some ten million."""

    def fill(filled: Filled) -> None:
        for number in range(40):
            filled.page(str(number), f"Shop {number}")
            filled.inbox(str(number))

    # As many rows as wanted, by making each as high as a house.
    path = page(fill)
    tall = path.with_name("tall.html")
    assert path.read_text("utf-8").count("const HIGHEST = 8_000_000;") == 1
    tall.write_text(
        _with_script(path.read_text("utf-8"), "const HIGHEST = 8_000_000;", "const HIGHEST = 1_500;"), "utf-8"
    )
    tab = opened(tall)
    for share, first, last in ((0, 1, None), (1, None, 41)):
        tab.value(f"probe.scrollTo('inbox-list', {share})")
        tab.settled()
        places = tab.value("[...document.querySelectorAll('#inbox-list .row')].map((each) => +each.ariaPosInSet)")
        assert first is None or places[0] == first
        assert last is None or places[-1] == last
    tab.click("#inbox-list .row:last-of-type")
    assert tab.text("#chosen") == "Shop 9"


def _with_script(text: str, before: str, after: str) -> str:
    """The page with another line in its script, and a policy that lets it run."""
    script = text.split("<script>")[1].split("</script>")[0]
    style = text.split("<style>")[1].split("</style>")[0]
    changed = script.replace(before, after)
    before, after = (escape(policy(style, each)) for each in (script, changed))
    return text.replace(script, changed).replace(before, after)
