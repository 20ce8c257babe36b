"""Sign-ons and organisations that are combined, and separated again; whoever sees the entries sees that."""

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

GROUPS = ["coordinator", "letter coordinator", "observer"]


def grant(apps, schema_editor):
    of, _created = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="signatories", model="merge"
    )
    granted, _created = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=of, codename="view_merge", defaults={"name": "Can view merge"}
    )
    # Somebody may have removed or renamed a group: then it gets nothing.
    for group in apps.get_model("auth", "Group").objects.filter(name__in=GROUPS):
        group.permissions.add(granted)


def take_back(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="signatories", codename="view_merge"
    ).delete()


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0001_letters_editions_listings'),
        ('signatories', '0012_letter_coordinators'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='when')),
                ('undone_at', models.DateTimeField(null=True, verbose_name='separated again')),
                ('moved', models.JSONField(default=dict)),
            ],
            options={
                'verbose_name': 'merge',
                'verbose_name_plural': 'merges',
                'ordering': ('-at', '-pk'),
            },
        ),
        migrations.AddField(
            model_name='organization',
            name='merged_into',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merged_organizations', to='signatories.organization', verbose_name='combined with'),
        ),
        migrations.AddField(
            model_name='signatory',
            name='merged_into',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merged_entries', to='signatories.signatory', verbose_name='combined with'),
        ),
        migrations.AlterField(
            model_name='message',
            name='kind',
            field=models.CharField(choices=[('confirm', 'Please confirm'), ('standing', 'Where things stand'), ('received', 'Received'), ('delayed', 'It takes longer'), ('approved', 'Approved'), ('returned', 'Returned for changes'), ('rejected', 'Rejected'), ('withdrawn', 'Withdrawn'), ('corrected', 'Correction settled'), ('vouch', 'Question to the organisation'), ('combined', 'Combined with another, or separated again'), ('waiting', 'To coordinators: something waits')], max_length=10, verbose_name='message'),
        ),
        migrations.AddConstraint(
            model_name='signatory',
            constraint=models.CheckConstraint(condition=models.Q(('merged_into__isnull', True), ('state', 'withdrawn'), _connector='OR'), name='merged_signatory_is_withdrawn'),
        ),
        migrations.AddField(
            model_name='merge',
            name='merged',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merges_away', to='signatories.signatory', verbose_name='sign-on combined with it'),
        ),
        migrations.AddField(
            model_name='merge',
            name='merged_organization',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merges_away', to='signatories.organization', verbose_name='organisation combined with it'),
        ),
        migrations.AddField(
            model_name='merge',
            name='organization',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merges', to='signatories.organization', verbose_name='organisation that stays'),
        ),
        migrations.AddField(
            model_name='merge',
            name='part_of',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='parts', to='signatories.merge'),
        ),
        migrations.AddField(
            model_name='merge',
            name='survivor',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='merges', to='signatories.signatory', verbose_name='sign-on that stays'),
        ),
        migrations.AddField(
            model_name='merge',
            name='undone_by',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='separated by'),
        ),
        migrations.AddField(
            model_name='merge',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='coordinator'),
        ),
        migrations.AddConstraint(
            model_name='merge',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged__isnull', False), ('merged_organization__isnull', True), ('organization__isnull', True), ('survivor__isnull', False)), models.Q(('merged__isnull', True), ('merged_organization__isnull', False), ('organization__isnull', False), ('survivor__isnull', True)), _connector='OR'), name='merge_of_two_of_a_kind'),
        ),
        migrations.RunPython(grant, take_back),
    ]
