"""A data directory and the bus it belongs to, by every way into an engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from godtui.eventlog import Allegiance
from godtui.settings import BusIdentity
from tests.cli.conftest import Command
from tests.cli.test_program import Terminal
from tests.processes import Process, run

BROKER = "amqp://user:s3cret@broker.lan"
PUBLISH = ("publish", "test.event.created", "--payload", '{"message": "x"}')
WAYS = [("--headless", "--port", "0"), PUBLISH, ("events",)]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
def test_a_directory_of_the_embedded_bus_goes_to_no_broker(command: Command, home: Path, way: tuple[str, ...]) -> None:
    assert command(*PUBLISH).code == 0
    ended = command(*way, "--bus", BROKER)
    belongs = f"{home}/data belongs to the bus embedded:, not to the broker broker.lan:5672"
    assert ended.sentence == f"{belongs}; name another --data-dir"
    assert ended.code == 2
    assert command(*PUBLISH).code == 0


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way[0])
def test_a_directory_of_a_broker_goes_to_no_other_bus(
    command: Command, home: Path, way: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "data").mkdir()
    assert Allegiance(home / "data", BusIdentity.of(BROKER)).keep()
    ended = command(*way)
    assert "belongs to the broker broker.lan:5672, not to the bus embedded:; name another --data-dir" in ended.sentence
    assert ended.code == 2
    monkeypatch.setenv("GODTUI_BUS_URL", f"{BROKER}/elsewhere")
    ended = command(*way)
    assert "not to the broker broker.lan:5672 (virtual host elsewhere); name another --data-dir" in ended.sentence
    assert "s3cret" not in ended.stderr
    assert ended.code == 2
    assert [path.name for path in (home / "data").iterdir()] == ["bus.json"]


def test_the_console_neither(command: Command, home: Path) -> None:
    assert command(*PUBLISH).code == 0
    with Terminal(home, "--data-dir", str(home / "data"), "--bus", BROKER) as terminal:
        assert terminal.wait() == 2
        assert "belongs to the bus embedded:" in terminal.text
        assert "s3cret" not in terminal.text


@pytest.mark.parametrize("way", [PUBLISH, ("events",), ("events", "--follow")], ids=" ".join)
def test_a_command_goes_to_no_instance_on_another_bus(live: Process, live_home: Path, way: tuple[str, ...]) -> None:
    data = ("--data-dir", str(live_home / "data"))
    for ended in (run(live_home, *way, *data, "--bus", BROKER), run(live_home, *way, *data, GODTUI_BUS_URL=BROKER)):
        assert ended.returncode == 2
        assert "uses the bus embedded:, not amqp://user:***@broker.lan" in ended.stderr
        assert "--data-dir" in ended.stderr
        assert "s3cret" not in ended.stderr
        assert len(ended.stderr.splitlines()) == 1


def test_the_console_attaches_to_none_on_another_bus(live: Process, live_home: Path) -> None:
    data = ("--data-dir", str(live_home / "data"))
    for flag, value in (("--bus", BROKER), ("--workers", "persister")):
        with Terminal(live_home, *data, flag, value) as terminal:
            assert terminal.wait() == 2
            assert f"another {flag}" in terminal.text.replace("\r\n", " ")
    assert run(live_home, "events", *data, "--bus", "embedded:", "--workers", "dispatcher,persister").returncode == 0
