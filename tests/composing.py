"""As much of Docker Compose as the compose files use: interpolation and `extends`, after the Compose specification."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_VARIABLE = re.compile(r"\$(?:(\$)|([A-Za-z_]\w*)|\{([A-Za-z_]\w*)(?:(:?)([-+?])([^{}$]*))?\}|())", re.ASCII)


def interpolate(value: Any, environ: Mapping[str, str]) -> Any:
    """A document with the variables in its texts replaced. Raises ValueError on a lone $ and an unset ${X?why}."""
    if isinstance(value, dict):
        return {key: interpolate(one, environ) for key, one in value.items()}
    if isinstance(value, list):
        return [interpolate(one, environ) for one in value]
    return _VARIABLE.sub(lambda match: _value(match, environ), value) if isinstance(value, str) else value


def _value(match: re.Match[str], environ: Mapping[str, str]) -> str:
    escaped, plain, braced, filled, operator, other, invalid = match.groups()
    if invalid is not None:
        raise ValueError(f"not a variable: {match.string}")
    if escaped:
        return "$"
    value = environ.get(plain or braced)
    there = bool(value) if filled else value is not None
    if operator == "-":
        return value or "" if there else other
    if operator == "+":
        return other if there else ""
    if operator == "?" and not there:
        raise ValueError(f"required: {plain or braced}: {other}")
    return value or ""


def composed(file: Path, environ: Mapping[str, str], *others: Path) -> dict[str, Any]:
    """Compose files as they are run: interpolated, their services extended, and the later ones put over the first."""
    document: dict[str, Any] = interpolate(yaml.safe_load(file.read_text(encoding="utf-8")), environ)
    for name, service in document["services"].items():
        extends = service.pop("extends", None)
        if extends is not None:
            other = interpolate(yaml.safe_load((file.parent / extends["file"]).read_text(encoding="utf-8")), environ)
            document["services"][name] = _merged(other["services"][extends["service"]], service)
    for one in others:
        document = _merged(document, composed(one, environ))
    return document


def passed_on(service: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """The environment that a service's container gets: a name without value is handed on where it is set."""
    named: Mapping[str, str | None] = service["environment"]
    found = {name: environ.get(name) if value is None else value for name, value in named.items()}
    return {name: value for name, value in found.items() if value is not None}


def _merged(base: Any, over: Any) -> Any:
    if isinstance(base, dict) and isinstance(over, dict):
        return {**base, **{key: _merged(base[key], value) if key in base else value for key, value in over.items()}}
    if isinstance(base, list) and isinstance(over, list):
        return [*base, *over]
    return over
