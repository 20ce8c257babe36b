"""How many mails forms have sent to an address today is counted by keyed hashes, on all letters together."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('signatories', '0017_what_the_desk_looks_for'),
    ]

    operations = [
        migrations.CreateModel(
            name='MailAsked',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('address_hash', models.CharField(max_length=64)),
                ('at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['address_hash', 'at'], name='mail_asked_for')],
            },
        ),
    ]
