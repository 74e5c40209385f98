"""Where a token leads that leads outside: a partner's page, as the link policy judges it at this moment."""

from dataclasses import dataclass

from meadow.governance import queries as governance
from meadow.governance.queries import LinkDecision
from meadow.kernel.errors import Refusal
from meadow.sharing.models import PartnerPage

# Whatever may be shared may stand in a post, and the other way round.
SURFACE = "post"


@dataclass(frozen=True, slots=True)
class Lead:
    """A partner's page with who answers for what is bought there, and today's decision about its address."""

    url: str
    host: str
    partner: str
    name: str
    after_sale_contact: str
    decision: LinkDecision

    @property
    def is_open(self) -> bool:
        return self.decision.verdict == "allow"


def partner_page(page_id: int) -> PartnerPage:
    """The partner's page behind a token.  Refuses: not_found."""
    found = PartnerPage.objects.filter(pk=page_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def lead_of(page_id: int) -> Lead:
    """The page judged as of now.  Refuses: not_found."""
    page = partner_page(page_id)
    partner = governance.partner(page.partner)
    return Lead(
        page.url, page.host, partner.public_id, partner.name, partner.after_sale_contact,
        governance.shown_link(page.url, SURFACE),
    )  # fmt: skip
