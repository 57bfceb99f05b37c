"""Whole programs, seen from outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of its own, whose path is short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        yield Path(path)
