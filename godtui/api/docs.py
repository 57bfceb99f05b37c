"""`GET /docs`: the OpenAPI document as one page that loads nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_STYLE = """
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 14px/1.4 ui-monospace, monospace } pre { overflow-x: auto; padding: .75rem; border: 1px solid #8886 }
h2 { border-top: 1px solid #8886; padding-top: 1.5rem }
table { border-collapse: collapse }
td { padding: .2rem 1rem .2rem 0; vertical-align: top }
p { white-space: pre-line }
"""


async def docs(request: Request) -> Response:
    """The page."""
    page = "".join(_page(request.app.openapi()))
    return Response(page, media_type="text/html; charset=utf-8", headers={"Content-Security-Policy": POLICY})


def _page(document: dict[str, Any]) -> Iterator[str]:
    info = document["info"]
    title = escape(info["title"])
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
    yield f"<h1>{title} {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
    yield '<p>The same as JSON: <a href="openapi.json">openapi.json</a></p>'
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield from _operation(method.upper(), path, operation)
    yield "<h2>Shapes</h2>"
    for name, shape in document["components"]["schemas"].items():
        yield f"<h3 id={escape(name)}>{escape(name)}</h3>{_code(shape)}"


def _operation(method: str, path: str, operation: dict[str, Any]) -> Iterator[str]:
    yield f"<h2><code>{method} {escape(path)}</code></h2>"
    yield f"<p><b>{escape(operation['summary'])}</b></p><p>{escape(operation.get('description', ''))}</p>"
    if parameters := operation.get("parameters"):
        yield f"<h3>Parameters</h3><table>{''.join(map(_parameter, parameters))}</table>"
    if body := operation.get("requestBody"):
        yield "<h3>Body</h3>"
        yield from _contents(body)
    yield "<h3>Answers</h3>"
    for status, response in operation["responses"].items():
        yield f"<p><b>{escape(status)}</b> {escape(response['description'])}</p>"
        yield from _contents(response)


def _parameter(parameter: dict[str, Any]) -> str:
    name, description = escape(parameter["name"]), escape(parameter.get("description", ""))
    schema = escape(json.dumps(parameter["schema"], ensure_ascii=False))
    return f"<tr><td><code>{name}</code><td>{description}<td><code>{schema}</code>"


def _contents(holder: dict[str, Any]) -> Iterator[str]:
    for media_type, content in holder.get("content", {}).items():
        yield f"<p><code>{escape(media_type)}</code></p>{_code(content.get('example'))}"


def _code(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"
