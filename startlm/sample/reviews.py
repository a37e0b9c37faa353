"""Reviews of the sample company's products: what is said about each aspect follows from the rating, mostly."""

from __future__ import annotations

from typing import Final, NamedTuple, Sequence

from .catalogue import Product
from .dice import Dice

# One entry an aspect: what is said when it was bad, middling, good.
ASPECTS: Final = {
    "en": (
        (("tastes of nothing", "bitter and dusty", "smells stale", "not what I expected at all"),
            ("tastes okay", "a bit weak for the price", "fine for every day", "nothing special"),
            ("tastes wonderful", "so fragrant", "my favourite by far", "smooth and sweet")),
        (("arrived [dented|torn|wet]", "the packing was a joke"), ("packing could be better", "plain box, does the job"),
            ("packed like a present", "arrived in perfect shape")),
        (("took three weeks to come", "delivery was a nightmare"), ("delivery took its time", "came after a week"),
            ("came the next day", "fast delivery")),
        (("far too expensive", "not worth the money"), ("a little pricey", "price is about right"), ("great value", "worth every cent")),
    ),
    "zh": (
        (("[没什么味道|一股陈味]", "又苦又涩", "碎末多，不像图片", "喝着不对劲"), ("味道一般", "还行，口粮茶", "没有想象的香", "中规中矩"),
            ("很香，回甘好", "好喝，汤色透亮", "全家都喜欢", "入口顺滑")),
        (("包装[破了|压扁了]", "包装太敷衍"), ("包装普通", "盒子简单了点"), ("包装精致", "送礼有面子")),
        (("等了半个月才到", "物流太慢"), ("物流一般", "一周才到"), ("第二天就到了", "发货快")),
        (("太贵，不值", "性价比低"), ("价格略高", "价格还能接受"), ("性价比高", "物有所值")),
    ),
}  # fmt: skip
ENDINGS: Final = {
    "en": (("Never again.", "Avoid.", "I want my money back."), ("Might try another one.", "Not sure I'd buy it again.", ""),
        ("Will buy again!", "Highly recommended.", "")),
    "zh": (("不会再买。", "避雷。", "差评"), ("下次换一款试试。", "看活动再说", ""), ("会回购！", "推荐", "")),
}
BUT: Final = {"en": ", but ", "zh": "，但是"}
MOODS: Final = {1: (8, 2, 0), 2: (5, 4, 1), 3: (2, 6, 2), 4: (0, 3, 7), 5: (0, 1, 9)}  # bad, middling, good of ten aspects
STARS: Final = {1: 7, 2: 8, 3: 15, 4: 28, 5: 42}


class Review(NamedTuple):
    """One row of reviews.csv."""

    id: str
    date: str
    sku: str
    language: str
    rating: int
    review: str


def make_reviews(products: Sequence[Product], dates: Sequence[str], dice: Dice) -> list[Review]:
    """One review a date, in English and Chinese by turns."""
    return [_review(number, day, dice.pick(products), ("en", "zh")[number % 2], dice) for number, day in enumerate(dates)]


def _review(number: int, day: str, product: Product, language: str, dice: Dice) -> Review:
    rating = dice.pick_weighted(STARS)
    aspects = dice.shuffled(ASPECTS[language])[: dice.whole(1, 3)]
    moods = [dice.pick_weighted(dict(enumerate(MOODS[rating]))) for _ in aspects]
    said = [dice.choose(dice.pick(aspect[mood])) for aspect, mood in zip(aspects, moods, strict=True)]
    text = said[0]
    for before, mood, more in zip(moods, moods[1:], said[1:], strict=False):
        text += (BUT[language] if before != mood else {"en": ", ", "zh": "，"}[language]) + more
    if dice.chance(0.5):
        name = (product.name_en if language == "en" else product.name_zh).split(",")[0].split("（")[0]
        text = f"{name}: {text}" if language == "en" else f"{name}{text}"
    ending = dice.pick(ENDINGS[language][0 if rating < 3 else 1 if rating == 3 else 2])
    stop = {"en": ". ", "zh": "。"}[language]
    return Review(f"R{number + 1:05}", day, product.sku, language, rating, (text + stop + ending).strip())
