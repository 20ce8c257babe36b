"""Who may work on a letter without having all, and what was changed about it by whom."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0001_letters_editions_listings'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='letter',
            options={'ordering': ('-created_at', '-pk'), 'permissions': (('all_letters', 'Can work on all letters'),), 'verbose_name': 'letter', 'verbose_name_plural': 'letters'},
        ),
        migrations.AddField(
            model_name='letter',
            name='coordinators',
            field=models.ManyToManyField(blank=True, help_text='Who may work on this letter without having all letters. What they may do there, their group says.', related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='coordinators'),
        ),
        migrations.CreateModel(
            name='LetterChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('field', models.CharField(max_length=20, verbose_name='field')),
                ('old', models.TextField(blank=True, verbose_name='before')),
                ('new', models.TextField(blank=True, verbose_name='after')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='changes', to='letter.letter')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
            ],
            options={
                'verbose_name': 'change',
                'verbose_name_plural': 'changes',
                'ordering': ('-at', 'pk'),
            },
        ),
    ]
