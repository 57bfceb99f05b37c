"""kill -9 at the worst moments: whatever was answered 202 is there exactly once.

A situation is `load` (killed while publishers publish), `start` (killed while it starts and catches up, publishers at
its door) or `drain` (killed while it drains after SIGTERM). Seeded: the moments differ, the plan of each seed does not.
"""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Literal, NamedTuple

import httpx
import pytest

from tests.acceptance.loader import recorded, unanswered
from tests.processes import Process

Situation = Literal["load", "start", "drain"]
SITUATIONS: tuple[Situation, ...] = ("load", "start", "drain")
SOAK_ROUNDS = 30


class Verdict(NamedTuple):
    """What the instance holds in the end, against what was promised."""

    confirmed: int
    lost: set[str]
    doubled: set[str]
    unheard: set[str]


class Arena:
    """One data directory, killed again and again."""

    def __init__(self, home: Path, seed: int) -> None:
        self.home = home
        self.record = home / "record"
        self.handled = home / "handled"
        self.chance = random.Random(seed)

    def instance(self) -> Process:
        data = self.home / "data"
        data.mkdir(exist_ok=True)
        return Process(self.home, str(data), str(self.handled), module="tests.acceptance.consuming")

    def loader(self, url: str) -> Process:
        seed = str(self.chance.randrange(2**32))
        return Process(self.home, url, str(self.record), seed, module="tests.acceptance.loader")

    def play(self, situation: Situation) -> None:
        """One round: start, publish, kill."""
        if situation == "start":
            self._kill_while_starting()
        with self.instance() as instance, self.loader(instance.url) as loader:
            if situation == "start":
                loader.until(lambda: recorded(self.record, "held"))
            else:
                hundreds = self.chance.randrange(1, 6)
                loader.until(lambda: len(loader.stdout) >= hundreds)
            time.sleep(self.chance.uniform(0, 0.05))
            if situation == "drain":
                instance.send(signal.SIGTERM)
                time.sleep(self.chance.uniform(0, 0.15))
            instance.kill()
            assert loader.wait() == 0, loader.stderr

    def _kill_while_starting(self) -> None:
        """Anywhere from before the log is opened to the middle of catching up."""
        with self.instance() as instance:
            with contextlib.suppress(subprocess.TimeoutExpired):
                instance.ended_within(self.chance.uniform(0.3, 1.5))
            instance.kill()

    def verdict(self) -> Verdict:
        """Start once more, repeat what nobody answered, and compare."""
        with self.instance() as instance:
            with self.loader(instance.url) as loader:
                loader.until(lambda: loader.stdout)
                loader.kill()
            stored = Counter(_stored(instance.url))
            confirmed = recorded(self.record, "held")
            instance.until(lambda: set(stored) <= self._handled())
            assert instance.stop() == 0
        sent = confirmed | unanswered(self.record)
        doubled = {event for event, count in stored.items() if count > 1} | (set(stored) - sent)
        return Verdict(len(confirmed), confirmed - set(stored), doubled, set(stored) - self._handled())

    def _handled(self) -> set[str]:
        return set(self.handled.read_text().splitlines())


def _stored(url: str) -> list[str]:
    """The ids of everything stored, as the API tells them."""
    found: list[str] = []
    parameters = {"type": "test.event.created", "order": "asc", "limit": "1000"}
    with httpx.Client(base_url=url, trust_env=False, timeout=60) as http:
        while True:
            page = http.get("/events", params=parameters).raise_for_status().json()
            found += [event["event_id"] for event in page["events"]]
            if page["next_cursor"] is None:
                return found
            parameters["cursor"] = page["next_cursor"]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_what_was_answered_is_there_once(home: Path, situation: Situation) -> None:
    arena = Arena(home, seed=SITUATIONS.index(situation))
    arena.play(situation)
    verdict = arena.verdict()
    assert verdict.confirmed >= 1
    assert verdict[1:] == (set(), set(), set())


def say(line: str) -> None:
    """For those who watch a long run."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@pytest.mark.soak
@pytest.mark.parametrize("seed", [1])
def test_thirty_rounds(home: Path, seed: int) -> None:
    arena = Arena(home, seed)
    for number in range(SOAK_ROUNDS):
        arena.play(SITUATIONS[number % len(SITUATIONS)])
        say(f"round {number + 1}: {len(recorded(arena.record, 'held')):,} confirmed")
    verdict = arena.verdict()
    say(
        f"kill -9, seed {seed}: {SOAK_ROUNDS} rounds, {verdict.confirmed:,} events confirmed, "
        f"{len(verdict.lost)} lost, {len(verdict.doubled)} doubled, {len(verdict.unheard)} never delivered"
    )
    assert verdict[1:] == (set(), set(), set())
