"""How a text is checked before it is shown: refused by a named rule, held until somebody has looked, or warned about."""

from typing import Any

from meadow.governance import queries, rules
from meadow.governance.models import Decision, TextFinding
from meadow.governance.rules.screening import TextHit, TextVerdict
from meadow.governance.rules.surfaces import PRIVATE, TextSurface
from meadow.governance.services.decisions import announce, in_turn, record
from meadow.governance.services.guards import require_subject
from meadow.governance.services.links import require_links
from meadow.governance.services.parties import Subject, party_of
from meadow.governance.services.queue import file_case
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

_KEPT_HITS = 10
_PRIVATE_REASON = (
    "A private message seems to lead the deal outside; its reader was warned.",
    "私信内容可能引导站外交易，已提醒收件人。",
)


def check_text(
    *,
    surface: TextSurface,
    text: str,
    subject: Subject,
    category: str = "",
    region: str = "",
    merchant_id: int | None = None,
    party: Subject | None = None,
    by: Actor = SYSTEM,
) -> TextVerdict:
    """The verdict on a text; a block or a warning is recorded as a decision that names the rule.

    subject is what the text belongs to, or who wrote it where that is not made yet.  A text for review is recorded by
    `hold_text` once it exists.  Call it outside a transaction that may be refused, so that the record stays.
    Refuses: malformed.
    """
    require_subject(subject)
    verdict = queries.judge_text(surface, text, category=category, region=region, merchant_id=merchant_id)
    if verdict.verdict in ("block", "warn"):
        record_verdict(verdict, verdict.verdict, surface=surface, subject=subject, party=party, by=by)
    return verdict


def require_text(
    *,
    surface: TextSurface,
    text: str,
    subject: Subject,
    category: str = "",
    region: str = "",
    merchant_id: int | None = None,
    party: Subject | None = None,
    by: Actor = SYSTEM,
) -> TextVerdict:
    """The same, and a blocked text is refused, naming its rule.  Refuses: malformed, text_refused."""
    verdict = check_text(
        surface=surface, text=text, subject=subject, category=category, region=region, merchant_id=merchant_id,
        party=party, by=by,
    )  # fmt: skip
    if verdict.verdict == "block":
        raise refusal_of(verdict)
    return verdict


def check_profile(text: str, person_id: int) -> None:
    """What somebody calls themselves or their business.  Refuses: text_refused, link_blocked."""
    person = ("accounts.person", person_id)
    require_links(surface="profile", subject=person, text=text)
    require_text(surface=TextSurface.PROFILE, text=text, subject=person)


def refusal_of(verdict: TextVerdict) -> Refusal:
    """What somebody is told whose text is refused."""
    hit = verdict.decisive
    assert hit is not None
    return Refusal("text_refused", rule=hit.rule, reason=verdict.reason_en, reason_zh=verdict.reason_zh)


def hold_text(
    *, verdict: TextVerdict, surface: TextSurface, subject: Subject, party: Subject | None = None, by: Actor = SYSTEM
) -> Decision:
    """Records, in the owner's transaction, that something waits to be looked at, and puts it into the queue.

    The owner hides it with the decision's id at once; letting the case pass reverses the decision and shows it.
    """
    with atomic():
        made = record_verdict(verdict, "review", surface=surface, subject=subject, party=party, by=by)
        announce(made)
        file_case(
            kind="review", key=f"{subject[0]}:{subject[1]}:{made.pk}", subject=subject, rule_id=made.rule_id,
            decision_id=made.pk, members=[(made_party, None)] if (made_party := _party_of(made)) else [],
        )  # fmt: skip
    return made


def record_verdict(
    verdict: TextVerdict,
    action: str,
    *,
    surface: TextSurface,
    subject: Subject,
    party: Subject | None = None,
    by: Actor = SYSTEM,
    more: dict[str, Any] | None = None,
) -> Decision:
    """Writes a decision about a text with the terms it rests on."""
    decisive = verdict.decisive
    assert decisive is not None
    said = _PRIVATE_REASON if surface in PRIVATE else (verdict.reason_en, verdict.reason_zh)
    with atomic():
        in_turn(subject)
        made = record(
            subject, action, decisive.rule_id, said[0], by, reason_zh=said[1], party=party,
            layer=_layer_of(decisive),
            inputs={"surface": surface.value, "hits": [_kept(hit, surface) for hit in verdict.hits[:_KEPT_HITS]], **(more or {})},
        )  # fmt: skip
        keys = dict.fromkeys((hit.key[:120], hit.layer) for hit in verdict.hits) if surface not in PRIVATE else {}
        TextFinding.objects.bulk_create(
            TextFinding(decision=made, term=key, layer=layer, at=clock.now()) for key, layer in keys
        )
    return made


def _party_of(made: Decision) -> Subject | None:
    if made.party_id is not None:
        return (made.party_kind, made.party_id)
    return party_of((made.subject_kind, made.subject_id))


def _layer_of(hit: TextHit) -> str:
    if hit.topic == "conduct.contact":
        return "contact"
    return "term" if hit.topic.startswith("conduct.") else "goods"


def _kept(hit: TextHit, surface: TextSurface) -> dict[str, Any]:
    """What the record says of a hit; of private messages not a word, they are read by a report alone."""
    if surface in PRIVATE:
        return {"rule": hit.rule, "topic": hit.topic, "layer": hit.layer}
    return {
        "rule": hit.rule, "topic": hit.topic, "term": hit.term, "layer": hit.layer, "start": hit.start, "end": hit.end,
        "shown": rules.clean_text(hit.shown, 120), "field": hit.field,
    }  # fmt: skip
