"""What a resolved token says to a machine: the same document whether Django answers or the fast lane in front of it."""

import json
from typing import Any

from meadow.catalog import queries as catalog
from meadow.sharing import queries
from meadow.sharing.services import View


def resolved_document(found: queries.Resolved) -> dict[str, Any]:
    """The document of a resolve, in the order of its members."""
    row = found.row
    return {
        "code": found.code, "url": queries.address_of(found.code), "problem": found.problem,
        "target": found.target_kind.partition(".")[2],
        "creator": {"id": row.creator_public_id, "name": row.creator_name},
        "shop": row.shop_public_id,
        "product": _product(row) if row.is_product_public else None,
        "recommendation": row.post_public_id if row.is_post_readable else None,
        "page": None if found.page is None else _page(found.page),
        "ad_label": found.ad_label,
    }  # fmt: skip


def landing_head(found: queries.Resolved) -> bytes:
    """All of a landing's JSON that stays the same from one visitor to the next; `landing_json` ends it."""
    text = json.dumps(resolved_document(found), ensure_ascii=False, separators=(",", ":"))
    return text[:-1].encode() + b',"view":"'


def landing_json(head: bytes, view: View) -> bytes:
    """The whole landing.  View and click are URL-safe texts, so nothing in them needs escaping."""
    click = b"null" if view.click_id is None else b'"%s"' % view.click_id.encode()
    return b'%s%s","click":%s}' % (head, view.text.encode(), click)


def _page(page: queries.Lead) -> dict[str, Any]:
    of = page.decision
    return {
        "url": page.url, "host": page.host, "partner": page.partner, "name": page.name,
        "after_sale_contact": page.after_sale_contact, "verdict": of.verdict, "rule": of.rule, "reason": of.reason_en,
        "reason_zh": of.reason_zh,
    }  # fmt: skip


def _product(row: queries.LandingRow) -> dict[str, Any]:
    return {
        "id": row.product_public_id, "title": row.title,
        "image": catalog.picture_path(row.product_public_id or "", row.version),
        "price_minor": row.price_minor, "currency": row.currency, "left": row.left, "on_sale": row.is_on_sale,
    }  # fmt: skip
