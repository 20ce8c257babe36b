"""A mail that is being sent says since when, so that no other worker goes by its own clock alone."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0007_how_long_contacts_are_kept'),
        ('signatories', '0018_mails_asked_for'),
    ]

    operations = [
        migrations.AddField(
            model_name='message',
            name='claimed_at',
            field=models.DateTimeField(null=True, verbose_name='being sent since'),
        ),
        migrations.AddIndex(
            model_name='message',
            index=models.Index(condition=models.Q(('claimed_at__isnull', False)), fields=['claimed_at'], name='message_claimed'),
        ),
    ]
