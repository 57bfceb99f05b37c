"""One measurement in a process of its own: `python -m benchmarks.measure MODULE:FUNCTION PLACE`, figures as JSON."""

from __future__ import annotations

import importlib
import json
import signal
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TypeAlias, TypeVar

Figures: TypeAlias = dict[str, float]
Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a measurement may write: a fresh `folder` of its own, and what was `prepared` once for all runs."""

    folder: Path
    prepared: Path
    quick: bool

    def choose(self, full: Choice, quick: Choice) -> Choice:
        """How much to do: enough to measure, or enough to see that it runs."""
        return quick if self.quick else full

    def to_json(self) -> str:
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Place:
        document = json.loads(text)
        return cls(Path(document["folder"]), Path(document["prepared"]), document["quick"])


def _end(_number: int, _frame: FrameType | None) -> None:
    """Leave by way of every `finally`, so that nothing started here goes on."""
    sys.exit(1)


def main() -> None:
    signal.signal(signal.SIGTERM, _end)
    module, _, name = sys.argv[1].partition(":")
    measure: Callable[[Place], Figures | None] = getattr(importlib.import_module(module), name)
    print(json.dumps(measure(Place.from_json(sys.argv[2])) or {}))


if __name__ == "__main__":
    main()
