"""The people of the tests about suspensions, appeals and the queue: a small market and two who run it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.web.world import World, make_world, person

from meadow.accounts import services as accounts
from meadow.catalog.models import Product, Shop
from meadow.content.models import Recommendation
from meadow.governance import services
from meadow.governance.models import Suspension
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM, Actor
from meadow.sharing.models import ShareToken


@dataclass
class Office:
    """Otto and Olga operate; Mei creates, Ada keeps a shop, Bo buys."""

    world: World
    otto: Actor
    olga: Actor

    @property
    def creator(self) -> tuple[str, int]:
        return ("accounts.creator", self.world.creator.pk)

    @property
    def shop(self) -> tuple[str, int]:
        return ("catalog.shop", self.world.shop.pk)

    @property
    def merchant(self) -> tuple[str, int]:
        return ("accounts.merchant", self.world.shop.merchant_id)

    @property
    def product(self) -> tuple[str, int]:
        return ("catalog.product", self.world.apron.pk)

    @property
    def post(self) -> tuple[str, int]:
        return ("content.recommendation", self.world.post.pk)

    @property
    def token(self) -> tuple[str, int]:
        return ("sharing.token", self.world.token.pk)

    def suspend(self, subject: tuple[str, int], scope: str = "all", **more: Any) -> Suspension:
        """At once, on the ground of security, for ten days, unless something else is said."""
        now = clock.now()
        facts: dict[str, Any] = {
            "ground": "security", "reason": "Addresses of buyers were leaking.", "rule": "operation.safety",
            "starts_at": now, "review_by": now + timedelta(days=10), "by": self.otto,
        }  # fmt: skip
        return services.announce_suspension(subject=subject, scope=scope, **(facts | more))

    def snapshot(self) -> dict[str, Any]:
        """Everything that a suspension can touch."""
        return {
            "creator": accounts_state(self.world.creator), "merchant": merchant_state(self.world.shop.merchant_id),
            "shop": Shop.objects.get(pk=self.world.shop.pk).state,
            "products": dict(Product.objects.order_by("pk").values_list("pk", "state")),
            "posts": dict(Recommendation.objects.order_by("pk").values_list("pk", "state")),
            "tokens": list(ShareToken.objects.order_by("pk").values_list("pk", "state", "blocked_by", "expires_at")),
        }  # fmt: skip


def accounts_state(creator: Any) -> str:
    creator.refresh_from_db()
    return str(creator.state)


def merchant_state(merchant_id: int) -> str:
    from meadow.accounts import queries

    return queries.merchant(merchant_id).state


def open_office() -> Office:
    world = make_world()
    olga = person("olga@example.com", "Olga")
    accounts.appoint_operator(person_id=olga.pk, by=SYSTEM)
    services.publish_rules()
    outbox.drain_all()
    return Office(world, Actor("person", world.otto.pk), Actor("person", olga.pk))


def pass_time(**by: float) -> None:
    """The clock moves on, and what falls due on the way is done."""
    sweeps.advance(clock.now() + timedelta(**by))
    outbox.drain_all()
