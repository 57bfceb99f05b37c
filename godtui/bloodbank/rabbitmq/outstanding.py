"""What was confirmed here and has yet to come out of the memory's queue."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from godtui.bloodbank.bus import Message

MOST_BYTES: Final = 32 * 1024 * 1024
MESSAGE_BYTES: Final = 1024
"""What a message takes beside its body, roughly."""
PATIENT_LOOKS: Final = 3
"""How many looks ago a message must have been sent, at least, before it can be missing."""


@dataclass(slots=True)
class Stretch:
    """What was sent between two looks at the queue; `came` once some of it came out of the queue."""

    since: int
    pending: dict[str, Message] = field(default_factory=dict)
    came: bool = False


class Outstanding:
    """A broker does not say whether a queue is bound to an exchange. But what was confirmed and does not come out of
    the memory's queue, although what was sent later does or nothing is left there, was never put there.

    That can be told only where the memory's consumer is; elsewhere what was sent lately is kept. As much is kept as
    has room; the oldest goes first.
    """

    def __init__(self, now: int, most_bytes: int = MOST_BYTES) -> None:
        """Times are wall time in µs since 1970."""
        self._stretches = deque([Stretch(now)])
        self._newest = self._stretches[0].pending
        self._most_bytes = most_bytes
        self._bytes = 0
        self._empty_looks = 0
        self._following = True

    def __len__(self) -> int:
        return sum(len(stretch.pending) for stretch in self._stretches)

    def sent(self, message: Message) -> None:
        """It is on its way; told before it leaves, as it may come out of the queue before it is confirmed."""
        if message.message_id not in self._newest:
            self._newest[message.message_id] = message
            self._bytes += len(message.body) + MESSAGE_BYTES

    def pending(self, identity: str) -> Message | None:
        """The message of that id that is on its way or in the queue, as far as that is known here."""
        for stretch in reversed(self._stretches):
            if identity in stretch.pending:
                return stretch.pending[identity]
        return None

    def unconfirmed(self, identity: str) -> None:
        """Whoever published it knows that it may be missing."""
        self._remove(identity)

    def decided(self, identity: str) -> None:
        """It came out of the queue."""
        stretch = self._remove(identity)
        if stretch is not None:
            stretch.came = True

    def look(self, now: int, *, is_empty: bool, following: bool) -> Stretch | None:
        """The queue was looked at: what is missing, and since when.

        `following` says that whatever comes out of the queue is decided here, `is_empty` that nothing waits there, nor
        is in anyone's hands.
        """
        if following and not self._following:
            # Until now it came out elsewhere, or nowhere: what of it is missing cannot be told.
            self.everything(now)
        self._following = following
        self._empty_looks = self._empty_looks + 1 if following and is_empty else 0
        missing = self._missing() if following else None
        while not following and len(self._stretches) >= PATIENT_LOOKS:
            self._take(self._stretches.popleft())
        self._stretches.append(Stretch(now))
        self._newest = self._stretches[-1].pending
        while self._bytes > self._most_bytes and len(self._stretches) > 1:
            self._take(self._stretches.popleft())
        while len(self._stretches) > 1 and not self._stretches[0].pending:
            self._stretches.popleft()
        return missing

    def everything(self, now: int) -> Stretch:
        """The queue is gone, and with it all that had not come out."""
        found = Stretch(self._stretches[0].since)
        for stretch in self._stretches:
            found.pending |= stretch.pending
        self._stretches = deque([Stretch(now)])
        self._newest = self._stretches[0].pending
        self._bytes = 0
        return found

    def _missing(self) -> Stretch | None:
        if self._empty_looks >= PATIENT_LOOKS:
            until = len(self._stretches) - PATIENT_LOOKS + 1
        else:
            came = max((place for place, stretch in enumerate(self._stretches) if stretch.came), default=0)
            until = min(came, len(self._stretches)) - PATIENT_LOOKS + 1
        found: Stretch | None = None
        for place in range(max(0, until)):
            stretch = self._stretches[place]
            if stretch.pending:
                found = found or Stretch(stretch.since)
                found.pending |= self._take(stretch)
        return found

    def _take(self, stretch: Stretch) -> dict[str, Message]:
        taken, stretch.pending = stretch.pending, {}
        self._bytes -= sum(len(message.body) + MESSAGE_BYTES for message in taken.values())
        return taken

    def _remove(self, identity: str) -> Stretch | None:
        for stretch in reversed(self._stretches):
            message = stretch.pending.pop(identity, None)
            if message is not None:
                self._bytes -= len(message.body) + MESSAGE_BYTES
                return stretch
        return None
