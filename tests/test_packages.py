"""What `.ci/run` does to a machine, with stand-ins for the commands that would change this one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / ".ci" / "packages"
TOOLS = ("bash", "sh", "env", "tee", "chmod", "rm", "mkdir", "cat")

APT_GET = """\
echo "apt-get $*" >>{root}/said
if [ "$1" = install ]; then
  {policy} rabbitmq-server start; echo "asked to start: $?" >>{root}/said
  mkdir -p {root}/lib; echo >{server}; chmod 755 {server}
fi
"""


class Machine:
    """A machine of which only some commands are there."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.server, self.policy = root / "lib" / "rabbitmq-server", root / "policy-rc.d"
        (root / "bin").mkdir()
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (root / "bin" / tool).symlink_to(found)

    def has(self, name: str, text: str) -> None:
        """Give it a command."""
        command = self.root / "bin" / name
        command.write_text(f"#!/bin/sh\n{text}\n")
        command.chmod(0o755)

    def run(self) -> subprocess.CompletedProcess[str]:
        command = [str(SCRIPT), str(self.server), str(self.policy)]
        env = {"PATH": str(self.root / "bin")}
        return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)

    @property
    def said(self) -> list[str]:
        said = self.root / "said"
        return said.read_text().splitlines() if said.exists() else []


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    machine = Machine(tmp_path)
    machine.has("id", "echo 0")
    machine.has("apt-get", APT_GET.format(root=tmp_path, policy=machine.policy, server=machine.server))
    return machine


INSTALLED = [
    "apt-get update -qq",
    "apt-get install -y -qq --no-install-recommends rabbitmq-server",
    "asked to start: 101",
]


def test_what_is_missing_is_installed_once_and_not_started(machine: Machine) -> None:
    assert machine.run().returncode == 0
    assert machine.said == INSTALLED
    assert not machine.policy.exists(), "what it forbade is allowed again"
    ended = machine.run()
    assert (ended.returncode, ended.stdout, machine.said) == (0, "", INSTALLED)


def test_a_machine_s_own_policy_stays(machine: Machine) -> None:
    machine.has("../policy-rc.d", "exit 104")
    assert machine.run().returncode == 0
    assert machine.said[-1] == "asked to start: 104"
    assert machine.policy.exists()


def test_who_is_not_root_asks_for_it(machine: Machine) -> None:
    machine.has("id", "echo 1000")
    machine.has("sudo", f'echo sudo >>{machine.root}/said; exec "$@"')
    assert machine.run().returncode == 0
    assert [line for line in machine.said if line != "sudo"] == INSTALLED
    assert machine.said.index("sudo") < machine.said.index(INSTALLED[0])
    assert not machine.policy.exists()


@pytest.mark.parametrize(
    ("missing", "advice"), [("apt-get", "install RabbitMQ 3.10 or newer"), ("sudo", "as root, apt-get install")]
)
def test_what_it_cannot_do_it_says(machine: Machine, missing: str, advice: str) -> None:
    machine.has("id", "echo 1000")
    (machine.root / "bin" / missing).unlink(missing_ok=True)
    ended = machine.run()
    assert ended.returncode == 1
    assert advice in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
    assert machine.said == []


def test_an_installation_that_fails_leaves_no_policy_behind(machine: Machine) -> None:
    machine.has("apt-get", "exit 100")
    assert machine.run().returncode == 100
    assert not machine.policy.exists()


def test_every_test_counts_there(machine: Machine, tmp_path: Path) -> None:
    folder = tmp_path / ".ci"
    folder.mkdir()
    shutil.copy(SCRIPT.with_name("run"), folder)
    (folder / "packages").symlink_to(shutil.which("true") or "true")
    (machine.root / "bin" / "dirname").symlink_to(shutil.which("dirname") or "dirname")
    machine.has("make", f'echo "$CI $*" >>{machine.root}/said')
    env = {"PATH": str(machine.root / "bin")}
    assert subprocess.run([str(folder / "run")], env=env, check=False, timeout=60).returncode == 0
    assert machine.said == ["true lint", "true test"]
