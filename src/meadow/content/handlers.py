"""How posts, comments and pictures react to decisions about their creator or about themselves."""

from datetime import datetime

from meadow.content import queries, rules, services
from meadow.governance.services import register_faces, register_owner, register_texts
from meadow.kernel.events import CreatorClosed, DecisionMade, DecisionReversed
from meadow.kernel.outbox import handles

register_owner(rules.POST, queries.author_of)
register_faces(rules.POST, queries.post_faces, queries.post_id_of)
register_owner(rules.COMMENT_KIND, queries.author_of_comment)
register_faces(rules.COMMENT_KIND, queries.comment_faces, queries.comment_id_of)
register_owner(rules.PICTURE_KIND, queries.owner_of_picture)
register_faces(rules.PICTURE_KIND, queries.picture_faces, queries.picture_id_of)
register_texts(rules.POST, services.texts_of_posts)
register_texts(rules.COMMENT_KIND, services.texts_of_comments)


@handles(DecisionMade)
def on_decision(events: list[DecisionMade]) -> None:
    for event in events:
        if event.subject_kind not in rules.STOPPED:
            continue
        # What is held or waits for a look is not visible until somebody has let it pass.
        if event.action in ("suspend", "hold", "review"):
            services.stop(
                subject_kind=event.subject_kind,
                subject_id=event.subject_id,
                decision_id=event.decision_id,
                until=datetime.fromisoformat(event.until) if event.until else None,
            )
        elif event.action == "restore":
            services.lift_stops(
                subject_kind=event.subject_kind, subject_id=event.subject_id, decision_id=event.decision_id
            )


@handles(DecisionReversed)
def on_reversal(events: list[DecisionReversed]) -> None:
    for event in events:
        if event.subject_kind in rules.STOPPED:
            services.undo_decision(
                decision_id=event.decision_id, subject_kind=event.subject_kind, subject_id=event.subject_id
            )


@handles(CreatorClosed)
def on_creator_closed(events: list[CreatorClosed]) -> None:
    for event in events:
        services.end_all_of(creator_id=event.creator_id)
