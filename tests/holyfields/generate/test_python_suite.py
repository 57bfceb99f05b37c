"""The official test suite of JSON Schema, judged by generated Pydantic models."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collection import Collection, Payload
from tests.holyfields.generate.packages import imported
from tests.holyfields.tools import Case, suite


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)


def _simple(schema: Any) -> bool:
    return "$dynamic" not in json.dumps(schema) and '"$id"' not in json.dumps(schema) and not list(_references(schema))


def test_models_say_what_the_suite_says(tmp_path: Path) -> None:
    groups: dict[str, list[Case]] = {}
    for case in suite("draft2020-12"):
        if _simple(case.schema):
            groups.setdefault(json.dumps(case.schema), []).append(case)
    payloads = []
    for number, cases in enumerate(groups.values()):
        schema = {"type": "object", "properties": {"value": cases[0].schema}, "required": ["value"]}
        payloads.append(Payload(f"suite.g{number:04}", "v1", "", "", schema, "x.json"))
    wrong = []
    count = 0
    with imported(Collection(tuple(payloads), {}), tmp_path) as package:
        for number, cases in enumerate(groups.values()):
            model = package.EVENTS[f"suite.g{number:04}"]
            for case in cases:
                count += 1
                try:
                    model.model_validate({"value": case.data})
                    verdict = True
                except ValidationError:
                    verdict = False
                expected = decider(
                    {"$schema": "https://json-schema.org/draft/2020-12/schema", "properties": {"value": case.schema}}
                ).is_valid({"value": case.data})
                if verdict != expected:
                    wrong.append((case, verdict))
    assert not wrong, "\n".join(
        f"{case.name} {case.schema} {case.data} model says {verdict}" for case, verdict in wrong
    )
