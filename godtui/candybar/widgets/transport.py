"""The line that is there while a replay is open: how far it is, and the keys that steer it."""

from __future__ import annotations

from collections.abc import Iterator

from rich.segment import Segment
from rich.style import Style

from godtui.candybar.figures import count, short_count, span
from godtui.candybar.looks import Looks
from godtui.candybar.plaintext import clip, plain
from godtui.candybar.replaying import ReplayWatch, speed_text, target_text
from godtui.candybar.widgets.bar import Bar, cells, looks_of, spread
from godtui.operations import ReplayView

WIDEST_BAR = 30
NARROWEST_BAR = 4
PACED = 6
"""So many of the candidates say how quickly it goes."""


class TransportLine(Bar):
    """` > replay 018f~9d  type:agent.task.* -> queue agent.inbox   ####...  812 / 1,430   10x   eta 0:41   p pause`."""

    def __init__(self, watch: ReplayWatch) -> None:
        super().__init__(id="transport")
        self._watch = watch
        self.display = False

    def tick(self) -> None:
        """Be there while a replay is open."""
        self.display = self._watch.current is not None
        if self.display:
            self.renew()

    def segments(self, width: int) -> list[Segment]:
        view, looks = self._watch.current, looks_of(self)
        if view is None:
            return []
        lines = list(self._candidates(view, looks))
        keys = self._keys(view, looks)
        told = [(left, right) for right in keys for left in lines[:PACED]]
        for left, right in [*told, *((left, right) for right in keys for left in lines[PACED:])]:
            spare = width - cells(left) - cells(right) - 3
            if spare >= NARROWEST_BAR:
                bar = self._bar(view, looks, min(WIDEST_BAR, spare))
                at = next(i for i, part in enumerate(left) if part.text == "\n")
                rest = [*left[:at], *bar, *left[at + 1 :]]
                return spread(rest, right, width, Segment(" "))
        return [*(part for part in lines[-1] if part.text != "\n")]

    def _candidates(self, view: ReplayView, looks: Looks) -> Iterator[list[Segment]]:
        """What is said, the most first; a line feed stands where the bar goes."""
        sign, far, how = self._sign(view, looks), self._far(view, looks), self._pace(view, looks)
        name = str(view.replay_id)
        short = f"{name[:4]}{looks.glyphs.ellipsis}{name[-2:]}"
        what = plain(view.filter or "everything", ascii_only=looks.ascii_only)
        to = plain(f"to {target_text(view.to)}", ascii_only=looks.ascii_only)
        whole = f"replay {short}  {clip(what, 40, looks.glyphs.ellipsis)} {to}"
        for text in (whole, f"replay {short}  {to}", f"{short}  {to}", f"replay {short}", short, ""):
            yield [*sign, Segment(f"{text}  " if text else "", looks.text), Segment("\n"), *far, *how]
        yield [*sign, Segment("\n"), *self._far(view, looks, short=True), *how[:1]]
        yield [*sign, Segment("\n"), *self._far(view, looks, short=True)]

    def _sign(self, view: ReplayView, looks: Looks) -> list[Segment]:
        watch, marks = self._watch, looks.glyphs
        glyph, style = (marks.playing, looks.healthy) if view.state == "running" else (marks.quiet, looks.attention)
        if watch.fault is not None or view.reason:
            glyph, style = marks.retrying, looks.attention
        which = f"{watch.place} of {len(watch.open)} " if len(watch.open) > 1 else ""
        return [Segment(f" {glyph} ", style), Segment(which, looks.strong)]

    def _bar(self, view: ReplayView, looks: Looks, width: int) -> list[Segment]:
        full, half, empty = tuple(looks.glyphs.bar)
        halves = round(2 * width * min(1.0, view.done / view.total)) if view.total else 0
        done = full * (halves // 2) + half * (halves % 2)
        return [Segment(done, looks.accent), Segment(empty * (width - len(done)), looks.rule)]

    def _far(self, view: ReplayView, looks: Looks, *, short: bool = False) -> list[Segment]:
        written = short_count if short else count
        total = ("" if view.exact else "~") + written(view.total)
        return [Segment(f" {written(view.done):>{len(total)}} / {total} ", looks.strong)]

    def _pace(self, view: ReplayView, looks: Looks) -> list[Segment]:
        """Speed, and when it is done or what it waits for."""
        style: Style = looks.quiet
        if self._watch.fault is not None:
            said, style = "not heard of", looks.attention
        elif view.state == "paused":
            said, style = "paused", looks.attention
        elif view.reason:
            said, style = (
                plain(clip(view.reason, 40, looks.glyphs.ellipsis), ascii_only=looks.ascii_only),
                looks.attention,
            )
        else:
            said = "eta -:--" if view.eta_s is None else f"eta {span(view.eta_s)}"
        return [Segment(f" {speed_text(view.speed):>5} ", looks.text), Segment(f" {said:<8}", style)]

    def _keys(self, view: ReplayView, looks: Looks) -> list[list[Segment]]:
        """The keys, the most first."""
        if not self._watch.in_hand:
            return [self._key_texts([("P", "steer it")], looks), []]
        turn = ("p", "pause" if view.state == "running" else "resume")
        further = ("P", "next" if self._watch.place < len(self._watch.open) else "let go")
        rest = [("[ ]", "step"), ("+ -", "speed"), ("esc", "stop"), further]
        few = [turn, ("[ ]", ""), ("+ -", ""), ("esc", "stop"), (further[0], "")]
        return [self._key_texts(keys, looks) for keys in ([turn, *rest], few, [turn, ("esc", "stop")], [turn])]

    def _key_texts(self, keys: list[tuple[str, str]], looks: Looks) -> list[Segment]:
        return [
            part
            for key, does in keys
            for part in (Segment(f" {key}", looks.strong), Segment(f" {does} " if does else " ", looks.quiet))
        ]
