"""A send to many waits for a second person, or expires."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_creator_face'),
        ('messaging', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='send',
            name='confirm_by',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='send',
            name='confirmed_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='send',
            name='state',
            field=models.CharField(default='accepted', max_length=11),
        ),
        migrations.AddIndex(
            model_name='send',
            index=models.Index(condition=models.Q(('state', 'unconfirmed')), fields=['confirm_by'], name='send_unconfirmed'),
        ),
        migrations.AddConstraint(
            model_name='send',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('unconfirmed', 'accepted', 'expired'))), name='send_state'),
        ),
        migrations.AddConstraint(
            model_name='send',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('confirm_by__isnull', True), ('confirmed_by__isnull', True), ('state', 'accepted')), models.Q(('confirm_by__isnull', False), ('confirmed_by__isnull', False), ('state', 'accepted'), models.Q(('confirmed_by', models.F('by')), _negated=True)), models.Q(('confirm_by__isnull', False), ('confirmed_by__isnull', True), ('state__in', ['unconfirmed', 'expired'])), _connector='OR'), name='send_confirmed_by_other'),
        ),
    ]
