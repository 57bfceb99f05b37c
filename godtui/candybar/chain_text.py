"""A chain as lines: a tree of its events, with what is odd about each and the gaps in time folded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice, pairwise
from typing import Final, Literal, NamedTuple, TypeAlias
from uuid import UUID

from rich.cells import cell_len

from godtui.candybar.chain_steps import MOST_LEVELS, Step, began, steps
from godtui.candybar.figures import SECOND, delta
from godtui.candybar.plaintext import clip, clip_middle, plain
from godtui.candybar.preview import preview
from godtui.operations import Chain, Fold, Node, Orphan, Tree, plant

SIBLINGS: Final = 20
"""Of more siblings than these the rest is folded."""
MOST_LINES: Final = 1_000
TIME_CELLS: Final = 12
LEVEL_CELLS: Final = 2
NARROWEST: Final = 20
ID_CELLS: Final = 17
MOST_CHARACTERS: Final = 400
"""No name is looked at beyond so many."""
ROOM_BESIDE: Final = 28
"""What indentation leaves for the event itself, at least."""

Role: TypeAlias = Literal["time", "guide", "type", "source", "mark", "name", "facts", "fold", "head"]


class Span(NamedTuple):
    """A piece of a line, and what it is."""

    text: str
    role: Role


class Line(NamedTuple):
    """One line; `place` is that of its event in the chain's `events`, None of lines that are no event."""

    spans: list[Span]
    place: int | None = None

    @property
    def text(self) -> str:
        """The line without what its pieces are."""
        return "".join(span.text for span in self.spans)


class Signs(NamedTuple):
    """The characters that are ours."""

    through: str
    branch: str
    end: str
    attention: str
    ellipsis: str


UNICODE: Final = Signs("│ ", "├ ", "└ ", "▲", "…")
ASCII: Final = Signs("| ", "|-", "`-", "!", "~")


def chain_lines(chain: Chain, width: int, *, ascii_only: bool = False, whole: bool = False) -> Iterator[Line]:
    """A head, the events as trees, and what is left out; no line is wider than `width` cells, but for 20.

    `whole` folds nothing but time.
    """
    text = ChainText(plant(chain), began(chain.events), width, ascii_only=ascii_only)
    yield text.plain_line(f"chain {chain.correlation_id}", "head")
    yield text.plain_line(summary(chain), "head")
    yield from text.lines(None if whole else SIBLINGS, None if whole else MOST_LINES)
    if chain.next_after is not None:
        told = f"these are {len(chain.events):,} of them; --after {chain.next_after} goes on"
        yield text.plain_line(told, "fold")


def summary(chain: Chain) -> str:
    """How many events it has, how odd they are and how long it took: `7 events · 1 root · 1 late · over 3 s`."""
    times = [event.time for event in chain.events]
    number = f"{chain.total.number:,}{'' if chain.total.exact else '+'}"
    counted = [
        (len(chain.roots), "root"),
        (len({orphan.event_id for orphan in chain.orphans}), "orphan"),
        (len(chain.late), "late"),
        (len(chain.cycles), "cycle"),
    ]
    facts = [f"{number} {'event' if chain.total.number == 1 else 'events'}"]
    facts += [f"{count:,} {_plural(name, count)}" for count, name in counted if count]
    facts.append(f"over {stretch(max(times, default=0) - min(times, default=0))}")
    return " · ".join(facts)


def stretch(microseconds: int) -> str:
    """How long, in its two largest units: 2 h 14 min, 3 min 4 s, 12 d 0 h."""
    seconds = microseconds // SECOND
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for (unit, size), (finer, fine) in pairwise(units):
        if seconds >= size:
            return f"{seconds // size:,} {unit} {seconds % size // fine} {finer}"
    return f"{seconds} s"


class ChainText:
    """Draws the lines of a tree at one width; `start` is when the chain began, in µs since 1970."""

    def __init__(self, tree: Tree, start: int, width: int, *, ascii_only: bool = False) -> None:
        self._tree = tree
        self._start = start
        self._width = width = max(width, NARROWEST)
        self._ascii = ascii_only
        self._signs = ASCII if ascii_only else UNICODE
        self._levels = max(0, min(MOST_LEVELS, (width - TIME_CELLS - ROOM_BESIDE) // LEVEL_CELLS))

    def lines(self, siblings: int | None, most: int | None) -> Iterator[Line]:
        """The events, each under its cause; at most so many of them, and so many beside each other."""
        shown = 0
        for step in islice(steps(self._tree, siblings), most):
            if isinstance(step.one, Fold):
                yield self._fold(step.one, step)
                shown += step.one.events
                continue
            if step.gap:
                yield self.gap(step.gap)
            yield self.event(step.one, step.open_levels)
            shown += 1
        left = len(self._tree.events) - shown
        if left > 0:
            yield self.plain_line(f"{self._signs.ellipsis} {left:,} more events; --all shows them", "fold")

    def gap(self, microseconds: int) -> Line:
        """A time in which nothing happened."""
        text = f"{self._signs.ellipsis} {stretch(microseconds)} {self._signs.ellipsis}"
        return self._line([Span(f"{text:>{TIME_CELLS}}", "fold")])

    def plain_line(self, text: str, role: Role) -> Line:
        """A sentence."""
        return self._line([Span(self._clean(text), role)])

    def event(self, node: Node, open_levels: int) -> Line:
        """An event under its cause; `open_levels` as in its Step."""
        tree = self._tree
        event = tree.events[node.place]
        spans = [
            Span(f"{self._offset(event.time):>{TIME_CELLS}} ", "time"),
            Span(self._guide(node.depth, open_levels, self._signs.end if node.last else self._signs.branch), "guide"),
            Span(self._clean(event.event_type), "type"),
        ]
        if event.violations:
            spans.append(Span(f"  {self._signs.attention} invalid", "mark"))
        spans += [Span(f"  {self._signs.attention} {self._clean(note)}", "mark") for note in _notes(tree, node.place)]
        spans.append(Span(f"  {self._clean(event.source)}", "source"))
        room = self._width - sum(cell_len(span.text) for span in spans) - 2
        if room > 0:
            pairs = preview(event.body, room, ascii_only=self._ascii)
            for index, pair in enumerate(pairs):
                spans += [Span(f"{'' if index else ' '} {pair.name}=", "name"), Span(pair.value, "facts")]
        return self._line(spans, node.place)

    def _fold(self, fold: Fold, step: Step) -> Line:
        effects = "more beside them" if fold.depth == 0 else "more effects"
        below = fold.events - fold.siblings
        under = f", {below:,} below them" if below else ""
        guide = self._guide(fold.depth, step.open_levels, self._signs.end)
        told = f"{self._signs.ellipsis} {fold.siblings:,} {effects}{under}; --all shows them"
        return self._line([Span(f"{'':>{TIME_CELLS}} ", "time"), Span(guide, "guide"), Span(told, "fold")])

    def _guide(self, depth: int, open_levels: int, own: str) -> str:
        """Lines from the causes above; of what is too deep for that, how deep it is."""
        if depth == 0:
            return ""
        if depth > self._levels:
            return f"{depth:,} ".rjust(self._levels * LEVEL_CELLS)
        through = self._signs.through
        return "".join(through if open_levels >> level & 1 else "  " for level in range(1, depth)) + own

    def _offset(self, time: int) -> str:
        passed = time - self._start
        return delta(passed) if passed < 60 * SECOND else f"+{stretch(passed)}"

    def _line(self, spans: Iterable[Span], place: int | None = None) -> Line:
        """The pieces as far as they fit."""
        fitting: list[Span] = []
        room = self._width
        for text, role in spans:
            clipped = clip(text, room, self._signs.ellipsis)
            if clipped:
                fitting.append(Span(clipped, role))
            room -= cell_len(clipped)
            if clipped != text:
                break
        return Line(fitting, place)

    def _clean(self, text: str) -> str:
        return plain(text[:MOST_CHARACTERS], ascii_only=self._ascii)


def _notes(tree: Tree, place: int) -> Iterator[str]:
    if place in tree.late:
        yield "stored before its cause"
    if place in tree.cyclic:
        yield "its own cause"
    for orphan in tree.orphans.get(place, ())[:1]:
        yield _where(orphan)
    causes = len(tree.orphans.get(place, ())[1:]) + len(tree.more.get(place, ()))
    if causes:
        yield f"{causes:,} {_plural('more cause', causes)}"


def _where(orphan: Orphan) -> str:
    cause = f"cause {_short(orphan.cause_id)}"
    if orphan.stored is None:
        return f"{cause} is outside"
    if not orphan.stored:
        return f"{cause} is not stored"
    return f"{cause} is in {'no chain' if orphan.correlation_id is None else f'chain {_short(orphan.correlation_id)}'}"


def _short(event_id: bytes) -> str:
    return clip_middle(str(UUID(bytes=event_id)), ID_CELLS)


def _plural(name: str, number: int) -> str:
    return name if number == 1 or name == "late" else f"{name}s"
