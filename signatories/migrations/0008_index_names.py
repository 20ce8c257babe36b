"""Index the names that are there, and let coordinators keep organisations' other names."""

from django.db import migrations

from signatories.likeness import keys_of

BATCH = 500
PERMISSIONS = {
    "coordinator": ["add_alias", "change_alias", "delete_alias", "view_alias"],
    "observer": ["view_alias"],
}


def index_names(apps, schema_editor):
    name_key = apps.get_model("signatories", "NameKey")
    name_key.objects.all().delete()
    for model, field in (("Organization", "organization_id"), ("Signatory", "signatory_id")):
        rows = apps.get_model("signatories", model).objects.values_list("pk", "name", "website")
        keys = (
            name_key(key=key, **{field: pk})
            for pk, name, website in rows.order_by("pk")
            for key in sorted(keys_of(name, website))
        )
        name_key.objects.bulk_create(keys, batch_size=BATCH)


def forget_names(apps, schema_editor):
    apps.get_model("signatories", "NameKey").objects.all().delete()


def grant(apps, schema_editor):
    permission = apps.get_model("auth", "Permission")
    of, _created = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label="signatories", model="alias"
    )
    # Somebody may have removed or renamed a group: then it gets nothing.
    for group in apps.get_model("auth", "Group").objects.filter(name__in=PERMISSIONS):
        for codename in PERMISSIONS[group.name]:
            granted, _created = permission.objects.get_or_create(
                content_type=of,
                codename=codename,
                defaults={"name": f"Can {codename.partition('_')[0]} other name"},
            )
            group.permissions.add(granted)


def take_back(apps, schema_editor):
    for group in apps.get_model("auth", "Group").objects.filter(name__in=PERMISSIONS):
        group.permissions.remove(
            *group.permissions.filter(codename__in=PERMISSIONS[group.name])
        )


class Migration(migrations.Migration):
    dependencies = [("signatories", "0007_name_keys")]
    operations = [
        migrations.RunPython(index_names, forget_names),
        migrations.RunPython(grant, take_back),
    ]
