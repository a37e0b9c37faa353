"""Step 5 of 5, deploy: model and report in, a bundle out: one version of a product, a safe folder that answers without PyTorch.

Deploy computes nothing new: it copies what train exported and evaluate measured, checks that it answers, and moves `current`.
"""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

from .core.artifacts import Bundle, Model, Report
from .core.contracts import Progress
from .core.durable import json_bytes, point_link, publish_folder, read_verified
from .core.errors import CallError, GateError
from .core.language import say
from .core.run_records import read_object
from .core.settings import with_given
from .predict import golden_predictions, open_bundle, open_model

CURRENT = "current"
# What a bundle's report may hold: figures, never rows or texts.
REPORTED = ("schema", "task", "better_than_baseline", "gain", "baseline", "rows", "languages", "figures", "figures_clean", "calibration", "hand_over", "cascade", "interval", "ladder")


@dataclass(frozen=True)
class DeploySettings:
    """Settings of [deploy]."""

    force: bool = False
    """Deploy even a model that is no better than the baseline or below its stated minimum.

    即使模型不比基线好、或低于规定的最低值，也照样部署。"""


def deploy_model(model: Model, report: Report, *, to: str | Path, settings: DeploySettings = DeploySettings(), **given: Any) -> Bundle:
    """Publish a new version under `to` and point `to`/current at it.

    Raises GateError for a model that its report does not show to be better than the baseline, unless force=True.

    >>> from tempfile import TemporaryDirectory
    >>> from startlm import build_model, evaluate_model, prepare_examples, train_model
    >>> rows = [{"m": f"refund {i}", "t": "money"} for i in range(90)] + [{"m": f"parcel {i}", "t": "post"} for i in range(90)]
    >>> examples = prepare_examples(rows, text="m", label="t")
    >>> model = train_model(build_model(examples, family="linear"), examples)
    >>> with TemporaryDirectory() as folder:
    ...     deploy_model(model, evaluate_model(model, examples), to=folder).folder.name
    'v1'
    """
    *_, last = deploy_steps(model, report, to=Path(to), settings=with_given(settings, given, section="deploy", call="deploy_model"))
    return last.result  # type: ignore[no-any-return]


def deploy_steps(model: Model, report: Report, *, to: Path, settings: DeploySettings, mark: str = "") -> Iterator[Progress]:
    """Deploy, with signs of life; the last Progress carries the Bundle. `mark` tells the bundle of one run from another's."""
    if not settings.force:
        check_gates(report)
    _, files = read_verified(model.folder or Path())
    predictor = open_model(model.folder or Path())
    golden = golden_predictions(predictor)
    to.mkdir(parents=True, exist_ok=True)
    name = next_version(to)
    manifest = {
        "kind": "startlm bundle", "schema": 1, "version": name, "startlm": _version("startlm"), "python": platform.python_version(),
        "packages": {package: _version(package) for package in ("numpy", "onnxruntime", "safetensors", "tokenizers")},
        "training_data": model.examples, "licences": {"weights": _licences(predictor.settings["members"]), "startlm": "Apache-2.0"},
        "better_than_baseline": report.better_than_baseline, "made_by": mark,
        "settings": {"task": model.task, "text": list(model.text), "columns": [each["name"] for each in model.columns], "family": model.chosen_by, "cleaning": dict(model.cleaning)},
    }
    files |= {"report.json": json_bytes({key: report.content[key] for key in REPORTED if key in report.content}), "golden.json": json_bytes({"answers": golden})}
    with publish_folder(to / name, manifest) as folder:
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    open_bundle(to / name)
    point_link(to / CURRENT, name)
    yield Progress("deploy", 1, 1, said=say(f"Version {name} answers now: {to / CURRENT}", f"版本 {name} 已上线：{to / CURRENT}"), result=Bundle(to / name))


def _licences(members: Sequence[Mapping[str, Any]]) -> str:
    """Whose the weights are: one's own, and those of pretrained encoders that they stand on."""
    others = [f"{options['origin']}: {options['licence']}" for member in members if "licence" in (options := member["options"])]
    return "; ".join(["yours: learnt from your own data", *dict.fromkeys(others)])


def check_gates(report: Report) -> None:
    """Raises GateError where the report says no."""
    if not report.better_than_baseline:
        raise GateError(say(f"Not deployed. {report.content['headline']['en']}", f"没有部署。{report.content['headline']['zh']}"),
                        say(f"give more or better rows{', or try --loss absolute: its answers tend to the median, as this baseline does' if 'target' in report.content else ''}; --force deploys it all the same",
                            f"请提供更多或更好的数据{'，或试试 --loss absolute：它的回答趋向中位数，与这里的基线一样' if 'target' in report.content else ''}；加 --force 可强行部署"))
    if (broken := report.content["broken_limit"]) is not None:
        setting = broken["setting"]
        raise GateError(say(f"Not deployed: {broken['en']}", f"没有部署：{broken['zh']}"), say(f"change [evaluate] {setting}, or --force", f"修改 [evaluate] {setting}，或加 --force"))


def next_version(to: Path) -> str:
    """v1, v2 …: one more than the highest that is there."""
    numbers = [int(path.name[1:]) for path in to.glob("v*") if path.name[1:].isdigit()]
    return f"v{max(numbers, default=0) + 1}"


def made_by(to: Path, mark: str, model: Path) -> Path | None:
    """The newest version that this mark made, of this model's very files; None where there is none. A damaged manifest is nobody's."""
    files = _listed(read_object(model / "manifest.json"))
    for number in sorted((int(path.name[1:]) for path in to.glob("v*") if path.name[1:].isdigit()), reverse=True):
        manifest = read_object(to / f"v{number}" / "manifest.json")
        if manifest.get("made_by") == mark and files.items() <= _listed(manifest).items():
            return to / f"v{number}"
    return None


def _listed(manifest: Mapping[str, Any]) -> dict[str, str]:
    """What a manifest says of each file (size and SHA-256); nothing where it is damaged."""
    files = manifest.get("files")
    return {name: str(entry) for name, entry in files.items()} if isinstance(files, dict) else {}


def answers_now(to: Path) -> str | None:
    """The name of the version that `current` points at."""
    return (to / CURRENT).readlink().name if (to / CURRENT).is_symlink() else None


def bring_back(to: Path, name: str) -> Bundle:
    """Point `current` at an older version. Raises CallError where there is none of that name."""
    versions = sorted(path.name for path in to.glob("v*"))
    if name not in versions:
        raise CallError(say(f"There is no version {name!r}.", f"没有版本 {name!r}。"), say(f"there are: {', '.join(versions) or 'none'}", f"现有版本：{'、'.join(versions) or '无'}"), where=str(to))
    open_bundle(to / name)
    point_link(to / CURRENT, name)
    return Bundle(to / name)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "unknown"
