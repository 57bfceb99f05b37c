"""`python -m benchmarks`: measure, and print the table."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from benchmarks import machine, report
from benchmarks.catalogue import BENCHMARKS
from benchmarks.harness import ROOT, MeasureError, Preparations, run, scratch_folder
from benchmarks.rows import Benchmark, Result, Run, judge
from benchmarks.store_catalogue import LARGEST, STORE_BENCHMARKS

FEWEST_RUNS = 5
README = ROOT / "README.md"
STORE_PAGE = ROOT / "docs/store.md"


def main() -> int:
    arguments = _arguments()
    chosen = _chosen(arguments)
    page = STORE_PAGE if arguments.store else README
    try:
        if arguments.write:
            report.require_place(page)  # before all the measuring
        text = _measured(chosen, arguments)
        print(text)
        if arguments.write:
            report.write_between(page, text)
    except (MeasureError, report.NoPlaceError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _chosen(arguments: argparse.Namespace) -> list[Benchmark]:
    if arguments.only:
        return [each for each in (*BENCHMARKS, *STORE_BENCHMARKS) if each.name in arguments.only]
    if not arguments.store:
        return list(BENCHMARKS)
    return [each for each in STORE_BENCHMARKS if arguments.ten_million or not each.name.endswith(LARGEST)]


def _measured(chosen: Sequence[Benchmark], arguments: argparse.Namespace) -> str:
    with scratch_folder() as scratch:
        parts = {**machine.described(scratch), "load": machine.load()}
        results: list[Result] = []
        prepared = Preparations(scratch, quick=arguments.quick)
        for benchmark in chosen:
            tell = _Teller(benchmark, arguments.runs)
            folder = prepared(benchmark)
            found = run(benchmark, arguments.runs, scratch, folder, quick=arguments.quick, tell=tell)
            results += judge(benchmark, found)
    form = report.document if arguments.json else report.markdown
    return form(results, parts, arguments.runs, quick=arguments.quick)


class _Teller:
    """Says on stderr how far it is: the whole takes a quarter of an hour."""

    def __init__(self, benchmark: Benchmark, runs: int) -> None:
        self._benchmark = benchmark
        self._runs = runs
        self._done = 0

    def __call__(self, found: Run) -> None:
        self._done += 1
        said = ", ".join(f"{one.row.what} {report.outcome(one)}" for one in judge(self._benchmark, [found]))
        print(f"{self._benchmark.name} {self._done}/{self._runs}: {said}", file=sys.stderr)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    names: Sequence[str] = [each.name for each in (*BENCHMARKS, *STORE_BENCHMARKS)]
    parser.add_argument("--only", action="append", choices=names, help="this one; may be given again")
    parser.add_argument("--store", action="store_true", help="the store at none, one and three million events")
    parser.add_argument("--ten-million", action="store_true", help="with --store: at ten million too")
    parser.add_argument("--runs", type=int, help=f"how many, for medians (default {FEWEST_RUNS}; 1 with --quick)")
    parser.add_argument("--quick", action="store_true", help="see that all of them run; the figures mean nothing")
    parser.add_argument("--json", action="store_true", help="everything that was measured, as JSON")
    parser.add_argument("--write", action="store_true", help="put the table into README.md, or docs/store.md, too")
    arguments = parser.parse_args()
    if arguments.runs is None:
        arguments.runs = 1 if arguments.quick else FEWEST_RUNS
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    if arguments.ten_million and not arguments.store:
        parser.error("--ten-million goes with --store")
    if arguments.write and (arguments.only or arguments.quick or arguments.json or arguments.runs < FEWEST_RUNS):
        parser.error(f"--write writes the whole table of at least {FEWEST_RUNS} runs; leave the other options out")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
