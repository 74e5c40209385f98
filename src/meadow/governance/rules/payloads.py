"""What a QR code in a picture leads to: a payment, a person in a messenger, an address, or just text."""

import re
from dataclasses import dataclass
from typing import Literal

from meadow.governance.rules.terms import Verdict

PayloadKind = Literal["payment", "messenger", "link", "text"]

_PAYMENT = re.compile(
    r"https?://(?:qr\.alipay\.com|ds\.alipay\.com|mobilecodec\.alipay\.com|render\.alipay\.com|openauth\.alipay\.com"
    r"|wx\.tenpay\.com|payapp\.(?:weixin|wechat)\.(?:qq\.)?com|qr\.95516\.com|i\.qianbao\.qq\.com|vac\.qq\.com/wallet"
    r"|qpay\.qq\.com|(?:www\.)?paypal\.me|(?:www\.)?paypal\.com/(?:paypalme|qrcodes)|venmo\.com|cash\.app|enroll\.zellepay\.com"
    r"|revolut\.me|monzo\.me|buy\.stripe\.com|pay\.line\.me|qr\.kakaopay\.com|wise\.com/pay)(?:[/?:#]|$)"
    r"|wxp://|weixin://wxpay|alipays?://|alipayqr://|unionpay://|upwallet://|upi://pay|venmo://|cashapp://|paytmmp://|phonepe://|gpay://"
    r"|(?:bitcoin|bitcoincash|ethereum|litecoin|dogecoin|lightning|monero|solana|tron|ripple|stellar|cardano):[a-z0-9]"
    r"|lnurl1|lnbc\d|payto://|pix\.bcb|br\.gov\.bcb\.pix",
    re.I,
)
# Merchant-presented codes of EMVCo (UPI, PayNow, PIX, FPS ...) end in a checksum; SEPA and Swiss bills begin with a word.
_EMV = re.compile(r"000201[\s\S]{20,}6304[0-9A-F]{4}\Z", re.I)
_BILL = re.compile(r"(?:BCD\r?\n00[12]\r?\n|SPC\r?\n0200\r?\n)")
_MESSENGER = re.compile(
    r"https?://(?:u\.wechat\.com|weixin\.qq\.com/[rgx]/|work\.weixin\.qq\.com/(?:u|ca|gm)|wxwork\.|(?:qm|qun|jq)\.qq\.com|wpa\.qq\.com"
    r"|(?:api\.)?wa\.me|wa\.link|(?:api|chat)\.whatsapp\.com|t\.me|telegram\.(?:me|dog)|line\.me|lin\.ee|join\.skype\.com"
    r"|discord\.(?:gg|com/invite)|m\.me|ig\.me|signal\.(?:me|group)|viber\.|kakao|open\.kakao\.com|zalo\.me)"
    r"|weixin://(?:contacts|dl/profile|qr)|mqq(?:api|wpa)?://|tencent://|tg://|whatsapp://|line://|skype:|sgnl://|viber://|tel:|sms(?:to)?:"
    r"|mailto:|begin:vcard|mecard:|matmsg:",
    re.I,
)
_LINK = re.compile(r"[a-z][a-z0-9+.\-]{1,19}://|www\.|[a-z0-9\-]+\.[a-z]{2,}/", re.I)


@dataclass(frozen=True, slots=True)
class Payload:
    """What a code says; verdict is that of a public surface, in a chat it is a warning."""

    kind: PayloadKind
    verdict: Verdict
    text: str


def judge_payload(text: str, *, is_private: bool = False) -> Payload:
    """Judges the decoded text of a QR code.  A link goes on to the link decision, a text to the text check."""
    plain = text.strip().lstrip("\ufeff\u200b").strip()
    if _PAYMENT.match(plain) or _EMV.match(plain) or _BILL.match(plain):
        return Payload("payment", "warn" if is_private else "block", plain)
    if _MESSENGER.match(plain):
        return Payload("messenger", "warn" if is_private else "block", plain)
    return Payload("link" if _LINK.match(plain) else "text", "allow", plain)
