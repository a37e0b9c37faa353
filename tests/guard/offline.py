"""The guard every test runs under, in this process and in the Python processes it starts: no sockets, no unpickling.

An audit hook sees what Python code does whatever it is called by, so no library slips past it. The hook raises, and it
keeps the event: a library that swallows the error still fails the test.
"""

import os

LOOPBACK = "STARTLM_TEST_LOOPBACK"
UNPICKLE = "STARTLM_TEST_UNPICKLE"
HERE = ("127.0.0.1", "::1", "localhost")
SOCKETS = {"socket.connect": 1, "socket.bind": 1, "socket.sendto": 1, "socket.sendmsg": 1,
           "socket.getaddrinfo": 0, "socket.gethostbyname": 0, "socket.gethostbyaddr": 0}  # fmt: skip

broken: list[str] = []


class GuardError(RuntimeError):
    """A test did what no test may do."""


def _host(event: str, arguments: tuple) -> object:
    """The host an event speaks of; a UNIX socket's path counts as a host that is not here."""
    address = arguments[SOCKETS[event]]
    return address[0] if isinstance(address, tuple) else address


def watch(event: str, arguments: tuple) -> None:
    """The audit hook."""
    if event in SOCKETS:
        host = _host(event, arguments)
        if os.environ.get(LOOPBACK) and (host in HERE or host is None):
            return
        refuse(f"{event} to {host!r}: tests stay offline (mark loopback where a test serves on 127.0.0.1)")
    elif event == "pickle.find_class" and not os.environ.get(UNPICKLE):
        refuse(f"unpickling {arguments[0]}.{arguments[1]}: nothing may be unpickled")


def refuse(what: str) -> None:
    """Remember what was done, and stop it."""
    broken.append(what)
    raise GuardError(what)
