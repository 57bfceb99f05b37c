"""`python -m benchmarks.load URL RATE`: so many events a second in batches of 100, until stdin is closed."""

from __future__ import annotations

import itertools
import json
import select
import sys
from typing import Final

from benchmarks.keepalive import open_loop, request

BATCH: Final = 100
CONNECTIONS: Final = 4
BODIES: Final = 100


def main() -> None:
    url, rate = sys.argv[1], float(sys.argv[2])
    requests = itertools.cycle([_batch(number) for number in range(BODIES)])
    open_loop(url, requests.__next__, CONNECTIONS, rate / BATCH, _stdin_is_closed)


def _batch(number: int) -> bytes:
    events = [
        {"event_type": "test.event.created", "payload": {"message": f"event {BATCH * number + place}"}}
        for place in range(BATCH)
    ]
    return request("POST", "/publish/batch", json.dumps(events).encode())


def _stdin_is_closed() -> bool:
    return bool(select.select([sys.stdin], [], [], 0)[0])


if __name__ == "__main__":
    main()
