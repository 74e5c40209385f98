"""Tables of the rule engine: drafts, detectors, occurrences, sanctions, cases, the seal; words apart from decisions."""

import django.contrib.postgres.fields
import django.db.models.deletion
import meadow.governance.models.cases
import meadow.governance.models.rulebook
import meadow.governance.models.sanctions
import meadow.kernel.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('governance', '0002_append_only'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Case',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.cases.new_case_id, editable=False, max_length=32, unique=True)),
                ('kind', models.CharField(max_length=20)),
                ('key', models.CharField(max_length=120)),
                ('subject_kind', models.CharField(blank=True, max_length=40)),
                ('subject_id', models.BigIntegerField(null=True)),
                ('rule_id', models.CharField(blank=True, max_length=60)),
                ('weight', models.PositiveIntegerField(default=1)),
                ('state', models.CharField(default='open', max_length=10)),
                ('opened_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('closed_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='CaseMember',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('party_kind', models.CharField(max_length=40)),
                ('party_id', models.BigIntegerField()),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='DecisionText',
            fields=[
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='words', serialize=False, to='governance.decision')),
                ('salt', models.UUIDField()),
                ('reason', models.TextField()),
                ('reason_zh', models.TextField(blank=True)),
                ('inputs', models.JSONField(default=dict)),
                ('erased_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Detector',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('detector_id', models.CharField(max_length=60)),
                ('version', models.PositiveIntegerField()),
                ('event_type', models.CharField(max_length=24)),
                ('condition', models.TextField()),
                ('action', models.CharField(max_length=8)),
                ('layer', models.CharField(default='rule', max_length=16)),
                ('reason_en', models.CharField(max_length=300)),
                ('reason_zh', models.CharField(max_length=300)),
                ('violation', models.CharField(blank=True, max_length=24)),
                ('severity', models.CharField(blank=True, max_length=12)),
                ('examples', models.JSONField(default=list)),
                ('written_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('state', models.CharField(default='draft', max_length=8)),
                ('percent', models.PositiveSmallIntegerField(default=0)),
                ('changed_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('note', models.TextField(blank=True)),
            ],
        ),
        migrations.CreateModel(
            name='DetectorChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('stamp', models.BigIntegerField(unique=True)),
                ('from_state', models.CharField(max_length=8)),
                ('to_state', models.CharField(max_length=8)),
                ('percent', models.PositiveSmallIntegerField(default=0)),
                ('note', models.TextField(blank=True)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='DraftComment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.TextField()),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='Farewell',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('rules_as_of', models.DateTimeField()),
                ('state', models.CharField(default='leaving', max_length=8)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Occurrence',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('event_type', models.CharField(max_length=24)),
                ('subject_kind', models.CharField(max_length=40)),
                ('subject_id', models.BigIntegerField()),
                ('actor_kind', models.CharField(blank=True, max_length=40)),
                ('actor_id', models.BigIntegerField(default=0)),
                ('features', models.TextField()),
                ('content_key', models.BigIntegerField(null=True)),
                ('cluster_key', models.BigIntegerField(null=True)),
                ('ruleset', models.BigIntegerField()),
                ('outcome', models.CharField(max_length=8)),
                ('fired', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), null=True, size=None)),
            ],
        ),
        migrations.CreateModel(
            name='Report',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.cases.new_report_id, editable=False, max_length=32, unique=True)),
                ('rule_id', models.CharField(max_length=60)),
                ('text', models.TextField(blank=True)),
                ('cluster_key', models.BigIntegerField(null=True)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('outcome', models.CharField(blank=True, choices=[('upheld', 'upheld'), ('dismissed', 'dismissed')], max_length=10)),
            ],
        ),
        migrations.CreateModel(
            name='RuleAnswer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
            ],
        ),
        migrations.CreateModel(
            name='RuleDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.rulebook.new_draft_id, editable=False, max_length=32, unique=True)),
                ('rule_id', models.CharField(max_length=60)),
                ('jurisdiction', models.CharField(default='global', max_length=10)),
                ('title_en', models.CharField(max_length=200)),
                ('title_zh', models.CharField(max_length=200)),
                ('text_en', models.TextField()),
                ('text_zh', models.TextField()),
                ('why', models.TextField()),
                ('repeals', models.BooleanField(default=False)),
                ('shipped', models.PositiveIntegerField(null=True)),
                ('state', models.CharField(default='draft', max_length=12)),
                ('written_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('consulted_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='RulesetStamp',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('stamp', models.BigIntegerField(default=0)),
            ],
        ),
        migrations.CreateModel(
            name='Sanction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.governance.models.sanctions.new_sanction_id, editable=False, max_length=32, unique=True)),
                ('party_kind', models.CharField(max_length=40)),
                ('party_id', models.BigIntegerField()),
                ('grade', models.PositiveSmallIntegerField()),
                ('limits', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)),
                ('state', models.CharField(default='issued', max_length=8)),
                ('issued_at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('until', models.DateTimeField(null=True)),
                ('lifted_at', models.DateTimeField(null=True)),
                ('ended_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name='Seal',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('first_place', models.BigIntegerField()),
                ('last_place', models.BigIntegerField()),
                ('before', models.BinaryField(max_length=32, unique=True)),
                ('hash', models.BinaryField(max_length=32)),
                ('at', models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name='SealedDecision',
            fields=[
                ('place', models.BigIntegerField(primary_key=True, serialize=False)),
                ('digest', models.BinaryField(max_length=32)),
                ('words_digest', models.BinaryField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name='Unsealed',
            fields=[
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='governance.decision')),
                ('made_at', models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.CreateModel(
            name='Violation',
            fields=[
                ('decision', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='governance.decision')),
                ('party_kind', models.CharField(max_length=40)),
                ('party_id', models.BigIntegerField()),
                ('kind', models.CharField(max_length=24)),
                ('severity', models.CharField(max_length=12)),
                ('schedule', models.PositiveSmallIntegerField()),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('stake_minor', models.BigIntegerField(null=True)),
                ('stake_currency', models.CharField(blank=True, max_length=3)),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='decision',
            name='decision_action',
        ),
        migrations.AddField(
            model_name='decision',
            name='cause',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='decision',
            name='fired',
            field=models.JSONField(default=list),
        ),
        migrations.AddField(
            model_name='decision',
            name='layer',
            field=models.CharField(default='operator', max_length=16),
        ),
        migrations.AddField(
            model_name='decision',
            name='party_id',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='decision',
            name='party_kind',
            field=models.CharField(blank=True, max_length=40),
        ),
        migrations.AddField(
            model_name='rule',
            name='effective_from',
            field=models.DateTimeField(default=meadow.kernel.clock.now),
        ),
        migrations.AddField(
            model_name='rule',
            name='jurisdiction',
            field=models.CharField(default='global', max_length=10),
        ),
        migrations.AddField(
            model_name='rule',
            name='repeals',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='rule',
            name='shipped',
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddConstraint(
            model_name='rule',
            constraint=models.CheckConstraint(condition=models.Q(('effective_from__gte', models.F('published_at'))), name='rule_never_backdated'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(condition=models.Q(('state', 'closed'), _negated=True), fields=['-weight', 'id'], name='case_queue'),
        ),
        migrations.AddIndex(
            model_name='case',
            index=models.Index(fields=['subject_kind', 'subject_id'], name='case_of_subject'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('open', 'escalated', 'closed'))), name='case_state'),
        ),
        migrations.AddConstraint(
            model_name='case',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'closed'), _negated=True), fields=('kind', 'key'), name='case_one_open'),
        ),
        migrations.AddField(
            model_name='casemember',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='members', to='governance.case'),
        ),
        migrations.AddConstraint(
            model_name='decisiontext',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('reason', ''), _negated=True), ('erased_at__isnull', False), _connector='OR'), name='decision_reason'),
        ),
        migrations.AddField(
            model_name='detector',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.rule'),
        ),
        migrations.AddField(
            model_name='detector',
            name='written_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='decision',
            name='detector',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.detector'),
        ),
        migrations.AddField(
            model_name='detectorchange',
            name='detector',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.detector'),
        ),
        migrations.AddField(
            model_name='detectorchange',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='draftcomment',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='farewell',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.merchant'),
        ),
        migrations.AddField(
            model_name='farewell',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='farewell',
            name='refused',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.rule'),
        ),
        migrations.CreateModel(
            name='OccurrenceText',
            fields=[
                ('occurrence', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='words', serialize=False, to='governance.occurrence')),
                ('text', models.TextField(blank=True)),
                ('features', models.TextField(blank=True)),
                ('erase_at', models.DateTimeField()),
                ('erased_at', models.DateTimeField(null=True)),
            ],
        ),
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(fields=['event_type', 'at'], name='occurrence_by_time'),
        ),
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(fields=['actor_kind', 'actor_id', 'at'], name='occurrence_by_actor'),
        ),
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(condition=models.Q(('fired__isnull', False)), fields=['at'], name='occurrence_fired'),
        ),
        migrations.AddIndex(
            model_name='occurrence',
            index=models.Index(condition=models.Q(('cluster_key__isnull', False), ('content_key__isnull', False)), fields=['content_key', 'cluster_key', 'at'], name='occurrence_same_content'),
        ),
        migrations.AddConstraint(
            model_name='occurrence',
            constraint=models.CheckConstraint(condition=models.Q(('outcome__in', ('allow', 'note', 'warn', 'review', 'hold', 'block'))), name='occurrence_outcome'),
        ),
        migrations.AddField(
            model_name='casemember',
            name='occurrence',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.occurrence'),
        ),
        migrations.AddField(
            model_name='decision',
            name='occurrence',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.occurrence'),
        ),
        migrations.AddIndex(
            model_name='decision',
            index=models.Index(condition=models.Q(('party_id__isnull', False)), fields=['party_kind', 'party_id', '-id'], name='decision_of_party'),
        ),
        migrations.AddConstraint(
            model_name='decision',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ('suspend', 'restore', 'block_link', 'reverse', 'warn', 'review', 'hold', 'block', 'violation', 'limit', 'uphold'))), name='decision_action'),
        ),
        migrations.AddField(
            model_name='report',
            name='case',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reports', to='governance.case'),
        ),
        migrations.AddField(
            model_name='report',
            name='person',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ruleanswer',
            name='merchant',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.merchant'),
        ),
        migrations.AddField(
            model_name='ruleanswer',
            name='person',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='ruleanswer',
            name='rule',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.rule'),
        ),
        migrations.AddField(
            model_name='ruledraft',
            name='published',
            field=models.OneToOneField(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.rule'),
        ),
        migrations.AddField(
            model_name='ruledraft',
            name='written_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='draftcomment',
            name='draft',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='comments', to='governance.ruledraft'),
        ),
        migrations.AddConstraint(
            model_name='rulesetstamp',
            constraint=models.CheckConstraint(condition=models.Q(('id', 1)), name='ruleset_stamp_one_row'),
        ),
        migrations.AddField(
            model_name='sanction',
            name='decision',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddField(
            model_name='sealeddecision',
            name='decision',
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.decision'),
        ),
        migrations.AddIndex(
            model_name='violation',
            index=models.Index(fields=['party_kind', 'party_id', 'decision'], name='violation_of_party'),
        ),
        migrations.AddField(
            model_name='sanction',
            name='violation',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='governance.violation'),
        ),
        migrations.AddIndex(
            model_name='detector',
            index=models.Index(condition=models.Q(('state__in', ['shadow', 'partial', 'live'])), fields=['event_type'], name='detector_running'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.UniqueConstraint(fields=('detector_id', 'version'), name='detector_version_once'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'live')), fields=('detector_id',), name='detector_one_live'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'partial')), fields=('detector_id',), name='detector_one_partial'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('draft', 'shadow', 'partial', 'live', 'retired'))), name='detector_state'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.CheckConstraint(condition=models.Q(('action__in', ('note', 'warn', 'review', 'hold', 'block'))), name='detector_action'),
        ),
        migrations.AddConstraint(
            model_name='detector',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('percent__gte', 1), ('percent__lte', 99), ('state', 'partial')), models.Q(models.Q(('state', 'partial'), _negated=True), ('percent', 0)), _connector='OR'), name='detector_percent'),
        ),
        migrations.AddIndex(
            model_name='detectorchange',
            index=models.Index(fields=['detector', '-stamp'], name='detector_change_latest'),
        ),
        migrations.AddConstraint(
            model_name='farewell',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('leaving', 'stayed', 'left'))), name='farewell_state'),
        ),
        migrations.AddConstraint(
            model_name='farewell',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'stayed'), _negated=True), fields=('merchant',), name='farewell_once'),
        ),
        migrations.AddIndex(
            model_name='occurrencetext',
            index=models.Index(condition=models.Q(('erased_at__isnull', True)), fields=['erase_at'], name='occurrence_text_due'),
        ),
        migrations.AddConstraint(
            model_name='casemember',
            constraint=models.UniqueConstraint(fields=('case', 'party_kind', 'party_id'), name='case_member_once'),
        ),
        migrations.AddIndex(
            model_name='report',
            index=models.Index(fields=['person', '-id'], name='report_of_person'),
        ),
        migrations.AddConstraint(
            model_name='report',
            constraint=models.UniqueConstraint(fields=('case', 'person'), name='report_once'),
        ),
        migrations.AddConstraint(
            model_name='ruleanswer',
            constraint=models.UniqueConstraint(fields=('merchant', 'rule'), name='rule_answer_once'),
        ),
        migrations.AddIndex(
            model_name='ruledraft',
            index=models.Index(fields=['state', '-id'], name='rule_draft_by_state'),
        ),
        migrations.AddConstraint(
            model_name='ruledraft',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('draft', 'consultation', 'published', 'withdrawn'))), name='rule_draft_state'),
        ),
        migrations.AddConstraint(
            model_name='ruledraft',
            constraint=models.CheckConstraint(condition=models.Q(('state', 'published'), ('published__isnull', True), _connector='XOR'), name='rule_draft_published'),
        ),
        migrations.AddIndex(
            model_name='sanction',
            index=models.Index(condition=models.Q(('lifted_at__isnull', True), ('state__in', ['issued', 'appealed', 'upheld'])), fields=['party_kind', 'party_id'], name='sanction_in_force'),
        ),
        migrations.AddIndex(
            model_name='sanction',
            index=models.Index(condition=models.Q(('state__in', ['issued', 'upheld']), ('until__isnull', False)), fields=['until'], name='sanction_due'),
        ),
        migrations.AddConstraint(
            model_name='sanction',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('issued', 'appealed', 'upheld', 'expired', 'reversed'))), name='sanction_state'),
        ),
        migrations.AddConstraint(
            model_name='sanction',
            constraint=models.UniqueConstraint(condition=models.Q(('state', 'reversed'), _negated=True), fields=('violation',), name='sanction_one_per_violation'),
        ),
    ]
