"""Who the sample's people are and what its creators recommend, in their own words."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PersonSample:
    """Somebody of the sample; role says what they are there to show.

    Hashing a password takes long by intention, so only those whom a visitor wants to be have one; the others can
    still sign in by an e-mail code.
    """

    key: str
    name: str
    locale: str
    role: str
    has_password: bool = False


@dataclass(frozen=True, slots=True)
class CreatorSample:
    key: str
    name: str
    fields: tuple[str, ...]
    about: str


@dataclass(frozen=True, slots=True)
class PostSample:
    """A recommendation: products are named by (keeper of the shop, make, form), each with its reason."""

    creator: str
    title: str
    text: str
    items: tuple[tuple[str, int, int, str], ...]


PEOPLE: tuple[PersonSample, ...] = (
    PersonSample("ada", "Ada", "en", "keeps a shop", has_password=True),
    PersonSample("mei", "Mei", "zh-hans", "creator / 达人", has_password=True),
    PersonSample("bo", "Bo", "en", "buys", has_password=True),
    PersonSample("otto", "Otto", "en", "operates", has_password=True),
    PersonSample("lin", "林野", "zh-hans", "商家", has_password=True),
    PersonSample("greta", "Greta", "en", "keeps a shop"),
    PersonSample("zhou", "周舟", "zh-hans", "商家"),
    PersonSample("iris", "Iris", "en", "keeps a shop"),
    PersonSample("he", "何青", "zh-hans", "商家"),
    PersonSample("noor", "Noor", "en", "creator"),
    PersonSample("theo", "Theo", "en", "creator"),
    PersonSample("xia", "夏荷", "zh-hans", "达人"),
    PersonSample("an", "安安", "zh-hans", "买家", has_password=True),
)
CREATORS: tuple[CreatorSample, ...] = (
    CreatorSample("mei", "Mei 的茶桌", ("茶", "器物"), "十年喝茶，只说自己用过的。"),
    CreatorSample("noor", "Noor at Home", ("home", "textiles"), "Small rooms, few things, long use."),
    CreatorSample("theo", "Theo Outdoors", ("walking", "rain"), "I walk to work in all weathers and report back."),
    CreatorSample("xia", "夏荷读书", ("书", "文具", "吃"), "一边读，一边吃。"),
)
POSTS: tuple[PostSample, ...] = (
    PostSample("mei", "一个人的早茶", "茶不必贵，器要称手。这几样我每天都在用。", (
        ("ada", 0, 0, "出水干净，断水利落，半年没有滴过一次。"),
        ("ada", 1, 1, "捧在手里不烫，茶汤的颜色特别好看。"),
        ("he", 0, 0, "早上第一泡就用它，汤亮，味道不涩。"),
    )),
    PostSample("mei", "给朋友的乔迁礼", "不占地方，谁家都用得上。", (
        ("lin", 0, 1, "水不外溢，湿布一擦就干净，送人很体面。"),
        ("ada", 4, 6, "只插一枝也站得稳，朋友搬家后一直摆在窗边。"),
    )),
    PostSample("mei", "桂花季", "一年只有两个星期，过了要等明年。", (
        ("he", 2, 2, "兑温水就是一杯桂花茶，甜得不腻。"),
        ("he", 2, 3, "蒸三分钟，孩子一次能吃两枚，要数着给。"),
    )),
    PostSample("noor", "A kitchen that needs four things", "I moved twice this year. These came along both times.", (
        ("iris", 1, 1, "It dries a full rack of dishes and is dry itself by morning."),
        ("ada", 2, 3, "Two years in the dishwasher and it still looks new to me."),
        ("lin", 2, 2, "Heavy enough to stay put, and both sides are usable."),
        ("iris", 4, 7, "Our bread stopped going stale on the second day."),
    )),
    PostSample("noor", "One warm corner", "For the week the heating fails.", (
        ("iris", 3, 0, "It covers two people on our sofa with no argument."),
        ("ada", 3, 2, "The large one holds a proper amount of tea, and my whole hand."),
    )),
    PostSample("noor", "Gifts that fit through a letterbox", "", (
        ("iris", 2, 1, "Flat, useful, and nobody I know owns too many of these."),
        ("greta", 3, 2, "Bought in three sizes for a family; all three were right."),
    )),
    PostSample("theo", "Forty minutes on foot, every day", "What lasted through a year of rain.", (
        ("greta", 0, 0, "A year of rain and the seams have not let in a drop."),
        ("greta", 1, 6, "I can stand in a puddle and think about something else."),
        ("greta", 4, 2, "Thick where it matters; no blisters since February."),
    )),
    PostSample("theo", "An umbrella worth mending", "They mended mine for the price of the postage.", (
        ("greta", 2, 7, "It turned inside out twice and went back both times."),
    )),
    PostSample("theo", "Lunch in a coat pocket", "", (
        ("he", 4, 8, "Four of these and an apple get me home again."),
        ("greta", 0, 5, "It folds into a fist and still carried six bottles."),
    )),
    PostSample("xia", "下雨天读什么", "雨声里翻书，最好是短的。", (
        ("zhou", 0, 1, "每首都短，读完一首正好抬头看一眼雨。"),
        ("zhou", 3, 8, "等车的故事，我是在站台上读完的。"),
        ("he", 1, 1, "咔嚓咔嚓，配书刚好，就是掉渣。"),
    )),
    PostSample("xia", "今年的手账", "用到第四本了，可以说说。", (
        ("zhou", 2, 0, "纸不洇墨，留白多，不写满也不心虚。"),
        ("zhou", 1, 3, "六支软硬不同，画线写字各用一支。"),
    )),
    PostSample("xia", "认得路边的草", "带孩子散步前先翻两页。", (
        ("zhou", 1, 6, "手绘比照片好认，孩子已经认得二十种。"),
        ("zhou", 4, 2, "十二条小路走了九条，确实都走得到头。"),
    )),
)  # fmt: skip
