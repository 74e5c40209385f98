"""On which surfaces people write texts that others read, which of them exist, and in which columns they end up."""

from enum import StrEnum


class TextSurface(StrEnum):
    """Where a text would stand.  A surface is declared here before it is built, so that rules can name it."""

    LISTING = "listing"
    RECOMMENDATION = "recommendation"
    SHOP_NOTICE = "shop_notice"
    COMMENT = "comment"
    QUESTION = "question"
    GROUP_MESSAGE = "group_message"
    AD = "ad"
    CHAT = "chat"
    PROFILE = "profile"
    BUYER_SHOW = "buyer_show"
    TEMPLATE = "template"  # of a service message, which may carry no marketing


# Links and texts are checked by the same names; a recommendation is what people call a post.
ALIASES = {"post": TextSurface.RECOMMENDATION}

# Between two people: what is said there is warned about, never blocked or read by others without a report.
PRIVATE = frozenset({TextSurface.CHAT})
PUBLIC = frozenset(TextSurface) - PRIVATE - {TextSurface.TEMPLATE}

# The columns where a surface's texts are kept.  A surface without columns is declared but not built yet; one with
# columns must call the check where they are written (tests/governance/test_surfaces.py).
COLUMNS: dict[TextSurface, tuple[str, ...]] = {
    TextSurface.LISTING: (
        "catalog.Product.title", "catalog.Product.description", "catalog.Product.vendor", "catalog.Product.category",
        "catalog.Sku.option1", "catalog.Sku.option2", "catalog.Sku.option3",
    ),
    TextSurface.RECOMMENDATION: (
        "content.Recommendation.title", "content.Recommendation.text", "content.RecommendationItem.reason",
    ),
    TextSurface.SHOP_NOTICE: ("catalog.Shop.name", "catalog.Shop.notice"),
    TextSurface.COMMENT: ("content.Comment.text",),
    TextSurface.AD: ("messaging.Send.title", "messaging.Send.text"),
    TextSurface.CHAT: ("messaging.ChatLine.text",),
    TextSurface.TEMPLATE: (
        "messaging.NoticeText.title_en", "messaging.NoticeText.title_zh", "messaging.NoticeText.text_en",
        "messaging.NoticeText.text_zh",
    ),
    TextSurface.PROFILE: (
        "accounts.Creator.name", "accounts.Creator.about", "accounts.Person.name", "accounts.Merchant.name",
    ),
}  # fmt: skip


def surface_of(name: str) -> TextSurface | None:
    """The surface of a name, as people write it on the command line or callers in code; None for an unknown one."""
    plain = name.strip().lower().replace("-", "_")
    if plain in ALIASES:
        return ALIASES[plain]
    return TextSurface(plain) if plain in TextSurface._value2member_map_ else None
