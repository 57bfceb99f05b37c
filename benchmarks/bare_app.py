"""The least that a Textual application can be."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class BareApp(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("a bare application")


if __name__ == "__main__":
    BareApp().run()
