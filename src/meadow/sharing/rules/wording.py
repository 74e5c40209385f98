"""What a shared message says, in each language."""

_MESSAGES = {
    # The code comes first: a product's title is somebody else's text and might hold a token of its own.
    "zh": "￥{code}￥ {creator}推荐{what}，复制这条消息，打开{site}即可查看 {url}",
    "en": "￥{code}￥ {creator} recommends {what}. Copy this message and open {site} to see it: {url}",
}
_SOMETHING = {"zh": "一个好物", "en": "a find"}
_QUOTED = {"zh": "「{}」", "en": "“{}”"}
_MOST_TITLE = 60


def message(code: str, url: str, *, title: str, creator: str, site: str, language: str) -> str:
    """The message to paste anywhere, naming the product and who shares it; language is "en" or begins with "zh"."""
    tongue = "zh" if language.startswith("zh") else "en"
    title = " ".join(title.split())
    if len(title) > _MOST_TITLE:
        title = title[: _MOST_TITLE - 1] + "…"
    what = _QUOTED[tongue].format(title) if title else _SOMETHING[tongue]
    creator = " ".join(creator.split())
    return _MESSAGES[tongue].format(code=code, url=url, what=what, creator=creator, site=site)


def grouped(digits: str) -> str:
    """Digits as people read them out: in threes, between the signs without which bare digits are no token."""
    return f"￥{' '.join(digits[i : i + 3] for i in range(0, len(digits), 3))}￥"
