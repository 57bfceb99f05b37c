"""Names that Python and Pydantic allow."""

from __future__ import annotations

import keyword
import re
from collections.abc import Container, Iterable
from typing import Final

from pydantic import BaseModel

from godtui.holyfields.generate.names import pascal, words

_READABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_USED_IN_MODELS: Final = frozenset({"list", "dict", "str", "shared", "l"})
"""Also what linters find ambiguous."""
_AMBIGUOUS: Final = frozenset({"I", "O"})
"""Class names that linters find so."""
_LONGEST: Final = 60
_TAKEN: Final = frozenset(dir(BaseModel)) | _USED_IN_MODELS


def field_name(name: str, taken: Container[str]) -> str:
    """The name of a model's field: the property's own where that can be, else one like it."""
    made = name if _READABLE.fullmatch(name) else "_".join(words(name)) or "field"
    if not made[0].isalpha():
        made = f"field_{made}"
    made = made[:_LONGEST]
    if keyword.iskeyword(made) or made in _TAKEN:
        made = f"{made}_"
    return unique(made, taken)


def class_name(parts: Iterable[str], taken: Container[str]) -> str:
    """The name of a class."""
    made = pascal(word for part in parts for word in words(part)) or "Model"
    if not made[0].isalpha():
        made = f"Model{made}"
    made = made[:_LONGEST]
    if keyword.iskeyword(made) or made in _AMBIGUOUS:
        made = f"{made}Model"
    return unique(made, taken)


def unique(name: str, taken: Container[str]) -> str:
    """The name, with a number behind it where it is taken."""
    made, count = name, 1
    while made in taken:
        count += 1
        made = f"{name.rstrip('_')}_{count}" if name.islower() else f"{name}{count}"
    return made
