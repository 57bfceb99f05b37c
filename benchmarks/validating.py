"""A validation as the publisher does it, contract and verdict from the registry; against the verdict alone."""

from __future__ import annotations

import timeit
from typing import Any

import jsonschema_rs

from benchmarks.measure import Figures, Place
from godtui.holyfields import Registry
from godtui.settings import packaged

EVENT_TYPE = "test.event.created"
PAYLOAD = {"message": "event 1"}


def by_registry(place: Place) -> Figures:
    """Microseconds a validation."""
    registry = Registry.load(packaged("schemas"))
    names = {"registry": registry, "event_type": EVENT_TYPE, "version": None, "payload": PAYLOAD}
    return _timed("registry.contract(event_type, version).valid(payload)", names, place)


def bare(place: Place) -> Figures:
    """Microseconds a validation."""
    schema = Registry.load(packaged("schemas")).contract(EVENT_TYPE).schema
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    return _timed("validator.is_valid(payload)", {"validator": validator, "payload": PAYLOAD}, place)


def _timed(statement: str, names: dict[str, Any], place: Place) -> Figures:
    if not eval(statement, names):
        raise RuntimeError("a valid payload was refused")
    number = place.choose(100_000, 1_000)
    rounds = timeit.repeat(statement, number=number, repeat=place.choose(15, 2), globals=names)
    # The fastest: what makes a round slower is never the statement.
    return {"time": 1_000_000 * min(rounds) / number}
