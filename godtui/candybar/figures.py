"""Numbers, times and sizes as an operator reads them."""

from __future__ import annotations

import re

from godtui.clock import to_datetime, to_microseconds
from godtui.envelope import read_timestamp

RATE_WIDTH = 6
SECOND = 1_000_000
DAY = 86_400 * SECOND

_STAMP = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z", re.ASCII)


def count(number: int) -> str:
    """1204551 as 1,204,551."""
    return f"{number:,}"


def ordinal(number: int) -> str:
    """3 as 3rd, 1012 as 1,012th."""
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number:,}{ending}"


def short_count(number: float) -> str:
    """A number in four columns at most, below a trillion: 412, 1.2k, 12k, 1.2M, 1.2G."""
    for scale, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if number >= scale * 0.9995:
            scaled = number / scale
            return f"{scaled:.1f}{unit}" if scaled < 9.95 else f"{scaled:.0f}{unit}"
    return f"{number:.0f}"


def rate(per_second: float) -> str:
    """A rate in six columns at most: 412/s, 1.2k/s, 12k/s, 1.2M/s."""
    if 0 < per_second < 9.95:
        return f"{per_second:.1f}/s"
    return f"{short_count(per_second)}/s"


def duration(seconds: float) -> str:
    """How long ago or how long yet: 0 s, 41 s, 3 min, 2 h, 5 d."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= size:
            return f"{int(seconds // size)} {unit}"
    return f"{max(0, int(seconds))} s"


def span(seconds: float) -> str:
    """A length of time to the second: 0:41, 1:02:03 or 12 d 3:04:05."""
    whole = max(0, round(seconds))
    days, hours, minutes, rest = whole // 86_400, whole // 3600 % 24, whole // 60 % 60, whole % 60
    clock = f"{hours}:{minutes:02}:{rest:02}" if whole >= 3600 else f"{minutes}:{rest:02}"
    return f"{days:,} d {clock}" if days else clock


def size(length: int) -> str:
    """A number of bytes: 812 B, 1.2 KiB, 1.0 MiB."""
    if length < 1024:
        return f"{length} B"
    return f"{length / 1024:.1f} KiB" if length < 1024 * 1024 else f"{length / 1024 / 1024:.1f} MiB"


def clock_time(microseconds: int, *, milliseconds: bool = True) -> str:
    """The time of day in UTC: 14:02:11.482."""
    second, fraction = divmod(microseconds % DAY, SECOND)
    text = f"{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}"
    return f"{text}.{fraction // 1000:03}" if milliseconds else text


def date(microseconds: int) -> str:
    """The day in UTC: Thu 12 Feb 2026."""
    moment = to_datetime(microseconds)
    return f"{_DAYS[moment.weekday()]} {moment.day} {_MONTHS[moment.month - 1]} {moment.year:04}"


def moment(microseconds: int, now: int) -> str:
    """The second in UTC: 14:02:11, or Thu 12 Feb 14:02:11 where that is not today."""
    time = clock_time(microseconds, milliseconds=False)
    return time if microseconds // DAY == now // DAY else f"{date(microseconds)[:-5]} {time}"


def moments(text: str, now: int) -> str:
    """A sentence with each RFC 3339 timestamp in it as short as a reader needs it."""

    def shortened(stamp: re.Match[str]) -> str:
        try:
            return moment(to_microseconds(read_timestamp(stamp.group())[0]), now)
        except ValueError:
            return stamp.group()

    return _STAMP.sub(shortened, text)


def delta(microseconds: int) -> str:
    """A signed distance in time: +2 ms, -1.5 s, +3 min."""
    sign, distance = ("-" if microseconds < 0 else "+"), abs(microseconds)
    if distance < SECOND:
        return f"{sign}{distance // 1000} ms"
    if distance < 60 * SECOND:
        return f"{sign}{distance / SECOND:.1f} s"
    return f"{sign}{duration(distance / SECOND)}"


def sparkline(values: list[float], steps: str = "▁▂▃▄▅▆▇█") -> str:
    """One character a value, scaled to the largest."""
    top = max(values, default=0.0)
    if top <= 0:
        return steps[0] * len(values)
    last = len(steps) - 1
    return "".join(steps[0 if value <= 0 else max(1, round(value / top * last))] for value in values)


_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
