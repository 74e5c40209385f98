"""What an operator does with a case, how long it is theirs, and how the queue may be narrowed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from meadow.kernel.errors import Refusal, Says

# Machine time: a case that nobody touches goes back to the queue.
LEASE = timedelta(minutes=15)
ACTS = ("approve", "reject", "escalate")
KIND_NAMES: dict[str, tuple[str, str]] = {
    "review": ("To be looked at", "待审核"),
    "report": ("Reported", "举报"),
    "same_content": ("Same content, many accounts", "多账号相同内容"),
    "appeal": ("Appeal", "申诉"),
    "suspension": ("Suspension to review", "待复核的暂停"),
    "tracking": ("Doubtful tracking", "物流单号存疑"),
    "dispute": ("Dispute not ruled in time", "超时未裁决的纠纷"),
    "sanction": ("Sanction to review", "待复核的处罚"),
}
KINDS = tuple(KIND_NAMES)
MOST_FILTERS = 30
NAME_LENGTH = 60
MOST_WEIGHT = 1_000_000


@dataclass(frozen=True, slots=True)
class Filter:
    """Which cases an operator wants to see; empty means all."""

    kinds: tuple[str, ...] = ()
    rule: str = ""
    subject_kind: str = ""
    escalated: bool = False
    least_weight: int = 0

    def as_dict(self) -> dict[str, Any]:
        return {
            "kinds": list(self.kinds), "rule": self.rule, "subject_kind": self.subject_kind,
            "escalated": self.escalated, "least_weight": self.least_weight,
        }  # fmt: skip


def filter_of(given: Mapping[str, Any]) -> Filter:
    """A filter from what was typed or stored.  Refuses: malformed."""
    unknown = set(given) - {"kinds", "rule", "subject_kind", "escalated", "least_weight"}
    if unknown:
        raise Refusal("malformed", field=sorted(unknown)[0][:40], why="there is no such filter")
    kinds = given.get("kinds") or ()
    if isinstance(kinds, str):
        kinds = [kinds]
    if not all(kind in KINDS for kind in kinds):
        raise Refusal("malformed", field="kinds", why=f"use {', '.join(KINDS)}")
    try:
        least = int(given.get("least_weight") or 0)
    except (TypeError, ValueError):
        least = -1
    if not 0 <= least <= MOST_WEIGHT:
        raise Refusal("malformed", field="least_weight", why="a number from 0 upwards")
    rule, subject = str(given.get("rule") or ""), str(given.get("subject_kind") or "")
    if len(rule) > 60 or len(subject) > 40:
        raise Refusal("malformed", field="rule", why="name one rule")
    return Filter(tuple(sorted(set(kinds))), rule, subject, bool(given.get("escalated")), least)


REFUSALS: dict[str, Says] = {
    "case_held": Says(
        409,
        "Somebody else is looking at this case. Take the next one.",
        "该案件正由他人处理，请处理下一个。",
    ),
    "case_not_yours": Says(
        409,
        "Your turn with this case is over. Take it again first.",
        "您对该案件的处理时限已过，请重新领取。",
    ),
    "cannot_undo": Says(
        409,
        "This can no longer be undone. Decide anew instead.",
        "该操作已无法撤销，请重新作出决定。",
    ),
    "report_needed": Says(
        403,
        "Private messages are read only where one of the two has reported them. Name the report.",
        "私信内容仅可在当事人举报后查看，请提供举报编号。",
    ),
    "filters_full": Says(
        409,
        "You have {most} saved filters, which is the most. Delete one first.",
        "您已保存 {most} 个筛选条件，达到上限，请先删除一个。",
    ),
}
