"""`holyfields new`: what it makes passes the lint and loads, and what is there stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from godtui.cli.scaffolding import suggested
from godtui.holyfields import Registry
from godtui.holyfields.lint import lint
from tests.cli.conftest import Command
from tests.cli.test_cataloguing import ask

__all__ = ["ask"]


@pytest.mark.parametrize(
    ("event_type", "path"),
    [
        ("order.placed", "order/placed.json"),
        ("agent.task.completed", "agent/task.completed.json"),
        ("big-shop.shopping_cart.x1.emptied", "big-shop/shopping_cart.x1.emptied.json"),
        ("class.import.renamed", "class/import.renamed.json"),
    ],
)
def test_a_new_type_passes_the_lint_and_loads(ask: Command, home: Path, event_type: str, path: str) -> None:
    assert ask("new", event_type) == (0, f"made: schemas/{path}\n", "")
    assert lint(home / "schemas") == []
    contract = Registry.load(home / "schemas").contract(event_type)
    assert contract.file == path
    assert contract.description
    assert len(contract.schema["properties"]) == 1
    assert contract.valid(contract.examples[0])
    assert not contract.valid({})


def test_nothing_is_overwritten(ask: Command, home: Path) -> None:
    assert ask("new", "order.placed", "--schemas", "mine").code == 0
    file = home / "mine" / "order" / "placed.json"
    for text in (file.read_text(), "half {"):
        file.write_text(text)
        for more in ((), ("--version", "v1")):
            ended = ask("new", "order.placed", "--schemas", "mine", *more)
            assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
            assert "is there already" in ended.stderr
            assert file.read_text() == text


def test_the_next_version_is_a_copy_of_the_newest(ask: Command, home: Path) -> None:
    folder = home / "schemas"
    (folder / "order" / "deep").mkdir(parents=True)
    (folder / "order" / "deep.placed.json").write_text("{}")
    newest = b'{"title":\r\n "\xc3\xbc"}'
    (folder / "order" / "deep" / "placed.v9.json").write_bytes(newest)
    assert ask("new", "order.deep.placed", "--version", "v10").stdout == "made: schemas/order/deep/placed.v10.json\n"
    assert (folder / "order" / "deep" / "placed.v10.json").read_bytes() == newest
    ended = ask("new", "order.deep.placed", "--version", "v9")
    sentence = "order.deep.placed v9 is there already, in order/deep/placed.v9.json; --version v11 makes the next"
    assert (ended.code, ended.stderr) == (1, f"holyfields: {sentence}\n")
    assert Registry.load(folder).versions("order.deep.placed") == ("v1", "v9", "v10")


def test_a_copy_has_no_id_of_another(ask: Command, home: Path) -> None:
    (home / "schemas" / "order").mkdir(parents=True)
    (home / "schemas" / "order" / "placed.json").write_text('{"$id": "https://example.org/x", "title": "X"}')
    assert ask("new", "order.placed", "--version", "v2").code == 0
    copied = json.loads((home / "schemas" / "order" / "placed.v2.json").read_text())
    assert copied == {"title": "X"}
    assert "id-clash" not in [one.code for one in lint(home / "schemas")]


def test_an_envelope_is_not_copied(ask: Command, home: Path) -> None:
    (home / "schemas").mkdir()
    envelope = {"properties": {"event_type": {"const": "order.placed"}, "payload": {"type": "object"}}}
    (home / "schemas" / "x.json").write_text(json.dumps(envelope))
    ended = ask("new", "order.placed", "--version", "v2")
    assert (ended.code, "x.json describes the whole envelope" in ended.stderr) == (1, True)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("WorktreeCreated", "did you mean worktree.created?"),
        ("order", "at least two lower-case words"),
        ("Order.Placed", "did you mean order.placed?"),
        ("../../etc/passwd", "did you mean etc.passwd?"),
        ("/etc.passwd", "did you mean etc.passwd?"),
        ("order.place", "say what happened: order.placed"),
        ("order.msg.placed", "write order.message.placed"),
        ("order.placed.v2", "give it with --version"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a." * 200 + "b", "at most 255 bytes"),
    ],
)
def test_a_name_is_refused_with_another(ask: Command, home: Path, name: str, part: str) -> None:
    ended = ask("new", name)
    assert (ended.code, ended.stdout, len(ended.stderr.splitlines())) == (1, "", 1)
    assert part in ended.stderr
    assert "\x1b" not in ended.stderr
    assert [path.name for path in home.iterdir() if path.name != "stdin"] == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("agentTaskCompleted", "agent.task.completed"),
        ("agent_task_completed", "agent.task.completed"),
        ("Agent.TaskCompleted", "agent.task.completed"),
        ("agent task/completed", "agent.task.completed"),
        ("big-shop.order_line.added ", "big-shop.order_line.added"),
        ("2fa.used", "fa.used"),
        ("übung", None),
        ("", None),
    ],
)
def test_suggestions(name: str, meant: str | None) -> None:
    assert suggested(name) == meant


def test_what_makes_no_sense_is_wrong_usage(ask: Command, home: Path) -> None:
    for version in ("2", "v0", "\x1b"):
        ended = ask("new", "order.placed", "--version", version)
        assert (ended.code, "is not a version such as v1" in ended.stderr) == (2, True)
    (home / "file").write_text("")
    assert ask("new", "order.placed", "--schemas", "file").code == 2


def test_nothing_is_written_outside(ask: Command, home: Path) -> None:
    (home / "outside").mkdir()
    (home / "schemas").mkdir()
    (home / "schemas" / "order").symlink_to(home / "outside")
    ended = ask("new", "order.placed")
    assert (ended.code, "leads out of schemas" in ended.stderr) == (1, True)
    assert list((home / "outside").iterdir()) == []


def test_a_folder_that_cannot_be_made(ask: Command, home: Path) -> None:
    (home / "schemas").mkdir()
    (home / "schemas" / "order").write_text("mine")
    ended = ask("new", "order.placed")
    assert (ended.code, ended.stderr) == (1, "holyfields: schemas/order cannot be made: File exists\n")
    assert (home / "schemas" / "order").read_text() == "mine"
