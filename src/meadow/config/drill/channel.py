"""One outside channel is lost: every order in flight is finished, and another form is live within a minute."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from meadow.config.drill.ground import PLACE, Ground, Report, Say, dice_of
from meadow.config.supervise import Instance
from meadow.config.tour.talk import Talk
from meadow.config.waiting import until

ORDERS, LEAST_ORDERS = 200, 10
REPORTERS = 3
STAGES = ("landed", "checkout", "placed", "paid", "shipped")
WITHIN_SECONDS = 60.0
DAY_SECONDS = 86_400


@dataclass
class Flight:
    """One shopper who came by the channel, and how far the order has got."""

    talk: Talk
    stage: str
    click: str
    checkout: str = ""
    payment: str = ""
    order: str = ""


@dataclass
class Scene:
    """What the drill holds in hands."""

    ground: Ground
    outlet: str
    product: dict[str, Any]
    token: str
    code: str
    link: str
    flights: list[Flight] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: count(1_000_000_000))


def run(seed: int, share: float, say: Say) -> Report:
    """The whole drill on a private installation."""
    report, dice = Report(seed), dice_of(seed)
    with Instance(say=say) as instance:
        ground = Ground(instance)
        scene = _scene(ground, dice)
        orders = max(LEAST_ORDERS, round(ORDERS * share))
        say(f"{orders} shoppers come by {scene.outlet}; their orders stand at {len(STAGES)} different stages ...")
        scene.flights = [_to_stage(scene, STAGES[n % len(STAGES)]) for n in range(orders)]
        _lose(scene, report, say)
        _lose_again_by_reports(scene, report, dice, say)
        say("Every order in flight goes on ...")
        _finish(scene, report, say)
        report.operations, report.orders = orders * len(STAGES), orders
        report.violations |= ground.invariants()
    return report


def _scene(ground: Ground, dice: random.Random) -> Scene:
    """A channel whose links can be tapped, chosen by chance, and a token that was shared there."""
    open_to_links = [each for each in Talk(ground.url).get("outlets") if "link" in each["forms"]]
    outlet = dice.choice(sorted(each["code"] for each in open_to_links))
    product = ground.product("In flight", 100_000)
    shared = ground.cast.mei.post("shares", {"product": product["id"], "outlet": outlet})
    piece = next(each for each in shared["material"][0]["pieces"] if each["form"] == "link")
    link = piece["text"].rpartition("/S/")[2].split()[0]
    return Scene(ground, outlet, product, shared["token"]["id"], shared["token"]["code"], link)


def _to_stage(scene: Scene, stage: str) -> Flight:
    """A shopper opens the link that stands in the channel and goes as far as the stage says."""
    talk = Talk(scene.ground.url)
    flight = Flight(talk, stage, talk.post("clicks", {"view": talk.get(f"landings/{scene.link}")["view"]})["click"])
    for step in STAGES[1 : STAGES.index(stage) + 1]:
        _STEPS[step](scene, flight)
    return flight


def _open(scene: Scene, flight: Flight) -> None:
    flight.checkout = scene.ground.checkout(flight.talk, scene.product, flight.click)


def _place(scene: Scene, flight: Flight) -> None:
    placed = flight.talk.post(f"checkouts/{flight.checkout}/place", PLACE)
    flight.order, flight.payment = placed["orders"][0]["id"], placed["payments"][0]["id"]


def _pay(scene: Scene, flight: Flight) -> None:
    flight.talk.post(f"payments/{flight.payment}/sandbox-pay", {"behaviour": "succeed"})


def _ship(scene: Scene, flight: Flight) -> None:
    # A number of its own: several orders with one parcel would be looked at before they are released.
    number = f"SF{next(scene.numbers):010d}"
    parcel = {"kind": "express", "carrier": "SF", "number": number}
    scene.ground.cast.ada.post(f"orders/{flight.order}/ship", {"parcels": [parcel]})


_STEPS: dict[str, Callable[[Scene, Flight], None]] = {
    "checkout": _open, "placed": _place, "paid": _pay, "shipped": _ship,
}  # fmt: skip


def _default(scene: Scene) -> str:
    """What a creator is handed out for the channel at this moment."""
    shared = scene.ground.cast.mei.get(f"tokens/{scene.token}/share?outlet={scene.outlet}")
    return str(shared["material"][0]["default"])


def _lose(scene: Scene, report: Report, say: Say) -> None:
    """The operator marks the channel's links as blocked."""
    began = time.monotonic()
    reply = scene.ground.cast.otto.attempt("PATCH", f"outlets/{scene.outlet}", {"clickable_link": False})
    is_live = until(lambda: _default(scene) != "link", WITHIN_SECONDS, step_seconds=0.2)
    took = time.monotonic() - began
    say(f"{scene.outlet} blocks links: {_default(scene)} is handed out {took:.1f} seconds later")
    shared = scene.ground.cast.mei.get(f"tokens/{scene.token}/share?outlet={scene.outlet}")["material"][0]
    fresh = [_opens(scene, piece) for piece in shared["pieces"] if piece["text"]]
    told = until(lambda: _is_told(scene), WITHIN_SECONDS, step_seconds=0.2)
    report.violations |= {
        "channel_flip_accepted": int(reply.status != 200),
        "channel_other_form_within_60s": int(not is_live or took > WITHIN_SECONDS),
        "channel_fresh_forms_resolve": sum(not opened for opened in fresh),
        "channel_old_link_still_opens": int(
            Talk(scene.ground.url).get(f"landings/{scene.link}")["problem"] is not None
        ),
        "channel_no_bare_link_left": sum("/S/" in piece["text"] for piece in shared["pieces"]),
        "channel_creators_told_within_60s": int(not told),
    }


def _lose_again_by_reports(scene: Scene, report: Report, dice: random.Random, say: Say) -> None:
    """Now the other form is blocked too, and nobody but the creators notices."""
    form = _default(scene)
    reporters = [_creator(scene, f"Reporter{n}{dice.randrange(10**6)}") for n in range(REPORTERS)]
    began = time.monotonic()
    for talk in reporters:
        talk.post(f"outlets/{scene.outlet}/reports", {"form": form, "note": "a warning page"})
    is_live = until(lambda: _default(scene) != form, WITHIN_SECONDS, step_seconds=0.2)
    took = time.monotonic() - began
    say(f"{REPORTERS} creators report that {form} is blocked: {_default(scene)} instead, {took:.1f} seconds later")
    open_alarms = scene.ground.cast.otto.get("channels/alarms?open_only=true")
    report.violations |= {
        "channel_reports_flip_within_60s": int(not is_live or took > WITHIN_SECONDS),
        "channel_operator_sees_alarm": int(not any(each["outlet"] == scene.outlet for each in open_alarms)),
    }


def _creator(scene: Scene, name: str) -> Talk:
    talk = scene.ground.buyer(name)
    made = talk.post("creators", {"name": name})
    scene.ground.cast.otto.post(f"creators/{made['id']}/approve")
    return talk


def _opens(scene: Scene, piece: dict[str, Any]) -> bool:
    found = Talk(scene.ground.url).post("tokens/resolve", {"text": piece["text"]})
    return bool(found["code"] == scene.code and found["problem"] is None)


def _is_told(scene: Scene) -> bool:
    said = scene.ground.cast.mei.get("me/inbox")
    rows = said["items"] if isinstance(said, dict) else said
    return any("another form" in str(row) for row in rows)


def _finish(scene: Scene, report: Report, say: Say) -> None:
    """Whatever stage they had reached, all the orders are brought to their end, and each still earns for its creator."""
    ground = scene.ground
    for flight in scene.flights:
        for step in STAGES[STAGES.index(flight.stage) + 1 :]:
            _STEPS[step](scene, flight)
    ground.cast.otto.post("clock/advance", {"by_seconds": 10 * DAY_SECONDS})
    ground.cast.otto.post("clock/advance", {"by_seconds": 2 * DAY_SECONDS})
    wanted = {flight.order for flight in scene.flights}

    def settled() -> set[str]:
        return {order["id"] for order in ground.orders("settled")} & wanted

    until(lambda: settled() == wanted, 2 * WITHIN_SECONDS, step_seconds=0.5)
    states = Counter(order["state"] for order in ground.orders() if order["id"] in wanted)
    say(f"Where the {len(wanted)} orders stand in the end: {dict(states)}")
    report.lost += len(wanted - settled())
    report.doubled += len(scene.flights) - len(wanted)
    report.violations["channel_orders_keep_their_creator"] = sum(not _earns(scene, order) for order in wanted)
    sales = ground.cast.otto.get(f"channels/sales?since={_long_ago(ground)}")
    by_channel = sum(row["goods_minor"] for row in sales)
    of_channel = sum(row["goods_minor"] for row in sales if row["channel"] == scene.outlet)
    goods = sum(order["goods_minor"] for order in ground.orders())
    report.violations["channel_sales_add_up"] = int(by_channel != goods) + int(of_channel != goods)


def _earns(scene: Scene, order: str) -> bool:
    lines = scene.ground.cast.ada.get(f"orders/{order}")["lines"]
    goods = next(line["id"] for line in lines if line["kind"] == "goods")
    return bool(scene.ground.cast.mei.get(f"order-lines/{goods}/attribution")["creator_name"] == "Mei")


def _long_ago(ground: Ground) -> str:
    """Thirty days before the installation's own time."""
    from datetime import datetime, timedelta

    now = datetime.fromisoformat(ground.cast.otto.get("clock")["now"].replace("Z", "+00:00"))
    return (now - timedelta(days=30)).isoformat().replace("+00:00", "Z")
