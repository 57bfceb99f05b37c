"""The probe board: for each keyword both generated languages say what the schema says, or it is refused with advice."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

import pytest
from pydantic import ValidationError

from godtui.holyfields.generate import typescript
from godtui.holyfields.generate.collecting import collect
from tests.holyfields.generate import zod
from tests.holyfields.generate.packages import imported
from tests.holyfields.probes import PROBES, Probe

BOARD: Final = Path(__file__).parents[3] / "docs" / "holyfields-probes.md"
TYPE: Final = "probe.value.given"


def written(folder: Path, probe: Probe) -> Path:
    """A schema folder with the probe alone."""
    (folder / "probe").mkdir(parents=True)
    (folder / "probe" / "value.given.json").write_text(json.dumps(probe.document()))
    return folder


@pytest.mark.parametrize("probe", PROBES, ids=[probe.name for probe in PROBES])
def test_models_are_right(probe: Probe, tmp_path: Path) -> None:
    package = imported(collect(written(tmp_path / "schemas", probe)), tmp_path / "out")
    model = package.EVENTS[TYPE]
    for value in probe.allowed:
        model.model_validate({"value": value})
    for value in probe.refused:
        with pytest.raises(ValidationError):
            model.model_validate({"value": value})


def test_zod_schemas_are_right(tmp_path: Path) -> None:
    out = zod.write(tmp_path / "out", {})
    questions, wanted = [], []
    for number, probe in enumerate(PROBES):
        files = typescript.emit(collect(written(tmp_path / "schemas" / str(number), probe)))
        zod.write(out / str(number), files)
        for is_allowed, values in ((True, probe.allowed), (False, probe.refused)):
            questions += [zod.Question(str(number), TYPE, {"value": value}) for value in values]
            wanted += [(probe.name, is_allowed)] * len(values)
    answers = zod.verdicts(out, questions)
    wrong = [
        (name, question.data)
        for (name, is_allowed), question, answer in zip(wanted, questions, answers, strict=True)
        if answer != is_allowed
    ]
    assert wrong == []


def test_the_board_names_every_probe() -> None:
    rows = [line.split("|")[1].strip() for line in BOARD.read_text().splitlines() if line.startswith("| ")]
    assert rows[2:-1] == [probe.name for probe in PROBES]
