"""`godtui dlq`: on an instance that runs, over letters that are there already."""

from __future__ import annotations

import asyncio
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from godtui.bloodbank import tables
from godtui.bloodbank.deadletters import DeadLetter
from godtui.cli.letters import described, table
from godtui.eventlog import EventLog
from tests.bloodbank.letters import ENVELOPE, PLANE, Write, row
from tests.cli.conftest import Command, Ended
from tests.clock import MORNING
from tests.processes import Process, headless

BODY = json.dumps(ENVELOPE).encode()
HOSTILE = "a\x1b[31mred\nnew\x00line \u202e"


def letter(**more: Any) -> tuple[Any, ...]:
    return row(more.pop("body", BODY), **{"key": "test.event.created", "queue": PLANE, "message_id": "m", **more})


async def _write(folder: Path) -> None:
    folder.mkdir(parents=True)
    log = EventLog(folder, rooms=(tables.MIGRATIONS,))
    log.start()
    hostile = letter(body=HOSTILE.encode(), reason=HOSTILE, queue=HOSTILE, event_type=None, headers={HOSTILE: HOSTILE})
    again = letter(headers={"x-godtui-requeues": 2})
    plain = [letter(reason=f"reason {number}") for number in range(3, 13)]
    others = [letter(body=b"{", key="agent.task.failed"), letter(queue="gone"), letter(queue=HOSTILE), letter(queue="")]
    await log.submit(Write([hostile, again, *plain, *others]))
    await log.close()


@pytest.fixture(scope="module")
def buried() -> Iterator[Process]:
    """An instance with sixteen letters."""
    with tempfile.TemporaryDirectory(prefix="g") as home:
        asyncio.run(_write(Path(home) / "data"))
        with headless(Path(home)) as process:
            process.started()
            yield process
            assert process.stop() == 0


@pytest.fixture
def dlq(command: Command, buried: Process) -> Command:
    """Runs `godtui dlq ARGUMENTS` on that instance."""

    def run(*arguments: str, stdin: bytes = b"") -> Ended:
        return command("dlq", *arguments, "--attach", buried.url, stdin=stdin)

    return run


def listed(ended: Ended) -> list[int]:
    assert (ended.code, ended.stderr) == (0, "")
    return [json.loads(line)["id"] for line in ended.stdout.splitlines()]


def test_lists_are_json_lines_in_a_pipe_and_newest_first(dlq: Command) -> None:
    found = listed(dlq("list", "--limit", "3"))
    assert found == sorted(found, reverse=True)
    assert len(found) == 3
    assert listed(dlq("list", "type:agent.#")) == listed(dlq("list", "--json", "is:invalid", "failed")) == [13]
    assert listed(dlq("list", "-source:contract")) == [13, 1]
    assert listed(dlq("list", "--queue", "gone")) == [14]
    assert listed(dlq("list", "--queue", "")) == [16]
    assert listed(dlq("list", "--reason", "reason 4", "source:contract")) == [4]


def test_a_table_cannot_be_broken_by_what_it_shows(dlq: Command) -> None:
    ended = dlq("list", "--format", "table", "--limit", "1000")
    lines = ended.stdout.splitlines()
    assert re.match(r"id +died +queue +reason +attempts +requeues +type", lines[0])
    assert len(lines) == 1 + len(listed(dlq("list")))
    assert not any(sign in ended.stdout for sign in "\x1b\x00\u202e\u2028")
    assert "2026-02-12 14:02:11" in lines[-1]
    assert dlq("list", "--format", "table", "type:nothing.here").stdout == "no such dead letters\n"


def test_an_error_cannot_act_on_a_terminal_by_what_it_tells(dlq: Command) -> None:
    sentence = dlq("requeue", "15").sentence
    assert "no queue named a" in sentence
    assert not any(sign in sentence for sign in "\x1b\n\x00\u202e")


def test_a_letter_is_shown(dlq: Command) -> None:
    shown = json.loads(dlq("show", "1").stdout)
    assert (shown["body"], shown["body_encoding"], shown["headers"]) == (HOSTILE, "text", {HOSTILE: HOSTILE})
    assert "no dead letter 999" in dlq("show", "999").sentence
    assert dlq("show", "999").code == 1


def test_requeue_says_what_became_of_each(dlq: Command) -> None:
    ended = dlq("requeue", "2", "3", "14", "13", "3")
    assert ended.code == 1
    assert [json.loads(line)["id"] for line in ended.stdout.splitlines()] == [2, 3]
    assert json.loads(ended.stdout.splitlines()[0])["requeues"] == 3
    warning, gone, unsound, last = ended.stderr.splitlines()
    assert "letter 2: put back for the 3. time" in warning
    assert "no queue named gone" in gone
    assert "not an event" in unsound
    assert last == "godtui: 2 of 4 letters: nothing was done with them"
    assert "no dead letter 3" in dlq("requeue", "3").sentence


def test_a_correction_comes_from_a_file_or_standard_input(dlq: Command, home: Path) -> None:
    corrected = home / "corrected.json"
    corrected.write_bytes(BODY)
    assert dlq("requeue", "4", "--body-file", str(corrected)).code == 0
    ended = dlq("requeue", "5", "--body-file", "-", stdin=BODY.replace(b'"right"', b"7"))
    assert (ended.code, "/payload/message" in ended.sentence) == (1, True)
    assert dlq("requeue", "5", "--body-file", "-", stdin=BODY).code == 0


def test_discard_wants_a_yes(dlq: Command) -> None:
    refusal = dlq("discard", "6", "7")
    assert (refusal.code, "--yes" in refusal.sentence) == (2, True)
    ended = dlq("discard", "6", "7", "--yes")
    assert (ended.code, ended.stdout) == (0, "discarded 6\ndiscarded 7\n")
    again = dlq("discard", "6", "8", "--yes")
    assert (again.code, again.stdout) == (1, "discarded 8\n")


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (2, "character 1", ("list", "type:")),
    (2, "--limit", ("list", "--limit", "0")),
    (2, "--reason is empty", ("list", "--reason", "")),
    (2, "ID", ("show",)),
    (2, "x", ("show", "x")),
    (2, "0", ("show", "0")),
    (2, "ID", ("requeue",)),
    (2, "one letter", ("requeue", "9", "10", "--body-file", "x")),
    (2, "cannot be read", ("requeue", "9", "--body-file", "/nowhere")),
    (1, "not JSON", ("requeue", "9", "--body-file", "-")),
    (2, "No such command", ("redrive",)),
]


@pytest.mark.parametrize(("code", "said", "arguments"), WRONG)
def test_wrong_usage(dlq: Command, code: int, said: str, arguments: tuple[str, ...]) -> None:
    ended = dlq(*arguments)
    assert (ended.code, said in ended.sentence) == (code, True), ended


def test_an_instance_is_needed(command: Command) -> None:
    for arguments in (("list",), ("show", "1"), ("requeue", "1"), ("discard", "1", "--yes")):
        ended = command("dlq", *arguments)
        assert (ended.code, "start godtui --headless" in ended.sentence) == (3, True)
        assert command("dlq", *arguments, "--attach", "http://127.0.0.1:1").code == 3


def made(**fields: Any) -> DeadLetter:
    plain = DeadLetter(1, "q", "expired", "a.b", "m", "a.b", 1, 0, MORNING, MORNING, {}, (), b'{"a":1}', 7, True)
    return plain._replace(**fields)


def test_columns_are_as_wide_as_they_need_to_be() -> None:
    lines = list(table([made(id=12345, queue="x" * 90), made(event_type=None, reason="日本")], 100))
    assert lines[0] == "id     died                 queue" + " " * 34 + "reason   attempts  requeues  type"
    assert lines[1] == "12345  2026-02-12 14:02:11  " + "x" * 36 + "…  expired  1         0         a.b"
    assert lines[2].endswith("日本     1         0         -")
    assert list(table([made()], 20))[1].startswith("1   2026-02-12")


def test_a_letter_is_described_for_a_reader() -> None:
    lines = list(described(made(headers={"a": 1}, deaths=[{"queue": "z"}])))
    assert lines[0] == "letter       1"
    assert lines[-4:] == ["body (7 bytes, json):", "{", '  "a": 1', "}"]
    assert "headers:" in lines
    assert "deaths:" in lines
    assert list(described(made(body=b"\xff", body_bytes=1)))[-2:] == ["body (1 bytes, base64):", "/w=="]
