"""Adds what creators report of channels that block, and why an alarm was raised."""

import django.db.models.deletion
import meadow.kernel.clock
import meadow.sharing.models
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_creator_face'),
        ('sharing', '0005_landing'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ChannelReport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_id', models.CharField(default=meadow.sharing.models.new_report_id, editable=False, max_length=32, unique=True)),
                ('form', models.CharField(max_length=8)),
                ('note', models.CharField(blank=True, max_length=300)),
                ('at', models.DateTimeField(default=meadow.kernel.clock.now)),
                ('day', models.DateField()),
            ],
        ),
        migrations.AddField(
            model_name='channelalarm',
            name='cause',
            field=models.CharField(default='drop', max_length=8),
        ),
        migrations.AddConstraint(
            model_name='channelalarm',
            constraint=models.CheckConstraint(condition=models.Q(('cause__in', ('drop', 'reports'))), name='alarm_cause'),
        ),
        migrations.AddField(
            model_name='channelreport',
            name='creator',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.creator'),
        ),
        migrations.AddField(
            model_name='channelreport',
            name='outlet',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='sharing.outlet'),
        ),
        migrations.AddIndex(
            model_name='channelreport',
            index=models.Index(models.F('outlet'), models.OrderBy(models.F('at'), descending=True), name='report_of_outlet'),
        ),
        migrations.AddConstraint(
            model_name='channelreport',
            constraint=models.CheckConstraint(condition=models.Q(('form__in', ('link', 'text', 'digits', 'qr', 'poster', 'card'))), name='report_form'),
        ),
        migrations.AddConstraint(
            model_name='channelreport',
            constraint=models.UniqueConstraint(models.F('outlet'), models.F('form'), models.F('creator'), models.F('day'), name='report_once_a_day'),
        ),
    ]
