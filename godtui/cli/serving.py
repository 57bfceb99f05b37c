"""The HTTP skin as a service of the engine."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from godtui.settings import is_loopback

if TYPE_CHECKING:
    from godtui.api.server import ApiService
    from godtui.runtime.engine import Engine

SOCKET: Final = "godtui.sock"

logger = logging.getLogger(__name__)


class HttpService:
    """Serves an engine's operations on the configured port and on the data directory's socket."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._running: ApiService | None = None

    @property
    def url(self) -> str | None:
        return None if self._running is None else self._running.url

    async def start(self) -> None:
        """Raises ApiBindError."""
        # Loaded here, so that commands which serve nothing start without it.
        from godtui.api.application import create_application
        from godtui.api.configuration import ApiConfig
        from godtui.api.server import serve

        settings = self._engine.settings
        config = ApiConfig(
            token=None if settings.api_token is None else settings.api_token.get_secret_value(),
            allowed_hosts=settings.allowed_hosts,
            max_event_bytes=settings.max_event_bytes,
            loopback=is_loopback(settings.host),
        )
        application = create_application(self._engine.operations, config, self._engine.clock)
        self._running = await serve(application, settings.host, settings.port, socket_path=settings.data_dir / SOCKET)
        logger.info("listening on %s", self._running.url, extra={"url": self._running.url})
        if self._running.socket_fault:
            logger.warning("no socket for local commands: %s", self._running.socket_fault)

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()
