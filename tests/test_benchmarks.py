"""Every benchmark runs and comes out as a row; how fast anything is, is no test's business."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.catalogue import BENCHMARKS
from benchmarks.harness import ROOT
from benchmarks.measure import Figures, Place
from benchmarks.pressing import CursorLine
from benchmarks.rows import Benchmark, Result, Row, Rule, Run, judge
from benchmarks.store_catalogue import LARGEST, SIZES, STORE_BENCHMARKS
from benchmarks.terminal import Until

MACHINE = {
    "cpu": "Abacus",
    "cores": "2",
    "memory": "1 GiB",
    "disk": "ext4",
    "kernel": "Linux",
    "python": "3.11",
    "sqlite": "3.40",
    "load": "0.0",
}


def measured(target: str, place: Place) -> Figures:
    module, _, name = target.partition(":")
    figures: Figures | None = getattr(import_module(module), name)(place)
    return figures or {}


# Of the store's sizes one is enough: what differs is only how much is prepared.
OTHER_SIZES = tuple(f"-{size}" for size in SIZES if size != LARGEST)
EACH = (*BENCHMARKS, *(each for each in STORE_BENCHMARKS if not each.name.endswith(OTHER_SIZES)))


@pytest.mark.parametrize("benchmark_", EACH, ids=lambda each: each.name)
def test_each_benchmark_gives_the_figures_of_its_rows(benchmark_: Benchmark, tmp_path: Path) -> None:
    prepared = tmp_path / "prepared"
    prepared.mkdir()
    if benchmark_.prepare is not None:
        measured(benchmark_.prepare, Place(prepared, prepared, quick=True))
    figures: list[Figures] = []
    for target in (benchmark_.subject, benchmark_.baseline):
        folder = tmp_path / f"run{len(figures)}"
        folder.mkdir()
        figures.append(measured(target, Place(folder, prepared, quick=True)) if target else {})
        shutil.rmtree(folder)
    results = judge(benchmark_, [Run(*figures)])
    assert len(results) == len(benchmark_.rows)
    for result in results:
        assert math.isfinite(result.value)
        assert (result.baseline is not None) == bool(result.row.baseline)


def test_the_command_measures_in_processes_of_their_own_and_prints_the_table() -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--only", "validation"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100, check=True)
    row = next(line for line in done.stdout.splitlines() if "validation" in line)
    assert row.startswith("| a validation through the registry | ")
    assert " | ≤ 1 µs | ≤ 0.5 µs | " in row
    assert row.endswith(" | `.venv/bin/python -m benchmarks --only validation` |")
    assert done.stderr.startswith("validation 1/1: ")


def test_json_has_every_run() -> None:
    text = report.document(judge(ratio(), [run(30, 100), run(40, 100)]), MACHINE, 2, quick=False)
    document = json.loads(text)
    assert document["machine"] == MACHINE
    assert document["rows"][0]["runs"] == [
        {"subject": {"rate": 30.0}, "baseline": {"rate": 100.0}},
        {"subject": {"rate": 40.0}, "baseline": {"rate": 100.0}},
    ]


def test_a_result_is_the_median_of_each_runs_own_comparison() -> None:
    [result] = judge(ratio(), [run(10, 100), run(60, 200), run(90, 100)])
    assert (result.subject, result.baseline, result.value) == (60, 100, 0.3)


@pytest.mark.parametrize(
    ("rule", "subject", "met"),
    [
        (Rule.SHARE, 35, "aim"),
        (Rule.SHARE, 34, "floor"),
        (Rule.SHARE, 19, "no"),
        (Rule.MULTIPLE, 160, "aim"),
        (Rule.MULTIPLE, 250, "floor"),
        (Rule.MULTIPLE, 251, "no"),
    ],
)
def test_what_is_met(rule: Rule, subject: float, met: str) -> None:
    floor, aim = (0.2, 0.35) if rule is Rule.SHARE else (2.5, 1.6)
    assert judge(ratio(rule, floor, aim), [run(subject, 100)])[0].met == met


def test_a_result_under_too_little_load_does_not_count() -> None:
    row = Row("latency", "p99", "ms", Rule.AMOUNT, floor=80, aim=40, needs=("rate", 9_500))
    assert alone(row, {"p99": 10, "rate": 9_600}).met == "aim"
    assert alone(row, {"p99": 10, "rate": 9_400}).met == "no"


def test_a_rate_has_to_be_reached() -> None:
    row = Row("rate", "rate", "/s", Rule.LEAST, floor=500, aim=1000)
    assert [alone(row, {"rate": rate}).met for rate in (1000.0, 999.0, 500.0, 499.0)] == ["aim", "floor", "floor", "no"]
    assert "| ≥ 500 /s | ≥ 1000 /s |" in report.markdown([alone(row, {"rate": 600.0})], MACHINE, 1, quick=False)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0.00 ms"), (0.234, "0.23 ms"), (4.56, "4.56 ms"), (45.6, "45.6 ms"), (456.7, "457 ms"), (4567, "4,567 ms")],
)
def test_figures_have_three_places(value: float, text: str) -> None:
    assert report.figure(value, "ms") == text


def test_the_table_goes_between_the_markers_and_nowhere_else(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n", encoding="utf-8")
    report.write_between(file, "| new |")
    assert file.read_text(encoding="utf-8") == f"before\n{report.BEGIN}\n| new |\n{report.END}\nafter\n"


def test_a_file_without_markers_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("no place", encoding="utf-8")
    with pytest.raises(report.NoPlaceError, match="put the lines"):
        report.write_between(file, "| new |")
    assert file.read_text(encoding="utf-8") == "no place"


def test_the_cursors_line_is_found_however_the_bytes_are_cut() -> None:
    painted = "\x1b[5;1H\x1b[1;38;2;1;2;3m│\x1b[0m row\r\n\x1b[6;1H│\x1b[0m▌ row\r\n│  row".encode()
    moved = "\x1b[5;1H│\x1b[0m▌ row".encode()
    for cut in range(len(moved)):
        cursor = CursorLine()
        assert cursor(painted)
        assert not cursor(painted)
        seen = [cursor(part) for part in (moved[:cut], moved[cut:])]
        assert seen.count(True) == 1


def test_a_text_is_found_whatever_its_colours() -> None:
    found = Until("bus embedded")
    assert not found(b"\x1b[?2026h\x1b[38;2;1;2;3mbus \x1b[0m\x1b[1")
    assert found(b"membed\x1b[0mded")


def ratio(rule: Rule = Rule.SHARE, floor: float = 0.2, aim: float = 0.35) -> Benchmark:
    return Benchmark("one", "subject", (Row("one", "rate", "/s", rule, floor, aim, baseline="other"),), "baseline")


def run(subject: float, baseline: float) -> Run:
    return Run({"rate": float(subject)}, {"rate": float(baseline)})


def alone(row: Row, figures: Figures) -> Result:
    return judge(Benchmark("one", "subject", (row,)), [Run(figures, {})])[0]
