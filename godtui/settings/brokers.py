"""Which bus a URL means: the broker's nodes and virtual host, whoever logs in and by whichever of the nodes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, Self
from urllib.parse import SplitResult, quote, unquote, unquote_to_bytes, urlsplit

from godtui.settings.addresses import EMBEDDED, is_host, node_urls

PORTS: Final[Mapping[str, int]] = {"amqp": 5672, "amqps": 5671}

_SCHEME: Final = re.compile(r"amqps?://", re.IGNORECASE)
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")
_THIS_MACHINE: Final = frozenset({"127.0.0.1", "::1"})
_NODE: Final = re.compile(r"\S+:[0-9]{1,5}")

NO_BUS: Final = f"it must be {EMBEDDED}, amqp://… or amqps://…, several nodes with commas between them"
NO_HOST: Final = "each node is a whole URL with a host name or address, as in amqp://one:5672,amqp://two:5672"
RESERVED: Final = "in user, password and virtual host write @ as %40, / as %2F, ? as %3F, # as %23 and a space as %20"


class _Node(NamedTuple):
    """One node's host and port, and the virtual host that its URL asks for."""

    place: str
    vhost: str


@dataclass(frozen=True, slots=True)
class BusIdentity:
    """A bus as something that can be the same as another; the embedded one has no nodes."""

    nodes: frozenset[str] = frozenset()
    """As `host:port`."""
    vhost: str = "/"

    @classmethod
    def of(cls, url: str) -> Self:
        """The bus that a URL, or several with commas between them, means.

        Raises ValueError with the end of a sentence about the URL, in which no part of it is repeated.
        """
        if url == EMBEDDED:
            return cls()
        nodes = [_node(one) for one in node_urls(url)]
        if len({node.vhost for node in nodes}) > 1:
            raise ValueError("its nodes must name the same virtual host")
        return cls(frozenset(node.place for node in nodes), nodes[0].vhost)

    @classmethod
    def read(cls, document: object) -> Self:
        """What `document` wrote. Raises ValueError."""
        match document:
            case {"nodes": list(nodes), "vhost": str(vhost)} if all(map(_is_place, nodes)):
                return cls(frozenset(nodes), vhost)
        raise ValueError("it names no bus")

    def document(self) -> dict[str, object]:
        """The bus as JSON."""
        return {"nodes": sorted(self.nodes), "vhost": self.vhost}

    def is_same(self, other: BusIdentity) -> bool:
        """Whether both are embedded, or share a node and the virtual host."""
        return self == other or (self.vhost == other.vhost and not self.nodes.isdisjoint(other.nodes))

    def widened(self, other: BusIdentity) -> BusIdentity:
        """This bus with the nodes of another name for it as well."""
        return BusIdentity(self.nodes | other.nodes, self.vhost)

    def __str__(self) -> str:
        if not self.nodes:
            return f"the bus {EMBEDDED}"
        places = ",".join(sorted(self.nodes))
        return f"the broker {places}" + ("" if self.vhost == "/" else f" (virtual host {quote(self.vhost, safe='')})")


def passwords(url: str) -> tuple[str, ...]:
    """The password of one node's URL as it is written and as it is meant; none where there is none."""
    password = urlsplit(url).password
    return (password, unquote(password)) if password else ()


def _node(text: str) -> _Node:
    if not _SCHEME.match(text):
        raise ValueError(NO_BUS)
    # Before anything is taken apart: urlsplit drops line ends and tabs without a word.
    if any(letter.isspace() or not letter.isprintable() for letter in text) or "#" in text:
        raise ValueError(RESERVED)
    if text.count("@") > 1:
        raise ValueError(RESERVED)
    try:
        url = urlsplit(text)
    except ValueError:
        raise ValueError(NO_HOST) from None
    if "@" in text and "@" not in url.netloc:
        raise ValueError(RESERVED)
    _require_encoded(url)
    return _Node(_place(url), _vhost(url.path))


def _place(url: SplitResult) -> str:
    """Host and port; the names that every machine has for itself are one."""
    host = url.hostname or ""
    if not is_host(host):
        raise ValueError(NO_HOST)
    try:
        port = PORTS[url.scheme] if url.port is None else url.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("its port must be a whole number from 1 to 65535")
    host = "localhost" if host in _THIS_MACHINE else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _require_encoded(url: SplitResult) -> None:
    for name, part in (("user", url.username), ("password", url.password), ("virtual host", url.path)):
        if part and _BROKEN_ESCAPE.search(part):
            raise ValueError(f"a % in its {name} is followed by no two hexadecimal digits; write % itself as %25")
        try:
            unquote_to_bytes(part or "").decode()
        except UnicodeDecodeError:
            raise ValueError(f"what is percent-encoded in its {name} is not UTF-8") from None


def _vhost(path: str) -> str:
    """The virtual host that a URL's path names; without one it is the broker's default."""
    return unquote_to_bytes(path[1:]).decode() or "/"


def _is_place(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and _NODE.fullmatch(value) is not None
