"""What an appeal is, how long it may take, what may stop its clock, and what the published numbers are made of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from meadow.kernel.errors import Refusal, Says
from meadow.kernel.states import Machine

APPEAL = Machine(
    "appeal",
    "open",
    {
        "open": {
            "pause": "paused", "fall_due": "overdue", "uphold": "upheld", "reverse": "reversed", "withdraw": "withdrawn",
        },
        "paused": {"resume": "open", "uphold": "upheld", "reverse": "reversed", "withdraw": "withdrawn"},
        "overdue": {"uphold": "upheld", "reverse": "reversed", "withdraw": "withdrawn"},
        "upheld": {},
        "reversed": {},
        "withdrawn": {},
    },
    ends={"upheld", "reversed", "withdrawn"},
)  # fmt: skip
PENDING = ("open", "paused", "overdue")

# What nobody can appeal: the second looks themselves.
NOT_APPEALABLE = ("reverse", "uphold", "restore", "review")
# How long a decision can be appealed.
WINDOW = timedelta(days=183)
ROUNDS = 2
TEXT_LENGTH = 4000
# What stops an account or a shop is looked at sooner than a single post.
URGENT_ACTIONS = ("suspend", "stop_new", "limit", "hold")
URGENT, USUAL = timedelta(days=3), timedelta(days=7)

# Each pause has a name that both sides read; it ends by itself, so no clock stands for ever.
PAUSES: dict[str, tuple[str, str]] = {
    "answer": ("We asked you something and wait for your answer", "等待您的答复"),
    "evidence": ("We wait for evidence you said you would send", "等待您补充证据"),
    "third_party": ("We wait for somebody else's answer, such as a bank's", "等待第三方（如银行）答复"),
}
LONGEST_PAUSE = timedelta(days=14)
MOST_PAUSES = 3
# What protects others stays while an appeal waits, however late the answer is.
PROTECTING = ("goods.", "cn.goods.", "operation.safety", "conduct.fraud", "conduct.counterfeit")


def allowance(action: str) -> timedelta:
    """How long an answer may take."""
    return URGENT if action in URGENT_ACTIONS else USUAL


def due_after(due_at: datetime, paused_at: datetime, resumed_at: datetime) -> datetime:
    """When an answer is due once a pause is over: what was left when it began is left now."""
    return due_at + (resumed_at - paused_at)


def next_round(earlier: Sequence[str], evidence: str) -> int:
    """Which round a new appeal of one decision is, by the states of those before: one, and one more on new evidence.

    Refuses: appeal_open, appeal_reversed, appeal_used, evidence_needed.
    """
    if any(state in PENDING for state in earlier):
        raise Refusal("appeal_open")
    if "reversed" in earlier:
        raise Refusal("decision_reversed")
    if len(earlier) >= ROUNDS:
        raise Refusal("appeal_used")
    if earlier and not evidence:
        raise Refusal("evidence_needed")
    return len(earlier) + 1


@dataclass(frozen=True, slots=True)
class Decided:
    """A finished appeal as the statistics see it."""

    rule_id: str
    outcome: str  # upheld or reversed
    took: timedelta  # pauses left out
    was_overdue: bool


def median_hours(times: Iterable[timedelta]) -> int | None:
    """The median in whole hours, the lower of the two in the middle; None of nothing."""
    ordered = sorted(times)
    return int(ordered[(len(ordered) - 1) // 2] / timedelta(hours=1)) if ordered else None


def overturn_bp(decided: Iterable[Decided]) -> int | None:
    """How many of ten thousand were reversed; None of nothing."""
    outcomes = [one.outcome for one in decided]
    return outcomes.count("reversed") * 10_000 // len(outcomes) if outcomes else None


REFUSALS: dict[str, Says] = {
    "appeal_open": Says(
        409, "This decision has an open appeal. You can add to it.", "该决定的申诉正在处理，您可以继续补充。"
    ),
    "appeal_used": Says(
        409,
        "This decision was appealed twice, which is the most. The answer stands.",
        "该决定已申诉两次，达到上限，以最后答复为准。",
    ),
    "evidence_needed": Says(
        422,
        "A second appeal needs new evidence. Write what was not known before.",
        "再次申诉需要提供新的证据，请写明此前未提交的情况。",
    ),
    "appeal_too_late": Says(
        409,
        "This decision is older than {days} days and can no longer be appealed. Ask the operator.",
        "该决定已超过 {days} 天，不能再申诉，请联系运营人员。",
    ),
    "not_appealable": Says(
        409,
        "This is itself a second look. Appeal the decision that it is about.",
        "这是复核结果，请对原决定提出申诉。",
    ),
    "own_decision": Says(
        403,
        "You took part in this decision, so somebody else must look at it. Leave it in the queue.",
        "您参与过该决定，须由他人复核，请留在队列中。",
    ),
    "pauses_used": Says(
        409,
        "The clock of this appeal was stopped {most} times, which is the most. Decide it.",
        "该申诉已暂停计时 {most} 次，达到上限，请作出决定。",
    ),
}  # fmt: skip
