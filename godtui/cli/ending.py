"""How a command line ends: its output written, every failure one sentence and an exit code."""

from __future__ import annotations

import errno
import io
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import click

from godtui.cli.failures import ThingFailedError, explained, shown

INTERRUPTED: Final = 130
UNFORESEEN: Final = "something went wrong that should not"

_FULL: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EBADF)


class Piped(click.Group):
    """Commands whose output may go to one who has read enough."""

    def invoke(self, context: click.Context) -> Any:
        """As any group, ending quietly where nobody reads on."""
        try:
            return super().invoke(context)
        except BrokenPipeError:
            _discard_output()
            context.exit(0)


def run(command: click.Command, name: str, arguments: list[str] | None = None) -> int:
    """Run a program of this name; its exit code."""
    _prepare_outputs()
    try:
        code = command.main(args=arguments, prog_name=name, standalone_mode=False)
        sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except Exception as error:
        known = explained(error) or _unwritten(error)
        if known is None:
            if sys.flags.dev_mode:
                raise
            known = ThingFailedError(
                f"{UNFORESEEN} ({type(error).__name__}: {error}); python -X dev -m godtui says where"
            )
        with suppress(OSError):
            click.echo(f"{name}: {shown(known.format_message())}", err=True)
        return known.exit_code
    return code if isinstance(code, int) else 0


def _unwritten(error: Exception) -> click.ClickException | None:
    """The sentence where an output takes no more: such an error names no file."""
    if not isinstance(error, OSError) or error.filename is not None or error.errno not in _FULL:
        return None
    _discard_output()
    return ThingFailedError(f"the output cannot be written: {error.strerror}")


def _discard_output() -> None:
    """Let what is still buffered go nowhere: the interpreter would try once more on its way out."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _prepare_outputs() -> None:
    """Give the program outputs where it was started without, and let no character end it."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - until the end
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
