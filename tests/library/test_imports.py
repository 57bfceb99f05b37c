"""What the library costs those who only import it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import godtui.bloodbank as library

HEAVY = ("textual", "fastapi", "starlette", "uvicorn", "rich", "click", "httpx", "websockets", "aio_pika", "aiormq",
         "jsonschema", "jsonschema_rs", "sqlite3", "aiosqlite", "yaml")  # fmt: skip


def modules_after(code: str) -> set[str]:
    """The packages that a fresh interpreter has loaded after some lines."""
    script = f"{code}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    return set(json.loads(ended.stdout))


def test_importing_it_loads_no_skin_and_no_transport() -> None:
    loaded = modules_after("from godtui.bloodbank import Publisher, Subscriber")
    assert "godtui.bloodbank.library.publisher" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_using_it_over_http_loads_no_skin_no_broker_and_no_store() -> None:
    url = "'http://localhost:1'"
    loaded = modules_after(
        f"from godtui.bloodbank import *\nPublisher.connect({url}), Subscriber.connect({url}, after=0)"
    )
    assert "httpx" in loaded
    assert loaded.isdisjoint(("textual", "fastapi", "starlette", "uvicorn", "aio_pika", "sqlite3", "jsonschema_rs"))


def test_using_it_over_amqp_loads_no_skin_and_no_http() -> None:
    url = "'amqp://localhost:1'"
    loaded = modules_after(
        f"from godtui.bloodbank import *\nPublisher.connect({url}), Subscriber.connect({url}, queue='a')"
    )
    assert "aio_pika" in loaded
    assert loaded.isdisjoint(("textual", "fastapi", "starlette", "uvicorn", "httpx", "websockets"))


@pytest.mark.parametrize("name", library.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(library, name).__name__ == name
    assert name in dir(library)


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        library.Nothing  # noqa: B018
