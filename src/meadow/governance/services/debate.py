"""How people say something to a rule before it is published."""

from meadow.governance import queries, rules
from meadow.governance.models import DraftComment
from meadow.governance.services.links import require_links
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal


def comment_on_draft(*, draft_id: int, person_id: int, text: str) -> DraftComment:
    """Says something to a rule in consultation.  Refuses: not_found, stale_state, malformed, link_blocked."""
    words = rules.clean_text(text, rules.COMMENT_LENGTH)
    if not words:
        raise Refusal("malformed", field="text", why="write what should be different")
    require_links(surface="comment", subject=("accounts.person", person_id), text=words)
    with atomic():
        found = queries.draft(draft_id)
        if found.state != "consultation":
            raise Refusal("stale_state", state=found.state, event="comment")
        return DraftComment.objects.create(draft=found, person_id=person_id, text=words, at=clock.now())
