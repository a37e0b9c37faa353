"""`startlm serve NAME`: predict (one or many), health and an OpenAPI page, on this machine's own address only.

    curl -s localhost:8000/predict -d '{"rows": ["我的卡还没到"]}'
"""

from __future__ import annotations

import errno
import html
import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from ..core.errors import CallError, StartLMError
from ..core.language import say
from ..predict import Predictor, open_bundle

HOST = "127.0.0.1"
FIRST_FREE = 1_024  # ports below it need special rights
BACKLOG = 128  # requests that wait their turn
MOST_BYTES, MOST_ROWS = 1 << 20, 1_000
SAFE_HEADERS = {"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'self'; style-src 'unsafe-inline'"}


def make_app(predictor: Predictor, version: str) -> Starlette:
    """The application that answers from this predictor. Requests from pages of other sites are refused by their Host."""
    schema = openapi(predictor, version)

    async def predict(request: Request) -> Response:
        # A page of another site can send a simple request here without asking; JSON it cannot.
        if request.headers.get("origin") not in (None, f"http://{request.headers.get('host')}"):
            return _refusal(403, say("requests from other sites are refused", "拒绝来自其他网站的请求"))
        try:
            rows = _rows(await _body(request), predictor)
            answers = await run_in_threadpool(predictor.predict, rows)
        except StartLMError as error:
            return _refusal(413 if "MB" in str(error.message) else 400, error.message)
        return JSONResponse({"version": version, "answers": [answer._asdict() for answer in answers]}, headers=SAFE_HEADERS)

    async def health(_: Request) -> Response:
        return JSONResponse({"status": "ok", "version": version, "labels": len(predictor.labels)}, headers=SAFE_HEADERS)

    async def document(_: Request) -> Response:
        return JSONResponse(schema, headers=SAFE_HEADERS)

    async def page(_: Request) -> Response:
        return HTMLResponse(_page(schema), headers=SAFE_HEADERS)

    routes = [Route("/predict", predict, methods=["POST"]), Route("/health", health), Route("/openapi.json", document), Route("/", page)]
    return Starlette(routes=routes, middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])])


async def _body(request: Request) -> Any:
    data = bytearray()
    async for chunk in request.stream():
        data += chunk
        if len(data) > MOST_BYTES:
            raise CallError(say("the request is larger than 1 MB", "请求超过 1 MB"), say("send fewer rows at a time", "请分批发送"))
    try:
        return json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise CallError(say("the request is not JSON in UTF-8", "请求不是 UTF-8 的 JSON"), say('send {"rows": ["…"]}', '请发送 {"rows": ["…"]}')) from None


def _rows(body: Any, predictor: Predictor) -> list[Any]:
    rows = body.get("rows") if isinstance(body, dict) and set(body) == {"rows"} else None
    if not isinstance(rows, list) or not 0 < len(rows) <= MOST_ROWS or not all(isinstance(row, (str, dict)) for row in rows):
        raise CallError(say(f'send {{"rows": [...]}} with 1 to {MOST_ROWS} texts or objects', f'请发送 {{"rows": [...]}}，含 1 到 {MOST_ROWS} 条文字或对象'),
                        say(f"an object needs: {', '.join(predictor.columns)}", f"对象需要：{'、'.join(predictor.columns)}"))
    return rows


def _refusal(status: int, message: Any) -> Response:
    return JSONResponse({"error": {"en": message.en, "zh": message.zh}}, status_code=status, headers=SAFE_HEADERS)


def openapi(predictor: Predictor, version: str) -> dict[str, Any]:
    """The OpenAPI 3.1 document of this service."""
    text = {"type": "string"}
    cells = dict.fromkeys(predictor.text_columns, text) | dict.fromkeys(predictor.encoder.kinds, {"type": ["string", "number", "boolean", "null"]})
    row = {"anyOf": [text, {"type": "object", "properties": cells, "required": list(predictor.columns)}]}
    answer = {"type": "object", "properties": predictor.task.answer_schema(predictor.settings)}
    body = {"type": "object", "properties": {"rows": {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_ROWS}}, "required": ["rows"], "additionalProperties": False}
    result = {"type": "object", "properties": {"version": text, "answers": {"type": "array", "items": answer}}}
    return {"openapi": "3.1.0", "info": {"title": "StartLM", "version": version}, "paths": {
        "/predict": {"post": {"summary": "Answer one row or many", "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
                              "responses": {"200": {"description": "One answer a row", "content": {"application/json": {"schema": result}}},
                                            "400": {"description": "The request will not do"}, "413": {"description": "More than 1 MB"}}}},
        "/health": {"get": {"summary": "Whether it answers", "responses": {"200": {"description": "It does"}}}}}}


def _page(schema: dict[str, Any]) -> str:
    parts = [f"<h2><code>{method.upper()} {path}</code></h2><p>{html.escape(each['summary'])}</p>" for path, methods in schema["paths"].items() for method, each in methods.items()]
    body = html.escape(json.dumps(schema, ensure_ascii=False, indent=2))
    return (f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'><title>StartLM</title>"
            f"<style>body{{font:16px/1.5 system-ui;max-width:46rem;margin:auto;padding:1rem}}pre{{overflow-x:auto;background:#f4f4f4;padding:1rem}}</style>"
            f"<h1>StartLM {html.escape(schema['info']['version'])}</h1>{''.join(parts)}<h2><code>GET /openapi.json</code></h2><pre>{body}</pre></html>")


def serve(bundle: Path, port: int, ready: Callable[[], None]) -> None:
    """Answer from this bundle until Ctrl-C; `ready` is called once requests are taken. Raises CallError where the port cannot be had."""
    import uvicorn

    predictor = open_bundle(bundle)
    with _listening(port) as door:
        server = uvicorn.Server(uvicorn.Config(make_app(predictor, bundle.resolve().name), log_level="warning"))
        with suppress(KeyboardInterrupt):  # the server has closed by then: Ctrl-C is how it is meant to end
            ready()
            server.run(sockets=[door])


def _listening(port: int) -> socket.socket:
    """A socket that takes requests from now on; the caller closes it."""
    door = socket.socket()
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind((HOST, port))
        door.listen(BACKLOG)
    except OSError as error:
        door.close()
        raise _no_port(port, error) from None
    return door


def _no_port(port: int, error: OSError) -> CallError:
    other = port + 1 if FIRST_FREE <= port < 65_535 else 8_000
    hint = say(f"choose another: --port {other}", f"请换一个：--port {other}")
    if error.errno == errno.EADDRINUSE:
        return CallError(say(f"Port {port} is taken by another program.", f"端口 {port} 已被其他程序占用。"), hint)
    if error.errno == errno.EACCES:
        return CallError(say(f"Port {port} may not be used: those below {FIRST_FREE} are for the machine's administrator.",
                             f"没有权限使用端口 {port}：{FIRST_FREE} 以下的端口留给系统管理员。"), hint)
    return CallError(say(f"Port {port} cannot be used: {error.strerror}.", f"端口 {port} 不能使用：{error.strerror}。"), hint)
