"""Whether a party may do something now; every verb that a sanction can stop asks here, and the holder sees the same."""

from collections.abc import Iterable

from meadow.accounts import queries as accounts
from meadow.governance import queries
from meadow.governance.services.parties import Subject
from meadow.kernel.errors import Refusal


def require_allowed(*, parties: Iterable[Subject], act: str) -> None:
    """act: links, post, message, payout or account.  Refuses: limited, with the rule, what is limited and until when."""
    found = queries.limit_on(parties, act)
    if found is not None:
        until = found.until.isoformat(timespec="minutes") if found.until else None
        raise Refusal(
            "limited", rule=f"{found.rule_id} v{found.rule_version}", what=found.en, what_zh=found.zh,
            until=until or "after a further look", until_zh=until or "复核之后",
        )  # fmt: skip


def require_payout(*, party: tuple[str, int]) -> None:
    """Whether a "merchant" or "creator" may withdraw now; a sanction on the person stops their creator's money too.

    Refuses: limited.
    """
    parties: list[Subject] = [(f"accounts.{party[0]}", party[1])]
    if party[0] == "creator" and (person_id := accounts.person_of_creator(party[1])):
        parties.append(("accounts.person", person_id))
    require_allowed(parties=parties, act="payout")
