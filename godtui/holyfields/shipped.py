"""Where the schemas that come with godtui are."""

from __future__ import annotations

from pathlib import Path

import godtui


def shipped_folder() -> Path:
    """The schema folder of the wheel, or of the checkout that godtui runs from."""
    package = Path(godtui.__file__).parent
    packaged = package / "shipped" / "schemas"
    return packaged if packaged.is_dir() else package.parent / "schemas"
