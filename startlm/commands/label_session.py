"""The conversation of `startlm label`: groups, then one message at a time, and what a model makes of the labels so far."""

from __future__ import annotations

from ..core.active import POOL
from ..core.contracts import Figure
from ..core.language import Said, say
from ..metrics.intervals import FEWEST_ROWS, in_words, share_figure
from .label_book import Book
from .label_data import TEST, TRAIN
from .label_person import Leave, Person
from .label_pool import BATCH, ROUND
from .label_rounds import ask_opinions, name_groups

PAYS = 0.005  # of accuracy for BATCH more labels: below it, more labels stop paying
RANDOM = say("random part", "随机部分")


class Session:
    """One person at one inbox: asks until everything is labelled or she leaves."""

    def __init__(self, book: Book, person: Person) -> None:
        self.book, self.person = book, person
        self.skipped: set[int] = set()
        self.ahead: list[int] = []  # rows to ask for next
        self.phase = say("", "")
        self.judged = book.learnt // BATCH  # so many batches have had their figure
        self.accuracy: Figure | None = None

    def run(self) -> None:
        try:
            ask_opinions(self.book, self.person)
            name_groups(self.book, self.person)
            while (row := self._next()) is not None:
                self._ask(row)
            self.person.tell(say("Everything is labelled.", "全部标注完了。"), "bold")
        except Leave:
            return

    # --- which message
    def _next(self) -> int | None:
        """The next row to ask for; None where nothing is left."""
        while True:
            done = self.book.given.keys() | self.skipped
            while self.ahead:
                if (row := self.ahead.pop(0)) not in done:
                    return row
            self.ahead = self._more(done)
            if not self.ahead:
                return None

    def _more(self, done: set[int]) -> list[int]:
        """The random part first, then messages from everywhere, then those that a model would learn most from."""
        test = [row for row in self.book.inbox.test if row not in done]
        if test:
            self._begin(RANDOM, say(f"First the random part, messages drawn at random ({len(test)} to go). They only test: no model learns from them.", f"先标随机部分：随机抽出的消息（还剩 {len(test)} 条）。它们只用来测试，模型不从中学习。"))
            return test
        free = [int(row) for row in self.book.inbox.pool if int(row) not in done and int(row) not in self.book.held]
        if not free:
            return []
        texts, labels = self.book.examples(TRAIN)
        if self.phase in (RANDOM, ("", "")):  # the first time takes seconds: all messages are looked at
            self.person.tell(say("Looking for what to ask next …", "正在找接下来该问的消息……"), "dim")
        chosen = self.book.pool.next_texts(texts, labels, self.book.in_pool(free))
        if self.book.pool.from_everywhere(labels):
            self._begin(say("from everywhere", "各处"), say(f"Now {len(chosen)} messages from everywhere: one from the middle of each of {len(chosen)} clusters.", f"现在从各处各取一条：分成 {len(chosen)} 个簇，每簇取最中间的一条。"))
        else:
            self._begin(say("most useful", "最有用"), say(f"Now the most useful, {ROUND} at a time: of the {POOL * ROUND} messages that a model from all labels so far is least sure of, {ROUND} that differ from each other.",
                                                       f"现在是最有用的，每次 {ROUND} 条：用至今全部标签训练一个模型，在它最没把握的 {POOL * ROUND} 条里，取彼此不同的 {ROUND} 条。"))
        return [int(self.book.inbox.pool[text]) for text in chosen]

    def _begin(self, phase: Said, what: Said) -> None:
        if self.phase != phase:
            self.person.tell()
            self.person.tell(what, "bold")
        self.phase = phase

    # --- one message
    def _ask(self, row: int) -> None:
        done, left = len(self.book.labels.rows), sum(each in self.book.held for each in [row, *self.ahead])
        phase = RANDOM if row in self.book.held else self.phase  # undo may lead back into it
        place = say(f"{done} labelled · {phase.en}{f', {left} left' if left else ''} · row {row + 1}", f"已标 {done} 条 · {phase.zh}{f'，还剩 {left} 条' if left else ''} · 第 {row + 1} 行")
        self.person.show(place, [self.book.inbox.texts[row]])
        key, label = self.person.answer("su")
        if key == "s":
            self.skipped.add(row)
        elif key == "u":
            self.ahead[:0] = [*self.person.undone(self.book.undo()), row]
            self.judged = min(self.judged, self.book.learnt // BATCH)
        else:
            self.book.give([row], label)
            self.person.saved(label)
            if self.book.learnt // BATCH > self.judged:
                self.judged = self.book.learnt // BATCH
                self._tell_figure()

    # --- what it is worth
    def _tell_figure(self) -> None:
        """A model from the labels so far, judged on the random part, and whether more labels would pay."""
        (texts, labels), (test, truth) = self.book.examples(TRAIN), self.book.examples(TEST)
        if len(set(labels.tolist())) < 2:
            return
        right = int(self.book.pool.right(texts, labels, test, truth).sum()) if len(test) else 0
        before, self.accuracy = self.accuracy, share_figure("accuracy", right, len(test))
        words, change = in_words(self.accuracy), say("", "")
        if before is not None and before.value is not None and self.accuracy.value is not None:
            points = 100 * (self.accuracy.value - before.value)
            change = say(f", {points:+.1f} points since the last", f"，比上次 {points:+.1f} 个百分点")
        self.person.tell()
        self.person.tell(say(f"A model from {len(texts)} labels is right for {words.en} of the random part ({len(test)} messages){change.en}.",
                             f"用 {len(texts)} 个标签训练的模型，在随机部分（{len(test)} 条）上的正确率为 {words.zh}{change.zh}。"), "bold")
        gain = self.book.pool.gain_of_more(texts, labels, test, truth) if len(test) >= FEWEST_ROWS else None
        if gain is not None:
            least = f"{100 * PAYS:g}"
            stops = say(f" Below {least}, more labels stop paying: q stops here.", f"不到 {least}，再标就不划算了：可按 q 结束。") if gain < PAYS else say("", "")
            self.person.tell(say(f"By the learning curve {BATCH} more would bring {100 * gain:.1f} points.{stops.en}", f"按学习曲线，再标 {BATCH} 条约提高 {100 * gain:.1f} 个百分点。{stops.zh}"))
