"""Remember the likely duplicates of each entry; index all names anew, by letters from inside words too."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from signatories.likeness import keys_of

BATCH = 500


def index_names(apps, schema_editor):
    name_key = apps.get_model("signatories", "NameKey")
    name_key.objects.all().delete()
    other_names = {}
    for pk, name in apps.get_model("signatories", "Alias").objects.values_list(
        "organization_id", "name"
    ):
        other_names.setdefault(pk, []).append(name)
    for model, field in (("Organization", "organization_id"), ("Signatory", "signatory_id")):
        named = apps.get_model("signatories", model).objects.order_by("pk")
        rows = []
        for pk, name, website in named.values_list("pk", "name", "website"):
            keys = keys_of(name, website)
            if model == "Organization":
                keys.update(*map(keys_of, other_names.get(pk, [])))
            rows += [name_key(key=key, **{field: pk}) for key in sorted(keys)]
            if len(rows) > 20 * BATCH:
                name_key.objects.bulk_create(rows, batch_size=BATCH)
                rows = []
        name_key.objects.bulk_create(rows, batch_size=BATCH)


def assess_anew(apps, schema_editor):
    waiting = ["submitted", "pending", "returned"]
    signatories = apps.get_model("signatories", "Signatory").objects
    signatories.filter(state__in=waiting).update(assessed_at=None)


class Migration(migrations.Migration):

    dependencies = [
        ('letter', '0001_letters_editions_listings'),
        ('signatories', '0010_mails_newest_first'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='signatory',
            name='likely_same_as',
            field=models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='signatories.signatory', verbose_name='likely duplicate of'),
        ),
        migrations.AddIndex(
            model_name='signatory',
            index=models.Index(condition=models.Q(('assessed_at__isnull', True), ('likely_same_as__isnull', False)), fields=['id'], name='signatory_duplicate_unassessed'),
        ),
        migrations.AddIndex(
            model_name='signatory',
            index=models.Index(condition=models.Q(('likely_same_as__isnull', False)), fields=['letter', 'state'], name='signatory_duplicates'),
        ),
        # Last: PostgreSQL alters no table of which rows were changed in the same transaction.
        migrations.RunPython(index_names, migrations.RunPython.noop),
        migrations.RunPython(assess_anew, migrations.RunPython.noop),
    ]
