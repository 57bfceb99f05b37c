"""What the project's own files promise about each other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from godtui import __version__
from godtui.settings import FLAGS, VARIABLES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


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
