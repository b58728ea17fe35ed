"""The verbs, and a sentence for every way to type them wrong.

A value that was typed is never quoted: it could be a token that slid into the wrong place.
"""

import os
import re
from collections.abc import Mapping, Sequence
from shutil import get_terminal_size
from typing import Final, Literal, get_args, get_origin

from cyclopts import App, CycloptsError, Group, Parameter
from cyclopts.exceptions import (
    CoercionError,
    MissingArgumentError,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

import conversations_async
from conversations_async.cli.endings import near, refuse
from conversations_async.cli.verbs import ENDINGS, VERBS

NAME: Final = "conversations-async"

_EPILOGUE: Final = (
    "Data goes to stdout, everything else to stderr. Exit status: 0 all Inboxes, 1 a fault of this program, "
    "or an output or a database that cannot be written, 2 wrong usage, 3 some Inboxes failed, 4 all failed, "
    "130 interrupted."
)

app: Final = App(
    name=NAME,
    help="Every thread of many Facebook Pages' inboxes, on Messenger and Instagram, as fast as Meta allows.",
    help_epilogue=_EPILOGUE,
    help_format="plaintext",
    version=conversations_async.__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
    default_parameter=Parameter(negative=(), show_default=False),
    group_commands=Group("Verbs"),
    group_parameters=Group("Options"),
)
for verb, said in VERBS.items():
    # By name: imported where it is the one that was asked for.
    app.command(f"conversations_async.cli.{verb}:{verb}", name=verb, help=said, help_epilogue=ENDINGS.get(verb))

_NARROWEST: Final = 20
"""Columns in which help is drawn at least."""
_TIMES: Final = re.compile(
    r"--?((since|until|after|before|from|to|newer|older|updated|changed|start|end)([-_].*)?|dates?|times?|days)"
)
_KINDS: Final[Mapping[object, str]] = {int: "a whole number", float: "a number", bool: "no value"}
_TOKENS: Final = re.compile(r"--?.*(token|secret|password|auth).*")


def ready(arguments: Sequence[str]) -> None:
    """Import the verb that was asked for."""
    for verb in VERBS.keys() & set(arguments):
        app[verb]  # it is made by being looked up


def run(arguments: Sequence[str]) -> int:
    """Run the verb that was asked for. Raises UsageError where it was typed wrong."""
    if not {"--help", "-h"}.isdisjoint(arguments) and get_terminal_size().columns < _NARROWEST:
        # What draws the help never comes to an end in two columns.
        os.environ["COLUMNS"] = str(_NARROWEST)
    try:
        status = app(list(arguments), exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        sentence = _sentence(error)
        refuse(f"{sentence}{'' if sentence.endswith('?') else '.'} Try: {NAME} {_verb(arguments)}--help")
    return status if isinstance(status, int) else 0


def _verb(arguments: Sequence[str]) -> str:
    return f"{arguments[0]} " if arguments and arguments[0] in VERBS else ""


def _sentence(error: CycloptsError) -> str:
    """What is wrong with the arguments."""
    option = error.argument.name if error.argument is not None else "an argument"
    if isinstance(error, UnknownOptionError):
        options = [name for argument in error.argument_collection for name in argument.names]
        return _unknown_option((error.token.keyword or error.token.value).partition("=")[0], options)
    if isinstance(error, UnknownCommandError):
        return _unknown_verb(error.unused_tokens or [])
    if isinstance(error, CoercionError):
        typed = error.token.value if error.token is not None else ""
        return f"{option} takes {_wanted(error)}{near(typed, _choices(error))}"
    if isinstance(error, MissingArgumentError):
        return f"{option} is missing" if not error.tokens_so_far and not error.keyword else f"{option} needs a value"
    if isinstance(error, RepeatArgumentError):
        return f"{error.token.keyword or 'an option'} is given twice"
    if isinstance(error, UnusedCliTokensError):
        return "every argument belongs to an option that starts with --; at least one stands alone"
    return f"the arguments cannot be read ({type(error).__name__})"


def _unknown_option(typed: str, options: Sequence[str]) -> str:
    if _TOKENS.fullmatch(typed):
        return (
            "a token is never an argument, where other users of the machine could read it: "
            "put it into CONVERSATIONS_TOKEN or into a pages file"
        )
    if _TIMES.fullmatch(typed):
        return (
            "there is no option for times: Meta offers no paging by time on this edge. "
            "Threads come newest first; stop reading where you have enough"
        )
    # Short and in small letters: then it is no token.
    shown = f" {typed}" if re.fullmatch(r"--?[a-z][a-z-]{0,29}", typed) else ""
    return f"unknown option{shown}{near(typed, options)}"


def _unknown_verb(words: Sequence[str]) -> str:
    typed = words[0] if words else ""
    if typed.startswith("-"):
        return "the verb comes first, then its options" if len(words) > 1 else _unknown_option(typed, ())
    return f"there is no such verb; there are {', '.join(VERBS)}{near(typed, list(VERBS))}"


def _hint(error: CycloptsError) -> object:
    hint = error.argument.hint if error.argument is not None else None
    while get_origin(hint) is not None and get_origin(hint) is not Literal:
        inner = [each for each in get_args(hint) if each not in (type(None), Ellipsis)]
        if not inner:
            break
        hint = inner[0]
    return hint


def _choices(error: CycloptsError) -> Sequence[str]:
    hint = _hint(error)
    return get_args(hint) if get_origin(hint) is Literal else ()


def _wanted(error: CycloptsError) -> str:
    if choices := _choices(error):
        return " or ".join(choices)
    return _KINDS.get(_hint(error), "another value")
