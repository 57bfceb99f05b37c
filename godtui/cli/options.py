"""The options that say which godtui is meant, the same before and after a command's name."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import click
import platformdirs

from godtui.cli.failures import WrongUsageError
from godtui.settings import Settings

Command = TypeVar("Command", bound=Callable[..., Any])


def encodable(_context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
    """The value of an option or argument, which may hold bytes only where it is a path. Raises click.BadParameter."""
    for text in value if isinstance(value, tuple) else (value,):
        if isinstance(text, str) and not text.isascii():
            try:
                text.encode()
            except UnicodeEncodeError:
                raise click.BadParameter("it is not UTF-8") from None
    return value


_SETTINGS = (
    click.option("--bus", "bus_url", metavar="URL", help="The bus: embedded: (default), or amqp(s)://… of RabbitMQ."),
    click.option("--workers", metavar="NAMES", help="Who works here: persister,dispatcher (default), one, or none."),
    click.option("--data-dir", metavar="DIR", help="Where the event log lives."),
    click.option("--schemas", metavar="DIR", help="The folder of contracts (default ./schemas, else packaged)."),
    click.option("--registry", metavar="FILE", help="The services registry (default ./registry.yaml, else packaged)."),
    click.option("--host", metavar="HOST", help="Where the HTTP API listens (default 127.0.0.1)."),
    click.option("--port", metavar="PORT", help="Its port (default 8000, 0 = any free one)."),
)
_ATTACH = click.option(
    "--attach", metavar="URL", callback=encodable, help="Use the godtui at this URL (GODTUI_API_TOKEN as bearer)."
)


@dataclass
class Given:
    """What was given on the command line, before and after the command's name."""

    flags: dict[str, Any] = field(default_factory=dict)
    attach: str | None = None

    def take(self, attach: str | None, flags: dict[str, Any]) -> Given:
        """These and, over them, what was given later."""
        later = {name: value for name, value in flags.items() if value is not None}
        return Given({**self.flags, **later}, attach or self.attach)

    def settings(self) -> Settings:
        """All settings, from all places. Raises SettingsError, and WrongUsageError without a working directory."""
        try:
            cwd = Path.cwd()
        except OSError as error:
            raise WrongUsageError(f"the working directory is not there ({error.strerror}); go to another") from None
        return Settings.load(
            flags=self.flags,
            environ=os.environ,
            cwd=cwd,
            config_dir=platformdirs.user_config_path("godtui", appauthor=False),
            home=Path.home(),
        )

    @property
    def url(self) -> str | None:
        """The instance to attach to, if one was named."""
        return self.attach or os.environ.get("GODTUI_URL") or None


def settings_options(command: Command) -> Command:
    """Let a command take every setting that has a flag."""
    for option in reversed((*_SETTINGS, _ATTACH)):
        command = option(command)
    return command
