"""The transports that the contract suite runs on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from godtui.clock import SystemClock
from tests import broker
from tests.contract.embedded import EmbeddedHarness
from tests.contract.harness import Harness
from tests.contract.rabbitmq import RabbitHarness

FRESH: Mapping[str, Callable[[Path], Harness]] = {
    "embedded": lambda directory: EmbeddedHarness(str(directory)),
    "rabbitmq": lambda directory: RabbitHarness(broker.shared().url),
}
"""A harness on storage that nobody used before."""

OPENED: Mapping[str, Callable[[str], Harness]] = {
    "embedded": lambda address: EmbeddedHarness(address, SystemClock()),
    "rabbitmq": RabbitHarness,
}
"""A harness in another process, on storage named by its address."""
