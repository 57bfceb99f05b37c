"""`godtui replay` and `godtui replays`: stored events once more, and what became of it."""

from __future__ import annotations

import asyncio
import shutil
import sys
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import click

from godtui import jsontext
from godtui.cli.failures import ThingFailedError, UnreachableError, WrongUsageError, explained, shown
from godtui.cli.options import Given
from godtui.cli.reaching import reach_instance
from godtui.cli.replay_lines import end_line, folded, plan_lines, progress_text, replay_line, replay_lines, table
from godtui.cli.ticket_lines import Look
from godtui.clock import SystemClock, to_datetime, to_microseconds
from godtui.envelope import read_timestamp
from godtui.filters import parse
from godtui.operations import ReplayOperations, ReplayPlan, ReplayRequest, ReplayView, Speed, UnknownReplayError

POLL_SECONDS: Final = 0.2
PAUSE_SECONDS: Final = 5.0
"""How long a pause may take once the command was interrupted."""
RATE_SECONDS: Final = 5.0
"""Over how long the rate is taken that is shown."""
MAX_SEQ: Final = 2**53 - 1

Draw = Callable[[ReplayView], None]
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Wanted:
    """What was asked to be replayed, and how; `form` None for what suits the output."""

    filter: str
    to: str = "bus"
    speed: Speed = 1.0
    rate: float | None = None
    max_gap: float | None = None
    dry_run: bool = False
    yes: bool = False
    detach: bool = False
    paused: bool = False
    form: str | None = None

    def request(self) -> ReplayRequest:
        """The same for the engine, its moments fixed now and confirmed: asking is ours. Raises FilterError."""
        wanted = str(parse(self.filter, now=SystemClock().now()))
        return ReplayRequest(
            filter=wanted,
            to=self.to,
            speed=self.speed,
            rate=self.rate,
            max_gap_s=self.max_gap,
            paused=self.paused,
            confirm=True,
        )


def run_replay(given: Given, wanted: Wanted) -> None:
    """Show the plan, ask, replay and say how it ended. Raises what `explained` knows."""
    request = wanted.request()
    as_json = _as_json(wanted.form)
    asks = not (wanted.yes or wanted.dry_run)
    if asks and not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsageError("this sends events once more; look with --dry-run, then add --yes")
    plan = None if wanted.yes and as_json else asyncio.run(_plan(given, request))
    if plan is not None:
        if wanted.dry_run and as_json:
            click.echo(jsontext.dumps(plan.document()))
        else:
            _say(plan_lines(plan, _look()), err=as_json)
        if wanted.dry_run:
            return
        if not plan.total:
            click.echo("no stored event matches; there is nothing to replay", err=as_json)
            return
        if asks:
            click.confirm(_question(plan), abort=True, err=as_json)
    asyncio.run(_replay(given, wanted, request, as_json))


def run_follow(given: Given, replay_id: UUID, form: str | None) -> None:
    """Wait for the end of a replay. Raises what `explained` knows."""
    asyncio.run(_follow_named(given, replay_id, _as_json(form)))


def run_list(given: Given, limit: int, form: str | None) -> None:
    """Print replays. Raises what `explained` knows."""
    found = _asked(given, lambda replays: replays.replays(limit))
    if _as_json(form):
        for one in found:
            click.echo(jsontext.dumps(one.document()))
    elif found:
        _say(table(found, _look()))
    else:
        click.echo("no replays")


def run_show(given: Given, replay_id: UUID, form: str | None) -> None:
    """Print one replay. Raises what `explained` knows."""
    found = _asked(given, lambda replays: _required(replays, replay_id))
    if _as_json(form):
        click.echo(jsontext.dumps(found.document()))
    else:
        _say(replay_lines(found, _look()))


def run_control(given: Given, change: Callable[[ReplayOperations], Awaitable[ReplayView]], form: str | None) -> None:
    """Change a replay, and say where it stands then. Raises what `explained` knows."""
    _tell(_asked(given, change), _as_json(form))


def run_seek(given: Given, replay_id: UUID, place: str, form: str | None) -> None:
    """Let a replay go on from a position or a moment. Raises what `explained` knows."""
    if place.isascii() and place.isdigit():
        seq = int(place[:20])
        if not 0 < seq <= MAX_SEQ:
            raise WrongUsageError(f"a position is a number from 1 to {MAX_SEQ:,}")
        run_control(given, lambda replays: replays.seek(replay_id, seq=seq), form)
        return
    try:
        moment, zoned = read_timestamp(place)
    except ValueError:
        zoned = False
    if not zoned:
        raise WrongUsageError("a place is a position such as 40312, or a moment such as 2026-02-12T14:02:11Z")
    run_control(given, lambda replays: replays.seek(replay_id, at=to_microseconds(moment)), form)


def run_speed(
    given: Given,
    replay_id: UUID,
    speed: Speed | None,
    rate: float | str | None,
    max_gap: float | str | None,
    form: str | None,
) -> None:
    """Change how quickly a replay goes on; text takes a limit away. Raises what `explained` knows."""
    if speed is None and rate is None and max_gap is None:
        raise WrongUsageError("say how quickly it goes on: a number or max, --rate or --max-gap")

    async def adjust(replays: ReplayOperations) -> ReplayView:
        now = await _required(replays, replay_id)
        return await replays.adjust(
            replay_id,
            speed=now.speed if speed is None else speed,
            rate=_limit(rate, now.rate),
            max_gap_s=_limit(max_gap, now.max_gap_s),
        )

    run_control(given, adjust, form)


def _limit(given: float | str | None, now: float | None) -> float | None:
    if given is None:
        return now
    return None if isinstance(given, str) else given


async def _plan(given: Given, request: ReplayRequest) -> ReplayPlan:
    async with reach_instance(given) as operations:
        return await operations.replays.plan(request)


def _question(plan: ReplayPlan) -> str:
    events = "this event" if plan.total == 1 else f"these {'' if plan.exact else 'about '}{plan.total:,} events"
    return f"send {events} once more?"


async def _replay(given: Given, wanted: Wanted, request: ReplayRequest, as_json: bool) -> None:
    async with reach_instance(given) as operations:
        made = await operations.replays.create(request)
        if wanted.detach or wanted.paused:
            _tell(made, as_json)
            return
        ended = await _followed(operations.replays, made)
    _tell_end(ended, as_json)


async def _follow_named(given: Given, replay_id: UUID, as_json: bool) -> None:
    async with reach_instance(given) as operations:
        ended = await _followed(operations.replays, await _required(operations.replays, replay_id))
    _tell_end(ended, as_json)


async def _followed(replays: ReplayOperations, replay: ReplayView) -> ReplayView:
    """The replay once it has ended. Who interrupts that pauses it."""
    async with _telling_how_to_go_on(replays, replay.replay_id):
        with _drawing(replay) as draw:
            while replay.is_open:
                draw(replay)
                await asyncio.sleep(POLL_SECONDS)
                replay = await _required(replays, replay.replay_id)
            draw(replay)
    return replay


@asynccontextmanager
async def _telling_how_to_go_on(replays: ReplayOperations, replay_id: UUID) -> AsyncIterator[None]:
    """Say of a replay that is left what becomes of it."""
    try:
        yield
    except asyncio.CancelledError:
        await _pause(replays, replay_id)
        raise
    except Exception as error:
        known = explained(error)
        if not isinstance(known, UnreachableError):
            raise
        raise UnreachableError(
            f"{known.format_message()}; the replay goes on where it stands whenever a godtui runs there: "
            f"godtui replays follow {replay_id}"
        ) from None


async def _pause(replays: ReplayOperations, replay_id: UUID) -> None:
    try:
        async with asyncio.timeout(PAUSE_SECONDS):
            paused = await replays.pause(replay_id)
    except Exception as error:
        known = UnreachableError("no answer in time") if isinstance(error, TimeoutError) else explained(error)
        if known is None:
            raise
        said = shown(known.format_message())
        click.echo(f"godtui: the replay could not be paused ({said}); see godtui replays show {replay_id}", err=True)
        return
    click.echo(
        f"godtui: paused after {paused.done:,} of {paused.total:,} events\n"
        f"  godtui replays resume {replay_id}   goes on\n"
        f"  godtui replays cancel {replay_id}   ends it",
        err=True,
    )


@contextmanager
def _drawing(replay: ReplayView) -> Iterator[Draw]:
    """Draws the bar on stderr, and above it what the replay waits for; nothing where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield lambda replay: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn

    rate = _Rate()
    column = TextColumn("{task.fields[said]}", markup=False)
    # With room for the ^C that a terminal writes behind the bar: it would begin another line.
    console = Console(stderr=True, highlight=False, soft_wrap=True, width=max(_look().width - 2, 1))
    with Progress(BarColumn(bar_width=None), column, console=console, auto_refresh=False, expand=True) as progress:
        bar = progress.add_task("", total=max(1, replay.total), said="")
        reason = ""

        def draw(replay: ReplayView) -> None:
            nonlocal reason
            look = _look()
            if replay.reason != reason and replay.is_open:
                reason = replay.reason
                if reason:
                    progress.console.print(look.clean(reason), markup=False)
            done = replay.total if replay.state == "completed" else replay.done
            said = progress_text(replay, rate.of(replay), look)
            progress.update(bar, completed=max(done, int(not replay.total)), said=said)
            progress.refresh()

        yield draw


class _Rate:
    """Events a second, over the last seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, replay: ReplayView) -> float:
        now = time.monotonic()
        self._seen.append((now, replay.sent))
        while now - self._seen[0][0] > RATE_SECONDS:
            self._seen.popleft()
        then, sent = self._seen[0]
        return (replay.sent - sent) / (now - then) if now > then else 0.0


async def _required(replays: ReplayOperations, replay_id: UUID) -> ReplayView:
    found = await replays.replay(replay_id)
    if found is None:
        raise UnknownReplayError(replay_id)
    return found


def _asked(given: Given, call: Callable[[ReplayOperations], Awaitable[Answer]]) -> Answer:
    async def ask() -> Answer:
        async with reach_instance(given) as operations:
            return await call(operations.replays)

    return asyncio.run(ask())


def _tell(replay: ReplayView, as_json: bool) -> None:
    if as_json:
        click.echo(jsontext.dumps(replay.document()))
    else:
        _say(replay_line(replay, _look()))


def _tell_end(replay: ReplayView, as_json: bool) -> None:
    """Raises ThingFailedError where it did not complete."""
    if as_json:
        click.echo(jsontext.dumps(replay.document()))
    if replay.state != "completed":
        raise ThingFailedError(end_line(replay))
    if not as_json:
        _say(folded(end_line(replay), _look()))


def _say(lines: Iterable[str], *, err: bool = False) -> None:
    for line in lines:
        click.echo(line, err=err)


def _as_json(form: str | None) -> bool:
    return (form or ("table" if sys.stdout.isatty() else "json")) == "json"


def _look() -> Look:
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    return Look(shutil.get_terminal_size().columns, ascii_only, to_datetime(SystemClock().now()))
