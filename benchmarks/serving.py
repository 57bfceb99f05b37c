"""`POST /publish` and `POST /webhooks/plane` over 64 keep-alive connections, against empty routes of one server."""

from __future__ import annotations

import hmac
import itertools
import json
import time
from collections.abc import Iterator
from typing import Final

from benchmarks.keepalive import MakeRequest, closed_loop, request
from benchmarks.measure import Figures, Place
from benchmarks.programs import ROOT, headless, running, script

CONNECTIONS = 64
REQUESTS = 10_000
DELIVERIES = 30_000
SECRET = "plane_wh_of_a_benchmark"
SAMPLE: Final = ROOT / "tests/dispatcher/plane/issue_updated_state.json"
EDITED: Final = b"2026-02-07T13:00:00.731904Z"
"""When the sample was edited; in every delivery at another moment, so that none came before."""


def published(place: Place) -> Figures:
    """Events a second that a headless godtui answers with 202."""
    with headless(place.folder) as (_, url):
        return _load(url, place, itertools.cycle(_publishes(place)).__next__)


def empty(place: Place) -> Figures:
    """The same requests a second to a route that does nothing."""
    return _empty(place, itertools.cycle(_publishes(place)).__next__)


def delivered(place: Place) -> Figures:
    """Deliveries of Plane's a second, every one another, that a headless godtui verifies, stores and answers."""
    with headless(place.folder, PLANE_WEBHOOK_SECRET=SECRET) as (_, url):
        return _load(url, place, _deliveries(place).__next__)


def delivered_to_empty(place: Place) -> Figures:
    """The same requests a second to a route that does nothing."""
    return _empty(place, _deliveries(place).__next__)


def _empty(place: Place, make: MakeRequest) -> Figures:
    with running(script("empty_server"), place.folder) as process:
        if process.stdout is None:
            raise RuntimeError("no stdout")
        return _load(process.stdout.readline().decode().strip(), place, make)


def _load(url: str, place: Place, make: MakeRequest) -> Figures:
    """`generator` is the share of a core that this process took."""
    processor, wall = time.process_time(), time.perf_counter()
    span = {"warm_up": place.choose(1.0, 0.1), "seconds": place.choose(4.0, 0.2)}
    rate = closed_loop(url, make, CONNECTIONS, **span)
    share = (time.process_time() - processor) / (time.perf_counter() - wall)
    return {"rate": rate, "generator": 100 * share}


def _publishes(place: Place) -> list[bytes]:
    return [_publish(number) for number in range(place.choose(REQUESTS, 100))]


def _publish(number: int) -> bytes:
    draft = {"event_type": "test.event.created", "payload": {"message": f"event {number}"}}
    return request("POST", "/publish", json.dumps(draft).encode())


def _deliveries(place: Place) -> Iterator[bytes]:
    """Deliveries without end, of which so many are made beforehand."""
    body = json.dumps(json.loads(SAMPLE.read_bytes())).encode()
    if body.count(EDITED) != 1:
        raise RuntimeError(f"{SAMPLE} was edited at another time than {EDITED.decode()}")
    fresh = (_delivery(body, number) for number in itertools.count())
    return itertools.chain(list(itertools.islice(fresh, place.choose(DELIVERIES, 100))), fresh)


def _delivery(body: bytes, number: int) -> bytes:
    """The sample as if it had been edited at another moment, signed."""
    minutes, microseconds = divmod(number, 1_000_000)
    body = body.replace(EDITED, b"2026-02-07T13:%02d:00.%06dZ" % (minutes % 60, microseconds))
    signature = hmac.digest(SECRET.encode(), body, "sha256").hex()
    return request("POST", "/webhooks/plane", body, {"X-Plane-Event": "issue", "X-Plane-Signature": signature})
