"""The console: a Textual skin over the operations."""

from godtui.candybar.app import ConsoleApp, run_console

__all__ = ["ConsoleApp", "run_console"]
