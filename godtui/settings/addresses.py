"""Hosts and broker URLs: what is one, what only this machine reaches, and how a URL is shown without its password."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from pydantic import HttpUrl, ValidationError

EMBEDDED: Final = "embedded:"

_HOST_NAME = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?:\.[A-Za-z0-9_-]{1,63})*\.?", re.ASCII)
_WEB_URL = re.compile(r"https?://[^/?#\\\s][^\s]*", re.IGNORECASE)
_NODE_STARTS = re.compile(r",(?=\s*[A-Za-z]+://)")
_CREDENTIALS = re.compile(r"(://[^:@/]*):.*@", re.DOTALL)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host: 127.0.0.0/8, ::1 (in brackets or not) or localhost."""
    name = host.removeprefix("[").removesuffix("]").lower()
    if name == "localhost":
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def is_host(text: str) -> bool:
    """Whether a text is a host name or an address, without scheme or port."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return len(text) <= 253 and _HOST_NAME.fullmatch(text) is not None
    return True


def web_url(text: str) -> str:
    """An HTTP URL in its normal form, as WHATWG's URL standard has it.

    Raises ValueError with the end of the sentence "it must be ...", in which no part of the URL is repeated.
    """
    try:
        url = HttpUrl(text) if _WEB_URL.fullmatch(text) and text.isprintable() else None
    except ValidationError:
        url = None
    if url is None or not url.host or url.port == 0:
        raise ValueError("an http:// or https:// URL with a host, as in http://localhost:8000/path")
    if url.username is not None or url.password is not None:
        raise ValueError("a URL without user and password")
    return str(url)


def node_urls(text: str) -> tuple[str, ...]:
    """The URLs of a bus with several nodes, which stand with commas between them."""
    return tuple(node.strip() for node in _NODE_STARTS.split(text))


def shown_url(text: str) -> str:
    """A broker URL without its passwords; one in which they cannot be told apart is not shown at all."""
    nodes = [_CREDENTIALS.sub(r"\1:***@", node) for node in _NODE_STARTS.split(text)]
    if all("@" not in node or _is_safe(node) for node in nodes):
        return ",".join(nodes)
    return "(not shown: it may hold a password)"


def _is_safe(node: str) -> bool:
    """Whether nothing but a user's name or what was masked stands before the host."""
    head, _, _ = node.rpartition("@")
    return re.fullmatch(r"\s*[A-Za-z]+://[^:@/]*(?::\*\*\*)?", head) is not None
