"""How fast events come: a rate over five seconds and its last minute."""

from __future__ import annotations

from collections import deque

SPAN = 5.0
STEP = 0.25
MINUTE = 60


class Meter:
    """Counts that arrive, sampled at most four times a second."""

    def __init__(self, now: float) -> None:
        self._total = 0
        self._samples: deque[tuple[float, int]] = deque([(now, 0)], maxlen=int(SPAN / STEP) + 1)
        self._second = (now, 0)
        self.seconds: deque[float] = deque(maxlen=MINUTE)
        """Events of each whole second, newest last."""
        self.rate = 0.0

    def add(self, count: int) -> None:
        """So many more."""
        self._total += count

    def sample(self, now: float) -> bool:
        """Bring the figures up to date; whether it was time to."""
        if now - self._samples[-1][0] < STEP:
            return False
        self._samples.append((now, self._total))
        while len(self._samples) > 2 and now - self._samples[1][0] >= SPAN:
            self._samples.popleft()
        since, total = self._samples[0]
        self.rate = (self._total - total) / max(1.0, now - since)
        begun, before = self._second
        if now - begun >= 1:
            self.seconds.append((self._total - before) / (now - begun))
            self._second = (now, self._total)
        return True
