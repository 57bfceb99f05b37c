"""A data directory belongs to the bus it was first used with."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from godtui.eventlog import Allegiance, DataDirectoryError
from godtui.settings import BusIdentity
from tests.eventlog.test_disk import as_nobody


def use(directory: Path, url: str) -> bool:
    """Use a directory with a bus, as an engine does that has it for its own."""
    return Allegiance(directory, BusIdentity.of(url)).keep()


def refusal(directory: Path, url: str) -> str:
    with pytest.raises(DataDirectoryError) as caught:
        use(directory, url)
    return str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ("embedded:", "amqp://u:hunter2@h", "belongs to the bus embedded:, not to the broker h:5672"),
        ("amqp://u:hunter2@h", "embedded:", "belongs to the broker h:5672, not to the bus embedded:"),
        ("amqp://h/a", "amqp://h/b", "the broker h:5672 (virtual host a), not to the broker h:5672 (virtual host b)"),
        ("amqp://a", "amqp://b:1,amqp://c", "belongs to the broker a:5672, not to the broker b:1,c:5672"),
    ],
)
def test_another_bus_is_refused_and_both_are_named(tmp_path: Path, first: str, second: str, said: str) -> None:
    assert use(tmp_path, first)
    for _ in range(2):
        sentence = refusal(tmp_path, second)
        assert sentence.startswith(f"{tmp_path} ")
        assert said in sentence
        assert "; name another --data-dir" in sentence
        assert "hunter2" not in sentence
    assert use(tmp_path, first), "what was refused changes nothing"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("embedded:", "embedded:"),
        ("amqp://u:old@h", "amqp://v:new@h:5672/%2F"),
        ("amqp://a,amqp://b", "amqp://b,amqp://a"),
        ("amqp://a,amqp://b", "amqp://b,amqp://c"),
    ],
)
def test_the_same_bus_by_another_name(tmp_path: Path, first: str, second: str) -> None:
    assert use(tmp_path, first)
    assert use(tmp_path, second)
    assert use(tmp_path, first)


def test_every_node_it_was_reached_by_is_remembered(tmp_path: Path) -> None:
    for url in ("amqp://a,amqp://b", "amqp://b,amqps://c", "amqps://c"):
        assert use(tmp_path, url)
    assert use(tmp_path, "amqp://a")
    assert refusal(tmp_path, "amqp://d").endswith("if both are one broker, start once with the URLs of both in --bus")
    assert use(tmp_path, "amqp://d,amqp://a"), "the way out that the sentence names"
    assert use(tmp_path, "amqp://d")


def test_the_note_holds_no_password_and_is_its_users_alone(tmp_path: Path) -> None:
    assert use(tmp_path, "amqp://user:hunter2@h/v")
    note = tmp_path / "bus.json"
    assert json.loads(note.read_text()) == {"nodes": ["h:5672"], "vhost": "v"}
    assert note.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [note]


def test_a_note_that_stands_is_not_written_again(tmp_path: Path) -> None:
    assert use(tmp_path, "amqp://a,amqp://b")
    before = (tmp_path / "bus.json").stat().st_ino
    assert use(tmp_path, "amqp://b")
    assert (tmp_path / "bus.json").stat().st_ino == before


def test_a_log_without_a_note_is_of_the_embedded_bus(tmp_path: Path) -> None:
    (tmp_path / "events.sqlite").touch()
    assert "belongs to the bus embedded:" in refusal(tmp_path, "amqp://h")
    assert use(tmp_path, "embedded:")
    assert json.loads((tmp_path / "bus.json").read_text()) == {"nodes": [], "vhost": "/"}


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b"\xff", b"[]", b"{}", b"[" * 100_000, b'{"nodes": ["h"], "vhost": "/"}', b'{"nodes": [], "vhost": 1}',
     b'{"nodes": ["\\u001b[2J:1"], "vhost": "/"}'],
)  # fmt: skip
def test_a_garbled_note_is_never_guessed(tmp_path: Path, text: bytes) -> None:
    note = tmp_path / "bus.json"
    note.write_bytes(text)
    sentence = refusal(tmp_path, "amqp://u:hunter2@h")
    assert sentence == (
        f"{note}, which says what bus its directory belongs to, cannot be read (it is not as it was written); "
        "remove it if that is the broker h:5672, or name another --data-dir"
    )
    note.unlink()
    assert use(tmp_path, "amqp://u:hunter2@h")


def test_a_note_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "bus.json").mkdir()
    assert "cannot be read (Is a directory)" in refusal(tmp_path, "embedded:")


def test_a_full_disk_stops_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    allegiance = Allegiance(tmp_path, BusIdentity.of("amqp://h"))
    with monkeypatch.context() as full:

        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(os, "fsync", no_room)
        assert not allegiance.keep()
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "events.sqlite").touch()
    assert allegiance.keep(), "once there is room, whatever was begun since"
    assert use(tmp_path, "amqp://h")


def test_a_read_only_directory_stops_nobody() -> None:
    with as_nobody() as directory:
        assert use(directory, "amqp://a")
        directory.chmod(0o500)
        assert use(directory, "amqp://a")
        assert not use(directory, "amqp://a,amqp://b")
        assert "belongs to the broker a:5672" in refusal(directory, "embedded:")
