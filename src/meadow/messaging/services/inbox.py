"""What a person does with their inbox."""

from meadow.kernel import clock
from meadow.kernel.errors import Refusal
from meadow.messaging.models import Message


def mark_read(*, message_id: str, person_id: int) -> Message:
    """Marks a message of one's own as read; twice is once.  Refuses: not_found."""
    mine = Message.objects.filter(public_id=message_id, person_id=person_id)
    mine.filter(read_at__isnull=True).update(read_at=clock.now())
    found = mine.first()
    if found is None:
        raise Refusal("not_found")
    return found
