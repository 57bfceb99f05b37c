"""Where the program's own messages go: stderr on servers, a file beside the log under a console."""

from __future__ import annotations

import json
import logging
import logging.handlers
import sys
from pathlib import Path
from typing import Final

from godtui.clock import rfc3339

MAX_BYTES: Final = 1_000_000
_HUMAN: Final = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
_RECORD_ONLY: Final = frozenset(vars(logging.makeLogRecord({})))


class JsonFormatter(logging.Formatter):
    """One JSON object a line, with what the caller gave as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": rfc3339(round(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _RECORD_ONLY and key != "message"},
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def log_to_stderr() -> None:
    """Human lines on a terminal, JSON lines elsewhere."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter(_HUMAN) if sys.stderr.isatty() else JsonFormatter())
    _install(handler)


def log_to_file(folder: Path) -> None:
    """Beside the event log: a console owns the terminal."""
    handler = logging.handlers.RotatingFileHandler(
        folder / "godtui.log", maxBytes=MAX_BYTES, backupCount=2, encoding="utf-8", delay=True
    )
    handler.setFormatter(JsonFormatter())
    _install(handler)


def _install(handler: logging.Handler) -> None:
    # A full disk must not turn every message into another.
    logging.raiseExceptions = False
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("godtui").setLevel(logging.INFO)
