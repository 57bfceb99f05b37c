"""The command line of godtui."""

from __future__ import annotations

import sys


def main() -> None:
    """The console script."""
    from godtui.cli.program import main as run

    sys.exit(run())
