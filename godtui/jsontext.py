"""Strict JSON text: what is read is exactly what RFC 8259 and I-JSON allow, and integers keep every digit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

import orjson

Json: TypeAlias = Any

MAX_DEPTH = 200
MAX_INTEGER_DIGITS = 4300
"""CPython refuses to convert longer decimal integers by default (CVE-2020-10735)."""

_MOST_TRIED = 256 * 1024
"""Of longer texts most of the time goes elsewhere, and what was read in vain would hold up the others."""
_WHITE = b" \t\n\r"
_JSON_ONLY = orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS
_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


class JsonError(ValueError):
    """The text is not JSON that can be kept: the message says why and, where known, at which character."""


class NumberRangeError(JsonError):
    """The text is JSON, but a number in it is outside what can be kept exactly."""


class Read(NamedTuple):
    """A value, and its compact text where reading made that anyway."""

    value: Json
    written: bytes | None


def parse(text: bytes | str, *, max_depth: int = MAX_DEPTH) -> Json:
    """Read one JSON value; `max_depth` is less where the value will stand within another, and more where it did.

    Raises JsonError on anything but one JSON value in UTF-8: NaN and Infinity, duplicate keys, lone surrogates and
    deeper nesting included. Raises NumberRangeError on floats beyond binary64 and integers over 4,300 digits.
    """
    return read(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text, max_depth=max_depth).value


def read(raw: bytes, *, max_depth: int = MAX_DEPTH) -> Read:
    """As `parse`, for those who will write the value again."""
    deep = raw.count(b"[") + raw.count(b"{") > max_depth
    if not deep and len(raw) <= _MOST_TRIED:
        try:
            value = orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
        else:
            written = orjson.dumps(value)
            if _says_the_same(written, raw):
                return Read(value, written)
    return Read(_parse_strictly(raw, max_depth if deep else None), None)


def _says_the_same(written: bytes, raw: bytes) -> bool:
    """Whether two JSON texts have the same tokens, but for white space, so that the reader has lost nothing of either.

    Of a duplicate key or a rounded number the text that was written anew would have other tokens.
    """
    return written == raw or written.translate(None, _WHITE) == raw.translate(None, _WHITE)


def _parse_strictly(raw: bytes, max_depth: int | None) -> Json:
    """Read with every check there is; None for a text that cannot be too deep."""
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise JsonError(f"not UTF-8 at byte {error.start}") from None
    if decoded.startswith("\ufeff"):
        raise JsonError("it begins with a byte order mark; send UTF-8 without one")
    if max_depth is not None and _nesting(decoded) > max_depth:
        raise JsonError(f"nested deeper than {max_depth} levels")
    try:
        value = _DECODER.decode(decoded)
    except json.JSONDecodeError as error:
        raise JsonError(f"{error.msg.removesuffix(' at')} at line {error.lineno} column {error.colno}") from None
    if _ESCAPED_SURROGATE.search(raw):
        _refuse_lone_surrogates(value)
    return value


def dumps(value: Json) -> bytes:
    """Write compact JSON in UTF-8, integers of any size included. Raises JsonError on what JSON cannot say."""
    try:
        text = orjson.dumps(value, option=_JSON_ONLY)
    except TypeError:
        return _dumps_slowly(value)
    # orjson writes NaN and Infinity as null, which is then not what is read back.
    if b"null" in text and orjson.loads(text) != value:
        return _dumps_slowly(value)
    # What orjson gives occupies ten times its length, at least 4 KiB; who keeps it keeps a copy of its own length.
    return b"%b" % text


def _dumps_slowly(value: Json) -> bytes:
    try:
        _refuse_other_keys(value)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise JsonError(f"cannot be written as JSON: {error}") from None


def _refuse_other_keys(value: Json) -> None:
    """json.dumps would turn keys that are not strings into strings."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if other := next((key for key in one if not isinstance(key, str)), None):
                raise TypeError(f"the key {other!r} is not a string")
            waiting += one.values()
        elif isinstance(one, list | tuple):
            waiting += one


def canonical(value: Json) -> bytes:
    """Write the one form that equal JSON values share: sorted keys, no spaces, 1.0 written as 1."""
    text = json.dumps(_plain_numbers(value), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass")


def pointer(parts: Iterator[str | int] | list[str | int] | tuple[str | int, ...]) -> str:
    """A JSON pointer (RFC 6901) to the place that the keys and indexes lead to."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


def _nesting(text: str) -> int:
    """The deepest nesting of arrays and objects, without recursion; strings are skipped."""
    depth = deepest = 0
    for token in re.finditer(r'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', text, re.DOTALL):
        first = token.group()[0]
        if first in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif first in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise JsonError(f"duplicate key {json.dumps(key)}")
            seen.add(key)
    return members


def _constant(name: str) -> Json:
    raise JsonError(f"{name} is not JSON")


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NumberRangeError(f"the number {digits[:40]} is beyond what 64-bit floating point holds")
    return number


def _integer(digits: str) -> int:
    count = len(digits.lstrip("-"))
    if count > MAX_INTEGER_DIGITS:
        raise NumberRangeError(f"an integer of {count} digits; at most {MAX_INTEGER_DIGITS} can be kept")
    return int(digits)


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_float, parse_int=_integer)


def _refuse_lone_surrogates(value: Json) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise JsonError("a lone surrogate (\\ud800 to \\udfff without its partner) is not Unicode text") from None


def _plain_numbers(value: Json) -> Json:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict):
        return {key: _plain_numbers(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_plain_numbers(item) for item in value]
    return value
