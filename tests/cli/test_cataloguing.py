"""`holyfields list` and `holyfields show`: the contracts as files, beside who speaks and hears by them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from godtui.cli.cataloguing import table
from godtui.cli.ending import run
from godtui.cli.holyfields import holyfields
from tests.cli.conftest import Command, Ended


@pytest.fixture
def ask(command: Command, home: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Runs `holyfields ARGUMENTS` in a home of its own."""

    def asked(*arguments: str) -> Ended:
        code = run(holyfields, "holyfields", list(arguments))
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Ended(code, said.out, said.err)

    return asked


@pytest.fixture
def estate(home: Path) -> Path:
    """A folder with two versions of one type and a type for dead letters, and a registry beside it."""
    folder = home / "schemas"
    (folder / "order").mkdir(parents=True)
    first = {"title": "Placed", "examples": [{"n": "x"}, {"n": 1}], "properties": {"n": {"type": "integer"}}}
    (folder / "order" / "placed.json").write_text(json.dumps(first))
    (folder / "order" / "placed.v2.json").write_text(json.dumps({"title": "\x1b[31mPlaced again"}))
    (folder / "post" / "x").mkdir(parents=True)
    (folder / "post" / "x" / "dlq.json").write_text(json.dumps({"x-event-types": ["#.dlq"]}))
    (home / "registry.yaml").write_text(
        "services:\n"
        "  shop: {produces: ['order.*']}\n"
        "  mail: {consumes: order.placed}\n"
        "  queue: {routing_keys: ['*.placed']}\n"
        "  quiet: {}\n"
        "event_subscriptions: {'order.#': [quiet, unlisted]}\n"
    )
    return folder


def test_every_type_is_listed_with_those_who_speak_and_hear(ask: Command, estate: Path) -> None:
    ended = ask("list")
    assert (ended.code, ended.stderr) == (0, "")
    placed, dead = json.loads(ended.stdout)["schemas"]
    assert placed == {
        "event_type": "order.placed",
        "versions": ["v1", "v2"],
        "title": "\x1b[31mPlaced again",
        "description": "",
        "serves": [],
        "file": "order/placed.v2.json",
        "producers": ["shop"],
        "consumers": ["mail", "queue", "quiet", "unlisted"],
        "example": {},
    }
    assert (dead["event_type"], dead["producers"], dead["consumers"]) == ("post.x.dlq", [], [])
    assert ask("list", "--json").stdout == ended.stdout


def test_files_may_be_named(ask: Command, estate: Path, home: Path) -> None:
    (home / "other.yaml").write_text("services: {}")
    estate.rename(home / "elsewhere")
    listed = json.loads(ask("list", "--schemas", "elsewhere", "--registry", "other.yaml").stdout)["schemas"]
    assert [(one["event_type"], one["producers"]) for one in listed] == [("order.placed", []), ("post.x.dlq", [])]


def test_one_contract_is_shown_with_an_example_it_allows(ask: Command, estate: Path) -> None:
    ended = ask("show", "order.placed", "--json")
    assert (ended.code, ended.stderr) == (0, "")
    shown = json.loads(ended.stdout)
    assert (shown["version"], shown["versions"], shown["example"]) == ("v1", ["v1", "v2"], {"n": 1})
    assert (shown["producers"], shown["schema"]["title"]) == (["shop"], "Placed")
    assert json.loads(ask("show", "order.placed", "--version", "v2").stdout)["file"] == "order/placed.v2.json"
    assert json.loads(ask("show", "order.dlq").stdout)["producers"] == ["shop"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("order.place",), "holyfields: the event type order.place has no schema; did you mean order.placed?\n"),
        (("\x1b[2J",), 'holyfields: "\\x1b[2J" has no schema; holyfields list shows the types there are\n'),
        (("order.placed", "--version", "v3"), "holyfields: order.placed has no version v3; registered: v1, v2\n"),
    ],
)
def test_what_is_not_there(ask: Command, estate: Path, arguments: tuple[str, ...], sentence: str) -> None:
    ended = ask("show", *arguments)
    assert (ended.code, ended.stdout, ended.stderr) == (1, "", sentence)


def test_files_that_cannot_be_used(ask: Command, estate: Path, home: Path) -> None:
    (home / "registry.yaml").write_text("services: [")
    ended = ask("list")
    assert (ended.code, ended.stdout) == (2, "")
    assert "registry.yaml:1: not YAML" in ended.stderr
    (home / "registry.yaml").write_text("{}")
    (estate / "order" / "placed.json").write_text("{")
    ended = ask("show", "order.placed")
    assert (ended.code, ended.stdout) == (2, "")
    assert "order/placed.json:1:2: not JSON" in ended.stderr
    assert ask("list", "--schemas", "nowhere").code == 2


def test_a_table_fits_and_is_harmless(ask: Command, estate: Path) -> None:
    lines = list(table(json.loads(ask("list").stdout)["schemas"], 100))
    assert lines[0].split() == ["type", "versions", "producers", "consumers", "title"]
    assert lines[1].split()[:3] == ["order.placed", "v1,", "v2"]
    assert lines[2].split() == ["post.x.dlq", "v1", "-", "-"]
    assert all(len(line) <= 100 and line.isprintable() for line in lines)
    assert all(len(line) <= 20 for line in table(json.loads(ask("list").stdout)["schemas"], 20))


def test_the_shipped_contracts_are_listed(ask: Command) -> None:
    listed = {one["event_type"]: one for one in json.loads(ask("list").stdout)["schemas"]}
    assert len(listed) > 25
    assert listed["holyfields.schema.updated"]["producers"] == ["holyfields"]
    assert {"bloodbank", "candystore", "candybar"} <= set(listed["holyfields.schema.updated"]["consumers"])
    assert all(one["example"] for one in listed.values())
