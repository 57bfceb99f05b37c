"""Who may ask: `Host`, `Origin` and bearer token, looked at before anything else."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from typing import NamedTuple

from starlette.types import ASGIApp, Receive, Scope, Send

from godtui.api.configuration import ApiConfig
from godtui.api.problems import ProblemError
from godtui.settings import is_loopback

OPEN_PATHS = frozenset({"/health", "/webhooks/plane"})
"""Paths that answer any host and without a token."""

TRUSTED = "godtui.trusted"
"""The scope's key that a listener sets whose clients the operating system has already judged."""

_DEFAULT_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::([0-9]{1,5}))?", re.ASCII)


class Address(NamedTuple):
    """A host in lower case and its port; port None means that none was written."""

    host: str
    port: int | None


class TrustedListener:
    """The same application for a listener that only its owner can reach: no guard asks."""

    def __init__(self, application: ASGIApp) -> None:
        self.application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[TRUSTED] = True
        await self.application(scope, receive, send)


class Guard:
    """Refuses with 403 or 401, WebSockets before they are accepted."""

    def __init__(self, application: ASGIApp, config: ApiConfig) -> None:
        self.application = application
        self.expected = None if config.token is None else config.token.encode()
        self.hosts = HostRule(config)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_asked = scope["type"] != "lifespan" and TRUSTED not in scope
        if is_asked and (refusal := self.refusal(scope)) is not None:
            await refusal.response()(scope, receive, send)
            return
        await self.application(scope, receive, send)

    def refusal(self, scope: Scope) -> ProblemError | None:
        """Why the request may not pass, or None where it may."""
        hosts, origins, tokens = [], [], []
        for name, value in scope["headers"]:
            if name == b"host":
                hosts.append(value)
            elif name == b"origin":
                origins.append(value)
            elif name == b"authorization":
                tokens.append(value)
        is_open = scope["path"] in OPEN_PATHS
        if not is_open and not self.hosts.allows(hosts):
            return _forbidden("the Host header names no host that is allowed here; see GODTUI_ALLOWED_HOSTS")
        if origins and not _same_origin(origins, hosts):
            return _forbidden("the Origin header is of another host; pages of other hosts may not ask here")
        if self.expected is not None and not is_open and not self._knows(tokens):
            return _UNAUTHORIZED
        return None

    def _knows(self, tokens: list[bytes]) -> bool:
        if len(tokens) != 1:
            return False
        scheme, _, token = tokens[0].partition(b" ")
        known = hmac.compare_digest(token.strip(), self.expected or b"")
        return known and scheme.lower() == b"bearer"


class HostRule:
    """Which `Host` headers are answered.

    On a loopback bind: loopback names and the allowed ones, so that no foreign name that resolves to loopback is
    answered (DNS rebinding). On another bind: any, or only the allowed ones where some are set.
    """

    def __init__(self, config: ApiConfig) -> None:
        self.loopback = config.loopback
        self.allowed = frozenset(map(_allowed, config.allowed_hosts))
        self._allows = lru_cache(maxsize=256)(self._judge)

    def allows(self, hosts: list[bytes]) -> bool:
        """Whether exactly one host was named, and one that is answered."""
        if not self.loopback and not self.allowed:
            return True
        return len(hosts) == 1 and self._allows(hosts[0])

    def _judge(self, host: bytes) -> bool:
        named = read_address(host.decode("latin-1"))
        if named is None:
            return False
        if named in self.allowed or Address(named.host, None) in self.allowed:
            return True
        return self.loopback and (is_loopback(named.host) or named.host.endswith(".localhost"))


def read_address(text: str) -> Address | None:
    """The host and port of a `Host` header, or None where it is none."""
    match = _AUTHORITY.fullmatch(text)
    if match is None:
        return None
    return Address(match[1].lower(), int(match[2]) if match[2] else None)


def _allowed(name: str) -> Address | None:
    """A name, an address with or without brackets, or either with a port."""
    return read_address(f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name)


def _same_origin(origins: list[bytes], hosts: list[bytes]) -> bool:
    return len(origins) == 1 and len(hosts) == 1 and _same(origins[0], hosts[0])


@lru_cache(maxsize=256)
def _same(origin: bytes, host: bytes) -> bool:
    scheme, _, authority = origin.decode("latin-1").lower().partition("://")
    asking, asked = read_address(authority), read_address(host.decode("latin-1"))
    if asking is None or asked is None or scheme not in _DEFAULT_PORTS:
        return False
    default = _DEFAULT_PORTS[scheme]
    return (asking.host, asking.port or default) == (asked.host, asked.port or default)


def _forbidden(detail: str) -> ProblemError:
    return ProblemError(403, detail)


_UNAUTHORIZED = ProblemError(
    401,
    "this needs the header Authorization: Bearer with the token of this instance (GODTUI_API_TOKEN)",
    headers={"WWW-Authenticate": "Bearer"},
)
