"""Long texts of others in lines of so many cells."""

from __future__ import annotations

import re
import textwrap
from functools import lru_cache

from rich.cells import chop_cells

from godtui.candybar.plaintext import plain

TAB = 8
MOST_OUTPUT = 16_384
MOST_SENTENCE = 2_000

_COLOURS = re.compile(r"\x1b\[[0-9;:]*[mK]")


def sentences(text: str, cells: int, *, ascii_only: bool = False) -> list[str]:
    """Prose, broken between words where it can be."""
    said = plain(" ".join(text[:MOST_SENTENCE].split()), ascii_only=ascii_only)
    lines = textwrap.wrap(said, max(1, cells), break_on_hyphens=False)
    return [part for line in lines for part in _chopped(line, cells)]


@lru_cache(maxsize=64)
def output(text: str, cells: int, *, ascii_only: bool = False) -> tuple[str, ...]:
    """The end of what a program printed, every line whole: without colours, and of a line that was written over in
    place the last writing, as a terminal would show it."""
    text = _COLOURS.sub("", text[-MOST_OUTPUT:]).rstrip()
    lines = [line.rstrip("\r").rpartition("\r")[2].expandtabs(TAB) for line in text.split("\n")] if text else []
    return tuple(part for line in lines for part in _chopped(plain(line.rstrip(), ascii_only=ascii_only), cells))


def _chopped(line: str, cells: int) -> list[str]:
    return chop_cells(line, max(2, cells)) or [""]
