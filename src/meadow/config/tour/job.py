"""The main job, step by step: from a product file to the three-way split and back to zero."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from meadow.config.commands.quote import as_object, quote
from meadow.config.tour.goods import currency_of
from meadow.config.tour.onboarding import go_live
from meadow.config.tour.people import Cast
from meadow.config.tour.shopper import buying_form
from meadow.config.tour.show import Show
from meadow.config.trouble import Trouble
from meadow.config.waiting import until

RATE_BP = 2000
SHIPPING_MINOR = 1000
REASON = "I have had mine for three summers and would buy it again tomorrow."
CHAT = "今天逛到一个好东西，分享给大家 😀 has anybody tried this? 群里有人用过吗？看图 👀 "
ADDRESS = {"name": "Bo", "phone": "+86 138 0000 0000", "line1": "12 Meadow Lane", "city": "Hangzhou", "country": "CN"}
IMPORT_SECONDS, CARRIED_SECONDS = 1800.0, 60.0
DAY_SECONDS = 86_400
FAIR_PRICE_MINOR = 10_000
PARTIES = ("merchant_minor", "creator_minor", "platform_minor")

Json = dict[str, Any]


def do(cast: Cast, content: bytes, show: Show, currency: str | None) -> Json:
    """Does the whole job and gives the tour's JSON object.  A step that fails is a Trouble."""
    job = _Job(cast, show)
    catalog = job.import_catalogue(content, currency)
    job.set_plan()
    job.publish(job.choose_product())
    token = job.mint_token()
    job.paste()
    order = job.buy_as_guest()
    job.hold_in_escrow()
    job.ship_and_wait()
    settlement, refunds, final = job.settle(), job.refund_all(), job.back_at_zero()
    job.compare_with_quote(settlement, refunds, final)
    return {
        "catalog": catalog, "token": token, "order": order, "settlement": settlement, "refunds": refunds,
        "final": final, "attribution": job.trail(), "invariants": job.invariants(), "seconds": show.seconds,
    }  # fmt: skip


class _Job:
    def __init__(self, cast: Cast, show: Show) -> None:
        self.cast, self.show = cast, show
        self.shop: Json = {}
        self.product: Json = {}
        self.sku: Json = {}
        self.post: Json = {}
        self.token: Json = {}
        self.order: Json = {}
        self.payment: Json = {}

    def import_catalogue(self, content: bytes, currency: str | None) -> Json:
        ada = self.cast.ada
        merchant = ada.post("merchants", {"name": "Linen & Co"})["id"]
        self.show.step("Ada applies for payment: she proves a phone and an account, and nobody has to look")
        live = go_live(ada, merchant)
        self.show.line(f"application {live['id']}: {live['state']}, level {live['level']}")
        wanted = {"name": "Linen & Co", "currency": currency or currency_of(content)}
        self.shop = ada.post(f"merchants/{merchant}/shops", wanted | {"flat_shipping_minor": SHIPPING_MINOR})
        self.show.step(f"Ada opens a shop in {self.shop['currency']} and imports a catalogue")
        sent = ada.send_file(f"shops/{self.shop['id']}/imports?mode=valid", content)
        report = self._followed(sent)
        self.show.line(
            f"{report['format']}: {report['rows']} rows, {report['products']} products, {report['skus']} SKUs, "
            f"{report['images']} pictures kept by address, {report['rejected_count']} rows rejected"
        )
        for row in report["rejected"][:5]:
            self.show.line(f"row {row['row']}, {row['field']}: {row['message']}")
        return {name: report[name] for name in ("format", "rows", "products", "skus", "images", "rejected")}

    def _followed(self, sent: Json) -> Json:
        """The import's report, once the worker is done with it."""
        seen, told = sent, 0

        def is_done() -> bool:
            nonlocal seen, told
            seen = self.cast.ada.get(f"imports/{sent['id']}")
            if seen["rows_done"] > told:
                told = seen["rows_done"]
                self.show.note(f"{told} of {seen['rows']} rows ...")
            return seen["state"] not in ("queued", "running")

        if not until(is_done, IMPORT_SECONDS, step_seconds=0.1):
            raise Trouble("The import did not end: see that the worker runs.")
        if seen["state"] != "done":
            why = seen["rejected"][0]["message"] if seen["rejected"] else seen["state"]
            raise Trouble(f"The product file was not taken in: {why}")
        return seen

    def set_plan(self) -> None:
        self.show.step(f"She sets the general commission plan: {RATE_BP / 100:g} per cent")
        self.cast.ada.put(f"shops/{self.shop['id']}/plans/general", {"rate_bp": RATE_BP})
        applied = self.cast.mei.post("creators", {"name": "Mei", "fields": ["daily things"]})
        self.show.step("Mei applies as a creator, which costs nothing; Otto approves")
        self.cast.otto.post(f"creators/{applied['id']}/approve")

    def choose_product(self) -> Json:
        """What can be bought, and is neither cheap nor dear, so that the split shows."""
        cursor, best = "", None
        while True:
            listed = self.cast.bo.get(f"products?shop={self.shop['id']}&limit=50&cursor={cursor}")
            able = [one for one in listed["items"] if one["left"] > 0 and one["price_max_minor"] > 0]
            best = min(filter(None, [best, *able]), key=_distance, default=None)
            cursor = listed["next_cursor"]
            if not cursor or (best and _distance(best) == 0):
                break
        if best is None:
            raise Trouble("Nothing of this file is on sale and in stock: take one with a product that can be bought.")
        product: Json = self.cast.bo.get(f"products/{best['id']}")
        return product

    def publish(self, product: Json) -> None:
        self.product = product
        self.sku = next(sku for sku in product["skus"] if sku["left"] > 0 and sku["price_minor"] > 0)
        body = {"items": [{"product": product["id"], "reason": REASON}], "title": "Worth it"}
        self.post = self.cast.mei.post("recommendations", body)
        self.show.step(f"Mei recommends “{product['title'][:60]}”")
        if not self.post["ad_label"]:
            raise Trouble("The recommendation carries no ad label although a commission is paid: look at the plan.")
        self.show.line("It is labelled as an ad by the server, because a plan pays for it")

    def mint_token(self) -> Json:
        body = {"product": self.product["id"], "recommendation": self.post["id"]}
        self.token = self.cast.mei.post("tokens", body)
        self.show.step("She mints its share token, one record in four forms")
        for name in ("text", "digits", "url"):
            self.show.line(f"{name:<8}{self.token[name]}")
        png = self.cast.mei.file(f"tokens/{self.token['id']}/qr.png")
        svg = self.cast.mei.file(f"tokens/{self.token['id']}/qr.svg")
        if not png.startswith(b"\x89PNG") or b"<svg" not in svg:
            raise Trouble("The QR code is no picture: look at /api/v1/tokens/…/qr.png.")
        self.show.line(f"QR      PNG of {len(png)} bytes, SVG of {len(svg)} bytes")
        self.show.qr(self.token["url"])
        return {name: self.token[name] for name in ("text", "digits", "url")}

    def paste(self) -> None:
        chat = CHAT * 3 + self.token["text"]
        chat += (CHAT * 12)[: 500 - len(chat)]
        self.show.step(f"Bo copies {len(chat)} characters of chat and pastes them")
        forms = {"text": chat, "digits": self.token["digits"], "link": self.token["url"]}
        for form, text in forms.items():
            found = self.cast.bo.post("tokens/resolve", {"text": text})
            if found["code"] != self.token["code"] or found["product"]["id"] != self.product["id"]:
                raise Trouble(f"The {form} of the token led somewhere else: {found['url']}")
        self.show.line(f"Text, digits and link all lead to {self.token['url']}, shared by {found['creator']['name']}")

    def buy_as_guest(self) -> Json:
        self.show.step("He opens the landing page in a browser without cookies, and buys as a guest")
        path = urlsplit(self.token["url"]).path
        page = self.cast.bo.page(path)
        if page.status != 200:
            raise Trouble(f"The landing page {path} answered {page.status}.")
        form = buying_form(page.text)
        sent = self.cast.bo.page(form.action, form.fields | {"sku": self.sku["id"], "quantity": "1"})
        checkout = urlsplit(sent.address).path.rpartition("/checkout/")[2]
        if sent.status != 302 or not checkout or self.cast.bo.page(urlsplit(sent.address).path).status != 200:
            raise Trouble(f"The form of the landing page led to no checkout (answer {sent.status}).")
        self.show.line("The form carried the page's signed view, which became a click")
        body = {"address": ADDRESS, "contact": {"email": "bo@example.com"}}
        placed = self.cast.bo.post(f"checkouts/{checkout}/place", body)
        self.order, self.payment = placed["orders"][0], placed["payments"][0]
        paid = self.cast.bo.post(f"payments/{self.payment['id']}/sandbox-pay", {"behaviour": "succeed"})
        if paid["state"] != "succeeded":
            raise Trouble(f"The sandbox payment is {paid['state']}.")
        order = self.order
        self.show.line(f"Order {order['id']}: goods {order['goods_minor']}, shipping {order['shipping_minor']}, paid "
                       f"{paid['amount_minor']} minor units of {order['currency']}")  # fmt: skip
        return {
            "id": order["id"], "currency": order["currency"], "goods_minor": order["goods_minor"],
            "shipping_minor": order["shipping_minor"], "paid_minor": paid["amount_minor"],
        }  # fmt: skip

    def hold_in_escrow(self) -> None:
        money = self._money()["ledger"]
        self.show.step(f"The money is held in escrow: {money['escrow_minor']} minor units")
        if money["escrow_minor"] != self.order["total_minor"] or any(money[party] for party in PARTIES):
            raise Trouble(f"Escrow holds {money['escrow_minor']} instead of {self.order['total_minor']}.")

    def ship_and_wait(self) -> None:
        parcel = {"kind": "express", "carrier": "SF", "number": "SF1234567890"}
        shipped = self.cast.ada.post(f"orders/{self.order['id']}/ship", {"parcels": [parcel]})
        self.show.step("Ada ships; the auto-confirm timer runs")
        self.show.line(f"due {shipped['auto_confirm_due_at']}")
        self.cast.otto.post("clock/advance", {"by_seconds": 10 * DAY_SECONDS})
        self.show.step("Otto moves the sandbox's clock ten days on: the system confirms, nothing is released yet")
        self._expect("confirmed")
        if any(self._money()["ledger"][party] for party in PARTIES):
            raise Trouble("Money was released before its time.")

    def settle(self) -> Json:
        self.cast.otto.post("clock/advance", {"by_seconds": DAY_SECONDS + 1})
        self._expect("settled")
        money = self._money()
        self.show.step("One day later the order is settled: the three-way split")
        released = {name: money["released"][name] for name in PARTIES}
        self.show.split("released", money["currency"], *released.values())
        if released != {name: money["ledger"][name] for name in PARTIES} or money["ledger"]["escrow_minor"]:
            raise Trouble(f"The ledger says {money['ledger']}, the order {released}.")
        return released

    def refund_all(self) -> list[Json]:
        """A part of the goods first, then all the rest with the shipping."""
        goods = self.order["goods_minor"]
        part = max(1, goods * 2 // 5)
        self.show.step("A part is refunded, then the rest")
        return [self._refund(part, 0), self._refund(goods - part, self.order["shipping_minor"])]

    def _refund(self, goods_minor: int, shipping_minor: int) -> Json:
        lines = self.cast.ada.get(f"orders/{self.order['id']}")["lines"]
        goods = [line for line in lines if line["kind"] == "goods"][0]
        body = {
            "goods": [{"line": goods["id"], "amount_minor": goods_minor}] if goods_minor else [],
            "shipping_minor": shipping_minor, "reason": "tour",
        }  # fmt: skip
        made = self.cast.ada.post(f"orders/{self.order['id']}/refunds", body)
        if not until(lambda: self._refund_state(made["id"]) == "completed", CARRIED_SECONDS, step_seconds=0.1):
            raise Trouble(
                f"The refund {made['id']} is still {self._refund_state(made['id'])}: see that the worker runs."
            )
        self.show.split("given back", made["currency"], *(made[name] for name in PARTIES))
        return {name: made[name] for name in ("goods_minor", "shipping_minor", *PARTIES)}

    def _refund_state(self, refund: str) -> str:
        return str(self.cast.ada.get(f"refunds/{refund}")["state"])

    def back_at_zero(self) -> Json:
        money = self._money()
        where = money["ledger"]
        self.show.step("Every account of the order is back at zero")
        self.show.split("final", money["currency"], *(where[name] for name in PARTIES))
        if any(where.values()):
            raise Trouble(f"Not every account is back at zero: {where}")
        return {"escrow_minor": where["escrow_minor"]} | {name: where[name] for name in PARTIES}

    def compare_with_quote(self, settlement: Json, refunds: list[Json], final: Json) -> None:
        """What happened must be what `./meadow quote` says."""
        order = self.order
        steps = [(refund["goods_minor"], refund["shipping_minor"]) for refund in refunds]
        said = as_object(quote(order["currency"], order["goods_minor"], order["shipping_minor"], RATE_BP, steps))
        happened = {"currency": order["currency"], "settlement": settlement, "refunds": refunds, "final": final}
        if said != happened:
            raise Trouble(f"`./meadow quote` says {said}, but what happened is {happened}.")
        self.show.line("All of it is what `./meadow quote` computes")

    def trail(self) -> Json:
        lines = self.cast.ada.get(f"orders/{self.order['id']}")["lines"]
        goods = next(line["id"] for line in lines if line["kind"] == "goods")
        found = self.cast.mei.get(f"order-lines/{goods}/attribution")
        self.show.step(f"Why {found['creator_name']} earned on it: {found['why']}")
        for one in found["clicks"]:
            self.show.line(f"{one['clicked_at'][:19]}  {one['surface']:<8} {one['creator_name']}: {one['why']}")
        if found["creator_name"] != "Mei" or not found["clicks"]:
            raise Trouble("The order was not attributed to Mei, whose link led to it.")
        return {
            "creator": found["creator_name"], "clicks": found["clicks"], "rule": found["rule"],
            "reason": found["reason"],
        }  # fmt: skip

    def invariants(self) -> dict[str, int]:
        found: dict[str, int] = self.cast.otto.post("invariants/run")["violations"]
        broken = {name: count for name, count in found.items() if count}
        self.show.step(f"{len(found)} invariants checked: " + ("all hold" if not broken else f"{len(broken)} broken"))
        for name, count in broken.items():
            self.show.line(f"{name}: {count} violations")
        return found

    def _money(self) -> Json:
        money: Json = self.cast.otto.get(f"orders/{self.order['id']}/settlement")
        return money

    def _expect(self, state: str) -> None:
        found = self.cast.ada.get(f"orders/{self.order['id']}")["state"]
        if found != state:
            raise Trouble(f"The order is {found} where it should be {state}.")


def _distance(product: Json) -> int:
    return abs(int(product["price_max_minor"]) - FAIR_PRICE_MINOR)
