"""Which table holds the partners whose links are allowed."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from meadow.kernel.clock import now
from meadow.kernel.ids import new_id


def new_partner_id() -> str:
    return new_id("prt")


class Partner(models.Model):
    """A shop platform whose product links may be posted, with the contract that makes it answer for the goods."""

    public_id = models.CharField(max_length=32, unique=True, default=new_partner_id, editable=False)
    name = models.CharField(max_length=120, unique=True)
    hosts = ArrayField(models.CharField(max_length=253))
    product_patterns = ArrayField(models.CharField(max_length=300))
    contract = models.TextField(blank=True)
    after_sale_contact = models.CharField(max_length=254)
    active = models.BooleanField(default=True)
    since = models.DateTimeField(default=now)
    ended_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name
