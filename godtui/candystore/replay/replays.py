"""All replays of a log: made, changed while they run, taken up again after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from godtui.bloodbank.bus import UnknownQueueError
from godtui.candystore.replay.errors import (
    ReplayRefusedError,
    ReplayStateError,
    ReplayUnconfirmedError,
    UnknownReplayError,
)
from godtui.candystore.replay.job import RETRY_SECONDS, Job, Tools
from godtui.candystore.replay.plan import Planner, tempo
from godtui.candystore.replay.records import Announce, Change, Create, Replay, find, newest, open_replays
from godtui.candystore.replay.survey import Tempo, survey
from godtui.candystore.replay.views import BUS, MAX_UNCONFIRMED, ReplayPlan, ReplayRequest, ReplayView, Speed
from godtui.clock import to_microseconds
from godtui.envelope import new_id
from godtui.eventlog import LogUnavailableError

MAX_STEP: Final = 1000
"""The most that one step goes forwards or back."""
_UNCOUNTED: Final = Tempo(None, None, 0.0)
EARLIEST: Final = to_microseconds(datetime.min.replace(tzinfo=UTC))
LATEST: Final = to_microseconds(datetime.max.replace(tzinfo=UTC))


class Replays:
    """Everything that can be asked of replays; while `run` runs, those that are meant to play do.

    Where a replay is named: UnknownReplayError, and ReplayStateError where its state does not allow what is asked. All
    raise LogUnavailableError.
    """

    def __init__(self, tools: Tools, planner: Planner, standing: Callable[[], str] = lambda: "") -> None:
        """`standing` says why nothing plays while `run` does not run."""
        self._tools = tools
        self._planner = planner
        self._standing = standing
        self._log = tools.log
        self._stored = tools.stored
        self._jobs: dict[UUID, Job] = {}
        self._at_work = False
        self._doubt = asyncio.Event()

    @property
    def playing(self) -> list[Job]:
        """Those that run."""
        return [job for job in self._jobs.values() if job.replay.state == "running"]

    async def run(self) -> None:
        """Play what is meant to play, until cancelled."""
        await self._log.tail.beginning()
        self._at_work = True
        try:
            while True:
                self._doubt.clear()
                await self._take_up()
                await self._doubt.wait()
        finally:
            self._at_work = False
            await asyncio.gather(*(self._put_down(job) for job in self._jobs.values()))
            self._jobs.clear()

    async def plan(self, request: ReplayRequest) -> ReplayPlan:
        """What a replay would do. Raises ReplayRefusedError, FilterError, NotNowError."""
        return await self._planner.plan(request)

    async def create(self, request: ReplayRequest) -> ReplayView:
        """Fix what it comprises, and begin.

        Raises ReplayRefusedError, FilterError, ReplayUnconfirmedError, NotNowError.
        """
        wanted = await self._planner.judge(request)
        until_seq = self._log.last_seq
        found = await self._planner.survey(request, wanted, until_seq)
        if request.to == BUS and found.total > MAX_UNCONFIRMED and not request.confirm:
            raise ReplayUnconfirmedError(found.total)
        now = self._tools.clock.now()
        replay = Replay(
            number=None,
            id=new_id().bytes,
            filter=str(wanted),
            target=request.to,
            speed=None if request.speed == "max" else request.speed,
            rate=request.rate,
            max_gap=request.max_gap_s,
            state="paused" if request.paused else "running",
            reason="",
            total=found.total,
            exact=int(found.exact),
            done=0,
            sent=0,
            skipped=0,
            # What lies before its first event need not be kept for it.
            position=0 if found.first_seq is None else found.first_seq - 1,
            at=None,
            until_seq=until_seq,
            last_at=found.last_at,
            created_at=now,
            started_at=None if request.paused else now,
            ended_at=None,
            revision=0,
        )
        started = None if request.paused else self._tools.news.of("started", replay)
        with self._doubting():
            await self._log.submit(Create(replay, started))
        job = self._job_of(replay)
        if self._at_work:
            job.play()
        return self._seen(job)

    async def newest(self, limit: int) -> list[ReplayView]:
        """Those that are open, then the newest of the others."""
        return [self._view(replay) for replay in await newest(self._log, limit)]

    async def find(self, replay_id: UUID) -> ReplayView | None:
        """One; None where there is none of that id."""
        replay = await find(self._log, replay_id)
        return None if replay is None else self._view(replay)

    async def pause(self, replay_id: UUID) -> ReplayView:
        """Send nothing more until `resume`."""
        async with self._changing(replay_id) as job:
            await self._change(job, lambda replay: replay._replace(state="paused"))
            return self._seen(job)

    async def resume(self, replay_id: UUID) -> ReplayView:
        """Go on from where it stands."""
        async with self._changing(replay_id) as job:
            await self._change(job, lambda replay: self._begun(replay)._replace(state="running"))
            return self._seen(job)

    async def step(self, replay_id: UUID, count: int) -> ReplayView:
        """Of a paused one: send the next, or go back without sending. Raises ReplayRefusedError, NotNowError."""
        if not 0 < abs(count) <= MAX_STEP:
            raise ReplayRefusedError(f"a step is 1 to {MAX_STEP:,} events forwards, or so many back", "/count")
        async with self._changing(replay_id) as job:
            if job.replay.state != "paused":
                raise ReplayStateError("a replay that runs goes on by itself; pause it first")
            if count > 0:
                await self._step_on(job, count)
            else:
                await self._step_back(job, -count)
            return self._seen(job)

    async def seek(self, replay_id: UUID, *, seq: int | None, at: int | None) -> ReplayView:
        """Go on from a position, or from the first event of a moment (µs) or later. Raises ReplayRefusedError."""
        if (seq is None) == (at is None):
            raise ReplayRefusedError("name either a seq or a moment to go to")
        async with self._changing(replay_id) as job:
            position = job.replay.until_seq
            if at is not None:
                found = await self._stored.first_since(job.wanted, _moment(at), position + 1)
                position = position if found is None else found - 1
            elif seq is not None:
                position = max(0, min(seq - 1, position))
            await self._move(job, position)
            return self._seen(job)

    async def adjust(self, replay_id: UUID, *, speed: Speed, rate: float | None, max_gap_s: float | None) -> ReplayView:
        """Change how quickly it goes on. Raises ReplayRefusedError."""
        wanted = tempo(speed, rate, max_gap_s)
        async with self._changing(replay_id) as job:
            await self._change(
                job, lambda replay: replay._replace(speed=wanted.speed, rate=rate, max_gap=wanted.max_gap)
            )
            return self._seen(job)

    async def cancel(self, replay_id: UUID) -> ReplayView:
        """End it where it stands."""
        async with self._changing(replay_id) as job:
            await job.end("cancelled", "cancelled")
            return self._seen(job)

    async def _step_on(self, job: Job, count: int) -> None:
        replay = job.replay
        events = await self._stored.following(job.wanted, replay.position, replay.until_seq + 1, count)
        if replay.started_at is None:
            await self._change(job, self._begun)
        try:
            await job.send_now(events)
        except UnknownQueueError as error:
            await job.end("failed", "failed", str(error))
        job.share = 1.0

    async def _step_back(self, job: Job, count: int) -> None:
        seqs = await self._stored.preceding(job.wanted, job.replay.position, count)
        if seqs:
            await self._move(job, seqs[-1] - 1, back=len(seqs))

    async def _move(self, job: Job, position: int, back: int | None = None) -> None:
        """Stand at a position, where what comes next goes at once."""
        if back is None:
            before = await survey(self._stored, job.wanted, position, self._tools.clock, _UNCOUNTED)
            done, exact = before.total, before.exact
        else:
            done, exact = max(0, job.replay.done - back), True

        def moved(replay: Replay) -> Replay:
            number = min(done, replay.total) if replay.exact else done
            return replay._replace(position=position, at=None, done=number, exact=int(replay.exact and exact))

        await self._change(job, moved)

    def _begun(self, replay: Replay) -> Replay:
        return replay if replay.started_at is not None else replay._replace(started_at=self._tools.clock.now())

    async def _change(self, job: Job, make: Callable[[Replay], Replay]) -> None:
        """Bring it into another state, in one commit with the news if that begins it."""
        begun = job.replay.started_at is not None

        def announce(replay: Replay) -> Announce | None:
            return None if begun or replay.started_at is None else self._tools.news.of("started", replay)

        with self._doubting():
            job.replay = await self._log.submit(Change(job.replay.replay_id, make, announce))

    @asynccontextmanager
    async def _changing(self, replay_id: UUID) -> AsyncGenerator[Job]:
        """Within the block nothing is sent; then what is meant to play plays on."""
        job = self._jobs.get(replay_id)
        if job is None:
            replay = await find(self._log, replay_id)
            if replay is None:
                raise UnknownReplayError(replay_id)
            if not replay.is_open:
                raise ReplayStateError(f"the replay is {replay.state}; make a new one")
            job = self._job_of(replay)
        try:
            async with job.turn:
                await job.halt()
                await job.reload()
                if not job.replay.is_open:
                    raise ReplayStateError(f"the replay is {job.replay.state}; make a new one")
                yield job
        finally:
            if not job.replay.is_open:
                self._jobs.pop(replay_id, None)
            elif self._at_work:
                job.play()

    async def _take_up(self) -> None:
        """Play all that runs by the log, whoever was told of that. While it cannot be read, that is tried again."""
        try:
            for replay in await open_replays(self._log):
                job = self._job_of(replay)
                async with job.turn:
                    await job.reload()
                job.play()
        except LogUnavailableError:
            self._doubt.set()
            await self._tools.clock.sleep(RETRY_SECONDS)

    @contextmanager
    def _doubting(self) -> Iterator[None]:
        """A commit that fails within the block may be found kept all the same."""
        try:
            yield
        except LogUnavailableError:
            self._doubt.set()
            raise

    def _job_of(self, replay: Replay) -> Job:
        """The job of an open replay; whoever comes second finds the first's."""
        job = self._jobs.get(replay.replay_id)
        if job is None:
            job = self._jobs[replay.replay_id] = Job(replay, self._tools, self._over)
        return job

    def _over(self, job: Job) -> None:
        self._jobs.pop(job.replay.replay_id, None)

    def _view(self, replay: Replay) -> ReplayView:
        job = self._jobs.get(replay.replay_id)
        if replay.is_open and job is not None:
            return self._seen(job)
        return replay.view(waits=self._waits(replay))

    def _seen(self, job: Job) -> ReplayView:
        waits = self._waits(job.replay)
        return job.replay.view(waits=waits) if waits else job.view()

    def _waits(self, replay: Replay) -> str:
        """Why one that is meant to play does not, where none does."""
        return self._standing() if replay.state == "running" and not self._at_work else ""

    async def _put_down(self, job: Job) -> None:
        """With a step under way it is waited for, so that nothing is sent twice that need not be."""
        async with job.turn:
            await job.halt()


def _moment(at: int) -> int:
    """A moment of the years 1 to 9999. Raises ReplayRefusedError."""
    if not EARLIEST <= at <= LATEST:
        raise ReplayRefusedError("a moment lies in the years 1 to 9999", "/at")
    return at
