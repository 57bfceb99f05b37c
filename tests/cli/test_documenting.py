"""`holyfields docs`: the catalogue alone, between markers, and checked."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from godtui.cli import documenting
from godtui.cli.documenting import BEGIN, END
from tests.cli.conftest import Command
from tests.cli.test_cataloguing import ask, estate

__all__ = ["ask", "estate"]


def test_the_catalogue_is_the_same_every_time(ask: Command, estate: Path) -> None:
    first = ask("docs")
    assert (first.code, first.stderr) == (0, "")
    assert "#### `order.placed`" in first.stdout
    assert "- Producers: `shop`\n" in first.stdout
    assert ask("docs").stdout == first.stdout
    assert not first.stdout.count("\x1b")


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_all_else_stays_byte_for_byte(ask: Command, estate: Path, home: Path, newline: bytes) -> None:
    head = b"\xef\xbb\xbf# \xff\x00 GOD" + newline + b"mixed\r\nlines\n  "
    tail = b" after" + newline + b"\r\n\n\xfe"
    doc = home / "GOD.md"
    doc.write_bytes(head + BEGIN + newline + b"old" + END + tail)
    doc.chmod(0o640)
    assert ask("docs", "--into", "GOD.md") == (0, "", "")
    written = doc.read_bytes()
    text = ask("docs").stdout.encode().replace(b"\n", newline)
    assert written == head + BEGIN + newline + text + END + tail
    assert stat.S_IMODE(doc.stat().st_mode) == 0o640
    before = doc.stat()
    assert ask("docs", "--into", "GOD.md") == (0, "", "")
    assert (doc.stat().st_ino, doc.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_a_document_is_checked(ask: Command, estate: Path, home: Path) -> None:
    doc = home / "GOD.md"
    doc.write_bytes(BEGIN + END)
    ended = ask("docs", "--into", "GOD.md", "--check")
    sentence = "holyfields: GOD.md is out of date; run holyfields docs --into GOD.md\n"
    assert ended == (1, "", sentence)
    assert doc.read_bytes() == BEGIN + END
    assert ask("docs", "--into", "GOD.md").code == 0
    assert ask("docs", "--into", "GOD.md", "--check") == (0, "", "")
    (estate / "order" / "changed.json").write_text("{}")
    assert ask("docs", "--into", "GOD.md", "--check") == ended
    assert ask("docs", "--check").code == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "has no marker <!-- holyfields:events:begin -->; put it on a line of its own"),
        (BEGIN, "has no marker <!-- holyfields:events:end -->; put it on a line of its own"),
        (BEGIN + BEGIN + END, "has 2 times the marker <!-- holyfields:events:begin -->; keep one"),
        (BEGIN + END + END, "has 2 times the marker <!-- holyfields:events:end -->; keep one"),
        (
            END + BEGIN,
            "has the marker <!-- holyfields:events:end --> before <!-- holyfields:events:begin -->; exchange them",
        ),
    ],
)
def test_markers_stand_once_and_in_order(ask: Command, estate: Path, home: Path, text: bytes, sentence: str) -> None:
    (home / "GOD.md").write_bytes(text)
    assert ask("docs", "--into", "GOD.md") == (1, "", f"holyfields: GOD.md {sentence}\n")
    assert (home / "GOD.md").read_bytes() == text


def test_a_link_stays_a_link(ask: Command, estate: Path, home: Path) -> None:
    (home / "real.md").write_bytes(BEGIN + END)
    (home / "GOD.md").symlink_to("real.md")
    assert ask("docs", "--into", "GOD.md").code == 0
    assert (home / "GOD.md").is_symlink()
    assert b"order.placed" in (home / "real.md").read_bytes()


def test_a_write_that_fails_leaves_the_old(
    ask: Command, estate: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "GOD.md").write_bytes(BEGIN + END)

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    ended = ask("docs", "--into", "GOD.md")
    sentence = "holyfields: GOD.md cannot be written: No space left on device; it is as it was\n"
    assert (ended.code, ended.stderr) == (1, sentence)
    assert (home / "GOD.md").read_bytes() == BEGIN + END
    assert [path.name for path in home.iterdir() if path.name.startswith(".")] == []


def test_what_is_no_document(ask: Command, estate: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("nowhere.md", "schemas"):
        assert ask("docs", "--into", path) == (
            2,
            "",
            f"holyfields: {path} is not a file; name a document that has the markers\n",
        )
    monkeypatch.setattr(documenting, "MAX_BYTES", 1)
    (home / "GOD.md").write_bytes(BEGIN + END)
    assert ask("docs", "--into", "GOD.md").code == 2


def test_hostile_contracts_cannot_end_their_part(ask: Command, estate: Path, home: Path) -> None:
    marker = END.decode()
    text = f'{{"title": "{marker}", "description": "{marker}", "examples": [{{"{marker}": "{marker}"}}]}}'
    (estate / "order" / "changed.json").write_text(text)
    (home / "registry.yaml").write_text(f"services: {{'{marker}': {{produces: '#'}}}}")
    (home / "GOD.md").write_bytes(BEGIN + END)
    for _ in range(2):
        assert ask("docs", "--into", "GOD.md") == (0, "", "")
    assert ask("docs", "--into", "GOD.md", "--check") == (0, "", "")
