"""The 80 products of the sample company: 30 teas in two sizes, 20 pieces of teaware."""

from __future__ import annotations

from typing import Final, NamedTuple

from .dice import Dice


class Product(NamedTuple):
    """One row of catalogue.csv."""

    sku: str
    name_en: str
    name_zh: str
    kind: str
    origin_en: str
    origin_zh: str
    harvest_year: int | None
    grams: int | None
    millilitres: int | None
    caffeine: str
    price_yuan: int
    stock: int
    description_en: str
    description_zh: str


# English name, Chinese name, kind, origin in English and in Chinese
TEAS: Final = (
    ("Longjing", "龙井", "green", "Hangzhou", "杭州"), ("Biluochun", "碧螺春", "green", "Suzhou", "苏州"),
    ("Huangshan Maofeng", "黄山毛峰", "green", "Huangshan", "黄山"), ("Lu'an Guapian", "六安瓜片", "green", "Lu'an", "六安"),
    ("Taiping Houkui", "太平猴魁", "green", "Taiping", "太平"), ("Anji Baicha", "安吉白茶", "green", "Anji", "安吉"),
    ("Xinyang Maojian", "信阳毛尖", "green", "Xinyang", "信阳"), ("Tieguanyin", "铁观音", "oolong", "Anxi", "安溪"),
    ("Da Hong Pao", "大红袍", "oolong", "Wuyi", "武夷山"), ("Rougui", "肉桂", "oolong", "Wuyi", "武夷山"),
    ("Shuixian", "水仙", "oolong", "Wuyi", "武夷山"), ("Phoenix Dancong", "凤凰单丛", "oolong", "Chaozhou", "潮州"),
    ("Oriental Beauty", "东方美人", "oolong", "Hsinchu", "新竹"), ("Keemun", "祁门红茶", "black", "Qimen", "祁门"),
    ("Dianhong", "滇红", "black", "Fengqing", "凤庆"), ("Lapsang Souchong", "正山小种", "black", "Wuyi", "武夷山"),
    ("Jin Jun Mei", "金骏眉", "black", "Wuyi", "武夷山"), ("Yingde Black", "英德红茶", "black", "Yingde", "英德"),
    ("Silver Needle", "白毫银针", "white", "Fuding", "福鼎"), ("White Peony", "白牡丹", "white", "Fuding", "福鼎"),
    ("Shoumei", "寿眉", "white", "Zhenghe", "政和"), ("Raw Pu-erh", "生普", "pu-erh", "Menghai", "勐海"),
    ("Ripe Pu-erh", "熟普", "pu-erh", "Menghai", "勐海"), ("Tangerine Pu-erh", "小青柑", "pu-erh", "Xinhui", "新会"),
    ("Liubao", "六堡茶", "dark", "Wuzhou", "梧州"), ("Junshan Yinzhen", "君山银针", "yellow", "Yueyang", "岳阳"),
    ("Jasmine Pearls", "茉莉龙珠", "scented", "Fuzhou", "福州"), ("Osmanthus Oolong", "桂花乌龙", "scented", "Guilin", "桂林"),
    ("Chrysanthemum", "胎菊", "herbal", "Tongxiang", "桐乡"), ("Buckwheat Tea", "苦荞茶", "herbal", "Liangshan", "凉山"),
)  # fmt: skip
WARE: Final = (
    ("gaiwan", "盖碗"), ("clay teapot", "紫砂壶"), ("glass teapot", "玻璃壶"), ("fairness cup", "公道杯"), ("tasting cups", "品茗杯"),
    ("tea tray", "茶盘"), ("travel set", "旅行茶具"), ("celadon cup", "青瓷杯"), ("Jian bowl", "建盏"), ("tea tin", "茶叶罐"),
    ("strainer", "茶漏"), ("kettle", "烧水壶"), ("tea needle", "茶针"), ("thermos mug", "保温杯"), ("cold brew bottle", "冷泡瓶"),
    ("tea towel", "茶巾"), ("tea pet", "茶宠"), ("porcelain jar", "瓷罐"), ("side-handle pot", "侧把壶"), ("kung fu tea set", "功夫茶具套装"),
)  # fmt: skip
CAFFEINE: Final = {"green": "medium", "oolong": "medium", "black": "high", "white": "low", "pu-erh": "high", "dark": "medium", "yellow": "medium",
    "scented": "medium", "herbal": "none"}
TASTES: Final = (("chestnut", "栗香"), ("orchid", "兰花香"), ("honey", "蜜香"), ("roasted nuts", "焙火香"), ("fresh grass", "清鲜"),
    ("ripe fruit", "熟果香"), ("wood and earth", "木香陈韵"), ("cream", "奶香"))
FINISHES: Final = (("a long sweet finish", "回甘持久"), ("a light body", "汤感清爽"), ("a thick soup", "汤水醇厚"), ("no bitterness", "不苦不涩"))
SIZES: Final = ((100, "loose leaf", "散装", 1.0), (50, "gift tin", "礼盒装", 0.8))
GLAZES: Final = (("white", "白"), ("celadon green", "青"), ("tea brown", "茶褐"), ("plain", "素"))
TEA_NAMES: Final = {"en": tuple(tea[0] for tea in TEAS), "zh": tuple(tea[1] for tea in TEAS)}
WARE_NAMES: Final = {"en": tuple(ware[0] for ware in WARE), "zh": tuple(ware[1] for ware in WARE)}


def make_catalogue(dice: Dice) -> list[Product]:
    """60 teas and 20 pieces of teaware."""
    return [_tea(number, size, dice) for number in range(len(TEAS)) for size in range(2)] + [_ware(number, dice) for number in range(len(WARE))]


def _tea(number: int, size: int, dice: Dice) -> Product:
    name_en, name_zh, kind, origin_en, origin_zh = TEAS[number]
    grams, pack_en, pack_zh, factor = SIZES[size]
    taste, finish = dice.pick(TASTES), dice.pick(FINISHES)
    year = dice.whole(2015, 2024) if kind in ("pu-erh", "dark", "white") else dice.whole(2024, 2025)
    return Product(
        f"T{number + 1:02}{'LG'[size]}", f"{name_en}, {pack_en}", f"{name_zh}（{pack_zh}）", kind, origin_en, origin_zh, year, grams, None,
        CAFFEINE[kind],
        round(dice.whole(48, 480) * factor), dice.whole(0, 300),
        f"{name_en} from {origin_en}, harvest {year}: {taste[0]} and {finish[0]}. {grams} g.",
        f"{origin_zh}{name_zh}，{year}年，{taste[1]}，{finish[1]}。{grams}克。",
    )  # fmt: skip


def _ware(number: int, dice: Dice) -> Product:
    name_en, name_zh = WARE[number]
    glaze, volume = dice.pick(GLAZES), dice.whole(5, 40) * 10
    return Product(
        f"W{number + 1:02}", name_en, name_zh, "teaware", "Jingdezhen", "景德镇", None, None, volume, "none", dice.whole(19, 680), dice.whole(0, 80),
        f"{name_en[0].upper()}{name_en[1:]}, {glaze[0]} glaze, {volume} ml, made in Jingdezhen.", f"景德镇{glaze[1]}釉{name_zh}，{volume}毫升。",
    )  # fmt: skip
