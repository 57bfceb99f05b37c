"""`godtui stats`: numbers and rates of what is stored."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator

import click
from rich.cells import cell_len

from godtui import jsontext
from godtui.candybar.figures import clock_time, count, date, rate, sparkline
from godtui.candybar.plaintext import clip, fit, plain
from godtui.cli.failures import WrongUsageError
from godtui.cli.options import Given
from godtui.cli.reaching import reach_instance
from godtui.clock import SystemClock, to_microseconds
from godtui.filters import parse
from godtui.operations import Bucket, By, Question, Statistics, StatisticsRefusedError

NARROWEST = 40
_ASCII_STEPS = " .:-=+*#"


def run_stats(given: Given, text: str, by: By, bucket: Bucket | None, limit: int, form: str | None) -> None:
    """Print statistics. Raises what `explained` knows."""
    question = Question(parse(text, now=SystemClock().now()), by, bucket, limit)
    try:
        told = asyncio.run(_ask(given, question))
    except StatisticsRefusedError as error:
        raise WrongUsageError(str(error)) from None
    if (form or ("table" if sys.stdout.isatty() else "json")) == "json":
        click.echo(jsontext.dumps(told.document()))
        return
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    for line in statistics_lines(told, shutil.get_terminal_size().columns, ascii_only=ascii_only):
        click.echo(line)


async def _ask(given: Given, question: Question) -> Statistics:
    async with reach_instance(given) as operations:
        return await operations.statistics.ask(question)


def statistics_lines(told: Statistics, width: int, *, ascii_only: bool = False) -> Iterator[str]:
    """The whole in a line, then a row a group, with a small chart where there are buckets."""
    width = max(width, NARROWEST)
    ellipsis = "~" if ascii_only else "…"
    head = f"{count(told.number)} events{_between(told)}, {_rates(told.rate_1m, told.rate_5m)}"
    yield clip(head, width, ellipsis)
    if not told.complete:
        counted = f"counted up to {count(told.counted_to)} of {count(told.last_seq)}; the rest is to come"
        yield clip(counted, width, ellipsis)
    names = [plain(group.name, ascii_only=ascii_only) or "-" for group in told.groups]
    numbers = [count(group.number) for group in told.groups]
    cells = max(map(len, numbers), default=0)
    rates = [f"{rate(group.rate_1m):>6}" for group in told.groups]
    widest = max(map(cell_len, names), default=0)
    name_cells = min(widest, max(12, width - cells - 12 if not told.buckets else (width - cells - 12) // 2))
    for name, number, per_second, group in zip(names, numbers, rates, told.groups, strict=True):
        row = f"{fit(name, name_cells, ellipsis)}  {number:>{cells}}  {per_second}"
        room = width - cell_len(row) - 2
        chart = _chart(group.counts, room, ascii_only) if told.buckets and room > 0 else ""
        yield f"{row}  {chart}".rstrip()
    if told.others:
        yield f"{count(told.others)} more with {count(told.others_number)} events; see --limit"


def _between(told: Statistics) -> str:
    """From when to when, as far as it is bounded."""
    moments = [
        f" {word} {date(to_microseconds(moment))} {clock_time(to_microseconds(moment), milliseconds=False)}"
        for word, moment in (("since", told.since), ("until", told.until))
        if moment is not None
    ]
    return "".join(moments)


def _rates(last_minute: float, last_five: float) -> str:
    return f"{rate(last_minute)} over the last minute, {rate(last_five)} over five"


def _chart(counts: list[int | None], room: int, ascii_only: bool) -> str:
    """The newest buckets that there is room for."""
    values = [float(number or 0) for number in counts[-room:]]
    return sparkline(values, _ASCII_STEPS) if ascii_only else sparkline(values)
