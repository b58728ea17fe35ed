"""What a token may do, and why an Inbox may be empty although nothing failed.

Meta answers an empty list, and no error, for a Page with nothing in it; for Instagram without Advanced Access; with
message access switched off in the Instagram app; and for requests older than 30 days (contract 1.2, 1.6, 7.3). Some of
these can be told apart by what else the token shows, the others only by looking.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final

from attrs import field, frozen

from conversations_async.pages import Inbox, Page, Platform
from conversations_async.values import Value

# Host and platform → the permissions that the reference page asks for (contract 1.2).
PERMISSIONS: Final[Mapping[tuple[str, Platform], tuple[str, ...]]] = {
    ("facebook", Platform.MESSENGER): ("pages_manage_metadata", "pages_read_engagement", "pages_messaging"),
    ("facebook", Platform.INSTAGRAM): ("instagram_basic", "instagram_manage_messages", "pages_manage_metadata"),
    ("instagram", Platform.INSTAGRAM): ("instagram_business_basic", "instagram_business_manage_messages"),
}

# Either of them is enough, says the guide; the reference page names the first (contract 1.2, 8.13).
TASKS: Final = ("MESSAGING", "MODERATE")


@frozen(eq=False, repr=False)
class TokenInfo(Value):
    """What Meta says of a Page's token (debug_token), and which Instagram account it reaches. Moments are aware UTC."""

    page_id: str
    valid: bool
    kind: str | None = None
    """PAGE or USER."""
    app_id: str | None = None
    user_id: str | None = None
    expires_at: datetime | None = None
    """None: never, or not told."""
    data_access_expires_at: datetime | None = None
    """Until when the token reads people's data, though it may be valid for longer; None: not told."""
    scopes: tuple[str, ...] | None = None
    """The permissions granted; None where Meta tells none, as for Instagram Login."""
    granular: Mapping[str, tuple[str, ...] | None] = field(factory=dict, hash=False)
    """Permission → the ids it is granted for; None: for all."""
    reason: str | None = None
    """Why the token is not valid."""
    instagram_id: str | None = None
    """The Instagram account: linked with the Page, or the token's own."""
    instagram_known: bool = False
    """Whether Meta was asked for it and answered."""
    graph: str = "facebook"

    def missing(self, platform: Platform | str) -> tuple[str, ...]:
        """The permissions that reading there needs and the token lacks; () where that cannot be told."""
        if self.scopes is None:
            return ()
        needed = PERMISSIONS.get((self.graph, Platform(platform)), ())
        return tuple(scope for scope in needed if scope not in self.scopes or not self._covers_page(scope))

    def _covers_page(self, scope: str) -> bool:
        """Permissions of Pages name Page ids; those of Instagram name accounts, which are another matter."""
        ids = self.granular.get(scope)
        return ids is None or not scope.startswith("pages_") or self.page_id in ids


def why_empty(page: Page, inbox: Inbox, info: TokenInfo | None) -> tuple[str, ...]:
    """Sentences on an Inbox whose listing is empty: what is known to be the cause, else what to check."""
    known = tuple(_known_causes(page, inbox, info))
    return known or tuple(_possible_causes(inbox, info))


def _known_causes(page: Page, inbox: Inbox, info: TokenInfo | None) -> Iterator[str]:
    instagram = inbox.platform is Platform.INSTAGRAM
    if page.tasks and not set(TASKS) & set(page.tasks):
        yield "the token's person lacks the task MESSAGING on the Page: have an admin of the Page grant it"
    if info is None:
        return
    if not info.valid:
        yield f"the token is not valid ({info.reason or 'Meta gave no reason'}): pass a new one"
    if missing := info.missing(inbox.platform):
        yield f"the token lacks {', '.join(missing)}: log in again and grant it for this Page"
    if instagram and page.graph == "facebook" and info.instagram_known and info.instagram_id is None:
        yield "no Instagram professional account is linked with the Page: link one in the Page's settings"
    if page.graph == "instagram" and info.instagram_id not in (None, page.id):
        yield f"the token is of account {info.instagram_id}: use that as the id, not the app-scoped one"


def _possible_causes(inbox: Inbox, info: TokenInfo | None) -> Iterator[str]:
    if info is None:
        yield "what the token may do is not known here: usage -v asks Meta"
    elif info.scopes is None:
        yield "Meta does not tell this token's permissions: look them up in the app's dashboard"
    yield "the app may lack Advanced Access, and then sees only people with a role in it: look at App Review"
    if inbox.platform is Platform.INSTAGRAM:
        yield "the account may not allow access to messages: see the Instagram app's settings, under messages, tools"
        yield "the account may not be a professional one"
        yield "message requests without activity for 30 days are not listed"
    else:
        yield "threads may lie in another folder: try --folder all"
    yield "or there is nothing in it: Meta answers all of these alike"
