"""How many calls are under way at once: as few as keep the reader busy, and never more than there are connections.

What answers sooner than it is read only waits: each answer takes its bytes, and each call a connection with its
buffers. So where answers pile up, fewer calls are made; where the reader has nothing to read though more could have
been asked, more are, and sooner still where no answer comes at all: then they are far away.
"""

from typing import Final

_AT_FIRST: Final = 128
_AHEAD: Final = 64
"""Answers that may wait for the reader: some 20 ms of its work."""
_SLOWLY: Final = 4
"""One call fewer for so many answers too many: what is under way already is still to come."""
_MORE: Final = 4
"""So many calls more each time that the reader waits: it doubles within a round trip or two."""
_FAR: Final = 64
"""So many calls more each time that no answer comes for a while: as many as there may be within 30 ms."""
IDLE: Final = 0.005
"""What a while is, in seconds."""


class Window:
    """Of one listing, with so many connections at most."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.size = min(most, _AT_FIRST)
        self.answers = 0
        """So many have come."""
        self._too_many = 0

    def answered(self, ahead: int) -> None:
        """An answer has come, and with it so many are ahead of the reader."""
        self.answers += 1
        if ahead > _AHEAD and self.size > _AHEAD:
            self._too_many += 1
            if self._too_many >= _SLOWLY:
                self._too_many = 0
                self.size -= 1

    def ran_dry(self, under_way: int) -> bool:
        """The reader waits while so many calls are under way; True where more may be made now."""
        if under_way < self.size or self.size == self._most:
            return False
        self.size = min(self._most, self.size + _MORE)
        return True

    def idled(self) -> None:
        """The reader waits, all calls are under way, and none has been answered for a while."""
        self.size = min(self._most, self.size + _FAR)
