"""The Pages that a user token reaches, and what a Page's token is good for.

Asked once in a while: the session imports this room when somebody does.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Final

from attrs import evolve

from conversations_async.access import TASKS, TokenInfo
from conversations_async.caller import Caller
from conversations_async.edges import EdgeWalk
from conversations_async.errors import AnswerUnreadable, GraphError, RequestRejected, TokenRejected, TooMuchAsked
from conversations_async.events import Event, TaskMissing
from conversations_async.graph.accounts import Account, account, account_page, token_info
from conversations_async.graph.answers import Answer, refused_field
from conversations_async.graph.requests import GraphRequest, explain_token, linked_account, list_accounts
from conversations_async.model import Page, Platform

_ACCOUNTS_PER_CALL: Final = 100


async def pages_of(
    call: Callable[[GraphRequest, Page], Awaitable[Answer]], asker: Page, tell: Callable[[Event], None]
) -> AsyncGenerator[Page, None]:
    """The Pages that a token reaches; `asker` holds it. What is wrong with one is told, or raised behind the last."""
    walk = EdgeWalk(list_accounts(), _ACCOUNTS_PER_CALL)
    seen: set[str] = set()
    unreadable: list[str] = []
    while not walk.done:
        if walk.stuck is not None:
            raise walk.stuck
        try:
            answer = account_page((await call(walk.next_request(), asker)).payload)
        except TooMuchAsked:
            if not walk.ask_for_less():
                raise
            continue
        except RequestRejected as error:
            refused = refused_field(error)
            if refused is None or refused[0] == "access_token" or not walk.leave_out(*refused):
                raise
            continue
        unreadable += answer.unreadable
        fresh = {found.id: found for found in answer.accounts if found.id not in seen}
        seen.update(fresh)
        walk.feed(answer.paging, len(fresh))
        for found in fresh.values():
            try:
                page = _page_of(found, tell)
            except ValueError:
                unreadable.append("$.data: not a Page as documented")
                continue
            if page is not None:
                yield page
    if unreadable:
        raise AnswerUnreadable.of_entry(unreadable[0])


def _page_of(account: Account, tell: Callable[[Event], None]) -> Page | None:
    # Meta's reference page asks for this one, its guide is content with MODERATE too (contract 8.13).
    able = TASKS[0] in account.tasks or not account.tasks
    if not able or account.access_token is None:
        tell(TaskMissing(account.id, account.tasks, account.access_token is not None))
    if account.access_token is None:
        return None
    linked = account.instagram_id is not None
    platforms = (Platform.MESSENGER, Platform.INSTAGRAM) if linked else (Platform.MESSENGER,)
    return Page(account.id, account.access_token, account.name, platforms, tasks=account.tasks)


async def explain(caller: Caller, page: Page, max_wait: float | None) -> TokenInfo:
    """What Meta says of a Page's token, in one or two calls."""
    if page.graph == "instagram":
        return await _explain_login(caller, page, max_wait)
    answer = await caller.call(explain_token(), page, max_wait=max_wait)
    info = token_info(answer.payload, page.id)
    if not info.valid or Platform.INSTAGRAM not in page.platforms:
        return info
    try:
        linked = account((await caller.call(linked_account(page), page, max_wait=max_wait)).payload)
    except (GraphError, AnswerUnreadable):
        return info
    return evolve(info, instagram_id=linked.instagram_id, instagram_known=True)


async def _explain_login(caller: Caller, page: Page, max_wait: float | None) -> TokenInfo:
    """graph.instagram.com explains no tokens; whose it is tells at least that it is valid."""
    try:
        payload = (await caller.call(linked_account(page), page, max_wait=max_wait)).payload
    except TokenRejected as error:
        return TokenInfo(page.id, False, reason=error.describe_code(), graph=page.graph)
    own = payload.get("user_id") or payload.get("id")
    known = str(own) if own is not None else None
    return TokenInfo(page.id, True, instagram_id=known, instagram_known=known is not None, graph=page.graph)
