"""godtui as its users start it: processes of its own, in an environment of their own."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

PATIENCE = 60.0
"""Seconds after which something that never happened is a failure."""


def environment(home: Path, **more: str) -> dict[str, str]:
    """What a process needs of the outside, and nothing of the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    code = str(Path(__file__).parents[1])
    return {**kept, "HOME": str(home), "PYTHONPATH": code, "PYTHONUNBUFFERED": "1", **more}


def run(
    home: Path, *arguments: str, stdin: bytes | None = None, cwd: Path | None = None, **env: str
) -> subprocess.CompletedProcess[str]:
    """`godtui ARGUMENTS` until it ends."""
    ended = subprocess.run(
        [sys.executable, "-m", "godtui", *arguments],
        input=stdin or b"",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
        cwd=cwd or home,
        env=environment(home, **env),
    )
    decoded = (ended.stdout.decode(), ended.stderr.decode())
    return subprocess.CompletedProcess(ended.args, ended.returncode, *decoded)


class Process:
    """`godtui ARGUMENTS`, or another module, running. A context manager that ends it."""

    def __init__(
        self, home: Path, *arguments: str, module: str = "godtui", cwd: Path | None = None, **env: str
    ) -> None:
        self.stdout: list[str] = []
        self.stderr: list[str] = []
        self._changed: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd or home,
            env=environment(home, **env),
        )
        pairs = ((self._process.stdout, self.stdout), (self._process.stderr, self.stderr))
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in pairs]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self, pipe: Any, lines: list[str]) -> None:
        with pipe:
            for line in pipe:
                lines.append(line.decode().rstrip("\n"))
                self._changed.put(None)
        self._changed.put(None)

    def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition on what it said holds, and return its value."""
        deadline = time.monotonic() + PATIENCE
        while True:
            value = condition()
            if value:
                return value
            if self._process.poll() is not None and not any(reader.is_alive() for reader in self._readers):
                value = condition()
                assert value, f"it ended with {self._process.returncode}: {self.stdout} {self.stderr}"
                return value
            assert time.monotonic() < deadline, f"never: {self.stdout} {self.stderr}"
            with contextlib.suppress(queue.Empty):
                self._changed.get(timeout=0.1)

    @property
    def logs(self) -> list[dict[str, Any]]:
        """The lines of its log."""
        return [json.loads(line) for line in self.stderr if line.startswith("{")]

    @property
    def url(self) -> str:
        """Where it listens, once it does."""
        found: str = self.until(lambda: next((line["url"] for line in self.logs if "url" in line), None))
        return found

    def started(self) -> Self:
        """Wait until it says that it has started."""
        self.until(lambda: any(line["message"].startswith("started") for line in self.logs))
        return self

    def send(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.send(signal.SIGKILL)
        self.wait()

    def ended_within(self, seconds: float) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        return self._process.wait(seconds)

    def wait(self) -> int:
        """Its exit code."""
        code = self._process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return code

    def stop(self) -> int:
        """End it as an operator would; its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.wait()


def headless(home: Path, *arguments: str, **options: Any) -> Process:
    """An instance without console on a free port, its data in `home`/data."""
    return Process(home, "--headless", "--port", "0", "--data-dir", str(home / "data"), *arguments, **options)


@contextlib.contextmanager
def many(processes: Sequence[Process]) -> Iterator[Sequence[Process]]:
    """Several processes, all ended on leaving."""
    with contextlib.ExitStack() as stack:
        for process in processes:
            stack.enter_context(process)
        yield processes
