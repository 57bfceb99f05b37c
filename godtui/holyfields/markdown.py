"""The event catalogue as Markdown: the same text for the same contracts, and nothing in them acts as markup."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple

from godtui.holyfields.catalogue import Catalogue
from godtui.holyfields.compatibility.places import Bundle, Place, UnresolvedError
from godtui.holyfields.contract import Contract
from godtui.jsontext import Json

_MAX_VALUE: Final = 60
_MAX_CHOICES: Final = 12
_MAX_DEPTH: Final = 2
"""So deep go the words for a value; the schema has the rest."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9 ._/#*@:+-]+")
_MARKS: Final = re.compile(r"[\\`*\[\]|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|^[#+=:-]")
_NUMBERED: Final = re.compile(r"^([0-9]{1,9})([.)])")


class Property(NamedTuple):
    """One property of a payload; `shape` is Markdown."""

    name: str
    shape: str
    is_required: bool
    description: str


def document(catalogue: Catalogue) -> str:
    """The catalogue: a table of all event types, then each by domain; lines end with a newline character."""
    listed = catalogue.summary()
    lines = ["| Event | Versions | Producers | Consumers | What it says |", "| --- | --- | --- | --- | --- |"]
    for one in listed:
        cells = (_codes([one["event_type"]]), _codes(one["versions"]), *_services(one), _text(_said(one)))
        lines.append(_row(cells))
    for domain, types in groupby(listed, lambda one: str(one["event_type"]).partition(".")[0]):
        lines += ["", f"### {domain}"]
        for one in types:
            lines += _described(one, catalogue.registry.contract(one["event_type"], one["versions"][-1]))
    return "\n".join(lines) + "\n"


def properties(contract: Contract) -> list[Property]:
    """What a contract's payload is made of, at its top and by references: required ones first, as they are written."""
    bundle = Bundle.of(contract)
    places: dict[str, Place] = {}
    required: set[str] = set()
    for place in _taken_up(bundle, bundle.place):
        required.update(place.words.get("required", ()))
        for name in place.words.get("properties", {}):
            places.setdefault(name, place.at("properties").at(name))
    found = [
        Property(name, _shape(bundle, place, 0), name in required, _description(bundle, place))
        for name, place in places.items()
    ]
    return sorted(found, key=lambda one: not one.is_required)


def _described(one: dict[str, Any], newest: Contract) -> Iterator[str]:
    producers, consumers = _services(one)
    yield from ("", f"#### `{one['event_type']}`", "")
    if one["title"]:
        yield f"**{_text(one['title'])}.** {_text(one['description'])}".rstrip()
    else:
        yield _text(one["description"]) or "No description."
    yield from ("", f"- Versions: {_codes(one['versions'])}", f"- Producers: {producers}", f"- Consumers: {consumers}")
    if one["serves"]:
        yield f"- Also the contract of: {_codes(one['serves'])}"
    yield f"- Schema: {_codes([one['file']])}"
    made_of = properties(newest)
    if made_of:
        yield from ("", "| Property | Type | Required | Description |", "| --- | --- | --- | --- |")
    for each in made_of:
        cells = (_codes([each.name]), each.shape, "yes" if each.is_required else "no", _text(each.description))
        yield _row(cells)
    if one["example"] is not None:
        yield from ("", "```json", *_example(one["example"]), "```")


def _taken_up(bundle: Bundle, start: Place) -> Iterator[Place]:
    """A schema and those that it takes up as a whole, each once."""
    waiting, seen = [start], set()
    while waiting:
        place = waiting.pop(0)
        if not isinstance(place.schema, dict) or id(place.schema) in seen:
            continue
        seen.add(id(place.schema))
        yield place
        waiting += [place.at("allOf").at(number) for number in range(len(place.words.get("allOf", ())))]
        if (target := _target(bundle, place)) is not None:
            waiting.append(target)


def _target(bundle: Bundle, place: Place) -> Place | None:
    """What a schema's reference leads to, if it has one that is followed here."""
    reference = place.words.get("$ref")
    if not isinstance(reference, str):
        return None
    try:
        return bundle.follow(place.path, reference)
    except UnresolvedError:
        return None


def _description(bundle: Bundle, place: Place) -> str:
    for each in _taken_up(bundle, place):
        if isinstance(said := each.schema.get("description"), str):
            return said
    return ""


def _shape(bundle: Bundle, place: Place, depth: int) -> str:
    """What a value may be, in a few words."""
    if isinstance(place.schema, bool):
        return "anything" if place.schema else "nothing"
    for each in _taken_up(bundle, place):
        said = _own_shape(bundle, each, depth)
        if said:
            return said
    return "anything"


def _own_shape(bundle: Bundle, place: Place, depth: int) -> str:
    """The same of what a schema says itself, nothing where it does not."""
    schema = place.words
    if "const" in schema:
        return _value(schema["const"])
    if isinstance(schema.get("enum"), list):
        more = " or others" if len(schema["enum"]) > _MAX_CHOICES else ""
        return " or ".join(map(_value, schema["enum"][:_MAX_CHOICES])) + more
    if "type" in schema:
        types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        return " or ".join(_typed(bundle, place, str(one), depth) for one in types)
    for word in ("anyOf", "oneOf"):
        if word in schema and depth == _MAX_DEPTH:
            return "one of several"
        if word in schema:
            parts = [place.at(word).at(number) for number in range(min(len(schema[word]), _MAX_CHOICES))]
            return " or ".join(dict.fromkeys(_shape(bundle, part, _MAX_DEPTH) for part in parts))
    return "object" if "properties" in schema else ""


def _typed(bundle: Bundle, place: Place, name: str, depth: int) -> str:
    if name == "array" and isinstance(place.schema.get("items"), dict) and depth < _MAX_DEPTH:
        return f"array of {_shape(bundle, place.at('items'), depth + 1)}"
    if name == "string" and isinstance(place.schema.get("format"), str):
        return f"string ({_text(place.schema['format'])})"
    return name


def _value(value: Json) -> str:
    return _codes([json.dumps(value, ensure_ascii=False)])


def _said(one: dict[str, Any]) -> str:
    return str(one["description"] or one["title"])


def _services(one: dict[str, Any]) -> tuple[str, str]:
    return _codes(one["producers"]) or "none", _codes(one["consumers"]) or "none"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _codes(texts: Sequence[str]) -> str:
    return ", ".join(map(_code, texts))


def _code(text: str) -> str:
    """A text set as code, shortened where it is long."""
    text = _printable(text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…")
    if _PLAIN.fullmatch(text) and text == text.strip():
        return f"`{text}`"
    escaped = "".join(one if one.isalnum() or one in " .,:/-" else f"&#{ord(one)};" for one in text)
    return f"<code>{escaped}</code>"


def _text(text: str) -> str:
    """A text on one line in which nothing is markup."""
    line = " ".join(_printable(text).split())
    return _NUMBERED.sub(r"\1\\\2", _MARKS.sub(_escaped, html.escape(line, quote=False)))


def _escaped(mark: re.Match[str]) -> str:
    return "&#36;" if mark[0] == "$" else f"\\{mark[0]}"


def _printable(text: str) -> str:
    """Without what could move, hide or turn around other text; line breaks and tabs are spaces."""
    return "".join(one if one.isprintable() else " " if one.isspace() else "\ufffd" for one in text)


def _example(value: Json) -> list[str]:
    """A value as JSON over several lines, without anything that could end a fence or a marker."""
    return "".join(map(_in_json, json.dumps(value, ensure_ascii=False, indent=2))).split("\n")


def _in_json(letter: str) -> str:
    if letter == "\n" or (letter.isprintable() and letter not in "<>"):
        return letter
    return json.dumps(letter)[1:-1] if not letter.isascii() else f"\\u{ord(letter):04x}"
