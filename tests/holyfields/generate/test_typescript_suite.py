"""The official test suite through generated Zod schemas: the verdicts of the suite and of jsonschema-rs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields.dialects import decider
from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.refusals import RefusedError
from godtui.holyfields.generate.typescript import emit
from tests.holyfields.generate.zod import Question, verdicts, write
from tests.holyfields.tools import DRAFTS, Case, suite

URIS = {
    "draft2020-12": "https://json-schema.org/draft/2020-12/schema",
    "draft7": "http://json-schema.org/draft-07/schema",
}

REFUSED = {
    "draft2020-12": (
        "anchor.json: Location-independent identifier with base URI change in subschema",
        "defs.json: validate definition against metaschema",
        "dynamicRef.json: $dynamicRef skips over intermediate resources - direct reference",
        "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $defs first",
        "dynamicRef.json: $ref and $dynamicAnchor are independent of order - $ref first",
        "dynamicRef.json: $ref to $dynamicRef finds detached $dynamicAnchor",
        (
            "dynamicRef.json: A $dynamicRef resolves to the first $dynamicAnchor still in scope that is"
            " encountered when the schema is evaluated"
        ),
        (
            "dynamicRef.json: A $dynamicRef that initially resolves to a schema with a matching "
            "$dynamicAnchor resolves to the first $dynamicAnchor in the dynamic scope"
        ),
        (
            "dynamicRef.json: A $dynamicRef with intermediate scopes that don't include a matching "
            "$dynamicAnchor does not affect dynamic scope resolution"
        ),
        "dynamicRef.json: after leaving a dynamic scope, it is not used by a $dynamicRef",
        "dynamicRef.json: multiple dynamic paths to the $dynamicRef keyword",
        "dynamicRef.json: strict-tree schema, guards against misspelled properties",
        "dynamicRef.json: tests for implementation dynamic anchor and reference link",
        "format.json: email format",
        "format.json: hostname format",
        "format.json: idn-email format",
        "format.json: idn-hostname format",
        "format.json: iri format",
        "format.json: iri-reference format",
        "format.json: regex format",
        "format.json: uri-template format",
        "ref.json: Recursive references between schemas",
        "ref.json: ref with absolute-path-reference",
        "ref.json: relative refs with absolute uris and defs",
        "refRemote.json: $ref to $ref finds detached $anchor",
        "refRemote.json: Location-independent identifier in remote ref",
        "refRemote.json: anchor within remote ref",
        "refRemote.json: base URI change",
        "refRemote.json: base URI change - change folder",
        "refRemote.json: base URI change - change folder in subschema",
        "refRemote.json: fragment within remote ref",
        "refRemote.json: ref within remote ref",
        "refRemote.json: remote HTTP ref with different $id",
        "refRemote.json: remote HTTP ref with different URN $id",
        "refRemote.json: remote HTTP ref with nested absolute ref",
        "refRemote.json: remote ref",
        "refRemote.json: remote ref with ref to defs",
        "refRemote.json: retrieved nested refs resolve relative to their URI not $id",
        "refRemote.json: root ref in remote ref",
        "unevaluatedItems.json: unevaluatedItems with $dynamicRef",
        "unevaluatedProperties.json: unevaluatedProperties with $dynamicRef",
        "vocabulary.json: ignore unrecognized optional vocabulary",
        "vocabulary.json: schema that uses custom metaschema with with no validation vocabulary",
    ),
    "draft7": (
        "definitions.json: validate definition against metaschema",
        "format.json: email format",
        "format.json: hostname format",
        "format.json: idn-email format",
        "format.json: idn-hostname format",
        "format.json: iri format",
        "format.json: iri-reference format",
        "format.json: regex format",
        "format.json: uri-template format",
        "ref.json: Location-independent identifier with base URI change in subschema",
        "ref.json: Recursive references between schemas",
        "ref.json: ref with absolute-path-reference",
        "ref.json: relative refs with absolute uris and defs",
        "refRemote.json: $ref to $ref finds location-independent $id",
        "refRemote.json: Location-independent identifier in remote ref",
        "refRemote.json: base URI change",
        "refRemote.json: base URI change - change folder",
        "refRemote.json: base URI change - change folder in subschema",
        "refRemote.json: fragment within remote ref",
        "refRemote.json: ref within remote ref",
        "refRemote.json: remote ref",
        "refRemote.json: remote ref with ref to definitions",
        "refRemote.json: retrieved nested refs resolve relative to their URI not $id",
        "refRemote.json: root ref in remote ref",
    ),
}
"""What is refused, by file and schema: what leads out of the folder, dynamic references, some formats."""


def _groups(draft: str) -> dict[str, list[Case]]:
    """The suite's cases by the text of their schema."""
    groups: dict[str, list[Case]] = {}
    for case in suite(draft):
        groups.setdefault(json.dumps(case.schema), []).append(case)
    return groups


def _folder(folder: Path, draft: str, schema: Any) -> Path:
    (folder / "_shared").mkdir(parents=True)
    (folder / "test").mkdir()
    if isinstance(schema, dict):
        schema = {"$schema": URIS[draft]} | schema
        contract: Any = {"type": "object", "properties": {"value": {"$ref": "../_shared/case.json"}}}
    else:
        contract = {"$schema": URIS[draft], "type": "object", "properties": {"value": schema}}
    (folder / "_shared" / "case.json").write_text(json.dumps(schema if isinstance(schema, dict) else {}))
    (folder / "test" / "case.tried.json").write_text(json.dumps(contract))
    return folder


@pytest.mark.parametrize("draft", DRAFTS)
def test_verdicts_are_those_of_the_suite_and_of_the_bus(draft: str, tmp_path: Path) -> None:
    questions, cases, refused = [], [], set()
    for number, group in enumerate(_groups(draft).values()):
        name = f"case{number}"
        try:
            write(tmp_path / "out" / name, emit(collect(_folder(tmp_path / "in" / name, draft, group[0].schema))))
        except RefusedError:
            refused.add(_title(group[0]))
            continue
        for case in group:
            questions.append(Question(name, "test.case.tried", {"value": case.data}))
            cases.append(case)
    write(tmp_path / "out", {})
    answers = verdicts(tmp_path / "out", questions)
    for case, answer in zip(cases, answers, strict=True):
        assert answer == _bus(case), case.name
        # The suite takes a format as an annotation, the bus asserts it.
        assert answer == case.valid or case.name.startswith("format.json: "), case.name
    assert refused == set(REFUSED[draft])


def _title(case: Case) -> str:
    return ": ".join(case.name.split(": ")[:2])


def _bus(case: Case) -> bool:
    schema = case.schema if isinstance(case.schema, dict) else {"allOf": [case.schema]}
    return decider({"$schema": URIS[case.draft]} | schema).is_valid(case.data)
