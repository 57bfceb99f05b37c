"""Examples that had to be found are not looked for again because another file has changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from godtui.estate import Estate
from godtui.holyfields import Contracts
from godtui.holyfields import catalogue as catalogues
from godtui.holyfields.contract import Contract
from godtui.holyfields.reloading import Reloader
from godtui.jsontext import Json
from godtui.operations.engine import EngineContracts


async def test_a_changed_file_costs_its_own_example_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find, sought = catalogues._found, list[str]()

    def recording(contract: Contract) -> Json | None:
        sought.append(contract.event_type)
        return find(contract)

    def write(path: str, least: int) -> None:
        schema = {"properties": {"n": {"minimum": least, "type": "integer"}}, "required": ["n"], "type": "object"}
        (tmp_path / path).write_text(json.dumps(schema))

    monkeypatch.setattr(catalogues, "_found", recording)
    (tmp_path / "a").mkdir()
    write("a/kept.json", 3)
    write("a/changed.json", 5)
    reloader, estates = Reloader(tmp_path), [Estate(), Estate()]
    contracts = Contracts(reloader.load())
    asked = EngineContracts(contracts, lambda: estates[0])
    assert {one["event_type"]: one["example"]["n"] for one in await asked.contracts()} == {"a.kept": 3, "a.changed": 5}
    assert sorted(sought) == ["a.changed", "a.kept"]
    estates.pop(0)
    await asked.contracts()
    assert len(sought) == 2, "another estate changes no contract"
    write("a/changed.json", 7_000)
    contracts.swap(reloader.load())
    assert {one["event_type"]: one["example"]["n"] for one in await asked.contracts()} == {
        "a.kept": 3,
        "a.changed": 7_000,
    }
    write("a/added.json", 1)
    contracts.swap(reloader.load())
    await asked.contracts()
    assert sought[2:] == ["a.changed", "a.added"]
