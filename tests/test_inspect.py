"""`startlm inspect`: what it sees in a table, one page in both languages, nothing written over, real tables in time."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from browser import Opened

from startlm.commands.inspect import inspect_steps, inspect_table
from startlm.commands.new import Look, look_at
from startlm.commands.display import Display
from startlm.core.errors import CallError
from startlm.core.language import Said
from startlm.formats import open_table
from startlm.sample.company import write_sample
from tickets import tickets
from toy_sets import requests

ROWS = [{"when": f"2024-{1 + i % 3:02}-0{1 + i % 9}", "message": f"我的订单 {i} 到哪里了 where is it" if i % 4 else "我要退款 a@b.co", "team": "post" if i % 4 else "money",
         "code": "P" if i % 4 else "M", "price": f"{i}.5", "note": None} for i in range(80)]  # fmt: skip


def inspect(rows: Any, page: Path) -> dict[str, Any]:
    *_, last = inspect_steps(open_table(rows), page, overwrite=False)
    return last.result


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], str]:
    page = tmp_path_factory.mktemp("seen") / "page.html"
    return inspect(ROWS, page), page.read_text(encoding="utf-8")


def test_each_column_has_its_kind_what_is_missing_and_how_many_values_differ(seen: tuple[dict[str, Any], str]) -> None:
    columns = {each["name"]: each for each in seen[0]["columns"]}
    assert {name: each["kind"] for name, each in columns.items()} == {"when": "date", "message": "text", "team": "category", "code": "category", "price": "number", "note": "category"}
    assert (columns["note"]["missing"], columns["team"]["distinct"], columns["message"]["personal"]) == (80, 2, {"email": 20})
    assert columns["message"]["repeats"] == 19 and dict(columns["team"]["bars"]) == {"post": 60, "money": 20}


def test_the_time_range_and_repeated_rows_are_told(seen: tuple[dict[str, Any], str]) -> None:
    assert (seen[0]["first_day"], seen[0]["last_day"], seen[0]["rows"], seen[0]["repeated_rows"]) == ("2024-01-01", "2024-03-09", 80, 0)


def test_a_column_that_tells_the_label_by_itself_is_named(seen: tuple[dict[str, Any], str]) -> None:
    assert {"label": "team", "column": "code", "share": 1.0} in seen[0]["gives_away"]


def test_what_it_could_be_used_for_comes_with_a_command_that_works(tmp_path: Path) -> None:
    write_sample(tmp_path / "茶 铺")
    done = startlm("inspect", "茶 铺/messages.csv", "--json", folder=tmp_path)
    use = next(use for use in json.loads(done.stdout)["uses"] if "--label intent" in use["command"])
    made = subprocess.run(f"{sys.executable} -m {use['command']}", shell=True, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert made.returncode == 0 and (tmp_path / "NAME" / "startlm.toml").exists(), made.stderr


def homes(rows: int) -> list[dict[str, Any]]:
    """A table without a text: numbers and categories, sorted by `plan`."""
    return [{"age": 18 + i * 7 % 61, "income": f"{900 + i * 37 % 4001}.5", "city": f"c{i % 4}", "plan": "old" if 2 * i < rows else "new", "price": f"{70 + i * 13 % 997}.25"} for i in range(rows)]


def offered(rows: list[dict[str, Any]], folder: Path) -> dict[str, tuple[dict[str, str], Look]]:
    """By label what `inspect` offers, and what `new` makes of its command."""
    path, found = folder / "homes.csv", {}
    path.write_text("\n".join([",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]) + "\n", encoding="utf-8")
    for use in inspect(path, folder / "page.html")["uses"]:
        words = shlex.split(use["command"])
        flags = dict(zip(words[3::2], words[4::2]))
        look = look_at(flags["--data"], columns=tuple(flags["--columns"].split(",")), label=flags["--label"], task=flags.get("--task"))
        found[look.label] = use, look
    return found


def test_a_table_without_a_text_is_offered_with_the_columns_that_new_reads(tmp_path: Path) -> None:
    found = offered(homes(400), tmp_path)
    assert {label: look.task for label, (_, look) in found.items()} == {"city": "classify", "plan": "classify", "price": "score"}
    assert all(not look.text and {label, *(each.partition(":")[0] for each in look.columns)} == set(homes(1)[0]) for label, (_, look) in found.items())
    use = found["price"][0]
    assert use["command"].endswith("--columns age,income,city,plan --label price --task score")
    assert use["en"] == "Tell price, a number, from age,income,city,plan." and use["zh"] == "由 age,income,city,plan 预测数字 price。"
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert use["en"] in page and use["zh"] in page and "--task score" in page


def test_a_sorted_table_is_looked_at_all_through_as_new_does(tmp_path: Path) -> None:
    assert "plan" in offered(homes(5_000), tmp_path)["city"][0]["command"]


def test_a_copy_of_the_label_is_warned_of_in_the_terminal_and_not_offered(tmp_path: Path) -> None:
    rows = [{**row, "amount": row["id"] * 37 % 501 + 0.5, "copy": row["team"]} for row in tickets(200)]
    said: list[Said] = []
    (tmp_path / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    seen, _ = inspect_table(str(tmp_path / "t.jsonl"), str(tmp_path / "page.html"), Display(quiet=True, titles={}), said.append, how={}, overwrite=False)
    assert [use["command"].partition(" --text ")[2] for use in seen["uses"]] == ["message --label team"] and seen["gives_away"] == [{"label": "team", "column": "copy", "share": 1.0}]
    assert said[-1].en.startswith("Careful: copy tells team by itself in 100.0% of the rows.") and said[-1].zh.startswith("注意：copy 单独就能说出 100.0% 的行的 team。")
    assert said[-1].zh in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_gives_the_label_away_is_not_among_the_columns_that_are_offered(tmp_path: Path) -> None:
    rows = [{"zone": row["city"].upper(), **row} for row in homes(400)]
    found = offered(rows, tmp_path)
    assert "zone" not in found["city"][0]["command"] and "zone" in found["plan"][0]["command"]


def test_a_table_from_which_nothing_can_be_told_says_so(tmp_path: Path) -> None:
    uses = inspect([{"price": f"{i}.5"} for i in range(60)], tmp_path / "page.html")["uses"]
    assert [use["command"] for use in uses] == [""] and "none could be told from the others" in uses[0]["en"] and "没有一列能由其他列判断" in uses[0]["zh"]


def test_a_column_of_several_labels_a_row_is_offered_as_one(tmp_path: Path) -> None:
    uses = inspect(requests(200), tmp_path / "page.html")["uses"]
    (use,) = [use for use in uses if "--label topics" in use["command"]]
    assert "4 labels, several a row" in use["en"] and "每行可有多个" in use["zh"] and "--text message" in use["command"]


def test_the_files_of_a_pattern_are_looked_at_as_one_table(tmp_path: Path) -> None:
    for number, team in ((1, "post"), (2, "money")):
        rows = "".join(f"the {team} of order {row} is not here,{team}\n" for row in range(20))
        (tmp_path / f"m-{number}.csv").write_text("message,team\n" + rows, encoding="utf-8")
    seen = json.loads(startlm("inspect", "m-*.csv", "--json", folder=tmp_path).stdout)
    assert (seen["rows"], seen["source"], seen["page"]) == (40, "m-*.csv", "m-.inspect.html")
    assert "--data 'm-*.csv'" in seen["uses"][0]["command"]


def test_the_page_holds_both_languages_loads_nothing_and_shows_no_message(seen: tuple[dict[str, Any], str]) -> None:
    page = seen[1]
    assert "What it could be used for" in page and "可以用来做什么" in page
    assert "where is it" not in page and "a@b.co" not in page
    assert "<script src" not in page and "http" not in page.replace("http-equiv", "")


def test_names_and_values_of_the_table_cannot_be_markup(tmp_path: Path) -> None:
    inspect([{"<b>x</b>": "<script>alert(1)</script>", "t": "a"}] * 30, tmp_path / "page.html")
    assert "<script>alert" not in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_a_page_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("mine", encoding="utf-8")
    with pytest.raises(CallError, match="--force"):
        inspect(ROWS, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("rows", [[{"a": None}], [{"a": "", "b": None}] * 3, [{"only": "one"}]])
def test_odd_tables_get_their_page_too(rows: list[dict[str, Any]], tmp_path: Path) -> None:
    assert inspect(rows, tmp_path / "page.html")["rows"] == len(rows)


@pytest.mark.browser
@pytest.mark.loopback
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_is_quiet_asks_for_nothing_and_fits_a_phone(tmp_path: Path, chromium: Any, language: str) -> None:
    inspect(ROWS, tmp_path / "page.html")
    opened = Opened(chromium, tmp_path / "page.html", locale={"en": "en-US", "zh": "zh-CN"}[language])
    assert opened.said == [] and opened.width() <= 390 and opened.visible(language)


@pytest.mark.real_data
def test_a_large_real_table_is_inspected(data_folder: Path, tmp_path: Path) -> None:
    *_, last = inspect_steps(open_table(data_folder / "weibo-hot-search" / "titles.csv"), tmp_path / "page.html", overwrite=False)
    columns = {each["name"]: each for each in last.result["columns"]}
    assert (last.result["rows"], columns["title"]["kind"], columns["date"]["kind"]) == (206_451, "text", "date")
    assert last.result["first_day"] == "2020-11-24" and columns["title"]["repeats"] > 0


def startlm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "startlm", *arguments], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
