"""A dispatcher that can be killed between any two steps, and an OpenClaw in memory that answers as told."""

from __future__ import annotations

import asyncio
import hmac
import itertools
import re
import tempfile
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

from godtui import jsontext
from godtui.bloodbank import tables as bus_tables
from godtui.bloodbank.embedded import EmbeddedBus
from godtui.bloodbank.outbox import Append, Outbox
from godtui.bloodbank.publisher import Publisher, PublishingRules
from godtui.bloodbank.queues import plane_queue
from godtui.clock import rfc3339
from godtui.dispatcher import tables
from godtui.dispatcher.carrier import Carrier
from godtui.dispatcher.check_plan import CheckPlan, Planned
from godtui.dispatcher.check_process import Ended
from godtui.dispatcher.checks import CheckRules, Checks
from godtui.dispatcher.desk import Desk, Place
from godtui.dispatcher.gate import GateRules
from godtui.dispatcher.handover import CarrierRules, Sender
from godtui.dispatcher.ingress import PlaneIngress
from godtui.dispatcher.intake import Intake
from godtui.dispatcher.ledger import Ledger, LedgerRules
from godtui.dispatcher.names import Names
from godtui.dispatcher.openclaw import Admitted, Answer, Misconfigured, Refused, SessionKeyRefused, TryAgain
from godtui.dispatcher.state_file import StateFile
from godtui.dispatcher.worker import Closing, Dispatcher
from godtui.eventlog import EventLog, LogUnavailableError, Record, Transaction
from godtui.eventlog.transaction import Outcome
from godtui.holyfields import Contracts, Registry
from godtui.runtime.supervisor import Supervisor
from godtui.settings import CheckSetting, MessageTtl, packaged
from tests.clock import ManualClock
from tests.dispatcher.samples import TODO, issue

Result = TypeVar("Result")

SECOND: Final = 1_000_000
REARM: Final = 300 * SECOND
START: Final = 1_770_900_000 * SECOND
"""When Plane's first edit was made."""
MEMORY_SECONDS: Final = 300.0
STILL: Final = 25
"""Turns of the loop without a step of the log's after which nothing goes on."""
SECRET: Final = "plane-secret"
CONTRACTS: Final = Contracts(Registry.load(packaged("schemas")))

_KEY = re.compile(r"godtui:(?P<ticket>[^:]+):(?P<number>\d+):\d+(?::\d+)?")
_CONTENT = re.compile(r"Title: edited at (\d+)")


class Cut(StrEnum):
    """How a step of the log's or the hook's goes wrong."""

    KILLED_BEFORE = "the process ends before it"
    KILLED_AFTER = "the process ends after it"
    FAILED = "nothing of it is kept"
    FAILED_KEPT = "all of it is kept, but an error is told"


class Mood(StrEnum):
    """What befalls one request to OpenClaw."""

    CUT_BEFORE = "cut before admission"
    CUT_AFTER = "cut after admission"
    SLOW_BEFORE = "admitted late"
    SLOW_AFTER = "admitted at once, answered late"
    BUSY = "429"
    BROKEN = "500"
    REFUSED = "400"
    LOCKED = "401"


class Edit(NamedTuple):
    """A ticket at one of Plane's times (µs), and which of the deliveries about it this is."""

    ticket: str
    at: int
    ready: bool
    turn: int = 0

    def raw(self) -> bytes:
        """Plane's delivery."""
        body = issue(
            id=self.ticket,
            name=f"edited at {self.at}",
            updated_at=rfc3339(self.at),
            state={"id": TODO, "name": "Todo", "color": "#60646C", "group": "unstarted" if self.ready else "started"},
        )
        body["activity"] = {**(body.get("activity") or {}), "field": f"field {self.turn}"}
        return jsontext.dumps(body)


class Sent(NamedTuple):
    """A request that OpenClaw got: for which episode, with the content of which edit; how much was stored by then."""

    key: str
    body: bytes
    ticket: str
    number: int
    content: int
    seq: int


@dataclass
class Claw:
    """OpenClaw in memory, by the contract's rules on keys. `moods` befall the next requests, one each.

    `runs` are the requests that began a run, each once; `refused` those that were turned down for good.
    """

    clock: ManualClock
    seq: Callable[[], int]
    refuses_session_keys: bool = False
    moods: deque[Mood] = field(default_factory=deque)
    sent: list[Sent] = field(default_factory=list)
    runs: list[Sent] = field(default_factory=list)
    refused: list[Sent] = field(default_factory=list)
    slow: int = 0
    cut: Callable[[str], Cut | None] = lambda _: None
    kill: Callable[[], Awaitable[None]] | None = None
    _memory: dict[tuple[str, bytes], tuple[str, float]] = field(default_factory=dict)
    _bodies: dict[str, bytes] = field(default_factory=dict)
    _admitting: asyncio.Event = field(default_factory=asyncio.Event)

    async def close(self) -> None:
        """There is nothing to close."""

    def forget(self) -> None:
        """Know no key any more."""
        self._memory.clear()

    def admit(self) -> None:
        """Let the slow go on."""
        self._admitting.set()
        self._admitting = asyncio.Event()

    async def send(self, body: bytes, key: str) -> Answer:
        cut = self.cut("send")
        if cut is Cut.KILLED_BEFORE and self.kill is not None:
            await self.kill()
        answer = await self._answer(self._noted(body, key))
        if cut is Cut.KILLED_AFTER and self.kill is not None:
            await self.kill()
        return answer

    def _noted(self, body: bytes, key: str) -> Sent:
        """Raises AssertionError where the key was known with other bytes."""
        told = jsontext.parse(body)
        matched, content = _KEY.fullmatch(key), _CONTENT.search(told["message"])
        assert told["idempotencyKey"] == key
        assert self._bodies.setdefault(key, body) == body, "other bytes under a known key"
        assert matched is not None
        assert content is not None
        sent = Sent(key, body, matched["ticket"], int(matched["number"]), int(content[1]), self.seq())
        self.sent.append(sent)
        return sent

    async def _answer(self, sent: Sent) -> Answer:
        mood = self.moods.popleft() if self.moods else None
        match mood:
            case Mood.CUT_BEFORE:
                return TryAgain("cut")
            case Mood.BUSY:
                return TryAgain("busy", 7.0)
            case Mood.BROKEN:
                return TryAgain("broken")
            case Mood.LOCKED:
                return Misconfigured("the token is refused")
            case Mood.SLOW_BEFORE:
                await self._wait()
        if self.refuses_session_keys and "sessionKey" in jsontext.parse(sent.body):
            return SessionKeyRefused("no session keys")
        if mood is Mood.REFUSED:
            self.refused.append(sent)
            return Refused("never")
        run_id = self._run(sent)
        if mood is Mood.SLOW_AFTER:
            await self._wait()
        return TryAgain("cut") if mood is Mood.CUT_AFTER else Admitted(run_id)

    async def _wait(self) -> None:
        self.slow += 1
        try:
            await self._admitting.wait()
        finally:
            self.slow -= 1

    def _run(self, sent: Sent) -> str:
        now = self.clock.monotonic()
        run_id, since = self._memory.get((sent.key, sent.body), ("", 0.0))
        if run_id and now - since < MEMORY_SECONDS:
            return run_id
        self.runs.append(sent)
        run_id = f"run-{len(self.runs)}"
        self._memory[sent.key, sent.body] = (run_id, now)
        return run_id


class Disk(EventLog):
    """A log whose steps a test counts, cuts, and stops for ever: what it is asked after its death it never answers."""

    def __init__(self, directory: Path, clock: ManualClock) -> None:
        super().__init__(directory, rooms=(bus_tables.MIGRATIONS, tables.MIGRATIONS), clock=clock)
        self.is_dead = self.is_away = False
        self.under_way = self.steps = 0
        self.cut: Callable[[str], Cut | None] = lambda _: None
        self.kill: Callable[[], Awaitable[None]] | None = None

    async def submit(self, unit: Callable[[Transaction], Result]) -> Result:
        name = getattr(unit, "__qualname__", type(unit).__qualname__)
        return await self._step(self.cut(name), lambda: super(Disk, self).submit(unit))

    async def append(self, records: Sequence[Record]) -> list[Outcome]:
        return await self._step(self.cut("append"), lambda: super(Disk, self).append(records))

    async def rows(self, statement: str, parameters: Sequence[Any] = (), *, purpose: str) -> list[tuple[Any, ...]]:
        return await self._step(None, lambda: super(Disk, self).rows(statement, parameters, purpose=purpose))

    async def _step(self, cut: Cut | None, work: Callable[[], Awaitable[Result]]) -> Result:
        self.steps += 1
        if self.is_dead:
            await asyncio.Event().wait()
        if self.is_away or cut is Cut.FAILED:
            raise LogUnavailableError("the disk is full")
        if cut is Cut.KILLED_BEFORE and self.kill is not None:
            await self.kill()
        self.under_way += 1
        try:
            result = await work()
        finally:
            self.under_way -= 1
            self.steps += 1
        if cut is Cut.KILLED_AFTER and self.kill is not None:
            await self.kill()
        if cut is Cut.FAILED_KEPT:
            raise LogUnavailableError("the disk is full")
        return result


@dataclass(slots=True)
class Tools:
    """What one turn of the dispatcher is worked with."""

    ledger: Ledger
    intake: Intake
    carrier: Carrier
    checks: Checks
    hook: Closing | None


class Life:
    """One process, from its start to its end; `before` are the tasks that are not its own."""

    def __init__(self, rig: Rig) -> None:
        self.before = asyncio.all_tasks()
        self.rig = rig
        self.log = Disk(rig.directory, rig.clock)
        self.log.cut, self.log.kill = rig.cut, rig.die
        self.bus = EmbeddedBus(self.log, rig.clock)
        self.outbox = Outbox(self.log, Append)
        self.publisher = Publisher(self.outbox, CONTRACTS, PublishingRules(allow_unknown_types=True), clock=rig.clock)
        self.ingress = PlaneIngress(SECRET, self.publisher, rig.clock)
        self.dispatcher = Dispatcher(self._tools, StateFile(rig.directory / "state.json", rig.clock), rig.clock, dict)
        self.desk = Desk(self.dispatcher, self.log, rig.clock, elsewhere=lambda: Place("off", "not yet"), settings=list)
        self.supervisor = Supervisor(rig.clock, lambda: 0.5)

    async def begin(self) -> None:
        """Start it."""
        self.log.start()
        await self.bus.start()
        self.supervisor.start("dispatcher", self.dispatcher.run)

    def _tools(self, dispatcher: Dispatcher) -> Tools:
        rig, clock = self.rig, self.rig.clock
        ledger = Ledger(self.log, self.outbox, self.publisher.message, LedgerRules(GateRules(), REARM), Names())
        checks = Checks(
            CheckPlan({"bloodbank": CheckSetting(command="check", cwd=rig.directory)}, None),
            CheckRules(),
            clock,
            {},
            (),
            lambda check, component: carrier.check_completed(check, component),
            rig.check,
        )
        rules = CarrierRules(retry=900.0)
        carrier = Carrier(ledger, checks, rig.hook or rig.claw, clock, rules, chance=lambda: 0.5)
        intake = Intake(
            self.bus,
            self.log,
            ledger,
            plane_queue(MessageTtl()),
            clock,
            history_here=lambda: True,
            decided=dispatcher.touched,
        )
        return Tools(ledger, intake, carrier, checks, None)

    async def kill(self) -> None:
        """End it as a power cut would: nothing that is asked of the disk from now on happens."""
        self.log.is_dead = True
        own = asyncio.all_tasks() - self.before - {asyncio.current_task()}
        while own:
            for task in own:
                task.cancel()
            await asyncio.wait(own, timeout=0.01)
            own = {task for task in own if not task.done()}
        await self.log.close()


@dataclass
class Rig:
    """What outlives processes: the disk, the clock, OpenClaw; and the process that runs now."""

    directory: Path
    hook: Sender | None = None
    clock: ManualClock = field(default_factory=ManualClock)
    check_passes: bool = True
    cuts: Callable[[int, str], Cut | None] = lambda _number, _name: None
    steps: list[str] = field(default_factory=list)
    life: Life | None = None
    dying: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.claw = Claw(self.clock, lambda: self.log.tail.last_seq)
        self.claw.cut, self.claw.kill = self.cut, self.die

    @property
    def now(self) -> Life:
        assert self.life is not None
        return self.life

    @property
    def log(self) -> Disk:
        return self.now.log

    @property
    def desk(self) -> Desk:
        return self.now.desk

    @property
    def tools(self) -> Tools:
        parts = self.now.dispatcher.parts
        assert isinstance(parts, Tools)
        return parts

    async def start(self) -> None:
        """Begin a process, and wait until it does nothing more."""
        self.life = Life(self)
        await self.life.begin()
        await self.still()

    async def crash(self) -> None:
        """Kill the process, if it did not die by itself, and begin another."""
        await self.end()
        self.dying = asyncio.Event()
        await self.start()

    async def end(self) -> None:
        """Kill the process."""
        await self.now.kill()
        self.life = None

    def cut(self, name: str) -> Cut | None:
        """What becomes of the next step, which is counted."""
        self.steps.append(name)
        return self.cuts(len(self.steps), name)

    async def die(self) -> None:
        """What is asked of the disk from now on does not happen, and whoever asked hears nothing more."""
        self.log.is_dead = True
        self.dying.set()
        await asyncio.Event().wait()

    async def check(self, planned: Planned, feed: Callable[[bytes], None], stop: asyncio.Event) -> Ended | None:
        """How a component is; that it says, too."""
        feed(f"{planned.component} is {'ended' if stop.is_set() else 'looked at'}\n".encode())
        return Ended("passed", "well", 0, 1.0) if self.check_passes else Ended("failed", "it failed", 1, 1.0)

    async def deliver(self, edit: Edit) -> None:
        """Plane tells of an edit."""
        raw = edit.raw()
        signature = hmac.digest(SECRET.encode(), raw, "sha256").hex()
        await self.now.ingress.plane(raw, signature=signature, delivery=None)

    async def still(self) -> None:
        """Wait until nothing goes on but what waits for the clock or for OpenClaw."""
        while not self.dying.is_set():
            steps = self.log.steps
            for _ in range(STILL):
                await asyncio.sleep(0)
            if self.log.under_way:
                await asyncio.sleep(0.0005)
            elif steps == self.log.steps:
                return

    async def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        await self.still()

    async def drain(self) -> None:
        """Make everything well, and let time pass until nothing is to be done."""
        self.claw.moods.clear()
        self.claw.refuses_session_keys = False
        self.claw.admit()
        self.check_passes, self.log.is_away = True, False
        await self.pass_time(60)
        await self.still()
        await self.desk.resume()
        for _ in range(40):
            await self.pass_time(100)
            counts = await self.tools.ledger.counts()
            if not {"ready", "blocked", "retrying", "sending"} & counts.keys():
                return
        raise AssertionError(f"something is never done: {counts}")

    async def stored(self) -> list[Edit]:
        """Every edit that was told of and kept, in the order in which that happened."""
        statement = "SELECT body FROM stored_events WHERE event_type = 'webhook.plane.issue.updated' ORDER BY seq"
        found = []
        for (body,) in await self.log.rows(statement, purpose="what was told"):
            told = jsontext.parse(body)["payload"]["body"]
            data, turn = told["data"], int(told["activity"]["field"].split()[1])
            found.append(Edit(data["id"], int(data["name"].split()[-1]), data["state"]["group"] == "unstarted", turn))
        return found

    async def said(self) -> list[dict[str, Any]]:
        """Every envelope of the dispatcher's, in order."""
        statement = "SELECT body FROM stored_events WHERE event_type LIKE 'infra.%' ORDER BY seq"
        return [jsontext.parse(body) for (body,) in await self.log.rows(statement, purpose="what was said")]


def folder() -> Path:
    """An empty folder of the test's own."""
    return Path(tempfile.mkdtemp(prefix="godtui-rig-"))


def ticket(number: int) -> str:
    """A ticket's id."""
    return f"00000000-0000-4000-8000-{number:012d}"


_turns = itertools.count(1)


def twin(edit: Edit) -> Edit:
    """Another delivery about the same edit."""
    return edit._replace(turn=next(_turns))
