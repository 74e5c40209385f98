"""What a notice says, how long a message may be, and each refusal.  Nothing here sells: notices carry no marketing."""

import re
import string
from datetime import timedelta

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine
from meadow.messaging.rules import sales, stops
from meadow.messaging.rules.words import Words

__all__ = ["NOTICES", "REFUSALS", "Words", "clean", "sales"]

LIMITS = {
    "chat_characters": 2000, "title_characters": 80, "text_characters": 2000, "audience": 10_000, "everybody": 200_000, "page": 100,
    "evidence_pictures": 5, "foreseen": 20_000,
}  # fmt: skip
CONFIRM_WITHIN = timedelta(minutes=30)
SEND_REMEMBERED = timedelta(hours=24)  # how long a client_msg_id names the same send
OFFENCES, OFFENCE_WINDOW = 3, timedelta(days=30)
# What can be reported, by the short names of addresses.
REPORTABLE = ("recommendation", "comment", "picture", "product", "shop", "creator", "merchant", "person", "message")
SIDES = ("person", "merchant")
PHONE_SIDES = ("buyer", "merchant")
PHONE_KEPT = timedelta(days=60)
_PHONE = re.compile(r"\+?\d{6,15}\Z")
# A send to many waits for a second person; what nobody confirms in time is never sent.
SEND = Machine(
    "send",
    "unconfirmed",
    {"unconfirmed": {"confirm": "accepted", "expire": "expired"}, "accepted": {}, "expired": {}},
    ends={"accepted", "expired"},
)
DELIVERY_STATES = ("waiting", "delivered", "skipped")


NOTICES: dict[str, Words] = sales.NOTICES | stops.NOTICES | {
    "outlet_changed": Words(
        "{outlet}: share another form now", "{outlet_zh}：请改用其他分享形式",
        "What is handed out for {outlet} by default is now: {form} (before: {form_before}). What you shared earlier "
        "still opens. Take fresh material from the page of your shares.",
        "{outlet_zh}的默认分享形式已由“{form_before_zh}”改为“{form_zh}”。此前分享的内容仍可打开，请在“我的分享”页面获取新的素材。",
    ),
    "channel_alarm": Words(
        "{outlet} may be blocking us", "{outlet_zh}可能正在拦截",
        "{outlet}, form {form}: {observed} came where {expected} were expected within {minutes} minutes. Look at the "
        "page of channels, try a share yourself, and close the alarm when it gets through.",
        "{outlet_zh}（{form_zh}）：{minutes} 分钟内仅到达 {observed} 次，预计 {expected} 次。请查看渠道页面并亲自试一次，恢复后关闭警报。",
    ),
    "channel_reported": Words(
        "Creators report that {outlet} blocks", "达人反馈{outlet_zh}被拦截",
        "{observed} creators said within a day that the form {form} does not get through to {outlet}. Look at the page "
        "of channels, try a share yourself, and close the alarm when it gets through.",
        "一天内有 {observed} 位达人反馈{outlet_zh}的“{form_zh}”无法打开。请查看渠道页面并亲自试一次，恢复后关闭警报。",
    ),
    "send_waits": Words(
        "A message to many waits for you", "群发消息待您确认",
        "“{title}” to {audience} people was written by {name}. Confirm it on the page of the shop's messages until {until}, "
        "or it is never sent.",
        "{name} 撰写的“{title}”将发送给 {audience} 人。请在 {until} 前于店铺消息页面确认，逾期不再发送。",
    ),
    "goods_prohibited": Words(
        "Goods you ordered are forbidden", "您购买的商品被认定为违禁品",
        "Something in order {order} was found to be forbidden. Your money stays in escrow: the shop does not get it. "
        "You can have it back on the page of the order, by cancelling or by a claim.",
        "订单 {order} 中有商品被认定为违禁品。货款仍由平台担保保管，不会支付给商家。您可以在订单页面取消订单或申请售后，取回货款。",
    ),
    "appeal_asked": Words(
        "We asked you something", "我们需要您的答复",
        "The clock of your appeal {appeal} waits: {because}. Look at its page.",
        "您的申诉 {appeal} 暂停计时：{because_zh}。请查看申诉页面。",
    ),
    "appeal_overdue": Words(
        "Your appeal is overdue", "您的申诉已逾期",
        "Nobody has answered your appeal {appeal} in time. It is called out, and what can be lifted is lifted meanwhile.",
        "您的申诉 {appeal} 逾期未答复，已升级处理，可解除的限制先行解除。",
    ),
    "appeal_decided": Words(
        "Your appeal is answered", "您的申诉已答复",
        "Appeal {appeal}: {outcome}. {reason}",
        "申诉 {appeal}：{outcome_zh}。{reason_zh}",
    ),
}  # fmt: skip

# What a decision does, in the words of its notice.
ACTIONS: dict[str, tuple[str, str]] = {
    "suspend": ("suspended or taken down", "暂停或下架"), "stop_new": ("stopped for what is new", "停止新增"),
    "restore": ("restored", "恢复"), "warn": ("a warning", "提醒"), "hold": ("hidden until looked at", "待审核，暂不展示"),
    "block": ("not published", "未予发布"), "violation": ("a violation with points", "违规计分"),
    "limit": ("a limit on the account", "账号限制"),
}  # fmt: skip
OUTCOMES: dict[str, tuple[str, str]] = {
    "upheld": ("the decision stands", "维持原决定"), "reversed": ("the decision was taken back", "原决定已撤销"),
}  # fmt: skip

# How the forms of a token are called.
FORM_NAMES = {
    "link": ("link", "链接"), "text": ("text token", "文字口令"), "digits": ("digits", "数字口令"),
    "qr": ("QR code", "二维码"), "poster": ("poster", "海报"), "card": ("share card", "分享卡片"),
    "": ("any form", "全部形式"),
}  # fmt: skip

# Shown beside a chat message that leads outside; the message itself is delivered as it was written.
WARNING = (
    "This message seems to lead to paying outside. If you pay outside, no escrow protects your money.",
    "该消息可能引导您在站外付款。站外付款没有担保交易，资金不受保护。",
)

# What who paid outside, or was asked to, must know in plain words.
NO_ESCROW = (
    "What you pay outside has no escrow: the money is not here, nobody holds it for you, and nobody here can give it back. "
    "Pay nothing more outside. If you have paid already, ask your bank or the payment service, and the police, for help; "
    "we look at what the shop did.",
    "站外付款没有担保交易：钱不在平台，平台既没有代为保管，也无法为您退款。请不要再向站外付款。"
    "如已付款，请尽快联系银行、支付机构或报警求助；平台会核查商家的行为。",
)

REFUSALS: dict[str, Says] = {
    "contact_refused": Says(
        403,
        "The message was not delivered: {reason}. Wait until they write to you.",
        "消息未送达：{reason_zh}。请等待对方与您联系。",
    ),
    "first_message_plain": Says(
        422,
        "The first message to a shop may hold no link. Send it without the link; after an answer you can send links.",
        "首次联系商家不能包含链接，请去掉链接后发送；商家回复后即可发送链接。",
    ),
    "wait_for_answer": Says(
        409,
        "The shop has not answered your first message yet. You can write again once it has.",
        "商家尚未回复您的首条消息，请等商家回复后再发送。",
    ),
    "order_unpaid": Says(
        409,
        "Numbers are exchanged once the order is paid. Use the chat until then.",
        "订单付款后才能交换联系电话，付款前请使用站内聊天。",
    ),
    "template_refused": Says(
        422,
        "A service message tells and does not sell: “{term}” stands against rule {rule}. Take it out.",
        "服务通知只告知、不营销：“{term}”不符合规则 {rule}，请删除。",
    ),
    "audience_too_large": Says(
        422,
        "A send reaches at most {most} people. Split the audience; the caps stay the same.",
        "单次最多发送给 {most} 人，请分批发送；每人的接收上限不变。",
    ),
    "other_must_confirm": Says(
        403,
        "Somebody else of the shop must confirm a message to so many people. Ask a colleague, or add one as staff.",
        "面向大量用户的消息须由店铺的另一位成员确认。请联系同事确认，或先添加店员。",
    ),
    "send_mismatch": Says(
        409,
        "This client_msg_id named another send within the last day. Choose a new one.",
        "该 client_msg_id 在 24 小时内已用于其他内容，请更换。",
    ),
}


def clean_phone(phone: str) -> str:
    """A number as digits, with a plus sign where it came with one; empty stays empty.  Refuses: malformed."""
    plain = re.sub(r"[\s().-]", "", phone)
    if plain and not _PHONE.match(plain):
        raise Refusal("malformed", field="phone", why="6 to 15 digits, with a plus sign for another country")
    return plain


def masked(phone: str) -> str:
    """Enough of a number to know it again, and not enough to call it."""
    shown = 4 if len(phone) > 9 else 2
    return f"{phone[: shown - 1]}{'*' * (len(phone) - 2 * shown + 1)}{phone[-shown:]}" if phone else ""


def check_words(topic: str, words: Words) -> None:
    """A wording that fits its notice: no empty part, no other values than the notice has.  Refuses: malformed."""
    shipped = NOTICES[topic]
    texts = (shipped.title_en, shipped.title_zh, shipped.text_en, shipped.text_zh)
    known = {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name}
    for field in ("title_en", "title_zh", "text_en", "text_zh"):
        text = getattr(words, field)
        clean(field, text, LIMITS["title_characters" if field.startswith("title") else "text_characters"])
        try:
            parts = list(string.Formatter().parse(text))
        except ValueError:
            raise Refusal("malformed", field=field, why="its braces do not match") from None
        asked = {name for _, name, _, _ in parts if name is not None}
        is_plain = all(not spec and not conversion for _, _, spec, conversion in parts)
        if not asked <= known or not is_plain:
            names = ", ".join(sorted(f"{{{name}}}" for name in known)) or "no values"
            raise Refusal("malformed", field=field, why=f"it may name {names}")


def clean(field: str, text: str, most: int) -> str:
    """A text without blank ends and control characters.  Refuses: malformed."""
    kept = "".join(c for c in text.strip() if c in "\n\t" or c.isprintable() or c in "\u200d\ufe0f")
    if not kept:
        raise Refusal("malformed", field=field, why="write something")
    if len(kept) > most:
        raise Refusal("malformed", field=field, why=f"at most {most} characters")
    return kept
