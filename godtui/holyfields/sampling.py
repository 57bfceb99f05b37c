"""Documents of a contract: its example, and small ones at the edges of what it accepts."""

from __future__ import annotations

from itertools import islice
from random import Random
from typing import Final

import jsonschema_rs

from godtui.holyfields.compatibility.candidates import Candidates, size
from godtui.holyfields.compatibility.places import Bundle
from godtui.holyfields.contract import Contract
from godtui.holyfields.dialects import decider
from godtui.jsontext import Json

_SEED: Final = 33
_ROUNDS: Final = 20


def example(contract: Contract) -> Json | None:
    """The first example in the schema that it accepts, else the smallest document found, else None."""
    for given in contract.examples:
        if contract.valid(given):
            return given
    return next(iter(documents(contract, 1, _SEED)), None)


def documents(contract: Contract | dict[str, Json], count: int, seed: int) -> list[Json]:
    """At most `count` different documents that the contract or schema accepts, the smallest first.

    The same for the same seed. A schema refers only to itself and is well formed, else jsonschema_rs.ValidationError.
    """
    accepts = contract.valid if isinstance(contract, Contract) else _valid(contract)
    place = Bundle.of(contract).place
    found: dict[bytes, Json] = {}
    random = Random(seed)  # noqa: S311 - documents to try, no secrets
    for _ in range(_ROUNDS):
        before = len(found)
        for value in Candidates(random).values((place,)):
            if (isinstance(value, dict) or not isinstance(contract, Contract)) and accepts(value):
                found.setdefault(size(value)[2], value)
        if len(found) >= count or 0 < len(found) == before:
            break
    return list(islice(sorted(found.values(), key=size), count))


class _Judge:
    def __init__(self, schema: dict[str, Json]) -> None:
        self._validator: jsonschema_rs.Validator = decider(schema)

    def __call__(self, value: Json) -> bool:
        try:
            return self._validator.is_valid(value)
        except (ValueError, RecursionError):
            return False


def _valid(schema: dict[str, Json]) -> _Judge:
    return _Judge(schema)
