"""The pages of the rules: everybody reads them, one sees one's limits and appeals, operators work without JavaScript."""

import html
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client
from tests.governance.office import Office, open_office, pass_time
from tests.web.world import browser

from meadow.accounts import queries as accounts
from meadow.governance import queries, services
from meadow.governance.models import Appeal, Case, Detector, RuleDraft, Suspension
from meadow.kernel import clock, outbox

pytestmark = pytest.mark.django_db


@pytest.fixture
def office(db: None) -> Office:
    return open_office()


@pytest.fixture
def page_of(office: Office) -> Callable[..., Client]:
    def make(name: str = "", language: str = "en") -> Client:
        client = browser(language)
        if name:
            client.force_login({"olga": queries_person(office.olga.person_id)}.get(name) or getattr(office.world, name))
        return client

    return make


def queries_person(person_id: int | None) -> Any:
    from meadow.accounts.queries import person

    return person(person_id or 0)


def text_of(answer: HttpResponse, status: int = 200) -> str:
    page = answer.content.decode()
    assert answer.status_code == status, page
    main = page.split("<main", 1)[1].split("</main>")[0] if "<main" in page else page
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", main)))


def violate(office: Office) -> None:
    services.record_violation(
        party=office.creator, kind="spam", severity="grave", reason="Advertising in comments.",
        reason_zh="评论区广告。", by=office.otto,
    )  # fmt: skip


def local(days: float) -> str:
    return (clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


def test_g9_2_everybody_reads_the_rulebook_in_every_version_and_language(
    office: Office, page_of: Callable[..., Client]
) -> None:
    book = text_of(page_of().get("/rules"))
    assert "No deception" in book
    assert "From 3 points" in book
    zh = text_of(page_of(language="zh-CN").get("/rules"))
    assert "禁止欺诈" in zh
    assert "满 3 分" in zh
    assert "Nobody deceives" in text_of(page_of().get("/rules/r/conduct.fraud"))
    for nowhere in ("/rules/r/no.such", "/rules/r/conduct.fraud/7", "/rules/drafts/drf_x"):
        assert page_of().get(nowhere).status_code == 404, nowhere
    otto = page_of("otto")
    words = {"title_en": "No lies", "title_zh": "禁止谎言", "text_en": "Nobody lies.", "text_zh": "不得说谎。"}
    made = otto.post("/console/rulebook/write", {"rule": "conduct.fraud", "why": "Shorter.", **words})
    path = made["Location"]
    assert page_of().get(path).status_code == 404
    move = f"/console/rulebook/{path.rpartition('/')[2]}/move"
    assert page_of("mei").post(move, {"act": "consult"}).status_code == 403
    otto.post(move, {"act": "consult"})
    assert "No lies" in text_of(page_of().get("/rules"))
    assert page_of().post(path, {"text": "Yes."}).status_code == 401
    page_of("bo").post(path, {"text": "And half-truths?"})
    assert "And half-truths?" in text_of(page_of().get(path))
    otto.post(move, {"act": "change", **words, "text_en": "Nobody lies or half lies."})
    assert otto.post(move, {"act": "publish", "effective_from": local(3)}).status_code == 422
    assert otto.post(move, {"act": "publish", "effective_from": "soon"}).status_code == 422
    assert otto.post(move, {"act": "publish", "effective_from": local(8)}).status_code == 302
    assert RuleDraft.objects.get().state == "published"
    assert "Nobody deceives" in text_of(page_of().get("/rules/r/conduct.fraud"))
    pass_time(days=9)
    assert "Nobody lies or half lies." in text_of(page_of().get("/rules/r/conduct.fraud"))
    assert "Nobody deceives" in text_of(page_of().get("/rules/r/conduct.fraud/1"))


def test_g3_5_one_sees_every_limit_with_reason_rule_and_end_and_appeals_in_two_taps(
    office: Office, page_of: Callable[..., Client]
) -> None:
    assert page_of().get("/me/limits").status_code == 302
    assert "Nothing is limited" in text_of(page_of("mei").get("/me/limits"))
    violate(office)
    mei = page_of("mei")
    shown = text_of(mei.get("/me/limits"))
    for needed in ("No new posts", "Advertising in comments.", "No harassment (conduct.harassment v1)", "until"):
        assert needed in shown, needed
    assert "评论区广告" in text_of(page_of("mei", "zh-CN").get("/me/limits"))
    # The first tap opens the form that is on the page already, the second sends it.
    action = re.search(r'action="(/me/limits/dec_\w+/appeal)"', mei.get("/me/limits").content.decode())
    assert action
    assert page_of("bo").post(action[1], {"text": "mine?"}).status_code == 404
    assert mei.post(action[1], {"text": " "}).status_code == 422
    sent = mei.post(action[1], {"text": "It was a joke."})
    assert sent.status_code == 302
    clock_page = text_of(mei.get(sent["Location"]))
    assert "An answer is due by" in clock_page
    assert re.search(r"2 days 23 hours left|3 days 0 hours left", clock_page), clock_page
    assert "剩余" in text_of(page_of("mei", "zh-CN").get(sent["Location"]))
    assert page_of("bo").get(sent["Location"]).status_code == 404
    assert "left" in text_of(mei.get("/me/limits"))
    mei.post(sent["Location"], {"text": "With a hat."})
    assert "With a hat." in text_of(mei.get(sent["Location"]))
    mei.post(sent["Location"], {"act": "withdraw"})
    assert Appeal.objects.get().state == "withdrawn"
    assert "Appeal once more" in text_of(mei.get("/me/limits"))


def test_g9_5_the_numbers_and_what_is_stopped_are_public(office: Office, page_of: Callable[..., Client]) -> None:
    assert "Nothing is stopped." in text_of(page_of().get("/rules/transparency"))
    stop = office.suspend(office.shop, "new", reason_zh="地址泄露。")
    office.suspend(office.creator, "new", reason="A private matter.")
    opened = services.open_appeal(decision_id=stop.decision_id or 0, person_id=office.world.ada.pk, text="Safe.")
    services.decide_appeal(appeal_id=opened.pk, reverse=False, reason="Not safe.", by=office.olga)
    shown = text_of(page_of().get("/rules/transparency"))
    assert "Green Ear" in shown
    assert "Addresses of buyers were leaking." in shown
    assert "A private matter." not in shown  # people are not named
    assert "Urgent safety measure" in shown
    assert "0.0 %" in shown
    assert "地址泄露" in text_of(page_of(language="zh-CN").get("/rules/transparency"))


def test_the_console_is_for_operators_only(office: Office, page_of: Callable[..., Client]) -> None:
    stop = office.suspend(office.shop)
    case = services.file_case(kind="review", key="x:1", subject=office.product, rule_id="goods.prohibited")
    pages = [
        "/console", "/console/blocked", "/console/blocked?as=csv", "/console/rulebook/write", "/console/queue",
        f"/console/cases/{case.public_id}", "/console/suspensions", f"/console/suspensions/{stop.public_id}",
        "/console/detectors", "/console/detectors/write",
    ]  # fmt: skip
    for path in pages:
        assert page_of().get(path).status_code == 302, path
        assert page_of("mei").get(path).status_code == 403, path
        for language in ("en", "zh-CN"):
            assert page_of("otto", language).get(path).status_code == 200, path
    for path in ("queue/take", f"cases/{case.public_id}/act", "acts/1/undo", "suspensions", "detectors/write"):
        assert page_of("mei").post(f"/console/{path}", {"act": "approve"}).status_code == 403, path
        assert page_of().post(f"/console/{path}", {"act": "approve"}).status_code == 401, path


def test_g2_1_a_suspension_is_announced_by_a_form_that_says_what_is_missing(
    office: Office, page_of: Callable[..., Client]
) -> None:
    otto = page_of("otto")
    whole = {
        "target": f"shop:{office.world.shop.public_id}", "scope": "new", "ground": "security", "rule": "operation.safety",
        "reason": "Addresses leaked.", "reason_zh": "地址泄露。", "starts_at": local(0), "review_by": local(10),
        "at_review": "escalate", "notice_days": "",
    }  # fmt: skip
    for wrong in ({"scope": "existing"}, {"reason": ""}, {"review_by": local(40)}, {"review_by": ""}, {"rule": "x"},
                  {"ground": "policy"}, {"target": "shop:"}, {"target": "x"}, {"notice_days": "x"}):  # fmt: skip
        answer = otto.post("/console/suspensions", {**whole, **wrong})
        assert 400 <= answer.status_code < 500, wrong
        if answer.status_code == 422:  # what was typed is not lost
            assert wrong.get("reason", "Addresses leaked.") in answer.content.decode()
    assert not Suspension.objects.exists()
    sent = otto.post("/console/suspensions", whole)
    assert sent.status_code == 302, text_of(sent, sent.status_code)
    made = Suspension.objects.get()
    assert (made.state, made.at_review) == ("active", "escalate")
    page = sent["Location"]
    assert "Addresses leaked." in text_of(otto.get(page))
    assert otto.post(page, {"act": "keep", "reason": "Open still.", "review_by": local(40)}).status_code == 422
    otto.post(page, {"act": "keep", "reason": "Open still.", "review_by": local(20)})
    otto.post(page, {"act": "lift", "reason": "Closed."})
    trail = text_of(otto.get(page))
    for needed in ("Announced", "Began", "Kept", "Ended", "Otto", "Open still.", "Closed."):
        assert needed in trail, needed
    assert otto.post(page, {"act": "lift", "reason": "Again."}).status_code == 409
    announced = services.announce_suspension(
        subject=office.merchant, scope="all", ground="policy", reason="Claims.", rule="conduct.fraud", by=office.otto,
        starts_at=clock.now() + timedelta(days=8), review_by=clock.now() + timedelta(days=20),
    )  # fmt: skip
    # Who is concerned reads of it before it begins.
    assert "Claims." in text_of(page_of("ada").get("/me/limits"))
    assert announced.state == "announced"


def test_g2_1_what_is_stopped_is_named_by_the_address_of_its_page_and_the_trail_speaks_both_languages(
    office: Office, page_of: Callable[..., Client]
) -> None:
    otto, world = page_of("otto"), office.world
    addresses = {
        "catalog.shop": f"https://meadow.example/shop/{world.shop.slug}",
        "catalog.product": f"/g/{world.flask.public_id}?v=1", "content.recommendation": f"/p/{world.post.public_id}",
        "accounts.creator": f"/c/{world.creator.public_id}", "accounts.merchant": world.shop.merchant.public_id,
    }  # fmt: skip
    form = {
        "scope": "all", "ground": "security", "rule": "operation.safety", "reason": "Addresses leaked.",
        "starts_at": local(0), "review_by": local(10), "at_review": "lift",
    }  # fmt: skip
    for kind, address in addresses.items():
        assert otto.post("/console/suspensions", {**form, "target": address}).status_code == 302, address
        made = Suspension.objects.latest("pk")
        assert made.subject_kind == kind
        trail = text_of(page_of("otto", "zh-CN").get(f"/console/suspensions/{made.public_id}"))
        assert "状态" in trail
        for raw in ("starts_at", "at_review", "active", "security"):
            assert raw not in trail
    points = text_of(page_of("bo", "zh-CN").get("/rules"))
    assert "恶意举报" in points
    assert "extreme" not in points
    assert "false_report " not in points


def test_a_detector_is_written_tried_and_moved_by_forms(office: Office, page_of: Callable[..., Client]) -> None:
    for number in range(6):
        services.judge(
            "text", {"phones": number % 2, "surface": "recommendation"}, office.post, office.creator, text=f"n{number}"
        )
    otto = page_of("otto")
    form = {
        "detector": "diversion.phones", "event_type": "text", "condition": "phones >", "rule": "conduct.diversion",
        "action": "warn", "reason_en": "No numbers.", "reason_zh": "请勿发布号码。", "days": "7", "act": "check",
    }  # fmt: skip
    assert "Column 9" in text_of(otto.post("/console/detectors/write", form))
    assert "第 9 列" in text_of(page_of("otto", "zh-CN").post("/console/detectors/write", form))
    assert text_of(otto.post("/console/detectors/write", {**form, "act": "save"}), 422)
    form["condition"] = "phones > 0"
    assert "It asks for: phones" in text_of(otto.post("/console/detectors/write", form))
    tried = text_of(otto.post("/console/detectors/write", {**form, "act": "backtest"}))
    assert re.search(r"Events 7 Hits 3 Accounts 1", tried), tried
    assert "A sample of 3" in tried
    saved = otto.post("/console/detectors/write", {**form, "act": "save"})
    assert saved["Location"] == "/console/detectors/diversion.phones"
    move = f"{saved['Location']}/1/move"
    for to, percent, state in (("shadow", "", "shadow"), ("partial", "10", "partial"), ("live", "", "live")):
        assert otto.post(move, {"to": to, "percent": percent, "note": "well"}).status_code == 302
        assert Detector.objects.get().state == state
    assert otto.post(move, {"to": "partial", "percent": "x"}).status_code == 422
    assert "For a part 10 %" in text_of(otto.get(saved["Location"]))
    assert "Live" in text_of(otto.get("/console/detectors"))
    assert "phones > 0" in html.unescape(otto.get("/console/detectors/write?from=diversion.phones").content.decode())


def test_the_queue_is_worked_by_forms_alone(office: Office, page_of: Callable[..., Client]) -> None:
    services.report(subject=office.post, rule_id="conduct.fraud", person_id=office.world.bo.pk, text="They pay for it.")
    violate(office)
    services.open_appeal(
        decision_id=queries.sanctions_of(*office.creator)[0].decision_id, person_id=office.world.mei.pk, text="A joke."
    )
    otto, olga = page_of("otto"), page_of("olga")
    listed = text_of(otto.get("/console/queue"))
    assert "Reported" in listed
    assert "Appeal ·" not in listed  # he decided that one himself
    first = otto.post("/console/queue/take")["Location"]
    shown = text_of(otto.get(first))
    assert "They pay for it." in shown
    assert "In your hands" in shown
    assert "with Otto" in text_of(olga.get(first))
    assert olga.post(f"{first}/act", {"act": "approve"}).status_code == 409
    assert otto.post(f"{first}/act", {"act": "dance"}).status_code == 422
    assert otto.post(f"{first}/act", {"act": "reject", "note": " "}).status_code == 422
    after = otto.post(f"{first}/act", {"act": "approve", "note": "They do not."})
    assert after["Location"] == "/console/queue"
    undo = re.search(r'action="(/console/acts/\d+/undo)"', otto.get("/console/queue").content.decode())
    assert undo
    assert otto.post(undo[1])["Location"] == first
    assert otto.post(undo[1]).status_code == 409
    otto.post(f"{first}/act", {"act": "release"})
    # Olga keeps a view and takes the appeal by it.
    kept = olga.post("/console/queue/view", {"name": "appeals", "kinds": ["appeal"]})["Location"]
    assert kept == "/console/queue?kinds=appeal"
    assert "Reported ·" not in text_of(olga.get(kept))
    second = olga.post("/console/queue/take", {"kinds": ["appeal"]})["Location"]
    assert "A joke." in text_of(olga.get(second))
    olga.post(f"{second}/clock", {"act": "pause", "cause": "answer", "text": "Which joke?"})
    assert "Which joke?" in text_of(page_of("mei").get(f"/me/appeals/{Appeal.objects.get().public_id}"))
    olga.post(f"{second}/clock", {"act": "resume"})
    assert olga.post(f"{second}/act", {"act": "approve", "note": "It was one."})["Location"] == first
    assert Appeal.objects.get().state == "reversed"
    assert "It was one." in text_of(page_of("mei").get(f"/me/appeals/{Appeal.objects.get().public_id}"))
    olga.post(f"{first}/act", {"act": "escalate", "note": "For Otto."})
    assert "Escalated" in text_of(otto.get("/console/queue"))
    olga.post("/console/queue/view", {"name": "appeals", "act": "drop"})
    assert "Taken back" in text_of(otto.get("/console"))


def test_b6_3_what_was_said_in_private_is_opened_by_report_and_named_as_read(
    office: Office, page_of: Callable[..., Client]
) -> None:
    kind = "messaging.testpage"
    services.register_private(kind, lambda pk, who: [{"from": "Mei", "text": "pay me on the side"}])
    services.judge("message", {"surface": "chat"}, (kind, 5), office.creator, text="pay me on the side")
    made = services.report(subject=(kind, 5), rule_id="conduct.diversion", person_id=office.world.bo.pk, text="See.")
    case = Case.objects.get(pk=made.case_id)
    otto = page_of("otto")
    otto.post("/console/queue/take", {"case": case.public_id})
    assert "pay me on the side" not in text_of(otto.get(f"/console/cases/{case.public_id}"))
    path = f"/console/reports/{made.public_id}/open"
    assert otto.post(path, {"why": ""}).status_code == 422
    assert page_of("olga").post(path, {"why": "curious"}).status_code == 409
    assert "pay me on the side" in text_of(otto.post(path, {"why": "the report"}))
    assert [one["why"] for one in queries.private_openings((kind, 5))] == ["the report"]


def test_g1_6_blocked_hosts_are_shown_and_downloaded(office: Office, page_of: Callable[..., Client]) -> None:
    otto = page_of("otto")
    assert "Nothing was blocked" in text_of(otto.get("/console/blocked"))
    services.check_link(url="https://elsewhere.com/item", surface="post", subject=office.creator)
    assert "elsewhere.com belongs to no partner" in text_of(otto.get("/console/blocked"))
    assert "elsewhere.com 不属于合作方" in text_of(page_of("otto", "zh-CN").get("/console/blocked"))
    file = otto.get("/console/blocked?as=csv")
    assert file["Content-Disposition"] == 'attachment; filename="blocked-hosts.csv"'
    assert file.content.count(b"\n") == 2


def test_an_overdue_review_is_seen_at_once_on_the_desk(office: Office, page_of: Callable[..., Client]) -> None:
    office.suspend(office.shop, at_review="escalate")
    pass_time(days=10.1)
    assert "1 suspension waits for a review that is overdue." in text_of(page_of("otto").get("/console"))
    taken = page_of("otto").post("/console/queue/take")["Location"]
    page_of("otto").post(f"{taken}/act", {"act": "approve", "note": "All is well."})
    outbox.drain_all()
    assert office.snapshot()["shop"] == "open"


def test_a_form_that_is_not_right_comes_back_with_what_is_wrong_beside_its_field(
    office: Office, page_of: Callable[..., Client]
) -> None:
    violate(office)
    services.report(subject=office.post, rule_id="conduct.fraud", person_id=office.world.bo.pk, text="They pay.")
    otto, mei = page_of("otto"), page_of("mei", "zh-CN")
    decision = queries.sanctions_of(*office.creator)[0].decision.public_id
    words = {"title_en": "No lies", "title_zh": "禁止谎言", "text_en": "Nobody lies.", "text_zh": ""}
    stop = {"target": f"shop:{office.world.shop.public_id}", "scope": "new", "ground": "policy", "reason": "Why."}
    tried = [
        (otto, "/console/rulebook/write", {"rule": "conduct.fraud", "why": "Shorter.", **words}, "text_zh"),
        (otto, "/console/suspensions", {**stop, "rule": "conduct.fraud", "starts_at": local(8), "review_by": "x"},
         "review_by"),
        (otto, "/console/detectors/write", {"condition": "phones >", "act": "save", "rule": "conduct.fraud",
                                            "detector": "x.y", "reason_en": "N", "reason_zh": "N"}, "condition"),
        (otto, "/console/detectors/write", {"condition": "phones > 0", "act": "backtest", "days": "x"}, "days"),
        (mei, f"/me/limits/{decision}/appeal", {"text": " "}, f"text-{decision}"),
    ]  # fmt: skip
    for client, path, body, field in tried:
        answer = client.post(path, body)
        assert answer.status_code == 422, path
        page = answer.content.decode()
        marked = re.search(rf'<(?:input|textarea)[^>]*id="{field}"[^>]*aria-invalid="true"[^>]*>', page)
        assert marked, (path, field)
        assert page.count('id="wrong"') == 1, path
        assert page.index('id="wrong"') > marked.start()
    case = otto.post("/console/queue/take")["Location"]
    back = otto.post(f"{case}/act", {"act": "reject", "note": "", "violation": "fraud:minor"})
    assert back.status_code == 422
    assert '<option value="fraud:minor" selected' in back.content.decode()


def test_g1_6_what_several_accounts_met_is_public_and_what_one_typed_is_not(
    office: Office, page_of: Callable[..., Client]
) -> None:
    for account in (1, 2, 3):
        services.check_link(url="https://elsewhere.com/item", surface="post", subject=("accounts.creator", account))
    services.check_link(url="https://mine-alone.com/item", surface="post", subject=office.creator)
    shown = text_of(page_of().get("/rules/transparency"))
    assert "elsewhere.com belongs to no partner" in shown
    assert "mine-alone.com" not in shown
    assert "mine-alone.com" in text_of(page_of("otto").get("/console/blocked"))


def test_g9_3_a_merchant_accepts_changed_rules_or_leaves_under_the_old_ones_by_page(
    office: Office, page_of: Callable[..., Client]
) -> None:
    ada, merchant = page_of("ada"), accounts.merchant(office.merchant[1]).public_id
    assert page_of().get("/me/rules").status_code == 302
    assert "You own no business here" in text_of(page_of("mei").get("/me/rules"))
    assert "rules to accept" in text_of(ada.get("/me/rules"))
    assert "条规则待接受" in text_of(page_of("ada", "zh-CN").get("/me/rules"))
    assert page_of("mei").post("/me/rules", {"merchant": merchant}).status_code == 404
    assert ada.post("/me/rules", {"merchant": merchant}).status_code == 302
    assert "Accepted" in text_of(ada.get("/me/rules"))
    assert ada.post("/me/rules", {"merchant": merchant, "leave": "conduct.fraud"}).status_code == 409
    words = {"title_en": "No lies", "title_zh": "禁止谎言", "text_en": "Nobody lies.", "text_zh": "不得说谎。"}
    draft = services.draft_rule(rule_id="conduct.fraud", why="Shorter.", by=office.otto, **words)
    services.open_consultation(draft_id=draft.pk, by=office.otto)
    services.publish_draft(draft_id=draft.pk, effective_from=clock.now() + timedelta(days=8), by=office.otto)
    shown = text_of(ada.get("/me/rules"))
    assert "1 rule to accept" in shown
    assert "Say no to No lies v2" in shown
    assert ada.post("/me/rules", {"merchant": merchant, "leave": "conduct.fraud"}).status_code == 302
    outbox.drain_all()
    assert "Leaving under the rules as they were" in text_of(ada.get("/me/rules"))
    assert office.snapshot()["shop"] == "closed"
    pass_time(days=9)
    assert str(queries.rule_in_force("conduct.fraud", party=office.merchant)) == "conduct.fraud v1"
    assert ada.post("/me/rules", {"merchant": merchant}).status_code == 302
    assert "Accepted" in text_of(ada.get("/me/rules"))
    assert str(queries.rule_in_force("conduct.fraud", party=office.merchant)) == "conduct.fraud v2"
