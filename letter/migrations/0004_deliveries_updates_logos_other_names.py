"""An edition handed over, dated notes, a logo, names in other languages, and which text a line stands under."""

import django.db.models.deletion
import django.utils.timezone
import letter.models
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0003_recipients_and_letterhead'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='other_names',
            field=models.JSONField(blank=True, default=dict, verbose_name='names in other languages'),
        ),
        migrations.AddField(
            model_name='listing',
            name='signed_text',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='text signed'),
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('to', models.CharField(help_text='Shown publicly: for example “the 193 permanent missions in New York”.', max_length=300, verbose_name='to whom')),
                ('delivered_on', models.DateField(verbose_name='when')),
                ('edition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='letter.edition', verbose_name='edition')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='deliveries', to='letter.letter', verbose_name='letter')),
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'ordering': ('letter', '-delivered_on', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='Logo',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('picture', models.BinaryField()),
                ('width', models.PositiveIntegerField()),
                ('height', models.PositiveIntegerField()),
                ('description', models.CharField(max_length=200, verbose_name='what the logo shows')),
                ('letter', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='logo', to='letter.letter')),
            ],
            options={
                'verbose_name': 'logo',
                'verbose_name_plural': 'logos',
            },
        ),
        migrations.CreateModel(
            name='Update',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created')),
                ('published_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='published')),
                ('changed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='changed')),
                ('mail_asked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('mailed_at', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='mailed')),
                ('letter', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='updates', to='letter.letter', verbose_name='letter')),
            ],
            options={
                'verbose_name': 'update',
                'verbose_name_plural': 'updates',
                'ordering': ('letter', '-created_at', '-pk'),
            },
        ),
        migrations.CreateModel(
            name='UpdateText',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(choices=letter.models.language_choices, default='en', max_length=12, verbose_name='language')),
                ('title', models.CharField(help_text='For example “Delivered to 193 missions”.', max_length=200, verbose_name='title')),
                ('body', models.TextField(blank=True, help_text='Markdown, as in the letter.', verbose_name='text')),
                ('update', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='texts', to='letter.update')),
            ],
            options={
                'verbose_name': 'text',
                'verbose_name_plural': 'texts',
                'ordering': ('pk',),
                'constraints': [models.UniqueConstraint(fields=('update', 'language'), name='update_has_one_text_per_language', violation_error_message='This update already has a text in that language.')],
            },
        ),
    ]
