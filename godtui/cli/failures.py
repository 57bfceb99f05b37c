"""Every failure as one sentence and an exit code."""

from __future__ import annotations

import sys
from typing import Final

import click

from godtui.envelope import InvalidEventError

FAILED: Final = 1
"""The thing asked for failed."""
WRONG: Final = 2
"""Wrong usage or configuration."""
UNREACHABLE: Final = 3
"""Broker, store or instance not reachable."""
LISTED: Final = "\n  "
"""Before each of several faults that one message lists."""


class ThingFailedError(click.ClickException):
    """What was asked for could not be done."""

    exit_code = FAILED


class WrongUsageError(click.ClickException):
    """The command or its settings make no sense."""

    exit_code = WRONG


class UnreachableError(click.ClickException):
    """Nobody answers where the command turned to."""

    exit_code = UNREACHABLE


def explained(error: Exception) -> click.ClickException | None:
    """The sentence and exit code of a failure that is known, None for one that is a fault of ours."""
    # Loaded here: whoever raised these has loaded them, and a start that goes well does without.
    from godtui.estate import EstateError
    from godtui.eventlog import CopyError, DataDirectoryError, LogUnavailableError
    from godtui.filters import FilterError
    from godtui.holyfields import SchemaFolderError
    from godtui.operations import (
        BadCursorError,
        DispatcherError,
        DispatcherUnavailableError,
        InstanceUnreachableError,
        LetterError,
        NotConfirmedError,
        NotRequeuedError,
        PublishError,
        ReplayError,
        StoreUnavailableError,
        UnknownPositionError,
    )
    from godtui.settings import SettingsError

    match error:
        case click.ClickException():
            return error
        case InvalidEventError():
            return ThingFailedError(faults_text(error))
        case NotConfirmedError() | StoreUnavailableError() | InstanceUnreachableError() | LogUnavailableError():
            return UnreachableError(str(error))
        case NotRequeuedError() | DispatcherUnavailableError():
            return UnreachableError(str(error))
        case LetterError() | DispatcherError() | PublishError() | BadCursorError() | UnknownPositionError():
            return ThingFailedError(str(error))
        case CopyError() | ReplayError():
            return ThingFailedError(str(error))
        case FilterError():
            return WrongUsageError(f"the filter cannot be understood at character {error.offset + 1}: {error}")
        case SettingsError() | SchemaFolderError() | DataDirectoryError():
            return WrongUsageError(str(error))
        case EstateError():
            return WrongUsageError(LISTED.join(error.faults))
    return _explained_api(error)


def _explained_api(error: Exception) -> click.ClickException | None:
    """Failures of the HTTP skin, whose module is loaded only by those that use it."""
    if "godtui.api.listeners" in sys.modules:
        from godtui.api.listeners import ApiBindError

        if isinstance(error, ApiBindError):
            return WrongUsageError(str(error))
    return None


def shown(message: str) -> str:
    """A message with nothing in it that would act on a terminal: parts of it may be others' words."""
    from godtui.candybar.plaintext import plain

    return LISTED.join(map(plain, message.split(LISTED)))


def faults_text(error: InvalidEventError) -> str:
    """All faults of an event in one line."""
    return "; ".join(f"{fault.path}: {fault.message}" if fault.path else fault.message for fault in error.faults)
