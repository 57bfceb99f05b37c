"""How components are checked, as `INFRA_COMPONENT_CHECKS_JSON` has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationInfo

from godtui.jsontext import JsonError, parse
from godtui.settings.paths import resolved
from godtui.settings.values import shown_text

EXAMPLE: Final = '{"component": {"command": "make test", "cwd": "/path"}}'


class CheckSetting(BaseModel):
    """A shell command, and the folder to run it in where one was named."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    command: str
    cwd: Path | None = None

    @classmethod
    def read(cls, value: Mapping[str, object], base: Path, home: Path | None = None) -> CheckSetting:
        """From `{"command", "cwd"}`; other members are not looked at, and a relative cwd starts at `base`.

        Raises ValueError with the end of a sentence about the check.
        """
        command, cwd = value.get("command"), value.get("cwd")
        if not isinstance(command, str) or not command.strip():
            raise ValueError("has no command; write what /bin/sh is to run")
        if cwd is not None and (not isinstance(cwd, str) or not cwd):
            raise ValueError("has a cwd that is no path; name a folder, or leave it out")
        if "\0" in command or "\0" in (cwd or ""):
            raise ValueError("holds a NUL character, which neither a command nor a path can")
        return cls(command=command, cwd=None if cwd is None else resolved(Path(cwd), base, home))


def component_key(name: str) -> str:
    """A component's name as it is compared: without spaces around it, and blind to case."""
    return name.strip().casefold()


def component_checks(value: object, info: ValidationInfo) -> dict[str, CheckSetting]:
    """Checks by component, from JSON text or a table.

    Raises ValueError with the end of a sentence about the setting.
    """
    bases: Mapping[str, Path] = info.context or {}
    base = bases.get(info.field_name or "", Path.cwd())
    checks: dict[str, CheckSetting] = {}
    for name, check in _components(value).items():
        shown = shown_text(name)
        key = component_key(name)
        if not key:
            raise ValueError(f"a component in it has no name; write {EXAMPLE}")
        if key in checks:
            raise ValueError(f"it names the component {shown} twice, in other letters")
        checks[key] = _check(shown, check, base, bases.get("~"))
    return checks


def _components(value: object) -> Mapping[str, object]:
    if isinstance(value, str):
        try:
            value = parse(value)
        except JsonError as error:
            raise ValueError(f"it is not JSON ({error}); write {EXAMPLE}") from None
    if not isinstance(value, Mapping):
        raise ValueError(f"it must be an object such as {EXAMPLE}")
    return value


def _check(name: str, check: object, base: Path, home: Path | None) -> CheckSetting:
    if isinstance(check, CheckSetting):
        return check
    if not isinstance(check, Mapping):
        raise ValueError(f"the check of {name} must be an object such as {json.dumps({'command': 'make test'})}")
    unknown = next((member for member in check if member not in CheckSetting.model_fields), None)
    if unknown is not None:
        raise ValueError(f"the check of {name} has a member {shown_text(str(unknown))}; there are command and cwd")
    try:
        return CheckSetting.read(check, base, home)
    except ValueError as error:
        raise ValueError(f"the check of {name} {error}") from None
