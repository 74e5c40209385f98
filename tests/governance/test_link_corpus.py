"""Is every trick of the corpus blocked for its reason, does every innocent pass, and is nothing asked of the network?"""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from tests.governance.test_links import OWN, PARTNERS

from meadow.governance.rules import SURFACES, decide_link, links_in_text
from meadow.governance.rules.reasons import REASONS

CORPUS = Path(__file__).with_name("corpus")
# What a surface may let through with a warning; everything else is a trick and blocked wherever it stands.
PLAIN = {"not_partner", "not_product", "partner_ended"}


def read(name: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (CORPUS / f"{name}.jsonl").read_text("ascii").splitlines()]


def test_g1_1_every_hostile_address_is_blocked_for_its_reason() -> None:
    for case in read("hostile_urls"):
        answer = decide_link(case["url"], "post", PARTNERS, own=OWN)
        assert (answer.verdict, answer.code) == ("block", case["code"]), case
        assert answer.rule_id == REASONS[answer.code].rule_id
        assert case["trick"]
        if answer.code not in PLAIN:
            for surface in SURFACES:
                assert decide_link(case["url"], surface, PARTNERS, own=OWN).verdict == "block", (case, surface)


def test_g1_1_every_innocent_address_passes_everywhere() -> None:
    for case in read("innocent_urls"):
        for surface in SURFACES:
            answer = decide_link(case["url"], surface, PARTNERS, own=OWN)
            assert (answer.verdict, answer.code) == ("allow", case["code"]), (case, surface)


def test_g1_2_every_hostile_text_is_found_out() -> None:
    for case in read("hostile_texts"):
        found = links_in_text(case["text"])
        codes = [decide_link(link.raw, "post", PARTNERS, own=OWN) for link in found]
        assert case["code"] in [answer.code for answer in codes if answer.verdict == "block"], case
        assert case["trick"]


def test_g1_2_no_innocent_text_is_suspected() -> None:
    assert [case["text"] for case in read("innocent_texts") if links_in_text(case["text"])] == []


def test_g1_the_corpus_is_as_large_as_promised_and_without_repeats() -> None:
    urls = {case["url"] for case in read("hostile_urls")}
    texts = {case["text"] for case in read("hostile_texts")}
    assert (len(urls), len(texts)) == (len(read("hostile_urls")), len(read("hostile_texts")))
    assert len(urls) >= 200
    assert len(texts) >= 100
    assert len(read("innocent_urls")) >= 30
    assert len(read("innocent_texts")) >= 60
    assert {case["code"] for case in read("hostile_urls")} >= set(REASONS) - {"own", "partner", "partner_here"}


def test_g1_7_no_name_is_looked_up_and_no_socket_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_named: Any) -> Any:
        raise AssertionError("judging a link asked the network")

    for name in ("socket", "create_connection", "getaddrinfo", "gethostbyname", "gethostbyname_ex"):
        monkeypatch.setattr(socket, name, refuse)
    with pytest.raises(AssertionError):
        socket.create_connection(("evil.com", 443))
    for case in [*read("hostile_urls"), *read("innocent_urls")]:
        decide_link(case["url"], "post", PARTNERS, own=OWN)
    for case in [*read("hostile_texts"), *read("innocent_texts")]:
        links_in_text(case["text"])
