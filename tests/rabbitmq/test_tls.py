"""A broker behind TLS, with a certificate that we were told of or not."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from godtui.bloodbank.bus import Confirmed
from tests.broker import Node
from tests.contract.harness import PATIENCE
from tests.contract.messages import event, eventually
from tests.rabbitmq.conftest import opened

if shutil.which("openssl") is None:
    pytest.skip("no openssl to make a certificate with", allow_module_level=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for this machine that nobody signed, with its key behind it."""
    file = tmp_path_factory.mktemp("tls") / "certificate.pem"
    subject = ("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1")
    made = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject)
    subprocess.run([*made, "-keyout", file, "-out", file.with_suffix(".crt")], check=True, capture_output=True)
    file.write_text(file.read_text() + file.with_suffix(".crt").read_text())
    return file


@asynccontextmanager
async def behind_tls(node: Node, certificate: Path) -> AsyncGenerator[int]:
    """A port that speaks TLS for the node."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    tasks: set[asyncio.Task[None]] = set()

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs = await asyncio.open_connection("127.0.0.1", node.port)
        for task in (asyncio.create_task(copy(reader, theirs[1])), asyncio.create_task(copy(theirs[0], writer))):
            tasks.add(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_certificate_that_we_were_told_of(node: Node, vhost: str, certificate: Path) -> None:
    async with behind_tls(node, certificate) as port:
        url = f"amqps://guest:guest@127.0.0.1:{port}/{vhost}?cafile={certificate}"
        async with opened(url) as bus:
            assert await bus.connected(PATIENCE), bus.fault
            assert isinstance((await bus.publish([event()]))[0], Confirmed)
            assert bus.state.node == f"amqps://guest:***@127.0.0.1:{port}/{vhost}"


async def test_a_certificate_that_nobody_knows(node: Node, vhost: str, certificate: Path) -> None:
    async with (
        behind_tls(node, certificate) as port,
        opened(f"amqps://guest:guest@127.0.0.1:{port}/{vhost}") as bus,
    ):

        async def look() -> bool:
            return "certificate is not trusted" in str(bus.fault)

        await eventually(look)
        assert str(bus.fault).endswith("; add ?cafile=… to the URL")
