"""The program as a whole: how it starts, beside whom, what it loads, how it ends."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from godtui import __version__
from godtui.cli.options import Given
from godtui.cli.reaching import named_token
from godtui.settings import FLAGS
from tests.cli.conftest import Command
from tests.processes import PATIENCE, Process, environment, headless, many, run

SKINS = ("textual", "fastapi", "starlette", "uvicorn")


def test_its_version_and_its_help(command: Command) -> None:
    assert command("--version") == (0, f"godtui {__version__}\n", "")
    for arguments in ((), ("publish",), ("events",), ("init",)):
        ended = command(*arguments, "--help")
        assert ended.code == 0
        assert ended.stdout.startswith("Usage: godtui")
        assert all(flag in ended.stdout for flag in FLAGS.values()) or arguments == ("init",)


@pytest.mark.parametrize("group", ["dispatcher", "dlq"])
def test_a_group_alone_shows_its_commands(command: Command, group: str) -> None:
    ended = command(group)
    assert ended.code == 2
    assert ended.stderr.startswith(f"Usage: godtui {group}")
    assert "\n\nCommands:\n" in ended.stderr


WRONG: list[tuple[int, str, tuple[str, ...]]] = [
    (2, "needs a terminal; on a server use godtui --headless", ()),
    (2, "needs a terminal", ("--attach", "http://127.0.0.1:1")),
    (2, "give one of them", ("--headless", "--attach", "http://127.0.0.1:1")),
    (2, "goes without a command", ("--headless", "events")),
    (2, "No such command 'pubish'", ("pubish",)),
    (2, "No such option", ("--headles",)),
    (2, "--schemas", ("--headless", "--schemas", "nowhere")),
    (2, "its port must be", ("--headless", "--bus", "amqp://user:s3cret@localhost:x")),
    (2, "the embedded bus is the store itself", ("--headless", "--workers", "none")),
    (2, "the embedded bus is the store itself", ("events", "--workers", "dispatcher")),
    (2, "GODTUI_API_TOKEN", ("--headless", "--host", "0.0.0.0")),
]


@pytest.mark.parametrize(("code", "part", "arguments"), WRONG, ids=[" ".join(row[2]) for row in WRONG])
def test_every_wrong_use_is_one_sentence(command: Command, code: int, part: str, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    assert part in ended.sentence
    assert "s3cret" not in ended.stderr
    assert ended.code == code


@pytest.mark.parametrize("buffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [("--version",), ("--help",), ("events", "--help"), ("events",), ("publish", "test.event.created", "--payload",
      '{"message": "x"}'), ("publish", "test.event.created", "-")],
    ids=" ".join,
)  # fmt: skip
def test_an_output_that_takes_nothing(home: Path, arguments: tuple[str, ...], buffered: str) -> None:
    data = ("--data-dir", str(home / "data"))
    given = (*arguments, *data) if arguments[0] in ("events", "publish") else arguments
    assert run(home, "publish", "test.event.created", "--payload", '{"message": "x"}', *data).returncode == 0
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "godtui", *given],
            stdin=subprocess.DEVNULL, stdout=full, stderr=subprocess.PIPE, text=True, timeout=PATIENCE, check=False,
            cwd=home, env=environment(home, PYTHONUNBUFFERED=buffered),
        )  # fmt: skip
    assert ended.stderr == "godtui: the output cannot be written: No space left on device\n"
    assert ended.returncode == 1


def test_json_is_utf_8_whatever_the_terminal_speaks(home: Path) -> None:
    data = ("--data-dir", str(home / "data"))
    payload = '{"message": "Ελλάδα 神"}'
    assert run(home, "publish", "test.event.created", "--payload", payload, *data).returncode == 0
    ended = run(home, "events", *data, PYTHONIOENCODING="latin-1")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert json.loads(ended.stdout)["payload"] == {"message": "Ελλάδα 神"}
    assert run(home, "events", "--format", "table", *data, PYTHONIOENCODING="latin-1").returncode == 0
    ended = run(home, "init", "神", PYTHONIOENCODING="latin-1")
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize(
    "arguments",
    [
        ("publish", "test.event.created", "--payload", "{}", "--source", "\udcff"),
        ("publish", "test.event.created", "--payload", "{}", "--correlation-id", "\udcff"),
        ("publish", "test.event.created", "--payload", '{"message": "\udcff"}'),
        ("publish", "test.\udcff", "--payload", "{}"),
        ("publish", "test.event.created", "--payload-file", "\udcff"),
        ("events", "\udcff"),
        ("events", "-type:\udcff"),
        ("events", "--attach", "http://\udcff"),
    ],
    ids=ascii,
)
def test_arguments_that_are_no_text(command: Command, arguments: tuple[str, ...]) -> None:
    ended = command(*arguments)
    assert ended.code in (1, 2)
    assert "should not" not in ended.sentence


@pytest.mark.parametrize("arguments", [("events",), ("publish", "a.b", "--payload", "{}"), ("--headless",), ("init",)])
def test_a_working_directory_that_is_gone(command: Command, home: Path, arguments: tuple[str, ...]) -> None:
    gone = home / "gone"
    gone.mkdir()
    os.chdir(gone)
    gone.rmdir()
    ended = command(*arguments)
    os.chdir(home)
    assert ended.code == 2
    assert "No such file or directory" in ended.sentence


def test_a_broken_schema_is_named_with_its_place(home: Path) -> None:
    (home / "schemas" / "a").mkdir(parents=True)
    (home / "schemas" / "a" / "b.json").write_text('{"type": "object",\n  "title": }')
    (home / "schemas" / "a" / "c.json").write_text('{"type": "objekt"}')
    for arguments in (("--headless", "--port", "0"), ("publish", "a.b", "--payload", "{}")):
        ended = run(home, *arguments, "--data-dir", str(home / "data"))
        assert ended.returncode == 2
        assert "a/b.json:2:12" in ended.stderr
        assert "a/c.json" in ended.stderr, "all faults at once"
        assert "Traceback" not in ended.stderr


def test_a_port_in_use(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run(home, "--headless", "--port", port, "--data-dir", str(home / "data"))
    assert ended.returncode == 2
    assert f"port {port}" in ended.stderr
    assert "--port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_beside_a_live_instance(live: Process, live_home: Path) -> None:
    ended = run(live_home, "--headless", "--data-dir", str(live_home / "data"))
    assert ended.returncode == 2
    assert live.url in ended.stderr
    assert str(live.pid) in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


class Terminal:
    """A pseudo-terminal in which a godtui runs."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.said = b""
        self.master, slave = pty.openpty()
        os.set_blocking(self.master, False)
        env = environment(home, TERM="xterm-256color", COLUMNS="120", LINES="40")
        command = [sys.executable, "-m", "godtui", *arguments]
        self.process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=home, start_new_session=True
        )
        os.close(slave)

    def until(self, text: str) -> None:
        """Read until the screen has shown a text."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.text:
            assert time.monotonic() < deadline, self.text[-3000:]
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    self.said += os.read(self.master, 65536)
                except OSError:
                    assert text in self.text, self.text[-3000:]
                    return

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?<>=]*[A-Za-z]", "", self.said.decode(errors="replace"))

    def wait(self) -> int:
        """Its exit code; its output is read on so that it can end."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline
            if select.select([self.master], [], [], 0.05)[0]:
                try:
                    self.said += os.read(self.master, 65536)
                except OSError:
                    time.sleep(0.01)
        return self.process.returncode

    def __enter__(self) -> Terminal:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(PATIENCE)
        os.close(self.master)


def test_the_console_attaches_to_a_live_instance_by_itself(live: Process, live_home: Path) -> None:
    with Terminal(live_home, "--data-dir", str(live_home / "data")) as terminal:
        terminal.until("attached")
        os.write(terminal.master, b"\x11")
        assert terminal.wait() == 0
        assert "Traceback" not in terminal.text


def test_the_console_does_not_attach_with_other_options(live: Process, live_home: Path) -> None:
    with Terminal(live_home, "--data-dir", str(live_home / "data"), "--port", "1234") as terminal:
        assert terminal.wait() == 2
        assert "another --port" in terminal.text.replace("\r\n", " ")


def test_the_console_does_not_start_on_a_broken_registry(home: Path) -> None:
    (home / "registry.yaml").write_text("services: {}\nbroken: [\n")
    with Terminal(home, "--data-dir", str(home / "data")) as terminal:
        assert terminal.wait() == 2
        assert "not YAML" in terminal.text.replace("\r\n", " ")


def test_a_console_that_cannot_reach_its_instance(home: Path) -> None:
    with Terminal(home, "--attach", "http://127.0.0.1:1") as terminal:
        assert terminal.wait() == 3
        assert "nothing answers at http://127.0.0.1:1" in terminal.text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(home: Path, number: int) -> None:
    with headless(home) as process:
        process.started()
        process.send(number)
        assert process.wait() == 0
        assert [line["message"] for line in process.logs][-2:] == ["stopping", "stopped"]
        assert all(line.startswith("{") for line in process.stderr), "JSON where nobody watches"
        assert process.stdout == []
    assert not (home / "data" / "owner.json").exists()


def test_no_secret_is_told(home: Path) -> None:
    with headless(home, GODTUI_API_TOKEN="s3cret-token") as process:
        process.started()
        assert httpx.get(f"{process.url}/events", trust_env=False).status_code == 401
        headers = {"Authorization": "Bearer s3cret-token"}
        assert httpx.get(f"{process.url}/events", headers=headers, trust_env=False).status_code == 200
        told = json.dumps(httpx.get(f"{process.url}/health", trust_env=False).json())
        with_wrong = run(home, "events", "--attach", process.url, GODTUI_API_TOKEN="wr0ng-token")
        assert with_wrong.returncode == 3
        assert "wr0ng" not in with_wrong.stderr
        beside = run(home, "events", "--data-dir", str(home / "data"))
        assert beside.returncode == 0, "the socket of one's own directory needs no token"
        note = (home / "data" / "owner.json").read_text()
        assert process.stop() == 0
        said = "".join([*process.stderr, told, note, beside.stderr])
    assert "s3cret" not in said


@pytest.mark.parametrize("place", [".config/openclaw/infra-dispatch.env", "godtui.toml"])
def test_a_token_in_a_file_is_for_this_machine(home: Path, place: str) -> None:
    (home / place).parent.mkdir(parents=True, exist_ok=True)
    name = "GODTUI_API_TOKEN" if place.endswith("env") else "api_token"
    (home / place).write_text(f'{name} = "s3cret-token"\n')
    with headless(home) as process:
        process.started()
        assert httpx.get(f"{process.url}/events", trust_env=False).status_code == 401
        assert run(home, "events", "--attach", process.url).returncode == 0
        assert run(home, "events", GODTUI_URL=process.url).returncode == 0
        assert run(home, "events", "--attach", process.url, GODTUI_API_TOKEN="wr0ng").returncode == 3
        (home / "data" / "godtui.sock").unlink()
        assert run(home, "events", "--data-dir", str(home / "data")).returncode == 0, "without the socket"
        assert process.stop() == 0


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("http://127.0.0.1:8000", "of-the-file"),
        ("https://LOCALHOST/", "of-the-file"),
        ("http://[::1]:8000", "of-the-file"),
        ("http://example.org", None),
        ("http://127.0.0.1.example.org", None),
        ("http://127.0.0.1@example.org", None),
        ("http://127.0.0.1\\@example.org", None),
        ("http://127.0.0.1:80@example.org", None),
        ("http://127.0.0.1#@example.org", None),
        ("localhost", None),
    ],
)
def test_the_token_for_a_url(command: Command, home: Path, url: str, token: str | None) -> None:
    (home / "godtui.toml").write_text('api_token = "of-the-file"\n')
    assert named_token(Given(), url) == token


def test_headless_loads_no_console(home: Path) -> None:
    code = (
        "import sys, os, signal, threading\n"
        "from godtui.runtime.engine import Engine\n"
        "start = Engine.start\n"
        "async def started(self):\n"
        "    await start(self)\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "Engine.start = started\n"
        "from godtui.cli.program import main\n"
        f"code = main(['--headless', '--port', '0', '--data-dir', {str(home / 'data')!r}])\n"
        "print(code, 'fastapi' in sys.modules, [name for name in sys.modules if name.startswith('textual')])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=home,
        env=environment(home),
    )
    assert ended.stdout == "0 True []\n", ended.stderr


@pytest.mark.parametrize("beside", [False, True])
def test_commands_load_no_skin(home: Path, live: Process, live_home: Path, beside: bool) -> None:
    data = live_home / "data" if beside else home / "data"
    publish = ["publish", "test.event.created", "--payload", '{"message": "x"}', "--data-dir", str(data)]
    events = ["events", "--limit", "1", "--data-dir", str(data)]
    code = (
        "import sys\n"
        "from godtui.cli.program import main\n"
        f"codes = [main({publish!r}), main({events!r})]\n"
        f"print(codes, [name for name in {SKINS} if name in sys.modules])\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
        cwd=home,
        env=environment(home),
    )
    assert ended.stdout.splitlines()[-1] == "[0, 0] []", ended.stderr


def test_commands_without_an_instance_take_turns(home: Path) -> None:
    arguments = ("publish", "test.event.created", "--payload", '{"message": "x"}', "--data-dir", str(home / "data"))
    with many([Process(home, *arguments) for _ in range(3)]) as processes:
        assert [process.wait() for process in processes] == [0, 0, 0]
    ended = run(home, "events", "--data-dir", str(home / "data"))
    assert len(ended.stdout.splitlines()) == 3


def test_a_fault_of_ours_is_one_sentence_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a fault\nof ours")

    monkeypatch.setattr("godtui.cli.asking.run_events", broken)
    ended = command("events")
    assert ended.code == 1
    assert "something went wrong that should not (ZeroDivisionError" in ended.stderr
    assert "Traceback" not in ended.stderr
