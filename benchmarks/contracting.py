"""Schema folders as large as an estate's: loaded and linted, loaded again after an edit, and generated from."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.measure import Figures, Place

SCHEMAS: Final = 1_000
TYPES: Final = 200
PAST: Final = ("created", "updated", "removed", "started", "ended")


def linted(place: Place) -> Figures:
    """Seconds until every schema is loaded as a contract and linted."""
    from godtui.holyfields import Registry
    from godtui.holyfields.lint import lint

    folder = _folder(place, place.choose(SCHEMAS, 20))
    started = time.perf_counter()
    Registry.load(folder)
    findings = lint(folder)
    taken = time.perf_counter() - started
    if findings:
        raise RuntimeError(f"the lint found {findings[0]}")
    return {"time": taken}


def parsed(place: Place) -> Figures:
    """Seconds until every file is read and parsed, and nothing more."""
    folder = _folder(place, place.choose(SCHEMAS, 20))
    started = time.perf_counter()
    for path in sorted(folder.rglob("*.json")):
        json.loads(path.read_bytes())
    return {"time": time.perf_counter() - started}


def reloaded(place: Place) -> Figures:
    """Milliseconds until a folder of which one file has changed is in force."""
    from godtui.holyfields.reloading import Reloader

    folder = _folder(place, place.choose(SCHEMAS, 20))
    reloader = Reloader(folder)
    reloader.load()
    path = folder / "domain0/thing.created.json"
    taken = []
    for number in range(9):
        document = json.loads(path.read_bytes())
        document["properties"]["more"] = {"type": "integer", "minimum": number, "description": "How many."}
        path.write_text(json.dumps(document, indent=2))
        started = time.perf_counter()
        reloader.load()
        taken.append(time.perf_counter() - started)
    return {"time": 1000 * sorted(taken)[len(taken) // 2]}


def generated(place: Place) -> Figures:
    """Seconds until both languages are written."""
    from godtui.holyfields.generate import TARGETS, generate

    folder = _folder(place, place.choose(TYPES, 10))
    out = place.folder / "generated"
    started = time.perf_counter()
    outcome = generate(folder, out, TARGETS)
    taken = time.perf_counter() - started
    if not outcome.written:
        raise RuntimeError("nothing was generated")
    return {"time": taken}


def _folder(place: Place, count: int) -> Path:
    """A folder of so many schemas, most of which refer to shared definitions."""
    folder = place.folder / f"schemas_{count}"
    if folder.is_dir():
        return folder
    _write(folder / "_shared/parts.json", {"$defs": {"money": _money(), "name": _text(80)}})
    for number in range(count):
        domain, event = divmod(number, len(PAST))
        _write(folder / f"domain{domain}/thing.{PAST[event]}.json", _schema(number))
    return folder


def _schema(number: int) -> dict[str, Any]:
    return {
        "title": f"Thing {number}",
        "description": "Something has happened to a thing.",
        "type": "object",
        "properties": {
            "name": {"$ref": "../_shared/parts.json#/$defs/name"},
            "price": {"$ref": "../_shared/parts.json#/$defs/money"},
            "tags": {"type": "array", "description": "Labels.", "items": {"type": "string"}, "uniqueItems": True},
            "kind": {"enum": ["small", "large"], "description": "Its size."},
            "number": {"type": "integer", "minimum": number, "description": "Its number."},
        },
        "required": ["name", "number"],
        "additionalProperties": False,
        "examples": [{"name": "a", "number": number, "price": {"amount": 1.5, "currency": "EUR"}, "tags": ["x"]}],
    }


def _money() -> dict[str, Any]:
    return {
        "description": "An amount of money.",
        "type": "object",
        "properties": {
            "amount": {"type": "number", "description": "How much."},
            "currency": {"type": "string", "pattern": "^[A-Z]{3}$", "description": "In ISO 4217."},
        },
        "required": ["amount", "currency"],
        "additionalProperties": False,
    }


def _text(most: int) -> dict[str, Any]:
    return {"description": "A name.", "type": "string", "minLength": 1, "maxLength": most}


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=2))
