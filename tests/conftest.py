"""What every test starts from: offline, nothing unpickled, English, the same seeds; and where real data lies."""

from __future__ import annotations

import os
import pickle
import random
import signal
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

if (worker := os.environ.get("PYTEST_XDIST_WORKER")) and hasattr(os, "sched_setaffinity"):
    # A core of its own for each test process, and for all that it starts: threads of two that share the cores wait for each other.
    # Before numpy is imported, which starts its threads at once.
    shared = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {shared[int(worker.removeprefix("gw")) % len(shared)]})

# What a shell starts in the background does not hear Ctrl-C, nor does anything that it starts; tests press it.
signal.signal(signal.SIGINT, signal.default_int_handler)

import numpy as np  # noqa: E402
import pytest  # noqa: E402

from startlm.core.language import speaking  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent
GUARD = str(Path(__file__).resolve().parent / "guard")
sys.path.insert(0, GUARD)
sys.path.insert(0, str(Path(__file__).resolve().parent))
import offline  # noqa: E402

sys.addaudithook(lambda event, arguments: offline.watch(event, arguments) if _guarding else None)
_guarding = False


@pytest.fixture(autouse=True)
def guard(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No socket but loopback where marked, no unpickling; the same in every Python this test starts."""
    global _guarding
    paths = [GUARD, *filter(None, [os.environ.get("PYTHONPATH")])]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(paths))
    for mark, variable in (("loopback", offline.LOOPBACK), ("unpickles", offline.UNPICKLE)):
        if request.node.get_closest_marker(mark):
            monkeypatch.setenv(variable, "1")
        else:
            monkeypatch.delenv(variable, raising=False)
    if not request.node.get_closest_marker("unpickles"):
        _forbid_loading(monkeypatch)
    offline.broken.clear()
    _guarding = True
    yield
    _guarding = False
    assert not offline.broken, offline.broken


def _forbid_loading(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also stops pickles of plain data, which name no class and so pass the hook unseen."""

    def refuse(*_: Any, **__: Any) -> None:
        offline.refuse("pickle.load, pickle.loads or torch.load was called: nothing may be unpickled")

    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    if "torch" in sys.modules:
        monkeypatch.setattr(sys.modules["torch"], "load", refuse)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Sentences come in English, whatever the machine's locale; a test of Chinese says so itself."""
    monkeypatch.setenv("STARTLM_LANGUAGE", "en")
    with speaking("en"):
        yield


@pytest.fixture(autouse=True)
def seeds() -> None:
    """The same random numbers in each test, alone or in the whole suite."""
    random.seed(0)
    np.random.seed(0)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of real sets; the test is skipped where there is none (and fails under STARTLM_REQUIRE_DATA)."""
    folder = Path(os.environ.get("STARTLM_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip("no real data: set STARTLM_DATA to a folder of sets")
    return folder


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium; see browser.py."""
    from browser import launched

    with launched() as browser:
        yield browser


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Any]:
    """A PostgreSQL server of this session's own, behind a socket in a temporary folder; see servers.py."""
    from servers import PostgreSQL

    with PostgreSQL() as server:
        yield server


@pytest.fixture(scope="session")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One deployed bundle for each family of text, from the same small table."""
    from startlm import build_model, deploy_model, evaluate_model, prepare_examples, train_model
    from tickets import TEXT_FAMILIES, tickets
    from toy_weights import built_on

    folder = tmp_path_factory.mktemp("bundles")
    examples = prepare_examples(tickets(), text="message", label="team", folder=folder / "data")
    made = {}
    for family in TEXT_FAMILIES:
        model = train_model(build_model(examples, family=family, size="small", **built_on(family)), examples, budget="2m", folder=folder / family / "train")
        report = evaluate_model(model, examples, folder=folder / family)
        made[family] = deploy_model(model, report, to=folder / family / "bundles", force=True).folder
    return made


@pytest.fixture(scope="session")
def cascade(bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One bundle in which the linear model answers what it is sure of, and the convolution the rest."""
    from cascades import join
    from test_neighbours import texts_of_all_lengths

    return join(bundles["linear"], bundles["convolution"], tmp_path_factory.mktemp("cascades") / "bundles" / "v1", texts_of_all_lengths(200))


class Made(dict[str, Path]):
    """What is asked for by name is made when it is asked for."""

    def __init__(self, make: Callable[[str], Path]) -> None:
        super().__init__()
        self.make = make

    def __missing__(self, name: str) -> Path:
        self[name] = self.make(name)
        return self[name]


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Deployed bundles of what reads columns, by the names in table_bundles.py."""
    from table_bundles import make

    folder = tmp_path_factory.mktemp("tables")
    return Made(lambda name: make(name, folder / name))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, else one process waits at the end for what the other has just begun."""
    items.sort(key=lambda item: item.path.name not in ("test_resume.py", "test_docs.py"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """Where data is required, a skipped real-data test is a failed one."""
    report = yield
    if report.skipped and item.get_closest_marker("real_data") and os.environ.get("STARTLM_REQUIRE_DATA"):
        report.outcome = "failed"
        report.longrepr = f"skipped although real data is required: {report.longrepr}"
    return report
