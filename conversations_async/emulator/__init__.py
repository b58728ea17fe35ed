"""Meta's Page Conversations edge on localhost, with Meta's manners: a world to list, and all that goes wrong.

world = World.seeded(pages=3, threads=40)
world.pages["1002"].manners = Manners(dead_token=True)
async with GraphEmulator(world) as graph:
    ...  # graph.base_url stands for https://graph.facebook.com
"""

from conversations_async.emulator.app import GraphEmulator
from conversations_async.emulator.asks import Call
from conversations_async.emulator.closures import Closure
from conversations_async.emulator.manners import SURPRISES, CallKind, CursorAnchor, Manners, UsageHeader
from conversations_async.emulator.pages_file import write_pages_file
from conversations_async.emulator.refusals import Refusal
from conversations_async.emulator.rules import LimitRules, WindowModel
from conversations_async.emulator.threads import MessageWorld, PersonWorld, ThreadWorld
from conversations_async.emulator.world import PageWorld, UserWorld, World

__all__ = [
    "SURPRISES",
    "Call",
    "CallKind",
    "Closure",
    "CursorAnchor",
    "GraphEmulator",
    "LimitRules",
    "Manners",
    "MessageWorld",
    "PageWorld",
    "PersonWorld",
    "Refusal",
    "ThreadWorld",
    "UsageHeader",
    "UserWorld",
    "WindowModel",
    "World",
    "write_pages_file",
]
