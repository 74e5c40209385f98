"""Which kinds of event are judged, and what a rule may ask about each: the one catalogue of features.

A feature that is added later is missing in older events, and only a condition that is true fires; a backtest says how
many events lacked it.  What repeats people's words is marked `apart`: it is stored where it can be erased.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from meadow.governance.language import Kind

NUMBER, TEXT, FLAG, TEXTS = Kind.NUMBER, Kind.TEXT, Kind.FLAG, Kind.TEXTS
LONGEST_TEXT = 200_000
MOST_TEXTS = 500
LARGEST_NUMBER = 2**53


@dataclass(frozen=True, slots=True)
class Feature:
    """One thing that is known of an event: its kind and what it means."""

    kind: Kind
    en: str
    zh: str
    apart: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """A kind of event with its features; those of the actor belong to every kind."""

    name: str
    en: str
    zh: str
    features: Mapping[str, Feature]

    @property
    def kinds(self) -> dict[str, Kind]:
        return {name: feature.kind for name, feature in self.features.items()}

    @property
    def apart(self) -> frozenset[str]:
        return frozenset(name for name, feature in self.features.items() if feature.apart)


_ACTOR = {
    "actor_kind": Feature(TEXT, "person, creator, merchant or system", "行为主体：person、creator、merchant 或 system"),
    "actor_age_days": Feature(NUMBER, "days since the account was made", "账号注册天数"),
    "actor_points": Feature(NUMBER, "violation points now", "当前违规积分"),
    "actor_violations_30d": Feature(NUMBER, "violations in the last 30 days", "近 30 天违规次数"),
    "actor_events_hour": Feature(NUMBER, "events of this kind in the last hour", "近 1 小时同类行为次数"),
    "actor_events_day": Feature(NUMBER, "events of this kind in the last day", "近 1 天同类行为次数"),
    "actor_hits_30d": Feature(NUMBER, "events of this kind that a live rule met, 30 days", "近 30 天被规则命中次数"),
    "client": Feature(TEXT, "page, api or the name of an app", "来源：page、api 或应用名称"),
    "is_automation": Feature(FLAG, "sent by an app that says so", "是否为已声明的自动化程序"),
}
_TEXT = {
    "surface": Feature(TEXT, "where it is shown: a text surface", "文本所在位置"),
    "language": Feature(TEXT, "zh, en or other", "语言：zh、en 或 other"),
    "length": Feature(NUMBER, "characters", "字符数"),
    "text": Feature(TEXT, "the text as it was written", "原文", apart=True),
    "links": Feature(NUMBER, "addresses in the text", "链接数量"),
    "links_blocked": Feature(NUMBER, "addresses that the link policy blocks", "被链接规则拦截的链接数量"),
    "links_disguised": Feature(NUMBER, "addresses written so as not to be seen as such", "伪装链接数量"),
    "link_hosts": Feature(TEXTS, "hosts of the addresses", "链接域名"),
    "terms": Feature(TEXTS, "ids of the terms that matched", "命中的词条"),
    "packs": Feature(TEXTS, "packs that the matched terms belong to", "命中词条所属的词包"),
    "layers": Feature(TEXTS, "shadow strings in which terms were found", "命中所在的归一化层"),
    "strong_terms": Feature(NUMBER, "strong terms that matched in their context", "强命中词数量"),
    "weak_terms": Feature(NUMBER, "weak terms that matched", "弱命中词数量"),
    "phones": Feature(NUMBER, "phone numbers, however written", "电话号码数量（含变体写法）"),
    "messenger_ids": Feature(NUMBER, "ids at outside messengers", "站外通讯账号数量"),
    "bank_cards": Feature(NUMBER, "bank card numbers with a right check digit", "银行卡号数量（校验通过）"),
    "payment_codes": Feature(NUMBER, "payment codes in pictures", "收款码数量"),
    "outside_phrases": Feature(NUMBER, "invitations to deal outside", "引导站外交易的话术数量"),
    "repeats_day": Feature(NUMBER, "the same text by this account today", "该账号当天重复发布次数"),
    "same_text_accounts": Feature(NUMBER, "accounts that posted the same text lately", "近期发布相同文本的账号数"),
}
_GOODS = {
    "category": Feature(TEXT, "the goods' category", "商品类目"),
    "goods_rule": Feature(
        TEXT, "what the packs say of the category: allowed, licence, age or forbidden", "类目管控级别"
    ),
    "licences": Feature(TEXTS, "valid licences of the seller", "卖家有效资质"),
    "licences_missing": Feature(NUMBER, "licences the category needs and the seller lacks", "缺少的资质数量"),
    "region": Feature(TEXT, "where the goods are sold", "销售地区"),
    "buyer_age_least": Feature(NUMBER, "the age from which they may be bought", "购买年龄下限"),
    "price_minor": Feature(NUMBER, "price in minor units", "价格（最小货币单位）"),
    "currency": Feature(TEXT, "ISO 4217 code", "货币代码"),
}
_DEAL = {
    "total_minor": Feature(NUMBER, "amount in minor units", "金额（最小货币单位）"),
    "currency": Feature(TEXT, "ISO 4217 code", "货币代码"),
}


def _event(name: str, en: str, zh: str, *parts: Mapping[str, Feature], **own: Feature) -> EventType:
    features: dict[str, Feature] = {**_ACTOR}
    for part in (*parts, own):
        features |= part
    return EventType(name, en, zh, features)


EVENT_TYPES: dict[str, EventType] = {
    event.name: event
    for event in (
        _event(
            "text", "A text is posted", "发布文本", _TEXT, _GOODS,
            has_commission=Feature(FLAG, "it earns a commission", "是否带佣金"),
        ),
        _event(
            "message", "A message is sent", "发送消息", _TEXT,
            message_class=Feature(TEXT, "service, reply, marketing or chat", "消息类别"),
            is_first_contact=Feature(FLAG, "the receiver never answered", "是否首次联系"),
            has_order=Feature(FLAG, "the two have an order together", "双方是否有订单"),
            receivers_day=Feature(NUMBER, "different receivers today", "当天不同接收人数"),
            diversions_30d=Feature(NUMBER, "earlier invitations to deal outside, 30 days", "近 30 天站外引流次数"),
        ),
        _event("listing", "Goods are offered or changed", "发布或修改商品", _TEXT, _GOODS),
        _event(
            "picture", "A picture is uploaded", "上传图片",
            surface=_TEXT["surface"], qr_codes=Feature(NUMBER, "QR codes", "二维码数量"),
            payment_codes=_TEXT["payment_codes"], links=_TEXT["links"], links_blocked=_TEXT["links_blocked"],
            pixels=Feature(NUMBER, "width times height", "像素数"),
            same_picture_accounts=Feature(NUMBER, "accounts with the same picture", "使用相同图片的账号数"),
        ),
        _event(
            "order", "An order is placed", "下单", _DEAL,
            lines=Feature(NUMBER, "order lines", "订单行数"),
            orders_day=Feature(NUMBER, "orders of this buyer today", "买家当天订单数"),
            has_creator=Feature(FLAG, "a creator earns from it", "是否有达人佣金"),
            same_address_accounts=Feature(NUMBER, "accounts with this address", "相同收货地址的账号数"),
        ),
        _event(
            "refund", "A refund is asked for", "申请退款", _DEAL,
            refunds_30d=Feature(NUMBER, "refunds of this buyer, 30 days", "买家近 30 天退款次数"),
            days_since_paid=Feature(NUMBER, "days since payment", "付款后天数"),
        ),
        _event(
            "payout", "Money is withdrawn", "提现", _DEAL,
            payout_changed_days=Feature(NUMBER, "days since the payout account changed", "收款账户变更后天数"),
        ),
        _event(
            "sign_up", "An account is made", "注册账号",
            mail_domain=Feature(TEXT, "domain of the address", "邮箱域名"),
            network_sign_ups_10m=Feature(NUMBER, "accounts from this network, 10 minutes", "同网段 10 分钟注册数"),
        ),
        _event(
            "share", "A token is opened", "打开分享口令",
            clicks_hour=Feature(NUMBER, "clicks of this token in the hour", "该口令近 1 小时点击数"),
            surface=_TEXT["surface"],
        ),
        _event(
            "report", "Something is reported", "举报",
            weight=Feature(NUMBER, "distinct clusters among those who reported it", "举报来源的独立群组数"),
            reports_day=Feature(NUMBER, "reports of this person today", "举报人当天举报次数"),
            dismissed_percent=Feature(NUMBER, "share of this person's reports that were dismissed", "举报人被驳回比例"),
        ),
        _event(
            "ad", "An ad is handed in", "提交广告", _TEXT, _GOODS,
            claims=Feature(TEXTS, "kinds of claims it makes", "广告宣称类型"),
        ),
    )
}  # fmt: skip


# The kinds that happen by themselves so far; the others can be sent by a program, and are offered by no editor.
JUDGED = ("text", "listing", "message")


class FeatureFault(ValueError):
    """A feature that the catalogue does not know, or a value that does not fit its kind."""


def clean_features(event: EventType, given: Mapping[str, Any]) -> dict[str, Any]:
    """The features as they are judged and stored: known and of their kind; what is None is left out.

    Raises FeatureFault: a caller that hands in nonsense has a defect, and a rule would silently not see it.
    """
    found: dict[str, Any] = {}
    types = _TYPES_OF[event.name]
    for name, value in given.items():
        wanted = types.get(name)
        if wanted is None:
            raise FeatureFault(f"{name} is no feature of {event.name}")
        if type(value) is wanted and (wanted is bool or _is_within(value)):
            found[name] = value
        elif value is not None:
            found[name] = _members(name, value, event)
    return found


def _is_within(value: object) -> bool:
    if isinstance(value, int):
        return -LARGEST_NUMBER < value < LARGEST_NUMBER
    return isinstance(value, str) and len(value) <= LONGEST_TEXT


def _members(name: str, value: Any, event: EventType) -> list[str]:
    """The members of a set, each once and in order.  Raises FeatureFault, also for what is no set."""
    kind = event.features[name].kind
    if kind is TEXTS and isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
        members = set(value)
        if len(members) <= MOST_TEXTS and all(isinstance(member, str) for member in members):
            return sorted(members)
    raise FeatureFault(f"{name} is not a {kind.value}")


def for_rules(event: EventType, stored: dict[str, Any]) -> dict[str, Any]:
    """Stored features as a compiled rule takes them: sets of texts are frozensets."""
    for name in _texts_of(event):
        if name in stored:
            stored[name] = frozenset(stored[name])
    return stored


# By name, since hashing an enum's member costs more than the look itself.
_PYTHON = {NUMBER: int, TEXT: str, FLAG: bool, TEXTS: frozenset}
_TYPES_OF: dict[str, dict[str, type]] = {
    event.name: {name: _PYTHON[feature.kind] for name, feature in event.features.items()}
    for event in EVENT_TYPES.values()
}
_TEXTS_OF: dict[str, frozenset[str]] = {
    event.name: frozenset(name for name, feature in event.features.items() if feature.kind is TEXTS)
    for event in EVENT_TYPES.values()
}
APART_OF: dict[str, frozenset[str]] = {event.name: event.apart for event in EVENT_TYPES.values()}


def _texts_of(event: EventType) -> frozenset[str]:
    return _TEXTS_OF[event.name]
