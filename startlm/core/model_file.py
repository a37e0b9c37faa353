"""What model.json, golden.json and a manifest may say: every key, its type and its range, in one place. A key not named here is refused.

A rule takes a value and the path to it, and gives the path of the first thing that is wrong, or None.
"""

from __future__ import annotations

import re
from typing import Any, Callable, Collection, Mapping

from .errors import BundleError
from .language import say
from .members import ROLES, is_cascade, roles_of

Rule = Callable[[Any, str], str | None]

SCHEMA = 1
MOST_MEMBERS = 16
MOST_LABELS = 1_000_000
MOST_COLUMNS = 10_000
MOST_DEPTH = 6  # of what a recipe notes down
LONGEST_WORD = 10_000
WHOLE_FILES = ("model.json", "golden.json", "report.json")
_CONTROL = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")  # what moves a terminal's cursor, and worse; a head may run over several lines
MEMBER_FILES = ("tokenizer.json", "tokenizer.safetensors", "engine.json", "engine.safetensors", "engine.onnx")


# ----------------------------------------------------------------- rules

def where(good: Callable[[Any], bool]) -> Rule:
    """The value itself is good or not."""
    return lambda value, path: None if good(value) else path


def number(low: float, high: float) -> Rule:
    """A number in [low, high], finite where they are; no truth value."""
    return where(lambda value: type(value) in (int, float) and low <= value <= high)


def whole(low: int, high: int) -> Rule:
    """A whole number in [low, high]."""
    return where(lambda value: type(value) is int and low <= value <= high)


def one_of(names: Collection[Any]) -> Rule:
    """A string that is one of these."""
    return where(lambda value: isinstance(value, str) and value in names)


def texts(fewest: int) -> Rule:
    """At least so many different strings."""
    return where(lambda value: isinstance(value, list) and fewest <= len(value) <= MOST_LABELS
                 and all(_is_text(each) for each in value) and len(set(value)) == len(value))


def names(value: Any, path: str) -> str | None:
    """Different names of columns."""
    return texts(0)(value, path) or next((path for each in value if not is_name(each)), None)


def maybe(rule: Rule) -> Rule:
    """None, or what the rule allows."""
    return lambda value, path: None if value is None else rule(value, path)


def list_of(rule: Rule, fewest: int, most: int) -> Rule:
    """A list of so many values that the rule allows."""
    def check(value: Any, path: str) -> str | None:
        if not isinstance(value, list) or not fewest <= len(value) <= most:
            return path
        return next((wrong for i, each in enumerate(value) if (wrong := rule(each, f"{path}[{i}]"))), None)

    return check


def record(needed: Mapping[str, Rule], optional: Mapping[str, Rule] | None = None) -> Rule:
    """An object with these keys and no others."""
    rules = {**needed, **(optional or {})}

    def check(value: Any, path: str) -> str | None:
        if not isinstance(value, dict):
            return path
        if odd := sorted((needed.keys() - value.keys()) | (value.keys() - rules.keys())):
            return _join(path, odd[0])
        return next((wrong for key, each in value.items() if (wrong := rules[key](each, _join(path, key)))), None)

    return check


def plain(value: Any, path: str, depth: int = MOST_DEPTH) -> str | None:
    """What a recipe notes down and nothing reads to answer: numbers, words, lists and objects whose keys are plain words."""
    if isinstance(value, dict) and depth:
        odd = next((key for key in value if not key.isidentifier() or key.startswith("_")), None)
        if odd is not None:
            return _join(path, odd)
        return next((wrong for key, each in value.items() if (wrong := plain(each, _join(path, key), depth - 1))), None)
    if isinstance(value, list) and depth:
        return next((wrong for each in value if (wrong := plain(each, path, depth - 1))), None)
    good = value is None or type(value) is bool or (type(value) in (int, float) and abs(value) < 1e300) or _is_text(value)
    return None if good else path


def plain_record(value: Any, path: str) -> str | None:
    """An object of plain values."""
    return plain(value, path) if isinstance(value, dict) else path


def _is_text(value: Any) -> bool:
    """A string that can be written out again as UTF-8."""
    return isinstance(value, str) and len(value) <= LONGEST_WORD and not any("\ud800" <= letter <= "\udfff" for letter in value)


def is_name(value: Any) -> bool:
    """Whether this can be a column's name: text without control characters, save tabs and line breaks.

    >>> is_name("age\\n(years)"), is_name("age\\x1b[2J")
    (True, False)
    """
    return _is_text(value) and not _CONTROL.search(value)


def _join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


# ------------------------------------------------------------- the files

WORD = where(_is_text)
NAME = where(is_name)
COUNT = whole(0, 2**63)
FLAG = where(lambda value: type(value) is bool)
TEMPERATURE = number(0.01, 100.0)  # wider than what is ever fitted
SHARE = number(0.0, 1.0)
EXPONENT = number(0.001, 1_000.0)  # wider than what is ever fitted
SAID = record({"en": WORD, "zh": WORD})
LADDER = record({"family": WORD, "size": WORD, "parameters": COUNT, "n": COUNT, "gain": maybe(list_of(number(-1e6, 1e6), 3, 3)), "level": SHARE, "kept": FLAG},
                {"teaches": WORD, "teacher": WORD, "accuracy": SHARE, "log_loss": number(0.0, 1e6), "loss": one_of(("squared", "absolute", "quantiles")),
                 "squared_error": number(0.0, 1e12), "absolute_error": number(0.0, 1e12)})
ANY = where(lambda value: isinstance(value, dict))
COLUMN = record({"name": NAME, "kind": WORD, "habit": ANY, "encoding": ANY})  # columns.encoded checks each by its kind
INTERVAL = record({"coverage": where(lambda value: type(value) is float and 0 < value < 1), "half_width": maybe(number(0.0, 1e101)), "n": COUNT},  # targets end at 1e100
                  {"margin": maybe(number(-1e101, 1e101))})  # of three quantiles
HAND_OVER = record({"value": number(0.0, 2.0), "answered": SHARE, "error": maybe(SHARE), "error_upper": maybe(SHARE), "n": COUNT, "target": SHARE,
                    "said": SAID})
ALARMS = record({"allowed": SHARE, "alarms": SHARE, "n": COUNT, "said": SAID}, {"score": one_of(("probability", "energy")), "shift": number(-100.0, 100.0), "least": number(0.0, 1_000.0), "threshold": number(0.0, 2.0)})
CASCADE = record({"threshold": SHARE, "answered": SHARE, "loss": number(-1.0, 1.0), "low": number(-1.0, 1.0), "high": number(-1.0, 1.0), "n": COUNT, "allowed": SHARE, "said": SAID})
BUNDLE = record({"kind": one_of(["startlm bundle"]), "schema": whole(SCHEMA, SCHEMA), "version": WORD, "startlm": WORD, "python": WORD,
                 "packages": plain_record, "training_data": WORD, "licences": plain_record, "better_than_baseline": FLAG, "made_by": WORD, "settings": plain_record,
                 "files": where(lambda value: isinstance(value, dict)),
                 "sha256": WORD})


def check_manifest(manifest: Mapping[str, Any], place: str) -> None:
    """Raises BundleError for a manifest that deploy does not write."""
    _refuse(BUNDLE(manifest, ""), "manifest.json", place)


def check_files(names: Collection[str], members: int, place: str) -> None:
    """Raises BundleError for a file that belongs to none of so many members nor to the model or bundle as a whole."""
    known = {*WHOLE_FILES, *(f"members/{number}/{file}" for number in range(members) for file in MEMBER_FILES)}
    odd = sorted(set(names) - known)
    _refuse(odd[0] if odd else None, "manifest.json", place)


def check_model(settings: Mapping[str, Any], shelves: Mapping[str, Collection[str]], place: str) -> None:
    """Raises BundleError for settings that train does not write.

    shelves: the names there are of each kind: task, tokenizer, engine, cleaning (its switches).
    """
    labels = settings.get("labels")
    last = len(labels) - 1 if isinstance(labels, list) else 0
    member = record({"family": WORD, "size": WORD, "parameters": COUNT, "options": plain_record, "temperature": TEMPERATURE,
                     "tokenizer": one_of(shelves["tokenizer"]), "engine": one_of(shelves["engine"])}, {"role": one_of(ROLES)})
    every = {"schema": whole(SCHEMA, SCHEMA), "task": one_of(shelves["task"]), "text": names, "columns": list_of(COLUMN, 0, MOST_COLUMNS),
             "cleaning": record(dict.fromkeys(shelves["cleaning"], FLAG)), "ladder": list_of(LADDER, 0, MOST_MEMBERS), "members": list_of(member, 1, MOST_MEMBERS)}
    of_task = {
        "classify": ({"labels": texts(2), "temperature": TEMPERATURE, "out_of_scope": maybe(whole(0, last))},
                     {"threshold": number(0.0, 2.0), "hand_over": HAND_OVER, "out_of_scope_label": WORD, "cascade": CASCADE, "alarms": ALARMS}),
        "classify_several": ({"labels": texts(2), "temperature": TEMPERATURE, "thresholds": list_of(SHARE, last + 1, last + 1), "exponent": EXPONENT, "always_some": FLAG},
                             {"threshold": number(0.0, 2.0), "hand_over": HAND_OVER, "separator": WORD}),
        "score": ({"labels": where(lambda value: value == []), "target": ANY, "interval": INTERVAL}, {}),
    }
    needed, optional = of_task.get(str(settings.get("task")), of_task["classify"])
    _refuse(record({**every, **needed}, optional)(settings, ""), "model.json", place)
    if not settings["text"] and not settings["columns"]:
        _refuse("text", "model.json", place)
    roles = roles_of(settings["members"])
    if not (is_cascade(roles) if "cascade" in settings else set(roles) == {""}):
        _refuse("members.role", "model.json", place)


def check_golden(settings: Mapping[str, Any], count: int, model: Mapping[str, Any], place: str) -> None:
    """Raises BundleError unless there are `count` golden answers: one of the model's labels with its confidence, several with those of all, or a number."""
    labels = model["labels"]
    answer = {
        "classify": {"prediction": one_of(labels), "confidence": SHARE},
        "classify_several": {"prediction": list_of(one_of(labels), 0, len(labels)), "confidences": list_of(SHARE, len(labels), len(labels))},
        "score": {"prediction": number(-1e300, 1e300)},
    }[model["task"]]
    rule = record({"answers": list_of(record(answer), count, count)})
    _refuse(rule(settings, ""), "golden.json", place)


def _refuse(wrong: str | None, file: str, place: str) -> None:
    if wrong is not None:
        short = ascii(wrong[:120])[1:-1]
        raise BundleError(
            say(f"{file} is not one that this StartLM writes: {short} is missing, unknown or out of range.",
                f"{file} 不是当前 StartLM 写出的：{short} 缺失、无法识别或超出范围。"),
            say("Do not use this model. Deploy it again, or take an unaltered copy.", "请不要使用这个模型。请重新部署，或取一份没有改动过的副本。"),
            where=place,
        )
