"""How partner sites' claims are issued, noted at a checkout and believed: the open attribution conventions.

A claim is our own share token for servers: signed, bound to a shop and a registered site, good for one checkout and a
few days.  What a checkout is told of attribution is kept and never shown again, and nothing about it stops a checkout.
"""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.db import IntegrityError

from meadow.affiliate import rules
from meadow.affiliate.models import AttributionNote, CreatorSite
from meadow.affiliate.services.orders import Claimed
from meadow.governance import queries as governance
from meadow.kernel import clock, signing
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.ids import new_id
from meadow.sharing import queries as sharing

PURPOSE = "claim"
UCP_KEY = "meadow_claim"  # where a UCP attribution map carries our claim


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim as it is handed to a partner site's server: the members of ACP's object that it fills in."""

    provider: str
    token: str
    publisher_id: str
    campaign_id: str
    issued_at: datetime
    expires_at: datetime


def provider_name() -> str:
    """This installation as an attribution provider: its own host."""
    return urlsplit(settings.MEADOW.base_url).hostname or "localhost"


def register_site(*, creator_id: int, host: str) -> CreatorSite:
    """A site on which the creator promotes; claims come from registered sites only.  Twice is once.

    Refuses: malformed, too_many_sites.
    """
    clean = governance.clean_host(host)
    if clean is None:
        raise Refusal("malformed", field="host", why="the registered name of a site, such as blog.example.com")
    held = CreatorSite.objects.filter(creator_id=creator_id, removed_at__isnull=True)
    if found := held.filter(host=clean).first():
        return found
    if held.count() >= rules.LIMITS["sites_per_creator"]:
        raise Refusal("too_many_sites", most=rules.LIMITS["sites_per_creator"])
    try:
        with atomic():
            return CreatorSite.objects.create(creator_id=creator_id, host=clean, registered_at=clock.now())
    except IntegrityError:
        return held.get(host=clean)


def remove_site(*, creator_id: int, host: str) -> None:
    """No new claims from this site; those that were issued stay good.  Refuses: not_found."""
    held = CreatorSite.objects.filter(creator_id=creator_id, host=host, removed_at__isnull=True)
    if not held.update(removed_at=clock.now()):
        raise Refusal("not_found")


def issue_claim(*, creator_id: int, token_id: str, site: str) -> Claim:
    """A claim for somebody whom a registered site sends with one of the creator's share tokens.

    Refuses: not_found, site_unregistered, token_gone.
    """
    token = sharing.token(token_id, creator_id=creator_id)
    held = CreatorSite.objects.filter(creator_id=creator_id, removed_at__isnull=True, host=site.strip().lower())
    if not held.exists():
        raise Refusal("site_unregistered", host=site[:253])
    if token.shop_id is None or sharing.state_now(token) != "active":
        raise Refusal("token_gone")
    now = clock.now()
    expires = now + rules.CLAIM_LIFE
    payload = {
        "j": new_id("clm"), "t": token.pk, "c": creator_id, "s": token.shop_id, "p": token.product_id,
        "h": site.strip().lower(), "a": provider_name(), "i": now.isoformat(), "x": expires.isoformat(),
    }  # fmt: skip
    signed = signing.sign(payload, PURPOSE)
    return Claim(provider_name(), signed, token.creator.public_id, token.public_id, now, expires)


def note_acp(*, checkout: str, touchpoint: str, given: Mapping[str, Any]) -> list[str]:
    """Keeps ACP's affiliate_attribution of a checkout, without its token; answers the ids of claims that it may use.

    The first of each touchpoint stays: later ones, other providers and tokens that are not believed change nothing.
    Refuses: malformed, pii_not_allowed.
    """
    data = rules.clean_attribution(given)
    facts = _believed(data.get("token", "")) if data["provider"].lower() == provider_name() else None
    source = data.get("source") or {}
    return _keep(checkout, touchpoint, "acp", data, facts, source.get("url", ""))


def note_ucp(*, checkout: str, touchpoint: str, given: Mapping[str, str]) -> list[str]:
    """The same for UCP's map of texts; only our own claim in it can earn.  Refuses: malformed."""
    data = rules.clean_ucp(given)
    facts = _believed(data.pop(UCP_KEY, ""))
    return _keep(checkout, touchpoint, "ucp", {"provider": "ucp", "attribution": data}, facts, "")


def claims_of(*, claim_ids: Collection[str], person_id: int | None = None) -> list[Claimed]:
    """What the claims that a checkout noted amount to, as clicks of a partner site."""
    found = AttributionNote.objects.filter(claim_id__in=list(claim_ids), creator__isnull=False)
    return [
        Claimed(
            sharing.CandidateClick(
                str(one.claim_id), one.token_id, int(one.creator_id or 0), int(one.shop_id or 0), one.product_id, "api",
                one.claimed_at or one.noted_at, person_id, "",
            ),
            one.flag,
        )
        for one in found
    ]  # fmt: skip


def _believed(token: str) -> dict[str, Any] | None:
    """The payload of a claim of ours that has not expired."""
    payload = signing.unsign(token, PURPOSE) if token else None
    if payload is None or payload["a"] != provider_name() or datetime.fromisoformat(payload["x"]) <= clock.now():
        return None
    return payload


def _keep(
    checkout: str, touchpoint: str, kind: str, data: dict[str, Any], facts: dict[str, Any] | None, source_url: str
) -> list[str]:
    secret = data.pop("token", "")
    if secret:  # a token is a secret: what is kept proves which one it was and can be used nowhere
        data["token_digest"] = hashlib.sha256(secret.encode()).hexdigest()
    note = AttributionNote(
        checkout=checkout, touchpoint=touchpoint, kind=kind, provider=data["provider"][:255], payload=data,
        noted_at=clock.now(),
    )  # fmt: skip
    if facts is not None:
        note.claim_id, note.token_id, note.creator_id = facts["j"], facts["t"], facts["c"]
        note.shop_id, note.product_id = facts["s"], facts["p"]
        note.claimed_at = datetime.fromisoformat(facts["i"])
        note.flag = "source_mismatch" if _is_elsewhere(source_url, facts["h"]) else ""
    for unclaimed in (False, True):
        if unclaimed:  # this claim was used at another checkout already: it is kept as a note that earns nothing
            note.claim_id = note.token_id = note.creator_id = note.shop_id = note.product_id = note.claimed_at = None
            note.flag = ""
        try:
            with atomic():
                note.save(force_insert=True)
        except IntegrityError:
            if AttributionNote.objects.filter(checkout=checkout, touchpoint=touchpoint, kind=kind).exists():
                return []
            continue
        return [note.claim_id] if note.claim_id else []
    return []


def _is_elsewhere(source_url: str, site: str) -> bool:
    """Whether the page that is named as the source is not one of the registered site."""
    if not source_url:
        return False
    try:
        host = (urlsplit(source_url).hostname or "").rstrip(".").lower()
    except ValueError:
        return True
    return host != site and not host.endswith(f".{site}")
