"""The terms of the form `payload.path operator value`."""

from __future__ import annotations

import re
from typing import cast

from godtui.filters.lexer import QUOTED, TermError, Value, check_characters, located, shown, unquoted, values
from godtui.filters.terms import (
    BARE_SEGMENT,
    INDEX,
    OPERATORS,
    ORDERINGS,
    Operator,
    PayloadTerm,
    Scalar,
    Segment,
    read_scalar,
)

ROOT = "payload"

_BEGINNING = re.compile(rf"{ROOT}(?=[.=!<>~])")
_STEP = re.compile(rf"\.({QUOTED}|\*|{BARE_SEGMENT.pattern})", re.DOTALL)
_OPERATOR = re.compile("|".join(OPERATORS))
_QUOTE_IT = "put a key that is not plain in double quotes"


def begins(text: str) -> bool:
    """Whether a term can only be meant as a comparison."""
    return _BEGINNING.match(text) is not None


def read(text: str) -> PayloadTerm:
    """The term of a comparison. Raises TermError."""
    path, at = _path(text)
    found = _OPERATOR.match(text, at)
    if found is None:
        raise TermError(_path_fault(text, at))
    if not path:
        raise TermError("a comparison names a field of the payload, such as payload.task.status=failed")
    operator = cast("Operator", found.group())
    return PayloadTerm(path, operator, tuple(_scalar(operator, value) for value in values(text[found.end() :])))


def read_path(text: str) -> tuple[Segment, ...]:
    """A path without `payload.` before it, such as `task.id`. Raises FilterError naming the parameter `path`."""
    check_characters(text, "path")
    with located(0, "path"):
        whole = f"{ROOT}.{text}"
        path, at = _path(whole)
        if at < len(whole):
            raise TermError(f"{shown(whole[at:].removeprefix('.'))} is no step of a path; {_QUOTE_IT}")
        return path


def _path(text: str) -> tuple[tuple[Segment, ...], int]:
    """The steps, and where they end."""
    path = []
    at = len(ROOT)
    while step := _STEP.match(text, at):
        path.append(_segment(step[1]))
        at = step.end()
    return tuple(path), at


def _segment(text: str) -> Segment:
    if not text.startswith('"'):
        return Segment(text)
    name = unquoted(text)
    return Segment(name, literal=name == "*" or INDEX.fullmatch(name) is not None)


def _path_fault(text: str, at: int) -> str:
    if at == len(text):
        return f"{shown(text)} is compared with nothing; append =value, or put a text to search for in double quotes"
    if text[at] == ".":
        return f"{shown(text[at:])} is no step of a path; {_QUOTE_IT}"
    return f"{shown(text[at:])} cannot follow a path; {_QUOTE_IT}"


def _scalar(operator: Operator, value: Value) -> Scalar:
    if not value.quoted:
        _check_bare(operator, value.text)
    if value.quoted or operator == "~":
        return Scalar("text", value.text)
    try:
        scalar = read_scalar(value.text)
    except ValueError as error:
        raise TermError(f"{shown(value.text)} {error}") from None
    if operator in ORDERINGS and scalar.kind in ("boolean", "null"):
        raise TermError(f"{value.text} is neither more nor less than anything; compare it with = or !=")
    return scalar


def _check_bare(operator: Operator, text: str) -> None:
    if not text:
        raise TermError(f'a value is missing beside {operator}; the empty text is written ""')
    if text[0] in "=<>~!":
        raise TermError(f"{shown(operator + text)} is no comparison; use = != > >= < <= or ~, or quote the value")
