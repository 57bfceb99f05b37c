"""`godtui` itself: the console, or the engine alone."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from godtui.cli.failures import WrongUsageError
from godtui.cli.logs import log_to_file, log_to_stderr
from godtui.cli.options import Given
from godtui.cli.reaching import client, named_token, own_token, owner_address
from godtui.eventlog import OwnedError, Ownership
from godtui.operations import Operations
from godtui.runtime.hosting import Host
from godtui.runtime.interpreter import tune
from godtui.settings import FLAGS, Settings

if TYPE_CHECKING:
    from godtui.runtime.engine import Engine

logger = logging.getLogger(__name__)


def run_headless(given: Given) -> int:
    """The engine until SIGTERM or SIGINT; what was begun is finished first."""
    settings = given.settings()
    log_to_stderr()
    for warning in settings.warnings:
        logger.warning("%s", warning)
    try:
        ownership = Ownership.take(settings.data_dir)
    except OwnedError as error:
        raise WrongUsageError(f"{error}; stop it first, or name another --data-dir") from None
    asyncio.run(serve(_engine(settings, ownership)))
    return 0


async def serve(engine: Engine) -> None:
    """Run an engine until SIGTERM or SIGINT, and stop it in order."""
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked.set)
    await engine.start()
    tune()
    try:
        await asked.wait()
        logger.info("stopping")
    finally:
        await engine.stop()


def run_with_console(given: Given) -> int:
    """The console, on an engine of its own or on the one that is running already."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stdout.isatty()):
        raise WrongUsageError("the console needs a terminal; on a server use godtui --headless")
    if given.attach is not None:
        return _show(_attached(given.attach, given.attach, named_token(given, given.attach)))
    settings = given.settings()
    try:
        ownership = Ownership.take(settings.data_dir)
    except OwnedError as error:
        return _attach_to_owner(given, settings, error)
    log_to_file(settings.data_dir)
    return _show(Host(lambda: _engine(settings, ownership), "embedded"))


def _attach_to_owner(given: Given, settings: Settings, owned: OwnedError) -> int:
    differing = _differing(given, settings, owned.owner)
    if differing:
        raise WrongUsageError(f"{owned}, with another {differing}; leave that out to attach to it, or stop it first")
    address = owner_address(settings, owned.owner)
    if address is None:
        raise WrongUsageError(f"{owned}, which answers no console; wait for it or end it")
    return _show(_attached(address, str(owned.owner.get("url", address)), own_token(settings)))


def _differing(given: Given, settings: Settings, owner: Mapping[str, object]) -> str | None:
    """The first option given here that the running instance does not share."""
    theirs = owner.get("settings")
    shared = theirs if isinstance(theirs, dict) else {}
    for name in given.flags:
        if name != "data_dir" and not settings.shares(name, shared.get(name)):
            return FLAGS[name]
    return None


class _Attached:
    """Another instance's operations, as a guest of the host's thread."""

    def __init__(self, address: str | Path, url: str, token: str | None) -> None:
        self.url = url
        self._client = client(address, token)

    @property
    def operations(self) -> Operations:
        return self._client

    async def start(self) -> None:
        """Raises InstanceUnreachableError."""
        await self._client.monitor.health()

    async def stop(self) -> None:
        await self._client.aclose()


def _attached(address: str | Path, url: str, token: str | None) -> Host:
    return Host(lambda: _Attached(address, url, token), f"attached to {url}")


def _engine(settings: Settings, ownership: Ownership) -> Engine:
    # Loaded here: with a console, while its first screen is being painted.
    from godtui.cli.serving import HttpService
    from godtui.runtime.engine import Engine

    return Engine(settings, ownership, services=(HttpService,))


def _show(host: Host) -> int:
    """The console over what the host runs, which starts while the screen is painted."""
    from godtui.candybar.app import run_console

    try:
        code = run_console(host)
    finally:
        host.stop()
    if host.error is not None:
        raise host.error
    return code
