"""What a commission plan may promise and which plan applies: rates, notice periods, limits, precedence."""

from datetime import timedelta

from meadow.kernel.states import Machine

KINDS = ("exclusive", "directed", "marketing", "general")  # in the order of precedence
NOTICE = timedelta(hours=24)  # a cut takes effect only after creators could read about it

PLAN = Machine(
    "plan",
    "active",
    {"active": {"end": "ended"}, "ended": {"revive": "active"}},
    ends=set(),
)
