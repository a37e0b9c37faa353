"""The guard's own control: each thing it forbids is tried, and must be stopped."""

from __future__ import annotations

import io
import pickle
import socket
import subprocess
import sys
from collections import OrderedDict

import numpy as np
import offline
import pytest


def _stopped(call, *arguments) -> bool:
    with pytest.raises(offline.GuardError):
        call(*arguments)
    stopped = bool(offline.broken)
    offline.broken.clear()
    return stopped


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("127.0.0.1", 9)])
def test_no_socket_connects(address):
    with socket.socket() as plug:
        assert _stopped(plug.connect, address)


def test_no_name_is_asked_for():
    assert _stopped(socket.getaddrinfo, "example.com", 80)


@pytest.mark.loopback
def test_loopback_is_open_where_marked():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()[:2]) as plug:
        assert plug.getpeername() == server.getsockname()


@pytest.mark.loopback
def test_the_mark_opens_loopback_only():
    with socket.socket() as plug:
        assert _stopped(plug.connect, ("192.0.2.1", 80))


def test_nothing_is_unpickled():
    stored = pickle.dumps(OrderedDict(a=1))
    assert _stopped(pickle.loads, stored)
    assert _stopped(pickle.Unpickler(io.BytesIO(stored)).load)


def test_numpy_unpickles_nothing(tmp_path):
    np.save(tmp_path / "a.npy", np.array([OrderedDict(a=1)], dtype=object), allow_pickle=True)
    assert _stopped(lambda: np.load(tmp_path / "a.npy", allow_pickle=True))


@pytest.mark.parametrize("line", [
    "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
    "import pickle, collections; pickle.loads(pickle.dumps(collections.OrderedDict()))",
])  # fmt: skip
def test_a_python_started_by_a_test_is_guarded_too(line):
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True)
    assert done.returncode != 0 and "GuardError" in done.stderr
