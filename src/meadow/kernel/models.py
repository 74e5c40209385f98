"""The tables under the house: clock, outbox, dead letters, idempotent answers, limits, audit trail, heartbeats."""

from django.db import models


class ClockOffset(models.Model):
    """How far domain time runs ahead of machine time; one row, moved only on sandbox installations."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    offset_us = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="clock_one_row"),
            models.CheckConstraint(condition=models.Q(offset_us__gte=0), name="clock_never_back"),
        ]


class Lane(models.Model):
    """One of 64 queues of the outbox; locking a lane's row is the right to drain it."""

    lane = models.SmallIntegerField(primary_key=True)


class OutboxEvent(models.Model):
    """An event waiting for its handlers, written in the transaction that caused it."""

    lane = models.SmallIntegerField()
    subject = models.TextField()
    kind = models.TextField()
    body = models.JSONField()
    occurred_at = models.DateTimeField()
    emitted_at = models.DateTimeField()
    tries = models.SmallIntegerField(default=0)
    retry_at = models.DateTimeField(null=True)
    error = models.TextField(default="")

    class Meta:
        indexes = [
            models.Index(fields=["lane", "id"], name="outbox_lane"),
            models.Index(
                fields=["lane", "subject", "id"],
                name="outbox_failed",
                condition=models.Q(retry_at__isnull=False),
            ),
        ]


class DeadLetter(models.Model):
    """An event whose handlers failed too often; it can be seen and replayed."""

    subject = models.TextField()
    kind = models.TextField()
    body = models.JSONField()
    occurred_at = models.DateTimeField()
    died_at = models.DateTimeField()
    error = models.TextField()


class SweepFailure(models.Model):
    """A due row whose sweep raised; it is tried again later and does not hold up the others."""

    sweep = models.TextField()
    row_id = models.BigIntegerField()
    tries = models.IntegerField(default=1)
    retry_at = models.DateTimeField()
    error = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sweep", "row_id"], name="sweep_failure_once")]


class IdempotentAnswer(models.Model):
    """A stored 2xx answer, replayed for the same identity, path and key."""

    identity = models.TextField()
    path = models.TextField()
    key = models.CharField(max_length=255)
    body_hash = models.BinaryField(max_length=32)
    status = models.SmallIntegerField()
    content_type = models.TextField()
    content = models.BinaryField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["identity", "path", "key"], name="idempotent_once")]
        indexes = [models.Index(fields=["made_at"], name="idempotent_age")]


class RateLimit(models.Model):
    """When a limited key may act again: the theoretical arrival time of the generic cell rate algorithm."""

    name = models.TextField()
    key = models.TextField()
    arrival_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "key"], name="rate_limit_once")]


class AuditEntry(models.Model):
    """Who did what to which subject, and what it was before and after; append-only by trigger."""

    at = models.DateTimeField()
    actor_kind = models.CharField(max_length=16)
    person_id = models.BigIntegerField(null=True)
    key_id = models.BigIntegerField(null=True)
    verb = models.TextField()
    subject_kind = models.TextField()
    subject_id = models.BigIntegerField()
    before = models.JSONField(null=True)
    after = models.JSONField(null=True)

    class Meta:
        indexes = [models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_subject")]


class Heartbeat(models.Model):
    """When a process of the installation was last seen alive, in machine time."""

    name = models.TextField(primary_key=True)
    seen_at = models.DateTimeField()
    note = models.JSONField(default=dict)
