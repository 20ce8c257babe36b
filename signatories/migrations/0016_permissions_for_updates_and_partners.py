"""Who hands a letter over, writes its updates and makes partners' links; whoever could read before reads these too.

The permissions are made here under the names that Django would give them, as in 0002_groups.
"""

from django.db import migrations

VERBS = ("add", "change", "delete", "view")
UPDATES = {("letter", "delivery"), ("letter", "update"), ("letter", "updatetext")}
PARTNERS = {("signatories", "partner")}
MAY = {
    "coordinator": {(verb, *model) for verb in VERBS for model in UPDATES | PARTNERS},
    "letter coordinator": {(verb, *model) for verb in VERBS for model in UPDATES | PARTNERS},
    "editor": {(verb, *model) for verb in VERBS for model in UPDATES},
    "observer": {("view", *model) for model in UPDATES | PARTNERS},
}


def grant(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType")
    permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group")
    for name, allowed in MAY.items():
        # A group that was renamed or removed is left as it is.
        for found in group.objects.filter(name=name):
            for verb, app, model in sorted(allowed):
                of, _created = content_type.objects.get_or_create(app_label=app, model=model)
                verbose = apps.get_model(app, model)._meta.verbose_name
                granted, _created = permission.objects.get_or_create(
                    content_type=of,
                    codename=f"{verb}_{model}",
                    defaults={"name": f"Can {verb} {verbose}"},
                )
                found.permissions.add(granted)


def take_back(apps, schema_editor):
    permission = apps.get_model("auth", "Permission")
    for app, model in UPDATES | PARTNERS:
        permission.objects.filter(
            content_type__app_label=app, content_type__model=model
        ).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("signatories", "0015_partners_updates_other_names"),
        ("letter", "0004_deliveries_updates_logos_other_names"),
    ]
    operations = [migrations.RunPython(grant, take_back)]
