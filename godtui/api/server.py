"""The application on its listeners: a TCP port, and a Unix socket for those who share the data directory."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from godtui.api.guards import TrustedListener
from godtui.api.listeners import BACKLOG, bind, bind_locally, inode, remove, socket_fault
from godtui.api.problems import unavailable
from godtui.api.protocol import JoinedHttpProtocol, ProblemWebSocketProtocol
from godtui.api.stopping import STOPPING

GRACE_SECONDS = 4
"""How long requests under way may still take: less than half of what `docker stop` waits, as more is to be stopped."""
MAX_CLIENT_FRAME_BYTES = 64 * 1024
_TICK_SECONDS = 1.0

_log = logging.getLogger(__name__)


async def serve(
    application: ASGIApp, host: str, port: int, *, socket_path: Path | None = None, grace: int = GRACE_SECONDS
) -> ApiService:
    """Serve on the running loop, and return once clients can connect.

    Port 0 is any free port. Clients of `socket_path` are not asked for a token. Raises ApiBindError.
    """
    listener = bind(host, port)
    service = ApiService(host, listener)
    try:
        await service.listen(application, listener, grace)
        if socket_path is not None:
            await service.listen_locally(application, socket_path, grace)
    except BaseException:
        await service.stop()
        raise
    return service


class ApiService:
    """Running listeners. An async context manager that stops them on leaving."""

    def __init__(self, host: str, listener: socket.socket) -> None:
        self.host = host
        self.port: int = listener.getsockname()[1]
        self.socket_path: Path | None = None
        self.socket_fault: str | None = None
        self._servers: list[tuple[_Server, asyncio.Task[None]]] = []
        self._socket_inode: int | None = None

    @property
    def url(self) -> str:
        """Where a client of this machine reaches the API."""
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - read, not bound
        host = anywhere.get(self.host, self.host)
        return f"http://[{host}]:{self.port}" if ":" in host else f"http://{host}:{self.port}"

    async def listen(self, application: ASGIApp, listener: socket.socket, grace: int) -> None:
        """Serve one more listening socket."""
        stopping = asyncio.Event()
        server = _Server(_config(_Drained(application, stopping), grace), stopping)
        task = asyncio.create_task(server.serve([listener]), name="http")
        self._servers.append((server, task))
        ready = asyncio.create_task(server.ready.wait())
        await asyncio.wait((task, ready), return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            await task

    async def listen_locally(self, application: ASGIApp, path: Path, grace: int) -> None:
        """Serve a Unix socket of the owner alone; where there can be none, `socket_fault` says why."""
        self.socket_fault = socket_fault(path)
        if self.socket_fault is not None:
            return
        listener = bind_locally(path)
        self.socket_path = path
        self._socket_inode = inode(path)
        await self.listen(TrustedListener(application), listener, grace)

    async def wait(self) -> None:
        """Until stopped. Raises what a listener died of."""
        await asyncio.gather(*(task for _, task in self._servers))

    async def stop(self) -> None:
        """Take no more requests, finish those under way, close streams with 1012, and cut what outlasts the grace."""
        for server, _ in self._servers:
            server.stopping.set()
        await asyncio.gather(*(task for _, task in self._servers), return_exceptions=True)
        for server, _ in self._servers:
            server.abort()
        self._servers.clear()
        self._remove_socket()

    def _remove_socket(self) -> None:
        if self.socket_path is not None:
            remove(self.socket_path, self._socket_inode)
        self.socket_path = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()


def _config(application: ASGIApp, grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=JoinedHttpProtocol,
        ws=ProblemWebSocketProtocol,
        ws_max_size=MAX_CLIENT_FRAME_BYTES,
        ws_ping_timeout=None,  # a client that reads slowly answers late; TCP notices one that is gone
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_graceful_shutdown=grace,
    )


class _Drained:
    """Lets requests know when the server is to stop, and tells those that outlast the grace why they are cut."""

    def __init__(self, application: ASGIApp, stopping: asyncio.Event) -> None:
        self.application = application
        self.stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[STOPPING] = self.stopping
        try:
            await self.application(scope, receive, send)
        except asyncio.CancelledError:
            _log.warning("cut %s, which outlasted the shutdown", scope["path"])
            # It may have begun to answer, or its client may be gone: then there is nothing to say.
            with contextlib.suppress(RuntimeError, OSError):
                await _STOPPING.response()(scope, receive, send)


_STOPPING = unavailable("the instance is stopping; what was asked may still happen, ask again when it is back")


class _Server(uvicorn.Server):
    """uvicorn on a loop that is not its own: it takes no signals, and waits for an event in place of polling."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stopping = stopping

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()

    async def main_loop(self) -> None:
        while not self.stopping.is_set():
            await self.on_tick(0)  # the Date header
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), _TICK_SECONDS)

    def abort(self) -> None:
        """Cut the connections that outlasted the grace."""
        for connection in list(self.server_state.connections):
            transport: Any = connection.transport
            if transport is not None:
                transport.abort()
