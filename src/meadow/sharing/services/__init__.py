"""The verbs of sharing: mint, resolve and revoke tokens; open views, follow them into clicks, take clicks in."""

from meadow.sharing.queries import CandidateClick, Origin, Resolved
from meadow.sharing.services.clicks import View, accept_clicks, bind_clicks, click_from_view, open_view
from meadow.sharing.services.intake import flush_clicks, start_click_writer, stop_click_writer
from meadow.sharing.services.tokens import (
    Target,
    block_token,
    expire_tokens,
    mint_token,
    mint_tokens,
    resolve,
    revoke_token,
    unblock_token,
)

__all__ = [
    "CandidateClick",
    "Origin",
    "Resolved",
    "Target",
    "View",
    "accept_clicks",
    "bind_clicks",
    "block_token",
    "click_from_view",
    "expire_tokens",
    "flush_clicks",
    "mint_token",
    "mint_tokens",
    "open_view",
    "resolve",
    "revoke_token",
    "start_click_writer",
    "stop_click_writer",
    "unblock_token",
]
