"""Is a picture seen by nobody before its codes were read, and never if a rule stands against them?"""

from dataclasses import replace
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import segno
from PIL import Image
from tests.sharing import market

from meadow.content import queries, rules, services
from meadow.content.models import Picture
from meadow.governance import services as governance
from meadow.kernel import clock, outbox, sweeps
from meadow.kernel.audit import SYSTEM
from meadow.kernel.errors import Refusal

pytestmark = pytest.mark.django_db
REASON = "I drink my tea from it every single morning"
PAYMENT = "wxp://f2f0Abc123456789"


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEADOW = replace(settings.MEADOW, data=tmp_path)


def photo(*codes: str, kind: str = "JPEG") -> bytes:
    """A photograph, with these codes somewhere in it."""
    page = Image.new("RGB", (900, 700), (190, 200, 180))
    for place, text in enumerate(codes):
        code = BytesIO()
        segno.make(text, error="m").save(code, kind="png", scale=5, border=4)
        page.paste(Image.open(code).convert("RGB"), (20 + 440 * place, 200))
    target = BytesIO()
    page.save(target, kind)
    return target.getvalue()


def _upload(person_id: int, *codes: str, use: str = "post") -> Picture:
    return services.upload_picture(person_id=person_id, use=use, raw=photo(*codes))


def _work() -> None:
    sweeps.run_due(clock.now())
    outbox.drain_all()


def _post(mei: Any, *pictures: Picture) -> Any:
    product = market.product(market.shop())
    return services.publish_recommendation(
        creator_id=mei.pk, items=[(product, f"{REASON} {product}")], pictures=[one.public_id for one in pictures]
    )


def _is_public(picture: Picture) -> bool:
    try:
        return queries.shown_picture(picture.public_id)[1]
    except Refusal:
        return False


def test_a_picture_stands_on_its_post_once_its_codes_were_read() -> None:
    mei, eve = market.creator(), market.person("Eve")
    picture = _upload(mei.person_id)
    post = _post(mei, picture)
    assert queries.pictures_of("recommendation", post.pk) == []
    assert not _is_public(picture)
    assert queries.shown_picture(picture.public_id, reader_id=mei.person_id)[1] is False  # one's own, for oneself
    with pytest.raises(Refusal, match="not_found"):
        queries.shown_picture(picture.public_id, reader_id=eve)
    _work()
    assert [one.public_id for one in queries.pictures_of("recommendation", post.pk)] == [picture.public_id]
    content, _ = queries.shown_picture(picture.public_id)
    assert Image.open(BytesIO(content)).format == "WEBP"
    # With the post it goes.
    services.stop(subject_kind=rules.POST, subject_id=post.pk, decision_id=1, until=None)
    assert not _is_public(picture)


@pytest.mark.parametrize(
    ("code", "rule"),
    [
        (PAYMENT, "conduct.diversion"), ("https://qr.alipay.com/fkx1234", "conduct.diversion"),
        ("https://u.wechat.com/abcdef", "conduct.diversion"), ("https://shop.evil.com/x", "link.partners"),
        ("出售 海洛因", "goods.prohibited"),
    ],
)  # fmt: skip
def test_g12_1_g1_2_a_code_that_leads_outside_blocks_the_picture_with_its_rule(code: str, rule: str) -> None:
    mei = market.creator()
    picture = _upload(mei.person_id, "a harmless text", code)
    post = _post(mei, picture)
    _work()
    assert queries.pictures_of("recommendation", post.pk) == []
    assert not _is_public(picture)
    mine = queries.my_picture(picture.public_id, person_id=mei.person_id)
    assert mine.state == "blocked"
    assert mine.rule.startswith(f"{rule} v")
    assert mine.reason_zh
    # An appeal that is granted shows it again.
    from meadow.governance.queries import decision

    governance.reverse_decision(decision_id=decision(mine.decision).pk, reason="our own code", by=SYSTEM)
    outbox.drain_all()
    assert _is_public(picture)


def test_a_code_to_our_own_pages_is_welcome(settings: Any) -> None:
    mei = market.creator()
    picture = _upload(mei.person_id, f"{settings.MEADOW.base_url}/S/ABCDEF")
    post = _post(mei, picture)
    _work()
    assert len(queries.pictures_of("recommendation", post.pk)) == 1


def test_only_ones_own_free_pictures_can_be_used_and_each_once() -> None:
    mei, li = market.creator(), market.creator("Li")
    mine, other = _upload(mei.person_id), _upload(li.person_id)
    evidence = _upload(mei.person_id, use="evidence")
    _post(mei, mine)
    for wanted, code in (([mine], "picture_taken"), ([other], "not_found"), ([evidence], "not_found")):
        with pytest.raises(Refusal, match=code):
            _post(mei, *wanted)
    fresh = _upload(mei.person_id)
    with pytest.raises(Refusal, match="malformed"):
        _post(mei, fresh, fresh)
    with pytest.raises(Refusal, match="too_many_pictures"):
        _post(mei, *[fresh] * 10)
    with pytest.raises(Refusal, match="malformed"):
        services.upload_picture(person_id=mei.person_id, use="cover", raw=photo())


def test_evidence_is_not_judged_by_its_codes_and_shown_to_its_owner_alone() -> None:
    bo = market.person("Bo")
    picture = _upload(bo, PAYMENT, use="evidence")
    _work()
    assert Picture.objects.get(pk=picture.pk).state == "shown"
    assert not _is_public(picture)
    assert queries.shown_picture(picture.public_id, reader_id=bo)[1] is False
    assert queries.picture_content(picture.public_id)


def test_what_stands_nowhere_for_a_day_is_dropped_with_its_file(tmp_path: Path) -> None:
    mei = market.creator()
    loose, used = _upload(mei.person_id), _upload(mei.person_id)
    _post(mei, used)
    sweeps.advance(clock.now() + timedelta(days=1, minutes=1))
    assert [Picture.objects.get(pk=one.pk).state for one in (loose, used)] == ["dropped", "shown"]
    assert len(list(tmp_path.rglob("*.webp"))) == 1
    with pytest.raises(Refusal, match="picture_taken"):
        _post(mei, loose)


def test_uploads_have_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    mei = market.creator()
    monkeypatch.setitem(rules.LIMITS, "pictures_unused", 1)
    _upload(mei.person_id)
    with pytest.raises(Refusal, match="too_many_pictures"):
        _upload(mei.person_id)
    governance.record_violation(
        party=("accounts.person", mei.person_id), kind="harassment", severity="grave", reason="insults", by=SYSTEM
    )
    with pytest.raises(Refusal, match="limited"):
        _upload(mei.person_id)


def test_a_picture_taken_down_before_it_was_read_stays_away() -> None:
    mei = market.creator()
    picture = _upload(mei.person_id)
    _post(mei, picture)
    governance.decide(
        subject=(rules.PICTURE_KIND, picture.pk), action="suspend", rule="conduct.harassment", reason="ugly", by=SYSTEM
    )
    outbox.drain_all()
    _work()
    assert Picture.objects.get(pk=picture.pk).state == "blocked"
