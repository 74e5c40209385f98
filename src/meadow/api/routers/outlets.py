"""Operations on outside channels: what each lets through, what came by it, its alarms, and what creators say of it."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Query
from pydantic import AwareDatetime, Field

from meadow.accounts import queries as accounts
from meadow.api import types as t
from meadow.api.callers import caller_of
from meadow.api.operations import Group
from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.sharing import queries, services
from meadow.trade import queries as trade

group = Group("outlets")

OutletCode = Annotated[str, Field(max_length=24, examples=["weibo"])]
Form = Literal["link", "text", "digits", "qr", "poster", "card"]
Unit = Literal["characters", "weighted", "utf16", "bytes"]
AlarmId = Annotated[str, Field(pattern=r"^alm_[0-9a-hjkmnp-tv-z]{20}$", examples=["alm_01jd2m4q8r6t0v3x5z7y"])]
Since = Annotated[AwareDatetime | None, Query(description="From this moment on; seven days ago, if left out.")]
Until = Annotated[AwareDatetime | None, Query(description="Before this moment; now, if left out.")]
MaxLen = Annotated[int | None, Field(ge=20, le=100_000, examples=[2000])]
Words = Annotated[str, Field(min_length=1, max_length=60, examples=["Weibo"])]
WordsZh = Annotated[str, Field(min_length=1, max_length=60, examples=["微博"])]
WEEK, LONGEST = timedelta(days=7), timedelta(days=100)


class OutletOut(t.Out):
    """A channel as it is now.  default is what is handed out first; paused forms are held back by an open alarm."""

    code: OutletCode
    tag: int = Field(examples=[6])
    name_en: Words
    name_zh: WordsZh
    clickable_link: bool
    text_token: bool
    picture: bool
    deep_link: bool
    may_induce: bool = Field(description="Wording that urges to copy or open is tolerated there.")
    max_len: int | None = Field(examples=[2000])
    unit: Unit
    chosen: str = Field(description="The operator's choice of default form; empty: the best that works.", examples=[""])
    default: str | None = Field(examples=["link"])
    forms: list[str] = Field(examples=[["link", "text", "poster"]])
    paused: list[str] = Field(examples=[[]])
    switches_itself: bool
    is_retired: bool
    version: int
    changed_at: t.Moment


class OutletIn(t.In):
    code: OutletCode
    name_en: Words
    name_zh: WordsZh
    clickable_link: bool
    text_token: bool
    picture: bool
    deep_link: bool = False
    may_induce: bool = False
    max_len: MaxLen = None
    unit: Unit = "characters"
    default_form: Form | Literal[""] = ""


class OutletChangeIn(t.In):
    """What is to change; what is left out stays."""

    version: Annotated[int, Field(ge=1, le=2**31 - 1, description="The one you have seen.")] | None = None
    name_en: Words | None = None
    name_zh: WordsZh | None = None
    clickable_link: bool | None = None
    text_token: bool | None = None
    picture: bool | None = None
    deep_link: bool | None = None
    may_induce: bool | None = None
    max_len: MaxLen = None
    unit: Unit | None = None
    default_form: Form | Literal[""] | None = None
    switches_itself: bool | None = None
    is_retired: bool | None = None


class OutletChangeOut(t.Out):
    at: t.Moment
    outlet: OutletCode
    form_before: str = Field(examples=["link"])
    form_after: str = Field(examples=["text"])
    is_automatic: bool
    changed: dict[str, Any] = Field(examples=[{"clickable_link": False}])


class ReachOut(t.Out):
    channel: str = Field(examples=["weibo"])
    form: str = Field(examples=["link"])
    resolves: int = Field(examples=[120])
    clicks: int = Field(examples=[31])


class SalesOut(t.Out):
    """Goods of paid orders by the channel their buyers came by; organic: no click, here: our own pages, unknown."""

    channel: str = Field(examples=["weibo"])
    form: str = Field(examples=["link"])
    currency: t.Currency
    orders: int = Field(examples=[3])
    goods_minor: int = Field(examples=[30000])


class AlarmOut(t.Out):
    id: AlarmId
    outlet: OutletCode
    form: str = Field(examples=["link"])
    cause: Literal["drop", "reports"]
    state: str = Field(examples=["open"])
    raised_at: t.Moment
    window_minutes: int = Field(examples=[60])
    expected: int = Field(examples=[80])
    observed: int = Field(examples=[12])
    switched_to: str = Field(examples=["text"])
    closed_at: t.Moment | None


class OutletReportIn(t.In):
    form: Form
    note: Annotated[str, Field(max_length=300, examples=["The link shows a warning page."])] = ""


class ReportOut(t.Out):
    id: str = Field(examples=["rpt_01jd2m4q8r6t0v3x5z7y"])
    outlet: OutletCode
    form: str = Field(examples=["link"])
    note: str = Field(examples=["The link shows a warning page."])
    at: t.Moment


@group.get("/outlets", gives=list[OutletOut], guests=True)
def list_outlets(request: HttpRequest) -> Any:
    """The outside channels that are in use, with what each lets through now."""
    return [outlet_document(each) for each in queries.outlets()]


@group.get("/outlets/news", gives=list[OutletChangeOut], scope="share")
def outlet_news(request: HttpRequest) -> Any:
    """Which channels hand out another form since a short while."""
    return [_change(each) for each in queries.outlet_news()]


@group.get("/outlets/{code}", gives=OutletOut, guests=True)
def get_outlet(request: HttpRequest, code: str) -> Any:
    """A channel, with what it lets through at this moment."""
    return outlet_document(queries.outlet(code))


@group.post("/outlets", gives=OutletOut, status=201, scope="operate", refuses=["outlet_exists"])
def add_outlet(request: HttpRequest, body: OutletIn) -> Any:
    """Registers a channel under a tag of its own."""
    allows = queries.Allows(
        body.clickable_link, body.text_token, body.picture, body.deep_link, body.may_induce, body.max_len, body.unit
    )
    made = services.add_outlet(
        code=body.code, name_en=body.name_en, name_zh=body.name_zh, allows=allows, default_form=body.default_form,
        by=caller_of(request).operator(),
    )  # fmt: skip
    return outlet_document(made)


@group.patch("/outlets/{code}", gives=OutletOut, scope="operate", refuses=["stale_state"])
def change_outlet(request: HttpRequest, code: str, body: OutletChangeIn) -> Any:
    """Changes what a channel lets through or hands out: the next share is made by it, and what is out still opens."""
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    nothing = [name for name, value in changes.items() if value is None and name != "max_len"]
    if nothing:
        raise Refusal("malformed", field=nothing[0], why="leave it out, or give it a value")
    by = caller_of(request).operator()
    return outlet_document(services.change_outlet(code=code, changes=changes, by=by, version=body.version))


@group.get("/outlets/{code}/changes", gives=list[OutletChangeOut], scope="operate")
def list_outlet_changes(request: HttpRequest, code: str) -> Any:
    """What was changed about a channel, the newest first."""
    caller_of(request).operator()
    queries.outlet(code, with_retired=True)
    return [_change(each) for each in queries.outlet_changes(code)]


@group.post(
    "/outlets/{code}/reports", gives=ReportOut, status=201, scope="share",
    refuses=["creator_required", "creator_suspended"],
)  # fmt: skip
def report_block(request: HttpRequest, code: str, body: OutletReportIn) -> Any:
    """Tells that a form does not get through to a channel any more; several creators within a day raise the alarm."""
    creator = accounts.require_creator(caller_of(request).person)
    made = services.report_block(creator_id=creator.pk, code=code, form=body.form, note=body.note)
    return _report(made)


@group.get("/channels/reports", gives=list[ReportOut], scope="operate")
def list_channel_reports(request: HttpRequest) -> Any:
    """What creators said of channels that block, the newest first."""
    caller_of(request).operator()
    return [_report(each) for each in queries.channel_reports()]


@group.get("/channels/reach", gives=list[ReachOut], scope="operate")
def channel_reach(request: HttpRequest, since: Since = None, until: Until = None) -> Any:
    """How many opened a token and clicked, per channel and form, the busiest first."""
    caller_of(request).operator()
    return queries.reach(*span(since, until))


@group.get("/channels/sales", gives=list[SalesOut], scope="operate")
def channel_sales(request: HttpRequest, since: Since = None, until: Until = None) -> Any:
    """What was sold to people by the channel they came by; the rows add up to all that was paid for goods."""
    caller_of(request).operator()
    names = queries.channel_names()
    found = []
    for row in trade.sales_by_origin(*span(since, until)):
        channel, form = queries.channel_of(row.tag, names)
        found.append({
            "channel": channel, "form": form, "currency": row.currency, "orders": row.orders,
            "goods_minor": row.goods_minor,
        })  # fmt: skip
    return found


@group.get("/channels/alarms", gives=list[AlarmOut], scope="operate")
def list_channel_alarms(request: HttpRequest, open_only: bool = False) -> Any:
    """Channels that bring far less than was forecast, or that creators say block; the newest first."""
    caller_of(request).operator()
    return [_alarm(each) for each in queries.alarms(open_only=open_only)]


@group.post("/channels/alarms/{alarm}/close", gives=AlarmOut, scope="operate", refuses=["stale_state"])
def close_channel_alarm(request: HttpRequest, alarm: AlarmId) -> Any:
    """Ends an alarm: the form is handed out again, unless its capability was switched off meanwhile."""
    return _alarm(services.close_alarm(alarm_id=alarm, by=caller_of(request).operator()))


def outlet_document(of: queries.OutletView) -> dict[str, Any]:
    allows = of.allows
    return {
        "code": of.code, "tag": of.tag, "name_en": of.name_en, "name_zh": of.name_zh,
        "clickable_link": allows.clickable_link, "text_token": allows.text_token, "picture": allows.picture,
        "deep_link": allows.deep_link, "may_induce": allows.may_induce, "max_len": allows.max_len, "unit": allows.unit,
        "chosen": of.chosen, "default": of.default, "forms": list(of.forms), "paused": list(of.paused),
        "switches_itself": of.switches_itself, "is_retired": of.is_retired, "version": of.version,
        "changed_at": of.changed_at,
    }  # fmt: skip


def span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
    """The time asked for, a hundred days at most.  Refuses: malformed."""
    end = until or clock.now()
    # A moment near the end of all time leaves no room to count back from.
    start = since or (end - WEEK if end.year > 1 else end)
    if start > end:
        raise Refusal("malformed", field="since", why="not after until")
    if end - start > LONGEST:
        raise Refusal("malformed", field="since", why=f"at most {LONGEST.days} days before until")
    return start, end


def _change(of: queries.OutletChange) -> dict[str, Any]:
    changed = {name: value for name, value in of.after.items() if of.before.get(name) != value}
    return {
        "at": of.at, "outlet": of.outlet.code, "form_before": of.form_before, "form_after": of.form_after,
        "is_automatic": of.is_automatic, "changed": changed,
    }  # fmt: skip


def _alarm(of: queries.ChannelAlarm) -> dict[str, Any]:
    return {
        "id": of.public_id, "outlet": of.outlet.code, "form": of.form, "cause": of.cause, "state": of.state,
        "raised_at": of.raised_at, "window_minutes": of.window_minutes, "expected": of.expected,
        "observed": of.observed, "switched_to": of.switched_to, "closed_at": of.closed_at,
    }  # fmt: skip


def _report(of: queries.ChannelReport) -> dict[str, Any]:
    return {
        "id": of.public_id, "outlet": of.outlet.code, "form": of.form, "note": of.note, "at": of.at,
    }  # fmt: skip
