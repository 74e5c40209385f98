"""Who may reach a person: the whole truth table, the hours, and caps that no splitting passes."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import product
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from meadow.accounts import services as people
from meadow.governance.models import ContactRecord
from meadow.governance.queries import contact as queries
from meadow.governance.rules import contact as rules
from meadow.governance.rules.contact import ContactDecision, ContactFacts
from meadow.governance.services import contact as services
from meadow.governance.services.contact import Sender
from meadow.kernel import clock
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal

NOON = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)  # noon in Shanghai
LATER = NOON + timedelta(hours=9)


def _table() -> list[tuple[ContactFacts, ContactDecision]]:
    """Every row of the table, its answer read off a list of sentences in order of precedence."""
    rows = []
    truth = (False, True)
    for kind, consent, mute, block, window, month, channel, person, quiet in product(
        rules.CLASSES, truth, truth, truth, truth, truth, truth, truth, truth
    ):
        facts = ContactFacts(
            kind, consent, mute, block, window, rules.CHANNEL_DAY * channel, rules.OWNER_MONTH * month,
            rules.PERSON_DAY * person, LATER if quiet else None,
        )  # fmt: skip
        says = [
            (kind == "service", ContactDecision("allow")),
            (block, ContactDecision("refuse", "blocked")),
            (kind == "reply" and window, ContactDecision("allow")),
            (kind == "reply", ContactDecision("refuse", "window_closed")),
            (not consent, ContactDecision("refuse", "no_consent")),
            (mute, ContactDecision("refuse", "muted")),
            (month, ContactDecision("refuse", "cap_month")),
            (quiet, ContactDecision("defer", "quiet_hours", LATER)),
            (channel, ContactDecision("refuse", "cap_channel_day")),
            (person, ContactDecision("refuse", "cap_person_day")),
            (True, ContactDecision("allow")),
        ]
        rows.append((facts, next(answer for holds, answer in says if holds)))
    return rows


def test_g8_1_the_full_truth_table() -> None:
    table = _table()
    assert len(table) == 3 * 2**8
    assert [facts for facts, answer in table if rules.may_contact(facts) != answer] == []


@pytest.mark.parametrize(
    ("local", "ends"),
    [("21:59", None), ("22:00", "2026-03-11 08:00"), ("23:30", "2026-03-11 08:00"), ("00:00", "2026-03-10 08:00"),
     ("07:59", "2026-03-10 08:00"), ("08:00", None), ("12:00", None)],
)  # fmt: skip
def test_a8_5_quiet_hours_end_at_eight_of_the_persons_day(local: str, ends: str | None) -> None:
    zone = rules.zone_of("Asia/Shanghai")
    at = datetime.fromisoformat(f"2026-03-10T{local}").replace(tzinfo=zone).astimezone(UTC)
    expected = datetime.fromisoformat(ends).replace(tzinfo=zone) if ends else None
    assert rules.quiet_until(at, zone) == expected
    assert rules.quiet_until(at, zone, 600, 600) is None
    assert rules.zone_of("Nowhere/At all").key == "UTC"


def _person(name: str) -> int:
    return people.add_person(email=f"{name}@example.com", name=name).pk


def _merchant(owner: int, name: str) -> Sender:
    return Sender(("accounts.merchant", people.open_merchant(person_id=owner, name=name).pk))


def _agree(person_id: int, *senders: Sender) -> None:
    for sender in senders:
        services.set_stance(person_id=person_id, stance="consent", party=sender.party)


def _market(person_id: int, sender: Sender, campaign: int = 1) -> ContactDecision:
    found = services.decide_contacts(
        sender=sender, kind="marketing", person_ids=[person_id], cause=("t.send", campaign)
    )
    return found[person_id].decision


@pytest.mark.django_db
def test_a8_4_no_consent_mute_and_block_keep_marketing_away_and_can_be_taken_back() -> None:
    bo, ada = _person("bo"), _person("ada")
    shop = _merchant(ada, "Green Ear")
    with clock.at(NOON):
        assert _market(bo, shop).reason == "no_consent"
        _agree(bo, shop)
        _agree(bo, shop)
        for stance, reason in (("mute", "muted"), ("block", "blocked")):
            services.set_stance(person_id=bo, stance=stance, party=shop.party)
            assert _market(bo, shop).reason == reason
            services.end_stance(person_id=bo, stance=stance, party=shop.party)
            services.end_stance(person_id=bo, stance=stance, party=shop.party)
        assert _market(bo, shop).verdict == "allow"
    seen = queries.commercial_contacts(bo)
    assert [one.reason for one in seen] == ["", "blocked", "muted", "no_consent"]
    assert seen[1].reason_zh
    for bad in ("like", ""):
        with pytest.raises(Refusal, match="malformed"):
            services.set_stance(person_id=bo, stance=bad, party=shop.party)


@pytest.mark.django_db
def test_a8_6_caps_count_by_owner_over_shops_campaigns_and_apps() -> None:
    bo, ada = _person("bo"), _person("ada")
    first, second = _merchant(ada, "Green Ear"), _merchant(ada, "Green Ear Two")
    _agree(bo, first, second)
    given = []
    for day in range(6):
        with clock.at(NOON + timedelta(days=day)):
            sender = (first, second)[day % 2]
            given.append(_market(bo, Sender(sender.party, f"channel {day}", f"app {day}"), campaign=day).reason)
    assert given == ["", "", "", "", "cap_month", "cap_month"]
    with clock.at(datetime(2026, 4, 1, 4, tzinfo=UTC)):
        assert _market(bo, first).verdict == "allow"
        assert _market(bo, first).reason == "cap_channel_day"
        assert _market(bo, second).verdict == "allow"
        other = _merchant(_person("eve"), "Other")
        _agree(bo, other)
        assert _market(bo, other).reason == "cap_person_day"
    assert queries.contacts_a_day(days=4000)["most"] <= rules.PERSON_DAY


@pytest.mark.django_db
def test_a8_reply_windows_are_used_up_and_close() -> None:
    bo, ada = _person("bo"), _person("ada")
    shop = _merchant(ada, "Green Ear")

    def reply(minutes: float = 0) -> str:
        with clock.at(NOON + timedelta(minutes=minutes)):
            found = services.decide_contacts(sender=shop, kind="reply", person_ids=[bo], cause=("t.chat", 1))
        return found[bo].decision.reason

    assert reply() == "window_closed"
    with clock.at(NOON):
        services.open_window(person_id=bo, party=shop.party, opening="paid")
    assert [reply(0.5) for _ in range(6)] == ["", "", "", "", "", "window_closed"]
    with clock.at(NOON):
        services.open_window(person_id=bo, party=shop.party, opening="message")
    assert [reply(60) for _ in range(4)] == ["", "", "", ""]
    assert reply(48 * 60) == "window_closed"
    assert reply(47 * 60) == ""
    assert reply(47 * 60) == "window_closed"


@pytest.mark.django_db
def test_contacts_are_kept_as_decided_and_service_has_no_cap() -> None:
    bo = _person("bo")
    for number in range(12):
        found = services.decide_contacts(
            sender=Sender(services.PLATFORM), kind="service", person_ids=[bo, 10**9], cause=("t.order", number + 1)
        )
        assert {pk: one.decision.verdict for pk, one in found.items()} == {bo: "allow"}
    services.set_quiet_hours(person_id=bo, start_minute=60, end_minute=120)
    assert queries.quiet_hours(bo) == (60, 120)
    with pytest.raises(Refusal, match="malformed"):
        services.set_quiet_hours(person_id=bo, start_minute=0, end_minute=1440)
    for act in (lambda: ContactRecord.objects.all().delete(), lambda: ContactRecord.objects.update(reason="x")):
        with pytest.raises(DatabaseError), atomic():
            act()


STEP = st.tuples(
    st.integers(0, 2), st.integers(0, 3), st.integers(0, 2), st.integers(0, 2), st.integers(0, 30 * 24)
)  # owner, merchant, channel, campaign, hours from the start


@pytest.mark.django_db
@settings(max_examples=15, deadline=None)
@given(steps=st.lists(STEP, max_size=25))
def test_a8_6_g8_7_no_splitting_of_campaigns_shops_or_apps_passes_a_cap(steps: list[Any]) -> None:
    with atomic():
        bo = _person("bo")
        owners = [_person(f"owner{n}") for n in range(3)]
        shops = {(o, m): _merchant(owners[o], f"Shop {o} {m}") for o in range(3) for m in range(4)}
        _agree(bo, *shops.values())
        for owner, shop, channel, campaign, hours in sorted(steps, key=lambda step: step[4]):
            with clock.at(NOON + timedelta(hours=hours)):
                party = shops[owner, shop].party
                _market(bo, Sender(party, f"{party[1]}:{channel}", f"app{campaign}"), campaign + 1)
        zone = rules.zone_of("Asia/Shanghai")
        got = ContactRecord.objects.filter(person_id=bo, verdict="allow")
        rows = [(r.owner, r.channel, r.at.astimezone(zone)) for r in got]
        assert all(8 <= at.hour < 22 for _, _, at in rows)
        for counted, most in (
            ([at.date() for _, _, at in rows], rules.PERSON_DAY),
            ([(on, at.date()) for _, on, at in rows], rules.CHANNEL_DAY),
            ([(by, at.year, at.month) for by, _, at in rows], rules.OWNER_MONTH),
        ):
            assert max((counted.count(key) for key in counted), default=0) <= most
        from django.db import transaction

        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_a8_6_two_threads_at_once_do_not_pass_the_cap() -> None:
    bo = _person("bo")
    shops = [_merchant(_person(f"owner{n}"), f"Shop {n}") for n in range(4)]
    _agree(bo, *shops)
    barrier = Barrier(4)

    def send(sender: Sender) -> str:
        try:
            barrier.wait()
            with clock.at(NOON):
                return _market(bo, sender).verdict
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        got = list(pool.map(send, shops))
    assert sorted(got) == ["allow", "allow", "refuse", "refuse"]


@pytest.mark.django_db
def test_g8_6_the_figures_count_by_each_persons_own_day_and_stay_under_the_ceiling() -> None:
    bo = _person("bo")
    shops = [_merchant(_person(f"keeper{n}"), f"Shop {n}") for n in range(4)]
    _agree(bo, *shops)
    services.set_quiet_hours(person_id=bo, start_minute=0, end_minute=0)
    # One day by UTC holds the end of one of Bo's days in Shanghai and the beginning of the next.
    for hour, sender in zip((14, 15, 17, 18), shops, strict=True):
        with clock.at(datetime(2026, 3, 10, hour, tzinfo=UTC)):
            assert _market(bo, sender).verdict == "allow"
    assert queries.contacts_a_day(days=4000) == {"p99": 2, "most": 2, "ceiling": 2, "days": 4000}


@pytest.mark.django_db
def test_g8_1_ones_own_caps_only_lower_those_of_the_house() -> None:
    bo = _person("bo")
    first, second = _merchant(_person("ada"), "Green Ear"), _merchant(_person("eve"), "Other")
    _agree(bo, first, second)
    services.set_caps(person_id=bo, day_most=1, month_most=1)
    with clock.at(NOON):
        assert _market(bo, first).verdict == "allow"
        assert _market(bo, second).reason == "cap_person_day"
    with clock.at(NOON + timedelta(days=1)):
        assert _market(bo, first).reason == "cap_month"
        services.set_caps(person_id=bo, day_most=0, month_most=4)
        assert _market(bo, second).reason == "cap_person_day"
    for day, month in ((3, 1), (1, 5), (-1, 0)):
        with pytest.raises(Refusal, match="malformed"):
            services.set_caps(person_id=bo, day_most=day, month_most=month)
    assert queries.caps(bo) == (0, 4)
