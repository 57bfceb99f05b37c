"""Which command checks which component, and where."""

from __future__ import annotations

from pathlib import Path

import pytest

from godtui.dispatcher.check_plan import BUILT_IN, CheckPlan, Planned, Unplanned
from godtui.estate import Estate
from godtui.settings import CheckSetting, Settings

ROOT = Path("/components")
HOSTILE = ("../../etc", "$(x)", "`x`", "a;b", "", ".", "..", "/", "x\0y", "x" * 100_000, "\ud800", "blood bank", "*")


def estate(folder: Path, text: str) -> Estate:
    file = folder / "registry.yaml"
    file.write_text(text)
    return Estate.load(file)


@pytest.mark.parametrize("component", BUILT_IN)
def test_the_five_components_have_their_commands(tmp_path: Path, component: str) -> None:
    plan = CheckPlan.of(Settings(infra_components_root=ROOT), estate(tmp_path, "services: {}"))
    assert plan.lookup(component) == Planned(component, BUILT_IN[component], ROOT / component)


def test_json_goes_over_the_registry_and_that_over_the_five(tmp_path: Path) -> None:
    text = (
        "services:\n"
        "  Candystore: {check: {command: from registry, cwd: /registry}}\n"
        "  pjangler: {check: {command: from registry}}\n"
        "  other: {check: {command: from registry}}\n"
        "  unchecked: {name: Unchecked}\n"
    )
    settings = Settings(
        infra_components_root=ROOT, infra_component_checks_json='{"CANDYSTORE": {"command": "from json"}}'
    )
    plan = CheckPlan.of(settings, estate(tmp_path, text))
    assert plan.lookup("candystore") == Planned("candystore", "from json", ROOT / "candystore")
    assert plan.lookup("pjangler") == Planned("pjangler", "from registry", ROOT / "pjangler")
    assert plan.lookup("other") == Planned("other", "from registry", ROOT / "other")
    assert plan.lookup("holyfields") == Planned("holyfields", BUILT_IN["holyfields"], ROOT / "holyfields")
    assert isinstance(plan.lookup("unchecked"), Unplanned)


def test_a_label_selects_a_key_in_whatever_case_and_gives_no_folder() -> None:
    plan = CheckPlan({"BloodBank": CheckSetting(command="true")}, ROOT)
    found = plan.lookup(" bLOODbANK ")
    assert found == plan.lookup("bloodbank") == Planned("bloodbank", "true", ROOT / "bloodbank")


def test_without_a_folder_it_is_not_configured_and_says_what_to_set() -> None:
    plan = CheckPlan({"one": CheckSetting(command="true")}, None)
    found = plan.lookup("one")
    assert isinstance(found, Unplanned)
    assert found.outcome == "not_configured"
    assert "INFRA_COMPONENTS_ROOT" in found.why


@pytest.mark.parametrize("key", ["..", ".", "a/b", "../b", "/b"])
def test_a_key_that_is_no_folders_name_needs_a_cwd(key: str) -> None:
    found = CheckPlan({key: CheckSetting(command="true")}, ROOT).lookup(key)
    assert isinstance(found, Unplanned)
    assert found.outcome == "not_configured"
    assert "set the cwd" in found.why
    planned = CheckPlan({key: CheckSetting(command="true", cwd=Path("/there"))}, ROOT).lookup(key)
    assert planned == Planned(key, "true", Path("/there"))


@pytest.mark.parametrize("component", HOSTILE)
def test_a_component_that_nobody_configured_is_not_repeated(component: str) -> None:
    found = CheckPlan({"bloodbank": CheckSetting(command="true")}, ROOT).lookup(component)
    assert isinstance(found, Unplanned)
    assert found.outcome == "not_configured"
    assert len(found.why) < 200


def test_a_ticket_without_component_has_no_check() -> None:
    found = CheckPlan({}, ROOT).lookup(None)
    assert isinstance(found, Unplanned)
    assert found.outcome == "no_component"
