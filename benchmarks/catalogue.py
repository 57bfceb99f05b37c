"""Everything that is measured, and how much is enough."""

from __future__ import annotations

from typing import Final

from benchmarks.rows import Benchmark, Row, Rule

BENCHMARKS: Final = (
    Benchmark(
        "embedded",
        "benchmarks.publishing:published",
        baseline="benchmarks.publishing:bare",
        rows=(
            Row(
                what="embedded bus, 64 publishers, one event at a time each, validated",
                baseline="bare group commit, 64 waiters, table without index",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.20,
                aim=0.35,
            ),
        ),
    ),
    Benchmark(
        "batches",
        "benchmarks.publishing:published_in_batches",
        baseline="benchmarks.publishing:bare_in_batches",
        rows=(
            Row(
                what="the same in batches of 100",
                baseline="bare batches of 100, a commit each, table without index",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.25,
                aim=0.45,
            ),
        ),
    ),
    Benchmark(
        "single",
        "benchmarks.publishing:published_alone",
        baseline="benchmarks.publishing:bare_alone",
        rows=(
            Row(
                what="one publisher, one event at a time",
                baseline="bare single commits, one waiter, table without index",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.5,
                aim=0.7,
            ),
        ),
    ),
    Benchmark(
        "latency",
        "benchmarks.publishing:delays_at_half",
        rows=(
            Row(
                what="p99 of a publish at half the maximum",
                figure="p99",
                unit="ms",
                rule=Rule.AMOUNT,
                floor=25,
                aim=10,
                detail="at {rate:,.0f}/s",
            ),
        ),
    ),
    Benchmark(
        "growth-own",
        "benchmarks.growing:own_in_filled",
        baseline="benchmarks.growing:own_in_empty",
        prepare="benchmarks.growing:fill_own",
        rows=(
            Row(
                what="append to 3 million events, own ids",
                baseline="to none",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.5,
                aim=0.8,
                detail="{before:,.0f} rows",
            ),
        ),
    ),
    Benchmark(
        "growth-foreign",
        "benchmarks.growing:foreign_in_filled",
        baseline="benchmarks.growing:foreign_in_empty",
        prepare="benchmarks.growing:fill_foreign",
        rows=(
            Row(
                what="append to 3 million events, foreign random ids",
                baseline="to none",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.3,
                aim=0.6,
                detail="{before:,.0f} rows",
            ),
        ),
    ),
    Benchmark(
        "broker",
        "benchmarks.brokering:published",
        baseline="benchmarks.brokering:bare_aio_pika",
        rows=(
            Row(
                what="RabbitMQ: publish → confirmed, 500 under way, validated",
                baseline="bare aio-pika, same window",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=1.0,
                aim=1.0,
            ),
        ),
    ),
    Benchmark(
        "broker-aiormq",
        "benchmarks.brokering:published",
        baseline="benchmarks.brokering:bare_aiormq",
        rows=(
            Row(
                what="the same",
                baseline="bare aiormq, same window",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=None,
                aim=0.9,
            ),
        ),
    ),
    Benchmark(
        "memory",
        "benchmarks.brokering:stored",
        baseline="benchmarks.brokering:consumed",
        rows=(
            Row(
                what="RabbitMQ: broker → committed → acked",
                baseline="bare aio-pika consumer, one ack for many, no store",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.7,
                aim=1.0,
            ),
        ),
    ),
    Benchmark(
        "broker-stream",
        "benchmarks.brokering:streamed",
        rows=(
            Row(
                what="RabbitMQ: p99 from publish to the stream, stored, at 1,000 events/s",
                figure="p99",
                unit="ms",
                rule=Rule.AMOUNT,
                floor=50,
                aim=20,
                detail="at {rate:,.0f}/s",
                needs=("rate", 950.0),
            ),
        ),
    ),
    Benchmark(
        "broker-away",
        "benchmarks.attempting:refused",
        rows=(
            Row(
                what="RabbitMQ: memory that grows while the broker is away, minutes 10 to 60",
                figure="growth",
                unit="KiB",
                rule=Rule.AMOUNT,
                floor=256,
                aim=64,
                detail="{tries:,.0f} attempts",
                needs=("tries", 700.0),
            ),
        ),
    ),
    Benchmark(
        "http",
        "benchmarks.serving:published",
        baseline="benchmarks.serving:empty",
        rows=(
            Row(
                what="`POST /publish`, 64 keep-alive connections",
                baseline="empty Starlette route, same server",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.25,
                aim=0.4,
            ),
        ),
    ),
    Benchmark(
        "webhook",
        "benchmarks.serving:delivered",
        baseline="benchmarks.serving:delivered_to_empty",
        rows=(
            Row(
                what="`POST /webhooks/plane`, verified and durable, 64 keep-alive connections",
                baseline="empty Starlette route, same server",
                figure="rate",
                unit="/s",
                rule=Rule.SHARE,
                floor=0.2,
                aim=0.35,
            ),
        ),
    ),
    Benchmark(
        "decision",
        "benchmarks.deciding:decided",
        baseline="benchmarks.deciding:bare_commits",
        prepare="benchmarks.deciding:fill",
        rows=(
            Row(
                what="p99 of a decision with 10,000 tickets in the ledger, one delivery at a time, its commit included",
                baseline="bare single commits, table without index",
                figure="p99",
                unit="ms",
                rule=Rule.AMOUNT,
                floor=5.0,
                aim=2.5,
                detail="p50 {p50:.1f} ms",
                needs=("tickets", 10_000),
            ),
        ),
    ),
    Benchmark(
        "drain",
        "benchmarks.draining:drained",
        rows=(
            Row(
                what="5,000 deliveries for 500 tickets, from the start until all are dispatched, instant hook",
                figure="rate",
                unit="/s",
                rule=Rule.LEAST,
                floor=500,
                aim=1000,
                detail="in {seconds:.1f} s",
            ),
        ),
    ),
    Benchmark(
        "validation",
        "benchmarks.validating:by_registry",
        baseline="benchmarks.validating:bare",
        rows=(
            Row(
                what="a validation through the registry",
                baseline="bare jsonschema-rs",
                figure="time",
                unit="µs",
                rule=Rule.SURPLUS,
                floor=1.0,
                aim=0.5,
            ),
        ),
    ),
    Benchmark(
        "lint",
        "benchmarks.contracting:linted",
        baseline="benchmarks.contracting:parsed",
        rows=(
            Row(
                what="1,000 schemas loaded and linted",
                baseline="the files read and parsed",
                figure="time",
                unit="s",
                rule=Rule.AMOUNT,
                floor=2.0,
                aim=1.0,
            ),
        ),
    ),
    Benchmark(
        "reload",
        "benchmarks.contracting:reloaded",
        rows=(
            Row(
                what="one of 1,000 schemas changed, until its contract is in force",
                figure="time",
                unit="ms",
                rule=Rule.AMOUNT,
                floor=100,
                aim=50,
            ),
        ),
    ),
    Benchmark(
        "generate",
        "benchmarks.contracting:generated",
        rows=(
            Row(
                what="200 types generated in both languages",
                figure="time",
                unit="s",
                rule=Rule.AMOUNT,
                floor=5.0,
                aim=2.0,
            ),
        ),
    ),
    Benchmark(
        "idle",
        "benchmarks.idling:idle",
        rows=(
            Row(what="headless, idle: processor", figure="processor", unit="%", rule=Rule.AMOUNT, floor=2.0, aim=1.0),
            Row(what="headless, idle: memory", figure="memory", unit="MiB", rule=Rule.AMOUNT, floor=130, aim=90),
        ),
    ),
    Benchmark(
        "paint",
        "benchmarks.painting:console",
        baseline="benchmarks.painting:bare",
        rows=(
            Row(
                what="start to first paint",
                baseline="a bare Textual app, same terminal",
                figure="time",
                unit="ms",
                rule=Rule.MULTIPLE,
                floor=2.5,
                aim=1.6,
            ),
        ),
    ),
    Benchmark(
        "keys",
        "benchmarks.pressing:keys",
        rows=(
            Row(
                what="console at 10,000 events/s, p99 from key to repaint",
                figure="p99",
                unit="ms",
                rule=Rule.AMOUNT,
                floor=80,
                aim=40,
                detail="at {rate:,.0f} events/s",
                needs=("rate", 9_500.0),
            ),
        ),
    ),
)
