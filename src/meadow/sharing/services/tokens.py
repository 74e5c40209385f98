"""How tokens come and go: mint, convert, resolve, revoke, block, expire."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import InterfaceError, OperationalError

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.governance import queries as governance
from meadow.governance import services as link_policy
from meadow.kernel import clock, db, limits
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import TokenMinted
from meadow.kernel.outbox import emit
from meadow.sharing import queries, rules
from meadow.sharing.models import PartnerPage, ShareToken, new_token_id
from meadow.sharing.services import intake

log = logging.getLogger("meadow.sharing")

_KIND = re.compile(r"[a-z]{2,18}\.[a-z_]{2,20}\Z")
_MOST_DRAWS = 8


@dataclass(frozen=True, slots=True)
class Target:
    """What a token leads to.  kind and id mean something to the door alone, shop and product to attribution."""

    kind: str
    id: int
    shop_id: int | None
    product_id: int | None = None


def mint_token(
    *,
    creator_id: int,
    target_kind: str,
    target_id: int,
    shop_id: int | None,
    product_id: int | None = None,
    is_poster: bool = False,
) -> ShareToken:
    """The creator's live token for a target, fresh or found again; its life starts anew.

    Refuses: creator_required, creator_suspended, malformed, not_found, token_blocked.
    """
    target = Target(target_kind, target_id, shop_id, product_id)
    return mint_tokens(creator_id=creator_id, targets=[target], is_poster=is_poster)[0]


def mint_tokens(*, creator_id: int, targets: Sequence[Target], is_poster: bool = False) -> list[ShareToken]:
    """One token per target, in their order; see mint_token.  A thousand targets at once at most.

    Refuses, beside what mint_token refuses: unavailable, with nothing written, while the database is away.
    """
    with _store():
        return _mint(creator_id, targets, rules.POSTER_LIFE_DAYS if is_poster else rules.LIFE_DAYS)


@contextmanager
def _store() -> Iterator[None]:
    """Refuses: unavailable, while the database is away."""
    try:
        yield
    except (OperationalError, InterfaceError) as error:
        log.error("tokens could not be minted: %s", str(error).strip()[:200])
        raise Refusal("unavailable", retry_after=5) from error


def _mint(creator_id: int, targets: Sequence[Target], life_days: int) -> list[ShareToken]:
    _check_targets(targets)
    _require_creator(creator_id)
    wanted = list(dict.fromkeys(targets))
    with atomic():
        tokens = _insert_or_find(creator_id, wanted, life_days)
        if any(token.state == "blocked" for token in tokens.values()):
            raise Refusal("token_blocked")
    return [tokens[target] for target in targets]


def _require_creator(creator_id: int) -> None:
    creator = accounts.creator(creator_id)
    # Governance knows of a suspension before accounts has carried it out.
    if creator.state == "suspended" or governance.is_suspended("accounts.creator", creator_id):
        raise Refusal("creator_suspended")
    governance.require_feature("sharing")
    if creator.state != "active":
        raise Refusal("creator_required")


def mint_partner_token(*, creator_id: int, url: str, by: Actor = SYSTEM) -> ShareToken:
    """The creator's token for a page of an allowlisted partner, which the link policy must allow in a post.

    Nobody earns by it here: the partner settles its own sales.  A blocked address is recorded with its rule.
    Refuses: link_blocked, page_refused, creator_required, creator_suspended, token_blocked, unavailable.
    """
    subject = ("accounts.creator", creator_id)
    with _store():
        _require_creator(creator_id)
        page = _partner_page(url, subject, by)
    return mint_token(creator_id=creator_id, target_kind=rules.PARTNER_PAGE, target_id=page.pk, shop_id=None)


def _partner_page(url: str, subject: tuple[str, int], by: Actor) -> PartnerPage:
    """Refuses: link_blocked, page_refused."""
    answer = link_policy.require_links(urls=[url], surface=queries.SURFACE, subject=subject, by=by)[0]
    if answer.verdict != "allow":
        raise Refusal("page_refused", why=answer.reason_in("en"), why_zh=answer.reason_in("zh"), rule=answer.rule)
    if not answer.url.startswith("https://") or answer.partner is None:
        raise Refusal("page_refused", why="it is no partner's page over https", why_zh="不是合作方的 https 商品页")
    page, _ = PartnerPage.objects.get_or_create(
        url=answer.url, defaults={"host": answer.host[:253], "partner": answer.partner}
    )
    return page


def convert(*, text: str, creator_id: int, callers: Sequence[str]) -> ShareToken:
    """The asker's own token for what another's token in a text leads to; that one stays as it is.

    Refuses: not_a_token, rate_limited, token_blocked, target_gone, and what mint_token and mint_partner_token refuse.
    """
    found = resolve(text=text, callers=callers, is_seen=False)
    if found.problem in ("token_blocked", "target_gone"):
        raise Refusal(found.problem)
    if found.target_kind == rules.PARTNER_PAGE:
        return mint_partner_token(creator_id=creator_id, url=queries.partner_page(found.target_id).url)
    return mint_token(
        creator_id=creator_id, target_kind=found.target_kind, target_id=found.target_id, shop_id=found.shop_id,
        product_id=found.product_id,
    )  # fmt: skip


def resolve(*, text: str, callers: Sequence[str], is_seen: bool = True) -> queries.Resolved:
    """What the first live token in a text leads to; if none is live, the first with its problem.

    `callers` name who asks, such as "person:7" and "address:192.0.2.1"; each is held to a rate, so that guessing is
    slow, and a wrong token and an unknown one look alike.  is_seen: it counts for the channel that brought it.
    While the database is away, tokens that this process knows still open.  Refuses: rate_limited, not_a_token.
    """
    try:
        for caller in callers:
            limits.hit("sharing.resolve", caller, per=rules.RESOLVE_PER, burst=rules.LIMITS["resolves_per_minute"])
    except (OperationalError, InterfaceError):
        # Nothing but what is remembered can be found now, so there is nothing to guess.
        log.warning("resolves cannot be counted: the database is away")
    tags = rules.tagged_in(text)
    found = queries.first_live(list(tags), tags)
    if found is None:
        raise Refusal("not_a_token")
    if is_seen and found.is_live:
        seen(found.tag)
    return found


def count_miss(*, caller: str) -> None:
    """Somebody opened a short link that is none: guessing is slow.  Refuses: rate_limited.

    Only misses count, so whoever has a token is let in however many others guess from the same address.
    """
    limits.hit("sharing.missed", caller, per=rules.RESOLVE_PER, burst=rules.LIMITS["misses_per_minute"])


def count_picture(*, caller: str) -> None:
    """A poster or card is drawn for somebody, which takes time.  Refuses: rate_limited."""
    limits.hit("sharing.picture", caller, per=rules.RESOLVE_PER, burst=rules.LIMITS["pictures_per_minute"])


def seen(tag: int, at: datetime | None = None) -> None:
    """Counts for a channel that somebody opened a token it brought; a count that cannot be kept is no error."""
    try:
        intake.note_resolve(tag, at or clock.now())
    except (OperationalError, InterfaceError):
        log.warning("a resolve could not be counted")


def revoke_token(*, token_id: int, creator_id: int) -> ShareToken:
    """The creator takes a token back: no new clicks; earlier ones still earn.  Refuses: not_found, stale_state."""
    with atomic():
        token = queries.token(token_id, creator_id=creator_id)
        _expire_if_due(token)
        db.move(token, rules.TOKEN, "revoke")
    return token


def block_token(*, token_id: int, decision_id: int) -> bool:
    """Carries out a decision against a token; False if there was nothing left to block."""
    touched = ShareToken.objects.filter(pk=token_id, state__in=rules.TOKEN.sources("block"))
    return bool(touched.update(state="blocked", blocked_by=decision_id))


def hand_block(*, token_id: int, decision_id: int, to: int) -> None:
    """The decision that blocked it is gone, but another stands: the block is that one's now."""
    ShareToken.objects.filter(pk=token_id, state="blocked", blocked_by=decision_id).update(blocked_by=to)


def unblock_token(*, token_id: int, decision_id: int | None = None) -> bool:
    """Undoes a block: of the decision named, or whatever it was."""
    touched = ShareToken.objects.filter(pk=token_id, state__in=rules.TOKEN.sources("unblock"))
    if decision_id is not None:
        touched = touched.filter(blocked_by=decision_id)
    return bool(touched.update(state="active", blocked_by=None))


def expire_tokens(*, limit: int, until: datetime) -> int:
    """Marks tokens whose life is over; they stopped resolving at that very moment anyway."""
    return db.execute(
        "UPDATE sharing_sharetoken SET state = 'expired' WHERE id IN (SELECT id FROM sharing_sharetoken "
        "WHERE state = 'active' AND expires_at <= %s ORDER BY expires_at LIMIT %s FOR UPDATE SKIP LOCKED)",
        [until, limit],
    )


def _check_targets(targets: Sequence[Target]) -> None:
    if not 0 < len(targets) <= rules.LIMITS["mint_at_once"]:
        raise Refusal("malformed", field="targets", why=f"1 to {rules.LIMITS['mint_at_once']}")
    # A kind is a name of the house's own: an address of any sort can never be a target (C4.6).
    if not all(_KIND.match(target.kind) and target.id > 0 for target in targets):
        raise Refusal("malformed", field="target", why="a kind such as catalog.product and the id of one")
    if any((target.shop_id is None) != (target.kind == rules.PARTNER_PAGE) for target in targets):
        raise Refusal("malformed", field="target", why="only a partner's page has no shop")
    product_ids = {target.product_id for target in targets if target.product_id is not None}
    cards = catalog.cards(list(product_ids)) if product_ids else {}
    for target in targets:
        if target.product_id is None:
            continue
        card = cards.get(target.product_id)
        if card is None or card.shop_id != target.shop_id:
            raise Refusal("not_found")


def _insert_or_find(creator_id: int, wanted: list[Target], life_days: int) -> dict[Target, ShareToken]:
    """Inserts first and looks afterwards, so two mints at once agree on one token and a number is never given twice."""
    found: dict[Target, ShareToken] = {}
    for _ in range(_MOST_DRAWS):
        missing = [target for target in wanted if target not in found]
        if not missing:
            return found
        fresh = _insert(creator_id, missing, life_days)
        emit(*(TokenMinted(token.pk, creator_id) for token in fresh.values()))
        found |= fresh
        rest = [target for target in missing if target not in fresh]
        if rest:
            found |= _renew(creator_id, rest, life_days)
    raise Refusal("unavailable")


def _insert(creator_id: int, targets: list[Target], life_days: int) -> dict[Target, ShareToken]:
    now = clock.now()
    rows = db.rows(
        "INSERT INTO sharing_sharetoken (public_id, number, creator_id, shop_id, product_id, target_kind, target_id, "
        "life_days, state, created_at, expires_at) SELECT p, n, %s, s, d, k, t, %s, 'active', %s, %s "
        "FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::text[], %s::bigint[]) "
        "AS w(p, n, s, d, k, t) ON CONFLICT DO NOTHING RETURNING *",
        [
            creator_id, life_days, now, now + timedelta(days=life_days),
            [new_token_id() for _ in targets], [rules.draw_number() for _ in targets],
            [target.shop_id for target in targets], [target.product_id for target in targets],
            [target.kind for target in targets], [target.id for target in targets],
        ],
    )  # fmt: skip
    return _by_target(rows)


def _renew(creator_id: int, targets: list[Target], life_days: int) -> dict[Target, ShareToken]:
    """The live tokens of these targets with their life begun anew.  One whose life is over makes room for a fresh one."""
    now = clock.now()
    params = {
        "creator": creator_id, "now": now, "life": life_days,
        "kinds": [target.kind for target in targets], "ids": [target.id for target in targets],
        "products": [target.product_id for target in targets],
    }  # fmt: skip
    same = (
        "t.creator_id = %(creator)s AND t.target_kind = w.k AND t.target_id = w.i AND t.product_id IS NOT DISTINCT "
        "FROM w.p AND t.state IN ('active', 'blocked')"
    )
    these = "unnest(%(kinds)s::text[], %(ids)s::bigint[], %(products)s::bigint[]) AS w(k, i, p)"
    db.execute(
        f"UPDATE sharing_sharetoken t SET state = 'expired' FROM {these} "
        f"WHERE {same} AND t.state = 'active' AND t.expires_at <= %(now)s",
        params,
    )
    rows = db.rows(
        "UPDATE sharing_sharetoken t SET life_days = greatest(life_days, %(life)s), expires_at = greatest(expires_at, "
        "%(now)s + greatest(life_days, %(life)s) * interval '1 day') "
        f"FROM {these} WHERE {same} RETURNING t.*",
        params,
    )
    return _by_target(rows)


def _by_target(rows: list[dict[str, object]]) -> dict[Target, ShareToken]:
    tokens = [ShareToken(**row) for row in rows]
    return {Target(t.target_kind, t.target_id, t.shop_id, t.product_id): t for t in tokens}


def _expire_if_due(token: ShareToken) -> None:
    if rules.state_at(token.state, token.expires_at, clock.now()) == "expired" and token.state == "active":
        raise Refusal("stale_state", state="expired", event="revoke")
