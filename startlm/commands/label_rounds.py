"""Two rounds before single messages: second opinions on what others have labelled, and groups of similar messages."""

from __future__ import annotations

import numpy as np

from ..core.active import clusters
from ..core.language import Said, say
from ..core.typical_words import typical_words
from ..metrics.intervals import FEWEST_ROWS, in_words
from .label_book import Book
from .label_person import Person
from .label_pool import BATCH, SEED

SHARED = 50  # messages that a second person labels again
FEWEST_TO_GROUP, MOST_GROUPS, TYPICAL = 20, 12, 3


# --------------------------------------------------------- second opinions

def ask_opinions(book: Book, person: Person) -> None:
    """A random part of what others have labelled, asked again without showing their labels. Raises Leave."""
    others, mine = book.of_others(), book.my_opinions()
    left = [int(row) for row in np.random.default_rng(SEED).permutation(others) if int(row) not in mine][: max(0, SHARED - len(mine))]
    if len(others) < FEWEST_ROWS or not left:
        return
    name = book.opinions.path.name
    person.tell(say(f"First {len(left)} messages that others have labelled, to see how far you agree. Your labels for them go into {name}; nothing learns from them.",
                    f"先标 {len(left)} 条别人标过的消息，看看你们有多一致。这些标签写入 {name}，不用于训练。"), "bold")
    while left:
        person.show(say(f"{len(left)} left · row {left[0] + 1}", f"还剩 {len(left)} 条 · 第 {left[0] + 1} 行"), [book.inbox.texts[left[0]]])
        key, label = person.answer("sug")
        if key == "g":
            break
        if key == "u":
            left[:0] = person.undone(book.undo(book.opinions))
        elif key == "s":
            left.pop(0)
        else:
            book.give([left.pop(0)], label, book.opinions)
            person.saved(label)
    for said in agreement_said(book):
        person.tell(said, "bold")


def agreement_said(book: Book) -> list[Said]:
    """Kappa with its interval, and what was confused; nothing where there are no second opinions."""
    found = book.agreement()
    if found is None:
        return []
    figure, pairs = found
    words = in_words(figure, share=False)
    said = [say(f"Agreement of two people on {figure.n} messages, Cohen's kappa: {words.en} (1 is full, 0 is chance)",
                f"两人在 {figure.n} 条消息上的一致程度，Cohen kappa：{words.zh}（1 为完全一致，0 为碰巧）")]
    return said + [say(f"   {one} / {other}: {count}", f"   {one} / {other}：{count} 条") for one, other, count in pairs]


# ------------------------------------------------------------------ groups

def name_groups(book: Book, person: Person) -> None:
    """Similar messages together: a label for a group is written down for its typical messages. Raises Leave."""
    rows = np.array([row for row in book.inbox.pool if int(row) not in book.held], dtype=np.int64)
    if len(rows) < FEWEST_TO_GROUP or book.learnt >= BATCH or not book.held.isdisjoint(book.given):
        return
    person.tell(say("Putting similar messages together …", "正在把相似的消息归到一起……"), "dim")
    found = clusters(book.pool.vectors[book.in_pool(rows)], int(np.clip(np.sqrt(len(rows) / 10), 2, MOST_GROUPS)))
    words = typical_words([book.inbox.cleaned[row] for row in rows], found.number)
    said = [say(f"group {number} of {len(words)} · {np.sum(found.number == number - 1):,} messages · typical words: {', '.join(each)}",
                f"第 {number} 组，共 {len(words)} 组 · {np.sum(found.number == number - 1):,} 条消息 · 典型词：{'、'.join(each)}") for number, each in enumerate(words, 1)]
    person.tell(say("First groups. Give a label only where it fits all the messages shown: it is written down for these, not for the whole group. The same label for two groups merges them.",
                    "先看分组。只有当显示的几条消息都合适时才给标签：标签只记在这几条上，不是整组。两组给同一个标签就合并了。"), "bold")
    _ask_for_groups(book, person, [(each, [int(row) for row in rows[found.nearest(number, TYPICAL)]]) for number, each in enumerate(said)])


def _ask_for_groups(book: Book, person: Person, groups: list[tuple[Said, list[int]]]) -> None:
    """Each group's place and rows; those that were named in an earlier session are passed over."""
    number, named = 0, []
    while number < len(groups):
        place, rows = groups[number]
        if not book.given.keys().isdisjoint(rows):
            number += 1
            continue
        person.show(place, [book.inbox.texts[row] for row in rows])
        key, label = person.answer("sug", say("One label for all of them? ", "能用同一个标签吗？"))
        if key == "g":
            return
        if key == "u":
            number = named.pop() if person.undone(book.undo()) and named else number
            continue
        if label:
            book.give(rows, label)
            person.saved(label)
            named.append(number)
        number += 1
