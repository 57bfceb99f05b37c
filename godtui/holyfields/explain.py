"""Why a payload was refused: jsonschema-rs has decided, jsonschema explains, and explaining is bounded.

jsonschema is slow, and some payloads would keep it busy for minutes: Python's regular expressions may backtrack
without end, unique items and unevaluated members are compared pair by pair. It also disagrees with jsonschema-rs here
and there. So patterns, formats, uniqueness and multiples are asked of jsonschema-rs again, work is counted, and where
it grows too large one plain sentence has to do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import TYPE_CHECKING, Final

import jsonschema_rs
from referencing import Registry, Resource

from godtui import jsontext
from godtui.envelope import Fault
from godtui.holyfields.faults import shortened
from godtui.holyfields.references import Linked
from godtui.jsontext import Json

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from jsonschema.protocols import Validator

MAX_FAULTS: Final = 20
MAX_POINTER: Final = 1_000

_SOMEWHERE: Final = (
    "the payload is not what its schema asks for; where cannot be said, as the schema has too many alternatives for it "
    "or refers back to itself"
)
"""Of alternatives jsonschema-rs collects every error of every branch, which may take minutes: it is not asked then."""


class Explainer:
    """Explains refusals by the schemas of one folder. jsonschema is loaded when there is a first one to explain."""

    def __init__(self, files: Mapping[str, Linked]) -> None:
        """`files` are sound and by path."""
        self._files = files
        self._registry: Registry[Json] | None = None

    def explain(
        self, linked: Linked, judged_by: dict[str, Json], validator: jsonschema_rs.Validator, payload: Json
    ) -> list[Fault]:
        """The faults of a payload that the validator refused: one to twenty, each of bounded length.

        `judged_by` is the schema that judges it, made of references to the file's address.
        """
        from godtui.holyfields.keywords import limited_work

        faults: dict[Fault, None] = {}
        finished = False
        with suppress(Exception), limited_work():  # where jsonschema fails, the publisher still gets an answer
            for error in islice(self._errors(linked, judged_by, payload), MAX_FAULTS):
                keyword = error.validator if isinstance(error.validator, str) else None
                faults[_fault(error.message, list(error.absolute_path), keyword)] = None
            finished = True
        if not faults and not finished and self._mentions(linked, "anyOf", "oneOf"):
            return [_fault(_SOMEWHERE, [], None)]
        return list(faults) or [_own_message(validator, payload)]

    def _mentions(self, linked: Linked, *words: str) -> bool:
        """Whether a contract may use one of the keywords, in its file or those it reaches."""
        return any(f'"{word}"' in self._files[path].file.text for path in linked.reaches for word in words)

    def _errors(self, linked: Linked, judged_by: dict[str, Json], payload: Json) -> Iterator[ValidationError]:
        """Every error, and after one that only says "none of these" the nearest reason for it."""
        from jsonschema.exceptions import best_match

        for error in self._validator(linked, judged_by).iter_errors(payload):
            yield error
            nearest = best_match([error])
            if nearest is not None and nearest is not error:
                yield nearest

    def _validator(self, linked: Linked, judged_by: dict[str, Json]) -> Validator:
        from godtui.holyfields.keywords import validator_class

        made = validator_class(linked.dialect, self._mentions(linked, "patternProperties"))
        if self._registry is None:
            self._registry = Registry().with_resources(map(_bare, self._files.values())).crawl()
        validator: Validator = made(judged_by, registry=self._registry, format_checker=made.FORMAT_CHECKER)
        return validator


def _bare(linked: Linked) -> tuple[str, Resource[Json]]:
    """A schema without its `$schema`, which would bring jsonschema's unbounded keywords back in."""
    schema = {key: value for key, value in linked.schema.items() if key != "$schema"}
    return linked.uri, linked.dialect.specification.create_resource(schema)


def _own_message(validator: jsonschema_rs.Validator, payload: Json) -> Fault:
    try:
        validator.validate(payload)
    except jsonschema_rs.ValidationError as error:
        return _fault(error.message, error.instance_path, error.kind.name)
    except (ValueError, RecursionError) as error:
        return _fault(f"the payload holds what JSON cannot: {error}", [], None)
    return _fault(
        "the payload was refused, but passes when asked again; it must not change while it is judged", [], None
    )


def _fault(message: str, path: list[str | int], keyword: str | None) -> Fault:
    return Fault(_pointer(path), _shortened(message), keyword)


def _pointer(path: list[str | int]) -> str:
    """The pointer to the place, or to the nearest place around it whose pointer is short."""
    pointer = jsontext.pointer(["payload", *path])
    while len(pointer) > MAX_POINTER:
        path = path[:-1]
        pointer = jsontext.pointer(["payload", *path])
    return _text(pointer)


def _shortened(message: str) -> str:
    return _text(shortened(message))


def _text(text: str) -> str:
    return text.encode("utf-8", "backslashreplace").decode()
