"""Finding the engine a command means: the one that was named, the one that lives here, or one of its own."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from godtui.cli.failures import UnreachableError, WrongUsageError
from godtui.cli.options import Given
from godtui.cli.serving import SOCKET
from godtui.eventlog import OwnedError, Ownership, read_note
from godtui.operations import Operations
from godtui.settings import Settings, is_loopback

if TYPE_CHECKING:
    from godtui.api.client import HttpOperations

WAIT_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.05
LOOK_SECONDS: Final = 0.5

_TOKEN: Final = re.compile(r"[\x21-\x7e]+", re.ASCII)
_PLAIN_URL: Final = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::[0-9]+)?(?:/|$)", re.ASCII | re.IGNORECASE)


@asynccontextmanager
async def reach(given: Given) -> AsyncIterator[Operations]:
    """Operations for one command, closed when it is done."""
    if given.url is not None:
        async with client(given.url, named_token(given, given.url)) as operations:
            yield operations
        return
    settings = given.settings()
    found = await _own_or_owner(settings)
    if not isinstance(found, Ownership):
        async with client(found, own_token(settings)) as operations:
            yield operations
        return
    from godtui.runtime.engine import Engine

    engine = Engine(settings, found, workers=False)
    await engine.start()
    try:
        yield engine.operations
    finally:
        await engine.stop()


@asynccontextmanager
async def reach_instance(given: Given) -> AsyncIterator[Operations]:
    """Operations of an instance that runs, closed when the command is done. Raises UnreachableError where none does."""
    if given.url is not None:
        address: str | Path = given.url
        token = named_token(given, given.url)
    else:
        settings = given.settings()
        found = await _own_or_owner(settings)
        if isinstance(found, Ownership):
            found.release()
            raise UnreachableError(
                f"no godtui runs on {settings.data_dir}; start godtui --headless there, or name one with --attach URL"
            )
        address, token = found, own_token(settings)
    async with client(address, token) as operations:
        yield operations


async def live_address(settings: Settings) -> str | Path:
    """Where the instance of a data directory answers; one that is not there is waited for."""
    told = False
    while (address := owner_address(settings, read_note(settings.data_dir))) is None:
        if not told:
            click.echo(f"godtui: waiting for a godtui to run on {settings.data_dir}", err=True)
        told = True
        await asyncio.sleep(LOOK_SECONDS)
    return address


def owner_address(settings: Settings, note: Mapping[str, object]) -> str | Path | None:
    """Where the owner of a data directory answers local commands, if it does.

    An owner whose disk was full when it started could leave no note: its socket answers for itself.
    Raises WrongUsageError where another bus was asked for than the owner's.
    """
    _require_its_bus(settings, note)
    url, path = note.get("url"), settings.data_dir / SOCKET
    if isinstance(url, str):
        return path if path.exists() else url
    return path if not note and _listens(path) else None


def _require_its_bus(settings: Settings, note: Mapping[str, object]) -> None:
    asked = settings.origin("bus_url")
    match note.get("settings"):
        case {"bus_url": str(theirs)} if asked != "default" and not settings.shares("bus_url", theirs):
            raise WrongUsageError(
                f"the godtui that runs on {settings.data_dir} uses the bus {theirs}, not {settings.shown_bus_url} "
                f"({asked}); name another --data-dir, or leave the bus out"
            )


def _listens(path: Path) -> bool:
    """Whether someone listens there: an owner that was killed leaves its socket behind."""
    with socket.socket(socket.AF_UNIX) as trying:
        trying.setblocking(False)
        try:
            trying.connect(str(path))
        except BlockingIOError:  # so many wait there that it takes no more just now
            return True
        except OSError:
            return False
        return True


async def _own_or_owner(settings: Settings) -> Ownership | str | Path:
    """The data directory for ourselves, or where its owner answers; another command's turn is waited for."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return Ownership.take(settings.data_dir)
        except OwnedError as error:
            address = owner_address(settings, error.owner)
            if address is not None:
                return address
            if time.monotonic() > deadline:
                raise UnreachableError(f"{error}, which answers no commands; wait for it or end it") from None
        await asyncio.sleep(POLL_SECONDS)


def own_token(settings: Settings) -> str | None:
    """The token of the instance that the settings are of."""
    return None if settings.api_token is None else settings.api_token.get_secret_value()


def named_token(given: Given, url: str) -> str | None:
    """The token for an instance that was named: the environment's, else, on this machine, that of the settings.

    What a file says is for this machine's instances and goes to no other host. Raises WrongUsageError, SettingsError.
    """
    token = os.environ.get("GODTUI_API_TOKEN") or None
    if token is None:
        return own_token(given.settings()) if _is_here(url) else None
    if not _TOKEN.fullmatch(token):
        raise WrongUsageError("GODTUI_API_TOKEN must be visible ASCII characters without spaces")
    return token


def _is_here(url: str) -> bool:
    """Whether a URL plainly names this machine; one that others may read differently does not."""
    named = _PLAIN_URL.match(url)
    return named is not None and is_loopback(named[1])


def client(address: str | Path, token: str | None) -> HttpOperations:
    """The operations of another instance. Raises WrongUsageError."""
    from godtui.api.client import HttpOperations

    try:
        return HttpOperations(address, token=token)
    except ValueError as error:
        raise WrongUsageError(str(error)) from None
