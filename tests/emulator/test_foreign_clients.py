"""Clients that nobody here wrote list a multi-page Inbox of the emulator completely.

They are synchronous: the emulator runs in a thread.
"""
# mypy: disable-error-code="no-untyped-call,attr-defined"

import warnings
from collections.abc import Iterator

import pytest
from asking import MESSENGER, ids

from conversations_async.emulator import GraphEmulator, LimitRules, World
from conversations_async.model import Platform

with warnings.catch_warnings():
    # Theirs, at import: invalid escapes in facebook, pkg_resources and the like in the others.
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", UserWarning)
    import facebook
    import pyfacebook
    from facebook_business.adobjects.page import Page
    from facebook_business.api import FacebookAdsApi
    from facebook_business.exceptions import FacebookRequestError
    from facebook_business.session import FacebookSession

SIZE = 60


@pytest.fixture
def graph() -> Iterator[GraphEmulator]:
    """An emulator of one Page with more threads than two pages hold."""
    with GraphEmulator(World.seeded(pages=2, threads=SIZE), limits=LimitRules.off()).in_thread() as emulator:
        yield emulator


@pytest.mark.parametrize("platform", list(Platform))
def test_facebook_business_lists_everything(
    graph: GraphEmulator, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FacebookSession, "GRAPH", graph.base_url)
    session = FacebookSession(access_token=graph.world.pages["1001"].token)
    cursor = Page("1001", api=FacebookAdsApi(session)).get_conversations(
        fields=["id", "updated_time", "participants"], params={"platform": platform.value.upper()}
    )
    listed = list(cursor)
    session.requests.close()
    assert [thread["id"] for thread in listed] == ids(graph.world, platform=platform)
    assert all(thread["participants"]["data"] for thread in listed)
    assert len(graph.calls) == 3


def test_facebook_business_reads_a_threads_messages(graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FacebookSession, "GRAPH", graph.base_url)
    session = FacebookSession(access_token=graph.world.pages["1001"].token)
    thread = graph.world.threads("1001", MESSENGER)[0]
    found = Page("1001", api=FacebookAdsApi(session)).get_conversations(params={"user_id": thread.person.id})[0]
    messages = list(found.get_messages())
    session.requests.close()
    assert [message["id"] for message in messages] == [message.id for message in thread.messages]


def test_facebook_business_understands_a_refusal(graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FacebookSession, "GRAPH", graph.base_url)
    session = FacebookSession(access_token="EAAGwrong")
    with pytest.raises(FacebookRequestError) as refused:
        Page("1001", api=FacebookAdsApi(session)).get_conversations()
    session.requests.close()
    assert refused.value.api_error_code() == 190


@pytest.mark.parametrize("platform", list(Platform))
def test_python_facebook_api_lists_everything(graph: GraphEmulator, platform: Platform) -> None:
    api = pyfacebook.GraphAPI(
        access_token=graph.world.pages["1001"].token, base_url=f"{graph.base_url}/", version="v24.0"
    )
    listed = api.get_full_connections(
        object_id="1001", connection="conversations", count=None, fields="id,updated_time", platform=platform
    )
    api.session.close()
    assert [thread["id"] for thread in listed["data"]] == ids(graph.world, platform=platform)


def test_python_facebook_api_reads_several_threads_at_once(graph: GraphEmulator) -> None:
    api = pyfacebook.GraphAPI(
        access_token=graph.world.pages["1001"].token, base_url=f"{graph.base_url}/", version="v24.0"
    )
    wanted = ids(graph.world)[:3]
    assert list(api.get_objects(ids=",".join(wanted), fields="id,snippet")) == wanted
    api.session.close()


@pytest.mark.parametrize("platform", list(Platform))
def test_facebook_sdk_lists_everything(
    graph: GraphEmulator, platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facebook, "FACEBOOK_GRAPH_URL", f"{graph.base_url}/")
    api = facebook.GraphAPI(access_token=graph.world.pages["1001"].token)
    api.version = "v25.0"
    connections = api.get_all_connections("1001", "conversations", fields="id,snippet", platform=platform.value)
    assert [thread["id"] for thread in connections] == ids(graph.world, platform=platform)
    api.session.close()


def test_facebook_sdk_reads_the_version_and_the_users_pages(
    graph: GraphEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facebook, "FACEBOOK_GRAPH_URL", f"{graph.base_url}/")
    api = facebook.GraphAPI(access_token=graph.world.user.token)
    api.version = "v25.0"
    assert api.get_version() == "25.0"
    assert [page["id"] for page in api.get_all_connections("me", "accounts")] == ["1001", "1002"]
    api.session.close()
