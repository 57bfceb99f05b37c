"""Names for what is generated: identifiers of both languages and their files, never two alike."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from godtui.holyfields.positions import Path

PROJECT: Final = "holyfields-events"
"""What both generated packages are called where they are installed."""
VERSION: Final = "0.1.0"
"""The version of both generated packages."""

_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_CONTAINERS: Final = frozenset(("$defs", "definitions", "properties", "patternProperties", "dependentSchemas"))


def words(text: str) -> tuple[str, ...]:
    """The words of a name in lower case ASCII, whatever separates them: `taskRef` and `task-ref` are task, ref."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return tuple(word.lower() for word in _WORD.findall(plain))


def pascal(words: Iterable[str]) -> str:
    """Words as the name of a class or a type: `TaskRef`; "" where there are none."""
    return "".join(map(str.capitalize, words))


def contract_words(event_type: str, version: str) -> tuple[str, ...]:
    """The words that a contract's names are made of; the first version goes without saying."""
    return (*words(event_type), *(() if version == "v1" else (version,)))


def definition_words(file: str, path: Path, names: Sequence[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Word lists for a schema that others refer to, from the shortest to one that says where it is.

    `names` are the contracts (event type, version) that the file holds.
    """
    whole = contract_words(*names[0]) if names else words(file.removesuffix(".json"))
    stem = whole if names else words(file.removesuffix(".json").rpartition("/")[2])
    inside = _path_words(path)
    if not path:
        return tuple(dict.fromkeys((stem, whole)))
    return (inside, stem + inside, whole + inside)


def _path_words(path: Path) -> tuple[str, ...]:
    """The words of the last thing with a name of its own on the path, and of the steps behind it."""
    said: list[str] = []
    for index in range(len(path) - 1, -1, -1):
        step = path[index]
        said[:0] = words(str(step)) or ((str(step),) if isinstance(step, int) else ())
        if index and path[index - 1] in _CONTAINERS:
            break
    return tuple(said)


def distinct(candidates: Sequence[Sequence[tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """For each its first word list that no other one has at any length, else its last with a number."""
    chosen: list[tuple[str, ...]] = []
    told = Counter(key(one) for lists in candidates for one in {key(each): each for each in lists}.values())
    taken: set[str] = set()
    for lists in candidates:
        found = next((one for one in lists if one and told[key(one)] == 1 and key(one) not in taken), None)
        base = next((one for one in reversed(lists) if one), ("definition",))
        number = 1
        while found is None:
            number += 1
            numbered = (*base, str(number))
            if key(numbered) not in taken and key(numbered) not in told:
                found = numbered
        taken.add(key(found))
        chosen.append(found)
    return chosen


def key(name: Iterable[str]) -> str:
    """A definition's name in `#/$defs/`: letters, digits and `_`, beginning with a letter."""
    made = "_".join(name)
    return made if made[:1].isalpha() else f"_{made}"
