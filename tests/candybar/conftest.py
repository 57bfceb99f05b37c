"""The console's tests tick faster than a person looks."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _fast_ticks(monkeypatch):
    monkeypatch.setattr("godtui.candybar.screens.stream.FRAMES", 150)
    monkeypatch.setattr("godtui.candybar.screens.dispatcher.FRAMES", 150)
    monkeypatch.setattr("godtui.candybar.screens.store.FRAMES", 150)
    monkeypatch.setattr("godtui.candybar.screens.chain.FRAMES", 150)
    monkeypatch.setattr("godtui.candybar.screens.replay.FRAMES", 150)
    monkeypatch.setattr("godtui.candybar.app.REPLAY_TICKS", 100)
