"""How somebody becomes known: guests, guests who claim their orders, people with an e-mail, their profile."""

import zoneinfo

from allauth.account.models import EmailAddress
from django.conf import settings
from django.core.mail import send_mail
from django.db import IntegrityError

from meadow.accounts import queries, rules
from meadow.accounts.models import ClaimCode, Person
from meadow.accounts.services.words import require_fit
from meadow.kernel import audit, clock, db, limits, rows
from meadow.kernel.db import atomic
from meadow.kernel.errors import Refusal
from meadow.kernel.events import GuestClaimed, PersonJoined
from meadow.kernel.outbox import emit


def make_guest(*, locale: str) -> Person:
    """A person without credentials, so that somebody may buy without an account.  Refuses: malformed."""
    guest = Person(is_guest=True, locale=_locale(locale), created_at=clock.now())
    guest.set_unusable_password()
    rows.add(guest)
    return guest


def add_person(*, email: str, name: str = "", locale: str = "zh-hans", password: str | None = None) -> Person:
    """A person whose e-mail is known to be theirs, such as those of the sample.  Refuses: malformed, email_taken."""
    address = rules.clean_email(email)
    newcomer = Person(email=address, locale=_locale(locale), created_at=clock.now())
    newcomer.name = rules.clean_name(name) if name else ""
    newcomer.set_password(password)  # None makes it unusable: they sign in by e-mail code
    try:
        with atomic():
            newcomer.save(force_insert=True)
            EmailAddress.objects.create(user=newcomer, email=address, verified=True, primary=True)
            emit(PersonJoined(newcomer.pk))
    except IntegrityError as error:
        raise Refusal("email_taken") from error
    return newcomer


def send_claim_code(*, guest_id: int, email: str, address: str = "") -> None:
    """Mails a guest the code that turns them into a person with an account.

    Call it outside a transaction.  Refuses: malformed, not_found, guest_only, rate_limited, unavailable.
    """
    recipient = rules.clean_email(email)
    guest = queries.person(guest_id)
    if not guest.is_guest or guest.claimed_by_id:
        raise Refusal("guest_only")
    hit_limits({"code_mail_email": recipient, "code_mail_address": address})
    code, now = rules.new_code(groups=2), clock.machine_now()
    with atomic():
        ClaimCode.objects.update_or_create(
            guest=guest,
            defaults={
                "email": recipient,
                "code_hash": rules.code_hash(rules.typed_code(code)),
                "sent_at": now,
                "expires_at": now + rules.CLAIM_CODE_LIFE,
                "tries": 0,
            },
        )
    # Mail leaves after the code is stored, so a slow mail server holds no lock.
    subject, text = rules.CLAIM_MAIL[guest.locale]
    try:
        send_mail(subject.format(code=code), text.format(code=code), settings.DEFAULT_FROM_EMAIL, [recipient])
    except OSError as error:
        raise Refusal("unavailable") from error


def claim_guest(*, guest_id: int, code: str) -> Person:
    """Turns a guest whose mailed code is right into a person, or hands their orders to the person of that e-mail.

    Call it outside a transaction: a wrong try must be counted although it is refused.  Refuses: code_wrong.
    """
    row = db.one(
        "UPDATE accounts_claimcode SET tries = tries + 1 WHERE guest_id = %s AND tries < %s AND expires_at > %s "
        "RETURNING email, code_hash",
        [guest_id, rules.CLAIM_TRIES, clock.machine_now()],
    )
    if row is None or not rules.same_hash(row["code_hash"], rules.code_hash(rules.typed_code(code))):
        raise Refusal("code_wrong")
    try:
        return _claim(guest_id, row["email"], row["code_hash"])
    except IntegrityError:
        # Somebody signed up with this e-mail between the look and the write: now there is a person to hand it to.
        return _claim(guest_id, row["email"], row["code_hash"])


def attach_guest(*, guest_id: int, person_id: int) -> None:
    """Hands a guest's orders to a person who proved to the door that they are the guest.  Refuses: not_found."""
    with atomic():
        people = _locked(guest_id, person_id)
        _hand_over(people.get(guest_id), people.get(person_id))


def change_profile(
    *,
    person_id: int,
    name: str | None = None,
    locale: str | None = None,
    time_zone: str | None = None,
    phone: str | None = None,
) -> Person:
    """Changes what is given and leaves the rest; an empty phone is forgotten.

    Refuses: not_found, malformed, text_refused, link_blocked.
    """
    changes: dict[str, str] = {}
    if name is not None:
        changes["name"] = rules.clean_name(name)
        require_fit(changes["name"], person_id=person_id)
    if locale is not None:
        changes["locale"] = _locale(locale)
    if time_zone is not None:
        if time_zone not in zoneinfo.available_timezones():
            raise Refusal("malformed", field="time_zone", why="name a zone such as Asia/Shanghai")
        changes["time_zone"] = time_zone
    if phone is not None:
        changes["phone"] = rules.clean_phone(phone) if phone.strip() else ""
    with atomic():
        if changes:
            Person.objects.filter(pk=person_id).update(**changes)
        return queries.person(person_id)


def set_payout_identity(*, person_id: int, provider: str, account: str, by: audit.Actor) -> None:
    """Remembers, as a keyed digest, which outside account a person is paid to.  Refuses: malformed, not_found."""
    if not account.strip():
        raise Refusal("malformed", field="account", why="name the account that is paid")
    digest = rules.identity_digest(f"payout:{provider}", account, settings.SECRET_KEY)
    with atomic():
        if not Person.objects.filter(pk=person_id).update(payout_identity=digest):
            raise Refusal("not_found")
        audit.record(by, "set_payout_identity", ("accounts.person", person_id), after={"provider": provider})


def hit_limits(keys: dict[str, str]) -> None:
    """Counts one act against each named limit whose key is known.  Refuses: rate_limited."""
    for name, key in keys.items():
        if key:
            rate = rules.LIMITS[name]
            limits.hit(f"accounts.{name}", key, per=rate.per, burst=rate.burst)


def _claim(guest_id: int, email: str, code_hash: str) -> Person:
    with atomic():
        owner_id = Person.objects.filter(email=email).values_list("pk", flat=True).first()
        people = _locked(guest_id, owner_id or guest_id)
        # The code is spent in the same transaction, so two tabs claim once; the second is told that it is used.
        if not ClaimCode.objects.filter(guest_id=guest_id, code_hash=code_hash).delete()[0]:
            raise Refusal("code_wrong")
        guest = people[guest_id]
        if owner_id is None:
            return _promote(guest, email)
        owner = people[owner_id]
        # Nobody can have set a password before the e-mail was verified, so verifying it here lets no stranger in.
        if EmailAddress.objects.filter(user=owner, email=email, verified=False).update(verified=True):
            EmailAddress.objects.filter(user=owner, email=email).update(primary=True)
        _hand_over(guest, owner)
        return owner


def _promote(guest: Person, email: str) -> Person:
    """The guest becomes a person; the row stays the same, so their orders are already theirs."""
    if not guest.is_guest or guest.claimed_by_id:
        raise Refusal("guest_only")
    guest.is_guest, guest.email = False, email
    guest.save(update_fields=["is_guest", "email"])
    EmailAddress.objects.create(user=guest, email=email, verified=True, primary=True)
    emit(PersonJoined(guest.pk))
    return guest


def _hand_over(guest: Person | None, owner: Person | None) -> None:
    if guest is None or owner is None or owner.is_guest or not owner.is_active or guest.pk == owner.pk:
        raise Refusal("not_found")
    if guest.claimed_by_id == owner.pk:
        return
    if not guest.is_guest or guest.claimed_by_id:
        raise Refusal("not_found")
    guest.claimed_by, guest.is_active = owner, False
    guest.save(update_fields=["claimed_by", "is_active"])
    audit.record(
        audit.Actor("person", owner.pk), "claim_guest", ("accounts.person", guest.pk), after={"claimed_by": owner.pk}
    )
    emit(GuestClaimed(guest.pk, owner.pk))


def _locked(*person_ids: int) -> dict[int, Person]:
    """The people, locked in the order of their ids so that two claims cannot wait for each other."""
    found = Person.objects.select_for_update(no_key=True).filter(pk__in=person_ids).order_by("pk")
    return {person.pk: person for person in found}


def _locale(locale: str) -> str:
    """Any tag that begins with zh is zh-hans, everything else en.  Refuses: malformed."""
    if not locale or len(locale) > 35:
        raise Refusal("malformed", field="locale", why="use zh-hans or en")
    return "zh-hans" if locale.lower().startswith("zh") else "en"
