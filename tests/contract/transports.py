"""The transports that the contract suite runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from godtui.clock import SystemClock
from tests.contract.embedded import EmbeddedHarness
from tests.contract.harness import Harness

FRESH: Mapping[str, Callable[[Path], Harness]] = {
    "embedded": lambda directory: EmbeddedHarness(str(directory)),
}
"""A harness on storage that nobody used before."""

OPENED: Mapping[str, Callable[[str], Harness]] = {
    "embedded": lambda address: EmbeddedHarness(address, SystemClock()),
}
"""A harness in another process, on storage named by its address."""
