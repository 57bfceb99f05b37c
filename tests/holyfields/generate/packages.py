"""Generated Python packages, written down and imported."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

from godtui.holyfields.generate.collection import Collection
from godtui.holyfields.generate.python import emit

PACKAGE = "holyfields_events"


def write(collection: Collection, folder: Path) -> Path:
    """Write what is emitted into a folder."""
    for path, text in emit(collection).items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return folder


def imported(collection: Collection, folder: Path) -> ModuleType:
    """The package; others of its name may be imported before and after."""
    sys.path.insert(0, str(write(collection, folder)))
    importlib.invalidate_caches()
    try:
        return importlib.import_module(PACKAGE)
    finally:
        sys.path.remove(str(folder))
        for name in [one for one in sys.modules if one.partition(".")[0] == PACKAGE]:
            del sys.modules[name]
