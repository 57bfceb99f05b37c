"""JSON that a command takes from a file or from standard input."""

from __future__ import annotations

import sys
from pathlib import Path

from godtui import jsontext
from godtui.cli.failures import ThingFailedError, WrongUsageError
from godtui.jsontext import Json


def read_json(file: str, limit: int, what: str) -> Json:
    """The value in a file, or with - in standard input; `what` names it in sentences.

    Raises WrongUsageError where it cannot be read, ThingFailedError where it is no JSON or has over `limit` bytes.
    """
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(limit + 1)
        else:
            with Path(file).open("rb") as opened:
                raw = opened.read(limit + 1)
    except (OSError, AttributeError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is closed"
        raise WrongUsageError(f"{file} cannot be read: {said}") from None
    if len(raw) > limit:
        raise ThingFailedError(f"{file} has over {limit:,} bytes, and {what} has no more than that")
    try:
        return jsontext.parse(raw)
    except jsontext.JsonError as error:
        raise ThingFailedError(f"{what} is not JSON: {error}") from None
