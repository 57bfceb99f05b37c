"""Python expressions and texts laid out in lines of at most 120 characters."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from godtui.jsontext import Json

WIDTH: Final = 120
INDENT: Final = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Items between brackets, on one line where they fit, else one to a line."""

    before: str
    items: tuple[Expression, ...]
    after: str
    separator: str = ", "
    whole: str = ""
    """How it stands on one line, where that is something else."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An expression behind its name."""

    name: str
    value: Expression


Expression: TypeAlias = str | Group | Entry


def call(name: str, *items: Expression) -> Group:
    """`name(items)`."""
    return Group(f"{name}(", items, ")")


def subscript(name: str, *items: Expression) -> Group:
    """`name[items]`."""
    return Group(f"{name}[", items, "]")


def union(items: Sequence[Expression]) -> Expression:
    """`A | B`."""
    return items[0] if len(items) == 1 else Group("(", tuple(items), ")", " | ")


def literal(value: Json) -> Expression:
    """A JSON value as Python writes it."""
    if isinstance(value, dict):
        return Group("{", tuple(Entry(f"{text(name)}: ", literal(one)) for name, one in value.items()), "}")
    if isinstance(value, list | tuple):
        return Group("[", tuple(literal(one) for one in value), "]")
    if isinstance(value, str):
        return _long_text(value) if len(value) > WIDTH // 2 else text(value)
    return repr(value)


def text(value: str) -> str:
    """A string in double quotes, or in single ones where that saves escapes; what does not print is escaped."""
    quote = "'" if '"' in value and "'" not in value else '"'
    out = []
    for character in value:
        if character in (quote, "\\"):
            out.append(f"\\{character}")
        elif character.isprintable():
            out.append(character)
        else:
            out.append(repr(character)[1:-1])
    return f"{quote}{''.join(out)}{quote}"


def _long_text(value: str) -> Expression:
    size = WIDTH // 3
    pieces = tuple(text(value[start : start + size]) for start in range(0, len(value), size))
    return Group("(", pieces, ")", " ", text(value))


def flat(expression: Expression) -> str:
    """The expression on one line; a union has no brackets of its own then."""
    if isinstance(expression, str):
        return expression
    if isinstance(expression, Entry):
        return expression.name + flat(expression.value)
    if expression.whole:
        return expression.whole
    inner = expression.separator.join(flat(item) for item in expression.items)
    return inner if expression.separator == " | " else f"{expression.before}{inner}{expression.after}"


def lay_out(expression: Expression, *, before: str = "", after: str = "", depth: int = 0) -> list[str]:
    """The lines of an expression with what stands before and after it, `depth` levels deep."""
    margin = " " * (INDENT * depth)
    line = margin + before + flat(expression) + after
    if len(line) <= WIDTH or isinstance(expression, str):
        return [line]
    if isinstance(expression, Entry):
        return lay_out(expression.value, before=before + expression.name, after=after, depth=depth)
    lines = [margin + before + expression.before]
    for index, item in enumerate(expression.items):
        if expression.separator == ", ":
            lines += lay_out(item, after=",", depth=depth + 1)
        else:
            lines += lay_out(item, before=expression.separator.lstrip() if index else "", depth=depth + 1)
    return [*lines, margin + expression.after + after]


def docstring(words: str, *, depth: int) -> list[str]:
    """A docstring of some prose, wrapped."""
    margin = " " * (INDENT * depth)
    prose = "".join(one if one.isprintable() or one == "\n" else " " for one in words).strip()
    inner = prose.rstrip('"')
    prose = inner.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') + '\\"' * (len(prose) - len(inner))
    single = f'{margin}"""{prose}"""'
    if "\n" not in prose and len(single) <= WIDTH:
        return [single]
    lines: list[str] = []
    for paragraph in prose.split("\n"):
        wrapped = textwrap.wrap(paragraph, WIDTH - len(margin) - 3, break_long_words=False, break_on_hyphens=False)
        lines += [margin + one for one in wrapped] or [""]
    lines[0] = f'{margin}"""{lines[0].lstrip()}'
    return [*lines, f'{margin}"""']
