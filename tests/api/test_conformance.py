"""Requests that nobody thought of: no answer is a 5xx, and none contradicts the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from pydantic import SecretStr
from schemathesis import Case, SerializationContext
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from godtui.api.configuration import ApiConfig
from godtui.cli.serving import HttpService
from godtui.eventlog import Ownership
from godtui.runtime.engine import Engine
from godtui.runtime.hosting import Host
from godtui.settings import Settings
from tests.api.conftest import idle_application
from tests.dispatching import MemoryDispatcher


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An instance that runs in a thread of its own."""
    chosen = Settings(data_dir=tmp_path_factory.mktemp("data"), port=0, plane_webhook_secret=SecretStr("nobody's"))
    engine = Engine(chosen, Ownership.take(chosen.data_dir), services=(with_dispatcher,), workers=False)
    host = Host(lambda: engine, "embedded")
    host.start()
    assert engine.url is not None
    yield engine.url
    host.stop()


def with_dispatcher(engine: Engine) -> HttpService:
    """The API of an engine, with a dispatcher that has tickets."""
    engine.operations.dispatcher = MemoryDispatcher()
    return HttpService(engine)


@schemathesis.serializer("application/x-ndjson")
def write_lines(context: SerializationContext, value: object) -> bytes:
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()


BEYOND_A_SCHEMA = {
    # Whether a type is registered and its payload valid, a contract says.
    "POST /publish": [positive_data_acceptance],
    # What is wrong with one event of a batch is told in a 207.
    "POST /publish/batch": [positive_data_acceptance, negative_data_rejection],
    # Whether a filter is understood, its grammar says; cursors are given out.
    "GET /events": [positive_data_acceptance],
    "GET /stats": [positive_data_acceptance],
    "GET /dead-letters": [positive_data_acceptance],
    # Whether there is such a letter, its id does not say.
    "POST /dead-letters/{letter_id}/requeue": [positive_data_acceptance],
    # Whether a filter is understood and a queue there, and whether so many go to the bus, no schema says.
    "POST /replays": [positive_data_acceptance],
    # Whether there is such a replay, and in a state for it, its id does not say.
    **{
        f"POST /replays/{{replay_id}}/{action}": [positive_data_acceptance]
        for action in ("pause", "resume", "cancel", "step", "seek", "speed")
    },
    # That one of three things is given, and of the parameters one, no schema of theirs says.
    "POST /dispatcher/explain": [positive_data_acceptance],
    # Which signature is a body's, only its sender can work out.
    "POST /webhooks/plane": [positive_data_acceptance],
}
"""Checks of documents that an operation cannot promise, and why."""

document = schemathesis.openapi.from_dict(idle_application(ApiConfig()).openapi()).exclude(path="/stream")


@document.parametrize()
@settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(case: Case, url: str) -> None:
    case.call_and_validate(base_url=url, excluded_checks=BEYOND_A_SCHEMA.get(case.operation.label, []))
