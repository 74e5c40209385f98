"""Does each person get a merchant's message exactly once when the worker is killed while it delivers?"""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

from meadow.accounts import services as people
from meadow.accounts.models import Mail
from meadow.config.settings import CHECKOUT
from meadow.governance.models import ContactRecord
from meadow.governance.services import contact as contacts
from meadow.kernel import clock, sweeps
from meadow.kernel.audit import Actor
from meadow.messaging import queries, services
from meadow.messaging.models import Delivery, Message, Send

# Delivers as the worker does and is killed for good in the middle of the nth delivery or of the nth mail.
WORKER = """
import os, signal, sys, django
django.setup()
from meadow.kernel import clock, sweeps
from meadow.messaging.services import delivery, sends
where, count = sys.argv[1], int(sys.argv[2])

def dying(act):
    def wrapped(*given, **named):
        global count
        done = act(*given, **named)
        count -= 1
        if count == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done
    return wrapped

if where == "delivery":
    sends.deliver = dying(sends.deliver)  # the message is written, the delivery is not marked yet
else:
    from meadow.messaging import tasks
    tasks.deliver_due(100, clock.now())
    delivery.queries.said = dying(delivery.queries.said)  # the mail is written, not sent
sweeps.run_due(clock.now())
"""
AUDIENCE = 8


def _killed(own_address: str, where: str, count: int) -> int:
    """The signal that ended a worker."""
    environment = {
        **os.environ, "DATABASE_URL": own_address, "DJANGO_SETTINGS_MODULE": "meadow.config.django_settings",
        "PYTHONPATH": str(CHECKOUT / "src"),
    }  # fmt: skip
    command = [sys.executable, "-c", WORKER, where, str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode < 0, done.stderr
    return -done.returncode


def test_a8_2_a_worker_killed_between_accept_and_delivery_leaves_each_person_exactly_one(
    own_address: str, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "meadow.accounts.mail.SandboxMailBackend"
    sweeps.advance(clock.now().astimezone(UTC).replace(hour=4, minute=0) + timedelta(days=1))  # noon in Shanghai
    ada = people.add_person(email="ada@example.com", name="ada")
    shop, by = people.open_merchant(person_id=ada.pk, name="Green Ear"), Actor("person", ada.pk)
    audience = [people.add_person(email=f"bo{n}@example.com", name=f"bo{n}") for n in range(AUDIENCE)]
    for person in audience:
        contacts.set_stance(person_id=person.pk, stance="consent", party=("accounts.merchant", shop.pk))

    def send() -> Send:
        return services.send_marketing(
            merchant_id=shop.pk, client_msg_id="spring-1", title="Spring", text="Hello.",
            audience=[person.public_id for person in audience], by=by,
        )  # fmt: skip

    accepted = send()
    # Accepted is kept: killed in the third delivery, two people have it and nobody has half of it.
    assert _killed(own_address, "delivery", 3) == signal.SIGKILL
    assert Delivery.objects.filter(state="delivered").count() == Message.objects.count() == 2
    assert ContactRecord.objects.count() == 2
    # Sent again by a shop that heard no answer: the same send, and nothing new is delivered by it.
    assert send().pk == accepted.pk
    assert _killed(own_address, "mail", 2) == signal.SIGKILL
    assert Message.objects.count() == AUDIENCE
    sweeps.run_due(clock.now())
    assert send().pk == accepted.pk
    sweeps.run_due(clock.now())
    assert sorted(Message.objects.values_list("person_id", flat=True)) == sorted(person.pk for person in audience)
    assert sorted(Mail.objects.values_list("recipient", flat=True)) == sorted(person.email for person in audience)
    report = queries.report_of_send(accepted.public_id, person_id=ada.pk)
    assert (report.delivered, report.skipped, report.waiting) == (AUDIENCE, 0, 0)


def test_a8_2_the_same_id_gives_the_first_send_back_for_a_day_and_no_longer(transactional_db: None) -> None:
    ada = people.add_person(email="ada@example.com", name="ada")
    shop, by = people.open_merchant(person_id=ada.pk, name="Green Ear"), Actor("person", ada.pk)

    def send_at(moment: datetime) -> int:
        with clock.at(moment):
            return services.send_marketing(
                merchant_id=shop.pk, client_msg_id="1", title="Spring", text="Hello.", audience=[], by=by
            ).pk

    first, day = clock.now(), timedelta(days=1)
    sends = [send_at(moment) for moment in (first, first + day - timedelta(seconds=1), first + day, first + 2 * day)]
    assert sends[0] == sends[1]
    assert len({*sends[1:]}) == 3
