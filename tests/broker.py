"""A private RabbitMQ node: its own directory, its own free loopback ports, there to be stopped and killed."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

SERVER = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
CONTROL = SERVER.with_name("rabbitmqctl")
PATIENCE = 90.0
"""Real seconds after which a node that should have started is said not to."""
_GREETING = b"AMQP\x00\x00\x09\x01"


def require() -> None:
    """Skip where there is no server to start; in continuous integration that is a failure."""
    if SERVER.exists():
        return
    reason = f"{SERVER} is not installed (Debian and Ubuntu: apt-get install rabbitmq-server)"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Node:
    """One broker. Its data outlive `stop` and `kill`; `remove` ends it with everything it left behind."""

    def __init__(self, directory: Path, *, management: bool = False) -> None:
        self.directory = directory
        self.name = f"godtui-{uuid4().hex[:12]}@localhost"
        self.port, self._dist, self._epmd, self.management_port = _free_ports(4)
        self._management = management
        self._process: subprocess.Popen[bytes] | None = None
        self._prepare()

    @property
    def url(self) -> str:
        """Where it is reached, as its default user."""
        return self.url_of("/")

    def url_of(self, vhost: str, user: str = "guest", password: str = "guest") -> str:
        """Where one of its virtual hosts is reached."""
        path = "" if vhost == "/" else f"/{vhost}"
        return f"amqp://{user}:{password}@127.0.0.1:{self.port}{path}"

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def launch(self) -> None:
        """Begin to start, without waiting until it answers."""
        assert not self.running
        with (self.directory / "output").open("ab") as output:
            self._process = subprocess.Popen(
                [str(SERVER)],
                env=self._environment(),
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def start(self) -> None:
        """Start, and wait until it answers."""
        self.launch()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Wait until a connection is greeted."""
        deadline = time.monotonic() + PATIENCE
        while not self._greets():
            assert self.running, f"the broker ended: {(self.directory / 'output').read_text()[-2000:]}"
            assert time.monotonic() < deadline, "the broker does not start"
            time.sleep(0.1)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it hang: its connections stay, nothing answers."""
        os.kill(self._pid(), signal.SIGSTOP)

    def thaw(self) -> None:
        os.kill(self._pid(), signal.SIGCONT)

    def remove(self) -> None:
        """Kill it and its name service, and delete what it wrote."""
        if self.running:
            with suppress(ProcessLookupError, FileNotFoundError):
                self.thaw()
            self.kill()
        for pid in _processes_with(f"ERL_EPMD_PORT={self._epmd}", b"epmd"):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.directory, ignore_errors=True)

    def control(self, *arguments: str) -> str:
        """`rabbitmqctl ARGUMENTS`; about a second a call."""
        ended = subprocess.run(
            [str(CONTROL), "--quiet", "--node", self.name, *arguments],
            env=self._environment(),
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, (ended.stdout + ended.stderr).decode()
        return ended.stdout.decode()

    def add_vhost(self, name: str, *users: str) -> None:
        """A virtual host of its own for a test: it shares nothing with the others."""
        self.control("add_vhost", name)
        for user in users or ("guest",):
            self.control("set_permissions", "--vhost", name, user, ".*", ".*", ".*")

    def _end(self, number: int) -> None:
        assert self._process is not None
        pid = self._pid()
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        if number == signal.SIGKILL:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        deadline = time.monotonic() + PATIENCE
        while _alive(pid):
            assert time.monotonic() < deadline, "the broker does not end"
            time.sleep(0.02)

    def _pid(self) -> int:
        """The broker's own process; the one that was started is only a shell around it."""
        assert self._process is not None
        file = self.directory / "pid"
        with suppress(FileNotFoundError, ValueError):
            return int(file.read_text())
        return self._process.pid

    def _greets(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(_GREETING)
                connection.settimeout(2)
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "env.conf").write_text("")
        (self.directory / "plugins").write_text("[rabbitmq_management]." if self._management else "[].")
        lines = [
            "disk_free_limit.absolute = 50MB",
            "loopback_users.guest = true",
            "vm_memory_high_watermark.relative = 0.4",
        ]
        if self._management:
            lines += ["management.tcp.ip = 127.0.0.1", f"management.tcp.port = {self.management_port}"]
        (self.directory / "rabbitmq.conf").write_text("\n".join(lines) + "\n")

    def _environment(self) -> dict[str, str]:
        here = self.directory
        inet = "{127,0,0,1}"
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(here),
            "LANG": "C.UTF-8",
            "RABBITMQ_CONF_ENV_FILE": str(here / "env.conf"),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._dist),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_MNESIA_BASE": str(here / "data"),
            "RABBITMQ_LOG_BASE": str(here / "log"),
            "RABBITMQ_PID_FILE": str(here / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(here / "plugins"),
            "RABBITMQ_PLUGINS_EXPAND_DIR": str(here / "expanded"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(here / "generated"),
            "RABBITMQ_SCHEMA_DIR": str(here / "schema"),
            "RABBITMQ_CONFIG_FILE": str(here / "rabbitmq"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {inet}",
            "RABBITMQ_CTL_DIST_PORT_MIN": str(self._dist + 1),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(self._dist + 20),
            "ERL_CRASH_DUMP": "/dev/null",
        }


_shared: list[Node] = []


def shared() -> Node:
    """The one node of this test session that nobody stops; tests leave nothing behind there."""
    require()
    if not _shared:
        node = Node(Path(tempfile.mkdtemp(prefix="godtui-broker-")))
        _shared.append(node)
        node.start()
    return _shared[0]


def remove_shared() -> None:
    """End the session's node, if there was one."""
    while _shared:
        _shared.pop().remove()


def _free_ports(number: int) -> list[int]:
    """Ports that nobody listens on now."""
    sockets = [socket.socket() for _ in range(number)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text(errors="replace")


def _processes_with(variable: str, command: bytes) -> list[int]:
    """The processes of a command that were started with a variable in their environment."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with suppress(OSError):
            started = (entry / "environ").read_bytes().split(b"\0")
            if variable.encode() in started and command in (entry / "cmdline").read_bytes().split(b"\0")[0]:
                found.append(int(entry.name))
    return found
