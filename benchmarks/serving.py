"""`POST /publish` over 64 keep-alive connections, against an empty route of the same server."""

from __future__ import annotations

import itertools
import json
import time

from benchmarks.keepalive import closed_loop, request
from benchmarks.measure import Figures, Place
from benchmarks.programs import headless, running, script

CONNECTIONS = 64
REQUESTS = 10_000


def published(place: Place) -> Figures:
    """Events a second that a headless godtui answers with 202."""
    with headless(place.folder) as (_, url):
        return _load(url, place)


def empty(place: Place) -> Figures:
    """The same requests a second to a route that does nothing."""
    with running(script("empty_server"), place.folder) as process:
        if process.stdout is None:
            raise RuntimeError("no stdout")
        return _load(process.stdout.readline().decode().strip(), place)


def _load(url: str, place: Place) -> Figures:
    """`generator` is the share of a core that this process took."""
    requests = itertools.cycle([_publish(number) for number in range(REQUESTS)])
    processor, wall = time.process_time(), time.perf_counter()
    span = {"warm_up": place.choose(1.0, 0.1), "seconds": place.choose(4.0, 0.2)}
    rate = closed_loop(url, requests.__next__, CONNECTIONS, **span)
    share = (time.process_time() - processor) / (time.perf_counter() - wall)
    return {"rate": rate, "generator": 100 * share}


def _publish(number: int) -> bytes:
    draft = {"event_type": "test.event.created", "payload": {"message": f"event {number}"}}
    return request("POST", "/publish", json.dumps(draft).encode())
