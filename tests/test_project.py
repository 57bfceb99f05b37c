"""What the project's own files promise about each other."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from godtui import __version__
from godtui.settings import FLAGS, VARIABLES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def broker() -> dict[str, Any]:
    """The broker of the compose file."""
    compose = yaml.safe_load((ROOT / "compose.rabbitmq.yml").read_text(encoding="utf-8"))
    found: dict[str, Any] = compose["services"]["rabbitmq"]
    assert set(compose["volumes"]) == {found["volumes"][0].partition(":")[0]}
    return found


def test_the_broker_is_reachable_from_this_machine_alone(broker: dict[str, Any]) -> None:
    assert broker["ports"]
    assert all(port.startswith("127.0.0.1:") for port in broker["ports"])


def test_the_broker_keeps_its_data_and_tells_its_health(broker: dict[str, Any]) -> None:
    assert broker["volumes"][0].endswith(":/var/lib/rabbitmq")
    assert broker["hostname"], "without a fixed name every new container begins with an empty database"
    assert broker["healthcheck"]["test"][1] == "rabbitmq-diagnostics"
    assert broker["image"].endswith("-management")


@pytest.mark.parametrize("name", VARIABLES)
def test_the_readme_names_every_setting(name: str) -> None:
    assert f"`{VARIABLES[name]}`" in README
    if name in FLAGS:
        assert f"`{FLAGS[name]}`" in README


def test_the_readme_opens_with_a_picture_that_is_there_and_the_two_commands() -> None:
    picture = re.search(r"!\[[^\]]+\]\(([^)]+\.svg)\)", README)
    assert picture is not None
    assert (ROOT / picture[1]).read_text(encoding="utf-8").startswith("<svg")
    assert README.index("make run") < README.index("make test") < README.index("## ")


def test_the_changelog_begins_with_this_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+)", changelog, re.MULTILINE)
    assert newest is not None
    assert newest[1] == __version__
