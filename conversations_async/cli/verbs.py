"""What `--help` says of each verb: known without importing what the verb does, so that help is there at once.

The verb `name` is the function of that name in `cli.name`.
"""

from collections.abc import Mapping
from typing import Final

_OF_A_FILE: Final = (
    "Exit status: 0 written, 1 a fault of this program, or a file that cannot be written or a "
    "database that cannot be read, 2 wrong usage, 130 interrupted."
)

VERBS: Final[Mapping[str, str]] = {
    "threads": "List every thread of every Inbox, one JSON line each.\n\n"
    "Each line has page_id, platform, id and updated_time, then the fields asked for under Graph's names.",
    "messages": "List the messages of one thread of a Page, newest first: --page and --thread.\n\n"
    "One JSON line each. An older message of Instagram, of which Meta tells the id only, is marked as unavailable.",
    "find": "Find the thread of a Page with one person: --page and --user-id, on one platform or both.\n\n"
    "One JSON line for each thread found. Where there is none, stderr says so and the exit status is 0.",
    "sync": "Keep a database of every thread of every Inbox up to date. Run it, end it, run it again.\n\n"
    "The first run lists everything, later ones what has moved since. It may be ended at any moment, by Ctrl-C, a "
    "crash or a power cut: the next run goes on from there. Columns are in the database as Graph names them; look at "
    "them with any SQLite or PostgreSQL tool.",
    "pages": "Write a pages file for all Pages of the user token in CONVERSATIONS_USER_TOKEN.\n\n"
    "On stdout, with the name of an environment variable in place of each token; or into a file, with the tokens.",
    "usage": "Show how each Inbox stands with Meta's limits, by one cheap call to each.\n\n"
    "A table on a terminal, JSON lines elsewhere: percent of each pool, and the seconds until a closed one opens. "
    "An Inbox that is empty is told of on stderr with what to check. With --verbose Meta is asked about each token "
    "too: its expiry, the permissions it lacks, and which causes of an empty Inbox that leaves.",
    "view": "Make one HTML file of a database, to look at in a browser: Inboxes, threads, messages, sync runs and "
    "usage.\n\n"
    "The file holds everything and loads nothing from a network. It holds people's messages: only you may read it.",
    "export": "Write the tables of a database into files: threads, messages, Pages, Inboxes, sync runs and usage.\n\n"
    "The files hold people's messages: only you may read them. In CSV what a spreadsheet would take for a formula "
    "begins with an apostrophe, and people and attachments have files of their own.",
    "emulate": "Serve Meta's Conversations edge on this machine, with Meta's limits, until Ctrl-C.",
    "demo": "See all of it at work without an account: an emulator, a sync of 20 Pages, and the view of what it "
    "brought.\n\n"
    "Takes about 15 seconds. Some Pages are ill on purpose, to show that they do not disturb the others. The database "
    "and the HTML file stay where they are.",
}

ENDINGS: Final[Mapping[str, str]] = {
    "view": _OF_A_FILE,
    "export": _OF_A_FILE,
    "emulate": "Exit status: 0 ended by Ctrl-C or SIGTERM, 1 a fault of this program, 2 wrong usage.",
    "demo": "Exit status: 0 shown, 1 a fault of this program, 2 wrong usage, 130 interrupted.",
}
"""Exit statuses of verbs that end in ways of their own."""
