"""What people are told about a link: one sentence per finding, in both languages, under the rule that it rests on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    rule_id: str
    en: str
    zh: str


REASONS: dict[str, Reason] = {
    "own": Reason("link.own", "It is a page of this site.", "这是本站页面。"),
    "partner": Reason("link.partners", "It is a product page of {partner}.", "这是 {partner} 的商品页。"),
    "not_partner": Reason(
        "link.partners",
        "{host} belongs to no partner. Link a product of a shop here, or a partner's product page.",
        "{host} 不属于合作方，请改用本站商品或合作方商品页的链接。",
    ),
    "not_product": Reason(
        "link.partners",
        "{host} belongs to {partner}, but this is none of its product pages. Link the product itself.",
        "{host} 属于 {partner}，但该页面不是商品页，请直接使用商品链接。",
    ),
    "partner_ended": Reason(
        "link.partners",
        "{partner} is a partner no longer. Link a product of a shop here, or another partner's.",
        "{partner} 已不再是合作方，请改用本站商品或其他合作方的链接。",
    ),
    "partner_here": Reason(
        "link.partners",
        "Product pages of {partner} are not posted freely in this place. Link a product of a shop here.",
        "此处不能直接发布 {partner} 的商品链接，请改用本站商品的链接。",
    ),
    "lookalike": Reason(
        "link.lookalike",
        "{host} looks like {partner} but belongs to somebody else. Use the real address.",
        "{host} 与 {partner} 相似但归属他人，请使用真实地址。",
    ),
    "redirect": Reason(
        "link.redirect",
        "It carries another address, {target}. Link the product itself, without it.",
        "链接中夹带另一个地址 {target}，请去掉后直接使用商品链接。",
    ),
    "scheme": Reason(
        "link.plain",
        "It is no http or https address. Use one that begins with https://.",
        "这不是 http 或 https 地址，请使用以 https:// 开头的链接。",
    ),
    "relative": Reason(
        "link.plain",
        "It does not say how it is opened. Write the whole address, beginning with https://.",
        "链接不完整，请写出以 https:// 开头的完整地址。",
    ),
    "slashes": Reason(
        "link.plain",
        "Its slashes are not where they belong. Write https:// and then the host.",
        "链接中的斜杠位置不正确，请写成 https:// 加域名。",
    ),
    "user_name": Reason(
        "link.plain",
        "A name stands before the host, which hides that it leads to {host}. Remove what is before the @.",
        "域名前带有用户名，掩盖了真实去向 {host}，请删除 @ 之前的内容。",
    ),
    "backslash": Reason(
        "link.plain",
        "It holds a backslash, which programs read differently. Use / instead.",
        "链接包含反斜杠，不同程序的理解不一致，请改用 /。",
    ),
    "hidden": Reason(
        "link.plain",
        "It holds blank or hidden characters. Type the address anew.",
        "链接包含空白或隐藏字符，请重新输入。",
    ),
    "full_width": Reason(
        "link.plain",
        "Its host holds characters that stand for others. Type it with plain letters and dots.",
        "域名包含全角或替代字符，请用普通字母和点重新输入。",
    ),
    "encoded_host": Reason(
        "link.plain",
        "Its host is encoded. Write the host in plain letters.",
        "域名经过编码，请用普通字母书写。",
    ),
    "number": Reason(
        "link.plain",
        "Its host is a number instead of a name. Use the site's name.",
        "链接使用了数字地址，请使用网站域名。",
    ),
    "port": Reason(
        "link.plain",
        "{host} is addressed at an unusual port. Use the site's usual address.",
        "链接使用了 {host} 的非常用端口，请使用网站的常用地址。",
    ),
    "dots": Reason(
        "link.plain",
        "Its host has dots too many. Write the host plainly.",
        "域名中有多余的点，请正确书写域名。",
    ),
    "not_public": Reason(
        "link.plain",
        "{host} is no registered public name. Use the site's public address.",
        "{host} 不是已注册的公开域名，请使用网站的公开地址。",
    ),
    "path": Reason(
        "link.plain",
        "Its path can be read in two ways. Copy the address of the product page anew.",
        "链接路径存在歧义，请重新复制商品页地址。",
    ),
    "double_encoding": Reason(
        "link.plain",
        "It is encoded over and over. Copy the address of the product page anew.",
        "链接被多重编码，请重新复制商品页地址。",
    ),
    "malformed": Reason(
        "link.plain",
        "It is no valid address. Copy it anew.",
        "链接格式不正确，请重新复制。",
    ),
    "empty": Reason("link.plain", "There is no address. Write one.", "链接为空，请填写。"),
    "too_long": Reason(
        "link.plain",
        "It is longer than 2,048 characters. Use the short address of the product.",
        "链接超过 2048 个字符，请使用商品的短链接。",
    ),
}
