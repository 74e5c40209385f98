"""Does the door answer every wrong request with a problem document, in the caller's language, and never with a 500?"""

import json
from collections.abc import Callable
from typing import Any

import pytest
from tests.api.client import Api

pytestmark = pytest.mark.django_db

PROBLEM = {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}


def test_unknown_address_is_a_problem_document(anyone: Api) -> None:
    reply = anyone.get("nothing/here", **{"X-Request-Id": "abc-1"})
    assert reply.status == 404
    assert reply.headers["content-type"] == "application/problem+json"
    assert set(reply.json) >= PROBLEM
    assert reply.json["request_id"] == reply.headers["x-request-id"] == "abc-1"
    assert reply.json["type"].endswith("/problems/not_found")


def test_accept_language_chooses_the_language(anyone: Api) -> None:
    zh, en = Api(language="zh-CN,en;q=0.5").get("me"), Api(language="fr, en;q=0.8").get("me")
    assert zh.json["detail"] == "请先登录。"
    assert zh.headers["content-language"] == "zh-Hans"
    assert en.json["detail"] == "Please sign in first."
    assert zh.status == en.status == 401
    assert zh.headers["www-authenticate"].startswith("Bearer")


def test_method_not_offered_names_those_that_are(ada: Api) -> None:
    reply = ada.delete("me")
    assert (reply.status, reply.code) == (405, "method_not_allowed")
    assert reply.headers["allow"] == "GET, PATCH"
    assert ada.send("OPTIONS", "me", None, {}).status == 204


def test_head_is_get_without_a_body(ada: Api) -> None:
    head = ada.send("HEAD", "me", None, {})
    assert head.status == 200
    assert head.body == b""
    assert int(head.headers["content-length"]) == len(ada.get("me").body)


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"\xff\xfe", b"nul", b'{"name": NaN}', b'{"name": "\\u0000"}', b'{"name": "\\ud800"}',
        b'{"name": ' + b"9" * 5000 + b"}", b'{"name": 1e999}', b'{"name": 99999999999999999999}',
        b'{"\\u0000": 1}', b"[" * 100_000, b'{"a":' * 200 + b"1" + b"}" * 200,
    ],
)  # fmt: skip
def test_unreadable_bodies_are_400(ada: Api, body: bytes) -> None:
    reply = ada.post("merchants", body)
    assert (reply.status, reply.code) == (400, "body_unreadable"), reply.body


def test_validation_errors_carry_pointers(ada: Api) -> None:
    reply = ada.post("me/keys", {"name": "k", "scopes": ["catalog", "nonsense"], "extra": 1})
    assert (reply.status, reply.code) == (422, "malformed")
    assert {error["pointer"] for error in reply.json["errors"]} == {"#/scopes/1", "#/extra"}
    zh = Api(ada.secret, language="zh").post("merchants", {})
    assert zh.json["errors"] == [{"pointer": "#/name", "code": "missing", "detail": "必填"}]


def test_body_must_be_json_and_small(ada: Api) -> None:
    form = ada.send("POST", "merchants", b"name=x", {}, content_type="application/x-www-form-urlencoded")
    assert (form.status, form.code) == (415, "media_type_unsupported")
    large = ada.post("merchants", {"name": "x" * 300_000})
    assert (large.status, large.code) == (413, "body_too_large")


def test_session_cookies_are_not_accepted(anyone: Api, ada: Api) -> None:
    from meadow.accounts.queries import Person

    anyone.client.force_login(
        Person.objects.get(email="ada@example.com"), backend="django.contrib.auth.backends.ModelBackend"
    )
    assert anyone.get("me").code == "sign_in_required"


def test_key_must_be_known_and_carry_the_scope(ada: Api) -> None:
    assert Api("mdw_" + "x" * 43).get("me").code == "key_invalid"
    small = ada.post("me/keys", {"name": "small", "scopes": ["share"]}).json
    limited = Api(small["secret"])
    assert limited.get("me").status == 200
    refused = limited.post("merchants", {"name": "Linen"})
    assert (refused.status, refused.code) == (403, "scope_missing")
    assert limited.post("me/keys", {"name": "more", "scopes": ["catalog"]}).code == "scope_missing"
    assert ada.delete(f"me/keys/{small['id']}").status == 204
    assert limited.get("me").code == "key_invalid"


def test_unknown_version_is_refused_with_those_spoken(ada: Api) -> None:
    reply = ada.get("me", **{"API-Version": "1999-01-01"})
    assert (reply.status, reply.code) == (400, "api_version_unknown")
    assert reply.json["supported_versions"] == ["2026-11-22"]
    assert ada.get("me").headers["api-version"] == "2026-11-22"


def test_rate_limit_says_when_to_come_back(anyone: Api, db: Any) -> None:
    replies = [
        anyone.post("operator/claim", {"code": "nope", "email": "x@example.com", "name": "X"}) for _ in range(21)
    ]
    assert {reply.code for reply in replies[:10]} == {"code_wrong"}
    last = replies[-1]
    assert (last.status, last.code) == (429, "rate_limited")
    assert int(last.headers["retry-after"]) > 0
    assert last.headers["ratelimit"].startswith('"code";r=0;t=')
    assert last.headers["ratelimit-policy"] == '"code";q=20;w=3600'


def test_wrong_operator_code_leaves_no_person_behind(anyone: Api) -> None:
    from meadow.accounts.queries import Person

    anyone.post("operator/claim", {"code": "nope", "email": "x@example.com", "name": "X"})
    assert not Person.objects.filter(email="x@example.com").exists()


def test_operator_code_works_once(otto: Api, anyone: Api) -> None:
    assert otto.get("me").json["is_operator"] is True
    assert otto.get("creators/applications").status == 200


def test_sandbox_people_are_refused_elsewhere(anyone: Api, settings: Any) -> None:
    from dataclasses import replace

    settings.MEADOW = replace(settings.MEADOW, sandbox=False, test_clock=False)
    reply = anyone.post("sandbox/persons", {"email": "a@example.com", "name": "A"})
    assert (reply.status, reply.code) == (403, "sandbox_only")


def test_fault_of_ours_is_a_problem_without_inner_words(ada: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from meadow.accounts import queries

    def broken(person_id: int) -> None:
        raise RuntimeError("inner words")

    monkeypatch.setattr(queries, "person", broken)
    reply = ada.get("me")
    assert (reply.status, reply.code) == (500, "broken")
    assert b"inner words" not in reply.body
    assert reply.json["request_id"] in reply.json["detail"]


def test_anothers_merchant_is_not_found(ada: Api, mei: Api) -> None:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json
    assert ada.get(f"merchants/{merchant['id']}").status == 200
    assert mei.get(f"merchants/{merchant['id']}").status == 404
    assert (
        mei.post(f"merchants/{merchant['id']}/invitations", {"email": "m@example.com", "role": "staff"}).status == 404
    )
    assert ada.get("merchants/mer_nonsense").status == 404
    assert ada.get("merchants/%00").status == 404


def test_creator_applies_and_is_approved(mei: Api, otto: Api, anyone: Api) -> None:
    applied = mei.post("creators", {"name": "Mei"}).json
    assert applied["state"] == "applied"
    assert anyone.get(f"creators/{applied['id']}").status == 404
    assert mei.post(f"creators/{applied['id']}/approve").code == "scope_missing"
    assert otto.post(f"creators/{applied['id']}/approve").json["state"] == "active"
    assert otto.post(f"creators/{applied['id']}/approve").status == 409
    assert anyone.get(f"creators/{applied['id']}").json["name"] == "Mei"


def test_staff_are_invited_by_code(ada: Api, mei: Api) -> None:
    merchant = ada.post("merchants", {"name": "Linen & Co"}).json["id"]
    invited = ada.post(f"merchants/{merchant}/invitations", {"email": "mei@example.com", "role": "staff"})
    assert invited.status == 201
    assert mei.post("invitations/accept", {"code": invited.json["code"]}).json["role"] == "staff"
    assert mei.get(f"merchants/{merchant}/staff").json[1]["name"] == "Mei"


def test_problem_pages_explain_every_code(anyone: Api) -> None:
    from meadow.kernel.errors import catalogue

    listing = anyone.get("/problems/").body.decode()
    for code in catalogue():
        assert f"/problems/{code}" in listing
    page = anyone.get("/problems/not_found").body.decode()
    assert "Check the address" in page
    assert "请检查地址" in page
    assert anyone.get("/problems/no_such_code").status == 404


def test_description_is_openapi_31_and_complete(anyone: Api) -> None:
    document = anyone.get("/api/openapi.json").json
    assert document["openapi"].startswith("3.1")
    ids = []
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            where = f"{method} {path}"
            ids.append(operation["operationId"])
            assert operation["summary"], where
            for content in operation.get("requestBody", {}).get("content", {}).values():
                assert "example" in content, where
            good = [status for status in operation["responses"] if status.startswith("2")]
            assert len(good) == 1, where
            for content in operation["responses"][good[0]].get("content", {}).values():
                assert "example" in content, where
            bad = {status for status in operation["responses"] if status[0] in "45"}
            assert {"429", "500"} <= bad, where
    assert len(ids) == len(set(ids))
    _assert_references(document, document)


def test_docs_list_every_operation(anyone: Api) -> None:
    page = anyone.get("/api/docs").body.decode()
    for path in anyone.get("/api/openapi.json").json["paths"]:
        assert path in page
    assert "<script" not in page


def _assert_references(value: Any, document: dict[str, Any]) -> None:
    if isinstance(value, dict):
        if isinstance(reference := value.get("$ref"), str):
            assert reference.rsplit("/", 1)[-1] in document["components"]["schemas"]
        for member in value.values():
            _assert_references(member, document)
    elif isinstance(value, list):
        for member in value:
            _assert_references(member, document)


def test_request_examples_are_valid(make_valid: Callable[[], None]) -> None:
    make_valid()


@pytest.fixture
def make_valid() -> Callable[[], None]:
    """Each example of a request is taken by the very model that checks requests."""
    from meadow.api.openapi import document, operations_of

    def check() -> None:
        described = json.loads(json.dumps(document()))
        for path, operation, _ in operations_of():
            details = described["paths"][path][operation.methods[0].lower()]
            for model in operation.models:
                content = details.get("requestBody", {}).get("content", {}).get("application/json")
                if model.__ninja_param_source__ == "body" and content:
                    name = getattr(model, "__read_from_single_attr__", None)
                    model.model_validate({name: content["example"]} if name else content["example"])

    return check
