"""Every edit has its verdict in every mode, every witness is one and cannot be smaller, and the document tells them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from godtui.holyfields import Contract, Registry
from godtui.holyfields.compatibility import Mode, Verdict, judge
from tests.holyfields.compatibility.edits import BREAKS, EDITS, NOTED, OK, UNKNOWN, WITNESSES, Edit

DOCUMENT = Path(__file__).parents[3] / "docs" / "holyfields-check.md"
BEGIN, END = "<!-- edits: begin -->", "<!-- edits: end -->"
Pair = Callable[[Edit], tuple[Contract, Contract]]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """The contracts before and after an edit."""

    def load(name: str, schema: Any) -> Contract:
        file = tmp_path / name / "a" / "b.json"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(schema))
        return Registry.load(tmp_path / name).contract("a.b")

    return lambda edit: (load("old", edit.old), load("new", edit.new))


def said(verdict: Verdict) -> str:
    """A verdict in the words of the table."""
    if verdict.compatible is None:
        return UNKNOWN
    return (NOTED if verdict.note else OK) if verdict.compatible else BREAKS


def smaller(value: Any) -> Iterator[Any]:
    """The value with one member less, or one name a character shorter, anywhere in it."""
    if isinstance(value, dict):
        yield from ({name: one for name, one in value.items() if name != gone} for gone in value)
        for long in value:
            shorter = {long[:index] + long[index + 1 :] for index in range(len(long))} - {"", *value}
            yield from ({name if other == long else other: one for other, one in value.items()} for name in shorter)
        for name, inner in value.items():
            yield from ({**value, name: one} for one in smaller(inner))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from ([*value[:index], one, *value[index + 1 :]] for one in smaller(inner))


def require_witness(verdict: Verdict, accepting: Contract, refusing: Contract) -> None:
    """The witness is one, no member of it can go, and the pointer leads into the schema of the one that refuses."""
    assert accepting.valid(verdict.witness)
    assert not refusing.valid(verdict.witness)
    assert not any(accepting.valid(one) and not refusing.valid(one) for one in smaller(verdict.witness))
    place: Any = refusing.schema
    for part in verdict.pointer.split("/")[1:]:
        place = place[int(part)] if isinstance(place, list) else place[part]


def test_there_are_enough_edits_of_different_names() -> None:
    assert len({edit.name for edit in EDITS}) == len(EDITS) >= 40


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_every_mode_has_its_verdict(edit: Edit, pair: Pair) -> None:
    old, new = pair(edit)
    verdicts = {mode: judge(old, new, mode) for mode in (Mode.BACKWARD, Mode.FORWARD, Mode.FULL)}
    assert [said(one) for one in verdicts.values()] == [edit.backward, edit.forward, edit.full]
    if edit.backward == BREAKS:
        require_witness(verdicts[Mode.BACKWARD], old, new)
    if edit.forward == BREAKS:
        require_witness(verdicts[Mode.FORWARD], new, old)
    assert judge(old, new, Mode.NONE).compatible is None


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.name)
def test_strict_breaks_what_is_noted(edit: Edit, pair: Pair) -> None:
    old, new = pair(edit)
    verdict = judge(old, new, Mode.BACKWARD, strict=True)
    assert said(verdict) == (BREAKS if edit.backward == NOTED else edit.backward)
    if verdict.compatible is False:
        require_witness(verdict, old, new)


@pytest.mark.parametrize(("name", "old", "new", "witness"), WITNESSES, ids=[name for name, *_ in WITNESSES])
def test_the_witness_is_the_smallest(name: str, old: Any, new: Any, witness: Any, pair: Pair) -> None:
    before, after = pair(Edit(name, old, new, BREAKS, OK))
    verdict = judge(before, after, Mode.BACKWARD)
    assert (verdict.compatible, verdict.witness) == (False, witness)
    assert before.valid(witness)
    assert not after.valid(witness)


def table() -> str:
    """The edits as a table in Markdown."""
    rows = ["| edit | backward | forward | full |", "| --- | --- | --- | --- |"]
    rows += [f"| {edit.name} | {edit.backward} | {edit.forward} | {edit.full} |" for edit in EDITS]
    return "\n".join(rows)


def test_the_document_has_the_table() -> None:
    text = DOCUMENT.read_text()
    written = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert written == table(), f"put this between the marks in {DOCUMENT.name}:\n\n{table()}"
