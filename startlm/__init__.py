"""StartLM: from your own tables to language-model products, in five steps.

    1 prepare   tables          -> examples
    2 build     examples        -> model
    3 train     model, examples -> model
    4 evaluate  model, examples -> report
    5 deploy    model, report   -> bundle

Each step is one file beside this one. A name is imported when it is first used, so `import startlm` costs nothing.

>>> sorted(name for name in __all__ if name.endswith("_model"))
['build_model', 'deploy_model', 'evaluate_model', 'train_model']
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from startlm.build import build_model
    from startlm.deploy import deploy_model
    from startlm.evaluate import evaluate_model
    from startlm.predict import open_bundle
    from startlm.prepare import prepare_examples
    from startlm.train import train_model

__version__ = "0.1.0"

__all__ = ["build_model", "deploy_model", "evaluate_model", "open_bundle", "prepare_examples", "train_model"]

_HOMES = {
    "prepare_examples": "startlm.prepare",
    "build_model": "startlm.build",
    "train_model": "startlm.train",
    "evaluate_model": "startlm.evaluate",
    "deploy_model": "startlm.deploy",
    "open_bundle": "startlm.predict",
}


def __getattr__(name: str) -> Any:
    """The public function of this name, from the module where it lives. Raises AttributeError for any other name."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    """The names a user sees, those not imported yet included."""
    return sorted([*globals(), *__all__])
