"""How the operator keeps the registry of outside channels, and how an alarm switches what a channel hands out."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import IntegrityError

from meadow.accounts import queries as accounts
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import ChannelAlarmRaised, OutletChanged
from meadow.kernel.outbox import emit
from meadow.sharing import queries, rules
from meadow.sharing.models import ChannelAlarm, ChannelReport, Outlet, OutletChange
from meadow.sharing.queries import OutletView
from meadow.sharing.queries.outlets import allows_of, paused_forms, view_of
from meadow.sharing.rules import Allows, health

_CODE = re.compile(rf"{rules.CODE_SHAPE}\Z")
CHANGEABLE = (
    "name_en", "name_zh", *rules.CAPABILITIES, "may_induce", "max_len", "unit", "default_form", "switches_itself",
    "is_retired",
)  # fmt: skip


def add_outlet(
    *, code: str, name_en: str, name_zh: str, allows: Allows, default_form: str = "", by: Actor
) -> OutletView:
    """Registers a channel under a tag of its own.  Refuses: forbidden, malformed, outlet_exists."""
    _require_operator(by)
    if not _CODE.match(code) or code in (rules.HERE, rules.UNKNOWN, rules.ORGANIC):
        raise Refusal("malformed", field="code", why="2 to 24 of a-z, 0-9 and _, beginning with a letter")
    names = _names({"name_en": name_en, "name_zh": name_zh})
    with atomic():
        # Tags are drawn upwards and never again: an old poster must not count for a new channel.
        last = Outlet.objects.select_for_update().order_by("-tag").first()
        tag = last.tag + 1 if last else 1
        rules.check_outlet(code, tag, allows, default_form)
        try:
            with atomic():
                made = Outlet.objects.create(
                    code=code, tag=tag, clickable_link=allows.clickable_link, text_token=allows.text_token,
                    picture=allows.picture, deep_link=allows.deep_link, may_induce=allows.may_induce,
                    max_len=allows.max_len, unit=allows.unit, default_form=default_form, changed_at=clock.now(), **names,
                )  # fmt: skip
        except IntegrityError:
            raise Refusal("outlet_exists") from None
        audit.record(by, "add_outlet", ("sharing.outlet", made.pk), after=_facts(made))
    return view_of(made)


def change_outlet(*, code: str, changes: dict[str, Any], by: Actor, version: int | None = None) -> OutletView:
    """Changes what an outlet lets through or hands out; the next share is made by it, and what is out still opens.

    `version` is the one the operator has seen, if that matters.  Refuses: forbidden, not_found, malformed, stale_state.
    """
    _require_operator(by)
    unknown = sorted(set(changes) - set(CHANGEABLE))
    if unknown:
        raise Refusal("malformed", field=unknown[0], why="no such property of an outlet")
    with atomic():
        outlet = Outlet.objects.select_for_update().filter(code=code).first()
        if outlet is None:
            raise Refusal("not_found")
        if version is not None and version != outlet.version:
            raise Refusal("stale_state", state=f"version {outlet.version}", event="change")
        before, form_before = _facts(outlet), _handed_out(outlet)
        for name, value in (changes | _names(changes)).items():
            setattr(outlet, name, value)
        if (
            outlet.default_form
            and "default_form" not in changes
            and not rules.works(outlet.default_form, allows_of(outlet))
        ):
            outlet.default_form = ""  # what was chosen no longer gets through
        rules.check_outlet(code, outlet.tag, allows_of(outlet), outlet.default_form)
        if _facts(outlet) == before:
            return view_of(outlet, paused_forms(outlet.pk))
        outlet.version, outlet.changed_at = outlet.version + 1, clock.now()
        outlet.save()
        audit.record(by, "change_outlet", ("sharing.outlet", outlet.pk), before=before, after=_facts(outlet))
        _note(outlet, before, form_before, by)
    return view_of(outlet, paused_forms(outlet.pk))


def close_alarm(*, alarm_id: str, by: Actor) -> ChannelAlarm:
    """The operator has looked: the form is handed out again, unless its capability was switched off meanwhile.

    Refuses: forbidden, not_found, stale_state.
    """
    _require_operator(by)
    with atomic():
        alarm = ChannelAlarm.objects.select_related("outlet").filter(public_id=alarm_id).first()
        if alarm is None:
            raise Refusal("not_found")
        outlet = Outlet.objects.select_for_update().get(pk=alarm.outlet_id)
        alarm = ChannelAlarm.objects.select_for_update().select_related("outlet").get(pk=alarm.pk)
        if alarm.state != "open":
            raise Refusal("stale_state", state=alarm.state, event="close")
        form_before = _handed_out(outlet)
        alarm.state, alarm.closed_at, alarm.closed_by_id = "closed", clock.now(), by.person_id
        alarm.save(update_fields=["state", "closed_at", "closed_by"])
        audit.record(by, "close_alarm", ("sharing.channel_alarm", alarm.pk))
        _note(outlet, _facts(outlet), form_before, by)
    return alarm


def report_block(*, creator_id: int, code: str, form: str, note: str = "") -> ChannelReport:
    """A creator says that a form does not get through any more.  Several within a day raise the alarm.

    Refuses: not_found, malformed, creator_required, creator_suspended.
    """
    creator = accounts.creator(creator_id)
    if creator.state != "active":
        raise Refusal("creator_suspended" if creator.state == "suspended" else "creator_required")
    now = clock.now()
    with atomic():
        outlet = Outlet.objects.filter(code=code, is_retired=False).first()
        if outlet is None:
            raise Refusal("not_found")
        if form not in rules.FORMS or not rules.works(form, allows_of(outlet)):
            raise Refusal("malformed", field="form", why=f"use one of {', '.join(rules.forms_of(allows_of(outlet)))}")
        note = " ".join(note.split())[: rules.LIMITS["report_characters"]]
        report, _ = ChannelReport.objects.get_or_create(
            outlet=outlet, form=form, creator_id=creator_id, day=now.date(), defaults={"note": note, "at": now}
        )
        voices = ChannelReport.objects.filter(outlet=outlet, form=form, at__gt=now - rules.REPORTS_WITHIN)
        heard = voices.values("creator").distinct().count()
        if heard >= rules.LIMITS["reports_that_alarm"] and not _is_settled(outlet, form, now):
            minutes = int(rules.REPORTS_WITHIN.total_seconds()) // 60
            raise_alarm(outlet_tag=outlet.tag, form=form, drop=health.Drop(minutes, 0, heard), cause="reports")
    return report


def _is_settled(outlet: Outlet, form: str, now: datetime) -> bool:
    """Whether the operator closed such an alarm within a day: the same voices do not raise it again."""
    return ChannelAlarm.objects.filter(
        outlet=outlet, form=form, cause="reports", closed_at__gt=now - rules.REPORTS_WITHIN
    ).exists()


def raise_alarm(*, outlet_tag: int, form: str, drop: health.Drop, cause: str = "drop") -> ChannelAlarm | None:
    """Tells the operator of a drop and, where the outlet lets it, hands out the next form that gets through.

    None if one is open for it already, or the outlet is not in use.
    """
    with atomic():
        outlet = Outlet.objects.select_for_update().filter(tag=outlet_tag, is_retired=False).first()
        if outlet is None or ChannelAlarm.objects.filter(outlet=outlet, form=form, state="open").exists():
            return None
        form_before = _handed_out(outlet)
        alarm = ChannelAlarm.objects.create(
            outlet=outlet, form=form, raised_at=clock.now(), window_minutes=drop.window_minutes,
            expected=drop.expected, observed=drop.observed, cause=cause,
        )  # fmt: skip
        emit(ChannelAlarmRaised(alarm.pk, outlet.pk, form))
        form_after = _handed_out(outlet)
        if form_after != form_before:
            alarm.switched_to = form_after
            alarm.save(update_fields=["switched_to"])
            _note(outlet, _facts(outlet), form_before, SYSTEM, is_automatic=True)
    return alarm


def watch_channels(*, at: datetime) -> list[ChannelAlarm]:
    """Looks at every outlet and form that brings enough to be judged; returns the alarms that were raised."""
    end = _slot_number(at)
    counts = {
        tag: {_slot_number(slot): times for slot, times in by_slot.items()}
        for tag, by_slot in queries.counts_since(at - _HISTORY).items()
    }
    whole = _added(counts.values())
    raised = []
    for outlet_tag in sorted({rules.read_tag(tag)[0] for tag in counts} - {0}):
        mine = {tag: by_slot for tag, by_slot in counts.items() if rules.read_tag(tag)[0] == outlet_tag}
        of_outlet = _added(mine.values())
        others = health.series_of(_less(whole, of_outlet), end)
        raised += _judge(outlet_tag, mine, of_outlet, others, end)
    return [alarm for alarm in raised if alarm is not None]


_HISTORY = rules.SLOT * health.HISTORY_SLOTS


def _judge(
    outlet_tag: int, mine: dict[int, dict[int, int]], of_outlet: dict[int, int], others: health.Series, end: int
) -> list[ChannelAlarm | None]:
    """Each form by itself; where none is used enough for that, the outlet as a whole, by the form it hands out."""
    found: list[ChannelAlarm | None] = []
    for tag, by_slot in sorted(mine.items()):
        drop = health.drop(health.series_of(by_slot, end), end, others)
        if drop is not None:
            found.append(raise_alarm(outlet_tag=outlet_tag, form=rules.read_tag(tag)[1], drop=drop))
    if found:
        return found
    drop = health.drop(health.series_of(of_outlet, end), end, others)
    outlet = Outlet.objects.filter(tag=outlet_tag, is_retired=False).first()
    if drop is None or outlet is None:
        return []
    return [raise_alarm(outlet_tag=outlet_tag, form=_handed_out(outlet), drop=drop)]


def _added(many: Iterable[dict[int, int]]) -> dict[int, int]:
    total: dict[int, int] = {}
    for by_slot in many:
        for slot, times in by_slot.items():
            total[slot] = total.get(slot, 0) + times
    return total


def _less(whole: dict[int, int], part: dict[int, int]) -> dict[int, int]:
    return {slot: times - part.get(slot, 0) for slot, times in whole.items()}


def _slot_number(moment: datetime) -> int:
    return (moment - rules.SLOT_EPOCH) // rules.SLOT


def _handed_out(outlet: Outlet) -> str:
    return rules.default_of(allows_of(outlet), outlet.default_form, paused_forms(outlet.pk)) or ""


def _note(outlet: Outlet, before: dict[str, Any], form_before: str, by: Actor, *, is_automatic: bool = False) -> None:
    """Keeps the change where creators read it, and tells it where another form is handed out from now on."""
    after, form_after = _facts(outlet), _handed_out(outlet)
    if before == after and form_before == form_after:
        return
    made = OutletChange.objects.create(
        outlet=outlet, at=clock.now(), by_id=by.person_id, before=before, after=after, form_before=form_before,
        form_after=form_after, is_automatic=is_automatic,
    )  # fmt: skip
    if form_before != form_after:
        emit(OutletChanged(outlet.pk, form_after, form_before, made.pk))


def _facts(outlet: Outlet) -> dict[str, Any]:
    return {name: getattr(outlet, name) for name in CHANGEABLE}


def _names(given: dict[str, Any]) -> dict[str, str]:
    wanted = [field for field in ("name_en", "name_zh") if field in given]
    names: dict[str, str] = {field: " ".join(str(given[field]).split()) for field in wanted}
    for field, name in names.items():
        if not 1 <= len(name) <= 60:
            raise Refusal("malformed", field=field, why="1 to 60 characters")
    return names


def _require_operator(by: Actor) -> None:
    if by.kind != "system" and not (by.person_id and accounts.is_operator(by.person_id)):
        raise Refusal("forbidden")
