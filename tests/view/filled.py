"""Databases as a sync leaves them, filled by hand."""

import random
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from conversations_async.sync.schema import MIGRATIONS, RECORD

NOON: Final = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
OWN_INSTAGRAM: Final = "17841400000000001"


def iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


class Filled:
    """An SQLite database with the tables of a sync, and short ways to put rows in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode=OFF")
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("BEGIN")
        self._database.execute(RECORD)
        for migration in MIGRATIONS:
            for statement in migration.told_to("sqlite"):
                self._database.execute(statement)
            self._put("schema_migrations", number=migration.number, name=migration.name, applied_at=iso(NOON))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._database.execute("COMMIT")
        self._database.close()

    def _put(self, table: str, **values: Any) -> None:
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join("?" * len(values))
        self._database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))

    def put_many(self, table: str, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(names))
        self._database.executemany(f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})", rows)

    def page(self, page_id: str, name: str | None = None) -> None:
        self._put("pages", id=page_id, name=name, graph="facebook")

    def inbox(self, page_id: str, platform: str = "messenger", state: str = "complete", **values: Any) -> None:
        self._put("inboxes", page_id=page_id, platform=platform, state=state, synced_at=iso(NOON), **values)

    def person(
        self, page_id: str, platform: str, person_id: str, name: str | None, username: str | None = None
    ) -> None:
        self._put("people", page_id=page_id, platform=platform, id=person_id, name=name, username=username)

    def thread(
        self,
        page_id: str,
        thread_id: str,
        people: Sequence[str] = (),
        *,
        platform: str = "messenger",
        at: datetime | None = NOON,
        **values: Any,
    ) -> None:
        known = {"first_seen_at": iso(NOON), "changed_at": iso(NOON), "updated_time": iso(at)}
        self._put("threads", page_id=page_id, platform=platform, id=thread_id, **known, **values)
        for position, person in enumerate(people):
            row = {"role": "participant", "person_id": person, "position": position}
            self._put("thread_people", page_id=page_id, platform=platform, thread_id=thread_id, **row)

    def message(
        self,
        page_id: str,
        thread_id: str,
        message_id: str,
        sender: str | None,
        text: str | None,
        *,
        platform: str = "messenger",
        at: datetime | None = NOON,
        carried: Sequence[tuple[Any, ...]] = (),
        **values: Any,
    ) -> None:
        """*carried*: kind, name, mime_type, size, url of each attachment."""
        told = {"from_id": sender, "message": text, "created_time": iso(at)}
        self._put("messages", page_id=page_id, platform=platform, id=message_id, thread_id=thread_id, **told, **values)
        for position, (kind, name, mime_type, size, url) in enumerate(carried):
            facts = {"kind": kind, "name": name, "mime_type": mime_type, "size": size, "url": url}
            key = {"page_id": page_id, "platform": platform, "message_id": message_id, "position": position}
            self._put("attachments", **key, **facts)

    def run(
        self, run_id: str, page_id: str, platform: str = "messenger", outcome: str = "complete", **values: Any
    ) -> None:
        known = {"kind": "first", "started_at": iso(NOON), "finished_at": iso(NOON + timedelta(minutes=5))}
        self._put("sync_runs", run_id=run_id, page_id=page_id, platform=platform, outcome=outcome, **(known | values))

    def usage(self, run_id: str, page_id: str, platform: str, pool: str, at: datetime, *percents: float) -> None:
        call_count, total_time, total_cputime, regain_after = percents
        self._put(
            "usage_samples",
            run_id=run_id,
            page_id=page_id,
            platform=platform,
            pool=pool,
            taken_at=iso(at),
            call_count=call_count,
            total_time=total_time,
            total_cputime=total_cputime,
            regain_after=regain_after,
        )


# -- a few Pages to look at --------------------------------------------------------------------------------------------

PEOPLE: Final = (
    ("Amélie Laurent", "amelie.l"),
    ("Jonas Berg", "jonasb"),
    ("ليلى حداد", "layla.h"),
    ("Priya Raman", "priya_r"),
    ("נועם כהן", "noam"),
    ("María José Núñez", "mj.nunez"),
    ("田中 さくら", "sakura"),
    ("Tom & Jerry <b>", "tomjerry"),
    ("🌻 Sunny Garden", "sunny"),
    ("Oluwaseun Adébáyò", "seun"),
)
INVOICE: Final = ("file", "invoice-20417.pdf", "application/pdf", 84_213, "https://cdn.example/invoice")
WORDS: Final = (
    ("Hi! Is the blue kettle still in stock?", "Yes, three are left. Shall I keep one for you?"),
    (
        "My parcel has not arrived yet 😕 Order 20417.",
        "Sorry to hear that! It left us on Monday; the carrier says tomorrow.",
    ),
    ("هل المتجر مفتوح يوم الجمعة؟", "نعم، من العاشرة حتى السادسة. أهلاً وسهلاً!"),
    ("Could you send me the invoice again, please?\nThe last one had the wrong address.", "Of course, here it is."),
    ("Perfect, thank you so much 🙏", "You are welcome. Enjoy it!"),
    ("Do you ship to Norway?", "We do: five working days, and it is free above €60."),
)


def fill_shop(path: Path, *, pages: int = 3, threads: int = 40, seed: int = 1) -> Path:
    """A small business with everything that a view has words for."""
    chance = random.Random(seed)
    names = ("The Harbour Shop", "Kettle & Co.", "متجر الورد", "Studio Nord", "Casa Verde")
    with Filled(path) as filled:
        for number in range(pages):
            page_id = str(1001 + number)
            filled.page(page_id, names[number] if number < len(names) else f"Page {page_id}")
            for platform in ("messenger", "instagram"):
                _fill_inbox(filled, page_id, platform, threads, chance, number)
        _fill_runs(filled, pages, chance)
    return path


def _fill_inbox(filled: Filled, page_id: str, platform: str, threads: int, chance: random.Random, number: int) -> None:
    failed = (number, platform) == (1, "instagram")
    filled.inbox(
        page_id,
        platform,
        "failed" if failed else "complete",
        last_error=f"Page {page_id} on {platform}: token rejected (code 190, subcode 463: expired)" if failed else None,
        next_step="Pass a new token for this Page, then run sync again." if failed else None,
    )
    own = page_id if platform == "messenger" else OWN_INSTAGRAM
    filled.person(page_id, platform, own, names_of(filled, page_id))
    for index, (name, username) in enumerate(PEOPLE):
        filled.person(
            page_id, platform, f"{number}{index}", *((name, None) if platform == "messenger" else (None, username))
        )
    moment = NOON - timedelta(minutes=chance.randrange(600))
    for index in range(threads if not failed else threads // 4):
        person = chance.randrange(len(PEOPLE))
        thread_id = f"t_{page_id}_{platform}_{index:05d}"
        talk = [WORDS[chance.randrange(len(WORDS))] for _ in range(chance.randrange(1, 6))]
        filled.thread(
            page_id,
            thread_id,
            [own, f"{number}{person}"],
            platform=platform,
            at=moment,
            snippet=talk[-1][1],
            message_count=2 * len(talk),
            unread_count=chance.choice((0, 0, 0, 1, 3)),
            can_reply=chance.random() > 0.1,
            gone_at=iso(NOON) if index == 9 else None,
            link=f"/page/inbox/{thread_id}",
            folder="inbox",
        )
        at = moment - timedelta(hours=3 * len(talk))
        for turn, (asked, answered) in enumerate(talk):
            key = f"{thread_id}_{turn}"
            name = PEOPLE[person][0 if platform == "messenger" else 1]
            told: dict[str, Any] = {"platform": platform, "from_name": name}
            at += timedelta(minutes=chance.randrange(20, 170))
            filled.message(page_id, thread_id, f"{key}a", f"{number}{person}", asked, at=at, **told)
            at += timedelta(minutes=chance.randrange(1, 10))
            told |= {"from_name": names_of(filled, page_id), "reply_to": f"{key}a" if turn == 2 else None}
            carried = [INVOICE] if "Of course" in answered else []
            filled.message(page_id, thread_id, f"{key}b", own, answered, at=at, carried=carried, **told)
        moment -= timedelta(minutes=chance.randrange(3, 900))


def names_of(filled: Filled, page_id: str) -> str:
    row = filled._database.execute("SELECT name FROM pages WHERE id = ?", (page_id,)).fetchone()
    return str(row[0])


def _fill_runs(filled: Filled, pages: int, chance: random.Random) -> None:
    for run in range(3):
        began = NOON - timedelta(days=2 - run)
        for number in range(pages):
            for platform in ("messenger", "instagram"):
                failed = (number, platform) == (1, "instagram") and run == 2
                page_id, run_id = str(1001 + number), f"run-{run}"
                filled.run(
                    run_id,
                    page_id,
                    platform,
                    "failed" if failed else "complete",
                    started_at=iso(began),
                    finished_at=iso(began + timedelta(minutes=7 - 2 * run, seconds=20)),
                    threads=40 - 15 * run,
                    messages=230 - 90 * run,
                    calls=60 - 20 * run,
                    new=40 if not run else 3,
                    changed=0 if not run else 9,
                    waited_seconds=31.5 - 7 * run,
                    gone=int(run == 2),
                    cause=f"Page {page_id} on {platform}: token rejected (code 190, subcode 463: expired)"
                    if failed
                    else None,
                    next_step="Pass a new token for this Page, then run sync again." if failed else None,
                )
                level = chance.uniform(4, 30)
                for step in range(60):
                    level = max(0.0, min(118, level + chance.uniform(-1.5, 4.2 if number == 0 else 1.7)))
                    at = began + timedelta(seconds=5 * step)
                    closed = 240.0 if level > 100 else 0.0
                    filled.usage(
                        run_id, page_id, platform, f"{platform}:{page_id}", at, level, level * 0.7, level * 0.35, closed
                    )


# -- many --------------------------------------------------------------------------------------------------------------


def fill_many(path: Path, *, inboxes: int, threads: int, messages: int, seed: int = 1) -> Path:
    """So many threads over so many Inboxes, each thread with so many messages."""
    chance = random.Random(seed)
    sentences = [sentence for pair in WORDS for sentence in pair]
    words = [word for sentence in sentences for word in sentence.split()]
    names = [f"{first} {last}" for first in ("Ada", "Bo", "Cem", "Dua", "Eli", "Fay") for last in ("Moe", "Ito", "Roy")]
    of_inbox = {number: str(1001 + number) for number in range(inboxes)}
    with Filled(path) as filled:
        for page_id in of_inbox.values():
            filled.page(page_id, f"Shop {page_id}")
            filled.inbox(page_id)
            filled.person(page_id, "messenger", page_id, f"Shop {page_id}")

        def key(number: int) -> tuple[str, str, str]:
            return of_inbox[number % inboxes], "messenger", f"t_{number:024d}"

        def thread_rows() -> Iterable[tuple[Any, ...]]:
            for number in range(threads):
                moment = NOON - timedelta(seconds=97 * number)
                text = f"{' '.join(chance.choices(words, k=9))} no. {number}"
                yield (*key(number), iso(moment), text, messages, number % 7 == 0, True, iso(NOON), iso(NOON))

        def message_rows() -> Iterable[tuple[Any, ...]]:
            for number in range(threads):
                page_id, platform, thread_id = key(number)
                for turn in range(messages):
                    sender = page_id if turn % 2 else f"p{number}"
                    moment = NOON - timedelta(seconds=97 * number + 60 * (messages - turn))
                    text = " ".join(chance.choices(words, k=chance.randrange(3, 25)))
                    yield (
                        page_id,
                        platform,
                        f"m_{number}_{turn}",
                        thread_id,
                        iso(moment),
                        sender,
                        names[number % 18],
                        text,
                    )

        key_names = ("page_id", "platform")
        people = ((*key(number)[:2], f"p{number}", f"{names[number % 18]} {number}") for number in range(threads))
        filled.put_many("people", (*key_names, "id", "name"), people)
        counted = ("message_count", "unread_count", "can_reply", "first_seen_at", "changed_at")
        filled.put_many("threads", (*key_names, "id", "updated_time", "snippet", *counted), thread_rows())
        takers = (
            (*key(number), "participant", person, place)
            for number in range(threads)
            for place, person in enumerate((key(number)[0], f"p{number}"))
        )
        filled.put_many("thread_people", (*key_names, "thread_id", "role", "person_id", "position"), takers)
        told = ("id", "thread_id", "created_time", "from_id", "from_name", "message")
        filled.put_many("messages", (*key_names, *told), message_rows())
    return path
