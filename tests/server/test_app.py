"""The server, first form: one bundle, this machine only."""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Iterator

import pytest

from startlm.core.errors import CallError
from startlm.server import app
from startlm.tasks.classify import Classify

pytestmark = pytest.mark.loopback


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small bundle."""
    from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model

    words = ["tea", "cup", "green kettle", "box", "茶壶", "龙井", "杯子", "tray of oolong"]
    rows = [{"m": f"{word} {i * 7919}: {ask}", "t": team} for i in range(20) for word in words
            for ask, team in (("refund please", "money"), ("包裹到哪了", "post"))]
    examples = prepare_examples(rows, text="m", label="t")
    model = train_model(build_model(examples, family="linear"), examples)
    to = tmp_path_factory.mktemp("bundles")
    deploy_model(model, evaluate_model(model, examples), to=to)
    return to / "current"


@pytest.fixture(scope="module")
def address(bundle: Path) -> Iterator[str]:
    """The address of a server that answers from the bundle."""
    port = free_port()
    server = subprocess.Popen([sys.executable, "-m", "startlm", "serve", str(bundle), "--port", str(port)], stderr=subprocess.DEVNULL)
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


@pytest.fixture
def unopened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is opened: these tests end before anything is answered."""
    monkeypatch.setattr(app, "open_bundle", lambda _: SimpleNamespace(
        labels=("a",), text_columns=("m",), columns=("m",), encoder=SimpleNamespace(kinds={}), task=Classify, settings={"labels": ["a"]}))


@pytest.mark.usefixtures("unopened")
def test_a_taken_port_gets_a_clear_word(address: str, tmp_path: Path) -> None:
    port = address.rsplit(":", 1)[1]
    with pytest.raises(CallError, match=f"{port} is taken"):
        app.serve(tmp_path, int(port), lambda: None)


@pytest.mark.usefixtures("unopened")
@pytest.mark.parametrize("code, words", [(errno.EACCES, "may not be used"), (errno.EADDRNOTAVAIL, "cannot be used")])
def test_a_port_that_cannot_be_had_is_not_called_taken(code: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket, "socket", Refusing)
    with pytest.raises(CallError, match=f"Port 80 {words}") as error:
        app.serve(tmp_path, 80, lambda: None)
    assert "taken" not in str(error.value) and "--port 8000" in str(error.value)


@pytest.mark.usefixtures("unopened")
def test_it_says_that_it_answers_only_when_it_listens(tmp_path: Path) -> None:
    port, heard = free_port(), []

    def ready() -> None:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
        heard.append(port)
        raise KeyboardInterrupt

    app.serve(tmp_path, port, ready)
    assert heard == [port]


def test_serve_with_json_prints_one_object_when_it_answers_and_nothing_when_it_is_stopped(bundle: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "startlm", "serve", str(bundle), "--port", str(port), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        address = json.loads(server.stdout.readline())["address"]
        with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
            assert json.load(answer)["status"] == "ok"
        server.send_signal(signal.SIGINT)
        rest, errors = server.communicate(timeout=20)
    assert (address, rest, errors, server.returncode) == (f"http://127.0.0.1:{port}", "", "", 0)
