"""What goes on while a store is away: tokens that were seen open, landings show, clicks wait, nothing half made."""

import threading
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import OperationalError, connection
from tests.sharing import market
from tests.sharing.market import TAP

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.sharing import queries, rules, services
from meadow.sharing.models import Click, ShareToken
from meadow.sharing.queries import landings
from meadow.sharing.services import intake, spool, tokens, upkeep

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 11, 12, 0, tzinfo=UTC)


@pytest.fixture
def token():
    shop, mei = market.shop(), market.creator()
    bowl = market.product(shop)
    return services.mint_token(
        creator_id=mei.pk, target_kind="catalog.product", target_id=bowl, shop_id=shop.id, product_id=bowl
    )


def _down(*_: object, **__: object) -> None:
    raise OperationalError("the database is away")


def test_c4_8_without_the_store_creation_fails_cleanly_and_what_was_seen_still_resolves(token, monkeypatch):
    code = rules.code_of(token.number)
    assert services.resolve(text=code, callers=["address:192.0.2.9"]).is_live
    before = ShareToken.objects.count()
    with monkeypatch.context() as away:
        away.setattr(landings.db, "rows", _down)
        away.setattr(tokens.limits, "hit", _down)
        away.setattr(clock, "now", _down)
        found = services.resolve(text=f"look ￥{code}￥", callers=["address:192.0.2.9"])
        assert (found.token_id, found.problem, found.creator_name) == (token.pk, None, "Mei")
        with pytest.raises(OperationalError):  # never seen: nobody can tell, and nobody says that it is none
            services.resolve(text=rules.code_of(rules.draw_number()), callers=[])
    with monkeypatch.context() as away:
        away.setattr(tokens, "_insert", _down)
        with pytest.raises(Refusal) as refused:
            services.mint_token(
                creator_id=token.creator_id, target_kind="catalog.product", target_id=99, shop_id=token.shop_id
            )
        assert (refused.value.code, refused.value.status) == ("unavailable", 503)
        assert refused.value.params["retry_after"] == 5
        away.setattr(tokens.link_policy, "require_links", _down)
        with pytest.raises(Refusal, match="unavailable"):
            services.mint_partner_token(creator_id=token.creator_id, url="https://item.example.org/item/7")
    assert ShareToken.objects.count() == before


def test_c4_8_the_api_answers_503_and_says_when_to_come_again(token, monkeypatch, client):
    from meadow.accounts import services as accounts
    from meadow.catalog import queries as catalog

    _key, secret = accounts.create_api_key(person_id=token.creator.person_id, name="app", scopes=["share"])

    card = catalog.cards([token.product_id])[token.product_id]
    monkeypatch.setattr(tokens, "_insert_or_find", _down)
    answer = client.post(
        "/api/v1/tokens", {"product": card.public_id}, content_type="application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )  # fmt: skip
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert answer["Retry-After"]


@pytest.mark.django_db(transaction=True)
def test_c1_9_a_locked_click_table_never_blocks_a_landing_and_the_click_is_queued(token, settings):
    code = rules.code_of(token.number)
    holder = psycopg.connect(**_connection())
    holder.execute("BEGIN")
    holder.execute("LOCK TABLE sharing_click IN ACCESS EXCLUSIVE MODE")
    services.start_click_writer()
    try:
        shown = threading.Event()

        def show() -> None:
            try:
                found = queries.landing(code)
                assert found is not None
                view = services.open_view(origin=found.origin(), method="GET", headers=TAP)
                assert view.click_id
                assert queries.read_click(view.click_id) is not None
                shown.set()
            finally:
                connection.close()

        visitor = threading.Thread(target=show)
        visitor.start()
        visitor.join(timeout=5)
        assert shown.is_set(), "the landing waited for the table"
    finally:
        holder.rollback()
        holder.close()
        services.stop_click_writer()
    assert Click.objects.count() == 1


def test_c1_9_clicks_wait_in_a_file_and_are_taken_up_again_each_once(token, tmp_path, settings, monkeypatch):
    from dataclasses import replace

    settings.MEADOW = replace(settings.MEADOW, data=tmp_path)
    monkeypatch.setattr(spool, "_own", None)
    origin = rules.Origin(token.creator_id, token.shop_id, token.product_id, "landing", token.pk, 75)
    clicks = [(rules.ClickFacts(f"clk_{n}", origin, NOW, NOW, "carrier"), None) for n in range(20)]
    assert spool.is_empty()
    assert spool.put_aside(clicks) == 20
    assert not spool.is_empty()
    intake.write_clicks(clicks[:5])  # these came another way meanwhile
    intake._empty_spool()
    assert Click.objects.count() == 20
    assert Click.objects.filter(tag=75, carrier="carrier").count() == 20
    assert spool.is_empty()
    # Half a line, as a crash leaves it, costs that click alone.
    spool.put_aside(clicks[:1])
    spool._own.write('{"n":"clk_hal')
    spool._own.flush()
    with spool.taken_back() as taken:
        assert [facts.public_id for facts, _ in taken] == ["clk_0"]
    monkeypatch.setitem(rules.LIMITS, "spool_bytes", 0)
    assert spool.put_aside(clicks) <= 1


def test_c1_9_months_of_clicks_are_made_ahead_and_dropped_after_their_time(token):
    origin = rules.Origin(token.creator_id, token.shop_id, token.product_id, "landing", token.pk)
    old, now = datetime(2026, 3, 3, tzinfo=UTC), datetime(2026, 12, 10, tzinfo=UTC)
    intake.write_clicks([(rules.ClickFacts("clk_old", origin, old, old), None)])
    intake.write_clicks([(rules.ClickFacts("clk_far", origin, now, now), None)])
    services.keep_months(at=now)
    names = {row["name"] for row in db.rows("SELECT inhrelid::regclass::text AS name FROM pg_inherits "
             "WHERE inhparent = 'sharing_click'::regclass")}  # fmt: skip
    assert {"sharing_click_2026_12", "sharing_click_2027_01", "sharing_click_2027_02"} <= names
    assert "sharing_click_2026_03" not in names
    assert list(Click.objects.values_list("public_id", flat=True)) == ["clk_far"]
    # What fell into the rest before its month was made stands in it now.
    assert db.call("SELECT count(*) FROM sharing_click_2026_12") == 1
    assert services.keep_months(at=now) == 0
    with clock.at(now):
        due = upkeep.next_month_due()
    assert due is not None
    assert due > now


def _connection() -> dict[str, object]:
    kept = connection.settings_dict
    named = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {key: kept[name] for key, name in named.items() if kept[name]}
