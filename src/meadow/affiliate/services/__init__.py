"""What affiliate does: decide who earns, follow the order's fate, hold for a look, believe partner sites' claims."""

from meadow.affiliate.services.claims import (
    Claim,
    claims_of,
    issue_claim,
    note_acp,
    note_ucp,
    register_site,
    remove_site,
)
from meadow.affiliate.services.closing import (
    approve_write_off,
    close_creator,
    decline_write_off,
    propose_write_off,
)
from meadow.affiliate.services.orders import (
    Attributed,
    AttributionLine,
    Claimed,
    attribute_order,
    confirm_commissions,
    finish_commissions,
    open_commissions,
    reduce_commissions,
    void_commissions,
)
from meadow.affiliate.services.reviews import (
    open_reviews,
    release_overdue,
    release_review,
    restore_review,
    start_review_clocks,
    void_review,
)

__all__ = [
    "Attributed",
    "AttributionLine",
    "Claim",
    "Claimed",
    "approve_write_off",
    "attribute_order",
    "claims_of",
    "close_creator",
    "confirm_commissions",
    "decline_write_off",
    "finish_commissions",
    "issue_claim",
    "note_acp",
    "note_ucp",
    "open_commissions",
    "open_reviews",
    "propose_write_off",
    "reduce_commissions",
    "register_site",
    "release_overdue",
    "release_review",
    "remove_site",
    "restore_review",
    "start_review_clocks",
    "void_commissions",
    "void_review",
]
