"""What stands where a token would be, and where to put it in words that are not ours."""

import re
from typing import Final

MASK: Final = "•••"

# Meta echoes tokens in some of its messages ("Malformed access token EAA…"), also ones that are not ours: tokens of
# Pages, users and Instagram accounts, an app's `id|secret`, and whatever follows one of these words.
# As text: compiled where something has failed, and not on import, of which it was a hundredth.
_TO_BE_MASKED: Final = (
    r"(?:EAA|IG[A-Z]{1,2})[\w\-|%]{16,}"
    r"|[0-9]{3,}(?:\||%7[Cc])[\w\-]{3,}"
    r"|(?i:(?<=token=)|(?<=token%3d)|(?<=proof=)|(?<=proof%3d)|(?<=secret=)|(?<=secret%3d))[^\s&\"'<>]+"
    r"|(?i:(?<=access token )|(?<=access token: )|(?<=access_token: )|(?<=bearer )|(?<=oauth ))[^\s\"'<>,;.]{20,}"
)


def without_tokens(text: str) -> str:
    """A sentence with everything masked in it that looks like a token. Not for people's text, which it may change."""
    return re.sub(_TO_BE_MASKED, MASK, text)
