"""The official test suite of JSON Schema, judged by generated Pydantic models."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import BaseModel, ValidationError

from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.refusals import RefusedError
from tests.holyfields.generate.packages import imported
from tests.holyfields.generate.refused_groups import REFUSED
from tests.holyfields.tools import DRAFTS, URIS, Case, expected, group_of, groups

FILES: Final = [(draft, file) for draft in DRAFTS for file in groups(draft)]


def write(folder: Path, case: Case) -> None:
    """A contract whose member `value` has the schema of a test; one that refers to itself is a file of its own."""
    uri, schema = URIS[case.draft], case.schema
    if isinstance(schema, dict):
        uri = schema.get("$schema", uri)
        schema = {name: value for name, value in schema.items() if name != "$schema"}
        if re.search(r'"\$(ref|id|anchor|dynamicRef)"', json.dumps(schema)):
            (folder / "_shared.json").write_text(json.dumps({"$schema": uri, **schema}))
            schema = {"$ref": "../_shared.json"}
    contract = {"$schema": uri, "type": "object", "properties": {"value": schema}, "required": ["value"]}
    (folder / "suite").mkdir()
    (folder / "suite" / "case.json").write_text(json.dumps(contract))


def accepts(model: type[BaseModel], payload: Any) -> bool:
    try:
        made = model.model_validate(payload)
    except ValidationError:
        return False
    assert made.model_dump() == payload
    return True


def judged(folder: Path, draft: str, file: str) -> Iterator[tuple[list[Case], type[BaseModel] | str]]:
    for number, cases in enumerate(groups(draft)[file].values()):
        place = folder / str(number)
        (place / "schemas").mkdir(parents=True)
        write(place / "schemas", cases[0])
        try:
            collection = collect(place / "schemas")
        except RefusedError as error:
            yield cases, str(error)
            continue
        yield cases, imported(collection, place / "out").EVENTS["suite.case"]


@pytest.mark.parametrize(("draft", "file"), FILES, ids=[f"{draft}/{file}" for draft, file in FILES])
def test_models_say_what_the_suite_says(draft: str, file: str, tmp_path: Path) -> None:
    refused, wrong = set(), []
    for cases, model in judged(tmp_path, draft, file):
        if isinstance(model, str):
            refused.add(group_of(cases[0]))
            continue
        for case in cases:
            verdict = accepts(model, {"value": case.data})
            if verdict != expected(case) or (verdict != case.valid and file != "format.json"):
                wrong.append(f"{case.name}: {json.dumps(case.schema)} {json.dumps(case.data)}: {verdict}")
    assert not wrong, "\n".join(wrong)
    assert refused == REFUSED.get(f"{draft}/{file}", frozenset())
