"""`infra-dispatch-state.json`: what the ledger says, for those who move it, watch it, or come from the first one."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import stat
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, get_args

from godtui import jsontext
from godtui.clock import Clock, rfc3339, to_microseconds
from godtui.dispatcher import fields
from godtui.dispatcher.case import Case, Episode
from godtui.dispatcher.episodes import state_of
from godtui.dispatcher.errors import DispatcherError
from godtui.dispatcher.gate import GateRules, judge
from godtui.dispatcher.rows import case_of
from godtui.dispatcher.ticket import Ticket
from godtui.dispatcher.timeline import Timeline
from godtui.envelope import read_timestamp
from godtui.eventlog import replace_file
from godtui.jsontext import Json

FORMAT: Final = 1
Ended: TypeAlias = Literal["dispatched", "failed", "withdrawn"]
"""How an episode ends, both as its phase and as the last word on it."""

_ENDED: Final[Mapping[Json, Ended]] = {name: name for name in get_args(Ended)}
MAX_BYTES: Final = 256 * 1024 * 1024
_FINGERPRINT: Final = re.compile(
    r"[^:]*:(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:?\d\d)?):", re.ASCII
)


class StateFileError(DispatcherError):
    """The state file cannot be used."""


class CorruptStateError(StateFileError):
    """The state file is there, but nobody can tell what it says."""


class StateFile:
    """The file, and the right to it: one dispatcher at a time, told by a lock beside it that ends with its process."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock
        self._lock: int | None = None
        self._writing = threading.Lock()
        self._entries: dict[str, tuple[int, bytes]] = {}
        """What is written of each ticket, with a hash of the row that it was made of."""

    def take(self, note: Mapping[str, object]) -> None:
        """Lock the file and say who has it. Raises StateFileError, naming who has it where that is another."""
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateFileError(
                f"{lock} cannot be made ({error.strerror}); make {lock.parent} a folder that godtui may write,"
                " or set INFRA_DISPATCH_STATE_PATH"
            ) from None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = _holder(descriptor)
            os.close(descriptor)
            raise StateFileError(
                f"{self.path} is in use by {holder}; stop that one, or set INFRA_DISPATCH_STATE_PATH to another file"
            ) from None
        self._lock = descriptor
        self.announce(note)

    def announce(self, note: Mapping[str, object]) -> None:
        """Say who has it. On a full disk the lock holds all the same; only its name is missing."""
        if self._lock is None:
            return
        text = json.dumps({"pid": os.getpid(), **note}).encode()
        with contextlib.suppress(OSError):
            os.ftruncate(self._lock, 0)
            os.pwrite(self._lock, text, 0)

    def release(self) -> None:
        """Let go of it; a second time it does nothing."""
        descriptor, self._lock = self._lock, None
        if descriptor is not None:
            os.close(descriptor)

    def read(self) -> Mapping[str, Json] | None:
        """What the file says, nothing where it is blank, None where it is not there.

        Raises CorruptStateError, StateFileError.
        """
        try:
            found = self.path.stat()
            if not stat.S_ISREG(found.st_mode):
                raise StateFileError(f"{self.path} is no file; move it away, or set INFRA_DISPATCH_STATE_PATH")
            size = found.st_size
            text = self.path.read_bytes() if size <= MAX_BYTES else b""
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StateFileError(
                f"{self.path} cannot be read ({error.strerror}); let godtui read it, or set INFRA_DISPATCH_STATE_PATH"
            ) from None
        if size > MAX_BYTES:
            raise CorruptStateError(f"it has {size:,} bytes")
        if not text.strip():
            return {}
        try:
            told = jsontext.parse(text)
        except jsontext.JsonError as error:
            raise CorruptStateError(f"it is not JSON: {error}") from None
        if not isinstance(told, dict):
            raise CorruptStateError("it is no JSON object")
        return told

    def set_aside(self) -> Path:
        """Keep the file under another name. Raises StateFileError."""
        stamp = rfc3339(self._clock.now())[:19].replace(":", "").replace("-", "")
        aside = self.path.with_name(f"{self.path.name}.corrupt-{stamp}")
        try:
            self.path.rename(aside)
        except OSError as error:
            raise StateFileError(f"{self.path} is corrupt and cannot be kept aside ({error.strerror})") from None
        return aside

    def write(self, head: Mapping[str, Json], rows: Iterable[Sequence[Any]]) -> bool:
        """Put what the head says, and the tickets of these rows of TICKETS, in the file's place, whole or not at all.

        Answers whether that could be done. Only what has changed is made anew: with many tickets, all of it takes long.
        """
        # The last one is written when the dispatcher ends, maybe while a thread is at the one before.
        with self._writing:
            self._entries = dict(self._made(rows))
            tickets = b",".join([entry for _, entry in self._entries.values()])
            return replace_file(self.path, jsontext.dumps(head)[:-1] + b',"tickets":{' + tickets + b"}}")

    def _made(self, rows: Iterable[Sequence[Any]]) -> Iterator[tuple[str, tuple[int, bytes]]]:
        for row in rows:
            known, found = self._entries.get(row[0]), hash(row)
            if known is None or known[0] != found:
                case = case_of(row)
                known = found, jsontext.dumps(case.id) + b":" + jsontext.dumps(_entry(case))
            yield row[0], known


def head_of(ledger: str, instance: str, paused: Json, now: int) -> dict[str, Json]:
    """What the file says of a ledger beside its tickets."""
    return {
        "godtui": FORMAT,
        "ledger": ledger,
        "instance": instance,
        "written_at": rfc3339(now),
        "paused": paused,
    }


def cases_of(told: Mapping[str, Json], gate: GateRules, now: int) -> list[Case]:
    """The cases that a state file tells of, ours or that of the first dispatcher.

    That one kept `{"<issue id>": "<action>:<updated_at>:<state>:<labels>"}`: what it had sent, or tried to.
    Raises CorruptStateError where it is neither.
    """
    if "godtui" not in told:
        return [_first_case(ticket_id, value, now) for ticket_id, value in told.items()]
    tickets = told.get("tickets")
    if told["godtui"] != FORMAT or not isinstance(tickets, dict):
        raise CorruptStateError(f"it is of format {str(told['godtui'])[:20]}, this godtui knows {FORMAT}")
    try:
        return [_case(ticket_id, entry, gate, now) for ticket_id, entry in tickets.items()]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise CorruptStateError(f"an entry of it cannot be read ({type(error).__name__}: {error})") from None


def _entry(case: Case) -> dict[str, object]:
    """A ticket; the ticket itself only where it is still to be sent."""
    covered, episode = case.timeline.covered, case.episode
    entry: dict[str, object] = {
        "reference": case.ticket.reference,
        "state": state_of(case),
        "episode": case.number,
        "updated_at": None if case.content_at is None else rfc3339(case.content_at),
        "dispatched_until": None if covered is None else rfc3339(covered),
        "timeline": case.timeline.document(),
    }
    if episode is not None:
        kept = {
            "reason": episode.reason,
            "ready_at": rfc3339(episode.ready_at),
            "run_id": episode.run_id,
            "forced": episode.forced,
            "by_operator": episode.by_operator or None,
            "ticket": case.ticket.document() if episode.is_open else None,
        }
        entry |= {name: value for name, value in kept.items() if value is not None}
    return entry


def _case(ticket_id: str, entry: Mapping[str, Json], gate: GateRules, now: int) -> Case:
    """What an entry says; whatever was open is ready again. Raises KeyError, TypeError, ValueError, AttributeError."""
    told, at = entry.get("ticket"), entry["updated_at"]
    ticket = Ticket(ticket_id, str(entry["reference"])) if told is None else Ticket.from_document(told)
    case = Case(
        ticket_id,
        ticket,
        None if told is None else judge(ticket, gate),
        None if at is None else _moment(at),
        _timeline(entry["timeline"]),
        number=int(entry["episode"]),
    )
    # That a ticket is not ready was said where that was seen, with what was seen of it.
    is_rejected = not case.timeline.standing(0).ready
    if "ready_at" not in entry:
        case.said = "rejected" if is_rejected else None
        return case
    ready_at, forced = _moment(entry["ready_at"]), entry.get("forced")
    case.episode = episode = Episode(
        case.number, since=ready_at, ready_at=ready_at, reason=str(entry["reason"]), due_at=now, opened_at=now,
        forced=None if forced is None else str(forced), by_operator=bool(entry.get("by_operator")),
    )  # fmt: skip
    if told is None:
        ended = _ENDED[entry["state"]]
        episode.run_id = None if entry.get("run_id") is None else str(entry["run_id"])
        episode.turn(ended, episode.reason, now)
        case.said = "rejected" if is_rejected and ended == "dispatched" else ended
    else:
        episode.turn("ready", "taken over", now)
        case.said = "qualified" if forced is None else "rejected"
    return case


def _timeline(told: Json) -> Timeline:
    timeline = Timeline.from_document(told)
    moments = [at for at, _ in timeline.points]
    if timeline.covered is not None:
        moments.append(timeline.covered)
    if not all(type(at) is int for at in moments) or not all(type(ready) is bool for _, ready in timeline.points):
        raise ValueError("a time is no number")
    return timeline


def _first_case(ticket_id: str, value: Json, now: int) -> Case:
    """A ticket that the first dispatcher has sent: dispatched up to the time of the edit that it sent."""
    if not isinstance(value, str):
        raise CorruptStateError("it is neither of godtui nor of the first dispatcher")
    found = _FINGERPRINT.match(value)
    try:
        at = now if found is None else _moment(found[1])
    except ValueError:
        at = now
    episode = Episode(1, since=at, ready_at=at, settles=at, opened_at=now)
    episode.turn("dispatched", "by the first dispatcher", now)
    ticket = Ticket(fields.uuid(ticket_id) or ticket_id, ticket_id[:8])
    return Case(
        ticket.id, ticket, content_at=at, timeline=Timeline().settle(at), said="dispatched", number=1, episode=episode
    )


def _moment(value: Json) -> int:
    if not isinstance(value, str):
        raise TypeError("a time is no text")
    return to_microseconds(read_timestamp(value)[0])


def _holder(descriptor: int) -> str:
    try:
        note = json.loads(os.pread(descriptor, 4096, 0))
        instance, url = str(note["instance"]), note.get("url")
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return "another dispatcher"
    where = f" at {url}" if url else ""
    return f"{instance} (process {note.get('pid', 'unknown')}{where})"
