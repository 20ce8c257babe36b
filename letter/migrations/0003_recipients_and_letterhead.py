"""To whom a letter is handed over with their own name on it, and whose name stands at its top."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0002_coordinators_and_changes'),
    ]

    operations = [
        migrations.AddField(
            model_name='letter',
            name='letterhead',
            field=models.CharField(blank=True, help_text='At the top of the letter on paper: for example the coalition’s name.', max_length=200, verbose_name='letterhead'),
        ),
        migrations.CreateModel(
            name='Recipient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('position', models.PositiveIntegerField(verbose_name='position')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('title', models.CharField(blank=True, max_length=200, verbose_name='title')),
                ('salutation', models.CharField(blank=True, max_length=200, verbose_name='salutation')),
                ('country', models.CharField(blank=True, max_length=2, verbose_name='country')),
                ('language', models.CharField(blank=True, max_length=12, verbose_name='language')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='recipients', to='letter.letter')),
            ],
            options={
                'verbose_name': 'recipient',
                'verbose_name_plural': 'recipients',
                'ordering': ('letter', 'position'),
            },
        ),
    ]
