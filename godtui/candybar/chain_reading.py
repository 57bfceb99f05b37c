"""The chain that the reader looks at: read in parts, and on as it grows; all of it polled from the screen's tick."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Final
from uuid import UUID

from godtui.candybar.chain_picture import Picture, read_anew, read_on
from godtui.candybar.link import Link
from godtui.operations import StoreUnavailableError

POLL_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 5.0
PATIENCE: Final = 10
"""After an answer so many times as long as it took nothing more is asked: a long chain is not read all the time."""
FRESH_SECONDS: Final = 2.0

log = logging.getLogger(__name__)


class ChainReader:
    """Asks again only where something was stored since, and while someone looks."""

    def __init__(self, link: Link, correlation_id: UUID) -> None:
        self._link = link
        self.correlation_id = correlation_id
        self.picture: Picture | None = None
        """What was read, None before, and where nothing is stored."""
        self.is_missing = False
        """Whether nothing of it is stored."""
        self.fault: str | None = None
        """Why the last question was not answered, or None."""
        self.as_of: int | None = None
        """When the last answer came, in µs since 1970."""
        self.retry_at = 0.0
        self._asked: Future[Picture | None] | None = None
        self._asked_at = -POLL_SECONDS
        self._next_at = 0.0
        self._known = 0
        self._looked_to = -1
        self._agreed_at = link.clock.monotonic()
        self._anew = False

    @property
    def reading(self) -> bool:
        """Whether more of it is stored, and on its way here."""
        picture = self.picture
        if picture is None:
            return not self.is_missing
        return not (picture.is_whole or picture.is_cut)

    @property
    def reading_anew(self) -> bool:
        """Whether all of it is being read once more."""
        return self._anew

    @property
    def age(self) -> float:
        """For how many seconds more may be stored than is shown; 0 while that is not known to be so."""
        age = self._link.clock.monotonic() - self._agreed_at
        return age if age >= FRESH_SECONDS else 0.0

    def reload(self) -> None:
        """Read it anew at the next tick."""
        self.close()
        self.fault, self._anew, self._next_at = None, True, 0.0

    def poll(self) -> None:
        """Take in what was answered, and ask for more where there may be more."""
        self._take()
        link, now = self._link, self._link.clock.monotonic()
        unheard = self.fault is not None or link.silence or link.stale is not None
        if not unheard and not self.reading and link.newest_seq <= self._looked_to:
            self._agreed_at = now
        if self._asked is None and link.hosted.started and self._is_due(now):
            self._ask(now)

    def close(self) -> None:
        """Nobody waits for an answer any more."""
        if self._asked is not None:
            self._asked.cancel()
            self._asked = None

    def _is_due(self, now: float) -> bool:
        if self.fault is not None:
            return now >= self.retry_at
        if self._anew or (self.reading and not self.is_missing):
            return True
        if self.picture is not None and self.picture.is_cut:
            return False
        return now >= self._next_at and self._link.newest_seq > self._looked_to

    def _ask(self, now: float) -> None:
        chains, held = self._link.hosted.operations.chains, self.picture
        self._known, self._asked_at = self._link.newest_seq, now
        self._asked = self._link.ask(
            read_anew(chains, self.correlation_id) if self._anew else read_on(chains, self.correlation_id, held)
        )
        if self._asked is None:
            self._fail("the engine does not run")

    def _take(self) -> None:
        asked = self._asked
        if asked is None or not asked.done():
            return
        self._asked = None
        error = StoreUnavailableError("the engine is stopping") if asked.cancelled() else asked.exception()
        if error is not None:
            if not isinstance(error, StoreUnavailableError):
                log.warning("a chain cannot be asked for: %s", error, exc_info=error)
            self._fail(str(error) or type(error).__name__)
            return
        now = self._link.clock.monotonic()
        self.picture = asked.result()
        self.is_missing = self.picture is None
        self.fault, self._anew = None, False
        self.as_of = self._link.clock.now()
        self._agreed_at = max(self._agreed_at, self._asked_at)
        self._looked_to = self._known
        self._next_at = max(self._asked_at + POLL_SECONDS, now + PATIENCE * (now - self._asked_at))

    def _fail(self, why: str) -> None:
        self.fault = why
        self.retry_at = self._link.clock.monotonic() + RETRY_SECONDS
