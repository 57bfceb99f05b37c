"""Empty Starlette routes on the server that godtui uses, set up as godtui sets it up; prints its address."""

from __future__ import annotations

import asyncio
import signal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from godtui.api.server import serve


async def empty(_request: Request) -> Response:
    return Response(status_code=202)


async def main() -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    application = Starlette(routes=[Route(path, empty, methods=["POST"]) for path in ("/publish", "/webhooks/plane")])
    async with await serve(application, "127.0.0.1", 0) as service:
        print(service.url, flush=True)
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main())
