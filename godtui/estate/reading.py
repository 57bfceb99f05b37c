"""`registry.yaml` as a mapping of plain values: nothing in the file makes this raise anything but EstateError."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import yaml

from godtui.estate.errors import EstateError
from godtui.settings.values import plain, shown_text

MAX_BYTES: Final = 1_048_576
"""A file beyond it is refused: YAML costs a thousand times its size while it is read."""

MAX_NODES: Final = 1_000_000
"""How many values a file may stand for, each alias counted as all that it repeats."""

MAX_DEPTH: Final = 50
"""Beyond it a file is refused, so that nobody who walks through its values comes to an end of the stack."""

MAX_DIGITS: Final = 1000
"""YAML reads 1:30 as 90, in time that grows with the square of a number's length."""

_MAPPING: Final = "a services registry is a YAML mapping, such as services: {}"
_TOO_DEEP: Final = "is nested too deeply; a services registry is a few levels deep"
_NUMBERS: Final = frozenset({"tag:yaml.org,2002:int", "tag:yaml.org,2002:float"})


class Marked(NamedTuple):
    """The mapping in a file, and the nodes it was made of, which know their places."""

    document: dict[object, object]
    node: yaml.MappingNode


def document(path: Path) -> dict[object, object]:
    """The mapping in a YAML file. Raises EstateError."""
    return marked(path).document


def marked(path: Path) -> Marked:
    """The mapping in a YAML file with its nodes. Raises EstateError."""
    text = _read(path)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            line = 1 if node is None else node.start_mark.line + 1
            raise EstateError([f"{path}:{line}: {_MAPPING}"])
        _Nodes(path).require(node)
        # Making values of nodes puts what is merged in by << into the nodes: the place is then the anchor's.
        found: dict[object, object] = loader.construct_document(node)
    except EstateError:
        raise
    except yaml.MarkedYAMLError as error:
        place = f"{path}:{error.problem_mark.line + 1}" if error.problem_mark else f"{path}"
        raise EstateError([f"{place}: not YAML ({plain(error.problem or error.context or '')})"]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise EstateError([f"{path}:{line}: not YAML ({error.reason})"]) from None
    except ValueError as error:
        raise EstateError([f"{path} has a value that YAML does not allow ({plain(str(error))})"]) from None
    except (ArithmeticError, AttributeError, LookupError, TypeError):
        # What PyYAML's readers of single values raise where a tag and its value do not agree, as in `!!bool x`.
        raise EstateError([f"{path} has a value that is not what its tag says; leave the tag out"]) from None
    except RecursionError:
        raise EstateError([f"{path} {_TOO_DEEP}"]) from None
    return Marked(found, node)


class _Extent(NamedTuple):
    """How many values something stands for, and how deep they are nested."""

    size: int
    depth: int


class _Nodes:
    """What a file holds before it becomes values, and how much: an alias repeats all that its anchor holds."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._extents: dict[int, _Extent | None] = {}

    def require(self, node: yaml.Node) -> None:
        """See that a node is of a size to be worked with, no alias in itself, no key twice. Raises EstateError."""
        if self._extent(node).depth > MAX_DEPTH:
            raise EstateError([f"{self._path} {_TOO_DEEP}"])

    def _extent(self, node: yaml.Node) -> _Extent:
        if id(node) not in self._extents:
            self._extents[id(node)] = None
            parts = [self._extent(part) for part in self._parts(node)]
            found = _Extent(1 + sum(part.size for part in parts), 1 + max((part.depth for part in parts), default=0))
            if found.size > MAX_NODES:
                raise self._error(node, f"its aliases stand for more than {MAX_NODES} values; write out what is needed")
            self._extents[id(node)] = found
        known = self._extents[id(node)]
        if known is None:
            raise self._error(node, "it holds itself through an alias; write it out")
        return known

    def _parts(self, node: yaml.Node) -> list[yaml.Node]:
        if isinstance(node, yaml.MappingNode):
            self._require_different_keys(node)
            return [part for pair in node.value for part in pair]
        if isinstance(node, yaml.SequenceNode):
            return list(node.value)
        if node.tag in _NUMBERS and len(node.value) > MAX_DIGITS:
            raise self._error(node, f"a number is longer than {MAX_DIGITS} characters; put it in quotes if it is text")
        if any("\ud800" <= letter <= "\udfff" for letter in node.value):
            raise self._error(node, "a text has half of a character; write the character itself")
        return []

    def _require_different_keys(self, node: yaml.MappingNode) -> None:
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if (key.tag, key.value) in seen:
                    raise self._error(key, f"the key {shown_text(key.value)} stands there twice; keep one")
                seen.add((key.tag, key.value))

    def _error(self, node: yaml.Node, problem: str) -> EstateError:
        return EstateError([f"{self._path}:{node.start_mark.line + 1}: {problem}"])


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise EstateError([f"{path} is larger than {MAX_BYTES} bytes; a services registry is a few thousand"])
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise EstateError([f"{path}:{line}: not UTF-8; save it as UTF-8"]) from None
    except OSError as error:
        raise EstateError([f"{path} cannot be read ({error.strerror}); make it a readable file"]) from None
