"""The systemd user service, without a systemd that runs: verified by its own tool, and its command run as it would."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from godtui.cli.failures import WRONG
from godtui.dispatcher import carrier, checks
from godtui.runtime import supervisor
from godtui.settings.layers import ENV_FILE
from tests.composing import composed
from tests.processes import PATIENCE, environment
from tests.test_compose import COMPOSE

ROOT = Path(__file__).parent.parent
UNIT = ROOT / "deploy" / "godtui.service"
TOKEN = "hook-token-of-this-test"


@pytest.fixture
def home() -> Iterator[Path]:
    """A home in which godtui is installed, its path short enough for a Unix socket in it."""
    with tempfile.TemporaryDirectory(prefix="g") as path:
        program = Path(path, ".local/bin/godtui")
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m godtui "$@"\n')
        program.chmod(0o755)
        yield Path(path)


def directives(section: str) -> list[tuple[str, str]]:
    """What a section says, in order."""
    found, within = [], ""
    for line in UNIT.read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            within = line.strip("[]")
        elif line and not line.startswith("#") and within == section:
            name, _, value = line.partition("=")
            found.append((name, value))
    return found


def of(name: str, home: Path = Path("/home/me")) -> str:
    """The one value of a directive of the service, its specifiers replaced."""
    (value,) = (value for one, value in directives("Service") if one == name)
    return value.replace("%h", str(home)).replace("%E", str(home / ".config"))


def start(home: Path) -> subprocess.Popen[str]:
    """The service's command, in its folder and with its environment alone."""
    folder = Path(of("WorkingDirectory", home))
    assert folder == home / ".config" / of("ConfigurationDirectory"), "systemd makes it"
    folder.mkdir(parents=True, exist_ok=True)
    name, _, value = of("Environment", home).partition("=")
    return subprocess.Popen(
        of("ExecStart", home).split(),
        cwd=folder,
        env={"HOME": str(home), name: value},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def configure(home: Path, *lines: str) -> None:
    file = home / ENV_FILE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join([f"OPENCLAW_HOOK_TOKEN={TOKEN}", "GODTUI_PORT=0", *lines]))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze is installed")
def test_systemd_has_nothing_to_say_against_it(home: Path) -> None:
    command = ["systemd-analyze", "--user", "--recursive-errors=yes", "verify", str(UNIT)]
    env = environment(home, XDG_RUNTIME_DIR=str(home))
    verified = subprocess.run(command, env=env, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert (verified.returncode, verified.stdout, verified.stderr) == (0, "", "")


def test_its_command_starts_with_the_env_file_and_ends_well(home: Path) -> None:
    configure(home)
    with start(home) as process:
        assert process.stderr is not None
        said = ""
        while '"started: ' not in said and (line := process.stderr.readline()):
            said += line
        arguments = Path(f"/proc/{process.pid}/cmdline")
        shown = arguments.read_bytes() + arguments.with_name("environ").read_bytes() if arguments.exists() else b""
        process.terminate()
        said += process.communicate(timeout=float(of("TimeoutStopSec")))[1]
    assert process.returncode == 0, said
    assert '"started: ' in said
    assert TOKEN not in said
    assert TOKEN.encode() not in shown
    assert (home / ENV_FILE).with_name("infra-dispatch-state.json").is_file()


def test_wrong_settings_are_not_tried_again(home: Path) -> None:
    configure(home, "INFRA_CHECK_POLICY=sometimes")
    with start(home) as process:
        _, said = process.communicate(timeout=PATIENCE)
    assert "INFRA_CHECK_POLICY" in said
    assert TOKEN not in said
    assert process.returncode == WRONG == int(of("RestartPreventExitStatus"))
    assert of("Restart") == "on-failure"


def test_it_may_take_as_long_to_drain_as_it_does() -> None:
    container = composed(COMPOSE, {})["services"]["infra-dispatcher"]
    assert container["stop_grace_period"] == f"{of('TimeoutStopSec')}s"
    longest = supervisor.STOP_SECONDS + carrier.LEAVE_SECONDS + checks.CLOSE_SECONDS
    assert float(of("TimeoutStopSec")) > longest
    assert of("KillMode") == "mixed", "a check that is ended with us has not failed"


def test_checks_find_programs_and_may_do_what_programs_do() -> None:
    path = of("Environment").removeprefix("PATH=").split(":")
    assert {"/usr/bin", "/bin", "/home/me/.local/bin"} <= set(path)
    assert all(Path(folder).is_absolute() for folder in path)
    names = {name for name, _ in directives("Service")}
    assert of("NoNewPrivileges") == "yes"
    assert not {name for name in names if name.startswith(("Protect", "Private", "ReadOnly", "Inaccessible", "Memory"))}
    assert "EnvironmentFile" not in names, "secrets would stand in the environment of every check's parent"
