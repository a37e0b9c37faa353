"""The server, first form: one bundle, this machine only."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

pytestmark = pytest.mark.loopback


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a server that answers from a small bundle."""
    from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model

    words = ["tea", "cup", "green kettle", "box", "茶壶", "龙井", "杯子", "tray of oolong"]
    rows = [{"m": f"{word} {i * 7919}: {ask}", "t": team} for i in range(20) for word in words
            for ask, team in (("refund please", "money"), ("包裹到哪了", "post"))]
    examples = prepare_examples(rows, text="m", label="t")
    model = train_model(build_model(examples, family="linear"), examples)
    to = tmp_path_factory.mktemp("bundles")
    deploy_model(model, evaluate_model(model, examples), to=to)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "startlm", "serve", str(to / "current"), "--port", str(port)], stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    for _ in range(100):
        try:
            urllib.request.urlopen(f"{base}/health", timeout=1).close()
            break
        except OSError:
            time.sleep(0.2)
    yield base
    server.terminate()
    server.wait(timeout=10)


def post(address: str, body: bytes, **headers: str) -> tuple[int, dict]:
    request = urllib.request.Request(f"{address}/predict", data=body, headers={"Content-Type": "application/json", **headers})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            text = error.read()
            return error.code, json.loads(text) if text.startswith(b"{") else {}


def test_many_rows_are_answered_in_order(address: str) -> None:
    status, answer = post(address, json.dumps({"rows": ["包裹到哪了", {"m": "refund please"}]}).encode())
    assert status == 200 and [each["prediction"] for each in answer["answers"]] == ["post", "money"]


def test_what_is_no_request_is_refused_with_a_reason(address: str) -> None:
    for body in (b"{", b"[]", b'{"rows": []}', b'{"rows": [1]}', b'{"rows": [{"x": 1}]}', b"\xff", b"[" * 100_000):
        status, answer = post(address, body)
        assert status == 400 and answer["error"]["zh"]


def test_a_request_over_one_megabyte_is_refused(address: str) -> None:
    assert post(address, json.dumps({"rows": ["x" * (1 << 20)]}).encode())[0] == 413


def test_another_site_cannot_ask(address: str) -> None:
    assert post(address, b'{"rows": ["x"]}', Origin="http://evil.example")[0] == 403
    assert post(address, b'{"rows": ["x"]}', Host="evil.example")[0] == 400


def test_the_openapi_page_loads_nothing_from_elsewhere(address: str) -> None:
    with urllib.request.urlopen(address, timeout=10) as page, urllib.request.urlopen(f"{address}/openapi.json", timeout=10) as document:
        text, schema = page.read().decode(), json.load(document)
    assert "/predict" in schema["paths"] and "src=" not in text


def test_a_taken_port_gets_a_clear_word(address: str, tmp_path: Path) -> None:
    port = address.rsplit(":", 1)[1]
    from startlm.server.app import serve
    from startlm.core.errors import CallError

    with pytest.raises(CallError, match=port):
        _serve_again(serve, port, tmp_path)


def _serve_again(serve, port: str, tmp_path: Path) -> None:
    import startlm.server.app as app

    app.open_bundle, before = (lambda _: None), app.open_bundle
    try:
        serve(tmp_path, int(port), lambda: None)
    finally:
        app.open_bundle = before
