"""A row of the table: what is compared with what, and how much is enough."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from statistics import median
from typing import NamedTuple

from benchmarks.measure import Figures


class Rule(Enum):
    """How a figure is judged."""

    SHARE = "at least this share of the baseline"
    MULTIPLE = "at most this multiple of the baseline"
    SURPLUS = "at most this much above the baseline"
    AMOUNT = "at most this much"
    LEAST = "at least this much"

    @property
    def is_most(self) -> bool:
        """Whether less is better."""
        return self not in (Rule.SHARE, Rule.LEAST)


@dataclass(frozen=True, slots=True)
class Row:
    """`figure` names the figure that is judged, in the subject's measurement and in the baseline's.

    A row without `floor` only has an aim: another row of the same measurement has the floor.

    `detail` is said beside the result, with the subject's median figures in it. `needs` names one of these and how
    large it has to be at least for the result to count.
    """

    what: str
    figure: str
    unit: str
    rule: Rule
    floor: float | None
    aim: float
    baseline: str = ""
    detail: str = ""
    needs: tuple[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Measurements by `module:function`; `prepare` runs once before all runs. One measurement can serve many rows."""

    name: str
    subject: str
    rows: tuple[Row, ...]
    baseline: str | None = None
    prepare: str | None = None


class Run(NamedTuple):
    """The figures of one run; the baseline's are empty where there is none."""

    subject: Figures
    baseline: Figures


@dataclass(frozen=True, slots=True)
class Result:
    """Medians over all runs. `value` is the median of each run's own comparison."""

    name: str
    row: Row
    subject: float
    baseline: float | None
    value: float
    detail: str
    counts: bool
    runs: Sequence[Run]

    @property
    def met(self) -> str:
        """`aim`, `floor` or `no`."""
        if not self.counts:
            return "no"
        enough = float.__le__ if self.row.rule.is_most else float.__ge__
        if enough(float(self.value), float(self.row.aim)):
            return "aim"
        if self.row.floor is None:
            return "no"
        return "floor" if enough(float(self.value), float(self.row.floor)) else "no"


def judge(benchmark: Benchmark, runs: Sequence[Run]) -> list[Result]:
    """One result a row."""
    return [_result(benchmark.name, row, runs) for row in benchmark.rows]


def _result(name: str, row: Row, runs: Sequence[Run]) -> Result:
    medians = _medians([run.subject for run in runs])
    baselines = [run.baseline[row.figure] for run in runs if run.baseline]
    return Result(
        name,
        row,
        subject=medians[row.figure],
        baseline=median(baselines) if baselines else None,
        value=median(_compared(row, run) for run in runs),
        detail=row.detail.format_map(medians),
        counts=row.needs is None or medians[row.needs[0]] >= row.needs[1],
        runs=runs,
    )


def _compared(row: Row, run: Run) -> float:
    subject = run.subject[row.figure]
    match row.rule:
        case Rule.SHARE | Rule.MULTIPLE:
            return subject / run.baseline[row.figure]
        case Rule.SURPLUS:
            return subject - run.baseline[row.figure]
    return subject


def _medians(measured: Sequence[Figures]) -> Mapping[str, float]:
    return {name: median(figures[name] for figures in measured) for name in measured[0]}
