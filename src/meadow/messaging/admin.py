"""What the operator sees of messages: that they went, never what was said between two people."""

from typing import ClassVar

from django.contrib import admin

from meadow.kernel.admin import ReadOnly
from meadow.messaging.models import Delivery, Send


@admin.register(Send)
class SendAdmin(ReadOnly):
    list_display = ("public_id", "merchant", "title", "audience", "at")
    list_select_related: ClassVar = ("merchant",)
    search_fields = ("=public_id",)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnly):
    list_display = ("send", "person", "state", "reason", "due_at")
    list_filter = ("state", "reason")
    list_select_related: ClassVar = ("send", "person")
