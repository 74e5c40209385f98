"""What honest people post, and a list of 40,000 terms: the load of the measurement of texts, the same every time."""

from random import Random

from meadow.governance.rules.surfaces import PUBLIC
from meadow.governance.rules.terms import Pack, Term, Topic

CHARACTERS, TERMS, POSTS = 220, 40_000, 400
#: Two product links of partners stand in every post.
LINKS = ("https://item.taobao.com/item.htm?id={n}&spm=a21bo.{n}", "https://weimai.cn/s/tea-{n}")
PARTNERS = (
    ("淘宝", ("item.taobao.com", "taobao.com"), ("item.taobao.com/item.htm?id={digits}",)),
    ("微卖", ("weimai.cn",), ("weimai.cn/s/{slug}",)),
)
SENTENCES = """\
这只杯子我用了三个月，釉面没有裂，洗碗机也进过很多次。
早上泡一杯绿茶，杯壁薄，手感温润，看着心情就好。
包装很仔细，纸箱里垫了两层气泡膜，没有一点磕碰。
第一次收到的颜色不对，跟客服说了以后第二天就换了新的。
适合送给刚搬家的朋友，礼盒有现成的，不用另外买。
尺码偏大，平时穿三十八的建议拍三十七，脚背高的照常。
布料是棉麻混纺，夏天透气，洗了几次没有明显缩水。
晚上在阳台上点一盏小灯，刚好看书，不会晃眼睛。
面包机说明书写得清楚，我妈自己看着就做出了吐司。
孩子很喜欢这套积木，拼了一个下午都不肯吃饭。
背包的夹层可以放十四寸的电脑，肩带加厚过，背久了不勒。
香味很淡，像雨后的草地，放在衣柜里正好。
这个价位能有这样的做工，说实话已经超出我的期待。
锅底是三层的，受热均匀，煎蛋不粘，清洗也方便。
如果你家里有猫，建议选深色的，浅色容易看见毛。
物流三天到的，下雨天外箱有点湿，里面完全没有问题。
这款跑鞋缓震偏软，慢跑舒服，冲刺的时候支撑差一点。
拍照的时候光线一般，实物比图片上更好看一些。
枕头高度可以自己调，把里面的棉抽出来一点就行。
煮咖啡的水温控制在九十二度左右，味道会更干净。
The lid closes tightly and nothing leaked in my bag all week.
I ordered the medium and it fits like a small, so size up if you are between two.
The colours are softer than in the pictures, which I happen to like.
After two months of daily use the handle is still firm.
Delivery took four days and the parcel was packed with care.
My sister bought the same one in green and we are both happy with it.
""".splitlines()


def posts() -> list[str]:
    """Posts of 220 characters in zh and en, each with two links."""
    dice = Random(220)
    return [_post(dice, number) for number in range(POSTS)]


def _post(dice: Random, number: int) -> str:
    links = [link.format(n=number + 100_000) for link in LINKS]
    room = CHARACTERS - sum(map(len, links)) - 3
    words = ""
    while len(words) < room:
        words += dice.choice(SENTENCES)
    middle = room // 2
    return f"{words[:middle]} {links[0]} {words[middle:room]} {links[1]}"


def large_pack() -> Pack:
    """As many terms as the largest lists have: of two to six common characters, one in eight in Latin letters."""
    dice = Random(TERMS)
    # The first level of GB 2312: the 3,755 commonest characters.
    common = bytes(b for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF) for b in (row, cell))
    han = common.decode("gb2312", "ignore")
    texts: dict[str, None] = {}
    while len(texts) < TERMS:
        if dice.random() < 0.125:
            texts["".join(dice.choices("abcdefghijklmnopqrstuvwxyz", k=dice.randrange(6, 12)))] = None
        else:
            texts["".join(dice.choices(han, k=dice.choice((2, 3, 3, 4, 4, 5, 6))))] = None
    terms = tuple(Term(text, "bench.large", "weak") for text in texts)
    topic = Topic(
        "bench", 1, "large", "goods.prohibited", "A term of the measurement", "测量词条", "forbidden", "review", "review",
        PUBLIC, terms=terms,
    )  # fmt: skip
    return Pack("bench", 1, "Measurement", "测量", (topic,), "")
