"""How somebody proves once more that it is they who ask, before money goes elsewhere: a mailed code, then a signed proof."""

from django.conf import settings
from django.core.mail import send_mail

from meadow.accounts import queries, rules
from meadow.accounts.models import PresenceCode
from meadow.accounts.services.people import hit_limits
from meadow.kernel import audit, clock, db
from meadow.kernel.audit import Actor
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.signing import sign


def send_presence_code(*, person_id: int, address: str = "") -> None:
    """Mails a person the code.  Call it outside a transaction.  Refuses: not_found, rate_limited, unavailable."""
    person = queries.person(person_id)
    if not person.email:
        raise Refusal("not_found")
    hit_limits({"code_mail_email": person.email, "code_mail_address": address})
    code = rules.new_code(groups=2)
    with atomic():
        PresenceCode.objects.update_or_create(
            person=person,
            defaults={
                "code_hash": rules.code_hash(rules.typed_code(code)), "tries": 0,
                "expires_at": clock.machine_now() + rules.PRESENCE_LIFE,
            },
        )  # fmt: skip
    subject, text = rules.PRESENCE_MAIL[person.locale]
    try:
        send_mail(subject.format(code=code), text.format(code=code), settings.DEFAULT_FROM_EMAIL, [person.email])
    except OSError as error:
        raise Refusal("unavailable") from error


def prove_presence(*, person_id: int, code: str) -> str:
    """The proof, good for some minutes, for the code; a code works once.

    Call it outside a transaction: a wrong try must be counted although it is refused.  Refuses: code_wrong.
    """
    now = clock.machine_now()
    row = db.one(
        "UPDATE accounts_presencecode SET tries = tries + 1 WHERE person_id = %s AND tries < %s AND expires_at > %s "
        "RETURNING code_hash",
        [person_id, rules.CLAIM_TRIES, now],
    )
    if row is None or not rules.same_hash(row["code_hash"], rules.code_hash(rules.typed_code(code))):
        raise Refusal("code_wrong")
    with atomic():
        if not PresenceCode.objects.filter(person_id=person_id, code_hash=row["code_hash"]).delete()[0]:
            raise Refusal("code_wrong")
        audit.record(Actor("person", person_id), "prove_presence", ("accounts.person", person_id))
    until = now + rules.PRESENCE_LIFE
    return sign({"p": person_id, "u": int(until.timestamp())}, queries.PRESENCE)
