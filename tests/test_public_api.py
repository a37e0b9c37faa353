"""What `import startlm` offers: every name listed, typed, and shown at work; and every example in a docstring runs."""

from __future__ import annotations

import doctest
import inspect
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import startlm
from startlm.core.errors import CallError

ROOT = Path(__file__).resolve().parent.parent
SHOWN = sorted(".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
               for path in (ROOT / "startlm").rglob("*.py") if ">>>" in path.read_text(encoding="utf-8"))  # fmt: skip


def test_the_list_of_names_is_complete_and_sorted() -> None:
    assert list(startlm.__all__) == sorted(startlm._HOMES)
    assert set(startlm.__all__) <= set(dir(startlm))


def test_a_name_that_is_not_there_is_refused_as_python_does() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train_modle'"):
        startlm.train_modle  # noqa: B018


@pytest.mark.parametrize("name", startlm.__all__)
def test_a_public_name_is_typed_and_says_what_it_does(name: str) -> None:
    signature = inspect.signature(getattr(startlm, name))
    assert signature.return_annotation is not inspect.Signature.empty
    assert [each.name for each in signature.parameters.values() if each.annotation is inspect.Parameter.empty] == []
    assert inspect.getdoc(getattr(startlm, name))


@pytest.mark.parametrize("name", startlm.__all__)
def test_a_public_name_shows_an_example(name: str) -> None:
    assert doctest.DocTestParser().get_examples(inspect.getdoc(getattr(startlm, name)) or "")


@pytest.mark.parametrize("name", startlm.__all__)
def test_at_most_two_arguments_go_without_a_name(name: str) -> None:
    places = [each for each in inspect.signature(getattr(startlm, name)).parameters.values() if each.kind is each.POSITIONAL_OR_KEYWORD]
    assert len(places) <= 2


@pytest.mark.parametrize(("call", "given", "words"), [
    (startlm.build_model, {"famly": "linear"}, "Did you mean family?"), (startlm.build_model, {"size": "huge"}, '"small" | "medium"'),
    (startlm.train_model, {"seed": "one"}, "a whole number"), (startlm.evaluate_model, {"minimum_accuracy": 90}, "between 0 and 1"),
    (lambda *models, **given: startlm.deploy_model(*models, to="bundles", **given), {"forced": True}, "Did you mean force?"),
])  # fmt: skip
def test_a_keyword_is_held_to_the_rules_of_the_settings_file_before_any_work(call: Any, given: dict[str, Any], words: str) -> None:
    things = (None,) if call is startlm.build_model else (None, None)
    with pytest.raises(CallError) as error:
        call(*things, **given)
    assert words in str(error.value) and "_model(…)" in str(error.value)


def test_numbers_of_numpy_are_numbers() -> None:
    rows = [{"m": f"{word} {i}", "t": word} for i in range(9) for word in ("refund", "parcel")]
    assert len(startlm.prepare_examples(rows, text="m", label="t", seed=np.int64(3), test_share=np.float64(0.5)).rows_of("test")) == 9


@pytest.mark.parametrize("module", SHOWN)
def test_the_examples_in_docstrings_run(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    done = doctest.testmod(import_module(module))
    assert done.attempted > 0 and done.failed == 0, capsys.readouterr().out
