"""A suspension may stop only what would begin: shops and products can be stopped without being hidden."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_creator_face'),
        ('catalog', '0003_faces'),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name='product',
            name='product_state',
        ),
        migrations.RemoveConstraint(
            model_name='shop',
            name='shop_state',
        ),
        migrations.AddField(
            model_name='suspension',
            name='scope',
            field=models.CharField(default='all', max_length=4),
        ),
        migrations.AddConstraint(
            model_name='product',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('draft', 'on_sale', 'withdrawn', 'stopped', 'suspended'))), name='product_state'),
        ),
        migrations.AddConstraint(
            model_name='shop',
            constraint=models.CheckConstraint(condition=models.Q(('state__in', ('open', 'closed', 'stopped', 'suspended'))), name='shop_state'),
        ),
        migrations.AddConstraint(
            model_name='suspension',
            constraint=models.CheckConstraint(condition=models.Q(('scope__in', ('new', 'all'))), name='suspension_extent'),
        ),
    ]
