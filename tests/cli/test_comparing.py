"""`holyfields check`: against a folder, a revision of git, and what is stored."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from godtui.cli import comparing
from godtui.cli.ending import run
from godtui.cli.holyfields import holyfields
from godtui.holyfields.compatibility import Judged, Mode, Verdict, judge
from tests.cli.conftest import Command, Ended

Check = Callable[..., Ended]
MESSAGE: dict[str, Any] = {"type": "object", "properties": {"message": {"type": "string"}}, "required": ["message"]}


@pytest.fixture
def check(command: Command, capfd: pytest.CaptureFixture[str]) -> Check:
    """Runs `holyfields check ARGUMENTS` in the home of `command`."""

    def compare(*arguments: str) -> Ended:
        capfd.readouterr()
        code = run(holyfields, "holyfields", ["check", *arguments])
        said = capfd.readouterr()
        assert "Traceback" not in said.err
        return Ended(code, said.out, said.err)

    return compare


def write(folder: Path, schema: dict[str, Any], name: str = "test/event.created.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema))
    return folder


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["git", "-c", "user.name=n", "-c", "user.email=e@e.ee", "-c", "commit.gpgsign=false", *arguments],
        cwd=folder,
        check=True,
        capture_output=True,
    )


NARROWED = {**MESSAGE, "properties": {"message": {"type": "string", "minLength": 3}}}


def test_a_break_is_shown_and_fails(check: Check, home: Path) -> None:
    write(home / "old", MESSAGE)
    write(home / "schemas", NARROWED)
    ended = check("--against", "old", "--json")
    assert (ended.code, ended.stderr) == (1, "")
    assert json.loads(ended.stdout) == {
        "types": [
            {
                "event_type": "test.event.created",
                "version": "v1",
                "compatible": False,
                "witness": {"message": ""},
                "pointer": "/properties/message/minLength",
                "note": "the old contract accepts and the new one refuses",
            }
        ]
    }
    assert check("--against", "old", "--mode", "forward").code == 0
    assert check("--against", "schemas", "--schemas", "old").code == 0


def test_every_version_is_judged_by_transitive_modes_alone(check: Check, home: Path) -> None:
    for name in ("old", "schemas"):
        write(home / name, MESSAGE, "test/event.created.v2.json")
    write(home / "old", MESSAGE)
    write(home / "schemas", NARROWED)
    assert [one["compatible"] for one in json.loads(check("--against", "old").stdout)["types"]] == [False, True]
    newest = check("--against", "old", "--mode", "backward")
    assert [one["version"] for one in json.loads(newest.stdout)["types"]] == ["v2"]
    assert newest.code == 0


def test_what_was_removed_and_added_is_said(check: Check, home: Path) -> None:
    write(write(home / "old", MESSAGE), MESSAGE, "a/gone.json")
    write(write(home / "schemas", MESSAGE), MESSAGE, "a/new.json")
    ended = check("--against", "old")
    found = {one["event_type"]: one for one in json.loads(ended.stdout)["types"]}
    assert ended.code == 1
    assert found["a.gone"]["witness"] == {"message": ""}
    assert found["a.gone"]["note"].startswith("removed")
    assert (found["a.new"]["compatible"], found["a.new"]["note"]) == (True, "added")
    ended = check("--against", "old", "--mode", "none")
    assert ended.code == 0
    assert [(one["event_type"], one["compatible"], one["note"]) for one in json.loads(ended.stdout)["types"]] == [
        ("a.gone", None, "removed; nothing is asked of it"),
        ("a.new", None, "added; nothing is asked of it"),
        ("test.event.created", None, "unchanged; nothing is asked of it"),
    ]


def test_types_that_nothing_serves_any_more_break(check: Check, home: Path) -> None:
    write(write(home / "old", {**MESSAGE, "x-event-types": ["#.dlq", "#.log"]}), MESSAGE, "b/c.json")
    write(write(home / "schemas", MESSAGE), {**MESSAGE, "x-event-types": ["#.log"]}, "b/c.json")
    ended = check("--against", "old")
    kept, lost = json.loads(ended.stdout)["types"]
    assert ended.code == 1
    assert kept["compatible"] is True
    assert (lost["compatible"], lost["pointer"], lost["note"]) == (
        False,
        "/x-event-types",
        "no contract serves #.dlq any more",
    )
    assert check("--against", "old", "--mode", "forward").code == 0


def test_a_revision_is_taken_out_of_git(check: Check, home: Path) -> None:
    write(home / "deep" / "schemas", MESSAGE)
    git(home, "init", "-q")
    git(home, "add", "deep")
    git(home, "commit", "-qm", "before")
    git(home, "tag", "-a", "v1.0", "-m", "tagged")
    write(home / "deep" / "schemas", NARROWED)
    for revision in ("HEAD", "v1.0"):
        ended = check("--against", revision, "--schemas", "deep/schemas")
        assert ended.code == 1
        assert json.loads(ended.stdout)["types"][0]["witness"] == {"message": ""}
    write(home / "later", MESSAGE)
    ended = check("--against", "HEAD", "--schemas", "later")
    assert ended.code == 2
    assert "name " in ended.stderr


def test_a_faulty_schema_of_a_revision_is_told_by_the_folder_and_the_revision(check: Check, home: Path) -> None:
    write(home / "schemas", {"type": 7})
    git(home, "init", "-q")
    git(home, "add", "schemas")
    git(home, "commit", "-qm", "before")
    write(home / "schemas", MESSAGE)
    ended = check("--against", "HEAD")
    assert ended.code == 2
    assert "schemas as it was in HEAD: test/event.created.json" in ended.stderr


def test_a_long_witness_is_cut_in_a_line() -> None:
    verdict = Verdict(False, {"x": "a" * 5_000})
    [_, shown] = comparing.lines([Judged("a.b", "v1", verdict)])
    assert len(shown) < 2_100
    assert shown.endswith("(5,008 characters; --json has them all)")


@pytest.mark.parametrize("revision", ["--output=stolen", "-h", "nowhere", "HEAD:deep", "HEAD..", "", "a b", "@{-9}"])
def test_nothing_of_a_revision_is_an_option(check: Check, home: Path, revision: str) -> None:
    write(home / "schemas", MESSAGE)
    git(home, "init", "-q")
    git(home, "add", "schemas")
    git(home, "commit", "-qm", "before")
    ended = check(f"--against={revision}")
    assert ended.code == 2
    assert "neither a folder nor a revision" in ended.stderr
    assert not (home / "stolen").exists()


def test_without_a_repository_or_git_it_says_what_to_do(
    check: Check, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(home / "schemas", MESSAGE)
    ended = check("--against", "HEAD")
    assert (ended.code, ended.stdout) == (2, "")
    assert "lies in no git repository; compare --against a folder" in ended.stderr
    monkeypatch.setattr(shutil, "which", lambda name: None)
    ended = check("--against", "HEAD")
    assert ended.code == 2
    assert "git is not installed" in ended.stderr


def test_wrong_usage_is_one_sentence(check: Check, home: Path) -> None:
    write(home / "schemas", MESSAGE)
    for arguments in ((), ("--against", "schemas", "--data-dir", "x")):
        ended = check(*arguments)
        assert ended.code == 2
        assert len(ended.stderr.splitlines()) == 1


def test_stored_events_decide(check: Check, command: Command, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "PAGE_EVENTS", 10)
    texts = ["a" if number < 25 else "long" for number in range(60)]
    lines = "\n".join(json.dumps({"event_type": "test.event.created", "payload": {"message": one}}) for one in texts)
    assert command("publish", "--envelopes", "-", stdin=lines.encode()).code == 0
    write(home / "schemas", NARROWED)
    ended = check("--stored")
    answer = json.loads(ended.stdout)
    assert ended.code == 1
    assert answer["types"] == []
    stored = answer["stored"]
    assert (stored["events"], stored["rejected"], stored["irregular_before"]) == (60, 25, 0)
    assert len(stored["first"]) == 20
    assert stored["first"][0]["errors"] == [{"path": "/payload/message", "message": "'a' is too short"}]
    held = json.loads(command("events", "--limit", "60").stdout.splitlines()[0])
    assert stored["first"][0]["event_id"] == held["event_id"]
    write(home / "schemas", MESSAGE)
    assert check("--stored").code == 0


def test_a_named_directory_without_events_is_not_passed_over(check: Check, home: Path) -> None:
    write(home / "schemas", MESSAGE)
    ended = check("--stored", "--data-dir", "slip")
    assert ended.code == 3
    assert "slip holds no event log" in ended.stderr
    assert not (home / "slip").exists()


def test_what_is_not_asked_is_not_called_unknown() -> None:
    judged = [Judged("a.b", "v1", judge(None, None, Mode.NONE))]
    assert list(comparing.lines(judged, "not asked")) == ["not asked   a.b v1  added; nothing is asked of it"]


def test_lines_hold_the_witness_and_nothing_that_acts(home: Path) -> None:
    facts = comparing.Stored(12345, 17, 2, [])
    assert list(comparing.stored_lines(facts)) == [
        "of 12,345 stored events 17 would be rejected",
        "  2 of these had violations when they were stored",
        "  and 17 more",
    ]
    facts.first = [
        {"event_id": "i", "event_type": "a.b", "version": "v1", "errors": [{"path": "/payload", "message": "\x1b[2J"}]}
    ]
    assert "\x1b" not in "".join(comparing.stored_lines(facts))
