"""Who brought a sign-on, who wants to hear more, names in other languages."""

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0004_deliveries_updates_logos_other_names'),
        ('signatories', '0014_spelling_reason'),
    ]

    operations = [
        migrations.AddField(
            model_name='correction',
            name='other_names',
            field=models.JSONField(blank=True, default=dict, verbose_name='names in other languages'),
        ),
        migrations.AddField(
            model_name='message',
            name='update',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='letter.update'),
        ),
        migrations.AddField(
            model_name='signatory',
            name='other_names',
            field=models.JSONField(blank=True, default=dict, verbose_name='names in other languages'),
        ),
        migrations.AddField(
            model_name='signatory',
            name='wants_updates',
            field=models.BooleanField(default=False, editable=False, verbose_name='wants updates by mail'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('confirm', 'Please confirm'), ('standing', 'Where things stand'), ('received', 'Received'), ('delayed', 'It takes longer'), ('approved', 'Approved'), ('returned', 'Returned for changes'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn'), ('corrected', 'Correction settled'), ('vouch', 'Question to the organisation'), ('combined', 'Combined with another, or separated again'), ('revised', 'The text was revised'), ('update', 'Update'), ('waiting', 'To coordinators: something waits')], max_length=10, verbose_name='message'),
        ),
        migrations.CreateModel(
            name='Partner',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=250, verbose_name='name')),
                ('code', models.SlugField(help_text='Small letters, digits and hyphens: for example “amnesty”. Everybody sees it.', max_length=40, validators=[django.core.validators.RegexValidator('^[a-z0-9]+(-[a-z0-9]+)*$', 'Use small letters, digits and hyphens.')], verbose_name='word in the link')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='made')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='partners', to='letter.letter', verbose_name='letter')),
            ],
            options={
                'verbose_name': 'partner link',
                'verbose_name_plural': 'partner links',
                'ordering': ('letter', 'name'),
            },
        ),
        migrations.AddField(
            model_name='signatory',
            name='partner',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='signatories', to='signatories.partner', verbose_name='came by the link of'),
        ),
        migrations.AddConstraint(
            model_name='partner',
            constraint=models.UniqueConstraint(fields=('letter', 'code'), name='partner_code_once_per_letter', violation_error_message='Another partner of this letter has that word.'),
        ),
    ]
