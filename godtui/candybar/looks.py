"""How things look: glyphs with their ASCII doubles, two themes, and the styles that lines are drawn with."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias
from zlib import crc32

from rich.style import Style
from textual.color import Color
from textual.theme import Theme

Look: TypeAlias = Literal["ok", "degraded", "down", "away", "retrying", "standing by", "unknown"]
"""How something is, as far as glyph and colour go; `away` is being retried while nothing is accepted."""

HUES = 8
_DARK_HUES = ("#6cb6ff", "#3fc1a0", "#e3c567", "#c297ff", "#e08a4f", "#8fce5a", "#56c7dd", "#e48bc1")
_LIGHT_HUES = ("#0b5cad", "#00705a", "#7a5c00", "#6a3fb5", "#a0480b", "#3f6f12", "#006c80", "#a02c74")

DARK = Theme(
    name="candybar-dark",
    primary="#ff3b5c",
    secondary="#8a8794",
    accent="#ff3b5c",
    foreground="#e6e3ec",
    background="#121117",
    surface="#191820",
    panel="#24222d",
    success="#4ecb8d",
    warning="#f0b03f",
    error="#ff5f52",
    dark=True,
    variables={"quiet": "#8d8a99", "rule": "#3d3a4a", "cursor": "#34202b", "key": "#9fb6d8", "text-value": "#a9d19a"}
    | {f"hue-{index}": hue for index, hue in enumerate(_DARK_HUES)},
)
LIGHT = Theme(
    name="candybar-light",
    primary="#c8102e",
    secondary="#6b6875",
    accent="#c8102e",
    foreground="#1f1d26",
    background="#fbfaf8",
    surface="#f2f0ed",
    panel="#e6e3df",
    success="#146c3a",
    warning="#8a5300",
    error="#b3150b",
    dark=False,
    variables={"quiet": "#67646f", "rule": "#c3bfc9", "cursor": "#fbdfe3", "key": "#2f5487", "text-value": "#2c6420"}
    | {f"hue-{index}": hue for index, hue in enumerate(_LIGHT_HUES)},
)


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters that are ours."""

    healthy: str = "●"
    quiet: str = "○"
    attention: str = "▲"
    fault: str = "✖"
    standby: str = "◐"
    retrying: str = "⟳"
    undeclared: str = "?"
    cursor: str = "▌"
    ellipsis: str = "…"
    dot: str = "·"
    here: str = "◀ here"
    across: str = "─"
    down: str = "│"
    corners: str = "┌┐└┘"
    joints: str = "┬┴"
    quotes: str = "‹›"
    sparks: str = "▁▂▃▄▅▆▇█"
    up: str = "↑"
    again: str = "↻"
    mark: str = "◆"
    mark_here: str = "◈"
    playing: str = "▶"
    bar: str = "█▌·"


UNICODE = Glyphs()
ASCII = Glyphs(
    healthy="*",
    quiet="o",
    attention="!",
    fault="X",
    standby="~",
    retrying="@",
    cursor=">",
    ellipsis="~",
    dot="-",
    here="<- here",
    across="-",
    down="|",
    corners="++++",
    joints="++",
    quotes="<>",
    sparks="_.:-=+*#",
    up="^",
    again="&",
    mark="+",
    mark_here="#",
    playing=">",
    bar="#-.",
)


def glyphs() -> Glyphs:
    """Those that the terminal can show: ASCII where `GODTUI_ASCII`, TERM=linux or the encoding asks for it."""
    encoding = (getattr(sys.__stderr__, "encoding", None) or "utf-8").lower().replace("-", "")
    plain_terminal = os.environ.get("TERM") in ("linux", "dumb") or encoding not in ("utf8", "utf16")
    return ASCII if plain_terminal or os.environ.get("GODTUI_ASCII") else UNICODE


def hue(domain: str) -> int:
    """The hue of an event type's first word, the same in every run."""
    return crc32(domain.encode("utf-8", "surrogatepass")) % HUES


@dataclass(frozen=True, slots=True)
class Looks:
    """The styles of a theme, all on its background; a look is a glyph and a style."""

    glyphs: Glyphs
    text: Style
    quiet: Style
    rule: Style
    accent: Style
    healthy: Style
    attention: Style
    fault: Style
    key: Style
    value: Style
    number: Style
    strong: Style
    cursor: Style
    hues: tuple[Style, ...]

    @property
    def ascii_only(self) -> bool:
        """Whether nothing but ASCII may be drawn."""
        return self.glyphs is ASCII

    def status(self, look: Look) -> tuple[str, Style]:
        """Glyph and style."""
        return {
            "ok": (self.glyphs.healthy, self.healthy),
            "degraded": (self.glyphs.attention, self.attention),
            "down": (self.glyphs.fault, self.fault),
            "away": (self.glyphs.retrying, self.fault),
            "retrying": (self.glyphs.retrying, self.attention),
            "standing by": (self.glyphs.standby, self.quiet),
        }.get(look, (self.glyphs.quiet, self.quiet))

    @classmethod
    def of(cls, variables: Mapping[str, str], marks: Glyphs) -> Looks:
        """The looks of a theme's variables."""

        background = _colour(variables["background"])

        def style(name: str, *, bold: bool | None = None) -> Style:
            return Style(color=_colour(variables[name]), bgcolor=background, bold=bold)

        return cls(
            glyphs=marks,
            text=style("foreground"),
            quiet=style("quiet"),
            rule=style("rule"),
            accent=style("accent", bold=True),
            healthy=style("success"),
            attention=style("warning", bold=True),
            fault=style("error", bold=True),
            key=style("key"),
            value=style("text-value"),
            number=style("hue-2"),
            strong=style("foreground", bold=True),
            cursor=Style(bgcolor=_colour(variables["cursor"]), bold=True),
            hues=tuple(style(f"hue-{index}") for index in range(HUES)),
        )


def variable_defaults(dark: bool) -> dict[str, str]:
    """What a theme that is not ours leaves undefined."""
    return dict((DARK if dark else LIGHT).variables)


def _colour(value: str) -> str:
    return Color.parse(value).rich_color.name
