"""The registry of outside channels: what each lets through now, what it hands out, how much came by it, and its alarms."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from meadow.kernel import clock, db
from meadow.kernel.errors import Refusal
from meadow.sharing import rules
from meadow.sharing.models import ChannelAlarm, ChannelReport, Outlet, OutletChange
from meadow.sharing.rules import HERE, ORGANIC, UNKNOWN, Allows

NEWS_FOR = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class OutletView:
    """An outlet as it is now.  chosen is the operator's default form, default what is really handed out; paused are
    forms that an alarm holds back."""

    outlet_id: int
    public_id: str
    code: str
    tag: int
    name_en: str
    name_zh: str
    allows: Allows
    chosen: str
    default: str | None
    forms: tuple[str, ...]
    paused: tuple[str, ...]
    switches_itself: bool
    is_retired: bool
    version: int
    changed_at: datetime

    def name(self, language: str) -> str:
        return self.name_zh if language.startswith("zh") else self.name_en


@dataclass(frozen=True, slots=True)
class ReachRow:
    """What an outlet's form brought within a time: opened tokens, and clicks that may earn."""

    channel: str
    form: str
    resolves: int
    clicks: int


def outlets(*, with_retired: bool = False) -> list[OutletView]:
    """All outlets in the order of their tags.  Two statements."""
    wanted = Outlet.objects.order_by("tag")
    found = list(wanted if with_retired else wanted.filter(is_retired=False))
    paused = _paused()
    return [view_of(each, paused.get(each.pk, ())) for each in found]


def outlet(code: str, *, with_retired: bool = False) -> OutletView:
    """An outlet by its code, as of this moment.  Refuses: not_found."""
    found = Outlet.objects.filter(code=code).first()
    if found is None or (found.is_retired and not with_retired):
        raise Refusal("not_found")
    return view_of(found, _paused().get(found.pk, ()))


def view_of(of: Outlet, paused: tuple[str, ...] = ()) -> OutletView:
    allows = allows_of(of)
    return OutletView(
        outlet_id=of.pk, public_id=of.public_id, code=of.code, tag=of.tag, name_en=of.name_en, name_zh=of.name_zh,
        allows=allows, chosen=of.default_form, default=rules.default_of(allows, of.default_form, paused),
        forms=rules.forms_of(allows), paused=paused, switches_itself=of.switches_itself, is_retired=of.is_retired,
        version=of.version, changed_at=of.changed_at,
    )  # fmt: skip


def allows_of(of: Outlet) -> Allows:
    return Allows(
        of.clickable_link, of.text_token, of.picture, of.deep_link, of.may_induce, of.max_len, of.unit
    )  # fmt: skip


def paused_forms(outlet_id: int) -> tuple[str, ...]:
    """The forms of an outlet that an open alarm holds back."""
    return _paused().get(outlet_id, ())


def _paused() -> dict[int, tuple[str, ...]]:
    """Forms with an open alarm, per outlet that lets alarms switch it."""
    found: dict[int, tuple[str, ...]] = {}
    held = ChannelAlarm.objects.filter(state="open", outlet__switches_itself=True)
    for outlet_id, form in held.values_list("outlet_id", "form"):
        found[outlet_id] = (*found.get(outlet_id, ()), form)
    return found


def alarms(*, open_only: bool = False, limit: int = 50) -> list[ChannelAlarm]:
    """The newest alarms."""
    wanted = ChannelAlarm.objects.select_related("outlet").order_by("-raised_at", "-pk")
    return list((wanted.filter(state="open") if open_only else wanted)[:limit])


def outlet_changes(code: str, limit: int = 50) -> list[OutletChange]:
    """What was changed about an outlet, the newest first."""
    return list(OutletChange.objects.select_related("outlet").filter(outlet__code=code).order_by("-at", "-pk")[:limit])


def outlet_news(limit: int = 10) -> list[OutletChange]:
    """Which outlets hand out another form since a short while: what creators are told."""
    since = clock.now() - NEWS_FOR
    wanted = OutletChange.objects.select_related("outlet").filter(at__gte=since)
    changed = [change for change in wanted.order_by("-at", "-pk")[:200] if change.form_before != change.form_after]
    return changed[:limit]


def outlet_by_id(outlet_id: int) -> OutletView:
    """An outlet by its key, in use or not.  Refuses: not_found."""
    found = Outlet.objects.filter(pk=outlet_id).first()
    if found is None:
        raise Refusal("not_found")
    return view_of(found, paused_forms(found.pk))


def alarm(alarm_id: int) -> ChannelAlarm:
    """An alarm by its key.  Refuses: not_found."""
    found = ChannelAlarm.objects.select_related("outlet").filter(pk=alarm_id).first()
    if found is None:
        raise Refusal("not_found")
    return found


def channel_reports(limit: int = 50) -> list[ChannelReport]:
    """What creators said of channels that block, the newest first."""
    return list(ChannelReport.objects.select_related("outlet", "creator").order_by("-at", "-pk")[:limit])


def creators_using(outlet_id: int) -> list[int]:
    """Creators by whose links somebody came through this outlet lately, the newest first: whom its changes concern."""
    tag = Outlet.objects.values_list("tag", flat=True).get(pk=outlet_id)
    since = clock.now() - rules.USED_WITHIN
    rows = db.rows(
        "SELECT creator_id FROM sharing_click WHERE viewed_at >= %s AND tag = ANY(%s) GROUP BY creator_id "
        "ORDER BY max(viewed_at) DESC LIMIT %s",
        [since, [rules.tag_of(tag, form) for form in rules.FORMS], rules.LIMITS["creators_told"]],
    )
    return [row["creator_id"] for row in rows]


def channel_names() -> dict[int, str]:
    """The code of each outlet by its tag, retired ones too; for `channel_of`."""
    return dict(Outlet.objects.values_list("tag", "code"))


def channel_of(tag: int | None, names: Mapping[int, str]) -> tuple[str, str]:
    """(channel, form) behind a stored tag: an outlet's code, or here, unknown or organic.

    None: no click at all.  -1: a click on a surface of our own.  0, or a tag nobody gave out: nobody knows.
    """
    if tag is None:
        return ORGANIC, ""
    if tag < 0:
        return HERE, ""
    outlet_tag, form = rules.read_tag(tag)
    return (names[outlet_tag], form) if outlet_tag in names else (UNKNOWN, "")


def reach(since: datetime, until: datetime) -> list[ReachRow]:
    """What each channel's forms brought within a time, the busiest first."""
    rows = db.rows(
        "SELECT tag, sum(resolves)::bigint AS resolves, sum(clicks)::bigint AS clicks FROM sharing_reach "
        "WHERE slot >= %s AND slot < %s GROUP BY tag",
        [since, until],
    )
    names = channel_names()
    added: dict[tuple[str, str], tuple[int, int]] = {}
    for row in rows:
        channel = channel_of(row["tag"], names)
        resolves, clicks = added.get(channel, (0, 0))
        added[channel] = (resolves + row["resolves"], clicks + row["clicks"])
    found = [ReachRow(channel, form, *counts) for (channel, form), counts in added.items()]
    return sorted(found, key=lambda row: (-row.resolves - row.clicks, row.channel, row.form))


def counts_since(since: datetime) -> dict[int, dict[datetime, int]]:
    """Resolves and clicks per tag and slot of ten minutes, of everything that came by a known outlet."""
    rows = db.rows(
        "SELECT tag, slot, resolves + clicks AS n FROM sharing_reach WHERE slot >= %s AND tag > 0 ORDER BY tag", [since]
    )
    found: dict[int, dict[datetime, int]] = {}
    for row in rows:
        found.setdefault(row["tag"], {})[row["slot"]] = row["n"]
    return found
