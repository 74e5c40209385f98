"""How a merchant of the tour, and of the drills, comes to be paid: by itself, as any individual would on a sandbox."""

from typing import Any

from meadow.config.tour.talk import Talk

VALUES = {
    "legal_name": "Ada Lovelace", "id_kind": "cn_id", "id_number": "11010119900307002X",
    "id_expires_on": "2099-12-31", "phone": "+86 138 0000 0000", "bank_holder": "Ada Lovelace",
    "bank_name": "Meadow Bank", "bank_number": "6222020000001234",
}  # fmt: skip


def go_live(ada: Talk, merchant: str) -> dict[str, Any]:
    """Hands the data in, says which code and which amount came, and agrees; no person has to look."""
    application: dict[str, Any] = ada.post(f"merchants/{merchant}/applications", {"level": 0})
    path = f"applications/{application['id']}"
    application = ada.post(f"{path}/submit", {"values": VALUES})
    sent = {each["kind"]: each["content"] for each in reversed(ada.get(f"sandbox/{path}/sent"))}
    for kind in application["waits_for"]:
        application = ada.post(f"{path}/{kind}/answer", {"answer": sent[kind]})
    live: dict[str, Any] = ada.post(f"{path}/sign", {"agreement": application["agreement"]})
    return live
