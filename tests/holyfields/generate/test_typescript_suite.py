"""The official test suite through generated Zod schemas: the verdicts of the suite and of jsonschema-rs."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields.generate.collecting import collect
from godtui.holyfields.generate.refusals import RefusedError
from godtui.holyfields.generate.typescript import emit
from godtui.holyfields.generate.typescript.fragments import REFUSED_FORMATS
from tests.holyfields.generate.refused_groups import REFUSED
from tests.holyfields.generate.zod import Question, verdicts, write
from tests.holyfields.tools import DRAFTS, URIS, expected, group_of, groups

FORMATS = frozenset(f"{name} format" for name in REFUSED_FORMATS)
"""Groups that are refused for TypeScript alone."""


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
    questions, cases, refused = [], [], defaultdict(set)
    groups_of_all = [(file, group) for file, by_title in groups(draft).items() for group in by_title.values()]
    for number, (file, group) in enumerate(groups_of_all):
        name = f"case{number}"
        try:
            write(tmp_path / "out" / name, emit(collect(_folder(tmp_path / "in" / name, draft, group[0].schema))))
        except RefusedError:
            refused[f"{draft}/{file}"].add(group_of(group[0]))
            continue
        for case in group:
            questions.append(Question(name, "test.case.tried", {"value": case.data}))
            cases.append(case)
    write(tmp_path / "out", {})
    answers = verdicts(tmp_path / "out", questions)
    for case, answer in zip(cases, answers, strict=True):
        assert answer == expected(case), case.name
        # The suite takes a format as an annotation, the bus asserts it.
        assert answer == case.valid or case.name.startswith("format.json: "), case.name
    of_both = {file: titles for file, titles in REFUSED.items() if file.startswith(f"{draft}/")}
    assert refused == of_both | {f"{draft}/format.json": FORMATS}
