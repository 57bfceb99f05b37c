"""`holyfields new`: a schema to begin with, or the next version of one, beside what is there."""

from __future__ import annotations

import json
import re
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from godtui.cli.failures import ThingFailedError, WrongUsageError
from godtui.cli.options import encodable
from godtui.settings.values import shown_text

if TYPE_CHECKING:
    from godtui.holyfields.folder import SchemaFile

_CAPITAL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_OTHERS: Final = re.compile(r"[^a-z0-9]+")
_KEPT: Final = re.compile(r"[^a-z0-9_-]+")


@click.command("new")
@click.argument("event_type", metavar="TYPE", callback=encodable)
@click.option(
    "--version", metavar="vN", callback=encodable, help="Which version (v1); another is a copy of the newest."
)
@click.option("--schemas", metavar="DIR", type=click.Path(path_type=Path), help="The folder of contracts (./schemas).")
def new_contract(event_type: str, version: str | None, schemas: Path | None) -> None:
    """Make a schema that passes the lint, or of a type that has one the next version; nothing is overwritten."""
    from godtui.envelope import version_fault

    folder = schemas or Path("schemas")
    if folder.exists() and not folder.is_dir():
        raise WrongUsageError(f"{folder} is not a folder; name the folder of the contracts")
    if version is not None and (fault := version_fault(version)):
        raise WrongUsageError(f"{fault}; write --version v2")
    _require_type(event_type)
    there = _there(folder, event_type)
    if there:
        path, text = _next(event_type, version, there)
    else:
        path = _path(event_type, version or "v1")
        text = json.dumps(scaffold(event_type), indent=2) + "\n"
        _require_clean(event_type, path, text)
    _write(folder, path, text)
    click.echo(f"made: {folder / path}")


def scaffold(event_type: str) -> dict[str, Any]:
    """A schema for an event type: a description, one property, an example."""
    *_, entity, action = re.split(r"[._-]+", event_type.strip("._-"))
    title = re.sub(r"[._-]+", " ", event_type).strip().capitalize()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        "description": f"The {entity} was {action}; say here what that means, and when it is told.",
        "type": "object",
        "properties": {"subject_id": {"type": "string", "description": f"The id of the {entity}."}},
        "required": ["subject_id"],
        "examples": [{"subject_id": f"{entity}-1"}],
    }


def suggested(name: str) -> str | None:
    """An event type that may have been meant by a name which is none; None where nothing suggests itself."""
    from godtui.envelope import event_type_fault

    spaced = _CAPITAL.sub(".", name[:255]).lower()
    parts = (_KEPT if "." in spaced else _OTHERS).split(spaced)
    meant = ".".join(part for one in parts if (part := one.lstrip("0123456789_-")))
    return meant if meant != name and event_type_fault(meant) is None else None


def _require_type(event_type: str) -> None:
    from godtui.envelope import event_type_fault

    if fault := event_type_fault(event_type):
        meant = suggested(event_type)
        raise ThingFailedError(f"{shown_text(event_type)}: {fault}{f'; did you mean {meant}?' if meant else ''}")


def _there(folder: Path, event_type: str) -> dict[str, SchemaFile]:
    """The files of a type by version, the lowest first; what is wrong with others is no matter here."""
    from godtui.holyfields.folder import read_folder

    found = {
        name.version: file for file in read_folder(folder).files for name in file.names if name.event_type == event_type
    }
    return dict(sorted(found.items(), key=lambda one: int(one[0][1:])))


def _path(event_type: str, version: str) -> str:
    """Where a contract goes. Raises ThingFailedError for a type that would be read as another."""
    from godtui.holyfields.folder import name_of

    domain, _, rest = event_type.partition(".")
    path = f"{domain}/{rest}.json" if version == "v1" else f"{domain}/{rest}.{version}.json"
    if name_of(path) != (event_type, version):
        raise ThingFailedError(f"{event_type} ends as a version does; leave that out and give it with --version")
    return path


def _next(event_type: str, version: str | None, there: dict[str, SchemaFile]) -> tuple[str, str]:
    """The path and text of another version, beside the newest and a copy of it."""
    last, newest = next(reversed(there.items()))
    if version is None or version in there:
        taken, following = version or last, f"v{int(last[1:]) + 1}"
        raise ThingFailedError(
            f"{event_type} {taken} is there already, in {there[taken].path}; --version {following} makes the next"
        )
    if newest.is_envelope:
        raise ThingFailedError(
            f"{newest.path} describes the whole envelope; copy it yourself and change its constants to {version}"
        )
    stem = newest.path.removesuffix(".json").removesuffix(f".{last}")
    path = f"{stem}.json" if version == "v1" else f"{stem}.{version}.json"
    if "$id" not in newest.document:
        return path, newest.text
    without = {key: value for key, value in newest.document.items() if key != "$id"}
    return path, json.dumps(without, ensure_ascii=False, indent=2) + "\n"


def _require_clean(event_type: str, path: str, text: str) -> None:
    """See that the lint has nothing to say of a schema alone in a folder. Raises ThingFailedError."""
    from godtui.holyfields.lint import lint

    with tempfile.TemporaryDirectory(prefix="godtui-") as beside:
        file = Path(beside) / path
        try:
            file.parent.mkdir()
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ThingFailedError(f"{event_type} cannot be tried: {error.strerror or error}") from None
        findings = lint(Path(beside))
    if findings:
        raise ThingFailedError(f"{event_type} is no name to begin with: {'; '.join(one.message for one in findings)}")


def _write(folder: Path, path: str, text: str) -> None:
    """Write a file that is not there yet; a half one is taken away again."""
    file = folder / path
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        is_inside = file.parent.resolve().is_relative_to(folder.resolve())
    except OSError as error:
        raise ThingFailedError(f"{file.parent} cannot be made: {error.strerror or error}") from None
    if not is_inside:
        raise ThingFailedError(f"{file.parent} leads out of {folder}; remove the link")
    try:
        with file.open("xb") as opened:
            try:
                opened.write(text.encode())
                opened.flush()
            except OSError:
                with suppress(OSError):
                    file.unlink()
                raise
    except FileExistsError:
        raise ThingFailedError(f"{file} is there already; it stays as it is") from None
    except OSError as error:
        raise ThingFailedError(f"{file} cannot be written: {error.strerror or error}") from None
