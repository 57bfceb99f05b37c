"""What holds for every test."""

from __future__ import annotations

import os
import shutil
import tempfile

from hypothesis import HealthCheck, settings

from tests import broker

# The same examples on every run: what a search finds belongs into a test, not into somebody else's morning.
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("searching", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

# What belongs to whoever runs the tests, ~/.config/openclaw above all, is neither read nor written by any of them.
HOME = tempfile.mkdtemp(prefix="godtui-home-")
os.environ["HOME"] = HOME


def pytest_sessionfinish() -> None:
    broker.remove_shared()
    shutil.rmtree(HOME, ignore_errors=True)
