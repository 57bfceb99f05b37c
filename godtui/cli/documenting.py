"""`holyfields docs`: the event catalogue as Markdown, alone or within a document that others write."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from godtui.cli.cataloguing import files_options, open_catalogue
from godtui.cli.failures import ThingFailedError, WrongUsageError

BEGIN: Final = b"<!-- holyfields:events:begin -->"
END: Final = b"<!-- holyfields:events:end -->"
MAX_BYTES: Final = 64 * 1024 * 1024


@click.command("docs")
@click.option(
    "--into", metavar="FILE", type=click.Path(path_type=Path), help="Put it between the markers of this file."
)
@click.option("--check", is_flag=True, help="Write nothing, and fail where the file is out of date.")
@files_options
def document_events(into: Path | None, check: bool, schemas: str | None, registry: str | None) -> None:
    """Write the event catalogue as Markdown.

    With --into it takes the place of what stands between <!-- holyfields:events:begin --> and
    <!-- holyfields:events:end -->; all else stays as it is.
    """
    from godtui.holyfields import markdown

    if check and into is None:
        raise WrongUsageError("--check goes with --into FILE, the document to check")
    before = None if into is None else _read(into)
    text = markdown.document(open_catalogue(schemas, registry))
    if into is None or before is None:
        click.echo(text, nl=False)
        return
    after = inserted(before, text, into)
    if after == before:
        return
    if check:
        raise ThingFailedError(f"{into} is out of date; run holyfields docs --into {into}")
    _write(into, after)


def inserted(before: bytes, text: str, path: Path) -> bytes:
    """A document with the text between its markers, in lines that end as the one of the first marker does.

    Raises ThingFailedError unless each marker stands there once, in their order.
    """
    for marker in (BEGIN, END):
        count = before.count(marker)
        if count != 1:
            how = "has no marker" if not count else f"has {count} times the marker"
            advice = "put it on a line of its own" if not count else "keep one"
            raise ThingFailedError(f"{path} {how} {marker.decode()}; {advice}")
    start, end = before.index(BEGIN) + len(BEGIN), before.index(END)
    if end < start:
        raise ThingFailedError(f"{path} has the marker {END.decode()} before {BEGIN.decode()}; exchange them")
    newline = b"\r\n" if _line_end(before, start) == b"\r\n" else b"\n"
    return before[:start] + newline + text.encode().replace(b"\n", newline) + before[end:]


def _line_end(document: bytes, start: int) -> bytes:
    """How the line ends that holds this place, or where it is the last one, the first line."""
    line = document.find(b"\n", start)
    line = document.find(b"\n") if line < 0 else line
    return document[line - 1 : line + 1] if line > 0 else b""


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise WrongUsageError(f"{path} is not a file; name a document that has the markers")
    try:
        with path.open("rb") as file:
            read = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise WrongUsageError(f"{path} cannot be read: {error.strerror}") from None
    if len(read) > MAX_BYTES:
        raise WrongUsageError(f"{path} is larger than {MAX_BYTES // 1024 // 1024} MiB; name a document")
    return read


def _write(path: Path, text: bytes) -> None:
    """Write beside and rename, so that the document is the old one or the new one, whole."""
    target = path.resolve()
    beside: Path | None = None
    try:
        mode = target.stat().st_mode
        with tempfile.NamedTemporaryFile(dir=target.parent, prefix=".godtui-", delete=False) as file:
            beside = Path(file.name)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        beside.chmod(mode & 0o7777)
        beside.replace(target)
    except OSError as error:
        if beside is not None:
            with suppress(OSError):
                beside.unlink()
        raise ThingFailedError(f"{path} cannot be written: {error.strerror}; it is as it was") from None
