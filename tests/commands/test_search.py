"""`startlm search`: made once, made anew when the table has changed, kept otherwise; what it shows, and what a new user gets wrong."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import startlm.commands.search as command
from startlm.commands.display import Display
from startlm.commands.search import Asked, search_rows
from startlm.core.errors import CallError
from startlm.core.language import speaking
from startlm.project import new_project
from startlm.search.vectors import EXACT
from toy_encoder import toy_encoder
from toy_weights import shared_toy_weights

MESSAGES = ["where is my card", "我的卡还没到", "please refund the pot", "where is my card", "物流太慢了，\n还在路上", " "]


def write(path: Path, messages: list[str]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["no", "message", "主题 a/b", "team"], *([i, message, f"subject {i}", "xy"[i % 2]] for i, message in enumerate(messages))])


@pytest.fixture
def search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """search(query, …): the result, what was said on the way, and the lines that were shown."""
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "in.csv", MESSAGES)
    new_project(Path("desk"), {"data": "../in.csv", "text": ["message"], "label": "team"}, "")

    def call(query: str, *, column: str | None = None, top: int = 5, weights: str | None = None, name: str = "desk", exact: int = EXACT) -> tuple[dict[str, Any], list[str], list[str]]:
        said: list[str] = []
        shown: list[str] = []
        display = Display(quiet=True, titles={})
        monkeypatch.setattr(display, "see", lambda progress: said.append(str(progress.said or "")))
        result, last = search_rows(Asked(name, query, column, top, weights), display, lambda line: shown.append(str(line)), exact=exact)
        return result, [each for each in said if each], shown + [str(last)] * (last is not None)

    return call


def test_the_index_is_made_at_the_first_search_used_after_and_made_anew_when_the_table_changes(search: Any, tmp_path: Path) -> None:
    result, said, shown = search("CARD where")
    assert said[0].startswith("First search") and (tmp_path / "desk/search/message/manifest.json").is_file()
    assert shown == [f"  1  {result['hits'][0]['score']:.4f}  where is my card  (in.csv:2, in.csv:5)"]
    assert result["hits"] == [{"rank": 1, "score": result["hits"][0]["score"], "text": "where is my card", "rows": [{"file": "in.csv", "line": 2}, {"file": "in.csv", "line": 5}]}]
    assert (result["texts"], result["weights"]) == (4, None) and search("CARD where")[1] == []
    write(tmp_path / "in.csv", [*MESSAGES, "a new card"])
    result, said, _ = search("CARD")
    assert said[0].startswith("The table has changed") and [hit["text"] for hit in result["hits"]] == ["a new card", "where is my card"]


def test_chinese_is_found_by_its_characters_and_its_line_and_said_in_chinese(search: Any) -> None:
    with speaking("zh"):
        result, said, shown = search("物流慢")
        assert said[0].startswith("第一次搜索") and "物流太慢了， 还在路上" in shown[0] and result["hits"][0]["rows"] == [{"file": "in.csv", "line": 6}]
        assert search("没有的内容xyz卡车", top=1)[0]["hits"][0]["text"] == "我的卡还没到"
        assert "没有共同的词" in search("qqq")[2][0]


def test_any_column_can_be_searched_whatever_it_is_called(search: Any, tmp_path: Path) -> None:
    result, _, _ = search("subject 3", column="主题 a/b")
    assert result["hits"][0]["text"] == "subject 3" and sorted(path.name[:7] for path in (tmp_path / "desk/search").glob("c*")) == ["column-"]


def test_an_altered_index_is_made_anew(search: Any, tmp_path: Path) -> None:
    search("card")
    path = tmp_path / "desk/search/message/rows.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert search("card")[1][0].startswith("The index was altered") and search("card")[1] == []


def test_with_weights_meaning_counts_too_and_they_need_not_be_installed_any_more(search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    search("card")
    monkeypatch.setattr(command, "encoder_of", lambda weights: toy_encoder("toy"))
    monkeypatch.setattr(command, "weights_mark", lambda name: "f" * 64)
    result, said, _ = search("nothing in common", weights="toy")
    assert said[0].startswith("Other weights") and result["weights"] == "toy" and len(result["hits"]) == 4
    monkeypatch.setattr(command, "encoder_of", lambda weights: pytest.fail("it is there already"))
    assert search("xyz", weights="toy")[1] == [] and len(search("xyz")[0]["hits"]) == 4
    assert search("xyz", weights="none")[0]["hits"] == [], "by words alone, and nothing is made anew"
    write(tmp_path / "in.csv", [*MESSAGES, "a new card"])
    assert len(search("xyz")[0]["hits"]) == 5


def test_above_exact_texts_it_says_in_how_many_cells_it_looks_and_what_recall_that_has(search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "encoder_of", lambda weights: toy_encoder("toy"))
    monkeypatch.setattr(command, "weights_mark", lambda name: "f" * 64)
    write(tmp_path / "in.csv", [f"where is card {number}" for number in range(150)])
    result, said, _ = search("card", weights="toy", exact=120)
    assert "150 vectors are put into 49 cells" in said
    assert "Above 120 rows the nearest are looked for in 49 of 49 cells: recall@10 100.0 % [96.0, 100.0], measured on 90 texts" in said
    found = result["cells"]
    assert (found["cells"], found["looked_in"], found["measured_on"], found["recall_at_10"][0]) == (49, 49, 90, 1.0) and 0.95 < found["recall_at_10"][1] < 1
    assert search("card")[0]["cells"] == found and search("card", column="team")[0]["cells"] is None
    with speaking("zh"):
        assert any("在 49 个单元中最近的 49 个里查找：recall@10 100.0 %" in line for line in search("card", weights="toy", column="no", exact=120)[1])


def test_real_weight_folders_become_the_index_encoder(search: Any) -> None:
    weights = str(shared_toy_weights())
    result, said, _ = search("please refund the pot", weights=weights)
    assert result["weights"] == Path(weights).name and result["hits"][0]["text"] == "please refund the pot" and search("tea", weights=weights)[1] == []


@pytest.mark.parametrize(("given", "words"), [
    ({"query": " \u200b"}, "nothing to search for"), ({"query": "x", "column": "mesage"}, "did you mean 'message'"), ({"query": "x", "top": 0}, "a number from 1"),
    ({"query": "x", "name": "dsk"}, "not a project"), ({"query": "x", "weights": "no-such-weights"}, "There are no weights"),
])  # fmt: skip
def test_what_a_new_user_gets_wrong_is_said_with_what_to_do(search: Any, given: dict[str, Any], words: str) -> None:
    with pytest.raises(CallError) as error:
        search(given.pop("query"), **given)
    assert words in str(error.value)


def test_the_command_gives_one_object_with_json(search: Any, tmp_path: Path) -> None:
    def startlm(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, "-m", "startlm", "search", "desk", "card", *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)

    done = startlm("--top", "1", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and [hit["text"] for hit in found["hits"]] == ["where is my card"] and done.stdout.count("\n") == 1
    done = startlm()
    assert "where is my card  (in.csv:2, in.csv:5)" in done.stdout and done.stderr == ""
