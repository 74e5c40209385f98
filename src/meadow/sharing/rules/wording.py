"""What a shared message says in each language, and how it is cut to what a channel takes."""

from collections.abc import Callable
from dataclasses import dataclass

from meadow.sharing.rules.length import length, shorten
from meadow.sharing.rules.outlets import Allows
from meadow.sharing.rules.reading import numbers_in

_MESSAGES = {
    # The code comes first: a product's title is somebody else's text and might hold a token of its own.
    "zh": "￥{code}￥ {creator}推荐{what}，复制这条消息，打开{site}即可查看 {url}",
    "en": "￥{code}￥ {creator} recommends {what}. Copy this message and open {site} to see it: {url}",
}
# Without any word that urges to copy, open or pass on: many channels punish that.
_PLAIN = {"zh": "￥{code}￥ {creator}推荐{what}", "en": "￥{code}￥ {creator} recommends {what}"}
_URGING = {
    "zh": "￥{code}￥ {creator}推荐{what}，复制这条消息，打开{site}即可查看",
    "en": "￥{code}￥ {creator} recommends {what}. Copy this message and open {site} to see it",
}
_LINKED = {"zh": "{creator}推荐{what} {url}", "en": "{creator} recommends {what}: {url}"}
_SOMETHING = {"zh": "一个好物", "en": "a find"}
_QUOTED = {"zh": "「{}」", "en": "“{}”"}
_AD = {"zh": "【广告】", "en": "[Ad] "}
_MOST_TITLE = 60
_LENGTHS_OF_TITLE = (_MOST_TITLE, 40, 24, 12, 6, 0)


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who recommends what, as a message names it; language is "en" or begins with "zh"."""

    title: str
    creator: str
    site: str
    language: str
    is_ad: bool = False

    @property
    def tongue(self) -> str:
        return "zh" if self.language.startswith("zh") else "en"


def message(code: str, url: str, *, title: str, creator: str, site: str, language: str, is_ad: bool = False) -> str:
    """The message to paste anywhere, naming the product and who shares it, with the token and its link."""
    spoken = Spoken(title, creator, site, language, is_ad)
    text = _MESSAGES[spoken.tongue].format(
        code=code, url=url, what=_what(spoken, _MOST_TITLE), creator=_one_line(creator), site=site
    )
    return _labelled(text, spoken)


def link_message(url: str, spoken: Spoken, allows: Allows) -> str | None:
    """The message with a link and no token, as long as the channel takes it; None if not even the link fits."""
    pattern = _LINKED[spoken.tongue]

    def said(title: int) -> str:
        return _ad(spoken) + pattern.format(what=_what(spoken, title), creator=_one_line(spoken.creator), url=url)

    return _fitting(said, _ad(spoken) + url, allows)


def text_message(code: str, spoken: Spoken, allows: Allows) -> str | None:
    """The message with a token and no link, as long as the channel takes it; None if not even the token fits."""
    pattern = (_URGING if allows.may_induce else _PLAIN)[spoken.tongue]

    def said(title: int) -> str:
        text = pattern.format(code=code, what=_what(spoken, title), creator=_one_line(spoken.creator), site=spoken.site)
        return _labelled(text, spoken)

    return _fitting(said, f"￥{code}￥ {_ad(spoken)}".rstrip(), allows)


def _fitting(said: Callable[[int], str], shortest: str, allows: Allows) -> str | None:
    """The fullest wording that fits: the title gives way first, then everything but the way in and the ad label."""
    if allows.max_len is None:
        return said(_MOST_TITLE)
    tries = [said(title) for title in _LENGTHS_OF_TITLE] + [shortest]
    return next((text for text in tries if length(text, allows.unit) <= allows.max_len), None)


def _what(spoken: Spoken, most: int) -> str:
    """The title, unless it holds a token of its own: that would stand before ours and lead elsewhere."""
    title = shorten(_one_line(spoken.title), most) if most and not numbers_in(spoken.title) else ""
    return _QUOTED[spoken.tongue].format(title) if title else _SOMETHING[spoken.tongue]


def _labelled(text: str, spoken: Spoken) -> str:
    """The label stands behind the token, so that nothing of it can be taken for the token's first sign."""
    return text.replace("￥ ", f"￥ {_ad(spoken)}", 1) if spoken.is_ad else text


def _ad(spoken: Spoken) -> str:
    return _AD[spoken.tongue] if spoken.is_ad else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())


def grouped(digits: str, tag: str = "") -> str:
    """Digits as people read them out: in threes, between the signs without which bare digits are no token."""
    return f"￥{' '.join(digits[i : i + 3] for i in range(0, len(digits), 3))}{tag}￥"
