"""Meta's Page Conversations edge on localhost, with Meta's manners: a seeded world to list, and everything that goes wrong.

world = World.seeded(pages=3, threads=40)
world.pages["1002"].manners = Manners(dead_token=True)
async with GraphEmulator(world) as graph:
    ...  # graph.base_url stands for https://graph.facebook.com
"""

from conversations_async.emulator.app import GraphEmulator
from conversations_async.emulator.edges import Call, Closure
from conversations_async.emulator.manners import SURPRISES, CallKind, CursorAnchor, Manners, UsageHeader
from conversations_async.emulator.pages_file import write_pages_file
from conversations_async.emulator.refusals import Refusal
from conversations_async.emulator.rules import LimitRules, WindowModel
from conversations_async.emulator.world import MessageWorld, PageWorld, PersonWorld, ThreadWorld, UserWorld, World

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
