"""One owner a data directory, named to whoever comes second."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from godtui.eventlog import DataDirectoryError, OwnedError, Ownership, read_note
from tests.eventlog.test_disk import as_nobody

HOLD = """
import sys, time
from pathlib import Path
from godtui.eventlog import Ownership
owner = Ownership.take(Path(sys.argv[1]))
owner.announce({"url": "http://127.0.0.1:8000"})
print("held", flush=True)
sys.stdin.read()
owner.release()
"""


def start_holder(directory: Path) -> subprocess.Popen[str]:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(directory)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def end(holder: subprocess.Popen[str], *, kill: bool) -> None:
    if kill:
        holder.kill()
    holder.communicate()


def test_the_directory_is_made_for_its_user_alone(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"
    owner = Ownership.take(directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    owner.release()


@pytest.mark.parametrize("kill", [False, True])
def test_a_second_process_is_told_who_was_first(tmp_path: Path, kill: bool) -> None:
    holder = start_holder(tmp_path)
    try:
        with pytest.raises(OwnedError, match=f"process {holder.pid} at http://127.0.0.1:8000") as caught:
            Ownership.take(tmp_path)
        assert caught.value.owner == {"pid": holder.pid, "url": "http://127.0.0.1:8000"}
    finally:
        end(holder, kill=kill)
    owner = Ownership.take(tmp_path)
    assert read_note(tmp_path) == {}, "nobody is told of an owner that is gone"
    owner.release()


def test_two_threads_of_one_process(tmp_path: Path) -> None:
    results: list[Any] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        try:
            results.append(Ownership.take(tmp_path))
        except OwnedError as error:
            results.append(error)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    owners = [one for one in results if isinstance(one, Ownership)]
    assert len(owners) == 1
    owners[0].release()


def test_a_symbolic_link_names_the_same_directory(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.mkdir()
    link.symlink_to(real)
    owner = Ownership.take(link)
    with pytest.raises(OwnedError):
        Ownership.take(real)
    owner.release()
    Ownership.take(real).release()


def test_the_note_is_its_users_alone(tmp_path: Path) -> None:
    (tmp_path / "owner.json.new").touch(mode=0o666)
    owner = Ownership.take(tmp_path)
    owner.announce({"url": "http://127.0.0.1:1"})
    owner.announce({"url": "http://127.0.0.1:2"})
    note = tmp_path / "owner.json"
    assert note.stat().st_mode & 0o777 == 0o600
    assert read_note(tmp_path) == {"pid": os.getpid(), "url": "http://127.0.0.1:2"}
    owner.release()
    owner.release()
    assert list(tmp_path.iterdir()) == []


def test_a_note_that_could_not_be_written_leaves_nothing_and_is_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = Ownership.take(tmp_path)
    with monkeypatch.context() as full:

        def no_room(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        full.setattr(Path, "replace", no_room)
        assert not owner.announce({"url": "http://127.0.0.1:1"})
    assert list(tmp_path.iterdir()) == []
    assert owner.announce({"url": "http://127.0.0.1:1"})
    owner.release()
    assert not owner.announce({"url": "http://127.0.0.1:1"})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", [None, b"", b"{", b"[1]", b"\xff", b"[" * 100_000, b'{"pid": null}'])
def test_a_note_that_is_missing_or_garbled(tmp_path: Path, text: bytes | None) -> None:
    owner = Ownership.take(tmp_path)
    if text is not None:
        (tmp_path / "owner.json").write_bytes(text)
    with pytest.raises(OwnedError, match="belongs to a"):
        Ownership.take(tmp_path)
    owner.release()


def test_a_read_only_directory_can_be_owned() -> None:
    with as_nobody() as directory:
        directory.chmod(0o500)
        owner = Ownership.take(directory)
        owner.announce({"url": "http://127.0.0.1:1"})
        with pytest.raises(OwnedError, match="another running godtui"):
            Ownership.take(directory)
        owner.release()


def test_what_cannot_be_used_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    for unusable in (file, file / "below"):
        with pytest.raises(DataDirectoryError, match="name another with --data-dir"):
            Ownership.take(unusable)

    def no_locks(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(DataDirectoryError, match="No locks available") as caught:
        Ownership.take(tmp_path)
    assert not isinstance(caught.value, OwnedError)
