"""Who has a role that only one instance may have at a time, as instances tell each other."""

from __future__ import annotations

from typing import Any, Final, NamedTuple, Self
from urllib.parse import urlsplit

from godtui.clock import rfc3339, to_microseconds
from godtui.envelope import read_timestamp

NAMELESS: Final = "an instance that does not say its name"
MAX_NAME: Final = 255
MAX_URL: Final = 2048


class Holder(NamedTuple):
    """An instance with its role: where it answers over HTTP, since when it has the role (µs since 1970), and the
    identity of its log; each None where that is not known.
    """

    instance: str = NAMELESS
    url: str | None = None
    since: int | None = None
    log: str | None = None

    @property
    def where(self) -> str:
        """The instance with its URL."""
        return self.instance if self.url is None else f"{self.instance} at {self.url}"

    @property
    def tenure(self) -> str:
        """That it is active, and since when."""
        since = "" if self.since is None else f" since {rfc3339(self.since)}"
        return f"{self.instance} is active{since}"

    def document(self) -> dict[str, Any]:
        """The holder as a JSON object."""
        since = None if self.since is None else rfc3339(self.since)
        return {"instance": self.instance, "url": self.url, "since": since, "log": self.log}

    @classmethod
    def read(cls, told: Any) -> Self:
        """What anyone may have written in the place of `document`; what makes no sense is not known."""
        fields = told if isinstance(told, dict) else {}
        name = _text(fields.get("instance"), MAX_NAME)
        return cls(name or NAMELESS, _url(fields.get("url")), _moment(fields.get("since")), _text(fields.get("log")))


def _text(value: object, most: int = MAX_NAME) -> str | None:
    """A text that can be shown as it is."""
    return value if isinstance(value, str) and 0 < len(value) <= most and value.isprintable() else None


def _url(value: object) -> str | None:
    """An address of HTTP without a name or password in it."""
    text = _text(value, MAX_URL)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return text if parts.scheme in ("http", "https") and parts.netloc and "@" not in parts.netloc else None


def _moment(value: object) -> int | None:
    try:
        return to_microseconds(read_timestamp(value)[0]) if isinstance(value, str) else None
    except ValueError:
        return None
