"""The beginning of a payload in one line, read from the text without building the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from godtui.candybar.plaintext import plain

MAX_TOKENS = 2_000
_MAX_VALUE = 120
_MAX_ITEMS = 6
_TOKEN = re.compile(r'[\s,:]*("[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]]|[^\s{}\[\],:"]+)', re.DOTALL)
_USUAL_START = re.compile(
    r'\{"event_id":"[^"\\]*","event_type":"[^"\\]*","timestamp":"[^"\\]*","version":"[^"\\]*",'
    r'"source":\{(?:,?"[^"\\]*":(?:"[^"\\]*"|null|true|false|[0-9.eE+-]+))*\},'
    r'"correlation_id":(?:null|"[^"\\]*"),"payload":\{'
)
"""An envelope as we write it, up to its payload: one step in place of a token at a time."""

_SIMPLE = re.compile(r"[\w./@+:#-]+")
_WHOLE = re.compile(r"(?:[^\\]|\\u[0-9a-fA-F]{4}|\\[^u])*", re.DOTALL)
"""What of a cut string's escapes is whole."""


class Pair(NamedTuple):
    """A payload member: its path joined by dots, and its value as shown."""

    name: str
    value: str


def preview(body: bytes, characters: int, *, ascii_only: bool = False) -> list[Pair]:
    """The payload's first members, of nested objects too, until that many characters are filled."""
    pairs: list[Pair] = []
    text = body.decode("utf-8", "replace")
    for path, value in _payload(text):
        pair = Pair(plain(".".join(path)[:_MAX_VALUE], ascii_only=ascii_only), plain(value, ascii_only=ascii_only))
        pairs.append(pair)
        characters -= len(pair.name) + len(pair.value) + 2
        if characters <= 0:
            break
    return pairs


def _payload(text: str) -> Iterator[tuple[list[str], str]]:
    """Path and value of each member below `payload`."""
    if usual := _USUAL_START.match(text):
        yield from _members(_tokens(text, usual.end()), [])
        return
    tokens = _tokens(text)
    depth, key_next = 0, False
    for part in tokens:
        if part == "{":
            depth, key_next = depth + 1, True
        elif part in "}]":
            depth, key_next = depth - 1, depth == 2
        elif part == "[":
            depth, key_next = depth + 1, False
        elif depth == 1 and key_next and part == '"payload"':
            if next(tokens, "") == "{":
                yield from _members(tokens, [])
            return
        else:
            key_next = depth == 1 and not key_next


def _members(tokens: Iterator[str], path: list[str]) -> Iterator[tuple[list[str], str]]:
    for key in tokens:
        if key == "}":
            return
        here = [*path, string(key)]
        value = next(tokens, "")
        if value == "{":
            yield from _members(tokens, here)
        elif value == "[":
            yield here, _array(tokens)
        else:
            yield here, _scalar(value)


def _array(tokens: Iterator[str]) -> str:
    """The first items of an array; the tokens up to its end are taken."""
    items: list[str] = []
    depth = 1
    for part in tokens:
        if part in "[{":
            if depth == 1 and len(items) <= _MAX_ITEMS:
                items.append("{…}" if part == "{" else "[…]")
            depth += 1
        elif part in "]}":
            depth -= 1
            if depth == 0:
                break
        elif depth == 1 and len(items) <= _MAX_ITEMS:
            items.append(_scalar(part))
    return f"[{', '.join(items[:_MAX_ITEMS])}{', …' if len(items) > _MAX_ITEMS else ''}]"


def _scalar(token: str) -> str:
    if not token.startswith('"'):
        return token[:_MAX_VALUE]
    text = string(token)
    return text if _SIMPLE.fullmatch(text) else f'"{text}"'


def string(token: str) -> str:
    """The beginning of a JSON string, without its quotes and escapes."""
    inner = token[1:-1]
    if len(inner) > _MAX_VALUE and (whole := _WHOLE.match(inner[:_MAX_VALUE])):
        inner = whole.group()
    if "\\" not in inner:
        return inner
    try:
        return str(json.loads(f'"{inner}"', strict=False))
    except ValueError:
        return inner


def _tokens(text: str, start: int = 0) -> Iterator[str]:
    for number, match in enumerate(_TOKEN.finditer(text, start)):
        if number == MAX_TOKENS:
            return
        yield match.group(1)
