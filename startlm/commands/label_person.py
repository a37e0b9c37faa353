"""The person who labels: what she is shown, and what her keys mean."""

from __future__ import annotations

import unicodedata
from typing import Callable, Iterable, Sequence

from ..columns.category import Category
from ..columns.cleaning import clean_texts
from ..core.language import Said, say
from .terminal import Terminal

KEYS = "123456789"  # of the first nine labels
MOST_NAME = 100  # characters
MOST_SHOWN = 20  # labels without a key
WORDS = {"s": say("skip", "跳过"), "u": say("undo", "撤销"), "g": say("go on to the next part", "进入下一部分"), "k": say("keep", "保留"), "c": say("change", "改掉")}
HELP = say(
    "   1-9            this label, for the first nine\n   a letter or /  the beginning of a label's name, then Enter\n   n              a new label\n"
    "   u              undo the last answer, also of an earlier session\n   s              skip; skipped messages come again next time\n"
    "   q              stop, as Ctrl-C does; the same command goes on here\n   Each answer is on disk before the next question.",
    "   1-9        前九个标签\n   字母或 /   输入标签名的开头，再按回车\n   n          新建标签\n"
    "   u          撤销上一次回答，也可撤销之前会话的\n   s          跳过；下次会再问\n"
    "   q          退出，与 Ctrl-C 相同；再次输入同一命令即可继续\n   每个回答都先写入磁盘，再问下一个。")


class Leave(Exception):
    """The person has had enough for now."""


class Person:
    """Sees messages and chooses a label among those that `names` gives, or a new one."""

    def __init__(self, terminal: Terminal, names: Callable[[], list[str]]) -> None:
        self.terminal, self.names, self.tell = terminal, names, terminal.tell

    # --- what she is shown
    def show(self, place: Said, texts: Sequence[str]) -> None:
        """Messages, cleaned of what a terminal would obey."""
        self.tell()
        self.tell(place, "dim")
        for text in clean_texts(texts):
            self.tell(f"   {text}", "bold")

    def saved(self, label: str) -> None:
        """Said only when the label is on disk."""
        self.tell(f"   → {label}", "green")

    def undone(self, taken: Iterable[tuple[int, str]]) -> list[int]:
        """Say what was taken back; returns its rows."""
        taken = list(taken)
        for _, label in taken:
            self.tell(say(f"   undone: {label}", f"   已撤销：{label}"), "yellow")
        if not taken:
            self._reply("there is nothing of yours to undo", "没有你的标注可以撤销")
        return [row for row, _ in taken]

    # --- what she says
    def answer(self, keys: str, question: Said = say("", "")) -> tuple[str, str]:
        """One of `keys` and "", or "" and the label that was chosen. Raises Leave."""
        self.tell(self._legend(keys, question))
        while True:
            key = unicodedata.normalize("NFKC", self.terminal.key()) or "q"  # full-width digits too
            if key in ("q", "\x04", "\0"):  # Ctrl-D that was typed ahead, while the terminal still read lines, comes as NUL
                raise Leave
            if key in keys:
                return key, ""
            if key == "?":
                self.tell(HELP)
                self.tell(self._legend(keys, question))
            elif label := self._label(key):
                return "", label

    def _label(self, key: str) -> str | None:
        names = self.names()
        if key in KEYS:
            return names[int(key) - 1] if int(key) <= len(names) else self._reply("there is no label {0} yet; n makes a new one", "还没有第 {0} 个标签；按 n 新建", key)
        if key == "n":
            return self._new_name(names)
        return self._by_beginning(names, "" if key == "/" else key) if key.isprintable() and not key.isspace() else None

    def _new_name(self, names: list[str]) -> str | None:
        name = Category.clean(self.terminal.line(say("   name of the new label: ", "   新标签的名称：")))
        if not name:
            return self._reply("a label cannot be empty", "标签不能为空")
        if len(name) > MOST_NAME:
            return self._reply("a label has at most {0} characters", "标签最多 {0} 个字符", MOST_NAME)
        return next((known for known in names if known.casefold() == name.casefold()), name)

    def _by_beginning(self, names: list[str], begun: str) -> str | None:
        """The label whose name begins with what is typed."""
        if not names:
            return self._reply("there is no label yet: n makes the first", "还没有标签：按 n 新建第一个")
        typed = Category.clean(self.terminal.line(say("   label beginning with: ", "   标签开头："), begun)).casefold()
        found = [name for name in names if typed and name.casefold().startswith(typed)]
        found = [name for name in found if name.casefold() == typed] or found
        if len(found) == 1 or not typed:
            return found[0] if found else None
        if found:
            return self._reply("several begin so: {0}", "有几个标签这样开头：{0}", ", ".join(found))
        return self._reply("no label begins so; n makes a new one", "没有标签这样开头；按 n 新建")

    def _reply(self, en: str, zh: str, *parts: object) -> None:
        self.tell(say(f"   {en.format(*parts)}", f"   {zh.format(*parts)}"))

    def _legend(self, keys: str, question: Said) -> Said:
        """What each key means just now, on a line or two."""
        names = self.names()
        labels = "  ".join(f"{key} {name}" for key, name in zip(KEYS, names))
        rest = names[len(KEYS):]
        listed = ", ".join(rest[:MOST_SHOWN]) + (" …" if len(rest) > MOST_SHOWN else "")
        others = [("n", say("new label", "新标签")), *((key, WORDS[key]) for key in keys), ("?", say("help", "帮助")), ("q", say("stop", "退出"))]
        en, zh = ("  ".join(f"{key} {word[i]}" for key, word in others) for i in (0, 1))
        more = say(f"; by the beginning of its name: {listed}", f"；输入开头几个字：{listed}") if rest else say("", "")
        line = "\n" if names or question.en else ""
        return say(f"{question.en}{labels}{more.en}{line}{en}", f"{question.zh}{labels}{more.zh}{line}{zh}")
