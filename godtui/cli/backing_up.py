"""`godtui backup` and `godtui restore`: the log as one file, and back."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, TypeVar

import click

from godtui import jsontext
from godtui.cli.failures import WrongUsageError
from godtui.cli.options import Given
from godtui.eventlog import Copied, OwnedError, Ownership

LOOK_SECONDS: Final = 0.1
NICENESS: Final = 15

_Result_co = TypeVar("_Result_co", covariant=True)


class Job(Protocol[_Result_co]):
    """Work on files that takes long, and can be given up from another thread."""

    def run(self) -> _Result_co: ...

    def stop(self) -> None: ...


class Meter:
    """How far a job is, set on its thread and shown on the command's."""

    def __init__(self) -> None:
        self._said = ("", 0, 1)

    def __call__(self, stage: str, done: int, whole: int) -> None:
        self._said = (stage, done, whole)

    @property
    def stage(self) -> str:
        """What is being done."""
        return self._said[0]

    @property
    def percent(self) -> int:
        """How much of that is done."""
        _, done, whole = self._said
        return min(100 * done // max(whole, 1), 100)


def run_backup(given: Given, file: Path, force: bool, as_json: bool) -> None:
    """Write the log of the data directory into a file, whether or not an instance runs there.

    The data directory is read from here: the instance, if there is one, is asked for nothing and notices nothing.
    Raises what `explained` knows.
    """
    from godtui.candystore.backup import Backup

    require_here(given, "backup")
    meter = Meter()
    backup = Backup(given.settings().data_dir, file, replace=force, progress=meter)
    _tell(asyncio.run(watched(backup, meter, "backup")), file, as_json, "backed up")


def run_restore(given: Given, file: Path, as_json: bool) -> None:
    """Put a backup into the data directory, which must have no log. Raises what `explained` knows."""
    from godtui.candystore.backup import Restoration
    from godtui.runtime.rooms import ROOMS

    require_here(given, "restore")
    directory = given.settings().data_dir
    ownership = own(directory)
    try:
        meter = Meter()
        restored = asyncio.run(watched(Restoration(file, directory, ROOMS, progress=meter), meter, "restore"))
    finally:
        ownership.release()
    _tell(restored, directory, as_json, "restored")


def own(directory: Path) -> Ownership:
    """The data directory for ourselves. Raises WrongUsageError where an instance runs there, DataDirectoryError."""
    try:
        return Ownership.take(directory)
    except OwnedError as error:
        raise WrongUsageError(f"{error}; stop it first, or name another --data-dir") from None


async def watched(job: Job[_Result_co], meter: Meter, label: str) -> _Result_co:
    """A job on a thread of its own, with a progress bar on a terminal; SIGINT and SIGTERM let it clean up.

    Raises click.Abort after SIGINT, and what the job raises.
    """
    interrupted = False

    def stop(number: int) -> None:
        nonlocal interrupted
        interrupted = interrupted or number == signal.SIGINT
        job.stop()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop, number)
    running = asyncio.create_task(asyncio.to_thread(_behind_others, job))
    hidden = not sys.stderr.isatty()
    with click.progressbar(length=100, file=sys.stderr, hidden=hidden, label=label, item_show_func=str) as bar:
        while not running.done():
            await asyncio.wait([running], timeout=LOOK_SECONDS)
            bar.update(meter.percent - bar.pos, meter.stage)
    if interrupted:
        with suppress(Exception):
            await running
        raise click.Abort
    return await running


def _behind_others(job: Job[_Result_co]) -> _Result_co:
    """Run a job on this thread, which takes only what processor time others leave: an instance may run beside it."""
    if sys.platform == "linux":  # where priorities are a thread's own
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)
    return job.run()


def require_here(given: Given, command: str) -> None:
    """Raises WrongUsageError where another instance than this machine's was named."""
    if given.url is not None:
        raise WrongUsageError(
            f"{command} works on a data directory of this machine; run it where that godtui runs, without --attach"
            " and GODTUI_URL"
        )


def _tell(copied: Copied, place: Path, as_json: bool, done: str) -> None:
    if as_json or not sys.stdout.isatty():
        click.echo(jsontext.dumps({"path": os.fsencode(place.resolve()).decode(errors="replace"), **copied._asdict()}))
        return
    click.echo(f"{done} {copied.events:,} events ({copied.size:,} bytes) to {place}")
