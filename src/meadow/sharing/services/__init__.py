"""The verbs of sharing: tokens, views and clicks, outside channels and what happens to them."""

from meadow.sharing.queries import Allows, CandidateClick, Origin, OutletView, Resolved
from meadow.sharing.services.clicks import (
    NO_VIEW,
    View,
    accept_clicks,
    bind_clicks,
    click_from_view,
    open_view,
    view_as_judged,
)
from meadow.sharing.services.intake import flush_clicks, start_click_writer, stop_click_writer
from meadow.sharing.services.outlets import add_outlet, change_outlet, close_alarm, raise_alarm, watch_channels
from meadow.sharing.services.tokens import (
    Target,
    block_token,
    convert,
    count_miss,
    expire_tokens,
    hand_block,
    mint_partner_token,
    mint_token,
    mint_tokens,
    resolve,
    revoke_token,
    unblock_token,
)
from meadow.sharing.services.upkeep import keep_months

__all__ = [
    "NO_VIEW",
    "Allows",
    "CandidateClick",
    "Origin",
    "OutletView",
    "Resolved",
    "Target",
    "View",
    "accept_clicks",
    "add_outlet",
    "bind_clicks",
    "block_token",
    "hand_block",
    "change_outlet",
    "click_from_view",
    "close_alarm",
    "convert",
    "count_miss",
    "expire_tokens",
    "flush_clicks",
    "keep_months",
    "mint_partner_token",
    "mint_token",
    "mint_tokens",
    "open_view",
    "raise_alarm",
    "resolve",
    "revoke_token",
    "start_click_writer",
    "stop_click_writer",
    "unblock_token",
    "view_as_judged",
    "watch_channels",
]
