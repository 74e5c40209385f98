"""Which table holds the addresses that a person keeps."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_address_id() -> str:
    return new_id("adr")


class SavedAddress(models.Model):
    """An address that its owner wants to use again; what they delete is gone.  Orders keep a copy of their own."""

    public_id = models.CharField(max_length=32, unique=True, default=new_address_id, editable=False)
    person = models.ForeignKey("accounts.Person", models.PROTECT, related_name="+", db_index=False)
    address = models.JSONField()
    is_default = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("person", name="address_one_default", condition=Q(is_default=True)),
        ]
        indexes: ClassVar = [models.Index(fields=["person", "id"], name="address_of_person")]

    def __str__(self) -> str:
        return self.public_id
