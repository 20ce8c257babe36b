"""The admin's list of mails sorts by an index, not by reading every mail there ever was."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0001_letters_editions_listings'),
        ('signatories', '0009_vouches_and_networks'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='message',
            index=models.Index(fields=['created_at', 'id'], name='message_newest'),
        ),
    ]
