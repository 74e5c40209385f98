"""The link policy as operators edit it, the penalty ladder of deceptive links, and the end of who evades it."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.trade import bazaar

from meadow.governance import queries, services
from meadow.governance.models import BarredHost, Decision, LinkSetting, Partner, Sanction, Violation
from meadow.kernel import clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db
GOOD = "https://item.taobao.com/item.htm?id=1"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def partner() -> Partner:
    return services.add_partner(
        name="Taobao", hosts=["item.taobao.com"], product_patterns=["item.taobao.com/item.htm?id={digits}"],
        contract="2026-01", after_sale_contact="care@taobao.example", by=SYSTEM,
    )  # fmt: skip


@pytest.fixture
def mei() -> Iterator[tuple[str, int]]:
    with clock.at(bazaar.T0):
        yield ("accounts.creator", bazaar.creator().pk)


def verdict(url: str, surface: str) -> tuple[str, str]:
    made = queries.judge_link(url, surface)
    return made.verdict, made.code


def lie(party: tuple[str, int], number: int, at: datetime) -> Refusal:
    with clock.at(at), pytest.raises(Refusal) as caught:
        services.require_links(surface="post", subject=party, urls=[f"https://item.taobao.com@evil{number}.com/"])
    return caught.value


def links_off(party: tuple[str, int], at: datetime) -> bool:
    with clock.at(at):
        return queries.limit_on([party], "links") is not None


def test_g1_policy_is_edited_per_surface_and_partner_and_holds_at_once(partner: Partner) -> None:
    assert verdict("https://example.com/a", "chat") == ("warn", "not_partner")
    services.set_link_policy(surface="chat", verdict="block", reason="spam", by=SYSTEM)
    services.set_link_policy(surface="post", verdict="warn", reason="tested", by=SYSTEM)
    services.set_link_policy(surface="shop_notice", verdict="block", reason="no", partner_id=partner.pk, by=SYSTEM)
    assert verdict("https://example.com/a", "chat") == ("block", "not_partner")
    assert verdict("https://example.com/a", "post") == ("warn", "not_partner")
    assert verdict(GOOD, "shop_notice") == ("block", "partner_here")
    assert verdict(GOOD, "post") == ("allow", "partner")
    # Warned about or not: what deceives stays blocked, also inside another address.
    assert verdict("https://item.taobao.com@evil.com", "post")[0] == "block"
    assert verdict(f"{GOOD}&u=https://example.com", "post") == ("block", "redirect")
    rows = {row.surface: row for row in queries.link_policy()}
    assert (rows["chat"].strangers, rows["chat"].default) == ("block", "warn")
    assert rows["shop_notice"].partners == ((partner.public_id, "Taobao", "block"),)
    assert [one["verb"] for one in queries.link_policy_trail()] == ["set_link_policy"] * 3 + ["add_partner"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"surface": "moon"}, "malformed"), ({"verdict": "allow"}, "malformed"), ({"verdict": ""}, "malformed"),
        ({"reason": " "}, "malformed"), ({"partner_id": 10**9}, "not_found"),
        ({"by": Actor("person", 10**9)}, "forbidden"),
    ],
)  # fmt: skip
def test_g1_what_makes_no_policy_is_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Refusal, match=code):
        services.set_link_policy(**{"surface": "chat", "verdict": "warn", "reason": "x", "by": SYSTEM} | change)
    assert not LinkSetting.objects.exists()


def test_g1_the_database_allows_no_stranger_and_no_second_bar() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        LinkSetting.objects.create(surface="chat", verdict="allow", reason="x")
    BarredHost.objects.create(host="evil.com", rule_id="conduct.evasion", reason="x")
    with pytest.raises(IntegrityError), transaction.atomic():
        BarredHost.objects.create(host="evil.com", rule_id="conduct.evasion", reason="x")


def test_g1_a_barred_host_is_blocked_everywhere_by_its_own_rule_until_it_is_let_go(partner: Partner) -> None:
    bar = services.bar_host(host="Evil.com.", reason="Its goods never come.", reason_zh="从不发货。", by=SYSTEM)
    for url in ("https://evil.com", "www.evil.com/a", "https://a.b.evil.com/"):
        for surface in queries.SURFACES:
            made = queries.judge_link(url, surface)
            assert (made.verdict, made.code, made.rule_id) == ("block", "barred", "conduct.evasion")
    assert (made.reason_en, made.reason_zh) == ("Its goods never come.", "从不发货。")
    assert verdict("https://notevil.com", "chat") == ("warn", "not_partner")
    with pytest.raises(Refusal, match="barred_already"):
        services.bar_host(host="evil.com", reason="x", by=SYSTEM)
    with pytest.raises(Refusal, match="malformed"):
        services.bar_host(host="com", reason="x", by=SYSTEM)
    services.lift_bar(bar_id=bar.pk, reason="Another owner.", by=SYSTEM)
    services.lift_bar(bar_id=bar.pk, reason="Another owner.", by=SYSTEM)
    assert verdict("https://evil.com", "chat") == ("warn", "not_partner")
    # A partner's own host can be barred too, at once.
    services.bar_host(host="taobao.com", reason="x", by=SYSTEM)
    assert verdict(GOOD, "post") == ("block", "barred")


def test_g1_3_when_a_partner_goes_old_links_warn_and_new_ones_are_refused(partner: Partner) -> None:
    assert queries.shown_link(GOOD, "post").verdict == "allow"
    services.end_partner(partner_id=partner.pk, reason="over", by=SYSTEM)
    assert verdict(GOOD, "post") == ("block", "partner_ended")
    assert (queries.shown_link(GOOD, "post").verdict, queries.shown_link(GOOD, "post").code) == (
        "warn",
        "partner_ended",
    )
    assert queries.shown_link("https://item.taobao.com@evil.com", "post").verdict == "block"
    with pytest.raises(Refusal, match="partner_ended"):
        services.set_link_policy(surface="post", verdict="warn", reason="x", partner_id=partner.pk, by=SYSTEM)


def test_g1_4_a_block_names_its_rule_and_the_way_to_appeal(partner: Partner, mei: tuple[str, int]) -> None:
    refusal = lie(mei, 1, bazaar.T0)
    made = Decision.objects.get(action="block_link")
    assert refusal.params["rule"] == f"{made.rule_id} v{made.rule_version}" == "link.plain v1"
    assert refusal.params["decision"] == made.public_id
    assert refusal.params["appeal"].endswith(f"/links/blocked/{made.public_id}")
    person = queries.Decision.objects.get(pk=made.pk)
    assert (person.party_kind, person.party_id) == mei


def test_g1_5_the_ladder_second_offence_12_hours_third_a_day_fourth_a_week(
    partner: Partner, mei: tuple[str, int]
) -> None:
    at = bazaar.T0
    lie(mei, 1, at)
    assert not links_off(mei, at)
    assert Violation.objects.count() == 1
    for number, length in ((2, 12 * HOUR), (3, DAY), (4, 7 * DAY), (5, 7 * DAY)):
        at += 10 * DAY
        lie(mei, number, at)
        assert links_off(mei, at + length - timedelta(seconds=1)), number
        assert not links_off(mei, at + length), number
    assert [s.until - s.issued_at for s in Sanction.objects.order_by("pk") if s.until] == [
        12 * HOUR, DAY, 7 * DAY, 7 * DAY,
    ]  # fmt: skip
    # A deceptive link costs no points, so nothing but links is limited.
    assert queries.points_of(*mei) == 0
    assert {tuple(s.limits) for s in Sanction.objects.all()} == {("links",)}


def test_g1_5_offences_taken_back_or_long_ago_do_not_count(partner: Partner, mei: tuple[str, int]) -> None:
    at = bazaar.T0
    for number in (1, 2, 3):
        lie(mei, number, at + number * 2 * DAY)
    first = Violation.objects.order_by("pk").first()
    assert first is not None
    with clock.at(at + 6 * DAY + HOUR):
        services.reverse_decision(decision_id=first.decision_id, reason="a mistake", by=SYSTEM)
    # The third counts as the second now: half a day instead of a day.
    assert not links_off(mei, at + 6 * DAY + 12 * HOUR)
    assert links_off(mei, at + 6 * DAY + 12 * HOUR - timedelta(seconds=1))
    lie(mei, 9, at + 200 * DAY)
    assert not links_off(mei, at + 200 * DAY)


def test_g1_5_only_deceit_in_public_counts_and_the_same_address_once(partner: Partner, mei: tuple[str, int]) -> None:
    for number, url in enumerate(("https://example.com", "https://gone.invalid", "", "https://item.taobao.com/shop")):
        with clock.at(bazaar.T0 + number * HOUR), pytest.raises(Refusal):
            services.require_links(surface="post", subject=mei, urls=[url])
    with pytest.raises(Refusal):
        services.require_links(surface="chat", subject=mei, urls=["https://item.taobao.com@evil.com"])
    assert not Violation.objects.exists()
    lie(mei, 1, bazaar.T0)
    lie(mei, 1, bazaar.T0 + 23 * HOUR)
    assert Violation.objects.count() == 1
    with clock.at(bazaar.T0 + HOUR), pytest.raises(Refusal):
        services.require_links(surface="post", subject=mei, text="加 evil 点 com")
    assert Violation.objects.count() == 2


def test_g1_5_evasion_ends_the_account_and_its_hosts_until_somebody_looks_again(mei: tuple[str, int]) -> None:
    made = services.flag_link_evasion(
        party=mei, hosts=["evil1.com", "evil2.com", "evil1.com"], reason="Five accounts, two hosts.", by=SYSTEM
    )
    (sanction,) = Sanction.objects.all()
    assert (sanction.until, sanction.limits) == (None, ["links", "message", "post", "account"])
    assert links_off(mei, bazaar.T0 + 3000 * DAY)
    assert {bar.host for bar in queries.barred_hosts()} == {"evil1.com", "evil2.com"}
    assert verdict("https://evil2.com/x", "chat") == ("block", "barred")
    services.reverse_decision(decision_id=made.decision_id, reason="a mistake", by=SYSTEM)
    assert not links_off(mei, bazaar.T0)
    with pytest.raises(Refusal, match="forbidden"):
        services.flag_link_evasion(party=mei, hosts=[], reason="x", by=Actor("person", 10**9))


def test_g1_5_the_ladder_stands_in_the_machine_readable_rulebook() -> None:
    steps = queries.rulebook_export()["penalties"]["violations"]["link"]["repeats"]
    assert [step and step["hours"] for step in steps] == [None, 12, 24, 168]


def test_g1_6_the_report_names_host_rule_and_reason_and_a_formula_is_no_formula(
    partner: Partner, mei: tuple[str, int]
) -> None:
    for number in range(2):
        lie(mei, number, bazaar.T0 + number * HOUR)
    with pytest.raises(Refusal):
        services.require_links(surface="post", subject=mei, urls=["https://=cmd.example.com"])
    report = {row["host"]: row for row in queries.blocked_report()}
    assert report["evil0.com"]["rule"] == "link.plain"
    assert "evil0.com" in report["evil0.com"]["why_en"]
    text = queries.blocked_csv().decode("utf-8-sig")
    assert text.startswith("host,rule,version,code,why_en,why_zh,times,last")
    assert not [line for line in text.splitlines() if line.startswith(("=", "+", "@"))]


def test_g1_a_partner_is_changed_and_renewed_and_each_version_is_on_record(
    partner: Partner, mei: tuple[str, int]
) -> None:
    made, otto, other = partner, SYSTEM, "https://item.taobao.com/goods/7"

    def of(url: str) -> str:
        return verdict(url, "post")[0]

    assert (of(GOOD), of(other)) == ("allow", "block")
    changed = services.change_partner(
        partner_id=made.pk, changes={"product_patterns": ["item.taobao.com/goods/{digits}"]}, reason="moved", by=otto,
        version=1,
    )  # fmt: skip
    assert (of(GOOD), of(other), changed.version) == ("block", "allow", 2)
    # Whoever saw an older version is told; what changes nothing is no version.
    with pytest.raises(Refusal, match="stale_state"):
        services.change_partner(partner_id=made.pk, changes={"name": "X"}, reason="x", by=otto, version=1)
    assert services.change_partner(partner_id=made.pk, changes={"name": made.name}, reason="x", by=otto).version == 2
    # At the end of its contract it is as good as ended, to the second, without anybody doing anything.
    until = clock.now() + timedelta(days=3)
    services.change_partner(partner_id=made.pk, changes={"contract_until": until}, reason="dated", by=otto)
    with clock.at(until - timedelta(seconds=1)):
        assert of(other) == "allow"
    with clock.at(until):
        assert of(other) == "block"
        assert queries.shown_link(other, "post").code == "partner_ended"
        assert queries.partners(active_only=True) == []
        with pytest.raises(Refusal, match="partner_ended"):
            services.set_link_policy(surface="chat", verdict="warn", partner_id=made.pk, reason="x", by=otto)
    services.end_partner(partner_id=made.pk, reason="a quarrel", by=otto)
    assert of(other) == "block"
    services.renew_partner(
        partner_id=made.pk, contract="2027-3", contract_until=until + timedelta(days=365), reason="made up", by=otto
    )
    assert of(other) == "allow"
    trail = queries.partner_trail(made.public_id)
    assert [one.verb for one in trail] == [
        "renew_partner", "end_partner", "change_partner", "change_partner", "add_partner"
    ]  # fmt: skip
    assert trail[0].before is not None
    assert (trail[0].before["active"], trail[0].before["contract"]) == (False, made.contract)
    for changes in ({"contract_until": clock.now()}, {"after_sale_contact": " "}, {"hosts": []}, {"since": 1}):
        with pytest.raises(Refusal, match="malformed"):
            services.change_partner(partner_id=made.pk, changes=changes, reason="x", by=otto)
    with pytest.raises(Refusal, match="forbidden"):
        services.renew_partner(partner_id=made.pk, contract="x", contract_until=None, reason="x", by=Actor("person", 1))
