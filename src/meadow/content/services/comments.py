"""How somebody comments on a post, and takes it back."""

from datetime import timedelta

from meadow.accounts import queries as accounts
from meadow.content import rules
from meadow.content.models import Comment, Recommendation
from meadow.content.services.standing import hide_at_once
from meadow.governance import queries as governance
from meadow.governance.queries import contact
from meadow.governance.services import (
    TextSurface,
    hold_text,
    judge_words,
    next_id,
    require_allowed,
    require_links,
    require_text,
)
from meadow.kernel import clock, db, limits
from meadow.kernel.db import atomic, move
from meadow.kernel.errors import Refusal


def post_comment(*, recommendation_id: int, person_id: int, text: str) -> Comment:
    """Says something below a post.  What should be looked at first is seen by its author alone until somebody has.

    Refuses: not_found, malformed, comments_closed, comment_refused, feature_suspended, limited, rate_limited,
    link_blocked, text_refused, sign_in_required.
    """
    post = _open_post(recommendation_id)
    words = rules.check_length("text", text, rules.LIMITS["comment_most_characters"])
    if not rules.plain(words):
        raise Refusal("malformed", field="text", why="write something")
    writer = accounts.person(person_id)
    if writer.is_guest or not writer.is_active:
        raise Refusal("sign_in_required")
    _require_welcome(post, person_id)
    governance.require_feature("posting")
    has_links = bool(governance.links_in_text(words))
    require_allowed(parties=governance.parties_of(person_id), act="links" if has_links else "post")
    limits.hit("content.comments", str(person_id), per=timedelta(hours=1), burst=rules.LIMITS["comments_an_hour"])
    # Before the transaction, so that the record of what was blocked outlives the refusal.
    author = ("accounts.person", person_id)
    require_links(surface="comment", subject=author, text=words)
    verdict = require_text(surface=TextSurface.COMMENT, text=words, subject=author)
    if (known := _same(post, person_id, words)) is not None:
        return known
    comment_id = next_id("content_comment")
    heard = judge_words(
        event_type="text", surface=TextSurface.COMMENT, words=words, subject=(rules.COMMENT_KIND, comment_id),
        actor=author, verdict=verdict, among=f"creator:{post.creator_id}",
    )  # fmt: skip
    with atomic():
        db.execute("SELECT pg_advisory_xact_lock(hashtextextended('content:comment', %s))", [person_id])
        if (known := _same(post, person_id, words)) is not None:
            return known
        made = Comment.objects.create(
            pk=comment_id,
            recommendation=post,
            author_id=person_id,
            author_name=writer.name[:80],
            text=words,
            at=clock.now(),
        )
        if verdict.verdict == "review":
            subject = (rules.COMMENT_KIND, made.pk)
            held = hold_text(verdict=verdict, surface=TextSurface.COMMENT, subject=subject)
            hide_at_once(subject=subject, decision_id=held.pk)
        if heard.decision_id is not None:
            hide_at_once(subject=(rules.COMMENT_KIND, made.pk), decision_id=heard.decision_id)
        made.refresh_from_db()
    return made


def withdraw_comment(*, comment_id: str, person_id: int) -> None:
    """Its author takes a comment back, and its words are gone; twice is once.  Refuses: not_found."""
    with atomic():
        found = Comment.objects.select_for_update().filter(public_id=comment_id, author_id=person_id).first()
        if found is None:
            raise Refusal("not_found")
        if found.state != "withdrawn":
            move(found, rules.COMMENT, "withdraw", text="")


def _same(post: Recommendation, person_id: int, words: str) -> Comment | None:
    """The same words by the same person just now: a second tap, not a second comment."""
    since = clock.now() - rules.SAME_COMMENT_WITHIN
    return Comment.objects.filter(recommendation=post, author_id=person_id, text=words, at__gt=since).first()


def _open_post(recommendation_id: int) -> Recommendation:
    post = Recommendation.objects.filter(pk=recommendation_id).first()
    if post is None or post.state in ("hidden", "taken_down"):
        raise Refusal("not_found")
    if post.state == "ended":
        raise Refusal("comments_closed")
    return post


def _require_welcome(post: Recommendation, person_id: int) -> None:
    """Whom the post's author has blocked says nothing below it.  Refuses: comment_refused."""
    author_id = accounts.person_of_creator(post.creator_id)
    if author_id is not None and contact.has_stance(author_id, "block", governance.parties_of(person_id)):
        raise Refusal("comment_refused")
