"""The error tree. Every error says what was wrong, where, and ends with what to do; each class owns one exit code.

    StartLMError ── CallError (2) ── MissingExtraError (2), BundleError (2)
                 ├─ WorkError (1)
                 └─ GateError (3)
"""

from __future__ import annotations

from .language import Said, say

# The packages that come with an extra: module -> (extra, package).
EXTRAS = {"torch": ("train", "torch"), "polars": ("train", "polars"), "sklearn": ("train", "scikit-learn"), "scipy": ("train", "scipy"), "lightgbm": ("train", "lightgbm"),
          "onnx": ("train", "onnx"), "onnxscript": ("train", "onnxscript"), "altair": ("train", "altair"), "vl_convert": ("train", "vl-convert-python"),
          "pyarrow": ("train", "pyarrow"), "python_calamine": ("train", "python-calamine"), "xlsxwriter": ("train", "XlsxWriter"),
          "sqlalchemy": ("train", "SQLAlchemy"), "psycopg": ("postgres", "psycopg")}


class StartLMError(Exception):
    """An error with a message, an optional place and a hint, each in both languages."""

    exit_code = 1

    def __init__(self, message: Said, hint: Said, *, where: Said | str | None = None) -> None:
        super().__init__(message, hint, where)
        self.message, self.hint, self.where = message, hint, where

    def __str__(self) -> str:
        parts = [str(self.message)]
        if self.where:
            parts.append(f"  {say('where: ', '位置：')}{self.where}")
        parts.append(f"  {say('what to do: ', '怎么办：')}{self.hint}")
        return "\n".join(parts)


class CallError(StartLMError):
    """The call, the file or the settings are wrong: the user changes something, then it works."""

    exit_code = 2


class BundleError(CallError):
    """A bundle or model folder that is altered, damaged or from elsewhere: never opened."""


class MissingExtraError(CallError):
    """A part of StartLM that is an extra is not installed."""

    def __init__(self, extra: str, package: str) -> None:
        line = f"pip install 'startlm[{extra}]'"
        super().__init__(
            say(f"This needs the package {package}, which is not installed.", f"这一步需要软件包 {package}，但它没有安装。"),
            say(f"install it: {line}", f"请安装：{line}"),
        )


def missing_extra(error: ImportError) -> ImportError | MissingExtraError:
    """The error that names the extra to install, for the failed import of a package that comes with one; else the error itself."""
    known = EXTRAS.get((error.name or "").partition(".")[0])
    return MissingExtraError(*known) if known else error


class WorkError(StartLMError):
    """The work could not be finished (disk full, not writable, another run): the same command goes on later."""

    exit_code = 1


class GateError(StartLMError):
    """A gate said no: the model is not good enough for what was asked."""

    exit_code = 3
