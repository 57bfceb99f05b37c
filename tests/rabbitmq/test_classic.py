"""A core of the contract suite on classic queues, for those who set GODTUI_QUEUE_TYPE=classic."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import pytest_asyncio

from godtui.bloodbank.rabbitmq import Topology
from tests.contract.harness import Harness
from tests.contract.rabbitmq import RabbitHarness
from tests.contract.test_expiry import test_what_waits_too_long_becomes_a_letter_in_its_queue_alone
from tests.contract.test_publishing import test_delivers_a_message_as_it_was_sent, test_to_one_queue_alone
from tests.contract.test_queues import test_declaring_again_changes_what_comes_and_not_what_waits
from tests.contract.test_settling import (
    test_a_batch_settles_in_order_what_was_not_decided_alone,
    test_a_dead_letter_tells_all,
    test_a_retry_waits_for_its_time_and_blocks_nobody,
    test_what_was_acked_stays_so_and_the_rest_comes_again_in_order,
)

__all__ = [
    "test_a_batch_settles_in_order_what_was_not_decided_alone",
    "test_a_dead_letter_tells_all",
    "test_a_retry_waits_for_its_time_and_blocks_nobody",
    "test_declaring_again_changes_what_comes_and_not_what_waits",
    "test_delivers_a_message_as_it_was_sent",
    "test_to_one_queue_alone",
    "test_what_waits_too_long_becomes_a_letter_in_its_queue_alone",
    "test_what_was_acked_stays_so_and_the_rest_comes_again_in_order",
]


@pytest_asyncio.fixture
async def harness(url: str) -> AsyncGenerator[Harness]:
    transport = RabbitHarness(url, Topology("classic"))
    await transport.start()
    yield transport
    await transport.stop()
    await transport.clean()
