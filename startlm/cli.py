"""The door: one command a step, and new, label, run, plan, predict, search, compare, serve, demo, schema, doctor.

A step is imported when its command is called, so that `startlm --help` costs a fraction of a second.
"""

from __future__ import annotations

import inspect
import json
import os
import shlex
import sys
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import Annotated, Any, Callable, Mapping, Optional

import typer

from .commands import compare_options as options
from .commands import options as shared
from .commands.options import AskedLanguage, AsJson, Debug, Delimiter, Encoding, Name, Query, Sheet
from .commands.stopping import STOPPED, heed_termination, stopped
from .commands.usage import TOUR, Group, common_last, usage_error
from .core.errors import CallError, StartLMError, missing_extra
from .core.language import Said, say, use_language

TITLES = {
    "prepare": say("1 Prepare", "1 准备"), "build": say("2 Build", "2 构建"), "train": say("3 Train", "3 训练"),
    "evaluate": say("4 Evaluate", "4 评估"), "deploy": say("5 Deploy", "5 部署"),
}

SECTIONS = ("prepare", "clean", "build", "train", "predict", "evaluate", "deploy")
STEP_SECTIONS = {"prepare": SECTIONS[:2], "build": SECTIONS[:3], "train": SECTIONS[:5], "evaluate": SECTIONS[:6]}  # a step does those before it too


# --------------------------------------------- what every command understands

@dataclass
class _Everywhere:
    """What was said on the command line to any command."""

    as_json: bool = False
    debug: bool = False
    flags: dict[str, dict[str, str]] = field(default_factory=dict)
    forget_flags: bool = False


_said = _Everywhere()
_flagged: dict[str, tuple[Callable[..., None], tuple[str, ...]]] = {}  # commands whose flags are still to be added
_COMMON = {"language": AskedLanguage, "as_json": AsJson, "debug": Debug}


def command(*sections: str, name: str | None = None) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register a command: its own parameters, the options that every command has, and a flag for each setting of `sections`.

    The flags are derived from the settings' declarations when the command is called: that import takes time.
    """
    def register(function: Callable[..., None]) -> Callable[..., None]:
        @wraps(function)
        def called(**given: Any) -> None:
            _remember(given)
            function(**{key: value for key, value in given.items() if key in own})

        own = inspect.signature(function, eval_str=True).parameters
        parameters = [*own.values(), *(inspect.Parameter(key, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=False if key != "language" else None) for key, kind in _COMMON.items())]
        _sign(called, parameters)
        if sections:
            _flagged[name or function.__name__] = called, sections
        app.command(name=name)(called)
        return function

    return register


def _sign(called: Callable[..., None], parameters: list[inspect.Parameter]) -> None:
    """Let the parser see these parameters."""
    called.__signature__ = inspect.Signature([each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters])  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}


def _add_flags(arguments: list[str]) -> None:
    called, sections = _flagged.pop(next((word for word in arguments if not word.startswith("-")), ""), (None, ()))
    if called is not None:
        from .commands.flags import setting_parameters

        _sign(called, [*inspect.signature(called).parameters.values(), *setting_parameters(sections)])


def _hear_early(arguments: list[str]) -> None:
    """How to answer is known before the rest is understood, so that also a call that makes no sense is answered as it asks."""
    _said.as_json, _said.debug, _said.flags = "--json" in arguments, "--debug" in arguments, {}
    for word, after in zip(arguments, [*arguments[1:], ""]):
        asked = after if word == "--language" else word.removeprefix("--language=")
        if word.startswith("--language") and asked in ("zh", "en"):
            use_language(asked)  # type: ignore[arg-type]


def _remember(given: Mapping[str, Any]) -> None:
    _said.as_json, _said.debug, _said.forget_flags = given["as_json"], given["debug"], given.get("forget_flags", False)
    if given["language"]:
        if given["language"] not in ("zh", "en"):
            raise CallError(say(f"There is no language {given['language']!r}.", f"没有 {given['language']!r} 这种语言。"), say("--language zh or --language en", "--language zh 或 --language en"))
        use_language(given["language"])
    for key, value in given.items():
        section, parted, setting = key.partition("__")
        if parted and value not in (None, False, []):
            _said.flags.setdefault(section, {})[setting] = value


app = typer.Typer(cls=Group, add_completion=False, no_args_is_help=False, invoke_without_command=True, pretty_exceptions_enable=False,
                  rich_markup_mode=None, help="From your own tables to a model that answers, in five steps. 从你自己的表格到能回答问题的模型，共五步。")


@app.callback()
def tour(ctx: typer.Context, language: AskedLanguage = None, as_json: AsJson = False, debug: Debug = False) -> None:
    if ctx.invoked_subcommand is None:
        _finish({"commands": ctx.command.list_commands(ctx)}, TOUR)  # type: ignore[attr-defined]


# ------------------------------------------------------------------ commands

@command()
def new(
    name: Name,
    data: Annotated[list[str], typer.Option(help="The table to learn from; several files: --data each, or a pattern in quotes. 用来学习的表；可写多次，或用带引号的模式。")],
    join: Annotated[Optional[list[str]], typer.Option(help="Another table's columns: \"FILE on COLUMN\". 并入另一张表的列。")] = None,
    test: Annotated[Optional[str], typer.Option(help="A second table that only tests. 只用于测试的表。")] = None,
    split_column: Annotated[Optional[str], typer.Option(help="A column with train, dev, test. 说明划分的列。")] = None,
    text: Annotated[Optional[str], typer.Option(help="The text column, or several with commas. 文本列，多列用逗号。")] = None,
    columns: Annotated[Optional[str], typer.Option(help="Other columns to read, with commas, or all. 还要读的列，用逗号；或 all。")] = None,
    label: Annotated[Optional[str], typer.Option(help="The label column. 标签列。")] = None,
    task: Annotated[Optional[str], typer.Option(help="classify or score; else by the label. 任务。")] = None,
    encoding: Encoding = None, delimiter: Delimiter = None, sheet: Sheet = None, query: Query = None,
) -> None:
    """Look at a table and write a commented startlm.toml. 看一遍表格，写出 startlm.toml。"""
    from .commands.new import look_at
    from .project import new_project

    texts, beside = (tuple(part.strip() for part in (given or "").split(",") if part.strip()) for given in (text, columns))
    how = {key: value for key, value in {"encoding": encoding, "delimiter": delimiter, "sheet": sheet, "query": query}.items() if value}
    look = look_at(data, test=test, join=join or (), text=texts, columns=beside, label=label, split_column=split_column, task=task, how=how)
    given = look.settings(Path(name))
    path = new_project(Path(name), given, str(say("Every setting of this project; what stands behind # is its default.", "本项目的全部设置；# 后面是默认值。")), look.proposed, look.task)
    for said in look.said:
        _print(said)
    _finish({"settings": str(path), **given, "said": [str(said) for said in look.said]},
            say(f"\nWrote {path}. Next: startlm run {shlex.quote(name)}", f"\n已写出 {path}。下一步：startlm run {shlex.quote(name)}"))


@command(name="inspect")
def look(
    file: Annotated[str, typer.Argument(help="The table to look at. 要看的表。", metavar="FILE")],
    output: Annotated[Optional[str], typer.Option("--output", "-o", help="Where to write the page. 页面写到哪里。")] = None,
    sheet: Sheet = None, query: Query = None,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing page. 覆盖已有页面。")] = False,
) -> None:
    """Look at a table before anything is trained: one offline page. 训练之前先看看表：一个离线页面。"""
    from .commands.display import Display
    from .commands.inspect import inspect_table

    _finish(*inspect_table(file, output, Display(quiet=_said.as_json, titles=TITLES), _print, how={"sheet": sheet, "query": query}, overwrite=force))


@command()
def label(
    name: Name,
    data: shared.Unlabelled = None, text: shared.Read = None,
    check: shared.Doubts = None, who: shared.Who = None,
    encoding: Encoding = None, delimiter: Delimiter = None, sheet: Sheet = None, query: Query = None,
) -> None:
    """Label messages in the terminal, the most useful first. 在终端里标注消息，最有用的先来。"""
    from .commands.label import Asked, label_rows

    how = {key: value for key, value in {"encoding": encoding, "delimiter": delimiter, "sheet": sheet, "query": query}.items() if value}
    _finish(*label_rows(Asked(name, data, text, who, check, how), as_json=_said.as_json))


def _run(name: str, until: str) -> None:
    from .project import Project, run_project
    from .commands.display import Display

    show = Display(quiet=_said.as_json, titles=TITLES)
    project = Project(Path(name), _said.flags, forget_flags=_said.forget_flags)
    for progress in run_project(project, until):
        show.see(progress)
    _finish({"steps": show.steps, "in_force": [str(flag) for flag in project.in_force]})


def _step(step: str, doc: str) -> None:
    def step_command(name: Name) -> None:
        _run(name, step)

    step_command.__doc__ = doc
    command(*STEP_SECTIONS[step], name=step)(step_command)


_step("prepare", "Step 1 of 5: tables in, examples out. 第 1 步：读入表格，准备数据。")
_step("build", "Step 2 of 5: which models to try, and what they cost. 第 2 步：选定要尝试的模型。")
_step("train", "Step 3 of 5: climb the ladder, export what answers. 第 3 步：训练并导出。")
_step("evaluate", "Step 4 of 5: figures with intervals on the test part. 第 4 步：在测试数据上衡量。")


@command(*SECTIONS)
def deploy(
    name: Name,
    version: Annotated[Optional[str], typer.Option(help="Bring this older version back, for instance v1. 换回旧版本，如 v1。")] = None,
) -> None:
    """Step 5 of 5: publish a version that answers. 第 5 步：发布能回答的版本。"""
    if version is None:
        _run(name, "deploy")
        return
    from .project import Project, bring_back

    folder = bring_back(Project(Path(name)), version)
    _finish({"version": version, "bundle": str(folder)}, say(f"Version {version} answers now: {folder}", f"版本 {version} 已上线：{folder}"))


@command(*SECTIONS)
def run(name: Name) -> None:
    """The five steps; what is done already is not done twice. 走完五步；做过的不重复。"""
    _run(name, "deploy")


@command(*SECTIONS)
def plan(name: Name) -> None:
    """Which steps are stale, why, and what a run would cost. 哪些步骤需要重做、为什么、代价多大。"""
    from .commands.display import plan_said
    from .project import Project, cost_of, plan_project, said_of

    project = Project(Path(name), _said.flags, forget_flags=_said.forget_flags)
    states = plan_project(project)
    for said in [*said_of(project.in_force), *plan_said(states, TITLES)]:
        _print(said)
    cost = cost_of(project, states)
    _finish({"steps": [{"step": state.step, "stale": state.stale, "why": str(state.why)} for state in states], "in_force": [str(flag) for flag in project.in_force], "cost": str(cost)}, cost)


@command()
def predict(
    name: Annotated[str, typer.Argument(help="A project's or a bundle's folder. 项目或包的文件夹。", metavar="NAME")],
    file: Annotated[Optional[str], typer.Argument(help='The table to answer; "-" is standard input. 要回答的表；"-" 表示标准输入。', metavar="FILE")] = None,
    text: shared.Texts = None, output: shared.Output = None, confidences: shared.Confidences = False,
    encoding: Encoding = None, delimiter: Delimiter = None, sheet: Sheet = None, query: Query = None,
    for_excel: shared.ForExcel = False, force: shared.Force = False, neighbours: shared.Neighbours = None,
) -> None:
    """Answer new rows with the deployed version. 用已部署的版本回答新消息。"""
    from .commands.display import Display
    from .commands.predict import Asked, answer_asked
    from .predict import Output

    how = {"encoding": encoding, "delimiter": delimiter, "sheet": sheet, "query": query}
    show = Display(quiet=_said.as_json or output is None and not text, titles=TITLES)
    _finish(*answer_asked(Asked(name, file, text or [], how, neighbours), Output(output, None, confidences, for_excel, force), show, _print, as_json=_said.as_json))


@command()
def search(name: Name, query: shared.Sought, column: shared.Searched = None, top: shared.Top = 5, weights: shared.Weights = None) -> None:
    """Which rows are about this: by words, and by meaning with weights. 哪些行与此有关：按词，有权重时也按意思。"""
    from .commands.display import Display
    from .commands.search import Asked, search_rows

    _finish(*search_rows(Asked(name, query, column, top, weights), Display(quiet=_said.as_json, titles=TITLES), _print))


@command()
def compare(
    files: options.Predictions, truth: options.Truth, column: options.Columns = None, column_a: options.ColumnA = None, column_b: options.ColumnB = None,
    label: options.TrueLabel = None, against: options.Against = None, by: options.By = None, text: options.SliceText = None,
    row_id: options.RowId = None, kind: options.ComparedAs = None, separator: options.Separator = None, order: options.Order = None,
    empty_label: options.EmptyLabel = None,
) -> None:
    """Which is better? Paired tests, in plain words. 哪份预测更好。"""
    from .commands.compare import Asked, compare_files

    found = compare_files(Asked(tuple(files), truth, tuple(column or ()), (column_a, column_b), label, against, by, text, row_id, kind, separator, order, empty_label))
    _print("\n".join(map(str, found.lines)))
    _finish(found.as_json)


@command()
def serve(
    name: Annotated[str, typer.Argument(help="A project's or a bundle's folder. 项目或包的文件夹。", metavar="NAME")],
    port: Annotated[int, typer.Option(help="The port on this machine. 本机端口。", min=1, max=65535)] = 8000,
) -> None:
    """Answer over HTTP, on this machine only. 通过 HTTP 回答，仅限本机。"""
    from .predict import bundle_of
    from .server.app import HOST
    from .server.app import serve as answer

    def ready() -> None:
        address = f"http://{HOST}:{port}"
        _finish({"address": address})
        if not _said.as_json:
            print(say(f"Answering on {address} (Ctrl-C stops)", f"正在 {address} 回答（Ctrl-C 停止）"), file=sys.stderr, flush=True)

    answer(bundle_of(Path(name)), port, ready)


@command()
def demo(
    folder: Annotated[str, typer.Argument(help="Where to put it. 放在哪里。")] = "demo",
) -> None:
    """The sample company, all of it, offline. 示例公司，完整走一遍，离线运行。"""
    from .commands.demo import run_demo
    from .commands.display import Display

    _finish(run_demo(Path(folder), Display(quiet=_said.as_json, titles=TITLES), _print))


@command()
def schema(of: Annotated[str, typer.Argument(metavar="settings|report", help="Of startlm.toml, or of report.json. startlm.toml 的，或 report.json 的。")] = "settings") -> None:
    """The JSON Schema of startlm.toml or of report.json. startlm.toml 或 report.json 的 JSON Schema。"""
    from .commands.schema import schema_of

    _finish(found := schema_of(of), say(text := json.dumps(found, ensure_ascii=False, indent=1), text))


@command()
def doctor() -> None:
    """Check this machine and the installation. 检查机器和安装。"""
    from .commands.doctor import examine

    checks = examine()
    for check in checks:
        _print(say(f"{'ok ' if check.ok else 'no '} {check.said.en}", f"{'好' if check.ok else '缺'}  {check.said.zh}"))
    _finish({"checks": [{"name": check.name, "ok": check.ok, "said": str(check.said)} for check in checks]})


# -------------------------------------------------------------------- output

def _print(said: Said | str) -> None:
    if not _said.as_json:
        print(said, file=sys.stdout)


def _finish(result: dict[str, Any], said: Said | None = None) -> None:
    if _said.as_json:
        print(json.dumps(result, ensure_ascii=False, default=str), flush=True)  # serve goes on after it
    elif said is not None:
        print(said)


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 could not finish, 2 the call is wrong, 3 a gate said no, 130 Ctrl-C, 143 SIGTERM."""
    heed_termination()
    code = _main(sys.argv[1:])
    if code in STOPPED:
        # Where Ctrl-C came inside exec (by which dataclasses are made), Python would end by the signal and not with our code.
        os._exit(code)
    sys.exit(code)


def _main(arguments: list[str]) -> int:
    _hear_early(arguments)
    try:
        # Not app(): that turns Ctrl-C and a closed pipe into exits of its own.
        arguments = common_last(arguments)
        _add_flags(arguments)
        door = typer.main.get_command(app)
        with door.make_context("startlm", arguments) as context:
            door.invoke(context)
        sys.stdout.flush()
        return 0
    except StartLMError as error:
        return _report(error, error.exit_code)
    except KeyboardInterrupt as error:
        return _report(*stopped(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        from .core.disk_errors import work_error

        return _report(work_error(Path(error.filename or "."), error), 1)
    except ImportError as error:
        if isinstance(missing := missing_extra(error), StartLMError):
            return _report(missing, missing.exit_code)
        raise
    except Exception as error:  # noqa: BLE001  the command line's own usage errors; anything else is a bug and shows its traceback
        if type(error).__name__ in ("Exit", "Abort"):
            return int(getattr(error, "exit_code", 130))
        if not hasattr(error, "format_message"):
            raise
        return _report(usage_error(error), 2)


def _report(error: StartLMError, code: int) -> int:
    if _said.debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if _said.as_json:
        print(json.dumps({"error": {"message": str(error.message), "hint": str(error.hint), "where": str(error.where or ""), "exit_code": code}}, ensure_ascii=False))
    print(error if code in STOPPED else say(f"Error: {error}", f"错误：{error}"), file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
