"""Which words of a configuration would pay people for people: the one list by which every door refuses pay for recruiting.

A commission is paid to the creator of the attributed click of that very order line and to nobody else.  So there is no
setting for uplines, levels, teams, joining fees or starter purchases; whoever tries to name one is told why not.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST_DEPTH = 8
MOST_TERMS = 2_000

# Over names with their parts joined by one sign, as level2_rate and secondLevelRate both become second_level_rate.
_TERMS: tuple[tuple[str, str], ...] = (
    ("levels", r"(level|tier|layer|generation|depth)s?_?([2-9]|two|three|second|third|multi)|(second|third|multi|two|three|[2-9])(nd|rd)?_?(level|tier|layer)"),
    ("levels", r"(level|tier|layer|generation)s?_(rate|commission|bonus|percent|share|pay)|(rate|commission|share)s?_(by|per)_(level|tier|layer)"),
    ("upline", r"up_?lines?|sponsor_(rate|bonus|share|id|commission)|parent_(rate|share|commission|creator|promoter|id|affiliate)|inviter|invited_by|referred_by|referrer_(rate|share|bonus|id|commission)|sub_?affiliate|grand_?parent"),
    ("downline", r"down_?lines?|team_(bonus|commission|rate|share|sales|override|size|count|performance)|override_(rate|commission|bonus)|group_performance|matrix_|binary_(bonus|plan)"),
    ("recruiting", r"recruit(s|ing|er|ment|ed)?(_|$)|head_?count_(bonus|pay|fee)|(sign_?up|invite|invitation|referral|enrol?ment)_(bonus|reward|fee|commission|rate|pay|award)|bonus_per_(invite|member|recruit|person)"),
    ("joining_fee", r"(join(ing)?|entry|entrance|membership|enrol?ment|registration|activation|franchise)_(fee|price|cost|deposit|payment|minor)|fee_to_join|pay_to_join"),
    ("starter_purchase", r"starter_(kit|purchase|pack|order)|(min(imum)?|mandatory|required|first)_(own_|personal_)?(purchase|order|stock|inventory)_(to_(join|earn)|minor|amount|required)|personal_volume|buy_in"),
    ("upgrade", r"upgrade_(by|at|rule|threshold|when|from)|promote_(at|by|when)_(recruits|members|downline|sales)|rank_(bonus|rate|rule|up)|(agent|distributor)_(level|rank|grade)"),
    ("second_creator", r"(second|co|extra|other|additional|shared)_?(creator|promoter|affiliate|beneficiary|payee)s?(_|$)|(creator|commission|payee|beneficiary)_(splits?|shares|chain|path)|split_with|share_with|beneficiaries|payees|(agency|mcn|manager|captain)_(rate|share|cut|commission)"),
)  # fmt: skip
_CHINESE: tuple[tuple[str, str], ...] = (
    ("levels", r"[二三四五六七八九两多]级(分销|分佣|佣金|返佣|代理|提成)|[2-9]级(分销|分佣|佣金|返佣|代理)|级差"),
    ("upline", r"上级|上线(佣金|提成|奖)|推荐人(佣金|提成|奖|返)|邀请人(佣金|提成|奖)|间接(推荐|佣金)"),
    ("downline", r"下级|下线|团队(奖|佣金|提成|业绩|计酬|返利)|裂变(佣金|奖)"),
    ("recruiting", r"拉人头|拉新(奖|提成|佣金)|人头费|招(募)?代理(奖|佣)|邀请(奖励|返佣|提成)"),
    ("joining_fee", r"入门费|入会费|加盟费|门槛费|代理费|会员费(入|加)"),
    ("starter_purchase", r"(入门|首批|强制|起步)(购买|进货|拿货|囤货)|购买(礼包|大礼包)(成为|升级)"),
    ("upgrade", r"(升级|晋升)(条件|规则|奖)|按(人数|下级|团队)升级"),
    ("second_creator", r"(第二|共同|其他)(达人|推广者)|机构(分成|抽成)|分给(其他|第二)"),
)
_NAMES = re.compile("|".join(f"(?P<k{n}>(?:^|_)(?:{words}))" for n, (_, words) in enumerate(_TERMS)))
_WORDS = re.compile("|".join(f"(?P<k{n}>{words})" for n, (_, words) in enumerate(_CHINESE)))
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SIGNS = re.compile(r"[^0-9A-Za-z\u4e00-\u9fff]+")


def prohibited_in(text: str) -> str | None:
    """Which kind of prohibited pay a name or a short title speaks of, or None."""
    plain = _SIGNS.sub("_", _CAMEL.sub("_", text[:500])).strip("_").lower()
    if found := _NAMES.search(plain):
        return _TERMS[int((found.lastgroup or "k0")[1:])][0]
    if found := _WORDS.search(plain.replace("_", "")):
        return _CHINESE[int((found.lastgroup or "k0")[1:])][0]
    return None


def prohibited_terms(given: Any, path: str = "") -> list[tuple[str, str]]:
    """Every (place, kind) in a document whose name would pay somebody for somebody else's sale or for recruiting."""
    found: list[tuple[str, str]] = []
    _walk(given, path, 0, found)
    return found[:20]


def _walk(given: Any, path: str, depth: int, found: list[tuple[str, str]]) -> None:
    if depth > MOST_DEPTH or len(found) >= 20:
        return
    if isinstance(given, Mapping):
        for number, (name, value) in enumerate(given.items()):
            if number >= MOST_TERMS:
                return
            place = f"{path}/{str(name)[:100]}"
            if kind := prohibited_in(str(name)):
                found.append((place, kind))
            _walk(value, place, depth + 1, found)
    elif isinstance(given, Sequence) and not isinstance(given, str | bytes):
        for number, value in enumerate(given[:MOST_TERMS]):
            _walk(value, f"{path}/{number}", depth + 1, found)
