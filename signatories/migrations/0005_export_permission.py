"""The permission to take contacts out of the database in a file, for coordinators.

Made here under the name that Django would give it, as in 0002_groups.
"""

from django.db import migrations

CODENAME = "export_signatory"


def grant(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType")
    permission = apps.get_model("auth", "Permission")
    of, _created = content_type.objects.get_or_create(app_label="signatories", model="signatory")
    granted, _created = permission.objects.get_or_create(
        content_type=of, codename=CODENAME, defaults={"name": "Can take out contacts"}
    )
    for group in apps.get_model("auth", "Group").objects.filter(name="coordinator"):
        group.permissions.add(granted)


def take_back(apps, schema_editor):
    apps.get_model("auth", "Permission").objects.filter(
        content_type__app_label="signatories", codename=CODENAME
    ).delete()


class Migration(migrations.Migration):
    dependencies = [("signatories", "0004_saved_reasons_permissions")]
    operations = [
        migrations.AlterModelOptions(
            name="signatory",
            options={
                "permissions": (
                    ("decide_signatory", "Can decide about sign-ons"),
                    ("export_signatory", "Can take out contacts"),
                ),
                "verbose_name": "signatory",
                "verbose_name_plural": "signatories",
            },
        ),
        migrations.RunPython(grant, take_back),
    ]
