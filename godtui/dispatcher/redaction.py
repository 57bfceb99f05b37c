"""Output of others as text that may be shown: without our secrets, and with nothing in it that acts."""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote

MASK: Final = "***"
TELLING: Final = 4
"""So many characters of a secret's beginning are masked too where the text is cut off."""

_CONTINUATION: Final = bytes(range(0x80, 0xC0))
"""Bytes that only go on with a character of UTF-8."""

_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Redaction:
    """Secrets to be masked, in the forms in which programs print them: as they are, in URLs and in JSON."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if secret for form in _forms(secret)}
        self.needles: Final = tuple(sorted(forms, key=lambda form: (-len(form), form)))
        self.longest: Final = max(map(len, self.needles), default=0)
        self.beginnings: Final = frozenset(needle[0] for needle in self.needles)
        self._pattern = re.compile("|".join(map(re.escape, self.needles)))

    def text(self, text: str) -> str:
        """The text with every secret masked."""
        return self._pattern.sub(MASK, text) if self._holds_any(text) else text

    def matches(self, text: str) -> Iterable[re.Match[str]]:
        """Where secrets are in the text, the longest where several begin."""
        return self._pattern.finditer(text) if self._holds_any(text) else ()

    def beginning(self, text: str) -> int:
        """Where the longest end of the text starts that more text could make a secret of."""
        for start in range(max(0, len(text) - self.longest + 1), len(text)):
            if text[start] in self.beginnings:
                end = text[start:]
                if any(len(needle) > len(end) and needle.startswith(end) for needle in self.needles):
                    return start
        return len(text)

    def _holds_any(self, text: str) -> bool:
        # Looking for each is much quicker than the pattern, and secrets are rare.
        return any(needle in text for needle in self.needles)


class Cleaner:
    """Bytes to text as they come, wherever they are split.

    UTF-8, with U+FFFD for what is not; every kind of line end is a newline. `cut` says that the bytes do not begin
    at a beginning: what may be the end of a secret is left out.
    """

    def __init__(self, redaction: Redaction, *, cut: bool = False) -> None:
        self._redaction = redaction
        self._decoder = io.IncrementalNewlineDecoder(codecs.getincrementaldecoder("utf-8")("replace"), translate=True)
        self._held = ""
        self._is_first = cut
        self._skip = max(0, redaction.longest - 1) if cut else 0

    def feed(self, data: bytes) -> str:
        """The text up to where a secret could be in the middle."""
        text = self._held + self._decode(data)
        start, position = self._redaction.beginning(text), 0
        pieces: list[str] = []
        for match in self._redaction.matches(text):
            if match.start() >= start:
                break
            pieces += (text[position : match.start()], MASK)
            position = match.end()
        end = max(start, position)
        self._held = text[end:]
        return self._shown("".join((*pieces, text[position:end])))

    def finish(self) -> str:
        """The rest; what may be the beginning of a secret is masked."""
        text = self._redaction.text(self._held + self._decode(b"", final=True))
        self._held = ""
        start = self._redaction.beginning(text)
        return self._shown(text[:start] + MASK if len(text) - start >= TELLING else text)

    def _decode(self, data: bytes, *, final: bool = False) -> str:
        if self._is_first and data:
            self._is_first = False
            data = data[:3].lstrip(_CONTINUATION) + data[3:]
        return _visible(self._decoder.decode(data, final=final))

    def _shown(self, text: str) -> str:
        skipped = min(self._skip, len(text))
        self._skip -= skipped
        return text[skipped:]


def _forms(secret: str) -> set[str]:
    forms = (secret, quote(secret, safe="", errors="replace"), json.dumps(secret)[1:-1])
    # A secret is looked for in cleaned text, so it is cleaned as that is.
    return {_visible(form.replace("\r\n", "\n").replace("\r", "\n")) for form in forms}


def _visible(text: str) -> str:
    """The text with Unicode's pictures of control characters: leaving them out could join what is a secret."""
    return _CONTROLS.sub(_picture, text)


def _picture(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
