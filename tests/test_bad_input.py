"""Bad input, through the command, in both languages: one clear message with where and what to do, the right exit code, the folder
untouched, and what the message says to do works."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Literal

import pytest

from startlm import cli
from startlm.core.durable import hold
from startlm.core.language import speaking
from tickets import tickets

HEAD = ("message", "team")
CHINESE = re.compile("[\u4e00-\u9fff]")
WITHIN = 120  # seconds


# ------------------------------------------------------------------ set-up

def table(rows: Any, head: tuple[str, ...] = HEAD) -> bytes:
    """A CSV file."""
    lines = [",".join(f'"{cell}"' if "," in cell else cell for cell in row) for row in [head, *rows]]
    return ("\r\n".join(lines) + "\r\n").encode("utf-8")


def messages(count: int = 60) -> list[tuple[str, str]]:
    return [(row["message"], row["team"]) for row in tickets(count)]


GOOD = table(messages())


def with_line(line: bytes, at: int = 30) -> bytes:
    """The good table with one more line, which is line `at` + 1 of the file."""
    lines = GOOD.split(b"\r\n")
    return b"\r\n".join([*lines[:at], line, *lines[at:]])


def toml(data: str = "tickets.csv", **sections: str) -> str:
    """A startlm.toml that reads the table beside the project; each section's further lines as one text."""
    prepare = sections.pop("prepare", 'text = ["message"]\nlabel = "team"')
    return f'[prepare]\ndata = "../{data}"\n{prepare}\n' + "".join(f"[{name}]\n{lines}\n" for name, lines in sections.items())


def shop_at(folder: Path, data: bytes = GOOD, settings: str | None = None) -> Path:
    """A folder with tickets.csv and, where `settings` are given, a project named desk that reads it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tickets.csv").write_bytes(data)
    if settings is not None:
        (folder / "desk").mkdir()
        (folder / "desk" / "startlm.toml").write_text(settings, encoding="utf-8")
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Chinese and spaces in every path of this module just work."""
    return tmp_path / "青山 茶铺"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a finished project; tests copy it."""
    folder = shop_at(tmp_path_factory.mktemp("deployed") / "青山 茶铺", table(messages(240)), toml(build='family = "linear"'))
    done = startlm("run", "desk", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


class Calls:
    """Commands in this process, which costs a tenth of a new one: for the second language of a case, and after it was mended.

    Flags of settings are registered when the door is imported, so calls with such flags need a process of their own.
    """

    def __init__(self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, *arguments: str, folder: Path, language: Literal["en", "zh"] = "en") -> subprocess.CompletedProcess[str]:
        self.monkeypatch.chdir(folder)
        self.capsys.readouterr()
        with speaking(language):
            code = cli._main(list(arguments))
        said = self.capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Calls:
    return Calls(capsys, monkeypatch)


def startlm(*arguments: str, folder: Path, language: str = "en", path: str | None = None, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"STARTLM_LANGUAGE": language} | ({} if path is None else {"PYTHONPATH": os.pathsep.join([path, os.environ["PYTHONPATH"]])})
    done = subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, env=environment, input=stdin, capture_output=True, timeout=WITHIN, check=False)
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode("utf-8"), done.stderr.decode("utf-8"))


def listing(folder: Path) -> dict[str, str]:
    """Every file below with its hash; without the lock and the list of rejected rows, which belongs to the message."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock" and path != folder / "desk" / "data" / "rejects.csv"]
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def complaint(*arguments: str, folder: Path, code: int, words: tuple[str, ...], path: str | None = None, here: Calls | None = None) -> str:
    """Give the command in both languages: the exit code, the words that both messages name, the language, and that no file
    changed are asserted. Returns the English message; with `here`, that comes from this process."""
    before, said = listing(folder), {}
    for language in ("zh", "en"):
        done = here(*arguments, folder=folder) if here and language == "en" else startlm(*arguments, folder=folder, language=language, path=path)
        assert done.returncode == code, done.stderr
        assert_message(done.stderr, language, words)
        said[language] = done.stderr[done.stderr.index("错误：" if language == "zh" else "Error:"):]
    assert listing(folder) == before
    return said["en"]


def assert_message(stderr: str, language: str, words: tuple[str, ...]) -> None:
    assert "Traceback" not in stderr
    begin, todo = ("错误：", "怎么办：") if language == "zh" else ("Error: ", "what to do: ")
    assert stderr.count(begin) == 1 and stderr.count(todo) == 1, stderr
    message = stderr[stderr.index(begin):]
    assert bool(CHINESE.search(message.replace("青山 茶铺", ""))) == (language == "zh"), message
    for word in words:
        assert word in message, message


def succeeds(*arguments: str, folder: Path, here: Calls | None = None) -> str:
    done = (here or startlm)(*arguments, folder=folder)
    assert done.returncode == 0, done.stderr
    return done.stderr


# ----------------------------------------------- 2: the file given to `new`

@dataclass(frozen=True)
class File:
    """A file that will not do: its name, what makes it, words of the message, and what the message says to do."""

    name: str
    make: Callable[[Path], Any]
    words: tuple[str, ...]
    hint: str
    arguments: tuple[str, ...] = ()
    mend: Callable[[Path, File], File] = lambda folder, case: replace(case, name="tickets.csv")


def saved_as_csv(folder: Path, case: File) -> File:
    (folder / "saved.csv").write_bytes(GOOD)
    return replace(case, name="saved.csv")


def rewritten(folder: Path, case: File) -> File:
    (folder / case.name).write_bytes(GOOD)
    return case


def write(name: str, data: bytes) -> Callable[[Path], Any]:
    return lambda folder: (folder / name).write_bytes(data)


FILES = {
    "no such file": File("tikcets.csv", lambda folder: None, ("tikcets.csv",), "did you mean tickets.csv?"),
    "a folder": File("inbox", lambda folder: (folder / "inbox").mkdir(), ("inbox",), "give one file in it"),
    "an empty file": File("empty.csv", write("empty.csv", b""), ("empty.csv",), "give a file with rows in it"),
    "a head row only": File("head.csv", write("head.csv", b"message,team\r\n"), ("head.csv",), "add rows below the head", mend=rewritten),
    "one column": File("one.csv", write("one.csv", table([(text,) for text, _ in messages()], ("message",))), ("one.csv", "message"), "add a column of labels", mend=rewritten),
    "a binary file": File("noise.csv", write("noise.csv", random.Random(0).randbytes(20_000)), ("noise.csv",), "save it as CSV UTF-8", mend=saved_as_csv),
    "a workbook": File("book.xlsx", write("book.xlsx", b"PK\x03\x04" + bytes(99)), ("book.xlsx", "Zip"), "save it as CSV UTF-8", mend=saved_as_csv),
    "a database": File("shop.db", write("shop.db", b"SQLite format 3\0" + bytes(99)), ("shop.db", "not a database"), "query", mend=saved_as_csv),
    "an address nobody reads": File("mysql://me:secret@host/shop", lambda folder: None, ("mysql://",), "save it as CSV UTF-8", mend=saved_as_csv),
    "a wrong column name": File("tickets.csv", lambda folder: None, ("tickets.csv", "'taem'", "'team'", "message"), "did you mean 'team'? The columns are: message, team", ("--label", "taem"),
                                mend=lambda folder, case: replace(case, arguments=("--label", "team"))),
    "all texts empty": File("blank.csv", write("blank.csv", table([("", team) for _, team in messages()])), ("blank.csv", "message", "team"), "message: category (no values)", mend=rewritten),
    "numbers for texts": File("numbers.csv", write("numbers.csv", table([(str(7 * i), team) for i, (_, team) in enumerate(messages())])), ("numbers.csv", "message", "100%"), "message: number", mend=rewritten),
    "only one label": File("single.csv", write("single.csv", table([(text, "money") for text, _ in messages()])), ("single.csv", "team"), "name it: --label COLUMN", mend=rewritten),
}


@pytest.mark.parametrize("name", FILES)
def test_new_refuses(name: str, shop: Path, here: Calls) -> None:
    case = FILES[name]
    shop_at(shop)
    case.make(shop)
    said = complaint("new", "desk", "--data", case.name, *case.arguments, folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said and "secret" not in said and not (shop / "desk").exists()
    mended = case.mend(shop, case)
    succeeds("new", "desk", "--data", mended.name, *mended.arguments, folder=shop, here=here)


# -------------------------------------- 2: the rows that startlm.toml names

@dataclass(frozen=True)
class Rows:
    """A table whose rows will not do: words of the message, and how to obey what it prints."""

    data: bytes
    words: tuple[str, ...]
    hint: str
    obey: Callable[[Path, str], Any]


def add_printed_line(folder: Path, said: str) -> None:
    """Put the line that the message prints under [prepare]."""
    line = re.search(r'under \[prepare\]: (\w+ = "[^"]*")', said)
    assert line, said
    settings = folder / "desk" / "startlm.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace("[prepare]\n", f"[prepare]\n{line[1]}\n"), encoding="utf-8")


def good_table(folder: Path, said: str) -> None:
    (folder / "tickets.csv").write_bytes(GOOD)


SKIP = 'write under [prepare]: bad_rows = "skip"'
ROWS = {
    "a wrong encoding in the middle": Rows(with_line("退款给我 12,money".encode("gbk")), ("tickets.csv:31", "message", "0xCD", "utf-8"), SKIP, add_printed_line),
    "a row with too many fields": Rows(with_line(b"refund, please, my tea,money"), ("tickets.csv:31", "team", " my tea"), SKIP, add_printed_line),
    "NUL bytes": Rows(with_line(b"refund\0please,money"), ("tickets.csv:31", "message", r"refund\\x00please", "NUL"), SKIP, add_printed_line),
    "a 10 MB cell": Rows(with_line(b"x" * 10_000_000 + b",money"), ("tickets.csv:31", "message", "1,000,000"), SKIP, add_printed_line),
    "only one label": Rows(table([(text, "money") for text, _ in messages()]), ("tickets.csv", "'money'", "[prepare] label", "'team'"), "name another label column", good_table),
    "too few rows a label": Rows(table([(text, f"team {max(i, 1)}") for i, (text, _) in enumerate(messages(9))]), ("tickets.csv", "[prepare] label"), "add rows", good_table),
    "all texts empty": Rows(table([("", team) for _, team in messages()]), ("tickets.csv", "'message'", "[prepare] text"), "name another text column", good_table),
    "numbers for texts": Rows(table([(str(7 * i), team) for i, (_, team) in enumerate(messages())]), ("tickets.csv", "'message'", "[prepare] text"), "name a column of sentences", good_table),
    "an empty file": Rows(b"", ("tickets.csv",), "give a file with rows in it", good_table),
    "a head row only": Rows(b"message,team\r\n", ("tickets.csv",), "add rows below the head", good_table),
}


@pytest.mark.parametrize("name", ROWS)
def test_prepare_refuses(name: str, shop: Path, here: Calls) -> None:
    case = ROWS[name]
    shop_at(shop, case.data, toml())
    said = complaint("prepare", "desk", folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said
    case.obey(shop, said)
    succeeds("prepare", "desk", folder=shop, here=here)


def test_rejected_rows_are_listed_with_the_line_that_accepts_them(shop: Path, here: Calls) -> None:
    shop_at(shop, with_line(b"refund, please,money"), toml())
    assert here("prepare", "desk", folder=shop).returncode == 2
    with (shop / "desk" / "data" / "rejects.csv").open(encoding="utf-8", newline="") as stream:
        [row] = csv.DictReader(stream)
    assert (row["file"], row["line"], row["column"], row["kind"], row["accept"]) == ("tickets.csv", "31", "team", "too_many_fields", 'bad_rows = "skip"')


def test_a_table_that_went_away_is_missed_by_its_path(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml("gone.csv"))
    for command in ("run", "plan"):
        assert "check the path" in complaint(command, "desk", folder=shop, code=2, words=("gone.csv",), here=here)
    (shop / "tickets.csv").rename(shop / "gone.csv")
    succeeds("prepare", "desk", folder=shop, here=here)


# ---------------------------------------------------- 2: startlm.toml itself

@dataclass(frozen=True)
class Settings:
    """Settings that will not do, and the replacement that the message asks for."""

    text: str
    words: tuple[str, ...]
    hint: str
    wrong: str
    right: str


SETTINGS = {
    "a misspelt key": Settings(toml(prepare='text = ["message"]\nlabel = "team"\nbad_row = "skip"'), ("startlm.toml", "[prepare] bad_row", "bad_rows", "encoding"), "Did you mean bad_rows?", "bad_row ", "bad_rows "),
    "a misspelt section": Settings(toml(biuld='family = "linear"'), ("startlm.toml", "biuld", "build", "evaluate"), "Did you mean build?", "[biuld]", "[build]"),
    "a text for a number": Settings(toml(train='seed = "three"'), ("startlm.toml", '[train] seed = "three"'), "for instance: seed = 0", 'seed = "three"', "seed = 0"),
    "a number for a text": Settings(toml(train="budget = 5"), ("startlm.toml", "[train] budget = 5", "budget = "), 'for instance: budget = "5m"', "budget = 5", 'budget = "5m"'),
    "a text for a list": Settings(toml(prepare='text = "message"\nlabel = "team"'), ("startlm.toml", '[prepare] text = "message"'), 'for instance: text = ["message"]', 'text = "message"', 'text = ["message"]'),
    "a word that is no choice": Settings(toml(build='size = "huge"'), ("startlm.toml", '[build] size = "huge"', '"small"', '"large"'), 'for instance: size = "auto"', '"huge"', '"auto"'),
    "a wrong column name": Settings(toml(prepare='text = ["mesage"]\nlabel = "team"'), ("tickets.csv", "'mesage'", "'message'", "team"), "did you mean 'message'? The columns are: message, team", "mesage", "message"),
    "an unknown family": Settings(toml(build='family = "liner"'), ("startlm.toml", "[build] family", "'liner'", "'linear'", "lstm"), "did you mean 'linear'?", "liner", "linear"),
    "a share above one": Settings(toml(prepare='text = ["message"]\nlabel = "team"\ntest_share = 20'), ("startlm.toml", "[prepare] test_share = 20"), "for instance: test_share = 0.2", "= 20", "= 0.2"),
    "a negative number": Settings(toml(train="seed = -1"), ("startlm.toml", "[train] seed = -1"), "for instance: seed = 0", "-1", "0"),
    "no TOML at all": Settings(toml(build="family = linear"), ("startlm.toml", "line 6"), "mend that line", "= linear", '= "linear"'),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_settings_are_refused_before_any_work(name: str, shop: Path, here: Calls) -> None:
    case = SETTINGS[name]
    shop_at(shop, settings=case.text)
    said = complaint("build", "desk", folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said
    (shop / "desk" / "startlm.toml").write_text(case.text.replace(case.wrong, case.right), encoding="utf-8")
    succeeds("build", "desk", folder=shop, here=here)


TEAM = 'text = ["message"]\nlabel = "team"\n'
SPLITS = {
    "a join key that repeats": Settings(TEAM + 'join = ["../teams.csv on team"]', ("teams.csv", "'money'", "1, 3"), 'join = ["… on team, first"]', 'on team"', 'on team, first"'),
    "a join key that is not there": Settings(TEAM + 'join = ["../teams.csv on taem, first"]', ("teams.csv", "'taem'"), "did you mean 'team'?", "taem", "team"),
    "a joined table that is not there": Settings(TEAM + 'join = ["../tems.csv on team, first"]', ("tems.csv",), "did you mean teams.csv?", "tems", "teams"),
    "a join of another form": Settings(TEAM + 'join = ["../teams.csv"]', ("startlm.toml", "[prepare] join", "customers.csv on customer_id"), "take it out", 'join = ["../teams.csv"]', ""),
    "a pattern that no file fits": Settings(TEAM, ("*.cvs",), "check the folder and the name", "*.cvs", "tick*.csv"),
    "a time column without a day": Settings(TEAM + 'time_column = "message"', ("tickets.csv", "'message'"), "name another [prepare] time_column", 'time_column = "message"', ""),
    "a group column of two values": Settings(TEAM + 'group_column = "desk"\njoin = ["../teams.csv on team, first"]', ("tickets.csv", "'desk'"), "take group_column out", 'group_column = "desk"', ""),
}


@pytest.mark.parametrize("name", SPLITS)
def test_prepare_refuses_what_cannot_be_joined_or_split(name: str, shop: Path, here: Calls) -> None:
    case, data = SPLITS[name], "*.cvs" if "pattern" in name else "tickets.csv"
    shop_at(shop, settings=toml(data, prepare=case.text))
    (shop / "teams.csv").write_text("team,desk\nmoney,a\npost,b\nmoney,c\n", encoding="utf-8")
    said = complaint("prepare", "desk", folder=shop, code=2, words=case.words, here=here)
    assert case.hint in said
    settings = shop / "desk" / "startlm.toml"
    settings.write_text(settings.read_text(encoding="utf-8").replace(case.wrong, case.right), encoding="utf-8")
    succeeds("prepare", "desk", folder=shop, here=here)


def test_a_wrong_flag_is_refused_as_a_wrong_line_is(shop: Path) -> None:
    shop_at(shop, settings=toml())
    said = complaint("build", "desk", "--family", "liner", folder=shop, code=2, words=("[build] family", "'liner'"))
    assert "the command line" in said and "did you mean 'linear'?" in said
    succeeds("build", "desk", "--family", "linear", folder=shop)


# ----------------------------------------------------------- 2: the call

def test_a_call_that_makes_no_sense_is_answered_in_the_asked_language(shop: Path) -> None:
    shop_at(shop, settings=toml())
    assert "did you mean build?" in complaint("biuld", "desk", folder=shop, code=2, words=("'biuld'",))
    assert "did you mean --family?" in complaint("build", "desk", "--famly", "linear", folder=shop, code=2, words=("--famly",))
    assert "write: startlm build NAME" in complaint("build", folder=shop, code=2, words=("startlm build", "NAME"))
    assert "startlm new desk --data FILE" in complaint("run", "counter", folder=shop, code=2, words=("counter", "startlm.toml")).replace("counter", "desk")
    assert CHINESE.search(startlm("build", "--language", "zh", folder=shop).stderr)


def test_json_gives_one_object_for_an_error_too(shop: Path) -> None:
    shop_at(shop, settings=toml("gone.csv"))
    for arguments in (("prepare", "desk", "--json"), ("prepare", "--json")):
        done = startlm(*arguments, folder=shop)
        error = json.loads(done.stdout)["error"]
        assert done.returncode == error["exit_code"] == 2 and error["message"] and error["hint"]


def test_new_onto_an_existing_project_is_refused(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml())
    said = complaint("new", "desk", "--data", "tickets.csv", folder=shop, code=2, words=("desk", "startlm.toml"), here=here)
    assert "give another name" in said
    succeeds("new", "counter", "--data", "tickets.csv", folder=shop, here=here)


# --------------------------------------------------------- 2: answering

def test_predict_does_not_write_onto_a_file_without_force(deployed: Path, here: Calls) -> None:
    (deployed / "mine.csv").write_bytes(b"precious")
    said = complaint("predict", "desk", "tickets.csv", "-o", "mine.csv", folder=deployed, code=2, words=("mine.csv", "--force"), here=here)
    assert "--force to replace it" in said
    succeeds("predict", "desk", "tickets.csv", "-o", "mine.csv", "--force", folder=deployed, here=here)


def test_predict_stops_at_a_row_that_cannot_be_read_and_leaves_nothing(deployed: Path, here: Calls) -> None:
    (deployed / "new.csv").write_bytes(with_line(b"refund, please, my tea,money"))
    said = complaint("predict", "desk", "new.csv", "-o", "answers.csv", folder=deployed, code=2, words=("new.csv:31", "team", " my tea"), here=here)
    assert "mend that row or take it out" in said
    (deployed / "new.csv").write_bytes(GOOD)
    succeeds("predict", "desk", "new.csv", "-o", "answers.csv", folder=deployed, here=here)


def test_predict_names_the_column_that_the_model_reads(deployed: Path, here: Calls) -> None:
    (deployed / "other.csv").write_bytes(GOOD.replace(b"message,team", b"massage,team", 1))
    said = complaint("predict", "desk", "other.csv", "-o", "others.csv", folder=deployed, code=2, words=("other.csv", "'message'", "massage"), here=here)
    assert "rename a column" in said
    (deployed / "other.csv").write_bytes(GOOD)
    succeeds("predict", "desk", "other.csv", "-o", "others.csv", folder=deployed, here=here)


def test_an_altered_bundle_is_refused_and_made_again(deployed: Path, shop: Path, here: Calls) -> None:
    shutil.copytree(deployed, shop, symlinks=True)
    weights = next((shop / "desk" / "bundles" / "v1").rglob("engine.safetensors"))
    data = bytearray(weights.read_bytes())
    data[len(data) // 2] ^= 1
    weights.write_bytes(data)
    said = complaint("predict", "desk", "--text", "refund", folder=shop, code=2, words=("v1", "members/0/engine.safetensors"), here=here)
    assert "make it again with the command that made it" in said
    succeeds("run", "desk", folder=shop, here=here)
    assert succeeds("predict", "desk", "--text", "refund", folder=shop, here=here) == ""


# ---------------------------------------------- 2: an extra is not installed

@pytest.fixture
def without(tmp_path: Path) -> Callable[..., str]:
    """A folder for PYTHONPATH that makes these packages look as if they weren't installed."""
    def hide(*packages: str) -> str:
        for package in packages:
            line = f"raise ModuleNotFoundError(\"No module named '{package}'\", name={package!r})\n"
            (tmp_path / f"{package}.py").write_text(line, encoding="utf-8")
        return str(tmp_path)
    return hide


@pytest.mark.parametrize(("package", "shown", "family", "command", "before"), [
    ("polars", "polars", "linear", "prepare", None), ("sklearn", "scikit-learn", "linear", "train", "build"), ("torch", "torch", "lstm", "build", "prepare"),
])
def test_an_extra_that_is_missing_is_named_with_its_install_line(package: str, shown: str, family: str, command: str, before: str | None, shop: Path, without: Callable[..., str], here: Calls) -> None:
    shop_at(shop, settings=toml(build=f'family = "{family}"'))
    if before:
        succeeds(before, "desk", folder=shop, here=here)
    said = complaint(command, "desk", folder=shop, code=2, words=(shown, "pip install 'startlm[train]'"), path=without(package))
    assert f"needs the package {shown}" in said
    succeeds(command, "desk", folder=shop, here=here)


def test_the_base_answers_without_any_extra(deployed: Path, without: Callable[..., str]) -> None:
    done = startlm("predict", "desk", "--text", "refund", folder=deployed, path=without("polars", "torch", "sklearn", "scipy", "onnx"))
    assert done.returncode == 0, done.stderr


# ------------------------------------------------------------- 1: the disk

def on_a_disk_of_its_own(folder: Path, options: str, script: str) -> str:
    """Run a shell script in `folder`, whose "desk" lies on a tmpfs mounted with `options` in a name space of its own.

    `startlm ARGUMENTS` in the script writes its exit code to standard output. Skips, with a word, where mounting is refused.
    """
    seed, names = folder / "seed", "unshare -m" if os.geteuid() == 0 else "unshare -rm"
    if not seed.exists():
        (folder / "desk").rename(seed)
        (folder / "desk").mkdir()
    function = f'startlm() {{ "{sys.executable}" -m startlm "$@"; echo "code $?"; }}; '
    mount = "mount -t tmpfs -o size=4m tmpfs desk && cp seed/* desk && mount -o remount," + options + " desk && "
    tried = subprocess.run([*names.split(), "sh", "-c", mount + "true"], cwd=folder, capture_output=True, check=False)
    if tried.returncode:
        pytest.skip(f"NOT TESTED: this machine refuses to mount: {tried.stderr.decode().strip()}")
    done = subprocess.run([*names.split(), "sh", "-c", mount + function + script], cwd=folder, capture_output=True, text=True, timeout=WITHIN, check=False)
    return done.stdout + done.stderr


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_folder_that_is_not_writable(language: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARTLM_LANGUAGE", language)
    shop_at(shop, settings=toml())
    said = on_a_disk_of_its_own(shop, "ro", "startlm prepare desk; ls -A desk; mount -o remount,rw desk; startlm prepare desk")
    assert "code 1" in said and "code 0" in said, said
    assert_message(said[said.index("错误：" if language == "zh" else "Error: "):].partition("1 准备" if language == "zh" else "1 Prepare")[0], language, ("desk",))
    assert "code 1\nstartlm.toml\ncode 0" in said, "nothing was written"


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_disk_that_is_full(language: str, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STARTLM_LANGUAGE", language)
    shop_at(shop, table(messages(240)), settings=toml(build='family = "linear"'))
    fill = "dd if=/dev/zero of=desk/filler bs=4k count=4096 2>/dev/null; "
    said = on_a_disk_of_its_own(shop, "size=1m", f"{fill} startlm prepare desk; find desk -name '.partial*'; rm desk/filler; startlm prepare desk; {fill} startlm build desk; rm desk/filler; startlm build desk")
    assert re.findall("code (\\d+)", said) == ["1", "0", "1", "0"], said
    assert ".partial" not in said and "Traceback" not in said
    assert said.count("磁盘已满" if language == "zh" else "The disk is full") == 2


def test_a_second_run_is_refused_while_the_first_is_at_work(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml())
    with hold(shop / "desk"):
        said = complaint("prepare", "desk", folder=shop, code=1, words=("desk", str(os.getpid())))
    assert "Wait until it has finished" in said
    succeeds("prepare", "desk", folder=shop, here=here)


# ------------------------------------------------ 130: Ctrl-C, 143: SIGTERM

STOPPING = """
import os, signal, sys

class Watching:
    def __getattr__(self, name):
        return getattr(sys.__stderr__, name)

    def write(self, text):
        sys.__stderr__.write(text)
        if {title!r} in text:
            os.kill(os.getpid(), signal.SIGINT)

sys.stderr = Watching()
from startlm.cli import main
main()
"""


def test_ctrl_c_in_each_step_and_the_same_command_goes_on(shop: Path, here: Calls) -> None:
    shop_at(shop, table(messages(240)), toml(build='family = "linear"'))
    titles = {"zh": ("1 准备", "2 构建", "3 训练"), "en": ("4 Evaluate", "5 Deploy")}
    for language, title in [(language, title) for language, each in titles.items() for title in each]:
        done = subprocess.run([sys.executable, "-c", STOPPING.format(title=title), "run", "desk"], cwd=shop, capture_output=True, timeout=WITHIN, check=False,
                              env=os.environ | {"STARTLM_LANGUAGE": language})
        said = done.stderr.decode("utf-8")
        assert done.returncode == 130 and "Traceback" not in said, said
        assert said.rstrip().endswith("再次输入同一命令即可继续" if language == "zh" else "the same command goes on where it stopped")
        assert not list(shop.rglob(".partial-*"))
    succeeds("run", "desk", folder=shop)
    assert len(list((shop / "desk" / "runs").glob("*/run.json"))) == 1
    assert [path.name for path in (shop / "desk" / "bundles").glob("v*")] == ["v1"]
    succeeds("predict", "desk", "--text", "refund", folder=shop, here=here)


def test_ctrl_c_from_outside_while_a_network_trains(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml(build='family = "convolution"\nsize = "small"', train='budget = "2s"'))
    with subprocess.Popen([sys.executable, "-m", "startlm", "train", "desk"], cwd=shop, stderr=subprocess.PIPE, text=True, encoding="utf-8") as running:
        assert running.stderr is not None
        for line in running.stderr:
            if line.startswith("3 Train"):
                break
        running.send_signal(signal.SIGINT)
        said = running.stderr.read()
        assert running.wait(WITHIN) == 130 and "Traceback" not in said, said
    succeeds("train", "desk", folder=shop, here=here)


@pytest.mark.parametrize(("key", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_ctrl_c_and_sigterm_while_the_steps_are_still_imported(key: str, code: int, shop: Path) -> None:
    program = f"import os, signal, sys\nclass Stop:\n  def find_spec(self, name, *rest):\n    if name == 'startlm.project': os.kill(os.getpid(), signal.{key})\n"
    program += "sys.meta_path.insert(0, Stop()); from startlm.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", program, "run", "desk"], cwd=shop_at(shop), capture_output=True, text=True, timeout=WITHIN, check=False)
    assert done.returncode == code and done.stderr.startswith("Stopped."), done.stderr


def test_sigterm_that_whoever_started_the_command_ignores_stays_ignored() -> None:
    program = "import os, signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); from startlm.commands.stopping import heed_termination; heed_termination(); os.kill(os.getpid(), signal.SIGTERM)"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=WITHIN, check=False).returncode == 0


# ------------------------------------------------------------ 3: the gate

def test_shuffled_labels_end_in_not_better_than_the_baseline(shop: Path, here: Calls) -> None:
    rows = messages(400)
    teams = [team for _, team in rows]
    random.Random(1).shuffle(teams)
    shop_at(shop, table(zip([text for text, _ in rows], teams, strict=True)), toml(build='family = "linear"'))
    succeeds("evaluate", "desk", folder=shop, here=here)
    said = complaint("run", "desk", folder=shop, code=3, words=("--force",), here=here)
    assert said.startswith("Error: Not deployed. Not better than the baseline")
    report = json.loads(next((shop / "desk" / "runs").glob("*/report.json")).read_bytes())
    assert report["headline"]["en"].startswith("Not better than the baseline") and report["headline"]["zh"].startswith("不比基线好")
    assert not (shop / "desk" / "bundles" / "current").exists()
    succeeds("run", "desk", "--force", folder=shop)
    succeeds("predict", "desk", "--text", "refund", folder=shop, here=here)


def test_ten_rows_are_not_enough_data(shop: Path, here: Calls) -> None:
    rows = messages(60)
    shop_at(shop, table(rows[:50]), toml(prepare='text = ["message"]\nlabel = "team"\ntest = "../held.csv"', build='family = "linear"'))
    (shop / "held.csv").write_bytes(table(rows[50:]))
    succeeds("evaluate", "desk", folder=shop, here=here)
    said = complaint("run", "desk", folder=shop, code=3, words=("10", "--force"), here=here)
    assert "Not enough data (10 rows)" in said
    folder = next((shop / "desk" / "runs").glob("*/report.json")).parent
    report = json.loads((folder / "report.json").read_bytes())
    assert report["figures"] and all((figure["value"], figure["low"], figure["high"], figure["n"]) == (None, None, None, 10) for figure in report["figures"])
    page = (folder / "report.html").read_text(encoding="utf-8").lower()
    assert "not enough data (10 rows)" in page and "数据不够（10 行）" in page
    succeeds("run", "desk", "--force", folder=shop)


# ------------------------------------------------------- 0 with a warning

@pytest.mark.parametrize(("language", "words"), [("en", "seen once"), ("zh", "只出现一次")])
def test_a_label_seen_once_is_a_warning(language: str, words: str, shop: Path) -> None:
    shop_at(shop, with_line(b"is the shop open on Sunday,hours"), toml())
    done = startlm("prepare", "desk", folder=shop, language=language)
    assert done.returncode == 0 and [line for line in done.stderr.splitlines() if words in line and "30" in line], done.stderr


@pytest.mark.parametrize(("language", "words"), [("en", "Done again, with what follows: the data changed."), ("zh", "这一步和后面的各步要重做：数据变了。")])
def test_data_that_changed_between_steps_is_prepared_again_and_said(language: Literal["en", "zh"], words: str, shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml(build='family = "linear"'))
    assert "Done again" not in succeeds("build", "desk", folder=shop, here=here)
    (shop / "tickets.csv").write_bytes(with_line(b"a new message about a broken kettle,money"))
    done = startlm("build", "desk", folder=shop, language=language)
    assert done.returncode == 0 and words in done.stderr and "61" in done.stderr, done.stderr
    assert words not in here("build", "desk", folder=shop, language=language).stderr


def test_a_damaged_checkpoint_with_no_good_one_before_it_starts_the_step_anew(shop: Path, here: Calls) -> None:
    shop_at(shop, settings=toml(build='family = "convolution"\nsize = "small"', train='budget = "2s"'))
    succeeds("train", "desk", folder=shop, here=here)
    train = next((shop / "desk" / "runs").glob("*/train"))
    made = listing(train)
    for language, words in (("en", "Damaged checkpoints were passed over: step-000000003"), ("zh", "跳过了损坏的检查点：step-000000003")):
        shutil.rmtree(train / "rungs")
        shutil.rmtree(train / "model")
        damaged = train / "rungs" / "0-whole-checkpoints" / "step-000000003"
        damaged.mkdir(parents=True)
        (damaged / "manifest.json").write_bytes(b"{")
        done = here("train", "desk", folder=shop, language=language)
        assert done.returncode == 0 and words in done.stderr, done.stderr
        assert listing(train) == made, "the same plan, the same bits"


# --------------------------------------------------------- a closed pipe

def test_a_reader_that_closes_its_pipe_is_no_error(deployed: Path) -> None:
    with subprocess.Popen([sys.executable, "-m", "startlm", "predict", "desk", "tickets.csv"], cwd=deployed, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as answering:
        assert answering.stdout is not None and answering.stderr is not None
        answering.stdout.close()
        assert answering.stderr.read() == b"" and answering.wait(WITHIN) == 0
