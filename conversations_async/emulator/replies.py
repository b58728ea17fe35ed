"""Answers that are not Graph's, and the parts of those that are."""

from collections.abc import Mapping
from typing import Any

import attrs

from conversations_async.emulator import wire
from conversations_async.emulator.manners import PLAIN, Manners


@attrs.frozen(kw_only=True)
class Reply:
    """One answer, and how it is to be delivered."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    code: int | None = None
    manners: Manners = PLAIN
    content_type: str = "application/json; charset=UTF-8"


def authenticate(payload: Any, code: int | None) -> str | None:
    """The `WWW-Authenticate` that failures often carry (contract 5.1)."""
    if code is None or "error" not in payload:
        return None
    word = {190: "invalid_token", 102: "invalid_token", 803: "not_found"}.get(code, "invalid_request")
    message = str(payload["error"].get("message", ""))[:200]
    printable = "".join(letter if " " <= letter <= "~" else "?" for letter in message)
    return f'OAuth "Facebook Platform" "{word}" "{printable}"'


def breaks(manners: Manners) -> bool:
    """Whether something other than Graph answers."""
    return (
        manners.html is not None
        or manners.empty_body
        or manners.service_unavailable
        or manners.raw_body is not None
        or manners.gzip_bomb is not None
        or manners.redirect is not None
    )


_SORRY = (
    '<!DOCTYPE html><html lang="en" id="facebook"><head><title>Error</title></head><body>'
    "<h1>Sorry, something went wrong.</h1><p>We're working on getting this fixed as soon as we can.</p></body></html>"
)


def broken(manners: Manners) -> Reply:
    """The answer of something other than Graph."""
    plain = "text/html; charset=utf-8"
    if manners.redirect is not None:
        return Reply(status=302, body=b"", headers={"Location": manners.redirect}, manners=manners, content_type=plain)
    if manners.html is not None:
        return Reply(status=manners.html, body=_SORRY.encode(), headers={}, manners=manners, content_type=plain)
    if manners.service_unavailable:
        return Reply(status=200, body=b"Service Unavailable", headers={}, manners=manners, content_type=plain)
    if manners.gzip_bomb is not None:
        body = wire.gzip_bomb(manners.gzip_bomb)
        return Reply(status=200, body=body, headers={"Content-Encoding": "gzip"}, manners=manners)
    headers = dict(manners.raw_headers)
    content_type = headers.pop("Content-Type", "application/json; charset=UTF-8")
    status = manners.raw_status if manners.raw_body is not None else 200
    return Reply(
        status=status, body=manners.raw_body or b"", headers=headers, manners=manners, content_type=content_type
    )
