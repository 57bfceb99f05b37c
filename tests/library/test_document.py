"""The examples of docs/library.md, as a reader runs them."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx

from tests.library.ways import BrokerWay
from tests.processes import Process, headless

DOCUMENT = Path(__file__).parents[2] / "docs" / "library.md"
PUBLISH, HANDLE, LOOP, BROKER = re.findall(
    r"^```python\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.DOTALL | re.MULTILINE
)


def example(home: Path, code: str, address: str, there: str) -> Process:
    """An example running in `home`, with the address in it replaced by where it is here."""
    assert address in code
    (home / "example.py").write_text(code.replace(address, there), "utf-8")
    return Process(home, module="example")


def over_http(home: Path, code: str, url: str) -> Process:
    return example(home, code, "http://localhost:8000", url)


def test_through_a_godtui(tmp_path: Path) -> None:
    with headless(tmp_path) as godtui:
        godtui.started()
        with over_http(tmp_path, PUBLISH, godtui.url) as publishing:
            assert publishing.wait() == 0, publishing.stderr
        durable = publishing.stdout[0].removeprefix("durable: ")
        assert publishing.stdout[1] == "refused: /payload/task_id"
        with over_http(tmp_path, HANDLE, godtui.url) as handling:
            handling.until(lambda: f"answered: {durable}" in handling.stdout)
        [effect] = stored(godtui.url, "source:reviewer")
        assert (effect["correlation_id"], effect["source"]["causation_id"]) == (durable, durable)
        with over_http(tmp_path, LOOP, godtui.url) as looping:
            line = looping.until(lambda: looping.stdout)[0]
            looping.until(lambda: (tmp_path / "position").exists())
        [event] = stored(godtui.url, "type:agent.#")
        assert line == f"{event['seq']} agent.task.started {event['payload']}"
        assert godtui.stop() == 0
    assert not handling.stderr
    assert not looping.stderr


def stored(url: str, wanted: str) -> list[dict[str, Any]]:
    page: dict[str, Any] = httpx.get(f"{url}/events", params={"filter": wanted}, trust_env=False).json()
    return list(page["events"])


async def test_straight_to_a_broker(rabbit: BrokerWay, tmp_path: Path) -> None:
    async with rabbit.subscriber("reviewer"):
        pass
    with example(tmp_path, BROKER, "amqp://guest:guest@localhost:5672", rabbit.url) as process:
        assert await asyncio.to_thread(process.wait) == 0, process.stderr
    assert process.stdout == ["consumed: agent.task.started"]
