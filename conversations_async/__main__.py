"""`python -m conversations_async` is the command `conversations-async`."""

from conversations_async.cli import command

command()
