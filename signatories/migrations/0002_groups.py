"""The three groups that come with the product: who decides, who writes, who reads.

Coordinators decide about sign-ons, editors write the letters' texts, observers read. Django makes
permissions only after all migrations have run, so those needed here are made here, under the names
that Django would give them; it then finds them there.
"""

from django.db import migrations

VIEW = ["view_letter", "view_revision", "view_revisiontext", "view_edition", "view_listing"]
VIEW_REGISTRY = [
    "view_organization",
    "view_signatory",
    "view_decision",
    "view_correction",
    "view_message",
]
GROUPS = {
    "coordinator": [
        *VIEW,
        *VIEW_REGISTRY,
        "add_signatory",
        "change_signatory",
        "decide_signatory",
        "change_organization",
        "change_message",
    ],
    "editor": [
        *VIEW,
        "add_letter",
        "change_letter",
        "add_revision",
        "change_revision",
        "add_revisiontext",
        "change_revisiontext",
        "delete_revisiontext",
    ],
    "observer": [*VIEW, *VIEW_REGISTRY],
}
LETTER_MODELS = {"letter", "revision", "revisiontext", "edition", "listing"}
OWN_NAMES = {"decide_signatory": "Can decide about sign-ons"}


def make_groups(apps, schema_editor):
    content_type = apps.get_model("contenttypes", "ContentType")
    permission = apps.get_model("auth", "Permission")
    group = apps.get_model("auth", "Group")
    for name, codenames in GROUPS.items():
        made, _created = group.objects.get_or_create(name=name)
        for codename in codenames:
            verb, model = codename.split("_", 1)
            app = "letter" if model in LETTER_MODELS else "signatories"
            of, _created = content_type.objects.get_or_create(app_label=app, model=model)
            verbose = apps.get_model(app, model)._meta.verbose_name
            granted, _created = permission.objects.get_or_create(
                content_type=of,
                codename=codename,
                defaults={"name": OWN_NAMES.get(codename, f"Can {verb} {verbose}")},
            )
            made.permissions.add(granted)


def remove_groups(apps, schema_editor):
    apps.get_model("auth", "Group").objects.filter(name__in=GROUPS).delete()


class Migration(migrations.Migration):
    dependencies = [
        ("signatories", "0001_registry_decisions_messages"),
        ("letter", "0001_letters_editions_listings"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]
    operations = [migrations.RunPython(make_groups, remove_groups)]
