"""Where settings are written: flags, environment, `infra-dispatch.env`, `godtui.toml`. One layer each, as found."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from io import StringIO
from pathlib import Path

from dotenv.parser import parse_stream

from godtui.settings.errors import SettingsError

PREFIX = "GODTUI_"
ENV_FILE = Path(".config", "openclaw", "infra-dispatch.env")
TOML_FILE = "godtui.toml"

ELSEWHERE = frozenset({"URL", "ARGS"})
"""Variables with our prefix that are no settings: the instance a command talks to, and what `make run` passes on."""


@dataclass(frozen=True, slots=True)
class Written:
    """A setting's value as it was found, and where."""

    value: object
    origin: str
    """Short: `--port`, `GODTUI_PORT`, `infra-dispatch.env`, `godtui.toml:/path`."""
    name: str
    """As a sentence about the value begins."""
    folder: Path
    """What a relative path in it is relative to."""


Layer = Mapping[str, Written]


def flag_layer(flags: Mapping[str, object], spellings: Mapping[str, str], cwd: Path) -> dict[str, Written]:
    """Of the flags by setting those that were given; None is not given."""
    return {
        name: Written(value, spellings[name], spellings[name], cwd)
        for name, value in flags.items()
        if value is not None
    }


def environment_layer(environ: Mapping[str, str], variables: Mapping[str, str], cwd: Path) -> dict[str, Written]:
    """Of the environment the settings in it; an empty variable is one that is not set."""
    return {
        name: Written(environ[variable], variable, f"{variable} (environment)", cwd)
        for name, variable in variables.items()
        if environ.get(variable)
    }


def env_file_layer(file: Path, variables: Mapping[str, str], cwd: Path) -> tuple[dict[str, Written], list[str]]:
    """Of the file the settings in it, and the names of all variables in it. Raises SettingsError."""
    found = _read_env_file(file)
    layer = {
        name: Written(found[variable], ENV_FILE.name, f"{variable} ({file})", cwd)
        for name, variable in variables.items()
        if found.get(variable)
    }
    return layer, list(found)


def toml_layer(file: Path, variables: Mapping[str, str]) -> dict[str, Written]:
    """The settings in the file. Raises SettingsError."""
    found = _read_toml(file)
    keys = {key_of(variable): name for name, variable in variables.items()}
    unknown = [key for key in found if key not in keys]
    if unknown:
        raise SettingsError([_unknown_key(key, file, list(keys)) for key in unknown])
    origin = f"{TOML_FILE}:{file}"
    return {keys[key]: Written(value, origin, f"{key} ({file})", file.parent) for key, value in found.items()}


def key_of(variable: str) -> str:
    """A variable's key in `godtui.toml`."""
    return variable.removeprefix(PREFIX).lower()


def unknown_variables(names: list[str], known: frozenset[str]) -> Iterator[str]:
    """A sentence about each variable with our prefix that nothing reads."""
    for name in names:
        if name.startswith(PREFIX) and name not in known and name.removeprefix(PREFIX) not in ELSEWHERE:
            yield f"{name} is no setting and is ignored{_nearest(name, list(known))}"


def _unknown_key(key: str, file: Path, known: list[str]) -> str:
    return f"{key!r} ({file}) is no setting{_nearest(key, known)}"


def _nearest(name: str, known: list[str]) -> str:
    """How a sentence about an unknown name ends; the prefix all share makes nothing alike."""
    spelt = {key_of(one): one for one in known}
    near = get_close_matches(key_of(name), spelt, 1)
    return f"; did you mean {spelt[near[0]]}?" if near else "; see README for the settings there are"


def _read_env_file(file: Path) -> dict[str, str]:
    text = _read_text(file)
    if text is None:
        return {}
    found = {}
    for binding in parse_stream(StringIO(text)):
        if binding.error:
            raise SettingsError([f"line {binding.original.line} of {file} is not NAME=value; correct or remove it"])
        if binding.key is not None and binding.value is not None:
            found[binding.key] = binding.value
    return found


def _read_toml(file: Path) -> dict[str, object]:
    text = _read_text(file)
    if text is None:
        return {}
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([f"{file} is not TOML: {error}"]) from None
    except RecursionError:
        raise SettingsError([f"{file} is nested too deeply; settings are plain keys and values"]) from None


def _read_text(file: Path) -> str | None:
    """A file's text, or None where there is no such file."""
    try:
        return file.read_text("utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except UnicodeDecodeError as error:
        raise SettingsError([f"{file} is not UTF-8 at byte {error.start}; save it as UTF-8"]) from None
    except OSError as error:
        raise SettingsError([f"{file} cannot be read ({error.strerror}); make it a readable file"]) from None
