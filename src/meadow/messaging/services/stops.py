"""Whom a suspension concerns, and what each of them is told: who answers for it, who works there, recommends it, or bought."""

from datetime import UTC, datetime

from meadow.accounts import queries as accounts
from meadow.catalog import queries as catalog
from meadow.content import queries as content
from meadow.governance import queries as governance
from meadow.governance.services import party_of
from meadow.kernel import pages
from meadow.kernel.errors import Refusal
from meadow.messaging.services.notices import notify
from meadow.messaging.services.sales import order_link
from meadow.trade import queries as trade

Party = tuple[str, int]
_GOODS = ("accounts.merchant", "catalog.shop", "catalog.product")


def tell_announced(suspension_id: int) -> None:
    """Everybody whom it concerns, before it takes effect; a stopped feature of the site is told on its public page.

    Whoever is concerned twice, as a shop's owner who also bought there, is told once, by what concerns them most.
    """
    found = governance.suspension(suspension_id)
    subject, party = _of(found)
    told: set[int] = set()
    if (reader := reader_of(party)) is not None:
        _tell(found, "suspension_announced", reader, limits_link())
        told.add(reader)
    for person_id in _staff(party) - told:
        _tell(found, "suspension_staff", person_id, public_link())
        told.add(person_id)
    for order_id in trade.orders_on_their_way(subject):
        order = trade.order_by_id(order_id)
        if order.buyer_id not in told:
            mail_to = str(order.contact.get("email", ""))
            _tell(found, "suspension_order", order.buyer_id, order_link(order), order=order.public_id, mail_to=mail_to)
            told.add(order.buyer_id)
    for person_id in _recommending(subject) - told:
        _tell(found, "suspension_goods", person_id, public_link())


def tell_again(topic: str, suspension_id: int) -> None:
    """That nobody has looked at it in time, or that it is over: to all who cannot work with it meanwhile."""
    found = governance.suspension(suspension_id)
    subject, party = _of(found)
    reader = reader_of(party)
    for person_id in {*([reader] if reader else []), *_staff(party), *_recommending(subject)}:
        _tell(found, topic, person_id, limits_link() if person_id == reader else public_link())


def reader_of(party: Party | None) -> int | None:
    """The person who reads for a party; None if it is gone."""
    if party is None:
        return None
    kind, party_id = party
    try:
        if kind == "accounts.creator":
            return accounts.creator(party_id).person_id
        return accounts.merchant(party_id).owner_id if kind == "accounts.merchant" else party_id
    except Refusal:
        return None


def limits_link() -> str:
    """Where somebody reads of what was decided against them, and appeals."""
    return pages.link("my_limits")


def public_link() -> str:
    """Where everybody reads what is stopped, why and until when."""
    return pages.link("transparency")


def _of(found: governance.Suspension) -> tuple[Party, Party | None]:
    """What is stopped, and who answers for it."""
    subject = (found.subject_kind, found.subject_id)
    return subject, (found.party_kind, found.party_id) if found.party_id is not None else party_of(subject)


def _staff(party: Party | None) -> set[int]:
    """All who work for a merchant."""
    if party is None or party[0] != "accounts.merchant":
        return set()
    return {int(one["person_id"]) for one in accounts.staff_of(party[1])}


def _recommending(subject: Party) -> set[int]:
    """The creators whose posts lead to goods that are stopped."""
    kind, subject_id = subject
    if kind not in _GOODS:
        return set()
    if kind == "catalog.product":
        creators = content.creators_of_goods(product_ids=[subject_id])
    else:
        shops = (
            [shop.shop_id for shop in catalog.shops_of_merchants([subject_id])] if kind == _GOODS[0] else [subject_id]
        )
        creators = content.creators_of_goods(shop_ids=shops)
    return set(accounts.active_creators(creators).values())


def _tell(
    found: governance.Suspension, topic: str, person_id: int, link: str, *, mail_to: str = "", order: str = ""
) -> None:
    subject = (found.subject_kind, found.subject_id)
    stops = governance.TARGETS[found.subject_kind].stops[found.scope]
    notify(
        person_id=person_id, topic=topic, cause=("governance.suspension", found.pk), mail_to=mail_to, link=link,
        what=governance.faces([subject])[subject].title, stops=stops[0], stops_zh=stops[1], rule=str(found.rule),
        reason=found.reason, reason_zh=found.reason_zh or found.reason, starts=_moment(found.starts_at),
        review=_moment(found.review_by), turn=f"{found.period_from:%Y%m%d%H%M}", order=order,
    )  # fmt: skip


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
