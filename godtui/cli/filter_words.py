"""A filter as the words of a command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import click

_NEGATED: Final = re.compile(r"-(?!-|[fh]$).")


class FilterCommand(click.Command):
    """A command whose arguments may begin with one -, as a filter's negated terms do."""

    def parse_args(self, context: click.Context, arguments: list[str]) -> list[str]:
        """Mark what would be taken for short options; no argument of a process can hold NUL itself."""
        return super().parse_args(context, [f"\0{one}" if _NEGATED.match(one) else one for one in arguments])


def joined(words: Iterable[str]) -> str:
    """The filter that the words of such a command make."""
    return " ".join(word.removeprefix("\0") for word in words)
