"""Operations of the link policy: per surface and partner, barred hosts, who evades it; and the way a partner goes."""

from typing import Annotated, Any, Literal

from django.http import HttpRequest
from pydantic import Field

from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.api.routers.rulebook import PartnerOut, Pattern, partner_out
from meadow.governance import queries, services
from meadow.kernel.errors import Refusal

group = Group("links")

Reason = Annotated[str, Field(min_length=1, max_length=2000, examples=["Its shops send other goods than shown."])]
Host = Annotated[str, Field(min_length=1, max_length=253, examples=["evil.example.com"])]
Surface = Annotated[str, Field(max_length=20, examples=["chat"])]
Verdict = Literal["allow", "warn", "block"]
PartnerId = Annotated[str, Field(pattern=r"^prt_[0-9a-hjkmnp-tv-z]{20}$", examples=["prt_01jd2m4q8r6t0v3x5z7y"])]
BarId = Annotated[str, Field(pattern=r"^bar_[0-9a-hjkmnp-tv-z]{20}$", examples=["bar_01jd2m4q8r6t0v3x5z7y"])]
AccountId = Annotated[str, Field(max_length=40, examples=["cre_01jd2m4q8r6t0v3x5z7y"])]


class PartnerVerdict(t.Out):
    partner: PartnerId
    name: str = Field(examples=["Example Mall"])
    verdict: Verdict


class SurfaceOut(t.Out):
    """What happens on one surface to plain addresses, and to the pages of partners where they are not simply allowed."""

    surface: Surface
    strangers: Verdict
    default: Verdict
    partners: list[PartnerVerdict]


class PolicyIn(t.In):
    verdict: Verdict
    reason: Reason
    partner: PartnerId | None = Field(default=None, description="For this partner's pages; else for plain addresses.")


class ChangeOut(t.Out):
    at: t.Moment
    verb: str = Field(examples=["set_link_policy"])
    before: dict[str, Any] | None = Field(examples=[{"verdict": "warn"}])
    after: dict[str, Any] | None = Field(examples=[{"surface": "chat", "verdict": "block"}])


class PartnerTerms(PartnerOut):
    """A partner with what only operators see."""

    contract: str = Field(examples=["2026-17, signed on 1 November"])
    after_sale_contact: str = Field(examples=["care@example.com"])
    contract_until: t.Moment | None
    ended_at: t.Moment | None
    version: int = Field(examples=[1])


class PartnerPatch(t.In):
    """What is named is changed, the rest stays.  version: the one that was seen; another one is refused."""

    name: t.Name | None = None
    hosts: Annotated[list[Host], Field(min_length=1, max_length=50)] | None = None
    product_patterns: Annotated[list[Pattern], Field(min_length=1, max_length=100)] | None = None
    contract: Annotated[str, Field(min_length=1, max_length=2000, examples=["2026-17"])] | None = None
    after_sale_contact: Annotated[str, Field(min_length=1, max_length=254, examples=["care@example.com"])] | None = None
    contract_until: t.Moment | None = None
    reason: Reason
    version: int | None = Field(None, ge=1, le=10**9, examples=[1])


class RenewalIn(t.In):
    contract: Annotated[str, Field(min_length=1, max_length=2000, examples=["2027-3, signed on 1 December"])]
    contract_until: t.Moment | None = None
    reason: Reason
    version: int | None = Field(None, ge=1, le=10**9, examples=[1])


class BarIn(t.In):
    host: Host
    reason: Reason
    reason_zh: Annotated[str, Field(max_length=2000, examples=["所发商品与展示不符。"])] = ""
    rule: Annotated[str, Field(max_length=60, examples=["conduct.evasion"])] = "conduct.evasion"


class BarOut(t.Out):
    id: BarId
    host: Host
    rule: str = Field(examples=["conduct.evasion"])
    reason: Reason
    since: t.Moment
    lifted_at: t.Moment | None


class LinkReasonIn(t.In):
    reason: Reason


class EvasionIn(t.In):
    kind: Literal["creator", "merchant"]
    id: AccountId
    hosts: Annotated[list[Host], Field(max_length=100)] = []
    reason: Reason
    reason_zh: Annotated[str, Field(max_length=2000, examples=["使用多个域名规避处理。"])] = ""


class EvasionOut(t.Out):
    decision: t.DecisionId
    points: int = Field(description="Of the account, in thousandths.", examples=[48000])


@group.get("/link-policy", gives=list[SurfaceOut], guests=True)
def get_link_policy(request: HttpRequest) -> Any:
    """What may be linked where; addresses that deceive are blocked everywhere.  Open to everybody."""
    return [
        {
            "surface": row.surface, "strangers": row.strangers, "default": row.default,
            "partners": [{"partner": who, "name": name, "verdict": verdict} for who, name, verdict in row.partners],
        }
        for row in queries.link_policy()
    ]  # fmt: skip


@group.put("/link-policy/{surface}", gives=list[SurfaceOut], scope="operate", refuses=["forbidden", "partner_ended"])
def set_link_policy(request: HttpRequest, surface: Surface, body: PolicyIn) -> Any:
    """Sets it for a surface, from now on: for plain addresses (warn or block) or for one partner's pages."""
    by = caller_of(request).operator()
    services.set_link_policy(
        surface=surface, verdict=body.verdict, reason=body.reason, by=by,
        partner_id=queries.partner(body.partner).pk if body.partner else None,
    )  # fmt: skip
    return get_link_policy(request)


@group.get("/link-policy/changes", gives=list[ChangeOut], scope="operate", refuses=["forbidden"])
def list_link_policy_changes(request: HttpRequest) -> Any:
    """Who changed the policy, its partners and bars, the newest first."""
    caller_of(request).operator()
    return queries.link_policy_trail()


@group.post("/partners/{partner}/end", gives=PartnerOut, scope="operate", refuses=["forbidden"])
def end_partner(request: HttpRequest, partner: PartnerId, body: LinkReasonIn) -> Any:
    """Ends a partnership: new links are refused at once, old ones carry a warning, orders are not touched."""
    by = caller_of(request).operator()
    return partner_out(services.end_partner(partner_id=queries.partner(partner).pk, reason=body.reason, by=by))


@group.get("/partners/{partner}", gives=PartnerTerms, scope="operate", refuses=["forbidden"])
def get_partner(request: HttpRequest, partner: PartnerId) -> Any:
    """A partner with its contract, until when it runs, and who answers after a sale."""
    caller_of(request).operator()
    return _terms(queries.partner(partner))


@group.patch(
    "/partners/{partner}", gives=PartnerTerms, scope="operate",
    refuses=["forbidden", "pattern_invalid", "partner_exists", "stale_state"],
)  # fmt: skip
def change_partner(request: HttpRequest, partner: PartnerId, body: PartnerPatch) -> Any:
    """Changes a partner; the next decision about a link is made by it."""
    by = caller_of(request).operator()
    sent = {name: getattr(body, name) for name in body.model_fields_set - {"reason", "version"}}
    changes = {name: value for name, value in sent.items() if value is not None or name == "contract_until"}
    return _terms(
        services.change_partner(
            partner_id=queries.partner(partner).pk, changes=changes, reason=body.reason, by=by, version=body.version
        )
    )


@group.post("/partners/{partner}/renew", gives=PartnerTerms, scope="operate", refuses=["forbidden", "stale_state"])
def renew_partner(request: HttpRequest, partner: PartnerId, body: RenewalIn) -> Any:
    """A new contract: the partnership holds from now on, whether it had ended or not."""
    by = caller_of(request).operator()
    return _terms(
        services.renew_partner(
            partner_id=queries.partner(partner).pk, contract=body.contract, contract_until=body.contract_until,
            reason=body.reason, by=by, version=body.version,
        )
    )  # fmt: skip


@group.get("/partners/{partner}/changes", gives=list[ChangeOut], scope="operate", refuses=["forbidden"])
def list_partner_changes(request: HttpRequest, partner: PartnerId) -> Any:
    """Every change of a partner with what it was before, the newest first."""
    caller_of(request).operator()
    return [
        {"at": one.at, "verb": one.verb, "before": one.before, "after": one.after}
        for one in queries.partner_trail(partner)
    ]


@group.get("/barred-hosts", gives=list[BarOut], scope="operate", refuses=["forbidden"])
def list_barred_hosts(request: HttpRequest) -> Any:
    """Hosts blocked on every surface, with those that were let go."""
    caller_of(request).operator()
    return [_bar(one) for one in queries.barred_hosts(also_lifted=True)]


@group.post(
    "/barred-hosts", gives=BarOut, status=201, scope="operate", refuses=["forbidden", "rule_unknown", "barred_already"]
)
def bar_host(request: HttpRequest, body: BarIn) -> Any:
    """Blocks a host everywhere, with all that belongs to it."""
    by = caller_of(request).operator()
    return _bar(services.bar_host(host=body.host, reason=body.reason, reason_zh=body.reason_zh, rule=body.rule, by=by))


@group.post("/barred-hosts/{bar}/lift", gives=BarOut, scope="operate", refuses=["forbidden"])
def lift_bar(request: HttpRequest, bar: BarId, body: LinkReasonIn) -> Any:
    """Lets a host go; twice is once."""
    by = caller_of(request).operator()
    return _bar(services.lift_bar(bar_id=queries.barred_host(bar).pk, reason=body.reason, by=by))


@group.post(
    "/link-evasions", gives=EvasionOut, status=201, scope="operate", refuses=["forbidden", "rule_unknown", "not_found"]
)
def flag_link_evasion(request: HttpRequest, body: EvasionIn) -> Any:
    """Says that somebody goes on with many hosts or accounts: the account ends until it is looked at again, the hosts
    are barred.  It can be appealed like any other decision."""
    by = caller_of(request).operator()
    kind, account = queries.subject_named(body.kind, body.id)
    if kind not in ("accounts.creator", "accounts.merchant"):
        raise Refusal("not_found")
    made = services.flag_link_evasion(
        party=(kind, account), hosts=body.hosts, reason=body.reason, reason_zh=body.reason_zh, by=by
    )
    return {"decision": made.decision.public_id, "points": queries.points_of(kind, account)}


def _terms(one: queries.Partner) -> dict[str, Any]:
    return partner_out(one) | {
        "contract": one.contract, "after_sale_contact": one.after_sale_contact, "contract_until": one.contract_until,
        "ended_at": one.ended_at, "version": one.version,
    }  # fmt: skip


def _bar(one: queries.BarredHost) -> dict[str, Any]:
    return {
        "id": one.public_id, "host": one.host, "rule": one.rule_id, "reason": one.reason, "since": one.since,
        "lifted_at": one.lifted_at,
    }  # fmt: skip
