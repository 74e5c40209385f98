"""What may be sold and how: life cycles, limits, prices that are refused, and what each refusal says."""

import re
import unicodedata
from datetime import timedelta
from hashlib import sha256

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.money import exponent
from meadow.kernel.states import Machine

SHOP = Machine(
    "shop",
    "open",
    {
        "open": {"close": "closed", "suspend": "suspended", "stop": "stopped"},
        "closed": {"reopen": "open", "suspend": "suspended", "stop": "stopped"},
        # Stopped: nobody orders anew, all else stays.  Suspended: off sale altogether.
        "stopped": {
            "suspend": "suspended",
            "stop": "stopped",
            "close": "closed",
            "restore_open": "open",
            "restore_closed": "closed",
        },
        "suspended": {
            "suspend": "suspended",
            "stop": "stopped",
            "close": "closed",
            "restore_open": "open",
            "restore_closed": "closed",
        },
    },
    ends=set(),
)
PRODUCT = Machine(
    "product",
    "draft",
    {
        "draft": {"offer": "on_sale", "withdraw": "withdrawn", "suspend": "suspended"},
        "on_sale": {"shelve": "draft", "withdraw": "withdrawn", "suspend": "suspended", "stop": "stopped"},
        "withdrawn": {"offer": "on_sale", "suspend": "suspended", "stop": "stopped"},
        # Stopped: its page stays, nobody orders it anew.  Suspended: its page is hidden, as a draft's is anyway.
        "stopped": {
            "suspend": "suspended",
            "stop": "stopped",
            "withdraw": "withdrawn",
            "restore_on_sale": "on_sale",
            "restore_withdrawn": "withdrawn",
        },
        "suspended": {
            "suspend": "suspended",
            "stop": "stopped",
            "withdraw": "withdrawn",
            "restore_draft": "draft",
            "restore_on_sale": "on_sale",
            "restore_withdrawn": "withdrawn",
        },
    },
    ends=set(),
)
RESERVATION = Machine(
    "reservation",
    "held",
    {"held": {"take": "taken", "release": "released"}, "taken": {}, "released": {}},
    ends={"taken", "released"},
)
IMPORT = Machine(
    "import",
    "queued",
    {
        "queued": {"start": "running"},
        "running": {"start": "running", "finish": "done", "refuse": "refused", "fail": "failed"},
        "done": {},
        "refused": {},
        "failed": {},
    },
    ends={"done", "refused", "failed"},
)
IMPORT_MODES = ("all", "valid")

PRICE_CAP_MINOR = 10_000_000_000
STOCK_CAP = 1_000_000_000
UNLIMITED_LEFT = 99_999  # what "left" says where the stock is not counted
PICTURE_PATH = "/pictures/{public_id}.svg?v={version}"

LIMITS: dict[str, int] = {
    "name_chars": 80,
    "line_chars": 255,  # title, handle, vendor, option, code, tag
    "description_chars": 50_000,
    "url_chars": 2_000,
    "options": 3,
    "skus": 2_000,
    "images": 250,
    "tags": 250,
    "judged_options": 600,  # of a listing with thousands of choices, so many words of them are checked
    "links_told": 20,  # of a file: so many blocked addresses get a decision of their own
    "page_size": 100,
    "reserve_lines": 200,
    "import_bytes": 200_000_000,
    "import_cell_chars": 200_000,
    "import_columns": 1_000,
    "import_errors_kept": 1_000,
    "import_chunk_products": 500,
}
IMPORT_LEASE = timedelta(minutes=10)  # a run that has not reported for so long is taken over

REFUSALS: dict[str, Says] = {
    "text_unclear": Says(
        422,
        "“{term}” would need a look before it is shown, by rule {rule}. Use other words.",
        "根据规则 {rule}，“{term}”需人工审核后才能展示，请换一种说法。",
    ),
    "out_of_stock": Says(
        409, "“{title}”: {left} left. Take fewer or choose another.", "“{title}”仅剩 {left} 件，请减少数量或另选。"
    ),
    "not_on_sale": Says(
        409, "“{title}” is not on sale now. Remove it or choose another.", "“{title}”当前未在售，请移除或另选商品。"
    ),
    "reservation_gone": Says(
        409,
        "The stock kept for this order has been released. Start the order again.",
        "为该订单预留的库存已释放，请重新下单。",
    ),
    "suspended_by_decision": Says(
        409,
        "A decision of the platform keeps this off sale. Read the decision and appeal if it is wrong.",
        "平台决定使其暂停销售，请查看决定，如有异议可申诉。",
    ),
    "handle_taken": Says(
        409,
        "This shop already has a product “{handle}”. Choose another handle.",
        "店内已有标识为“{handle}”的商品，请更换标识。",
    ),
    "price_missing": Says(422, "The price is missing. Fill it in.", "缺少价格，请填写。"),
    "price_unreadable": Says(
        422, "“{value}” is no price. Write it like 12.50.", "“{value}”不是有效价格，请按 12.50 的格式填写。"
    ),
    "price_negative": Says(422, "The price is below zero. Set one above zero.", "价格不能为负数，请填写大于零的价格。"),
    "price_zero": Says(
        422,
        "The price is zero. Set one above zero, or mark the SKU as a gift.",
        "价格为零，请填写大于零的价格，或标记为赠品。",
    ),
    "price_above_cap": Says(
        422, "The price is above the cap of {cap}. Set a lower one.", "价格超过上限 {cap}，请填写更低的价格。"
    ),
    "price_decimals": Says(
        422,
        "{currency} has {places} decimal places. Round the price.",
        "{currency} 最多 {places} 位小数，请调整价格。",
    ),
    "stock_invalid": Says(
        422,
        "“{value}” is no stock. Write a whole number from 0 to {cap}.",
        "“{value}”不是有效库存，请填写 0 至 {cap} 的整数。",
    ),
    "weight_invalid": Says(
        422, "“{value}” is no weight. Write a number, with its unit.", "“{value}”不是有效重量，请填写数字和单位。"
    ),
    "quantity_invalid": Says(
        422, "A quantity is a whole number above zero. Correct it.", "数量须为大于零的整数，请更正。"
    ),
    "title_missing": Says(422, "The title is missing. Fill it in.", "缺少商品标题，请填写。"),
    "handle_missing": Says(
        422,
        "The row says neither which product it belongs to nor a title. Fill in one of them.",
        "该行没有商品标识或标题，请至少填写一项。",
    ),
    "text_too_long": Says(
        422, "This is longer than {limit} characters. Shorten it.", "内容超过 {limit} 个字符，请缩短。"
    ),
    "too_many": Says(422, "At most {limit} are possible here. Remove some.", "此处最多 {limit} 项，请删减。"),
    "option_missing": Says(
        422, "The SKU does not say its “{option}”. Fill it in.", "该 SKU 缺少“{option}”的取值，请填写。"
    ),
    "duplicate_choice": Says(
        422,
        "Another SKU of this product has the same options ({choice}). Change or remove one.",
        "同一商品已有相同选项（{choice}）的 SKU，请修改或删除其一。",
    ),
    "skus_missing": Says(
        422,
        "The product has no SKU to sell. Add at least one with a price.",
        "商品没有可售的 SKU，请至少添加一个并填写价格。",
    ),
    "url_invalid": Says(
        422, "This is no http or https address. Correct or remove it.", "不是有效的 http 或 https 地址，请更正或删除。"
    ),
    "gift_card": Says(
        422,
        "Gift cards cannot be sold here. Remove this product from the file.",
        "不支持销售礼品卡，请从文件中移除该商品。",
    ),
    "product_type_unsupported": Says(
        422,
        "Products of type “{value}” cannot be sold here. Remove this row or make it a simple product.",
        "不支持“{value}”类型的商品，请移除该行或改为普通商品。",
    ),
    "parent_missing": Says(
        422,
        "The file has no product “{value}” that this row belongs to. Add that row.",
        "文件中没有该行所属的商品“{value}”，请补充。",
    ),
    "row_too_wide": Says(
        422,
        "The row has more cells than the header. Quote cells that hold the separator.",
        "该行单元格多于表头，请为含分隔符的内容加引号。",
    ),
    "import_format_unknown": Says(
        422,
        "This is no product file known here. Send a Shopify or WooCommerce CSV, or a Google Merchant XML or TSV.",
        "无法识别的商品文件，请使用 Shopify 或 WooCommerce 的 CSV，或 Google Merchant 的 XML、TSV。",
    ),
    "import_unreadable": Says(
        422, "The file cannot be read: {why}. Save it again as UTF-8.", "文件无法读取：{why}，请以 UTF-8 重新保存。"
    ),
    "import_too_large": Says(
        413, "The file is larger than {limit} bytes. Split it.", "文件超过 {limit} 字节，请拆分后导入。"
    ),
    "import_xml_forbidden": Says(
        422,
        "The XML declares a document type or entities, which are not read. Save it without them.",
        "XML 含有文档类型或实体声明，请去除后重试。",
    ),
}


def price_from_text(text: str, currency: str) -> int:
    """Minor units of a price a person typed, such as "12.50", "1,299.00", "12,50", "￥12" or "15.00 CNY".

    Refuses: price_missing, price_unreadable, price_decimals, currency_mismatch, currency_unknown.
    """
    places = exponent(currency)
    plain = unicodedata.normalize("NFKC", text).strip()
    if not plain:
        raise Refusal("price_missing")
    match = _PRICE.match(plain)
    if not match:
        raise Refusal("price_unreadable", value=text[:40])
    named = (match["before"] or match["after"] or "").upper()
    if named and named != currency:
        raise Refusal("currency_mismatch", currency=named, other=currency)
    digits = match["number"].replace(" ", "").replace("'", "")
    if _DECIMAL_COMMA.match(digits):
        digits = digits.replace(".", "").replace(",", ".")
    else:
        digits = digits.replace(",", "")
    units, _, fraction = digits.partition(".")
    if len(fraction.rstrip("0")) > places:
        raise Refusal("price_decimals", currency=currency, places=places)
    minor: int = int(units or "0") * 10**places + int(fraction[:places].ljust(places, "0") or "0")
    return -minor if match["minus"] else minor


# The number has grouped thousands ("1,299.00", "1.299,00") or none; anything else is not guessed at.
_PRICE = re.compile(
    r"(?P<before>[A-Za-z]{3})?\s*(?P<minus>-)?\s*[¥$€£₩₹]?\s*"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:[ ']\d{3})+(?:[.,]\d*)?"
    r"|\d{1,15}(?:[.,]\d*)?|\.\d+)\s*[¥$€£₩₹元]?\s*(?P<after>[A-Za-z]{3})?\Z"
)
_DECIMAL_COMMA = re.compile(r"\d{1,3}(\.\d{3})+,\d+\Z|\d+,(\d{1,2}|\d{4,})?\Z")


def price_fault(price_minor: int, *, is_gift: bool = False) -> Refusal | None:
    """Why a price may not be, or None (criterion A10.2)."""
    if price_minor < 0:
        return Refusal("price_negative")
    if price_minor == 0 and not is_gift:
        return Refusal("price_zero")
    if price_minor > PRICE_CAP_MINOR:
        return Refusal("price_above_cap", cap=PRICE_CAP_MINOR)
    return None


def worthwhile_compare_at(price_minor: int, compare_at_minor: int | None) -> int | None:
    """The former price, if it is above the present one; otherwise it says nothing and is dropped."""
    if compare_at_minor is None or not price_minor < compare_at_minor <= PRICE_CAP_MINOR:
        return None
    return compare_at_minor


def tidy_line(text: str) -> str:
    """One line without control characters, spaces at its ends or runs of spaces."""
    return " ".join(_CONTROL.sub(" ", text).split())


def tidy_text(text: str) -> str:
    """Paragraphs of tidy lines, with at most one blank line between them."""
    lines = [tidy_line(line) for line in _LINE_END.split(text)]
    return _BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")


_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ufffe\uffff]")
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")


def handle_from(text: str) -> str:
    """The handle a text stands for: letters and digits of any script in lower case, joined by hyphens."""
    plain = unicodedata.normalize("NFKC", text).lower()
    handle = _NO_HANDLE.sub("-", plain).strip("-")
    return handle if len(handle) <= LIMITS["line_chars"] else cut(handle, LIMITS["line_chars"])


def cut(text: str, limit: int) -> str:
    """A text of at most `limit` characters that still tells apart what the whole one told apart."""
    return text if len(text) <= limit else f"{text[: limit - 9]}-{sha256(text.encode()).hexdigest()[:8]}"


def slug_from(name: str) -> str:
    """The part of a shop's name that reads well in an address; may be empty."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _NO_SLUG.sub("-", plain).strip("-")[:60]


_NO_HANDLE = re.compile(r"[\W_]+")
_NO_SLUG = re.compile(r"[^a-z0-9]+")


def is_web_address(url: str) -> bool:
    """Whether a text has the shape of an http(s) address; nothing is fetched."""
    return len(url) <= LIMITS["url_chars"] and _WEB_ADDRESS.match(url) is not None


_WEB_ADDRESS = re.compile(r"https?://[^\s\x00-\x1f\x7f/?#@]+([/?#][^\s\x00-\x1f\x7f]*)?\Z", re.IGNORECASE)
