"""A check's command is run as told, and nothing of it is left: real shells, real processes."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from godtui.clock import SystemClock
from godtui.dispatcher import check_group, check_process
from godtui.dispatcher.check_output import TAIL_CHARACTERS, WATCHED_BYTES
from godtui.dispatcher.check_plan import Planned
from godtui.dispatcher.check_process import check_environment
from godtui.dispatcher.checks import CheckRules, Checks, ChecksClosedError
from godtui.dispatcher.views import Check
from godtui.settings import VARIABLES
from tests.clock import ManualClock
from tests.dispatcher.checking import Told, checks_of, is_alive, pids, until
from tests.processes import environment

LINUX = pytest.mark.skipif(not check_group._TELLS, reason="the system does not tell of its processes")
STUBBORN = "trap '' TERM; echo $$ >> pids; while :; do sleep 0.1; done"
"""A program that nothing but KILL ends, and whose children end with it soon."""

FAMILY = (
    f"(sh -c \"{STUBBORN.replace('$', chr(92) + '$')}\" &) ; sh -c '{STUBBORN.replace(chr(39), chr(34))}' & {STUBBORN}"
)
"""Three of them: one whose parent is gone at once, a child, and the command itself."""


async def run(command: str, folder: Path, **options: object) -> Check:
    """How a command went, once everything of it is gone."""
    checks = checks_of({"one": command}, folder, SystemClock(), **options)  # type: ignore[arg-type]
    try:
        return await checks.result("one", ticket="INFRA-1")
    finally:
        await checks.close()


@pytest.mark.parametrize(
    ("command", "outcome", "code", "words"),
    [
        ("true", "passed", 0, "ended well"),
        ("exit 3", "failed", 3, "ended with 3"),
        ("no-such-program", "unrunnable", 127, "was not found"),
        ("./text", "unrunnable", 126, "may not be executed"),
        ("kill -KILL $$", "failed", -9, "SIGKILL"),
        ("kill -SEGV $$; sleep 60", "failed", -11, "SIGSEGV"),
        ("sh -c 'kill -KILL $$'; exit $?", "failed", 137, "SIGKILL ended a program"),
        ("exit 200", "failed", 200, "ended with 200"),
        ("if", "failed", 2, "ended with 2"),
    ],
)
async def test_how_a_command_ends_is_told(tmp_path: Path, command: str, outcome: str, code: int, words: str) -> None:
    (tmp_path / "text").write_text("no program")
    told = Told()
    check = await run(command, tmp_path, completed=told)
    assert (check.outcome, check.exit_code, check.command, check.cwd) == (outcome, code, command, str(tmp_path))
    assert words in check.why
    assert check.duration_s is not None
    assert check.finished_at is not None
    assert told.checks == [(check, "one")]


async def test_a_folder_that_cannot_be_used_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for name, words in (("missing", "does not exist; create it"), ("file", "is no folder"), ("x" * 300, "cannot be")):
        told = Told()
        check = await run("true", tmp_path / name, completed=told)
        assert (check.outcome, check.exit_code) == ("unrunnable", None)
        assert words in check.why
        assert name in check.why
        assert told.checks == [(check, "one")]


def test_a_folder_that_may_not_be_entered_is_told() -> None:
    planned = Planned("one", "true", Path("/closed"))
    why = check_process._why_not_started(planned, PermissionError(errno.EACCES, "Permission denied", "/closed"))
    assert "the folder /closed may not be entered" in why


async def test_a_shell_that_cannot_be_started_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_process, "SHELL", "/bin/no-such-shell")
    check = await run("true", tmp_path)
    assert check.outcome == "unrunnable"
    assert check.why == "/bin/no-such-shell could not be started: No such file or directory"


@pytest.mark.parametrize("command", ["true \0", "\ud800", "true " + "x" * 3_000_000])
async def test_a_command_that_no_system_takes_is_unrunnable(tmp_path: Path, command: str) -> None:
    check = await run(command, tmp_path)
    assert check.outcome == "unrunnable"
    assert len(check.why) < 200


async def test_it_runs_in_its_folder_with_both_outputs_and_no_input(tmp_path: Path) -> None:
    check = await run("pwd -P; echo oops >&2; cat; echo end", tmp_path)
    assert check.output_tail == f"{tmp_path.resolve()}\noops\nend\n"
    assert check.outcome == "passed"


async def test_it_does_not_read_our_input(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"not for checks")
    os.close(writing)
    ours = os.dup(0)
    os.dup2(reading, 0)
    try:
        check = await run("cat", tmp_path)
    finally:
        os.dup2(ours, 0)
        os.close(ours)
        os.close(reading)
    assert (check.outcome, check.output_tail) == ("passed", "")


async def test_what_is_in_the_pipe_when_it_ends_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asyncio.get_running_loop(), "add_reader", lambda *_: None)
    assert (await run("echo said at last", tmp_path)).output_tail == "said at last\n"


async def test_an_output_that_is_closed_is_not_read_over_and_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[int] = []
    read = os.read
    monkeypatch.setattr(check_process.os, "read", lambda number, size: reads.append(number) or read(number, size))
    check = await run("echo once; exec >&- 2>&-; sleep 0.3", tmp_path)
    assert check.output_tail == "once\n"
    assert len(reads) < 20


async def test_it_leads_a_group_and_a_session_of_its_own(tmp_path: Path) -> None:
    check = await run(f"{sys.executable} -c 'import os; print(os.getsid(0), os.getpgrp(), os.getppid())'; :", tmp_path)
    session, group, shell = map(int, check.output_tail.split())
    assert session == group == shell != os.getsid(0)


async def test_the_environment_is_ours_without_settings_and_secrets(tmp_path: Path) -> None:
    given = {
        **dict.fromkeys(VARIABLES.values(), "known"),
        "GODTUI_FUTURE": "1",
        "INFRA_CHECKS_OF_TOMORROW": "1",
        "OPENCLAW_ANYTHING": "1",
        "PLANE_WEBHOOK_ANYTHING": "1",
        "SNEAKY": "amqp://user:pass-of-ours@host",
        "PLAIN": "kept",
        "HOME": "/home/pass-of-ours",
    }  # fmt: skip
    check = await run("env", tmp_path, environment=given, secrets=("pass-of-ours", ""))
    names = {line.partition("=")[0] for line in check.output_tail.splitlines()}
    assert {"PLAIN", "PATH", "HOME"} <= names
    assert not [name for name in names if name.startswith(("GODTUI_", "INFRA_", "OPENCLAW_", "PLANE_WEBHOOK"))]
    assert "SNEAKY" not in names
    assert "known" not in check.output_tail
    assert "HOME=/home/***" in check.output_tail


def test_without_secrets_only_the_settings_go() -> None:
    assert check_environment({"A": "", "INFRA_RUN_CHECKS": "1"}, []) == {"A": ""}


async def test_secrets_that_are_printed_in_parts_are_masked_everywhere(tmp_path: Path) -> None:
    secret = "sesame-open-yourself"
    command = f"printf sesame-op; sleep 0.2; printf en-your; sleep 0.2; echo self; echo {secret}"
    checks = checks_of({"one": command}, tmp_path, SystemClock(), secrets=(secret,))
    check = await checks.result("one", ticket="INFRA-1")
    await checks.close()
    assert check.output_tail == "***\n***\n"
    assert check.command is not None
    assert check.command.endswith("echo self; echo ***")


async def test_two_hundred_megabytes_are_read_and_hardly_kept(tmp_path: Path) -> None:
    checks = checks_of({"one": "yes 'a line of many' | head -c 200000000; echo end"}, tmp_path, SystemClock())
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(checks.running)
    output = checks._running["one"].output
    watching = checks.watch("one")
    await anext(watching)
    (watcher,) = output._watchers
    most = 0
    while not waiting.done():
        most = max(most, len(output._kept) + len(watcher._kept))
        await asyncio.wait((waiting,), timeout=0.01)
    check = await waiting
    await watching.aclose()
    await checks.close()
    assert check.outcome == "passed"
    assert output._total == 200_000_004
    assert most <= WATCHED_BYTES + 4 * 4 * TAIL_CHARACTERS
    assert len(check.output_tail) <= TAIL_CHARACTERS
    assert check.output_tail.endswith("end\n")


async def test_after_the_timeout_the_whole_family_dies(tmp_path: Path) -> None:
    clock, told = ManualClock(), Told()
    checks = checks_of({"one": FAMILY}, tmp_path, clock, rules=CheckRules(timeout=60), completed=told)
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: pids(tmp_path, 3))
    family = pids(tmp_path, 3)
    assert all(map(is_alive, family))
    await clock.sleepers(1)
    clock.advance(59.5)
    assert not waiting.done()
    clock.advance(0.5)
    await clock.sleepers(1)
    assert all(map(is_alive, family)), "TERM alone does not end them"
    clock.advance(check_group.GRACE_SECONDS)
    check = await waiting
    assert not any(map(is_alive, family))
    assert (check.outcome, check.exit_code, check.duration_s) == ("timeout", -9, 60.0)
    assert "after 60 s" in check.why
    assert told.checks == [(check, "one")]
    await checks.close()


async def test_those_who_heed_term_may_clean_up(tmp_path: Path) -> None:
    clock = ManualClock()
    command = "trap 'echo cleaned up; exit 7' TERM; echo $$ >> pids; while :; do sleep 0.05; done"
    checks = checks_of({"one": command}, tmp_path, clock, rules=CheckRules(timeout=60))
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: pids(tmp_path, 1))
    await clock.sleepers(1)
    clock.advance(60)
    check = await waiting
    await checks.close()
    assert (check.outcome, check.exit_code) == ("timeout", 7)
    assert check.output_tail.endswith("cleaned up\n")


async def test_what_a_command_leaves_behind_is_ended(tmp_path: Path) -> None:
    """Also although it holds the output open."""
    check = await run("sleep 600 & echo $! >> pids; echo started", tmp_path)
    (child,) = pids(tmp_path, 1)
    assert (check.outcome, check.output_tail) == ("passed", "started\n")
    assert not is_alive(child)


async def test_what_is_left_behind_and_ignores_term_is_killed(tmp_path: Path) -> None:
    clock = ManualClock()
    checks = checks_of({"one": f"({STUBBORN}) & until [ -s pids ]; do sleep 0.02; done"}, tmp_path, clock)
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: checks.running() and "one" in checks._running and clock.sleeping == 2)
    clock.advance(check_group.GRACE_SECONDS)
    check = await waiting
    await checks.close()
    assert (check.outcome, check.duration_s) == ("passed", 0.0)
    await until(lambda: not subprocess_left(tmp_path))


def subprocess_left(folder: Path) -> list[int]:
    """The processes that work in a folder."""
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and is_alive(int(process.name)):
            try:
                if (process / "cwd").readlink() == folder.resolve():
                    found.append(int(process.name))
            except OSError:
                continue
    return found


@LINUX
@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")
async def test_who_leaves_the_group_and_the_session_is_found_all_the_same(tmp_path: Path) -> None:
    daemon = (
        "import os, time, signal\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "os.write(os.open('pids', os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), b'%d\\n' % os.getpid())\n"
        "time.sleep(600)\n"
    )
    (tmp_path / "daemon.py").write_text(daemon)
    clock = ManualClock()
    waits = "until [ $(wc -l < pids) = 2 ]; do sleep 0.02; done"
    command = f"setsid sleep 600 & echo $! >> pids; {sys.executable} daemon.py; {waits}"
    checks = checks_of({"one": command}, tmp_path, clock)
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: clock.sleeping == 2)
    found = pids(tmp_path, 2)
    await until(lambda: not is_alive(found[0]))
    assert is_alive(found[1])
    clock.advance(check_group.GRACE_SECONDS)
    assert (await waiting).outcome == "passed"
    assert not any(map(is_alive, found))
    await checks.close()


ORPHANAGE = """
import asyncio, ctypes, os, sys
from pathlib import Path
from godtui.clock import SystemClock
from tests.dispatcher.checking import checks_of

PR_SET_CHILD_SUBREAPER = 36
assert ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0

async def main():
    checks = checks_of({"one": "sleep 600 & setsid sleep 600 & sleep 0.2"}, Path.cwd(), SystemClock())
    print((await checks.result("one", ticket="INFRA-1")).outcome)
    await checks.close()

asyncio.run(main())
try:
    print(os.waitpid(-1, os.WNOHANG))
except ChildProcessError:
    print("no children")
"""


@LINUX
@pytest.mark.skipif(shutil.which("setsid") is None, reason="needs setsid")
def test_orphans_that_become_our_children_are_reaped(tmp_path: Path) -> None:
    """As where godtui is the first process of a container."""
    ended = subprocess.run(
        [sys.executable, "-c", ORPHANAGE], cwd=tmp_path, env=environment(tmp_path), capture_output=True, timeout=60
    )
    assert ended.stdout.decode().splitlines() == ["passed", "no children"], ended.stderr.decode()


@LINUX
async def test_the_dead_that_nobody_reaped_are_not_waited_for(tmp_path: Path) -> None:
    dead = subprocess.Popen(["true"], start_new_session=True)
    await until(lambda: not is_alive(dead.pid))
    leader = SimpleNamespace(pid=dead.pid, returncode=None)
    group = check_group.CheckGroup(leader, "no mark", SystemClock())  # type: ignore[arg-type]
    assert group._living() == []
    dead.wait()


async def test_without_knowledge_of_processes_the_group_still_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_group, "_TELLS", False)
    check = await run("sleep 600 & echo $! >> pids", tmp_path)
    (child,) = pids(tmp_path, 1)
    assert check.outcome == "passed"
    assert not is_alive(child)


async def test_who_leaves_as_the_last_ends_everything(tmp_path: Path) -> None:
    clock, told = ManualClock(), Told()
    checks = checks_of({"one": FAMILY}, tmp_path, clock, completed=told)
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: pids(tmp_path, 3))
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await until(lambda: clock.sleeping == 2)
    clock.advance(check_group.GRACE_SECONDS)
    await until(lambda: not checks._running)
    assert not any(map(is_alive, pids(tmp_path, 3)))
    assert not told.checks
    await checks.close()


async def test_closing_ends_what_runs_and_waits_until_it_is_gone(tmp_path: Path) -> None:
    clock, told = ManualClock(), Told()
    checks = checks_of({"one": FAMILY}, tmp_path, clock, completed=told)
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: pids(tmp_path, 3))
    closing = asyncio.ensure_future(checks.close())
    await until(lambda: clock.sleeping == 2)
    clock.advance(check_group.GRACE_SECONDS)
    await closing
    assert not any(map(is_alive, pids(tmp_path, 3)))
    with pytest.raises(ChecksClosedError):
        await waiting
    assert not told.checks


async def test_cancelling_all_tasks_leaves_nothing_either(tmp_path: Path) -> None:
    """As at the end of a loop that nobody closed in order."""
    checks = checks_of({"one": FAMILY}, tmp_path, SystemClock())
    waiting = asyncio.ensure_future(checks.result("one", ticket="INFRA-1"))
    await until(lambda: pids(tmp_path, 3))
    for task in (waiting, checks._running["one"].task):
        task.cancel()
    await asyncio.wait((waiting,))
    await until(lambda: not any(map(is_alive, pids(tmp_path, 3))))
    await checks.close()


def test_a_loop_in_another_thread_runs_them_as_well(tmp_path: Path) -> None:
    outcomes: list[Check] = []

    async def several() -> None:
        commands = {"one": "sleep 600 & echo $! >> pids; echo hello", "two": "exit 5"}
        checks: Checks = checks_of(commands, tmp_path, SystemClock())
        outcomes.extend(await asyncio.gather(*(checks.result(name, ticket="INFRA-1") for name in commands)))
        await checks.close()

    thread = threading.Thread(target=lambda: asyncio.run(several()))
    thread.start()
    thread.join()
    assert [(check.outcome, check.output_tail) for check in outcomes] == [("passed", "hello\n"), ("failed", "")]
    assert not any(map(is_alive, pids(tmp_path, 1)))


async def test_many_runs_leave_no_file_and_no_process_behind(tmp_path: Path) -> None:
    descriptors = Path("/proc/self/fd")
    checks = checks_of({"one": "echo x"}, tmp_path, SystemClock(), rules=CheckRules(reuse=0))
    await checks.result("one", ticket="INFRA-1")
    before = len(list(descriptors.iterdir()))
    for _ in range(20):
        await checks.result("one", ticket="INFRA-1")
    await checks.close()
    assert len(list(descriptors.iterdir())) <= before
