"""The view of a large database: how long it takes to write and to open, how large it is, and how it scrolls.

    python -m benchmarks.view [--threads 100000] [--messages 10]

Needs Chromium, as the tests of the view do. Exits with 1 where a bar is missed.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from conversations_async.sync.reading import open_reader
from conversations_async.view import write_view

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from view.browser import Browser, Tab
from view.filled import NOON, fill_many

SCROLL = """(async () => {
    const list = document.getElementById("thread-list");
    const frames = [];
    let last = performance.now();
    for (let step = 0; step < 200; step += 1) {
        list.scrollTop += 3000;
        await new Promise((go) => requestAnimationFrame(go));
        frames.push(performance.now() - last);
        last = performance.now();
    }
    frames.sort((one, other) => one - other);
    return [frames[100], frames[190]];
})()"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=100_000)
    parser.add_argument("--messages", type=int, default=10, help="of each thread")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        database, page = Path(home) / "many.db", Path(home) / "many.html"
        fill_many(database, inboxes=100, threads=asked.threads, messages=asked.messages)
        began = time.perf_counter()
        with open_reader(database) as reader:
            written = write_view(reader, page, name="many.db", now=NOON)
        took = time.perf_counter() - began
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"written: {written.threads:,} threads, {written.messages:,} messages in {took:.1f} s")
        print(f"the file: {written.size / 1e6:.1f} MB; the most memory of the process: {peak:.0f} MB")
        with Browser() as browser, browser.tab(page) as tab:
            return judge(tab.ready())


def judge(tab: Tab) -> int:
    """Time the open page and print it; 1 where a bar is missed."""
    shown = float(tab.value("document.documentElement.dataset.shown"))
    whole = float(tab.value("document.documentElement.dataset.whole"))
    middle, slow = tab.value(SCROLL)
    heap = tab.value("performance.memory.usedJSHeapSize") / 1e6
    print(
        f"opened: the list drawn after {shown:.0f} ms, whole after {whole:.0f} ms; {heap:.0f} MB of the script's memory"
    )
    print(f"scrolling: {middle:.0f} ms a frame, {slow:.0f} ms in the 95th of 100; {tab.count('.row')} rows drawn")
    tab.press("/")
    began = time.perf_counter()
    tab.type("kettle norway")
    tab.until("document.getElementById('status').textContent.endsWith('found')")
    print(f"search through everything: {time.perf_counter() - began:.1f} s: {tab.text('#status')}")
    bars = {"the list is drawn within 1.5 s": shown < 1500, "a frame takes 50 ms at most": middle < 50}
    for bar, met in bars.items():
        print(f"{'met' if met else 'MISSED'}: {bar}")
    return int(not all(bars.values()))


if __name__ == "__main__":
    sys.exit(main())
