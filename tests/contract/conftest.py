"""Every test of this folder runs on every transport."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.harness import Harness
from tests.contract.transports import FRESH


@pytest_asyncio.fixture(params=sorted(FRESH))
async def harness(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncGenerator[Harness]:
    transport = FRESH[request.param](tmp_path)
    await transport.start()
    yield transport
    await transport.stop()
    await transport.clean()
