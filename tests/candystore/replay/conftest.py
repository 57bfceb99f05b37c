"""A rig that is open."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio

from tests.candystore.replay.rig import Rig


@pytest_asyncio.fixture
async def rig(tmp_path: Path) -> AsyncGenerator[Rig]:
    opened = Rig(tmp_path)
    await opened.open()
    yield opened
    await opened.close()
