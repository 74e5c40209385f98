"""Does the fast lane say what Django says, see every change in time, and step aside for whatever is unusual?"""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import RequestFactory
from tests.sharing import market

from meadow.catalog.models import FaceChange
from meadow.config import lane_link, lane_rows
from meadow.config.lane import Lane
from meadow.config.lane_link import Link
from meadow.config.lane_rows import Rows
from meadow.governance import services as governance
from meadow.kernel import clock, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.plans import services as plans
from meadow.sharing import queries, rules, services
from meadow.sharing.models import Click, Reach
from meadow.sharing.services import clicks

pytestmark = pytest.mark.django_db(transaction=True)
NOW = clock.machine_now().replace(microsecond=5) + timedelta(days=1)  # after all that the tests make
TAP = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in market.TAP.items()}


@pytest.fixture(autouse=True)
def _one_connection() -> Iterable[None]:
    """A request that Django answers would close the test's own connection at its end."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


class Seconds:
    """A machine's clock that the test moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """An answer of a WSGI application, and whether Django gave it."""

    def __init__(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.status, self.body = int(status[:3]), body
        self.headers = {name.lower(): value for name, value in headers}

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Front:
    """The lane in front of Django, with a count of what fell through."""

    def __init__(self) -> None:
        self.django, self.fell_through, self.seconds = WSGIHandler(), 0, Seconds()
        self.rows = Rows(seconds=self.seconds)
        self.lane = Lane(self._counted, self.rows)
        self._counting = True

    def _counted(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.fell_through += 1
        return self.django(environ, start_response)

    def get(self, path: str, *, method: str = "GET", by: Any = None, **headers: str) -> Asked:
        environ = RequestFactory().generic(method, path, **{"HTTP_ACCEPT_LANGUAGE": "en", **TAP, **headers}).environ
        told: list[Any] = []
        chunks = (by or self.lane)(environ, lambda status, head, *_: told.extend((status, head)))
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        return Asked(told[0], told[1], body)

    def warm(self, code: str) -> None:
        """Its headers are learned from Django."""
        self.get(f"/api/v1/landings/{code}")
        self.fell_through = 0

    def hurry(self) -> None:
        """Enough requests that the process counts as busy, now and in the second to come."""
        for _ in range(lane_rows.BUSY_PER_SECOND):
            self.rows._is_busy(self.seconds.now)


def _deaf(monkeypatch: pytest.MonkeyPatch) -> Callable[[], AbstractContextManager[None]]:
    """No look for changes finds any, except while it is told to hear: as long as a transaction runs anywhere on the server,
    all that has changed since it began is told again at each look."""
    changes, hears = Link.changes, False

    def told(link: Link, since: int, machine: datetime) -> tuple[list[int], list[int], int, datetime]:
        found = changes(link, since, machine)
        return found if hears else ([], [], *found[2:])

    @contextmanager
    def hear() -> Iterator[None]:
        nonlocal hears
        hears = True
        yield
        hears = False

    monkeypatch.setattr(Link, "changes", told)
    return hear


@pytest.fixture
def front() -> Front:
    return Front()


@pytest.fixture
def shop() -> market.Shop:
    return market.shop()


@pytest.fixture
def token(shop: market.Shop) -> queries.ShareToken:
    plans.set_general_plan(shop_id=shop.id, rate_bp=2000, by=shop.keeper)
    bowl = market.product(shop, title='Tea "bowl" 茶碗 </script>', price_minor=12_900)
    return services.mint_token(
        creator_id=market.creator().pk, target_kind="catalog.product", target_id=bowl, shop_id=shop.id,
        product_id=bowl,
    )  # fmt: skip


def code_of(token: queries.ShareToken) -> str:
    return rules.code_of(token.number)


@pytest.mark.parametrize("headers", [{}, {"HTTP_USER_AGENT": "Googlebot/2.1"}, {"HTTP_SEC_FETCH_DEST": "iframe"}])
@pytest.mark.parametrize("tag", ["", "-4B"])
def test_the_lane_says_byte_for_byte_what_django_says(front, token, monkeypatch, headers, tag):
    path = f"/api/v1/landings/{code_of(token)}{tag}?utm_source=a&utm_source=b"
    front.warm(code_of(token))
    monkeypatch.setattr(clock, "machine_now", lambda: NOW)
    monkeypatch.setattr(clicks, "new_id", lambda prefix: f"{prefix}_0000000000000000000a")
    monkeypatch.setattr(lane_rows, "_machine_now", lambda: NOW)
    headers = headers | {"HTTP_X_REQUEST_ID": "req-7"}
    by_django, by_lane = front.get(path, by=front.django, **headers), front.get(path, **headers)
    assert front.fell_through == 0
    assert by_lane.body == by_django.body
    assert by_lane.status == by_django.status == 200
    timing = by_lane.headers.pop("server-timing"), by_django.headers.pop("server-timing")
    assert all(text.startswith("app;dur=") for text in timing)
    assert by_lane.headers == by_django.headers
    assert by_lane.headers["x-request-id"] == "req-7"
    assert by_lane.json["product"]["title"].startswith('Tea "bowl" 茶碗 </script>')
    assert by_lane.json["ad_label"] is True
    assert bool(by_lane.json["click"]) == (headers.keys() == {"HTTP_X_REQUEST_ID"})
    head = front.get(path, method="HEAD", **headers)
    assert (head.body, head.headers["content-length"]) == (b"", front.get(path, by=front.django, method="HEAD",
                                                                           **headers).headers["content-length"])  # fmt: skip


def test_its_click_is_signed_stored_and_counted_for_the_channel(front, token):
    front.warm(code_of(token))
    Click.objects.all().delete()
    Reach.objects.all().delete()
    answer = front.get(f"/api/v1/landings/{code_of(token)}-2B")
    assert front.fell_through == 0
    facts = queries.read_click(answer.json["click"])
    assert facts is not None
    assert (facts.origin.token_id, facts.origin.tag) == (token.pk, rules.tag_from("2B"))
    assert Click.objects.get().tag == rules.tag_from("2B")
    assert list(Reach.objects.values_list("tag", "resolves", "clicks")) == [(rules.tag_from("2B"), 1, 1)]


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_AUTHORIZATION": "Bearer mdw_x"}, {"HTTP_COOKIE": "sessionid=1"}, {"HTTP_API_VERSION": "1999-01-01"},
        {"CONTENT_LENGTH": "3"}, {"HTTP_ACCEPT_LANGUAGE": "zh," * 90},
    ],
)  # fmt: skip
def test_what_is_unusual_falls_through(front, token, headers):
    front.warm(code_of(token))
    path = f"/api/v1/landings/{code_of(token)}"
    assert front.get(path, **headers).status == front.get(path, by=front.django, **headers).status
    assert front.fell_through == 1
    front.get(path, method="DELETE")
    front.get("/api/v1/products?limit=1")
    assert front.fell_through == 3


def test_no_token_and_a_dead_one_are_djangos_to_say_and_misses_are_counted(front, token):
    front.warm(code_of(token))
    path = "/api/v1/landings/"
    unknown = rules.code_of(rules.draw_number())
    for code in (unknown, "0000000000000", "x", code_of(token)[:-1]):
        answer = front.get(path + code)
        assert (answer.status, answer.json["code"]) == (404, "not_a_token")
        assert answer.headers["content-type"] == "application/problem+json"
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    assert front.get(path + code_of(token)).json["problem"] == "token_revoked"
    assert front.fell_through == 5
    statuses = [front.get(path + unknown).status for _ in range(rules.LIMITS["misses_per_minute"])]
    assert set(statuses) == {404, 429}


def test_a_partners_page_is_djangos_to_say_since_the_link_policy_decides_at_every_visit(front, token):
    governance.add_partner(
        name="Example Mall", hosts=["item.example.org"], product_patterns=["item.example.org/item/{digits}"],
        contract="2026-17", after_sale_contact="care@example.org", by=SYSTEM,
    )  # fmt: skip
    outside = services.mint_partner_token(creator_id=token.creator_id, url="https://item.example.org/item/7")
    front.warm(code_of(token))
    answer = front.get(f"/api/v1/landings/{code_of(outside)}")
    assert (answer.json["page"]["url"], front.fell_through) == ("https://item.example.org/item/7", 1)
    governance.bar_host(host="item.example.org", reason="fraud", by=SYSTEM)
    assert front.get(f"/api/v1/landings/{code_of(outside)}").json["problem"] == "page_withdrawn"


def test_each_language_learns_its_headers_once(front, token):
    path = f"/api/v1/landings/{code_of(token)}"
    for language in ("en", "zh-CN", "en", "zh-CN"):
        assert front.get(path, HTTP_ACCEPT_LANGUAGE=language).headers["content-language"] == (
            "en" if language == "en" else "zh-hans"
        )
    assert front.fell_through == 2
    # A compressed answer would not fit another: what is learned is learned plain.
    assert "content-encoding" not in front.get(path, HTTP_ACCEPT_LANGUAGE="fr", HTTP_ACCEPT_ENCODING="gzip").headers


def test_a_quiet_process_asks_every_time_so_every_change_is_seen_at_once(front, token, shop):
    from meadow.catalog import services as catalog

    front.warm(code_of(token))
    path = f"/api/v1/landings/{code_of(token)}"
    assert front.get(path).json["product"]["price_minor"] == 12_900
    catalog.change_price(sku_id=market.sku_of(token.product_id), price_minor=9_900, by=shop.keeper)
    assert front.get(path).json["product"]["price_minor"] == 9_900
    assert front.fell_through == 0
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    assert front.get(path).json["problem"] == "token_revoked"


def test_a_quiet_process_sees_the_test_clock_at_once(front, token):
    front.warm(code_of(token))
    assert front.get(f"/api/v1/landings/{code_of(token)}").json["problem"] is None
    sweeps.advance(clock.now() + timedelta(days=61))
    assert front.get(f"/api/v1/landings/{code_of(token)}").json["problem"] == "token_expired"


def test_a_busy_process_answers_from_memory_and_keeps_its_promise(front, token, shop, monkeypatch):
    from meadow.catalog import services as catalog

    front.warm(code_of(token))
    path, read = f"/api/v1/landings/{code_of(token)}", []
    front.get(path)
    for name in ("landing", "token", "changes", "faces"):
        _noted(monkeypatch, name, read)
    # The refreshing thread is not started: the test does its work at the moment it wants.
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    front.get(path)  # who is paid by this shop was not asked before
    front.rows.refresh()
    front.get(path)
    read.clear()
    catalog.change_price(sku_id=market.sku_of(token.product_id), price_minor=9_900, by=shop.keeper)
    assert front.get(path).json["product"]["price_minor"] == 12_900
    assert read == []
    front.seconds.now += 1.5
    assert front.get(path).json["product"]["price_minor"] == 12_900
    assert front.rows.refresh() == 5
    assert read == ["changes", "faces", "faces", "faces", "faces", "faces"]
    assert front.get(path).json["product"]["price_minor"] == 9_900
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    assert front.get(path).json["problem"] is None
    front.rows.refresh()
    assert front.get(path).json["problem"] == "token_revoked"


def test_a_busy_process_uses_nothing_that_was_not_confirmed_within_its_promise(front, token, monkeypatch):
    front.warm(code_of(token))
    path = f"/api/v1/landings/{code_of(token)}"
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    for _ in range(2):
        front.rows.refresh()
        front.get(path)
    front.rows.refresh()
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    assert front.get(path).json["problem"] is None
    for _ in range(3):
        front.seconds.now += 1.0
        front.hurry()
    assert front.get(path).json["problem"] == "token_revoked"


def test_a_busy_process_looks_at_faces_again_before_its_promise_ends_and_at_a_tokens_end_always(
    front, token, monkeypatch
):
    front.warm(code_of(token))
    path, read = f"/api/v1/landings/{code_of(token)}", []
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    _deaf(monkeypatch)
    front.hurry()
    for _ in range(3):
        front.rows.refresh()
        front.get(path)
    for name in ("landing", "token", "faces"):
        _noted(monkeypatch, name, read)
    looked: list[int] = []
    assembled = Rows._assembled
    monkeypatch.setattr(Rows, "_assembled", lambda self, *kept: looked.append(1) or assembled(self, *kept))
    front.get(path)
    assert (looked, read) == ([], [])
    for seconds, sight in ((lane_rows.FRESH_SECONDS, []), (1.0, [1])):
        front.seconds.now += seconds
        front.hurry()
        front.rows._look_for_changes()
        front.get(path)
        assert looked == sight
    assert read == ["landing"]
    front.rows.refresh()
    front.get(path)
    assert front.fell_through == 0
    front.rows.clock_offset += timedelta(days=61)
    front.get(path)
    assert front.fell_through == 1


def test_a_busy_process_looks_a_landing_through_only_now_and_then_or_when_any_face_has_changed(
    front, token, shop, monkeypatch
):
    from meadow.catalog import services as catalog

    front.warm(code_of(token))
    path, looked = f"/api/v1/landings/{code_of(token)}", list[float]()
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    assembled = Rows._assembled
    monkeypatch.setattr(
        Rows, "_assembled", lambda self, *kept: looked.append(front.seconds.now) or assembled(self, *kept)
    )

    hear = _deaf(monkeypatch)

    def second() -> Asked:
        front.seconds.now += 1.0
        front.hurry()
        front.rows.refresh()
        return front.get(path)

    for _ in range(3):
        second()
    began = looked[-1]
    while looked[-1] == began:
        second()
    assert looked[-1] - began == lane_rows.WHOLE_SECONDS
    # What was in use for so long is still asked for, and a change of any face has all landings looked through once.
    catalog.change_price(sku_id=market.sku_of(token.product_id), price_minor=9_900, by=shop.keeper)
    looked.clear()
    with hear():
        assert second().json["product"]["price_minor"] == 9_900
    second()
    assert len(looked) == 1


@pytest.fixture
def sure(front, token, monkeypatch) -> Front:
    """A busy process that knows a token and all behind it, and would be told of a change of the product."""
    # While a transaction runs somewhere on the server, marks since it began are told again; this token's own are not wanted.
    FaceChange.objects.all().delete()
    front.warm(code_of(token))
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    for _ in range(3):
        front.rows.refresh()
        front.get(f"/api/v1/landings/{code_of(token)}")
        front.seconds.now += 1.3
        front.hurry()
    front.rows.refresh()
    return front


def test_a_busy_process_reads_a_product_anew_only_when_it_was_changed(sure, token, shop, monkeypatch):
    from meadow.catalog import services as catalog

    path, read = f"/api/v1/landings/{code_of(token)}", list[str]()
    faces = Link.faces
    monkeypatch.setattr(Link, "faces", lambda self, kind, *asked: read.append(kind) or faces(self, kind, *asked))
    for _ in range(3):
        sure.seconds.now += 1.3
        sure.hurry()
        sure.rows.refresh()
        assert sure.get(path).json["product"]["price_minor"] == 12_900
    assert sorted(set(read)) == ["creator", "pays_all", "post", "shop"]
    sku = market.sku_of(token.product_id)
    changes: list[tuple[Callable[[], Any], str, Any]] = [
        (lambda: catalog.change_price(sku_id=sku, price_minor=9_900, by=shop.keeper), "price_minor", 9_900),
        (lambda: catalog.change_stock(sku_id=sku, left=3, by=shop.keeper), "left", 3),
        (lambda: catalog.reserve(lines=[(sku, 1)], cause=("test", 1), expires_at=NOW), "left", 2),
        (lambda: catalog.close_shop(shop_id=shop.id, by=shop.keeper), "on_sale", False),
    ]  # fmt: skip
    for change, name, seen in changes:
        before = sure.get(path).json["product"][name]
        assert before != seen
        read.clear()
        change()
        sure.rows.refresh()
        assert "product" in read, name
        # What was made of the old face is used for a moment more, well within the promise.
        sure.seconds.now += lane_rows.FRESH_SECONDS
        sure.hurry()
        assert sure.get(path).json["product"][name] == seen
    assert sure.fell_through == 0


def test_who_looked_away_for_long_reads_all_anew(sure, token):
    assert sure.rows._faces["product", token.product_id].is_sure
    sure.seconds.now += lane_rows.AWAY_SECONDS + 1
    FaceChange.objects.all().delete()
    sure.rows._look_for_changes()
    assert not sure.rows._faces["product", token.product_id].is_sure
    assert not sure.rows._kept


def test_marks_of_changes_are_kept_for_an_hour(token, shop, monkeypatch):
    from meadow.catalog import services as catalog

    FaceChange.objects.all().delete()
    catalog.change_price(sku_id=market.sku_of(token.product_id), price_minor=9_900, by=shop.keeper)
    assert set(FaceChange.objects.values_list("product_id", flat=True)) == {token.product_id}
    assert catalog.forget_face_changes() == 0
    FaceChange.objects.update(at=clock.machine_now() - timedelta(minutes=61))
    assert catalog.forget_face_changes() >= 1


def test_a_known_browser_that_sends_a_cookie_or_asks_otherwise_is_not_taken_for_the_one_known(front, token):
    front.warm(code_of(token))
    path = f"/api/v1/landings/{code_of(token)}"
    assert front.get(path).json["click"] is not None
    assert front.get(path, HTTP_SEC_PURPOSE="prefetch").json["click"] is None
    assert front.get(path, method="HEAD").body == b""
    assert front.fell_through == 0
    front.get(path, HTTP_COOKIE="sessionid=1")
    assert front.fell_through == 1
    # Whoever says much of himself is served and not remembered.
    known = len(front.lane._browsers)
    front.get(path, HTTP_USER_AGENT="x" * 5000)
    assert (len(front.lane._browsers), front.fell_through) == (known, 1)


def test_a_change_that_was_under_way_during_the_look_is_seen_by_the_next(front, token, monkeypatch, own_address):
    front.warm(code_of(token))
    path = f"/api/v1/landings/{code_of(token)}"
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    front.rows.refresh()
    with psycopg.connect(own_address) as other:
        other.execute("UPDATE sharing_sharetoken SET state = 'revoked' WHERE id = %s", [token.pk])
        # Its transaction is older than the look, and commits after it.
        front.get(path)
        front.rows.refresh()
        front.get(path)
        front.rows.refresh()
        assert front.get(path).json["problem"] is None
        other.commit()
        front.rows.refresh()
    assert front.get(path).json["problem"] == "token_revoked"


def test_a_row_read_before_a_look_and_kept_after_it_is_not_kept(front, token, monkeypatch):
    front.warm(code_of(token))
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    front.rows.refresh()
    front.rows._missed = 0.0
    read = Link.token

    def meanwhile(self: Link, *asked: Any) -> Any:
        answer = read(self, *asked)
        services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
        front.rows.refresh()
        return answer

    monkeypatch.setattr(Link, "token", meanwhile)
    path = f"/api/v1/landings/{code_of(token)}"
    front.get(path)
    monkeypatch.setattr(Link, "token", read)
    assert front.get(path).json["problem"] == "token_revoked"


def test_what_only_prolongs_a_token_marks_it_not(token):
    services.mint_token(
        creator_id=token.creator_id,
        target_kind=token.target_kind,
        target_id=token.target_id,
        shop_id=token.shop_id,
        product_id=token.product_id,
    )
    with clock.at(clock.now() + timedelta(days=5)):
        again = services.mint_token(
            creator_id=token.creator_id,
            target_kind=token.target_kind,
            target_id=token.target_id,
            shop_id=token.shop_id,
            product_id=token.product_id,
        )
    token.refresh_from_db()
    assert again.pk == token.pk
    assert again.expires_at > NOW
    assert token.changed_by is None
    services.revoke_token(token_id=token.pk, creator_id=token.creator_id)
    token.refresh_from_db()
    assert token.changed_by is not None


def test_a_busy_process_reads_a_token_that_nobody_asked_for_by_its_own_row_alone(front, token, shop, monkeypatch):
    front.warm(code_of(token))
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    front.hurry()
    front.get(f"/api/v1/landings/{code_of(token)}")
    front.rows.refresh()
    other = services.mint_token(
        creator_id=token.creator_id, target_kind="bench.post", target_id=9, shop_id=shop.id, product_id=token.product_id
    )
    read: list[str] = []
    for name in ("landing", "token", "changes", "faces"):
        _noted(monkeypatch, name, read)
    front.rows._missed = 0.0  # as after many tokens of known faces
    path = f"/api/v1/landings/{code_of(other)}"
    seen = front.get(path)
    assert read == ["token"]
    whole = front.get(path, by=front.django).json
    assert {**seen.json, "view": "", "click": ""} == {**whole, "view": "", "click": ""}
    assert seen.json["ad_label"] is True
    # Where the shop pays some creators only, each pair is looked at.
    plans.set_general_plan(shop_id=shop.id, rate_bp=0, by=shop.keeper)
    front.seconds.now += 1.5
    front.hurry()
    sweeps.advance(clock.now() + timedelta(days=2))
    front.get(path)
    front.rows.refresh()
    read.clear()
    assert front.get(path).json["ad_label"] is False
    assert read == ["landing"]


def test_while_new_tokens_lead_to_unknown_faces_one_look_takes_all_and_later_two_are_cheaper(
    front, shop, token, monkeypatch
):
    monkeypatch.setattr(Rows, "_ask_anew", lambda self: None)
    targets = [services.Target("bench.post", n + 1, shop.id, token.product_id) for n in range(60)]
    tokens = services.mint_tokens(creator_id=token.creator_id, targets=targets)
    front.hurry()
    front.rows.refresh()
    read: list[str] = []
    for name in ("landing", "token"):
        _noted(monkeypatch, name, read)
    for each in tokens[:50]:
        assert front.rows.get(each.number) is not None
    assert read[:40] == ["landing"] * 40
    front.rows.refresh()
    read.clear()
    for each in tokens[50:]:
        assert front.rows.get(each.number) is not None
    assert read == ["token"] * 10


def _noted(monkeypatch: Any, name: str, read: list[str]) -> None:
    original = getattr(Link, name)
    monkeypatch.setattr(Link, name, lambda self, *asked: read.append(name) or original(self, *asked))


def test_the_memory_is_bounded_and_forgets_what_is_gone(shop, token, monkeypatch):
    rows = Rows(most=2, seconds=Seconds())
    targets = [services.Target("catalog.shop", n + 1, shop.id) for n in range(3)]
    tokens = services.mint_tokens(creator_id=token.creator_id, targets=targets)
    for each in tokens:
        assert rows.get(each.number) is not None
    assert list(rows._kept) == [tokens[1].number, tokens[2].number]
    # What was read before the first look for changes, nobody vouches for.
    rows.refresh()
    assert not rows._kept
    assert rows.get(tokens[0].number) is not None
    rows.refresh()
    assert list(rows._kept) == [tokens[0].number]
    services.revoke_token(token_id=tokens[0].pk, creator_id=token.creator_id)
    rows.refresh()
    assert not rows._kept


def test_without_a_database_it_steps_aside_and_rests(front, token, monkeypatch):
    front.warm(code_of(token))
    tries = []

    def down() -> Any:
        tries.append(1)
        raise psycopg.OperationalError("connection refused")

    monkeypatch.setattr(lane_link, "connect", down)
    front.rows._links = threading.local()
    for _ in range(3):
        assert front.get(f"/api/v1/landings/{code_of(token)}").status == 200
    assert front.fell_through == 3
    assert tries == [1]
