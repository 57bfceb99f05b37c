"""What is measured of the store, at none, one and three million events, and at ten where that is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from benchmarks.rows import Benchmark, Row, Rule

SIZES: Final = ("0", "1m", "3m", "10m")
FILLED: Final = {"1m": "fill_one", "3m": "fill_three", "10m": "fill_ten", "large": "fill_large"}
LARGEST: Final = "10m"


def _filled(size: str) -> str | None:
    return f"benchmarks.storing:{FILLED[size]}" if size in FILLED else None


def _append(size: str) -> Benchmark:
    return Benchmark(
        f"store-append-{size}",
        "benchmarks.storing:appended",
        baseline="benchmarks.storing:bare",
        prepare=_filled(size),
        rows=(
            Row(
                what=f"store of {size}: append with all indexes and search behind, batches of 500",
                baseline="bare batches of 500, table without index",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.25,
                aim=0.35,
                detail="to {before:,.0f} events; all of it indexed {searchable:.1f} s later",
            ),
        ),
    )


def _slowed(size: str) -> Benchmark:
    return Benchmark(
        f"store-slowed-{size}",
        "benchmarks.storing:appended",
        baseline="benchmarks.storing:appended_unsearched",
        prepare=_filled(size),
        rows=(
            Row(
                what=f"store of {size}: the writer at its most, with search behind it",
                baseline="without search",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.85,
                aim=0.95,
            ),
        ),
    )


def _lag(size: str) -> Benchmark:
    return Benchmark(
        f"store-lag-{size}",
        "benchmarks.storing:kept_up",
        prepare=_filled(size),
        rows=(
            Row(
                what=f"store of {size}: search behind the log at 5,000 events/s, at most",
                figure="lag",
                unit="s",
                rule=Rule.AMOUNT,
                floor=10,
                aim=2,
                detail="at {rate:,.0f} events/s",
                needs=("rate", 4_500.0),
            ),
        ),
    )


def _asked(size: str) -> Benchmark:
    kinds = {"type": "type", "pattern": "pattern", "source": "source", "correlation": "chain", "id": "id"}
    newest = tuple(
        Row(
            what=f"store of {size}: newest 100 by {said}, p99",
            figure=figure,
            unit="ms",
            rule=Rule.AMOUNT,
            floor=10,
            aim=2,
            detail="{events:,.0f} events",
        )
        for figure, said in {**kinds, "time": "time"}.items()
    )
    rare = Row(what=f"store of {size}: a rare word, p99", figure="rare", unit="ms", rule=Rule.AMOUNT, floor=50, aim=5)
    return Benchmark(f"store-ask-{size}", "benchmarks.asking:asked", prepare=_filled(size), rows=(*newest, rare))


def _weight(size: str) -> Benchmark:
    return Benchmark(
        f"store-bytes-{size}",
        "benchmarks.storing:weighed",
        prepare=_filled(size),
        rows=(
            Row(
                what=f"store of {size}: bytes of log and search against the events' own JSON",
                figure="bytes",
                unit="×",
                rule=Rule.AMOUNT,
                floor=2.2,
                aim=1.5,
                detail="log {log:,.0f}, search {search:,.0f}, JSON {raw:,.0f} bytes an event",
            ),
        ),
    )


_WORKS: Final = {
    "query": "a query that looks into every event and finds little",
    "export": "an export of 200,000 events",
    "replay": "a replay of 100,000 at max",
    "import": "an import of 100,000 lines",
}
_LARGE_WORKS: Final = {
    "query": "a query that looks into every event and finds little",
    "page": "a page of as many as there may be",
    "export": "an export of 300 events",
    "replay": "a replay of 300 at max",
    "import": "an import of 160 lines",
}


def _memory(what: str, size: str, function: str, works: Mapping[str, str]) -> Benchmark:
    rows = tuple(
        Row(
            what=f"{what}: {said}, memory beyond that at rest",
            figure=figure,
            unit="MiB",
            rule=Rule.AMOUNT,
            floor=60,
            aim=30,
            detail="{idle:.0f} MiB at rest",
        )
        for figure, said in works.items()
    )
    return Benchmark(f"store-memory-{size}", f"benchmarks.remembering:{function}", prepare=_filled(size), rows=rows)


_REPLAY: Final = Benchmark(
    "store-replay",
    "benchmarks.replaying:replayed",
    baseline="benchmarks.replaying:published",
    rows=(
        Row(
            what="a replay at max to the embedded bus",
            baseline="plain publishing, batches of 500",
            figure="rate",
            unit="/s",
            rule=Rule.SHARE,
            floor=0.7,
            aim=1.0,
        ),
    ),
)
_PACE: Final = Benchmark(
    "store-pace",
    "benchmarks.replaying:paced",
    rows=(
        Row(
            what="a replay at 1 ×: how far from its moment an event goes, p99",
            figure="p99",
            unit="ms",
            rule=Rule.AMOUNT,
            floor=20,
            aim=5,
            detail="p50 {p50:.1f} ms; a bare commit at the same moments p99 {commit:.1f} ms",
        ),
    ),
)

STORE_BENCHMARKS: Final = (
    *(_append(size) for size in SIZES),
    *(_slowed(size) for size in ("3m", LARGEST)),
    *(_lag(size) for size in ("3m", LARGEST)),
    *(_asked(size) for size in ("3m", LARGEST)),
    *(_weight(size) for size in ("3m", LARGEST)),
    *(_memory(f"store of {size}", size, "remembered", _WORKS) for size in ("3m", LARGEST)),
    _memory("events of 900 kB", "large", "remembered_large", _LARGE_WORKS),
    _REPLAY,
    _PACE,
)
