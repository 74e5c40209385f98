"""A key may be for a monitor: the scope watch reads metrics and nothing else."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_closing'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='apikey',
            name='key_scopes',
        ),
        migrations.AddConstraint(
            model_name='apikey',
            constraint=models.CheckConstraint(condition=models.Q(('scopes__contained_by', ['catalog', 'plans', 'content', 'share', 'buy', 'ship', 'money', 'operate', 'clock', 'watch'])), name='key_scopes'),
        ),
    ]
