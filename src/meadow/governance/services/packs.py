"""How packs of terms are published, tried out on what stands, put in force, and applied to it."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from meadow.governance import queries
from meadow.governance.models import Decision, PackPreview, PackTerm, Scan
from meadow.governance.models import Pack as StoredPack
from meadow.governance.rules.lifecycles_texts import SCAN
from meadow.governance.rules.screening import Screen, TextVerdict, build_screen
from meadow.governance.rules.sounds import PACKS
from meadow.governance.rules.surfaces import TextSurface
from meadow.governance.rules.terms import SHIPPED, Pack, PackError, read_pack
from meadow.governance.services.decisions import announce, take_back
from meadow.governance.services.guards import require_operator
from meadow.governance.services.parties import Subject
from meadow.governance.services.queue import file_case
from meadow.governance.services.texts import record_verdict
from meadow.kernel import audit, clock
from meadow.kernel.audit import SYSTEM, Actor
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal

BATCH = 200
MOST_PREVIEWED = 500_000
SAMPLE = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """Something with a text that stands already, as its owner tells of it."""

    subject_id: int
    surface: TextSurface
    text: str
    category: str = ""
    region: str = ""
    merchant_id: int | None = None
    party: Subject | None = None


Reader = Callable[[int, int], Sequence[Standing]]
_readers: dict[str, Reader] = {}


def register_texts(kind: str, read: Reader) -> None:
    """An owner lets its texts be looked at again: read(after_id, limit) in the order of ids."""
    _readers[kind] = read


def publish_packs() -> int:
    """Stores every shipped version that is not stored yet; the first of a name is in force at once, a later one waits
    for an operator.  Returns how many were new.  Safe to run at every start."""
    fresh = 0
    for name in SHIPPED:
        body = (PACKS / f"{name}.toml").read_text("utf-8")
        fresh += _publish(read_pack(body), body, None)
    return fresh


def publish_pack(*, text: str, by: Actor) -> StoredPack:
    """An operator's own pack, or a new version of one.  Refuses: forbidden, pack_faulty, pack_exists."""
    require_operator(by)
    try:
        pack = read_pack(text)
    except PackError as error:
        raise Refusal("pack_faulty", why=str(error)[:300]) from error
    with atomic():
        known = StoredPack.objects.filter(name=pack.name).order_by("-version").first()
        if known is not None and known.version >= pack.version:
            raise Refusal("pack_exists", version=known.version)
        _publish(pack, text, by)
        made = queries.stored_pack(pack.name, pack.version)
        audit.record(by, "publish_pack", ("governance.pack", made.pk), after={"pack": str(made)})
    return made


def preview_pack(*, name: str, version: int, by: Actor) -> PackPreview:
    """What a version would do to all that stands: counts by kind, and a sample.  Changes nothing.

    Refuses: forbidden, not_found.
    """
    require_operator(by)
    stored = queries.stored_pack(name, version)
    screen = build_screen(_with(stored))
    counts: Counter[str] = Counter()
    sample: list[dict[str, Any]] = []
    for kind, standing in _everything():
        counts["looked_at"] += 1
        now = queries.judge_text(standing.surface, standing.text, **_asked(standing))
        then = queries.judge_text(standing.surface, standing.text, screen=screen, **_asked(standing))
        if now.verdict == then.verdict:
            continue
        counts[f"{kind}: {now.verdict} to {then.verdict}"] += 1
        if len(sample) < SAMPLE:
            sample.append(
                {
                    "kind": kind,
                    "id": standing.subject_id,
                    "from": now.verdict,
                    "to": then.verdict,
                    "reason": then.reason_en,
                }
            )
        if counts["looked_at"] >= MOST_PREVIEWED:
            break
    return PackPreview.objects.create(
        pack=stored, counts=dict(counts), sample=sample, at=clock.now(), person_id=by.person_id
    )


def put_in_force(*, name: str, version: int, by: Actor) -> Scan:
    """A version holds from now on, and all that stands is looked at again by the worker.

    Refuses: forbidden, not_found, preview_needed.
    """
    require_operator(by)
    stored = queries.stored_pack(name, version)
    if not PackPreview.objects.filter(pack=stored).exists():
        raise Refusal("preview_needed", pack=str(stored))
    with atomic():
        PackTerm.objects.create(name=name, pack=stored, since=clock.now(), person_id=by.person_id)
        audit.record(by, "put_pack_in_force", ("governance.pack", stored.pk), after={"pack": str(stored)})
        return _begin_scan()


def end_pack(*, name: str, by: Actor) -> Scan:
    """A pack holds no longer; what it alone kept away is shown again.  Refuses: forbidden, not_found."""
    require_operator(by)
    if not PackTerm.objects.filter(name=name).exists():
        raise Refusal("not_found")
    with atomic():
        PackTerm.objects.create(name=name, pack=None, since=clock.now(), person_id=by.person_id)
        audit.record(by, "end_pack", ("governance.packs", 1), after={"pack": name})
        return _begin_scan()


def scan_step(*, scan: Scan) -> None:
    """Looks at the next few texts; called by the worker's sweep until nothing is left."""
    kinds = sorted(_readers)
    kind = scan.kind or (kinds[0] if kinds else "")
    batch = _readers[kind](scan.after_id, BATCH) if kind in _readers else []
    screen = queries.screen_in_force()
    counts = Counter(scan.counts)
    for standing in batch:
        counts[_apply(kind, standing, screen)] += 1
    if len(batch) == BATCH:
        Scan.objects.filter(pk=scan.pk).update(kind=kind, after_id=batch[-1].subject_id, counts=dict(counts))
        return
    later = [other for other in kinds if other > kind]
    if later:
        Scan.objects.filter(pk=scan.pk).update(kind=later[0], after_id=0, counts=dict(counts))
        return
    move(scan, SCAN, "finish", counts=dict(counts), ended_at=clock.now())


def _publish(pack: Pack, body: str, by: Actor | None) -> int:
    with atomic():
        stored, fresh = StoredPack.objects.get_or_create(
            name=pack.name, version=pack.version,
            defaults={"digest": pack.digest, "body": body, "published_at": clock.now()},
        )  # fmt: skip
        if fresh and by is None and not PackTerm.objects.filter(name=pack.name).exists():
            PackTerm.objects.create(name=pack.name, pack=stored, since=clock.now())
    return int(fresh)


def _with(stored: StoredPack) -> tuple[Pack, ...]:
    """The packs in force with one of them replaced or added."""
    others = tuple(pack for pack in queries.packs_in_force() if pack.name != stored.name)
    return (*others, read_pack(stored.body))


def _everything() -> Iterator[tuple[str, Standing]]:
    for kind in sorted(_readers):
        after = 0
        while batch := _readers[kind](after, BATCH):
            yield from ((kind, standing) for standing in batch)
            after = batch[-1].subject_id


def _asked(standing: Standing) -> dict[str, Any]:
    return {"category": standing.category, "region": standing.region, "merchant_id": standing.merchant_id}


def _begin_scan() -> Scan:
    """One look at a time: a change during a scan begins it anew."""
    running = Scan.objects.select_for_update().filter(state="running").first()
    if running is not None:
        Scan.objects.filter(pk=running.pk).update(kind="", after_id=0, counts={}, due_at=clock.now())
        running.refresh_from_db()
        return running
    return Scan.objects.create(due_at=clock.now(), started_at=clock.now())


def _apply(kind: str, standing: Standing, screen: Screen) -> str:
    """Takes away what no longer may stand, holds what should be looked at, gives back what may stand again."""
    subject = (kind, standing.subject_id)
    verdict = queries.judge_text(standing.surface, standing.text, screen=screen, **_asked(standing))
    open_ones = queries.text_decisions_standing(subject)
    wanted = {"block": "suspend", "review": "review"}.get(verdict.verdict)
    if wanted is None:
        for decision in open_ones:
            take_back(decision, "The rules that hold now allow it.", SYSTEM)
        return "shown_again" if open_ones else "unchanged"
    if open_ones or queries.was_let_pass(subject, [hit.key for hit in verdict.hits]):
        return "unchanged"
    _act(subject, standing, verdict, wanted)
    return "taken_away" if wanted == "suspend" else "held"


def _act(subject: Subject, standing: Standing, verdict: TextVerdict, action: str) -> Decision:
    with atomic():
        made = record_verdict(
            verdict, action, surface=standing.surface, subject=subject, party=standing.party, more={"scan": True}
        )
        announce(made)
        if action == "review":
            file_case(
                kind="review", key=f"{subject[0]}:{subject[1]}:{made.pk}", subject=subject, rule_id=made.rule_id,
                decision_id=made.pk, members=[(standing.party, None)] if standing.party else [],
            )  # fmt: skip
    return made
