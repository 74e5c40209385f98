"""What an empty installation is filled with, so that it can be tried at once: people, shops, goods, plans and posts.

Everything is made by the project's own words and by the same services that people use.
"""

import csv
import hmac
import io
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model

from meadow.accounts import services as accounts
from meadow.catalog import queries as catalog_queries
from meadow.catalog import services as catalog
from meadow.config.sample_goods import SHOPS, Form, Make, ShopSample
from meadow.config.sample_posts import CREATORS, PEOPLE, POSTS, PostSample
from meadow.content import services as content
from meadow.governance import services as governance
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM
from meadow.kernel.db import atomic
from meadow.kernel.money import exponent
from meadow.payments import services as payments
from meadow.plans import services as plans

DOMAIN = "example.com"
MANY = 12  # how often the goods are repeated in editions where more than a few hundred products are wanted
Progress = Callable[[str], None]


def load(*, small: bool = True, progress: Progress | None = None) -> dict[str, Any]:
    """Makes the sample in one transaction, once: a second call only says what there is.  small: a few hundred products."""
    tell = progress or (lambda _text: None)
    with atomic():
        if _people():
            return {"sign_ins": sign_ins(), "is_new": False}
        # It was all made some days ago, so that posts have an age and plans are in force.
        now = clock.now()
        with clock.at(now - timedelta(days=14)):
            tell("people")
            people = {
                who.key: accounts.add_person(
                    email=_email(who.key),
                    name=who.name,
                    locale=who.locale,
                    password=_password(who.key) if who.has_password else None,
                ).pk
                for who in PEOPLE
            }
            accounts.appoint_operator(person_id=people["otto"], by=SYSTEM)
            creators = _creators(people)
            shops, products = {}, 0
            for sample in SHOPS:
                tell(sample.name)
                shops[sample.keeper], count = _shop(sample, people[sample.keeper], editions=1 if small else MANY)
                products += count
            handles = _plans(shops, creators)
        tell("posts")
        _posts(now, creators, handles)
    return {
        "sign_ins": sign_ins(), "is_new": True, "shops": len(shops), "products": products, "creators": len(creators),
        "recommendations": len(POSTS),
    }  # fmt: skip


def sign_ins() -> list[dict[str, str]]:
    """Name, role, e-mail and password of the sample's people who are there; nobody on other installations."""
    there = _people()
    return [
        {"name": who.name, "role": who.role, "email": _email(who.key), "password": _password(who.key)}
        for who in PEOPLE
        if who.has_password and _email(who.key) in there
    ]


def _people() -> set[str]:
    people = get_user_model().objects.filter(email__in=[_email(who.key) for who in PEOPLE], is_active=True)
    return {person.email for person in people if person.email}


def _email(key: str) -> str:
    return f"{key}@{DOMAIN}"


def _password(key: str) -> str:
    """Made from the installation's own secret: the same at every start, different everywhere, and written nowhere."""
    digits = hmac.new(settings.SECRET_KEY.encode(), f"sample:{key}".encode(), sha256).hexdigest()
    return f"{key}-{digits[:4]}-{digits[4:8]}-{digits[8:12]}"


def _creators(people: dict[str, int]) -> dict[str, int]:
    made = {}
    for sample in CREATORS:
        applied = accounts.apply_as_creator(
            person_id=people[sample.key], name=sample.name, fields=sample.fields, about=sample.about
        )
        made[sample.key] = accounts.approve_creator(creator_id=applied.pk, by=SYSTEM).pk
    return made


def _shop(sample: ShopSample, keeper_id: int, *, editions: int) -> tuple[int, int]:
    """Opens a shop and imports its goods, as a keeper would: with a file.  Returns its id and how many products."""
    merchant = accounts.open_merchant(person_id=keeper_id, name=sample.merchant)
    payments.admit_merchant(merchant_id=merchant.pk, reason="one of the sample shops", level=1, by=SYSTEM)
    unit = 10 ** exponent(settings.MEADOW.currency)
    shop = catalog.open_shop(
        merchant_id=merchant.pk, name=sample.name, notice=sample.notice, flat_shipping_minor=sample.shipping * unit
    )
    for kind in sample.licences:
        shown = governance.show_licence(
            merchant_id=merchant.pk, kind=kind, number="SAMPLE-1", issuer=sample.merchant, valid_from=clock.now(),
            expires_at=clock.now() + timedelta(days=3650), by=SYSTEM,
        )  # fmt: skip
        governance.confirm_licence(licence_id=shown.pk, by=SYSTEM)
    report = catalog.import_catalog(shop_id=shop.pk, file=_file(sample, editions), mode="all")
    assert not report.rejected, report.rejected[:3]
    plans.set_general_plan(shop_id=shop.pk, rate_bp=sample.rate_bp, by=SYSTEM)
    return shop.pk, report.products


_HEADER = (
    "Handle", "Title", "Body (HTML)", "Vendor", "Type", "Tags", "Option1 Name", "Option1 Value", "Variant SKU",
    "Variant Grams", "Variant Inventory Tracker", "Variant Inventory Qty", "Variant Price", "Variant Compare At Price",
)  # fmt: skip


def _file(sample: ShopSample, editions: int) -> bytes:
    """The shop's goods: every form in every make, the newest edition last."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(_HEADER)
    for edition in range(1, editions + 1):
        for n in range(len(sample.makes)):
            for m in range(len(sample.forms)):
                writer.writerows(_rows(sample, (n, m), edition))
    return text.getvalue().encode()


def _rows(sample: ShopSample, place: tuple[int, int], edition: int) -> list[list[str]]:
    make, form = sample.makes[place[0]], sample.forms[place[1]]
    title = _title(sample, make, form) + (f" No. {edition}" if edition > 1 else "")
    rows = []
    for step, value in enumerate(form.values or ("",)):
        price = form.price * make.factor * (100 + 18 * step) // 10_000
        was = str(price * 5 // 4) if sum(place) % 6 == 5 else ""
        code = f"{sample.keeper}-{place[0]}{place[1]}{step}-{edition}".upper()
        about = [title, f"{form.about} {make.about}", sample.merchant, sample.category, make.words]
        option = ["" if step else (form.option if value else "Title"), value or "Default Title"]
        rows.append(
            [_handle(sample, place, edition), *(["", "", "", "", ""] if step else about), *option]
            + [code, str(form.grams), "shopify", str(_left(place, step, edition)), str(price), was]
        )
    return rows


def _title(sample: ShopSample, make: Make, form: Form) -> str:
    return f"{make.words}{form.name}" if sample.language == "zh" else f"{make.words} {form.name}"


def _handle(sample: ShopSample, place: tuple[int, int], edition: int = 1) -> str:
    return f"{sample.keeper}-{place[0] + 1}-{place[1] + 1}" + (f"-{edition}" if edition > 1 else "")


def _left(place: tuple[int, int], step: int, edition: int) -> int:
    """Mostly plenty, some few, and here and there none, so that every state of a card is to be seen."""
    lot = sha256(f"{place}{step}{edition}".encode()).digest()[0]
    return 0 if lot < 10 else lot % 5 + 1 if lot < 50 else 20 + lot % 80


def _plans(shops: dict[str, int], creators: dict[str, int]) -> dict[str, int]:
    """Beside the general plans: Ada pays Mei more for two things, and the book shop pays everyone more for its diary.

    Returns the ids of the products that posts name, by handle.
    """
    wanted = {_handle(_shop_of(keeper), (n, m)) for post in POSTS for keeper, n, m, _ in post.items}
    found: dict[str, int] = {}
    for shop_id in shops.values():
        found |= catalog_queries.ids_by_handle(shop_id, sorted(wanted))
    teapot, bowl = (found[_handle(_shop_of("ada"), place)] for place in ((0, 0), (1, 1)))
    plans.create_directed_plan(
        shop_id=shops["ada"], product_ids=[teapot, bowl], rate_bp=2500, creator_ids=[creators["mei"]], by=SYSTEM
    )
    diary = found[_handle(_shop_of("zhou"), (2, 0))]
    plans.create_marketing_plan(shop_id=shops["zhou"], product_ids=[diary], rate_bp=1500, by=SYSTEM)
    return found


def _shop_of(keeper: str) -> ShopSample:
    return next(sample for sample in SHOPS if sample.keeper == keeper)


def _posts(now: datetime, creators: dict[str, int], products: dict[str, int]) -> None:
    """One post every few hours, in turn, the last one just now."""
    turns = sorted(POSTS, key=lambda post: (_nth_of_creator(post), post.creator))
    for n, post in enumerate(turns):
        with clock.at(now - timedelta(hours=7) * (len(turns) - 1 - n)):
            content.publish_recommendation(
                creator_id=creators[post.creator],
                items=[(products[_handle(_shop_of(keeper), (n, m))], reason) for keeper, n, m, reason in post.items],
                title=post.title,
                text=post.text,
            )


def _nth_of_creator(post: PostSample) -> int:
    return [each for each in POSTS if each.creator == post.creator].index(post)
