"""Which shops the sample has and what they sell: materials and forms in two languages, from which products are made."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Make:
    """How a thing is made: the words before its name, and a sentence about it.  factor: per cent of the form's price."""

    words: str
    about: str
    factor: int = 100


@dataclass(frozen=True, slots=True)
class Form:
    """What a thing is: its name, a sentence about it, its price in whole units, its weight, its option."""

    name: str
    about: str
    price: int
    grams: int
    option: str = ""
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ShopSample:
    keeper: str  # the e-mail name of who keeps it
    merchant: str
    name: str
    notice: str
    language: str
    category: str
    shipping: int
    rate_bp: int
    makes: tuple[Make, ...]
    forms: tuple[Form, ...]
    licences: tuple[str, ...] = ()  # the kinds that its goods may only be sold with


SIZES = ("S", "M", "L")
SHOPS: tuple[ShopSample, ...] = (
    ShopSample(
        "ada", "Ada's Kiln Ltd", "Ada's Kiln", "Each piece is thrown and fired by hand; no two are quite alike.", "en",
        "Tableware", 12, 2000,
        (
            Make("Ash-glazed", "The glaze is wood ash from our own stove, so the colour follows the season."),
            Make("Celadon", "A pale green that pools a little deeper in every line the hand left.", 130),
            Make("Salt-white", "Plain white stoneware with a skin like orange peel.", 90),
            Make("Iron-spotted", "Small dark freckles come up out of the clay while it cools.", 110),
            Make("River-blue", "A blue that was mixed for one customer and then never left the shelf.", 120),
        ),
        (
            Form("teapot", "It pours without a drip and holds enough for three.", 168, 740),
            Form("tea bowl", "It sits in two hands and keeps its warmth.", 58, 260),
            Form("mug", "The handle takes all four fingers.", 46, 340, "Size", ("Small", "Large")),
            Form("dinner plate", "Wide, flat and glad of a dishwasher.", 62, 620),
            Form("soup bowl", "Deep enough for noodles.", 54, 480, "Size", ("Small", "Large")),
            Form("pitcher", "For water, milk or a few branches.", 118, 900),
            Form("vase", "It stands steadily with a single stem in it.", 96, 700, "Height", ("15 cm", "25 cm")),
            Form("oil bottle", "With a cork that fits.", 72, 420),
            Form("candle dish", "It catches every drop.", 32, 210),
        ),
    ),
    ShopSample(
        "lin", "山里作坊", "山里作坊", "竹木器都在山里做成，接单后三日内寄出。", "zh", "家居", 10, 1500,
        (
            Make("青竹", "取三年生青竹，削青留肌，越用越润。"),
            Make("炭化竹", "高温炭化，颜色沉静，不易生虫。", 115),
            Make("老榆木", "旧屋梁拆下的老料，纹理疏朗。", 140),
            Make("香樟木", "带一点清凉的木香，虫子不喜欢。", 125),
            Make("山核桃木", "质地密实，经得起每天使用。", 135),
        ),
        (
            Form("提篮", "出门采菜、装点心都合适。", 88, 520, "尺寸", ("小", "大")),
            Form("茶盘", "四周微微起沿，水不外溢。", 76, 640),
            Form("砧板", "厚两公分，两面可用。", 98, 1500, "尺寸", ("小", "中", "大")),
            Form("饭勺", "不粘饭，也不伤锅。", 22, 60),
            Form("果盘", "浅浅一圈，正好放下当季水果。", 66, 380),
            Form("矮凳", "换鞋、晒太阳，随手一搬。", 158, 2300),
            Form("笔筒", "桌上的一小段山。", 36, 220),
            Form("烛台", "底座压得稳，风来不倒。", 48, 300),
            Form("收纳筐", "放毛线、放玩具，都看得见纹路。", 108, 760, "尺寸", ("小", "大")),
        ),
    ),
    ShopSample(
        "greta", "Drizzle & Daughters", "Drizzle & Daughters", "Made for weather that cannot decide.", "en",
        "Clothing", 15, 1000,
        (
            Make("Moss", "A green that does not show where you sat."),
            Make("Slate", "A grey with a little blue left in it."),
            Make("Marigold", "Seen from the far end of any street.", 105),
            Make("Heather", "Dyed in small lots, each a shade apart.", 110),
            Make("Undyed", "The wool as the sheep wore it.", 95),
        ),
        (
            Form("rain coat", "Taped seams, a hood that turns with you, and pockets for cold hands.", 429, 950, "Size", SIZES),
            Form("wool jumper", "Knitted in one piece, so there is no seam to come undone.", 289, 620, "Size", SIZES),
            Form("walking socks", "Thick under the foot and thin across the top.", 39, 90, "Size", ("36-39", "40-43", "44-46")),
            Form("beanie", "Long enough to fold twice.", 69, 80),
            Form("scarf", "Two metres, which is once more around than you expect.", 119, 240),
            Form("market bag", "Carries a week's vegetables and folds into a fist.", 49, 130),
            Form("rain boots", "They come up to just below the knee.", 239, 1700, "Size", ("37", "39", "41", "43")),
            Form("umbrella", "Eight ribs of ash wood; we mend it for as long as you own it.", 159, 520),
            Form("work shirt", "Brushed cotton with sleeves that stay rolled up.", 189, 380, "Size", SIZES),
        ),
    ),
    ShopSample(
        "zhou", "小满书店", "小满书店", "一间不大的书店，也做一点文具。", "zh", "图书文具", 8, 800,
        (
            Make("雨巷", "封面是一条下雨的巷子，摸上去有凹凸。"),
            Make("山野", "用了不反光的本色纸，久看不累。"),
            Make("星河", "深蓝的布面，烫了很小的银点。", 115),
            Make("麦田", "颜色是六月傍晚的那种黄。"),
            Make("海岛", "封底藏着一张手绘的小地图。", 105),
        ),
        (
            Form("手账本", "每日一页，留白比格子多。", 59, 360, "内页", ("空白", "方格")),
            Form("诗集", "收了四十七首短诗，适合放在床头。", 45, 220),
            Form("散步指南", "十二条小路，每条都走得到头。", 52, 280),
            Form("铅笔套装", "六支，软硬不同，都用椴木。", 38, 70),
            Form("书袋", "装得下两本厚书和一把伞。", 66, 180),
            Form("速写本", "纸厚，上水彩也不透。", 48, 420, "尺寸", ("A5", "A4")),
            Form("植物志", "一百种路边的草，配手绘。", 88, 640),
            Form("毛笔", "兼毫，适合刚开始写的人。", 72, 40),
            Form("故事集", "七个关于等车的故事。", 42, 260),
        ),
        ("publication",),
    ),
    ShopSample(
        "iris", "Loom Lane", "Loom Lane", "Woven on two looms in one room. Orders leave on Tuesdays and Fridays.", "en",
        "Home textiles", 10, 1800,
        (
            Make("Herringbone", "The pattern turns every eight threads."),
            Make("Waffle-weave", "It takes up water quickly and gives it back quickly.", 95),
            Make("Striped linen", "The stripes were counted, not printed.", 115),
            Make("Checked wool", "Four colours that were on the shelf that week.", 130),
            Make("Plain cotton", "Nothing to distract from the cloth.", 80),
        ),
        (
            Form("blanket", "Large enough for two on a bench.", 329, 1400, "Size", ("Single", "Double")),
            Form("tea towel", "It dries a whole supper's dishes.", 29, 90),
            Form("bath towel", "Thirsty from the second wash on.", 79, 520, "Size", ("Small", "Large")),
            Form("table runner", "It ends where the table does, if you tell us the length.", 99, 260, "Length", ("1.5 m", "2 m")),
            Form("cushion cover", "With wooden buttons on the back.", 69, 180),
            Form("tote bag", "The handles are sewn to the bottom, not to the edge.", 59, 210),
            Form("shawl", "It goes around shoulders and, folded, around a baby.", 149, 300),
            Form("bread bag", "A loaf keeps three days in it.", 35, 80),
            Form("apron", "It crosses at the back, so nothing pulls at the neck.", 89, 270),
        ),
    ),
    ShopSample(
        "he", "青禾食铺", "青禾食铺", "当季做，当季卖，卖完就等明年。", "zh", "食品", 6, 1200,
        (
            Make("高山", "产地海拔九百米，早晚雾多。", 120),
            Make("古法", "照奶奶的本子做，糖减了三分之一。"),
            Make("桂花", "当年秋天的金桂，一层糖一层花。", 110),
            Make("山楂", "酸味在前，甜味在后。"),
            Make("黑芝麻", "石磨慢磨，香得实在。", 105),
        ),
        (
            Form("红茶", "汤色透亮，适合早上。", 68, 120, "规格", ("50 克", "150 克")),
            Form("米饼", "烤到刚刚起泡，咔嚓一声。", 22, 200),
            Form("蜂蜜酱", "抹面包、兑温水都行。", 46, 380),
            Form("糯米糕", "蒸三分钟，和刚出锅一样。", 32, 450, "规格", ("六枚", "十二枚")),
            Form("酥糖", "一碰就碎，请用手接着。", 28, 220),
            Form("花草茶", "晚上喝也睡得着。", 52, 80),
            Form("酱菜", "脆，配白粥。", 19, 260),
            Form("甜醋", "兑气泡水，是夏天的味道。", 36, 560),
            Form("杂粮饼干", "牛奶里泡一下更好吃。", 26, 240),
        ),
    ),
)  # fmt: skip
