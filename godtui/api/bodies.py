"""Reading request bodies, never more of them than is allowed, and sending those that are JSON."""

from __future__ import annotations

from starlette.requests import ClientDisconnect
from starlette.types import Message, Receive, Scope, Send

from godtui.api.problems import ProblemError


async def read_body(scope: Scope, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises ProblemError (413) as soon as it is known to be over the limit in bytes."""
    declared = header(scope, b"content-length")
    if declared.isdigit() and int(declared) > limit:
        raise too_large(int(declared), limit)
    message = await _next(receive)
    body: bytes = message.get("body", b"")
    if len(body) <= limit and not message.get("more_body", False):
        return body
    return await _collect(bytearray(body), receive, limit)


async def send_json(send: Send, status: int, body: bytes) -> None:
    """An answer in as few steps as there can be; Starlette's Response costs as much again as what it sends."""
    headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _collect(body: bytearray, receive: Receive, limit: int) -> bytes:
    more = True
    while more:
        if len(body) > limit:
            raise too_large(None, limit)
        message = await _next(receive)
        body += message.get("body", b"")
        more = message.get("more_body", False)
    if len(body) > limit:
        raise too_large(len(body), limit)
    return bytes(body)


async def _next(receive: Receive) -> Message:
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


def header(scope: Scope, name: bytes) -> bytes:
    """The first value of a header, given in lower case; empty where it was not sent."""
    for key, value in scope["headers"]:
        if key == name:
            return bytes(value)
    return b""


def too_large(size: int | None, limit: int) -> ProblemError:
    """The refusal of a body of so many bytes, where they are known."""
    said = "more than is allowed" if size is None else f"{size:,} bytes"
    return ProblemError(413, f"the body is {said}; at most {limit:,} bytes are accepted")
