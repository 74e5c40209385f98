"""Who owes something is found without looking at every account."""


from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0012_accounts_before_keys'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='account',
            index=models.Index(condition=models.Q(('name__endswith', ':receivable')), fields=['id'], name='ledger_account_debts'),
        ),
    ]
