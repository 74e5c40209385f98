"""Appeals, suspensions, the acts and filters of the queue; who holds a case; a stop of what is new alone."""

import datetime
import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.expressions
import meadow.governance.models.appeals
import meadow.governance.models.suspensions
import meadow.kernel.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('governance', '0005_words_apart'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Appeal',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.appeals.new_appeal_id, editable=False, max_length=32, unique=True)),
                ('round', models.PositiveSmallIntegerField()),
                ('party_kind', models.CharField(max_length=40)),
                ('party_id', models.BigIntegerField()),
                ('text', models.TextField(blank=True)),
                ('evidence', models.TextField(blank=True)),
                ('state', models.CharField(default='open', max_length=10)),
                ('opened_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('due_at', models.DateTimeField()),
                ('paused_for', models.CharField(blank=True, max_length=12)),
                ('paused_at', models.DateTimeField(null=True)),
                ('resume_by', models.DateTimeField(null=True)),
                ('overdue_at', models.DateTimeField(null=True)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('reason', models.TextField(blank=True)),
                ('reason_zh', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='AppealNote',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('said', 'said'), ('asked', 'asked'), ('paused', 'paused'), ('resumed', 'resumed'), ('lifted', 'lifted')], max_length=8)),
                ('pause', models.CharField(blank=True, max_length=12)),
                ('text', models.TextField(blank=True)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='CaseAct',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('act', models.CharField(max_length=10)),
                ('note', models.TextField(blank=True)),
                ('from_state', models.CharField(max_length=10)),
                ('to_state', models.CharField(max_length=10)),
                ('effects', models.JSONField(default=list)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('undone_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='SavedFilter',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=60)),
                ('query', models.JSONField(default=dict)),
            ],
        ),
        migrations.CreateModel(
            name='Suspension',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.suspensions.new_suspension_id, editable=False, max_length=32, unique=True)),
                ('subject_kind', models.CharField(max_length=40)),
                ('subject_id', models.BigIntegerField()),
                ('party_kind', models.CharField(blank=True, max_length=40)),
                ('party_id', models.BigIntegerField(null=True)),
                ('scope', models.CharField(max_length=8)),
                ('ground', models.CharField(max_length=8)),
                ('reason', models.TextField()),
                ('reason_zh', models.TextField(blank=True)),
                ('announced_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('starts_at', models.DateTimeField()),
                ('period_from', models.DateTimeField()),
                ('review_by', models.DateTimeField()),
                ('at_review', models.CharField(max_length=8)),
                ('state', models.CharField(default='announced', max_length=10)),
                ('due_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
                ('ending', models.CharField(blank=True, max_length=10)),
                ('end_reason', models.TextField(blank=True)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='decision_action',
        ),
        migrations.AddField(
            model_name='case',
            name='barred',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), default=list, size=None),
        ),
        migrations.AddField(
            model_name='case',
            name='decision',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='case',
            name='held_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='case',
            name='held_until',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('held_by__isnull', False)), fields=['held_by'], name='case_held_by'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('decision__isnull', False)), fields=['decision'], name='case_of_decision'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('held_by__isnull', True), ('held_until__isnull', True)), models.Q(('held_by__isnull', False), ('held_until__isnull', False), models.Q(('state', 'closed'), _negated=True)), _connector='OR'), name='case_held'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ('suspend', 'stop_new', 'restore', 'block_link', 'reverse', 'warn', 'review', 'hold', 'block', 'violation', 'limit', 'uphold'))), name='decision_action'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='decided_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='appeal',
            name='decision',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='outcome',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='appeal',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='appealnote',
            name='appeal',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='notes', to='governance.appeal'),
        ),
        migrations.AddField(
            model_name='appealnote',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='caseact',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acts', to='governance.case'),
        ),
        migrations.AddField(
            model_name='caseact',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='caseact',
            name='undone_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='savedfilter',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='suspension',
            name='asked_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='suspension',
            name='decision',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='suspension',
            name='ended_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='suspension',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.rule'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(condition=models.Q(('state', 'open')), fields=['due_at'], name='appeal_due'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(condition=models.Q(('state', 'paused')), fields=['resume_by'], name='appeal_resumes'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(fields=['party_kind', 'party_id', '-id'], name='appeal_of_party'),
        ),
        migrations.AddIndex(
            model_name='appeal',
            index=models.Index(condition=models.Q(('state__in', ('upheld', 'reversed'))), fields=['ended_at'], name='appeal_decided'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('open', 'paused', 'overdue', 'upheld', 'reversed', 'withdrawn'))), name='appeal_state'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.UniqueConstraint(fields=('decision', 'round'), name='appeal_round_once'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(('round__range', (1, 2))), name='appeal_rounds'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('paused_at__isnull', False), ('resume_by__isnull', False), ('state', 'paused'), ('paused_for__in', ['answer', 'evidence', 'third_party'])), models.Q(models.Q(('state', 'paused'), _negated=True), ('paused_at__isnull', True), ('paused_for', ''), ('resume_by__isnull', True)), _connector='OR'), name='appeal_pause'),
        ),
        migrations.AddConstraint(
            model_name='appeal',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('outcome__isnull', False), ('state__in', ('upheld', 'reversed')), models.Q(('reason', ''), _negated=True)), models.Q(('ended_at__isnull', False), ('outcome__isnull', True), ('state', 'withdrawn')), models.Q(('ended_at__isnull', True), ('outcome__isnull', True), ('state__in', ('open', 'paused', 'overdue'))), _connector='OR'), name='appeal_answer'),
        ),
        migrations.AddIndex(
            model_name='caseact',
            index=models.Index(fields=['person', '-id'], name='case_act_of_person'),
        ),
        migrations.AddConstraint(
            model_name='caseact',
            constraint=models.CheckConstraint(condition=models.Q(('act__in', ('approve', 'reject', 'escalate'))), name='case_act'),
        ),
        migrations.AddConstraint(
            model_name='savedfilter',
            constraint=models.UniqueConstraint(fields=('person', 'name'), name='saved_filter_once'),
        ),
        migrations.AddIndex(
            model_name='suspension',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='suspension_next'),
        ),
        migrations.AddIndex(
            model_name='suspension',
            index=models.Index(fields=['party_kind', 'party_id', '-id'], name='suspension_of_party'),
        ),
        migrations.AddIndex(
            model_name='suspension',
            index=models.Index(fields=['state', '-id'], name='suspension_by_state'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('announced', 'active', 'overdue', 'lifted', 'cancelled'))), name='suspension_state'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ('new', 'existing', 'all'))), name='suspension_scope'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('ground__in', ('policy', 'fraud', 'security', 'legal'))), name='suspension_ground'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('at_review__in', ('lift', 'escalate'))), name='suspension_at_review'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='suspension_reason'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('ground__in', ('fraud', 'security', 'legal')), ('starts_at__gte', models.F('announced_at'))), ('starts_at__gte', django.db.models.expressions.CombinedExpression(models.F('announced_at'), '+', models.Value(datetime.timedelta(days=7)))), _connector='OR'), name='suspension_notice'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('review_by__gt', models.F('period_from')), ('review_by__lte', django.db.models.expressions.CombinedExpression(models.F('period_from'), '+', models.Value(datetime.timedelta(days=30))))), name='suspension_review'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('decision__isnull', True), ('state__in', ('announced', 'cancelled'))), models.Q(('decision__isnull', False), ('state__in', ('active', 'overdue', 'lifted'))), _connector='OR'), name='suspension_begun'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('due_at__isnull', True), ('ended_at__isnull', False), ('ending__in', ('operator', 'review', 'appeal', 'reversed', 'cancelled')), ('state__in', ('lifted', 'cancelled'))), models.Q(('due_at__isnull', False), ('ended_at__isnull', True), ('ending', ''), ('state__in', ('announced', 'active', 'overdue'))), _connector='OR'), name='suspension_ended'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.UniqueConstraint(condition=models.Q(('state__in', ('announced', 'active', 'overdue'))), fields=('subject_kind', 'subject_id', 'scope'), name='suspension_one_of_scope'),
        ),
    ]
